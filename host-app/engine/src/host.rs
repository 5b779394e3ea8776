//! What the session thread does with each message.

use crate::document;
use crate::engine::{EngineError, ImportRequest, PictureSize, Saving};
use crate::imports::{Imports, Purpose};
use crate::kept::Kept;
use crate::loading::{JobId, LoadedModel, Loading};
use crate::log::{Log, LogLevel};
use crate::pictures::Cameras;
use crate::place;
use crate::render_thread::RenderControl;
use crate::room::{Cost, room};
use crate::session_thread::{Answer, Message, SessionConfig, SessionSender};
use crate::sharing::{ShareError, Sharing};
use crate::status::{DocumentStatus, ParticipantStatus, PictureStats, Status, StreamStatus};
use crate::viewers::Viewers;
use arc_swap::ArcSwap;
use rr_encode::CardId;
use rr_load::ImportOptions;
use rr_protocol::host::ErrorCode;
use rr_scene::{Camera, Command, ModelRef, NamedViewKind, Role, SceneSnapshot, ViewId, Workspace, file};
use rr_session::{Changes, ModelState, Newcomer, ParticipantId, Session};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between updates to viewers: state follows the picture, it need not be faster.
const BROADCAST_EVERY: Duration = Duration::from_millis(33);
/// Quiet time after a change before it is saved by itself, and the longest it waits while changes go on.
const AUTOSAVE_AFTER: Duration = Duration::from_secs(2);

pub(crate) struct Host {
    pub(crate) session: Session,
    pub(crate) viewers: Viewers,
    /// Of each view.
    pub(crate) cameras: BTreeMap<ViewId, Cameras>,
    pub(crate) sharing: Option<Sharing>,
    pub(crate) log: Log,
    pub(crate) sender: SessionSender,
    pub(crate) render: RenderControl,
    pub(crate) picture: PictureSize,
    pub(crate) fps: f32,
    /// On which is drawn.
    pub(crate) card: Option<CardId>,
    pub(crate) stats: PictureStats,
    pub(crate) picture_fault: Option<String>,
    pub(crate) window_fault: Option<String>,
    owner: ParticipantId,
    path: Option<PathBuf>,
    /// How many were opened; tells whether the one that was saved is still there.
    documents: u64,
    pub(crate) dirty: bool,
    pub(crate) saving: Saving,
    autosave_at: Option<Instant>,
    show_all_when_loaded: bool,
    imports: Imports,
    loading: Loading,
    pending: Changes,
    broadcast_at: Option<Instant>,
    scene: Arc<ArcSwap<SceneSnapshot>>,
    status: Arc<ArcSwap<Status>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Host {
    pub fn new(config: SessionConfig, sender: SessionSender) -> Self {
        let mut session = Session::new(config.workspace, config.settings);
        session.set_aspect(config.picture.aspect());
        let owner = session.join(&config.owner_name, Role::Admin);
        let show_all_when_loaded = session.workspace().views().is_empty();
        let mut host = Self {
            session,
            viewers: Viewers::default(),
            cameras: BTreeMap::new(),
            sharing: None,
            log: Log::default(),
            sender,
            render: config.render,
            picture: config.picture,
            fps: config.fps,
            card: config.card,
            stats: PictureStats::default(),
            picture_fault: None,
            window_fault: None,
            owner,
            path: config.path,
            documents: 0,
            dirty: false,
            saving: config.saving,
            autosave_at: None,
            show_all_when_loaded,
            imports: Imports::default(),
            loading: config.loading,
            pending: Changes::default(),
            broadcast_at: None,
            scene: config.scene,
            status: config.status,
            wake: config.wake,
        };
        host.make_room();
        host.load_wanted_models();
        host
    }

    /// When there is something to do without a message.
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let broadcast = if self.pending.is_empty() { None } else { self.broadcast_at };
        let due = [self.session.next_tick(now), broadcast, self.autosave_at, self.viewers.next_stats()];
        due.into_iter().flatten().min()
    }

