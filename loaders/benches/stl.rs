//! Compares our STL reader with `stl_io::read_stl` on two million triangles, in one run, in turns.
//!
//! `cargo bench -p rr-load --profile dev --bench stl [-- --triangles 2000000 --rounds 7 --check]`
//!
//! Ours does more: the product's load maps the file, welds, makes creased normals and feature edges, and fills the
//! report; `stl_io` reads and welds. `--check` makes a ratio below 3 an error.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use anyhow::{Context, ensure};
use rr_load::{ImportOptions, LoadContext, ProgressFn, Source, load, stl};
use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What the product promises against `stl_io`.
const LEAST_RATIO: f64 = 3.0;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |name: &str, default: usize| -> anyhow::Result<usize> {
        match arguments.iter().position(|a| a == name) {
            Some(at) => Ok(arguments.get(at + 1).context("a number is missing")?.parse()?),
            None => Ok(default),
        }
    };
    let (triangles, rounds) = (number("--triangles", 2_000_000)?, number("--rounds", 7)?);
    let dir = tempfile::tempdir()?;
    println!("{triangles} triangles, {rounds} rounds, {} threads, fastest round (median) in ms\n", rayon_threads());
    println!("{:<8}{:>8}  {:>16}{:>16}{:>16}{:>9}{:>9}", "", "MB", "stl_io", "our load", "our parse", "load", "parse");
    let mut worst = f64::INFINITY;
    for is_ascii in [false, true] {
        let path = dir.path().join(if is_ascii { "ascii.stl" } else { "binary.stl" });
        generate(&path, triangles, is_ascii)?;
        worst = worst.min(compare(&path, triangles, rounds, is_ascii)?);
    }
    println!("\nratio of our load to stl_io: {worst:.1}x at least, promised {LEAST_RATIO}x");
    ensure!(!arguments.iter().any(|a| a == "--check") || worst >= LEAST_RATIO, "slower than promised");
    Ok(())
}

fn rayon_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn compare(path: &Path, triangles: usize, rounds: usize, is_ascii: bool) -> anyhow::Result<f64> {
    let context = LoadContext::default();
    let mut times: [Vec<Duration>; 3] = Default::default();
    // The first round brings the file into the page cache and does not count.
    for round in 0..=rounds {
        let others = timed(|| {
            let mut file = BufReader::new(File::open(path)?);
            Ok(stl_io::read_stl(&mut file)?.faces.len())
        })?;
        let whole = timed(|| Ok(load(path, &ImportOptions::default(), &context)?.report.triangles))?;
        let parse = timed(|| Ok(stl::count_facets(&Source::open(path, &context)?, &context)?))?;
        for (count, _) in [others, whole, parse] {
            ensure!(count == triangles, "{count} triangles were read");
        }
        if round > 0 {
            times.iter_mut().zip([others, whole, parse]).for_each(|(t, (_, elapsed))| t.push(elapsed));
        }
    }
    let [others, whole, parse] = times.map(summary);
    let ratio = |t: &(f64, f64)| others.0 / t.0;
    println!(
        "{:<8}{:>8.0}  {:>16}{:>16}{:>16}{:>8.1}x{:>8.1}x",
        if is_ascii { "ASCII" } else { "binary" },
        std::fs::metadata(path)?.len() as f64 / 1e6,
        shown(&others),
        shown(&whole),
        shown(&parse),
        ratio(&whole),
        ratio(&parse),
    );
    println!("{:<8}last load: {}", "", stage_times(path)?);
    Ok(ratio(&whole))
}

/// Where the time of a load goes, by the stages that it reports.
fn stage_times(path: &Path) -> anyhow::Result<String> {
    let log: Arc<Mutex<Vec<(&'static str, Instant)>>> = Arc::default();
    let listener = Arc::clone(&log);
    let progress: ProgressFn = Arc::new(move |progress| {
        let mut log = listener.lock().unwrap_or_else(PoisonError::into_inner);
        if log.last().is_none_or(|(stage, _)| *stage != progress.stage) {
            log.push((progress.stage, Instant::now()));
        }
    });
    load(path, &ImportOptions::default(), &LoadContext { progress: Some(progress), ..LoadContext::default() })?;
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let stages = log.windows(2).map(|w| format!("{} {:.0}", w[0].0, (w[1].1 - w[0].1).as_secs_f64() * 1e3));
    Ok(stages.collect::<Vec<_>>().join(", "))
}

fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration)> {
    let started = Instant::now();
    let value = work()?;
    Ok((value, started.elapsed()))
}

/// Fastest and median, in milliseconds. The fastest is the least disturbed by whatever else the machine does.
fn summary(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let ms = |t: Option<&Duration>| t.map_or(f64::NAN, |t| t.as_secs_f64() * 1e3);
    (ms(times.first()), ms(times.get(times.len() / 2)))
}

fn shown((fastest, median): &(f64, f64)) -> String {
    format!("{fastest:.0} ({median:.0})")
}

/// A wavy sheet with steps: smooth regions, creases and a border, in rows as exporters write them.
fn generate(path: &Path, triangles: usize, is_ascii: bool) -> anyhow::Result<()> {
    let columns = ((triangles / 2) as f64).sqrt() as usize;
    let point = |x: usize, y: usize| {
        let (u, v) = (x as f32 * 0.1, y as f32 * 0.1);
        let step = if x / 50 % 2 == 0 { 0.0 } else { 1.5 };
        [u, v, 3.0 * (u * 0.3).sin() * (v * 0.2).cos() + step]
    };
    let facet = |i: usize| {
        let (x, y) = (i / 2 % columns, i / 2 / columns);
        let (a, b, c, d) = (point(x, y), point(x + 1, y), point(x + 1, y + 1), point(x, y + 1));
        if i.is_multiple_of(2) { [a, b, c] } else { [a, c, d] }
    };
    let mut out = BufWriter::new(File::create(path)?);
    if is_ascii {
        writeln!(out, "solid bench")?;
        for i in 0..triangles {
            writeln!(out, "facet normal 0 0 1\nouter loop")?;
            for [x, y, z] in facet(i) {
                writeln!(out, "vertex {x} {y} {z}")?;
            }
            writeln!(out, "endloop\nendfacet")?;
        }
        writeln!(out, "endsolid bench")?;
    } else {
        out.write_all(&[0; 80])?;
        out.write_all(&u32::try_from(triangles)?.to_le_bytes())?;
        for i in 0..triangles {
            out.write_all(bytemuck::cast_slice(&[0f32, 0.0, 1.0]))?;
            out.write_all(bytemuck::cast_slice(facet(i).as_flattened()))?;
            out.write_all(&[0; 2])?;
        }
    }
    Ok(out.flush()?)
}
