//! Which picture went out to each viewer last. The network thread notes it here; the session hears only of those that
//! somebody waits for: an input to be acknowledged, or a viewer that wants to know what each picture shows.
//!
//! Thirty times a second for each viewer, a message to the session would wake its thread, and that is work for both: with a
//! hundred viewers who only watch, three thousand times a second for nothing.

use crate::sharing::lock;
use rr_rtc::SentPicture;
use rr_scene::ViewId;
use rr_session::ParticipantId;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Shared by session and network thread. No lock is held for longer than it takes to copy a picture's numbers.
#[derive(Debug, Default)]
pub(crate) struct SentPictures {
    by_viewer: Mutex<BTreeMap<ParticipantId, Sent>>,
}

#[derive(Debug, Default)]
struct Sent {
    awaited: bool,
    last: Option<(ViewId, SentPicture)>,
}

impl SentPictures {
    /// A viewer is there from now on.
    pub fn add(&self, id: ParticipantId) {
        lock(&self.by_viewer).insert(id, Sent::default());
    }

    pub fn remove(&self, id: ParticipantId) {
        lock(&self.by_viewer).remove(&id);
    }

    /// Whether the session waits for this viewer's pictures. Say so before the state that is waited for is published: a
    /// picture of it cannot be missed then.
    pub fn await_for(&self, id: ParticipantId, awaited: bool) {
        if let Some(sent) = lock(&self.by_viewer).get_mut(&id) {
            sent.awaited = awaited;
        }
    }

    /// A picture goes out to a viewer. `true`: the session waits for it.
    pub fn note(&self, id: ParticipantId, view: ViewId, picture: &SentPicture) -> bool {
        let mut all = lock(&self.by_viewer);
        let Some(sent) = all.get_mut(&id) else { return false };
        sent.last = Some((view, *picture));
        sent.awaited
    }

    /// The last one of a view. `None`: the viewer saw none, or another view since.
    pub fn last(&self, id: ParticipantId, view: ViewId) -> Option<SentPicture> {
        lock(&self.by_viewer).get(&id)?.last.filter(|(of, _)| *of == view).map(|(_, picture)| picture)
    }

    /// What the viewer saw is of no use any more.
    pub fn forget(&self, id: ParticipantId) {
        if let Some(sent) = lock(&self.by_viewer).get_mut(&id) {
            sent.last = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_rtc::RungId;
    use std::time::Instant;

    #[test]
    fn only_awaited_pictures_are_told_but_the_last_one_is_known() {
        let (all, id, now) = (SentPictures::default(), ParticipantId(7), Instant::now());
        let picture = |frame| SentPicture {
            rung: RungId::default(),
            frame,
            revision: frame,
            rtp_timestamp: 0,
            captured_at: now,
            drawn_at: now,
            encoded_at: now,
            sent_at: now,
        };
        let frame = |view| all.last(id, view).map(|picture| picture.frame);
        assert!(!all.note(id, ViewId::SHARED, &picture(1)), "nobody is there");
        all.await_for(id, true);
        all.add(id);
        assert_eq!(frame(ViewId::SHARED), None);
        assert!(!all.note(id, ViewId::SHARED, &picture(2)));
        assert_eq!(frame(ViewId::SHARED), Some(2));
        all.await_for(id, true);
        assert!(all.note(id, ViewId::SHARED, &picture(3)));
        assert_eq!(frame(ViewId::SHARED), Some(3));
        all.forget(id);
        assert_eq!(frame(ViewId::SHARED), None);
        assert!(all.note(id, ViewId::SHARED, &picture(4)), "still awaited");
        all.remove(id);
        assert!(!all.note(id, ViewId::SHARED, &picture(5)));
        assert_eq!(frame(ViewId::SHARED), None);
    }
}
