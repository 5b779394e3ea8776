//! Where machines come from: one trait, the processes of this machine (`local`) and Amazon EC2 (`ec2`).
//!
//! ```text
//! rr-fleet: reconcile ─► Action ─► rrctl writes it down ─► Provider ─┬─ Local: processes, told by their environment
//!               ▲                                                    └─ Ec2: signed queries over HTTPS
//!               └──────────── Observed ◄── Provider::list ◄──────────┘
//! ```
//!
//! A provider keeps no decisions. It answers what is there, makes a machine for a token, and ends one. Everything that it
//! makes carries the fleet's name and the token, so that it is found again after whatever died in between. All calls
//! block: whoever has an async runtime gives a provider a thread of its own.

pub mod ec2;
mod error;
mod file;
pub mod http;
pub mod local;

pub use error::{Kind, ProviderError};
pub use file::replace_file;

use rr_fleet::{Machine, MachineId, Market, Prices, Time, Token};
use std::fmt;
use std::time::Duration;

/// What rr-fleet has to know of a provider before it decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Subnets or the like, best first: what [`Order::place`] counts. At least one.
    pub places: Vec<String>,
    /// Most machines that there can be, where the provider knows.
    pub most: Option<u32>,
    /// What was made is listed after this, or was never made.
    pub appears: Duration,
    /// It sells machines of the spot market, too, and tells when it takes one back.
    pub spot: bool,
}

/// A machine to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    /// Names it. The same token never makes two.
    pub token: Token,
    /// How to buy it.
    pub market: Market,
    /// Where: an index of [`Capabilities::places`].
    pub place: u32,
    /// With this its worker proves once that it is the machine that was ordered.
    pub join: String,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Order({}, {:?}, place {})", self.token, self.market, self.place)
    }
}

/// What a provider can say of the worker on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerHint {
    /// Nothing yet.
    Unknown,
    /// Its worker said that it serves there, as `http://127.0.0.1:40113`: who wants to know asks it.
    Serves(String),
    /// The machine runs and is not impaired. Whether a worker serves there, only the worker can tell.
    Runs,
}

/// A machine of the fleet, with what helps people and the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// For the reconciler.
    pub machine: Machine,
    /// Of its worker.
    pub worker: WorkerHint,
    /// When its provider takes it back, if it has said so.
    pub notice: Option<Time>,
    /// Where people find it: an address or a process.
    pub address: String,
    /// What it is: an instance type, or a slot of this machine.
    pub kind: String,
}

/// Something that a provider looked at and what it found, for `rrctl doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub what: String,
    /// What was found; in an error, what to do.
    pub found: Result<String, String>,
}

/// Links to one worker, by what their bearers may do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Links {
    /// To look.
    pub viewer: String,
    /// To move things.
    pub engineer: String,
    /// To add and delete things.
    pub admin: String,
}

/// A source of machines for one fleet.
pub trait Provider: Send + Sync {
    /// `local` or `ec2`.
    fn name(&self) -> &'static str;

    /// # Errors
    /// The provider could not be asked.
    fn capabilities(&self) -> Result<Capabilities, ProviderError>;

    /// Prices of one machine per hour. What is not known of the spot market counts as much as on demand, which is the most
    /// that it costs.
    ///
    /// # Errors
    /// A price is not known, and the text says where to write it down.
    fn prices(&self) -> Result<Prices, ProviderError>;

    /// Makes what machines need beside themselves, where it is not there or not as wanted: a line for each change, the
    /// same in a dry run, which changes nothing.
    ///
    /// # Errors
    /// It is not allowed, or the configuration is wrong.
    fn prepare(&self, dry: bool) -> Result<Vec<String>, ProviderError>;

    /// All machines of the fleet, by its tag. Those that ended lately may be among them.
    ///
    /// # Errors
    /// The provider could not be asked: nothing is known to be gone.
    fn list(&self) -> Result<Vec<Listed>, ProviderError>;

    /// Makes a machine. With a token that has one already, that one is the answer.
    ///
    /// # Errors
    /// [`Kind::Network`] leaves open whether a machine was made; after all others there is none.
    fn create(&self, order: &Order) -> Result<MachineId, ProviderError>;

    /// Ends a machine. One that has ended or never was is no error.
    ///
    /// # Errors
    /// The provider could not be asked, or does not allow it.
    fn terminate(&self, machine: &MachineId) -> Result<(), ProviderError>;

    /// The end of what its worker or its system wrote.
    ///
    /// # Errors
    /// There is none, or the provider could not be asked.
    fn logs(&self, machine: &MachineId, most_bytes: usize) -> Result<String, ProviderError>;

    /// Links to its worker, where that has a session of its own.
    ///
    /// # Errors
    /// It does not serve (yet), or cannot tell us.
    fn links(&self, machine: &MachineId) -> Result<Links, ProviderError> {
        let what = format!("no link to {machine}");
        let advice = "put a gateway before it (rrctl gateway --pool): its links lead to whichever worker is free";
        Err(ProviderError::other(what, "machines elsewhere cannot tell us theirs", advice))
    }

    /// Removes what [`Provider::prepare`] made, once there are no machines: a line for each.
    ///
    /// # Errors
    /// Something is still in use, and the text says what.
    fn release(&self) -> Result<Vec<String>, ProviderError>;

    /// Looks at all that is needed to make a machine, and makes none.
    fn doctor(&self) -> Vec<Check>;
}
