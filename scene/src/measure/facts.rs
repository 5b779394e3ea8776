//! Everything that is known about one feature or about two, in the world, and how it is drawn.

use super::curve::CurveKind;
use super::text;
use super::{Circle, Feature, FeatureShape, Round};
use crate::workspace::{Transform, Workspace};
use glam::{DAffine3, DQuat, DVec3, Vec3};

/// Directions that differ by less (radians; 0.05 degrees) are parallel.
const PARALLEL: f64 = 9e-4;
/// Points of one curve that are drawn; those of longer ones are thinned out.
const MAX_DRAWN: usize = 512;
/// Points of one curve among which the nearest to another thing are looked for, before all of those around it.
const MAX_COARSE: usize = 96;
/// An arc that shows an angle is drawn when its middle is no farther than this many times the distance of the two things.
const ARC_REACH: f64 = 12.0;
const ARC_STEPS: u32 = 24;
/// Of the ring around a round face.
const RING_STEPS: u32 = 72;

/// What a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Between the two points, or the nearest points of edges.
    Distance,
    /// Part of the distance along the x axis.
    DeltaX,
    /// Part of the distance along the y axis, upwards.
    DeltaY,
    /// Part of the distance along the z axis.
    DeltaZ,
    /// Between parallel planes or lines, or from a point to a plane, straight across.
    Gap,
    /// Between the middles of two circles, or from a point to the middle of one.
    Centres,
    /// Along an edge.
    Length,
    /// Of a circular edge, or of a face that is a part of a cylinder.
    Radius,
    /// The same.
    Diameter,
    /// How far an arc goes around.
    Sweep,
    /// Between two straight edges, two flat faces, or one of each.
    Angle,
    /// Coordinate of a point.
    X,
    /// Coordinate of a point: height above the floor.
    Y,
    /// Coordinate of a point.
    Z,
}

impl Quantity {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Distance => "Distance",
            Self::DeltaX => "\u{394}X",
            Self::DeltaY => "\u{394}Y",
            Self::DeltaZ => "\u{394}Z",
            Self::Gap => "Straight across",
            Self::Centres => "Centre to centre",
            Self::Length => "Length",
            Self::Radius => "Radius",
            Self::Diameter => "Diameter",
            Self::Sweep => "Arc angle",
            Self::Angle => "Angle",
            Self::X => "X",
            Self::Y => "Y",
            Self::Z => "Z",
        }
    }

    /// Radians instead of metres.
    pub fn is_angle(self) -> bool {
        matches!(self, Self::Sweep | Self::Angle)
    }
}

/// One number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// What it says.
    pub quantity: Quantity,
    /// Metres or radians.
    pub value: f64,
    /// How far it may be off, where that is known.
    pub error: Option<f64>,
}

/// A piece of the drawing, in the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A feature that is measured.
    Edge(Vec<Vec3>),
    /// A point that is measured.
    Dot(Vec3),
    /// From one thing to the other, with ticks at its ends.
    Span([Vec3; 2]),
    /// What leads from a thing to the end of a span beside it.
    Leader([Vec3; 2]),
    /// The arc of an angle.
    Arc(Vec<Vec3>),
    /// A value.
    Label(Vec3, String),
}

/// What is known, the most telling first, and how it is drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Never empty.
    pub facts: Vec<Fact>,
    /// May be empty for what has no place.
    pub marks: Vec<Mark>,
}

impl Measured {
    /// The most telling value, short.
    pub fn headline(&self) -> String {
        self.facts.first().map(text::label).unwrap_or_default()
    }

    /// True when it says something by itself: a single point does not.
    pub fn is_telling(&self) -> bool {
        self.facts.first().is_some_and(|f| f.quantity != Quantity::X)
    }
}

/// Everything about one feature or two. `None` when there are none or more, or their devices are gone.
pub fn measure(features: &[Feature], workspace: &Workspace) -> Option<Measured> {
    let place = |f: &Feature| Some(Placed::new(f, &workspace.device(&f.device)?.transform));
    match features {
        [one] => Some(single(&place(one)?)),
        [one, other] => Some(pair(&place(one)?, &place(other)?)),
        _ => None,
    }
}

/// How a feature shows under the pointer.
pub fn outline(feature: &Feature, workspace: &Workspace) -> Vec<Mark> {
    let Some(device) = workspace.device(&feature.device) else { return Vec::new() };
    Placed::new(feature, &device.transform).outline()
}

