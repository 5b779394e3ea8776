//! Shapes on the graphics device.

use crate::arena::{Arena, Run};
use crate::gpu::{Gpu, GpuError};
use rr_scene::{Corner, Segment, Shape};
use std::sync::Arc;

/// Everything that shapes have on the device.
#[derive(Debug)]
pub(crate) struct ShapeArenas {
    pub(crate) corners: Arena<Corner>,
    pub(crate) indices: Arena<u32>,
    pub(crate) segments: Arena<Segment>,
    /// One for each block of segments that was ever bound.
    segment_bind_groups: Vec<Option<wgpu::BindGroup>>,
}

/// Where the arrays of one shape are.
#[derive(Debug)]
pub(crate) struct GpuShape {
    /// Edges and lines live as long as this; levels may come later.
    pub(crate) shape: Arc<Shape>,
    pub(crate) corners: Option<Run>,
    pub(crate) indices: Option<Run>,
    pub(crate) edges: Option<Run>,
    pub(crate) lines: Option<Run>,
    /// Indices of all levels, and whether they were looked for.
    pub(crate) levels: Option<Run>,
    pub(crate) has_levels: bool,
    /// Some of its own colours let light through.
    pub(crate) is_transparent: bool,
    /// Some of it has no colour of its own.
    pub(crate) has_bare: bool,
}

impl ShapeArenas {
    pub(crate) fn new() -> Self {
        Self {
            corners: Arena::new("corners", wgpu::BufferUsages::VERTEX),
            indices: Arena::new("indices", wgpu::BufferUsages::INDEX),
            segments: Arena::new("segments", wgpu::BufferUsages::STORAGE),
            segment_bind_groups: Vec::new(),
        }
    }

    /// Copies a shape to the device.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`] when it does not fit, [`GpuError::Lost`]; nothing stays behind then.
    pub(crate) fn upload(&mut self, gpu: &Gpu, shape: &Arc<Shape>) -> Result<GpuShape, GpuError> {
        let mut made = GpuShape {
            shape: Arc::clone(shape),
            corners: None,
            indices: None,
            edges: None,
            lines: None,
            levels: None,
            has_levels: false,
            is_transparent: shape.is_transparent(),
            has_bare: shape.corners.iter().any(|c| c.colour[3] == 0),
        };
        let filled = self.fill(gpu, shape, &mut made);
        match filled {
            Ok(()) => Ok(made),
            Err(error) => {
                self.remove(made);
                Err(error)
            }
        }
    }

    fn fill(&mut self, gpu: &Gpu, shape: &Shape, made: &mut GpuShape) -> Result<(), GpuError> {
        made.corners = self.corners.add(gpu, &shape.corners)?;
        made.indices = self.indices.add(gpu, &shape.indices)?;
        made.edges = self.segments.add(gpu, &shape.edges)?;
        made.lines = self.segments.add(gpu, &shape.lines)?;
        self.upload_levels(gpu, made);
        Ok(())
    }

    /// Copies the coarser versions as soon as they are made; true when they came just now. Without memory for them the
    /// full shape stays.
    pub(crate) fn upload_levels(&mut self, gpu: &Gpu, shape: &mut GpuShape) -> bool {
        let Some(levels) = shape.shape.levels.get().filter(|_| !shape.has_levels) else { return false };
        shape.has_levels = true;
        match self.indices.add(gpu, &levels.indices) {
            Ok(run) => shape.levels = run,
            Err(error) => tracing::debug!(target: "rr_render", %error, "a shape stays without coarser versions"),
        }
        shape.levels.is_some()
    }

    /// Gives the arrays of a shape back.
    pub(crate) fn remove(&mut self, shape: GpuShape) {
        shape.corners.into_iter().for_each(|run| self.corners.remove(run));
        [shape.indices, shape.levels].into_iter().flatten().for_each(|run| self.indices.remove(run));
        [shape.edges, shape.lines].into_iter().flatten().for_each(|run| self.segments.remove(run));
        // A bind group would keep its buffer.
        for (block, group) in self.segment_bind_groups.iter_mut().enumerate() {
            if self.segments.buffer(block).is_none() {
                *group = None;
            }
        }
    }

    /// Makes bind groups for blocks that have none yet.
    pub(crate) fn bind_segments(&mut self, gpu: &Gpu, layout: &wgpu::BindGroupLayout) {
        self.segment_bind_groups.resize_with(self.segments.blocks(), || None);
        for (block, group) in self.segment_bind_groups.iter_mut().enumerate() {
            if let (Some(buffer), None) = (self.segments.buffer(block), &group) {
                *group = Some(gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                    label: Some("segments"),
                    layout,
                    entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
                }));
            }
        }
    }

    pub(crate) fn segment_bind_group(&self, block: usize) -> Option<&wgpu::BindGroup> {
        self.segment_bind_groups.get(block)?.as_ref()
    }
}

impl GpuShape {
    /// Bytes on the device.
    pub(crate) fn bytes(&self) -> u64 {
        let of = |run: &Option<Run>, size: usize| run.as_ref().map_or(0, |r| u64::from(r.count()) * size as u64);
        of(&self.corners, size_of::<Corner>())
            + of(&self.indices, 4)
            + of(&self.levels, 4)
            + of(&self.edges, size_of::<Segment>())
            + of(&self.lines, size_of::<Segment>())
    }

    /// The indices of a level (0: the full shape, 1: the first coarser one), as a run of their buffer.
    pub(crate) fn level(&self, level: usize) -> Option<Run> {
        let Some(coarser) = level.checked_sub(1) else { return self.indices.clone() };
        let (run, made) = (self.levels.as_ref()?, self.shape.levels.get()?.levels.get(coarser)?);
        let first = run.elements.start + made.first;
        Some(Run { block: run.block, elements: first..first + made.count })
    }
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
