//! The encoder against the test double of the driver: it obeys the rules of all encoders, uses the driver as its header
//! says, gives everything back, and says in words what is wrong with a machine.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use rr_encode::{
    Av1Format, Bitrate, Codec, EncodeError, Encoder, Frame, FramePool, H264Format, H264Profile, HevcFormat,
    VideoFormat, av1, compliance, h264, hevc,
};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder, NvencError, Preset, probe};
use rr_nvenc_double::{Counts, Double};
use std::time::{Duration, Instant};

fn load(double: &Double) -> Result<Driver, NvencError> {
    Driver::load_from(double.cuda().as_os_str(), double.nvenc().as_os_str())
}

fn driver(double: &Double) -> Driver {
    load(double).unwrap()
}

/// Nothing is left open, and nothing was misused.
fn at_rest(double: &Double) {
    assert_eq!(double.faults(), "");
    let Counts { contexts, sessions, buffers, .. } = double.counts();
    assert_eq!((contexts, sessions, buffers), (0, 0, 0), "contexts, sessions, buffers");
}

/// Frames that move, with times that grow.
struct Frames {
    pool: FramePool,
    start: Instant,
    number: u64,
}

impl Frames {
    fn new() -> Self {
        Self { pool: FramePool::new(), start: Instant::now(), number: 0 }
    }

    fn next(&mut self, width: usize, height: usize) -> Frame {
        let mut frame = self.pool.take().unwrap();
        self.number += 1;
        frame.number = self.number;
        frame.captured_at = self.start + Duration::from_micros(33_333 * self.number);
        let picture = compliance::test_picture(width, height, self.number);
        frame.fill_from_rgba(&picture, width * 4, width as u32, height as u32).unwrap();
        frame
    }
}

#[test]
fn complies() {
    let double = Double::load();
    let driver = driver(&double);
    let formats = ["42e01f", "42e028", "4d001f", "4d0033"].map(|id| id.parse::<H264Format>().unwrap().into());
    for (slices, max_size, preset) in [(1, None, Preset::P4), (4, Some((1920, 1080)), Preset::P3)] {
        compliance::check(&compliance::Subject {
            make: &|format, bitrate, frames_per_second| {
                // A fixed level may be too low for a session that is ready for larger pictures.
                let fixed = if let VideoFormat::H264(format) = format { format.level_idc } else { None };
                let max_size = max_size.filter(|_| fixed.is_some_and(|level| level >= 40));
                let config =
                    NvencConfig { format, bitrate, frames_per_second, slices, max_size, preset, ..Default::default() };
                Ok(Box::new(NvencEncoder::new(&driver, config).map_err(|e| e.to_string())?))
            },
            usual: VideoFormat::default(),
            formats: &formats,
            smallest: (16, 16),
        })
        .unwrap_or_else(|wrong| panic!("{slices} slices: {wrong}\n{}", double.faults()));
    }
    at_rest(&double);
}

/// A codec with the usual settings, at several levels.
fn codec_complies(usual: VideoFormat, formats: &[VideoFormat]) {
    let double = Double::load();
    let driver = driver(&double);
    compliance::check(&compliance::Subject {
        make: &|format, bitrate, frames_per_second| {
            let config = NvencConfig { format, bitrate, frames_per_second, ..Default::default() };
            Ok(Box::new(NvencEncoder::new(&driver, config).map_err(|e| e.to_string())?))
        },
        usual,
        formats,
        smallest: (16, 16),
    })
    .unwrap_or_else(|wrong| panic!("{wrong}\n{}", double.faults()));
    at_rest(&double);
}

#[test]
fn hevc_complies() {
    let levels = [93, 120, 180].map(|level| HevcFormat { max_level_idc: Some(level) }.into());
    codec_complies(HevcFormat::default().into(), &levels);
}

#[test]
fn av1_complies() {
    let levels = [5, 8, 16].map(|level| Av1Format { max_level_idx: Some(level) }.into());
    codec_complies(Av1Format::default().into(), &levels);
}

#[test]
fn rates_and_sizes_change_in_place() {
    let double = Double::load();
    let config = NvencConfig { max_size: Some((1280, 720)), ..Default::default() };
    let mut encoder = NvencEncoder::new(&driver(&double), config).unwrap();
    let mut frames = Frames::new();
    let mut keyframes = Vec::new();
    let mut encode = |encoder: &mut NvencEncoder, width, height| {
        keyframes.push(encoder.encode(&frames.next(width, height), false).unwrap().unwrap().keyframe);
    };
    encode(&mut encoder, 640, 360);
    encoder.set_bitrate(Bitrate::mbps(2)).unwrap();
    encoder.set_frame_rate(15.0).unwrap();
    encode(&mut encoder, 640, 360);
    // Both rates in one change.
    assert_eq!(double.counts().reconfigured, 1);
    encode(&mut encoder, 640, 360);
    encode(&mut encoder, 1280, 720);
    encode(&mut encoder, 320, 180);
    let counts = double.counts();
    assert_eq!((counts.reconfigured, counts.sessions, counts.buffers), (3, 1, 2));
    assert_eq!(keyframes, [true, false, false, true, true]);
    // Beyond the size that was named there has to be another session.
    assert!(encoder.encode(&frames.next(1920, 1080), false).unwrap().unwrap().keyframe);
    assert_eq!(double.counts().sessions, 1);
    drop(encoder);
    at_rest(&double);
}

