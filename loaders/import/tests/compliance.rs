//! What every format must do, held against each of them: a good file gives everything it says; a damaged, cut off,
//! empty or hostile one gives what could be read or an error that names it, in bounded time and memory.
//!
//! `RR_SEED` repeats a run, `RR_MUTATIONS` sets how many damaged files are tried for each sample.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod common;
mod samples;

use rand::{Rng, SeedableRng, rngs::StdRng};
use rr_load::{ImportOptions, Limits, LoadContext, LoadError, Read};
use rr_scene::UpAxis;
use samples::{Sample, gltf};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

const MEMORY_MIB: u64 = 768;
const HELPER_TIME: Duration = Duration::from_secs(6);
/// What one load may take, with restarts of the helper, on a machine that is busy.
const MOST_TIME: Duration = Duration::from_secs(20);
const CUTS: usize = 9;
const DEFAULT_MUTATIONS: usize = 8;

fn from_env<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

fn context() -> LoadContext {
    let limits = Limits { helper_time: HELPER_TIME, helper_memory_bytes: MEMORY_MIB << 20, ..Limits::default() };
    LoadContext { limits, ..common::context() }
}

/// Loads and holds the result to what is true of every file.
fn load(path: &Path) -> Result<Read, LoadError> {
    let started = Instant::now();
    let result = rr_load::read(path, &ImportOptions::default(), &context());
    let name = path.file_name().unwrap().to_string_lossy();
    assert!(started.elapsed() < MOST_TIME, "{name} took {:?}", started.elapsed());
    match &result {
        Ok(loaded) => {
            loaded.assembly.check().unwrap_or_else(|reason| panic!("{name}: {reason}"));
            assert!(loaded.report.triangles + loaded.report.lines > 0, "{name}");
        }
        Err(error) => {
            assert!(error.to_string().contains(&*name), "{error}");
            assert!(!matches!(error, LoadError::HelperMissing { .. }), "{error}");
        }
    }
    result
}

#[test]
fn every_loader_has_a_sample() {
    let loaders: BTreeSet<&str> = rr_load::loaders().iter().map(|l| l.format()).collect();
    let samples: BTreeSet<&str> = samples::all().iter().map(|s| s.format).collect();
    assert_eq!(loaders, samples);
}

#[test]
fn a_good_file_gives_geometry_unit_axis_colours_names_and_places() {
    for sample in samples::all() {
        let dir = tempfile::tempdir().unwrap();
        let path = sample.write(dir.path());
        let loaded = load(&path).unwrap_or_else(|e| panic!("{e}"));
        let (report, expect, name) = (&loaded.report, &sample.expect, &sample.files[0].0);
        assert_eq!(report.warnings, [] as [&str; 0], "{name}");
        assert_eq!((report.format, report.variant.as_str()), (sample.format, expect.variant), "{name}");
        assert_eq!((report.unit, report.unit_declared), (expect.unit, expect.declared), "{name}");
        assert_eq!((report.lines, report.instances), (expect.lines, expect.instances), "{name}");
        if expect.triangles > 0 {
            assert_eq!(report.triangles, expect.triangles, "{name}");
        }
        let size: [f64; 3] = std::array::from_fn(|i| report.bounds_m.max[i] - report.bounds_m.min[i]);
        let tolerance = expect.size_m[0] * 2e-3;
        assert!((0..3).all(|i| (size[i] - expect.size_m[i]).abs() < tolerance), "{name}: {size:?}");
        let height = loaded.assembly.bounds().size().y;
        let expected = if expect.up == UpAxis::Y { size[1] } else { size[2] };
        assert!((f64::from(height) - expected).abs() < tolerance, "{name}: {height} m high");
        let colours: BTreeSet<[u8; 4]> = colours_of(&loaded);
        assert_eq!(colours, expect.colours.iter().copied().collect(), "{name}");
        let mut names: Vec<_> = loaded.assembly.instances.iter().map(|i| i.name.as_str()).collect();
        names.sort_unstable();
        if !expect.names.is_empty() {
            assert_eq!(names, expect.names, "{name}");
        }
        triangles_face_outwards(&loaded, name);
    }
}

fn colours_of(loaded: &Read) -> BTreeSet<[u8; 4]> {
    let faces = loaded.assembly.parts.iter().flat_map(|p| p.mesh.colours.iter().map(|c| c.colour.0));
    faces.chain(loaded.assembly.instances.iter().filter_map(|i| i.colour).map(|c| c.0)).collect()
}

