//! Viewers that come, change and go, in virtual time.

use super::*;
use crate::path::tests::sample;
use rr_encode::Codec;

fn ladder(rungs: usize) -> (Ladder, Instant) {
    let (max, start) = (Bitrate::mbps(8), Bitrate::mbps(3));
    let first_rung = RungId::default();
    let (size, codecs) = ((1280, 720), Codecs::H264.with(Codec::Hevc));
    let config = LadderConfig { size, frames_per_second: 30.0, max, start, codecs, rungs, first_rung };
    (Ladder::new(config), Instant::now())
}

/// A path that carries so much and on which nothing waits, for so long. What was decided meanwhile.
fn hold(ladder: &mut Ladder, now: &mut Instant, rates: &[(u64, Bitrate)], seconds: f64) -> Vec<Action> {
    for step in 0..(seconds * 20.0) as u64 {
        for (peer, rate) in rates {
            let sample = PathSample {
                estimate: Some(*rate),
                rtt: Some(Duration::from_micros(40_000 + step % 7)),
                confirmed: Some(step * 10_000),
                received: Some(step * 10_000),
                in_flight: 5_000,
                ..PathSample::default()
            };
            ladder.on_event(*now, &RtcEvent::Path { peer: PeerId(*peer), sample });
        }
        *now += Duration::from_millis(50);
    }
    ladder.take_actions().collect()
}

fn join(ladder: &mut Ladder, now: Instant, peer: u64) -> Vec<Action> {
    join_with(ladder, now, peer, Codecs::H264)
}

fn join_with(ladder: &mut Ladder, now: Instant, peer: u64, decodes: Codecs) -> Vec<Action> {
    ladder.on_event(now, &RtcEvent::Connected { peer: PeerId(peer), decodes });
    ladder.take_actions().collect()
}

fn leave(ladder: &mut Ladder, now: Instant, peer: u64) -> Vec<Action> {
    let reason = rr_rtc::DisconnectReason::Left;
    ladder.on_event(now, &RtcEvent::Disconnected { peer: PeerId(peer), reason });
    ladder.take_actions().collect()
}

#[test]
fn an_encoder_runs_only_while_somebody_watches() {
    let (mut ladder, now) = ladder(3);
    assert!(ladder.rungs().is_empty());
    let actions = join(&mut ladder, now, 1);
    let rung = RungId(0);
    assert!(actions.contains(&Action::Steer(PeerId(1), Steering::Assign(rung))));
    assert!(matches!(actions[1], Action::Set(id, s) if id == rung && s.bitrate == Bitrate::mbps(3)), "{actions:?}");
    assert_eq!(actions.last(), Some(&Action::Keyframe(rung)));
    assert_eq!(leave(&mut ladder, now, 1), [Action::Close(rung)]);
    assert!(ladder.rungs().is_empty());
}

#[test]
fn a_viewer_takes_what_is_known_of_its_path_to_another_view() {
    let (mut shared, mut now) = ladder(3);
    join(&mut shared, now, 1);
    join(&mut shared, now, 2);
    hold(&mut shared, &mut now, &[(1, Bitrate::mbps(20)), (2, Bitrate::mbps(20))], 3.0);
    let first_rung = RungId(RUNGS_OF_A_VIEW);
    let mut own = Ladder::new(LadderConfig { first_rung, ..shared.config });
    let member = shared.dismiss(now, PeerId(2)).unwrap();
    assert!(shared.dismiss(now, PeerId(2)).is_none());
    assert_eq!(shared.take_actions().count(), 0, "the one that stays notices nothing");
    own.admit(now, PeerId(2), member);
    let actions: Vec<Action> = own.take_actions().collect();
    assert!(actions.contains(&Action::Steer(PeerId(2), Steering::Assign(first_rung))), "{actions:?}");
    assert_eq!(own.setting(first_rung).unwrap().bitrate, Bitrate::mbps(8));
    assert_eq!(leave(&mut own, now, 2), [Action::Close(first_rung)]);
}

