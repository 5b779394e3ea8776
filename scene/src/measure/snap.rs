//! From a ray to what a person means by it: the corner, the edge or the face there that they can see.

use super::curve::{Curve, Curves};
use super::{Feature, FeatureShape, Meetings, round};
use crate::pick::{PickModel, PickModels, Ray, Touched};
use crate::shape::unpack_normal;
use crate::snapshot::SceneSnapshot;
use crate::workspace::Device;
use glam::{Affine3A, Vec3, Vec3A};
use std::sync::Arc;

/// What a person wants to point at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// A corner, else an edge, else a face: whatever is nearest.
    #[default]
    Anything,
    /// The end of an edge.
    Vertex,
    /// An edge or a curve.
    Edge,
    /// A face.
    Face,
}

/// Segments near the ray that are looked at more closely.
const MAX_CANDIDATES: usize = 24;
/// Edges of which the ends are looked for.
const MAX_CURVES: usize = 4;
/// Things this much nearer to the eye (part of the distance) hide what is behind them; less is rounding.
const HIDES: f32 = 2e-4;
/// A corner of a triangle whose normal differs by more (cosine; 1.5 degrees) belongs to a curved face: its normal has
/// ten bits for each axis.
const FLAT_COSINE: f32 = 0.999_66;

/// A segment near the ray.
struct Candidate<'a> {
    /// Radians beside the ray.
    angle: f32,
    /// Its nearest point, in the world.
    at: Vec3,
    device: &'a Device,
    model: &'a PickModel,
    place: usize,
    curves: Curves,
    segment: usize,
}

impl PickModels {
    /// What lies under a ray, within an angle as seen from its origin: seen, and left by the section.
    pub fn snap(&self, scene: &SceneSnapshot, ray: &Ray, radians: f32, wanted: Wanted) -> Option<Feature> {
        let surface = self.touch(scene, ray, 0.0);
        if wanted != Wanted::Face {
            let depth = surface.as_ref().map_or(f32::INFINITY, |(hit, _)| hit.distance);
            let candidates = self.near(scene, ray, radians, depth);
            let seen: Vec<&Candidate<'_>> =
                candidates.iter().filter(|c| self.sees(scene, ray, c.at)).take(MAX_CURVES).collect();
            if wanted != Wanted::Edge
                && let Some(vertex) = self.vertex(scene, ray, radians, &seen)
            {
                return Some(vertex);
            }
            if wanted != Wanted::Vertex
                && let Some(edge) = seen.first().and_then(|c| c.edge())
            {
                return Some(edge);
            }
            if wanted != Wanted::Anything {
                return None;
            }
        }
        let (hit, what) = surface?;
        let device = scene.workspace.device(&hit.device)?;
        let device_from_world = device.transform.world_from_device().inverse();
        let at = device_from_world.transform_point3(hit.point);
        let shape = match what {
            Touched::Triangle { place, triangle } => face(self.model_of(device)?, place, triangle, at),
            Touched::Cut => {
                let cut = scene.section.planes().min_by(|a, b| {
                    let [a, b] = [a, b].map(|p| p.beyond(hit.point).abs());
                    a.total_cmp(&b)
                })?;
                let normal = device.transform.rotation.inverse() * cut.normal;
                FeatureShape::Face { normal: Some(normal), error: 0.0 }
            }
            Touched::Line | Touched::Marker => FeatureShape::Face { normal: None, error: 0.0 },
        };
        Feature::new(device, at, shape)
    }

    /// The segments nearest to the ray, nearest first, that are not far behind what the ray hits.
    fn near<'a>(&'a self, scene: &'a SceneSnapshot, ray: &Ray, radians: f32, depth: f32) -> Vec<Candidate<'a>> {
        let Some(kept) = scene.section.along(ray) else { return Vec::new() };
        // An edge may lie deeper than the face beside it; whether it is seen is found out later.
        let farthest = (depth * (1.0 + 8.0 * radians)).min(kept.end);
        let mut found: Vec<Candidate<'a>> = Vec::with_capacity(MAX_CANDIDATES + 1);
        for device in scene.workspace.devices() {
            let Some(model) = self.model_of(device) else { continue };
            let world_from_device = device.transform.world_from_device();
            if !meets(&ray.transformed(&world_from_device.inverse()), &model.bounds(), radians, farthest) {
                continue;
            }
            for (place, placed) in model.places.iter().enumerate() {
                let world_from_part = world_from_device * placed.model_from_part;
                let in_part = ray.transformed(&world_from_part.inverse());
                let shape = &model.model.pieces[placed.piece as usize].shape;
                let is_near = |bounds: &crate::Aabb| meets(&in_part, bounds, radians, farthest);
                if !in_part.direction.is_finite() || !is_near(&shape.bounds) {
                    continue;
                }
                for curves in Curves::BOTH {
                    for (segment, ends) in model.boxes[placed.piece as usize].near(shape, curves, is_near) {
                        let [a, b] = shape.ends(ends).map(|p| world_from_part.transform_point3a(p).into());
                        let Some((angle, at)) = beside(ray, a, b).filter(|(angle, _)| *angle <= radians) else {
                            continue;
                        };
                        if (at - ray.origin).dot(ray.direction) > farthest || !scene.section.keeps(at) {
                            continue;
                        }
                        let rank = found.partition_point(|c| c.angle <= angle);
                        if rank < MAX_CANDIDATES {
                            found.insert(rank, Candidate { angle, at, device, model, place, curves, segment });
                            found.truncate(MAX_CANDIDATES);
                        }
                    }
                }
            }
        }
        found
    }

