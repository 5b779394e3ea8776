//! A way that became longer, as when a tablet goes from the hall's network to the telephone company's.
//!
//! What waits on a path is told by round trips above the shortest one. After such a change all of them are above it, and no
//! wait for the shortest to be forgotten would be short enough. But a queue drains by what is not sent: where the round trips
//! stay as they are although it should be empty by now, there is none.

use super::Limit;
use super::confirmations::{Look, NOTHING, sent};
use rr_encode::Bitrate;
use rr_rtc::PathSample;
use std::time::{Duration, Instant};

/// A wait below this share of what it was is a queue that drains, and above the other one that grows.
const DRAINS: f64 = 0.75;
const GROWS: f64 = 1.15;
/// So many times the wait has to be left unsent, beside the round trip until that shows.
const UNSENT: f64 = 1.5;
/// A shorter wait takes little of the rate, and comes and goes with the noise.
const LEAST: Duration = Duration::from_millis(16);

/// What is believed of a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Belief {
    pub estimate: Bitrate,
    pub taken: Bitrate,
    pub limit: Option<Limit>,
    pub proven: Option<Bitrate>,
}

#[derive(Debug, Default)]
pub(super) struct Route {
    wait: Option<Wait>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    /// Since when it has been about as long as now.
    since: Instant,
    long: Duration,
    /// Bytes sent by then.
    sent: u64,
    /// What arrived before anything waited, and what was believed.
    arrived: Bitrate,
    before: Belief,
}

impl Route {
    /// What was believed before the way became longer, when it is known that it did.
    pub fn on_look(
        &mut self,
        now: Instant,
        sample: &PathSample,
        look: &Look,
        arrived: Option<Bitrate>,
        belief: Belief,
    ) -> Option<Belief> {
        let Some(arrived) = arrived.filter(|_| sample.in_flight >= NOTHING && !look.silent) else {
            // Nothing is known now.
            return None;
        };
        let long = look.least;
        if long < LEAST {
            self.wait = None;
            return None;
        }
        let sent = sent(sample);
        let same = |wait: &Wait| {
            let share = long.as_secs_f64() / wait.long.as_secs_f64();
            (DRAINS..=GROWS).contains(&share)
        };
        let Some(wait) = self.wait.filter(same) else {
            let (before, arrived) = self.wait.map_or((belief, arrived), |wait| (wait.before, wait.arrived));
            self.wait = Some(Wait { since: now, long, arrived, sent, before });
            return None;
        };
        let time = now.saturating_duration_since(wait.since).as_secs_f64();
        let unsent = time - sent.saturating_sub(wait.sent) as f64 * 8.0 / wait.arrived.as_f64().max(1.0);
        let enough = wait.long.as_secs_f64() * UNSENT + sample.rtt.unwrap_or_default().as_secs_f64();
        if unsent < enough {
            return None;
        }
        self.wait = None;
        Some(wait.before)
    }
}
