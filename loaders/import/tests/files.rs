//! Real and written IGES files through helper and client: what is in the file must be in the model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod common;

use common::directory::{self, Directory};
use common::{Entry, IgesWriter, files, load, load_with, models, subfigures};
use rr_load::{LoadError, Read};
use rr_scene::{Rgba8, Unit};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("written.igs");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn colours_of(loaded: &Read) -> BTreeSet<[u8; 4]> {
    let model = &loaded.assembly;
    let faces = model.parts.iter().flat_map(|p| p.mesh.colours.iter().map(|c| c.colour.0));
    faces.chain(model.instances.iter().filter_map(|i| i.colour).map(|c| c.0)).collect()
}

#[test]
fn every_good_file_loads_without_complaint() {
    for path in files(false) {
        let loaded = load(&path);
        let report = &loaded.report;
        println!("{}", report.to_json());
        assert!(report.triangles > 50 || report.lines > 50, "{}", path.display());
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
        assert!(loaded.assembly.parts.iter().all(|p| p.mesh.triangle_count() == 0 || !p.mesh.edges.is_empty()));
        let edges: usize = loaded.assembly.parts.iter().map(|p| p.mesh.edges.len() / 2).sum();
        assert!(edges < 3 * report.triangles + 1, "edges are lines of the mesh, not more than those");
    }
}

/// IGES files that are part of the repository, with subfigures and groups.
fn sample_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/models");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "igs"));
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    files
}

/// Colours that the directory entries of what is shown name (field 13): faces and solids, and what is not a piece of
/// those: untrimmed surfaces and curves.
fn colours_named_in(directory: &Directory) -> BTreeSet<[u8; 4]> {
    const FACES: [i64; 4] = [143, 144, 186, 510];
    const SURFACES_AND_CURVES: [i64; 11] = [100, 102, 106, 108, 110, 112, 118, 120, 122, 126, 128];
    let is_shown =
        |e: &&directory::Entry| FACES.contains(&e.kind) || SURFACES_AND_CURVES.contains(&e.kind) && !e.is_dependent;
    directory.entries().filter(is_shown).filter_map(|e| directory.colour(e)).collect()
}

#[test]
fn colours_found_are_colours_named_in_the_directory() {
    let mut named = 0;
    for path in files(false) {
        let expected = colours_named_in(&Directory::read(&path));
        named += expected.len();
        assert_eq!(colours_of(&load(&path)), expected, "{}", path.display());
    }
    assert!(models().is_none() || named >= 10, "the files must test something: {named} colours");
    for path in sample_files() {
        let expected = colours_named_in(&Directory::read(&path));
        assert!(expected.len() >= 3, "{}: {expected:?}", path.display());
        assert_eq!(colours_of(&load(&path)), expected, "{}", path.display());
    }
}

#[test]
fn every_instance_of_a_subfigure_is_a_place_of_one_part() {
    let mut instances = 0;
    for path in files(false).into_iter().chain(sample_files()) {
        let expected = Directory::read(&path).placements();
        let loaded = load(&path);
        for (name, count) in &expected {
            let is_of = |full: &str| full.rsplit('/').next() == Some(name);
            let placed: Vec<_> = loaded.assembly.instances.iter().filter(|i| is_of(&i.name)).collect();
            assert_eq!(placed.len(), *count, "{}: places of {name}", path.display());
            let parts: BTreeSet<u32> = placed.iter().map(|i| i.part).collect();
            assert_eq!(parts.len(), 1, "{}: {name} was copied", path.display());
            // Each stands where another does not, or turned.
            let mut places: Vec<_> =
                placed.iter().map(|i| i.model_from_part.to_cols_array().map(f32::to_bits)).collect();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), *count, "{}: places of {name} lie in each other", path.display());
            instances += count;
        }
    }
    assert!(instances > 100, "the files must test something: {instances} instances");
}

