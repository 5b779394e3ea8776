//! The core with viewers on str0m over seeded links, in virtual time.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Link, RUNG, Source, World, filler};
use openh264::decoder::Decoder;
use rr_encode::{Bitrate, rtp_timestamp};
use rr_rtc::core::CoreConfig;
use rr_rtc::{Channel, DisconnectReason, Locals, PeerId, RtcError, RtcEvent, SentPicture};
use std::net::SocketAddr;
use std::time::Duration;

const FRAME: Duration = Duration::from_micros(33_333);

fn config() -> CoreConfig {
    CoreConfig::default()
}

/// Plays so many frames; keyframes when they are asked for.
fn play(world: &mut World, source: &mut Source, frames: usize) {
    for _ in 0..frames {
        let asked = world.events.iter().rposition(|e| *e == RtcEvent::KeyframeNeeded { rung: RUNG });
        if let Some(at) = asked {
            world.events.remove(at);
        }
        let unit = source.next(world.now, asked.is_some());
        world.core.publish(world.now, RUNG, &unit);
        world.run(FRAME);
    }
}

/// Decodes all that a viewer got from its first picture on; the number of pictures.
fn decode(units: &[(std::time::Instant, u64, Vec<u8>)]) -> usize {
    let mut decoder = Decoder::new().unwrap();
    units.iter().filter(|(_, _, data)| decoder.decode(data).unwrap().is_some()).count()
}

#[test]
fn two_viewers_decode_one_encode() {
    let mut world = World::new(1, config());
    let (a, b) = (world.join(Link::default()), world.join(Link::default()));
    world.connect();
    let mut source = Source::new(Bitrate::mbps(1));
    play(&mut world, &mut source, 90);
    world.run(Duration::from_millis(200));
    for viewer in [a, b] {
        let viewer = &world.viewers[viewer];
        assert!(viewer.units.len() >= 88, "{} units", viewer.units.len());
        assert_eq!(decode(&viewer.units), viewer.units.len());
        assert!(viewer.playout_delays >= 88, "playout delay on {} units", viewer.playout_delays);
        assert!(viewer.answer.contains("profile-level-id=42e01f"), "{}", viewer.answer);
        assert!(viewer.answer.contains("a=sendonly"));
    }
    let busy = world.count_events(|e| matches!(e, RtcEvent::Stats { stats, .. } if stats.sent > Bitrate::kbps(50)));
    assert!(busy >= 2, "statistics of both");
}

#[test]
fn frames_have_the_same_rtp_time_everywhere() {
    let mut world = World::new(2, config());
    world.join(Link::default());
    world.connect();
    let mut source = Source::new(Bitrate::mbps(1));
    let mut sent = Vec::new();
    for i in 0..5 {
        sent.push(rtp_timestamp(world.now));
        let unit = source.next(world.now, i == 0);
        world.core.publish(world.now, RUNG, &unit);
        world.run(FRAME);
    }
    world.run(Duration::from_millis(100));
    let got: Vec<u32> = world.viewers[0].units.iter().map(|(_, time, _)| *time as u32).collect();
    assert_eq!(got, sent);
    // The host hears of each one, by that name and in the order of its stations.
    let told: Vec<_> = sent_pictures(&world).into_iter().map(|(_, picture)| picture).collect();
    assert_eq!(told.iter().map(|p| p.rtp_timestamp).collect::<Vec<_>>(), sent);
    assert!(told.iter().all(|p| p.sent_at >= p.captured_at && p.encoded_at >= p.drawn_at));
    assert!(told.is_sorted_by_key(|p| (p.frame, p.sent_at)));
}

fn sent_pictures(world: &World) -> Vec<(PeerId, SentPicture)> {
    let sent = |e: &RtcEvent| if let RtcEvent::Sent { peer, picture } = e { Some((*peer, *picture)) } else { None };
    world.events.iter().filter_map(sent).collect()
}

