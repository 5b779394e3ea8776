//! [`Import`]s as bytes: entries of the cache and the output of the import helper.
//!
//! Little endian, versioned, checksummed. The reader trusts nothing: every length is checked against the bytes that
//! are left before memory is taken for it, and the model is checked before it is handed out.
//!
//! ```text
//! magic     8 bytes   "RRMODEL\0"
//! version   u32       VERSION
//! reserved  u32       0
//! length    u64       bytes of the body
//! checksum  32 bytes  BLAKE3 of the body
//! body:
//!   string    = u32 length, UTF-8, zero padding to 4 bytes
//!   array     = u64 count, elements of 4-byte words
//!   unit      = u32 index into Unit::ALL; 0xFFFF_FFFF for none
//!   coordinates: unit, declared: unit, variant: string, warnings: u32 count, strings
//!   parts: u32 count, each: name, positions, normals (f32 x 3), indices (u32), colours (u32 first, u32 count, rgba),
//!          edges, lines (f32 x 3)
//!   instances: u32 count, each: part u32, name, 12 x f32 (columns of the matrix, then the translation),
//!          u32 1 and rgba, or u32 0
//! ```

use crate::Import;
use bytemuck::Pod;
use glam::Affine3A;
use rr_scene::{ColourRange, Instance, Mesh, Model, Part, Rgba8, Unit};
use std::io::{self, Write};

/// Changes with every change of the layout.
pub const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"RRMODEL\0";
const HEADER_BYTES: usize = 56;
const NO_UNIT: u32 = u32::MAX;

/// Why bytes are no model file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The first bytes are not those of a model file.
    #[error("not a model file")]
    Magic,
    /// Written by another version of the program.
    #[error("layout version {0}, expected {VERSION}")]
    Version(u32),
    /// Fewer or more bytes than the header says.
    #[error("{found} bytes where {expected} belong")]
    Length {
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A bit changed since it was written.
    #[error("the checksum does not fit")]
    Checksum,
    /// The body contradicts itself.
    #[error("{reason} (at byte {offset} of the body)")]
    Body {
        /// Where reading stopped.
        offset: usize,
        /// What is wrong.
        reason: String,
    },
}

/// Writes `import`. Fails as `out` fails, or when a name or list is longer than 32 bits can say.
pub fn write(import: &Import, out: &mut impl Write) -> io::Result<()> {
    let mut body = Body(Vec::with_capacity(body_bytes_about(import)));
    body.unit(Some(import.coordinates));
    body.unit(import.declared_unit);
    body.string(&import.variant)?;
    body.count(import.warnings.len())?;
    for warning in &import.warnings {
        body.string(warning)?;
    }
    body.count(import.model.parts.len())?;
    for part in &import.model.parts {
        body.string(&part.name)?;
        let mesh = &part.mesh;
        body.array(&mesh.positions);
        body.array(&mesh.normals);
        body.array(&mesh.indices);
        let colours: Vec<[u32; 3]> =
            mesh.colours.iter().map(|c| [c.first_triangle, c.triangle_count, u32::from_le_bytes(c.colour.0)]).collect();
        body.array(&colours);
        body.array(&mesh.edges);
        body.array(&mesh.lines);
    }
    body.count(import.model.instances.len())?;
    for instance in &import.model.instances {
        body.word(instance.part);
        body.string(&instance.name)?;
        for value in instance.model_from_part.to_cols_array() {
            body.word(value.to_bits());
        }
        body.word(u32::from(instance.colour.is_some()));
        if let Some(colour) = instance.colour {
            body.word(u32::from_le_bytes(colour.0));
        }
    }
    let body = body.0;
    let mut header = [0u8; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&(body.len() as u64).to_le_bytes());
    header[24..56].copy_from_slice(checksum(&body).as_bytes());
    out.write_all(&header)?;
    out.write_all(&body)
}

/// Reads what [`write`] wrote. Anything else is refused.
pub fn read(bytes: &[u8]) -> Result<Import, ReadError> {
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(if bytes.starts_with(MAGIC) {
            ReadError::Length { expected: HEADER_BYTES as u64, found: bytes.len() as u64 }
        } else {
            ReadError::Magic
        });
    };
    if &header[..8] != MAGIC {
        return Err(ReadError::Magic);
    }
    let version = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    if version != VERSION {
        return Err(ReadError::Version(version));
    }
    let mut length = [0u8; 8];
    length.copy_from_slice(&header[16..24]);
    let expected = u64::from_le_bytes(length);
    if expected != body.len() as u64 {
        return Err(ReadError::Length { expected, found: body.len() as u64 });
    }
    if checksum(body).as_bytes() != &header[24..56] {
        return Err(ReadError::Checksum);
    }
    let mut cursor = Cursor { body, offset: 0 };
    let import = cursor.import().map_err(|reason| ReadError::Body { offset: cursor.offset, reason })?;
    import.model.check().map_err(|reason| ReadError::Body { offset: cursor.offset, reason })?;
    Ok(import)
}

fn checksum(body: &[u8]) -> blake3::Hash {
    blake3::Hasher::new().update_rayon(body).finalize()
}