/// A feature in the world.
struct Placed {
    at: DVec3,
    shape: PlacedShape,
}

enum PlacedShape {
    Point,
    Face { normal: DVec3, error: f64 },
    Round(Round),
    Curve { points: Vec<DVec3>, is_closed: bool, kind: CurveKind },
}

impl Placed {
    fn new(feature: &Feature, transform: &Transform) -> Self {
        let rotation = DQuat::from_xyzw(
            f64::from(transform.rotation.x),
            f64::from(transform.rotation.y),
            f64::from(transform.rotation.z),
            f64::from(transform.rotation.w),
        )
        .normalize();
        let scale = f64::from(transform.scale);
        let world_from_device =
            DAffine3::from_scale_rotation_translation(DVec3::splat(scale), rotation, transform.position.as_dvec3());
        let point = |p: DVec3| world_from_device.transform_point3(p);
        let shape = match &feature.shape {
            FeatureShape::Vertex | FeatureShape::Face { normal: None, .. } => PlacedShape::Point,
            FeatureShape::Face { normal: Some(normal), error } => {
                PlacedShape::Face { normal: rotation * normal.as_dvec3(), error: f64::from(*error) }
            }
            FeatureShape::Round(Round { circle, is_full }) => {
                let circle = placed_circle(circle, &point, rotation, scale);
                PlacedShape::Round(Round { circle, is_full: *is_full })
            }
            FeatureShape::Edge(curve) => PlacedShape::Curve {
                points: curve.points.iter().map(|p| point(p.as_dvec3())).collect(),
                is_closed: curve.is_closed(),
                kind: match curve.kind {
                    CurveKind::Arc { circle, sweep } => {
                        CurveKind::Arc { circle: placed_circle(&circle, &point, rotation, scale), sweep }
                    }
                    kind => kind,
                },
            },
        };
        Self { at: point(feature.at.as_dvec3()), shape }
    }

    /// Ends of a straight edge.
    fn line(&self) -> Option<[DVec3; 2]> {
        match &self.shape {
            PlacedShape::Curve { points, kind: CurveKind::Straight, .. } => Some([*points.first()?, *points.last()?]),
            _ => None,
        }
    }

    fn circle(&self) -> Option<Circle> {
        match &self.shape {
            PlacedShape::Curve { kind: CurveKind::Arc { circle, .. }, .. } => Some(*circle),
            _ => None,
        }
    }

    fn normal(&self) -> Option<(DVec3, f64)> {
        match self.shape {
            PlacedShape::Face { normal, error } => Some((normal, error)),
            _ => None,
        }
    }

    /// The points whose nearest one counts for a distance.
    fn reach(&self) -> &[DVec3] {
        match &self.shape {
            PlacedShape::Curve { points, .. } => points,
            _ => std::slice::from_ref(&self.at),
        }
    }

    fn outline(&self) -> Vec<Mark> {
        match &self.shape {
            PlacedShape::Curve { points, .. } => vec![Mark::Edge(thinned(points))],
            PlacedShape::Round(Round { circle, .. }) => vec![Mark::Dot(self.at.as_vec3()), Mark::Edge(ring(circle))],
            _ => vec![Mark::Dot(self.at.as_vec3())],
        }
    }
}

fn placed_circle(circle: &Circle, point: &impl Fn(DVec3) -> DVec3, rotation: DQuat, scale: f64) -> Circle {
    Circle {
        centre: point(circle.centre),
        axis: rotation * circle.axis,
        radius: circle.radius * scale,
        error: circle.error * scale,
    }
}

/// Every so manieth point, the last one always.
fn thinned(points: &[DVec3]) -> Vec<Vec3> {
    let stride = points.len().div_ceil(MAX_DRAWN).max(1);
    let last = points.last().filter(|_| !(points.len() - 1).is_multiple_of(stride));
    points.iter().step_by(stride).chain(last).map(|p| p.as_vec3()).collect()
}

fn fact(quantity: Quantity, value: f64) -> Fact {
    Fact { quantity, value, error: None }
}

