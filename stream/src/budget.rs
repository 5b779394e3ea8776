//! How soon the next picture may follow: not faster than the frame rate, and not before the path has carried most of what
//! was encoded already. An encoder needs a while to obey a new rate; what it makes too much in between must not become a
//! queue, so pictures are left out instead.

use crate::Setting;
use std::time::{Duration, Instant};

/// What may be on the way, in seconds of the rate: a keyframe is several pictures large.
const ALLOWANCE: f64 = 0.15;
/// Longest wait for a debt, seconds: it may be one of a rate that was higher.
const LONGEST: f64 = 0.4;
/// Pictures do not come to the millisecond; one that is early by this share of the interval is on time.
const EARLY: f32 = 0.2;

#[derive(Debug, Default)]
pub(crate) struct Budget {
    last: Option<Instant>,
    /// When the next picture is due by the frame rate.
    due: Option<Instant>,
    /// Bits beyond what the rate allowed, as of the last picture.
    debt: f64,
}

impl Budget {
    /// A picture of so many bytes was encoded.
    pub(crate) fn spend(&mut self, now: Instant, setting: &Setting, bytes: usize) {
        let elapsed = self.last.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        self.debt = (self.debt - elapsed * setting.bitrate.as_f64()).max(0.0) + bytes as f64 * 8.0;
        self.last = Some(now);
        // From when it was due, so that 20 of 30 offered pictures a second are 20 and not 15.
        let interval = interval(setting);
        let was_due = self.due.map_or(now, |due| due.clamp(now.checked_sub(interval).unwrap_or(now), now + interval));
        self.due = Some(was_due + interval);
    }

    /// When all that was encoded has been paid for, but for the allowance.
    pub(crate) fn paid_at(&self, setting: &Setting) -> Option<Instant> {
        let owed = self.debt / setting.bitrate.as_f64().max(1.0) - ALLOWANCE;
        Some(self.last? + Duration::from_secs_f64(owed.clamp(0.0, 10.0)))
    }

    /// When the next one may be encoded. `None`: any time.
    pub(crate) fn free_at(&self, setting: &Setting) -> Option<Instant> {
        let last = self.last?;
        let rate = setting.bitrate.as_f64().max(1.0);
        let paid = Duration::from_secs_f64((self.debt / rate - ALLOWANCE).clamp(0.0, LONGEST));
        let slack = interval(setting).mul_f32(EARLY);
        let due = self.due.and_then(|due| due.checked_sub(slack));
        Some(due.map_or(last + paid, |due| due.max(last + paid)))
    }
}

fn interval(setting: &Setting) -> Duration {
    Duration::from_secs_f32(1.0 / setting.frames_per_second.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_encode::{Bitrate, Codec};

    const SETTING: Setting =
        Setting { codec: Codec::H264, bitrate: Bitrate::mbps(1), frames_per_second: 30.0, scale: 1.0, paused: false };

    /// Pictures that get through of so many offered thirty times a second, each of so many bytes.
    fn encoded(setting: &Setting, offered: u32, bytes: usize) -> u32 {
        let (mut budget, mut now, mut count) = (Budget::default(), Instant::now(), 0);
        for _ in 0..offered {
            if budget.free_at(setting).is_none_or(|at| at <= now) {
                budget.spend(now, setting, bytes);
                count += 1;
            }
            now += Duration::from_micros(33_333);
        }
        count
    }

    #[test]
    fn pictures_that_keep_to_the_rate_all_get_through() {
        assert_eq!(encoded(&SETTING, 300, 1_000_000 / 8 / 30), 300);
    }

    #[test]
    fn an_encoder_that_does_not_obey_loses_pictures_but_not_the_rate() {
        let got = encoded(&SETTING, 300, 3 * 1_000_000 / 8 / 30);
        assert!((90..=120).contains(&got), "{got} of 300");
    }

    #[test]
    fn the_frame_rate_is_kept() {
        for (rate, expected) in [(20.0, 200), (15.0, 150), (10.0, 100)] {
            let got = encoded(&Setting { frames_per_second: rate, ..SETTING }, 300, 500);
            assert!(got.abs_diff(expected) <= 2, "{got} at {rate}");
        }
    }
}
