//! Viewers that decode more than H.264, on str0m, in virtual time. HEVC is that of the test double of NVENC; ffmpeg decodes
//! what arrives.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

mod common;

use common::{HEIGHT, HevcSource, Link, RUNG, Source, WIDTH, World, filler, viewer_config};
use openh264::decoder::Decoder;
use rr_encode::{Bitrate, Codec, Codecs, HevcFormat, compliance};
use rr_rtc::core::CoreConfig;
use rr_rtc::{PeerId, RtcEvent};
use std::time::Duration;

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

#[test]
fn hevc_arrives_over_a_lossy_path_and_h264_takes_over_in_the_middle() {
    let mut world = world(3);
    let viewer = world.join_with(Link { loss: 0.02, ..Link::default() }, decoding(180));
    world.connect();
    let mut hevc = HevcSource::new();
    for i in 0..60 {
        let unit = hevc.next(world.now, i == 0);
        world.core.publish(world.now, RUNG, &unit);
        world.run(FRAME);
    }
    world.run(Duration::from_millis(300));
    let first = std::mem::take(&mut world.viewers[viewer].units);
    assert_eq!(first.len(), 60);
    compliance::decodes(Codec::Hevc, first.iter().map(|(_, _, data)| &data[..]), WIDTH, HEIGHT).unwrap();
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
    let mut hevc = HevcSource::new();
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