/// Solids have a positive volume, and normals point to the front of their triangles.
fn triangles_face_outwards(loaded: &Read, name: &str) {
    for part in loaded.assembly.parts.iter().filter(|p| p.mesh.triangle_count() == 12) {
        let mut volume = 0.0;
        for triangle in part.mesh.indices.as_chunks::<3>().0 {
            let [a, b, c] = triangle.map(|i| glam::Vec3::from(part.mesh.positions[i as usize]));
            volume += a.dot((b - a).cross(c - a)) / 6.0;
            let normal = glam::Vec3::from(part.mesh.normals[triangle[0] as usize]);
            assert!(normal.dot((b - a).cross(c - a)) > 0.0, "{name}: a normal points to the back");
        }
        assert!(volume > 0.0, "{name}: inside out");
    }
}

#[test]
fn the_content_decides_and_not_the_name() {
    for sample in samples::all() {
        let dir = tempfile::tempdir().unwrap();
        let path = sample.write(dir.path());
        for other in ["model.dat", "model.step", "model.ply"] {
            let renamed = dir.path().join(other);
            std::fs::copy(&path, &renamed).unwrap();
            let loaded = load(&renamed).unwrap_or_else(|e| panic!("{}: {e}", sample.files[0].0));
            assert_eq!(loaded.report.format, sample.format, "{} as {other}", sample.files[0].0);
        }
    }
}

#[test]
fn an_empty_file_and_one_of_nonsense_are_errors_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    for extension in rr_load::extensions() {
        let path = dir.path().join(format!("empty.{extension}"));
        std::fs::write(&path, "").unwrap();
        assert!(matches!(load(&path), Err(LoadError::Empty { .. })), "{extension}");
        for (number, nonsense) in [b"Dear customer,\n\n".to_vec(), vec![0; 5000], vec![0xFF; 300]].iter().enumerate() {
            let path = dir.path().join(format!("nonsense{number}.{extension}"));
            std::fs::write(&path, nonsense).unwrap();
            // Zeros may be facets without area.
            let result = load(&path);
            assert!(result.is_err() || number == 1, "{extension}, {number}");
        }
    }
}

/// Tries the file and counts how it went. A reader in Rust that crashes is a fault of ours; the kernel may.
fn survive(sample: &Sample, path: &Path, told: &str, outcomes: &mut BTreeMap<(&'static str, &'static str), usize>) {
    let outcome = match load(path) {
        Ok(loaded) if loaded.report.warnings.is_empty() => "read",
        Ok(_) => "read with warnings",
        Err(LoadError::Crashed { reason, .. }) => {
            let by_kernel = matches!(sample.format, "iges" | "step" | "brep");
            assert!(by_kernel, "{}: {told}: {reason}", sample.files[0].0);
            "crashed alone"
        }
        Err(LoadError::TimeLimit { .. }) => "time limit",
        Err(LoadError::MemoryLimit { .. }) => "memory limit",
        Err(_) => "error",
    };
    *outcomes.entry((sample.format, outcome)).or_default() += 1;
}

#[test]
fn a_file_cut_off_anywhere_is_survived() {
    let mut outcomes = BTreeMap::new();
    for sample in samples::all() {
        let dir = tempfile::tempdir().unwrap();
        let path = sample.write(dir.path());
        let bytes = &sample.files[0].1;
        for cut in 1..=CUTS {
            let end = bytes.len() * cut / (CUTS + 1);
            std::fs::write(&path, &bytes[..end]).unwrap();
            survive(&sample, &path, &format!("cut at {end}"), &mut outcomes);
        }
    }
    println!("{outcomes:#?}");
}

#[test]
fn mutations_are_survived() {
    let seed: u64 = from_env("RR_SEED").unwrap_or(20_261_121);
    let count: usize = from_env("RR_MUTATIONS").unwrap_or(DEFAULT_MUTATIONS);
    println!("seed {seed}, {count} of each sample");
    let mut outcomes = BTreeMap::new();
    for (kind, sample) in samples::all().iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let path = sample.write(dir.path());
        for number in 0..count {
            let mut rng =
                StdRng::seed_from_u64(seed ^ ((kind * 100_000 + number) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut bytes = sample.files[0].1.clone();
            for _ in 0..rng.random_range(1..=4) {
                mutate(&mut bytes, &mut rng);
            }
            std::fs::write(&path, &bytes).unwrap();
            survive(sample, &path, &format!("seed {seed}, mutation {number}"), &mut outcomes);
        }
    }
    println!("{outcomes:#?}");
}

/// Bits, bytes, numbers and pieces change, the way that broken exporters, disks and attackers change them.
fn mutate(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    let at = rng.random_range(0..bytes.len().max(1)).min(bytes.len().saturating_sub(1));
    let end = (at + rng.random_range(1..40)).min(bytes.len());
    let digits = (at..bytes.len()).find(|&i| bytes[i].is_ascii_digit());
    match rng.random_range(0..8) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << rng.random_range(0..8),
        1 => bytes[at..end].fill(0xFF),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        4 => bytes[at..end].fill(0),
        _ => {
            let Some(first) = digits else { return };
            let last = (first..bytes.len()).find(|&i| !bytes[i].is_ascii_digit()).unwrap_or(bytes.len());
            let numbers = ["0", "-1", "4294967295", "99999999999999999999", "1e308", "nan", "3", "65536"];
            let number = numbers[rng.random_range(0..numbers.len())];
            bytes.splice(first..last, number.bytes());
        }
    }
}

