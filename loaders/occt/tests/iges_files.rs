//! Real IGES files through the bridge: what the file names must come out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

use rr_occt::{CadScene, Header, OcctError, Part, Placement, Settings, Sink, Stage, load_iges};
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

fn point(part: &Part, corner: u32) -> [f64; 3] {
    let at = corner as usize * 3;
    [0, 1, 2].map(|axis| f64::from(part.positions[at + axis]))
}

#[test]
fn triangles_of_solids_face_outwards_as_their_normals_do() {
    let Some(dir) = models() else { return };
    let scene = load(&dir.join("gen_conveyor_brep_mm.igs"));
    for part in &scene.parts {
        let mut volume = 0.0;
        for triangle in part.indices.chunks(3) {
            let [a, b, c] = [0, 1, 2].map(|i| point(part, triangle[i]));
            let [u, v] = [b, c].map(|p| [p[0] - a[0], p[1] - a[1], p[2] - a[2]]);
            let normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
            volume += (0..3).map(|i| a[i] * normal[i]).sum::<f64>() / 6.0;
            for corner in triangle {
                let shading = &part.normals[*corner as usize * 3..][..3];
                let along: f64 = (0..3).map(|i| f64::from(shading[i]) * normal[i]).sum();
                assert!(along > 0.0, "{}: a normal points to the back of its triangle", part.name);
            }
        }
        assert!(volume > 0.0, "{}: inside out, volume {volume}", part.name);
    }
    // Leg: 60 x 60 x 700 mm, a box.
    let leg = scene.parts.iter().find(|p| p.indices.len() == 36).unwrap();
    assert_eq!((leg.faces.len(), leg.edges.len() / 6), (6, 12));
}

#[test]
fn a_limit_on_triangles_or_placements_leaves_the_rest_out_and_says_so() {
    let Some(dir) = models() else { return };
    let file = dir.join("gen_conveyor_brep_mm.igs");
    for settings in
        [Settings { max_triangles: 1, ..Settings::default() }, Settings { max_placements: 5, ..Settings::default() }]
    {
        let scene = CadScene::load_iges(&file, &settings).unwrap();
        assert!(scene.placements.len() < 26 && !scene.placements.is_empty());
        assert!(scene.warnings.iter().any(|w| w.contains("too large")), "{:?}", scene.warnings);
    }
}

/// Stops as soon as the first step was delivered.
#[derive(Default)]
struct Impatient {
    steps_done: u32,
}

impl Sink for Impatient {
    fn header(&mut self, _header: Header) {}
    fn progress(&mut self, _stage: Stage, _done: Option<f32>) -> bool {
        self.steps_done == 0
    }
    fn step_begins(&mut self, _step: u32, entity: String) {
        assert!(entity.contains("type 186, manifold solid"), "{entity}");
    }
    fn batch_begins(&mut self) {}
    fn step_done(&mut self, _step: u32) {
        self.steps_done += 1;
    }
    fn part(&mut self, _part: Part) {}
    fn placement(&mut self, _placement: Placement) {}
    fn warning(&mut self, _text: String) {}
}

#[test]
fn a_sink_can_stop_the_work() {
    let Some(dir) = models() else { return };
    let mut sink = Impatient::default();
    let result = load_iges(&dir.join("gen_conveyor_brep_mm.igs"), &Settings::default(), &mut sink);
    assert_eq!((result, sink.steps_done), (Err(OcctError::Cancelled), 1));
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let result = CadScene::load_iges(Path::new("/nowhere/at.igs"), &Settings::default());
    assert!(matches!(result, Err(OcctError::Unreadable(_))), "{result:?}");
}
