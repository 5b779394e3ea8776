//! Large files are read beside the session: pictures keep coming, input is answered, and a cancel leaves nothing behind.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking and prints its figures")]

#[path = "../examples/common/mod.rs"]
mod bench;
mod common;

use bench::beside::{answers, cancel_ms, import, state_of};
use common::{Host, software};
use rr_engine::ImportState;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Of the rate at rest this share stays while a file is read, where all cores are busy with that.
const RATE_KEPT: f64 = 0.2;
/// From input to picture: fifty times the 20 ms that it takes at rest, so that it holds on a machine that does more.
const ANSWERED_WITHIN_MS: f64 = 1000.0;
/// Ten times the aim.
const CANCELLED_WITHIN_MS: f64 = 2000.0;

fn large_iges(dir: &Path) -> PathBuf {
    rr_samples::outputs::write_conveyor(dir, 1000, false).unwrap();
    dir.join("roller-conveyor-1000.igs")
}

fn helpers() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let lists = tasks.map(|t| std::fs::read_to_string(t.path().join("children")).unwrap_or_default());
    lists.map(|list| list.split_whitespace().count()).sum()
}

#[test]
fn while_23_mb_are_read_the_host_draws_and_answers_and_can_stop_reading() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, rr_samples::factory::workspace(20).unwrap());
    let engine = &host.engine;
    let file = large_iges(host.folder.path());
    engine.set_window_size(320, 180);
    let begin = Instant::now();
    let at_rest = answers(engine, |_| begin.elapsed() > Duration::from_secs(2)).unwrap();
    println!("at rest       {at_rest}");

    // Stopped while it is read by the helper.
    let id = import(engine, &file).unwrap();
    host.until("the helper", |_| helpers() == 1);
    let ms = cancel_ms(engine, id).unwrap();
    println!("cancelled in {ms:.0} ms");
    assert!(matches!(state_of(engine, id).unwrap().state, ImportState::Cancelled));
    assert_eq!(helpers(), 0, "the helper still runs");
    assert!(ms < CANCELLED_WITHIN_MS, "{ms:.0} ms");
    assert_eq!(engine.scene().workspace.devices().len(), 20);

    let id = import(engine, &file).unwrap();
    let mut shares = Vec::new();
    let loading = answers(engine, |engine| {
        let state = state_of(engine, id).unwrap().state;
        if let ImportState::Running { stage: "translating", done: Some(done) } = state {
            shares.push(done);
        }
        state.is_over()
    })
    .unwrap();
    println!("while loading {loading}");
    assert!(matches!(state_of(engine, id).unwrap().state, ImportState::Done(_)));
    assert_eq!(engine.scene().workspace.devices().len(), 21);
    shares.dedup();
    assert!(shares.len() > 5 && shares.is_sorted(), "{shares:?}");
    assert!(loading.inputs > 50, "it was no large file: {} inputs", loading.inputs);
    assert!(loading.pictures_per_sec > at_rest.pictures_per_sec * RATE_KEPT, "{loading} after {at_rest}");
    assert!(loading.p95_ms < ANSWERED_WITHIN_MS, "{loading} after {at_rest}");
}
