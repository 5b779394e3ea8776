//! Closed bodies made of exact faces, and their triangles.

use super::profile::{Profile, Seg, pieces_of_angle};
use super::{Triangle, triangulate};
use glam::{DAffine3, DMat3, DVec2, DVec3, dvec3};
use std::f64::consts::TAU;

/// Pieces of a full turn unless a solid says otherwise.
pub const DEFAULT_STEPS: usize = 24;

/// One exact face. Frames are rigid; the outside is where the text says.
#[derive(Debug, Clone)]
pub enum Face {
    /// A piece of the frame's z = 0 plane; outside is +z. Holes run clockwise.
    Plane {
        /// Where it lies.
        frame: DAffine3,
        /// Its border.
        outer: Profile,
        /// What is cut out of it.
        holes: Vec<Profile>,
    },
    /// Straight lines from a foot at one height to a head at another; outside is right of the direction of walking.
    Wall {
        /// Where it lies.
        frame: DAffine3,
        /// Lower edge.
        foot: Seg,
        /// Height of the lower edge.
        foot_z: f64,
        /// Upper edge, cut like the lower one.
        head: Seg,
        /// Height of the upper edge.
        head_z: f64,
    },
    /// An edge in the (radius, z) plane turned about the frame's z axis, from +x; outside is right of the edge.
    Turned {
        /// Where it lies.
        frame: DAffine3,
        /// The edge: x is the radius, y the height.
        edge: Seg,
        /// How far it is turned, radians.
        angle: f64,
    },
}

/// A closed body.
#[derive(Debug, Clone, Default)]
pub struct Solid {
    /// Its faces; every edge is shared by two of them.
    pub faces: Vec<Face>,
    /// Pieces of a full turn in its triangles.
    pub steps: usize,
}

pub(super) fn flipped() -> DAffine3 {
    DAffine3::from_mat3(DMat3::from_cols(DVec3::X, DVec3::NEG_Y, DVec3::NEG_Z))
}

impl Solid {
    pub(super) fn new(faces: Vec<Face>) -> Self {
        Self { faces, steps: DEFAULT_STEPS }
    }

    /// A profile drawn up from z = 0; holes are given like outlines.
    pub fn extrude(outer: &Profile, holes: &[Profile], height: f64) -> Self {
        Self::extrude_chamfered(outer, holes, height, 0.0)
    }

    /// As [`Solid::extrude`], with the outer edges of both ends broken at 45 degrees.
    pub fn extrude_chamfered(outer: &Profile, holes: &[Profile], height: f64, chamfer: f64) -> Self {
        let holes: Vec<_> = holes.iter().map(Profile::reversed).collect();
        let end = if chamfer > 0.0 { outer.inset(chamfer) } else { outer.clone() };
        let mut faces = vec![
            Face::Plane {
                frame: DAffine3::from_translation(DVec3::Z * height),
                outer: end.clone(),
                holes: holes.clone(),
            },
            Face::Plane {
                frame: flipped(),
                outer: end.mirrored_y(),
                holes: holes.iter().map(Profile::mirrored_y).collect(),
            },
        ];
        let mut wall = |foot: &Profile, foot_z: f64, head: &Profile, head_z: f64| {
            for (f, h) in foot.0.iter().zip(&head.0) {
                faces.push(Face::Wall { frame: DAffine3::IDENTITY, foot: *f, foot_z, head: *h, head_z });
            }
        };
        wall(outer, chamfer, outer, height - chamfer);
        if chamfer > 0.0 {
            wall(&end, 0.0, outer, chamfer);
            wall(outer, height - chamfer, &end, height);
        }
        for h in &holes {
            wall(h, 0.0, h, height);
        }
        Self::new(faces)
    }

    /// An outline of the (radius, z) plane turned about z: either closed, or with both ends on the axis.
    pub fn revolve(outline: &Profile) -> Self {
        let mut faces = Vec::new();
        for edge in &outline.0 {
            let (a, b) = (edge.first(), edge.last());
            match edge {
                // On the axis: no face.
                Seg::Line(..) if a.x.abs() < 1e-9 && b.x.abs() < 1e-9 => {}
                Seg::Line(..) if (a.y - b.y).abs() < 1e-9 => faces.push(ring(a, b)),
                _ => faces.push(Face::Turned { frame: DAffine3::IDENTITY, edge: *edge, angle: TAU }),
            }
        }
        Self::new(faces)
    }

    /// The same solid somewhere else; the transform must be rigid.
    pub fn at(mut self, transform: DAffine3) -> Self {
        for face in &mut self.faces {
            let (Face::Plane { frame, .. } | Face::Wall { frame, .. } | Face::Turned { frame, .. }) = face;
            *frame = transform * *frame;
        }
        self
    }

