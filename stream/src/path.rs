//! What one peer's path may be given. Pure logic: time is an argument.
//!
//! The estimator of the WebRTC stack finds capacity by probing, but gives way late: seconds of pictures can stand in a
//! queue before it has believed a fall. So round trips are watched beside it, twenty times a second. A standing queue
//! takes a little of the rate. A steep one cuts at once to what the path carries, which is known then: where packets
//! wait, they are confirmed as fast as the path carries them.

use rr_encode::Bitrate;
use rr_rtc::PathSample;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Share of the estimate that the picture may take; the rest is for what is sent twice and for headers.
const SHARE: f64 = 0.92;
/// A standing queue that is none.
const CALM: Duration = Duration::from_millis(10);
/// A standing queue that takes some of the rate; the noise of the round trips comes on top.
const STANDING: Duration = Duration::from_millis(16);
/// A queue that is not accepted at all; twice the noise comes on top.
const STEEP: Duration = Duration::from_millis(45);
/// Two packets.
const PACKETS_BITS: f64 = 2.0 * 1_200.0 * 8.0;
/// Loss that comes on top when a queue overflows.
const OVERFLOW: f32 = 0.02;
/// Bytes on the way that are no queue.
const NOTHING: u64 = 3_000;
/// What waits when nothing more is sent until less does.
const PAUSE: Duration = Duration::from_millis(100);
/// What arrived is news for so long: viewers confirm packets in bunches.
const NEWS: Duration = Duration::from_millis(100);
/// A path from which nothing is heard for so long, though something is on the way, is silent.
const SILENCE: Duration = Duration::from_millis(400);
/// A silent path gets a picture so often.
const ASK: Duration = Duration::from_millis(400);
/// After so much silence what was lost is too old to be repeated.
const GONE: Duration = Duration::from_secs(1);
/// For so long after trouble its losses are still reported.
const RECOVERY: Duration = Duration::from_millis(1_200);
/// An estimate so much above what was too much once is news: the path carries more than it did.
const FOUND: f64 = 1.35;
/// Noise of a viewer that confirms every 50 ms or so.
const USUAL_NOISE: Duration = Duration::from_millis(14);
/// A path has proven what it delivered over this time.
const PROVING: Duration = Duration::from_millis(400);
/// A fall that shows nowhere else after this time is none.
const DOUBT: Duration = Duration::from_millis(100);
/// What is left of an estimate that collapsed, at most.
const COLLAPSE: f64 = 0.6;
/// A path that loses so much may carry as little as is believed.
const LOSSY: f32 = 0.15;
/// Most noise that is allowed for.
const NOISE: Duration = Duration::from_millis(40);
/// What is left of the rate after a standing queue.
const LESS: f64 = 0.92;
/// Round trips are compared over so much time; viewers confirm packets in bunches.
const WINDOW: Duration = Duration::from_millis(150);
/// A queue that stands does so for this long.
const STANDS: Duration = Duration::from_millis(200);
/// No path is taken to carry less.
const FLOOR: Bitrate = Bitrate::kbps(100);
/// The shortest round trip is that of the last one to two of these: routes change.
const ERA: Duration = Duration::from_secs(20);

/// What follows from a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verdict {
    /// What the picture may take.
    pub rate: Bitrate,
    /// So much waits on the way that another picture would only make it longer.
    pub pause: bool,
    /// What was lost in a full queue would only fill it again: begin anew with a keyframe when the pause is over.
    pub abandon: bool,
    /// The estimator should forget what it believes.
    pub reset: Option<Reset>,
}

/// What an estimator that was wrong begins with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reset {
    /// What the path carries.
    pub bitrate: Bitrate,
    /// Most that it may probe for at first.
    pub probe: Bitrate,
}

