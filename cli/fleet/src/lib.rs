//! What a fleet of workers should be, what it is, and what to do about the difference. Pure logic: no clock, no network,
//! no disk. Time and what was seen are arguments, decisions are values, and thin code elsewhere carries them out.
//!
//! ```text
//! FleetSpec ─┐                                   ┌─► Records::begin (written down first)
//! Observed ──┼─► reconcile(now) ─► Vec<Action> ──┤
//! Records ───┘                                   └─► Provider (afterwards; its answer goes to Records::done or failed)
//! ```
//!
//! A record is written before anything is asked of a provider, and each machine carries its record's token. So whatever
//! dies in between, the next look finds the machine that belongs to a record, or a machine with the fleet's tag that
//! nobody knows, and adopts it.

mod desk;
mod lease;
mod money;
mod observed;
mod reconcile;
mod records;
mod scale;
mod spec;
mod time;

pub use desk::{Desk, DeskRules, DeskStep, Freed, Placed, QueuePlace, Seat, desk, queue_place, waiting};
pub use lease::{Refusal, place_session};
pub use money::Money;
pub use observed::{Machine, MachineId, MachineState, Observed, Worker};
pub use reconcile::{Action, Why, reconcile};
pub use records::{CreateFailure, Phase, Record, Records, Token};
pub use scale::wanted;
pub use spec::{FleetSpec, Market, Prices, Scaling, SpecError, Timing};
pub use time::Time;