#[test]
fn the_rate_rises_in_steps_and_falls_at_once() {
    let (mut ladder, mut now) = ladder(3);
    join(&mut ladder, now, 1);
    hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(20))], 0.3);
    let early = ladder.setting(RungId(0)).unwrap().bitrate;
    assert!(early < Bitrate::mbps(6), "{early}");
    hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(20))], 2.0);
    assert_eq!(ladder.setting(RungId(0)).unwrap().bitrate, Bitrate::mbps(8));
    hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(1))], 0.05);
    let fallen = ladder.setting(RungId(0)).unwrap();
    assert!(fallen.bitrate < Bitrate::mbps(1) && fallen.frames_per_second < 30.0, "{fallen:?}");
}

#[test]
fn small_changes_are_not_passed_on() {
    let (mut ladder, mut now) = ladder(3);
    join(&mut ladder, now, 1);
    hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(5))], 3.0);
    assert_eq!(hold(&mut ladder, &mut now, &[(1, Bitrate::kbps(5_100))], 1.0), []);
}

#[test]
fn a_slow_viewer_gets_a_rung_of_its_own_and_comes_back() {
    let (mut ladder, mut now) = ladder(3);
    join(&mut ladder, now, 1);
    join(&mut ladder, now, 2);
    hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(20)), (2, Bitrate::mbps(20))], 3.0);
    assert_eq!(ladder.rungs().len(), 1);
    let slow = [(1, Bitrate::mbps(20)), (2, Bitrate::mbps(1))];
    let actions = hold(&mut ladder, &mut now, &slow, 1.0);
    assert!(actions.contains(&Action::Steer(PeerId(2), Steering::Assign(RungId(1)))), "{actions:?}");
    // The fast one was never asked to wait for the slow one.
    let least = actions.iter().filter_map(|a| match a {
        Action::Set(RungId(0), setting) => Some(setting.bitrate),
        _ => None,
    });
    assert!(least.min().is_none_or(|rate| rate >= Bitrate::mbps(7)), "{actions:?}");
    assert_eq!((ladder.viewers_of(RungId(0)), ladder.viewers_of(RungId(1))), (1, 1));
    let actions = hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(20)), (2, Bitrate::mbps(20))], 8.0);
    assert_eq!(ladder.rungs().len(), 1);
    assert_eq!(actions.iter().filter(|a| matches!(a, Action::Close(_))).count(), 1);
}

/// What a rung was set to, each time.
fn rates(actions: &[Action], rung: RungId) -> Vec<Bitrate> {
    let of = |action: &Action| match action {
        Action::Set(id, setting) if *id == rung => Some(setting.bitrate),
        _ => None,
    };
    actions.iter().filter_map(of).collect()
}

#[test]
fn nobody_waits_for_a_newcomer() {
    let (mut ladder, mut now) = ladder(3);
    let (fast, first) = (Bitrate::mbps(20), RungId(0));
    join(&mut ladder, now, 1);
    hold(&mut ladder, &mut now, &[(1, fast)], 6.0);
    let mut actions = join(&mut ladder, now, 2);
    assert_eq!(ladder.setting(RungId(1)).unwrap().bitrate, Bitrate::mbps(3));
    actions.extend(hold(&mut ladder, &mut now, &[(1, fast), (2, Bitrate::mbps(5))], 2.0));
    // One more begins with the other newcomer.
    actions.extend(join(&mut ladder, now, 3));
    assert_eq!((ladder.viewers_of(first), ladder.viewers_of(RungId(1))), (1, 2));
    assert_eq!(rates(&actions, first), []);
    // As soon as they can take what it gets, they get the same.
    let actions = hold(&mut ladder, &mut now, &[(1, fast), (2, fast), (3, fast)], 2.5);
    assert_eq!(rates(&actions, first), []);
    assert_eq!((ladder.viewers_of(first), ladder.rungs().len()), (3, 1));
}

