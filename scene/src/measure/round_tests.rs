//! Which faces are parts of cylinders, on generated ones.

use super::*;
use crate::geometry::Mesh;
use crate::measure::{Feature, FeatureShape, Measured, Quantity, Wanted, measure};
use crate::pick::{PickModels, Ray};
use crate::section::Section;
use crate::snapshot::SceneSnapshot;
use crate::test_shapes::{Placed, cuboid, cylinder, scene};
use crate::workspace::Transform;
use glam::{Quat, Vec3};
use std::f32::consts::{PI, TAU};

/// A surface over `u` and `v` from 0 to 1, with the normals of its triangles or with smooth ones.
fn surface(across: u32, up: u32, is_smooth: bool, at: impl Fn(f32, f32) -> Vec3) -> Mesh {
    let mut mesh = Mesh::default();
    let place = |i: u32, j: u32| (i as f32 / across as f32, j as f32 / up as f32);
    let normal = |u: f32, v: f32| {
        let d = 1e-3;
        let (a, b) = (at(u + d, v) - at(u - d, v), at(u, v + d) - at(u, v - d));
        a.cross(b).normalize_or_zero()
    };
    for (i, j) in (0..across).flat_map(|i| (0..up).map(move |j| (i, j))) {
        for corners in [[(0, 0), (1, 0), (1, 1)], [(0, 0), (1, 1), (0, 1)]] {
            let places = corners.map(|(a, b)| place(i + a, j + b));
            let points = places.map(|(u, v)| at(u, v));
            let flat = (points[1] - points[0]).cross(points[2] - points[0]);
            if flat.length() < 1e-12 {
                continue;
            }
            let base = mesh.positions.len() as u32;
            for ((u, v), point) in places.into_iter().zip(points) {
                mesh.positions.push(point.to_array());
                let normal = if is_smooth { normal(u, v) } else { flat.normalize() };
                mesh.normals.push(normal.to_array());
            }
            mesh.indices.extend([base, base + 1, base + 2]);
        }
    }
    mesh
}

/// A number between -1 and 1 that depends on a place.
fn noise(u: f32, v: f32) -> f32 {
    ((u * 127.1 + v * 311.7).sin() * 43_758.547).fract()
}

/// Around the Y axis from -1 to 1, its radius by height and angle.
fn turned(across: u32, up: u32, is_smooth: bool, radius: impl Fn(f32, f32) -> f32) -> Mesh {
    surface(across, up, is_smooth, |u, v| {
        // The seam closes exactly.
        let angle = (u - u.floor()) * TAU;
        let (sin, cos) = if u >= 1.0 { (0.0, 1.0) } else { angle.sin_cos() };
        let radius = radius(if u >= 1.0 { 0.0 } else { u }, v);
        Vec3::new(sin * radius, v * 2.0 - 1.0, cos * radius)
    })
}

/// What is under the pointer from a place towards another.
fn look(scene: &(SceneSnapshot, PickModels), from: Vec3, at: Vec3) -> Feature {
    let ray = Ray { origin: from, direction: (at - from).normalize() };
    scene.1.snap(&scene.0, &ray, 0.01, Wanted::Face).unwrap()
}

fn round(mesh: Mesh, from: Vec3, at: Vec3) -> Option<Round> {
    let scene = scene(vec![Placed::solid("thing", mesh)], Section::default());
    match look(&scene, from, at).shape {
        FeatureShape::Round(round) => Some(round),
        _ => None,
    }
}

const EYE: Vec3 = Vec3::new(5.0, 0.4, 2.0);

#[test]
fn shafts_and_bores_have_a_radius_wherever_one_points() {
    // As CAD systems divide them, finely along the axis as well, and as STL files tell them.
    let shapes = [
        ("strips", cylinder(0.5, 2.0, 48)),
        ("a dozen", cylinder(0.5, 2.0, 12)),
        ("finely divided", turned(64, 20, true, |_, _| 0.5)),
        ("without smooth normals", turned(40, 3, false, |_, _| 0.5)),
    ];
    for (name, mesh) in shapes {
        for (y, z) in [(0.1, 0.0), (0.7, 0.2), (0.33, -0.31)] {
            let found = round(mesh.clone(), EYE, Vec3::new(0.0, y, z)).expect(name);
            assert!((found.circle.radius - 0.5).abs() < 1e-4 && found.is_full, "{name}: {found:?}");
            assert!(found.circle.error < 1e-4 && found.circle.axis.y.abs() > 0.999_999, "{name}: {found:?}");
            assert!(found.circle.centre.x.hypot(found.circle.centre.z) < 1e-4, "{name}: {found:?}");
        }
    }
    // From inside.
    let bore = round(turned(48, 1, true, |_, _| 0.5), Vec3::ZERO, Vec3::new(0.3, 0.2, 0.5)).unwrap();
    assert!((bore.circle.radius - 0.5).abs() < 1e-4 && bore.is_full);
    // The ends of a shaft are flat.
    assert_eq!(round(cylinder(0.5, 2.0, 48), Vec3::new(0.1, 5.0, 0.1), Vec3::new(0.2, 2.0, 0.1)), None);
}