fn body_bytes_about(import: &Import) -> usize {
    let of = |m: &Mesh| {
        12 * (m.positions.len() + m.normals.len() + m.colours.len() + m.edges.len() + m.lines.len())
            + 4 * m.indices.len()
    };
    import.model.parts.iter().map(|p| of(&p.mesh) + p.name.len() + 64).sum::<usize>()
        + import.model.instances.len() * 128
        + 1024
}

struct Body(Vec<u8>);

impl Body {
    fn word(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn count(&mut self, count: usize) -> io::Result<()> {
        let count = u32::try_from(count).map_err(|_| io::Error::other("a list of more than 2^32 elements"))?;
        self.word(count);
        Ok(())
    }

    fn unit(&mut self, unit: Option<Unit>) {
        let index = unit.and_then(|unit| Unit::ALL.iter().position(|u| *u == unit));
        self.word(index.and_then(|i| u32::try_from(i).ok()).unwrap_or(NO_UNIT));
    }

    fn string(&mut self, text: &str) -> io::Result<()> {
        self.count(text.len())?;
        self.0.extend_from_slice(text.as_bytes());
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        Ok(())
    }

    /// `T` is made of 4-byte words.
    fn array<T: Pod>(&mut self, items: &[T]) {
        self.0.extend_from_slice(&(items.len() as u64).to_le_bytes());
        let bytes: &[u8] = bytemuck::cast_slice(items);
        if cfg!(target_endian = "little") {
            self.0.extend_from_slice(bytes);
        } else {
            self.0.extend(bytes.chunks_exact(4).flat_map(|w| [w[3], w[2], w[1], w[0]]));
        }
    }
}

struct Cursor<'a> {
    body: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn import(&mut self) -> Result<Import, String> {
        let coordinates = self.unit()?.ok_or("the unit of the coordinates is missing")?;
        let declared_unit = self.unit()?;
        let variant = self.string()?;
        let warnings = self.list(4, Self::string)?;
        let parts = self.list(4 + 6 * 8, Self::part)?;
        let instances = self.list(4 + 4 + 48 + 4, Self::instance)?;
        if self.offset != self.body.len() {
            return Err(format!("{} bytes are left over", self.body.len() - self.offset));
        }
        Ok(Import { model: Model { parts, instances }, coordinates, declared_unit, variant, warnings })
    }

    fn part(&mut self) -> Result<Part, String> {
        let name = self.string()?;
        let positions = self.array()?;
        let normals = self.array()?;
        let indices = self.array()?;
        let colours = self.array::<[u32; 3]>()?.into_iter().map(|[first_triangle, triangle_count, rgba]| ColourRange {
            first_triangle,
            triangle_count,
            colour: Rgba8(rgba.to_le_bytes()),
        });
        let colours = colours.collect();
        let (edges, lines) = (self.array()?, self.array()?);
        Ok(Part { name, mesh: Mesh { positions, normals, indices, colours, edges, lines } })
    }

    fn instance(&mut self) -> Result<Instance, String> {
        let part = self.word()?;
        let name = self.string()?;
        let mut columns = [0f32; 12];
        for value in &mut columns {
            *value = f32::from_bits(self.word()?);
        }
        let colour = match self.word()? {
            0 => None,
            1 => Some(Rgba8(self.word()?.to_le_bytes())),
            other => return Err(format!("{other} where a colour's presence belongs")),
        };
        Ok(Instance { part, name, model_from_part: Affine3A::from_cols_array(&columns), colour })
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let left = &self.body[self.offset..];
        let taken = left.get(..len).ok_or_else(|| format!("{len} bytes promised, {} left", left.len()))?;
        self.offset += len;
        Ok(taken)
    }

    fn word(&mut self) -> Result<u32, String> {
        let b = self.take(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn unit(&mut self) -> Result<Option<Unit>, String> {
        match self.word()? {
            NO_UNIT => Ok(None),
            index => Unit::ALL.get(index as usize).copied().map(Some).ok_or_else(|| format!("unknown unit {index}")),
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let len = self.word()? as usize;
        let text = self.take(len)?;
        let text = std::str::from_utf8(text).map_err(|e| format!("a text is not UTF-8: {e}"))?.to_owned();
        self.take(len.next_multiple_of(4) - len)?;
        Ok(text)
    }

    /// A list whose elements take at least `least_bytes` each.
    fn list<T>(&mut self, least_bytes: usize, item: impl Fn(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let count = self.word()? as usize;
        let left = self.body.len() - self.offset;
        if count > left / least_bytes {
            return Err(format!("{count} elements promised, {left} bytes left"));
        }
        (0..count).map(|_| item(self)).collect()
    }

    /// `T` is made of 4-byte words.
    fn array<T: Pod>(&mut self) -> Result<Vec<T>, String> {
        let low = u64::from(self.word()?);
        let count = u64::from(self.word()?) << 32 | low;
        let left = self.body.len() - self.offset;
        let count = usize::try_from(count).ok().filter(|count| *count <= left / size_of::<T>());
        let Some(count) = count else { return Err(format!("an array of more elements than {left} bytes can hold")) };
        let mut items = vec![T::zeroed(); count];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut items);
        bytes.copy_from_slice(self.take(bytes.len())?);
        if cfg!(target_endian = "big") {
            bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse);
        }
        Ok(items)
    }
}
