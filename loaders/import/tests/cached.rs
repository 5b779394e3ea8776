//! A known file is neither parsed nor given to the kernel again, unless it or what lies beside it has changed.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by a panic and tells what it skips")]

mod common;

use rr_load::{Cache, CancelToken, ImportOptions, LoadContext, Loaded};
use rr_scene::Model;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A context in which the import helper cannot start: whoever needs it fails.
fn without_helper(cache: &Cache) -> LoadContext {
    LoadContext { cache: Some(cache.clone()), import_helper: Some("/nowhere/rr-import".into()), ..common::context() }
}

fn with_helper(cache: &Cache) -> LoadContext {
    LoadContext { cache: Some(cache.clone()), ..common::context() }
}

fn load(path: &Path, context: &LoadContext) -> Loaded {
    rr_load::load(path, &ImportOptions::default(), context).unwrap_or_else(|e| panic!("{e}"))
}

/// Loads and refines, which is when the cache is filled.
fn fill(path: &Path, context: &LoadContext) -> Arc<Model> {
    let loaded = load(path, context);
    loaded.refinement.unwrap().run(&CancelToken::new());
    loaded.model
}

fn written(dir: &Path, name: &str, content: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

const TRIANGLE: &str = "mtllib colours.mtl\nusemtl paint\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n";

#[test]
fn every_format_comes_from_the_cache_without_its_reader() {
    let Some(models) = common::models() else { return };
    for folder in ["iges", "step", "stl"] {
        let listing = std::fs::read_dir(models.with_file_name(folder)).unwrap();
        let mut files: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for path in files.iter().filter(|p| !p.file_name().unwrap().to_string_lossy().starts_with("bad_")).take(4) {
            let dir = tempfile::tempdir().unwrap();
            let cache = Cache::at(dir.path(), u64::MAX);
            let Ok(first) = rr_load::load(path, &ImportOptions::default(), &with_helper(&cache)) else { continue };
            let (model, report) = (first.model, first.report);
            first.refinement.unwrap().run(&CancelToken::new());
            let again = load(path, &without_helper(&cache));
            assert!(again.report.from_cache && again.refinement.is_none(), "{}", path.display());
            assert_eq!(again.report.triangles, report.triangles);
            assert_eq!((again.report.bounds_m, &again.report.warnings), (report.bounds_m, &report.warnings));
            assert_eq!(again.model.bounds(), model.bounds());
            let stand_in = |m: &Model| m.stand_in.get().unwrap().as_ref().map(|s| s.shape.triangle_count());
            assert_eq!(stand_in(&again.model), stand_in(&model));
        }
    }
}

#[test]
fn what_lies_beside_a_model_counts() {
    let (dir, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cache = Cache::at(folder.path(), u64::MAX);
    let path = written(dir.path(), "part.obj", TRIANGLE);
    let colour = |model: &Model| model.pieces[0].shape.corners[0].colour;
    let plain = colour(&fill(&path, &with_helper(&cache)));
    assert!(load(&path, &without_helper(&cache)).report.from_cache);

    written(dir.path(), "colours.mtl", "newmtl paint\nKd 1 0 0\n");
    let red = fill(&path, &with_helper(&cache));
    assert_ne!(colour(&red), plain, "the materials came later");
    assert!(load(&path, &without_helper(&cache)).report.from_cache);

    written(dir.path(), "colours.mtl", "newmtl paint\nKd 0 1 0\n");
    let green = fill(&path, &with_helper(&cache));
    assert_ne!(colour(&green), colour(&red));
}

#[test]
fn the_same_part_in_two_files_and_formats_is_one_shape() {
    let dir = tempfile::tempdir().unwrap();
    let obj = written(dir.path(), "a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n");
    let copy = written(dir.path(), "b.obj", "# by somebody else\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n");
    let context = common::context();
    let (a, b) = (load(&obj, &context), load(&copy, &context));
    assert!(Arc::ptr_eq(&a.model.pieces[0].shape, &b.model.pieces[0].shape));
    let stl = "solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid x\n";
    let c = load(&written(dir.path(), "c.stl", stl), &context);
    assert!(Arc::ptr_eq(&a.model.pieces[0].shape, &c.model.pieces[0].shape));
    // And once more from the cache.
    let cache = Cache::at(dir.path().join("cache"), u64::MAX);
    let own = LoadContext { shapes: context.shapes.clone(), ..with_helper(&cache) };
    fill(&obj, &own);
    let cached = load(&obj, &LoadContext { shapes: context.shapes.clone(), ..without_helper(&cache) });
    assert!(cached.report.from_cache && Arc::ptr_eq(&a.model.pieces[0].shape, &cached.model.pieces[0].shape));
}

#[test]
fn hosts_that_share_a_cache_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("cache");
    let files: Vec<PathBuf> = (0..6)
        .map(|i| {
            let far = i + 1;
            written(dir.path(), &format!("{i}.obj"), &format!("v 0 0 0\nv {far} 0 0\nv 0 1 0\nf 1 2 3\n"))
        })
        .collect();
    // So small that entries come and go all the time.
    let cache = Cache::at(&folder, 4000);
    std::thread::scope(|threads| {
        for offset in 0..2 {
            let (files, cache) = (&files, &cache);
            threads.spawn(move || {
                for round in 0..4 {
                    for i in 0..files.len() {
                        let path = &files[(i + offset * 3 + round) % files.len()];
                        let loaded = load(path, &with_helper(cache));
                        assert_eq!(loaded.model.triangle_count(), 1);
                        if let Some(refinement) = loaded.refinement {
                            refinement.run(&CancelToken::new());
                        }
                    }
                }
            });
        }
    });
    let left: u64 = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    assert!(left <= 4000, "{left} bytes");
}
