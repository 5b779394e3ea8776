//! The adaptation over seeded links, in virtual time: real peers on both sides, encoders that obey like real ones.
//!
//! Links and pictures are seeded; the WebRTC stacks on both sides draw sequence numbers and keys of their own, so that
//! two runs differ a little. Limits are held by the median of several seeds, and a looser one by each.
//!
//! The viewers here are str0m, told to hand packets on; pictures are put together from them as browsers do
//! (`common/pictures.rs`). It gives up on a packet when a hundred others came after it, at 8 Mbit/s after a tenth of a
//! second, where browsers ask ten times: so losses are looked at for freezes where a hundred packets take longer.
//! `tests/e2e` plays all of it to Chromium.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../../rtc/tests/common/mod.rs"]
mod common;
mod correction;

use common::{Link, Rng, World, filler, viewer_config};
use correction::Sent;
use rr_encode::{Bitrate, Codecs};
use rr_rtc::RungId;
use rr_rtc::core::CoreConfig;
use rr_stream::{Action, Ladder, LadderConfig, Setting};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use str0m::RtcConfig;

const FRAME: Duration = Duration::from_micros(33_333);
/// Between two pictures.
const LOOKS: u32 = 6;

/// An encoder with sizes as ours gives them: pictures vary, keyframes are two and a half times as large and are paid back
/// by the next ones. Takes frames as a rung does.
struct Model {
    rng: Rng,
    setting: Setting,
    keyframe: bool,
    debt: f64,
    owed: f64,
    due: Option<Instant>,
}

impl Model {
    fn new(seed: u64, setting: Setting) -> Self {
        Self { rng: Rng(seed * 77 + 1), setting, keyframe: true, debt: 0.0, owed: 0.0, due: None }
    }

    /// Bytes of the picture that is offered now, and whether it is a keyframe.
    fn encode(&mut self, now: Instant) -> Option<(usize, bool)> {
        let rate = self.setting.bitrate.as_f64();
        self.owed = (self.owed - rate * FRAME.as_secs_f64()).clamp(0.0, rate * 0.5);
        let interval = Duration::from_secs_f32(1.0 / self.setting.frames_per_second);
        let early = self.due.is_some_and(|due| now + interval / 5 < due);
        if self.setting.paused || early || self.owed > rate * 0.15 {
            return None;
        }
        self.due = Some(self.due.unwrap_or(now).max(now - interval) + interval);
        let budget = rate / 8.0 * interval.as_secs_f64();
        let keyframe = std::mem::take(&mut self.keyframe);
        let varied = budget * (0.75 + 0.5 * self.rng.fraction()) - self.debt * 0.1;
        let bytes = if keyframe { budget * 2.5 } else { varied.max(budget * 0.3) };
        self.debt += bytes - budget;
        self.owed += bytes * 8.0;
        Some((bytes as usize, keyframe))
    }
}

/// What one viewer saw.
struct Seen {
    waits: Vec<(f64, Duration)>,
    carried: Vec<(f64, usize)>,
    /// When pictures came that could be decoded.
    shown: Vec<f64>,
    sent: Vec<Sent>,
}

struct Outcome {
    viewers: Vec<Seen>,
    /// Rungs in use, by time.
    rungs: Vec<(f64, usize)>,
}

/// A link from some second on. Who has none at the start comes when the first one begins; those who come later come last.
type Steps = Vec<(f64, Link)>;

fn config() -> LadderConfig {
    let (max, start) = (Bitrate::mbps(20), Bitrate::mbps(3));
    LadderConfig {
        size: (1280, 720),
        frames_per_second: 30.0,
        max,
        start,
        rungs: 3,
        codecs: Codecs::H264,
        first_rung: RungId::default(),
    }
}

/// Viewers take packets and show what they can at once, as browsers do.
fn packets() -> RtcConfig {
    viewer_config().set_rtp_mode(true)
}

fn play(viewers: &[Steps], seconds: f64, seed: u64) -> Outcome {
    play_while(config(), viewers, seconds, seed, |_| true)
}

