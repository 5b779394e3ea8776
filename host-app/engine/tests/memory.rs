//! A graphics device that is out of memory. The software adapter takes its memory from the process: what the process may
//! have is bounded while the test goes on, which is why it is alone in its file.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{Host, software};
use rr_engine::PictureSize;
use rr_scene::Workspace;
use std::process::Command;
use std::sync::Mutex;

/// Address space in use, bytes (proc_pid_status(5)).
fn address_space() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmSize:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}

/// Bounds the address space of this process (prlimit(1)); `None` lifts the bound. False where that cannot be done.
fn bound(bytes: Option<u64>) -> bool {
    let limit = bytes.map_or("unlimited".to_owned(), |b| b.to_string());
    let pid = std::process::id().to_string();
    let set = Command::new("prlimit").args(["--pid", &pid, &format!("--as={limit}:unlimited")]).status();
    set.is_ok_and(|s| s.success())
}

/// Two tests at once would take each other's memory.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn viewers_read_that_memory_is_short_and_get_their_picture_when_it_is_not() {
    let _alone = ALONE.lock();
    let Some(gpu) = software() else { return };
    let (width_px, height_px) = (3840, 2160);
    let large = PictureSize { width_px, height_px };
    let host = Host::with(&gpu, Workspace::new("Line"), |config| config.picture = large);
    host.engine.set_window_size(200, 100);
    host.until("the window's first picture", |engine| engine.window_picture().is_some());
    let link = host.share();
    if !bound(Some(address_space() + u64::from(width_px) * u64::from(height_px) * 4 * 2 / 3)) {
        println!("SKIPPED: prlimit does not work here");
        return;
    }
    let mut viewer = Viewer::join(&link);
    viewer.until("the reason", |viewer| viewer.errors().iter().any(|e| e.contains("out of memory")));
    assert!(host.engine.status().picture_fault.clone().unwrap().contains("out of memory"));
    assert_eq!(viewer.pictures.len(), 0);
    assert!(bound(None));
    viewer.until("the picture", |viewer| !viewer.pictures.is_empty());
    assert!(viewer.pictures[0].is_keyframe);
    host.until("the news", |engine| engine.status().picture_fault.is_none());
}

#[test]
fn a_window_that_does_not_fit_costs_viewers_nothing_and_comes_when_there_is_room() {
    let _alone = ALONE.lock();
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, Workspace::new("Line"));
    // All that the program compiles and starts for a picture is there before memory is short.
    host.engine.set_window_size(200, 100);
    host.until("the window's first picture", |engine| engine.window_picture().is_some());
    let mut viewer = Viewer::join(&host.share());
    for _ in 0..5 {
        viewer.sees_new_pictures("the first pictures");
    }
    let edge = gpu.device().limits().max_texture_dimension_2d.min(8192);
    // Colour and depth take four bytes a pixel each.
    let room = u64::from(edge) * u64::from(edge) * 4 / 2;
    if !bound(Some(address_space() + room)) {
        println!("SKIPPED: prlimit does not work here");
        return;
    }
    host.engine.set_window_size(edge, edge);
    host.until("the reason", |engine| engine.status().log.iter().any(|e| e.text.contains("out of memory")));
    let log = host.log();
    assert!(log.contains("the picture of the window cannot be drawn"), "{log}");
    for _ in 0..5 {
        viewer.sees_new_pictures("a picture while memory is short");
    }
    assert_eq!((host.engine.status().picture_fault.clone(), viewer.errors().len()), (None, 0));
    let path = host.folder.path().join("saved.rrws.json");
    host.engine.save(Some(&path)).unwrap();

    assert!(bound(None));
    host.engine.set_window_size(300, 200);
    host.until("the window again", |engine| engine.window_picture().is_some_and(|p| p.size_px == (300, 200)));
    host.until("the news", |engine| engine.status().log.iter().any(|e| e.text.contains("window is drawn again")));
}
