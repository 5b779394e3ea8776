//! What goes wrong with providers, told apart by what to do about it.

use rr_fleet::CreateFailure;
use std::fmt;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Too many requests in a short time.
    Throttled,
    /// There is no such machine in that place now.
    Capacity,
    /// The account may not have more.
    Quota,
    /// Who asks is not known, or not any more.
    Credentials,
    /// Who asks may not do that.
    Permission,
    /// No answer, or one that says nothing: it may have been done or not.
    Network,
    /// The request is wrong, or something is not there.
    Other,
}

/// An error with what was tried, what was said, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    /// What kind of trouble it is.
    pub kind: Kind,
    /// What was tried, as "cannot start a machine".
    pub what: String,
    /// What the provider said.
    pub said: String,
    /// What to do.
    pub advice: String,
}

impl ProviderError {
    /// An error of any kind.
    pub fn new(kind: Kind, what: impl Into<String>, said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { kind, what: what.into(), said: said.into(), advice: advice.into() }
    }

    /// The request or the configuration is wrong.
    pub fn other(what: impl Into<String>, said: impl fmt::Display, advice: impl Into<String>) -> Self {
        Self::new(Kind::Other, what, said.to_string(), advice)
    }

    /// What a failed [`crate::Provider::create`] means to the fleet. `None`: a machine may have been made.
    #[must_use]
    pub fn create_failure(&self) -> Option<CreateFailure> {
        match self.kind {
            Kind::Capacity => Some(CreateFailure::Capacity),
            Kind::Quota => Some(CreateFailure::Quota),
            Kind::Throttled => Some(CreateFailure::Throttled),
            Kind::Credentials | Kind::Permission | Kind::Other => Some(CreateFailure::Refused),
            Kind::Network => None,
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if !self.said.is_empty() {
            write!(f, ": {}", self.said.trim_end_matches(['.', ' ', '\n']))?;
        }
        if !self.advice.is_empty() {
            write!(f, "; {}", self.advice)?;
        }
        Ok(())
    }
}

impl std::error::Error for ProviderError {}
