//! When a rung encodes what: keyframes on request but not too many, and a resting picture made sharp. Pure logic.

use std::time::{Duration, Instant};

/// Shortest time between two keyframes that were asked for.
pub(crate) const KEYFRAME_INTERVAL: Duration = Duration::from_millis(300);
/// A picture rests when nothing came for this long.
const REST: Duration = Duration::from_millis(120);
/// From one pass over a resting picture to the next.
const PASS: Duration = Duration::from_millis(50);
/// Most passes; each adds what the one before had no bits for. An encoder may be done earlier.
const REFINEMENTS: u32 = 24;

#[derive(Debug, Default)]
pub(crate) struct Schedule {
    keyframe_wanted: bool,
    last_keyframe: Option<Instant>,
    last_encode: Option<Instant>,
    refinements_left: u32,
}

/// What to do with the frame that was encoded last, when no new one came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing yet.
    No,
    /// Encode it again as a keyframe, for a newcomer.
    Keyframe,
    /// Encode it again, sharper; `first`: it has just come to rest.
    Refine {
        /// No pass was made over it yet.
        first: bool,
    },
}

impl Schedule {
    pub(crate) fn request_keyframe(&mut self) {
        self.keyframe_wanted = true;
    }

    fn keyframe_at(&self, now: Instant) -> Option<Instant> {
        self.keyframe_wanted.then(|| self.last_keyframe.map_or(now, |at| at + KEYFRAME_INTERVAL))
    }

    fn keyframe_due(&self, now: Instant) -> bool {
        self.keyframe_at(now).is_some_and(|at| now >= at)
    }

    /// A new frame is about to be encoded; `true`: as a keyframe.
    pub(crate) fn on_frame(&mut self, now: Instant) -> bool {
        self.refinements_left = REFINEMENTS;
        self.keyframe_due(now)
    }

    /// No new frame came.
    pub(crate) fn on_idle(&mut self, now: Instant) -> Repeat {
        if self.last_encode.is_none() {
            return Repeat::No;
        }
        if self.keyframe_due(now) {
            // The keyframe of a resting picture is coarse again.
            self.refinements_left = REFINEMENTS;
            return Repeat::Keyframe;
        }
        if self.refinements_left > 0 && self.last_encode.is_some_and(|at| now >= at + self.rest()) {
            let first = self.refinements_left == REFINEMENTS;
            self.refinements_left -= 1;
            return Repeat::Refine { first };
        }
        Repeat::No
    }

    /// The picture is as sharp as it gets.
    pub(crate) fn is_sharp(&mut self) {
        self.refinements_left = 0;
    }

    /// Nothing more is made of the resting picture.
    pub(crate) fn is_done(&self) -> bool {
        self.refinements_left == 0
    }

    /// Another picture takes the resting one's place.
    pub(crate) fn rest_anew(&mut self) {
        self.refinements_left = REFINEMENTS;
    }

    /// How long nothing new must have come before the next pass.
    fn rest(&self) -> Duration {
        if self.refinements_left == REFINEMENTS { REST } else { PASS }
    }

    /// Something was encoded.
    pub(crate) fn encoded(&mut self, now: Instant, keyframe: bool) {
        self.last_encode = Some(now);
        if keyframe {
            self.last_keyframe = Some(now);
            self.keyframe_wanted = false;
        }
    }

    /// When to ask [`Schedule::on_idle`] again.
    pub(crate) fn timeout(&self, now: Instant) -> Option<Instant> {
        let last = self.last_encode?;
        let refine = (self.refinements_left > 0).then_some(last + self.rest());
        [refine, self.keyframe_at(now)].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(33);

    #[test]
    fn keyframes_are_limited_but_none_is_forgotten() {
        let (mut schedule, mut now) = (Schedule::default(), Instant::now());
        let mut keyframes = 0;
        for _ in 0..90 {
            schedule.request_keyframe();
            let keyframe = schedule.on_frame(now);
            schedule.encoded(now, keyframe);
            keyframes += u32::from(keyframe);
            now += FRAME;
        }
        assert!((8..=10).contains(&keyframes), "{keyframes} in 3 s");
        // The last request is still open and is served without a new frame.
        schedule.encoded(now, true);
        schedule.request_keyframe();
        assert_eq!(schedule.on_idle(now), Repeat::No);
        let at = schedule.timeout(now).unwrap();
        assert!(at <= now + KEYFRAME_INTERVAL);
        assert_eq!(schedule.on_idle(now + KEYFRAME_INTERVAL), Repeat::Keyframe);
    }

    #[test]
    fn a_newcomer_to_a_resting_picture_is_served_at_once() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.request_keyframe();
        assert_eq!(schedule.on_idle(now), Repeat::No, "there is no picture yet");
        assert_eq!(schedule.timeout(now), None);
        assert!(schedule.on_frame(now));
        schedule.encoded(now, true);
        let later = now + Duration::from_secs(60);
        schedule.request_keyframe();
        assert!(schedule.timeout(later).unwrap() <= later);
        assert_eq!(schedule.on_idle(later), Repeat::Keyframe);
    }

    #[test]
    fn a_resting_picture_is_refined_a_few_times_and_then_left() {
        let (mut schedule, mut now) = (Schedule::default(), Instant::now());
        schedule.on_frame(now);
        schedule.encoded(now, true);
        assert_eq!(schedule.on_idle(now + FRAME), Repeat::No);
        let mut passes = 0;
        while let Some(at) = schedule.timeout(now) {
            now = at;
            assert_eq!(schedule.on_idle(now), Repeat::Refine { first: passes == 0 });
            schedule.encoded(now, false);
            passes += 1;
            assert!(passes <= REFINEMENTS);
        }
        assert_eq!(passes, REFINEMENTS);
        schedule.on_frame(now);
        schedule.encoded(now, false);
        schedule.is_sharp();
        assert_eq!(schedule.timeout(now), None);
        assert_eq!(schedule.on_idle(now + Duration::from_secs(10)), Repeat::No);
    }
}
