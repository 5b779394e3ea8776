//! The orbit camera and the rays that leave it.

use crate::geometry::Aabb;
use crate::pick::Ray;
use glam::{Mat4, Vec2, Vec3};
use serde::{Deserialize, Serialize};
use std::f32::consts::{FRAC_PI_2, PI, TAU};

/// Radians a camera turns for each pixel of drag.
pub const ORBIT_RADIANS_PER_PX: f32 = 0.25 * PI / 180.0;
/// Factor on the distance for one unit of wheel movement is `exp(delta * this)`.
pub const ZOOM_PER_WHEEL_UNIT: f32 = 0.001;
/// Closest distance between eye and target, metres.
pub const MIN_DISTANCE: f32 = 0.01;
/// Farthest distance between eye and target, metres.
pub const MAX_DISTANCE: f32 = 20_000.0;
const MAX_PITCH: f32 = FRAC_PI_2 - 0.001;
const MAX_TARGET: f32 = 50_000.0;

/// A camera that circles a target. Angles in radians, lengths in metres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// The point in the middle of the picture.
    pub target: Vec3,
    /// From the target to the eye.
    pub distance: f32,
    /// Turn about the vertical; 0 looks along -z, growing turns the eye towards +x.
    pub yaw: f32,
    /// Height of the eye above the target's horizon, between -90 and 90 degrees exclusive.
    pub pitch: f32,
    /// Vertical field of view.
    pub fov_y: f32,
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            target: Vec3::new(0.0, 0.5, 0.0),
            distance: 8.0,
            yaw: PI / 4.0,
            pitch: PI / 6.0,
            fov_y: 45f32.to_radians(),
        }
    }
}

/// The views every workspace has without naming them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedViewKind {
    /// From the front right above.
    Iso,
    /// Along -z, level.
    Front,
    /// Along +z, level.
    Back,
    /// Along +x, level.
    Left,
    /// Along -x, level.
    Right,
    /// From above, front at the bottom.
    Top,
    /// Keeps the direction and fits everything.
    Fit,
}

impl NamedViewKind {
    /// All of them, in the order of menus.
    pub const ALL: [Self; 7] = [Self::Iso, Self::Front, Self::Back, Self::Left, Self::Right, Self::Top, Self::Fit];

    /// Name in messages and flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iso => "iso",
            Self::Front => "front",
            Self::Back => "back",
            Self::Left => "left",
            Self::Right => "right",
            Self::Top => "top",
            Self::Fit => "fit",
        }
    }

    /// The view of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name().eq_ignore_ascii_case(name))
    }
}

impl Camera {
    /// Unit vector from the target to the eye.
    pub fn back(&self) -> Vec3 {
        let (sy, cy) = self.yaw.sin_cos();
        let (sp, cp) = self.pitch.sin_cos();
        Vec3::new(sy * cp, sp, cy * cp)
    }

    /// Where the eye is.
    pub fn eye(&self) -> Vec3 {
        self.target + self.back() * self.distance
    }

    /// Unit vector to the right of the picture.
    pub fn right(&self) -> Vec3 {
        let (sy, cy) = self.yaw.sin_cos();
        Vec3::new(cy, 0.0, -sy)
    }

    /// Unit vector to the top of the picture.
    pub fn up(&self) -> Vec3 {
        self.back().cross(self.right())
    }

    /// World to eye space (right-handed, looking along -z).
    pub fn eye_from_world(&self) -> Mat4 {
        glam::camera::rh::view::look_at_mat4(self.eye(), self.target, Vec3::Y)
    }

    /// Distance of the near plane, metres. It follows the distance so that depth stays precise at any scale.
    pub fn near(&self) -> f32 {
        (self.distance * 0.01).clamp(1e-4, 10.0)
    }

    /// Eye space to clip space with reversed depth (near = 1, infinity = 0).
    pub fn clip_from_eye(&self, aspect: f32) -> Mat4 {
        glam::camera::rh::proj::directx::perspective_infinite_reverse(self.fov_y, aspect, self.near())
    }