#[test]
fn counts_that_lie_cost_neither_time_nor_memory() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in hostile() {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let started = Instant::now();
        let error = load(&path).expect_err(name);
        println!("{:6.0} ms  {error}", started.elapsed().as_secs_f64() * 1e3);
        let by_kernel = name.starts_with("kernel");
        assert!(by_kernel || !matches!(error, LoadError::Crashed { .. } | LoadError::TimeLimit { .. }), "{error}");
    }
}

/// Small files that announce much.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let step = samples::step::file(samples::step::MILLIMETRES);
    let brep = samples::brep::file();
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let gltf = |accessor: &str, extra: &str| {
        format!(
            "{{\"asset\":{{\"version\":\"2.0\"}},\"nodes\":[{{\"mesh\":0}}],\"meshes\":[{{\"primitives\":[{{\"attributes\":\
             {{\"POSITION\":0}}}}]}}],\"accessors\":[{{\"componentType\":5126,\"type\":\"VEC3\",{accessor}}}]{extra}}}"
        )
        .into_bytes()
    };
    let compressed = ",\"bufferViews\":[{\"buffer\":0,\"byteLength\":9,\"extensions\":{\"EXT_meshopt_compression\":{\"buffer\":0,\
                      \"byteLength\":4,\"byteStride\":12,\"count\":4000000000,\"mode\":\"ATTRIBUTES\"}}}],\
                      \"buffers\":[{\"byteLength\":4,\"uri\":\"data:application/octet-stream;base64,oAAAAA==\"}]";
    let ply = |elements: &str| format!("ply\nformat ascii 1.0\n{elements}\nend_header\n0 0 0\n").into_bytes();
    let point = "property float x\nproperty float y\nproperty float z";
    vec![
        ("facets.stl", [&[0; 80][..], &u32::MAX.to_le_bytes(), &[0; 10]].concat()),
        ("kernel-nested.step", step.replace("FACE_OUTER_BOUND('',", &format!("FACE_OUTER_BOUND({},", "(".repeat(100_000))).into()),
        ("kernel-reference.step", step.replace("CLOSED_SHELL('',(", "CLOSED_SHELL('',(#4294967295,#0,").replace("LINE(", "LINE(#77777777,").into()),
        ("kernel-shapes.brep", brep.replace("TShapes ", "TShapes 9").replace("Curves 12", "Curves 2000000000").into()),
        ("kernel-surfaces.brep", brep.replace("Surfaces 6", "Surfaces 2147483647").into()),
        ("count.gltf", gltf("\"bufferView\":0,\"count\":4000000000", compressed)),
        ("zeros.gltf", gltf("\"count\":18446744073709551615", "")),
        ("nested.gltf", gltf("\"count\":1", &format!(",\"extras\":{nested}"))),
        ("lengths.glb", [&b"glTF\x02\0\0\0\x03\0\0\0\xF0\xFF\xFF\xFFJSON{}"[..], b"\xFF\xFF\xFF\xFFBIN\0"].concat()),
        ("index.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99999999999\nf -9 1 2\nf 1 2 4294967295\n".to_vec()),
        ("vertices.ply", ply(&format!("element vertex 4000000000\n{point}"))),
        ("list.ply", ply("element face 1\nproperty list uint int vertex_indices").into_iter().chain(b"4000000000 1 2".to_vec()).collect()),
        ("binary-list.ply", [&b"ply\nformat binary_little_endian 1.0\nelement face 1\nproperty list uint int vertex_indices\nend_header\n"[..], &[0xFF; 12]].concat()),
    ]
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("model");
    std::fs::create_dir(&inner).unwrap();
    let sample = gltf::json();
    std::fs::write(dir.path().join("two boxes.bin"), &sample.files[1].1).unwrap();
    let text = String::from_utf8(sample.files[0].1.clone()).unwrap();
    let absolute = dir.path().join("two%20boxes.bin").display().to_string();
    for uri in
        ["../two%20boxes.bin", "%2e%2e/two%20boxes.bin", &absolute, "file:two%20boxes.bin", "http://localhost/two"]
    {
        let path = inner.join("two.gltf");
        std::fs::write(&path, text.replace("two%20boxes.bin", uri)).unwrap();
        let error = load(&path).expect_err(uri);
        println!("{error}");
    }
    let sample = samples::meshes::obj();
    std::fs::write(dir.path().join("two.mtl"), &sample.files[1].1).unwrap();
    let path = inner.join("two.obj");
    std::fs::write(&path, String::from_utf8_lossy(&sample.files[0].1).replace("mtllib two.mtl", "mtllib ../two.mtl"))
        .unwrap();
    let loaded = load(&path).unwrap();
    assert_eq!(colours_of(&loaded), BTreeSet::new());
    assert!(loaded.report.warnings.iter().any(|w| w.contains("two.mtl")), "{:?}", loaded.report.warnings);
}

