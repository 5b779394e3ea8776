//! Many files at once, and `convert`: results, messages and exit codes of the real program.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use rr_scene::file::TEMPORARY_PREFIX;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const QUAD: &str = "mtllib quad.mtl\no Sheet\nv 0 0 0\nv 1000 0 0\nv 1000 0 500\nv 0 0 500\nusemtl red\nf 1 2 3 4\n";
const LIBRARY: &str = "newmtl red\nKd 1 0 0\n";
const PLY: &str = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n\
                   element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n10 0 0\n0 10 0\n3 0 1 2\n";

/// A folder with a sheet as OBJ, a triangle as PLY and a file that is nothing.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("quad.obj", QUAD), ("quad.mtl", LIBRARY), ("tri.ply", PLY), ("bad.step", "Dear customer")] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn rrhost(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rrhost"))
        .args(args)
        .current_dir(dir)
        .env("XDG_CACHE_HOME", dir.join("cache"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn lines(out: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&out.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn left_over(dir: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    names.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with(TEMPORARY_PREFIX)).collect()
}

#[test]
fn one_bad_file_of_many_is_told_and_the_others_are_shown() {
    let dir = folder();
    let out = rrhost(dir.path(), &["inspect", "--json", "quad.obj", "bad.step", "tri.ply", "gone.glb"]);
    assert_eq!(out.status.code(), Some(1));
    let lines = lines(&out);
    let formats: Vec<_> = lines.iter().map(|l| l["format"].as_str().unwrap_or("error")).collect();
    assert_eq!(formats, ["obj", "error", "ply", "error"]);
    assert!(lines[1]["error"].as_str().unwrap().contains("bad.step"));
    // No bar where there is no terminal.
    assert_eq!(stderr(&out).lines().count(), 2, "{}", stderr(&out));
    assert!(!stderr(&out).contains('\u{1b}'));
    let out = rrhost(dir.path(), &["inspect", "quad.obj", "tri.ply"]);
    assert!(out.status.success() && stderr(&out).is_empty(), "{}", stderr(&out));
}

#[test]
fn a_model_becomes_gltf_that_says_the_same() {
    let dir = folder();
    let out = rrhost(dir.path(), &["convert", "quad.obj", "quad.glb", "--json"]);
    assert!(out.status.success(), "{}", stderr(&out));
    let told = &lines(&out)[0];
    let written = fs::metadata(dir.path().join("quad.glb")).unwrap();
    assert_eq!((told["triangles"].as_u64(), told["output_bytes"].as_u64()), (Some(2), Some(written.len())));
    assert_eq!(told["output"], "quad.glb");
    let [obj, glb] =
        ["quad.obj", "quad.glb"].map(|name| lines(&rrhost(dir.path(), &["inspect", "--json", name])).remove(0));
    for key in ["triangles", "lines", "colours", "instances", "warnings"] {
        assert_eq!(obj[key], glb[key], "{key}");
    }
    assert_eq!((&glb["unit"], &glb["unit_declared"], &glb["variant"]), (&"m".into(), &true.into(), &"binary".into()));
    // Z of the file became Y of the model.
    let size = |report: &Value, axis: usize| {
        let bounds = &report["bounds_m"];
        bounds["max"][axis].as_f64().unwrap() - bounds["min"][axis].as_f64().unwrap()
    };
    assert!((size(&obj, 2) - 0.5).abs() < 1e-6 && (size(&glb, 1) - 0.5).abs() < 1e-4, "{glb}");
    assert!(left_over(dir.path()).is_empty());
}

#[test]
fn many_models_go_into_a_folder_and_one_bad_one_stops_none() {
    let dir = folder();
    fs::write(dir.path().join("quad.ply"), PLY).unwrap();
    let args = ["convert", "--out-dir", "out/glb", "quad.obj", "bad.step", "tri.ply", "quad.ply"];
    let out = rrhost(dir.path(), &args);
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).contains("bad.step"), "{}", stderr(&out));
    let mut names: Vec<_> = fs::read_dir(dir.path().join("out/glb"))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["quad.obj.glb", "quad.ply.glb", "tri.glb"]);
}

#[test]
fn what_cannot_be_written_is_said_and_leaves_the_old_file() {
    let dir = folder();
    fs::write(dir.path().join("old.glb"), "old").unwrap();
    let refused: [(&[&str], &str); 5] = [
        (&["convert", "quad.obj", "out.stl"], "must end in .glb"),
        (&["convert", "quad.obj"], "--out-dir"),
        (&["convert", "quad.obj", "nowhere/out.glb"], "nowhere/out.glb"),
        (&["convert", "bad.step", "old.glb"], "bad.step"),
        (&["convert", "quad.obj", "out.glb", "--max-error-mm=-1"], "millimetres"),
    ];
    for (args, why) in refused {
        let out = rrhost(dir.path(), args);
        assert!(!out.status.success() && stderr(&out).contains(why), "{args:?}: {}", stderr(&out));
    }
    assert_eq!(fs::read(dir.path().join("old.glb")).unwrap(), b"old");
    rrhost(dir.path(), &["convert", "quad.obj", "own.glb"]);
    let out = rrhost(dir.path(), &["convert", "own.glb", "./own.glb"]);
    assert!(stderr(&out).contains("overwritten"), "{}", stderr(&out));
    assert!(left_over(dir.path()).is_empty());
}

#[test]
fn the_up_axis_is_that_of_the_format_unless_somebody_says_otherwise() {
    let dir = folder();
    rrhost(dir.path(), &["convert", "quad.obj", "up.glb"]);
    // Read with Z up the model is turned once more, and so is what it becomes.
    for (args, axis) in [(&["up.glb"][..], 1), (&["up.glb", "--up", "z"], 2)] {
        let args = [&["convert", "--json"], args, &["--out-dir", "turned"]].concat();
        assert!(rrhost(dir.path(), &args).status.success());
        let report = lines(&rrhost(dir.path(), &["inspect", "--json", "turned/up.glb"])).remove(0);
        let bounds = &report["bounds_m"];
        let size = bounds["max"][axis].as_f64().unwrap() - bounds["min"][axis].as_f64().unwrap();
        assert!((size - 0.5).abs() < 1e-4, "{bounds}");
    }
}
