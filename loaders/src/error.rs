//! Why a model could not be loaded. Every error names the file and the reason, so that it can be shown as it stands.

use std::path::{Path, PathBuf};

/// A file that gave no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file.
    #[error("{}: no such file", file.display())]
    NotFound {
        /// The file asked for.
        file: PathBuf,
    },
    /// The operating system refused to give the bytes.
    #[error("{}: cannot be read: {reason}", file.display())]
    Io {
        /// The file asked for.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The file has no bytes.
    #[error("{}: the file is empty", file.display())]
    Empty {
        /// The file asked for.
        file: PathBuf,
    },
    /// No loader knows the bytes.
    #[error("{}: not a known model format: {reason}", file.display())]
    UnknownFormat {
        /// The file asked for.
        file: PathBuf,
        /// What was seen and what is known.
        reason: String,
    },
    /// The format is known, but nothing that can be shown could be read.
    #[error("{}: {format}: {reason}{}", file.display(), at(*offset))]
    Malformed {
        /// The file asked for.
        file: PathBuf,
        /// Short name of the format, as in the report.
        format: &'static str,
        /// Where in the file, in bytes, when known.
        offset: Option<u64>,
        /// What is wrong.
        reason: String,
    },
    /// The file, or what it describes, is beyond a limit.
    #[error("{}: too large: {reason}", file.display())]
    TooLarge {
        /// The file asked for.
        file: PathBuf,
        /// Which limit, and by how much.
        reason: String,
    },
    /// Somebody cancelled the load.
    #[error("{}: cancelled", file.display())]
    Cancelled {
        /// The file asked for.
        file: PathBuf,
    },
    /// The import helper, which reads this format in a process of its own, could not be started.
    #[error("{}: the import helper cannot be started: {reason}", file.display())]
    HelperMissing {
        /// The file asked for.
        file: PathBuf,
        /// Where it was looked for, or the system's words.
        reason: String,
    },
    /// The import helper was ended because it took too long.
    #[error("{}: gave up after {seconds} s", file.display())]
    TimeLimit {
        /// The file asked for.
        file: PathBuf,
        /// The limit.
        seconds: u64,
    },
    /// The import helper was ended because it wanted too much memory.
    #[error("{}: needs more than the {limit_mib} MiB of memory that an import may have", file.display())]
    MemoryLimit {
        /// The file asked for.
        file: PathBuf,
        /// The limit.
        limit_mib: u64,
    },
    /// The import helper died on the file.
    #[error("{}: the import helper crashed on it: {reason}", file.display())]
    Crashed {
        /// The file asked for.
        file: PathBuf,
        /// Signal or exit code.
        reason: String,
    },
}

impl LoadError {
    /// The error for what the system says about `file`.
    pub fn from_io(file: &Path, error: &std::io::Error) -> Self {
        let file = file.to_owned();
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound { file },
            _ => Self::Io { file, reason: error.to_string() },
        }
    }

    /// The file it is about.
    pub fn file(&self) -> &Path {
        match self {
            Self::NotFound { file }
            | Self::Io { file, .. }
            | Self::Empty { file }
            | Self::UnknownFormat { file, .. }
            | Self::Malformed { file, .. }
            | Self::TooLarge { file, .. }
            | Self::Cancelled { file }
            | Self::HelperMissing { file, .. }
            | Self::TimeLimit { file, .. }
            | Self::MemoryLimit { file, .. }
            | Self::Crashed { file, .. } => file,
        }
    }
}

fn at(offset: Option<u64>) -> String {
    offset.map(|o| format!(" (at byte {o})")).unwrap_or_default()
}
