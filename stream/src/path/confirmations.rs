//! What a viewer's confirmations say: how long packets waited on the way, and how much arrived.
//!
//! Viewers confirm in bunches, and late when they are busy. So a queue is what is left above the shortest round trip and
//! the usual noise, and what the path carries is taken over several bunches.

use rr_encode::Bitrate;
use rr_rtc::PathSample;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A standing queue that is none.
const CALM: Duration = Duration::from_millis(10);
/// A standing queue that takes some of the rate; the noise of the round trips comes on top.
pub(super) const STANDING: Duration = Duration::from_millis(16);
/// A queue that is not accepted at all; twice the noise comes on top.
const STEEP: Duration = Duration::from_millis(45);
/// A path that is given less than this share of what it delivered a moment ago should have no queue: one that shows takes
/// [`DOUBTED`] more to be believed, unless it grows by [`CLIMBS`] of the time from one confirmation to the next.
const FAMILIAR: f64 = 0.92;
const DOUBTED: Duration = Duration::from_millis(30);
const CLIMBS: f64 = 0.4;
/// Two packets.
const PACKETS_BITS: f64 = 2.0 * 1_200.0 * 8.0;
/// Bytes on the way that are no queue.
pub(super) const NOTHING: u64 = 3_000;
/// What arrived is news for so long: viewers confirm packets in bunches.
const NEWS: Duration = Duration::from_millis(100);
/// A path from which nothing is heard for so long, though something is on the way, is silent.
const SILENCE: Duration = Duration::from_millis(400);
/// Noise of a viewer that confirms every 50 ms or so.
const USUAL_NOISE: Duration = Duration::from_millis(14);
/// Most noise that is allowed for.
const NOISE: Duration = Duration::from_millis(40);
/// A path has proven what it delivered over this time, or over the least of it.
pub(super) const PROVING: Duration = Duration::from_millis(1_000);
const LEAST_PROVING: Duration = Duration::from_millis(400);
/// Round trips are compared over so much time; viewers confirm packets in bunches.
pub(super) const WINDOW: Duration = Duration::from_millis(150);
/// A queue that stands does so for this long.
pub(super) const STANDS: Duration = Duration::from_millis(200);
/// The shortest round trip is that of the last one to two of these: routes change.
const ERA: Duration = Duration::from_secs(20);

/// The confirmations of the last second, and what is remembered of those before.
#[derive(Debug)]
pub(super) struct Confirmations {
    shortest: Option<Duration>,
    /// Shortest of this era and when it began.
    era: Option<(Instant, Duration)>,
    recent: VecDeque<Seen>,
    noise: Duration,
    /// The newest confirmation and when it came.
    fresh: Option<(Instant, Confirmation)>,
    /// When nothing was on the way last.
    idle: Option<Instant>,
    /// What had arrived, over the last [`PROVING`].
    delivered: VecDeque<(Instant, u64)>,
}

/// Bytes and round trip: where nothing was sent for a moment, the next packet confirms no more bytes, and tells more all
/// the same.
type Confirmation = (Option<u64>, Option<Duration>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    rtt: Duration,
    received: Option<u64>,
}

/// What a sample says beside those before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// What the packet that was confirmed last waited on the way.
    pub last: Duration,
    /// The least that one waited lately.
    pub standing: Duration,
    /// The same whether something else was on the way or not; nothing when it is no more than noise.
    pub least: Duration,
    /// Nothing waits.
    pub calm: bool,
    /// Something waits all the time.
    pub stands: bool,
    /// Something waits long.
    pub waits: bool,
    /// It waits long, and longer and longer.
    pub steep: bool,
    /// Nothing is confirmed any more although something is on the way.
    pub silent: bool,
}

impl Default for Confirmations {
    fn default() -> Self {
        Self {
            shortest: None,
            era: None,
            recent: VecDeque::new(),
            noise: USUAL_NOISE,
            fresh: None,
            idle: None,
            delivered: VecDeque::new(),
        }
    }
}

impl Confirmations {
    /// Keeps what is new in a sample.
    pub fn take_in(&mut self, now: Instant, elapsed: Duration, sample: &PathSample) {
        if elapsed > STANDS + WINDOW {
            // The picture rested: what was seen before says nothing about now.
            self.fresh = None;
            self.recent.clear();
            self.delivered.clear();
        }
        if sample.in_flight < NOTHING {
            self.idle = Some(now);
        }
        if let Some(received) = sample.received {
            self.delivered.push_back((now, received));
        }
        while self.delivered.len() > 1 && self.delivered.get(1).is_some_and(|(at, _)| *at + PROVING <= now) {
            self.delivered.pop_front();
        }
        let newest = (sample.confirmed, sample.rtt);
        let news = self.fresh.is_none_or(|(_, last)| last != newest) || sample.in_flight == 0;
        if news {
            self.fresh = Some((now, newest));
        }
        // A confirmation that is told again says nothing about now.
        if let Some(rtt) = sample.rtt.filter(|_| news) {
            self.remember(Seen { at: now, rtt, received: sample.received });
        }
    }

