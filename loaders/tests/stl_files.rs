//! Real STL files from `shared/models`, compared with the crate `stl_io`, and damaged ones.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by a panic and tells what it skips")]

mod common;

use common::{models, read_default};
use rr_load::{LoadError, Read, Source};
use rr_scene::Rgba8;
use std::{collections::BTreeSet, fs::File, io::BufReader, path::Path};

#[test]
fn counts_and_bounds_equal_those_of_stl_io() {
    let Some(files) = models("stl") else { return };
    let mut compared = 0;
    for path in files.iter().filter(|p| !is_bad(p)) {
        let loaded = read_default(path).unwrap();
        loaded.assembly.check().unwrap();
        let mut file = BufReader::new(File::open(path).unwrap());
        let Ok(other) = stl_io::read_stl(&mut file) else {
            println!("stl_io cannot read {}", path.display());
            continue;
        };
        // It stops after the first solid.
        let ours = &loaded.assembly.parts[0].mesh;
        assert_eq!(ours.triangle_count(), other.faces.len(), "{}", path.display());
        let bounds = ours.bounds();
        for axis in 0..3 {
            let used = other.faces.iter().flat_map(|f| f.vertices).map(|v| other.vertices[v][axis]);
            let (min, max) = used.fold((f32::MAX, f32::MIN), |(a, b), c| (a.min(c), b.max(c)));
            assert_eq!((bounds.min[axis], bounds.max[axis]), (min, max), "{}", path.display());
        }
        // The same corners in the same order, unless the facets are sorted by colour.
        if ours.colours.is_empty() {
            let theirs = other.faces.iter().flat_map(|f| f.vertices).map(|v| other.vertices[v]);
            let same = ours.indices.iter().zip(theirs).all(|(i, v)| ours.positions[*i as usize] == <[f32; 3]>::from(v));
            assert!(same, "{}", path.display());
        }
        assert!(loaded.report.warnings.iter().all(|w| w.contains("no area") || w.contains("no facets")));
        compared += 1;
    }
    assert!(compared >= 15, "only {compared} files were compared");
}

#[test]
fn solids_become_parts_with_their_names() {
    let names = |file| Some(read_default(&model(file)?).unwrap().assembly.parts.into_iter().map(|p| p.name).collect());
    let expected: [(&str, &[&str]); 4] = [
        ("trimesh_multibody_ascii.stl", &["bodyB", "bodyA"]),
        ("trimesh_two_objects.stl", &["CubeExportedFromCAD", "TranslatedCubeExportedFromCAD"]),
        ("assimp_empty_solid.stl", &["testTriangle"]),
        ("chrono_adapter_solidbin.stl", &["Adapter"]),
    ];
    for (file, expected) in expected {
        let Some(names): Option<Vec<String>> = names(file) else { return };
        assert_eq!(names, expected, "{file}");
    }
}

#[test]
fn colours_follow_the_convention_of_the_file() {
    let Some(path) = model("gen_conveyor_viscam.stl") else { return };
    let viscam = read_default(&path).unwrap();
    assert_eq!(viscam.report.colours, 5);
    let runs = &viscam.assembly.parts[0].mesh.colours;
    assert_eq!(runs.len(), 5, "one run per colour");
    let triangles: BTreeSet<u32> = runs.iter().map(|r| r.triangle_count).collect();
    assert_eq!(triangles, BTreeSet::from([4, 48, 5760]));
    assert_eq!(runs[0].first_triangle, 172, "those without colour come first");

    let of = |file: &str| read_default(&path.with_file_name(file)).unwrap();
    let magics = of("kuka_kr10r1420_base_magics_attr.stl");
    let grey = |level| Rgba8([level, level, level, 255]);
    let runs: Vec<_> = magics.assembly.parts[0].mesh.colours.iter().map(|r| (r.triangle_count, r.colour)).collect();
    assert_eq!(runs, [(69_994, grey(6 << 3 | 6 >> 2)), (16, grey(12 << 3 | 12 >> 2))]);
    assert_eq!(magics.assembly.instances[0].colour, None, "every facet has its own");

    let only_header = of("fanuc_lrmate200i_base_magics.stl");
    assert!(only_header.assembly.parts[0].mesh.colours.is_empty());
    assert_eq!(only_header.assembly.instances[0].colour, Some(grey(0x7F)));
}