#[test]
fn a_newcomer_is_held_until_a_keyframe_which_is_asked_for_at_once() {
    let mut world = World::new(3, config());
    world.join(Link::default());
    world.connect();
    let mut source = Source::new(Bitrate::mbps(1));
    play(&mut world, &mut source, 10);
    world.events.clear();
    let newcomer = world.join(Link::default());
    world.connect();
    assert!(world.events.contains(&RtcEvent::KeyframeNeeded { rung: RUNG }));
    // Nothing but deltas: the newcomer sees none of them, the other all.
    let before = world.viewers[0].units.len();
    for _ in 0..5 {
        let unit = source.next(world.now, false);
        world.core.publish(world.now, RUNG, &unit);
        world.run(FRAME);
    }
    assert_eq!(world.viewers[newcomer].units.len(), 0);
    // What a viewer does not get is not told as sent to it.
    let receivers: std::collections::BTreeSet<PeerId> =
        sent_pictures(&world).into_iter().map(|(peer, _)| peer).collect();
    assert_eq!(receivers.len(), 1, "{receivers:?}");
    assert!(world.viewers[0].units.len() >= before + 4);
    play(&mut world, &mut source, 10);
    let units = &world.viewers[newcomer].units;
    assert!(units.len() >= 8 && decode(units) == units.len());
}

#[test]
fn the_first_frame_after_a_rest_comes_at_once() {
    for rest_ms in [200, 450, 700, 950, 3_000, 30_000] {
        let mut world = World::new(19, config());
        world.join(Link::default());
        world.connect();
        let mut source = Source::new(Bitrate::mbps(1));
        play(&mut world, &mut source, 30);
        world.run(Duration::from_millis(rest_ms));
        let unit = source.next(world.now, false);
        let (sent, before) = (world.now, world.viewers[0].units.len());
        world.core.publish(world.now, RUNG, &unit);
        world.run(Duration::from_millis(200));
        let units = &world.viewers[0].units;
        assert_eq!(units.len(), before + 1, "after {rest_ms} ms");
        let late = units[before].0 - sent;
        assert!(late < Duration::from_millis(40), "{late:?} after {rest_ms} ms");
    }
}

#[test]
fn one_wakeup_serves_many_packets_and_many_viewers() {
    let wakeups_per_packet = [1, 8].map(|viewers| {
        let mut world = World::new(23, config());
        let rate = Some(Bitrate::mbps(100));
        (0..viewers).for_each(|_| _ = world.join(Link { rate, ..Link::default() }));
        world.connect();
        let picture = |world: &mut World, number| {
            let unit = filler(world.now, number, 25_000, number == 0);
            world.core.publish(world.now, RUNG, &unit);
            world.run(FRAME);
        };
        // Until the path is known.
        (0..120).for_each(|number| picture(&mut world, number));
        let carried = |world: &World| world.viewers.iter().map(|v| v.carried.len()).sum::<usize>();
        let (wakeups, packets) = (world.wakeups, carried(&world));
        (120..180).for_each(|number| picture(&mut world, number));
        let packets = carried(&world) - packets;
        assert!(packets > 60 * 22 * viewers, "{packets} packets to {viewers}");
        (world.wakeups - wakeups) as f64 / packets as f64
    });
    println!("wake-ups for each packet: {wakeups_per_packet:?} with 1 and 8 viewers");
    assert!(wakeups_per_packet[0] < 0.5, "{wakeups_per_packet:?}");
    assert!(wakeups_per_packet[1] < wakeups_per_packet[0] / 2.0, "{wakeups_per_packet:?}");
}

#[test]
fn a_resting_picture_costs_next_to_nothing() {
    let mut world = World::new(20, config());
    world.join(Link { rate: Some(Bitrate::mbps(20)), ..Link::default() });
    world.connect();
    let mut source = Source::new(Bitrate::mbps(2));
    play(&mut world, &mut source, 90);
    // What was still to be found out about the path has been by then.
    world.run(Duration::from_secs(10));
    let rest = world.now;
    world.run(Duration::from_secs(20));
    let carried = world.viewers[0].carried.iter().filter(|(at, _)| *at >= rest).map(|(_, bytes)| bytes);
    let per_second = carried.sum::<usize>() / 20;
    assert!(per_second < 5_000, "{per_second} bytes a second");
}

