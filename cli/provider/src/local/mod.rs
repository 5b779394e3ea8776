//! Workers as processes of this machine, for development and for boxes with several graphics cards.
//!
//! ```text
//! folder/<token>/order.json   written before the process starts: market, slot, when
//!                process.json written after: pid and the moment of its start, which a reused pid does not have
//!                out          what the worker says on standard output; its first line of JSON tells where it serves
//!                log          what it writes to standard error
//!                log.old      what it wrote before that was too long
//! ```
//!
//! A process carries the folder of its order in its environment. So one that was started by an `rrctl` that died before it
//! could write `process.json` is found as well, as a machine is by its tag.

#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod workers;

#[cfg(target_os = "linux")]
pub use workers::Local;

use rr_fleet::Money;
use std::path::PathBuf;
use std::time::Duration;

/// How workers are started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalOptions {
    /// Where orders and logs are kept; belongs to one fleet.
    pub folder: PathBuf,
    /// Program of the worker.
    pub command: PathBuf,
    /// Its arguments; `{slot}` in them is the number of the slot, from 0.
    pub args: Vec<String>,
    /// Variables of its environment; `{slot}` as in the arguments.
    pub env: Vec<(String, String)>,
    /// Most workers, as many as there are graphics cards or patience.
    pub slots: u32,
    /// From the request to end to the end by force.
    pub grace: Duration,
    /// What an hour of one worker counts.
    pub price: Money,
}
