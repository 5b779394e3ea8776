//! The cameras of a session: the one that everybody shares, and those of participants who look for themselves.
//!
//! A camera of one's own is moved by nobody else, whoever presents. All the rest stays shared: the document, the
//! selection, the section, what was measured.

use crate::changes::Changes;
use crate::input::Refusal;
use crate::participants::ParticipantId;
use crate::session::Session;
use rr_scene::{Camera, OwnView, Role, ViewId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a camera takes to a named view.
const EASE: Duration = Duration::from_millis(250);
/// Time between the steps of such a movement.
const STEP: Duration = Duration::from_millis(16);

/// Who may leave the shared view for a camera of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnCameras {
    /// All see the same.
    Nobody,
    /// Engineers and administrators.
    Engineers,
    /// Viewers, too.
    #[default]
    Everybody,
}

/// How many cameras the host has room for beside the shared one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraRoom {
    /// So many.
    pub most: usize,
    /// Why not more, for people.
    pub why: String,
}

#[derive(Debug)]
struct CameraMove {
    from: Camera,
    to: Camera,
    start: Instant,
}

/// One camera.
#[derive(Debug)]
pub(crate) struct View {
    pub camera: Camera,
    /// The revision at which something that it sees changed last.
    pub changed: u64,
    moving: Option<CameraMove>,
}

impl View {
    fn new(camera: Camera) -> Self {
        Self { camera, changed: 0, moving: None }
    }

    /// Goes there at once, which ends a movement of its own.
    pub fn set(&mut self, camera: Camera) {
        self.camera = camera;
        self.moving = None;
    }

    /// True when it moved.
    fn tick(&mut self, now: Instant) -> bool {
        let Some(m) = &self.moving else { return false };
        let t = now.saturating_duration_since(m.start).as_secs_f32() / EASE.as_secs_f32();
        if t >= 1.0 {
            self.set(m.to);
        } else {
            // Smoothstep: starts and ends at rest.
            self.camera = m.from.lerp(&m.to, t * t * (3.0 - 2.0 * t));
        }
        true
    }
}

/// All cameras.
#[derive(Debug)]
pub(crate) struct Views {
    pub shared: View,
    own: BTreeMap<ParticipantId, View>,
    room: Option<CameraRoom>,
}

/// A participant's own view.
fn id_of(participant: ParticipantId) -> ViewId {
    // Participants are counted from 1.
    ViewId(participant.0)
}

impl Views {
    pub fn new(camera: Camera) -> Self {
        Self { shared: View::new(camera), own: BTreeMap::new(), room: None }
    }

    /// Another document is open.
    pub fn all_to(&mut self, camera: Camera) {
        self.shared.set(camera);
        self.own.values_mut().for_each(|view| view.set(camera));
    }

    pub fn tick(&mut self, now: Instant, changes: &mut Changes) {
        changes.camera |= self.shared.tick(now);
        let moved = self.own.iter_mut().filter_map(|(of, view)| view.tick(now).then_some(id_of(*of)));
        changes.own_cameras.extend(moved);
    }

    pub fn next_tick(&self, now: Instant) -> Option<Instant> {
        let moving = self.shared.moving.is_some() || self.own.values().any(|view| view.moving.is_some());
        moving.then(|| now + STEP)
    }

    /// Remembers when what each camera sees changed.
    pub fn note(&mut self, changes: &Changes, revision: u64) {
        if changes.touches_view(ViewId::SHARED) {
            self.shared.changed = revision;
        }
        for (of, view) in &mut self.own {
            if changes.touches_view(id_of(*of)) {
                view.changed = revision;
            }
        }
    }

    pub fn own_views(&self) -> Arc<Vec<OwnView>> {
        let own = self.own.iter();
        Arc::new(own.map(|(of, v)| OwnView { id: id_of(*of), camera: v.camera, changed: v.changed }).collect())
    }

