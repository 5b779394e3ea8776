//! Geometry of connections: an arc from device top to device top with an arrowhead. Built when the scene changes;
//! the movement is a number in the frame's uniforms.

use crate::prepared::Prepared;
use bytemuck::{Pod, Zeroable};
use glam::Vec3;
use std::collections::HashMap;

/// Speed of the dashes.
const METRES_PER_SEC: f64 = 0.6;
/// Must be that of the shader.
const DASH_METRES: f64 = 0.5;
const STEPS: usize = 28;
/// Half the ribbon's drawn width in points: its 1.6 and a border for smoothing.
const RIBBON_REACH: f32 = 2.6;
const HEAD_LENGTH: f32 = 15.0;
const HEAD_HALF: f32 = 6.5;

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct FlowVertex {
    pub(crate) position: [f32; 3],
    pub(crate) along: [f32; 3],
    pub(crate) offset: [f32; 2],
    pub(crate) distance: [f32; 2],
    pub(crate) colour: [u8; 4],
}

/// Where in a dash the flow is, 0 to 1. Kept in `f64` so that a session of weeks still moves smoothly.
pub(crate) fn phase(time_secs: f64) -> f32 {
    let phase = (time_secs * METRES_PER_SEC / DASH_METRES).rem_euclid(1.0);
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
    let phase = phase as f32;
    if phase.is_finite() { phase } else { 0.0 }
}

/// Triangles of all connections.
pub(crate) fn build(scene: &Prepared, vertices: &mut Vec<FlowVertex>, indices: &mut Vec<u32>) {
    vertices.clear();
    indices.clear();
    let mut used: HashMap<(usize, usize), u32> = HashMap::new();
    for link in &scene.links {
        let pair = (link.source.min(link.target), link.source.max(link.target));
        let nth = used.entry(pair).or_insert(0);
        let (from, to) = scene.link_ends(link);
        // Seen from the pair, not from the direction, so that there and back do not fall on one line.
        let sign = if link.source < link.target { 1.0 } else { -1.0 };
        let bow = spread(*nth) * sign;
        *nth += 1;
        append(&Arc3::between(from, to, bow), link.colour, vertices, indices);
    }
}

/// 0, 1, -1, 2, -2, ... for connections that share their ends.
#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn spread(nth: u32) -> f32 {
    let side = if nth % 2 == 1 { 1.0 } else { -1.0 };
    nth.div_ceil(2) as f32 * side
}

/// A cubic Bézier curve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arc3 {
    points: [Vec3; 4],
}

impl Arc3 {
    pub(crate) fn between(from: Vec3, to: Vec3, bow: f32) -> Self {
        let flat = (to - from).with_y(0.0);
        let distance = flat.length();
        let ahead = flat.normalize_or(Vec3::X);
        let aside = Vec3::Y.cross(ahead) * bow * distance * 0.16;
        let crest = from.y.max(to.y) + (distance * 0.22).clamp(0.12, 2.2);
        let reach = ahead * distance * 0.22;
        // Both handles reach the same height: a tall neighbour is passed above, not through.
        let first = from.with_y(from.y + (crest - from.y) * 1.25) + reach + aside;
        let second = to.with_y(to.y + (crest - to.y) * 1.25) - reach + aside;
        Self { points: [from, first, second, to] }
    }

    pub(crate) fn at(&self, t: f32) -> Vec3 {
        let [a, b, c, d] = self.points;
        let s = 1.0 - t;
        a * (s * s * s) + b * (3.0 * s * s * t) + c * (3.0 * s * t * t) + d * (t * t * t)
    }

    fn direction(&self, t: f32) -> Vec3 {
        let [a, b, c, d] = self.points;
        let s = 1.0 - t;
        ((b - a) * (s * s) + (c - b) * (2.0 * s * t) + (d - c) * (t * t)).normalize_or(Vec3::Y)
    }
}