fn single(thing: &Placed) -> Measured {
    let mut marks = thing.outline();
    let facts = match &thing.shape {
        PlacedShape::Curve { points, is_closed, kind } => {
            let (facts, label_at) = edge_facts(points, *is_closed, kind);
            if let Some(headline) = facts.first() {
                marks.push(Mark::Label(label_at.as_vec3(), text::label(headline)));
            }
            facts
        }
        PlacedShape::Round(Round { circle, is_full }) => {
            let mut facts = sizes(circle).to_vec();
            if *is_full {
                facts.reverse();
            }
            marks.push(Mark::Label(thing.at.as_vec3(), text::label(&facts[0])));
            facts.extend(coordinates(thing.at));
            facts
        }
        _ => coordinates(thing.at),
    };
    Measured { facts, marks }
}

/// Radius and diameter.
fn sizes(circle: &Circle) -> [Fact; 2] {
    let off = |quantity, times: f64| Fact { quantity, value: circle.radius * times, error: Some(circle.error * times) };
    [off(Quantity::Radius, 1.0), off(Quantity::Diameter, 2.0)]
}

/// All around.
fn ring(circle: &Circle) -> Vec<Vec3> {
    let (u, v) = circle.axis.any_orthonormal_pair();
    let at = |i: u32| {
        let (sin, cos) = (std::f64::consts::TAU * f64::from(i) / f64::from(RING_STEPS)).sin_cos();
        (circle.centre + (u * cos + v * sin) * circle.radius).as_vec3()
    };
    (0..=RING_STEPS).map(at).collect()
}

fn coordinates(at: DVec3) -> Vec<Fact> {
    vec![fact(Quantity::X, at.x), fact(Quantity::Y, at.y), fact(Quantity::Z, at.z)]
}

/// What is known about an edge, and where its label goes.
fn edge_facts(points: &[DVec3], is_closed: bool, kind: &CurveKind) -> (Vec<Fact>, DVec3) {
    let chords = || points.windows(2).map(|p| (p[1] - p[0]).length());
    let polygon: f64 = chords().sum();
    let middle = || {
        let mut left = polygon * 0.5;
        for (p, length) in points.windows(2).zip(chords()) {
            if left <= length {
                return p[0].lerp(p[1], left / length.max(f64::MIN_POSITIVE));
            }
            left -= length;
        }
        points.first().copied().unwrap_or_default()
    };
    match *kind {
        CurveKind::Arc { circle, sweep } => {
            let [radius, diameter] = sizes(&circle);
            let (value, error) = (circle.radius * sweep, Some(circle.error * sweep));
            let length = Fact { quantity: Quantity::Length, value, error };
            if is_closed {
                (vec![diameter, radius, length], middle())
            } else {
                (vec![radius, diameter, length, fact(Quantity::Sweep, sweep)], middle())
            }
        }
        CurveKind::Straight => {
            let along = points.last().copied().unwrap_or_default() - points.first().copied().unwrap_or_default();
            let mut facts = vec![fact(Quantity::Length, along.length())];
            facts.extend(deltas(along));
            (facts, middle())
        }
        CurveKind::Free => (vec![fact(Quantity::Length, polygon)], middle()),
    }
}

fn deltas(along: DVec3) -> [Fact; 3] {
    [
        fact(Quantity::DeltaX, along.x.abs()),
        fact(Quantity::DeltaY, along.y.abs()),
        fact(Quantity::DeltaZ, along.z.abs()),
    ]
}

/// Between two things: an angle, or how far apart they are, or both.
fn pair(one: &Placed, other: &Placed) -> Measured {
    let mut measured = Measured::default();
    measured.marks.extend(one.outline());
    measured.marks.extend(other.outline());
    let wedge = wedge(one, other);
    if let Some(across) = across(one, other, &wedge) {
        measured.facts.push(fact(Quantity::Gap, (across[1] - across[0]).length()));
        span(&mut measured, across);
        // The point that the span ends beside.
        let beside = other.at;
        if (beside - across[1]).length() > 1e-6 && other.line().is_none() {
            measured.marks.push(Mark::Leader([across[1].as_vec3(), beside.as_vec3()]));
        }
    }
    if let Some(wedge) = wedge.as_ref().filter(|w| !w.is_parallel) {
        measured.facts.push(Fact { quantity: Quantity::Angle, value: wedge.angle, error: Some(wedge.error) });
        let size = (one.at - other.at).length();
        if wedge.reach() <= ARC_REACH * size {
            let arc = wedge.arc();
            let middle = arc[arc.len() / 2];
            measured.marks.push(Mark::Label(middle, text::angle(wedge.angle)));
            measured.marks.push(Mark::Arc(arc));
        }
    }
    if let Some(centres) = centres(one, other) {
        measured.facts.push(fact(Quantity::Centres, (centres[1] - centres[0]).length()));
        if measured.facts.len() == 1 {
            span(&mut measured, centres);
        }
    }
    let nearest = nearest(one.reach(), other.reach());
    let along = nearest[1] - nearest[0];
    measured.facts.push(fact(Quantity::Distance, along.length()));
    measured.facts.extend(deltas(along));
    if !measured.marks.iter().any(|m| matches!(m, Mark::Label(..))) {
        span(&mut measured, nearest);
    }
    measured
}

