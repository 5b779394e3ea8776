//! How far pictures of a large workspace may be from those in full detail, and the cameras that they are taken with. The
//! benchmark holds a factory of 1,000 devices to it, a test a smaller one.

use rr_render::{Culling, Detail, FrameOptions, GpuError, RenderTarget, Renderer};
use rr_scene::{Aabb, Camera, SceneSnapshot};

/// Frames of each part of the camera path.
pub const STEPS: usize = 12;

/// A pixel is another one when a channel differs by more than this, of 255: less is noise at borders.
pub const NOTICED: u8 = 40;

/// Most pixels that may be others, as a share of the picture, on any frame of the path. They lie at borders: a surface is
/// within half a pixel of the full shape at rest and within two in motion, and borders are what a picture of many small
/// machines consists of.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    pub at_rest: f64,
    pub in_motion: f64,
}

/// A factory of 1,000 devices at 1280x720: measured 1.2 % and 5.3 %.
pub const LARGE: Allowed = Allowed { at_rest: 0.02, in_motion: 0.07 };
/// One of 80 devices at 640x360: measured 0.4 % and 2.0 %.
pub const SMALL: Allowed = Allowed { at_rest: 0.01, in_motion: 0.035 };

impl Allowed {
    pub fn at(&self, detail: Detail) -> f64 {
        match detail {
            Detail::Full => 0.0,
            Detail::Fine => self.at_rest,
            Detail::Moving => self.in_motion,
        }
    }
}

/// How far one picture is from another.
#[derive(Debug, Clone, Copy, Default)]
pub struct Difference {
    /// Mean over all channels, of 255.
    pub mean: f64,
    /// Share of the pixels that differ by more than [`NOTICED`].
    pub noticed: f64,
}

impl Difference {
    #[expect(clippy::cast_precision_loss, reason = "counts of pixels")]
    pub fn of(full: &[u8], saved: &[u8]) -> Self {
        let sum: u64 = full.iter().zip(saved).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let pixels = full.chunks_exact(4).zip(saved.chunks_exact(4));
        let others = pixels.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > NOTICED)).count();
        Self { mean: sum as f64 / full.len() as f64, noticed: others as f64 / (full.len() / 4) as f64 }
    }

    /// The larger of each.
    pub fn worst(self, other: Self) -> Self {
        Self { mean: self.mean.max(other.mean), noticed: self.noticed.max(other.noticed) }
    }
}

/// Faces only, with nothing saved but what `detail` and `culling` say.
pub fn draw(
    renderer: &mut Renderer,
    target: &mut RenderTarget,
    scene: &SceneSnapshot,
    detail: Detail,
    culling: Culling,
) -> Result<Vec<u8>, GpuError> {
    renderer.render(target, scene, &FrameOptions { detail, culling, ..FrameOptions::bare() })?;
    target.to_rgba()
}

/// The path: around the whole hall, across it, and along an aisle at the height of the eyes.
#[expect(clippy::cast_precision_loss, reason = "a handful")]
pub fn camera_path(scene: &SceneSnapshot) -> Vec<(&'static str, Camera)> {
    let bounds = scene.workspace.devices().fold(Aabb::EMPTY, |all, d| {
        let own = scene.model_of(&d.id).map_or(Aabb::EMPTY, |m| m.bounds());
        all.union(own.transformed(&d.transform.world_from_device()))
    });
    let (centre, size) = (bounds.centre(), bounds.size());
    let span = size.x.max(size.z);
    let mut path = Vec::new();
    for i in 0..STEPS {
        let t = i as f32 / STEPS as f32;
        let around = Camera {
            target: centre,
            distance: span * 0.95,
            yaw: t * std::f32::consts::TAU,
            pitch: 0.6,
            ..Camera::default()
        };
        path.push(("overview", around));
    }
    for i in 0..STEPS {
        let t = i as f32 / STEPS as f32 - 0.5;
        let target = centre + glam::Vec3::new(size.x * t * 0.8, 1.0, size.z * t * 0.3);
        path.push(("across", Camera { target, distance: span * 0.22, yaw: 0.7 + t, pitch: 0.4, ..Camera::default() }));
    }
    for i in 0..STEPS {
        let t = i as f32 / STEPS as f32 - 0.5;
        let target = glam::Vec3::new(centre.x + size.x * t * 0.7, 1.4, centre.z);
        path.push(("aisle", Camera { target, distance: 12.0, yaw: 1.5 + t * 0.5, pitch: 0.03, ..Camera::default() }));
    }
    path
}
