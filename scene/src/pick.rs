//! Ray picking against full geometry: a bounding volume hierarchy per part (crate `obvhs`), a scan over the boxes of
//! the placed instances above it.

use crate::geometry::Aabb;
use crate::model::Model;
use crate::snapshot::SceneSnapshot;
use crate::workspace::{DeviceId, ModelRef};
use glam::{Affine3A, Vec3};
use std::collections::HashMap;
use std::sync::Arc;

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
    fn transformed(&self, other_from_here: &Affine3A) -> Self {
        Self {
            origin: other_from_here.transform_point3(self.origin),
            direction: other_from_here.transform_vector3(self.direction),
        }
    }

    /// True when it meets the box before `nearest`.
    fn meets(&self, b: &Aabb, margin: f32, nearest: f32) -> bool {
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

/// Acceleration structure of one model: built once, shared by all devices that use the model.
pub struct PickModel {
    model: Arc<Model>,
    /// One for each place of each piece, in their order.
    places: Vec<PlacedBounds>,
    bounds: Aabb,
}

/// Where a piece stands: what a ray is tried against before its triangles.
struct PlacedBounds {
    piece: u32,
    model_from_part: Affine3A,
    part_from_model: Affine3A,
    bounds: Aabb,
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
        Self { model, places, bounds }
    }

    /// Box in model space.
    pub fn bounds(&self) -> Aabb {
        self.bounds
    }

    /// Metres to the nearest hit of a device that stands at `world_from_device`. Curves are hit when the ray passes
    /// them within `radians` as seen from its origin.
    fn cast(&self, ray: &Ray, world_from_device: &Affine3A, radians: f32, nearest: f32) -> Option<f32> {
        let device_from_world = world_from_device.inverse();
        // Distances stay in metres: directions are transformed without being normalised.
        let local = ray.transformed(&device_from_world);
        // How much longer a metre of the world is in the device.
        let scale = local.direction.length();
        let margin = |b: &Aabb| ((b.centre() - local.origin).length() + b.radius()) * radians;
        if !local.meets(&self.bounds, margin(&self.bounds), nearest) {
            return None;
        }
        let mut best = nearest;
        for place in &self.places {
            let shape = &self.model.pieces[place.piece as usize].shape;
            let around = if shape.lines.is_empty() { 0.0 } else { margin(&place.bounds) };
            if !local.meets(&place.bounds, around, best) {
                continue;
            }
            let in_part = local.transformed(&place.part_from_model);
            if !(in_part.origin.is_finite() && in_part.direction.is_finite()) {
                continue;
            }
            if let Some((t, _)) = shape.cast(in_part.origin.into(), in_part.direction.into(), best) {
                best = t;
            }
            for line in &shape.lines {
                let [a, b] = shape.ends(line).map(|p| place.model_from_part.transform_point3a(p).into());
                let unit = Ray { origin: local.origin, direction: local.direction / scale };
                if let Some(t) = near_segment(&unit, a, b, radians).map(|t| t / scale)
                    && t < best
                {
                    best = t;
                }
            }
        }
        (best < nearest).then_some(best)
    }
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

    /// The nearest device under the ray. `radians` is the half angle within which thin curves count as hit: about
    /// half a fingertip or a few pixels.
    pub fn pick(&self, scene: &SceneSnapshot, ray: &Ray, radians: f32) -> Option<Hit> {
        let mut best = f32::INFINITY;
        let mut found = None;
        for device in scene.workspace.devices() {
            let world_from_device = device.transform.world_from_device();
            let t = match device.model.as_ref().and_then(|m| self.models.get(m)) {
                Some(model) => model.cast(ray, &world_from_device, radians, best),
                None => cast_box(ray, &MARKER_BOUNDS, &world_from_device).filter(|t| *t < best),
            };
            if let Some(t) = t {
                best = t;
                found = Some(device.id.clone());
            }
        }
        found.map(|device| Hit { device, distance: best, point: ray.at(best) })
    }
}