    /// The same solid, larger or smaller about the origin.
    pub fn scaled(mut self, factor: f64) -> Self {
        for face in &mut self.faces {
            match face {
                Face::Plane { frame, outer, holes } => {
                    frame.translation *= factor;
                    *outer = outer.scaled(factor);
                    *holes = holes.iter().map(|h| h.scaled(factor)).collect();
                }
                Face::Wall { frame, foot, foot_z, head, head_z } => {
                    frame.translation *= factor;
                    (*foot, *head) = (foot.scaled(factor), head.scaled(factor));
                    (*foot_z, *head_z) = (*foot_z * factor, *head_z * factor);
                }
                Face::Turned { frame, edge, .. } => {
                    frame.translation *= factor;
                    *edge = edge.scaled(factor);
                }
            }
        }
        self
    }

    /// Sets the pieces of a full turn.
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// Both solids as one; they must not touch for the result to stay closed.
    pub fn and(mut self, other: Self) -> Self {
        self.faces.extend(other.faces);
        self
    }

    /// Corners of the faces' borders; all triangles lie between them.
    pub fn points(&self) -> Vec<DVec3> {
        self.faces.iter().flat_map(|f| f.points(self.steps)).collect()
    }

    /// Triangles of all faces.
    pub fn triangles(&self) -> Vec<Triangle> {
        let mut out = Vec::new();
        for face in &self.faces {
            face.triangles(self.steps, &mut out);
        }
        out
    }
}

/// A flat ring or disc between two radii; it looks down when the edge leads outwards.
fn ring(a: DVec2, b: DVec2) -> Face {
    let up = a.x > b.x;
    let (inner, outer) = if up { (b.x, a.x) } else { (a.x, b.x) };
    let lift = DAffine3::from_translation(DVec3::Z * a.y);
    let holes = if inner > 1e-9 { vec![Profile::circle(0.0, 0.0, inner).reversed()] } else { Vec::new() };
    Face::Plane { frame: if up { lift } else { lift * flipped() }, outer: Profile::circle(0.0, 0.0, outer), holes }
}

impl Face {
    fn points(&self, steps: usize) -> Vec<DVec3> {
        match self {
            Self::Plane { frame, outer, .. } => lift(frame, &outer.points(steps), 0.0),
            Self::Wall { frame, foot, foot_z, head, head_z } => {
                let mut points = lift(frame, &foot.points(steps), *foot_z);
                points.extend(lift(frame, &head.points(steps), *head_z));
                points
            }
            Self::Turned { .. } => {
                let mut triangles = Vec::new();
                self.triangles(steps, &mut triangles);
                triangles.into_flattened()
            }
        }
    }

    fn triangles(&self, steps: usize, out: &mut Vec<Triangle>) {
        match self {
            Self::Plane { frame, outer, holes } => {
                let holes: Vec<_> = holes.iter().map(|h| h.points(steps)).collect();
                for t in triangulate(&outer.points(steps), &holes) {
                    out.push(t.map(|p| frame.transform_point3(p.extend(0.0))));
                }
            }
            Self::Wall { frame, foot, foot_z, head, head_z } => {
                let lower: Vec<_> = lift(frame, &foot.points(steps), *foot_z);
                let upper: Vec<_> = lift(frame, &head.points(steps), *head_z);
                for i in 1..lower.len() {
                    push_quad(out, [lower[i - 1], lower[i], upper[i], upper[i - 1]]);
                }
            }
            Self::Turned { frame, edge, angle } => {
                let n = pieces_of_angle(*angle, steps);
                let rim = edge.points(steps);
                let row = |i: usize| -> Vec<DVec3> {
                    let (s, c) = turn(i, n, *angle).sin_cos();
                    rim.iter().map(|p| frame.transform_point3(dvec3(p.x * c, p.x * s, p.y))).collect()
                };
                let mut before = row(0);
                for i in 1..=n {
                    let after = row(i);
                    for k in 1..rim.len() {
                        push_quad(out, [before[k - 1], after[k - 1], after[k], before[k]]);
                    }
                    before = after;
                }
            }
        }
    }
}

/// Angle of step `i` of `n`; a full turn ends exactly where it began.
fn turn(i: usize, n: usize, angle: f64) -> f64 {
    if i == n && (angle - TAU).abs() < 1e-12 { 0.0 } else { angle * (i as f64 / n as f64) }
}

fn lift(frame: &DAffine3, points: &[DVec2], z: f64) -> Vec<DVec3> {
    points.iter().map(|p| frame.transform_point3(p.extend(z))).collect()
}

/// Two triangles, or one where two neighbours coincide.
fn push_quad(out: &mut Vec<Triangle>, [a, b, c, d]: [DVec3; 4]) {
    let same = |p: DVec3, q: DVec3| p.distance_squared(q) < 1e-12;
    if !same(a, b) && !same(b, c) {
        out.push([a, b, c]);
    }
    if !same(c, d) && !same(d, a) {
        out.push([a, c, d]);
    }
}
