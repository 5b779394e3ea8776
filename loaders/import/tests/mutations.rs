//! Damaged files by the hundred: the client survives each, and leaves no process behind.
//!
//! `RR_SEED` repeats a run, `RR_MUTATIONS` sets how many files are tried.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod common;

use rand::{Rng, SeedableRng, rngs::StdRng};
use rr_load::LoadError;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const DEFAULT_MUTATIONS: usize = 240;
const HELPER_TIME: Duration = Duration::from_secs(3);
const MEMORY_MIB: u64 = 1024;
/// Files that load fast: the helper is started twice or more for each mutation.
const BASES: [&str; 4] =
    ["igesio_rounded_cube.iges", "pygem_pipe_hollow.iges", "bladex_shaft.iges", "igesio_curves_wire.igs"];

fn from_env<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Changes a file in one to four places the way that broken exporters, disks and attackers do.
fn mutate(text: &str, rng: &mut StdRng) -> (Vec<u8>, String) {
    let mut lines: Vec<Vec<u8>> = text.lines().map(|l| l.as_bytes().to_vec()).collect();
    let mut told = Vec::new();
    for _ in 0..rng.random_range(1..=4) {
        if lines.is_empty() {
            break;
        }
        let kind = rng.random_range(0..8);
        let letter = if rng.random_bool(0.5) { b'D' } else { b'P' };
        let of_section: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].get(72) == Some(&letter)).collect();
        let any = rng.random_range(0..lines.len());
        let at = if of_section.is_empty() { any } else { of_section[rng.random_range(0..of_section.len())] };
        told.push(format!("{kind}@{at}"));
        match kind {
            0 => directory_field(&mut lines[at], rng),
            1 | 2 => number_in_text(&mut lines[at], rng),
            3 => drop(lines.remove(any)),
            4 => lines.insert(any, lines[at].clone()),
            5 => lines.truncate(any),
            6 => lines.swap(any, at),
            _ => byte(&mut lines[at], rng),
        }
    }
    (lines.join(&b'\n'), told.join(" "))
}

/// One of the nine fields of eight columns becomes another number: type, pointer, colour, count of lines, form.
fn directory_field(line: &mut [u8], rng: &mut StdRng) {
    let field = rng.random_range(0..9) * 8;
    let values =
        [0, 1, -1, 3, 100, 108, 110, 124, 126, 128, 142, 144, 186, 308, 402, 408, 510, 514, 99_999, -9_999_999];
    let value = if rng.random_bool(0.5) {
        i64::from(values[rng.random_range(0..values.len())])
    } else {
        rng.random_range(0..200)
    };
    if let Some(columns) = line.get_mut(field..field + 8) {
        columns.copy_from_slice(&format!("{value:>8}").as_bytes()[..8]);
    }
}

/// One number between commas becomes another: counts, pointers, degrees, coordinates.
fn number_in_text(line: &mut Vec<u8>, rng: &mut StdRng) {
    let text = String::from_utf8_lossy(line).into_owned();
    let (text, tail) = text.split_at_checked(64).unwrap_or((&text, ""));
    let mut fields: Vec<String> = text.trim_end().split(',').map(str::to_owned).collect();
    let garbage = [
        "",
        "0",
        "-1",
        "1",
        "2",
        "1000000",
        "2147483647",
        "-2147483648",
        "99999999999999999999",
        "1E308",
        "-1E308",
        "1E-320",
        "NAN",
        "INF",
        "5Hhello",
        "1.5.5",
        "0.0",
        "3",
    ];
    let at = rng.random_range(0..fields.len());
    let end = if fields[at].ends_with(';') { ";" } else { "" };
    fields[at] = format!("{}{end}", garbage[rng.random_range(0..garbage.len())]);
    *line = format!("{:<64.64}{tail}", fields.join(",")).into_bytes();
}

fn byte(line: &mut [u8], rng: &mut StdRng) {
    if !line.is_empty() {
        let at = rng.random_range(0..line.len());
        line[at] = rng.random();
    }
}

#[test]
fn the_client_survives_every_damaged_file() {
    let seed: u64 = from_env("RR_SEED").unwrap_or(20_251_121);
    let count: usize = from_env("RR_MUTATIONS").unwrap_or(DEFAULT_MUTATIONS);
    println!("seed {seed}, {count} files");
    let mut bases = vec![("written subfigures".to_owned(), common::subfigures())];
    if let Some(dir) = common::models() {
        let read =
            |name: &str| (name.to_owned(), String::from_utf8_lossy(&std::fs::read(dir.join(name)).unwrap()).into());
        bases.extend(BASES.map(read));
    }
    let folder = tempfile::tempdir().unwrap();
    let outcomes: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let next = AtomicUsize::new(0);
    let work = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return;
        }
        let mut rng = StdRng::seed_from_u64(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (base, text) = &bases[number % bases.len()];
        let (bytes, told) = mutate(text, &mut rng);
        let path = folder.path().join(format!("mutation_{number}.igs"));
        std::fs::write(&path, bytes).unwrap();
        let outcome = match common::load_with(&path, &common::limited(HELPER_TIME, MEMORY_MIB)) {
            Ok(loaded) => {
                assert!(loaded.report.triangles + loaded.report.lines > 0, "{number}: {base}: {told}");
                loaded.assembly.check().unwrap();
                let partly =
                    loaded.report.warnings.iter().any(|w| w.contains("left out") || w.contains("face by face"));
                match loaded.report.warnings.is_empty() {
                    true => "ok".to_owned(),
                    false if partly => "ok without what crashes".to_owned(),
                    false => "ok with warnings".to_owned(),
                }
            }
            Err(error) => {
                assert!(error.to_string().contains("mutation_"), "{error}");
                match error {
                    LoadError::Crashed { .. } => "error: crashed".to_owned(),
                    LoadError::TimeLimit { .. } => "error: time limit".to_owned(),
                    LoadError::MemoryLimit { .. } => "error: memory limit".to_owned(),
                    LoadError::HelperMissing { .. } => panic!("{number}: {error}"),
                    LoadError::Malformed { reason, .. } => format!("error: {reason}"),
                    LoadError::Empty { .. } => "error: empty".to_owned(),
                    other => panic!("{number}: {other}"),
                }
            }
        };
        *outcomes.lock().unwrap().entry(outcome).or_default() += 1;
        std::fs::remove_file(&path).unwrap();
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let outcomes = outcomes.into_inner().unwrap();
    println!("{outcomes:#?}");
    assert_eq!(outcomes.values().sum::<usize>(), count);
    assert!(outcomes.keys().any(|k| k.starts_with("error")), "mutations that harm nothing test nothing");
    assert!(outcomes.keys().any(|k| k.starts_with("ok")));
    assert_eq!(children(), "", "a helper was left behind");
}

/// Processes that were started by this one and not waited for.
fn children() -> String {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return String::new() };
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    lists.collect::<String>().trim().to_owned()
}
