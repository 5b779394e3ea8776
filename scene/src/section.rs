//! Section planes: what lies beyond them is cut away, so that one sees inside a machine.

use crate::geometry::Aabb;
use crate::pick::Ray;
use glam::Vec3;
use serde::{Deserialize, Serialize};
use std::ops::{Range, RangeInclusive};

/// Most planes of a [`Section`]: a corner of three is cut out of a machine.
pub const MAX_PLANES: usize = 3;

/// A cut through everything. The normal points to the side that is cut away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SectionPlane {
    /// Of unit length, in the world.
    pub normal: Vec3,
    /// Metres from the origin of the world along the normal.
    pub offset: f32,
}

impl SectionPlane {
    /// A plane whose normal is brought to unit length; `None` for a normal of no length and for numbers that are none.
    pub fn new(normal: Vec3, offset: f32) -> Option<Self> {
        let normal = normal.try_normalize()?;
        (normal.is_finite() && offset.is_finite()).then_some(Self { normal, offset })
    }

    /// The plane of that normal through a point.
    pub fn through(point: Vec3, normal: Vec3) -> Option<Self> {
        let normal = normal.try_normalize()?;
        Self::new(normal, normal.dot(point))
    }

    /// The same plane with the other side cut away.
    #[must_use]
    pub fn flipped(&self) -> Self {
        Self { normal: -self.normal, offset: -self.offset }
    }

    /// The offsets between which a plane of this normal cuts a box; `None` for the box of nothing.
    pub fn reach(normal: Vec3, bounds: &Aabb) -> Option<RangeInclusive<f32>> {
        let (centre, half) = (normal.dot(bounds.centre()), normal.abs().dot(bounds.size() * 0.5));
        (!bounds.is_empty()).then_some(centre - half..=centre + half)
    }

    /// Metres beyond the plane: positive is cut away.
    pub fn beyond(&self, point: Vec3) -> f32 {
        self.normal.dot(point) - self.offset
    }
}

/// The planes in force. What any of them cuts away is gone; what is left is convex.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    planes: [Option<SectionPlane>; MAX_PLANES],
}

impl Section {
    /// The first [`MAX_PLANES`] of these.
    pub fn of(planes: impl IntoIterator<Item = SectionPlane>) -> Self {
        let mut out = Self::default();
        for (place, plane) in out.planes.iter_mut().zip(planes) {
            *place = Some(plane);
        }
        out
    }

    /// The planes, in their order.
    pub fn planes(&self) -> impl Iterator<Item = &SectionPlane> {
        self.planes.iter().flatten()
    }

    /// True when nothing is cut.
    pub fn is_none(&self) -> bool {
        self.planes().next().is_none()
    }

    /// False for a point that is cut away.
    pub fn keeps(&self, point: Vec3) -> bool {
        self.planes().all(|p| p.beyond(point) <= 0.0)
    }

    /// False for a ball of which nothing is left.
    pub fn keeps_ball(&self, centre: Vec3, radius: f32) -> bool {
        self.planes().all(|p| p.beyond(centre) <= radius)
    }

    /// True for a ball that a plane goes through: some of it may be cut away.
    pub fn cuts_ball(&self, centre: Vec3, radius: f32) -> bool {
        self.planes().any(|p| p.beyond(centre) > -radius)
    }

    /// False for a box of which nothing is left.
    pub fn keeps_box(&self, bounds: &Aabb) -> bool {
        let (centre, half) = (bounds.centre(), (bounds.max - bounds.min) * 0.5);
        self.planes().all(|p| p.beyond(centre) <= p.normal.abs().dot(half))
    }

