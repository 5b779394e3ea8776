//! What rate to ask the bandwidth estimator to look for.
//!
//! The estimator finds capacity by probing, and it probes when the desired rate is raised above its estimate (str0m,
//! `Bwe::set_bitrate`); asking for the same again does nothing. So after the estimate fell, the desired rate falls with
//! it and climbs back in small steps: each step is a probe, and the path is found to have recovered within seconds.

use rr_encode::Bitrate;
use std::time::{Duration, Instant};

const STEP: f64 = 1.25;
const INTERVAL: Duration = Duration::from_secs(1);
/// A fall by more than this begins a new climb.
const FALL: f64 = 0.85;

#[derive(Debug)]
pub(crate) struct Nudge {
    max: Bitrate,
    desired: Bitrate,
    estimate: Option<Bitrate>,
    next: Option<Instant>,
}

impl Nudge {
    pub(crate) fn new(max: Bitrate) -> Self {
        Self { max, desired: max, estimate: None, next: None }
    }

    pub(crate) fn desired(&self) -> Bitrate {
        self.desired
    }

    /// The estimator says something. `true`: the desired rate changed.
    pub(crate) fn on_estimate(&mut self, now: Instant, estimate: Bitrate) -> bool {
        let fell = self.estimate.is_some_and(|last| estimate < last.scale(FALL));
        self.estimate = Some(estimate);
        if fell || (self.next.is_none() && estimate < self.max.scale(FALL)) {
            self.next.get_or_insert(now + INTERVAL);
        }
        if fell {
            self.next = Some(now + INTERVAL);
            self.desired = estimate.max(Bitrate::kbps(100)).min(self.max);
        }
        fell
    }

    /// `true`: time for a step, the desired rate changed.
    pub(crate) fn on_time(&mut self, now: Instant) -> bool {
        let Some(next) = self.next.filter(|&next| now >= next) else { return false };
        let estimate = self.estimate.unwrap_or(self.desired);
        if estimate >= self.max.scale(FALL) {
            self.next = None;
            let changed = self.desired != self.max;
            self.desired = self.max;
            return changed;
        }
        self.next = Some(next.max(now) + INTERVAL);
        // From the estimate, not from the last wish: a wish that was not granted is asked again, a step lower first so
        // that it is a change.
        let wish = estimate.scale(STEP).min(self.max);
        self.desired = if wish == self.desired { estimate.scale(STEP * 1.1).min(self.max) } else { wish };
        true
    }

    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn climbs_back_after_a_fall() {
        let mut now = Instant::now();
        let mut nudge = Nudge::new(Bitrate::mbps(20));
        assert_eq!(nudge.desired(), Bitrate::mbps(20));
        assert!(!nudge.on_estimate(now, Bitrate::mbps(19)));
        assert!(nudge.on_estimate(now, Bitrate::mbps(2)));
        assert_eq!(nudge.desired(), Bitrate::mbps(2));
        let mut steps = 0;
        while nudge.timeout().is_some() {
            now += Duration::from_millis(100);
            if nudge.on_time(now) {
                steps += 1;
                assert!(nudge.desired() <= Bitrate::mbps(20));
                // The path grants every wish.
                nudge.on_estimate(now, nudge.desired());
            }
            assert!(steps < 30, "no end");
        }
        assert_eq!(nudge.desired(), Bitrate::mbps(20));
        assert!((8..20).contains(&steps), "{steps}");
    }

    #[test]
    fn a_wish_that_is_not_granted_is_made_again_differently() {
        let mut now = Instant::now();
        let mut nudge = Nudge::new(Bitrate::mbps(20));
        nudge.on_estimate(now, Bitrate::mbps(10));
        nudge.on_estimate(now, Bitrate::mbps(2));
        let mut last = nudge.desired();
        for _ in 0..5 {
            now += Duration::from_secs(1);
            assert!(nudge.on_time(now));
            assert_ne!(nudge.desired(), last);
            assert!(nudge.desired() < Bitrate::mbps(3), "asks far beyond the path");
            last = nudge.desired();
        }
    }

    #[test]
    fn a_path_that_starts_low_is_probed_too() {
        let now = Instant::now();
        let mut nudge = Nudge::new(Bitrate::mbps(20));
        assert!(!nudge.on_estimate(now, Bitrate::mbps(3)));
        assert!(nudge.on_time(now + Duration::from_secs(2)));
    }
}