fn cast_box(ray: &Ray, bounds: &Aabb, world_from_box: &Affine3A) -> Option<f32> {
    let box_from_world = world_from_box.inverse();
    let origin = box_from_world.transform_point3(ray.origin);
    let inv = box_from_world.transform_vector3(ray.direction).recip();
    let (a, b) = ((bounds.min - origin) * inv, (bounds.max - origin) * inv);
    let (near, far) = (a.min(b).max_element(), a.max(b).min_element());
    (far >= near.max(0.0)).then_some(near.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Assembly, Instance, Mesh, Part};
    use crate::workspace::{Device, Transform};
    use crate::{Camera, Workspace};
    use glam::Vec2;

    fn quad(z: f32) -> Mesh {
        Mesh {
            positions: vec![[-1.0, -1.0, z], [1.0, -1.0, z], [1.0, 1.0, z], [-1.0, 1.0, z]],
            normals: vec![[0.0, 0.0, 1.0]; 4],
            indices: vec![0, 1, 2, 0, 2, 3],
            ..Mesh::default()
        }
    }

    fn scene(devices: &[(&str, Option<&str>, Vec3)], models: &[(&str, Assembly)]) -> (SceneSnapshot, PickModels) {
        let mut ws = Workspace::new("t");
        let key = |path: &str| ModelRef { path: path.into(), unit: None, up: Default::default() };
        for (id, model, at) in devices {
            let device = Device {
                id: (*id).into(),
                name: (*id).into(),
                kind: Default::default(),
                model: model.map(key),
                transform: Transform::at(*at),
                properties: Default::default(),
            };
            ws.devices.insert(device.id.clone(), device);
        }
        let mut picks = PickModels::default();
        for (path, model) in models {
            picks.insert(key(path), Arc::new(PickModel::new(Arc::new(Model::of(model)))));
        }
        (SceneSnapshot { workspace: Arc::new(ws), ..SceneSnapshot::default() }, picks)
    }

    fn model(mesh: Mesh, scale: f32) -> Assembly {
        let model_from_part = Affine3A::from_scale(Vec3::splat(scale));
        Assembly {
            parts: vec![Part { name: String::new(), mesh }],
            instances: vec![Instance { part: 0, name: String::new(), model_from_part, colour: None }],
        }
    }

    #[test]
    fn the_nearer_device_wins_and_distances_are_metres_in_any_scale() {
        let (scene, picks) = scene(
            &[("far", Some("q"), Vec3::new(0.0, 0.0, -5.0)), ("near", Some("mm"), Vec3::ZERO)],
            &[("q", model(quad(0.0), 1.0)), ("mm", model(quad(0.0), 0.001))],
        );
        let straight = Ray { origin: Vec3::new(0.0002, 0.0003, 3.0), direction: Vec3::NEG_Z };
        let hit = picks.pick(&scene, &straight, 0.0).unwrap();
        assert_eq!(hit.device, "near".into());
        assert!((hit.distance - 3.0).abs() < 1e-4);
        let beside = Ray { origin: Vec3::new(0.5, 0.5, 3.0), ..straight };
        let hit = picks.pick(&scene, &beside, 0.0).unwrap();
        assert_eq!(hit.device, "far".into());
        assert!((hit.point - Vec3::new(0.5, 0.5, -5.0)).length() < 1e-3);
        let past = Ray { origin: Vec3::new(1.5, 0.0, 3.0), ..straight };
        assert_eq!(picks.pick(&scene, &past, 0.0), None);
    }

    #[test]
    fn a_hole_in_the_geometry_is_not_hit_though_the_box_is() {
        let mut mesh = quad(0.0);
        mesh.indices.truncate(3); // only the lower right triangle is left
        let (scene, picks) = scene(&[("d", Some("t"), Vec3::ZERO)], &[("t", model(mesh, 1.0))]);
        let at = |x, y| Ray { origin: Vec3::new(x, y, 2.0), direction: Vec3::NEG_Z };
        assert!(picks.pick(&scene, &at(0.5, -0.5), 0.0).is_some());
        assert!(picks.pick(&scene, &at(-0.5, 0.5), 0.0).is_none());
    }

    #[test]
    fn curves_are_hit_within_the_angle_and_markers_stand_for_missing_models() {
        let wire = Mesh { lines: vec![[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], ..Mesh::default() };
        let (scene, picks) = scene(
            &[("wire", Some("w"), Vec3::ZERO), ("marker", None, Vec3::new(0.0, 5.0, 0.0))],
            &[("w", model(wire, 1.0))],
        );
        let at = |y| Ray { origin: Vec3::new(0.0, y, 2.0), direction: Vec3::NEG_Z };
        assert_eq!(picks.pick(&scene, &at(0.01), 0.01).unwrap().device, "wire".into());
        assert!(picks.pick(&scene, &at(0.05), 0.01).is_none());
        assert_eq!(picks.pick(&scene, &at(5.2), 0.01).unwrap().device, "marker".into());
    }

    #[test]
    fn what_is_seen_at_a_pixel_is_what_its_ray_hits() {
        let (scene, picks) = scene(&[("d", Some("q"), Vec3::new(2.0, 1.0, -3.0))], &[("q", model(quad(0.0), 1.0))]);
        let cam = Camera { target: Vec3::ZERO, yaw: 0.2, pitch: 0.3, ..Camera::default() };
        let at = cam.project(Vec3::new(2.2, 1.1, -3.0), 1.5).unwrap();
        let hit = picks.pick(&scene, &cam.ray(at, 1.5), 0.0).unwrap();
        assert!((hit.point - Vec3::new(2.2, 1.1, -3.0)).length() < 1e-3);
        assert!(picks.pick(&scene, &cam.ray(Vec2::new(0.02, 0.02), 1.5), 0.0).is_none());
    }
}
