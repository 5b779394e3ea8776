//! From a ray to numbers, on generated machines.

use super::*;
use crate::geometry::Mesh;
use crate::pick::{PickModels, Ray};
use crate::section::{Section, SectionPlane};
use crate::snapshot::SceneSnapshot;
use crate::test_shapes::{Placed, cuboid, cylinder, scene};
use crate::workspace::Transform;
use glam::{Affine3A, Quat};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

const RADIANS: f32 = 0.01;

type Scene = (SceneSnapshot, PickModels);

/// What is seen from a place in the direction of another.
fn look(scene: &Scene, from: Vec3, at: Vec3, wanted: Wanted) -> Option<Feature> {
    let ray = Ray { origin: from, direction: (at - from).normalize() };
    scene.1.snap(&scene.0, &ray, RADIANS, wanted)
}

fn snap(scene: &Scene, from: Vec3, at: Vec3) -> Feature {
    look(scene, from, at, Wanted::Anything).unwrap()
}

fn measured(scene: &Scene, features: &[Feature]) -> Measured {
    measure(features, &scene.0.workspace).unwrap()
}

fn value(measured: &Measured, quantity: Quantity) -> Option<f64> {
    measured.facts.iter().find(|f| f.quantity == quantity).map(|f| f.value)
}

fn assert_near(found: Option<f64>, expected: f64, within: f64) {
    let found = found.expect("the fact is there");
    assert!((found - expected).abs() <= within, "{found} instead of {expected}");
}

/// A box of 2 by 1 by 1 m around the origin.
fn block() -> Placed {
    Placed::solid("block", cuboid(Vec3::new(-1.0, -0.5, -0.5), Vec3::new(1.0, 0.5, 0.5)))
}

#[test]
fn corners_come_before_edges_and_edges_before_faces() {
    let scene = scene(vec![block()], Section::default());
    let eye = Vec3::new(3.0, 2.0, 4.0);
    let corner = snap(&scene, eye, Vec3::new(0.99, 0.49, 0.5));
    assert!(corner.shape == FeatureShape::Vertex && (corner.at - Vec3::new(1.0, 0.5, 0.5)).length() < 1e-5);
    let edge = snap(&scene, eye, Vec3::new(0.2, 0.49, 0.5));
    let FeatureShape::Edge(curve) = &edge.shape else { panic!("{edge:?}") };
    assert_eq!(curve.kind, CurveKind::Straight);
    assert!((edge.at - Vec3::new(0.2, 0.5, 0.5)).length() < 0.02, "{}", edge.at);
    let face = snap(&scene, eye, Vec3::new(0.2, 0.1, 0.5));
    let FeatureShape::Face { normal: Some(normal), .. } = face.shape else { panic!("{face:?}") };
    assert!((normal - Vec3::Z).length() < 1e-5 && (face.at - Vec3::new(0.2, 0.1, 0.5)).length() < 1e-4);
    assert_eq!(look(&scene, eye, Vec3::new(5.0, 5.0, 0.0), Wanted::Anything), None);
}

#[test]
fn who_wants_one_kind_gets_that_or_nothing() {
    let scene = scene(vec![block()], Section::default());
    let eye = Vec3::new(3.0, 2.0, 4.0);
    let (corner, middle) = (Vec3::new(0.99, 0.49, 0.5), Vec3::new(0.2, 0.1, 0.5));
    assert_eq!(look(&scene, eye, corner, Wanted::Edge).unwrap().name(), "edge");
    assert_eq!(look(&scene, eye, corner, Wanted::Face).unwrap().name(), "face");
    assert_eq!(look(&scene, eye, corner, Wanted::Vertex).unwrap().name(), "vertex");
    assert_eq!(look(&scene, eye, middle, Wanted::Vertex), None);
    assert_eq!(look(&scene, eye, middle, Wanted::Edge), None);
}

