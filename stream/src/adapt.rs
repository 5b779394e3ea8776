//! The bitrate of a rung from what its peers can carry. Pure logic: time is an argument.
//!
//! All peers of a rung get the same access units, so the slowest decides, within bounds: a peer below the lower bound
//! does not pull the others down with it; it leaves pictures out instead.

use rr_encode::Bitrate;
use rr_rtc::{PeerId, PeerStats};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Bounds of the adaptation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptConfig {
    /// Never less.
    pub min: Bitrate,
    /// Never more.
    pub max: Bitrate,
    /// Without any peer, and until the first estimate.
    pub start: Bitrate,
}

impl Default for AdaptConfig {
    fn default() -> Self {
        Self { min: Bitrate::kbps(500), max: Bitrate::mbps(8), start: Bitrate::kbps(2_500) }
    }
}

/// Share of an estimate that the picture may take; the rest is for retransmissions and for the estimate to grow.
const SHARE: f64 = 0.8;
/// Rises are taken in steps no shorter than this; falls at once.
const RISE_INTERVAL: Duration = Duration::from_millis(500);
/// Largest rise in one step.
const RISE: f64 = 1.3;
/// Smaller changes are not worth a call.
const DEAD_BAND: f64 = 0.03;
/// A round trip this much longer than the shortest seen means a queue on the path that the estimate has not seen yet.
const QUEUE: Duration = Duration::from_millis(250);
/// What is left of a peer's rate then, and for how long.
const QUEUE_CUT: f64 = 0.6;
const QUEUE_HOLD: Duration = Duration::from_secs(2);

/// Decides the bitrate of one rung.
#[derive(Debug)]
pub struct Adaptation {
    config: AdaptConfig,
    peers: BTreeMap<PeerId, Path>,
    current: Bitrate,
    risen: Option<Instant>,
}

#[derive(Debug, Default)]
struct Path {
    estimate: Option<Bitrate>,
    shortest_rtt: Option<Duration>,
    /// Until then no more than this.
    cut: Option<(Instant, Bitrate)>,
}

impl Adaptation {
    /// Starts at [`AdaptConfig::start`].
    pub fn new(config: AdaptConfig) -> Self {
        let current = config.start.clamp(config.min, config.max.max(config.min));
        Self { config, peers: BTreeMap::new(), current, risen: None }
    }

    /// The bitrate to encode with.
    pub fn bitrate(&self) -> Bitrate {
        self.current
    }

    /// A peer's path was measured. The new bitrate if it changes.
    pub fn on_estimate(&mut self, now: Instant, peer: PeerId, estimate: Bitrate) -> Option<Bitrate> {
        self.peers.entry(peer).or_default().estimate = Some(estimate);
        self.update(now)
    }

    /// Statistics of a peer: a growing round trip cuts at once. The new bitrate if it changes.
    pub fn on_stats(&mut self, now: Instant, peer: PeerId, stats: &PeerStats) -> Option<Bitrate> {
        let current = self.current;
        let path = self.peers.entry(peer).or_default();
        if let Some(rtt) = stats.rtt {
            let shortest = path.shortest_rtt.map_or(rtt, |shortest| shortest.min(rtt));
            path.shortest_rtt = Some(shortest);
            let cutting = path.cut.is_some_and(|(until, _)| now < until);
            if rtt > shortest + QUEUE && !cutting {
                path.cut = Some((now + QUEUE_HOLD, current.scale(QUEUE_CUT)));
            }
        }
        self.update(now)
    }

    /// A peer is gone. The new bitrate if it changes.
    pub fn remove(&mut self, now: Instant, peer: PeerId) -> Option<Bitrate> {
        self.peers.remove(&peer);
        self.update(now)
    }

    fn update(&mut self, now: Instant) -> Option<Bitrate> {
        let slowest = self.peers.values().filter_map(|path| path.rate(now)).min();
        let bounded = |rate: Bitrate| rate.min(self.config.max).max(self.config.min);
        let wish = bounded(slowest?);
        let change = (wish.as_f64() - self.current.as_f64()) / self.current.as_f64().max(1.0);
        if change.abs() < DEAD_BAND {
            return None;
        }
        if change > 0.0 {
            if self.risen.is_some_and(|at| now < at + RISE_INTERVAL) {
                return None;
            }
            self.risen = Some(now);
            self.current = bounded(wish.min(self.current.scale(RISE)));
        } else {
            self.current = wish;
            // No rise right after a fall.
            self.risen = Some(now);
        }
        Some(self.current)
    }
}

