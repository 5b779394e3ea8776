//! Why a command ends as it does, for people and for scripts.

use rr_fleet::SpecError;
use rr_provider::{Kind, ProviderError};
use std::process::ExitCode;

/// The exit codes, as `rrctl --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Something that has no code of its own.
    Failed = 1,
    /// The command line or the file is wrong.
    Wrong = 2,
    /// Who asks is not known or may not.
    Denied = 3,
    /// There is no more to be had.
    NoCapacity = 4,
    /// Too many requests, or no answer.
    Unreachable = 5,
    /// Another rrctl is at work.
    Locked = 6,
    /// Not as wanted.
    NotReached = 7,
    /// By a signal.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that knows its code.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    pub exit: Exit,
    text: String,
}

impl Failure {
    pub fn error(exit: Exit, text: impl Into<String>) -> anyhow::Error {
        Self { exit, text: text.into() }.into()
    }
}

/// The code of an error.
pub fn code(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    if let Some(error) = error.downcast_ref::<ProviderError>() {
        return match error.kind {
            Kind::Credentials | Kind::Permission => Exit::Denied,
            Kind::Capacity | Kind::Quota => Exit::NoCapacity,
            Kind::Throttled | Kind::Network => Exit::Unreachable,
            Kind::Other => Exit::Failed,
        };
    }
    if error.downcast_ref::<SpecError>().is_some() { Exit::Wrong } else { Exit::Failed }
}
