//! [`Content`] as bytes: an entry of the cache.
//!
//! Little endian, versioned, checksummed. The reader trusts nothing: the lengths are checked against the length of the
//! file before memory is taken for them, and shapes are checked before they are handed out. Arrays are read straight
//! into the memory in which they stay, and not at all when the shape is in use already.
//!
//! ```text
//! magic     8 bytes   "RRMODEL\0"
//! version   u32       VERSION
//! shapes    u32       number of pieces, and one more when there is a stand-in
//! length    u64       bytes of the rest
//! checksum  32 bytes  BLAKE3 of the head
//! head:
//!   facts   u64 length, JSON, zero padding to 8 bytes
//!   Record  for each shape
//!   Place   12 x f32 (columns of the matrix, then the translation), rgba, u32 1 when there is a colour; for each place
//!           of each piece
//! arrays, for each shape: corners, indices, edges, lines, indices of all levels, levels
//! ```

use crate::beside::Beside;
use crate::prepare::hash_of;
use crate::report::Findings;
use crate::{Content, ShapeStore};
use bytemuck::{Pod, Zeroable};
use glam::Affine3A;
use rr_scene::{Aabb, Corner, Grid, Level, Levels, Piece, Place, Rgba8, Segment, Shape, Unit};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::sync::OnceLock;

/// Changes with every change of the layout, and of how shapes are made.
pub const VERSION: u32 = 5;

const MAGIC: &[u8; 8] = b"RRMODEL\0";
const HEADER_BYTES: usize = 56;
/// The head of an entry is a part of it that can be held in memory twice.
const MAX_HEAD_BYTES: u64 = 1 << 30;

/// Why bytes are no entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read, or ends too early.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The first bytes are not those of an entry.
    #[error("not a cache entry")]
    Magic,
    /// Written by another version of the program.
    #[error("layout version {0}, expected {VERSION}")]
    Version(u32),
    /// A bit changed since it was written.
    #[error("the checksum does not fit")]
    Checksum,
    /// It contradicts itself.
    #[error("{0}")]
    Content(String),
}

/// What is not geometry.
#[derive(Serialize, Deserialize)]
struct Facts {
    is_refined: bool,
    coordinates: Unit,
    declared_unit: Option<Unit>,
    findings: Findings,
    beside: Vec<Beside>,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Record {
    hash: [u8; 32],
    /// Of the levels; the hash is that of the rest.
    levels_checksum: [u8; 32],
    grid: Grid,
    bounds: [f32; 6],
    error: f32,
    /// Bit 0: the levels were made. Bit 1: it is the stand-in. Bit 2: it is solid.
    flags: u32,
    places: u64,
    corners: u64,
    indices: u64,
    edges: u64,
    lines: u64,
    level_indices: u64,
    levels: u64,
}

const HAS_LEVELS: u32 = 1;
const IS_STAND_IN: u32 = 2;
const IS_SOLID: u32 = 4;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct PlaceRecord {
    model_from_part: [f32; 12],
    colour: [u8; 4],
    has_colour: u32,
}

impl Record {
    fn of(shape: &Shape, places: usize, flags: u32) -> Self {
        let empty = Levels::default();
        let levels = shape.levels.get();
        let l = levels.unwrap_or(&empty);
        let (min, max) = (shape.bounds.min, shape.bounds.max);
        Self {
            hash: shape.hash,
            levels_checksum: levels_checksum(l),
            grid: shape.grid,
            bounds: [min.x, min.y, min.z, max.x, max.y, max.z],
            error: shape.error,
            flags: flags | if levels.is_some() { HAS_LEVELS } else { 0 } | if l.is_solid { IS_SOLID } else { 0 },
            places: places as u64,
            corners: shape.corners.len() as u64,
            indices: shape.indices.len() as u64,
            edges: shape.edges.len() as u64,
            lines: shape.lines.len() as u64,
            level_indices: l.indices.len() as u64,
            levels: l.levels.len() as u64,
        }
    }

