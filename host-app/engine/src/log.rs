//! Messages for people: kept short in the window, written to the program's log as well.

use std::time::SystemTime;

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Good to know.
    Info,
    /// Something is not as it should be and the work goes on.
    Warning,
    /// Something asked for did not happen.
    Error,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Counts the messages of this run.
    pub number: u64,
    /// When it happened.
    pub at: SystemTime,
    /// How much it matters.
    pub level: LogLevel,
    /// What happened, and what to do.
    pub text: String,
}

/// How many messages are kept.
const KEPT: usize = 200;

/// The last messages.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: std::collections::VecDeque<std::sync::Arc<LogEntry>>,
    next: u64,
}

impl Log {
    pub fn add(&mut self, level: LogLevel, text: impl Into<String>) {
        let text = text.into();
        match level {
            LogLevel::Info => tracing::info!(target: "rr::host", "{text}"),
            LogLevel::Warning => tracing::warn!(target: "rr::host", "{text}"),
            LogLevel::Error => tracing::error!(target: "rr::host", "{text}"),
        }
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        let entry = LogEntry { number: self.next, at: SystemTime::now(), level, text };
        self.next += 1;
        self.entries.push_back(std::sync::Arc::new(entry));
    }

    pub fn entries(&self) -> Vec<std::sync::Arc<LogEntry>> {
        self.entries.iter().cloned().collect()
    }
}
