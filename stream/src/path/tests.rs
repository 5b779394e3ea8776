//! One path, sampled twenty times a second, without a network.

use super::*;

/// A path that carries `carries`, with a queue, sampled twenty times a second while the picture obeys.
struct Sim {
    path: Path,
    now: Instant,
    sent: f64,
    confirmed: f64,
    estimate: Bitrate,
    carries: Bitrate,
    rate: Bitrate,
    /// What may be taken, whether it is or not.
    told: Bitrate,
    paused: bool,
    resets: Vec<Bitrate>,
    worst: Duration,
    loss: f32,
    /// No more is taken, because others of the rung cannot.
    most: Bitrate,
    /// There and back, seconds.
    way: f64,
}

const STEP: f64 = 0.05;
const WAY: f64 = 0.04;

impl Sim {
    fn new(carries: Bitrate) -> Self {
        Self {
            path: Path::default(),
            now: Instant::now(),
            sent: 0.0,
            confirmed: 0.0,
            estimate: carries,
            carries,
            rate: carries.scale(0.5),
            told: carries.scale(0.5),
            paused: false,
            resets: Vec::new(),
            worst: Duration::ZERO,
            loss: 0.0,
            most: Bitrate::mbps(100),
            way: WAY,
        }
    }

    fn run(&mut self, seconds: f64) {
        for _ in 0..(seconds / STEP) as u64 {
            self.sent += if self.paused { 300.0 } else { self.rate.as_f64() / 8.0 * STEP };
            let before = self.confirmed;
            self.confirmed = (before + self.carries.as_f64() / 8.0 * STEP).min(self.sent);
            let left = self.confirmed - before;
            let waits = (self.sent - self.confirmed) * 8.0 / self.carries.as_f64();
            self.worst = self.worst.max(Duration::from_secs_f64(waits));
            self.now += Duration::from_secs_f64(STEP);
            let sample = PathSample {
                estimate: Some(self.estimate),
                rtt: Some(Duration::from_secs_f64(self.way + waits)),
                loss: Some(self.loss),
                confirmed: Some(self.confirmed as u64),
                received: Some((self.confirmed * f64::from(1.0 - self.loss)) as u64),
                // What waits, and what travels: as much as leaves the queue meanwhile.
                in_flight: (self.sent - self.confirmed + left / STEP * self.way) as u64 + 3_500,
                backlog: Duration::ZERO,
                parity: 0.0,
            };
            let verdict = self.path.on_sample(self.now, &sample, self.rate).unwrap();
            self.told = verdict.rate;
            (self.rate, self.paused) = (verdict.rate.min(self.most), verdict.pause);
            if let Some(reset) = verdict.reset {
                self.resets.push(reset.bitrate);
                self.estimate = reset.bitrate;
            }
        }
    }
}

/// Of a path that is believed to carry 12 Mbit/s. Milliseconds and bytes; of those that were confirmed some arrived.
pub(crate) fn sample(rtt_ms: u64, loss: f32, (confirmed, received): (u64, u64), in_flight: u64) -> PathSample {
    PathSample {
        estimate: Some(Bitrate::mbps(12)),
        rtt: Some(Duration::from_millis(rtt_ms)),
        loss: Some(loss),
        confirmed: Some(confirmed),
        received: Some(received),
        in_flight,
        ..PathSample::default()
    }
}

#[test]
fn parity_has_its_part_of_the_rate() {
    let rate = |parity| {
        let sample = PathSample {
            estimate: Some(Bitrate::mbps(10)),
            rtt: Some(Duration::from_millis(20)),
            parity,
            ..PathSample::default()
        };
        Path::default().on_sample(Instant::now(), &sample, Bitrate::mbps(5)).unwrap().rate.as_f64()
    };
    assert!((rate(0.0) / rate(0.15) - 1.15).abs() < 1e-3, "{} and {}", rate(0.0), rate(0.15));
}

#[test]
fn nothing_is_known_before_the_first_estimate() {
    assert_eq!(Path::default().on_sample(Instant::now(), &PathSample::default(), Bitrate::mbps(1)), None);
}

