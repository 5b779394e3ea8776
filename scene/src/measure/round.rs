//! From one triangle of a face to the cylinder that the face is a part of, so that a bore has a radius where none of its
//! edges is in reach.
//!
//! Two triangles beside each other on a cylinder have an edge along its axis. Seen along that, the corners of the face
//! lie on a circle, which is fitted to more and more of its triangles. A cone, a ball or a ring is no cylinder: their
//! faces lean away from every such axis.

use super::circle::Circle;
use crate::shape::{GridPoint, Shape, unpack_normal};
use glam::{Affine3A, DMat3, DVec2, DVec3, Vec3A};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Shapes with more triangles are not looked into: that would hold up whoever points.
const MOST_TRIANGLES: usize = 300_000;
/// Triangles of one face that are followed.
const MOST_FOLLOWED: usize = 4_000;
/// Faces that turn by more than this (its cosine; 35 degrees) at an edge are two faces.
const CREASE_COSINE: f64 = 0.819;
/// Faces and corners lean towards the axis by less (its sine; 1 degree).
const LEANS: f64 = 0.0175;
/// Turns by less than this (its sine) are none.
const FLAT: f64 = 1e-3;
/// A cylinder is named only when no corner is off by more than this part of the radius, as with circles of edges.
const ROUND: f64 = 5e-3;
/// The same for one that does not go around.
const PART_ROUND: f64 = 1e-3;
/// The same while it is being found, from few triangles.
const ABOUT_ROUND: f64 = 0.02;
/// Radians that a face goes around its axis at least.
const LEAST_SWEEP: f64 = 0.35;
/// A band that goes over into something else without an edge on both sides, as those of a ball do, is a cylinder only
/// when it is higher than this part of the radius.
const BAND: f64 = 0.5;

/// A face that is a part of a cylinder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Around the axis, where it was pointed at.
    pub circle: Circle,
    /// It goes around all of it, but for gaps.
    pub is_full: bool,
}

/// Which triangles of a shape meet in a point.
#[derive(Debug)]
pub(crate) struct Meetings {
    /// Places in the indices of the shape, in the order of their points.
    by_point: Vec<u32>,
}

impl Meetings {
    /// None for a shape with too many triangles.
    pub(crate) fn of(shape: &Shape) -> Option<Self> {
        if shape.triangle_count() > MOST_TRIANGLES {
            return None;
        }
        let mut by_point: Vec<u32> = (0u32..).take(shape.indices.len()).collect();
        by_point.sort_unstable_by_key(|at| point_at(shape, *at));
        Some(Self { by_point })
    }

    fn triangles(&self, shape: &Shape, point: GridPoint) -> impl Iterator<Item = usize> {
        let first = self.by_point.partition_point(|at| point_at(shape, *at) < point);
        let here = self.by_point[first..].iter().take_while(move |at| point_at(shape, **at) == point);
        here.map(|at| *at as usize / 3)
    }
}

fn point_at(shape: &Shape, at: u32) -> GridPoint {
    shape.corners[shape.indices[at as usize] as usize].position
}

/// The cylinder that a triangle is a part of, in the space of the device; `at` is where it was pointed at.
pub(crate) fn of_triangle(
    shape: &Shape,
    meetings: &Meetings,
    triangle: usize,
    model_from_part: &Affine3A,
    at: DVec3,
) -> Option<Round> {
    let normals_from_part = model_from_part.matrix3.inverse().transpose();
    let patch = Patch { shape, meetings, model_from_part, normals_from_part };
    let seed = patch.facet(triangle)?;
    let found = patch.beside(&seed).into_iter().filter_map(|(other, edge)| {
        let turns = seed.normal.cross(other.normal).length();
        (turns > FLAT && seed.normal.dot(other.normal) > CREASE_COSINE).then_some(())?;
        patch.grown(&seed, &other, edge, at)
    });
    found.max_by_key(|(_, size)| *size).map(|(round, _)| round)
}

/// A triangle in the space of the device.
#[derive(Debug, Clone, Copy)]
struct Facet {
    index: usize,
    ids: [GridPoint; 3],
    points: [DVec3; 3],
    /// Of unit length.
    normal: DVec3,
    area: f64,
    /// Those of its corners.
    smooth: [DVec3; 3],
}

