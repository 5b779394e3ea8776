//! Which encoder is taken, and what viewers see when it fails: a keyframe, and the stream goes on. NVENC is the test
//! double of its driver.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use openh264::decoder::Decoder;
use rr_encode::{AccessUnit, Bitrate, Codec, Encoder, Frame, FramePool, HevcFormat, compliance};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder};
use rr_nvenc_double::Double;
use rr_stream::{ChosenEncoder, EncoderCandidate, EncoderChoice, FrameSlot, Rung, Setting, SharedReport};
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

const FPS: f32 = 30.0;
const SIZE: (usize, usize) = (320, 180);

/// NVENC with the double in the place of the driver, then openh264.
fn candidates(double: &Double) -> Vec<EncoderCandidate> {
    let (cuda, nvenc): (PathBuf, PathBuf) = (double.cuda(), double.nvenc());
    let hardware = EncoderCandidate::new("NVENC", move |bitrate, frames_per_second| {
        let driver = Driver::load_from(cuda.as_os_str(), nvenc.as_os_str())?;
        let config = NvencConfig { bitrate, frames_per_second, ..NvencConfig::default() };
        Ok(Box::new(NvencEncoder::new(&driver, config)?))
    });
    vec![hardware, EncoderCandidate::openh264()]
}

fn start(double: &Double) -> (ChosenEncoder, SharedReport) {
    let report = SharedReport::default();
    (ChosenEncoder::start(candidates(double), Bitrate::mbps(2), FPS, report.clone()).unwrap(), report)
}

struct Frames {
    pool: FramePool,
    at: Instant,
    number: u64,
}

impl Frames {
    fn new() -> Self {
        Self { pool: FramePool::new(), at: Instant::now(), number: 0 }
    }

    fn next(&mut self) -> Frame {
        let picture = compliance::test_picture(SIZE.0, SIZE.1, self.number);
        let mut frame = self.pool.take().unwrap();
        frame.fill_from_rgba(&picture, SIZE.0 * 4, SIZE.0 as u32, SIZE.1 as u32).unwrap();
        self.number += 1;
        self.at += Duration::from_millis(33);
        (frame.number, frame.captured_at) = (self.number, self.at);
        frame
    }
}

/// A viewer who was there from the beginning decodes all of it.
fn decodes(units: &[AccessUnit]) {
    let mut decoder = Decoder::new().unwrap();
    for (i, unit) in units.iter().enumerate() {
        assert!(decoder.decode(&unit.data).unwrap().is_some(), "unit {i}");
    }
}

#[test]
fn the_best_that_works_is_taken_and_the_reasons_are_told() {
    let double = Double::load();
    let (encoder, report) = start(&double);
    assert_eq!(encoder.description(), "NVENC (Test double of a card)");
    assert!(report.get().not_used.is_empty());
    drop(encoder);
    for (setting, reason) in [
        ("NVENC_DOUBLE_NO_ENCODER", "has no video encoder"),
        ("NVENC_DOUBLE_NO_DEVICE", "finds no card"),
        ("NVENC_DOUBLE_MAX_SESSIONS", "limit of sessions"),
    ] {
        double.set(setting, "0");
        let (mut encoder, report) = start(&double);
        double.set(setting, "");
        let told = report.get();
        assert_eq!(told.in_use, "openh264 (software)");
        assert!(told.not_used[0].to_string().starts_with("NVENC: ") && told.changes == 0, "{told:?}");
        assert!(told.not_used[0].reason.contains(reason), "{told:?}");
        assert!(encoder.encode(&Frames::new().next(), false).unwrap().unwrap().keyframe);
    }
    assert_eq!(double.faults(), "");
}

#[test]
fn nothing_that_works_is_an_error_with_all_reasons() {
    let double = Double::load();
    double.set("NVENC_DOUBLE_NO_ENCODER", "1");
    let mut only = candidates(&double);
    only.pop();
    let failed = ChosenEncoder::start(only, Bitrate::mbps(2), FPS, SharedReport::default()).err().unwrap().to_string();
    assert!(failed.contains("no encoder can be used") && failed.contains("A100"), "{failed}");
}

#[test]
fn a_failure_in_the_middle_costs_viewers_a_keyframe() {
    let double = Double::load();
    let (mut encoder, report) = start(&double);
    let mut frames = Frames::new();
    double.set("NVENC_DOUBLE_FAIL", "nvEncEncodePicture:6:20");
    encoder.set_bitrate(Bitrate::kbps(900)).unwrap();
    let units: Vec<_> = (0..12).map(|_| encoder.encode(&frames.next(), false).unwrap().unwrap()).collect();
    let keyframes: Vec<usize> = (0..12).filter(|&i| units[i].keyframe).collect();
    assert_eq!(keyframes, [0, 5]);
    assert!(units.iter().map(|unit| unit.frame).eq(1..=12), "a frame is missing");
    decodes(&units);
    let told = report.get();
    assert_eq!((told.in_use.as_str(), told.changes), ("openh264 (software)", 1));
    assert_eq!(told.not_used[0].to_string(), "NVENC: nvEncEncodePicture failed: an internal error of the driver");
    // Whatever the driver thinks of it, nothing is left open there.
    assert_eq!((double.counts().sessions, double.counts().contexts), (0, 0));
}