#[test]
fn a_free_path_gives_its_estimate() {
    let mut sim = Sim::new(Bitrate::mbps(10));
    sim.run(0.4);
    assert_eq!(sim.rate, Bitrate::mbps(10).scale(SHARE));
    assert!(sim.resets.is_empty() && !sim.paused);
}

#[test]
fn what_an_estimator_does_not_find_is_found_by_pictures() {
    // As after a fall that is over.
    let mut sim = Sim::new(Bitrate::mbps(10));
    sim.estimate = Bitrate::mbps(2);
    sim.run(6.0);
    assert!(sim.rate > Bitrate::mbps(8), "{}", sim.rate);
    // What was too much is tried again seldom.
    sim.run(20.0);
    sim.resets.clear();
    sim.worst = Duration::ZERO;
    sim.run(10.0);
    assert!(sim.resets.len() < 6, "{:?}", sim.resets);
    assert!(sim.rate > Bitrate::mbps(7), "{}", sim.rate);
    assert!(sim.worst < Duration::from_millis(120), "{:?} stand on the path", sim.worst);
}

#[test]
fn an_estimate_that_is_too_high_does_not_make_a_standing_queue() {
    let mut sim = Sim::new(Bitrate::mbps(10));
    sim.estimate = Bitrate::mbps(13);
    sim.run(3.0);
    sim.worst = Duration::ZERO;
    sim.run(20.0);
    assert!(sim.worst < Duration::from_millis(120), "{:?} stand on the path", sim.worst);
    assert!(sim.rate > Bitrate::mbps(8), "{}", sim.rate);
}

#[test]
fn a_fall_is_seen_before_the_estimate_sees_it() {
    let mut sim = Sim::new(Bitrate::mbps(10));
    sim.run(5.0);
    sim.carries = Bitrate::mbps(2);
    sim.run(0.4);
    assert!(sim.rate < Bitrate::mbps(2), "still {} after 0.4 s", sim.rate);
    let reset = *sim.resets.last().expect("the estimator still believes in 10 Mbit/s");
    assert!(reset > Bitrate::kbps(600) && reset < Bitrate::mbps(8), "{reset}");
    sim.run(2.0);
    sim.worst = Duration::ZERO;
    sim.run(3.0);
    assert!(sim.worst < Duration::from_millis(120), "{:?} stand on the path", sim.worst);
    assert!(sim.rate > Bitrate::kbps(900), "fell to {}", sim.rate);
}

#[test]
fn a_moment_of_too_much_costs_little() {
    let mut sim = Sim::new(Bitrate::mbps(10));
    sim.estimate = Bitrate::mbps(12);
    sim.run(6.0);
    sim.resets.clear();
    // A large picture comes on top, while others on the path take their share for a moment.
    sim.sent += 80e-3 * 10e6 / 8.0;
    sim.carries = Bitrate::mbps(6);
    sim.run(0.3);
    assert!(sim.rate < Bitrate::kbps(8_500), "nothing is done about it: {}", sim.rate);
    sim.carries = Bitrate::mbps(10);
    sim.run(0.5);
    assert!(sim.rate > Bitrate::kbps(7_400), "{} of 10 Mbit/s", sim.rate);
}

#[test]
fn what_is_not_taken_tells_nothing_about_the_path() {
    let mut sim = Sim::new(Bitrate::mbps(10));
    sim.estimate = Bitrate::mbps(25);
    sim.run(3.0);
    assert!(sim.told < Bitrate::mbps(12), "no queue was noticed: {}", sim.told);
    // Somebody else on the same rung can take no more than half of it for a while.
    sim.most = Bitrate::mbps(5);
    sim.estimate = Bitrate::mbps(25);
    sim.run(5.0);
    assert!(sim.told < Bitrate::mbps(12), "{} without a try", sim.told);
    sim.most = Bitrate::mbps(100);
    sim.worst = Duration::ZERO;
    sim.run(3.0);
    assert!(sim.worst < Duration::from_millis(150), "{:?} stand on the path", sim.worst);
}