#[test]
fn edges_behind_a_face_are_not_there_and_those_of_thin_plates_are_told_apart() {
    let plate = Placed::solid("plate", cuboid(Vec3::new(-1.0, -1.0, 0.0), Vec3::new(1.0, 1.0, 0.002)));
    let scene = scene(vec![plate, block().at(Transform::at(Vec3::NEG_Z))], Section::default());
    let eye = Vec3::new(0.1, 0.2, 5.0);
    // The block's edges are hidden by the plate, and so is the back of the plate itself.
    assert_eq!(snap(&scene, eye, Vec3::new(0.3, 0.5, 0.0)).name(), "face");
    let edge = snap(&scene, eye, Vec3::new(1.0, 0.0, 0.002));
    assert!(edge.at.z > 0.0015, "the front edge, not the hidden one: {}", edge.at);
    let behind = snap(&scene, Vec3::new(0.1, 0.9, -5.0), Vec3::new(1.0, 0.9, 0.0));
    assert!((behind.device.0.as_str(), behind.name()) == ("plate", "edge") && behind.at.z < 0.0005, "{}", behind.at);
}

#[test]
fn points_are_as_far_apart_as_they_are() {
    let turned = Transform { rotation: Quat::from_rotation_y(0.6), scale: 0.5, position: Vec3::new(30.0, 0.0, -20.0) };
    let scene = scene(vec![block().at(turned)], Section::default());
    let at = |p: Vec3| turned.world_from_device().transform_point3(p);
    let eye = at(Vec3::new(3.0, 2.0, 4.0));
    let corners = [Vec3::new(1.0, 0.5, 0.5), Vec3::new(-1.0, 0.5, 0.5), Vec3::new(1.0, -0.5, 0.5)];
    let found = corners.map(|c| snap(&scene, eye, at(c)));
    assert!(found.iter().all(|f| f.shape == FeatureShape::Vertex));
    let long = measured(&scene, &[found[0].clone(), found[1].clone()]);
    assert_near(value(&long, Quantity::Distance), 1.0, 1e-6);
    assert_near(value(&long, Quantity::DeltaX), 0.6f64.cos(), 1e-6);
    assert_near(value(&long, Quantity::DeltaY), 0.0, 1e-6);
    assert_near(value(&long, Quantity::DeltaZ), 0.6f64.sin(), 1e-6);
    assert_eq!(long.headline(), "1.000 m");
    assert!(long.marks.iter().any(|m| matches!(m, Mark::Span(_))) && long.is_telling());
    let high = measured(&scene, &[found[0].clone(), found[2].clone()]);
    assert_eq!(high.headline(), "500.0 mm");
    let point = measured(&scene, &found[..1]);
    assert!(!point.is_telling() && value(&point, Quantity::X).is_some());
}

#[test]
fn edges_have_lengths_and_circles_radii_in_any_scale() {
    // In millimetres, as CAD files are, and twice as large in the workspace.
    let mesh = cylinder(120.0, 300.0, 48);
    let transform = Transform { scale: 2.0, rotation: Quat::from_rotation_z(0.3), position: Vec3::new(5.0, 1.0, 0.0) };
    let model_from_part = Affine3A::from_scale(Vec3::splat(0.001));
    let things = vec![Placed { model_from_part, ..Placed::solid("tank", mesh) }.at(transform), block()];
    let scene = scene(things, Section::default());
    let at = |p: Vec3| transform.world_from_device().transform_point3(p);
    let rim = look(&scene, at(Vec3::new(1.0, 1.0, 1.0)), at(Vec3::new(0.12, 0.3, 0.0)), Wanted::Edge).unwrap();
    let circle = measured(&scene, &[rim]);
    assert_near(value(&circle, Quantity::Diameter), 0.48, 1e-6);
    assert_near(value(&circle, Quantity::Radius), 0.24, 1e-6);
    assert_near(value(&circle, Quantity::Length), 0.24 * TAU, 1e-5);
    assert_eq!(circle.headline(), "\u{d8} 480.0 mm");
    assert!(circle.facts[0].error.unwrap() < 1e-6);
    let edge = look(&scene, Vec3::new(3.0, 2.0, 4.0), Vec3::new(0.2, 0.5, 0.5), Wanted::Edge).unwrap();
    let length = measured(&scene, &[edge]);
    assert_near(value(&length, Quantity::Length), 2.0, 1e-6);
    assert_near(value(&length, Quantity::DeltaX), 2.0, 1e-6);
}