impl Path {
    fn rate(&self, now: Instant) -> Option<Bitrate> {
        let cut = self.cut.filter(|(until, _)| now < *until).map(|(_, rate)| rate);
        [self.estimate.map(|estimate| estimate.scale(SHARE)), cut].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PeerId = PeerId(1);
    const B: PeerId = PeerId(2);

    fn adaptation() -> Adaptation {
        Adaptation::new(AdaptConfig { min: Bitrate::kbps(500), max: Bitrate::mbps(10), start: Bitrate::mbps(2) })
    }

    /// Repeats an estimate every 100 ms.
    fn hold(adaptation: &mut Adaptation, now: &mut Instant, peer: PeerId, estimate: Bitrate, seconds: u64) {
        for _ in 0..seconds * 10 {
            adaptation.on_estimate(*now, peer, estimate);
            *now += Duration::from_millis(100);
        }
    }

    #[test]
    fn the_slowest_peer_decides_within_bounds() {
        let (mut adaptation, mut now) = (adaptation(), Instant::now());
        assert_eq!(adaptation.bitrate(), Bitrate::mbps(2));
        hold(&mut adaptation, &mut now, A, Bitrate::mbps(50), 10);
        assert_eq!(adaptation.bitrate(), Bitrate::mbps(10));
        hold(&mut adaptation, &mut now, B, Bitrate::mbps(5), 1);
        assert_eq!(adaptation.bitrate(), Bitrate::mbps(4));
        hold(&mut adaptation, &mut now, B, Bitrate::kbps(100), 1);
        assert_eq!(adaptation.bitrate(), Bitrate::kbps(500), "a hopeless peer pulls all others down");
        adaptation.remove(now, B);
        hold(&mut adaptation, &mut now, A, Bitrate::mbps(50), 20);
        assert_eq!(adaptation.bitrate(), Bitrate::mbps(10));
    }

    #[test]
    fn falls_at_once_and_rises_in_steps() {
        let (mut adaptation, mut now) = (adaptation(), Instant::now());
        hold(&mut adaptation, &mut now, A, Bitrate::mbps(12), 10);
        assert_eq!(adaptation.on_estimate(now, A, Bitrate::mbps(2)), Some(Bitrate::kbps(1_600)));
        assert_eq!(adaptation.on_estimate(now, A, Bitrate::mbps(12)), None, "rises right after a fall");
        now += Duration::from_secs(1);
        let step = adaptation.on_estimate(now, A, Bitrate::mbps(12)).unwrap();
        assert!(step <= Bitrate::kbps(2_100), "{step}");
        assert_eq!(adaptation.on_estimate(now, A, Bitrate::mbps(12)), None);
        // From 1.6 to 9.6 Mbit/s by 1.3 each half second: seven steps.
        hold(&mut adaptation, &mut now, A, Bitrate::mbps(12), 5);
        assert_eq!(adaptation.bitrate(), Bitrate::kbps(9_600));
    }

    #[test]
    fn small_changes_are_not_passed_on() {
        let (mut adaptation, mut now) = (adaptation(), Instant::now());
        hold(&mut adaptation, &mut now, A, Bitrate::mbps(5), 10);
        assert_eq!(adaptation.on_estimate(now, A, Bitrate::kbps(5_100)), None);
        assert_eq!(adaptation.on_estimate(now, A, Bitrate::kbps(4_900)), None);
    }

    #[test]
    fn a_queue_on_the_path_cuts_before_the_estimate_does() {
        let (mut adaptation, mut now) = (adaptation(), Instant::now());
        let stats = |ms| PeerStats { rtt: Some(Duration::from_millis(ms)), ..PeerStats::default() };
        hold(&mut adaptation, &mut now, A, Bitrate::mbps(12), 10);
        assert_eq!(adaptation.on_stats(now, A, &stats(40)), None);
        let cut = adaptation.on_stats(now, A, &stats(400)).unwrap();
        assert_eq!(cut, Bitrate::mbps(12).scale(0.8 * 0.6));
        assert_eq!(adaptation.on_stats(now, A, &stats(400)), None, "cut twice for one queue");
        now += Duration::from_millis(2_100);
        assert!(adaptation.on_stats(now, A, &stats(45)).unwrap() > cut);
    }

    #[test]
    fn no_peer_keeps_the_rate() {
        let (mut adaptation, now) = (adaptation(), Instant::now());
        assert_eq!(adaptation.remove(now, A), None);
        assert_eq!(adaptation.on_stats(now, A, &PeerStats::default()), None);
        assert_eq!(adaptation.bitrate(), Bitrate::mbps(2));
    }
}
