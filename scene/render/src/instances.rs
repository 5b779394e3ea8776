//! A buffer of instances that is filled anew for every frame.

use crate::gpu::{Gpu, GpuError};
use crate::prepared::RawInstance;

/// Grows as needed; room to spare is kept, because the next frame shows about as much.
#[derive(Debug)]
pub(crate) struct InstanceBuffer {
    label: &'static str,
    buffer: Option<wgpu::Buffer>,
}

impl InstanceBuffer {
    pub(crate) fn new(label: &'static str) -> Self {
        Self { label, buffer: None }
    }

    pub(crate) fn get(&self) -> Option<&wgpu::Buffer> {
        self.buffer.as_ref()
    }

    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn fill(&mut self, gpu: &Gpu, instances: &[RawInstance]) -> Result<(), GpuError> {
        if instances.is_empty() {
            return Ok(());
        }
        let bytes: &[u8] = bytemuck::cast_slice(instances);
        let needed = bytes.len() as u64;
        if self.buffer.as_ref().is_none_or(|b| b.size() < needed || b.size() > needed * 16 + (1 << 16)) {
            self.buffer = None;
            let size = (needed * 3 / 2).next_multiple_of(256);
            self.buffer = Some(gpu.guarded(|| {
                gpu.device().create_buffer(&wgpu::BufferDescriptor {
                    label: Some(self.label),
                    size,
                    usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                })
            })?);
        }
        if let Some(buffer) = &self.buffer {
            gpu.queue().write_buffer(buffer, 0, bytes);
        }
        Ok(())
    }
}
