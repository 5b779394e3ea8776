//! Pictures for video encoders that read them where they were drawn: converted on the device into memory that other
//! interfaces of the card can use.
//!
//! ```text
//! RenderTarget ─ video.wgsl ─► slot (rr-gpu-share: I420) ─ signal ─► VideoPicture ─► encoder, by its handle
//!                               ▲                                       │   └─► read(): a copy in memory
//!                               └──────────── goes back when dropped ───┘
//! ```

use crate::gpu::{Gpu, GpuError};
use crate::gpu_shape::buffer;
use crate::target::RenderTarget;
use rr_gpu_share::{Share, ShareError, SharedBuffer};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// A device that has not finished a picture after this long is as good as lost; an encoder that waits for it must not wait
/// for longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Rows begin at multiples of this, as encoders and other interfaces like them.
const PITCH_BYTES: u32 = 256;

/// Makes [`VideoPicture`]s of one size after the other. There are as many slots as pictures were in use at once.
#[derive(Debug)]
pub struct VideoConverter {
    gpu: Gpu,
    share: Share,
    layout: wgpu::BindGroupLayout,
    pipeline: wgpu::ComputePipeline,
    slots: Arc<Slots>,
}

#[derive(Debug)]
struct Slots {
    size: (u32, u32),
    free: Mutex<Vec<Slot>>,
}

#[derive(Debug)]
struct Slot {
    shared: SharedBuffer,
    layout: wgpu::Buffer,
    /// Names the memory for whoever keeps something about it; gone when the memory is.
    key: Arc<()>,
    /// For copies in memory; made when first needed.
    staging: Mutex<Option<wgpu::Buffer>>,
}

/// A picture in shared memory: I420, BT.709, limited range.
#[derive(Debug)]
pub struct VideoPicture {
    gpu: Gpu,
    share: Share,
    size: (u32, u32),
    /// There until it is dropped.
    slot: Option<Slot>,
    home: Weak<Slots>,
    number: u64,
}

impl VideoConverter {
    /// For pictures of one device.
    ///
    /// # Errors
    /// Its memory cannot be shared.
    pub fn new(gpu: &Gpu) -> Result<Self, ShareError> {
        let share = gpu.share()?.clone();
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty,
            count: None,
        };
        let buffer = |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
        let made = gpu.scoped(|| {
            let device = gpu.device();
            let module = device.create_shader_module(wgpu::include_wgsl!("video.wgsl"));
            let picture = wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: false },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            };
            let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some("video"),
                entries: &[
                    entry(0, picture),
                    entry(1, buffer(wgpu::BufferBindingType::Storage { read_only: false })),
                    entry(2, buffer(wgpu::BufferBindingType::Uniform)),
                ],
            });
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("video"),
                bind_group_layouts: &[Some(&layout)],
                ..Default::default()
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("video"),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("convert"),
                compilation_options: Default::default(),
                cache: None,
            });
            (layout, pipeline)
        });
        let (layout, pipeline) = made.map_err(|error| refused(error, 0))?;
        Ok(Self { gpu: gpu.clone(), share, layout, pipeline, slots: Slots::of((0, 0)) })
    }

    /// What is shared of the device.
    pub fn share(&self) -> &Share {
        &self.share
    }

    /// Converts the picture that was drawn last into a target. It is on its way when this returns. An odd last column or
    /// row is left out, since 4:2:0 has none.
    ///
    /// # Errors
    /// No memory for another slot, or the device refuses.
    pub fn convert(&mut self, target: &RenderTarget) -> Result<VideoPicture, ShareError> {
        let (width, height) = target.size();
        let size = (width & !1, height & !1);
        if self.slots.size != size {
            self.slots = Slots::of(size);
        }
        let free = self.slots.lock().pop();
        let slot = match free {
            Some(slot) => slot,
            None => Slot::new(&self.gpu, &self.share, size)?,
        };
        let entries = [
            wgpu::BindingResource::TextureView(target.texture_view()),
            slot.shared.buffer().as_entire_binding(),
            slot.layout.as_entire_binding(),
        ];
        let mut binding = 0..;
        let entries =
            entries.map(|resource| wgpu::BindGroupEntry { binding: binding.next().unwrap_or_default(), resource });
        let converted = self.gpu.scoped(|| {
            let device = self.gpu.device();
            let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("video"),
                layout: &self.layout,
                entries: &entries,
            });
            let mut encoder = device.create_command_encoder(&Default::default());
            {
                let mut pass = encoder
                    .begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("video"), ..Default::default() });
                pass.set_pipeline(&self.pipeline);
                pass.set_bind_group(0, &bind_group, &[]);
                pass.dispatch_workgroups(size.0.div_ceil(8 * 16), size.1.div_ceil(2 * 8), 1);
            }
            self.gpu.submit(encoder.finish());
            let _gate = self.gpu.hold_submissions();
            self.share.signal()
        });
        let number = converted.map_err(|error| refused(error, slot.shared.memory_bytes()))?;
        let (gpu, share) = (self.gpu.clone(), self.share.clone());
        Ok(VideoPicture { gpu, share, size, slot: Some(slot), home: Arc::downgrade(&self.slots), number })
    }
}

