//! The handle by which a window or a headless host runs the engine.

use crate::device::ReopenGpu;
use crate::document;
use crate::kept::Kept;
use crate::loading::Loading;
use crate::render_thread::{RenderConfig, RenderThread};
use crate::session_thread::{self, Message, SessionConfig, SessionHandle};
use crate::sharing::{ShareConfig, ShareError};
use crate::status::{ImportId, ShareStatus, Status};
use crate::window::{WindowPicture, WindowSlot};
use arc_swap::ArcSwap;
use rr_encode::CardId;
use rr_load::{Cache, ImportOptions, Limits};
use rr_render::{Gpu, Theme};
use rr_scene::{Role, SceneSnapshot, Workspace};
use rr_session::{Input, Settings};
use rr_signal::SignalHandler;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Size of the stream's picture in pixels, even in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureSize {
    /// 16 to 7680.
    pub width_px: u32,
    /// 16 to 4320.
    pub height_px: u32,
}

impl Default for PictureSize {
    fn default() -> Self {
        Self { width_px: 1280, height_px: 720 }
    }
}

impl PictureSize {
    /// Width / height.
    pub fn aspect(self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "picture sizes are small")]
        let aspect = self.width_px as f32 / self.height_px as f32;
        aspect
    }
}

impl std::str::FromStr for PictureSize {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let wrong = || format!("\"{s}\" is no picture size; write WIDTHxHEIGHT such as 1280x720, 16x16 to 7680x4320");
        let (width, height) = s.split_once(['x', 'X']).ok_or_else(wrong)?;
        let width_px: u32 = width.trim().parse().map_err(|_| wrong())?;
        let height_px: u32 = height.trim().parse().map_err(|_| wrong())?;
        if !(16..=7680).contains(&width_px) || !(16..=4320).contains(&height_px) {
            return Err(wrong());
        }
        Ok(Self { width_px: width_px & !1, height_px: height_px & !1 })
    }
}

/// How an engine is set up.
pub struct EngineConfig {
    /// The device to render with.
    pub gpu: Gpu,
    /// Opens another device when that one is lost, so that viewers get pictures again; none: they get none any more. A
    /// window shows nothing of another device than the one that it shares with the engine.
    pub reopen_gpu: Option<ReopenGpu>,
    /// Size of the stream's picture.
    pub picture: PictureSize,
    /// Most frames per second of the stream.
    pub fps: f32,
    /// Colours.
    pub theme: Theme,
    /// What the owner of the session decides.
    pub settings: Settings,
    /// Name of the engineer at this machine as others see it.
    pub owner_name: String,
    /// Keeps parsed models; none: every file is parsed anew.
    pub cache: Option<Cache>,
    /// Bounds for reading untrusted files.
    pub limits: Limits,
    /// When a changed workspace is saved without anybody asking.
    pub saving: Saving,
    /// Called whenever a new window picture or status is there; must not block.
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

/// When a changed workspace is saved without anybody asking: to its file, or to the recovery file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// A moment after each change, and at the end.
    Always,
    /// At the end.
    AtEnd,
    /// Never: somebody else keeps it ([`Engine::kept`]), and the file is what every session begins with.
    Never,
}

/// A file to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRequest {
    /// Which file.
    pub file: PathBuf,
    /// Unit and up axis to use instead of the usual.
    pub options: ImportOptions,
}

/// Why the engine did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A thread could not be started or has ended.
    #[error("the engine is not running: {0}")]
    NotRunning(String),
    /// Too much is waiting already.
    #[error("the host is busy; try again")]
    Busy,
    /// The document could not be read or written.
    #[error(transparent)]
    File(#[from] rr_scene::file::FileError),
    /// Sharing failed.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// The graphics device failed.
    #[error(transparent)]
    Gpu(#[from] rr_render::GpuError),
}

/// A running engine. Cheap to share; when the last handle goes, or after [`Engine::shutdown`], its threads end.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    session: SessionHandle,
    scene: Arc<ArcSwap<SceneSnapshot>>,
    status: Arc<ArcSwap<Status>>,
    window: Arc<WindowSlot>,
    render: RenderThread,
    picture: PictureSize,
}

/// How long a caller waits for an answer of the session thread, which normally takes well under a millisecond.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

impl Engine {
    /// Starts the threads with a workspace and the file it came from, if any.
    pub fn start(config: EngineConfig, workspace: Workspace, path: Option<PathBuf>) -> Result<Self, EngineError> {
        let scene = Arc::new(ArcSwap::from_pointee(SceneSnapshot::default()));
        let status = Arc::new(ArcSwap::from_pointee(Status::default()));
        let window = Arc::new(WindowSlot::default());
        let (session_tx, session_rx) = session_thread::queue();
        // Where there are several, the one that draws encodes as well.
        let card = config.gpu.share().ok().map(|share| CardId(share.card()));
        let render = RenderThread::start(RenderConfig {
            gpu: config.gpu,
            reopen_gpu: config.reopen_gpu,
            picture: config.picture,
            fps: config.fps,
            theme: config.theme,
            scene: scene.clone(),
            window: window.clone(),
            wake: config.wake.clone(),
            session: session_tx.clone(),
        })?;
        let loading = Loading::new(session_tx.clone(), config.cache, config.limits);
        let session = session_thread::start(
            SessionConfig {
                workspace,
                path,
                settings: config.settings,
                owner_name: config.owner_name,
                picture: config.picture,
                fps: config.fps,
                card,
                saving: config.saving,
                loading,
                scene: scene.clone(),
                status: status.clone(),
                render: render.control(),
                wake: config.wake,
            },
            session_tx,
            session_rx,
        )?;
        let picture = config.picture;
        Ok(Self { inner: Arc::new(Inner { session, scene, status, window, render, picture }) })
    }

