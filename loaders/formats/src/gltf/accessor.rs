//! Numbers out of buffers: accessors, sparse ones too, over plain views and over views compressed with
//! EXT_meshopt_compression (Khronos vendor extension, also written by our own `convert`).

use crate::surroundings::{Surroundings, percent_decoded};
use base64::Engine;
use gltf::json::{
    self,
    accessor::{ComponentType, Type},
    validation::Checked,
};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// Why an accessor gives nothing.
pub type Fault = String;

/// Views that unpack to more than this are refused.
const MAX_UNPACKED_BYTES: usize = 2 << 30;
/// Larger buffers beside the file are refused.
const MAX_BUFFER_BYTES: u64 = 4 << 30;
/// Elements of an accessor without data (all zero).
const MAX_ZEROS: u64 = 1 << 22;

/// The buffers of a file.
pub struct Data<'a> {
    root: &'a json::Root,
    buffers: Vec<Result<Cow<'a, [u8]>, Fault>>,
    unpacked: HashMap<usize, Rc<Vec<u8>>>,
    warnings: Vec<String>,
}

/// Where elements lie: in which bytes, at which distance.
struct View {
    bytes: Bytes,
    stride: Option<usize>,
}

enum Bytes {
    Buffer(usize, Range<usize>),
    Unpacked(Rc<Vec<u8>>),
}

/// The extension's object in a view.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compression {
    buffer: usize,
    #[serde(default)]
    byte_offset: usize,
    byte_length: usize,
    byte_stride: usize,
    count: usize,
    mode: String,
    #[serde(default)]
    filter: Option<String>,
}

impl<'a> Data<'a> {
    /// Opens all buffers. One that cannot be opened is a warning, and what needs it will be missing.
    pub fn open(root: &'a json::Root, binary: Option<&'a [u8]>, around: &Surroundings) -> Self {
        let mut warnings = Vec::new();
        let mut buffers = Vec::with_capacity(root.buffers.len());
        for (number, buffer) in root.buffers.iter().enumerate() {
            let opened = match &buffer.uri {
                // Without a name it is the one in the file, or a placeholder for compressed views.
                None if number == 0 => Ok(Cow::Borrowed(binary.unwrap_or_default())),
                None => Ok(Cow::Borrowed(&[][..])),
                Some(uri) => read_uri(uri, around, MAX_BUFFER_BYTES).map(Cow::Owned).map_err(|reason| {
                    let shown: String = uri.chars().take(80).collect();
                    let reason = format!("buffer \"{shown}\" is not read: {reason}");
                    warnings.push(reason.clone());
                    reason
                }),
            };
            buffers.push(opened);
        }
        Self { root, buffers, unpacked: HashMap::new(), warnings }
    }

    /// What could not be opened.
    pub fn into_warnings(self) -> Vec<String> {
        self.warnings
    }

    /// Elements with at least `N` components as floats; normalised integers become -1 to 1 or 0 to 1. Missing
    /// components of `fill` are left as they are there.
    pub fn floats<const N: usize>(
        &mut self,
        index: usize,
        fill: [f32; N],
        least: usize,
    ) -> Result<Vec<[f32; N]>, Fault> {
        let accessor = self.accessor(index)?;
        let (component, kind) = kinds(accessor)?;
        let components = kind.multiplicity();
        if components < least || matches!(kind, Type::Mat2 | Type::Mat3 | Type::Mat4) {
            return Err(format!("accessor {index} has {components} components"));
        }
        let normalized = accessor.normalized;
        let width = component.size();
        self.elements(index, |element| {
            let mut value = fill;
            for (v, bytes) in value.iter_mut().zip(element.chunks_exact(width)).take(components) {
                *v = number(component, bytes, normalized);
            }
            value
        })
    }

    /// Whole numbers.
    pub fn indices(&mut self, index: usize) -> Result<Vec<u32>, Fault> {
        let (component, kind) = kinds(self.accessor(index)?)?;
        if kind != Type::Scalar || !matches!(component, ComponentType::U8 | ComponentType::U16 | ComponentType::U32) {
            return Err(format!("accessor {index} holds no indices"));
        }
        self.elements(index, |bytes| whole(component, bytes))
    }

