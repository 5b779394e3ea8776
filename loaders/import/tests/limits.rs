//! Helpers that hang, lie, crash, eat memory or are not there, and users who change their mind.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod common;

use common::{context, limited, load_with, subfigures};
use rr_load::cad::wire::{Header, MAGIC, Message, Placement};
use rr_load::{CancelToken, LoadContext, LoadError};
use rr_scene::{Mesh, Part};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A folder with a good file and perhaps a helper that is a shell script.
struct Place {
    dir: tempfile::TempDir,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("model.igs");
        std::fs::write(&file, subfigures()).unwrap();
        Self { dir, file }
    }

    fn with_helper(&self, script: &str, base: LoadContext) -> LoadContext {
        let helper = self.dir.path().join("helper");
        // Written under another name: a script that is open for writing cannot be run.
        let draft = self.dir.path().join("draft");
        std::fs::write(&draft, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&draft, &helper).unwrap();
        LoadContext { import_helper: Some(helper), ..base }
    }

    fn error(&self, context: &LoadContext) -> LoadError {
        let error = load_with(&self.file, context).unwrap_err();
        println!("{error}");
        assert_eq!(error.file(), self.file);
        assert!(error.to_string().contains("model.igs"));
        error
    }

    /// Stores frames and gives the command that prints them.
    fn frames(&self, messages: &[Message]) -> String {
        let mut bytes = MAGIC.to_vec();
        messages.iter().for_each(|m| m.write_to(&mut bytes).unwrap());
        let number = std::fs::read_dir(self.dir.path()).unwrap().count();
        let path = self.dir.path().join(format!("frames_{number}"));
        std::fs::write(&path, bytes).unwrap();
        format!("cat '{}'", path.display())
    }
}

fn header(steps: u32) -> Message {
    let (unit_name, system) = (String::new(), String::new());
    Message::Header(Header { unit_flag: 2, unit_name, mm_per_unit: 1.0, system, entities: 3, steps })
}

fn triangle(step: u32) -> [Message; 4] {
    let positions = vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    let mesh = Mesh { positions, normals: vec![[0.0, 0.0, 1.0]; 3], indices: vec![0, 1, 2], ..Mesh::default() };
    let matrix = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    [
        Message::StepBegins(step, format!("D{step}")),
        Message::Part(Part { name: "t".into(), mesh }),
        Message::Placement(Placement { part: 0, name: "t".into(), matrix, colour: None }),
        Message::StepDone(step),
    ]
}

#[test]
fn a_helper_that_is_not_there_or_cannot_run_is_told() {
    let place = Place::new();
    let nowhere = LoadContext { import_helper: Some("/nowhere/rr-import".into()), ..context() };
    assert!(matches!(place.error(&nowhere), LoadError::HelperMissing { .. }));
    let not_a_program = LoadContext { import_helper: Some(place.file.clone()), ..context() };
    assert!(matches!(place.error(&not_a_program), LoadError::HelperMissing { .. }));
    let another = place.with_helper("echo hello world, this is not the helper; exit 0", context());
    assert!(place.error(&another).to_string().contains("version"));
}

#[test]
fn a_hanging_helper_is_ended_at_the_time_limit() {
    let place = Place::new();
    let context = place.with_helper("exec sleep 600", limited(Duration::from_millis(500), 1024));
    assert!(matches!(place.error(&context), LoadError::TimeLimit { seconds: 1, .. }));
}

#[test]
fn a_helper_that_dies_is_told_with_its_signal_or_code() {
    let place = Place::new();
    let killed = place.error(&place.with_helper("kill -SEGV $$", context()));
    assert!(matches!(&killed, LoadError::Crashed { reason, .. } if reason.contains("segmentation fault")), "{killed}");
    let code = place.error(&place.with_helper("echo oh dear >&2; exit 77", context()));
    assert!(matches!(&code, LoadError::Crashed { reason, .. } if reason.contains("77")), "{code}");
}

#[test]
fn a_helper_that_lies_is_refused() {
    let place = Place::new();
    let bad_index = {
        let mut messages = vec![header(1)];
        messages.extend(triangle(0));
        let Message::Part(part) = &mut messages[2] else { panic!() };
        part.mesh.indices[0] = 77;
        place.frames(&messages)
    };
    let [_, part, _, _] = triangle(0);
    let placed_before = place.frames(&[header(1), triangle(0)[2].clone(), part]);
    for script in [bad_index, placed_before, format!("printf '{}'", r"RRIMPT\000\001Mgarbage and more garbage")] {
        let error = place.error(&place.with_helper(&script, context()));
        assert!(matches!(error, LoadError::Crashed { .. }), "{error:?}");
    }
}