/// One peer's path.
#[derive(Debug)]
pub(crate) struct Path {
    estimate: Option<Bitrate>,
    shortest: Option<Duration>,
    /// Shortest of this era and when it began.
    era: Option<(Instant, Duration)>,
    recent: VecDeque<Seen>,
    noise: Duration,
    trouble: Option<Trouble>,
    /// The newest confirmation and when it came.
    fresh: Option<(Instant, Option<u64>)>,
    limit: Option<Limit>,
    sampled: Option<Instant>,
    /// What was confirmed over the last [`PROVING`].
    delivered: VecDeque<(Instant, u64)>,
    /// Since when the estimate is far below what was delivered before, and what that was.
    doubt: Option<(Instant, Bitrate)>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    rtt: Duration,
    confirmed: Option<u64>,
}

/// A path that fell or fell silent.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    /// What the path carries.
    carries: Bitrate,
    /// When the estimator was reset.
    reset: Instant,
    /// Since when nothing waits any more.
    drained: Option<Instant>,
    began: Instant,
    /// When a silent path was sent a picture.
    asked: Instant,
    /// Loss when it began.
    loss: f32,
    abandoned: bool,
}

impl Trouble {
    fn new(now: Instant, carries: Bitrate, loss: f32) -> Self {
        Self { carries, reset: now, drained: None, began: now, asked: now, loss, abandoned: false }
    }

    fn believe(&mut self, arrived: Bitrate) {
        // Only bad news: what is repeated after losses arrives as well, and more than the path carries seems to.
        self.carries = self.carries.min(arrived).max(FLOOR);
    }
}

/// What a sample says beside those before it.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// What the packet that was confirmed last waited on the way, and the least that one waited lately.
    last: Duration,
    standing: Duration,
    /// Nothing waits; something waits all the time; something waits long; it waits so long that no more should come.
    calm: bool,
    stands: bool,
    waits: bool,
    full: bool,
    /// It waits long, and longer and longer.
    steep: bool,
    /// Nothing is confirmed any more although something is on the way.
    silent: bool,
}

/// After a standing queue.
#[derive(Debug, Clone, Copy)]
struct Limit {
    rate: Bitrate,
    /// What was too much.
    ceiling: Bitrate,
    changed: Instant,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            estimate: None,
            shortest: None,
            era: None,
            recent: VecDeque::new(),
            noise: USUAL_NOISE,
            trouble: None,
            fresh: None,
            limit: None,
            sampled: None,
            delivered: VecDeque::new(),
            doubt: None,
        }
    }
}

impl Path {
    /// The path was measured while the picture took `taken`. `None`: nothing is known yet.
    pub fn on_sample(&mut self, now: Instant, sample: &PathSample, taken: Bitrate) -> Option<Verdict> {
        let before = self.estimate;
        self.estimate = sample.estimate.or(self.estimate);
        let estimate = self.estimate?;
        let elapsed = self.sampled.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.take_in(now, elapsed, sample);
        let look = self.look(now, sample, taken);
        let fell = look.steep || look.silent;
        let mut verdict = Verdict { rate: estimate.scale(SHARE), pause: false, abandon: false, reset: None };
        match self.trouble {
            Some(trouble) if trouble.drained.is_none() || !fell => {
                self.doubt = None;
                self.trouble = self.get_over(now, trouble, sample, &look, estimate, &mut verdict);
            }
            _ if fell => {
                let carries =
                    if look.silent { taken.scale(0.7) } else { carried(&self.recent).unwrap_or(taken.scale(0.5)) };
                let carries = carries.min(taken).min(estimate).max(FLOOR);
                // Of a silent path nothing is known that could be told.
                verdict.reset = (!look.silent).then_some(Reset { bitrate: carries, probe: carries.scale(0.5) });
                self.trouble = Some(Trouble::new(now, carries, sample.loss.unwrap_or(0.0)));
            }
            _ => {
                self.follow(now, elapsed.as_secs_f64(), &look, estimate, taken.min(estimate));
                if let Some(proven) = self.contradicts(now, sample, &look, before) {
                    let bitrate = proven.scale(LESS);
                    verdict.rate = bitrate;
                    verdict.reset = Some(Reset { bitrate, probe: bitrate.scale(0.5) });
                }
            }
        }
        match self.trouble {
            // Less than the path carries, so that the queue drains in about half a second.
            Some(trouble) if trouble.drained.is_none() => {
                verdict.rate = trouble.carries.scale((1.0 - look.last.as_secs_f64() * 2.0).clamp(0.25, 0.8));
                verdict.pause = look.silent || look.full;
            }
            // The estimate is not believed yet.
            Some(_) => verdict.rate = self.limit.map_or(verdict.rate, |limit| limit.rate),
            None => verdict.rate = self.limit.map_or(verdict.rate, |limit| limit.rate.min(verdict.rate)),
        }
        if let Some(trouble) = self.trouble.as_mut().filter(|_| look.silent) {
            if !trouble.abandoned && now.saturating_duration_since(trouble.began) > GONE {
                (trouble.abandoned, verdict.abandon) = (true, true);
            }
            // A path on which nothing is sent never answers.
            if trouble.asked + ASK < now {
                (trouble.asked, verdict.pause) = (now, false);
            }
        }
        Some(verdict)
    }

