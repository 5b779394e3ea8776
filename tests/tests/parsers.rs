//! Our own parsers over kept inputs, and over seeded changes of them.
//!
//! `RR_SEED` repeats a run, `RR_MUTATIONS` sets how many changes are tried for each input.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

use rr_tests::parsers::{ALL, Parser};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const DEFAULT_MUTATIONS: usize = 300;
/// An input of some kilobytes that takes longer has found something.
const MOST_TIME: Duration = Duration::from_secs(2);

fn corpus(parser: &Parser) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(parser.name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no inputs", folder.display());
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Runs a parser; a failure tells how to get the input again, which belongs into the corpus.
fn run(parser: &Parser, input: &[u8], told: &str) {
    let started = Instant::now();
    if catch_unwind(AssertUnwindSafe(|| (parser.run)(input))).is_err() {
        let kept = std::env::temp_dir().join(format!("{}-{:016x}", parser.name, hash(input)));
        fs::write(&kept, input).unwrap();
        panic!("{} fails on {told}; the input is kept as {}", parser.name, kept.display());
    }
    assert!(started.elapsed() < MOST_TIME, "{} took {:?} on {told}", parser.name, started.elapsed());
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn inputs_that_were_kept_pass() {
    for parser in &ALL {
        for (path, bytes) in corpus(parser) {
            run(parser, &bytes, &path.display().to_string());
        }
    }
}

#[test]
fn every_start_of_a_small_input_passes() {
    for parser in &ALL {
        for (path, bytes) in corpus(parser) {
            let step = (bytes.len() / 200).max(1);
            for end in (0..bytes.len()).step_by(step) {
                run(parser, &bytes[..end], &format!("the first {end} bytes of {}", path.display()));
            }
        }
    }
}

#[test]
fn seeded_changes_of_kept_inputs_pass() {
    let from_env = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let seed = from_env("RR_SEED").unwrap_or(7);
    let count = from_env("RR_MUTATIONS").map_or(DEFAULT_MUTATIONS, |n| usize::try_from(n).unwrap());
    println!("seed {seed}, {count} changes of each input");
    for parser in &ALL {
        let inputs = corpus(parser);
        for (number, (path, bytes)) in inputs.iter().enumerate() {
            let mut random = Random(seed.wrapping_add(number as u64));
            for change in 0..count {
                let mut changed = bytes.clone();
                for _ in 0..=random.below(4) {
                    mutate(&mut changed, &inputs[random.below(inputs.len())].1, &mut random);
                }
                run(parser, &changed, &format!("seed {seed}, change {change} of {}", path.display()));
            }
        }
    }
}

/// A small generator with a seed (Knuth's MMIX constants): the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// Changes one place the way that broken exporters, disks and attackers do; pieces may come from another input.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(b'x');
    }
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(24)).min(bytes.len());
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => bytes[at..end].fill(if random.below(2) == 0 { 0xFF } else { 0 }),
        5 => {
            let from = random.below(other.len());
            let piece = &other[from..(from + 1 + random.below(64)).min(other.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
        6 => {
            let word = [0u32, 1, 0x7F80_0000, 0x7FC0_0000, u32::MAX, 1 << 31, 1 << 30][random.below(7)];
            let end = (at + 4).min(bytes.len());
            bytes.splice(at..end, word.to_le_bytes());
        }
        _ => {
            let digits = (at..bytes.len()).find(|&i| bytes[i].is_ascii_digit());
            let Some(first) = digits else { return };
            let last = (first..bytes.len()).find(|&i| !bytes[i].is_ascii_digit()).unwrap_or(bytes.len());
            let numbers: [&[u8]; 8] =
                [b"0", b"-1", b"4294967295", b"99999999999999999999", b"1e39", b"nan", b"3", b"65536"];
            bytes.splice(first..last, numbers[random.below(numbers.len())].iter().copied());
        }
    }
}
