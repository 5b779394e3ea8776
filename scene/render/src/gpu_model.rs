//! A model's buffers on the graphics device.

use crate::edges::order_by_size;
use crate::gpu::{Gpu, GpuError};
use crate::lod::{Levels, Source};
use crate::pack::{PackedPart, Place, Segment, Vertex, pack};
use rr_scene::{Aabb, Model};
use std::sync::OnceLock;

/// One model on the device, used by every placed device that shows it.
#[derive(Debug)]
pub(crate) struct GpuModel {
    pub(crate) parts: Vec<GpuPart>,
    pub(crate) bounds: Aabb,
    pub(crate) bytes: u64,
}

#[derive(Debug)]
pub(crate) struct GpuPart {
    pub(crate) faces: Option<Faces>,
    /// Coarser versions of the faces, once they are made.
    pub(crate) levels: OnceLock<Levels>,
    pub(crate) edges: Option<Lines>,
    pub(crate) lines: Option<Lines>,
    pub(crate) bounds: Aabb,
    pub(crate) places: Vec<Place>,
}

#[derive(Debug)]
pub(crate) struct Faces {
    pub(crate) vertices: wgpu::Buffer,
    pub(crate) indices: wgpu::Buffer,
    pub(crate) index_count: u32,
}

#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) bind_group: wgpu::BindGroup,
    pub(crate) count: u32,
    /// How large the feature of each is, largest first; empty where all are always drawn.
    sizes: Vec<f32>,
}

impl Lines {
    /// How many to draw so that no feature of `size` or more is missing.
    pub(crate) fn count_of_size(&self, size: f32) -> u32 {
        if self.sizes.is_empty() { self.count } else { count(self.sizes.partition_point(|s| *s >= size)) }
    }
}

impl GpuModel {
    /// Uploads a model; also returns what its coarser versions can be made from.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`] when it does not fit.
    pub(crate) fn upload(
        gpu: &Gpu,
        line_layout: &wgpu::BindGroupLayout,
        model: &Model,
    ) -> Result<(Self, Vec<Source>), GpuError> {
        let limits = gpu.device().limits();
        let packed = pack(model);
        for part in &packed {
            fits(part, &limits)?;
        }
        gpu.guarded(|| {
            let mut bytes = 0;
            let (mut parts, mut sources) = (Vec::with_capacity(packed.len()), Vec::with_capacity(packed.len()));
            for (index, mut part) in packed.into_iter().enumerate() {
                let uploaded = upload_part(gpu, line_layout, &mut part, &mut bytes);
                let (vertices, indices) = (part.vertices, part.indices);
                sources.push(Source { part: index, vertices, indices, radius: uploaded.bounds.radius() });
                parts.push(uploaded);
            }
            let bounds = parts.iter().fold(Aabb::EMPTY, |all, part: &GpuPart| {
                part.places.iter().fold(all, |all, p| all.union(part.bounds.transformed(&p.model_from_part)))
            });
            (Self { parts, bounds, bytes }, sources)
        })
    }
}

fn fits(part: &PackedPart, limits: &wgpu::Limits) -> Result<(), GpuError> {
    let buffer = [size_of_val(part.vertices.as_slice()), size_of_val(part.indices.as_slice())];
    let storage = [size_of_val(part.edges.as_slice()), size_of_val(part.lines.as_slice())];
    let storage_max = limits.max_buffer_size.min(limits.max_storage_buffer_binding_size);
    let too_large = buffer.iter().any(|&b| b as u64 > limits.max_buffer_size)
        || storage.iter().any(|&b| b as u64 > storage_max)
        || part.vertices.len() > u32::MAX as usize / 2
        || part.edges.len().max(part.lines.len()) > u32::MAX as usize / 8;
    if too_large {
        let text = format!("a part of {} corners is larger than one buffer may be", part.vertices.len());
        return Err(GpuError::OutOfMemory(text));
    }
    Ok(())
}

fn upload_part(gpu: &Gpu, layout: &wgpu::BindGroupLayout, part: &mut PackedPart, bytes: &mut u64) -> GpuPart {
    let faces = (!part.indices.is_empty()).then(|| {
        let vertices = buffer::<Vertex>(gpu, "vertices", &part.vertices, wgpu::BufferUsages::VERTEX);
        let indices = buffer::<u32>(gpu, "indices", &part.indices, wgpu::BufferUsages::INDEX);
        *bytes += vertices.size() + indices.size();
        Faces { vertices, indices, index_count: count(part.indices.len()) }
    });
    let sizes = order_by_size(&mut part.edges);
    let mut lines = |segments: &[Segment], sizes: Vec<f32>| {
        (!segments.is_empty()).then(|| {
            let buffer = buffer(gpu, "lines", segments, wgpu::BufferUsages::STORAGE);
            *bytes += buffer.size();
            let bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("lines"),
                layout,
                entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
            });
            Lines { bind_group, count: count(segments.len()), sizes }
        })
    };
    let edges = lines(&part.edges, sizes);
    let lines = lines(&part.lines, Vec::new());
    let places = std::mem::take(&mut part.places);
    GpuPart { faces, levels: OnceLock::new(), edges, lines, bounds: part.bounds.0, places }
}

/// `fits` has refused what would not be counted in 32 bits.
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A filled buffer. Empty data gives a buffer of four bytes, as the device knows no empty ones.
pub(crate) fn buffer<T: bytemuck::Pod>(gpu: &Gpu, label: &str, data: &[T], usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let bytes: &[u8] = bytemuck::cast_slice(data);
    let size = (bytes.len().max(4) as u64).next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT);
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage: usage | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: true,
    });
    // All our types are multiples of four bytes, so the data fills whole words. Without memory there is no range:
    // the error scope around the upload reports that.
    if !bytes.is_empty()
        && let Ok(mut view) = buffer.get_mapped_range_mut(..bytes.len() as u64)
    {
        view.copy_from_slice(bytes);
    }
    buffer.unmap();
    buffer
}
