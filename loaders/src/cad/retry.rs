//! How a helper can end, and what the next one is told so that it gets further.

use super::{
    assembly::{Assembly, Culprit},
    process::Ended,
};
use crate::Limits;
use std::{collections::BTreeSet, ffi::OsString, fmt, path::Path, process::ExitStatus, time::Duration};

/// A file that brings down more helpers than this is not worth the time.
const MAX_ATTEMPTS: u32 = 12;
/// Exit codes of the helper, see its main module.
const USAGE: i32 = 2;
const OUT_OF_MEMORY: i32 = 3;
const NO_LIMITS: i32 = 5;

/// How a helper ended, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It read the whole file.
    Finished,
    /// It says that the file cannot be read, and why.
    Unreadable(String),
    /// It met its memory limit.
    OutOfMemory,
    /// It was ended after the time limit.
    TimeLimit(Duration),
    /// It was ended because it gave no sign of life within one step.
    Silent(Duration),
    /// It was ended because it wrote too much.
    TooMuchOutput,
    /// It died.
    Crashed(String),
    /// It could not run at all.
    Refused(String),
    /// It wrote what no helper writes.
    Nonsense(String),
}

impl Ending {
    /// Judges a helper that went without a last word.
    pub fn of_process(ended: &Ended, time_limit: Duration) -> Self {
        let last_line = ended.stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        // What the allocators of Rust and C++ say before they abort.
        let no_memory = ["memory allocation of", "bad_alloc", "capacity overflow"];
        match (ended.status.code(), signal(ended.status)) {
            (Some(OUT_OF_MEMORY), _) => Self::OutOfMemory,
            (None, Some((6, _))) if no_memory.iter().any(|words| ended.stderr.contains(words)) => Self::OutOfMemory,
            (None, Some((24, _))) => Self::TimeLimit(time_limit),
            (None, Some((number, name))) => Self::Crashed(format!("signal {number} ({name})")),
            (Some(USAGE | NO_LIMITS | 126 | 127), _) => Self::Refused(last_line.to_owned()),
            (Some(code), _) => Self::Crashed(format!("exit code {code}")),
            (None, None) => Self::Crashed("it was ended from outside".to_owned()),
        }
    }

    /// True when another helper that leaves something out may get further.
    pub fn is_worth_a_retry(&self) -> bool {
        matches!(self, Self::OutOfMemory | Self::Silent(_) | Self::Crashed(_))
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => write!(f, "read to the end"),
            Self::Unreadable(reason) | Self::Refused(reason) => write!(f, "{reason}"),
            Self::OutOfMemory => write!(f, "the memory limit was met"),
            Self::TimeLimit(limit) => write!(f, "the time limit of {} s was met", limit.as_secs_f64()),
            Self::Silent(limit) => write!(f, "it made no progress for {} s", limit.as_secs_f64()),
            Self::TooMuchOutput => write!(f, "the model is larger than an import may be"),
            Self::Crashed(reason) => write!(f, "the reader crashed, {reason}"),
            Self::Nonsense(reason) => write!(f, "the import helper went wrong: {reason}"),
        }
    }
}

/// What was learnt from helpers that died.
#[derive(Debug, Default)]
pub struct Retry {
    attempts: u32,
    /// Steps that are left out.
    skip: BTreeSet<u32>,
    /// Steps that are replaced by their faces, in the order of discovery, which numbers the steps of the faces.
    split: Vec<u32>,
    /// Whether loose faces and curves are delivered one by one.
    singly: bool,
    /// Whether what leads to damaged entities is taken out first.
    repair: bool,
}

impl Retry {
    /// Number of helpers that died.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Asks the next helper to take out what leads to damaged entities. `false` when that was asked before.
    pub fn repair(&mut self) -> bool {
        self.attempts += 1;
        !std::mem::replace(&mut self.repair, true)
    }

    /// Steps that are not asked for any more.
    pub fn given_up(&self) -> BTreeSet<u32> {
        self.skip.iter().chain(&self.split).copied().collect()
    }

    /// Decides what the next helper does differently. `false` when there is no point in another one.
    pub fn learn(&mut self, assembly: &mut Assembly, ending: &Ending) -> bool {
        self.attempts += 1;
        if self.attempts >= MAX_ATTEMPTS {
            return false;
        }
        match assembly.culprit() {
            Culprit::Batch if !self.singly => self.singly = true,
            Culprit::Batch | Culprit::None => return false,
            Culprit::Step(step, entity) => {
                if self.split.contains(&step) || self.skip.contains(&step) {
                    // It was asked to leave the step out and did not.
                    return false;
                }
                // Out of memory: its faces would be no better.
                if *ending == Ending::OutOfMemory || !is_solid(&entity) {
                    assembly.warn(format!("entity {entity} is left out: {ending}"));
                    self.skip.insert(step);
                } else {
                    assembly.warn(format!("entity {entity} is read face by face: {ending}"));
                    self.split.push(step);
                }
            }
        }
        true
    }

    /// The helper's command line.
    pub fn arguments(
        &self,
        format: &str,
        assembly: &Assembly,
        file: &Path,
        limits: &Limits,
        remaining: Duration,
        threads: usize,
    ) -> Vec<OsString> {
        let cpu_seconds = remaining.as_secs().saturating_add(1).saturating_mul(threads as u64);
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |name: &str, value: String| arguments.extend([name.into(), value.into()]);
        add("--format", format.to_owned());
        add("--memory-bytes", limits.helper_memory_bytes.to_string());
        add("--cpu-seconds", cpu_seconds.to_string());
        add("--parent", std::process::id().to_string());
        add("--threads", threads.to_string());
        add("--max-triangles", limits.max_triangles.min(u64::from(u32::MAX / 3)).to_string());
        add("--skip", ranges(&(assembly.done() | &self.skip)));
        add("--split", self.split.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
        if self.singly {
            add("--batch", "1".to_owned());
        }
        if self.repair {
            add("--repair", "1".to_owned());
        }
        arguments.extend(["--".into(), file.into()]);
        arguments
    }
}

/// Whether the helper can take the entity apart: manifold solids and shells.
fn is_solid(entity: &str) -> bool {
    entity.contains("type 186,") || entity.contains("type 514,")
}

/// Numbers as ranges: `0-17,19`.
fn ranges(numbers: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let text: Vec<_> = ranges.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }).collect();
    text.join(",")
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<(i32, &'static str)> {
    let number = std::os::unix::process::ExitStatusExt::signal(&status)?;
    let name = match number {
        4 => "illegal instruction",
        6 => "aborted",
        7 => "bus error",
        8 => "arithmetic error",
        9 => "killed",
        11 => "segmentation fault",
        24 => "processor time limit",
        25 => "file size limit",
        _ => "unexpected",
    };
    Some((number, name))
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<(i32, &'static str)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_ranges() {
        assert_eq!(ranges(&BTreeSet::from([0, 1, 2, 5, 7, 8, u32::MAX])), "0-2,5,7-8,4294967295");
        assert_eq!(ranges(&BTreeSet::new()), "");
    }
}
