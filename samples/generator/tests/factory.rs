//! The factory has what it promises: counts, distinct models, room around every device, the same bytes on every run.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a panic is a failure")]

mod common;

use common::open_edges;
use glam::{DVec2, DVec3, Vec2, Vec3, dvec2};
use rr_samples::factory::{Model, file_name, workspace, write};
use rr_scene::{DeviceKind, Workspace};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Footprint of each model in metres, with its height.
fn boxes() -> BTreeMap<String, (DVec3, DVec3)> {
    let metres = |m: Model| {
        let (lo, hi) = m.sample().model.bounds();
        (m.path(), (lo / 1000.0, hi / 1000.0))
    };
    Model::ALL.into_iter().map(metres).collect()
}

/// Rectangles on the floor: x and -z of the workspace.
fn footprints(w: &Workspace) -> Vec<(String, DVec2, DVec2)> {
    let boxes = boxes();
    let mut out = Vec::new();
    for d in w.devices() {
        let (lo, hi) = boxes[&d.model.as_ref().unwrap().path];
        let (mut a, mut b) = (DVec2::INFINITY, DVec2::NEG_INFINITY);
        for corner in [(lo.x, lo.y), (hi.x, lo.y), (hi.x, hi.y), (lo.x, hi.y)] {
            // The model's z is up: its y becomes -z.
            let local = Vec3::new(corner.0 as f32, 0.0, -corner.1 as f32);
            let p = (d.transform.rotation * local + d.transform.position).as_dvec3();
            a = a.min(dvec2(p.x, -p.z));
            b = b.max(dvec2(p.x, -p.z));
        }
        out.push((d.name.clone(), a, b));
    }
    out
}

#[test]
fn a_thousand_devices_have_two_hundred_connections_and_twenty_models() {
    let w = workspace(1000).unwrap();
    assert_eq!((w.devices().len(), w.connections().len(), w.views().len()), (1000, 200, 4));
    let paths: BTreeSet<_> = w.devices().map(|d| d.model.as_ref().unwrap().path.clone()).collect();
    assert_eq!(paths, Model::ALL.into_iter().map(Model::path).collect());
    assert_eq!(paths.len(), 20);
    assert!(w.devices().all(|d| d.kind != DeviceKind::default() || !d.properties.is_empty()));
    let names: BTreeSet<_> = w.devices().map(|d| d.name.clone()).collect();
    assert_eq!(names.len(), 1000, "names tell devices apart");
}

#[test]
fn smaller_and_larger_factories_keep_the_ratio() {
    for n in [1, 7, 100, 1234, 3000] {
        let w = workspace(n).unwrap();
        assert_eq!((w.devices().len(), w.connections().len()), (n, n / 5), "{n}");
    }
}

#[test]
fn no_two_devices_stand_in_each_other() {
    let places = footprints(&workspace(1000).unwrap());
    let mut wrong = Vec::new();
    for (i, (name, a, b)) in places.iter().enumerate() {
        for (other, c, d) in &places[..i] {
            // Neighbours may touch within a millimetre.
            let (lo, hi) = (a.max(*c) + 0.001, b.min(*d));
            if lo.x < hi.x && lo.y < hi.y {
                wrong.push(format!("{name} and {other}: {:.2} x {:.2} m", hi.x - lo.x, hi.y - lo.y));
            }
        }
    }
    assert!(wrong.is_empty(), "{} pairs\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

#[test]
fn the_first_view_shows_every_device() {
    let w = workspace(1000).unwrap();
    let view = &w.views()[0];
    let middles = w.devices().map(|d| view.camera.project(d.transform.position, 16.0 / 9.0).unwrap());
    let (lo, hi) = middles.fold((Vec2::INFINITY, Vec2::NEG_INFINITY), |(lo, hi), p| (lo.min(p), hi.max(p)));
    assert!(lo.min_element() > 0.01 && hi.max_element() < 0.99, "{lo} to {hi}");
    assert!((hi - lo).min_element() > 0.5, "{lo} to {hi}: a small part of the picture");
}

#[test]
fn models_stand_on_the_floor() {
    for (path, (lo, _)) in boxes() {
        assert!(lo.z.abs() < 0.002, "{path} begins at {} m", lo.z);
    }
}

#[test]
fn models_differ_and_come_in_three_formats() {
    let files: Vec<(String, Vec<u8>)> = Model::ALL.map(|m| (m.path(), m.sample().bytes())).into();
    let distinct: BTreeSet<&Vec<u8>> = files.iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(distinct.len(), 20);
    let count = |is: &dyn Fn(&str, &[u8]) -> bool| files.iter().filter(|(p, b)| is(p, b)).count();
    assert_eq!(count(&|p, _| p.ends_with(".igs")), 12);
    assert_eq!(count(&|p, b| p.ends_with(".stl") && b.starts_with(b"solid ")), 2);
    assert_eq!(count(&|p, b| p.ends_with(".stl") && !b.starts_with(b"solid ")), 6);
}

#[test]
fn two_runs_write_the_same_bytes() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for dir in &dirs {
        write(dir.path(), 200).unwrap();
    }
    let mut paths: Vec<String> = Model::ALL.map(Model::path).into();
    paths.push(file_name(200));
    for path in paths {
        let [a, b] = [0, 1].map(|i| fs::read(dirs[i].path().join(&path)).unwrap());
        assert!(a == b, "{path}");
    }
    let loaded = rr_scene::file::load(&dirs[0].path().join(file_name(200))).unwrap();
    assert_eq!(loaded, workspace(200).unwrap());
}

#[test]
fn every_solid_is_closed_and_looks_outwards() {
    let mut wrong = Vec::new();
    for model in Model::ALL {
        for part in &model.sample().model.parts {
            for (i, body) in part.bodies.iter().enumerate() {
                let triangles = body.solid.triangles();
                let volume: f64 = triangles.iter().map(|[a, b, c]| a.dot(b.cross(*c)) / 6.0).sum();
                let open = open_edges(&triangles);
                if open != 0 || volume <= 0.0 {
                    wrong.push(format!("{model:?}: {} body {i}: {open} open edges, {volume:.0} mm3", part.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
