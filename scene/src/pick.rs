//! Ray picking against full geometry: a bounding volume hierarchy per part (crate `obvhs`), a scan over the boxes of
//! the placed instances above it. What a section cuts away is not there; a solid that is cut open is hit on its cut.

use crate::geometry::Aabb;
use crate::measure::{Meetings, SegmentBoxes};
use crate::model::Model;
use crate::shape::Shape;
use crate::snapshot::SceneSnapshot;
use crate::workspace::{Device, DeviceId, ModelRef};
use glam::{Affine3A, Vec3};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A half line in the world. The direction is of unit length, so that distances along it are metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ray {
    /// Where it starts.
    pub origin: Vec3,
    /// Where it goes.
    pub direction: Vec3,
}

impl Ray {
    /// The point `distance` metres along.
    pub fn at(&self, distance: f32) -> Vec3 {
        self.origin + self.direction * distance
    }

    /// Where it meets the horizontal plane at height `y`, if it does so in front of its origin.
    pub fn hit_floor(&self, y: f32) -> Option<Vec3> {
        let t = (y - self.origin.y) / self.direction.y;
        (t.is_finite() && t > 0.0).then(|| self.at(t))
    }

    /// The same ray in another space; lengths along it keep their meaning.
    pub(crate) fn transformed(&self, other_from_here: &Affine3A) -> Self {
        Self {
            origin: other_from_here.transform_point3(self.origin),
            direction: other_from_here.transform_vector3(self.direction),
        }
    }

    /// True when it meets the box before `nearest`.
    pub(crate) fn meets(&self, b: &Aabb, margin: f32, nearest: f32) -> bool {
        let inv = self.direction.recip();
        let (a, c) = ((b.min - margin - self.origin) * inv, (b.max + margin - self.origin) * inv);
        let near = a.min(c).max_element();
        let far = a.max(c).min_element();
        far >= near.max(0.0) && near < nearest
    }
}

/// The box drawn and picked for a device whose model is missing, in the device's space.
pub const MARKER_BOUNDS: Aabb = Aabb { min: Vec3::new(-0.25, 0.0, -0.25), max: Vec3::new(0.25, 0.5, 0.25) };

/// Nearest thing under a ray.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What was hit.
    pub device: DeviceId,
    /// Metres from the ray's origin.
    pub distance: f32,
    /// Where in the world.
    pub point: Vec3,
}

/// What of a device a ray met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touched {
    /// A triangle of the piece at a place.
    Triangle {
        /// Index into the places of the model.
        place: usize,
        /// Index of the triangle.
        triangle: usize,
    },
    /// A curve.
    Line,
    /// The inside of a solid, laid open by a section plane.
    Cut,
    /// The marker that stands for a missing model.
    Marker,
}

/// Acceleration structure of one model: built once, shared by all devices that use the model.
pub struct PickModel {
    pub(crate) model: Arc<Model>,
    /// One for each place of each piece, in their order.
    pub(crate) places: Vec<PlacedBounds>,
    /// Of each piece: where its edges and curves are.
    pub(crate) boxes: Vec<SegmentBoxes>,
    /// Which triangles of each piece meet where; found when first needed, none for what is too large.
    pub(crate) meetings: Vec<OnceLock<Option<Meetings>>>,
    bounds: Aabb,
}

/// Where a piece stands: what a ray is tried against before its triangles.
pub(crate) struct PlacedBounds {
    pub(crate) piece: u32,
    pub(crate) model_from_part: Affine3A,
    part_from_model: Affine3A,
    pub(crate) bounds: Aabb,
}

impl std::fmt::Debug for PickModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PickModel").field("places", &self.places.len()).field("bounds", &self.bounds).finish()
    }
}