    /// Something was confirmed just now.
    pub fn is_news(&self, now: Instant) -> bool {
        self.fresh.is_some_and(|(at, _)| now <= at + NEWS)
    }

    /// What was delivered over so much time until now.
    pub fn delivered(&self, time: Duration) -> Option<Bitrate> {
        let &(to, last) = self.delivered.back()?;
        let &(from, first) = self.delivered.iter().find(|(at, _)| *at + time >= to)?;
        let seconds = (to - from).max(LEAST_PROVING).as_secs_f64();
        Some(Bitrate::bps((last.checked_sub(first)? as f64 * 8.0 / seconds) as u64))
    }

    /// What the newest sample says of a path that has `proven` to carry so much and is given `taken`.
    pub fn look(&self, now: Instant, sample: &PathSample, taken: Bitrate, proven: Option<Bitrate>) -> Look {
        // What is not on the way waits nowhere; the last round trip may be old.
        let (last, standing) = if sample.in_flight < NOTHING { Default::default() } else { self.queues(now) };
        // On a slow path the packets of one picture wait for each other.
        let own = Duration::from_secs_f64((PACKETS_BITS / taken.as_f64().max(1.0)).min(0.1));
        // Where packets are late by chance, a picture or two on top of that look like a path that fell. Where few packets are
        // a long wait already there is nothing to spare.
        let familiar = proven.is_some_and(|proven| proven.scale(FAMILIAR) > taken);
        let doubt = if familiar { DOUBTED.saturating_sub(own.mul_f64(1.5)) } else { Duration::ZERO };
        let late = if self.climbs() { Duration::ZERO } else { doubt };
        let waits = last > STEEP + self.noise.mul_f32(2.5) + own + late;
        let shortest = self.shortest.unwrap_or_default();
        let least = self.recent.iter().map(|seen| seen.rtt).min().unwrap_or(shortest).saturating_sub(shortest);
        let calm = CALM + self.noise.mul_f32(0.6) + own;
        Look {
            last,
            standing,
            least: if least < calm { Duration::ZERO } else { least },
            calm: standing < calm,
            stands: standing > STANDING + self.noise.mul_f32(1.2) + own + doubt,
            waits,
            steep: waits && self.grows(),
            silent: self.fresh.is_some_and(|(at, _)| now.saturating_duration_since(at) > SILENCE),
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

    /// What waits on the way: as of the last confirmation, and all the time. No longer than since nothing was on the way.
    fn queues(&self, now: Instant) -> (Duration, Duration) {
        let shortest = self.shortest.unwrap_or_default();
        let last = self.recent.back().map_or(shortest, |s| s.rtt);
        let least = self.recent.iter().map(|s| s.rtt).min().unwrap_or(shortest);
        let most = self.idle.map_or(Duration::MAX, |at| now.saturating_duration_since(at));
        (last.saturating_sub(shortest).min(most), least.saturating_sub(shortest).min(most))
    }

    /// The way is longer than it was: the shortest round trip of late is the shortest.
    pub fn begin_anew(&mut self, now: Instant) {
        self.shortest = self.recent.iter().map(|seen| seen.rtt).min();
        self.era = self.shortest.map(|shortest| (now, shortest));
    }

    /// So fast that no chance is likely.
    fn climbs(&self) -> bool {
        let mut newest = self.recent.iter().rev();
        let (Some(last), Some(before)) = (newest.next(), newest.next()) else { return false };
        last.rtt > before.rtt + (last.at - before.at).mul_f64(CLIMBS)
    }

    fn grows(&self) -> bool {
        let Some((first, last)) = self.ends() else { return false };
        last.rtt > first.rtt + (last.at - first.at).mul_f64(0.25)
    }

    /// The newest sample and the one that is [`WINDOW`] older.
    fn ends(&self) -> Option<(&Seen, &Seen)> {
        let last = self.recent.back()?;
        let first = self.recent.iter().rev().find(|s| s.at + WINDOW <= last.at).or(self.recent.front())?;
        Some((first, last))
    }

    /// What arrived lately.
    pub fn carried(&self) -> Option<Bitrate> {
        let (first, last) = self.ends()?;
        let seconds = last.at.saturating_duration_since(first.at).as_secs_f64();
        let bytes = last.received?.checked_sub(first.received?)?;
        (seconds > 0.08).then(|| Bitrate::bps((bytes as f64 * 8.0 / seconds) as u64))
    }

    /// For how long something has been on the way without a pause; `most` when that is longer than is known.
    pub fn busy(&self, now: Instant, most: Duration) -> Duration {
        self.idle.map_or(most, |at| now.saturating_duration_since(at)).min(most)
    }
}

/// Bytes sent by now.
pub(super) fn sent(sample: &PathSample) -> u64 {
    sample.confirmed.unwrap_or(0) + sample.in_flight
}

/// What is on its way, in bits per second.
pub(super) fn offered(sample: &PathSample) -> f64 {
    sample.in_flight as f64 * 8.0 / sample.rtt.map_or(1.0, |rtt| rtt.as_secs_f64())
}