    /// Bytes of its arrays; `None` when nobody could have that many.
    fn bytes(&self) -> Option<u64> {
        let sizes = [
            (self.corners, size_of::<Corner>()),
            (self.indices, 4),
            (self.edges, size_of::<Segment>()),
            (self.lines, size_of::<Segment>()),
            (self.level_indices, 4),
            (self.levels, size_of::<Level>()),
        ];
        sizes.iter().try_fold(0u64, |sum, (count, size)| sum.checked_add(count.checked_mul(*size as u64)?))
    }
}

/// Writes `content`. Fails as `out` fails.
pub fn write(content: &Content, out: &mut impl Write) -> io::Result<()> {
    let mut shapes: Vec<(&Shape, Record)> =
        content.pieces.iter().map(|p| (&*p.shape, Record::of(&p.shape, p.places.len(), 0))).collect();
    shapes.extend(content.stand_in.as_ref().map(|s| (&**s, Record::of(s, 0, IS_STAND_IN))));
    let facts = Facts {
        is_refined: content.is_refined,
        coordinates: content.coordinates,
        declared_unit: content.declared_unit,
        findings: content.findings.clone(),
        beside: content.beside.clone(),
    };
    let facts = serde_json::to_vec(&facts)?;
    let mut head = (facts.len() as u64).to_le_bytes().to_vec();
    head.extend(facts);
    head.resize(head.len().next_multiple_of(8), 0);
    shapes.iter().for_each(|(_, record)| head.extend_from_slice(bytemuck::bytes_of(record)));
    for place in content.pieces.iter().flat_map(|p| &p.places) {
        let record = PlaceRecord {
            model_from_part: place.model_from_part.to_cols_array(),
            colour: place.colour.map_or([0; 4], |c| c.0),
            has_colour: u32::from(place.colour.is_some()),
        };
        head.extend_from_slice(bytemuck::bytes_of(&record));
    }
    let arrays: u64 = shapes.iter().filter_map(|(_, r)| r.bytes()).sum();
    let count = u32::try_from(shapes.len()).map_err(|_| io::Error::other("more shapes than an entry can hold"))?;
    let mut header = [0u8; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&count.to_le_bytes());
    header[16..24].copy_from_slice(&(head.len() as u64 + arrays).to_le_bytes());
    header[24..56].copy_from_slice(head_checksum(&head).as_bytes());
    out.write_all(&header)?;
    out.write_all(&head)?;
    for (shape, _) in shapes {
        out.write_all(bytemuck::cast_slice(&shape.corners))?;
        out.write_all(bytemuck::cast_slice(&shape.indices))?;
        out.write_all(bytemuck::cast_slice(&shape.edges))?;
        out.write_all(bytemuck::cast_slice(&shape.lines))?;
        if let Some(levels) = shape.levels.get() {
            out.write_all(bytemuck::cast_slice(&levels.indices))?;
            out.write_all(bytemuck::cast_slice(&levels.levels))?;
        }
    }
    Ok(())
}

/// Reads what [`write`] wrote, from `file_bytes` bytes. Anything else is refused. Shapes that are in the store are taken
/// from there.
pub fn read(input: &mut impl Read, file_bytes: u64, store: &ShapeStore) -> Result<Content, ReadError> {
    let mut header = [0u8; HEADER_BYTES];
    input.read_exact(&mut header)?;
    if &header[..8] != MAGIC {
        return Err(ReadError::Magic);
    }
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if word(8) != VERSION {
        return Err(ReadError::Version(word(8)));
    }
    let (count, rest) = (word(12) as usize, u64::from(word(16)) | u64::from(word(20)) << 32);
    if file_bytes.checked_sub(HEADER_BYTES as u64) != Some(rest) {
        return Err(wrong(format!("{file_bytes} bytes where {rest} and a header belong")));
    }
    let mut head = Head { input, bytes: Vec::new(), left: rest.min(MAX_HEAD_BYTES) };
    let mut length = [0u8; 8];
    length.copy_from_slice(head.take(8)?);
    let facts = head.take(usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX))?.to_vec();
    head.take(facts.len().next_multiple_of(8) - facts.len())?;
    let records: Vec<Record> = head.records(count)?;
    let places = records.iter().try_fold(0usize, |sum, r| sum.checked_add(usize::try_from(r.places).ok()?));
    let places: Vec<PlaceRecord> = head.records(places.ok_or_else(|| wrong("too many places"))?)?;
    if head_checksum(&head.bytes).as_bytes() != &header[24..56] {
        return Err(ReadError::Checksum);
    }
    let arrays = records.iter().try_fold(head.bytes.len() as u64, |sum, r| sum.checked_add(r.bytes()?));
    if arrays != Some(rest) {
        return Err(wrong("the arrays are longer or shorter than promised"));
    }
    let facts: Facts = serde_json::from_slice(&facts).map_err(|e| wrong(e.to_string()))?;
    let mut content = Content {
        pieces: Vec::with_capacity(records.len()),
        stand_in: None,
        is_refined: facts.is_refined,
        coordinates: facts.coordinates,
        declared_unit: facts.declared_unit,
        findings: facts.findings,
        beside: facts.beside,
    };
    let mut places = places.iter();
    for record in &records {
        let shape = match store.find(&record.hash).filter(|s| s.levels.get().is_some() || record.level_indices == 0) {
            Some(known) => {
                let bytes = record.bytes().unwrap_or(u64::MAX);
                io::copy(&mut input.by_ref().take(bytes), &mut io::sink())?;
                known
            }
            None => store.keep_with_levels(read_shape(input, record)?),
        };
        if record.flags & IS_STAND_IN != 0 {
            content.stand_in = Some(shape);
            continue;
        }
        let own = places.by_ref().take(usize::try_from(record.places).unwrap_or(usize::MAX)).map(place);
        content.pieces.push(Piece { shape, places: own.collect::<Result<_, _>>()? });
    }
    Ok(content)
}

