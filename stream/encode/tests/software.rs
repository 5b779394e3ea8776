//! The software encoder obeys the rules of all encoders.

use rr_encode::{
    Bitrate, Encoder, FramePool, H264Format, SoftwareConfig, SoftwareEncoder, VideoFormat, compliance, h264,
};
use std::time::{Duration, Instant};

fn encoder(bitrate: Bitrate, frames_per_second: f32) -> SoftwareEncoder {
    SoftwareEncoder::new(SoftwareConfig { bitrate, frames_per_second })
}

#[test]
fn complies() {
    let formats = ["42e01f", "42e028", "4d001f", "4d0033"].map(|id| id.parse::<H264Format>().unwrap().into());
    for slices in [1, 2] {
        compliance::check(&compliance::Subject {
            make: &|format, bitrate, fps| {
                let VideoFormat::H264(format) = format else { return Err("openh264 makes H.264".to_owned()) };
                Ok(Box::new(encoder(bitrate, fps).with_format(format).with_slices(slices)))
            },
            usual: VideoFormat::default(),
            formats: &formats,
            smallest: (16, 16),
        })
        .unwrap_or_else(|wrong| panic!("{slices} slices: {wrong}"));
    }
}

#[test]
fn a_keyframe_in_the_middle_costs_little_and_nobody_pays_for_it() {
    let pool = FramePool::new();
    // Where little moves, a keyframe as good as the rest is large, whoever makes it.
    for (rate, speed, most) in [(200, 1, 5.0), (600, 9, 2.6), (600, 40, 2.6)] {
        let mut encoder = encoder(Bitrate::kbps(rate), 30.0);
        let mut decoder = openh264::decoder::Decoder::new().unwrap();
        let start = Instant::now();
        let (mut bytes, mut psnr) = (Vec::new(), Vec::new());
        for i in 0..80u64 {
            let picture = compliance::test_picture(640, 360, i * speed);
            let mut frame = pool.take().unwrap();
            frame.fill_from_rgba(&picture, 640 * 4, 640, 360).unwrap();
            frame.captured_at = start + Duration::from_micros(33_333 * i);
            let unit = encoder.encode(&frame, i == 50).unwrap().unwrap();
            let decoded = decoder.decode(&unit.data).unwrap().unwrap();
            bytes.push(unit.data.len() as f64);
            psnr.push(compliance::luma_psnr(&frame, &decoded));
        }
        let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
        let (usual, before, after) = (mean(&bytes[30..50]), mean(&psnr[30..50]), mean(&psnr[51..61]));
        println!(
            "{rate} kbit/s x{speed}: keyframe x{:.2}, {before:.1} dB before, {after:.1} dB after",
            bytes[50] / usual
        );
        assert!(bytes[50] < usual * most, "{} of {usual} bytes", bytes[50]);
        assert!(after > before - 1.5, "{after} after {before} dB");
    }
}

#[test]
fn after_a_fall_the_first_pictures_are_not_those_of_the_old_rate() {
    let pool = FramePool::new();
    // Also that with 10 pictures a second a keyframe is no longer than two of them.
    for (kbps, rate, keyframe, all) in [(500, 20.0, 4.0, 8.4), (250, 10.0, 2.6, 8.0)] {
        let mut encoder = encoder(Bitrate::kbps(3_000), 30.0);
        let start = Instant::now();
        let mut bytes = Vec::new();
        for i in 0..66u64 {
            if i == 60 {
                encoder.set_bitrate(Bitrate::kbps(kbps)).unwrap();
                encoder.set_frame_rate(rate).unwrap();
            }
            let picture = compliance::test_picture(640, 360, i * 9);
            let mut frame = pool.take().unwrap();
            frame.fill_from_rgba(&picture, 640 * 4, 640, 360).unwrap();
            frame.captured_at = start + Duration::from_micros(33_333 * i);
            let unit = encoder.encode(&frame, i == 60).unwrap().unwrap();
            assert_eq!(unit.keyframe, i == 0 || i == 60);
            bytes.push(unit.data.len() as f64);
        }
        let budget = kbps as f64 * 125.0 / f64::from(rate);
        let of = |bytes: &[f64]| bytes.iter().sum::<f64>() / budget;
        println!("{kbps} kbit/s: keyframe x{:.2}, with the next three x{:.2}", of(&bytes[60..61]), of(&bytes[60..64]));
        assert!(of(&bytes[60..61]) < keyframe, "keyframe x{:.2}", of(&bytes[60..61]));
        assert!(of(&bytes[60..64]) < all, "x{:.2}", of(&bytes[60..64]));
    }
}

#[test]
fn absurd_rates_are_brought_into_bounds() {
    let pool = FramePool::new();
    let picture = compliance::test_picture(320, 240, 0);
    for (bitrate, fps) in [(Bitrate::bps(0), 0.0), (Bitrate::bps(u64::MAX), f32::NAN), (Bitrate::kbps(1), 1e9)] {
        let mut encoder = encoder(bitrate, fps);
        for _ in 0..2 {
            let mut frame = pool.take().unwrap();
            frame.fill_from_rgba(&picture, 320 * 4, 320, 240).unwrap();
            assert!(encoder.encode(&frame, true).unwrap().is_some());
            encoder.set_bitrate(Bitrate::bps(u64::MAX)).unwrap();
            encoder.set_bitrate(bitrate).unwrap();
            encoder.set_frame_rate(fps).unwrap();
        }
    }
}

#[test]
fn a_rate_beyond_the_level_starts_a_sequence_of_a_higher_level() {
    let pool = FramePool::new();
    let picture = compliance::test_picture(1280, 720, 0);
    let mut encoder = encoder(Bitrate::mbps(4), 30.0);
    let mut levels = Vec::new();
    for rate in [4, 13, 18, 4] {
        encoder.set_bitrate(Bitrate::mbps(rate)).unwrap();
        let mut frame = pool.take().unwrap();
        frame.fill_from_rgba(&picture, 1280 * 4, 1280, 720).unwrap();
        let unit = encoder.encode(&frame, false).unwrap().unwrap();
        let sps = h264::nal_units(&unit.data).find(|nal| h264::nal_type(nal) == h264::NAL_SPS);
        levels.push(sps.map(|nal| h264::Sps::parse(nal).unwrap().level_idc));
    }
    assert_eq!(levels, [Some(31), None, Some(32), None]);
}