#[test]
fn a_card_that_cannot_resize_gets_a_new_session() {
    let double = Double::load();
    double.set("NVENC_DOUBLE_NO_RESIZE", "1");
    let config = NvencConfig { max_size: Some((1280, 720)), ..Default::default() };
    let mut encoder = NvencEncoder::new(&driver(&double), config).unwrap();
    let mut frames = Frames::new();
    for (width, height) in [(640, 360), (320, 180)] {
        assert!(encoder.encode(&frames.next(width, height), false).unwrap().unwrap().keyframe);
    }
    assert_eq!((double.counts().reconfigured, double.counts().sessions), (0, 1));
    drop(encoder);
    at_rest(&double);
}

#[test]
fn slices_and_intra_refresh_reach_the_driver() {
    let double = Double::load();
    let config = NvencConfig { slices: 4, intra_refresh_frames: Some(60), ..Default::default() };
    let mut encoder = NvencEncoder::new(&driver(&double), config).unwrap();
    let unit = encoder.encode(&Frames::new().next(640, 360), false).unwrap().unwrap();
    assert_eq!(h264::nal_units(&unit.data).filter(|nal| h264::nal_type(nal) == h264::NAL_IDR).count(), 4);
    drop(encoder);
    at_rest(&double);
}

#[test]
fn machines_without_it_are_told_what_to_do() {
    let double = Double::load();
    let nowhere = "/nowhere/lib.so".as_ref();
    let said = |result: Result<Driver, NvencError>| result.err().unwrap().to_string();
    let missing = said(Driver::load_from(nowhere, nowhere));
    assert_eq!(missing, "no NVIDIA driver is installed (there is no /nowhere/lib.so)");
    let partial = said(Driver::load_from(double.cuda().as_os_str(), nowhere));
    assert!(
        partial.contains("install libnvidia-encode") && partial.contains("NVIDIA_DRIVER_CAPABILITIES"),
        "{partial}"
    );
    double.set("NVENC_DOUBLE_API_VERSION", "10.0");
    let old = said(load(&double));
    assert!(old.contains("knows NVENC 10.0 and 12.1 is needed") && old.contains("install driver 53"), "{old}");
    // The one before.
    double.set("NVENC_DOUBLE_API_VERSION", "12.0");
    assert_eq!(load(&double).err(), Some(NvencError::DriverTooOld((12, 0))));
    double.set("NVENC_DOUBLE_API_VERSION", "");
    double.set("NVENC_DOUBLE_NO_DEVICE", "1");
    assert_eq!(load(&double).err(), Some(NvencError::NoDevice));
    double.set("NVENC_DOUBLE_NO_DEVICE", "");
    // Newer drivers know our version as well.
    double.set("NVENC_DOUBLE_API_VERSION", "13.0");
    assert_eq!(driver(&double).api_version(), (13, 0));
    at_rest(&double);
}