/// Draws a distance.
fn span(measured: &mut Measured, ends: [DVec3; 2]) {
    measured.marks.push(Mark::Span(ends.map(DVec3::as_vec3)));
    let label = text::length((ends[1] - ends[0]).length());
    measured.marks.push(Mark::Label(ends[0].lerp(ends[1], 0.5).as_vec3(), label));
}

/// Two directions that leave a point: what an angle is between.
struct Wedge {
    middle: DVec3,
    /// Towards what was pointed at; of any length.
    arms: [DVec3; 2],
    angle: f64,
    error: f64,
    is_parallel: bool,
}

impl Wedge {
    fn new(middle: DVec3, arms: [DVec3; 2], error: f64) -> Self {
        Self { middle, arms, angle: arms[0].angle_between(arms[1]), error, is_parallel: false }
    }

    fn reach(&self) -> f64 {
        self.arms[0].length().min(self.arms[1].length())
    }

    /// From one arm to the other, at a distance that both reach.
    fn arc(&self) -> Vec<Vec3> {
        let [from, to] = self.arms.map(DVec3::normalize_or_zero);
        let axis = from.cross(to).try_normalize().unwrap_or_else(|| from.any_orthonormal_vector());
        let radius = self.reach() * 0.6;
        let at = |i: u32| {
            let turn = DQuat::from_axis_angle(axis, self.angle * f64::from(i) / f64::from(ARC_STEPS));
            (self.middle + turn * from * radius).as_vec3()
        };
        (0..=ARC_STEPS).map(at).collect()
    }
}

/// The angle between two flat faces, two straight edges or one of each.
fn wedge(one: &Placed, other: &Placed) -> Option<Wedge> {
    let parallel = |error| Wedge { is_parallel: true, ..Wedge::new(one.at, [DVec3::X; 2], error) };
    match (one.normal(), one.line(), other.normal(), other.line()) {
        (Some((n, off)), _, Some((m, too)), _) => {
            let along = n.cross(m);
            if along.length() < PARALLEL.max(off + too) {
                return Some(parallel(off + too));
            }
            let along = along.normalize();
            // The point of the common line nearest to both points, and from there up each face.
            let from_one = one.at + arm_to_plane(n, along, other.at - one.at, m);
            let from_other = other.at + arm_to_plane(m, along, one.at - other.at, n);
            let middle = (from_one + from_other) * 0.5;
            let arms = [one.at, other.at].map(|at| (at - middle) - along * (at - middle).dot(along));
            // Who points at the common edge itself has shown no side: then what the faces enclose counts.
            let arms = if arms.iter().any(|a| a.length() < 1e-9) { [along.cross(n), m.cross(along)] } else { arms };
            Some(Wedge::new(middle, arms, off + too))
        }
        (_, Some(a), _, Some(b)) => {
            let (u, v) = ((a[1] - a[0]).try_normalize()?, (b[1] - b[0]).try_normalize()?);
            if u.cross(v).length() < PARALLEL {
                return Some(parallel(0.0));
            }
            // Where the lines pass each other.
            let (c, w) = (u.dot(v), a[0] - b[0]);
            let denominator = 1.0 - c * c;
            let p = a[0] + u * ((c * v.dot(w) - u.dot(w)) / denominator);
            let q = b[0] + v * ((v.dot(w) - c * u.dot(w)) / denominator);
            // From there to the end that is farther away: an edge that begins there has only this one.
            let far = |ends: [DVec3; 2], from: DVec3, at: DVec3| {
                let [s, t] = ends.map(|e| e - from);
                let crosses = s.dot(t) < -1e-9 * s.length() * t.length();
                if crosses && (at - from).length() > 1e-9 {
                    at - from
                } else if s.length() > t.length() {
                    s
                } else {
                    t
                }
            };
            Some(Wedge::new((p + q) * 0.5, [far(a, p, one.at), far(b, q, other.at)], 0.0))
        }
        (Some((n, off)), _, _, Some(line)) => Some(lean(n, off, one.at, line)),
        (_, Some(line), Some((n, off)), _) => Some(lean(n, off, other.at, line)),
        _ => None,
    }
}

