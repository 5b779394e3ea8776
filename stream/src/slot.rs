//! Where the newest frame waits for the encoder.

use rr_encode::Frame;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Holds the newest frame of a view between the renderer and the encoder. Clones are the same slot.
#[derive(Debug, Clone, Default)]
pub struct FrameSlot {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    frame: Option<Frame>,
    /// The frame that is taken next has to be encoded as a keyframe.
    anew: bool,
    dropped: u64,
    woken: bool,
}

impl FrameSlot {
    /// An empty slot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a frame in. One that still waits there is dropped and goes back to its pool. Never waits.
    pub fn put(&self, frame: Frame) {
        self.replace(frame, false);
    }

    /// As [`FrameSlot::put`], after pictures were missing: the stream begins anew with a keyframe.
    pub fn put_anew(&self, frame: Frame) {
        self.replace(frame, true);
    }

    fn replace(&self, frame: Frame, anew: bool) {
        let replaced = {
            let mut state = self.lock();
            state.anew |= anew;
            let replaced = state.frame.replace(frame);
            state.dropped += u64::from(replaced.is_some());
            replaced
        };
        self.shared.changed.notify_one();
        drop(replaced);
    }

    /// The frame that waits, if any.
    pub fn take(&self) -> Option<Frame> {
        self.lock().frame.take()
    }

    /// Frames that were replaced before anybody took them.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Ends a wait.
    pub(crate) fn wake(&self) {
        self.lock().woken = true;
        self.shared.changed.notify_one();
    }

    /// Waits for a frame, a wake-up or a moment. With the frame comes whether the stream begins anew with it.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Option<(Frame, bool)> {
        let mut state = self.lock();
        loop {
            if let Some(frame) = state.frame.take() {
                return Some((frame, std::mem::take(&mut state.anew)));
            }
            if std::mem::take(&mut state.woken) {
                return None;
            }
            state = match until.map(|at| at.saturating_duration_since(Instant::now())) {
                None => self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return None,
                Some(left) => self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_encode::FramePool;

    #[test]
    fn the_latest_frame_wins_and_the_others_go_home() {
        let (pool, slot) = (FramePool::new(), FrameSlot::new());
        for number in 1..=10 {
            let mut frame = pool.take().expect("a replaced frame did not go back to its pool");
            frame.number = number;
            slot.put(frame);
        }
        assert_eq!(slot.dropped(), 9);
        assert_eq!(slot.take().unwrap().number, 10);
        assert!(slot.take().is_none());
    }

    #[test]
    fn a_new_beginning_outlives_the_frame_it_came_with() {
        let (pool, slot) = (FramePool::new(), FrameSlot::new());
        slot.put_anew(pool.take().unwrap());
        slot.put(pool.take().unwrap());
        assert!(slot.wait(None).unwrap().1);
        slot.put(pool.take().unwrap());
        assert!(!slot.wait(None).unwrap().1);
    }

    #[test]
    fn a_wake_up_before_the_wait_is_not_lost() {
        let slot = FrameSlot::new();
        slot.wake();
        assert!(slot.wait(None).is_none());
        assert!(slot.wait(Some(Instant::now())).is_none());
    }
}
