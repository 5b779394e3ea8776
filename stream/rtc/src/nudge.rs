//! What rate to ask the bandwidth estimator to look for.
//!
//! The estimator finds capacity by probing, and it probes when the desired rate is raised above its estimate (str0m,
//! `Bwe::set_bitrate`); asking for the same again does nothing. So after the estimate fell, the desired rate falls with
//! it and climbs back in small steps: each step is a probe, and the path is found to have recovered within seconds.

use rr_encode::Bitrate;
use std::time::{Duration, Instant};

const STEP: f64 = 1.6;
/// Time between steps that find more, and at most between those that find nothing.
const INTERVAL: Duration = Duration::from_millis(700);
const LONGEST_INTERVAL: Duration = Duration::from_millis(2_500);
/// A change by more than this is one.
const CHANGE: f64 = 1.15;
/// The estimator probes for twice the desired rate.
const PROBED: f64 = 2.0;

#[derive(Debug)]
pub(crate) struct Nudge {
    max: Bitrate,
    desired: Bitrate,
    estimate: Option<Bitrate>,
    /// Estimate at the last step.
    before: Bitrate,
    interval: Duration,
    next: Option<Instant>,
}

impl Nudge {
    pub(crate) fn new(max: Bitrate) -> Self {
        Self { max, desired: max, estimate: None, before: Bitrate::default(), interval: INTERVAL, next: None }
    }

    pub(crate) fn desired(&self) -> Bitrate {
        self.desired
    }

    /// The estimator says something. `true`: the desired rate changed.
    pub(crate) fn on_estimate(&mut self, now: Instant, estimate: Bitrate) -> bool {
        let fell = self.estimate.is_some_and(|last| estimate.scale(CHANGE) < last);
        self.estimate = Some(estimate);
        if fell {
            self.begin(now, estimate);
        } else if self.next.is_none() && estimate.scale(CHANGE) < self.max {
            self.next = Some(now + INTERVAL);
        }
        fell
    }

    /// The estimator begins anew and may probe for so much at first. It believes the result of a probe whatever it was
    /// for; where nothing is desired there is none.
    pub(crate) fn reset(&mut self, now: Instant, estimate: Bitrate, probe: Option<Bitrate>) {
        self.estimate = Some(estimate);
        self.begin(now, probe.unwrap_or_default().scale(1.0 / PROBED));
        if probe.is_none() {
            self.desired = Bitrate::default();
        }
    }

    /// Nothing is looked for until it wakes.
    pub(crate) fn sleep(&mut self) {
        self.next = None;
    }

    /// Pictures move again: what was believed holds, and more is looked for.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.begin(now, self.estimate.unwrap_or(self.max));
    }

    fn begin(&mut self, now: Instant, desired: Bitrate) {
        self.interval = INTERVAL;
        self.next = Some(now + INTERVAL);
        self.before = self.estimate.unwrap_or_default();
        self.desired = desired.max(Bitrate::kbps(50)).min(self.max);
    }

    /// `true`: time for a step, the desired rate changed.
    pub(crate) fn on_time(&mut self, now: Instant) -> bool {
        let Some(next) = self.next.filter(|&next| now >= next) else { return false };
        let estimate = self.estimate.unwrap_or(self.desired);
        if estimate.scale(CHANGE) >= self.max {
            self.next = None;
            let changed = self.desired != self.max;
            self.desired = self.max;
            return changed;
        }
        // Probes cost the viewer pictures: those that find nothing become rare.
        let found = estimate > self.before.scale(CHANGE);
        self.interval = if found { INTERVAL } else { (self.interval * 3 / 2).min(LONGEST_INTERVAL) };
        self.before = estimate;
        self.next = Some(next.max(now) + self.interval);
        // From the estimate, not from the last wish: a wish that was not granted is asked again, a bit differently so
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
        assert!((4..9).contains(&steps), "{steps}");
    }

    #[test]
    fn a_wish_that_is_not_granted_is_made_again_differently() {
        let mut now = Instant::now();
        let mut nudge = Nudge::new(Bitrate::mbps(20));
        nudge.on_estimate(now, Bitrate::mbps(10));
        nudge.on_estimate(now, Bitrate::mbps(2));
        let (mut last, mut waits) = (nudge.desired(), Vec::new());
        for _ in 0..6 {
            let next = nudge.timeout().unwrap();
            waits.push(next - now);
            now = next;
            assert!(nudge.on_time(now));
            assert_ne!(nudge.desired(), last);
            assert!(nudge.desired() < Bitrate::mbps(4), "asks far beyond the path");
            last = nudge.desired();
        }
        assert_eq!((waits[0], waits[5]), (INTERVAL, LONGEST_INTERVAL), "{waits:?}");
    }

    #[test]
    fn a_path_that_starts_low_is_probed_too() {
        let now = Instant::now();
        let mut nudge = Nudge::new(Bitrate::mbps(20));
        assert!(!nudge.on_estimate(now, Bitrate::mbps(3)));
        assert!(nudge.on_time(now + Duration::from_secs(2)));
    }
}
