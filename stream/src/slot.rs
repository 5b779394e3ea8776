//! Where the newest frame waits for the encoder.

use rr_encode::{CardId, Frame};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// When a waiting frame may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// From this moment on.
    From(Instant),
    /// Not at all.
    Nothing,
}

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
    /// Whoever takes the frames takes those of this card where they lie.
    card: Option<CardId>,
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

    /// Whoever takes the frames takes those of this card where they lie, or none such.
    pub fn set_card(&self, card: Option<CardId>) {
        self.lock().card = card;
    }

    /// Whether a frame waits.
    pub(crate) fn has_frame(&self) -> bool {
        self.lock().frame.is_some()
    }

    /// Frames that were replaced before anybody took them.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Puts back what was taken too early, unless something newer waits by now.
    pub(crate) fn put_back(&self, frame: Frame, anew: bool) {
        let mut state = self.lock();
        state.anew |= anew;
        if state.frame.is_none() {
            state.frame = Some(frame);
        }
    }

    /// Ends a wait.
    pub(crate) fn wake(&self) {
        self.lock().woken = true;
        self.shared.changed.notify_one();
    }

    /// Waits for a frame that may be taken, a wake-up or a moment. With the frame comes whether the stream begins anew
    /// with it.
    pub(crate) fn wait(&self, take: Take, until: Option<Instant>) -> Option<(Frame, bool)> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let from = match take {
                Take::From(at) => Some(at),
                Take::Nothing => None,
            };
            if from.is_some_and(|at| at <= now)
                && let Some(frame) = state.frame.take()
            {
                return Some((frame, std::mem::take(&mut state.anew)));
            }
            if std::mem::take(&mut state.woken) {
                return None;
            }
            let waits_for_frame = from.filter(|_| state.frame.is_some());
            let next = [until, waits_for_frame].into_iter().flatten().min();
            state = match next.map(|at| at.saturating_duration_since(now)) {
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

/// Hands the frames of a view to the slots of all its encoders. Clones are the same fan.
#[derive(Debug, Clone, Default)]
pub struct FrameFan {
    shared: Arc<Mutex<Listeners>>,
}

#[derive(Debug, Default)]
struct Listeners {
    slots: Vec<FrameSlot>,
    /// For a listener who comes while the picture rests.
    last: Option<Frame>,
}

impl FrameFan {
    /// One more slot. The last frame waits in it already.
    pub fn open(&self) -> FrameSlot {
        let slot = FrameSlot::new();
        let mut listeners = self.lock();
        if let Some(mut frame) = listeners.last.clone() {
            // A moment of its own: the others were encoded before.
            frame.captured_at = Instant::now();
            slot.put(frame);
        }
        listeners.slots.push(slot.clone());
        slot
    }

    /// A slot that nobody listens to any more.
    pub fn close(&self, slot: &FrameSlot) {
        self.lock().slots.retain(|s| !Arc::ptr_eq(&s.shared, &slot.shared));
    }

    /// The last frame is out of date, such as after a sleep: nobody gets it any more.
    pub fn forget(&self) {
        self.lock().last = None;
    }

    /// The card whose pictures one of the listeners takes where they lie. The others get them in memory when they ask.
    pub fn card(&self) -> Option<CardId> {
        self.lock().slots.iter().find_map(|slot| slot.lock().card)
    }

    /// Puts a frame into all slots; `anew` as in [`FrameSlot::put_anew`]. Never waits.
    pub fn put(&self, frame: Frame, anew: bool) {
        let mut listeners = self.lock();
        for slot in &listeners.slots {
            slot.replace(frame.clone(), anew);
        }
        listeners.last = Some(frame);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Listeners> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
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
        let now = Take::From(Instant::now());
        assert!(slot.wait(now, None).unwrap().1);
        slot.put(pool.take().unwrap());
        assert!(!slot.wait(now, None).unwrap().1);
    }

    #[test]
    fn a_wake_up_before_the_wait_is_not_lost() {
        let slot = FrameSlot::new();
        let now = Instant::now();
        slot.wake();
        assert!(slot.wait(Take::From(now), None).is_none());
        assert!(slot.wait(Take::From(now), Some(now)).is_none());
    }

    #[test]
    fn a_frame_that_came_too_early_gives_way_to_newer_ones() {
        let (pool, slot) = (FramePool::new(), FrameSlot::new());
        let put = |number| {
            let mut frame = pool.take().unwrap();
            frame.number = number;
            slot.put(frame);
        };
        put(1);
        assert!(slot.wait(Take::Nothing, Some(Instant::now())).is_none());
        let due = Instant::now() + std::time::Duration::from_millis(30);
        let slot_of_thread = slot.clone();
        let waits = std::thread::spawn(move || slot_of_thread.wait(Take::From(due), None).map(|f| f.0.number));
        put(2);
        assert_eq!(waits.join().unwrap(), Some(2));
        assert!(Instant::now() >= due);
    }

    #[test]
    fn a_fan_hands_each_frame_to_all_who_listen() {
        let (pool, fan) = (FramePool::new(), FrameFan::default());
        let (a, b) = (fan.open(), fan.open());
        assert!(a.take().is_none());
        let mut frame = pool.take().unwrap();
        frame.number = 7;
        fan.put(frame, true);
        assert_eq!((a.take().unwrap().number, b.take().unwrap().number), (7, 7));
        fan.close(&a);
        fan.put(pool.take().unwrap(), false);
        assert!(a.take().is_none() && b.take().is_some());
        assert!(fan.open().take().is_some(), "who comes while the picture rests sees nothing");
        fan.forget();
        assert!(fan.open().take().is_none());
    }

    #[test]
    fn a_fan_knows_the_card_of_one_listener_as_long_as_it_listens() {
        let fan = FrameFan::default();
        let (memory, card) = (fan.open(), fan.open());
        assert_eq!(fan.card(), None);
        card.set_card(Some(CardId([3; 16])));
        assert_eq!(fan.card(), Some(CardId([3; 16])));
        fan.close(&memory);
        assert_eq!(fan.card(), Some(CardId([3; 16])));
        fan.close(&card);
        assert_eq!(fan.card(), None);
    }
}