    /// The part of a ray, in metres from its origin, along which nothing is cut away; it starts where a cut surface
    /// would be seen. `None` when all of it is cut.
    pub fn along(&self, ray: &Ray) -> Option<Range<f32>> {
        let mut kept = 0.0..f32::INFINITY;
        for plane in self.planes() {
            let (beyond, towards) = (plane.beyond(ray.origin), plane.normal.dot(ray.direction));
            let t = -beyond / towards;
            match towards {
                out if out > 1e-9 => kept.end = kept.end.min(t),
                into if into < -1e-9 => kept.start = kept.start.max(t),
                _ if beyond > 0.0 => return None,
                _ => {}
            }
        }
        (kept.start < kept.end).then_some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corner() -> Section {
        Section::of([Vec3::X, Vec3::Y].map(|n| SectionPlane::new(n * 3.0, 1.0).unwrap()))
    }

    #[test]
    fn what_is_beyond_any_plane_is_gone() {
        let section = corner();
        assert!(section.keeps(Vec3::ZERO) && section.keeps(Vec3::ONE));
        assert!(!section.keeps(Vec3::new(1.1, 0.0, 0.0)) && !section.keeps(Vec3::new(0.0, 1.1, 0.0)));
        assert!(
            section.keeps_ball(Vec3::new(2.0, 0.0, 0.0), 1.1) && !section.keeps_ball(Vec3::new(2.0, 0.0, 0.0), 0.9)
        );
        assert!(section.cuts_ball(Vec3::ZERO, 1.1) && !section.cuts_ball(Vec3::ZERO, 0.9));
        let unit = |at: Vec3| Aabb { min: at - 0.5, max: at + 0.5 };
        assert!(section.keeps_box(&unit(Vec3::X * 1.4)) && !section.keeps_box(&unit(Vec3::X * 1.6)));
        assert!(Section::default().is_none() && Section::default().keeps(Vec3::MAX));
    }

    #[test]
    fn a_ray_is_kept_from_where_it_enters_to_where_it_leaves() {
        let section = corner();
        let ray = |origin, direction| Ray { origin, direction };
        assert_eq!(section.along(&ray(Vec3::new(4.0, 0.0, 0.0), Vec3::NEG_X)), Some(3.0..f32::INFINITY));
        assert_eq!(section.along(&ray(Vec3::ZERO, Vec3::X)), Some(0.0..1.0));
        assert_eq!(section.along(&ray(Vec3::new(4.0, 0.0, 0.0), Vec3::X)), None);
        assert_eq!(section.along(&ray(Vec3::new(4.0, 0.0, 0.0), Vec3::Z)), None);
        assert_eq!(section.along(&ray(Vec3::new(0.0, 0.0, 9.0), Vec3::NEG_Z)), Some(0.0..f32::INFINITY));
        let slanted = section.along(&ray(Vec3::new(3.0, 0.0, 0.0), Vec3::new(-1.0, 1.0, 0.0).normalize()));
        assert_eq!(slanted, None, "it enters one side where it has left the other");
    }

    #[test]
    fn a_plane_knows_where_it_cuts_a_box() {
        let bounds = Aabb { min: Vec3::new(1.0, 0.0, -2.0), max: Vec3::new(3.0, 4.0, 2.0) };
        assert_eq!(SectionPlane::reach(Vec3::X, &bounds), Some(1.0..=3.0));
        assert_eq!(SectionPlane::reach(Vec3::NEG_Y, &bounds), Some(-4.0..=0.0));
        assert_eq!(SectionPlane::reach(Vec3::X, &Aabb::EMPTY), None);
        let plane = SectionPlane::through(bounds.centre(), Vec3::X * 9.0).unwrap();
        assert_eq!((plane.normal, plane.offset), (Vec3::X, 2.0));
        assert_eq!(plane.flipped().beyond(Vec3::ZERO), -plane.beyond(Vec3::ZERO));
    }

    #[test]
    fn numbers_that_are_none_make_no_plane() {
        assert_eq!(SectionPlane::new(Vec3::ZERO, 0.0), None);
        assert_eq!(SectionPlane::new(Vec3::splat(f32::NAN), 0.0), None);
        assert_eq!(SectionPlane::new(Vec3::X, f32::INFINITY), None);
    }
}