/// The picture rests while `moves` says no.
fn play_while(
    config: LadderConfig,
    viewers: &[Steps],
    seconds: f64,
    seed: u64,
    moves: impl Fn(f64) -> bool,
) -> Outcome {
    let mut world = World::new(seed, CoreConfig::default());
    for steps in viewers.iter().filter(|steps| steps[0].0 <= 0.0) {
        // How it connects is not looked at: where the first packet of its channels is lost, str0m waits for 3 s.
        world.join_with(Link { loss: 0.0, ..steps[0].1 }, packets());
    }
    let mut ladder = Ladder::new(config);
    let mut encoders: BTreeMap<RungId, Model> = BTreeMap::new();
    world.connect();
    let start = world.now;
    let mut asked = vec![start; viewers.len()];
    let (mut rungs, mut number) = (Vec::new(), 0);
    while (world.now - start).as_secs_f64() < seconds {
        let elapsed = (world.now - start).as_secs_f64();
        if let Some(steps) = viewers.get(world.viewers.len()).filter(|steps| steps[0].0 <= elapsed) {
            world.join_with(steps[0].1, packets());
        }
        for (viewer, steps) in world.viewers.iter_mut().zip(viewers) {
            viewer.link = steps.iter().rev().find(|(from, _)| elapsed >= *from).unwrap().1;
        }
        rungs.push((elapsed, encoders.len()));
        number += 1;
        for (id, encoder) in encoders.iter_mut().filter(|(_, encoder)| moves(elapsed) || encoder.keyframe) {
            if let Some((bytes, keyframe)) = encoder.encode(world.now) {
                world.core.publish(world.now, *id, &filler(world.now, number, bytes, keyframe));
            }
        }
        // What follows from a look at a path is done when it is there, not with the next picture.
        for _ in 0..LOOKS {
            world.run(FRAME / LOOKS);
            decide(&mut world, &mut ladder, &mut encoders, seed);
        }
        // A viewer that misses something asks for a keyframe until one comes.
        for (viewer, asked) in world.viewers.iter_mut().zip(&mut asked) {
            if viewer.pictures.stuck(world.now) && world.now > *asked + Duration::from_millis(200) {
                *asked = world.now;
                viewer.lost_picture();
            }
        }
    }
    let at = |t: &Instant| t.saturating_duration_since(start).as_secs_f64();
    let viewers = world.viewers.iter().map(|viewer| {
        let shown = viewer.shown.iter().map(|(t, _)| at(t)).collect();
        let waits = viewer.waits.iter().map(|(t, wait)| (at(t), *wait)).collect();
        let carried = viewer.carried.iter().map(|(t, bytes)| (at(t), *bytes)).collect();
        Seen { waits, carried, shown, sent: correction::sent(viewer, start) }
    });
    Outcome { viewers: viewers.collect(), rungs }
}

/// Tells the ladder what happened, and does what it wants.
fn decide(world: &mut World, ladder: &mut Ladder, encoders: &mut BTreeMap<RungId, Model>, seed: u64) {
    for event in std::mem::take(&mut world.events) {
        ladder.on_event(world.now, &event);
    }
    for action in ladder.take_actions().collect::<Vec<_>>() {
        match action {
            Action::Set(id, setting) => {
                encoders.entry(id).or_insert_with(|| Model::new(seed + u64::from(id.0), setting)).setting = setting;
            }
            Action::Close(id) => _ = encoders.remove(&id),
            Action::Keyframe(id) => {
                encoders.get_mut(&id).into_iter().for_each(|encoder| encoder.keyframe = true);
            }
            Action::Steer(peer, steering) => world.core.steer(world.now, peer, steering),
        }
    }
}

impl Seen {
    /// 95 % of packets waited no longer than this on the link, milliseconds.
    fn queue_ms(&self, from: f64, to: f64) -> f64 {
        let mut waits: Vec<Duration> = between(&self.waits, from, to).copied().collect();
        waits.sort();
        waits.get(waits.len() * 95 / 100).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
    }

    /// Mbit/s that the link carried.
    fn carried(&self, from: f64, to: f64) -> f64 {
        between(&self.carried, from, to).sum::<usize>() as f64 * 8e-6 / (to - from)
    }

    /// The longest time without a new picture, milliseconds.
    fn freeze_ms(&self, from: f64, to: f64) -> f64 {
        let mut times: Vec<f64> = self.shown.iter().copied().filter(|t| (from..to).contains(t)).collect();
        times.insert(0, from);
        times.push(to);
        times.windows(2).map(|w| (w[1] - w[0]) * 1e3).fold(0.0, f64::max)
    }

    fn pictures(&self, from: f64, to: f64) -> usize {
        self.shown.iter().filter(|t| (from..to).contains(*t)).count()
    }
}