#[test]
fn endless_output_is_cut_off() {
    let place = Place::new();
    let frame = place.frames(&[Message::Warning("x".repeat(4000))]);
    let file = frame.trim_start_matches("cat '").trim_end_matches('\'').to_owned();
    let script = format!("cat '{file}'; tail -c +9 '{file}' > '{file}.w'; while cat '{file}.w'; do :; done");
    let context = place.with_helper(&script, limited(Duration::from_secs(60), 1));
    assert!(matches!(place.error(&context), LoadError::TooLarge { .. }));
}

#[test]
fn what_was_delivered_before_a_crash_is_kept() {
    let place = Place::new();
    let mut messages = vec![header(3)];
    messages.extend(triangle(0));
    messages.push(Message::StepBegins(1, "D9 (type 144, trimmed surface)".into()));
    let first = place.frames(&messages);
    let mut messages = vec![header(3)];
    messages.extend(triangle(2));
    messages.push(Message::Finished);
    let second = place.frames(&messages);
    // The second helper must be asked to leave out what is there and what crashed.
    let script = format!("case \"$*\" in *'--skip 0-1 '*) {second};; *) {first}; kill -SEGV $$;; esac");
    let loaded = load_with(&place.file, &place.with_helper(&script, context())).unwrap();
    assert_eq!(loaded.report.triangles, 2);
    let warnings = loaded.report.warnings.join("\n");
    assert!(warnings.contains("D9 (type 144, trimmed surface) is left out"), "{warnings}");
    assert!(warnings.contains("segmentation fault"), "{warnings}");
}

#[test]
fn a_step_that_falls_silent_is_left_out() {
    let place = Place::new();
    let mut messages = vec![header(2)];
    messages.extend(triangle(0));
    messages.push(Message::StepBegins(1, "D3".into()));
    let hangs = place.frames(&messages);
    let ends = place.frames(&[header(2), Message::Finished]);
    let script = format!("case \"$*\" in *'--skip 0-1 '*) {ends};; *) {hangs}; exec sleep 600;; esac");
    let loaded = load_with(&place.file, &place.with_helper(&script, limited(Duration::from_secs(4), 1024))).unwrap();
    assert!(loaded.report.warnings.iter().any(|w| w.contains("no progress")), "{:?}", loaded.report.warnings);
}

#[test]
fn a_cancel_ends_the_helper() {
    let place = Place::new();
    let pid_file = place.dir.path().join("pid");
    let cancel = CancelToken::new();
    let started = Arc::new(AtomicBool::new(false));
    let script = format!("echo $$ > '{}'; exec sleep 600", pid_file.display());
    let context = LoadContext { cancel: cancel.clone(), ..place.with_helper(&script, context()) };
    std::thread::scope(|scope| {
        let (started, pid_file) = (Arc::clone(&started), &pid_file);
        scope.spawn(move || {
            while std::fs::read_to_string(pid_file).unwrap_or_default().trim().is_empty() {
                std::thread::sleep(Duration::from_millis(5));
            }
            started.store(true, Ordering::Relaxed);
            cancel.cancel();
        });
        assert!(matches!(place.error(&context), LoadError::Cancelled { .. }));
    });
    assert!(started.load(Ordering::Relaxed));
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "the helper still runs");
}

#[test]
fn a_memory_limit_is_told_as_such_or_as_a_crash() {
    let place = Place::new();
    let error = load_with(&place.file, &limited(Duration::from_secs(30), 200)).map(|l| l.report.warnings);
    println!("{error:?}");
    let tight = place.error(&limited(Duration::from_secs(30), 24));
    // With less than the libraries need, the loader of the system refuses or the allocator gives up.
    assert!(
        matches!(tight, LoadError::MemoryLimit { .. } | LoadError::Crashed { .. } | LoadError::HelperMissing { .. }),
        "{tight:?}"
    );
}

#[test]
fn progress_comes_and_never_goes_back() {
    let Some(dir) = common::models() else { return };
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = Arc::clone(&seen);
    let progress: rr_load::ProgressFn = Arc::new(move |p: rr_load::Progress| listener.lock().unwrap().push(p));
    load_with(&dir.join("gen_conveyor_brep_mm.igs"), &LoadContext { progress: Some(progress), ..context() }).unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.iter().any(|p| p.stage == "reading"));
    let translating: Vec<f32> = seen.iter().filter(|p| p.stage == "translating").filter_map(|p| p.done).collect();
    assert!(!translating.is_empty() && translating.is_sorted(), "{translating:?}");
}