#[test]
fn what_a_file_needs_and_we_lack_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let sample = gltf::binary();
    let needed = String::from_utf8(gltf::json().files[0].1.clone()).unwrap();
    let path = dir.path().join("draco.gltf");
    std::fs::write(&path, needed.replacen('{', "{\"extensionsRequired\":[\"KHR_draco_mesh_compression\"],", 1))
        .unwrap();
    let error = load(&path).unwrap_err().to_string();
    assert!(error.contains("KHR_draco_mesh_compression"), "{error}");
    // A buffer that is cut off costs what lay in it, and says so.
    let path = dir.path().join("short.glb");
    std::fs::write(&path, &sample.files[0].1[..sample.files[0].1.len() - 8]).unwrap();
    let loaded = load(&path).unwrap();
    assert!(loaded.report.warnings.iter().any(|w| w.contains("cut off")), "{:?}", loaded.report.warnings);
}

#[test]
fn a_step_file_with_a_lost_entity_loses_what_needs_it_and_not_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lost.step");
    let whole = samples::step::file(samples::step::MILLIMETRES);
    let mut lost = 0;
    for kind in ["LINE(", "PLANE(", "VERTEX_POINT(", "EDGE_CURVE(", "EDGE_LOOP("] {
        let line = whole.lines().find(|line| line.contains(kind)).unwrap();
        std::fs::write(&path, whole.replace(line, "")).unwrap();
        let loaded = load(&path).unwrap_or_else(|e| panic!("without its first {kind}: {e}"));
        println!("without {kind} {} triangles, {:?}", loaded.report.triangles, loaded.report.warnings);
        assert!(loaded.report.triangles >= 4 && loaded.report.instances == 2, "{kind}");
        lost += usize::from(loaded.report.triangles < 24 && !loaded.report.warnings.is_empty());
    }
    assert!(lost >= 3, "{lost}");
}

#[test]
fn real_files_are_read_when_they_are_here() {
    let Some(iges) = common::models() else { return };
    let mut read = 0;
    for folder in ["stl", "step"] {
        let Ok(listing) = std::fs::read_dir(iges.with_file_name(folder)) else {
            println!("skipped: no folder {folder}");
            continue;
        };
        for path in listing.map(|entry| entry.unwrap().path()) {
            let bad = path.file_name().unwrap().to_string_lossy().starts_with("bad_");
            let result = rr_load::read(&path, &ImportOptions::default(), &common::context());
            assert!(bad || result.is_ok(), "{result:?}");
            read += usize::from(result.is_ok());
        }
    }
    println!("{read} files");
    // The same conveyor as in IGES, as an assembly of its own.
    let conveyor = iges.with_file_name("step").join("gen_conveyor.stp");
    if conveyor.is_file() {
        let [step, iges] = [conveyor, iges.join("gen_conveyor_brep_mm.igs")].map(|path| common::load(&path));
        assert_eq!((step.report.instances, step.report.triangles), (iges.report.instances, iges.report.triangles));
        assert_eq!(step.report.parts, 3);
        assert_eq!(colours_of(&step).len(), 6);
        let (a, b) = (step.assembly.bounds(), iges.assembly.bounds());
        assert!((a.min - b.min).length() < 1e-4 && (a.max - b.max).length() < 1e-4, "{a:?} {b:?}");
        assert!(
            step.assembly.instances.iter().any(|i| i.name == "Conveyor CV-100/Bed/Roller 1"),
            "{:?}",
            step.assembly.instances
        );
    }
}
