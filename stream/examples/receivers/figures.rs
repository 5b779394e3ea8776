//! What is measured.

use std::fs;

/// Processor time of the host's network thread and memory of the host.
pub struct Cpu {
    at: std::time::Instant,
    network: f64,
}

pub struct Used {
    /// Share of one core.
    pub network: f64,
    pub memory_mb: f64,
}

/// Of Linux, in `/proc/*/stat`.
const TICKS_PER_SECOND: f64 = 100.0;

impl Cpu {
    pub fn now() -> Self {
        Self { at: std::time::Instant::now(), network: network_seconds() }
    }

    pub fn until_now(&self) -> Used {
        let network = (network_seconds() - self.network) / self.at.elapsed().as_secs_f64();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb: f64 = resident.and_then(|r| r.split_whitespace().next()?.parse().ok()).unwrap_or(0.0);
        Used { network, memory_mb: kb / 1024.0 }
    }
}

fn network_seconds() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let network = tasks.filter_map(|task| {
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        // "id (name) state ...", and user and system time are the twelfth and thirteenth after the name.
        let (head, tail) = stat.rsplit_once(')')?;
        if !head.ends_with("(rr-rtc") {
            return None;
        }
        let ticks = |index: usize| tail.split_whitespace().nth(index)?.parse::<f64>().ok();
        Some(ticks(11)? + ticks(12)?)
    });
    network.sum::<f64>() / TICKS_PER_SECOND
}

/// Of all receivers of a crowd together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Latency {
    /// Pictures a second, the mean of all receivers and the one with the fewest.
    pub rate: f64,
    pub fewest: f64,
    pub mbps: f64,
    /// Milliseconds from handing a picture over to having it whole.
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

impl Latency {
    /// `waits`: of each receiver, all its pictures in microseconds.
    pub fn of(waits: &[Vec<u32>], bytes: u64, seconds: f64) -> Self {
        let mut all: Vec<u32> = waits.iter().flatten().copied().collect();
        all.sort_unstable();
        let share = |share: f64| f64::from(*all.get((all.len() as f64 * share) as usize).unwrap_or(&0)) / 1e3;
        let receivers = waits.len().max(1) as f64;
        Self {
            rate: all.len() as f64 / receivers / seconds,
            fewest: waits.iter().map(Vec::len).min().unwrap_or(0) as f64 / seconds,
            mbps: bytes as f64 * 8e-6 / receivers / seconds,
            p50: share(0.5),
            p95: share(0.95),
            p99: share(0.99),
        }
    }

    pub fn line(&self) -> String {
        let all = [self.rate, self.fewest, self.mbps, self.p50, self.p95, self.p99];
        all.map(|value| value.to_string()).join(" ")
    }

    pub fn parse(line: &str) -> Self {
        let values: Vec<f64> = line.split(' ').map(|value| value.parse().unwrap()).collect();
        let [rate, fewest, mbps, p50, p95, p99] = values[..] else { panic!("not figures: {line}") };
        Self { rate, fewest, mbps, p50, p95, p99 }
    }
}
