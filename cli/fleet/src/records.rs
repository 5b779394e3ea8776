//! What the fleet remembers: every machine that was asked for, until it is gone.

use crate::{Action, FleetSpec, MachineId, MachineState, Market, Observed, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Names a machine before its provider does, and makes asking for it twice harmless.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub String);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a machine is meant to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Phase {
    /// Serve, as soon as its worker has joined.
    Up,
    /// Take no more sessions, and go when those that it has are gone.
    Draining {
        /// Since when.
        since: Time,
    },
    /// Go.
    Ending {
        /// When its provider was asked last to end it.
        asked: Time,
    },
}

/// A machine that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// How it was bought.
    pub market: Market,
    /// Which of the fleet's places it was to be in.
    pub place: u32,
    /// When it was asked for.
    pub created: Time,
    /// Its provider's name for it, once that is known.
    pub machine: Option<MachineId>,
    /// Its provider has shown it in a list.
    pub listed: bool,
    /// When its worker was heard of last; `None`: it has not joined.
    pub seen: Option<Time>,
    /// What it is meant to do.
    pub phase: Phase,
}

/// Why a provider did not make a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreateFailure {
    /// There is none of this kind in this place now.
    Capacity,
    /// The account may not have more of this market.
    Quota,
    /// Too many requests.
    Throttled,
    /// The request is wrong or not allowed; the same will not go better soon.
    Refused,
}

/// A place or market that is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Rest {
    until: Time,
    failures: u32,
}

/// Longest rest after failures.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// All records, and what was learned of markets and places.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Records {
    all: BTreeMap<Token, Record>,
    /// By market and place.
    rests: Vec<(Market, u32, Rest)>,
    /// When machines of the fleet were found though there were no records: these were lost, and lists may not show all
    /// machines yet.
    found: Option<Time>,
    /// Something was written down once.
    begun: bool,
}

impl Records {
    /// Of one machine.
    #[must_use]
    pub fn get(&self, token: &Token) -> Option<&Record> {
        self.all.get(token)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Token, &Record)> {
        self.all.iter()
    }

    /// Takes in what was seen, before [`crate::reconcile`].
    pub fn look(&mut self, now: Time, observed: &Observed) {
        let any = observed.machines.as_ref().is_some_and(|machines| !machines.is_empty());
        if any && !std::mem::replace(&mut self.begun, true) {
            self.found = Some(now);
        }
        for machine in observed.machines.iter().flatten() {
            if let Some(record) = self.all.get_mut(&machine.token).filter(|_| machine.state != MachineState::Gone) {
                record.listed = true;
                record.machine = Some(machine.id.clone());
            }
        }
        for worker in &observed.workers {
            if let Some(record) = self.all.get_mut(&worker.token) {
                record.seen = record.seen.max(Some(worker.seen));
                let (market, place) = (record.market, record.place);
                self.rests.retain(|(m, p, _)| (*m, *p) != (market, place));
            }
        }
    }

    /// Writes an action down. To be stored before it is carried out.
    pub fn begin(&mut self, now: Time, action: &Action) {
        self.begun = true;
        match action {
            Action::Create { token, market, place } => {
                let record = Record {
                    market: *market,
                    place: *place,
                    created: now,
                    machine: None,
                    listed: false,
                    seen: None,
                    phase: Phase::Up,
                };
                self.all.insert(token.clone(), record);
            }
            Action::Adopt { machine } => {
                let record = Record {
                    market: machine.market,
                    place: machine.place,
                    created: machine.launched,
                    machine: Some(machine.id.clone()),
                    listed: true,
                    seen: None,
                    phase: Phase::Up,
                };
                self.all.insert(machine.token.clone(), record);
            }
            Action::Drain { token, .. } => self.set(token, Phase::Draining { since: now }),
            Action::Terminate { token, .. } => self.set(token, Phase::Ending { asked: now }),
            Action::Forget { token } => _ = self.all.remove(token),
        }
    }

    fn set(&mut self, token: &Token, phase: Phase) {
        self.all.get_mut(token).into_iter().for_each(|record| record.phase = phase);
    }

    /// The provider made the machine.
    pub fn created(&mut self, token: &Token, machine: MachineId) {
        if let Some(record) = self.all.get_mut(token) {
            record.machine = Some(machine);
        }
    }

    /// The provider says that it did not and will not make the machine. An answer that never came is no such thing: the
    /// record stays, and the machine is found or not.
    pub fn failed(&mut self, now: Time, spec: &FleetSpec, token: &Token, failure: CreateFailure) {
        let Some(record) = self.all.remove(token) else { return };
        let markets: &[Market] = match failure {
            CreateFailure::Capacity | CreateFailure::Quota => &[record.market],
            CreateFailure::Throttled | CreateFailure::Refused => &[Market::Spot, Market::OnDemand],
        };
        let places = if failure == CreateFailure::Capacity { record.place..record.place + 1 } else { 0..spec.places };
        for (market, place) in markets.iter().flat_map(|market| places.clone().map(|place| (*market, place))) {
            let known = self.rests.iter().position(|(m, p, _)| (*m, *p) == (market, place));
            let failures = known.map_or(0, |at| self.rests.swap_remove(at).2.failures);
            let time = spec.timing.retry.saturating_mul(1 << failures.min(8)).min(LONGEST_REST);
            self.rests.push((market, place, Rest { until: now + time, failures: failures + 1 }));
        }
    }

    /// Places and markets that rest after failures may be tried at once: somebody who may know more asks for it.
    pub fn try_again(&mut self) {
        self.rests.clear();
    }

    /// All machines that there are can be known.
    pub(crate) fn are_whole(&self, now: Time, spec: &FleetSpec) -> bool {
        self.found.is_none_or(|at| now.since(at) > spec.timing.appears)
    }

    /// Whether a machine may be asked for there.
    pub(crate) fn is_open(&self, now: Time, market: Market, place: u32) -> bool {
        !self.rests.iter().any(|(m, p, rest)| (*m, *p) == (market, place) && now < rest.until)
    }
}