#[test]
fn faces_and_edges_enclose_angles() {
    let scene = scene(vec![block()], Section::default());
    let eye = Vec3::new(3.0, 2.0, 4.0);
    let front = snap(&scene, eye, Vec3::new(0.2, 0.1, 0.5));
    let top = snap(&scene, eye, Vec3::new(0.1, 0.5, 0.0));
    let right = measured(&scene, &[front.clone(), top]);
    assert_near(value(&right, Quantity::Angle), FRAC_PI_2, 1e-4);
    assert_eq!(right.headline(), "90.00\u{b0}");
    assert!(value(&right, Quantity::Gap).is_none() && value(&right, Quantity::Distance).is_some());
    let Some(Mark::Arc(arc)) = right.marks.iter().find(|m| matches!(m, Mark::Arc(_))) else { panic!("{right:?}") };
    // It goes from one face to the other about their common edge.
    assert!((arc[0].z - 0.5).abs() < 1e-3 && (arc[arc.len() - 1].y - 0.5).abs() < 1e-3, "{arc:?}");
    let upper = snap(&scene, eye, Vec3::new(0.2, 0.5, 0.5));
    let upright = snap(&scene, eye, Vec3::new(1.0, 0.1, 0.5));
    let edges = measured(&scene, &[upper, upright.clone()]);
    assert_near(value(&edges, Quantity::Angle), FRAC_PI_2, 1e-5);
    assert_near(value(&edges, Quantity::Distance), 0.0, 1e-6);
    // An edge that lies in the direction of a face, and one that stands on it.
    let beside = measured(&scene, &[front, upright.clone()]);
    assert_near(value(&beside, Quantity::Gap), 0.0, 1e-5);
    let top = snap(&scene, eye, Vec3::new(0.1, 0.5, 0.0));
    assert_near(value(&measured(&scene, &[top, upright]), Quantity::Angle), FRAC_PI_2, 1e-4);
}

#[test]
fn parallel_things_are_measured_straight_across() {
    let right = block().at(Transform::at(Vec3::new(3.5, 0.2, 0.0)));
    let scene = scene(vec![block(), Placed { id: "right", ..right }], Section::default());
    let left_face = snap(&scene, Vec3::new(1.6, 0.0, 0.3), Vec3::new(1.0, 0.1, 0.1));
    let right_face = snap(&scene, Vec3::new(1.6, 0.0, 0.3), Vec3::new(2.5, 0.3, -0.2));
    let clearance = measured(&scene, &[left_face.clone(), right_face]);
    assert_near(value(&clearance, Quantity::Gap), 1.5, 1e-5);
    assert_eq!(clearance.headline(), "1.500 m");
    assert!(value(&clearance, Quantity::Distance).unwrap() > 1.51);
    let eye = Vec3::new(0.0, 3.0, 4.0);
    let edges = [Vec3::new(-0.5, 0.5, 0.5), Vec3::new(3.2, 0.7, 0.5)].map(|at| snap(&scene, eye, at));
    assert!(edges.iter().all(|e| e.name() == "edge"), "{edges:?}");
    let parallel = measured(&scene, &edges);
    assert_near(value(&parallel, Quantity::Gap), 0.2, 1e-5);
    // The edges end 1.5 m apart.
    assert_near(value(&parallel, Quantity::Distance), 1.5f64.hypot(0.2), 1e-5);
    // A corner and the plane of a face.
    let corner = snap(&scene, Vec3::new(5.0, 2.0, 4.0), Vec3::new(4.5, 0.7, 0.5));
    assert_eq!(corner.shape, FeatureShape::Vertex);
    assert_near(value(&measured(&scene, &[corner, left_face]), Quantity::Gap), 3.5, 1e-5);
}

#[test]
fn circles_are_measured_from_middle_to_middle() {
    let posts = [("a", 0.0), ("b", 0.8)]
        .map(|(id, x)| Placed::solid(id, cylinder(0.1, 1.0, 32)).at(Transform::at(Vec3::X * x)));
    let scene = scene(posts.into(), Section::default());
    let eye = Vec3::new(0.4, 3.0, 3.0);
    let rims = [Vec3::new(0.0, 1.0, 0.1), Vec3::new(0.8, 1.0, 0.1)].map(|at| snap(&scene, eye, at));
    let found = measured(&scene, &rims);
    assert_near(value(&found, Quantity::Centres), 0.8, 1e-6);
    assert_near(value(&found, Quantity::Distance), 0.6, 1e-5);
    assert_eq!(found.headline(), "800.0 mm");
    // The side of a post is round: it has no angle with anything.
    let side = snap(&scene, eye, Vec3::new(0.03, 0.5, 0.09));
    assert!(matches!(side.shape, FeatureShape::Round(_)), "{side:?}");
    assert_eq!(value(&measured(&scene, &[side, rims[0].clone()]), Quantity::Angle), None);
}