    pub fn own_camera(&self, who: ParticipantId) -> Option<Camera> {
        self.own.get(&who).map(|view| view.camera)
    }

    /// Where they look through a camera of their own.
    pub fn put(&mut self, who: ParticipantId, camera: Camera) {
        if let Some(view) = self.own.get_mut(&who) {
            view.set(camera);
        }
    }

    fn of(&mut self, who: ParticipantId) -> &mut View {
        self.own.get_mut(&who).unwrap_or(&mut self.shared)
    }
}

impl Session {
    /// The view that a participant looks at.
    pub fn view_of(&self, who: ParticipantId) -> ViewId {
        if self.views.own.contains_key(&who) { id_of(who) } else { ViewId::SHARED }
    }

    /// The camera that a participant looks through.
    pub fn camera_of(&self, who: ParticipantId) -> &Camera {
        &self.views.own.get(&who).unwrap_or(&self.views.shared).camera
    }

    /// Cameras beside the shared one.
    pub fn own_cameras(&self) -> usize {
        self.views.own.len()
    }

    /// What the host has room for from now on. Cameras that are there already stay.
    pub fn set_camera_room(&mut self, room: Option<CameraRoom>) {
        self.views.room = room;
    }

    pub(crate) fn set_own_camera(&mut self, who: ParticipantId, role: Role, on: bool) -> Result<(), Refusal> {
        if !on {
            self.end_own_camera(who);
            return Ok(());
        }
        if self.views.own.contains_key(&who) {
            return Ok(());
        }
        match self.settings.own_cameras {
            OwnCameras::Nobody => return Err(Refusal::NoOwnCameras { who: "nobody" }),
            OwnCameras::Engineers if role < Role::Engineer => {
                return Err(Refusal::NoOwnCameras { who: "only engineers" });
            }
            OwnCameras::Engineers | OwnCameras::Everybody => {}
        }
        let wished = self.settings.most_own_cameras;
        let wished = wished.map(|most| CameraRoom { most, why: format!("the owner of the session allows {most}") });
        if let Some(room) = wished.as_ref().or(self.views.room.as_ref())
            && self.views.own.len() >= room.most
        {
            return Err(Refusal::NoRoomForCamera { why: room.why.clone() });
        }
        self.views.own.insert(who, View::new(self.views.shared.camera));
        self.changes.own_cameras.insert(id_of(who));
        self.changes.presence = true;
        Ok(())
    }

    pub(crate) fn end_own_camera(&mut self, who: ParticipantId) {
        if self.views.own.remove(&who).is_some() {
            self.changes.own_cameras.insert(id_of(who));
            self.changes.presence = true;
        }
    }

    /// One's own camera always; the shared one as the session allows.
    pub(crate) fn may_move_camera(&self, who: ParticipantId) -> Result<(), Refusal> {
        if self.views.own.contains_key(&who) { Ok(()) } else { self.may_steer(who) }
    }

    /// Moves a camera by hand, which ends a movement of its own where it is.
    pub(crate) fn steer(
        &mut self,
        now: Instant,
        who: ParticipantId,
        f: impl FnOnce(&mut Camera),
    ) -> Result<(), Refusal> {
        self.may_move_camera(who)?;
        self.tick(now);
        let view = self.views.of(who);
        let mut camera = view.camera;
        f(&mut camera);
        view.set(camera);
        self.camera_moved(who);
        Ok(())
    }

    pub(crate) fn ease_to(&mut self, now: Instant, who: ParticipantId, to: Camera) {
        let at_once = self.settings.reduced_motion;
        let view = self.views.of(who);
        if at_once {
            view.set(to);
            self.camera_moved(who);
        } else {
            view.moving = Some(CameraMove { from: view.camera, to, start: now });
        }
    }

    fn camera_moved(&mut self, who: ParticipantId) {
        match self.view_of(who) {
            ViewId::SHARED => self.changes.camera = true,
            own => _ = self.changes.own_cameras.insert(own),
        }
    }
}