#[test]
fn an_estimate_that_collapses_without_a_queue_is_put_right() {
    let mut sim = Sim::new(Bitrate::mbps(10));
    sim.run(5.0);
    sim.estimate = Bitrate::kbps(800);
    sim.run(0.2);
    assert!(sim.resets.last().is_some_and(|reset| *reset > Bitrate::mbps(7)), "{:?}", sim.resets);
    assert!(sim.rate > Bitrate::mbps(6), "{}", sim.rate);
}

#[test]
fn an_estimate_that_falls_for_losses_is_believed() {
    let mut sim = Sim::new(Bitrate::mbps(10));
    sim.loss = 0.3;
    sim.run(5.0);
    sim.estimate = Bitrate::kbps(800);
    sim.run(0.5);
    assert!(sim.resets.is_empty() && sim.rate < Bitrate::mbps(1), "{:?}, {}", sim.resets, sim.rate);
}

#[test]
fn a_path_that_is_silent_is_asked_now_and_then_and_used_again() {
    let mut sim = Sim::new(Bitrate::mbps(5));
    sim.run(3.0);
    let stale = PathSample {
        estimate: Some(Bitrate::mbps(5)),
        rtt: Some(Duration::from_millis(40)),
        confirmed: Some(sim.confirmed as u64),
        received: Some(sim.confirmed as u64),
        in_flight: 50_000,
        ..PathSample::default()
    };
    let (mut pauses, mut asked, mut abandoned) = (0, 0, 0);
    for _ in 0..60 {
        sim.now += Duration::from_millis(50);
        let verdict = sim.path.on_sample(sim.now, &stale, sim.rate).unwrap();
        pauses += u32::from(verdict.pause);
        asked += u32::from(pauses > 0 && !verdict.pause);
        abandoned += u32::from(verdict.abandon);
    }
    assert!(pauses > 40 && (4..=8).contains(&asked) && abandoned == 1, "{pauses} {asked} {abandoned}");
    sim.sent = sim.confirmed + 100.0;
    sim.run(2.0);
    assert!(!sim.paused && sim.rate > Bitrate::mbps(2), "{}", sim.rate);
}

#[test]
fn a_queue_that_overflows_is_given_up_and_is_no_longer_than_it_was() {
    let (mut path, mut now) = (Path::default(), Instant::now());
    let mut look = |rtt: u64, loss: f32, backlog: u64, confirmed: u64, in_flight: u64| {
        let backlog = Duration::from_millis(backlog);
        let sample = PathSample { backlog, ..sample(rtt, loss, (confirmed, confirmed), in_flight) };
        let verdict = path.on_sample(now, &sample, Bitrate::mbps(10)).unwrap();
        now += Duration::from_millis(50);
        verdict
    };
    let mut confirmed = 0;
    for _ in 0..60 {
        confirmed += 62_500;
        look(40, 0.0, 0, confirmed, 50_000);
    }
    // It falls: nothing more is sent, and what was sent waits longer and longer.
    for step in 0..5 {
        let verdict = look(140 + step * 40, 0.0, 0, confirmed + step * 12_500, 250_000 - step * 12_500);
        assert!(verdict.pause && !verdict.abandon, "{step}: {verdict:?}");
    }
    // What leaves now was asked for again.
    let verdict = look(340, 0.0, 10, confirmed + 62_500, 187_500);
    assert!(verdict.abandon, "{verdict:?}");
    // 300 ms after the last packet a queue of 300 ms is empty, however much seems to be on the way.
    let verdict = look(340, 0.1, 0, confirmed + 70_000, 180_000);
    assert!(!verdict.pause && !verdict.abandon, "{verdict:?}");
}

