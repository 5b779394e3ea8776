//! The session thread: the single writer of the workspace. It takes messages from a bounded queue, applies them,
//! publishes one snapshot for the whole batch and tells the viewers what changed.

use crate::document;
use crate::engine::{EngineError, ImportRequest, PictureSize, Saving};
use crate::host::Host;
use crate::kept::Kept;
use crate::loading::{JobId, LoadedModel, Loading};
use crate::render_thread::{PictureOf, RenderControl};
use crate::sharing::{PeerEvent, ShareConfig, ShareError, Sharing};
use crate::status::{ImportId, PictureStats, ShareStatus, Status};
use arc_swap::ArcSwap;
use rr_encode::CardId;
use rr_render::GpuInfo;
use rr_scene::{Role, SceneSnapshot, Workspace};
use rr_session::{Input, ParticipantId, Settings};
use rr_signal::SignalHandler;
use rr_stream::{EncoderReport, RungReport};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Messages that wait. Commands beyond are refused with an error; moves of viewers are dropped.
const QUEUE: usize = 1024;
/// Messages applied before the result is published.
const BATCH: usize = 256;

/// Where an answer goes.
pub(crate) type Answer<T> = SyncSender<T>;

/// Everything the session thread reacts to.
pub(crate) enum Message {
    Owner(Input),
    Import(Vec<ImportRequest>),
    DismissImport(ImportId),
    Open(Workspace, Option<PathBuf>),
    Kept(Answer<Box<Kept>>),
    Restore(Box<Kept>, Answer<()>),
    Save(Option<PathBuf>, Answer<Result<PathBuf, EngineError>>),
    Saved {
        document: u64,
        path: PathBuf,
        saved: Arc<Workspace>,
        result: Result<(), rr_scene::file::FileError>,
        answer: Option<Answer<Result<PathBuf, EngineError>>>,
    },
    Share(ShareConfig, Answer<Result<ShareStatus, ShareError>>),
    Shared(Box<Result<Sharing, ShareError>>, Answer<Result<ShareStatus, ShareError>>),
    StopSharing,
    IssueLink(Role, Duration, Answer<Result<String, ShareError>>),
    Door(Answer<Result<Arc<dyn SignalHandler>, ShareError>>),
    EndViewers(String),
    RemoveParticipant(ParticipantId),
    Progress(JobId, &'static str, Option<f32>),
    Loaded(JobId, Result<LoadedModel, String>),
    Join {
        name: String,
        role: Role,
        return_key: Option<String>,
        answer: Answer<ParticipantId>,
    },
    Peer(ParticipantId, PeerEvent),
    EncoderStats(Vec<RungReport>),
    EncoderFailed(String),
    EncoderChanged(EncoderReport),
    PictureStats(PictureStats),
    RenderFailed(PictureOf, String),
    RenderRecovered(PictureOf),
    /// With `window`: there is a window, which gets no new pictures from here on.
    DeviceLost {
        reason: String,
        window: bool,
    },
    DeviceOpened(GpuInfo),
    ModelNotDrawn {
        file: String,
        reason: String,
    },
    Flush(Answer<()>),
    Shutdown(Answer<Result<Option<PathBuf>, EngineError>>),
}

/// Sends to the session thread.
#[derive(Clone)]
pub(crate) struct SessionSender(SyncSender<Message>);

impl SessionSender {
    /// False when the queue is full or the thread has ended: the message is dropped.
    pub fn try_send(&self, message: Message) -> bool {
        self.0.try_send(message).is_ok()
    }

    /// Waits for room. For threads of the engine that have nothing else to do.
    pub fn send_blocking(&self, message: Message) {
        let _ = self.0.send(message);
    }
}

pub(crate) fn queue() -> (SessionSender, Receiver<Message>) {
    let (tx, rx) = sync_channel(QUEUE);
    (SessionSender(tx), rx)
}

pub(crate) struct SessionHandle {
    tx: SessionSender,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SessionHandle {
    pub fn send(&self, message: Message) -> Result<(), EngineError> {
        self.tx.0.try_send(message).map_err(|e| match e {
            TrySendError::Full(_) => EngineError::Busy,
            TrySendError::Disconnected(_) => ended(),
        })
    }

    pub fn ask<T>(&self, within: Duration, message: impl FnOnce(Answer<T>) -> Message) -> Result<T, EngineError> {
        let (tx, rx) = sync_channel(1);
        self.send(message(tx))?;
        rx.recv_timeout(within).map_err(|e| match e {
            RecvTimeoutError::Timeout => EngineError::Busy,
            RecvTimeoutError::Disconnected => ended(),
        })
    }
}

fn ended() -> EngineError {
    EngineError::NotRunning("it was shut down".into())
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        let (tx, _rx) = sync_channel(1);
        if self.tx.0.send(Message::Shutdown(tx)).is_ok()
            && let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            let _ = thread.join();
        }
    }
}

pub(crate) struct SessionConfig {
    pub workspace: Workspace,
    pub path: Option<PathBuf>,
    pub settings: Settings,
    pub owner_name: String,
    pub picture: PictureSize,
    pub fps: f32,
    pub card: Option<CardId>,
    pub saving: Saving,
    pub loading: Loading,
    pub scene: Arc<ArcSwap<SceneSnapshot>>,
    pub status: Arc<ArcSwap<Status>>,
    pub render: RenderControl,
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

pub(crate) fn start(
    config: SessionConfig,
    tx: SessionSender,
    rx: Receiver<Message>,
) -> Result<SessionHandle, EngineError> {
    let own = tx.clone();
    let mut config = config;
    if let Some(path) = config.path.as_mut() {
        *path = document::absolute(path);
        config.workspace = document::with_full_paths(config.workspace, path);
    }
    let mut host = Host::new(config, own);
    // The first snapshot is there before anybody can ask for one.
    host.publish(Instant::now());
    let thread = std::thread::Builder::new()
        .name("rr-session".into())
        .spawn(move || run(&mut host, &rx))
        .map_err(|e| EngineError::NotRunning(e.to_string()))?;
    Ok(SessionHandle { tx, thread: Mutex::new(Some(thread)) })
}

fn run(host: &mut Host, rx: &Receiver<Message>) {
    loop {
        let now = Instant::now();
        let first = match host.next_deadline(now) {
            Some(at) => match rx.recv_timeout(at.saturating_duration_since(now)) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            },
            None => match rx.recv() {
                Ok(message) => Some(message),
                Err(_) => return,
            },
        };
        let now = Instant::now();
        let mut flushed = Vec::new();
        // One comes for each picture of a viewer that waits for it, and changes nothing that others see.
        let is_news = |message: &Message| !matches!(message, Message::Peer(_, PeerEvent::Sent(..)));
        let mut news = first.is_none();
        for message in first.into_iter().chain(rx.try_iter()).take(BATCH) {
            if let Message::Shutdown(answer) = message {
                let _ = answer.try_send(host.shutdown());
                return;
            }
            news |= is_news(&message);
            match message {
                Message::Flush(answer) => flushed.push(answer),
                message => host.handle(now, message),
            }
        }
        if news || host.next_deadline(now).is_some_and(|at| at <= now) {
            host.publish(now);
        }
        flushed.into_iter().for_each(|answer| _ = answer.try_send(()));
    }
}
