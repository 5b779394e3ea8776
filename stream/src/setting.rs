//! What an encoder is set to for a bitrate: frames a second fall before the picture gets smaller.

use crate::ladder::LadderConfig;
use rr_encode::{Bitrate, Codec};

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

#[cfg(test)]
mod tests {
    use super::*;
    use rr_encode::Codecs;
    use rr_rtc::RungId;

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
}
