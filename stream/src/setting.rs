//! What an encoder is set to for a bitrate: frames a second fall before the picture gets smaller.

use crate::ladder::LadderConfig;
use rr_encode::{Bitrate, Codec};
use rr_rtc::RungId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What one rung aims at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// What all its viewers decode.
    pub codec: Codec,
    /// Bits per second.
    pub bitrate: Bitrate,
    /// Most frames a second.
    pub frames_per_second: f32,
    /// Edge of the picture as a share of the view's.
    pub scale: f32,
    /// Nothing is encoded: all its viewers' paths are full.
    pub paused: bool,
}

/// Bits per pixel with which edges and text of a moving view stay readable, at openh264's quality.
const READABLE: f64 = 0.045;
/// More takes so much more than needed, so that it does not go to and fro.
const MARGIN: f64 = 1.25;
/// Shares of the view's rate and of its edge, in the order in which they are given up.
const STEPS: [(f32, f32); 7] =
    [(1.0, 1.0), (2.0 / 3.0, 1.0), (0.5, 1.0), (1.0 / 3.0, 1.0), (1.0 / 3.0, 0.75), (1.0 / 3.0, 0.6), (1.0 / 3.0, 0.5)];

impl Setting {
    /// The best setting for a bitrate, which stays what it was when that still does.
    pub(crate) fn choose(config: &LadderConfig, codec: Codec, bitrate: Bitrate, before: Option<Self>) -> Self {
        let needs = |(rate, scale): (f32, f32)| {
            let pixels = f64::from(config.size.0) * f64::from(config.size.1) * f64::from(scale * scale);
            pixels * f64::from(config.frames_per_second * rate) * READABLE
        };
        let at = before.and_then(|b| {
            STEPS
                .iter()
                .position(|(rate, scale)| (config.frames_per_second * rate, *scale) == (b.frames_per_second, b.scale))
        });
        let affordable = |step: usize| {
            // A step up needs room.
            let margin = if at.is_some_and(|at| step < at) { MARGIN } else { 1.0 };
            bitrate.as_f64() >= needs(STEPS[step]) * margin
        };
        let step = (0..STEPS.len()).find(|step| affordable(*step)).unwrap_or(STEPS.len() - 1);
        let (rate, scale) = STEPS[step];
        Self { codec, bitrate, frames_per_second: config.frames_per_second * rate, scale, paused: false }
    }
}

/// A smaller or larger picture is a keyframe, and an encoder that begins anew: what speaks for it has to last. Right after a
/// fall it seldom does, since a queue drains by sending little; until then pictures are left out.
const SMALLER_AFTER: Duration = Duration::from_millis(500);
const LARGER_AFTER: Duration = Duration::from_secs(1);

/// Which rungs should have another size, and since when.
#[derive(Debug, Default)]
pub(crate) struct Sizes(BTreeMap<RungId, (bool, Instant)>);

impl Sizes {
    /// What a rung is set to that should be set to `wanted`.
    pub fn settle(&mut self, now: Instant, rung: RungId, wanted: Setting, before: Option<Setting>) -> Setting {
        let Some(before) = before.filter(|before| before.scale != wanted.scale && !wanted.paused) else {
            self.forget(rung);
            return wanted;
        };
        let larger = wanted.scale > before.scale;
        let since = match self.0.get(&rung) {
            Some((was_larger, since)) if *was_larger == larger => *since,
            _ => now,
        };
        if now >= since + if larger { LARGER_AFTER } else { SMALLER_AFTER } {
            self.forget(rung);
            return wanted;
        }
        self.0.insert(rung, (larger, since));
        let frames_per_second = wanted.frames_per_second.min(before.frames_per_second);
        Setting { scale: before.scale, frames_per_second, ..wanted }
    }

    /// The rung is gone.
    pub fn forget(&mut self, rung: RungId) {
        self.0.remove(&rung);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_encode::Codecs;

    fn config(size: (u32, u32)) -> LadderConfig {
        let (max, start) = (Bitrate::mbps(8), Bitrate::mbps(3));
        let (codecs, first_rung) = (Codecs::H264, RungId::default());
        LadderConfig { size, frames_per_second: 30.0, max, start, codecs, rungs: 3, first_rung }
    }

    #[test]
    fn frames_go_before_pixels() {
        let of = |size, kbps| {
            let setting = Setting::choose(&config(size), Codec::H264, Bitrate::kbps(kbps), None);
            (setting.frames_per_second, setting.scale)
        };
        let hd = (1280, 720);
        let expected = [
            (5_000, 30.0, 1.0),
            (1_000, 20.0, 1.0),
            (700, 15.0, 1.0),
            (500, 10.0, 1.0),
            (300, 10.0, 0.75),
            (50, 10.0, 0.5),
        ];
        for (kbps, rate, scale) in expected {
            assert_eq!(of(hd, kbps), (rate, scale), "{kbps} kbit/s");
        }
        assert_eq!(of((1920, 1080), 1_000), (10.0, 1.0));
    }

    #[test]
    fn it_does_not_go_to_and_fro() {
        let config = config((1280, 720));
        let mut setting = Setting::choose(&config, Codec::H264, Bitrate::kbps(1_300), None);
        let mut changes = 0;
        for i in 0..50 {
            let next = Setting::choose(
                &config,
                Codec::H264,
                Bitrate::kbps(if i % 2 == 0 { 1_180 } else { 1_300 }),
                Some(setting),
            );
            changes += u32::from(next.frames_per_second != setting.frames_per_second);
            setting = next;
        }
        assert_eq!(changes, 1);
        let more = Setting::choose(&config, Codec::H264, Bitrate::kbps(1_700), Some(setting));
        assert_eq!(more.frames_per_second, 30.0);
    }

    #[test]
    fn the_size_changes_when_the_reason_lasts() {
        let (config, rung, begin) = (config((1280, 720)), RungId(0), Instant::now());
        let (mut sizes, mut before) = (Sizes::default(), None);
        let mut at = |ms: u64, kbps: u64, paused: bool| {
            let wanted = Setting { paused, ..Setting::choose(&config, Codec::H264, Bitrate::kbps(kbps), before) };
            let setting = sizes.settle(begin + Duration::from_millis(ms), rung, wanted, before);
            before = Some(setting);
            (setting.scale, setting.frames_per_second)
        };
        assert_eq!(at(0, 200, false), (0.6, 10.0), "the first one");
        assert_eq!(at(50, 5_000, false), (0.6, 10.0));
        assert_eq!(at(950, 5_000, false), (0.6, 10.0));
        assert_eq!(at(1_100, 5_000, false), (1.0, 30.0));
        // A fall of a moment.
        assert_eq!(at(1_200, 300, false), (1.0, 10.0));
        assert_eq!(at(1_500, 2_000, false), (1.0, 30.0));
        assert_eq!(at(1_600, 300, false), (1.0, 10.0));
        assert_eq!(at(2_000, 300, false), (1.0, 10.0));
        assert_eq!(at(2_100, 300, false), (0.75, 10.0));
    }
}