#[test]
fn a_flattened_assembly_gets_its_instances_back() {
    let Some(dir) = models() else { return };
    for name in ["gen_conveyor_brep_mm.igs", "gen_conveyor_faces_mm.igs"] {
        let loaded = load(&dir.join(name));
        assert_eq!((loaded.assembly.parts.len(), loaded.assembly.instances.len()), (3, 26), "{name}");
        let rollers: BTreeSet<u32> = loaded.assembly.instances[..20].iter().map(|i| i.part).collect();
        assert_eq!(rollers.len(), 1, "{name}: twenty rollers, one part");
        assert!(loaded.assembly.instances.iter().any(|i| i.name.ends_with("Leg inst")), "{name}");
    }
}

#[test]
fn inch_and_millimetre_files_have_the_same_size() {
    let Some(dir) = models() else { return };
    let [mm, inch] = ["gen_conveyor_brep_mm.igs", "gen_conveyor_brep_inch.igs"].map(|name| load(&dir.join(name)));
    assert_eq!((mm.report.unit, inch.report.unit), (Unit::Mm, Unit::Inch));
    assert!(mm.report.unit_declared && inch.report.unit_declared);
    let (a, b) = (mm.assembly.bounds(), inch.assembly.bounds());
    assert!((a.min - b.min).length() < 1e-4 && (a.max - b.max).length() < 1e-4, "{a:?} {b:?}");
    // 2 m long, 0.7 m + 0.12 m high with z up in the file.
    assert!((a.size().x - 2.0).abs() < 0.01 && (a.size().y - 0.82).abs() < 0.01, "{a:?}");
}

#[test]
fn a_wireframe_file_gives_lines() {
    let Some(dir) = models() else { return };
    let loaded = load(&dir.join("igesio_curves_wire.igs"));
    assert_eq!(loaded.report.triangles, 0);
    assert!(loaded.report.lines >= 18, "{}", loaded.report.lines);
}

#[test]
fn every_bad_file_gives_an_error_with_its_name_or_a_model_with_warnings() {
    for path in files(true) {
        match load_with(&path, &common::context()) {
            Ok(loaded) => assert!(!loaded.report.warnings.is_empty(), "{}", path.display()),
            Err(error) => {
                println!("{error}");
                assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
            }
        }
    }
}

#[test]
fn subfigures_are_placed_and_not_copied() {
    let (_dir, path) = written(&subfigures());
    let loaded = load(&path);
    println!("{:?}", loaded.assembly.instances);
    assert_eq!(loaded.report.warnings, [] as [&str; 0]);
    let posts: Vec<_> = loaded.assembly.instances.iter().filter(|i| i.name.ends_with("Post")).collect();
    assert_eq!(posts.len(), 3);
    assert!(posts.iter().all(|i| i.part == posts[0].part && i.name == "Fence/Post"));
    let x: Vec<f32> = posts.iter().map(|i| i.model_from_part.translation.x).collect();
    assert!((x[1] - x[0] - 0.1).abs() < 1e-6 && (x[2] - x[1] - 0.1).abs() < 1e-6, "{x:?}");
    assert_eq!(colours_of(&loaded), BTreeSet::from([[255, 128, 0, 255], [0, 0, 255, 255], [255, 0, 0, 255]]));
    let size = loaded.assembly.bounds().size();
    assert!((size.x - 0.21).abs() < 1e-3 && (size.y - 0.01).abs() < 1e-6, "{size}");
}

#[test]
fn a_coloured_curve_keeps_its_colour_and_its_unit() {
    let mut file = IgesWriter::default();
    file.line(Entry { colour: 3, ..Entry::default() }, [0.0; 3], [10.0, 0.0, 0.0]);
    file.line(Entry::default(), [0.0; 3], [0.0, 10.0, 0.0]);
    let (_dir, path) = written(&file.finish("1,4HINCH"));
    let loaded = load(&path);
    assert_eq!((loaded.report.lines, loaded.report.unit), (2, Unit::Inch));
    let colours: BTreeSet<_> = loaded.assembly.instances.iter().map(|i| i.colour).collect();
    assert_eq!(colours, BTreeSet::from([None, Some(Rgba8([0, 255, 0, 255]))]));
    assert!((loaded.assembly.bounds().size().x - 0.254).abs() < 1e-6);
}