/// The way in a face, straight up or down from the line common with another, to where it meets that other plane.
fn arm_to_plane(normal: DVec3, along: DVec3, to_other: DVec3, other_normal: DVec3) -> DVec3 {
    let up = normal.cross(along);
    let slope = up.dot(other_normal);
    if slope.abs() < 1e-12 { DVec3::ZERO } else { up * (to_other.dot(other_normal) / slope) }
}

/// The angle between a line and a plane.
fn lean(normal: DVec3, error: f64, on_plane: DVec3, line: [DVec3; 2]) -> Wedge {
    let along = (line[1] - line[0]).normalize_or_zero();
    let up = along.dot(normal);
    if up.abs() < PARALLEL.max(error) {
        return Wedge { is_parallel: true, ..Wedge::new(on_plane, [DVec3::X; 2], error) };
    }
    // Where the line goes through the plane.
    let middle = line[0] + along * ((on_plane - line[0]).dot(normal) / up);
    let [s, t] = line.map(|e| e - middle);
    let arm = if s.length() > t.length() { s } else { t };
    let flat = arm - normal * arm.dot(normal);
    let flat = if flat.length() > 1e-6 * arm.length() { flat } else { normal.any_orthonormal_vector() * arm.length() };
    Wedge::new(middle, [arm, flat], error)
}

/// From one thing straight across to a plane or line that is parallel to it.
fn across(one: &Placed, other: &Placed, wedge: &Option<Wedge>) -> Option<[DVec3; 2]> {
    let onto_plane = |at: DVec3, (normal, _): (DVec3, f64), on: DVec3| at + normal * (on - at).dot(normal);
    let onto_line = |at: DVec3, [a, b]: [DVec3; 2]| {
        let along = (b - a).normalize_or_zero();
        a + along * (at - a).dot(along)
    };
    let is_parallel = wedge.as_ref().map(|w| w.is_parallel);
    match (is_parallel, one.normal(), other.normal()) {
        (Some(false), ..) => None,
        (Some(true), _, Some(plane)) => Some([one.at, onto_plane(one.at, plane, other.at)]),
        (Some(true), Some(plane), None) => Some([onto_plane(other.at, plane, one.at), other.at]),
        (Some(true), None, None) => Some([one.at, onto_line(one.at, other.line()?)]),
        // A point and a plane.
        (None, None, Some(plane)) if is_point(one) => Some([one.at, onto_plane(one.at, plane, other.at)]),
        (None, Some(plane), None) if is_point(other) => Some([onto_plane(other.at, plane, one.at), other.at]),
        _ => None,
    }
}

fn is_point(thing: &Placed) -> bool {
    matches!(thing.shape, PlacedShape::Point | PlacedShape::Round(_))
}

/// The middles of two circles, or a point and the middle of one.
fn centres(one: &Placed, other: &Placed) -> Option<[DVec3; 2]> {
    let middle = |thing: &Placed| thing.circle().map(|c| c.centre).or_else(|| is_point(thing).then_some(thing.at));
    (one.circle().is_some() || other.circle().is_some()).then_some(())?;
    let ends = [middle(one)?, middle(other)?];
    // Rims of one hole have the same middle, or lie above each other: nothing is said by nothing.
    ((ends[1] - ends[0]).length() > 1e-9).then_some(ends)
}

/// The nearest points of two polygons, or of points: first between long chords, then between all segments around those.
fn nearest(one: &[DVec3], other: &[DVec3]) -> [DVec3; 2] {
    let strides = [one, other].map(|points| points.len().div_ceil(MAX_COARSE).max(1));
    let (_, at) = nearest_chords([one, other], strides);
    let around =
        |points: &[DVec3], at: usize, stride: usize| at.saturating_sub(stride)..(at + 2 * stride + 1).min(points.len());
    let (a, b) = (around(one, at[0], strides[0]), around(other, at[1], strides[1]));
    nearest_chords([&one[a], &other[b]], [1, 1]).0
}