#[test]
fn five_percent_loss_is_repaired() {
    let mut world = World::new(4, config());
    world.join(Link { loss: 0.05, delay: Duration::from_millis(15), ..Link::default() });
    world.connect();
    let mut source = Source::new(Bitrate::mbps(2));
    play(&mut world, &mut source, 150);
    world.run(Duration::from_secs(1));
    let units = &world.viewers[0].units;
    assert!(units.len() > 140, "only {} of 150 units arrived", units.len());
}

#[test]
fn parity_is_for_who_takes_it_and_loses_packets() {
    let mut world = World::new(5, config());
    let lossy = Link { loss: 0.04, ..Link::default() };
    let (takes, well) = (world.join_with_parity(lossy), world.join_with_parity(Link::default()));
    let plain = world.join(lossy);
    world.connect();
    // Parity of the answer: the stream of the pictures, and its own.
    let group = |viewer: usize| {
        let answer = &world.viewers[viewer].answer;
        let line = answer.lines().find_map(|line| line.strip_prefix("a=ssrc-group:FEC-FR "))?.to_owned();
        assert!(answer.contains("a=rtpmap:49 flexfec-03/90000\r\n") && !answer.contains("VP8"), "{answer}");
        let numbers: Vec<u32> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        assert!(answer.contains(&format!("a=ssrc:{} cname:", numbers[1])), "{answer}");
        Some((numbers[0], numbers[1]))
    };
    let groups = [takes, well].map(|viewer| group(viewer).unwrap());
    assert_eq!(group(plain), None);
    assert!(!world.viewers[plain].answer.contains("flexfec"));
    let mut source = Source::new(Bitrate::mbps(3));
    play(&mut world, &mut source, 300);
    world.run(Duration::from_millis(300));
    let count =
        |viewer: usize, source| world.viewers[viewer].media.iter().filter(|packet| packet.source == source).count();
    let [(media, parity), (other_media, other_parity)] = groups;
    let (media, parity) = (count(takes, media), count(takes, parity));
    assert!(parity * 20 > media && parity < media / 2, "{parity} parity packets for {media}");
    assert_eq!(count(well, other_parity), 0);
    assert!(count(well, other_media) >= 300);
    // Pictures go on as without it: where nobody reads parity, repeats make up for losses.
    for viewer in [takes, well, plain] {
        let units = world.viewers[viewer].units.len();
        assert!(units >= 270, "viewer {viewer}: {units} units");
    }
    assert_eq!(decode(&world.viewers[well].units), world.viewers[well].units.len());
}

#[test]
fn a_lost_picture_asks_for_a_keyframe_but_not_without_end() {
    let mut world = World::new(5, config());
    world.join(Link::default());
    world.connect();
    let mut source = Source::new(Bitrate::mbps(1));
    play(&mut world, &mut source, 5);
    world.run(Duration::from_secs(4));
    world.events.clear();
    let mut asked = 0;
    for _ in 0..100 {
        world.viewers[0].lost_picture();
        world.run(Duration::from_millis(50));
        if let Some(at) = world.events.iter().position(|e| *e == RtcEvent::KeyframeNeeded { rung: RUNG }) {
            world.events.remove(at);
            asked += 1;
            let unit = source.next(world.now, true);
            world.core.publish(world.now, RUNG, &unit);
        }
    }
    // Five seconds: four at once, then one a second.
    assert!((4..=10).contains(&asked), "{asked} keyframes in 5 s");
}

