//! From the graphics device to memory: at once, or through a ring of buffers so that drawing goes on meanwhile.

use crate::gpu::{Gpu, GpuError};
use crate::target::RenderTarget;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Pictures that may be on their way at once.
pub const RING_SIZE: usize = 3;
/// A device that has not finished a picture after this long is as good as lost.
const PATIENCE: Duration = Duration::from_secs(30);

const PENDING: u8 = 0;
const MAPPED: u8 = 1;
const FAILED: u8 = 2;

#[derive(Debug, Default)]
pub(crate) struct ReadBackRing {
    idle: Vec<wgpu::Buffer>,
    made: usize,
    /// Oldest first.
    in_flight: VecDeque<InFlight>,
}

#[derive(Debug)]
struct InFlight {
    buffer: wgpu::Buffer,
    state: Arc<AtomicU8>,
    submission: wgpu::SubmissionIndex,
}

impl RenderTarget {
    /// Bytes from one row to the next in what is read back: a multiple of 256.
    pub fn stride(&self) -> usize {
        stride(self.textures.width)
    }

    /// Waits for the picture and shows its bytes to `read`: sRGB-encoded RGBA, top row first, `stride` bytes from
    /// row to row. The bytes are the mapped memory itself. Pictures from [`RenderTarget::start_read_back`] that
    /// nobody fetched are dropped.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::OutOfMemory`], [`GpuError::ReadBack`].
    pub fn read_back<R>(&mut self, read: impl FnOnce(&[u8], usize) -> R) -> Result<R, GpuError> {
        while self.poll_read_back(true, |_, _| ())?.is_some() {}
        self.start_read_back()?;
        let missing = || GpuError::ReadBack("the picture vanished".into());
        self.poll_read_back(true, read)?.ok_or_else(missing)
    }

    /// Starts to copy the current picture out, after all that was drawn so far. Returns false when [`RING_SIZE`]
    /// pictures are on their way already: fetch one first.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::OutOfMemory`].
    pub fn start_read_back(&mut self) -> Result<bool, GpuError> {
        let (width, height) = self.size();
        let stride = stride(width);
        let buffer = match self.ring.idle.pop() {
            Some(buffer) => buffer,
            None if self.ring.made < RING_SIZE => {
                let size = (stride * height as usize) as u64;
                let buffer = self.gpu.guarded(|| {
                    self.gpu.device().create_buffer(&wgpu::BufferDescriptor {
                        label: Some("read-back"),
                        size,
                        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                        mapped_at_creation: false,
                    })
                })?;
                self.ring.made += 1;
                buffer
            }
            None => return Ok(false),
        };
        let mut encoder = self.gpu.device().create_command_encoder(&Default::default());
        encoder.copy_texture_to_buffer(
            self.textures.colour.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(u32::try_from(stride).unwrap_or(u32::MAX)),
                    rows_per_image: None,
                },
            },
            wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        );
        let submission = self.gpu.submit(encoder.finish());
        let state = Arc::new(AtomicU8::new(PENDING));
        let done = Arc::clone(&state);
        buffer.map_async(wgpu::MapMode::Read, .., move |result| {
            done.store(if result.is_ok() { MAPPED } else { FAILED }, Ordering::Release);
        });
        self.ring.in_flight.push_back(InFlight { buffer, state, submission });
        self.gpu.check().map(|()| true)
    }

    /// Pictures started and not fetched yet.
    pub fn read_backs_in_flight(&self) -> usize {
        self.ring.in_flight.len()
    }

    /// Shows the oldest picture on its way to `read` when it has arrived; with `wait` it waits for that one and no
    /// longer, so that later pictures go on being drawn. `None` when nothing is on its way or has not arrived.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::ReadBack`].
    pub fn poll_read_back<R>(
        &mut self,
        wait: bool,
        read: impl FnOnce(&[u8], usize) -> R,
    ) -> Result<Option<R>, GpuError> {
        let Some(oldest) = self.ring.in_flight.front() else {
            return Ok(None);
        };
        if oldest.state.load(Ordering::Acquire) == PENDING {
            await_submission(&self.gpu, wait.then(|| oldest.submission.clone()))?;
        }
        match oldest.state.load(Ordering::Acquire) {
            PENDING if wait => return Err(GpuError::ReadBack("it was drawn but never arrived".into())),
            PENDING => return Ok(None),
            _ => {}
        }
        let Some(arrived) = self.ring.in_flight.pop_front() else {
            return Ok(None);
        };
        let value = match arrived.buffer.get_mapped_range(..) {
            Ok(view) => read(&view, stride(self.textures.width)),
            Err(error) => {
                // The buffer is not used again; another may take its place.
                self.ring.made -= 1;
                self.gpu.check()?;
                return Err(GpuError::ReadBack(error.to_string()));
            }
        };
        arrived.buffer.unmap();
        self.ring.idle.push(arrived.buffer);
        Ok(Some(value))
    }
}

pub(crate) fn await_submission(gpu: &Gpu, submission: Option<wgpu::SubmissionIndex>) -> Result<(), GpuError> {
    let poll = match submission {
        Some(index) => wgpu::PollType::Wait { submission_index: Some(index), timeout: Some(PATIENCE) },
        None => wgpu::PollType::Poll,
    };
    let polled = gpu.device().poll(poll);
    gpu.check()?;
    polled.map(|_| ()).map_err(|e| GpuError::ReadBack(e.to_string()))
}

fn stride(width: u32) -> usize {
    (width as usize * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize)
}
