//! Draws a workspace with wgpu, off screen, for the desktop window and for video alike.
//!
//! ```no_run
//! use rr_render::{AdapterChoice, FrameOptions, Gpu, Renderer, RenderTarget, Theme};
//! # fn main() -> Result<(), rr_render::GpuError> {
//! let gpu = Gpu::headless(AdapterChoice::Auto)?;
//! let mut renderer = Renderer::new(&gpu, Theme::DARK)?;
//! let mut target = RenderTarget::new(&gpu, 1280, 720, gpu.default_samples())?;
//! let snapshot = rr_scene::SceneSnapshot::default();
//! renderer.render(&mut target, &snapshot, &FrameOptions::default())?;
//! target.save_png("picture.png")?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Renderer`] follows snapshots by their shared pointers: a model is uploaded once for all devices that show it
//! and freed when the last of them is gone. A frame is drawn as
//!
//! 1. floor shadow, only when devices changed,
//! 2. faces from near to far, background and floor where no face is,
//! 3. ambient occlusion over the faces, where it is wanted,
//! 4. edges, glass, connections,
//! 5. a mask of selected and hovered devices, only when there are any,
//! 6. outlines and labels on top.
//!
//! While the camera rests, what was drawn of faces, floor and edges is kept and only the rest is drawn anew:
//! connections flow, and labels and selections change, at a small part of a frame's cost (pictures of one sample per
//! pixel). Models get coarser versions in the background; a frame takes the coarsest whose difference is not seen.
//!
//! Faults of the device come back as [`GpuError`] from the next call; nothing here panics on them.

mod ambient;
mod arena;
mod cull;
mod detail;
mod device_cull;
mod draw;
mod floor;
mod flow;
mod frame;
mod frustum;
mod gpu;
mod gpu_shape;
mod instances;
mod labels;
mod marker;
mod measures;
mod memory;
mod occlusion;
mod picture;
mod pipelines;
mod prepared;
mod readback;
mod renderer;
mod returns;
mod shadow;
mod still;
mod target;
mod theme;
mod timing;
mod uniforms;
mod video;

pub use detail::{Culling, Detail};
pub use frame::{AmbientOcclusion, Culler, FrameOptions, Lighting, RenderStats};
pub use gpu::{AdapterChoice, Gpu, GpuError, GpuInfo, device_descriptor, instance_flags};
pub use marker::MARKER_BOUNDS;
pub use readback::RING_SIZE;
pub use renderer::Renderer;
pub use rr_gpu_share::{BorrowedHandle, FenceMode, Share, ShareError};
pub use target::{COLOUR_FORMAT, RenderTarget};
pub use theme::Theme;
pub use timing::{Pass, PassTimes};
pub use video::{VideoConverter, VideoPicture};
pub use wgpu;
