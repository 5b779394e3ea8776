//! What was seen: machines by their provider, workers by themselves.

use crate::{Market, Time, Token};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A provider's name of a machine, as `i-0a1b2c` or a process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MachineId(pub String);

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a machine does, by its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MachineState {
    /// It will run.
    Pending,
    /// It runs.
    Running,
    /// It ends.
    Ending,
    /// It has ended, and costs nothing.
    Gone,
}

/// A machine with the fleet's tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The provider's name for it.
    pub id: MachineId,
    /// The record's token, which it was made with.
    pub token: Token,
    /// What it does.
    pub state: MachineState,
    /// How it was bought.
    pub market: Market,
    /// Which of the fleet's places it is in; 0 when that is not known any more.
    pub place: u32,
    /// When it was asked for.
    pub launched: Time,
}

/// A worker that joined the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// The token of its machine.
    pub token: Token,
    /// When it was heard of last.
    pub seen: Time,
    /// Sessions that it serves.
    pub sessions: u32,
    /// Since when it serves none; its joining, if it never did.
    pub idle_since: Time,
    /// When its provider will take it back, if it has said so.
    pub notice: Option<Time>,
}

/// All that is known at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// Machines with the fleet's tag. `None`: the provider could not be asked, so nothing is known to be gone.
    pub machines: Option<Vec<Machine>>,
    /// Since when workers could be heard: before that, nobody's silence means anything.
    pub listening: Time,
    /// Workers that joined.
    pub workers: Vec<Worker>,
    /// Sessions that wait for a worker.
    pub waiting: u32,
    /// The operator asked for these to be drained.
    pub drain: Vec<Token>,
}
