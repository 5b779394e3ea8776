//! The views that are streamed: the shared one, and one for each viewer who looks through a camera of their own.

use crate::render_thread::RenderControl;
use rr_rtc::{PeerId, RtcEvent, RungId, Steerings};
use rr_scene::ViewId;
use rr_stream::{RUNGS_OF_A_VIEW, RungReport, View};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// Makes a view whose encoders are numbered from there on. The shared one may have several, others serve one viewer.
pub(crate) type MakeView = Box<dyn Fn(RungId, ViewId) -> View + Send>;

/// Belongs to the network thread: nothing here waits.
pub(crate) struct StreamViews {
    make: MakeView,
    render: RenderControl,
    views: BTreeMap<ViewId, View>,
    /// What number the encoders of each begin with.
    numbers: BTreeMap<ViewId, RungId>,
    /// Views that nobody sees any more while their encoders end.
    over: Vec<(RungId, View)>,
    watched: HashMap<PeerId, ViewId>,
}

impl StreamViews {
    pub fn new(render: RenderControl, make: MakeView) -> Self {
        let (views, numbers, over, watched) = Default::default();
        Self { make, render, views, numbers, over, watched }
    }

    /// What the network says. What was decided for peers is added to `steerings`.
    pub fn on_event(&mut self, now: Instant, event: &RtcEvent, steerings: &mut Steerings) {
        self.over.retain_mut(|(_, view)| !view.is_over());
        match event {
            RtcEvent::Connected { peer, .. } => {
                self.open(ViewId::SHARED);
                self.watched.insert(*peer, ViewId::SHARED);
            }
            RtcEvent::ViewWanted { peer, view } => return self.show(now, *peer, ViewId(*view), steerings),
            RtcEvent::KeyframeNeeded { rung } => {
                let of = self.views.values_mut().find(|view| view.has_rung(*rung));
                return of.into_iter().for_each(|view| view.on_event(now, event, steerings));
            }
            _ => {}
        }
        let peer = match event {
            RtcEvent::Connected { peer, .. }
            | RtcEvent::Undecodable { peer, .. }
            | RtcEvent::Path { peer, .. }
            | RtcEvent::Disconnected { peer, .. } => peer,
            _ => return,
        };
        let Some(id) = self.watched.get(peer).copied() else { return };
        if let Some(view) = self.views.get_mut(&id) {
            view.on_event(now, event, steerings);
        }
        if matches!(event, RtcEvent::Disconnected { .. }) {
            self.watched.remove(peer);
            self.close_if_unseen(id);
        }
    }

    /// The view that an encoder's pictures are of.
    pub fn of(&self, rung: RungId) -> Option<ViewId> {
        let first = RungId(rung.0 - rung.0 % RUNGS_OF_A_VIEW);
        self.numbers.iter().find(|(_, of)| **of == first).map(|(id, _)| *id)
    }

    /// Somebody watches.
    pub fn is_watched(&self) -> bool {
        !self.watched.is_empty()
    }

    /// All encoders, those of the shared view first.
    pub fn report(&self) -> Vec<RungReport> {
        self.views.values().flat_map(View::report).collect()
    }

    fn show(&mut self, now: Instant, peer: PeerId, to: ViewId, steerings: &mut Steerings) {
        let Some(from) = self.watched.get(&peer).copied().filter(|from| *from != to) else { return };
        self.open(to);
        self.watched.insert(peer, to);
        // Out of the map for a moment, because both change.
        if let Some(mut old) = self.views.remove(&from) {
            if let Some(new) = self.views.get_mut(&to) {
                old.hand_over(now, peer, new, steerings);
            }
            self.views.insert(from, old);
        }
        self.close_if_unseen(from);
    }

    fn watchers(&self, view: ViewId) -> usize {
        self.watched.values().filter(|watched| **watched == view).count()
    }

    /// There is somebody to see it.
    fn open(&mut self, id: ViewId) {
        if !self.views.contains_key(&id) {
            let taken = |first: RungId| {
                self.numbers.values().any(|of| *of == first) || self.over.iter().any(|(of, _)| *of == first)
            };
            let mut all = (0..=u16::MAX).step_by(usize::from(RUNGS_OF_A_VIEW)).map(RungId);
            let first = all.find(|first| !taken(*first)).unwrap_or_default();
            self.numbers.insert(id, first);
            self.views.insert(id, (self.make)(first, id));
        }
        if self.watchers(id) == 0
            && let Some(view) = self.views.get(&id)
        {
            // The stream slept: a fresh frame.
            self.render.set_stream(id, Some(view.fan().clone()));
        }
    }

    fn close_if_unseen(&mut self, id: ViewId) {
        if self.watchers(id) > 0 {
            return;
        }
        self.render.set_stream(id, None);
        if let Some((view, first)) = self.views.remove(&id).zip(self.numbers.remove(&id)) {
            view.fan().forget();
            // Its encoders may be in the middle of a picture; nobody waits for them here.
            self.over.push((first, view));
        }
    }
}