#[test]
fn a_browser_that_only_wonders_why_nothing_comes_gets_no_keyframe() {
    let mut world = World::new(21, config());
    world.join(Link::default());
    world.connect();
    let mut source = Source::new(Bitrate::mbps(1));
    play(&mut world, &mut source, 5);
    world.events.clear();
    let needed = |world: &World| world.count_events(|e| *e == RtcEvent::KeyframeNeeded { rung: RUNG });
    for _ in 0..5 {
        world.run(Duration::from_secs(3));
        world.viewers[0].lost_picture();
    }
    world.run(Duration::from_millis(100));
    assert_eq!(needed(&world), 0);
    // Who has lost something insists.
    world.viewers[0].lost_picture();
    world.run(Duration::from_millis(200));
    assert!(needed(&world) > 0);
}

#[test]
fn messages_go_both_ways() {
    let mut world = World::new(6, config());
    world.join(Link::default());
    world.connect();
    let peer = PeerId(1);
    assert!(world.events.contains(&RtcEvent::StateChannelOpen { peer }));
    world.core.send_state(world.now, peer, b"{\"type\":\"state:full\"}", true).unwrap();
    assert!(world.viewers[0].send("input", "orbit"));
    world.run(Duration::from_millis(50));
    assert!(world.viewers[0].send("state", "edit"));
    world.run(Duration::from_millis(100));
    assert_eq!(world.viewers[0].messages, ["{\"type\":\"state:full\"}"]);
    for (channel, text) in [(Channel::Input, "orbit"), (Channel::State, "edit")] {
        assert!(world.events.contains(&RtcEvent::Message { peer, channel, data: text.into() }), "{text}");
    }
}

#[test]
fn a_peer_that_does_not_take_its_state_is_told_to_begin_anew() {
    let mut world = World::new(7, config());
    world.join(Link::default());
    world.connect();
    let peer = PeerId(1);
    world.viewers[0].link.cut = true;
    let text = "x".repeat(16_000);
    for _ in 0..100 {
        world.core.send_state(world.now, peer, text.as_bytes(), false).unwrap();
        world.run(Duration::from_millis(1));
    }
    assert_eq!(world.count_events(|e| *e == RtcEvent::StateBehind { peer }), 1);
    world.viewers[0].link.cut = false;
    world.run(Duration::from_secs(8));
    assert!(world.events.contains(&RtcEvent::StateReady { peer }));
    let got = world.viewers[0].messages.len();
    world.core.send_state(world.now, peer, b"update", false).unwrap();
    world.run(Duration::from_millis(200));
    assert_eq!(world.viewers[0].messages.len(), got, "an update after a gap was sent");
    world.core.send_state(world.now, peer, b"full", true).unwrap();
    world.core.send_state(world.now, peer, b"update", false).unwrap();
    world.run(Duration::from_millis(200));
    assert_eq!(world.viewers[0].messages[got..], ["full", "update"]);
}

#[test]
fn a_flood_disconnects_the_flooder_alone() {
    let mut world = World::new(8, config());
    let (quiet, loud) = (world.join(Link::default()), world.join(Link::default()));
    world.connect();
    let mut source = Source::new(Bitrate::mbps(1));
    for _ in 0..60 {
        for i in 0..100 {
            world.viewers[loud].send("input", "again and again");
            if i % 10 == 9 {
                world.run(Duration::from_millis(3));
            }
        }
        play(&mut world, &mut source, 1);
    }
    let peer = PeerId(2);
    assert!(world.events.contains(&RtcEvent::Flood { peer }));
    assert!(world.events.contains(&RtcEvent::Disconnected { peer, reason: DisconnectReason::Flood }));
    assert_eq!(world.count_events(|e| matches!(e, RtcEvent::Disconnected { .. })), 1);
    let units = &world.viewers[quiet].units;
    assert!(units.len() >= 57 && decode(units) == units.len());
}