impl PickModel {
    /// Builds the hierarchies (see [`crate::Shape::prepare_picking`]), so do it in the background.
    pub fn new(model: Arc<Model>) -> Self {
        for piece in &model.pieces {
            piece.shape.prepare_picking();
        }
        let placed = (0u32..).zip(&model.pieces).flat_map(|(index, p)| p.places.iter().map(move |at| (index, p, at)));
        let places = placed.map(|(piece, p, at)| PlacedBounds {
            piece,
            model_from_part: at.model_from_part,
            part_from_model: at.model_from_part.inverse(),
            bounds: p.shape.bounds.transformed(&at.model_from_part),
        });
        let (places, bounds) = (places.collect(), model.bounds());
        let boxes = model.pieces.iter().map(|p| SegmentBoxes::of(&p.shape)).collect();
        let meetings = model.pieces.iter().map(|_| OnceLock::new()).collect();
        Self { model, places, boxes, meetings, bounds }
    }

    /// Box in model space.
    pub fn bounds(&self) -> Aabb {
        self.bounds
    }

    /// Metres to the nearest hit of a device that stands at `world_from_device`, within the part of the ray that is kept.
    /// Curves are hit when the ray passes them within `radians` as seen from its origin.
    fn cast(&self, ray: &Ray, world_from_device: &Affine3A, radians: f32, kept: &Range<f32>) -> Option<(f32, Touched)> {
        let device_from_world = world_from_device.inverse();
        // Distances stay in metres: directions are transformed without being normalised.
        let local = ray.transformed(&device_from_world);
        // How much longer a metre of the world is in the device.
        let scale = local.direction.length();
        let margin = |b: &Aabb| ((b.centre() - local.origin).length() + b.radius()) * radians;
        if !local.meets(&self.bounds, margin(&self.bounds), kept.end) {
            return None;
        }
        let (mut best, mut found) = (kept.end, None);
        for (index, place) in self.places.iter().enumerate() {
            let shape = &self.model.pieces[place.piece as usize].shape;
            let around = if shape.lines.is_empty() { 0.0 } else { margin(&place.bounds) };
            if !local.meets(&place.bounds, around, best) {
                continue;
            }
            let in_part = local.transformed(&place.part_from_model);
            if !(in_part.origin.is_finite() && in_part.direction.is_finite()) {
                continue;
            }
            if let Some((t, triangle)) = cast_shape(shape, &in_part, &(kept.start..best)) {
                best = t;
                found = Some(triangle.map_or(Touched::Cut, |triangle| Touched::Triangle { place: index, triangle }));
            }
            for line in &shape.lines {
                let [a, b] = shape.ends(line).map(|p| place.model_from_part.transform_point3a(p).into());
                let unit = Ray { origin: local.origin, direction: local.direction / scale };
                if let Some(t) = near_segment(&unit, a, b, radians).map(|t| t / scale)
                    && (kept.start..best).contains(&t)
                {
                    best = t;
                    found = Some(Touched::Line);
                }
            }
        }
        found.map(|what| (best, what))
    }
}

/// Where a ray meets a shape within a part of its way, and the triangle there; none: it comes out of a solid that it has
/// never gone into, because the way begins where a section has laid the inside open.
fn cast_shape(shape: &Shape, ray: &Ray, kept: &Range<f32>) -> Option<(f32, Option<usize>)> {
    let is_open = kept.start > 0.0 && kept.start < kept.end && shape.is_solid();
    // The way out of a solid may lie past the next thing, or be cut away itself.
    let length = if is_open { f32::INFINITY } else { kept.end - kept.start };
    let direction = ray.direction.into();
    let (t, triangle) = shape.cast(ray.at(kept.start).into(), direction, length)?;
    if is_open {
        let [a, b, c] = shape.triangle(triangle);
        // No transform turns the outside of a face inside: the sign holds in any space.
        if (b - a).cross(c - a).dot(direction) > 0.0 {
            return Some((kept.start, None));
        }
    }
    (t < kept.end - kept.start).then_some((kept.start + t, Some(triangle)))
}