    /// What lies in a view.
    pub fn bytes(&mut self, view: usize) -> Result<Cow<'_, [u8]>, Fault> {
        match self.view(view)?.bytes {
            Bytes::Unpacked(bytes) => Ok(Cow::Owned(bytes.to_vec())),
            Bytes::Buffer(number, range) => match self.buffers.get(number) {
                Some(Ok(buffer)) => Ok(Cow::Borrowed(&buffer[range])),
                _ => Err(format!("buffer {number} is not there")),
            },
        }
    }

    fn accessor(&self, index: usize) -> Result<&'a json::Accessor, Fault> {
        self.root.accessors.get(index).ok_or_else(|| format!("accessor {index} is not there"))
    }

    /// All elements, each from its bytes.
    fn elements<T: Clone>(&mut self, index: usize, read: impl Fn(&[u8]) -> T) -> Result<Vec<T>, Fault> {
        let accessor = self.accessor(index)?;
        let (component, kind) = kinds(accessor)?;
        let size = component.size() * kind.multiplicity();
        let count = accessor.count.0;
        let mut values = match accessor.buffer_view {
            Some(view) => {
                let offset = accessor.byte_offset.map_or(0, |o| o.0);
                self.strided(view.value(), offset, count, size, &read)?
            }
            None if count <= MAX_ZEROS => vec![read(&vec![0; size]); to_usize(count)?],
            None => return Err(format!("accessor {index} has {count} elements and no data")),
        };
        if let Some(sparse) = &accessor.sparse {
            let Checked::Valid(json::accessor::IndexComponentType(component)) = sparse.indices.component_type else {
                return Err(format!("accessor {index} has sparse indices of an unknown kind"));
            };
            let count = sparse.count.0;
            let (places, offset) = (sparse.indices.buffer_view.value(), sparse.indices.byte_offset.0);
            let places = self.strided(places, offset, count, component.size(), &|bytes| whole(component, bytes))?;
            let (changed, offset) = (sparse.values.buffer_view.value(), sparse.values.byte_offset.0);
            let changed = self.strided(changed, offset, count, size, &read)?;
            for (place, value) in places.into_iter().zip(changed) {
                if let Some(slot) = values.get_mut(place as usize) {
                    *slot = value;
                }
            }
        }
        Ok(values)
    }

    /// Elements of `size` bytes; nothing is allocated before all of them are known to be there.
    fn strided<T>(
        &mut self,
        view: usize,
        offset: u64,
        count: u64,
        size: usize,
        read: &impl Fn(&[u8]) -> T,
    ) -> Result<Vec<T>, Fault> {
        let found = self.view(view)?;
        let bytes = match &found.bytes {
            Bytes::Unpacked(bytes) => bytes.as_slice(),
            Bytes::Buffer(number, range) => match self.buffers.get(*number) {
                Some(Ok(buffer)) => &buffer[range.clone()],
                _ => &[],
            },
        };
        let stride = found.stride.unwrap_or(size);
        let (offset, count) = (to_usize(offset)?, to_usize(count)?);
        if count == 0 {
            return Ok(Vec::new());
        }
        let needed =
            (count - 1).checked_mul(stride).and_then(|n| n.checked_add(size)).and_then(|n| n.checked_add(offset));
        if stride < size || size == 0 || needed.is_none_or(|n| n > bytes.len()) {
            return Err(format!("{count} elements reach past the {} bytes of buffer view {view}", bytes.len()));
        }
        Ok((0..count).map(|i| read(&bytes[offset + i * stride..][..size])).collect())
    }

    fn view(&mut self, index: usize) -> Result<View, Fault> {
        let view = self.root.buffer_views.get(index).ok_or_else(|| format!("buffer view {index} is not there"))?;
        let compressed = view.extensions.as_ref().and_then(|e| e.others.get("EXT_meshopt_compression"));
        if let Some(compressed) = compressed {
            let parameters = Compression::deserialize(compressed)
                .map_err(|e| format!("EXT_meshopt_compression of buffer view {index}: {e}"))?;
            let stride = Some(parameters.byte_stride);
            let bytes = match self.unpacked.get(&index) {
                Some(known) => Rc::clone(known),
                None => {
                    let bytes = Rc::new(self.unpack(&parameters).map_err(|e| format!("buffer view {index}: {e}"))?);
                    self.unpacked.insert(index, Rc::clone(&bytes));
                    bytes
                }
            };
            return Ok(View { bytes: Bytes::Unpacked(bytes), stride });
        }
        // A view that reaches past a buffer that was cut off keeps what is there: accessors are checked on their own.
        let number = view.buffer.value();
        let there = self.buffers.get(number).and_then(|b| b.as_ref().ok()).map_or(0, |b| b.len() as u64);
        let offset = view.byte_offset.map_or(0, |o| o.0);
        let range = self.range(number, offset, view.byte_length.0.min(there.saturating_sub(offset)))?;
        Ok(View { bytes: Bytes::Buffer(number, range), stride: view.byte_stride.map(|s| s.0) })
    }

    /// A range that lies in its buffer.
    fn range(&self, buffer: usize, offset: u64, length: u64) -> Result<Range<usize>, Fault> {
        let bytes = match self.buffers.get(buffer) {
            Some(Ok(bytes)) => bytes,
            Some(Err(reason)) => return Err(reason.clone()),
            None => return Err(format!("buffer {buffer} is not there")),
        };
        let (start, length) = (to_usize(offset)?, to_usize(length)?);
        let end = start.checked_add(length).filter(|end| *end <= bytes.len());
        let end = end.ok_or_else(|| {
            format!("{length} bytes at {start} reach past the {} bytes of buffer {buffer}", bytes.len())
        })?;
        Ok(start..end)
    }

    fn unpack(&self, from: &Compression) -> Result<Vec<u8>, Fault> {
        let range = self.range(from.buffer, from.byte_offset as u64, from.byte_length as u64)?;
        let Some(Ok(buffer)) = self.buffers.get(from.buffer) else { return Err("its buffer is not there".to_owned()) };
        let size = from.count.checked_mul(from.byte_stride).filter(|size| *size <= MAX_UNPACKED_BYTES);
        if size.is_none() || from.count == 0 {
            return Err(format!("it would unpack to {} elements of {} bytes", from.count, from.byte_stride));
        }
        super::unpack::unpack(&buffer[range], &from.mode, from.filter.as_deref(), from.byte_stride, from.count)
    }
}