    pub fn handle(&mut self, now: Instant, message: Message) {
        match message {
            Message::Owner(input) => {
                if let Err(refusal) = self.session.handle(now, self.owner, input) {
                    self.log.add(LogLevel::Warning, refusal.to_string());
                }
                self.load_wanted_models();
            }
            Message::Import(requests) => requests.iter().for_each(|r| self.import(r)),
            Message::DismissImport(id) => {
                if let Some(job) = self.imports.dismiss(id) {
                    self.loading.cancel(job);
                }
            }
            Message::Open(workspace, path) => self.open(workspace, path),
            Message::Kept(answer) => {
                let _ = answer.try_send(Box::new(self.kept()));
            }
            Message::Restore(kept, answer) => {
                self.restore(*kept);
                let _ = answer.try_send(());
            }
            Message::Save(path, answer) => self.save(path, Some(answer)),
            Message::Saved { document, path, saved, result, answer } => {
                self.saved(document, path, &saved, result, answer);
            }
            Message::Share(config, answer) => self.start_sharing(config, answer),
            Message::Shared(result, answer) => self.shared(*result, &answer),
            Message::StopSharing => self.stop_sharing("the host stopped sharing"),
            Message::IssueLink(role, valid_for, answer) => {
                let _ = answer.try_send(self.issue_link(role, valid_for));
            }
            Message::Door(answer) => {
                let door = self.sharing.as_ref().map(Sharing::handler).ok_or(ShareError::NotShared);
                let _ = answer.try_send(door);
            }
            Message::EndViewers(reason) => self.end_viewers(&reason),
            Message::RemoveParticipant(id) => {
                self.remove_viewer(id, ErrorCode::Removed, "you were removed from the session");
            }
            Message::Progress(job, stage, done) => self.imports.progress(job, stage, done),
            Message::Loaded(job, result) => self.loaded(job, result),
            Message::Join { name, role, return_key, answer } => {
                self.join(Newcomer { name: &name, role, key: return_key.as_deref() }, &answer);
            }
            Message::Peer(id, event) => {
                self.peer_event(now, id, event);
                self.load_wanted_models();
            }
            Message::EncoderStats(rungs) => {
                self.stats.streams = rungs.into_iter().map(StreamStatus::from).collect();
                self.make_room();
                self.viewers.stats_changed();
            }
            Message::EncoderFailed(reason) => {
                self.log.add(LogLevel::Error, format!("the video encoder failed: {reason}"));
            }
            Message::EncoderChanged(report) => self.tell_encoder(&report),
            Message::PictureStats(stats) => {
                self.stats = PictureStats { streams: std::mem::take(&mut self.stats.streams), ..stats };
                self.make_room();
                self.viewers.stats_changed();
            }
            Message::RenderFailed(of, reason) => self.render_failed(of, &reason),
            Message::RenderRecovered(of) => self.render_recovered(of),
            Message::DeviceLost { reason, window } => self.device_lost(&reason, window),
            Message::DeviceOpened(info) => self.device_opened(&info),
            Message::ModelNotDrawn { file, reason } => {
                self.log.add(LogLevel::Warning, format!("{file} is shown as a marker: {reason}"));
            }
            // Answered by the loop itself.
            Message::Flush(_) | Message::Shutdown(_) => {}
        }
    }

    /// Makes everything that changed visible: to the renderer, to the caller, to the viewers.
    pub fn publish(&mut self, now: Instant) {
        self.session.tick(now);
        let changes = self.session.take_changes();
        if changes.touches_document() {
            self.dirty = true;
            if self.saving == Saving::Always {
                self.autosave_at.get_or_insert(now + AUTOSAVE_AFTER);
            }
        }
        if !changes.is_empty() {
            self.show();
        }
        if changes.touches_picture() {
            self.render.wake();
        }
        self.follow_views();
        self.acknowledge(&changes);
        self.pending.merge(changes);
        if !self.pending.is_empty() && self.broadcast_at.is_none_or(|at| now >= at) {
            let pending = std::mem::take(&mut self.pending);
            self.broadcast(&pending);
            self.broadcast_at = Some(now + BROADCAST_EVERY);
        }
        self.tell_stats(now);
        if self.autosave_at.is_some_and(|at| now >= at) {
            self.autosave_at = None;
            self.save(None, None);
        }
        self.status.store(Arc::new(self.status_now()));
        (self.wake)();
    }

    /// How many cameras there is room for follows from what pictures take.
    fn make_room(&mut self) {
        let encode_ms = self.stats.streams.iter().map(|stream| stream.encode_ms).fold(0.0, f32::max);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.session.set_camera_room(Some(room(Cost { draw_ms: self.stats.moving_ms, encode_ms, cores })));
    }

    /// Hands the state to the renderer, which takes it up when it begins its next picture.
    fn show(&mut self) {
        let scene = self.session.snapshot();
        let own = scene.own_views.iter().map(|own| (own.id, own.camera));
        let all: BTreeMap<ViewId, Camera> = own.chain([(ViewId::SHARED, scene.camera)]).collect();
        self.cameras.retain(|view, _| all.contains_key(view));
        for (view, camera) in all {
            self.cameras.entry(view).or_default().note(scene.revision, &camera);
        }
        self.scene.store(Arc::new(scene));
    }