#[test]
fn oversized_messages_are_named_and_dropped() {
    let mut world = World::new(9, config());
    world.join(Link::default());
    world.connect();
    let peer = PeerId(1);
    // The answer tells the limit. This viewer keeps to it only if its stack does; the host does not rely on that.
    assert!(world.viewers[0].answer.contains("a=max-message-size:16384"), "{}", world.viewers[0].answer);
    let fits = "x".repeat(16 * 1024);
    assert!(world.viewers[0].send("state", &fits));
    world.run(Duration::from_millis(300));
    let came = |e: &RtcEvent| matches!(e, RtcEvent::Message { data, .. } if data.len() == 16 * 1024);
    assert_eq!(world.count_events(came), 1);
    let id = world.viewers[0].channels.iter().find(|(name, _)| name == "state").unwrap().1;
    let too_long = vec![b'x'; 17 * 1024];
    if world.viewers[0].rtc.channel(id).unwrap().write(false, &too_long).is_ok() {
        world.run(Duration::from_millis(300));
        assert!(world.events.contains(&RtcEvent::Oversized { peer, len: too_long.len() }));
    }
    assert_eq!(world.core.peer_count(), 1);
}

#[test]
fn one_vanishes_and_the_other_notices_nothing() {
    let mut world = World::new(10, config());
    let (stays, goes) = (world.join(Link::default()), world.join(Link::default()));
    world.connect();
    let mut source = Source::new(Bitrate::mbps(1));
    play(&mut world, &mut source, 20);
    world.viewers[goes].link.cut = true;
    play(&mut world, &mut source, 60 * 30);
    let peer = PeerId(2);
    assert!(world.events.contains(&RtcEvent::Disconnected { peer, reason: DisconnectReason::Vanished }));
    assert_eq!(world.core.peer_count(), 1);
    let units = &world.viewers[stays].units;
    assert!(units.len() >= 1815, "{}", units.len());
    let gaps = units.windows(2).filter(|w| w[1].0 - w[0].0 > Duration::from_millis(70)).count();
    assert_eq!(gaps, 0);
}

#[test]
fn goodbye_is_heard_at_once() {
    let mut world = World::new(11, config());
    world.join(Link::default());
    world.connect();
    world.viewers[0].rtc.close().unwrap();
    world.run(Duration::from_millis(100));
    let peer = PeerId(1);
    assert!(world.events.contains(&RtcEvent::Disconnected { peer, reason: DisconnectReason::Left }));
}

#[test]
fn garbage_harms_nobody() {
    let mut world = World::new(12, config());
    let viewer = world.join(Link::default());
    world.connect();
    let mut source = Source::new(Bitrate::mbps(1));
    let mut rng = common::Rng(99);
    let own = world.viewers[viewer].addr;
    let stranger = "203.0.113.9:1".parse().unwrap();
    for i in 0..3_000u64 {
        let mut bytes: Vec<u8> = (0..rng.next() % 300).map(|_| rng.next() as u8).collect();
        // Looks like STUN, DTLS, RTP, RTCP, or like nothing.
        if let Some(first) = bytes.first_mut() {
            *first = [0, 1, 22, 23, 128, 129, 144, 200][i as usize % 8];
        }
        // From an address that a forger may have guessed as well as from a strange one.
        world.core.handle_datagram(world.now, if i % 2 == 0 { own } else { stranger }, &bytes);
        if i % 50 == 0 {
            play(&mut world, &mut source, 1);
        }
    }
    play(&mut world, &mut source, 20);
    assert_eq!(world.count_events(|e| matches!(e, RtcEvent::Disconnected { .. })), 0, "a forger ended a session");
    assert!(world.viewers[viewer].units.len() > 70);
}

