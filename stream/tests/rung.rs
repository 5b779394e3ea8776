//! A rung with the software encoder: what comes out, and when.
#![allow(clippy::unwrap_used)]

use rr_encode::{Bitrate, Codec, EncodeError, Encoder, Frame, FramePool, SoftwareConfig, SoftwareEncoder, compliance};
use rr_stream::{EncodedFrame, FrameFan, FrameSlot, Rung, Setting};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

const SIZE: (usize, usize) = (320, 180);
const SOON: Duration = Duration::from_secs(20);

const SETTING: Setting =
    Setting { codec: Codec::H264, bitrate: Bitrate::kbps(2_500), frames_per_second: 30.0, scale: 1.0, paused: false };

fn software(_: Codec, bitrate: Bitrate, frames_per_second: f32) -> Result<Box<dyn Encoder>, EncodeError> {
    Ok(Box::new(SoftwareEncoder::new(SoftwareConfig { bitrate, frames_per_second })))
}

fn start() -> (FramePool, FrameSlot, Rung, Receiver<EncodedFrame>) {
    let (pool, slot) = (FramePool::new(), FrameSlot::new());
    let (units_tx, units_rx) = sync_channel(256);
    let rung = Rung::start("test", software, slot.clone(), SETTING, move |unit| {
        let _ = units_tx.try_send(unit);
    });
    (pool, slot, rung.unwrap(), units_rx)
}

fn put(pool: &FramePool, slot: &FrameSlot, number: u64) {
    slot.put(frame(pool, number));
}

fn frame(pool: &FramePool, number: u64) -> Frame {
    let mut frame = pool.take().unwrap();
    let picture = compliance::test_picture(SIZE.0, SIZE.1, number);
    frame.fill_from_rgba(&picture, SIZE.0 * 4, SIZE.0 as u32, SIZE.1 as u32).unwrap();
    frame.number = number;
    frame.revision = number + 100;
    frame
}

#[test]
fn each_frame_comes_out_with_its_numbers() {
    let (pool, slot, rung, units_rx) = start();
    for number in 1..=5 {
        put(&pool, &slot, number);
        let unit = loop {
            let unit = units_rx.recv_timeout(SOON).unwrap();
            if !unit.repeated {
                break unit.unit;
            }
        };
        assert_eq!((unit.frame, unit.revision, unit.keyframe), (number, number + 100, number == 1));
    }
    let stats = rung.stats();
    assert!(stats.encoded >= 5 && stats.keyframes == 1 && stats.failed == 0);
    assert!(stats.encode_ms_p50 > 0.0 && stats.encode_ms_p95 >= stats.encode_ms_p50);
    assert_eq!(stats.encoder, "openh264 (software)");
}

#[test]
fn a_new_beginning_is_a_keyframe_however_soon_it_comes() {
    let (pool, slot, _rung, units_rx) = start();
    put(&pool, &slot, 1);
    assert!(units_rx.recv_timeout(SOON).unwrap().unit.keyframe);
    slot.put_anew(frame(&pool, 2));
    let next = std::iter::from_fn(|| units_rx.recv_timeout(SOON).ok()).find(|unit| unit.unit.frame == 2).unwrap();
    assert!(next.unit.keyframe);
}

#[test]
fn a_resting_picture_is_refined_and_then_silent_and_still_gives_keyframes() {
    let (pool, slot, rung, units_rx) = start();
    put(&pool, &slot, 1);
    let mut last_time = units_rx.recv_timeout(SOON).unwrap().unit.rtp_timestamp;
    let mut passes = 0;
    while let Ok(pass) = units_rx.recv_timeout(Duration::from_secs(2)) {
        assert!(pass.repeated && !pass.unit.keyframe && pass.unit.frame == 1);
        assert!(pass.unit.rtp_timestamp.wrapping_sub(last_time) < 1 << 31 && pass.unit.rtp_timestamp != last_time);
        last_time = pass.unit.rtp_timestamp;
        passes += 1;
        assert!(passes < 30, "goes on for ever");
    }
    assert!(passes >= 2, "{passes} passes");
    rung.request_keyframe();
    let keyframe = units_rx.recv_timeout(SOON).unwrap();
    assert!(keyframe.unit.keyframe && keyframe.repeated);
}

#[test]
fn a_frame_that_cannot_be_encoded_costs_only_itself() {
    let (pool, slot, rung, units_rx) = start();
    let mut frame = pool.take().unwrap();
    frame.resize(8, 8).unwrap();
    slot.put(frame);
    while rung.stats().failed == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    put(&pool, &slot, 2);
    let unit = units_rx.recv_timeout(SOON).unwrap().unit;
    assert!(unit.keyframe && unit.frame == 2);
}

