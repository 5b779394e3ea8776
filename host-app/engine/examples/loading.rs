//! `loading MODEL WORKSPACE`: how an engine with this workspace answers while it reads a large file, beside how it answers
//! when it reads none; and how long a cancel takes at several moments of the load.
#![allow(clippy::print_stdout, reason = "a program that prints figures")]

mod common;

use common::beside::{answers, cancel_ms, import, state_of};
use common::{Failure, open};
use rr_engine::{AdapterChoice, Gpu, ImportState};
use std::path::Path;
use std::time::{Duration, Instant};

/// Loads that are cancelled.
const CANCELS: u32 = 12;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(workspace)) = (args.next(), args.next()) else {
        return Err("loading MODEL WORKSPACE".into());
    };
    let path = Path::new(&path);
    let gpu = Gpu::headless(AdapterChoice::Auto)?;
    let engine = open(&gpu, Path::new(&workspace), None)?;
    while engine.scene().models.values().any(|m| m.stand_in.get().is_none()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    engine.set_window_size(1280, 720);
    let begin = Instant::now();
    let idle = answers(&engine, |_| begin.elapsed() > Duration::from_secs(4))?;
    println!("at rest       {idle}");

    let begin = Instant::now();
    let id = import(&engine, path)?;
    let mut last = None;
    let loading = answers(&engine, |engine| {
        last = state_of(engine, id);
        last.as_ref().is_none_or(|i| i.state.is_over())
    })?;
    let whole = begin.elapsed();
    if let Some(ImportState::Failed(reason)) = last.map(|i| i.state) {
        return Err(reason.into());
    }
    println!("while loading {loading}");
    let mib = std::fs::metadata(path)?.len() >> 20;
    println!("{mib} MiB were read in {:.1} s", whole.as_secs_f64());

    let mut times = Vec::new();
    for n in 0..CANCELS {
        let id = import(&engine, path)?;
        std::thread::sleep(whole * n / CANCELS);
        times.push(cancel_ms(&engine, id)?);
    }
    times.sort_by(f64::total_cmp);
    let (p50, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!("cancelled at {CANCELS} moments: P50 {p50:.0} ms, worst {worst:.0} ms (aim: 200)");
    // What was imported is of no use to anybody.
    engine.new_workspace()?;
    engine.shutdown()?;
    Ok(())
}
