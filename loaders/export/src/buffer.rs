//! The one buffer of the file, its compressed views and their accessors.

use crate::ExportError;
use bytemuck::Pod;
use serde_json::{Value, json};

const ATTRIBUTES: u32 = 34962;
const INDICES: u32 = 34963;
const BYTE: u32 = 5120;
const UNSIGNED_SHORT: u32 = 5123;
const UNSIGNED_INT: u32 = 5125;
const FLOAT: u32 = 5126;
/// Best compression of the codec that is still fast.
const LEVEL: i32 = 2;
/// The version of the vertex codec that the extension allows.
const VERSION: i32 = 0;
/// Bits of a component of a normal.
const NORMAL_BITS: i32 = 8;

/// Grows view by view.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
    /// Length of all views when unpacked.
    unpacked: usize,
}

impl Buffer {
    /// Positions on a grid; the fourth number is padding. Gives the accessor.
    pub fn grid(&mut self, points: &[[u16; 4]]) -> Result<usize, ExportError> {
        let view = self.attributes(points, "NONE")?;
        let axis = |i: usize| points.iter().map(move |p| p[i]);
        let min: Vec<u16> = (0..3).map(|i| axis(i).min().unwrap_or_default()).collect();
        let max: Vec<u16> = (0..3).map(|i| axis(i).max().unwrap_or_default()).collect();
        Ok(self.accessor(json!({
            "bufferView": view, "componentType": UNSIGNED_SHORT, "count": points.len(), "type": "VEC3", "min": min, "max": max,
        })))
    }

    /// Positions as they are.
    pub fn floats(&mut self, points: &[[f32; 3]]) -> Result<usize, ExportError> {
        let view = self.attributes(points, "NONE")?;
        let axis = |i: usize| points.iter().map(move |p| p[i]);
        let min: Vec<f32> = (0..3).map(|i| axis(i).fold(f32::INFINITY, f32::min)).collect();
        let max: Vec<f32> = (0..3).map(|i| axis(i).fold(f32::NEG_INFINITY, f32::max)).collect();
        Ok(self.accessor(json!({
            "bufferView": view, "componentType": FLOAT, "count": points.len(), "type": "VEC3", "min": min, "max": max,
        })))
    }

    /// Unit vectors.
    pub fn normals(&mut self, normals: &[[f32; 3]]) -> Result<usize, ExportError> {
        let wide: Vec<[f32; 4]> = normals.iter().map(|[x, y, z]| [*x, *y, *z, 0.0]).collect();
        let packed: Vec<[i8; 4]> = meshopt::encode_filter_oct(&wide, NORMAL_BITS);
        let view = self.attributes(&packed, "OCTAHEDRAL")?;
        Ok(self.accessor(json!({
            "bufferView": view, "componentType": BYTE, "normalized": true, "count": normals.len(), "type": "VEC3",
        })))
    }

    /// Triangles of several primitives in one view; gives an accessor for each of `counts` indices.
    pub fn triangles(&mut self, indices: &[u32], counts: &[usize], vertices: usize) -> Result<Vec<usize>, ExportError> {
        let encoded = meshopt::encode_index_buffer(indices, vertices).map_err(|e| ExportError::Codec(e.to_string()))?;
        // The largest 16-bit number restarts a primitive and is no index.
        let (width, kind) = if vertices <= usize::from(u16::MAX) { (2, UNSIGNED_SHORT) } else { (4, UNSIGNED_INT) };
        let view = self.view(&encoded, indices.len(), width, "TRIANGLES", "NONE");
        let mut first = 0;
        Ok(counts
            .iter()
            .map(|count| {
                let offset = first * width;
                first += count;
                self.accessor(json!({
                    "bufferView": view, "byteOffset": offset, "componentType": kind, "count": count, "type": "SCALAR",
                }))
            })
            .collect())
    }

    /// Views, accessors and descriptions of the buffers, and the bytes of the first of these.
    pub fn finish(self) -> (Value, Value, Value, Vec<u8>) {
        let buffers = json!([
            { "byteLength": self.bytes.len() },
            // Stands for what the views unpack to; readers without the extension cannot read the file.
            { "byteLength": self.unpacked, "extensions": { "EXT_meshopt_compression": { "fallback": true } } },
        ]);
        (Value::Array(self.views), Value::Array(self.accessors), buffers, self.bytes)
    }

    fn attributes<T: Pod>(&mut self, elements: &[T], filter: &str) -> Result<usize, ExportError> {
        let encoded = meshopt::encode_vertex_buffer_level(elements, LEVEL, Some(VERSION));
        let encoded = encoded.map_err(|e| ExportError::Codec(e.to_string()))?;
        Ok(self.view(&encoded, elements.len(), size_of::<T>(), "ATTRIBUTES", filter))
    }

    fn view(&mut self, encoded: &[u8], count: usize, stride: usize, mode: &str, filter: &str) -> usize {
        let length = count * stride;
        let mut view = json!({
            "buffer": 1, "byteOffset": self.unpacked, "byteLength": length,
            "target": if mode == "ATTRIBUTES" { ATTRIBUTES } else { INDICES },
            "extensions": { "EXT_meshopt_compression": {
                "buffer": 0, "byteOffset": self.bytes.len(), "byteLength": encoded.len(), "byteStride": stride,
                "count": count, "mode": mode, "filter": filter,
            } },
        });
        if mode == "ATTRIBUTES" {
            view["byteStride"] = stride.into();
        }
        self.views.push(view);
        self.unpacked += length.next_multiple_of(4);
        self.bytes.extend_from_slice(encoded);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.views.len() - 1
    }

    fn accessor(&mut self, accessor: Value) -> usize {
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }
}