#[test]
fn an_encoder_that_cannot_be_made_is_told() {
    let refuse = |_, _, _| Err(EncodeError::Codec { encoder: "none", reason: "no such device".to_owned() });
    let rung = Rung::start("test", refuse, FrameSlot::new(), SETTING, |_| {}).unwrap();
    let refused = loop {
        if let Some(refused) = rung.stats().refused {
            break refused;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(refused.contains("no such device"));
}

#[test]
fn a_smaller_setting_makes_smaller_pictures_beginning_with_a_keyframe() {
    let (pool, slot, rung, units_rx) = start();
    put(&pool, &slot, 1);
    assert_eq!(units_rx.recv_timeout(SOON).unwrap().unit.frame, 1);
    assert_eq!(rung.stats().size, (320, 180));
    rung.set(Setting { scale: 0.5, ..SETTING });
    put(&pool, &slot, 2);
    let unit = std::iter::from_fn(|| units_rx.recv_timeout(SOON).ok()).find(|u| u.unit.frame == 2).unwrap().unit;
    assert!(unit.keyframe);
    assert_eq!(rung.stats().size, (160, 90));
}

#[test]
fn a_smaller_picture_that_rests_is_sent_whole_and_what_moves_next_is_small_again() {
    let (pool, slot, rung, units_rx) = start();
    rung.set(Setting { scale: 0.5, ..SETTING });
    put(&pool, &slot, 1);
    let first = units_rx.recv_timeout(SOON).unwrap();
    assert!(first.unit.keyframe && !first.repeated);
    let mut keyframes = Vec::new();
    let mut passes = 0;
    while let Ok(pass) = units_rx.recv_timeout(Duration::from_secs(2)) {
        assert!(pass.repeated && pass.unit.frame == 1);
        passes += 1;
        if pass.unit.keyframe {
            keyframes.push(passes);
        }
        assert!(passes < 60, "goes on for ever");
    }
    assert_eq!(rung.stats().size, (320, 180));
    assert!(keyframes.len() == 1 && keyframes[0] > 2, "sharp in the small size first: {keyframes:?}");
    assert!(passes > keyframes[0], "the whole picture is not refined");
    put(&pool, &slot, 2);
    let moved = units_rx.recv_timeout(SOON).unwrap();
    assert!(moved.unit.keyframe && moved.unit.frame == 2);
    // The callback comes after the figures.
    assert_eq!(rung.stats().size, (160, 90));
}

#[test]
fn a_paused_rung_encodes_nothing_and_goes_on_with_the_latest() {
    let (pool, slot, rung, units_rx) = start();
    put(&pool, &slot, 1);
    while units_rx.recv_timeout(Duration::from_millis(400)).is_ok() {}
    rung.set(Setting { paused: true, ..SETTING });
    put(&pool, &slot, 2);
    put(&pool, &slot, 3);
    rung.request_keyframe();
    assert!(units_rx.recv_timeout(Duration::from_millis(400)).is_err(), "encodes while it is paused");
    rung.set(SETTING);
    let unit = units_rx.recv_timeout(SOON).unwrap().unit;
    assert!(unit.frame == 3 && unit.keyframe);
}

#[test]
fn two_rungs_read_the_same_frame() {
    let (pool, fan) = (FramePool::new(), FrameFan::default());
    let (units_tx, units_rx) = sync_channel(256);
    let rung = |scale| {
        let to = units_tx.clone();
        let callback = move |unit: EncodedFrame| _ = to.try_send((scale, unit));
        Rung::start("test", software, fan.open(), Setting { scale, ..SETTING }, callback).unwrap()
    };
    let _rungs = [rung(1.0), rung(0.5)];
    fan.put(frame(&pool, 4), false);
    let first = units_rx.recv_timeout(SOON).unwrap();
    // The quicker one may have begun to sharpen its picture.
    let second = std::iter::from_fn(|| units_rx.recv_timeout(SOON).ok()).find(|(scale, _)| *scale != first.0).unwrap();
    assert!([first, second].iter().all(|(_, unit)| unit.unit.frame == 4 && unit.unit.keyframe));
}

#[test]
fn dropping_it_ends_the_thread() {
    let (pool, slot, rung, units_rx) = start();
    put(&pool, &slot, 1);
    units_rx.recv_timeout(SOON).unwrap();
    drop(rung);
    // The sender lives in the thread's callback: it is gone with the thread.
    while let Ok(unit) = units_rx.recv() {
        assert!(unit.repeated);
    }
    assert!((0..2).all(|_| pool.take().is_some()));
}

#[test]
fn another_codec_is_another_encoder_and_a_keyframe() {
    let (pool, slot) = (FramePool::new(), FrameSlot::new());
    let (units_tx, units_rx) = sync_channel(256);
    let (made_tx, made_rx) = sync_channel(8);
    let make = move |codec, bitrate, rate| {
        made_tx.send(codec).unwrap();
        software(codec, bitrate, rate)
    };
    let rung = Rung::start("test", make, slot.clone(), SETTING, move |unit| _ = units_tx.try_send(unit)).unwrap();
    put(&pool, &slot, 1);
    assert!(units_rx.recv_timeout(SOON).unwrap().unit.keyframe);
    assert_eq!(made_rx.recv_timeout(SOON), Ok(Codec::H264));
    // Nothing new is drawn: the last picture comes once more.
    rung.set(Setting { codec: Codec::Hevc, ..SETTING });
    assert_eq!(made_rx.recv_timeout(SOON), Ok(Codec::Hevc));
    let again = std::iter::from_fn(|| units_rx.recv_timeout(SOON).ok()).find(|encoded| encoded.unit.keyframe);
    assert!(again.is_some_and(|encoded| encoded.repeated && encoded.unit.frame == 1));
    // What the encoder makes is told, whatever was asked for.
    assert_eq!(rung.stats().codec, Some(Codec::H264));
}
