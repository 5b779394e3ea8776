//! The access units that wait for one peer, and what is left out when it is behind.

use std::collections::VecDeque;
use std::time::Duration;

/// Longest wait in the peer's transport with which it still gets more.
const MAX_BACKLOG: Duration = Duration::from_millis(400);
/// A peer that was behind gets its keyframe when no more than this waits.
const DRAINED: Duration = Duration::from_millis(60);
const CAPACITY: usize = 4;

/// At most four access units. `T` is the access unit.
#[derive(Debug)]
pub(crate) struct UnitQueue<T> {
    units: VecDeque<T>,
    /// Nothing is taken until a keyframe.
    waiting: bool,
    pub(crate) taken: u64,
    pub(crate) skipped: u64,
}

impl<T> UnitQueue<T> {
    /// A new peer waits for a keyframe.
    pub(crate) fn new() -> Self {
        Self { units: VecDeque::with_capacity(CAPACITY), waiting: true, taken: 0, skipped: 0 }
    }

    pub(crate) fn push(&mut self, unit: T, keyframe: bool) {
        if keyframe {
            // What still waits is older than the keyframe and not needed any more.
            self.skipped += self.units.len() as u64;
            self.units.clear();
            self.waiting = false;
        } else if self.waiting {
            self.skipped += 1;
            return;
        } else if self.units.len() == CAPACITY {
            self.skip_to_keyframe();
            self.skipped += 1;
            return;
        }
        self.units.push_back(unit);
    }

    /// Units are missing before the next one.
    pub(crate) fn skip_to_keyframe(&mut self) {
        self.skipped += self.units.len() as u64;
        self.units.clear();
        self.waiting = true;
    }

    /// The next unit, when the transport can take one.
    pub(crate) fn pop(&mut self, backlog: Duration) -> Option<T> {
        if backlog > MAX_BACKLOG {
            return None;
        }
        let unit = self.units.pop_front()?;
        self.taken += 1;
        Some(unit)
    }

    /// A keyframe would be of use now: it waits for one, and it would go out at once.
    pub(crate) fn wants_keyframe(&self, backlog: Duration) -> bool {
        self.waiting && backlog <= DRAINED
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::ZERO;
    const STUCK: Duration = Duration::from_secs(1);

    #[test]
    fn a_newcomer_starts_with_a_keyframe() {
        let mut queue = UnitQueue::new();
        assert!(queue.wants_keyframe(IDLE));
        queue.push(1, false);
        assert_eq!(queue.pop(IDLE), None);
        queue.push(2, true);
        queue.push(3, false);
        assert!(!queue.wants_keyframe(IDLE));
        assert_eq!((queue.pop(IDLE), queue.pop(IDLE), queue.pop(IDLE)), (Some(2), Some(3), None));
        assert_eq!((queue.taken, queue.skipped), (2, 1));
    }

    #[test]
    fn a_slow_peer_skips_to_the_next_keyframe() {
        let mut queue = UnitQueue::new();
        queue.push(0, true);
        for i in 1..4 {
            queue.push(i, false);
        }
        assert_eq!(queue.pop(STUCK), None);
        queue.push(4, false);
        assert!(!queue.wants_keyframe(STUCK), "a keyframe would only wait behind what is stuck");
        assert!(queue.wants_keyframe(IDLE));
        queue.push(5, false);
        assert_eq!(queue.pop(IDLE), None, "a unit after a gap was sent");
        queue.push(6, true);
        assert_eq!(queue.pop(IDLE), Some(6));
        assert_eq!(queue.skipped, 6);
    }

    #[test]
    fn a_keyframe_replaces_what_waits() {
        let mut queue = UnitQueue::new();
        queue.push(0, true);
        queue.push(1, false);
        queue.push(2, true);
        assert_eq!((queue.pop(IDLE), queue.pop(IDLE)), (Some(2), None));
    }
}