    /// True when nothing stands between the ray's origin and a point.
    fn sees(&self, scene: &SceneSnapshot, ray: &Ray, point: Vec3) -> bool {
        let way = point - ray.origin;
        let distance = way.length();
        let Some(direction) = way.try_normalize() else { return false };
        let towards = Ray { origin: ray.origin, direction };
        self.touch(scene, &towards, 0.0).is_none_or(|(hit, _)| hit.distance >= distance * (1.0 - HIDES))
    }

    /// The nearest end of the edges that are seen.
    fn vertex(&self, scene: &SceneSnapshot, ray: &Ray, radians: f32, seen: &[&Candidate<'_>]) -> Option<Feature> {
        let mut best: Option<(f32, &Device, Vec3)> = None;
        for candidate in seen {
            let world_from_device = candidate.device.transform.world_from_device();
            let Some(curve) = candidate.curve() else { continue };
            for end in curve.ends().into_iter().flatten() {
                let at = world_from_device.transform_point3(end);
                let Some((angle, _)) = beside(ray, at, at).filter(|(angle, _)| *angle <= radians) else { continue };
                let is_better = best.is_none_or(|(least, ..)| angle < least);
                if is_better && scene.section.keeps(at) && self.sees(scene, ray, at) {
                    best = Some((angle, candidate.device, end));
                }
            }
        }
        let (_, device, at) = best?;
        Feature::new(device, at, FeatureShape::Vertex)
    }
}

impl Candidate<'_> {
    fn curve(&self) -> Option<Curve> {
        let placed = &self.model.places[self.place];
        let shape = &self.model.model.pieces[placed.piece as usize].shape;
        Curve::of_segment(shape, self.curves, self.segment, &placed.model_from_part)
    }

    fn edge(&self) -> Option<Feature> {
        let at = self.device.transform.world_from_device().inverse().transform_point3(self.at);
        Feature::new(self.device, at, FeatureShape::Edge(Arc::new(self.curve()?)))
    }
}

/// True when a ray, in the space of a box, passes it within an angle before a distance.
fn meets(ray: &Ray, bounds: &crate::Aabb, radians: f32, farthest: f32) -> bool {
    // Places may be scaled unevenly by a little: boxes are grown by more than the angle.
    let margin = ((bounds.centre() - ray.origin).length() + bounds.radius()) * radians * 1.5;
    ray.meets(bounds, margin, farthest)
}

/// The point of a segment that is nearest to the ray as its origin sees it, and how many radians it is beside the ray.
fn beside(ray: &Ray, a: Vec3, b: Vec3) -> Option<(f32, Vec3)> {
    let (ab, ao) = (b - a, ray.origin - a);
    let (d, e) = (ray.direction.dot(ab), ab.length_squared());
    let denominator = e - d * d;
    // Seen along its length, a segment is a point: its nearer end.
    let s = if denominator > 1e-6 * e { (ab.dot(ao) - d * ray.direction.dot(ao)) / denominator } else { 0.0 };
    let at = a + ab * s.clamp(0.0, 1.0);
    let way = at - ray.origin;
    let (along, across) = (way.dot(ray.direction), way.cross(ray.direction).length());
    (along > 0.0 && across.is_finite()).then(|| (across.atan2(along), at))
}

/// The face that a triangle belongs to, in the space of the device.
fn face(model: &PickModel, place: usize, triangle: usize, at: Vec3) -> FeatureShape {
    let placed = &model.places[place];
    let piece = placed.piece as usize;
    let shape = &model.model.pieces[piece].shape;
    let meetings = model.meetings[piece].get_or_init(|| Meetings::of(shape));
    let round = |meetings| round::of_triangle(shape, meetings, triangle, &placed.model_from_part, at.as_dvec3());
    if let Some(round) = meetings.as_ref().and_then(round) {
        return FeatureShape::Round(round);
    }
    let nothing = FeatureShape::Face { normal: None, error: 0.0 };
    let [a, b, c] = shape.triangle(triangle);
    let cross = (b - a).cross(c - a);
    let Some(normal) = cross.try_normalize() else { return nothing };
    let corners = &shape.indices[triangle * 3..triangle * 3 + 3];
    let is_flat = corners.iter().all(|&i| {
        let at_corner = Vec3A::from(unpack_normal(shape.corners[i as usize].normal));
        at_corner.normalize_or_zero().dot(normal) > FLAT_COSINE
    });
    // Corners are off by half a step of the grid at most; a narrow triangle leans the more for it.
    let longest = (b - a).length().max((c - b).length()).max((a - c).length());
    let error = shape.grid.step * longest / cross.length();
    FeatureShape::Face { normal: is_flat.then(|| turned(&placed.model_from_part, normal)).flatten(), error }
}

/// A normal after a transform, of unit length.
fn turned(transform: &Affine3A, normal: Vec3A) -> Option<Vec3> {
    (transform.matrix3.inverse().transpose() * normal).try_normalize().map(Vec3::from)
}