#[test]
fn hidden_entities_are_left_out_and_said_to_be() {
    let mut file = IgesWriter::default();
    file.line(Entry::default(), [0.0; 3], [10.0, 0.0, 0.0]);
    file.line(Entry { status: 1_000_000, ..Entry::default() }, [0.0; 3], [0.0, 500.0, 0.0]);
    let (_dir, path) = written(&file.finish("2,2HMM"));
    let loaded = load(&path);
    assert_eq!(loaded.report.lines, 1);
    assert!(loaded.report.warnings.iter().any(|w| w.contains("hidden")), "{:?}", loaded.report.warnings);
}

#[test]
fn an_entity_that_cannot_be_translated_is_named() {
    let mut file = IgesWriter::default();
    file.line(Entry::default(), [0.0; 3], [10.0, 0.0, 0.0]);
    // A surface of revolution without the curve that revolves.
    let axis = file.line(Entry { status: 10000, ..Entry::default() }, [0.0; 3], [0.0, 0.0, 5.0]);
    let broken = file.add(120, Entry::default(), &format!("{axis},0,0.0,3.14"));
    let (_dir, path) = written(&file.finish("2,2HMM"));
    let loaded = load(&path);
    let warnings = &loaded.report.warnings;
    assert!(warnings.iter().any(|w| w.contains("type 120") && w.contains(&format!("D{broken}"))), "{warnings:?}");
}

#[test]
fn a_file_with_nothing_to_show_is_an_error() {
    let mut file = IgesWriter::default();
    file.add(314, Entry { status: 200, ..Entry::default() }, "100.0,50.0,0.0");
    let (_dir, path) = written(&file.finish("2,2HMM"));
    let error = load_with(&path, &common::context()).unwrap_err();
    assert!(matches!(error, LoadError::Malformed { .. }), "{error:?}");
    assert!(error.to_string().contains("nothing"), "{error}");
}

#[test]
fn missing_empty_and_absurd_files_are_errors_that_name_them() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone.igs");
    assert!(matches!(load_with(&gone, &common::context()), Err(LoadError::NotFound { .. })));
    let empty = dir.path().join("empty.igs");
    std::fs::write(&empty, "").unwrap();
    assert!(matches!(load_with(&empty, &common::context()), Err(LoadError::Empty { .. })));
    // Start lines without end, a global section that announces a string of a thousand million characters.
    let huge_start = format!("{:<72}S{:>7}\n", "x", 1).repeat(200_000);
    let huge_string = format!("{:<72}S{:>7}\n{:<72}G{:>7}\n", "x", 1, "1H,,1H;,1000000000Hx,,,,", 1);
    let one_line = "9".repeat(8 << 20);
    for (name, text) in [("start.igs", &huge_start), ("string.igs", &huge_string), ("line.igs", &one_line)] {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let error = load_with(&path, &common::context()).unwrap_err();
        println!("{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_file_cut_off_gives_what_is_there_or_says_why_not() {
    let Some(dir) = models() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut loaded_with_warnings = 0;
    // The first two are known to bring the kernel down while it reads.
    for (name, lines) in [("pygem_pipe_hollow.iges", 176), ("bladex_shaft.iges", 441), ("bladex_shaft.iges", 600)] {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text.lines().take(lines).collect::<Vec<_>>().join("\n")).unwrap();
        match load_with(&path, &common::context()) {
            Ok(loaded) => {
                println!("{name} {lines}: {:?}", loaded.report.warnings);
                loaded_with_warnings += usize::from(!loaded.report.warnings.is_empty());
            }
            Err(error) => println!("{error}"),
        }
    }
    assert!(loaded_with_warnings >= 2);
}
