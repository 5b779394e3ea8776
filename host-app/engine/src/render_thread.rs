//! The thread that owns the renderer. It draws when the scene, a size or the colours changed, or while the flow of a
//! connection moves and somebody looks; otherwise it sleeps.
//!
//! One thread serves the window's picture and the stream's, with one renderer and one code path. It is not the user
//! interface's thread: tablets stay live while the window is minimised. What fails in one of the two pictures does not
//! hold up the other; after the loss of the device both wait for another one.

use crate::card_pictures::CardPictures;
use crate::device::{Device, ReopenGpu, Reopened};
use crate::engine::{EngineError, PictureSize};
use crate::meter::Meter;
use crate::output::{Output, Parts};
use crate::quality::{Economy, Governor};
use crate::raw_pictures::RawPictures;
use crate::rehearsal::{Next, Rehearsal};
use crate::room::MovingTimes;
use crate::session_thread::{Message, SessionSender};
use crate::status::PictureStats;
use crate::stream_picture::{StreamPicture, draw_probe, fill};
use crate::window::{WindowPicture, WindowSlot};
use arc_swap::ArcSwap;
use rr_render::{Detail, FrameOptions, Gpu, GpuError, RenderStats, Theme};
use rr_scene::{SceneSnapshot, ViewId};
use rr_stream::FrameFan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most frames per second of the window's picture.
const WINDOW_FPS: f32 = 60.0;
/// Frames per second of moving flows while nothing else changes, where each frame costs the processor dearly.
const SOFTWARE_FLOW_FPS: f32 = 10.0;
/// Frames that are averaged when nothing moves any more.
const REST_FRAMES: u32 = 16;
/// The same where each frame costs the processor dearly.
const SOFTWARE_REST_FRAMES: u32 = 8;
/// The stream shows the average when it holds this many, and when it is complete: all between would cost bits that nobody
/// sees.
const REST_FRAMES_SHOWN: u32 = 4;

/// One of the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureOf {
    /// A view's.
    Stream(ViewId),
    Window,
}

pub(crate) struct RenderConfig {
    pub gpu: Gpu,
    pub reopen_gpu: Option<ReopenGpu>,
    pub picture: PictureSize,
    pub fps: f32,
    pub theme: Theme,
    pub scene: Arc<ArcSwap<SceneSnapshot>>,
    pub window: Arc<WindowSlot>,
    pub wake: Arc<dyn Fn() + Send + Sync>,
    pub session: SessionSender,
}

#[derive(Default)]
struct Wishes {
    woken: bool,
    stop: bool,
    /// Where the frames of each view go that somebody watches.
    streams: BTreeMap<ViewId, FrameFan>,
    /// Views that want a frame although nothing changed.
    refresh: BTreeSet<ViewId>,
    theme: Option<Theme>,
    /// Viewers may come.
    rehearse: bool,
}

#[derive(Default)]
struct Shared {
    wishes: Mutex<Wishes>,
    changed: Condvar,
}

/// Tells the render thread what is wanted. Never waits for it.
#[derive(Clone)]
pub(crate) struct RenderControl(Arc<Shared>);

impl RenderControl {
    fn change(&self, f: impl FnOnce(&mut Wishes)) {
        let mut wishes = self.0.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        f(&mut wishes);
        wishes.woken = true;
        self.0.changed.notify_one();
    }

    /// The scene or a size changed.
    pub fn wake(&self) {
        self.change(|_| {});
    }

    /// Somebody watches a view (its frames go to the fan), or nobody does any more.
    pub fn set_stream(&self, view: ViewId, fan: Option<FrameFan>) {
        self.change(|w| match fan {
            Some(fan) => {
                w.refresh.insert(view);
                w.streams.insert(view, fan);
            }
            None => _ = w.streams.remove(&view),
        });
    }

    /// Viewers may come: the first one should not wait for what is made when a picture is drawn for the first time.
    pub fn rehearse(&self) {
        self.change(|w| w.rehearse = true);
    }