    /// World to clip space; `aspect` is width / height.
    pub fn clip_from_world(&self, aspect: f32) -> Mat4 {
        self.clip_from_eye(aspect) * self.eye_from_world()
    }

    /// Turns by a drag in pixels: right turns the scene to the right, down tips it towards the viewer.
    pub fn orbit(&mut self, dx_px: f32, dy_px: f32) {
        self.yaw = wrap_angle(self.yaw - dx_px * ORBIT_RADIANS_PER_PX);
        self.pitch = (self.pitch + dy_px * ORBIT_RADIANS_PER_PX).clamp(-MAX_PITCH, MAX_PITCH);
    }

    /// Moves target and eye by a drag in pixels of a picture that is `height_px` high: the point under the pointer
    /// at the target's depth stays under it.
    pub fn pan(&mut self, dx_px: f32, dy_px: f32, height_px: f32) {
        let metres_per_px = 2.0 * self.distance * (self.fov_y * 0.5).tan() / height_px.max(1.0);
        let shift = (self.up() * dy_px - self.right() * dx_px) * metres_per_px;
        self.target = (self.target + shift).clamp(Vec3::splat(-MAX_TARGET), Vec3::splat(MAX_TARGET));
    }

    /// Moves towards the target for negative wheel movement, away for positive.
    pub fn zoom(&mut self, wheel_delta: f32) {
        let factor = (wheel_delta.clamp(-2000.0, 2000.0) * ZOOM_PER_WHEEL_UNIT).exp();
        self.distance = (self.distance * factor).clamp(MIN_DISTANCE, MAX_DISTANCE);
    }

    /// Keeps the direction and puts the whole box into the picture with a small margin.
    pub fn fit(&mut self, bounds: &Aabb, aspect: f32) {
        if bounds.is_empty() {
            return;
        }
        self.target = bounds.centre();
        let (right, up, back) = (self.right(), self.up(), self.back());
        let tan_y = (self.fov_y * 0.5).tan();
        let tan_x = tan_y * aspect.max(0.01);
        let needed = bounds.corners().into_iter().fold(0.0f32, |far, c| {
            let v = c - self.target;
            let half = (v.dot(right).abs() / tan_x).max(v.dot(up).abs() / tan_y);
            far.max(half + v.dot(back))
        });
        self.distance = (needed * 1.08).clamp(MIN_DISTANCE, MAX_DISTANCE);
    }

    /// Turns to a standard direction and fits the box.
    pub fn look_from(&mut self, view: NamedViewKind, bounds: &Aabb, aspect: f32) {
        let (yaw, pitch) = match view {
            NamedViewKind::Iso => (PI / 4.0, 30f32.to_radians()),
            NamedViewKind::Front => (0.0, 0.0),
            NamedViewKind::Back => (PI, 0.0),
            NamedViewKind::Left => (-FRAC_PI_2, 0.0),
            NamedViewKind::Right => (FRAC_PI_2, 0.0),
            NamedViewKind::Top => (0.0, MAX_PITCH),
            NamedViewKind::Fit => (self.yaw, self.pitch),
        };
        self.yaw = yaw;
        self.pitch = pitch;
        self.fit(bounds, aspect);
    }

    /// Ray through a point of the picture: `at` is 0 to 1 from the top left corner.
    pub fn ray(&self, at: Vec2, aspect: f32) -> Ray {
        let tan_y = (self.fov_y * 0.5).tan();
        let x = (at.x * 2.0 - 1.0) * tan_y * aspect;
        let y = (1.0 - at.y * 2.0) * tan_y;
        let direction = (self.right() * x + self.up() * y - self.back()).normalize();
        Ray { origin: self.eye(), direction }
    }

    /// Where a point of the world is in the picture (0 to 1 from the top left); `None` behind the eye.
    pub fn project(&self, point: Vec3, aspect: f32) -> Option<Vec2> {
        let clip = self.clip_from_world(aspect) * point.extend(1.0);
        (clip.w > self.near() * 0.5).then(|| Vec2::new(clip.x / clip.w * 0.5 + 0.5, 0.5 - clip.y / clip.w * 0.5))
    }