    /// Saves what needs saving and ends everything; where it was saved, if it had to be.
    pub fn shutdown(&mut self) -> Result<Option<PathBuf>, EngineError> {
        self.stop_sharing("the host is closing");
        self.loading.cancel_all();
        let is_nothing = self.path.is_none() && self.session.workspace().devices().len() == 0;
        if !self.dirty || is_nothing || self.saving == Saving::Never {
            return Ok(None);
        }
        let path = self.path.clone().unwrap_or_else(document::recovery_path);
        write(self.session.workspace(), &path)?;
        self.dirty = false;
        Ok(Some(path))
    }

    fn open(&mut self, workspace: Workspace, path: Option<PathBuf>) {
        self.loading.cancel_all();
        self.imports.clear();
        // Their files may have changed since, and those that are being read are not any more.
        self.session.forget_models();
        self.show_all_when_loaded = workspace.views().is_empty();
        let name = workspace.name.clone();
        self.path = path;
        let workspace = self.with_full_paths(workspace);
        self.session.replace_workspace(workspace);
        self.documents += 1;
        self.begin();
        self.log.add(LogLevel::Info, format!("opened {name}"));
    }

    /// Files that are read meanwhile are for whatever comes.
    fn restore(&mut self, kept: Kept) {
        self.show_all_when_loaded = false;
        let workspace = self.with_full_paths(Arc::unwrap_or_clone(kept.workspace));
        let history = match &self.path {
            Some(path) => document::steps_with_full_paths(&kept.history, path),
            None => kept.history,
        };
        self.session.restore(Instant::now(), workspace, &kept.view, history);
        self.begin();
    }

    fn kept(&self) -> Kept {
        let (workspace, history) = (self.session.workspace().clone(), self.session.history().clone());
        Kept { workspace, view: self.session.shared_view(), history, path: self.path.clone() }
    }

    fn with_full_paths(&self, workspace: Workspace) -> Workspace {
        match &self.path {
            Some(path) => document::with_full_paths(workspace, path),
            None => workspace,
        }
    }

    /// With a workspace that just came; that is not a change of it.
    fn begin(&mut self) {
        self.autosave_at = None;
        let changes = self.session.take_changes();
        self.show();
        self.render.wake();
        self.pending.merge(changes);
        self.dirty = false;
        self.load_wanted_models();
    }

    /// To where the document is, or to `path`; the recovery file where there is neither.
    pub(crate) fn save(&mut self, path: Option<PathBuf>, answer: Option<Answer<Result<PathBuf, EngineError>>>) {
        let path = path.or_else(|| self.path.clone()).unwrap_or_else(document::recovery_path);
        let saved = self.session.workspace().clone();
        let (document, sender) = (self.documents, self.sender.clone());
        // Disks are slow: the session goes on meanwhile.
        let work = move || {
            let result = write(&saved, &path);
            sender.send_blocking(Message::Saved { document, path, saved, result, answer });
        };
        if let Err(error) = std::thread::Builder::new().name("rr-save".into()).spawn(work) {
            self.log.add(LogLevel::Error, format!("the workspace was not saved: {error}"));
        }
    }

    fn saved(
        &mut self,
        document: u64,
        path: PathBuf,
        saved: &Arc<Workspace>,
        result: Result<(), file::FileError>,
        answer: Option<Answer<Result<PathBuf, EngineError>>>,
    ) {
        // Another one may have been opened meanwhile, which has a file of its own.
        let is_open = document == self.documents;
        match &result {
            Ok(()) => {
                let asked = answer.is_some();
                if asked {
                    self.log.add(LogLevel::Info, format!("saved {}", path.display()));
                }
                if asked && is_open {
                    self.path = Some(path.clone());
                }
                // A copy made for the worst case does not count as saved.
                if is_open && (asked || self.saving == Saving::Always) && **self.session.workspace() == **saved {
                    self.dirty = false;
                }
            }
            Err(error) => {
                self.log.add(LogLevel::Error, format!("{error}. Nothing is lost: the workspace stays open."));
                if is_open && self.saving == Saving::Always {
                    self.autosave_at = Some(Instant::now() + AUTOSAVE_AFTER * 5);
                }
            }
        }
        if let Some(answer) = answer {
            let _ = answer.try_send(result.map(|()| path).map_err(EngineError::File));
        }
    }

