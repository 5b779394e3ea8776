//! The session itself.

use crate::changes::Changes;
use crate::input::{Input, Outcome, Refusal};
use crate::measure::Measuring;
use crate::models::{ModelState, Models};
use crate::participants::{Participant, ParticipantId};
use crate::returning::Absent;
use crate::views::{OwnCameras, Views};
use glam::Vec2;
use rr_scene::history::Group;
use rr_scene::{
    Aabb, Camera, Command, CommandError, DeviceId, History, Marks, Model, ModelRef, NamedViewKind, PickModel,
    PickModels, Role, SceneSnapshot, Section, Workspace,
};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Height of the picture that pixel movements are counted in.
pub(crate) const REFERENCE_HEIGHT_PX: f32 = 720.0;
/// How long a latency probe's mark is shown: longer than a picture takes even when the host is busy, because a mark that
/// goes before it was drawn would leave out just the slowest probes.
const PROBE_SHOWN: Duration = Duration::from_millis(400);
/// Half angle within which a pointer hits thin curves: 6 px of 720 at 45 degrees.
pub(crate) const PICK_RADIANS: f32 = 0.0065;

/// What the owner of the session decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Viewers move the shared camera while nobody presents.
    pub viewers_may_steer: bool,
    /// Go to named views at once instead of easing.
    pub reduced_motion: bool,
    /// Who may leave the shared view for a camera of their own.
    pub own_cameras: OwnCameras,
    /// How many of those there may be at once; none: as many as the host has room for.
    pub most_own_cameras: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            viewers_may_steer: true,
            reduced_motion: false,
            own_cameras: OwnCameras::default(),
            most_own_cameras: None,
        }
    }
}

/// One collaboration over one workspace.
#[derive(Debug)]
pub struct Session {
    pub(crate) settings: Settings,
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) history: History,
    pub(crate) marks: Arc<Marks>,
    pub(crate) views: Views,
    pub(crate) section: Section,
    pub(crate) measuring: Measuring,
    probe_until: Option<Instant>,
    aspect: f32,
    models: Models,
    pub(crate) participants: BTreeMap<ParticipantId, Participant>,
    pub(crate) presenter: Option<ParticipantId>,
    /// Who may come again, the longest gone first.
    pub(crate) absent: VecDeque<Absent>,
    next_participant: u32,
    revision: u64,
    pub(crate) changes: Changes,
}

impl Session {
    /// A session over a workspace, with nobody in it.
    pub fn new(workspace: Workspace, settings: Settings) -> Self {
        let camera = workspace.views().first().map_or_else(Camera::default, |v| v.camera);
        Self {
            settings,
            workspace: Arc::new(workspace),
            history: History::default(),
            marks: Arc::default(),
            views: Views::new(camera),
            section: Section::default(),
            measuring: Measuring::default(),
            probe_until: None,
            aspect: 16.0 / 9.0,
            models: Models::default(),
            participants: BTreeMap::new(),
            presenter: None,
            absent: VecDeque::new(),
            next_participant: 1,
            revision: 1,
            changes: Changes { everything: true, ..Changes::default() },
        }
    }

    /// Opens another workspace for the people who are here.
    pub fn replace_workspace(&mut self, workspace: Workspace) {
        if let Some(first) = workspace.views().first() {
            self.views.all_to(first.camera);
        }
        self.workspace = Arc::new(workspace);
        self.history = History::default();
        self.marks = Arc::default();
        self.section = Section::default();
        self.measuring.clear();
        self.drop_unused_models();
        self.changes.everything = true;
    }

    pub(crate) fn add(&mut self, role: Role, key: Option<&str>) -> ParticipantId {
        let id = ParticipantId(self.next_participant);
        self.next_participant += 1;
        let participant = Participant {
            id,
            name: String::new(),
            role,
            pointer: None,
            last_pointer_ms: f64::NEG_INFINITY,
            last_drag_ms: f64::NEG_INFINITY,
            last_section_ms: f64::NEG_INFINITY,
            key: key.map(str::to_owned),
        };
        self.participants.insert(id, participant);
        self.changes.presence = true;
        id
    }

