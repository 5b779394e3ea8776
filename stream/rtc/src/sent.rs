//! How much had been sent at a moment.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Moments that are told apart.
const STEP: Duration = Duration::from_millis(2);
/// Longest round trip that is looked back over.
const MEMORY: Duration = Duration::from_secs(2);

/// Bytes sent, with the time.
#[derive(Debug, Default)]
pub(crate) struct SentBytes {
    total: u64,
    /// Bytes sent before each moment.
    before: VecDeque<(Instant, u64)>,
}

impl SentBytes {
    pub(crate) fn add(&mut self, now: Instant, bytes: usize) {
        if self.before.back().is_none_or(|(at, _)| *at + STEP <= now) {
            self.before.push_back((now, self.total));
            while self.before.front().is_some_and(|(at, _)| *at + MEMORY < now) {
                self.before.pop_front();
            }
        }
        self.total += bytes as u64;
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Bytes that were sent by then. `None`: nobody remembers.
    pub(crate) fn by(&self, at: Instant) -> Option<u64> {
        let next = self.before.partition_point(|(moment, _)| *moment <= at);
        (next > 0).then(|| self.before.get(next).map_or(self.total, |(_, bytes)| *bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_back_as_far_as_it_remembers() {
        let (start, mut sent) = (Instant::now(), SentBytes::default());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(sent.by(start), None);
        for i in 0..400 {
            sent.add(at(i * 10), 60);
            sent.add(at(i * 10), 40);
        }
        assert_eq!(sent.by(at(3_990)), Some(40_000));
        assert_eq!(sent.by(at(3_500)), Some(35_100));
        assert_eq!(sent.by(at(3_495)), Some(35_000));
        assert_eq!(sent.by(at(1_000)), None);
        assert!(sent.before.len() < 250);
    }
}
