//! What is known of a path in trouble, from the moment that it fell or fell silent until it is well again.

use super::confirmations::{Look, NOTHING, sent};
use super::route::Belief;
use super::{FLOOR, OVERFLOW};
use rr_encode::Bitrate;
use rr_rtc::PathSample;
use std::time::{Duration, Instant};

/// Bad news takes no more than what this leaves.
const STEP: f64 = 0.7;

/// Where packets wait for so long a little more loss is no chance, and repeats would find the end of the queue.
const LONG: Duration = Duration::from_millis(200);
const SOME: f32 = 0.004;
/// What was handed over has left after this time.
const DRAINED: Duration = Duration::from_millis(150);
/// Bytes enough to know what share of them was lost.
const MANY: u64 = 20_000;
const LEAST_SHARE: f64 = 0.3;
/// What arrives in less time tells little.
const LEAST: Duration = Duration::from_millis(100);

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
    /// What had arrived and been confirmed when it began, and how long the packet that was confirmed last had waited.
    received: Option<u64>,
    confirmed: Option<u64>,
    pub waited: Duration,
    /// What was believed before it began.
    pub before: Belief,
    /// Loss when it began.
    pub loss: f32,
    /// The longest that a packet has waited since.
    longest: Duration,
    /// Bytes sent by then, and when the last of them were.
    sent: (u64, Instant),
    pub abandoned: bool,
    /// For a while nothing was heard of it.
    silent: bool,
    /// Since when nothing new is sent.
    pub held: Option<Instant>,
}

impl Trouble {
    pub fn new(now: Instant, carries: Bitrate, sample: &PathSample, waited: Duration, before: Belief) -> Self {
        let (loss, received) = (sample.loss.unwrap_or(0.0), sample.received);
        Self {
            carries,
            reset: now,
            drained: None,
            began: now,
            asked: now,
            received,
            confirmed: sample.confirmed,
            waited,
            before,
            loss,
            longest: waited,
            sent: (sent(sample), now),
            abandoned: false,
            silent: false,
            held: None,
        }
    }

    /// Keeps what is new in a sample.
    pub fn take_in(&mut self, now: Instant, sample: &PathSample, look: &Look) {
        self.longest = self.longest.max(look.last);
        self.silent |= look.silent;
        let sent = sent(sample);
        if sent > self.sent.0 + NOTHING {
            self.sent = (sent, now);
        }
    }

    /// A queue overflows: more was lost than before.
    pub fn overflows(&self, now: Instant, sample: &PathSample) -> bool {
        let long = self.longest > LONG;
        let more = if long { SOME } else { OVERFLOW };
        // Where nothing new is sent, what waits to be sent was asked for again.
        let repeats = self.held.is_some_and(|at| at + DRAINED < now) && !sample.backlog.is_zero();
        sample.loss.unwrap_or(0.0) > self.loss + more || (long && repeats)
    }

    /// How long what is on the way takes to arrive.
    pub fn left(&self, now: Instant, sample: &PathSample) -> Duration {
        // As much of it is lost as of what was confirmed since it began.
        let sent = sample.confirmed.zip(self.confirmed).map_or(0, |(now, then)| now.saturating_sub(then));
        let arrived = sample.received.zip(self.received).map_or(0, |(now, then)| now.saturating_sub(then));
        let share = if sent > MANY { (arrived as f64 / sent as f64).clamp(LEAST_SHARE, 1.0) } else { 1.0 };
        let left = Duration::from_secs_f64(sample.in_flight as f64 * share * 8.0 / self.carries.as_f64());
        if !self.overflows(now, sample) {
            return left;
        }
        // Much of it is lost, and the queue is no longer than it was for those that found it full.
        left.min(self.longest.saturating_sub(now.saturating_duration_since(self.sent.1)))
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
        let time = now.saturating_duration_since(self.began);
        let bytes = sample.received.zip(self.received).and_then(|(now, then)| now.checked_sub(then));
        if let Some(bytes) = bytes.filter(|_| time > LEAST) {
            let carried = Bitrate::bps((bytes as f64 * 8.0 / time.as_secs_f64()) as u64);
            self.believe_again(carried);
            // Of a silent one nobody knows how long it was busy.
            if !self.silent {
                self.carries = self.carries.min(carried).max(FLOOR);
            }
        }
    }

    /// So much was delivered; no more is believed than before it began.
    pub fn believe_again(&mut self, delivered: Bitrate) {
        let most = self.before.taken.max(self.before.proven.unwrap_or_default());
        self.carries = self.carries.max(delivered.min(most));
    }
}