    /// Somebody leaves; a presenter's place becomes free. Whoever has a key gets it all back when they come again soon, and
    /// control if nobody else took it meanwhile.
    pub fn leave(&mut self, now: Instant, id: ParticipantId) {
        self.keep_seat(now, id);
        if self.participants.remove(&id).is_some() {
            self.changes.presence = true;
        }
        if self.presenter == Some(id) {
            self.presenter = None;
        }
        self.close_measurements(id);
        self.end_own_camera(id);
        self.update_hover();
    }

    /// Everybody who is here, in the order in which they came.
    pub fn participants(&self) -> impl ExactSizeIterator<Item = &Participant> {
        self.participants.values()
    }

    /// One of them.
    pub fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.get(&id)
    }

    /// Who steers; nobody when everybody may.
    pub fn presenter(&self) -> Option<ParticipantId> {
        self.presenter
    }

    /// The document.
    pub fn workspace(&self) -> &Arc<Workspace> {
        &self.workspace
    }

    /// The shared camera as it is now.
    pub fn camera(&self) -> &Camera {
        &self.views.shared.camera
    }

    /// What is cut away.
    pub fn section(&self) -> &Section {
        &self.section
    }

    /// The selected devices.
    pub fn selection(&self) -> &BTreeSet<DeviceId> {
        &self.marks.selection
    }

    /// True when something can be taken back, and when something can be done again.
    pub fn can_undo_redo(&self) -> (bool, bool) {
        (self.history.can_undo(), self.history.can_redo())
    }

    /// What can be taken back, and done again.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Width / height of the picture that points of inputs refer to.
    pub fn set_aspect(&mut self, aspect: f32) {
        if aspect.is_finite() && aspect > 0.0 && (aspect - self.aspect).abs() > f32::EPSILON {
            self.aspect = aspect;
        }
    }

    /// Grows with every change that [`Session::take_changes`] reports.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The state as others see it.
    pub fn snapshot(&self) -> SceneSnapshot {
        SceneSnapshot {
            revision: self.revision,
            workspace: self.workspace.clone(),
            models: self.models.geometry.clone(),
            marks: self.marks.clone(),
            camera: self.views.shared.camera,
            changed: self.views.shared.changed,
            own_views: self.views.own_views(),
            section: self.section,
            measurements: self.measuring.list.clone(),
            aim: self.measuring.aim.as_ref().map(|(_, marks)| marks.clone()).unwrap_or_default(),
        }
    }

    /// What changed since the last call; when anything did, the revision has grown by one.
    pub fn take_changes(&mut self) -> Changes {
        let changes = std::mem::take(&mut self.changes);
        if !changes.is_empty() {
            self.revision += 1;
            self.views.note(&changes, self.revision);
        }
        changes
    }

    /// Moves what moves by itself. Call it at [`Session::next_tick`] or whenever input came.
    pub fn tick(&mut self, now: Instant) {
        self.views.tick(now, &mut self.changes);
        if self.probe_until.is_some_and(|until| now >= until) {
            self.probe_until = None;
            Arc::make_mut(&mut self.marks).probe = None;
            self.changes.picture = true;
        }
    }

    /// When [`Session::tick`] has something to do, if ever.
    pub fn next_tick(&self, now: Instant) -> Option<Instant> {
        [self.views.next_tick(now), self.probe_until].into_iter().flatten().min()
    }

    /// Shows everything from a standard direction at once, whoever presents: for a document that was just opened.
    pub fn show_all(&mut self, view: NamedViewKind) {
        let bounds = self.bounds();
        let mut camera = self.views.shared.camera;
        camera.look_from(view, &bounds, self.aspect);
        self.views.shared.set(camera);
        self.changes.camera = true;
    }

    /// Applies one input of a participant: whole, or not at all with the reason.
    pub fn handle(&mut self, now: Instant, from: ParticipantId, input: Input) -> Result<Outcome, Refusal> {
        let role = self.participants.get(&from).ok_or(Refusal::NotHere)?.role;
        match input {
            Input::Orbit { delta_px } => {
                self.steer(now, from, |camera| camera.orbit(delta_px.x, delta_px.y))?;
            }
            Input::Pan { delta_px } => {
                self.steer(now, from, |camera| camera.pan(delta_px.x, delta_px.y, REFERENCE_HEIGHT_PX))?;
            }
            Input::Zoom { delta } => self.steer(now, from, |camera| camera.zoom(delta))?,
            Input::SetCamera(to) => {
                if !to.is_valid() {
                    return Err(CommandError::Invalid("the camera is out of range".into()).into());
                }
                self.steer(now, from, |camera| *camera = to)?;
            }
            Input::View(name) => {
                self.may_move_camera(from)?;
                let to = self.view_camera(from, &name)?;
                self.ease_to(now, from, to);
            }
            Input::Section { planes, timestamp_ms } => return self.set_section(from, &planes, timestamp_ms),
            Input::MeasurePick(pick) => return self.measure_pick(from, pick),
            Input::MeasureAim(at) => return self.measure_aim(from, at),
            Input::MeasureEnd => self.close_measurements(from),
            Input::MeasureRemove(id) => return self.measure_remove(from, id),
            Input::MeasureClear => return self.measure_clear(from),
            Input::Focus(id) => {
                self.may_move_camera(from)?;
                let bounds = self.device_bounds(&id).ok_or(CommandError::NoDevice(id))?;
                let mut to = *self.camera_of(from);
                to.fit(&bounds, self.aspect);
                self.ease_to(now, from, to);
            }
            Input::Pointer { at, timestamp_ms } => return Ok(self.point(from, at, timestamp_ms)),
            Input::Click { at, device, toggle } => {
                self.needs(role, Role::Engineer)?;
                let hit = match device {
                    Some(id) if self.workspace.device(&id).is_some() => Some(id),
                    Some(id) => return Err(CommandError::NoDevice(id).into()),
                    None => self.pick(from, at),
                };
                let mut selection = if toggle { self.marks.selection.clone() } else { BTreeSet::new() };
                if let Some(id) = hit
                    && !(toggle && selection.remove(&id))
                {
                    selection.insert(id);
                }
                self.select(selection);
            }
            Input::Select(ids) => {
                self.needs(role, Role::Engineer)?;
                if let Some(id) = ids.iter().find(|id| self.workspace.device(id).is_none()) {
                    return Err(CommandError::NoDevice(id.clone()).into());
                }
                self.select(ids);
            }
            Input::Drag { device, position, gesture, timestamp_ms } => {
                let participant = self.participants.get_mut(&from).ok_or(Refusal::NotHere)?;
                if timestamp_ms < participant.last_drag_ms {
                    return Ok(Outcome::Stale);
                }
                let old = self.workspace.device(&device).ok_or_else(|| CommandError::NoDevice(device.clone()))?;
                let mut transform = old.transform;
                transform.position = position;
                let group = Group(u64::from(from.0) << 32 | u64::from(gesture));
                self.edit(&Command::SetTransform { id: device, transform }, role, Some(group))?;
                if let Some(participant) = self.participants.get_mut(&from) {
                    participant.last_drag_ms = timestamp_ms;
                }
            }
            Input::Edit(command) => self.edit(&command, role, None)?,
            Input::Undo => {
                self.needs(role, Role::Engineer)?;
                let events = self.history.undo(Arc::make_mut(&mut self.workspace))?;
                self.after_edit(events);
            }
            Input::Redo => {
                self.needs(role, Role::Engineer)?;
                let events = self.history.redo(Arc::make_mut(&mut self.workspace))?;
                self.after_edit(events);
            }
            Input::OwnCamera { on } => self.set_own_camera(from, role, on)?,
            Input::RequestControl => {
                self.needs(role, Role::Engineer)?;
                // An administrator may take control from somebody; an engineer asks for a free place.
                if let Some(other) = self.presenter.filter(|p| *p != from && role < Role::Admin) {
                    return Err(self.not_presenter(other));
                }
                self.presenter = Some(from);
                self.changes.presence = true;
            }
            Input::ReleaseControl => {
                if self.presenter == Some(from) {
                    self.presenter = None;
                    self.changes.presence = true;
                }
            }
            Input::Probe { at } => {
                Arc::make_mut(&mut self.marks).probe = Some(at.clamp(Vec2::ZERO, Vec2::ONE));
                self.probe_until = Some(now + PROBE_SHOWN);
                self.changes.picture = true;
            }
        }
        Ok(Outcome::Applied)
    }

    /// Says that a model is being read.
    pub fn model_loading(&mut self, key: &ModelRef) {
        self.models.states.insert(key.clone(), ModelState::Loading);
        self.mark_users_of(key);
    }

    /// Geometry arrived. Nothing happens when no device wants it any more.
    pub fn model_ready(&mut self, key: ModelRef, model: Arc<Model>, pick: Arc<PickModel>) {
        if self.workspace.devices().any(|d| d.model.as_ref() == Some(&key)) {
            self.mark_users_of(&key);
            self.models.ready(key, model, pick);
        }
    }

    /// Geometry could not be read.
    pub fn model_failed(&mut self, key: ModelRef, reason: String) {
        self.mark_users_of(&key);
        self.models.states.insert(key, ModelState::Failed(reason));
    }

    /// All geometry is read anew, what is there and what is on its way.
    pub fn forget_models(&mut self) {
        self.models.retain(|_| false);
        self.changes.everything = true;
    }

    /// State of a model that a device names.
    pub fn model_state(&self, key: &ModelRef) -> Option<&ModelState> {
        self.models.states.get(key)
    }

    /// Models that devices name and nobody has begun to read.
    pub fn wanted_models(&self) -> Vec<ModelRef> {
        let wanted: HashSet<&ModelRef> = self.workspace.devices().filter_map(|d| d.model.as_ref()).collect();
        let mut wanted: Vec<ModelRef> =
            wanted.into_iter().filter(|m| !self.models.states.contains_key(*m)).cloned().collect();
        wanted.sort_by(|a, b| a.path.cmp(&b.path));
        wanted
    }

    /// Box of a device in the world.
    pub fn device_bounds(&self, id: &DeviceId) -> Option<Aabb> {
        self.models.picks.device_bounds(&self.snapshot(), id)
    }

    /// Box around all devices in the world.
    pub fn bounds(&self) -> Aabb {
        let scene = self.snapshot();
        let boxes = self.workspace.devices().filter_map(|d| self.models.picks.device_bounds(&scene, &d.id));
        boxes.fold(Aabb::EMPTY, Aabb::union)
    }

    pub(crate) fn aspect(&self) -> f32 {
        self.aspect
    }

    pub(crate) fn pick_models(&self) -> &PickModels {
        &self.models.picks
    }

    /// The device at a point of the picture that a participant sees.
    pub fn pick(&self, from: ParticipantId, at: Vec2) -> Option<DeviceId> {
        let ray = self.camera_of(from).ray(at, self.aspect);
        self.models.picks.pick(&self.snapshot(), &ray, PICK_RADIANS).map(|hit| hit.device)
    }

    fn needs(&self, is: Role, needed: Role) -> Result<(), Refusal> {
        if is < needed { Err(CommandError::Forbidden { needed, is }.into()) } else { Ok(()) }
    }

    fn not_presenter(&self, presenter: ParticipantId) -> Refusal {
        let name = self.participants.get(&presenter).map_or("somebody", |p| p.name.as_str());
        Refusal::NotPresenter { presenter: name.to_owned() }
    }

    pub(crate) fn may_steer(&self, who: ParticipantId) -> Result<(), Refusal> {
        match self.presenter {
            Some(presenter) if presenter != who => Err(self.not_presenter(presenter)),
            Some(_) => Ok(()),
            None => {
                let role = self.participants.get(&who).ok_or(Refusal::NotHere)?.role;
                if role == Role::Viewer && !self.settings.viewers_may_steer {
                    return Err(Refusal::ViewersDoNotSteer);
                }
                Ok(())
            }
        }
    }

    fn view_camera(&self, from: ParticipantId, name: &str) -> Result<Camera, CommandError> {
        if let Some(view) = self.workspace.views().iter().find(|v| v.name == name) {
            return Ok(view.camera);
        }
        let kind = NamedViewKind::from_name(name).ok_or_else(|| CommandError::NoView(name.to_owned()))?;
        let mut to = *self.camera_of(from);
        to.look_from(kind, &self.bounds(), self.aspect);
        Ok(to)
    }

    fn point(&mut self, from: ParticipantId, at: Option<Vec2>, timestamp_ms: f64) -> Outcome {
        let Some(participant) = self.participants.get_mut(&from) else { return Outcome::Stale };
        if timestamp_ms < participant.last_pointer_ms {
            return Outcome::Stale;
        }
        participant.last_pointer_ms = timestamp_ms;
        participant.pointer = at.map(|p| p.clamp(Vec2::ZERO, Vec2::ONE));
        if at.is_none() {
            self.drop_aim(from);
        }
        self.changes.presence = true;
        self.update_hover_from(from);
        Outcome::Applied
    }

    /// The shared picture shows one hover: that of the presenter, else of whoever moved a pointer last.
    pub(crate) fn update_hover_from(&mut self, mover: ParticipantId) {
        if self.presenter.is_some_and(|p| p != mover) {
            return;
        }
        let may_select = self.participants.get(&mover).is_some_and(|p| p.role >= Role::Engineer);
        // Who measures points at edges and faces: the device around them would only be in the way.
        let measures = self.measuring.aim.as_ref().is_some_and(|(who, _)| *who == mover);
        let pointer = self.participants.get(&mover).and_then(|p| p.pointer).filter(|_| may_select && !measures);
        self.set_hover(pointer.and_then(|at| self.pick(mover, at)));
    }

    fn update_hover(&mut self) {
        if self.participants.values().all(|p| p.pointer.is_none()) {
            self.set_hover(None);
        }
    }

    fn set_hover(&mut self, hover: Option<DeviceId>) {
        if self.marks.hover != hover {
            Arc::make_mut(&mut self.marks).hover = hover;
            self.changes.picture = true;
        }
    }

    fn select(&mut self, selection: BTreeSet<DeviceId>) {
        if self.marks.selection != selection {
            Arc::make_mut(&mut self.marks).selection = selection;
            self.changes.selection = true;
        }
    }

    fn edit(&mut self, command: &Command, role: Role, group: Option<Group>) -> Result<(), Refusal> {
        // Checked before the copy that a shared snapshot may cost.
        self.needs(role, command.needed_role())?;
        let events = self.history.apply(Arc::make_mut(&mut self.workspace), command, role, group)?;
        self.after_edit(events);
        Ok(())
    }

    fn after_edit(&mut self, events: Vec<rr_scene::Event>) {
        let mut models_may_be_unused = false;
        self.follow_devices(&events);
        for event in events {
            models_may_be_unused |= matches!(event, rr_scene::Event::DeviceRemoved(_));
            self.changes.record(event);
        }
        if models_may_be_unused {
            self.drop_unused_models();
            let workspace = self.workspace.clone();
            let gone = |id: &DeviceId| workspace.device(id).is_none();
            if self.marks.selection.iter().any(gone) {
                let left = self.marks.selection.iter().filter(|id| !gone(id)).cloned().collect();
                self.select(left);
            }
            if self.marks.hover.as_ref().is_some_and(gone) {
                self.set_hover(None);
            }
        }
    }

    fn drop_unused_models(&mut self) {
        let used: HashSet<ModelRef> = self.workspace.devices().filter_map(|d| d.model.clone()).collect();
        self.models.retain(|k| used.contains(k));
    }

    fn mark_users_of(&mut self, key: &ModelRef) {
        let users = self.workspace.devices().filter(|d| d.model.as_ref() == Some(key)).map(|d| d.id.clone());
        self.changes.models.extend(users);
    }
}