#[test]
fn a_newcomer_counts_once_its_path_is_known() {
    let (mut ladder, mut now) = ladder(1);
    let fast = Bitrate::mbps(20);
    join(&mut ladder, now, 1);
    hold(&mut ladder, &mut now, &[(1, fast)], 6.0);
    // There is but one rung.
    join(&mut ladder, now, 2);
    let slow = Bitrate::mbps(4);
    assert_eq!(rates(&hold(&mut ladder, &mut now, &[(1, fast), (2, slow)], 4.0), RungId(0)), []);
    hold(&mut ladder, &mut now, &[(1, fast), (2, slow)], 2.0);
    assert!(ladder.rungs()[0].1.bitrate < slow);
    // One whose path turns out to be worse than that counts at once.
    join(&mut ladder, now, 3);
    hold(&mut ladder, &mut now, &[(1, fast), (2, slow), (3, Bitrate::mbps(2))], 0.3);
    assert!(ladder.rungs()[0].1.bitrate < Bitrate::mbps(2));
}

#[test]
fn a_newcomer_begins_where_no_more_is_sent_than_may_be_assumed() {
    let (mut ladder, mut now) = ladder(3);
    join(&mut ladder, now, 1);
    join(&mut ladder, now, 2);
    hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(20)), (2, Bitrate::mbps(2))], 6.0);
    let slow = ladder.rungs()[1].0;
    join(&mut ladder, now, 3);
    assert_eq!((ladder.viewers_of(slow), ladder.rungs().len()), (2, 2));
}

#[test]
fn a_hopeless_viewer_does_not_count_where_no_more_rungs_may_be() {
    let (mut ladder, mut now) = ladder(1);
    join(&mut ladder, now, 1);
    join(&mut ladder, now, 2);
    hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(20)), (2, Bitrate::kbps(300))], 5.0);
    assert_eq!(ladder.rungs().len(), 1);
    assert_eq!(ladder.rungs()[0].1.bitrate, Bitrate::mbps(8));
    // One that is only slow does.
    hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(20)), (2, Bitrate::mbps(4))], 5.0);
    assert!(ladder.rungs()[0].1.bitrate < Bitrate::mbps(4));
}

#[test]
fn most_viewers_stay_where_they_are_when_rungs_are_shared_out_anew() {
    let (mut ladder, mut now) = ladder(3);
    (1..=6).for_each(|peer| _ = join(&mut ladder, now, peer));
    let rates = |low: u64| -> Vec<(u64, Bitrate)> {
        (1..=6).map(|peer| (peer, if peer == 6 { Bitrate::kbps(low) } else { Bitrate::mbps(9) })).collect()
    };
    hold(&mut ladder, &mut now, &rates(9_000), 3.0);
    let actions = hold(&mut ladder, &mut now, &rates(1_000), 2.0);
    let moved: Vec<_> = actions.iter().filter(|a| matches!(a, Action::Steer(_, Steering::Assign(_)))).collect();
    assert_eq!(moved.len(), 1, "{moved:?}");
}

#[test]
fn a_rung_has_the_best_codec_that_all_its_viewers_decode() {
    let (mut ladder, mut now) = ladder(3);
    let codec = |ladder: &Ladder| ladder.setting(RungId(0)).map(|setting| setting.codec);
    let both = Codecs::H264.with(Codec::Hevc);
    join_with(&mut ladder, now, 1, both);
    assert_eq!(codec(&ladder), Some(Codec::Hevc));
    join_with(&mut ladder, now, 2, both.with(Codec::Av1));
    assert_eq!(codec(&ladder), Some(Codec::Hevc));
    // Who comes last decides at once, and nobody gets an encoder for it.
    let actions = join_with(&mut ladder, now, 3, Codecs::H264);
    assert!(matches!(actions[1], Action::Set(RungId(0), s) if s.codec == Codec::H264), "{actions:?}");
    assert_eq!(ladder.rungs().len(), 1);
    leave(&mut ladder, now, 3);
    let fast = [(1, Bitrate::mbps(20)), (2, Bitrate::mbps(20))];
    hold(&mut ladder, &mut now, &fast, 5.0);
    assert_eq!(codec(&ladder), Some(Codec::H264), "not to and fro");
    hold(&mut ladder, &mut now, &fast, 6.0);
    assert_eq!(codec(&ladder), Some(Codec::Hevc));
    // A decoder that fails.
    ladder.on_event(now, &RtcEvent::Undecodable { peer: PeerId(2), codec: Codec::Hevc });
    assert_eq!(codec(&ladder), Some(Codec::H264));
    hold(&mut ladder, &mut now, &fast, 30.0);
    assert_eq!(codec(&ladder), Some(Codec::H264));
}

