//! Viewers that decode more than H.264, on str0m, in virtual time. HEVC and AV1 are those of the test double of
//! NVENC; ffmpeg decodes what arrives.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

mod common;

use common::{CardSource, HEIGHT, Link, RUNG, Source, WIDTH, World, filler, viewer_config};
use openh264::decoder::Decoder;
use rr_encode::{Av1Format, Bitrate, Codec, Codecs, HevcFormat, compliance};
use rr_rtc::core::CoreConfig;
use rr_rtc::{PeerId, RtcEvent};
use std::time::Duration;
use str0m::format::{Codec as RtpCodec, FormatParams};
use str0m::media::Frequency;

const FRAME: Duration = Duration::from_micros(33_333);
const BOTH: Codecs = Codecs::H264.with(Codec::Hevc);

/// A host that makes HEVC of level 3.1.
fn world(seed: u64) -> World {
    let formats = vec![HevcFormat { max_level_idc: Some(93) }.into()];
    World::new(seed, CoreConfig { formats, ..CoreConfig::default() })
}

/// A viewer that decodes HEVC up to a level.
fn decoding(level: u8) -> str0m::RtcConfig {
    let mut config = viewer_config();
    config.codec_config().add_h265(49.into(), Some(50.into()), 1, 0, level);
    config
}

fn decodes(world: &World, viewer: usize) -> Option<Codecs> {
    let id = world.viewers[viewer].id;
    world.events.iter().find_map(|event| match event {
        RtcEvent::Connected { peer, decodes } if *peer == id => Some(*decodes),
        _ => None,
    })
}

#[test]
fn who_offers_enough_is_known_to_decode_it() {
    let mut world = world(1);
    let plain = world.join(Link::default());
    let high = world.join_with(Link::default(), decoding(180));
    let same = world.join_with(Link::default(), decoding(93));
    let low = world.join_with(Link::default(), decoding(63));
    world.connect();
    assert_eq!(decodes(&world, plain), Some(Codecs::H264));
    assert_eq!(decodes(&world, high), Some(BOTH));
    assert_eq!(decodes(&world, same), Some(BOTH));
    assert_eq!(decodes(&world, low), Some(Codecs::H264));
    // What is answered is what will be sent at most.
    let answer = &world.viewers[high].answer;
    assert!(answer.contains(" H265/90000") && answer.contains("level-id=93"), "{answer}");
    assert!(!world.viewers[plain].answer.contains("H265"));
}

#[test]
fn a_host_without_another_codec_offers_none() {
    let mut world = World::new(2, CoreConfig::default());
    let viewer = world.join_with(Link::default(), decoding(180));
    world.connect();
    assert_eq!(decodes(&world, viewer), Some(Codecs::H264));
    assert!(!world.viewers[viewer].answer.contains("H265"), "{}", world.viewers[viewer].answer);
}

/// A host that makes AV1 of level 4.0 and HEVC of level 3.1.
fn world_with_av1(seed: u64) -> World {
    let av1 = Av1Format { max_level_idx: Some(8) }.into();
    let formats = vec![av1, HevcFormat { max_level_idc: Some(93) }.into()];
    World::new(seed, CoreConfig { formats, ..CoreConfig::default() })
}

/// A viewer that decodes AV1 of a profile, as it says.
fn decoding_av1(profile: u8, level_idx: Option<u8>) -> str0m::RtcConfig {
    let mut config = viewer_config();
    let format = FormatParams { profile: Some(profile), level_idx, ..FormatParams::default() };
    let (video, repeats) = (45.into(), Some(46.into()));
    config.codec_config().add_config(video, repeats, RtpCodec::Av1, Frequency::NINETY_KHZ, None, format);
    config
}

#[test]
fn av1_is_answered_with_the_level_that_is_offered() {
    let mut world = world_with_av1(6);
    let with_av1 = Codecs::H264.with(Codec::Av1);
    // As browsers offer it, whatever they decode; another one; none, which means the first; another profile.
    let viewers = [
        (world.join_with(Link::default(), decoding_av1(0, Some(5))), with_av1),
        (world.join_with(Link::default(), decoding_av1(0, Some(13))), with_av1),
        (world.join_with(Link::default(), decoding_av1(0, None)), with_av1),
        (world.join_with(Link::default(), decoding_av1(1, Some(5))), Codecs::H264),
        (world.join_with(Link::default(), decoding(180)), BOTH),
    ];
    world.connect();
    for (viewer, known) in viewers {
        assert_eq!(decodes(&world, viewer), Some(known), "{}", world.viewers[viewer].answer);
    }
    let answer = |viewer: usize| &world.viewers[viewer].answer;
    assert!(answer(0).contains(" AV1/90000") && answer(0).contains("level-idx=5"), "{}", answer(0));
    assert!(answer(1).contains("level-idx=13") && !answer(3).contains("AV1"), "{} {}", answer(1), answer(3));
}

