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

/// How much of what was confirmed arrived. Reports tell what share of the last second's packets was lost; what was lost
/// before that second is known from those before.
#[derive(Debug, Default)]
pub(crate) struct ReceivedBytes {
    /// Bytes sent up to a packet that was confirmed, and how many of them were lost.
    lost: VecDeque<(u64, u64)>,
}

impl ReceivedBytes {
    /// Of the bytes sent from `before` to `confirmed`, this share was lost.
    pub(crate) fn on_report(&mut self, before: u64, confirmed: u64, loss: f32) {
        let (known_to, known) = self.lost.back().copied().unwrap_or_default();
        if confirmed <= known_to {
            return;
        }
        let recently = confirmed.saturating_sub(before) as f64 * f64::from(loss.clamp(0.0, 1.0));
        let lost = self.lost_of(before) + recently as u64;
        self.lost.push_back((confirmed, lost.clamp(known, known + confirmed - known_to)));
        while self.lost.get(1).is_some_and(|(bytes, _)| *bytes <= before) {
            self.lost.pop_front();
        }
    }

    /// Of so many bytes that were sent first.
    pub(crate) fn of(&self, sent: u64) -> u64 {
        sent - self.lost_of(sent).min(sent)
    }

    /// Between two reports as many were lost everywhere.
    fn lost_of(&self, sent: u64) -> u64 {
        let next = self.lost.partition_point(|(bytes, _)| *bytes <= sent);
        let (from, lost) = next.checked_sub(1).and_then(|last| self.lost.get(last)).copied().unwrap_or_default();
        let Some(&(to, then)) = self.lost.get(next).filter(|(to, _)| *to > from) else { return lost };
        lost + ((then - lost) as f64 * (sent - from) as f64 / (to - from) as f64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_is_what_was_not_lost_in_any_second() {
        let mut received = ReceivedBytes::default();
        // A report each 10,000 bytes; a second has 50,000. A tenth is lost, then nothing, then half.
        let mut arrived = 0;
        for step in 1..=60u64 {
            let share = |step: u64| match step {
                1..=20 => 0.1,
                21..=40 => 0.0,
                _ => 0.5,
            };
            let first = step.saturating_sub(5) + 1;
            let loss = (first..=step).map(share).sum::<f64>() / (step - first + 1) as f64;
            received.on_report((first - 1) * 10_000, step * 10_000, loss as f32);
            arrived += (10_000.0 * (1.0 - share(step))) as u64;
            assert!(received.of(step * 10_000).abs_diff(arrived) < 20, "{} {arrived}", received.of(step * 10_000));
        }
        assert!(received.lost.len() < 10);
        // Nothing new, and what cannot be.
        let before = received.of(600_000);
        received.on_report(550_000, 600_000, 1.0);
        received.on_report(0, 610_000, f32::NAN);
        assert!(received.of(610_000) >= before, "what arrived does not go back");
        received.on_report(600_000, 620_000, 7.0);
        assert!(received.of(620_000) <= 620_000);
    }

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