    fn import(&mut self, request: &ImportRequest) {
        self.show_all_when_loaded |= self.session.workspace().devices().len() == 0;
        let file = document::absolute(&request.file);
        match self.loading.start(file.clone(), request.options) {
            Some(job) => self.imports.add(job, file, Purpose::NewDevice(request.options)),
            None => self.log.add(LogLevel::Error, format!("{}: too many imports wait already", file.display())),
        }
    }

    /// Starts reading what devices name and nobody reads yet.
    fn load_wanted_models(&mut self) {
        for key in self.session.wanted_models() {
            let file = document::resolve(&key, self.path.as_deref());
            let options = ImportOptions { unit: key.unit, up: key.up };
            match self.loading.start(file.clone(), options) {
                Some(job) => {
                    self.session.model_loading(&key);
                    self.imports.add(job, file, Purpose::Model(key));
                }
                None => self.session.model_failed(key, "too many files wait already".into()),
            }
        }
    }

    fn loaded(&mut self, job: JobId, result: Result<LoadedModel, String>) {
        self.loading.finished(job);
        let Some((file, purpose)) = self.imports.take_running(job) else { return };
        match result {
            Ok(loaded) => {
                for warning in &loaded.report.warnings {
                    self.log.add(LogLevel::Warning, format!("{}: {warning}", file.display()));
                }
                self.imports.finish(job, Ok(loaded.report.clone()));
                self.use_model(&file, purpose, &loaded);
            }
            Err(reason) => {
                if !reason.is_empty() {
                    self.log.add(LogLevel::Error, reason.clone());
                }
                let shown = if reason.is_empty() { "cancelled".to_owned() } else { reason.clone() };
                self.imports.finish(job, Err(reason));
                if let Purpose::Model(key) = purpose {
                    self.session.model_failed(key, shown);
                }
            }
        }
        if self.imports.running() == 0 && self.show_all_when_loaded && self.session.workspace().devices().len() > 0 {
            self.show_all_when_loaded = false;
            self.session.show_all(NamedViewKind::Iso);
        }
    }

    fn use_model(&mut self, file: &Path, purpose: Purpose, loaded: &LoadedModel) {
        let (model, pick) = (loaded.model.clone(), loaded.pick.clone());
        match purpose {
            Purpose::Model(key) => self.session.model_ready(key, model, pick),
            Purpose::NewDevice(options) => {
                let path = file.to_string_lossy().into_owned();
                let key = ModelRef { path, unit: options.unit, up: options.up };
                let (bounds, occupied) = (pick.bounds(), self.session.bounds());
                let device = place::device_for(self.session.workspace(), key.clone(), file, &bounds, &occupied);
                let input = rr_session::Input::Edit(Command::AddDevice(device));
                match self.session.handle(Instant::now(), self.owner, input) {
                    Ok(_) => self.session.model_ready(key, model, pick),
                    Err(refusal) => self.log.add(LogLevel::Error, format!("{}: {refusal}", file.display())),
                }
            }
        }
    }

    fn status_now(&self) -> Status {
        let (can_undo, can_redo) = self.session.can_undo_redo();
        let loading = |d: &&rr_scene::Device| {
            d.model.as_ref().is_some_and(|m| self.session.model_state(m) == Some(&ModelState::Loading))
        };
        Status {
            document: DocumentStatus {
                path: self.path.clone(),
                dirty: self.dirty,
                can_undo,
                can_redo,
                loading: self.session.workspace().devices().filter(loading).count(),
            },
            imports: self.imports.list(),
            participants: self
                .session
                .participants()
                .map(|p| ParticipantStatus {
                    id: p.id,
                    name: p.name.clone(),
                    role: p.role,
                    pointer: p.pointer,
                    link: self.viewers.link(p.id),
                })
                .collect(),
            presenter: self.session.presenter(),
            section_bounds: (!self.session.section().is_none()).then(|| self.session.bounds_of_interest()),
            share: self.sharing.as_ref().map(Sharing::status),
            picture: self.stats.clone(),
            picture_fault: self.picture_fault.clone(),
            window_fault: self.window_fault.clone(),
            log: self.log.entries(),
        }
    }
}

fn write(workspace: &Workspace, path: &Path) -> Result<(), file::FileError> {
    if let Some(folder) = path.parent().filter(|_| path == document::recovery_path()) {
        // A folder that cannot be made shows in the error of the save itself.
        let _ = std::fs::create_dir_all(folder);
    }
    file::save(path, &document::with_paths_for(workspace.clone(), path))
}