    /// The newest state of the scene.
    pub fn scene(&self) -> Arc<SceneSnapshot> {
        self.inner.scene.load_full()
    }

    /// The newest state of everything else.
    pub fn status(&self) -> Arc<Status> {
        self.inner.status.load_full()
    }

    /// Size of the stream's picture.
    pub fn picture(&self) -> PictureSize {
        self.inner.picture
    }

    /// Input of the engineer at this machine, who is an administrator. Refusals appear in the log.
    ///
    /// Points are those of the stream's picture; see [`Engine::from_window_point`].
    pub fn input(&self, input: Input) -> Result<(), EngineError> {
        self.inner.session.send(Message::Owner(input))
    }

    /// A point of the window's picture (0 to 1 from the top left) in the coordinates of the stream's picture. Both
    /// have the same height of view, so that it may lie beside the stream's picture.
    pub fn from_window_point(&self, at: glam::Vec2, window_aspect: f32) -> glam::Vec2 {
        let x = (at.x - 0.5) * window_aspect / self.inner.picture.aspect() + 0.5;
        glam::Vec2::new(x, at.y)
    }

    /// Waits until everything sent so far was applied and is visible in [`Engine::scene`] and [`Engine::status`].
    pub fn flush(&self) -> Result<(), EngineError> {
        self.inner.session.ask(ANSWER_WITHIN, Message::Flush)
    }

    /// Says how large the window's picture should be, in physical pixels; zero while it is hidden.
    pub fn set_window_size(&self, width_px: u32, height_px: u32) {
        if self.inner.window.want(width_px, height_px) {
            self.inner.render.wake();
        }
    }

    /// The newest picture for the window.
    pub fn window_picture(&self) -> Option<Arc<WindowPicture>> {
        self.inner.window.latest()
    }

    /// Other colours from the next frame on.
    pub fn set_theme(&self, theme: Theme) {
        self.inner.render.set_theme(theme);
    }

    /// Imports files: each becomes a device beside what is there, once it is read.
    pub fn import(&self, requests: Vec<ImportRequest>) -> Result<(), EngineError> {
        self.inner.session.send(Message::Import(requests))
    }

    /// Stops an import, or forgets one that is over.
    pub fn dismiss_import(&self, id: ImportId) -> Result<(), EngineError> {
        self.inner.session.send(Message::DismissImport(id))
    }

    /// Opens a workspace instead of the one that is open; unsaved changes of that one are lost.
    pub fn open(&self, path: &Path) -> Result<(), EngineError> {
        let workspace = rr_scene::file::load(path)?;
        self.inner.session.send(Message::Open(workspace, Some(document::absolute(path))))
    }

    /// Opens an empty workspace instead of the one that is open.
    pub fn new_workspace(&self) -> Result<(), EngineError> {
        self.inner.session.send(Message::Open(Workspace::new("Untitled"), None))
    }

    /// Saves to a file, or to the file that the workspace came from.
    pub fn save(&self, path: Option<&Path>) -> Result<PathBuf, EngineError> {
        let path = path.map(document::absolute);
        self.inner.session.ask(ANSWER_WITHIN, |answer| Message::Save(path, answer))?
    }

    /// Serves the session at an address, or moves it there. Until then nothing listens.
    pub fn share(&self, config: ShareConfig) -> Result<ShareStatus, EngineError> {
        Ok(self.inner.session.ask(ANSWER_WITHIN, |answer| Message::Share(config, answer))??)
    }

    /// Stops serving; viewers are told.
    pub fn stop_sharing(&self) -> Result<(), EngineError> {
        self.inner.session.send(Message::StopSharing)
    }

    /// A link for somebody: an address with a signed token that carries the role and expires.
    pub fn issue_link(&self, role: Role, valid_for: Duration) -> Result<String, EngineError> {
        Ok(self.inner.session.ask(ANSWER_WITHIN, |answer| Message::IssueLink(role, valid_for, answer))??)
    }

    /// Lets viewers in that come by another door than our own, such as a gateway that has checked them. Only while the
    /// session is shared.
    pub fn signal_handler(&self) -> Result<Arc<dyn SignalHandler>, EngineError> {
        Ok(self.inner.session.ask(ANSWER_WITHIN, Message::Door)??)
    }

    /// Sends all viewers away, who may come back.
    pub fn end_viewers(&self, reason: &str) -> Result<(), EngineError> {
        self.inner.session.send(Message::EndViewers(reason.to_owned()))
    }

    /// What would be lost with this host now.
    pub fn kept(&self) -> Result<Kept, EngineError> {
        Ok(*self.inner.session.ask(ANSWER_WITHIN, Message::Kept)?)
    }

    /// Goes on from there, with the people who are here. Models that are loaded already stay.
    pub fn restore(&self, kept: Kept) -> Result<(), EngineError> {
        self.inner.session.ask(ANSWER_WITHIN, |answer| Message::Restore(Box::new(kept), answer))
    }

    /// Sends a participant away.
    pub fn remove_participant(&self, id: rr_session::ParticipantId) -> Result<(), EngineError> {
        self.inner.session.send(Message::RemoveParticipant(id))
    }

    /// Ends everything in order: viewers are told, imports stopped, an unsaved workspace saved to its file, or to
    /// the recovery file when it has none. Returns where it was saved, if it had to be.
    pub fn shutdown(&self) -> Result<Option<PathBuf>, EngineError> {
        let saved = self.inner.session.ask(ANSWER_WITHIN, Message::Shutdown)?;
        self.inner.render.stop();
        saved
    }
}
