//! The numbers that every shader of a frame reads.

use crate::ambient::Ambient;
use crate::flow;
use crate::frame::FrameOptions;
use crate::frustum::metres_per_px;
use crate::theme::{Theme, unit};
use bytemuck::{Pod, Zeroable};
use glam::{Mat4, Vec3};
use rr_scene::{Camera, Section};

/// `Frame` in `common.wgsl`, field by field.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct FrameUniforms {
    pub(crate) clip_from_world: Mat4,
    pub(crate) eye: [f32; 4],
    pub(crate) ray_forward: [f32; 4],
    pub(crate) ray_right: [f32; 4],
    pub(crate) ray_up: [f32; 4],
    pub(crate) key_light: [f32; 4],
    pub(crate) fill_light: [f32; 4],
    pub(crate) viewport: [f32; 4],
    pub(crate) grid: [f32; 4],
    pub(crate) shadow: [f32; 4],
    pub(crate) background_top: [f32; 4],
    pub(crate) background_bottom: [f32; 4],
    pub(crate) grid_minor: [f32; 4],
    pub(crate) grid_major: [f32; 4],
    pub(crate) shadow_colour: [f32; 4],
    pub(crate) edge: [f32; 4],
    pub(crate) line: [f32; 4],
    pub(crate) accent: [f32; 4],
    pub(crate) hover: [f32; 4],
    pub(crate) cut: [[f32; 4]; 3],
    pub(crate) ambient: [f32; 4],
    pub(crate) ground: [f32; 4],
}

/// Where the floor shadow lies: the corner of its square, one over its edge, one over the height at which it halves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ShadowFrame {
    pub(crate) corner: [f32; 2],
    pub(crate) per_metre: f32,
    pub(crate) per_height: f32,
}

impl FrameUniforms {
    pub(crate) fn new(
        camera: &Camera,
        (width, height): (u32, u32),
        theme: &Theme,
        options: &FrameOptions,
        shadow: Option<ShadowFrame>,
    ) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a size in pixels")]
        let (w, h) = (width as f32, height as f32);
        let aspect = w / h;
        let tan_y = (camera.fov_y * 0.5).tan();
        let (right, up, back) = (camera.right(), camera.up(), camera.back());
        // The key light comes over the viewer's left shoulder, so that form reads from everywhere; that it also
        // comes from above makes floors and tables brighter than walls.
        let level = Vec3::new(back.x, 0.0, back.z).normalize_or(up);
        let key = (level * 0.55 - right * 0.55 + Vec3::Y * 0.95).normalize();
        let fill = (right * 0.8 + level * 0.35 + Vec3::Y * 0.1).normalize();
        let cell = grid_cell(camera);
        // From afar the finest lines step back before the next level takes over.
        let minor = (1.4 - camera.distance / (cell * 45.0)).clamp(0.3, 1.0);
        let (corner, per_metre, per_height) =
            shadow.map_or(([0.0; 2], 0.0, 1.0), |s| (s.corner, s.per_metre, s.per_height));
        let mut shadow_colour = unit(theme.shadow);
        if shadow.is_none() || !options.shadows {
            shadow_colour[3] = 0.0;
        }
        Self {
            clip_from_world: camera.clip_from_world(aspect),
            eye: camera.eye().extend(metres_per_px(camera, h)).to_array(),
            ray_forward: (-back).extend(0.0).to_array(),
            ray_right: (right * tan_y * aspect).extend(0.0).to_array(),
            ray_up: (up * tan_y).extend(0.0).to_array(),
            key_light: key.extend(0.0).to_array(),
            fill_light: fill.extend(per_height).to_array(),
            viewport: [w, h, options.scale(), flow::phase(options.time_secs)],
            grid: [cell, if options.grid { 1.0 } else { 0.0 }, fade_distance(camera), camera.distance],
            shadow: [corner[0], corner[1], per_metre, per_metre],
            background_top: unit(theme.background_top),
            background_bottom: unit(theme.background_bottom),
            grid_minor: faded(unit(theme.grid_minor), minor),
            grid_major: unit(theme.grid_major),
            shadow_colour,
            edge: unit(theme.edge),
            line: unit(theme.line),
            accent: unit(theme.accent),
            hover: unit(theme.hover),
            cut: [[0.0, 0.0, 0.0, f32::MAX]; 3],
            ambient: Ambient::None.uniform(h),
            ground: if options.grid || shadow.is_some() { ground(camera, w, h) } else { [0.0; 4] },
        }
    }
}