/// The shape that a face is a part of.
struct Patch<'s> {
    shape: &'s Shape,
    meetings: &'s Meetings,
    model_from_part: &'s Affine3A,
    normals_from_part: glam::Mat3A,
}

/// What was followed so far.
#[derive(Default)]
struct Grown {
    facets: Vec<Facet>,
    /// Edges along the axis at which it ended, and across it.
    sides: Ends,
    ends: Ends,
}

/// Edges at which a face ends.
#[derive(Default)]
struct Ends {
    all: usize,
    /// It goes on there without a crease, and leans.
    soft: usize,
    /// It goes on there without a crease or leaning, off the circle.
    wrong: usize,
}

impl Ends {
    fn are_soft(&self) -> bool {
        self.soft * 5 > self.all * 3
    }

    fn are_wrong(&self) -> bool {
        self.wrong * 5 > self.all
    }
}

impl Patch<'_> {
    fn facet(&self, index: usize) -> Option<Facet> {
        let corners = self.shape.indices.get(index * 3..index * 3 + 3)?;
        let corners: [_; 3] = std::array::from_fn(|i| &self.shape.corners[corners[i] as usize]);
        let ids = corners.map(|c| c.position);
        let points = ids.map(|p| self.model_from_part.transform_point3a(self.shape.grid.unpack(p)).as_dvec3());
        let smooth = corners.map(|c| {
            let normal = self.normals_from_part * Vec3A::from(unpack_normal(c.normal));
            normal.as_dvec3().normalize_or_zero()
        });
        let across = (points[1] - points[0]).cross(points[2] - points[0]);
        let normal = across.try_normalize()?;
        // All of one side, whatever the order of the corners says in a mirrored place.
        let normal = if normal.dot(smooth[0] + smooth[1] + smooth[2]) < 0.0 { -normal } else { normal };
        Some(Facet { index, ids, points, normal, area: across.length() * 0.5, smooth })
    }

    /// The triangles that share an edge with one, and the ends of that edge.
    fn beside(&self, facet: &Facet) -> Vec<(Facet, [DVec3; 2])> {
        let mut found = Vec::with_capacity(3);
        for (i, j) in [(0, 1), (1, 2), (2, 0)] {
            let (from, to) = (facet.ids[i], facet.ids[j]);
            let others = self.meetings.triangles(self.shape, from).filter(|t| *t != facet.index);
            let shared = others.filter_map(|t| self.facet(t)).find(|other| other.ids.contains(&to));
            found.extend(shared.map(|other| (other, [facet.points[i], facet.points[j]])));
        }
        found
    }

    /// The cylinder through two triangles, and of how many it consists.
    fn grown(&self, seed: &Facet, other: &Facet, edge: [DVec3; 2], at: DVec3) -> Option<(Round, usize)> {
        let mut axis = (edge[1] - edge[0]).try_normalize()?;
        let first: Vec<DVec3> = seed.points.into_iter().chain(other.points).collect();
        let mut circle = Circle::about(axis, &first)?;
        let mut all = Grown::default();
        // Few triangles tell little: more of them are taken in as the circle gets better.
        let steps = [(8, ABOUT_ROUND), (32, ABOUT_ROUND), (128, ABOUT_ROUND), (1024, ROUND), (MOST_FOLLOWED, ROUND)];
        for (most, off) in steps {
            all = self.follow(seed, &circle, most, off);
            axis = across_all(&all.facets, axis)?;
            circle = Circle::about(axis, &corners(&all.facets))?;
        }
        let mut spread = Spread::of(&circle, &all.facets);
        if !spread.is_full {
            // A part of a circle fits much that is none.
            all = self.follow(seed, &circle, MOST_FOLLOWED, PART_ROUND);
            circle = Circle::about(axis, &corners(&all.facets))?;
            spread = Spread::of(&circle, &all.facets);
        }
        let Spread { sweep, is_full, height, rows } = spread;
        let off = if is_full { ROUND } else { PART_ROUND };
        let is_band = all.ends.are_soft() && height < circle.radius * BAND;
        // Beside a cylinder there may be another one or a flat face, but nothing that leans, and it ends only where
        // something leans or at a crease.
        let is_other = is_band || all.sides.are_soft() || all.ends.are_wrong();
        let is_one = circle.error <= circle.radius * off && sweep >= LEAST_SWEEP && rows >= 5 && !is_other;
        circle.centre += circle.axis * (at - circle.centre).dot(circle.axis);
        is_one.then_some((Round { circle, is_full }, all.facets.len()))
    }

    /// All triangles of the face that lie on a cylinder, or about so many of them.
    fn follow(&self, seed: &Facet, circle: &Circle, most: usize, off: f64) -> Grown {
        let mut grown = Grown { facets: vec![*seed], ..Grown::default() };
        let mut known: HashSet<usize> = HashSet::from([seed.index]);
        let mut next = 0;
        while next < grown.facets.len() && grown.facets.len() < most {
            let facet = grown.facets[next];
            next += 1;
            for (other, edge) in self.beside(&facet) {
                let is_smooth = facet.normal.dot(other.normal) > CREASE_COSINE;
                let stands = is_smooth && stands(&other, circle.axis);
                let lies = |p: &DVec3| (from_axis(circle, *p).length() - circle.radius).abs();
                if stands && other.points.iter().all(|p| lies(p) < circle.radius * off) {
                    if known.insert(other.index) {
                        grown.facets.push(other);
                    }
                } else {
                    let along = (edge[1] - edge[0]).normalize_or_zero().dot(circle.axis);
                    let ends = if along.abs() > 0.7 { &mut grown.sides } else { &mut grown.ends };
                    ends.all += 1;
                    ends.soft += usize::from(is_smooth && !stands);
                    ends.wrong += usize::from(stands);
                }
            }
        }
        grown
    }
}

