//! Compares our STL reader with `stl_io::read_stl` on two million triangles, in one run, in turns.
//!
//! `cargo bench -p rr-load --profile dev --bench stl [-- --triangles 2000000 --rounds 7 --only binary --check]`
//!
//! The fastest round counts: it is the least disturbed by whatever else the machine does. On a busy machine look at the
//! processor time too, which is that of all threads together.
//!
//! Three things of ours stand beside `stl_io`, which reads and welds: the facets only (`parse`), the same work (`weld`),
//! and the product's whole load, with creased normals, feature edges and compact shapes (`load`). Then the same file from
//! the cache. `--check` makes it an error
//! when the same work is not 3 times as fast.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use anyhow::{Context, ensure};
use rr_load::{Cache, CancelToken, ImportOptions, LoadContext, ProgressFn, Source, load, stl};
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
    println!("{:<14}{:>15}{:>15}{:>15}{:>15}", "", "stl_io", "our load", "our weld", "our parse");
    let mut worst = f64::INFINITY;
    let only = arguments.iter().position(|a| a == "--only").and_then(|at| arguments.get(at + 1));
    for is_ascii in [false, true] {
        if only.is_some_and(|only| is_ascii != only.eq_ignore_ascii_case("ascii")) {
            continue;
        }
        let path = dir.path().join(if is_ascii { "ascii.stl" } else { "binary.stl" });
        generate(&path, triangles, is_ascii)?;
        worst = worst.min(compare(&path, triangles, rounds, is_ascii)?);
    }
    println!("\nthe same work as stl_io: {worst:.1}x as fast at least, promised {LEAST_RATIO}x");
    ensure!(!arguments.iter().any(|a| a == "--check") || worst >= LEAST_RATIO, "slower than promised");
    Ok(())
}

fn rayon_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn compare(path: &Path, triangles: usize, rounds: usize, is_ascii: bool) -> anyhow::Result<f64> {
    let context = LoadContext::default();
    let mut times: [Vec<Duration>; 4] = Default::default();
    let mut cpu_times: [Vec<Duration>; 4] = Default::default();
    // The first round brings the file into the page cache and does not count.
    for round in 0..=rounds {
        let others = timed(|| {
            let mut file = BufReader::new(File::open(path)?);
            Ok(stl_io::read_stl(&mut file)?.faces.len())
        })?;
        let whole = timed(|| Ok(load(path, &ImportOptions::default(), &context)?.report.triangles))?;
        let weld = timed(|| {
            let source = Source::open(path, &context)?;
            Ok(stl::read_surfaces(&source, &context)?.iter().map(|s| s.indices().len() / 3).sum())
        })?;
        let parse = timed(|| Ok(stl::count_facets(&Source::open(path, &context)?, &context)?))?;
        for (count, ..) in [others, whole, weld, parse] {
            ensure!(count == triangles, "{count} triangles were read");
        }
        if round > 0 {
            for (i, (_, elapsed, cpu)) in [others, whole, weld, parse].into_iter().enumerate() {
                times[i].push(elapsed);
                cpu_times[i].push(cpu);
            }
        }
    }
    let (times, cpu_times) = (times.map(summary), cpu_times.map(summary));
    let ratio = |times: &[(f64, f64); 4], i: usize| format!("{:.1}x", times[0].0 / times[i].0);
    let name = if is_ascii { "ASCII" } else { "binary" };
    let row = |name: &str, cells: [String; 4]| {
        println!("{name:<14}{:>15}{:>15}{:>15}{:>15}", cells[0], cells[1], cells[2], cells[3]);
    };
    row(&format!("{name} {:.0} MB", std::fs::metadata(path)?.len() as f64 / 1e6), times.each_ref().map(shown));
    row("  ratio", [0, 1, 2, 3].map(|i| ratio(&times, i)));
    row("  CPU time", cpu_times.each_ref().map(shown));
    println!("  last load     {}", stage_times(path)?);
    println!("  from cache    {}", from_cache(path, rounds)?);
    Ok(times[0].0 / times[2].0)
}

/// A known file: everything that a graphics device needs, coarser versions included, without the parser.
fn from_cache(path: &Path, rounds: usize) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let context = || LoadContext { cache: Some(Cache::at(folder.path(), u64::MAX)), ..LoadContext::default() };
    let first = load(path, &ImportOptions::default(), &context())?;
    let refined = timed(|| {
        first.refinement.map_or(Ok(()), |r| {
            r.run(&CancelToken::new());
            Ok(())
        })
    })?;
    drop(first.model);
    let (mut times, mut cpu_times) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (loaded, elapsed, cpu) = timed(|| Ok(load(path, &ImportOptions::default(), &context())?))?;
        ensure!(loaded.report.from_cache && loaded.refinement.is_none(), "it was not in the cache");
        if round > 0 {
            times.push(elapsed);
            cpu_times.push(cpu);
        }
    }
    let (time, cpu) = (shown(&summary(times)), shown(&summary(cpu_times)));
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    Ok(format!("{time}, CPU {cpu}; making the coarser versions once {:.0}, CPU {:.0}", ms(refined.1), ms(refined.2)))
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

/// Result, wall-clock time and processor time.
fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Duration, Duration)> {
    let (started, cpu) = (Instant::now(), cpu_time());
    let value = work()?;
    Ok((value, started.elapsed(), cpu_time().saturating_sub(cpu)))
}

/// What all threads of this process used until now, in steps of 10 ms; zero where there is no `/proc`.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // proc_pid_stat(5): fields 14 and 15, of which the name in brackets is number 2.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
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
        let step = if (x / 50).is_multiple_of(2) { 0.0 } else { 1.5 };
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