#[test]
fn flavours_of_one_model_agree() {
    let Some(path) = model("stlm_gearwheel_bin.stl") else { return };
    let (binary, ascii) = (read_default(&path), read_default(&path.with_file_name("stlm_gearwheel_ascii.stl")));
    let (binary, ascii) = (binary.unwrap().report, ascii.unwrap().report);
    assert_eq!((binary.variant.as_str(), ascii.variant.as_str()), ("binary", "ASCII"));
    assert_eq!(binary.triangles, ascii.triangles);
    for axis in 0..3 {
        assert!((binary.bounds_m.min[axis] - ascii.bounds_m.min[axis]).abs() < 1e-6);
        assert!((binary.bounds_m.max[axis] - ascii.bounds_m.max[axis]).abs() < 1e-6);
    }
}

#[test]
fn every_bad_file_gives_a_model_with_warnings_or_an_error_that_names_it() {
    let Some(files) = models("stl") else { return };
    let bad: Vec<_> = files.iter().filter(|p| is_bad(p)).collect();
    assert!(bad.len() >= 7);
    for path in bad {
        match read_default(path) {
            Ok(Read { assembly: model, report }) => {
                model.check().unwrap();
                assert!(report.triangles > 0);
                println!("{}: {} triangles, {:?}", path.display(), report.triangles, report.warnings);
            }
            Err(error) => {
                println!("{error}");
                assert_eq!(error.file(), path.as_path());
                assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()));
            }
        }
    }
}

#[test]
fn what_is_wrong_is_told() {
    let expected = [
        ("bad_own_count_4G.stl", "promises 4294967295 facets, the file holds 1"),
        ("bad_own_nan_inf.stl", "no facet has usable coordinates"),
        ("bad_stlm_empty.stl", "the file is empty"),
        ("bad_stlm_fourVertices.stl", "more than three corners"),
        ("bad_stlm_incorrectFaceCounter.stl", "promises 66 facets, the file holds 4"),
        ("bad_stlm_missingEndsolid.stl", "no `endsolid`"),
    ];
    for (file, expected) in expected {
        let Some(path) = model(file) else { return };
        let told = match read_default(&path) {
            Ok(loaded) => loaded.report.warnings.join("; "),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(expected), "{file}: {told}");
    }
}

/// Seeded damage to small files: bytes flipped, cut out, doubled, words replaced.
#[test]
fn no_mutation_of_a_file_ends_the_program() {
    let ascii = b"solid part one\n facet normal 0 0 1\n  outer loop\n   vertex 0 0 0\n   vertex 1.5e0 0 0\n   vertex 0 1 -2.25\n  endloop\n endfacet\n facet normal 0 0 -1\n  outer loop\n   vertex 0 0 0\n   vertex 0 1 0\n   vertex 1 0 0\n  endloop\n endfacet\nendsolid part one\nsolid two\n facet normal 0 1 0\n outer loop\n vertex 0 0 0 vertex 0 0 1 vertex 1 0 0\n endloop\n endfacet\nendsolid two\n".to_vec();
    let mut binary = b"solid x COLOR=\x10\x20\x30\xFF".to_vec();
    binary.resize(80, 0);
    binary.extend(6u32.to_le_bytes());
    for i in 0..6u16 {
        for word in 0..12u16 {
            binary.extend((f32::from(word * 7 % 5) + f32::from(i)).to_le_bytes());
        }
        binary.extend((i * 0x1FFF).to_le_bytes());
    }
    let mut random = common::Random(20_240_607);
    let (mut read, mut refused) = (0, 0);
    for round in 0..3000 {
        let mut bytes = if round % 2 == 0 { ascii.clone() } else { binary.clone() };
        for _ in 0..1 + random.below(6) {
            common::mutate(&mut bytes, &mut random);
        }
        match load_bytes(bytes.clone()) {
            Ok(import) => {
                import.model.check().unwrap_or_else(|e| panic!("round {round}: {e}: {bytes:?}"));
                read += 1;
            }
            Err(error) => {
                assert_eq!(error.file(), Path::new("mutated.stl"));
                refused += 1;
            }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(read > 500 && refused > 50, "{read} read, {refused} refused: the damage is too weak or too strong");
}

fn load_bytes(bytes: Vec<u8>) -> Result<rr_load::Import, LoadError> {
    let source = Source::from_bytes("mutated.stl", bytes);
    let loader = rr_load::find_loader(source.path(), source.head(), source.len())?;
    loader.load(&source, &rr_load::LoadContext::default())
}

fn model(file: &str) -> Option<std::path::PathBuf> {
    models("stl")?.into_iter().find(|p| p.ends_with(file))
}

fn is_bad(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("bad_"))
}
