//! The helper on its own: what it is told on the command line, and what it gives up before it reads.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod common;

use rr_load::cad::wire::{Failure, MAGIC, Message};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn helper(arguments: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rr-import")).args(arguments).arg("--").arg(file).output().unwrap()
}

fn messages(output: &Output) -> Vec<Message> {
    let mut rest = output.stdout.strip_prefix(&MAGIC).expect("the stream begins with its magic");
    std::iter::from_fn(|| Message::read_from(&mut rest).unwrap()).collect()
}

fn steps_done(messages: &[Message]) -> Vec<u32> {
    messages.iter().filter_map(|m| if let Message::StepDone(step) = m { Some(*step) } else { None }).collect()
}

fn parts(messages: &[Message]) -> Vec<&rr_scene::Part> {
    messages.iter().filter_map(|m| if let Message::Part(part) = m { Some(part) } else { None }).collect()
}

#[test]
fn steps_can_be_skipped() {
    let Some(dir) = common::models() else { return };
    let output = helper(&["--skip", "0-19,21"], &dir.join("gen_conveyor_brep_mm.igs"));
    let messages = messages(&output);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(messages.last(), Some(&Message::Finished));
    assert_eq!(steps_done(&messages), [20, 22, 23, 24, 25]);
}

#[test]
fn a_solid_can_be_read_face_by_face() {
    let Some(dir) = common::models() else { return };
    let file = dir.join("gen_conveyor_brep_mm.igs");
    let whole = helper(&["--skip", "1-25"], &file);
    let split = helper(&["--skip", "1-25", "--split", "0"], &file);
    let (whole, split) = (messages(&whole), messages(&split));
    // The faces of the roller are steps behind the 26 solids.
    assert_eq!(steps_done(&split), [26, 27, 28, 29]);
    let [of_solid, of_faces] = [parts(&whole), parts(&split)].map(|p| p[0].mesh.bounds());
    assert!((of_solid.min - of_faces.min).length() < 1e-3 && (of_solid.max - of_faces.max).length() < 1e-3);
    let [a, b] = [parts(&whole), parts(&split)].map(|p| p[0].mesh.colours.iter().map(|c| c.colour).collect::<Vec<_>>());
    assert_eq!(a, b);
}

#[test]
fn loose_faces_can_be_delivered_one_by_one() {
    let Some(dir) = common::models() else { return };
    let file = dir.join("igesio_rounded_cube.iges");
    let together = messages(&helper(&[], &file));
    let singly = messages(&helper(&["--batch", "1"], &file));
    assert_eq!(parts(&together).len(), 1);
    let placements = |m: &[Message]| m.iter().filter(|m| matches!(m, Message::Placement(_))).count();
    assert_eq!((placements(&together), placements(&singly)), (1, 7));
    assert_eq!(steps_done(&together).len(), steps_done(&singly).len());
}

#[test]
fn every_exit_code_means_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.igs");
    std::fs::write(&file, "nonsense").unwrap();
    let unreadable = helper(&[], &file);
    assert_eq!(unreadable.status.code(), Some(1));
    assert!(matches!(messages(&unreadable).last(), Some(Message::Failed(Failure::Unreadable, _))));
    let usage = helper(&["--colour", "red"], &file);
    assert_eq!((usage.status.code(), usage.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&usage.stderr).contains("--colour"));
    let memory = helper(&["--memory-bytes", "30000000"], &file);
    assert_eq!(memory.status.code(), Some(3), "{}", String::from_utf8_lossy(&memory.stderr));
    let orphan = helper(&["--parent", "1"], &file);
    assert_eq!(orphan.status.code(), Some(5), "{}", String::from_utf8_lossy(&orphan.stderr));
}

#[test]
fn it_notices_that_nobody_listens() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.igs");
    std::fs::write(&file, common::subfigures()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rr-import"));
    let mut child = command.arg(&file).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

/// A pipe without a writer keeps the helper waiting for as long as it takes.
fn endless_file(dir: &Path) -> std::path::PathBuf {
    let pipe = dir.join("endless.igs");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    pipe
}

#[cfg(target_os = "linux")]
#[test]
fn it_dies_with_its_parent_and_has_given_up_what_it_does_not_need() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = endless_file(dir.path());
    let script = format!(
        "'{}' --parent $$ --memory-bytes 1000000000 --cpu-seconds 100 '{}' & echo $!; wait",
        env!("CARGO_BIN_EXE_rr-import"),
        pipe.display()
    );
    let mut parent = Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap());
    let mut pid = String::new();
    lines.read_line(&mut pid).unwrap();
    let process = Path::new("/proc").join(pid.trim());
    // The first bytes come when the limits are set.
    lines.read_exact(&mut [0; MAGIC.len()]).unwrap();
    let limits = std::fs::read_to_string(process.join("limits")).unwrap();
    for (name, value) in [("Max core file size", "0"), ("Max file size", "0"), ("Max address space", "1000000000")] {
        let line = limits.lines().find(|l| l.starts_with(name)).unwrap();
        assert_eq!(line[name.len()..].split_whitespace().next(), Some(value), "{line}");
    }
    let status = std::fs::read_to_string(process.join("status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    for _ in 0..500 {
        // Dead, or dead and not yet collected by its new parent.
        let state = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the helper outlived its parent");
}