    /// Keeps what is new in a sample.
    fn take_in(&mut self, now: Instant, elapsed: Duration, sample: &PathSample) {
        if elapsed > STANDS + WINDOW {
            // The picture rested: what was seen before says nothing about now.
            self.fresh = None;
            self.recent.clear();
            self.delivered.clear();
        }
        if let Some(confirmed) = sample.confirmed {
            self.delivered.push_back((now, confirmed));
        }
        while self.delivered.len() > 1 && self.delivered.get(1).is_some_and(|(at, _)| *at + PROVING <= now) {
            self.delivered.pop_front();
        }
        let news = self.fresh.is_none_or(|(_, confirmed)| confirmed != sample.confirmed) || sample.in_flight == 0;
        if news {
            self.fresh = Some((now, sample.confirmed));
        }
        // A confirmation that is told again says nothing about now.
        if let Some(rtt) = sample.rtt.filter(|_| news) {
            self.remember(Seen { at: now, rtt, confirmed: sample.confirmed });
        }
    }

    /// What was delivered before the estimate fell far below that, when a moment later next to nothing waits. The
    /// estimator takes a fall from what it believes to have arrived, and right after a pause or a rise that is much too
    /// little; from there it needs ten seconds to come back.
    fn contradicts(
        &mut self,
        now: Instant,
        sample: &PathSample,
        look: &Look,
        before: Option<Bitrate>,
    ) -> Option<Bitrate> {
        let estimate = self.estimate?;
        if before.is_some_and(|before| before.scale(COLLAPSE) > estimate) {
            self.doubt = self.proven().filter(|proven| proven.scale(COLLAPSE) > estimate).map(|proven| (now, proven));
        }
        // Where a path really fell, the queue grows for all to see.
        let (since, proven) = self.doubt?;
        if look.waits || sample.loss.unwrap_or(0.0) > LOSSY {
            self.doubt = None;
        }
        (now >= since + DOUBT && self.doubt.take().is_some()).then_some(proven)
    }

    /// What was delivered lately.
    fn proven(&self) -> Option<Bitrate> {
        let (&(from, first), &(to, last)) = (self.delivered.front()?, self.delivered.back()?);
        let seconds = (to - from).max(PROVING).as_secs_f64();
        Some(Bitrate::bps((last.checked_sub(first)? as f64 * 8.0 / seconds) as u64))
    }

    fn look(&self, now: Instant, sample: &PathSample, taken: Bitrate) -> Look {
        // What is not on the way waits nowhere; the last round trip may be old.
        let (last, standing) = if sample.in_flight < NOTHING { Default::default() } else { self.queues() };
        // On a slow path the packets of one picture wait for each other.
        let own = Duration::from_secs_f64((PACKETS_BITS / taken.as_f64().max(1.0)).min(0.1));
        let waits = last > STEEP + self.noise.mul_f32(2.5) + own;
        Look {
            last,
            standing,
            calm: standing < CALM + self.noise.mul_f32(0.6) + own,
            stands: standing > STANDING + self.noise.mul_f32(1.2) + own,
            waits,
            full: last > PAUSE + self.noise + own,
            steep: waits && self.grows(),
            silent: self.fresh.is_some_and(|(at, _)| now.saturating_duration_since(at) > SILENCE),
        }
    }

