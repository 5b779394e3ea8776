//! The picture in the desktop window: rendered by the render thread, shown by the user interface.

use arc_swap::ArcSwapOption;
use rr_scene::SceneSnapshot;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A finished picture for the window. It lives on the device that the window uses, so that showing it copies nothing.
#[derive(Debug, Clone)]
pub struct WindowPicture {
    /// Changes when the texture is another one, so that it has to be registered anew with the user interface.
    pub generation: u64,
    /// Grows with every frame.
    pub frame: u64,
    /// The colour texture, `Rgba8Unorm` with sRGB-encoded values.
    pub view: wgpu::TextureView,
    /// Width and height in pixels.
    pub size_px: (u32, u32),
    /// The state that it shows.
    pub scene: Arc<SceneSnapshot>,
}

/// Size wanted by the window and the last picture made for it.
#[derive(Debug, Default)]
pub(crate) struct WindowSlot {
    wanted: AtomicU64,
    was_ever_wanted: AtomicBool,
    picture: ArcSwapOption<WindowPicture>,
}

impl WindowSlot {
    /// Zero for either length: the window shows nothing (minimised) and nothing is rendered for it.
    pub fn want(&self, width_px: u32, height_px: u32) -> bool {
        let size = u64::from(width_px) << 32 | u64::from(height_px);
        if size != 0 {
            self.was_ever_wanted.store(true, Ordering::Relaxed);
        }
        self.wanted.swap(size, Ordering::Relaxed) != size
    }

    pub fn wanted(&self) -> Option<(u32, u32)> {
        let size = self.wanted.load(Ordering::Relaxed);
        #[expect(clippy::cast_possible_truncation, reason = "two u32 packed into one u64")]
        let (width, height) = ((size >> 32) as u32, size as u32);
        (width > 0 && height > 0).then_some((width, height))
    }

    /// There is a window, shown or not.
    pub fn was_ever_wanted(&self) -> bool {
        self.was_ever_wanted.load(Ordering::Relaxed)
    }

    pub fn publish(&self, picture: WindowPicture) {
        self.picture.store(Some(Arc::new(picture)));
    }

    pub fn latest(&self) -> Option<Arc<WindowPicture>> {
        self.picture.load_full()
    }
}
