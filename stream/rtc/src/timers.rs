//! When each peer is due, so that only those that are due are looked at, and on a grid, so that one wake-up serves many.
//!
//! A hundred peers whose pacers, reports and timers fall where they like would wake the thread thousands of times a second.
//! What is due within a step of the grid is done at its end, with the true time, so that str0m's pacer and estimator see
//! when packets really went. A picture does not wait for the grid: it goes out when it is there.

use crate::PeerId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Latest that something is done after it was due. The pacer lets 40 ms of its rate go out at once, and a round trip is
/// measured in tenths of milliseconds where it matters: a millisecond changes neither.
const STEP: Duration = Duration::from_millis(1);

/// Deadlines of peers.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// The first one ever, where the grid begins.
    origin: Option<Instant>,
    by_time: BTreeSet<(Instant, PeerId)>,
    of: BTreeMap<PeerId, Instant>,
}

impl Timers {
    /// When a peer is due from now on.
    pub(crate) fn set(&mut self, peer: PeerId, at: Instant) {
        let before = self.of.insert(peer, at);
        if before == Some(at) {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, peer));
        }
        self.by_time.insert((at, peer));
        self.origin.get_or_insert(at);
    }

    pub(crate) fn remove(&mut self, peer: PeerId) {
        if let Some(at) = self.of.remove(&peer) {
            self.by_time.remove(&(at, peer));
        }
    }

    /// When to look for what is due: at the end of the step that the earliest deadline is in.
    pub(crate) fn next(&self) -> Option<Instant> {
        let (at, _) = self.by_time.first()?;
        let late = at.saturating_duration_since(self.origin?).as_nanos() % STEP.as_nanos();
        let rest = if late == 0 { 0 } else { STEP.as_nanos() - late };
        Some(*at + Duration::from_nanos(rest as u64))
    }

    /// Who is due, the earliest first.
    pub(crate) fn due(&self, now: Instant) -> impl Iterator<Item = PeerId> + '_ {
        self.by_time.iter().take_while(move |(at, _)| *at <= now).map(|(_, peer)| *peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_serves_all_of_a_step() {
        let start = Instant::now();
        let at = |micros| start + Duration::from_micros(micros);
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set(PeerId(1), at(0));
        assert_eq!(timers.next(), Some(at(0)));
        timers.set(PeerId(1), at(5_700));
        timers.set(PeerId(2), at(5_200));
        timers.set(PeerId(3), at(6_001));
        assert_eq!(timers.next(), Some(at(6_000)));
        assert_eq!(timers.due(at(5_199)).count(), 0);
        assert_eq!(timers.due(at(6_000)).collect::<Vec<_>>(), [PeerId(2), PeerId(1)]);
        timers.remove(PeerId(2));
        timers.set(PeerId(1), at(9_000));
        assert_eq!(timers.next(), Some(at(7_000)));
        assert_eq!(timers.due(at(7_000)).collect::<Vec<_>>(), [PeerId(3)]);
        timers.remove(PeerId(3));
        timers.remove(PeerId(3));
        assert_eq!(timers.next(), Some(at(9_000)));
    }

    #[test]
    fn before_the_grid_begins_nothing_waits() {
        let start = Instant::now();
        let mut timers = Timers::default();
        timers.set(PeerId(1), start + Duration::from_secs(1));
        timers.set(PeerId(2), start + Duration::from_micros(300));
        assert_eq!(timers.next(), Some(start + Duration::from_micros(300)));
    }
}
