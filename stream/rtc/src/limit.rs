//! Limits on what a viewer may send.

use std::time::Instant;

/// A token bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(capacity: f64, per_second: f64, now: Instant) -> Self {
        Self { capacity, per_second, level: capacity, at: now }
    }

    /// Takes so much out; `false` and nothing taken when there is not enough.
    pub(crate) fn take(&mut self, amount: f64, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.level = (self.level + elapsed * self.per_second).min(self.capacity);
        let enough = self.level >= amount;
        if enough {
            self.level -= amount;
        }
        enough
    }
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Pass it on.
    Take,
    /// Too many: drop it.
    Drop,
    /// Far too many for too long: end this peer.
    Flood,
}

/// Messages of one peer. Pointers and touch send up to about 250 messages a second; a burst after a stalled link is
/// let through, a little too much is thinned out, and what keeps coming is a flood.
#[derive(Debug)]
pub(crate) struct MessageLimit {
    messages: Bucket,
    bytes: Bucket,
    tolerance: Bucket,
}

impl MessageLimit {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            messages: Bucket::new(1_000.0, 500.0, now),
            bytes: Bucket::new(4e6, 1e6, now),
            tolerance: Bucket::new(1_000.0, 100.0, now),
        }
    }

    pub(crate) fn judge(&mut self, len: usize, now: Instant) -> Verdict {
        if self.messages.take(1.0, now) && self.bytes.take(len as f64, now) {
            Verdict::Take
        } else if self.tolerance.take(1.0, now) {
            Verdict::Drop
        } else {
            Verdict::Flood
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Sends evenly and says what happened.
    fn send(per_second: u32, seconds: u32, len: usize) -> (u32, bool) {
        let start = Instant::now();
        let mut limit = MessageLimit::new(start);
        let mut dropped = 0;
        for i in 0..per_second * seconds {
            let now = start + Duration::from_secs_f64(f64::from(i) / f64::from(per_second));
            match limit.judge(len, now) {
                Verdict::Take => {}
                Verdict::Drop => dropped += 1,
                Verdict::Flood => return (dropped, true),
            }
        }
        (dropped, false)
    }

    #[test]
    fn a_busy_hand_is_no_flood() {
        assert_eq!(send(250, 60, 120), (0, false));
    }

    #[test]
    fn too_much_is_thinned_out() {
        let (dropped, flood) = send(550, 30, 120);
        assert!(dropped > 100 && !flood);
    }

    #[test]
    fn a_continuous_flood_is_seen_soon() {
        assert!(send(5_000, 2, 10).1);
        // Few but huge ones are a flood too.
        assert!(send(400, 30, 16_000).1);
    }

    #[test]
    fn time_may_stand_still_or_step_back() {
        let now = Instant::now();
        let mut bucket = Bucket::new(2.0, 1.0, now);
        assert!(bucket.take(1.0, now) && bucket.take(1.0, now) && !bucket.take(1.0, now));
        assert!(!bucket.take(1.0, now - Duration::from_millis(900)));
        assert!(bucket.take(1.0, now + Duration::from_secs(1)));
    }
}