    /// Nobody watches anything any more.
    pub fn end_streams(&self) {
        self.change(|w| w.streams.clear());
    }
}

pub(crate) struct RenderThread {
    control: RenderControl,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl RenderThread {
    pub fn start(config: RenderConfig) -> Result<Self, EngineError> {
        let device = Device::new(config.gpu.clone(), config.theme, config.reopen_gpu.clone())?;
        let control = RenderControl(Arc::default());
        let shared = control.0.clone();
        let thread = std::thread::Builder::new()
            .name("rr-render".into())
            .spawn(move || Worker::new(config, device).run(&shared))
            .map_err(|e| EngineError::NotRunning(e.to_string()))?;
        Ok(Self { control, thread: Mutex::new(Some(thread)) })
    }

    pub fn control(&self) -> RenderControl {
        self.control.clone()
    }

    pub fn wake(&self) {
        self.control.wake();
    }

    pub fn set_theme(&self, theme: Theme) {
        self.control.change(|w| w.theme = Some(theme));
    }

    pub fn stop(&self) {
        self.control.change(|w| w.stop = true);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for RenderThread {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Worker {
    config: RenderConfig,
    device: Device,
    window: Output,
    window_size: Option<(u32, u32)>,
    /// The window draws on the device that the engine was started with, and can show nothing of another one.
    window_is_blind: bool,
    /// Views that somebody watches.
    streams: Vec<StreamPicture>,
    /// Files that did not fit the device, as told last.
    not_drawn: Vec<String>,
    raw: RawPictures,
    card: CardPictures,
    governor: Governor,
    /// What a frame of a stream in motion takes.
    moving_times: MovingTimes,
    /// The state that was drawn last.
    drawn: u64,
    started: Instant,
    meter: Meter,
    animated: Option<(u64, bool)>,
    rehearsal: Option<Rehearsal>,
}

impl Worker {
    fn new(config: RenderConfig, device: Device) -> Self {
        let governor = Governor::new(device.gpu.info().is_software);
        let raw = RawPictures::from_environment((config.picture.width_px, config.picture.height_px));
        Self {
            config,
            device,
            window: Output::new(WINDOW_FPS),
            window_size: None,
            window_is_blind: false,
            streams: Vec::new(),
            not_drawn: Vec::new(),
            raw,
            card: CardPictures::default(),
            governor,
            moving_times: MovingTimes::default(),
            drawn: 0,
            started: Instant::now(),
            meter: Meter::default(),
            animated: None,
            rehearsal: None,
        }
    }

    fn run(mut self, shared: &Shared) {
        let mut wait_until: Option<Instant> = None;
        loop {
            {
                let mut wishes = shared.wishes.lock().unwrap_or_else(PoisonError::into_inner);
                while !wishes.woken && !wishes.stop {
                    let now = Instant::now();
                    wishes = match wait_until {
                        Some(until) if until <= now => break,
                        Some(until) => {
                            shared.changed.wait_timeout(wishes, until - now).unwrap_or_else(PoisonError::into_inner).0
                        }
                        None => shared.changed.wait(wishes).unwrap_or_else(PoisonError::into_inner),
                    };
                }
                if wishes.stop {
                    return;
                }
                wishes.woken = false;
                if std::mem::take(&mut wishes.rehearse) {
                    self.rehearsal = Some(Rehearsal::default());
                }
                self.streams.retain(|stream| wishes.streams.contains_key(&stream.view));
                for (view, fan) in &wishes.streams {
                    match self.stream(*view) {
                        Some(stream) => stream.fan.clone_from(fan),
                        None => self.streams.push(StreamPicture::new(*view, self.config.fps, fan.clone())),
                    }
                }
                for view in std::mem::take(&mut wishes.refresh) {
                    self.stream(view).into_iter().for_each(|stream| stream.output.shown = None);
                }
                if let Some(theme) = wishes.theme.take() {
                    self.device.set_theme(theme);
                    self.window.shown = None;
                    self.streams.iter_mut().for_each(|stream| stream.output.shown = None);
                }
            }
            wait_until = self.draw_what_is_due();
        }
    }

    /// Draws and says when to come back without being woken.
    fn draw_what_is_due(&mut self) -> Option<Instant> {
        if self.device.is_lost() && !self.reopen_device() {
            return self.device.next_try();
        }
        let now = Instant::now();
        // Each view once, then the window, then all again: no view holds up another for more than a picture.
        let streams = (0..self.streams.len()).filter_map(|at| {
            let view = self.streams.get(at)?.view;
            let of = PictureOf::Stream(view);
            // Taken up when the picture is begun and no sooner: input that came while the last one was drawn, or while this
            // one waited for its turn, is seen in it.
            let scene = self.config.scene.load_full().seen_by(view)?;
            let due = self.due(of, &scene, Instant::now());
            if self.device.is_lost() || due.is_none_or(|at| at > Instant::now()) {
                return due;
            }
            let drawn = self.draw_stream(at, &scene);
            self.tell_outcome(of, drawn);
            self.due(of, &scene, now)
        });
        let stream = streams.min();
        let size = self.config.window.wanted().filter(|_| !self.window_is_blind && !self.device.is_lost());
        let window = size.and_then(|size| {
            if self.window_size.replace(size) != Some(size) {
                self.window.invalidate(now);
            }
            let (now, scene) = (Instant::now(), self.config.scene.load_full());
            let due = self.due(PictureOf::Window, &scene, now);
            if due.is_none_or(|at| at > now) {
                return due;
            }
            let drawn = unharmed(|| self.draw_window(&scene, size));
            self.tell_outcome(PictureOf::Window, drawn);
            self.due(PictureOf::Window, &scene, now)
        });
        let goes_on = self.rehearse().then(Instant::now);
        if let Some(stats) = self.meter.every_second(now) {
            let stats =
                PictureStats { economy: self.governor.economy(), moving_ms: self.moving_times.median_ms(), ..stats };
            self.config.session.try_send(Message::PictureStats(stats));
        }
        if self.device.is_lost() {
            return self.device.next_try();
        }
        [stream, window, goes_on, self.meter.next()].into_iter().flatten().min()
    }

    /// A step of the rehearsal. `true`: there is another one.
    fn rehearse(&mut self) -> bool {
        let Some(mut rehearsal) = self.rehearsal.take().filter(|_| self.streams.is_empty() && !self.device.is_lost())
        else {
            return false;
        };
        let size = (self.config.picture.width_px, self.config.picture.height_px);
        let pictures = [self.options(true, 1), self.options(false, 1)];
        let scene = self.config.scene.load_full();
        let mut next = Next::Over;
        // What goes wrong is told when somebody watches.
        let drawn = unharmed(|| rehearsal.step(&mut self.device, &scene, size, pictures).map(|found| next = found));
        if let Err(error) = drawn {
            tracing::debug!(%error, "nothing is drawn ahead of the first viewer");
            return false;
        }
        self.rehearsal = (next != Next::Over).then_some(rehearsal);
        next == Next::Step
    }

    fn due(&mut self, of: PictureOf, scene: &SceneSnapshot, now: Instant) -> Option<Instant> {
        let flow = self.flow_interval(scene);
        self.output(of)?.due(scene.changed, flow, now)
    }

    /// None when nobody watches that view (any more).
    fn output(&mut self, of: PictureOf) -> Option<&mut Output> {
        match of {
            PictureOf::Stream(view) => self.stream(view).map(|stream| &mut stream.output),
            PictureOf::Window => Some(&mut self.window),
        }
    }

    fn stream(&mut self, view: ViewId) -> Option<&mut StreamPicture> {
        self.streams.iter_mut().find(|stream| stream.view == view)
    }

    /// Errors are told once each, and what can be done about them is done.
    fn tell_outcome(&mut self, of: PictureOf, drawn: Result<(), GpuError>) {
        match drawn.map_err(|error| self.device.diagnosed(error)) {
            Ok(()) => {
                if self.output(of).is_some_and(Output::succeeded) {
                    self.config.session.try_send(Message::RenderRecovered(of));
                }
                self.tell_models_not_drawn();
            }
            Err(GpuError::Lost(reason)) => {
                let now = Instant::now();
                self.device.lose(now);
                self.card.forget();
                self.window_is_blind |= self.config.window.was_ever_wanted();
                self.window.release();
                for stream in &mut self.streams {
                    stream.anew = true;
                    stream.release();
                }
                let window = self.window_is_blind;
                self.config.session.try_send(Message::DeviceLost { reason: reason.clone(), window });
                match self.device.next_try() {
                    None => self.failed(
                        PictureOf::Stream(ViewId::SHARED),
                        &GpuError::Lost("no other one can be opened".into()),
                    ),
                    Some(at) if at > now => self.failed(PictureOf::Stream(ViewId::SHARED), &GpuError::Lost(reason)),
                    Some(_) => {}
                }
            }
            Err(error) => {
                let full = matches!(error, GpuError::OutOfMemory(_));
                // What the other pictures hold stays: they still are shown.
                match of {
                    PictureOf::Stream(view) => {
                        if let Some(stream) = self.stream(view) {
                            stream.anew = true;
                            if full {
                                stream.release();
                            }
                        }
                    }
                    PictureOf::Window if full => self.window.release(),
                    PictureOf::Window => {}
                }
                self.failed(of, &error);
            }
        }
    }

    fn failed(&mut self, of: PictureOf, error: &GpuError) {
        let reason = error.to_string();
        if self.output(of).is_none_or(|output| output.failed(&reason, Instant::now())) {
            self.config.session.try_send(Message::RenderFailed(of, reason));
        }
    }

    /// True when there is a device to draw with.
    fn reopen_device(&mut self) -> bool {
        match self.device.reopen(Instant::now()) {
            Reopened::Yes => {
                let now = Instant::now();
                self.streams.iter_mut().for_each(|stream| stream.output.invalidate(now));
                self.window.invalidate(now);
                self.animated = None;
                self.card.forget();
                // Another device has another speed.
                let info = self.device.gpu.info();
                self.governor = Governor::new(info.is_software);
                self.config.session.try_send(Message::DeviceOpened(info.clone()));
                true
            }
            Reopened::No(error) => {
                self.failed(PictureOf::Stream(ViewId::SHARED), &error);
                false
            }
            Reopened::NotYet => false,
        }
    }

    /// Models that do not fit the device are drawn as markers: somebody should know why.
    fn tell_models_not_drawn(&mut self) {
        let failed = || self.device.renderer.failed_models();
        if failed().map(|(file, _)| file).eq(self.not_drawn.iter().map(String::as_str)) {
            return;
        }
        for (file, error) in failed().filter(|(file, _)| !self.not_drawn.iter().any(|f| f == file)) {
            self.config.session.try_send(Message::ModelNotDrawn { file: file.to_owned(), reason: error.to_string() });
        }
        self.not_drawn = failed().map(|(file, _)| file.to_owned()).collect();
    }

    fn options(&self, moves: bool, bands: u32) -> FrameOptions {
        let is_software = self.device.gpu.info().is_software;
        let time_secs = self.started.elapsed().as_secs_f64();
        let base = FrameOptions { time_secs, ..FrameOptions::default() };
        if moves {
            let Economy { coarseness, edges, shadows, .. } = self.governor.economy();
            let detail = if is_software { Detail::Moving } else { Detail::Fine };
            let ambient_occlusion = self.governor.economy().shading();
            FrameOptions { detail, coarseness, edges, shadows, ambient_occlusion, ..base }
        } else if is_software {
            FrameOptions { rest_frames: SOFTWARE_REST_FRAMES, bands, ..base }
        } else {
            // As many as make a picture as smooth as the moving ones were.
            FrameOptions { rest_frames: REST_FRAMES, rest_step: REST_FRAMES_SHOWN, ..base }
        }
    }

    fn flow_interval(&mut self, scene: &SceneSnapshot) -> Option<Duration> {
        let animated = match self.animated {
            Some((revision, animated)) if revision == scene.revision => animated,
            _ => {
                let animated = self.device.renderer.is_animated(scene);
                // Before the first frame the renderer does not know the devices yet.
                if self.drawn == scene.revision {
                    self.animated = Some((scene.revision, animated));
                }
                animated
            }
        };
        let fps = if self.device.gpu.info().is_software { SOFTWARE_FLOW_FPS } else { 60.0 };
        animated.then(|| Duration::from_secs_f32(1.0 / fps))
    }

    fn draw_window(&mut self, scene: &Arc<SceneSnapshot>, size: (u32, u32)) -> Result<(), GpuError> {
        let started = Instant::now();
        // What it took comes some frames later.
        let moved_before = self.window.moves;
        let moves = self.window.next_moves(scene, started);
        let options = self.options(moves, self.window.bands);
        let samples = if moves { self.governor.economy().samples } else { 1 };
        let (mut parts, mut is_shown) = (Parts::begin(started), still_shown(ViewId::SHARED, scene, &self.config.scene));
        let mut go_on = || {
            parts.ended(Instant::now());
            is_shown()
        };
        let target = self.window.target(&self.device.gpu, size, samples)?;
        let stats = self.device.renderer.render_while(target, scene, &options, &mut go_on)?;
        let view = target.texture_view().clone();
        self.window.drawn_at = Some(started);
        let Some(stats) = stats else {
            self.window.shown = None;
            return Ok(());
        };
        if let Some(took) = stats.times.total_ms().map(|ms| Duration::from_secs_f32(ms / 1e3)) {
            if !moves && stats.triangles > 0 {
                self.window.rest_took(parts.longest().unwrap_or(took));
            } else if moves && moved_before && self.streams.is_empty() {
                self.governor.took(took);
            }
        }
        self.window.frame += 1;
        self.window.is_refining = stats.is_refining;
        self.window.shown = (stats.waiting_models == 0).then_some(scene.changed);
        self.drawn = scene.revision;
        self.meter.rendered(started, None, &stats);
        self.config.window.publish(WindowPicture {
            generation: self.window.generation,
            frame: self.window.frame,
            view,
            size_px: size,
            scene: scene.clone(),
        });
        (self.config.wake)();
        Ok(())
    }

    fn draw_stream(&mut self, at: usize, scene: &Arc<SceneSnapshot>) -> Result<(), GpuError> {
        let started = Instant::now();
        // Out of the list while it is drawn, because the rest of the worker has a part in that.
        let mut stream = self.streams.remove(at);
        let drawn = unharmed(|| self.draw_into(&mut stream, scene, started));
        self.streams.insert(at, stream);
        drawn
    }

    fn draw_into(
        &mut self,
        stream: &mut StreamPicture,
        scene: &Arc<SceneSnapshot>,
        started: Instant,
    ) -> Result<(), GpuError> {
        let moves = stream.output.next_moves(scene, started);
        let options = self.options(moves, stream.output.bands);
        let size = (self.config.picture.width_px, self.config.picture.height_px);
        stream.output.drawn_at = Some(started);
        // All frames in use means that the encoder is behind: this picture is left out, before encoding.
        let Some(mut frame) = stream.pool.take() else {
            stream.output.shown = None;
            return Ok(());
        };
        let economy = self.governor.economy();
        // Nothing is new but that borders get smoother, and nothing moves on top.
        let smooths = stream.output.is_refining
            && stream.output.shown == Some(scene.changed)
            && self.animated.is_some_and(|(revision, animated)| revision == scene.revision && !animated);
        let mut parts = Parts::begin(started);
        let mut on_card = None;
        let stats = if self.raw.play(scene.camera.yaw, size, &mut frame)? {
            RenderStats::default()
        } else if moves && economy.scale < 1.0 {
            let Device { gpu, renderer, .. } = &mut self.device;
            stream.moving.draw(gpu, renderer, scene, options, (economy, size), &mut frame)?
        } else {
            let samples = if moves { economy.samples } else { 1 };
            let mut is_shown = still_shown(stream.view, scene, &self.config.scene);
            let mut go_on = || {
                parts.ended(Instant::now());
                is_shown()
            };
            let target = stream.output.target(&self.device.gpu, size, samples)?;
            let Some(stats) = self.device.renderer.render_while(target, scene, &options, &mut go_on)? else {
                // Something moves again: that is to be drawn at once.
                stream.output.shown = None;
                return Ok(());
            };
            if smooths && stats.is_refining && stats.rest_frames != REST_FRAMES_SHOWN {
                self.meter.rendered(started, None, &stats);
                return Ok(());
            }
            // A mark is painted in memory.
            let wanted = stream.fan.card().filter(|_| scene.marks.probe.is_none());
            on_card = self.card.fill(&self.device.gpu, wanted, target, &mut frame, started);
            if on_card.is_none() {
                fill(target, &mut frame)?;
            }
            if parts.longest().is_some() {
                parts.ended(Instant::now());
            }
            stats
        };
        stream.output.is_refining = stats.is_refining;
        if let Some(at) = scene.marks.probe {
            draw_probe(&mut frame, at);
        }
        stream.output.frame += 1;
        stream.output.shown = (stats.waiting_models == 0).then_some(scene.changed);
        self.drawn = scene.revision;
        frame.number = stream.output.frame;
        frame.revision = scene.revision;
        frame.captured_at = started;
        frame.drawn_at = Instant::now();
        self.raw.keep(&frame);
        stream.fan.put(frame, std::mem::take(&mut stream.anew));
        // The encoder has it and waits for it as well; the next picture is begun when this one is done, or pictures would
        // pile up on a device that is slower than they are wanted.
        if let Some(picture) = on_card {
            picture.wait().map_err(|error| GpuError::ReadBack(error.to_string()))?;
        }
        if moves {
            // With hardware the rest of the way is not the picture's fault.
            let device = stats.times.total_ms().filter(|_| !self.device.gpu.info().is_software);
            let took = device.map_or_else(|| started.elapsed(), |ms| Duration::from_secs_f32(ms / 1e3));
            self.governor.took(took);
            self.moving_times.took(took);
        } else if stats.triangles > 0 {
            stream.output.rest_took(parts.longest().unwrap_or_else(|| started.elapsed()));
        }
        self.meter.rendered(started, Some(started.elapsed()), &stats);
        Ok(())
    }
}

/// Says no once the session shows something else than the picture that is being drawn.
fn still_shown(
    view: ViewId,
    drawn: &Arc<SceneSnapshot>,
    now: &Arc<ArcSwap<SceneSnapshot>>,
) -> impl FnMut() -> bool + use<> {
    let (drawn, now) = (Arc::clone(drawn), Arc::clone(now));
    move || {
        let now = now.load();
        let own = now.own_views.iter().find(|own| own.id == view).map(|own| own.camera);
        let camera = own.unwrap_or(now.camera);
        (camera, &now.section) == (drawn.camera, &drawn.section) && Arc::ptr_eq(&now.workspace, &drawn.workspace)
    }
}

/// A fault in the renderer or a driver must not end the thread: viewers would look at the last picture for good. What is
/// left of the device is not used again.
fn unharmed(draw: impl FnOnce() -> Result<(), GpuError>) -> Result<(), GpuError> {
    let drawn = std::panic::catch_unwind(std::panic::AssertUnwindSafe(draw));
    drawn.unwrap_or_else(|_| Err(GpuError::Lost("drawing failed; please report it".into())))
}