    /// One step out of trouble; what is left of it.
    fn get_over(
        &mut self,
        now: Instant,
        mut trouble: Trouble,
        sample: &PathSample,
        look: &Look,
        estimate: Bitrate,
        verdict: &mut Verdict,
    ) -> Option<Trouble> {
        let loss = sample.loss.unwrap_or(0.0);
        // What arrived is known when something did.
        let is_news = self.fresh.is_some_and(|(at, _)| now <= at + NEWS);
        if is_news
            && look.standing > STANDING
            && let Some(carried) = carried(&self.recent)
        {
            // Where less is sent than arrives, what arrives says nothing about the path.
            let offered = sample.in_flight as f64 * 8.0 / sample.rtt.map_or(1.0, |rtt| rtt.as_secs_f64());
            if offered > carried.as_f64() * 0.8 {
                trouble.believe(carried.scale(f64::from(1.0 - loss)));
            }
        }
        let carries = trouble.carries;
        let drained = !look.stands && !look.waits && !look.silent;
        let drains = trouble.drained.is_none();
        // What was lost in a full queue or an outage is no sign of a path that loses, and without belief nothing is sent.
        // Reports of such losses come in for a while after the path is well again.
        let faith = estimate.as_f64() / carries.as_f64();
        let starves = faith < 0.8 && (!drains || sample.backlog > WINDOW / 3);
        let believes_too_much = faith > 1.2 && drained && drains;
        if (starves || believes_too_much) && trouble.reset + WINDOW < now && !look.silent {
            let probe = carries.scale(if drained { 1.2 } else { 0.5 });
            verdict.reset = Some(Reset { bitrate: carries, probe });
            trouble.reset = now;
        }
        if !trouble.abandoned && drains && look.last > PAUSE && loss > trouble.loss + OVERFLOW {
            (trouble.abandoned, verdict.abandon) = (true, true);
        }
        match trouble.drained {
            None if drained => {
                trouble.drained = Some(now);
                self.limit = Some(Limit { rate: carries.scale(LESS), ceiling: carries, changed: now });
            }
            Some(at) if now.saturating_duration_since(at) > RECOVERY => return None,
            _ => {}
        }
        Some(trouble)
    }

    fn follow(&mut self, now: Instant, elapsed: f64, look: &Look, estimate: Bitrate, taken: Bitrate) {
        let settled = self.limit.is_none_or(|limit| now.saturating_duration_since(limit.changed) > WINDOW * 2);
        if look.stands {
            if settled {
                self.limit = Some(Limit { rate: taken.scale(LESS), ceiling: taken, changed: now });
            }
        } else if look.calm
            && let Some(limit) = &mut self.limit
        {
            // Slowly where it was too much, unless more was found since; faster beyond: the path has changed then.
            let near = (0.85..1.05).contains(&(limit.rate.as_f64() / limit.ceiling.as_f64().max(1.0)));
            let found = estimate.as_f64() > limit.ceiling.as_f64() * FOUND;
            limit.rate = limit.rate.scale(1.0 + elapsed * if near && !found { 0.03 } else { 0.7 });
            if limit.rate > estimate.scale(1.2) {
                self.limit = None;
            }
        }
    }

    fn remember(&mut self, seen: Seen) {
        let (began, shortest) = self.era.get_or_insert((seen.at, seen.rtt));
        *shortest = seen.rtt.min(*shortest);
        if seen.at.saturating_duration_since(*began) > ERA {
            self.shortest = Some(*shortest);
            self.era = Some((seen.at, seen.rtt));
        }
        self.shortest = Some(self.shortest.map_or(seen.rtt, |s| s.min(seen.rtt)));
        if let Some(last) = self.recent.back() {
            let change = seen.rtt.abs_diff(last.rtt).min(NOISE);
            self.noise = (self.noise * 31 + change) / 32;
        }
        self.recent.push_back(seen);
        while self.recent.len() > 2 && self.recent.get(1).is_some_and(|s| s.at + STANDS <= seen.at) {
            self.recent.pop_front();
        }
    }