#[test]
fn a_wait_is_doubted_where_less_is_sent_than_was_delivered() {
    let resets = |then_sent: u64, longest_ms: u64| {
        let (mut path, mut now, mut confirmed, mut resets) = (Path::default(), Instant::now(), 0, 0);
        let slowly = (0..=longest_ms / 16).map(|step| 40 + step * 16);
        let waits = std::iter::repeat_n(40, 60).chain(slowly).chain(std::iter::repeat_n(40, 20));
        for (step, rtt) in waits.enumerate() {
            // Ten megabits a second at first.
            let sent = if step < 60 { 10_000_000 } else { then_sent };
            confirmed += sent / 8 / 20;
            let sample = PathSample {
                estimate: Some(Bitrate::mbps(12)),
                rtt: Some(Duration::from_millis(rtt)),
                confirmed: Some(confirmed),
                received: Some(confirmed),
                in_flight: 60_000,
                ..PathSample::default()
            };
            let verdict = path.on_sample(now, &sample, Bitrate::bps(sent)).unwrap();
            resets += u32::from(step >= 60 && verdict.reset.is_some());
            now += Duration::from_millis(50);
        }
        resets
    };
    assert_eq!(resets(8_500_000, 64), 0);
    assert!(resets(10_000_000, 64) > 0, "that is all the path carries");
    assert!(resets(8_500_000, 160) > 0, "that is too long for chance");
}

#[test]
fn a_longer_way_is_no_queue() {
    for longer in [0.03, 0.06, 0.15] {
        let mut sim = Sim::new(Bitrate::mbps(10));
        sim.run(5.0);
        sim.way = WAY + longer;
        sim.run(3.0);
        assert!(sim.told > Bitrate::mbps(8), "{longer} s longer: {}", sim.told);
        // And carries less, too, some time later.
        sim.carries = Bitrate::mbps(2);
        sim.worst = Duration::ZERO;
        sim.run(5.0);
        let told = sim.told.as_f64() / 2e6;
        assert!((0.7..1.1).contains(&told), "{longer} s longer, then less: {}", sim.told);
        assert!(sim.worst < Duration::from_millis(700), "{longer} s longer, then less: {:?} waited", sim.worst);
    }
}

#[test]
fn jitter_is_no_queue() {
    let (mut path, mut now) = (Path::default(), Instant::now());
    let mut seed = 7u64;
    let mut least = Bitrate::mbps(99);
    for step in 0..600u64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let sample = PathSample {
            estimate: Some(Bitrate::mbps(10)),
            rtt: Some(Duration::from_millis(40 + (seed >> 33) % 45)),
            confirmed: Some(step * 50_000),
            received: Some(step * 50_000),
            in_flight: 60_000,
            ..PathSample::default()
        };
        let verdict = path.on_sample(now, &sample, Bitrate::mbps(9)).unwrap();
        if step > 60 {
            least = least.min(verdict.rate);
        }
        now += Duration::from_millis(50);
    }
    assert!(least > Bitrate::mbps(5), "taken for a queue: {least}");
}

#[test]
fn what_a_full_queue_lost_says_nothing_about_what_it_carried() {
    let (mut path, mut now) = (Path::default(), Instant::now());
    let mut look = |rtt: u64, loss: f32, confirmed: u64, received: u64, in_flight: u64| {
        let sample = sample(rtt, loss, (confirmed, received), in_flight);
        let verdict = path.on_sample(now, &sample, Bitrate::mbps(10)).unwrap();
        now += Duration::from_millis(50);
        verdict
    };
    let mut sent = 0;
    for _ in 0..60 {
        sent += 62_500;
        look(40, 0.0, sent, sent, 50_000);
    }
    // It falls to two megabits a second: of 250,000 bytes that follow 87,500 get through.
    for step in 1..=7 {
        let confirmed = sent + step * 31_250;
        let verdict =
            look(140 + step * 25, 0.07 * step as f32, confirmed, sent + step * 12_500, 250_000 - step * 31_250);
        assert!(!verdict.regained, "{step}: {verdict:?}");
    }
    let verdict = look(40, 0.6, sent + 250_000, sent + 87_500, 1_000);
    assert!(verdict.regained, "{verdict:?}");
    assert!((1.5..2.2).contains(&(verdict.rate.as_f64() / 1e6)), "{}", verdict.rate);
}