#[test]
fn viewers_apart_by_their_paths_may_have_different_codecs() {
    let (mut ladder, mut now) = ladder(3);
    join_with(&mut ladder, now, 1, Codecs::H264);
    join_with(&mut ladder, now, 2, Codecs::H264.with(Codec::Hevc));
    hold(&mut ladder, &mut now, &[(1, Bitrate::mbps(20)), (2, Bitrate::mbps(1))], 3.0);
    let codecs: Vec<Codec> = ladder.rungs().iter().map(|(_, setting)| setting.codec).collect();
    assert_eq!(codecs, [Codec::H264, Codec::Hevc]);
}

#[test]
fn strangers_change_nothing() {
    let (mut ladder, mut now) = ladder(3);
    assert_eq!(hold(&mut ladder, &mut now, &[(9, Bitrate::mbps(1))], 0.2), []);
    assert_eq!(leave(&mut ladder, now, 9), []);
    ladder.on_event(now, &RtcEvent::KeyframeNeeded { rung: RungId(4) });
    assert_eq!(ladder.take_actions().count(), 0);
}

#[test]
fn after_a_fall_a_keyframe_comes_first_at_the_rate_that_the_path_carried() {
    let (mut ladder, mut now) = ladder(3);
    join(&mut ladder, now, 1);
    let mut look = |ladder: &mut Ladder, rtt: u64, loss: f32, bytes: (u64, u64), in_flight: u64| {
        let sample = sample(rtt, loss, bytes, in_flight);
        ladder.on_event(now, &RtcEvent::Path { peer: PeerId(1), sample });
        let at = now;
        now += Duration::from_millis(50);
        (at, ladder.take_actions().collect::<Vec<_>>())
    };
    let mut sent = 0;
    for _ in 0..80 {
        sent += 50_000;
        look(&mut ladder, 40, 0.0, (sent, sent), 50_000);
    }
    let before = ladder.setting(RungId(0)).unwrap();
    assert_eq!((before.scale, before.paused), (1.0, false));
    // To two megabits a second: most of what follows is lost in a queue of 300 ms, which is full at once.
    let (mut actions, mut resumed) = (Vec::new(), None);
    for step in 1..=8u64 {
        let (rtt, loss, left) = if step < 8 {
            (240 + step.min(3) * 33, 0.07 * step as f32, 250_000 - step * 31_250)
        } else {
            (40, 0.6, 1_000)
        };
        let (confirmed, received) = (sent + 250_000 - left, sent + step * 12_500);
        let (at, more) = look(&mut ladder, rtt, loss, (confirmed, received), left);
        let setting = ladder.setting(RungId(0)).unwrap();
        assert_eq!(setting.scale, 1.0, "{step}: a moment changes no size");
        actions.extend(more);
        if !setting.paused && step > 1 {
            resumed.get_or_insert(at);
        }
    }
    let rate = ladder.setting(RungId(0)).unwrap().bitrate.as_f64() / 1e6;
    assert!((1.5..2.2).contains(&rate), "{rate} Mbit/s");
    let place =
        |wanted: &dyn Fn(&Action) -> bool| actions.iter().position(wanted).unwrap_or_else(|| panic!("{actions:?}"));
    let pause = place(&|action| matches!(action, Action::Set(_, setting) if setting.paused));
    let keyframe = place(&|action| *action == Action::Keyframe(RungId(0)));
    let goes_on =
        pause + actions[pause..].iter().position(|a| matches!(a, Action::Set(_, setting) if !setting.paused)).unwrap();
    assert!(pause < keyframe && keyframe < goes_on, "{actions:?}");
    assert_eq!(actions.iter().filter(|action| matches!(action, Action::Keyframe(_))).count(), 1);
    // The viewer's own wish for it is the same one.
    let resumed = resumed.unwrap();
    let mut asks = |ms: u64| {
        ladder.on_event(resumed + Duration::from_millis(ms), &RtcEvent::KeyframeNeeded { rung: RungId(0) });
        ladder.take_actions().count()
    };
    assert_eq!((asks(1), asks(200)), (0, 1));
}