    /// The camera part of the way to another: `t` from 0 (this) to 1 (other), turning the short way round.
    #[must_use]
    pub fn lerp(&self, other: &Self, t: f32) -> Self {
        let turn = wrap_angle(other.yaw - self.yaw);
        Self {
            target: self.target.lerp(other.target, t),
            distance: self.distance * (other.distance / self.distance).powf(t),
            yaw: wrap_angle(self.yaw + turn * t),
            pitch: self.pitch + (other.pitch - self.pitch) * t,
            fov_y: self.fov_y + (other.fov_y - self.fov_y) * t,
        }
    }

    /// True when every number is finite and within its limits.
    pub fn is_valid(&self) -> bool {
        self.target.is_finite()
            && self.target.abs().max_element() <= MAX_TARGET
            && (MIN_DISTANCE..=MAX_DISTANCE).contains(&self.distance)
            && self.yaw.is_finite()
            && self.pitch.abs() <= MAX_PITCH
            && (0.05..3.0).contains(&self.fov_y)
    }
}

fn wrap_angle(a: f32) -> f32 {
    (a + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_projects_to_where_its_ray_leaves() {
        let cam = Camera { yaw: 0.7, pitch: 0.4, ..Camera::default() };
        for at in [Vec2::new(0.1, 0.2), Vec2::new(0.5, 0.5), Vec2::new(0.93, 0.71)] {
            let ray = cam.ray(at, 16.0 / 9.0);
            let back = cam.project(ray.origin + ray.direction * 5.0, 16.0 / 9.0).unwrap();
            assert!((back - at).length() < 1e-4, "{at} came back as {back}");
        }
    }

    #[test]
    fn fit_puts_every_corner_into_the_picture_and_fills_it() {
        let bounds = Aabb { min: Vec3::new(-3.0, 0.0, 1.0), max: Vec3::new(9.0, 2.0, 4.0) };
        for view in NamedViewKind::ALL {
            for aspect in [0.5, 1.0, 16.0 / 9.0] {
                let mut cam = Camera::default();
                cam.look_from(view, &bounds, aspect);
                let points: Vec<_> = bounds.corners().into_iter().map(|c| cam.project(c, aspect).unwrap()).collect();
                assert!(
                    points.iter().all(|p| p.min_element() > 0.0 && p.max_element() < 1.0),
                    "{view:?} {aspect}: {points:?}"
                );
                let reach = points.iter().fold(0.0f32, |m, p| m.max((*p - Vec2::splat(0.5)).abs().max_element()));
                assert!(reach > 0.35, "{view:?} {aspect}: the box is small, reaches {reach}");
            }
        }
    }

    #[test]
    fn pan_keeps_the_point_under_the_pointer() {
        let mut cam = Camera::default();
        let point = cam.target;
        cam.pan(64.0, -36.0, 720.0);
        let at = cam.project(point, 16.0 / 9.0).unwrap();
        let moved = (at - Vec2::splat(0.5)) * Vec2::new(1280.0, 720.0);
        assert!((moved - Vec2::new(64.0, -36.0)).length() < 0.1, "moved by {moved}");
    }

    #[test]
    fn no_input_makes_a_camera_invalid() {
        let mut cam = Camera::default();
        for i in 0..1000 {
            cam.orbit(1e7, if i % 2 == 0 { -1e7 } else { 1e7 });
            cam.pan(1e6, 1e6, 1.0);
            cam.zoom(if i < 500 { 1e9 } else { -1e9 });
            assert!(cam.is_valid(), "{cam:?}");
        }
    }

    #[test]
    fn lerp_turns_the_short_way() {
        let a = Camera { yaw: 3.0, ..Camera::default() };
        let b = Camera { yaw: -3.0, ..Camera::default() };
        assert!(a.lerp(&b, 0.5).yaw.abs() > 3.0);
    }
}
