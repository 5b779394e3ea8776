//! What several tests of the loaders need.

#![allow(dead_code, reason = "each test program uses a part of it")]

use rr_load::{ImportOptions, LoadContext, LoadError, Read, read};
use std::path::{Path, PathBuf};

/// Files in one folder of the shared models, sorted; `None`, with a line that says so, when they are not here.
pub fn models(folder: &str) -> Option<Vec<PathBuf>> {
    let root = std::env::var_os("RR_MODELS").map(PathBuf::from).or_else(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().map(|a| a.join("shared/models")).find(|m| m.is_dir())
    });
    let Some(listing) = root.and_then(|root| std::fs::read_dir(root.join(folder)).ok()) else {
        println!("skipped: no shared/models/{folder} beside the repository and no RR_MODELS");
        return None;
    };
    let mut files: Vec<_> = listing.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    Some(files)
}

/// Reads with everything at its default.
pub fn read_default(path: &Path) -> Result<Read, LoadError> {
    read(path, &ImportOptions::default(), &LoadContext::default())
}

/// A small generator with a seed (Knuth's MMIX constants): the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    /// A number from 0 to below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

/// Damages `bytes` in one of the ways in which files get damaged.
pub fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(b'x');
    }
    let at = random.below(bytes.len());
    let end = (at + 1 + random.below(40)).min(bytes.len());
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        5 => bytes[at..end].fill(0xFF),
        6 => bytes[at..end].fill(0),
        _ => {
            let words: [&[u8]; 8] =
                [b" facet ", b" vertex ", b" endsolid\n", b" solid\n", b" nan ", b" 1e999 ", b"\r", b" endloop "];
            let word = words[random.below(words.len())];
            bytes.splice(at..at, word.iter().copied());
        }
    }
}
