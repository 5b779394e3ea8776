//! Every solid is closed and turned the right way out, models are as big as the documentation says, STL files are well formed.

mod common;

use common::open_edges;
use glam::{DVec2, DVec3};
use rr_samples::kit::{Profile, Rgb, Solid, Triangle, triangulate};
use rr_samples::outputs::{Format, samples};
use rr_samples::stl;
use std::f64::consts::PI;

fn volume(triangles: &[Triangle]) -> f64 {
    triangles.iter().map(|[a, b, c]| a.dot(b.cross(*c)) / 6.0).sum()
}

#[test]
fn every_solid_is_closed_and_looks_outwards() {
    for sample in samples() {
        for part in &sample.model.parts {
            for (i, body) in part.bodies.iter().enumerate() {
                let triangles = body.solid.triangles();
                let what = format!("{}: {} body {i}", sample.name, part.name);
                assert_eq!(open_edges(&triangles), 0, "{what} is open");
                assert!(volume(&triangles) > 0.0, "{what} is inside out");
            }
        }
    }
}

#[test]
fn a_missing_face_is_noticed() {
    let mut solid = Solid::block(10.0, 20.0, 30.0, 1.0);
    assert_eq!(open_edges(&solid.triangles()), 0);
    solid.faces.pop();
    assert_ne!(open_edges(&solid.triangles()), 0);
}

#[test]
fn volumes_are_those_of_the_shapes() {
    let close = |solid: &Solid, expected: f64, tolerance: f64| {
        let v = volume(&solid.triangles());
        assert!((v / expected - 1.0).abs() < tolerance, "{v} is not {expected}");
    };
    close(&Solid::block(10.0, 20.0, 30.0, 0.0), 6000.0, 1e-12);
    close(&Solid::cylinder(10.0, 5.0, 0.0).with_steps(400), PI * 500.0, 1e-3);
    close(&Solid::tube(10.0, 6.0, 5.0).with_steps(400), PI * 5.0 * 64.0, 1e-3);
    close(&Solid::ball(10.0).with_steps(400), PI * 4000.0 / 3.0, 1e-3);
    let plate = Solid::extrude(&Profile::rect(0.0, 0.0, 40.0, 20.0), &[Profile::circle(10.0, 10.0, 5.0)], 3.0);
    close(&plate.with_steps(400), 3.0 * (800.0 - PI * 25.0), 1e-3);
    // Two straights of 90 and a quarter bend of radius 10 (Pappus).
    let bar = Solid::bar(&[DVec3::ZERO, DVec3::X * 100.0, DVec3::new(100.0, 100.0, 0.0)], 2.0, 10.0);
    assert_eq!(open_edges(&bar.triangles()), 0);
    close(&bar.with_steps(400), PI * 4.0 * (180.0 + PI / 2.0 * 10.0), 1e-3);
}

#[test]
fn a_plate_with_holes_is_covered_once() {
    let circle = |x, y| Profile::circle(x, y, 3.0).reversed().points(16);
    let holes: Vec<Vec<DVec2>> =
        (0..20).map(|i| circle(f64::from(i % 5) * 10.0 + 6.0, f64::from(i / 5) * 10.0 + 6.0)).collect();
    let outer = Profile::rounded_rect(0.0, 0.0, 52.0, 42.0, 2.0).points(16);
    let area = |p: &[DVec2]| (0..p.len()).map(|i| p[i].perp_dot(p[(i + 1) % p.len()]) / 2.0).sum::<f64>();
    let expected = area(&outer) + holes.iter().map(|h| area(h)).sum::<f64>();
    let triangles = triangulate(&outer, &holes);
    assert!(triangles.iter().all(|t| area(t) >= -1e-9));
    let found: f64 = triangles.iter().map(|t| area(t)).sum();
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

#[test]
fn models_have_the_documented_size() {
    let documented: &[(&str, [f64; 3], [f64; 3])] = &[
        ("belt-conveyor", [-1212.0, -370.0, 0.0], [1212.0, 372.0, 900.0]),
        ("inspection-station", [-750.0, -660.0, 0.0], [980.9, 420.0, 1944.0]),
        ("machining-cell", [-2005.0, -1287.0, 0.0], [1310.0, 1317.0, 2800.0]),
        ("pallet", [-600.0, -400.0, 0.0], [600.0, 400.0, 144.0]),
        ("pallet-loaded", [-600.0, -400.0, 0.0], [600.0, 400.0, 1011.0]),
        ("robot-arm", [-352.0, -330.0, 0.0], [1286.7, 350.0, 1865.8]),
        ("roller-conveyor", [-1506.0, -438.0, 0.0], [1506.0, 356.0, 841.0]),
        ("safety-fence", [-1070.0, -70.0, 0.0], [1070.0, 70.0, 2040.0]),
    ];
    let all = samples();
    for (name, lo, hi) in documented {
        let sample = all.iter().find(|s| s.name == *name).unwrap();
        let bounds = sample.model.bounds();
        for (found, expected) in [(bounds.0, lo), (bounds.1, hi)] {
            let off = (found - DVec3::from_array(*expected)).abs().max_element();
            assert!(off < 1.0, "{name}: {found} is not {expected:?}");
        }
    }
}

#[test]
fn stl_files_are_well_formed() {
    for sample in samples() {
        let (bytes, count) = (sample.bytes(), sample.model.triangles().len());
        match sample.format {
            Format::Iges(_) => {}
            Format::StlBinary => {
                assert!(!bytes.starts_with(b"solid"));
                assert_eq!(u32::from_le_bytes(bytes[80..84].try_into().unwrap()) as usize, count);
                assert_eq!(bytes.len(), 84 + 50 * count);
                assert!(bytes[84..].chunks(50).all(|f| f[49] & 0x80 != 0), "{}: a facet without colour", sample.name);
            }
            Format::StlAscii => {
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(text.matches("facet normal").count(), count);
                assert_eq!(text.lines().filter(|l| l.starts_with("solid ")).count(), 4);
                assert_eq!(text.lines().filter(|l| l.starts_with("endsolid ")).count(), 4);
            }
        }
    }
}

#[test]
fn viscam_colours_have_five_bits_each() {
    assert_eq!(stl::viscam(Rgb(255, 0, 0)), 0b1_11111_00000_00000);
    assert_eq!(stl::viscam(Rgb(0, 255, 0)), 0b1_00000_11111_00000);
    assert_eq!(stl::viscam(Rgb(0, 0, 255)), 0b1_00000_00000_11111);
}