fn kinds(accessor: &json::Accessor) -> Result<(ComponentType, Type), Fault> {
    match (accessor.component_type, accessor.type_) {
        (Checked::Valid(json::accessor::GenericComponentType(component)), Checked::Valid(kind)) => {
            Ok((component, kind))
        }
        _ => Err("an accessor has elements of an unknown kind".to_owned()),
    }
}

/// One component. Normalised integers as glTF 2.0, 3.11 has them.
#[expect(clippy::cast_precision_loss, reason = "32-bit numbers are no coordinates")]
fn number(component: ComponentType, bytes: &[u8], normalized: bool) -> f32 {
    let (value, scale) = match (component, bytes) {
        (ComponentType::I8, [a, ..]) => (f32::from(a.cast_signed()), 127.0),
        (ComponentType::U8, [a, ..]) => (f32::from(*a), 255.0),
        (ComponentType::I16, [a, b, ..]) => (f32::from(i16::from_le_bytes([*a, *b])), 32767.0),
        (ComponentType::U16, [a, b, ..]) => (f32::from(u16::from_le_bytes([*a, *b])), 65535.0),
        (ComponentType::U32, [a, b, c, d, ..]) => (u32::from_le_bytes([*a, *b, *c, *d]) as f32, 1.0),
        (ComponentType::F32, [a, b, c, d, ..]) => (f32::from_le_bytes([*a, *b, *c, *d]), 1.0),
        _ => (0.0, 1.0),
    };
    if normalized { (value / scale).max(-1.0) } else { value }
}

fn whole(component: ComponentType, bytes: &[u8]) -> u32 {
    match (component, bytes) {
        (ComponentType::U8, [a, ..]) => u32::from(*a),
        (ComponentType::U16, [a, b, ..]) => u32::from(u16::from_le_bytes([*a, *b])),
        (ComponentType::U32, [a, b, c, d, ..]) => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => u32::MAX,
    }
}

fn to_usize(number: u64) -> Result<usize, Fault> {
    usize::try_from(number).map_err(|_| format!("{number} is too large"))
}

/// What a name in the file stands for, if it has so many bytes at most.
pub fn read_uri(uri: &str, around: &Surroundings, most: u64) -> Result<Vec<u8>, Fault> {
    if let Some(data) = uri.strip_prefix("data:") {
        let (_, text) = data.split_once(";base64,").ok_or("its data is not in base64")?;
        return base64::engine::general_purpose::STANDARD.decode(text).map_err(|e| format!("base64: {e}"));
    }
    let name = percent_decoded(uri).ok_or("its name is no text")?;
    around.read_at_most(&name, most).map_err(|e| e.to_string())
}