#[test]
fn a_slow_link_gets_the_newest_pictures_and_harms_nobody() {
    let mut world = World::new(13, config());
    let fast = world.join(Link::default());
    let slow = world.join(Link { rate: Some(Bitrate::kbps(600)), ..Link::default() });
    world.connect();
    // 4 Mbit/s, whatever the slow link can carry.
    for i in 0..300 {
        let asked = world.events.contains(&RtcEvent::KeyframeNeeded { rung: RUNG });
        world.events.retain(|e| *e != RtcEvent::KeyframeNeeded { rung: RUNG });
        let unit = filler(world.now, i, if asked { 40_000 } else { 16_000 }, asked);
        world.core.publish(world.now, RUNG, &unit);
        world.run(FRAME);
    }
    let skipped = |id| {
        let of = |e: &RtcEvent| match e {
            RtcEvent::Stats { peer, stats } if *peer == PeerId(id) => Some(stats.skipped),
            _ => None,
        };
        world.events.iter().rev().find_map(of).unwrap()
    };
    assert!(skipped(2) > 100, "{} left out for the slow one", skipped(2));
    assert!(skipped(1) < 10, "{} left out for the fast one", skipped(1));
    assert!(world.viewers[fast].units.len() > 280, "{}", world.viewers[fast].units.len());
    assert!(world.viewers[slow].connected && world.core.peer_count() == 2);
}

#[test]
fn the_estimate_finds_the_link() {
    for (rate, seed) in [(Bitrate::mbps(10), 14), (Bitrate::mbps(2), 15)] {
        let mut world = World::new(seed, config());
        world.join(Link { rate: Some(rate), delay: Duration::from_millis(10), ..Link::default() });
        world.connect();
        let mut estimate = Bitrate::mbps(2);
        let mut best = Bitrate::default();
        for i in 0..450 {
            let asked = world.events.contains(&RtcEvent::KeyframeNeeded { rung: RUNG });
            for event in world.events.drain(..) {
                if let RtcEvent::Path { sample, .. } = event {
                    estimate = sample.estimate.unwrap_or(estimate);
                }
            }
            best = best.max(if i > 150 { estimate } else { best });
            let bytes = (estimate.scale(0.8).as_f64() / 8.0 / 30.0) as usize;
            let unit = filler(world.now, i, bytes, asked);
            world.core.publish(world.now, RUNG, &unit);
            world.run(FRAME);
        }
        assert!(best > rate.scale(0.75), "{best} found of {rate}");
        // It probes beyond; what is taken of it goes by round trips as well.
        assert!(estimate < rate.scale(1.6), "{estimate} believed of {rate}");
    }
}

#[test]
fn offers_that_cannot_be_served_are_refused_with_the_reason() {
    let mut world = World::new(16, CoreConfig { max_peers: 1, ..config() });
    let now = world.now;
    let offer_of = |enable: fn(str0m::RtcConfig) -> str0m::RtcConfig| {
        let mut rtc = enable(str0m::RtcConfig::new().clear_codecs()).build(now);
        let mut change = rtc.sdp_api();
        use str0m::media::{Direction, MediaKind};
        change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        change.apply().unwrap().0.to_sdp_string()
    };
    let vp8 = offer_of(|c| c.enable_vp8(true));
    let h264 = offer_of(|c| c.enable_h264(true));
    assert!(matches!(world.core.accept(now, PeerId(1), &vp8), Err(RtcError::NoH264)));
    assert!(matches!(world.core.accept(now, PeerId(1), "v=0\r\nnonsense"), Err(RtcError::NoVideo)));
    // Every truncation and 500 mutations: an error or an answer, never a panic, and nobody else is touched.
    let mut rng = common::Rng(5);
    let mut offer = |text: String| {
        let taken = world.core.accept(now, PeerId(1), &text).is_ok();
        if taken {
            world.core.close(now, PeerId(1), DisconnectReason::Left);
        }
        taken
    };
    for sdp in [h264.clone(), common::offering_parity(&h264, "49")] {
        for i in 0..sdp.len() + 500 {
            let mut bytes = sdp.clone().into_bytes();
            if i < sdp.len() {
                bytes.truncate(i);
            } else {
                for _ in 0..4 {
                    let at = rng.next() as usize % bytes.len();
                    bytes[at] = b' ' + (rng.next() % 90) as u8;
                }
            }
            offer(String::from_utf8(bytes).unwrap());
        }
    }
    // Types of parity that are none, ours, or those of something else.
    for pt in ["0", "1", "63", "64", "72", "96", "102", "108", "109", "127", "128", "255", "256", "-1", "x", ""] {
        offer(common::offering_parity(&h264, pt));
    }
    offer(common::offering_parity(&common::offering_parity(&h264, "49"), "49"));
    assert!(offer(common::offering_parity(&common::offering_parity(&h264, "50"), "49")), "two types");
    world.core.accept(now, PeerId(1), &h264).unwrap();
    assert!(matches!(world.core.accept(now, PeerId(1), &h264), Err(RtcError::PeerExists(_))));
    assert!(matches!(world.core.accept(now, PeerId(2), &h264), Err(RtcError::TooManyPeers { max: 1 })));
}