#[test]
fn cards_without_an_encoder_or_a_session_say_so() {
    let double = Double::load();
    let driver = driver(&double);
    let open = |config| NvencEncoder::new(&driver, config);
    double.set("NVENC_DOUBLE_NO_ENCODER", "1");
    let none = open(NvencConfig::default()).err().unwrap();
    assert!(matches!(none, NvencError::NoEncoder { .. }) && none.to_string().contains("A100"), "{none}");
    assert!(matches!(&probe::cards(&driver)[..], [card] if card.encoder == Err(none)));
    double.set("NVENC_DOUBLE_NO_ENCODER", "");
    double.set("NVENC_DOUBLE_MAX_SESSIONS", "2");
    let held = [open(NvencConfig::default()).unwrap(), open(NvencConfig::default()).unwrap()];
    let full = open(NvencConfig::default()).err().unwrap();
    assert!(matches!(full, NvencError::SessionLimit { .. }) && full.to_string().contains("limit"), "{full}");
    drop(held);
    assert!(open(NvencConfig::default()).is_ok());
    let wrong = open(NvencConfig { gpu: 7, ..Default::default() }).err().unwrap();
    assert_eq!(wrong, NvencError::NoSuchDevice { wanted: 7, count: 1 });
    double.set("NVENC_DOUBLE_DEVICES", "3");
    let cards: Vec<_> = (0..3).map(|index| driver.card(index).unwrap()).collect();
    assert_eq!(cards.iter().map(|card| driver.index_of(*card)).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    assert_eq!(driver.index_of(rr_encode::CardId([7; 16])), None);
    assert!(open(NvencConfig { gpu: 2, ..Default::default() }).is_ok());
    at_rest(&double);
}

#[test]
fn what_a_card_makes_is_asked() {
    let double = Double::load();
    let driver = driver(&double);
    let codecs = || {
        let [card] = &probe::cards(&driver)[..] else { panic!("one card") };
        let abilities = card.encoder.clone().unwrap();
        assert_eq!(abilities.engines, 1);
        abilities.codecs.into_iter().map(|of| (of.codec, of.min_size, of.max_size)).collect::<Vec<_>>()
    };
    let (least, most) = ((16, 16), (3840, 2160));
    assert_eq!(codecs(), [(Codec::H264, least, most), (Codec::Hevc, least, most), (Codec::Av1, least, most)]);
    double.set("NVENC_DOUBLE_NO_AV1", "1");
    assert_eq!(codecs(), [(Codec::H264, least, most), (Codec::Hevc, least, most)]);
    double.set("NVENC_DOUBLE_NO_HEVC", "1");
    assert_eq!(codecs(), [(Codec::H264, least, most)]);
    for codec in [Codec::Hevc, Codec::Av1] {
        let config = NvencConfig { format: VideoFormat::of(codec), ..Default::default() };
        let refused = NvencEncoder::new(&driver, config).err().unwrap().to_string();
        assert_eq!(refused, format!("Test double of a card does not encode {codec}"));
    }
    at_rest(&double);
}

#[test]
fn hevc_changes_in_place_as_h264_does() {
    let double = Double::load();
    let format = HevcFormat::default().into();
    let config = NvencConfig {
        format,
        max_size: Some((1280, 720)),
        slices: 4,
        intra_refresh_frames: Some(60),
        ..Default::default()
    };
    let mut encoder = NvencEncoder::new(&driver(&double), config).unwrap();
    let mut frames = Frames::new();
    for (i, (width, height)) in [(640, 360), (640, 360), (1280, 720), (320, 180)].into_iter().enumerate() {
        let unit = encoder.encode(&frames.next(width, height), false).unwrap().unwrap();
        assert_eq!((unit.codec, unit.keyframe), (Codec::Hevc, i != 1));
        let sps = h264::nal_units(&unit.data).find(|nal| hevc::nal_type(nal) == Some(hevc::NAL_SPS));
        // One level for all sizes of the session.
        assert_eq!(sps.map(|nal| hevc::Sps::parse(nal).unwrap().level_idc), (i != 1).then_some(93));
        encoder.set_bitrate(Bitrate::mbps(2)).unwrap();
    }
    assert_eq!((double.counts().reconfigured, double.counts().sessions), (3, 1));
    drop(encoder);
    at_rest(&double);
}

#[test]
fn av1_changes_in_place_as_h264_does() {
    let double = Double::load();
    let format = Av1Format::default().into();
    let config = NvencConfig {
        format,
        max_size: Some((1920, 1080)),
        slices: 4,
        intra_refresh_frames: Some(60),
        ..Default::default()
    };
    let mut encoder = NvencEncoder::new(&driver(&double), config).unwrap();
    let mut frames = Frames::new();
    for (i, (width, height)) in [(640, 360), (640, 360), (1280, 720), (320, 180)].into_iter().enumerate() {
        let unit = encoder.encode(&frames.next(width, height), false).unwrap().unwrap();
        assert_eq!((unit.codec, unit.keyframe), (Codec::Av1, i != 1));
        // One level for all sizes of the session, above what libaom says by itself.
        let level = av1::SequenceHeader::of(&unit.data).ok().map(|header| header.level_idx);
        assert_eq!(level, (i != 1).then_some(8));
        encoder.set_bitrate(Bitrate::mbps(2)).unwrap();
    }
    assert_eq!((double.counts().reconfigured, double.counts().sessions), (3, 1));
    drop(encoder);
    at_rest(&double);
}

#[test]
fn sizes_beyond_the_card_are_refused_with_its_bounds() {
    let double = Double::load();
    double.set("NVENC_DOUBLE_MIN", "145x49");
    double.set("NVENC_DOUBLE_MAX", "1920x1080");
    let mut encoder = NvencEncoder::new(&driver(&double), NvencConfig::default()).unwrap();
    let mut frames = Frames::new();
    for (width, height) in [(144, 100), (320, 48), (1922, 1080)] {
        let refused = encoder.encode(&frames.next(width, height), false).err().unwrap().to_string();
        assert!(refused.contains("sizes from 145x49 to 1920x1080 are possible"), "{refused}");
    }
    let unit = encoder.encode(&frames.next(146, 50), false).unwrap().unwrap();
    assert!(unit.keyframe);
    drop(encoder);
    at_rest(&double);
}

/// Whatever call fails, the frame is an error, everything is given back, and the next frame starts anew.
#[test]
fn any_call_may_fail() {
    let double = Double::load();
    let driver = driver(&double);
    for call in [
        "nvEncOpenEncodeSessionEx",
        "nvEncGetEncodeGUIDCount",
        "nvEncGetEncodeGUIDs",
        "nvEncGetEncodeCaps",
        "nvEncGetEncodePresetConfigEx",
        "nvEncInitializeEncoder",
        "nvEncCreateBitstreamBuffer",
        "nvEncCreateInputBuffer",
        "nvEncLockInputBuffer",
        "nvEncEncodePicture",
        "nvEncLockBitstream",
        "nvEncReconfigureEncoder",
    ] {
        // NV_ENC_ERR_GENERIC, from the first use on.
        double.set("NVENC_DOUBLE_FAIL", &format!("{call}:1:20"));
        let outcome = run_three(&driver);
        assert!(outcome.as_ref().is_err_and(|e| e.contains(call)), "{call}: {outcome:?}");
        assert_eq!(double.counts().sessions, 0, "{call}");
        double.set("NVENC_DOUBLE_FAIL", "");
        assert_eq!(run_three(&driver), Ok(()), "after {call}");
        at_rest(&double);
    }
}

/// Three frames, with a change of rate before the last one.
fn run_three(driver: &Driver) -> Result<(), String> {
    let mut encoder = NvencEncoder::new(driver, NvencConfig::default()).map_err(|e| e.to_string())?;
    let mut frames = Frames::new();
    for i in 0..3 {
        if i == 2 {
            encoder.set_bitrate(Bitrate::mbps(1)).map_err(|e| e.to_string())?;
        }
        encoder.encode(&frames.next(320, 180), false).map_err(|e| e.to_string())?.ok_or("left out")?;
    }
    Ok(())
}

#[test]
fn a_lost_card_is_told_and_found_again() {
    let double = Double::load();
    let mut encoder = NvencEncoder::new(&driver(&double), NvencConfig::default()).unwrap();
    let mut frames = Frames::new();
    double.set("NVENC_DOUBLE_LOSE_AFTER", "2");
    for _ in 0..2 {
        encoder.encode(&frames.next(320, 180), false).unwrap();
    }
    for _ in 0..2 {
        let lost = encoder.encode(&frames.next(320, 180), false).err().unwrap();
        assert!(matches!(&lost, EncodeError::Codec { encoder: "NVENC", .. }), "{lost}");
        assert!(lost.to_string().contains("status 5") || lost.to_string().contains("card is gone"), "{lost}");
    }
    double.set("NVENC_DOUBLE_LOSE_AFTER", "");
    assert!(encoder.encode(&frames.next(320, 180), false).unwrap().unwrap().keyframe);
    drop(encoder);
    at_rest(&double);
}

#[test]
fn an_encoder_may_end_on_another_thread() {
    let double = Double::load();
    let mut encoder = NvencEncoder::new(&driver(&double), NvencConfig::default()).unwrap();
    encoder.encode(&Frames::new().next(320, 180), false).unwrap();
    std::thread::spawn(move || {
        encoder.encode(&Frames::new().next(320, 180), true).unwrap();
        drop(encoder);
    })
    .join()
    .unwrap();
    at_rest(&double);
}

#[test]
fn absurd_settings_are_brought_into_bounds() {
    let double = Double::load();
    let driver = driver(&double);
    for (bitrate, frames_per_second) in
        [(Bitrate::bps(0), 0.0), (Bitrate::bps(u64::MAX), f32::NAN), (Bitrate::kbps(1), 1e9)]
    {
        let config = NvencConfig { bitrate, frames_per_second, slices: 0, ..Default::default() };
        let mut encoder = NvencEncoder::new(&driver, config).unwrap();
        let mut frames = Frames::new();
        for _ in 0..2 {
            encoder.encode(&frames.next(320, 240), false).unwrap().unwrap();
            encoder.set_bitrate(Bitrate::bps(u64::MAX)).unwrap();
            encoder.set_frame_rate(frames_per_second).unwrap();
        }
    }
    // A level that the size does not fit into.
    let format = H264Format { profile: H264Profile::Main, level_idc: Some(31) }.into();
    let mut encoder = NvencEncoder::new(&driver, NvencConfig { format, ..Default::default() }).unwrap();
    let refused = encoder.encode(&Frames::new().next(1920, 1080), false).err().unwrap().to_string();
    assert!(refused.contains("level that was agreed"), "{refused}");
    drop(encoder);
    at_rest(&double);
}
