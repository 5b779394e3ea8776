//! What the operator wants.

use crate::Money;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a machine is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Market {
    /// Cheaper, and taken back with two minutes' notice.
    Spot,
    /// For as long as wanted.
    OnDemand,
}

/// How many workers there should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// So many, whoever watches.
    Fixed(u32),
    /// As many as sessions need, and some for the next ones.
    Auto {
        /// Never fewer.
        min: u32,
        /// Workers that wait for the next session, ready.
        warm: u32,
    },
}

/// Prices of one machine per hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// On the spot market, as far as it is known; what counts against the cap.
    pub spot: Money,
    /// On demand.
    pub on_demand: Money,
}

impl Prices {
    /// Of a market.
    #[must_use]
    pub fn of(&self, market: Market) -> Money {
        match market {
            Market::Spot => self.spot,
            Market::OnDemand => self.on_demand,
        }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the request to the worker's first word.
    pub boot: Duration,
    /// A worker not heard of for so long gets no new sessions.
    pub quarantine: Duration,
    /// One not heard of for so long is replaced.
    pub dead: Duration,
    /// A worker that more than needed waits so long before it goes.
    pub idle: Duration,
    /// A drained worker goes after this even if sessions are still there.
    pub drain: Duration,
    /// A machine that was asked for is seen in the provider's list after this, or was never made.
    pub appears: Duration,
    /// What was asked in vain is asked again after this; a place or market that failed rests as long, and longer each
    /// time.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            boot: seconds(600),
            quarantine: seconds(15),
            dead: seconds(60),
            idle: seconds(300),
            drain: seconds(600),
            appears: seconds(120),
            retry: seconds(30),
        }
    }
}

/// The fleet that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetSpec {
    /// Its tag on every machine.
    pub name: String,
    /// How many workers.
    pub scaling: Scaling,
    /// Most machines at any moment, those that begin and end among them.
    pub max: u32,
    /// Most money per hour at any moment.
    pub cost_cap: Option<Money>,
    /// Sessions that one worker serves.
    pub sessions_per_worker: u32,
    /// Share of the machines from the spot market, per cent.
    pub spot_share: u32,
    /// Places (subnets, GPUs) to put machines in, best first; at least one.
    pub places: u32,
    /// What a machine costs.
    pub prices: Prices,
    /// How long things may take.
    pub timing: Timing,
}

/// Why a fleet cannot be as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A name is a tag and part of file names.
    #[error("the fleet's name is 1 to 40 letters, digits and hyphens; \"{0}\" is not")]
    Name(String),
    /// More wanted than allowed.
    #[error("{wanted} workers are wanted, but at most {max} machines are allowed: raise max or want fewer")]
    Max {
        /// Workers.
        wanted: u32,
        /// Machines.
        max: u32,
    },
    /// The cap does not pay for what is always there.
    #[error("{wanted} workers cost {cost} an hour, more than the cap of {cap}: raise cost_cap or want fewer")]
    Cap {
        /// Workers.
        wanted: u32,
        /// Their price.
        cost: Money,
        /// What is allowed.
        cap: Money,
    },
    /// A share is 0 to 100.
    #[error("spot_share is 0 to 100 per cent, not {0}")]
    SpotShare(u32),
    /// A worker must serve somebody, somewhere.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    /// More than `rrhost --sessions` takes: no worker would start.
    #[error("sessions_per_worker is {MOST_SESSIONS} at most, not {0}")]
    Sessions(u32),
}

/// Sessions of one worker at most.
const MOST_SESSIONS: u32 = 64;

impl FleetSpec {
    /// Workers that are wanted when nobody watches.
    #[must_use]
    pub fn base(&self) -> u32 {
        match self.scaling {
            Scaling::Fixed(count) => count,
            Scaling::Auto { min, warm } => min.max(warm),
        }
    }

    /// How many of so many workers come from the spot market.
    #[must_use]
    pub fn spot_of(&self, workers: u32) -> u32 {
        // Down, so that a fleet of one is not all on a market that takes it back.
        u32::try_from(u64::from(workers) * u64::from(self.spot_share.min(100)) / 100).unwrap_or(workers)
    }

    /// What so many workers cost an hour.
    #[must_use]
    pub fn cost_of(&self, workers: u32) -> Money {
        let spot = self.spot_of(workers);
        self.prices.spot * spot + self.prices.on_demand * (workers - spot)
    }

    /// # Errors
    /// What contradicts itself.
    pub fn check(&self) -> Result<(), SpecError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(allowed) {
            return Err(SpecError::Name(self.name.chars().take(60).collect()));
        }
        if self.spot_share > 100 {
            return Err(SpecError::SpotShare(self.spot_share));
        }
        for (value, name) in [(self.sessions_per_worker, "sessions_per_worker"), (self.places, "places")] {
            if value == 0 {
                return Err(SpecError::Zero(name));
            }
        }
        if self.sessions_per_worker > MOST_SESSIONS {
            return Err(SpecError::Sessions(self.sessions_per_worker));
        }
        let wanted = self.base();
        if wanted > self.max {
            return Err(SpecError::Max { wanted, max: self.max });
        }
        let cost = self.cost_of(wanted);
        match self.cost_cap {
            Some(cap) if cost > cap => Err(SpecError::Cap { wanted, cost, cap }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn spec() -> FleetSpec {
        FleetSpec {
            name: "hall-3".to_owned(),
            scaling: Scaling::Fixed(3),
            max: 6,
            cost_cap: None,
            sessions_per_worker: 2,
            spot_share: 50,
            places: 2,
            prices: Prices { spot: Money::dollars(0.4).unwrap(), on_demand: Money::dollars(1.0).unwrap() },
            timing: Timing::default(),
        }
    }

    #[test]
    fn contradictions_are_told() {
        assert_eq!(spec().check(), Ok(()));
        let bad = [
            FleetSpec { name: "a b".to_owned(), ..spec() },
            FleetSpec { name: String::new(), ..spec() },
            FleetSpec { scaling: Scaling::Fixed(7), ..spec() },
            FleetSpec { cost_cap: Some(Money(1)), ..spec() },
            FleetSpec { spot_share: 101, ..spec() },
            FleetSpec { sessions_per_worker: 0, ..spec() },
            FleetSpec { sessions_per_worker: 65, ..spec() },
            FleetSpec { places: 0, ..spec() },
        ];
        for spec in bad {
            let error = spec.check().unwrap_err();
            assert!(error.to_string().len() > 20, "{error}");
        }
    }

    #[test]
    fn the_share_is_of_whole_machines() {
        let of = |share, workers| FleetSpec { spot_share: share, ..spec() }.spot_of(workers);
        assert_eq!((of(70, 1), of(70, 10), of(100, 1), of(0, 9)), (0, 7, 1, 0));
        assert_eq!(spec().cost_of(4).to_string(), "$2.80");
    }
}
