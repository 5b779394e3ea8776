//! What is known of a path in trouble, from the moment that it fell or fell silent until it is well again.

use super::confirmations::Look;
use super::{FLOOR, Limit, OVERFLOW};
use rr_encode::Bitrate;
use rr_rtc::PathSample;
use std::time::{Duration, Instant};

/// Bad news takes no more than what this leaves.
const STEP: f64 = 0.7;

/// A path that fell or fell silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble {
    /// What the path carries.
    pub carries: Bitrate,
    /// When the estimator was reset.
    pub reset: Instant,
    /// Since when nothing waits any more.
    pub drained: Option<Instant>,
    pub began: Instant,
    /// When a silent path was sent a picture.
    pub asked: Instant,
    /// What was confirmed when it began, and how long the packet that was confirmed last had waited.
    pub confirmed: Option<u64>,
    pub waited: Duration,
    /// What was believed before it began.
    pub before: Belief,
    /// Loss when it began.
    pub loss: f32,
    pub abandoned: bool,
}

/// What is believed of a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Belief {
    pub estimate: Bitrate,
    pub taken: Bitrate,
    pub limit: Option<Limit>,
    pub proven: Option<Bitrate>,
}

impl Trouble {
    pub fn new(now: Instant, carries: Bitrate, sample: &PathSample, waited: Duration, before: Belief) -> Self {
        let (loss, confirmed) = (sample.loss.unwrap_or(0.0), sample.confirmed);
        Self {
            carries,
            reset: now,
            drained: None,
            began: now,
            asked: now,
            confirmed,
            waited,
            before,
            loss,
            abandoned: false,
        }
    }

    /// Nothing waits any more, sooner than a queue can empty: what was confirmed late had not waited on the way.
    pub fn was_none(&self, now: Instant, look: &Look) -> bool {
        now.saturating_duration_since(self.began) < self.waited.mul_f64(0.8) && look.last < self.waited / 2
    }

    pub fn believe(&mut self, arrived: Bitrate) {
        // Only bad news: what is repeated after losses arrives as well, and more than the path carries seems to. And not all
        // of it at once, for the next look may show that it was one confirmation that came late.
        self.carries = self.carries.min(arrived.max(self.carries.scale(STEP))).max(FLOOR);
    }

    /// Nothing waits any more. The path was busy all the time, so that what it carried from the beginning to here is what
    /// it carries; a moment of it may have told much less, because a viewer may confirm late.
    pub fn look_back(&mut self, now: Instant, sample: &PathSample) {
        let seconds = now.saturating_duration_since(self.began).as_secs_f64();
        let loss = sample.loss.unwrap_or(0.0);
        let bytes = sample.confirmed.zip(self.confirmed).and_then(|(now, then)| now.checked_sub(then));
        if let Some(bytes) = bytes.filter(|_| seconds > 0.1 && loss <= self.loss + OVERFLOW) {
            self.believe_again(Bitrate::bps((bytes as f64 * 8.0 / seconds) as u64).scale(f64::from(1.0 - loss)));
        }
    }

    /// So much was delivered; no more is believed than before it began.
    pub fn believe_again(&mut self, delivered: Bitrate) {
        let most = self.before.taken.max(self.before.proven.unwrap_or_default());
        self.carries = self.carries.max(delivered.min(most));
    }
}
