//! Tests of following edges.

use super::*;
use crate::geometry::Mesh;
use crate::test_shapes::{cuboid, cylinder};
use std::f32::consts::{FRAC_PI_2, PI, TAU};

fn shape_of(points: &[Vec3]) -> Shape {
    let pairs = points.windows(2).flat_map(|p| [p[0].to_array(), p[1].to_array()]).collect();
    Shape::of(&Mesh { edges: pairs, lines: vec![[-2.0; 3], [2.0; 3]], ..Mesh::default() })
}

/// The edge at the segment nearest to a point.
fn at(shape: &Shape, point: Vec3) -> Curve {
    let middle = |s: &Segment| shape.ends(s).map(Vec3::from).iter().sum::<Vec3>() * 0.5;
    let off = |i: usize| (middle(&shape.edges[i]) - point).length();
    let index = (0..shape.edges.len()).min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap();
    Curve::of_segment(shape, Curves::Edges, index, &Affine3A::IDENTITY).unwrap()
}

fn arc(centre: Vec3, radius: f32, from: f32, sweep: f32, count: u32) -> Vec<Vec3> {
    let point = |i: u32| {
        let (sin, cos) = (from + sweep * i as f32 / count as f32).sin_cos();
        centre + Vec3::new(cos, sin, 0.0) * radius
    };
    (0..=count).map(point).collect()
}

fn radius_and_sweep(curve: &Curve) -> (f64, f64) {
    let CurveKind::Arc { circle, sweep } = curve.kind else { panic!("{:?}", curve.kind) };
    (circle.radius, sweep)
}

#[test]
fn an_edge_of_a_box_is_one_straight_segment() {
    let shape = Shape::of(&cuboid(Vec3::ZERO, Vec3::new(1.0, 2.0, 3.0)));
    let edge = at(&shape, Vec3::new(1.0, 1.0, 3.0));
    assert_eq!((edge.kind, edge.points.len()), (CurveKind::Straight, 2));
    assert!(edge.ends().unwrap().iter().all(|p| (p - Vec3::new(1.0, p.y, 3.0)).length() < 1e-5));
}

#[test]
fn segments_on_one_line_are_one_edge_up_to_the_corner() {
    let l = [(0.0, 0.0), (0.3, 0.0), (0.5, 0.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0)];
    let shape = shape_of(&l.map(|(x, y)| Vec3::new(x, y, 0.0)));
    let edge = at(&shape, Vec3::new(0.4, 0.0, 0.0));
    assert_eq!((edge.kind, edge.points.len()), (CurveKind::Straight, 4));
    assert_eq!(at(&shape, Vec3::new(1.0, 0.7, 0.0)).points.len(), 3);
}

#[test]
fn the_rim_of_a_cylinder_is_a_circle_wherever_it_is_picked() {
    for segments in [12, 32, 200] {
        let shape = Shape::of(&cylinder(0.35, 1.0, segments));
        for (x, z) in [(0.35, 0.0), (0.0, -0.35), (-0.2, 0.28)] {
            let edge = at(&shape, Vec3::new(x, 1.0, z));
            let (radius, sweep) = radius_and_sweep(&edge);
            assert!(edge.is_closed() && edge.ends().is_none());
            assert!((radius - 0.35).abs() < 1e-6 && (sweep - f64::from(TAU)).abs() < 1e-5, "{segments}: {radius}");
        }
    }
    // A hexagon has six edges.
    let edge = at(&Shape::of(&cylinder(0.35, 1.0, 6)), Vec3::new(0.3, 1.0, 0.1));
    assert_eq!((edge.kind, edge.points.len()), (CurveKind::Straight, 2));
}

/// A plate with round ends: two straight edges and two half circles, joined without corners.
fn slot(length: f32, chords: u32) -> Shape {
    let mut points = arc(Vec3::X * length * 0.5, 0.1, -FRAC_PI_2, PI, chords);
    points.extend(arc(Vec3::NEG_X * length * 0.5, 0.1, FRAC_PI_2, PI, chords));
    points.push(points[0]);
    shape_of(&points)
}

