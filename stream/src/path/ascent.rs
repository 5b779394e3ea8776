//! Taking more of a path that carries all it is given.
//!
//! The estimator finds more by probes of a few packets, and a viewer that confirms unevenly spoils most of them: after a
//! fall it needed ten seconds to come back. Pictures themselves are a better probe: they take a little more each time that
//! they arrived without waiting for a while, and where that was too much, it is tried again later and later.

use super::confirmations::{Confirmations, Look};
use super::{OVERFLOW, SHARE};
use rr_encode::Bitrate;
use rr_rtc::PathSample;
use std::time::{Duration, Instant};

/// So long everything arrives without waiting before more is taken, and how much more.
const CLEAN: Duration = Duration::from_millis(400);
const STEP: f64 = 1.15;
/// The longest that is waited after steps that were too much.
const LONGEST: Duration = Duration::from_secs(10);
/// A step that was too much shows within this time.
const SHOWS: Duration = Duration::from_millis(800);
/// So much of what may be taken is taken and delivered, or nothing is learnt from it.
const TAKEN: f64 = 0.9;
const DELIVERED: f64 = 0.8;

#[derive(Debug, Clone, Copy)]
pub(super) struct Ascent {
    /// Since when everything arrives without waiting.
    clean: Option<Instant>,
    /// The last step, until it is known what came of it.
    step: Option<Instant>,
    wait: Duration,
}

impl Default for Ascent {
    fn default() -> Self {
        Self { clean: None, step: None, wait: CLEAN }
    }
}

impl Ascent {
    /// What is to be believed instead of the estimate, which alone `binds` what is taken.
    pub fn on_look(
        &mut self,
        now: Instant,
        sample: &PathSample,
        look: &Look,
        (estimate, taken, binds): (Bitrate, Bitrate, bool),
        confirmations: &Confirmations,
    ) -> Option<Bitrate> {
        if !look.calm || sample.loss.is_none_or(|loss| loss >= OVERFLOW) {
            self.too_much(now);
            return None;
        }
        let most = estimate.scale(SHARE);
        if !binds || taken < most.scale(TAKEN) {
            self.clean = None;
            return None;
        }
        let clean = *self.clean.get_or_insert(now);
        let delivered = confirmations.delivered(CLEAN).is_some_and(|delivered| delivered > most.scale(DELIVERED));
        if now < clean + self.wait || !delivered {
            return None;
        }
        if self.step.replace(now).is_some() {
            // The last one was not.
            self.wait = CLEAN;
        }
        self.clean = Some(now);
        Some(estimate.scale(STEP))
    }

    /// Something waits, is lost, or worse.
    pub fn too_much(&mut self, now: Instant) {
        self.clean = None;
        if self.step.take_if(|step| now < *step + SHOWS).is_some() {
            self.wait = (self.wait * 2).min(LONGEST);
        }
    }
}