#[test]
fn a_device_that_is_placed_and_scaled_has_the_radius_that_is_seen() {
    let transform = Transform {
        position: Vec3::new(3.0, 1.0, -2.0),
        rotation: Quat::from_rotation_z(0.9) * Quat::from_rotation_x(0.4),
        scale: 2.5,
    };
    let scene = scene(vec![Placed::solid("shaft", cylinder(0.4, 3.0, 64)).at(transform)], Section::default());
    let middle = transform.world_from_device().transform_point3(Vec3::Y * 1.5);
    let feature = look(&scene, middle + transform.rotation * Vec3::new(9.0, 0.0, 2.0), middle);
    let Measured { facts, marks } = measure(&[feature], &scene.0.workspace).unwrap();
    let told: Vec<_> = facts.iter().map(|f| f.quantity).collect();
    assert_eq!(told[..2], [Quantity::Diameter, Quantity::Radius]);
    assert!((facts[0].value - 2.0).abs() < 1e-4 && (facts[1].value - 1.0).abs() < 1e-4, "{facts:?}");
    assert!(facts[0].error.unwrap() < 1e-3 && facts[0].error.unwrap() > facts[1].error.unwrap());
    // The ring that is drawn goes through the point.
    let ring =
        marks.iter().find_map(|m| if let crate::measure::Mark::Edge(ring) = m { Some(ring) } else { None }).unwrap();
    assert!(ring.iter().all(|p| ((*p - middle).length() - 1.0).abs() < 0.01), "{ring:?}");
}

#[test]
fn fillets_end_where_flat_faces_begin() {
    // A plate of which one border is rounded by 0.2 m.
    let profile = |u: f32| match u {
        u if u < 0.3 => Vec3::new(1.0 - u / 0.3, 0.2, 0.0),
        u if u <= 0.7 => {
            let (sin, cos) = ((u - 0.3) / 0.4 * PI * 0.5).sin_cos();
            Vec3::new(-sin * 0.2, cos * 0.2, 0.0)
        }
        u => Vec3::new(-0.2, -(u - 0.7) / 0.3, 0.0),
    };
    for is_smooth in [true, false] {
        let plate = surface(20, 1, is_smooth, |u, v| profile(u) + Vec3::Z * v);
        let from = Vec3::new(-3.0, 3.0, 0.6);
        let fillet = round(plate.clone(), from, Vec3::new(-0.14, 0.14, 0.4)).expect("the fillet");
        assert!((fillet.circle.radius - 0.2).abs() < 2e-3 && !fillet.is_full, "{fillet:?}");
        assert_eq!(round(plate.clone(), from, Vec3::new(0.6, 0.2, 0.4)), None);
        assert_eq!(round(plate, from, Vec3::new(-0.2, -0.5, 0.4)), None);
    }
}

#[test]
fn cones_balls_rings_and_boxes_are_no_cylinders() {
    for is_smooth in [true, false] {
        for (narrow, wide) in [(0.2, 0.8), (0.45, 0.55), (0.49, 0.51)] {
            for up in [1, 7] {
                let cone = turned(64, up, is_smooth, |_, v| narrow + (wide - narrow) * v);
                assert_eq!(round(cone, EYE, Vec3::new(0.0, 0.1, 0.05)), None, "cone {narrow} to {wide}, {up}");
            }
        }
        for rows in [8, 16, 60] {
            let ball = surface(rows * 2, rows, is_smooth, |u, v| {
                let ((a, b), (c, d)) = ((u * TAU).sin_cos(), ((v - 0.5) * PI).sin_cos());
                Vec3::new(a * d, c, b * d)
            });
            for y in [0.05, -0.02, 0.4, 0.9] {
                assert_eq!(round(ball.clone(), EYE, Vec3::new(0.1, y, 0.0)), None, "ball of {rows} rows at {y}");
            }
        }
        let ring = surface(64, 24, is_smooth, |u, v| {
            let ((a, b), (c, d)) = ((u * TAU).sin_cos(), (v * TAU).sin_cos());
            Vec3::new(a * (1.0 + 0.3 * d), 0.3 * c, b * (1.0 + 0.3 * d))
        });
        for y in [0.0, 0.02, 0.15] {
            assert_eq!(round(ring.clone(), EYE, Vec3::new(1.0, y, 0.3)), None, "ring at {y}");
        }
    }
    assert_eq!(round(cuboid(Vec3::splat(-0.5), Vec3::splat(0.5)), EYE, Vec3::new(0.5, 0.1, 0.1)), None);
    assert_eq!(round(cylinder(0.5, 2.0, 6), EYE, Vec3::new(0.0, 0.7, 0.1)), None, "a hexagon");
    // An oval is round, but has no radius.
    let oval = surface(64, 1, true, |u, v| {
        let (sin, cos) = (u * TAU).sin_cos();
        Vec3::new(sin, v * 2.0 - 1.0, cos * 0.6)
    });
    if let Some(found) = round(oval, EYE, Vec3::new(0.0, 0.1, 0.0)) {
        assert!(!found.is_full && found.circle.error > found.circle.radius * 1e-3, "{found:?}");
    }
}

#[test]
fn noise_is_told_as_the_error_and_too_much_of_it_is_no_cylinder() {
    let with = |noisy: f32| turned(32, 1, false, move |u, v| 0.5 + noise(u, v) * noisy);
    let found = round(with(3e-4), EYE, Vec3::new(0.0, 0.1, 0.05)).unwrap();
    assert!((found.circle.radius - 0.5).abs() < 3e-4 && (1e-4..1e-3).contains(&found.circle.error), "{found:?}");
    assert_eq!(round(with(0.02), EYE, Vec3::new(0.0, 0.1, 0.05)), None);
}