#[test]
fn tangent_lines_and_arcs_are_edges_of_their_own() {
    for (length, chords) in [(1.0, 12), (0.3, 24), (3.0, 8)] {
        let shape = slot(length, chords);
        let line = at(&shape, Vec3::new(0.01, 0.1, 0.0));
        assert_eq!((line.kind, line.points.len()), (CurveKind::Straight, 2), "{length} {chords}");
        for angle in [-1.5f32, -0.8, 0.02, 0.7, 1.5] {
            let on_arc = Vec3::new(length * 0.5 + 0.1 * angle.cos(), 0.1 * angle.sin(), 0.0);
            let edge = at(&shape, on_arc);
            let (radius, sweep) = radius_and_sweep(&edge);
            assert!((radius - 0.1).abs() < 1e-5, "{length} {chords} {angle}: {radius}");
            assert!((sweep - f64::from(PI)).abs() < 1e-3, "{length} {chords} {angle}: {sweep}");
        }
    }
}

#[test]
fn arcs_of_different_radius_that_touch_are_told_apart() {
    let mut points = arc(Vec3::ZERO, 0.1, 0.0, FRAC_PI_2, 12);
    points.extend(arc(Vec3::new(0.0, -0.2, 0.0), 0.3, FRAC_PI_2, FRAC_PI_2, 36).split_off(1));
    let shape = shape_of(&points);
    assert!((radius_and_sweep(&at(&shape, Vec3::new(0.07, 0.07, 0.0))).0 - 0.1).abs() < 1e-5);
    assert!((radius_and_sweep(&at(&shape, Vec3::new(-0.21, 0.01, 0.0))).0 - 0.3).abs() < 1e-5);
}

#[test]
fn an_ellipse_is_a_curve_without_a_radius() {
    let points: Vec<Vec3> = arc(Vec3::ZERO, 0.5, 0.0, TAU, 96).iter().map(|p| *p * Vec3::new(1.0, 0.5, 1.0)).collect();
    let shape = shape_of(&points);
    for point in [Vec3::new(0.5, 0.02, 0.0), Vec3::new(0.3, 0.2, 0.0), Vec3::new(0.02, -0.25, 0.0)] {
        let edge = at(&shape, point);
        assert_eq!(edge.kind, CurveKind::Free, "{point}");
        assert_eq!(edge.points.len(), 97);
    }
}

#[test]
fn edges_end_at_forks() {
    let points = arc(Vec3::ZERO, 0.5, 0.0, PI, 20);
    let mut pairs: Vec<[f32; 3]> = points.windows(2).flat_map(|p| [p[0].to_array(), p[1].to_array()]).collect();
    pairs.extend([points[10].to_array(), [0.0, 1.0, 0.0]]);
    let shape = Shape::of(&Mesh { edges: pairs, lines: vec![[-2.0; 3], [2.0; 3]], ..Mesh::default() });
    assert!((radius_and_sweep(&at(&shape, Vec3::X * 0.5)).1 - f64::from(FRAC_PI_2)).abs() < 1e-4);
}

#[test]
fn boxes_leave_out_only_what_is_elsewhere() {
    let shape = Shape::of(&cylinder(0.5, 2.0, 300));
    let boxes = SegmentBoxes::of(&shape);
    let all: Vec<usize> = boxes.near(&shape, Curves::Edges, |_| true).map(|(i, _)| i).collect();
    assert_eq!(all, (0..600).collect::<Vec<_>>());
    let right = boxes.near(&shape, Curves::Edges, |b| b.max.x > 0.4).count();
    assert!((100..500).contains(&right), "{right}");
    assert_eq!(boxes.near(&shape, Curves::Lines, |_| true).count(), 0);
}

#[test]
fn degenerate_segments_are_no_edge() {
    let shape = shape_of(&[Vec3::ZERO, Vec3::ZERO, Vec3::X]);
    let zero = shape.edges.iter().position(|s| s.from == s.to).unwrap();
    assert_eq!(Curve::of_segment(&shape, Curves::Edges, zero, &Affine3A::IDENTITY), None);
    assert_eq!(Curve::of_segment(&shape, Curves::Edges, 99, &Affine3A::IDENTITY), None);
    let nan = Affine3A::from_scale(Vec3::splat(f32::NAN));
    assert_eq!(Curve::of_segment(&shape, Curves::Edges, 0, &nan), None);
}
