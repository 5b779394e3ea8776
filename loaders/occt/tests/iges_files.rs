//! Real IGES files through the bridge: what the file names must come out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use rr_occt::{CadScene, Settings};
use std::path::{Path, PathBuf};

fn models() -> Option<PathBuf> {
    let found = std::env::var_os("RR_MODELS").map(PathBuf::from).or_else(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().map(|dir| dir.join("../shared/models")).find(|dir| dir.is_dir())
    });
    if found.is_none() {
        eprintln!("skipped: no model files (set RR_MODELS)");
    }
    found.map(|dir| dir.join("iges"))
}

fn load(path: &Path) -> CadScene {
    CadScene::load_iges(path, &Settings::default()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn placed_faces(scene: &CadScene) -> (usize, usize) {
    let faces = scene.placements.iter().flat_map(|p| &scene.parts[p.part as usize].faces);
    let coloured = scene
        .placements
        .iter()
        .flat_map(|p| scene.parts[p.part as usize].faces.iter().map(move |f| f.has_colour || p.has_colour));
    (faces.count(), coloured.filter(|c| *c).count())
}

#[test]
fn repeated_solids_are_meshed_once_and_keep_their_colours() {
    let Some(dir) = models() else { return };
    for name in ["gen_conveyor_brep_mm.igs", "gen_conveyor_brep_inch.igs", "gen_conveyor_faces_mm.igs"] {
        let scene = load(&dir.join(name));
        println!("{name}: {} parts, {} placements", scene.parts.len(), scene.placements.len());
        assert_eq!(placed_faces(&scene), (124, 110), "{name}");
        assert_eq!(scene.placements.len(), 26, "{name}");
        assert!(scene.parts.len() <= 6, "{name}: {} parts", scene.parts.len());
    }
}

#[test]
fn every_good_file_gives_consistent_arrays() {
    let Some(dir) = models() else { return };
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("bad_") {
            continue;
        }
        let scene = load(&path);
        let header = scene.header.as_ref().unwrap();
        assert_eq!(scene.steps_done, header.steps, "{}", path.display());
        println!(
            "{}: parts {} placements {} steps {} {:?} lines {} edges {} tris {} {:?}",
            path.display(),
            scene.parts.len(),
            scene.placements.len(),
            header.steps,
            placed_faces(&scene),
            scene.parts.iter().map(|p| p.lines.len() / 6).sum::<usize>(),
            scene.parts.iter().map(|p| p.edges.len() / 6).sum::<usize>(),
            scene.parts.iter().map(|p| p.indices.len() / 3).sum::<usize>(),
            scene.warnings
        );
        for part in &scene.parts {
            assert_eq!(part.positions.len(), part.normals.len());
            assert_eq!(part.positions.len() % 3, 0);
            assert!(part.indices.iter().all(|&i| (i as usize) < part.positions.len() / 3));
            assert_eq!(part.faces.iter().map(|f| f.triangle_count as usize).sum::<usize>() * 3, part.indices.len());
            assert!(part.normals.chunks(3).all(|n| (n.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-3));
            assert!(part.edges.len() % 6 == 0 && part.lines.len() % 6 == 0);
            assert!(!part.indices.is_empty() || !part.lines.is_empty());
        }
    }
}
