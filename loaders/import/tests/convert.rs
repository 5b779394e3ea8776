//! What our own writer of glTF writes, our own reader reads: the same triangles, boxes, colours and names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod common;
mod samples;

use rr_export::{Options, to_glb};
use rr_load::{LoadContext, Read};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Vertices may move this far.
const MAX_ERROR_M: f32 = 5e-5;

/// Area of the triangles of each colour, in square millimetres.
fn painted(loaded: &Read) -> BTreeMap<Option<[u8; 4]>, f64> {
    let mut areas = BTreeMap::new();
    for instance in &loaded.assembly.instances {
        let mesh = &loaded.assembly.parts[instance.part as usize].mesh;
        for (number, triangle) in (0u32..).zip(mesh.indices.as_chunks::<3>().0) {
            let run =
                mesh.colours.iter().find(|c| (c.first_triangle..c.first_triangle + c.triangle_count).contains(&number));
            let colour = run.map(|c| c.colour).or(instance.colour).map(|c| c.0);
            let place =
                |i: u32| instance.model_from_part.transform_point3(mesh.positions[i as usize].into()).as_dvec3();
            let [a, b, c] = triangle.map(place);
            *areas.entry(colour).or_default() += (b - a).cross(c - a).length() * 0.5e6;
        }
    }
    areas
}

fn convert(path: &Path, folder: &Path) {
    let context = LoadContext { import_helper: common::context().import_helper, ..LoadContext::default() };
    let before = common::load_with(path, &context).unwrap();
    let bytes = to_glb(&before.assembly, &Options { max_error_m: MAX_ERROR_M }).unwrap();
    let written: PathBuf = folder.join("converted.glb");
    std::fs::write(&written, &bytes).unwrap();
    let after = common::load_with(&written, &context).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    println!("{name}: {} bytes became {}", std::fs::metadata(path).unwrap().len(), bytes.len());
    assert_eq!(after.report.warnings, [] as [&str; 0], "{name}");
    assert_eq!(after.report.triangles, before.report.triangles, "{name}");
    assert_eq!(after.report.lines, before.report.lines, "{name}");
    let (a, b) = (before.assembly.bounds(), after.assembly.bounds());
    let moved = (a.min - b.min).abs().max((a.max - b.max).abs()).max_element();
    assert!(moved <= MAX_ERROR_M * 1.01 + a.size().max_element() * 1e-6, "{name}: {moved}: {a:?} {b:?}");
    let (a, b) = (painted(&before), painted(&after));
    assert!(a.keys().eq(b.keys()), "{name}: {a:?} {b:?}");
    let total: f64 = a.values().sum();
    for (colour, area) in &a {
        assert!((area - b[colour]).abs() <= total * 1e-3 + 1e-6, "{name}: {colour:?}: {area} {}", b[colour]);
    }
    let named = |l: &Read| {
        l.assembly.instances.iter().map(|i| i.name.clone()).filter(|n| !n.is_empty()).collect::<BTreeSet<_>>()
    };
    assert!(named(&before).is_subset(&named(&after)), "{name}: {:?} {:?}", named(&before), named(&after));
}

#[test]
fn every_format_survives_the_way_through_gltf() {
    for sample in samples::all() {
        let dir = tempfile::tempdir().unwrap();
        let path = sample.write(dir.path());
        convert(&path, dir.path());
    }
}

#[test]
fn real_files_do_when_they_are_here() {
    let Some(models) = common::models() else { return };
    let dir = tempfile::tempdir().unwrap();
    for file in [
        "iges/gen_conveyor_faces_mm.igs",
        "iges/gen_conveyor_brep_inch.igs",
        "iges/pygem_pipe_hollow.iges",
        "step/gen_conveyor.stp",
        "step/b123d_m6_screw.step",
        "stl/kuka_kr10r1420_base_magics_attr.stl",
        "stl/trimesh_multibody_ascii.stl",
    ] {
        let path = models.with_file_name("").join(file);
        if path.is_file() {
            convert(&path, dir.path());
        } else {
            println!("skipped: no {file}");
        }
    }
}