fn between<T>(all: &[(f64, T)], from: f64, to: f64) -> impl Iterator<Item = &T> {
    all.iter().filter(move |(at, _)| (from..to).contains(at)).map(|(_, value)| value)
}

/// Figures of several seeds: smallest, median, largest.
struct Spread(Vec<f64>);

impl Spread {
    fn of(seeds: u64, mut figure: impl FnMut(u64) -> f64) -> Self {
        let mut all: Vec<f64> = (1..=seeds).map(&mut figure).collect();
        all.sort_by(f64::total_cmp);
        Self(all)
    }

    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    fn least(&self) -> f64 {
        self.0[0]
    }

    /// All but a twentieth are above.
    fn least_but_few(&self) -> f64 {
        self.0[self.0.len() * 5 / 100]
    }

    /// All but a twentieth are below.
    fn most_but_few(&self) -> f64 {
        self.0[self.0.len() * 95 / 100]
    }

    fn most(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median(), self.least(), self.most())
    }
}

/// Times that each link is played, or what `RR_SEEDS` says: so many that a median stays where it is from run to run.
fn seeds() -> u64 {
    std::env::var("RR_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(21)
}

fn link(mbps: f64, delay_ms: u64) -> Link {
    let rate = Some(Bitrate::bps((mbps * 1e6) as u64));
    Link { rate, delay: Duration::from_millis(delay_ms), ..Link::default() }
}

/// One viewer on a link for twenty seconds, with each seed.
fn alone(steps: &Steps) -> Vec<Seen> {
    (1..=seeds()).map(|seed| play(std::slice::from_ref(steps), 20.0, seed).viewers.remove(0)).collect()
}

/// So much of the link within four seconds, little waiting on it, no freeze.
fn fills(name: &str, mbps: f64, link: Link, least: f64, freeze_ms: Option<f64>) {
    let all = alone(&vec![(0.0, link)]);
    let figure = |f: &dyn Fn(&Seen) -> f64| Spread::of(seeds(), |seed| f(&all[seed as usize - 1]));
    let share = figure(&|seen| seen.carried(4.0, 20.0) / mbps);
    let queue = figure(&|seen| seen.queue_ms(3.0, 20.0));
    let freeze = figure(&|seen| seen.freeze_ms(1.0, 20.0));
    println!("{name}: share {share}, queue P95 {queue} ms, longest freeze {freeze} ms");
    assert!(share.median() > least && share.least() > least - 0.2, "{name} carries {share} of the link");
    assert!(queue.median() < 100.0 && queue.most() < 160.0, "{name}: {queue} ms wait on the link");
    if let Some(limit) = freeze_ms {
        assert!(freeze.median() < limit && freeze.most() < limit * 3.0, "{name}: frozen for {freeze} ms");
    }
}

#[test]
fn a_clean_fast_link_is_filled() {
    fills("20 Mbit/s", 20.0, link(20.0, 5), 0.95, Some(100.0));
}

#[test]
fn a_slow_long_link_is_filled() {
    fills("5 Mbit/s, 40 ms", 5.0, link(5.0, 20), 0.9, Some(200.0));
}

#[test]
fn losses_cost_little() {
    for percent in [1, 3, 5] {
        let lossy = |mbps| Link { loss: f64::from(percent) / 100.0, ..link(mbps, 15) };
        fills(&format!("10 Mbit/s, {percent} % lost"), 10.0, lossy(10.0), 0.9, None);
        // These viewers forget a lost packet when a hundred more have come; a browser asks for it again on both.
        fills(&format!("3 Mbit/s, {percent} % lost"), 3.0, lossy(3.0), 0.9, Some(500.0));
    }
}

#[test]
fn jitter_is_not_taken_for_a_queue() {
    fills(
        "10 Mbit/s, 30 ms jitter",
        10.0,
        Link { jitter: Duration::from_millis(30), ..link(10.0, 15) },
        0.88,
        Some(200.0),
    );
}

#[test]
fn a_busy_viewer_is_not_taken_for_a_slow_path() {
    // What it confirms late looks like a queue, and falls of the estimate follow on that.
    let busy = |mbps, ms| Link { busy: Duration::from_millis(ms), ..link(mbps, 15) };
    for (mbps, ms) in [(6.0, 60), (6.0, 120), (1.2, 120)] {
        let all = alone(&vec![(0.0, busy(mbps, ms))]);
        let share = Spread::of(seeds(), |seed| all[seed as usize - 1].carried(4.0, 20.0) / mbps);
        let queue = Spread::of(seeds(), |seed| all[seed as usize - 1].queue_ms(3.0, 20.0));
        println!("{mbps} Mbit/s, viewer away up to {ms} ms at a time: share {share}, queue P95 {queue} ms");
        assert!(
            share.median() > 0.75 && share.least_but_few() > 0.5,
            "{mbps} Mbit/s, {ms} ms: carries {share} of the link"
        );
        assert!(queue.median() < 110.0, "{mbps} Mbit/s, {ms} ms: {queue} ms wait on the link");
    }
    let steps = vec![(0.0, busy(6.0, 120)), (8.0, busy(1.2, 120)), (16.0, busy(6.0, 120))];
    let all: Vec<Seen> =
        (1..=seeds()).map(|seed| play(std::slice::from_ref(&steps), 26.0, seed).viewers.remove(0)).collect();
    let figure = |f: &dyn Fn(&Seen) -> f64| Spread::of(seeds(), |seed| f(&all[seed as usize - 1]));
    let freeze = figure(&|seen| seen.freeze_ms(8.0, 12.0));
    let fallen = figure(&|seen| seen.carried(11.0, 16.0) / 1.2);
    let risen = figure(&|seen| seen.carried(21.0, 26.0) / 6.0);
    println!("6 to 1.2 Mbit/s: freeze {freeze} ms, then share {fallen}; back: share {risen}");
    assert!(freeze.median() < 800.0, "frozen for {freeze} ms");
    assert!(fallen.median() > 0.7, "{fallen} of the slow link");
    assert!(risen.median() > 0.65, "{risen} of the fast link");
}

#[test]
fn a_longer_way_is_not_taken_for_a_queue() {
    // From the hall's network to that of the telephone company and back, with as much to give.
    for (mbps, near, far) in [(20.0, 5, 30), (10.0, 15, 60), (4.0, 15, 100)] {
        let steps = vec![(0.0, link(mbps, near)), (8.0, link(mbps, far)), (20.0, link(mbps, near))];
        let all: Vec<Seen> =
            (1..=seeds()).map(|seed| play(std::slice::from_ref(&steps), 28.0, seed).viewers.remove(0)).collect();
        let figure = |f: &dyn Fn(&Seen) -> f64| Spread::of(seeds(), |seed| f(&all[seed as usize - 1]));
        let share = figure(&|seen| seen.carried(11.0, 20.0) / mbps);
        let back = figure(&|seen| seen.carried(22.0, 28.0) / mbps);
        let freeze = figure(&|seen| seen.freeze_ms(8.0, 28.0));
        println!("{mbps} Mbit/s, {near} to {far} ms: share {share}, back: {back}, longest freeze {freeze} ms");
        assert!(share.median() > 0.85, "{far} ms: carries {share} of the link");
        assert!(back.median() > 0.85, "back to {near} ms: carries {back} of the link");
        assert!(freeze.median() < 500.0, "frozen for {freeze} ms");
    }
}

#[test]
fn half_a_megabit_is_still_usable() {
    let all = alone(&vec![(0.0, link(0.5, 40))]);
    let rate = Spread::of(seeds(), |seed| all[seed as usize - 1].pictures(5.0, 20.0) as f64 / 15.0);
    let freeze = Spread::of(seeds(), |seed| all[seed as usize - 1].freeze_ms(2.0, 20.0));
    println!("0.5 Mbit/s: {rate} pictures/s, longest freeze {freeze} ms");
    assert!(rate.median() >= 8.0 && rate.least() >= 5.0, "{rate} pictures a second");
    assert!(freeze.median() < 500.0, "frozen for {freeze} ms");
}

#[test]
fn a_fall_and_a_rise_are_followed() {
    let steps = vec![(0.0, link(10.0, 15)), (8.0, link(2.0, 15)), (18.0, link(10.0, 15))];
    let all: Vec<Seen> =
        (1..=seeds() * 2).map(|seed| play(std::slice::from_ref(&steps), 28.0, seed).viewers.remove(0)).collect();
    let figure = |f: &dyn Fn(&Seen) -> f64| Spread::of(seeds() * 2, |seed| f(&all[seed as usize - 1]));
    let freeze = figure(&|seen| seen.freeze_ms(8.0, 12.0));
    let fallen = figure(&|seen| seen.carried(12.0, 18.0) / 2.0);
    let queue = figure(&|seen| seen.queue_ms(11.0, 18.0));
    let risen = figure(&|seen| seen.carried(23.0, 28.0) / 10.0);
    println!("10 to 2 Mbit/s: freeze {freeze} ms, then share {fallen}, queue {queue} ms; back: share {risen}");
    // What stood in the queue when the link fell takes 0.3 s to leave it.
    assert!(freeze.median() < 500.0 && freeze.most_but_few() < 750.0, "frozen for {freeze} ms");
    assert!(fallen.median() > 0.88, "{fallen} of the slow link");
    assert!(queue.median() < 110.0, "{queue} ms wait on the slow link");
    assert!(risen.median() > 0.9, "{risen} of the fast link");
}

#[test]
fn an_outage_is_over_soon_after_it_ends() {
    let cut = Link { cut: true, ..link(10.0, 15) };
    let all = alone(&vec![(0.0, link(10.0, 15)), (8.0, cut), (11.0, link(10.0, 15))]);
    let back = Spread::of(seeds(), |seed| {
        let shown = all[seed as usize - 1].shown.iter().find(|t| **t > 11.0);
        shown.map_or(f64::INFINITY, |t| (t - 11.0) * 1e3)
    });
    let share = Spread::of(seeds(), |seed| all[seed as usize - 1].carried(14.0, 20.0) / 10.0);
    println!("outage of 3 s: pictures again after {back} ms, then share {share}");
    assert!(back.most() < 1_500.0, "no picture for {back} ms after the outage");
    assert!(share.median() > 0.88, "{share} of the link afterwards");
}

#[test]
fn an_outage_while_the_picture_comes_to_rest_is_survived() {
    // The path falls silent just after the last picture, and is there again long before the next one.
    let cut = Link { cut: true, ..link(10.0, 15) };
    let steps = vec![(0.0, link(10.0, 15)), (6.1, cut), (9.0, link(10.0, 15))];
    // Held by each, not by the median.
    for seed in 1..=seeds() / 3 {
        let moves = |at: f64| !(6.0..14.0).contains(&at);
        let seen = play_while(config(), std::slice::from_ref(&steps), 18.0, seed, moves).viewers.remove(0);
        let back = seen.shown.iter().find(|at| **at > 14.0);
        assert!(back.is_some_and(|at| *at < 15.0), "seed {seed}: moved at 14 s, seen at {back:?}");
        assert!(seen.pictures(15.0, 18.0) > 60, "seed {seed}: {} pictures", seen.pictures(15.0, 18.0));
    }
}

#[test]
fn a_slow_viewer_holds_no_fast_one_back() {
    let slow = vec![(0.0, link(1.0, 20))];
    let fast = vec![(0.0, link(15.0, 5))];
    let alone = Spread::of(seeds(), |seed| play(std::slice::from_ref(&fast), 16.0, seed).viewers[0].carried(8.0, 16.0));
    let mut rungs = 0;
    let together = Spread::of(seeds(), |seed| {
        let outcome = play(&[fast.clone(), slow.clone()], 16.0, seed);
        rungs = rungs.max(outcome.rungs.last().unwrap().1);
        assert!(outcome.viewers[1].freeze_ms(6.0, 16.0) < 2_000.0, "the slow one is frozen");
        assert!(outcome.viewers[0].freeze_ms(4.0, 16.0) < 500.0, "the fast one is frozen");
        outcome.viewers[0].carried(8.0, 16.0)
    });
    println!("15 Mbit/s alone {alone}, beside 1 Mbit/s {together} Mbit/s");
    assert_eq!(rungs, 2);
    assert!(together.median() > alone.median() * 0.85, "{together} instead of {alone} Mbit/s");
}

#[test]
fn an_outage_of_one_viewer_is_nobody_elses() {
    let fast = vec![(0.0, link(15.0, 5))];
    let cut = Link { cut: true, ..link(15.0, 5) };
    let gone = vec![(0.0, link(15.0, 5)), (8.0, cut), (14.0, link(15.0, 5))];
    // More than all paths carry is not wanted, so that both get all of it.
    let usual = LadderConfig { max: Bitrate::mbps(8), ..config() };
    let mut freeze: f64 = 0.0;
    let share = Spread::of(seeds(), |seed| {
        let outcome = play_while(usual, &[fast.clone(), gone.clone()], 20.0, seed, |_| true);
        freeze = freeze.max(outcome.viewers[0].freeze_ms(8.0, 20.0));
        assert!(outcome.viewers[1].pictures(16.0, 20.0) > 90, "seed {seed}: it does not come back");
        outcome.viewers[0].carried(8.0, 20.0) / outcome.viewers[0].carried(4.0, 8.0)
    });
    println!("beside one that is cut off and comes back: {share} of what it got before, freeze {freeze:.0} ms");
    assert!(share.median() > 0.9, "{share} of what it got before");
    assert!(freeze < 400.0, "frozen for {freeze} ms");
}

#[test]
fn newcomers_hold_nobody_back() {
    // All rungs are taken when they come, one after the other, on paths as good as the fastest and on worse ones.
    let mut viewers = [15.0, 3.0, 1.0].map(|mbps| vec![(0.0, link(mbps, 5))]).to_vec();
    viewers.extend((0..4).map(|i| vec![(f64::from(8 + 3 * i), link(if i % 2 == 0 { 15.0 } else { 4.0 }, 5))]));
    // As much as a host sends unless it is told otherwise.
    let usual = LadderConfig { max: Bitrate::mbps(8), ..config() };
    let play = |viewers: &[Steps], seed| play_while(usual, viewers, 20.0, seed, |_| true);
    let alone = Spread::of(seeds(), |seed| play(&viewers[..3], seed).viewers[0].carried(8.0, 20.0));
    let (mut freeze, mut first): (f64, f64) = (0.0, 0.0);
    let together = Spread::of(seeds(), |seed| {
        let outcome = play(&viewers, seed);
        freeze = freeze.max(outcome.viewers[0].freeze_ms(8.0, 20.0));
        for (steps, seen) in viewers.iter().zip(&outcome.viewers).skip(3) {
            first = first.max(seen.shown[0] - steps[0].0);
        }
        outcome.viewers[0].carried(8.0, 20.0)
    });
    println!(
        "15 Mbit/s beside two slow ones {alone}, while others come {together} Mbit/s; freeze {freeze:.0} ms, they see it after {first:.2} s"
    );
    assert!(together.median() > alone.median() * 0.9, "{together} instead of {alone} Mbit/s");
    assert!(freeze < 400.0, "frozen for {freeze} ms");
    assert!(first < 2.5, "nothing to see for {first} s");
}

#[test]
fn rungs_are_made_when_needed_and_go_again() {
    // The second viewer's link is bad for a while.
    let steady = vec![(0.0, link(12.0, 5))];
    let changing = vec![(0.0, link(12.0, 5)), (6.0, link(1.5, 5)), (16.0, link(12.0, 5))];
    let viewers = [steady, changing];
    let all: Vec<Outcome> = (1..=seeds()).map(|seed| play(&viewers, 36.0, seed)).collect();
    // How much of the time there was more than one encoder.
    let apart = |from: f64, to: f64| {
        Spread::of(seeds(), |seed| {
            let counts: Vec<usize> = between(&all[seed as usize - 1].rungs, from, to).copied().collect();
            counts.iter().filter(|count| **count > 1).count() as f64 / counts.len() as f64
        })
    };
    let (before, while_bad, after) = (apart(4.0, 6.0), apart(12.0, 16.0), apart(28.0, 36.0));
    let freeze = Spread::of(seeds(), |seed| all[seed as usize - 1].viewers[0].freeze_ms(2.0, 36.0));
    println!(
        "two encoders for {before} of the time before, {while_bad} while one is slow, {after} after; freeze {freeze} ms"
    );
    assert_eq!(before.median(), 0.0, "two like viewers share an encoder");
    assert_eq!(while_bad.median(), 1.0);
    // What each can take is found out all the time, so that now and then they differ for a moment.
    assert!(after.median() == 0.0 && after.most_but_few() < 0.7, "they are alike again");
    assert!(freeze.median() < 400.0 && freeze.most() < 600.0, "the steady one is frozen for {freeze} ms");
}

#[test]
fn there_are_never_more_rungs_than_allowed() {
    let links = [0.6, 1.0, 2.0, 3.5, 6.0, 12.0].map(|mbps| vec![(0.0, link(mbps, 10))]);
    let outcome = play(&links, 16.0, 5);
    assert!(outcome.rungs.iter().all(|(_, count)| *count <= 3));
    assert_eq!(outcome.rungs.last().unwrap().1, 3);
    for (index, seen) in outcome.viewers.iter().enumerate() {
        assert!(seen.pictures(8.0, 16.0) > 10, "viewer {index} sees nothing");
    }
    assert!(outcome.viewers[5].carried(8.0, 16.0) > 4.0, "the fastest is held back");
}