fn append(arc: &Arc3, colour: [u8; 4], vertices: &mut Vec<FlowVertex>, indices: &mut Vec<u32>) {
    let start = u32::try_from(vertices.len()).unwrap_or(u32::MAX);
    let mut metres = 0.0;
    let mut last = arc.at(0.0);
    let mut points = Vec::with_capacity(STEPS + 1);
    for i in 0..=STEPS {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let t = i as f32 / STEPS as f32;
        let p = arc.at(t);
        metres += (p - last).length();
        last = p;
        points.push((p, arc.direction(t), metres));
    }
    let total = metres;
    for (i, (p, along, metres)) in points.iter().enumerate() {
        // The ribbon ends under the arrowhead, not at its tip.
        let back = if i == STEPS { -HEAD_LENGTH * 0.8 } else { 0.0 };
        for side in [-RIBBON_REACH, RIBBON_REACH] {
            vertices.push(FlowVertex {
                position: p.to_array(),
                along: along.to_array(),
                offset: [back, side],
                distance: [*metres, total],
                colour,
            });
        }
    }
    for i in 0..STEPS {
        let a = start + u32::try_from(i * 2).unwrap_or(0);
        indices.extend([a, a + 1, a + 2, a + 2, a + 1, a + 3]);
    }
    let head = u32::try_from(vertices.len()).unwrap_or(u32::MAX);
    let (tip, along) = (arc.at(1.0).to_array(), arc.direction(1.0).to_array());
    // A little larger than the arrow, for its smooth border.
    for offset in [[2.0, 0.0], [-HEAD_LENGTH - 1.0, HEAD_HALF + 1.5], [-HEAD_LENGTH - 1.0, -HEAD_HALF - 1.5]] {
        vertices.push(FlowVertex { position: tip, along, offset, distance: [total, -1.0], colour });
    }
    indices.extend([head, head + 1, head + 2]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arc_starts_and_ends_at_its_devices_and_rises_above_both() {
        let (from, to) = (Vec3::new(-3.0, 1.0, 0.0), Vec3::new(4.0, 2.5, 1.0));
        for bow in [0.0, 1.0, -1.0] {
            let arc = Arc3::between(from, to, bow);
            assert_eq!(arc.at(0.0), from);
            assert!((arc.at(1.0) - to).length() < 1e-5);
            let crest = (0..=20).map(|i| arc.at(i as f32 / 20.0).y).fold(0.0, f32::max);
            assert!(crest > 2.6, "{crest}");
            assert!(arc.direction(1.0).y < 0.0, "it comes down on its target");
        }
    }

    #[test]
    fn there_and_back_do_not_coincide() {
        let (a, b) = (Vec3::ZERO, Vec3::new(6.0, 0.0, 0.0));
        // As `build` does it for a pair of opposite connections.
        let there = Arc3::between(a, b, spread(0));
        let back = Arc3::between(b, a, -spread(1));
        assert!((there.at(0.5) - back.at(0.5)).length() > 0.3);
    }

    #[test]
    fn degenerate_arcs_have_finite_numbers() {
        let (mut vertices, mut indices) = (Vec::new(), Vec::new());
        append(&Arc3::between(Vec3::ONE, Vec3::ONE, 0.0), [255; 4], &mut vertices, &mut indices);
        assert!(vertices.iter().all(|v| v.position.iter().chain(&v.along).chain(&v.distance).all(|x| x.is_finite())));
        assert!(indices.iter().all(|&i| (i as usize) < vertices.len()));
    }

    #[test]
    fn the_phase_moves_and_repeats() {
        assert_eq!(phase(0.0), 0.0);
        let period = DASH_METRES / METRES_PER_SEC;
        assert!((phase(period * 0.25) - 0.25).abs() < 1e-5);
        assert!((phase(1e7 * period + period * 0.5) - 0.5).abs() < 1e-3);
        assert_eq!(phase(f64::NAN), 0.0);
    }
}