/// True when a triangle and its corners do not lean towards an axis.
fn stands(facet: &Facet, axis: DVec3) -> bool {
    std::iter::once(&facet.normal).chain(&facet.smooth).all(|n| n.dot(axis).abs() < LEANS)
}

fn from_axis(circle: &Circle, point: DVec3) -> DVec3 {
    let from_centre = point - circle.centre;
    from_centre - circle.axis * from_centre.dot(circle.axis)
}

/// The direction that all faces lean away from, near to one that is known: inverse iteration.
fn across_all(facets: &[Facet], near: DVec3) -> Option<DVec3> {
    let mut sum = DMat3::ZERO;
    for facet in facets {
        let n = facet.normal;
        sum += DMat3::from_cols(n * n.x, n * n.y, n * n.z) * facet.area;
    }
    let trace = sum.x_axis.x + sum.y_axis.y + sum.z_axis.z;
    let inverse = (sum + DMat3::from_diagonal(DVec3::splat(trace * 1e-9))).inverse();
    let mut axis = near;
    for _ in 0..4 {
        axis = (inverse * axis).try_normalize()?;
    }
    Some(if axis.dot(near) < 0.0 { -axis } else { axis })
}

/// Each corner once.
fn corners(facets: &[Facet]) -> Vec<DVec3> {
    let mut known = HashSet::new();
    let all = facets.iter().flat_map(|f| f.ids.into_iter().zip(f.points));
    all.filter(|(id, _)| known.insert(*id)).map(|(_, point)| point).collect()
}

/// How far a face reaches around its axis and along it.
struct Spread {
    sweep: f64,
    is_full: bool,
    /// On average: a few triangles may stick out.
    height: f64,
    /// Directions in which corners lie.
    rows: usize,
}

impl Spread {
    fn of(circle: &Circle, facets: &[Facet]) -> Self {
        let (u, v) = circle.axis.any_orthonormal_pair();
        let angle = |point| {
            let out = from_axis(circle, point);
            DVec2::new(out.dot(u), out.dot(v)).to_angle()
        };
        let mut angles: Vec<f64> = corners(facets).into_iter().map(angle).collect();
        angles.sort_unstable_by(f64::total_cmp);
        let around = angles.first().map_or(0.0, |first| first + std::f64::consts::TAU);
        let ends = angles.iter().copied().skip(1).chain([around]);
        let gaps: Vec<f64> = angles.iter().zip(ends).map(|(a, b)| b - a).collect();
        let widest = gaps.iter().copied().fold(0.0, f64::max);
        let (sweep, area) = (std::f64::consts::TAU - widest, facets.iter().map(|f| f.area).sum::<f64>());
        Self {
            sweep,
            is_full: widest < 1.05,
            height: area / (circle.radius * sweep).max(f64::MIN_POSITIVE),
            rows: gaps.iter().filter(|gap| **gap > 2.0 * FLAT).count(),
        }
    }
}

#[cfg(test)]
#[path = "round_tests.rs"]
mod tests;