/// The nearest points of chords over so many segments, and where those chords begin.
fn nearest_chords([one, other]: [&[DVec3]; 2], strides: [usize; 2]) -> ([DVec3; 2], [usize; 2]) {
    let chord =
        |points: &[DVec3], from: usize, stride: usize| [points[from], points[(from + stride).min(points.len() - 1)]];
    let (mut best, mut least) = (([DVec3::ZERO; 2], [0; 2]), f64::INFINITY);
    // A single point is a chord of no length.
    for i in (0..one.len().saturating_sub(1).max(1)).step_by(strides[0]) {
        let a = chord(one, i, strides[0]);
        for j in (0..other.len().saturating_sub(1).max(1)).step_by(strides[1]) {
            let ends = segment_to_segment(a, chord(other, j, strides[1]));
            let distance = (ends[1] - ends[0]).length_squared();
            if distance < least {
                (best, least) = ((ends, [i, j]), distance);
            }
        }
    }
    best
}

/// Nearest points of two segments (C. Ericson, Real-Time Collision Detection, 5.1.9).
fn segment_to_segment([p1, q1]: [DVec3; 2], [p2, q2]: [DVec3; 2]) -> [DVec3; 2] {
    let (d1, d2, r) = (q1 - p1, q2 - p2, p1 - p2);
    let (a, e, f) = (d1.length_squared(), d2.length_squared(), d2.dot(r));
    let c = d1.dot(r);
    let tiny = f64::MIN_POSITIVE;
    let (s, t) = if a <= tiny && e <= tiny {
        (0.0, 0.0)
    } else if a <= tiny {
        (0.0, (f / e).clamp(0.0, 1.0))
    } else if e <= tiny {
        ((-c / a).clamp(0.0, 1.0), 0.0)
    } else {
        let b = d1.dot(d2);
        let denominator = a * e - b * b;
        let s = if denominator > 1e-12 * a * e { ((b * f - c * e) / denominator).clamp(0.0, 1.0) } else { 0.0 };
        let t = (b * s + f) / e;
        if t < 0.0 {
            ((-c / a).clamp(0.0, 1.0), 0.0)
        } else if t > 1.0 {
            (((b - c) / a).clamp(0.0, 1.0), 1.0)
        } else {
            (s, t)
        }
    };
    [p1 + d1 * s, p2 + d2 * t]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn circle(centre: DVec3, radius: f64, count: u32) -> Vec<DVec3> {
        let at = |i: u32| {
            let (sin, cos) = (TAU * f64::from(i) / f64::from(count)).sin_cos();
            centre + DVec3::new(cos, 0.0, sin) * radius
        };
        (0..=count).map(at).collect()
    }

    #[test]
    fn long_curves_are_as_near_as_all_their_segments_say() {
        for (count, other_count) in [(8, 8), (97, 300), (5000, 777), (4096, 1)] {
            let (a, b) = (circle(DVec3::ZERO, 1.0, count), circle(DVec3::new(3.0, 0.4, 1.0), 0.5, other_count));
            let found = nearest(&a, &b);
            let every = nearest_chords([&a, &b], [1, 1]).0;
            let (found, every) = ((found[1] - found[0]).length(), (every[1] - every[0]).length());
            assert!((found - every).abs() < 1e-9, "{count} {other_count}: {found} instead of {every}");
        }
        assert_eq!(nearest(&[DVec3::ZERO], &[DVec3::X]), [DVec3::ZERO, DVec3::X]);
    }

    #[test]
    fn drawn_curves_are_thinned_and_keep_their_ends() {
        let points: Vec<DVec3> = (0..5000).map(|i| DVec3::X * f64::from(i)).collect();
        let drawn = thinned(&points);
        assert!(drawn.len() <= MAX_DRAWN + 1 && drawn.first() == Some(&Vec3::ZERO));
        assert_eq!(drawn.last(), Some(&(Vec3::X * 4999.0)));
        assert_eq!(thinned(&points[..3]).len(), 3);
    }
}
