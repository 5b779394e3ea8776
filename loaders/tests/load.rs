//! The way from a path to a model: formats, options, limits, cancel, progress, cache.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by a panic and tells what it skips")]

mod common;

use common::read_default;
use rr_load::{CancelToken, ImportOptions, Limits, LoadContext, LoadError, Progress, load};
use rr_scene::{Unit, UpAxis};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

/// A sheet of two triangles per cell, as binary STL.
fn sheet(cells: u16) -> Vec<u8> {
    let mut stl = vec![0; 80];
    stl.extend((2 * u32::from(cells)).to_le_bytes());
    for i in 0..cells {
        let (x, next) = (f32::from(i), f32::from(i) + 1.0);
        for triangle in
            [[[x, 0.0, 5.0], [next, 0.0, 5.0], [next, 2.0, 5.0]], [[x, 0.0, 5.0], [next, 2.0, 5.0], [x, 2.0, 5.0]]]
        {
            stl.extend([0; 12]);
            stl.extend(triangle.as_flattened().iter().flat_map(|c: &f32| c.to_le_bytes()));
            stl.extend([0; 2]);
        }
    }
    stl
}

fn file(dir: &tempfile::TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn the_report_has_the_promised_json() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "sheet.stl", &sheet(10));
    let json = read_default(&path).unwrap().report.to_json();
    assert_eq!(json["file"], path.to_str().unwrap());
    assert_eq!(json["format"], "stl");
    assert_eq!((&json["parts"], &json["triangles"], &json["lines"]), (&1.into(), &20.into(), &0.into()));
    assert_eq!(json["unit"], "mm");
    assert_eq!(json["colours"], 0);
    assert_eq!(json["warnings"], serde_json::json!([]));
    assert!(json["elapsed_ms"].is_number());
    let close = |value: &serde_json::Value, expected: [f64; 3]| {
        (0..3).all(|i| (value[i].as_f64().unwrap() - expected[i]).abs() < 1e-9)
    };
    assert!(close(&json["bounds_m"]["min"], [0.0, 0.0, 0.005]), "{json}");
    assert!(close(&json["bounds_m"]["max"], [0.01, 0.002, 0.005]), "{json}");
}

#[test]
fn unit_and_up_axis_turn_and_scale_the_model_but_not_the_file_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "sheet.stl", &sheet(10));
    let options = ImportOptions { unit: Some(Unit::Inch), up: Some(UpAxis::Z) };
    let loaded = load(&path, &options, &LoadContext::default()).unwrap();
    assert_eq!((loaded.report.unit, loaded.report.unit_declared), (Unit::Inch, false));
    assert!((loaded.report.bounds_m.max[0] - 0.254).abs() < 1e-6);
    assert!((loaded.report.bounds_m.max[2] - 0.127).abs() < 1e-6);
    let bounds = loaded.model.bounds();
    let (min, max) = (glam::Vec3::new(0.0, 0.127, -0.0508), glam::Vec3::new(0.254, 0.127, 0.0));
    assert!(bounds.min.abs_diff_eq(min, 1e-6) && bounds.max.abs_diff_eq(max, 1e-6), "{bounds:?}");
    let y_up = load(&path, &ImportOptions { unit: None, up: Some(UpAxis::Y) }, &LoadContext::default()).unwrap();
    assert!((y_up.model.bounds().max.z - 0.005).abs() < 1e-6);
}

#[test]
fn content_counts_more_than_the_name() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["sheet", "sheet.dat", "sheet.igs", "SHEET.STL"] {
        let report = read_default(&file(&dir, name, &sheet(3))).unwrap().report;
        assert_eq!((report.format, report.triangles), ("stl", 6), "{name}");
    }
    let error = read_default(&file(&dir, "letter.txt", b"Dear customer")).unwrap_err();
    assert!(matches!(error, LoadError::UnknownFormat { .. }), "{error}");
    let error = read_default(&file(&dir, "letter.stl", b"Dear customer")).unwrap_err();
    assert!(matches!(error, LoadError::Malformed { format: "stl", .. }), "{error}");
}

#[test]
fn what_cannot_be_read_is_an_error_that_says_why() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(read_default(&dir.path().join("none.stl")), Err(LoadError::NotFound { .. })));
    assert!(matches!(read_default(&file(&dir, "empty.stl", b"")), Err(LoadError::Empty { .. })));
    let error = read_default(dir.path()).unwrap_err();
    assert!(error.to_string().ends_with("it is a folder"), "{error}");
    let error = read_default(&file(&dir, "zero.stl", &sheet(0))).unwrap_err();
    assert!(error.to_string().contains("no facets"), "{error}");
}

#[test]
#[cfg(unix)]
fn a_pipe_does_not_block() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe.stl");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: mkfifo is not here");
        return;
    }
    let error = read_default(&path).unwrap_err();
    assert!(error.to_string().ends_with("it is not a regular file"), "{error}");
}

#[test]
fn limits_hold() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(&dir, "sheet.stl", &sheet(100));
    for limits in
        [Limits { max_file_bytes: 1000, ..Limits::default() }, Limits { max_triangles: 199, ..Limits::default() }]
    {
        let error = load(&path, &ImportOptions::default(), &LoadContext { limits, ..LoadContext::default() });
        assert!(matches!(error, Err(LoadError::TooLarge { .. })), "{error:?}");
    }
}

#[test]
fn progress_rises_to_one_and_a_cancel_at_any_moment_is_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    // Large enough to be mapped and to have several chunks.
    let path = file(&dir, "large.stl", &sheet(60_000));
    let run = |cancel_at: Option<usize>| {
        let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
        let cancel = CancelToken::new();
        let (log, token) = (Arc::clone(&seen), cancel.clone());
        let progress = Arc::new(move |p: Progress| {
            let mut log = log.lock().unwrap();
            log.push(p);
            if Some(log.len()) == cancel_at {
                token.cancel();
            }
        });
        let context = LoadContext { progress: Some(progress), cancel, ..LoadContext::default() };
        let result = load(&path, &ImportOptions::default(), &context);
        let seen = seen.lock().unwrap().clone();
        (result, seen)
    };
    let (result, all) = run(None);
    assert_eq!(result.unwrap().report.triangles, 120_000);
    assert_eq!(all.last().map(|p| (p.stage, p.done)), Some(("done", Some(1.0))));
    assert!(all.iter().all(|p| p.done.is_some_and(|d| (0.0..=1.0).contains(&d))));
    let stages: Vec<_> = all.iter().map(|p| p.stage).collect();
    for stage in ["opening", "reading facets", "joining corners", "finding edges"] {
        assert!(stages.contains(&stage), "{stages:?}");
    }
    // After the last report nothing is left to cancel.
    for at in 1..all.len() {
        let (result, seen) = run(Some(at));
        assert!(matches!(result, Err(LoadError::Cancelled { .. })), "at report {at} of {}", all.len());
        assert!(seen.len() <= at + rayon::current_num_threads(), "work went on after the cancel at {at}");
    }
}

#[test]
fn a_cancelled_token_prevents_the_load() {
    let context = LoadContext::default();
    context.cancel.cancel();
    let error = load("nowhere.stl".as_ref(), &ImportOptions::default(), &context).unwrap_err();
    assert!(matches!(error, LoadError::Cancelled { .. }));
}