    /// What waits on the way: as of the last confirmation, and all the time.
    fn queues(&self) -> (Duration, Duration) {
        let shortest = self.shortest.unwrap_or_default();
        let last = self.recent.back().map_or(shortest, |s| s.rtt);
        let least = self.recent.iter().map(|s| s.rtt).min().unwrap_or(shortest);
        (last.saturating_sub(shortest), least.saturating_sub(shortest))
    }

    fn grows(&self) -> bool {
        let Some((first, last)) = ends(&self.recent) else { return false };
        last.rtt > first.rtt + (last.at - first.at).mul_f64(0.25)
    }
}

/// The newest sample and the one that is [`WINDOW`] older.
fn ends(recent: &VecDeque<Seen>) -> Option<(&Seen, &Seen)> {
    let last = recent.back()?;
    let first = recent.iter().rev().find(|s| s.at + WINDOW <= last.at).or(recent.front())?;
    Some((first, last))
}

/// What was confirmed lately.
fn carried(recent: &VecDeque<Seen>) -> Option<Bitrate> {
    let (first, last) = ends(recent)?;
    let seconds = last.at.saturating_duration_since(first.at).as_secs_f64();
    let bytes = last.confirmed?.checked_sub(first.confirmed?)?;
    (seconds > 0.08).then(|| Bitrate::bps((bytes as f64 * 8.0 / seconds) as u64))
}

#[cfg(test)]
mod tests {
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
        paused: bool,
        resets: Vec<Bitrate>,
        worst: Duration,
        loss: f32,
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
                paused: false,
                resets: Vec::new(),
                worst: Duration::ZERO,
                loss: 0.0,
            }
        }

        fn run(&mut self, seconds: f64) {
            for _ in 0..(seconds / STEP) as u64 {
                self.sent += if self.paused { 300.0 } else { self.rate.as_f64() / 8.0 * STEP };
                self.confirmed = (self.confirmed + self.carries.as_f64() / 8.0 * STEP).min(self.sent);
                let waits = (self.sent - self.confirmed) * 8.0 / self.carries.as_f64();
                self.worst = self.worst.max(Duration::from_secs_f64(waits));
                self.now += Duration::from_secs_f64(STEP);
                let sample = PathSample {
                    estimate: Some(self.estimate),
                    rtt: Some(Duration::from_secs_f64(WAY + waits)),
                    loss: Some(self.loss),
                    confirmed: Some(self.confirmed as u64),
                    in_flight: (self.sent - self.confirmed) as u64 + 3_500,
                    backlog: Duration::ZERO,
                };
                let verdict = self.path.on_sample(self.now, &sample, self.rate).unwrap();
                (self.rate, self.paused) = (verdict.rate, verdict.pause);
                if let Some(reset) = verdict.reset {
                    self.resets.push(reset.bitrate);
                    self.estimate = reset.bitrate;
                }
            }
        }
    }

    #[test]
    fn nothing_is_known_before_the_first_estimate() {
        assert_eq!(Path::default().on_sample(Instant::now(), &PathSample::default(), Bitrate::mbps(1)), None);
    }

    #[test]
    fn a_free_path_gives_its_estimate() {
        let mut sim = Sim::new(Bitrate::mbps(10));
        sim.run(5.0);
        assert_eq!(sim.rate, Bitrate::mbps(10).scale(SHARE));
        assert!(sim.resets.is_empty() && !sim.paused);
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
        assert!(reset > Bitrate::kbps(600) && reset < Bitrate::mbps(7), "{reset}");
        sim.run(2.0);
        sim.worst = Duration::ZERO;
        sim.run(3.0);
        assert!(sim.worst < Duration::from_millis(120), "{:?} stand on the path", sim.worst);
        assert!(sim.rate > Bitrate::kbps(900), "fell to {}", sim.rate);
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
}