/// Distance along the ray at which it passes the segment within the angle.
fn near_segment(ray: &Ray, a: Vec3, b: Vec3, radians: f32) -> Option<f32> {
    let (ab, ao) = (b - a, ray.origin - a);
    let (d, e) = (ray.direction.dot(ab), ab.length_squared());
    let denominator = e - d * d;
    let s = if denominator > 1e-12 { (ab.dot(ao) - d * ray.direction.dot(ao)) / denominator } else { 0.5 };
    let on_segment = a + ab * s.clamp(0.0, 1.0);
    let t = (on_segment - ray.origin).dot(ray.direction);
    (t > 0.0 && (ray.at(t) - on_segment).length() <= t * radians).then_some(t)
}

/// Everything that can be picked in a session: acceleration structures by model.
#[derive(Debug, Default, Clone)]
pub struct PickModels {
    models: HashMap<ModelRef, Arc<PickModel>>,
}

impl PickModels {
    /// Adds or replaces one.
    pub fn insert(&mut self, key: ModelRef, model: Arc<PickModel>) {
        self.models.insert(key, model);
    }

    /// Drops those that nothing uses.
    pub fn retain(&mut self, keep: impl Fn(&ModelRef) -> bool) {
        self.models.retain(|k, _| keep(k));
    }

    /// Box of a device in the world: of its model, or of the marker that stands for it.
    pub fn device_bounds(&self, scene: &SceneSnapshot, id: &DeviceId) -> Option<Aabb> {
        let device = scene.workspace.device(id)?;
        let own = device.model.as_ref().and_then(|m| self.models.get(m)).map_or(MARKER_BOUNDS, |m| m.bounds);
        Some(own.transformed(&device.transform.world_from_device()))
    }

    /// The nearest device under the ray, of what the section leaves. `radians` is the half angle within which thin curves count as hit: about
    /// half a fingertip or a few pixels.
    pub fn pick(&self, scene: &SceneSnapshot, ray: &Ray, radians: f32) -> Option<Hit> {
        self.touch(scene, ray, radians).map(|(hit, _)| hit)
    }

    /// The same with what was met there.
    pub(crate) fn touch(&self, scene: &SceneSnapshot, ray: &Ray, radians: f32) -> Option<(Hit, Touched)> {
        let mut kept = scene.section.along(ray)?;
        let mut found = None;
        for device in scene.workspace.devices() {
            let world_from_device = device.transform.world_from_device();
            let met = match self.model_of(device) {
                Some(model) => model.cast(ray, &world_from_device, radians, &kept),
                None => cast_box(ray, &MARKER_BOUNDS, &world_from_device, &kept).map(|t| (t, Touched::Marker)),
            };
            if let Some((t, what)) = met {
                kept.end = t;
                found = Some((device, what));
            }
        }
        found.map(|(device, what)| {
            let hit = Hit { device: device.id.clone(), distance: kept.end, point: ray.at(kept.end) };
            (hit, what)
        })
    }

    /// What rays are cast against for a device whose geometry is there.
    pub(crate) fn model_of(&self, device: &Device) -> Option<&PickModel> {
        device.model.as_ref().and_then(|m| self.models.get(m)).map(Arc::as_ref)
    }
}

/// A box is solid: a section that lays it open is hit on its cut.
fn cast_box(ray: &Ray, bounds: &Aabb, world_from_box: &Affine3A, kept: &Range<f32>) -> Option<f32> {
    let box_from_world = world_from_box.inverse();
    let origin = box_from_world.transform_point3(ray.origin);
    let inv = box_from_world.transform_vector3(ray.direction).recip();
    let (a, b) = ((bounds.min - origin) * inv, (bounds.max - origin) * inv);
    let (near, far) = (a.min(b).max_element(), a.max(b).min_element());
    let near = near.max(kept.start);
    (near < kept.end && far >= near).then_some(near)
}

#[cfg(test)]
#[path = "pick_tests.rs"]
mod tests;