#[test]
fn a_cut_is_a_face_and_what_is_cut_away_cannot_be_measured() {
    let cut = Section::of(SectionPlane::new(Vec3::Z, 0.2));
    let turned = Transform { rotation: Quat::from_rotation_x(FRAC_PI_2 as f32), ..Transform::default() };
    let scene = scene(vec![block().at(turned)], cut);
    let eye = Vec3::new(1.5, 1.0, 4.0);
    let face = snap(&scene, eye, Vec3::new(0.1, 0.1, 0.2));
    let FeatureShape::Face { normal: Some(normal), .. } = face.shape else { panic!("{face:?}") };
    assert!((turned.rotation * normal - Vec3::Z).length() < 1e-5);
    assert!((turned.world_from_device().transform_point3(face.at) - Vec3::new(0.1, 0.1, 0.2)).length() < 1e-4);
    // The front edges lie in what is gone.
    assert_eq!(look(&scene, eye, Vec3::new(0.2, 0.5, 0.5), Wanted::Edge), None);
    assert!(look(&scene, Vec3::new(3.0, 3.0, -3.0), Vec3::new(0.2, 0.5, -0.5), Wanted::Edge).is_some());
}

#[test]
fn measurements_follow_their_devices() {
    let mut scene = scene(vec![block()], Section::default());
    let eye = Vec3::new(3.0, 2.0, 4.0);
    let corners = [Vec3::new(1.0, 0.5, 0.5), Vec3::new(-1.0, 0.5, 0.5)].map(|c| snap(&scene, eye, c));
    let mut workspace = Workspace::clone(&scene.0.workspace);
    workspace.devices.get_mut(&"block".into()).unwrap().transform =
        Transform { scale: 3.0, rotation: Quat::from_rotation_y(PI as f32 / 2.0), position: Vec3::Y };
    scene.0.workspace = workspace.clone().into();
    let found = measured(&scene, &corners);
    assert_near(value(&found, Quantity::Distance), 6.0, 1e-5);
    assert_near(value(&found, Quantity::DeltaZ), 6.0, 1e-5);
    assert!(corners[0].is_there(&workspace));
    workspace.devices.get_mut(&"block".into()).unwrap().model = None;
    assert!(!corners[0].is_there(&workspace), "another model has other corners");
    workspace.devices.clear();
    assert!(!corners[0].is_there(&workspace) && measure(&corners, &workspace).is_none());
}

#[test]
fn curves_of_drawings_are_measured_like_edges() {
    let lines = vec![[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 0.0, 3.0]];
    let drawing = Placed::solid("drawing", Mesh { lines, ..Mesh::default() });
    let scene = scene(vec![drawing], Section::default());
    let eye = Vec3::new(2.0, 5.0, 2.0);
    let edge = snap(&scene, eye, Vec3::new(1.0, 0.0, 0.0));
    assert_near(value(&measured(&scene, &[edge]), Quantity::Length), 4.0, 1e-5);
    assert_eq!(snap(&scene, eye, Vec3::new(4.0, 0.0, 0.0)).shape, FeatureShape::Vertex);
}

#[test]
fn numbers_that_are_none_measure_nothing() {
    let scene = scene(vec![block()], Section::default());
    let nan = Ray { origin: Vec3::NAN, direction: Vec3::Z };
    assert_eq!(scene.1.snap(&scene.0, &nan, RADIANS, Wanted::Anything), None);
    let ray = Ray { origin: Vec3::Z * 3.0, direction: Vec3::NEG_Z };
    for radians in [f32::NAN, -1.0, 0.0] {
        assert_eq!(scene.1.snap(&scene.0, &ray, radians, Wanted::Edge), None);
    }
    assert_eq!(measure(&[], &scene.0.workspace), None);
    // The same thing twice is nowhere apart, and says so without a NaN.
    let eye = Vec3::new(3.0, 2.0, 4.0);
    for at in [Vec3::new(1.0, 0.5, 0.5), Vec3::new(0.2, 0.5, 0.5), Vec3::new(0.2, 0.1, 0.5)] {
        let thing = snap(&scene, eye, at);
        let twice = measured(&scene, &[thing.clone(), thing]);
        assert!(twice.facts.iter().all(|f| f.value.is_finite()), "{twice:?}");
        assert_near(value(&twice, Quantity::Distance), 0.0, 1e-9);
    }
}