#[test]
fn a_lost_card_is_taken_again_later_with_a_keyframe_that_was_wanted_anyway() {
    let double = Double::load();
    let (mut encoder, report) = start(&double);
    let mut frames = Frames::new();
    double.set("NVENC_DOUBLE_LOSE_AFTER", "2");
    for _ in 0..4 {
        encoder.encode(&frames.next(), false).unwrap();
    }
    assert_eq!(report.get().in_use, "openh264 (software)");
    assert!(report.get().not_used[0].reason.contains("card is gone"), "{:?}", report.get());
    // Too early; then still lost; then found.
    encoder.encode(&frames.next(), true).unwrap();
    frames.at += Duration::from_secs(31);
    encoder.encode(&frames.next(), true).unwrap();
    assert_eq!(report.get().in_use, "openh264 (software)");
    double.set("NVENC_DOUBLE_LOSE_AFTER", "");
    frames.at += Duration::from_secs(61);
    assert!(!encoder.encode(&frames.next(), false).unwrap().unwrap().keyframe, "nobody wanted a keyframe");
    assert!(encoder.encode(&frames.next(), true).unwrap().unwrap().keyframe);
    let told = report.get();
    assert_eq!((told.in_use.as_str(), told.changes), ("NVENC (Test double of a card)", 2));
    assert!(told.not_used.is_empty());
    drop(encoder);
    assert_eq!(double.faults(), "");
}

#[test]
fn a_frame_that_nobody_can_encode_costs_no_encoder() {
    let double = Double::load();
    let (mut encoder, report) = start(&double);
    let mut frames = Frames::new();
    encoder.encode(&frames.next(), false).unwrap();
    let mut tiny = frames.pool.take().unwrap();
    tiny.resize(8, 8).unwrap();
    assert!(encoder.encode(&tiny, false).is_err());
    drop(tiny);
    assert!(encoder.encode(&frames.next(), false).unwrap().unwrap().keyframe);
    assert_eq!(report.get().in_use, "NVENC (Test double of a card)");
}

#[test]
fn a_rung_goes_on_when_its_encoder_fails() {
    let double = Double::load();
    double.set("NVENC_DOUBLE_FAIL", "nvEncEncodePicture:4:20");
    let (slot, report) = (FrameSlot::new(), SharedReport::default());
    let (units_tx, units_rx) = sync_channel(64);
    let (mut all, told) = (Some(candidates(&double)), report.clone());
    let make = move |_, bitrate, fps| -> Result<Box<dyn Encoder>, _> {
        Ok(Box::new(ChosenEncoder::start(all.take().unwrap(), bitrate, fps, told.clone())?))
    };
    let setting =
        Setting { codec: Codec::H264, bitrate: Bitrate::mbps(2), frames_per_second: 30.0, scale: 1.0, paused: false };
    let rung = Rung::start("test", make, slot.clone(), setting, move |encoded| {
        let _ = units_tx.try_send(encoded.unit);
    })
    .unwrap();
    let mut frames = Frames::new();
    let mut units: Vec<AccessUnit> = Vec::new();
    while frames.number < 8 {
        slot.put(frames.next());
        // Repeated pictures may come in between.
        while units.last().is_none_or(|unit| unit.frame < frames.number) {
            units.push(units_rx.recv_timeout(Duration::from_secs(20)).unwrap());
        }
    }
    decodes(&units);
    assert_eq!(units.iter().filter(|unit| unit.keyframe).count(), 2);
    assert_eq!((rung.stats().failed, report.get().changes), (0, 1));
    assert_eq!(rung.stats().encoder, "openh264 (software)");
}

#[test]
fn h264_stands_in_for_hevc() {
    let double = Double::load();
    let (cuda, nvenc): (PathBuf, PathBuf) = (double.cuda(), double.nvenc());
    let hevc = EncoderCandidate::new("NVENC (HEVC)", move |bitrate, frames_per_second| {
        let driver = Driver::load_from(cuda.as_os_str(), nvenc.as_os_str())?;
        let format = HevcFormat::default().into();
        let config = NvencConfig { format, bitrate, frames_per_second, ..NvencConfig::default() };
        Ok(Box::new(NvencEncoder::new(&driver, config)?))
    });
    let mut all = vec![hevc];
    all.extend(candidates(&double));
    let report = SharedReport::default();
    let mut encoder = ChosenEncoder::start(all, Bitrate::mbps(2), FPS, report.clone()).unwrap();
    let mut frames = Frames::new();
    let mut units = Vec::new();
    for i in 0..6 {
        if i == 3 {
            // The card fails, whatever the codec: openh264 takes over.
            double.set("NVENC_DOUBLE_FAIL", "nvEncEncodePicture:4:20");
        }
        units.push(encoder.encode(&frames.next(), false).unwrap().unwrap());
    }
    let codecs: Vec<(Codec, bool)> = units.iter().map(|unit| (unit.codec, unit.keyframe)).collect();
    let (hevc, h264) = (Codec::Hevc, Codec::H264);
    assert_eq!(codecs, [(hevc, true), (hevc, false), (hevc, false), (h264, true), (h264, false), (h264, false)]);
    decodes(&units[3..]);
    assert_eq!(report.get().not_used[0].encoder, "NVENC (HEVC)");
}

#[test]
fn choices_are_read_and_written_alike() {
    for choice in [EncoderChoice::Auto, EncoderChoice::Nvenc, EncoderChoice::OpenH264] {
        assert_eq!(choice.to_string().parse(), Ok(choice));
    }
    let wrong = "x264".parse::<EncoderChoice>().unwrap_err();
    assert!(wrong.contains("x264") && wrong.contains("auto, nvenc or openh264"), "{wrong}");
}