fn place(record: &PlaceRecord) -> Result<Place, ReadError> {
    let model_from_part = Affine3A::from_cols_array(&record.model_from_part);
    let colour = (record.has_colour != 0).then_some(Rgba8(record.colour));
    let place = Place { model_from_part, colour };
    if model_from_part.is_finite() { Ok(place) } else { Err(wrong("a place is not finite")) }
}

fn read_shape(input: &mut impl Read, record: &Record) -> Result<Shape, ReadError> {
    let [a, b, c, d, e, f] = record.bounds;
    let mut shape = Shape {
        grid: record.grid,
        corners: array(input, record.corners)?,
        indices: array(input, record.indices)?,
        edges: array(input, record.edges)?,
        lines: array(input, record.lines)?,
        bounds: Aabb { min: [a, b, c].into(), max: [d, e, f].into() },
        error: record.error,
        hash: record.hash,
        ..Shape::default()
    };
    let levels = Levels {
        indices: array(input, record.level_indices)?,
        levels: array(input, record.levels)?,
        is_solid: record.flags & IS_SOLID != 0,
    };
    if hash_of(&shape) != record.hash || levels_checksum(&levels) != record.levels_checksum {
        return Err(ReadError::Checksum);
    }
    if record.flags & HAS_LEVELS != 0 {
        shape.levels = OnceLock::from(levels);
    }
    shape.check().map_err(wrong)?;
    Ok(shape)
}

/// The caller has checked that the file is as long as that.
fn array<T: Pod>(input: &mut impl Read, count: u64) -> Result<Vec<T>, ReadError> {
    let count = usize::try_from(count).map_err(|_| wrong("an array of more elements than memory can hold"))?;
    let mut items = crate::pages::zeroed::<T>(count);
    input.read_exact(bytemuck::cast_slice_mut(&mut items))?;
    Ok(items)
}

fn head_checksum(head: &[u8]) -> blake3::Hash {
    blake3::Hasher::new().update_rayon(head).finalize()
}

fn levels_checksum(levels: &Levels) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update_rayon(bytemuck::cast_slice(&levels.indices)).update(bytemuck::cast_slice(&levels.levels));
    hasher.finalize().into()
}

fn wrong(reason: impl Into<String>) -> ReadError {
    ReadError::Content(reason.into())
}

/// The part before the arrays, as it is read.
struct Head<'a, R> {
    input: &'a mut R,
    bytes: Vec<u8>,
    /// Bytes that the file has at most.
    left: u64,
}

impl<R: Read> Head<'_, R> {
    fn take(&mut self, count: usize) -> Result<&[u8], ReadError> {
        let Some(left) = self.left.checked_sub(count as u64) else {
            return Err(wrong(format!("{count} bytes promised, {} left", self.left)));
        };
        self.left = left;
        let start = self.bytes.len();
        self.bytes.resize(start + count, 0);
        self.input.read_exact(&mut self.bytes[start..])?;
        Ok(&self.bytes[start..])
    }

    fn records<T: Pod>(&mut self, count: usize) -> Result<Vec<T>, ReadError> {
        let bytes = self.take(count.saturating_mul(size_of::<T>()))?;
        Ok(bytemuck::pod_collect_to_vec(bytes))
    }
}

// Arrays go to the file as they lie in memory.
const _: () = assert!(cfg!(target_endian = "little"), "cache entries are little endian");

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