#[test]
fn hevc_arrives_over_a_lossy_path_and_h264_takes_over_in_the_middle() {
    arrives_and_h264_takes_over(Codec::Hevc, world(3), decoding(180));
}

#[test]
fn av1_arrives_over_a_lossy_path_and_h264_takes_over_in_the_middle() {
    arrives_and_h264_takes_over(Codec::Av1, world_with_av1(3), decoding_av1(0, Some(5)));
}

fn arrives_and_h264_takes_over(codec: Codec, mut world: World, viewer: str0m::RtcConfig) {
    let viewer = world.join_with(Link { loss: 0.02, ..Link::default() }, viewer);
    world.connect();
    let mut better = CardSource::of(codec);
    for i in 0..60 {
        let unit = better.next(world.now, i == 0);
        world.core.publish(world.now, RUNG, &unit);
        world.run(FRAME);
    }
    world.run(Duration::from_millis(300));
    let first = std::mem::take(&mut world.viewers[viewer].units);
    assert_eq!(first.len(), 60);
    compliance::decodes(codec, first.iter().map(|(_, _, data)| &data[..]), WIDTH, HEIGHT).unwrap();
    // As when the card's encoder fails: the same rung goes on with another codec.
    let mut h264 = Source::new(Bitrate::mbps(1));
    for i in 0..30 {
        let unit = h264.next(world.now, i == 0);
        world.core.publish(world.now, RUNG, &unit);
        world.run(FRAME);
    }
    world.run(Duration::from_millis(300));
    let mut decoder = Decoder::new().unwrap();
    let units = &world.viewers[viewer].units;
    let pictures = units.iter().filter(|(_, _, data)| decoder.decode(data).unwrap().is_some()).count();
    assert_eq!((units.len(), pictures), (30, 30));
}

#[test]
fn nobody_gets_what_it_does_not_decode() {
    let mut world = world(4);
    let plain = world.join(Link::default());
    world.connect();
    let mut hevc = CardSource::of(Codec::Hevc);
    for i in 0..10 {
        let unit = hevc.next(world.now, i == 0);
        world.core.publish(world.now, RUNG, &unit);
        world.run(FRAME);
    }
    assert_eq!(world.viewers[plain].units.len(), 0);
    // It asks for a keyframe until there is one that it decodes.
    assert!(world.count_events(|e| *e == RtcEvent::KeyframeNeeded { rung: RUNG }) > 0);
    let mut h264 = Source::new(Bitrate::mbps(1));
    let unit = h264.next(world.now, true);
    world.core.publish(world.now, RUNG, &unit);
    world.run(Duration::from_millis(300));
    assert_eq!(world.viewers[plain].units.len(), 1);
}

/// A viewer that asks for keyframes again and again, as a browser does whose decoder fails. How often it was found out.
fn found_out(codec: Codec, loss: f64) -> usize {
    let mut world = world(5);
    let viewer = world.join_with(Link { loss, ..Link::default() }, decoding(180));
    world.connect();
    for i in 0..300u64 {
        let asked = world.events.iter().rposition(|e| *e == RtcEvent::KeyframeNeeded { rung: RUNG });
        if let Some(at) = asked {
            world.events.remove(at);
        }
        let mut unit = filler(world.now, i, 2_000, i == 0 || asked.is_some());
        unit.codec = codec;
        world.core.publish(world.now, RUNG, &unit);
        world.run(FRAME);
        if i % 6 == 5 {
            world.viewers[viewer].lost_picture();
        }
    }
    world.count_events(|e| *e == RtcEvent::Undecodable { peer: PeerId(1), codec })
}

#[test]
fn a_decoder_that_fails_is_found_out() {
    assert!(found_out(Codec::Hevc, 0.0) > 0);
    // Losses explain requests, and of H.264 there is no way back.
    assert_eq!(found_out(Codec::Hevc, 0.1), 0);
    assert_eq!(found_out(Codec::H264, 0.0), 0);
}
