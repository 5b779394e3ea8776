//! Arguments of the helper. They come from its client, not from people; hence no parser with help and colours.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::PathBuf;

/// Shown when the arguments are wrong.
pub const USAGE: &str = "usage: rr-import [--format NAME] [--memory-bytes N] [--cpu-seconds N] [--parent PID] [--threads N] \
                         [--max-triangles N] [--skip LIST] [--split LIST] [--batch N] [--repair 1] FILE\n       rr-import --version\n\
                         LIST is like 0-17,19; NAME is iges, step, brep, gltf, obj or ply";

/// Lists on the command line cannot ask for more than this many steps.
const MAX_LISTED: u64 = 10_000_000;

/// What to do.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Read a file.
    Import(Args),
    /// Say who we are.
    Version,
}

/// Which library reads the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reader {
    /// The geometry kernel.
    Kernel(rr_occt::Format),
    /// A library for meshes.
    Meshes(rr_formats::Format),
}

impl Default for Reader {
    fn default() -> Self {
        Self::Kernel(rr_occt::Format::Iges)
    }
}

impl Reader {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "iges" => Self::Kernel(rr_occt::Format::Iges),
            "step" => Self::Kernel(rr_occt::Format::Step),
            "brep" => Self::Kernel(rr_occt::Format::Brep),
            "gltf" => Self::Meshes(rr_formats::Format::Gltf),
            "obj" => Self::Meshes(rr_formats::Format::Obj),
            "ply" => Self::Meshes(rr_formats::Format::Ply),
            _ => return None,
        })
    }
}

/// How to read the file.
#[derive(Debug, Default, PartialEq)]
pub struct Args {
    /// Who reads it.
    pub reader: Reader,
    /// The file.
    pub file: PathBuf,
    /// Address space, in bytes.
    pub memory_bytes: Option<u64>,
    /// Processor time of all threads.
    pub cpu_seconds: Option<u64>,
    /// Process whose death ends this one.
    pub parent: Option<u32>,
    /// Threads that triangulate.
    pub threads: Option<u32>,
    /// Triangles after which no new part is triangulated.
    pub max_triangles: Option<u64>,
    /// Steps that are left out.
    pub skip: Vec<u32>,
    /// Steps that are replaced by their faces.
    pub split: Vec<u32>,
    /// Loose faces and curves that are delivered together.
    pub batch: Option<u32>,
    /// Whether what is damaged is taken out before the kernel follows it.
    pub repair: bool,
}

impl Args {
    /// The settings for the kernel.
    pub fn settings(&self) -> rr_occt::Settings {
        let default = rr_occt::Settings::default();
        rr_occt::Settings {
            threads: self.threads.unwrap_or(default.threads).clamp(1, 16),
            max_triangles: self.max_triangles.unwrap_or(default.max_triangles),
            skip: self.skip.clone(),
            split: self.split.clone(),
            batch: self.batch.unwrap_or(default.batch).max(1),
            repair: self.repair,
            ..default
        }
    }
}

/// Reads the arguments after the program's name.
pub fn parse(mut words: impl Iterator<Item = OsString>) -> Result<Action> {
    let mut args = Args::default();
    let mut file = None;
    while let Some(word) = words.next() {
        let Some(name) = word.to_str().and_then(|w| w.strip_prefix("--")) else {
            if file.replace(PathBuf::from(word)).is_some() {
                bail!("more than one file");
            }
            continue;
        };
        match name {
            "version" => return Ok(Action::Version),
            "" => {
                file = words.next().map(PathBuf::from);
                break;
            }
            _ => {}
        }
        let value = words.next().with_context(|| format!("--{name} needs a value"))?;
        let value = value.to_str().with_context(|| format!("--{name}: not text"))?;
        let number = || value.parse::<u64>().with_context(|| format!("--{name} {value}: not a number"));
        let small = || value.parse::<u32>().with_context(|| format!("--{name} {value}: not a number"));
        match name {
            "format" => args.reader = Reader::from_name(value).with_context(|| format!("no format {value}"))?,
            "memory-bytes" => args.memory_bytes = Some(number()?),
            "cpu-seconds" => args.cpu_seconds = Some(number()?),
            "parent" => args.parent = Some(small()?),
            "threads" => args.threads = Some(small()?),
            "max-triangles" => args.max_triangles = Some(number()?),
            "batch" => args.batch = Some(small()?),
            "repair" => args.repair = small()? != 0,
            "skip" => args.skip = list(value)?,
            "split" => args.split = list(value)?,
            _ => bail!("--{name} is not known"),
        }
    }
    args.file = file.context("no file")?;
    Ok(Action::Import(args))
}

/// Numbers and ranges: `0-17,19`.
fn list(text: &str) -> Result<Vec<u32>> {
    let mut all = Vec::new();
    for range in text.split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse()?, last.parse()?);
        if last < first || all.len() as u64 + u64::from(last - first) >= MAX_LISTED {
            bail!("{range}: not a range of steps");
        }
        all.extend(first..=last);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Action> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn everything_can_be_said() {
        let words = "--memory-bytes 5 --cpu-seconds 6 --parent 7 --threads 2 --skip 0-2,5 --split 9 --batch 1 -- --x";
        let Action::Import(args) = parsed(&words.split(' ').collect::<Vec<_>>()).unwrap() else { panic!() };
        assert_eq!((args.memory_bytes, args.cpu_seconds, args.parent), (Some(5), Some(6), Some(7)));
        assert_eq!((args.skip.as_slice(), args.split.as_slice()), ([0, 1, 2, 5].as_slice(), [9].as_slice()));
        assert_eq!((args.file, args.batch, args.threads), ("--x".into(), Some(1), Some(2)));
    }

    #[test]
    fn nonsense_is_refused() {
        for words in ["", "--skip", "--skip a f", "--skip 5-3 f", "--skip 0-4294967295 f", "--colour red f", "f g"] {
            let words: Vec<_> = words.split(' ').filter(|w| !w.is_empty()).collect();
            assert!(parsed(&words).is_err(), "{words:?}");
        }
    }
}
