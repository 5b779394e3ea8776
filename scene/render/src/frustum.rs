//! What of the world is in the picture.

use glam::{Mat4, Vec2, Vec3, Vec4};
use rr_scene::{Aabb, Camera};
use std::ops::Range;

/// The five planes of a view without a far end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frustum {
    /// Normals point inwards, of unit length.
    planes: [Vec4; 5],
    /// Rows of the matrix to clip space.
    y_row: Vec4,
    w_row: Vec4,
    eye: Vec3,
    /// Metres that one pixel covers at one metre.
    metres_per_px: f32,
}

impl Frustum {
    pub(crate) fn new(camera: &Camera, width: f32, height: f32) -> Self {
        let m = camera.clip_from_world(width / height).transpose();
        // In reversed infinite depth the near plane is w >= z; there is no far plane.
        let planes =
            [m.w_axis + m.x_axis, m.w_axis - m.x_axis, m.w_axis + m.y_axis, m.w_axis - m.y_axis, m.w_axis - m.z_axis]
                .map(|p| p / p.truncate().length().max(1e-12));
        let (y_row, w_row) = (m.y_axis, m.w_axis);
        Self { planes, y_row, w_row, eye: camera.eye(), metres_per_px: metres_per_px(camera, height) }
    }

    /// What of it is in some rows of the picture, of `height` rows.
    pub(crate) fn rows(&self, rows: &Range<u32>, height: u32) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a size in pixels")]
        let up = |row: u32| 1.0 - 2.0 * row as f32 / height as f32;
        let mut out = *self;
        let unit = |p: Vec4| p / p.truncate().length().max(1e-12);
        // A point is above a row when y >= up * w.
        out.planes[2] = unit(self.y_row - self.w_row * up(rows.end));
        out.planes[3] = unit(self.w_row * up(rows.start) - self.y_row);
        out
    }

    /// The borders of the picture; normals point inwards.
    pub(crate) fn planes(&self) -> [Vec4; 5] {
        self.planes
    }

    /// True when some of the sphere may be in the picture.
    pub(crate) fn holds(&self, centre: Vec3, radius: f32) -> bool {
        self.planes.iter().all(|p| p.dot(centre.extend(1.0)) >= -radius)
    }

    /// True when the sphere may be visible and is at least `min_px` in radius on the screen.
    pub(crate) fn sees(&self, centre: Vec3, radius: f32, min_px: f32) -> bool {
        self.holds(centre, radius) && self.radius_px(centre, radius) >= min_px
    }

    /// Radius of a sphere on the screen in pixels; infinite when the eye is inside.
    pub(crate) fn radius_px(&self, centre: Vec3, radius: f32) -> f32 {
        let distance = (centre - self.eye).length() - radius;
        if distance <= 0.0 { f32::INFINITY } else { radius / (distance * self.metres_per_px) }
    }
}

/// Metres that one pixel covers at one metre from the eye.
pub(crate) fn metres_per_px(camera: &Camera, height: f32) -> f32 {
    2.0 * (camera.fov_y * 0.5).tan() / height.max(1.0)
}

/// Rectangle in pixels (left, top, right, bottom) that holds the box's projection, grown by `margin` and cut at the
/// picture; `None` when it lies outside.
pub(crate) fn screen_rect(clip_from_world: &Mat4, bounds: &Aabb, size: Vec2, margin: f32) -> Option<[u32; 4]> {
    if bounds.is_empty() {
        return None;
    }
    let (mut low, mut high) = (Vec2::INFINITY, Vec2::NEG_INFINITY);
    let mut behind = 0u32;
    for corner in bounds.corners() {
        let clip = *clip_from_world * corner.extend(1.0);
        if clip.w <= 1e-6 {
            behind += 1;
            continue;
        }
        let at = Vec2::new(clip.x / clip.w * 0.5 + 0.5, 0.5 - clip.y / clip.w * 0.5) * size;
        low = low.min(at);
        high = high.max(at);
    }
    match behind {
        8 => return None,
        // A box around the eye covers what its visible corners do not tell.
        1.. => (low, high) = (Vec2::ZERO, size),
        0 => {}
    }
    let low = (low - margin).floor().max(Vec2::ZERO);
    let high = (high + margin).ceil().min(size);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut at the picture just above")]
    let rect = [low.x as u32, low.y as u32, high.x as u32, high.y as u32];
    (low.x < high.x && low.y < high.y).then_some(rect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_projects_into_the_picture_is_seen_and_what_does_not_is_culled() {
        let camera = Camera { yaw: 0.4, pitch: 0.3, distance: 10.0, ..Camera::default() };
        let frustum = Frustum::new(&camera, 1600.0, 900.0);
        let (mut inside, mut outside) = (0, 0);
        for i in 0..4000 {
            let p = Vec3::new((i % 20) as f32 - 10.0, ((i / 20) % 10) as f32 - 3.0, (i / 200) as f32 - 10.0) * 2.0;
            let on_screen =
                camera.project(p, 16.0 / 9.0).is_some_and(|s| s.min_element() > 0.0 && s.max_element() < 1.0);
            let clip = camera.clip_from_world(16.0 / 9.0) * p.extend(1.0);
            if clip.w > camera.near() * 1.01 {
                assert_eq!(frustum.sees(p, 0.0, 0.0), on_screen, "{p}");
            }
            if on_screen { inside += 1 } else { outside += 1 }
        }
        assert!(inside > 100 && outside > 100);
    }

    #[test]
    fn the_rectangle_holds_every_corner_and_knows_what_is_behind() {
        let camera = Camera::default();
        let clip = camera.clip_from_world(2.0);
        let size = Vec2::new(800.0, 400.0);
        let bounds = Aabb { min: Vec3::new(-1.0, 0.0, -1.0), max: Vec3::new(1.0, 1.0, 1.0) };
        let [l, t, r, b] = screen_rect(&clip, &bounds, size, 2.0).unwrap();
        for c in bounds.corners() {
            let at = camera.project(c, 2.0).unwrap() * size;
            assert!(at.x > l as f32 && at.x < r as f32 && at.y > t as f32 && at.y < b as f32);
        }
        assert!((r - l) < 500, "the rectangle is tight");
        let behind = Aabb { min: camera.eye() + camera.back() * 5.0, max: camera.eye() + camera.back() * 6.0 };
        assert_eq!(screen_rect(&clip, &behind, size, 2.0), None);
        let around = Aabb { min: camera.eye() - 1.0, max: camera.eye() + 1.0 };
        assert_eq!(screen_rect(&clip, &around, size, 2.0), Some([0, 0, 800, 400]));
    }
}
