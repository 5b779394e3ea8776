//! Small results that the device computes for the host. They come some frames later and are never waited for.

use crate::gpu::{Gpu, GpuError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const FREE: u8 = 0;
const PENDING: u8 = 1;
const READY: u8 = 2;
const FAILED: u8 = 3;

/// Buffers that go back and forth, each with what is to be known about its contents.
#[derive(Debug)]
pub(crate) struct Returns<T> {
    places: Vec<Place<T>>,
}

#[derive(Debug)]
struct Place<T> {
    buffer: wgpu::Buffer,
    state: Arc<AtomicU8>,
    of: Option<T>,
}

impl<T> Returns<T> {
    /// Room for `count` results on their way.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn new(gpu: &Gpu, label: &'static str, size: u64, count: usize) -> Result<Self, GpuError> {
        let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
        let desc = wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
        let place =
            || Place { buffer: gpu.device().create_buffer(&desc), state: Arc::new(AtomicU8::new(FREE)), of: None };
        Ok(Self { places: gpu.guarded(|| (0..count).map(|_| place()).collect())? })
    }

    /// A place for a result, and the buffer to copy it to; none while all are on their way.
    pub(crate) fn free(&self) -> Option<(usize, &wgpu::Buffer)> {
        let at = self.places.iter().position(|p| p.state.load(Ordering::Acquire) == FREE)?;
        Some((at, &self.places[at].buffer))
    }

    /// To be called when the copy into a place was submitted.
    pub(crate) fn submitted(&mut self, at: usize, of: T) {
        let Some(place) = self.places.get_mut(at) else { return };
        place.of = Some(of);
        place.state.store(PENDING, Ordering::Release);
        let state = Arc::clone(&place.state);
        place.buffer.map_async(wgpu::MapMode::Read, .., move |result| {
            state.store(if result.is_ok() { READY } else { FAILED }, Ordering::Release);
        });
    }

    /// Gives every result that came since the last call, in no order. The device is to be polled before.
    pub(crate) fn take(&mut self, mut f: impl FnMut(T, &[u8])) {
        for place in &mut self.places {
            match place.state.load(Ordering::Acquire) {
                READY => {
                    if let (Some(of), Ok(bytes)) = (place.of.take(), place.buffer.get_mapped_range(..)) {
                        f(of, &bytes);
                    }
                    place.buffer.unmap();
                    place.state.store(FREE, Ordering::Release);
                }
                FAILED => place.state.store(FREE, Ordering::Release),
                _ => {}
            }
        }
    }
}