impl FrameUniforms {
    /// The same picture without what the section cuts away.
    pub(crate) fn cut(mut self, section: &Section) -> Self {
        for (to, plane) in self.cut.iter_mut().zip(section.planes()) {
            *to = plane.normal.extend(plane.offset).to_array();
        }
        self
    }

    /// The same picture with that ambient occlusion.
    pub(crate) fn ambient(mut self, ambient: Ambient) -> Self {
        self.ambient = ambient.uniform(self.viewport[1]);
        self
    }

    /// The same picture, drawn that many pixels to the right and upwards.
    pub(crate) fn aside(&self, [right_px, up_px]: [f32; 2]) -> Self {
        let (x, y) = (2.0 * right_px / self.viewport[0], 2.0 * up_px / self.viewport[1]);
        let mut out = *self;
        for column in [
            &mut out.clip_from_world.x_axis,
            &mut out.clip_from_world.y_axis,
            &mut out.clip_from_world.z_axis,
            &mut out.clip_from_world.w_axis,
        ] {
            column.x += x * column.w;
            column.y += y * column.w;
        }
        for i in 0..3 {
            out.ray_forward[i] -= self.ray_right[i] * x + self.ray_up[i] * y;
        }
        out
    }
}

/// Depth of the floor, as an affine function of the pixel.
fn ground(camera: &Camera, w: f32, h: f32) -> [f32; 4] {
    let height = camera.eye().y;
    if height.abs() < 1e-3 {
        return [0.0; 4];
    }
    let tan_y = (camera.fov_y * 0.5).tan();
    // How much rays sink, and how that changes from one border of the picture to the other.
    let (ahead, across, down) = (camera.back().y, -camera.right().y * tan_y * w / h, camera.up().y * tan_y);
    let depth = camera.near() / height;
    [across * 2.0 / w * depth, down * 2.0 / h * depth, (ahead - across - down) * depth, 0.0]
}

fn faded([r, g, b, a]: [f32; 4], by: f32) -> [f32; 4] {
    [r, g, b, a * by]
}

/// Finest grid cell: 1 m (and 10 m) at the scale of machines, ten times finer or
/// coarser when the eye is much nearer or farther.
fn grid_cell(camera: &Camera) -> f32 {
    let level = match camera.distance {
        near if near < 1.5 => (near / 1.5).log10().floor(),
        far if far > 60.0 => (far / 60.0).log10().ceil(),
        _ => 0.0,
    };
    10f32.powf(level.clamp(-3.0, 3.0))
}

/// Distance at which the grid has lost half its strength.
fn fade_distance(camera: &Camera) -> f32 {
    (camera.distance * 4.0 + 1.0).max(camera.eye().y.abs() * 5.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_has_metres_at_the_scale_of_machines() {
        for distance in [2.0, 8.0, 30.0, 55.0] {
            assert_eq!(grid_cell(&Camera { distance, ..Camera::default() }), 1.0, "{distance} m");
        }
        assert!(grid_cell(&Camera { distance: 0.2, ..Camera::default() }) < 0.5);
        assert!(grid_cell(&Camera { distance: 900.0, ..Camera::default() }) >= 10.0);
    }

    #[test]
    fn uniforms_are_finite_from_every_side() {
        for (yaw, pitch) in [(0.0, 1.569), (3.0, -1.569), (-2.0, 0.0)] {
            for distance in [0.01, 20_000.0] {
                let camera = Camera { yaw, pitch, distance, ..Camera::default() };
                let uniforms = FrameUniforms::new(&camera, (1, 1), &Theme::LIGHT, &FrameOptions::default(), None);
                let numbers: &[f32] = bytemuck::cast_slice(std::slice::from_ref(&uniforms));
                assert!(numbers.iter().all(|n| n.is_finite()), "{camera:?}");
            }
        }
    }
}