#[test]
fn a_peer_that_never_connects_is_given_up() {
    let mut world = World::new(17, config());
    world.join(Link { cut: true, ..Link::default() });
    world.run(Duration::from_secs(25));
    let reason = DisconnectReason::NeverConnected;
    assert!(world.events.contains(&RtcEvent::Disconnected { peer: PeerId(1), reason }));
    assert_eq!(world.core.peer_count(), 0);
}

#[test]
fn candidates_of_browsers_are_taken_or_ignored() {
    let mut world = World::new(18, config());
    world.join(Link::default());
    let (now, id) = (world.now, PeerId(1));
    for good in [
        "candidate:1 1 udp 2113937151 4f3b0cbb-1d6e-4c2a-a7a1-c1a5a5f0d001.local 51000 typ host",
        "candidate:2 1 udp 2113937151 198.51.100.77 51000 typ host generation 0 ufrag abcd",
        "a=candidate:3 1 udp 1677729535 203.0.113.4 40000 typ srflx raddr 0.0.0.0 rport 0",
        "candidate:4 1 tcp 1518214911 198.51.100.77 9 typ host tcptype active",
        "",
        "end-of-candidates",
    ] {
        world.core.add_candidate(now, id, good).unwrap_or_else(|e| panic!("{good}: {e}"));
    }
    for bad in ["candidate:", "hello", "candidate:1 1 udp x 1.2.3.4 5 typ host", "candidate:1 1 udp 1 1.2.3 5 typ host"]
    {
        assert!(matches!(world.core.add_candidate(now, id, bad), Err(RtcError::BadCandidate(_))), "{bad}");
    }
    world.connect();
}

#[test]
fn ice_lite_is_for_hosts_that_tell_public_addresses_only() {
    let answer = |ice_lite: Option<bool>, locals: Locals| {
        let mut world = World::with(19, CoreConfig { ice_lite, ..config() }, locals);
        world.join(Link::default());
        world.viewers[0].answer.clone()
    };
    let at = |all: &[&str]| all.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
    let public = || Locals { udp: at(&["8.8.4.4:4000"]), tcp: at(&["8.8.4.4:4000"]) };
    let mixed = || Locals { udp: at(&["8.8.4.4:4000", "192.168.1.7:4000"]), tcp: Vec::new() };
    let is_lite = |answer: String| answer.contains("\r\na=ice-lite\r\n");
    assert!(is_lite(answer(None, public())));
    assert!(!is_lite(answer(None, mixed())), "viewers in the same building need our checks");
    assert!(!is_lite(answer(Some(false), public())));
    assert!(is_lite(answer(Some(true), mixed())));
    let answer = answer(None, public());
    assert!(answer.contains("8.8.4.4 4000 typ host") && answer.contains("tcptype passive"), "{answer}");
}

#[test]
fn a_viewer_of_an_ice_lite_host_connects_and_one_that_vanishes_is_given_up() {
    let mut world = World::new(20, CoreConfig { ice_lite: Some(true), ..config() });
    world.join(Link::default());
    world.connect();
    let mut source = Source::new(Bitrate::mbps(1));
    play(&mut world, &mut source, 60);
    assert!(world.viewers[0].units.len() > 50);
    world.viewers[0].link.cut = true;
    world.run(Duration::from_secs(40));
    let reason = DisconnectReason::Vanished;
    assert!(world.events.contains(&RtcEvent::Disconnected { peer: PeerId(1), reason }));
}