impl Slots {
    fn of(size: (u32, u32)) -> Arc<Self> {
        Arc::new(Self { size, free: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn new(gpu: &Gpu, share: &Share, (width, height): (u32, u32)) -> Result<Self, ShareError> {
        let pitch = pitch(width);
        let shared = share.buffer(u64::from(pitch) * u64::from(height) * 3 / 2)?;
        let (luma, chroma) = (pitch / 4 * height, pitch / 8 * (height / 2));
        // As the shader has it; eight bytes to fill up.
        let numbers = [width, height, pitch / 4, pitch / 8, luma, luma + chroma, 0, 0];
        let made = gpu.scoped(|| buffer(gpu, "video", &numbers, wgpu::BufferUsages::UNIFORM));
        let layout = made.map_err(|error| refused(error, shared.memory_bytes()))?;
        Ok(Self { shared, layout, key: Arc::default(), staging: Mutex::default() })
    }
}

fn refused(error: GpuError, bytes: u64) -> ShareError {
    match error {
        GpuError::OutOfMemory(_) => ShareError::OutOfMemory { bytes },
        GpuError::Lost(_) => ShareError::Lost,
        other => ShareError::Refused(other.to_string()),
    }
}

fn pitch(width: u32) -> u32 {
    width.next_multiple_of(PITCH_BYTES)
}

impl VideoPicture {
    /// Width and height in pixels; both even.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Bytes from one row of luma to the next; half as many for chroma. The planes follow each other: luma, blue, red.
    pub fn pitch(&self) -> u32 {
        pitch(self.size.0)
    }

    /// What is shared of its device.
    pub fn share(&self) -> &Share {
        &self.share
    }

    /// The memory that it lies in, from its beginning.
    #[expect(clippy::expect_used, reason = "taken by drop only")]
    pub fn memory(&self) -> &SharedBuffer {
        &self.slot.as_ref().expect("a picture without its slot").shared
    }

    /// Names that memory, which other pictures lie in afterwards; gone when the memory is.
    #[expect(clippy::expect_used, reason = "taken by drop only")]
    pub fn key(&self) -> &Arc<()> {
        &self.slot.as_ref().expect("a picture without its slot").key
    }

    /// What the fence of the share reaches when the picture is there.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Waits until the picture is there.
    ///
    /// # Errors
    /// The device was lost, or is stuck.
    pub fn wait(&self) -> Result<(), ShareError> {
        self.share.wait(self.number, PATIENCE)
    }

    /// Copies the picture into memory: luma, blue and red, each without gaps between its rows. Waits for it. For any
    /// thread.
    ///
    /// # Errors
    /// The device was lost, or has no memory for the copy.
    pub fn read(&self, planes: [&mut [u8]; 3]) -> Result<(), ShareError> {
        let Some(slot) = &self.slot else { return Err(ShareError::Lost) };
        self.wait()?;
        let mut staging = slot.staging.lock().unwrap_or_else(PoisonError::into_inner);
        let from = slot.shared.buffer();
        let refused = |error| refused(error, from.size());
        let to = match &*staging {
            Some(to) => to,
            None => staging.insert(
                self.gpu
                    .scoped(|| {
                        self.gpu.device().create_buffer(&wgpu::BufferDescriptor {
                            label: Some("video, read back"),
                            size: from.size(),
                            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                            mapped_at_creation: false,
                        })
                    })
                    .map_err(refused)?,
            ),
        };
        let submission = self.gpu.scoped(|| {
            let mut encoder = self.gpu.device().create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(from, 0, to, 0, None);
            let submission = self.gpu.submit(encoder.finish());
            to.map_async(wgpu::MapMode::Read, .., |_| {});
            submission
        });
        let submission = submission.map_err(refused)?;
        let poll = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(PATIENCE) };
        self.gpu.device().poll(poll).map_err(|_| ShareError::Late(PATIENCE))?;
        {
            let mapped = to.get_mapped_range(..).map_err(|_| ShareError::Lost)?;
            let (width, height, pitch) = (self.size.0 as usize, self.size.1 as usize, self.pitch() as usize);
            let mut rest = &mapped[..];
            for (plane, (width, height, pitch)) in planes.into_iter().zip([
                (width, height, pitch),
                (width / 2, height / 2, pitch / 2),
                (width / 2, height / 2, pitch / 2),
            ]) {
                let (this, others) = rest.split_at(pitch * height);
                for (to, from) in plane.chunks_exact_mut(width).zip(this.chunks_exact(pitch)) {
                    to.copy_from_slice(&from[..width]);
                }
                rest = others;
            }
        }
        to.unmap();
        Ok(())
    }
}

impl Drop for VideoPicture {
    fn drop(&mut self) {
        // Of another size than pictures have now it is of no use.
        if let (Some(slot), Some(home)) = (self.slot.take(), self.home.upgrade()) {
            home.lock().push(slot);
        }
    }
}
