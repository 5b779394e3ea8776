//! Tests of picking.

use super::*;
use crate::geometry::{Assembly, Instance, Mesh, Part};
use crate::test_shapes::{self, Placed, cuboid};
use crate::workspace::{Device, Transform};
use crate::{Camera, Section, SectionPlane, Workspace};
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

/// A solid box of 2 m in the middle of the world and another behind it, cut by planes.
fn cut(planes: &[(Vec3, f32)], is_solid: bool) -> (SceneSnapshot, PickModels) {
    let cube = || cuboid(Vec3::splat(-1.0), Vec3::splat(1.0));
    let things = vec![
        Placed { is_solid, ..Placed::solid("near", cube()) },
        Placed::solid("far", cube()).at(Transform::at(Vec3::NEG_Z * 5.0)),
    ];
    let planes = planes.iter().map(|&(normal, offset)| SectionPlane::new(normal, offset).unwrap());
    test_shapes::scene(things, Section::of(planes))
}

fn hit(scene: &(SceneSnapshot, PickModels), origin: Vec3, direction: Vec3) -> Option<(String, f32)> {
    let hit = scene.1.pick(&scene.0, &Ray { origin, direction }, 0.0)?;
    Some((hit.device.0, (hit.distance * 1e4).round() / 1e4))
}

#[test]
fn a_solid_is_hit_where_it_is_cut_open_and_a_shell_on_its_inside() {
    let eye = Vec3::new(0.1, 0.2, 4.0);
    assert_eq!(hit(&cut(&[], true), eye, Vec3::NEG_Z), Some(("near".into(), 3.0)));
    assert_eq!(hit(&cut(&[(Vec3::Z, 0.5)], true), eye, Vec3::NEG_Z), Some(("near".into(), 3.5)));
    assert_eq!(hit(&cut(&[(Vec3::Z, 0.5)], false), eye, Vec3::NEG_Z), Some(("near".into(), 5.0)));
    // A plane that looks the other way leaves the front alone.
    assert_eq!(hit(&cut(&[(Vec3::NEG_Z, 0.5)], true), eye, Vec3::NEG_Z), Some(("near".into(), 3.0)));
}

#[test]
fn what_is_cut_away_is_not_hit() {
    let eye = Vec3::new(0.1, 0.2, 4.0);
    assert_eq!(hit(&cut(&[(Vec3::Z, -2.0)], true), eye, Vec3::NEG_Z), Some(("far".into(), 8.0)));
    assert_eq!(hit(&cut(&[(Vec3::Z, -4.5)], true), eye, Vec3::NEG_Z), Some(("far".into(), 8.5)));
    assert_eq!(hit(&cut(&[(Vec3::Z, -7.0)], true), eye, Vec3::NEG_Z), None);
    // Everything behind the near plane is gone, and so is the far half of the near box.
    assert_eq!(hit(&cut(&[(Vec3::NEG_Z, -1.5)], true), eye, Vec3::NEG_Z), None);
    assert_eq!(hit(&cut(&[(Vec3::X, 0.0)], true), eye, Vec3::NEG_Z), None);
}

#[test]
fn a_slice_between_two_planes_is_hit_on_its_cut_though_its_back_is_gone() {
    let slice = [(Vec3::Z, 0.5), (Vec3::NEG_Z, 0.5)];
    assert_eq!(hit(&cut(&slice, true), Vec3::new(0.1, 0.2, 4.0), Vec3::NEG_Z), Some(("near".into(), 3.5)));
    assert_eq!(hit(&cut(&slice, false), Vec3::new(0.1, 0.2, 4.0), Vec3::NEG_Z), None);
    assert_eq!(hit(&cut(&slice, true), Vec3::new(4.0, 0.2, 0.3), Vec3::NEG_X), Some(("near".into(), 3.0)));
    assert_eq!(hit(&cut(&slice, true), Vec3::new(4.0, 0.2, 0.7), Vec3::NEG_X), None);
    // Two boxes that reach into each other: the one cut open hides the other within it.
    let inner = Placed::solid("inner", cuboid(Vec3::splat(-0.2), Vec3::splat(0.2)));
    let outer = Placed::solid("outer", cuboid(Vec3::splat(-1.0), Vec3::splat(1.0)));
    let planes = [SectionPlane::new(Vec3::Z, 0.5).unwrap()];
    let both = test_shapes::scene(vec![inner, outer], Section::of(planes));
    assert_eq!(hit(&both, Vec3::new(0.05, 0.03, 3.0), Vec3::NEG_Z), Some(("outer".into(), 2.5)));
}

#[test]
fn mirrored_scaled_and_turned_solids_are_cut_alike() {
    let millimetres = cuboid(Vec3::splat(-1000.0), Vec3::splat(1000.0));
    let mirror = Affine3A::from_scale(Vec3::new(-0.001, 0.001, 0.001));
    let turned = Transform { rotation: glam::Quat::from_rotation_y(0.5), scale: 2.0, ..Transform::default() };
    let thing = Placed { model_from_part: mirror, ..Placed::solid("d", millimetres) }.at(turned);
    let scene = test_shapes::scene(vec![thing], Section::of(SectionPlane::new(Vec3::Z, 0.25)));
    assert_eq!(hit(&scene, Vec3::Z * 5.0, Vec3::NEG_Z), Some(("d".into(), 4.75)));
    assert_eq!(hit(&scene, Vec3::NEG_Z * 5.0, Vec3::Z).map(|h| h.0), Some("d".into()));
}

#[test]
fn markers_and_curves_obey_the_section() {
    let wire = Mesh { lines: vec![[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], ..Mesh::default() };
    let (mut scene, picks) =
        scene(&[("wire", Some("w"), Vec3::ZERO), ("marker", None, Vec3::Y * 5.0)], &[("w", model(wire, 1.0))]);
    let at = |x, y| Ray { origin: Vec3::new(x, y, 2.0), direction: Vec3::NEG_Z };
    scene.section = Section::of(SectionPlane::new(Vec3::X, 0.0));
    assert!(picks.pick(&scene, &at(0.5, 0.0), 0.01).is_none());
    assert!(picks.pick(&scene, &at(-0.5, 0.0), 0.01).is_some());
    assert!(picks.pick(&scene, &at(0.1, 5.2), 0.0).is_none());
    scene.section = Section::of(SectionPlane::new(Vec3::Z, 0.1));
    let hit = picks.pick(&scene, &at(0.1, 5.2), 0.0).unwrap();
    assert!((hit.distance - 1.9).abs() < 1e-5);
}
