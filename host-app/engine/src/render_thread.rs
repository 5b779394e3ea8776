//! The thread that owns the renderer. It draws when the scene, a size or the colours changed, or while the flow of a
//! connection moves and somebody looks; otherwise it sleeps.
//!
//! One thread serves the window's picture and the stream's, with one renderer and one code path. It is not the user
//! interface's thread: tablets stay live while the window is minimised.

use crate::engine::{EngineError, PictureSize};
use crate::quality::{Economy, Governor};
use crate::session_thread::{Message, SessionSender};
use crate::status::PictureStats;
use crate::window::{WindowPicture, WindowSlot};
use arc_swap::ArcSwap;
use rr_encode::{Frame, FramePool, Scaler};
use rr_render::{Detail, FrameOptions, Gpu, GpuError, RenderStats, RenderTarget, Renderer, Theme};
use rr_scene::{Camera, SceneSnapshot, Workspace};
use rr_stream::FrameSlot;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most frames per second of the window's picture.
const WINDOW_FPS: f32 = 60.0;
/// Frames per second of moving flows while nothing else changes, where each frame costs the processor dearly.
const SOFTWARE_FLOW_FPS: f32 = 10.0;
/// What moves is drawn in less detail where each frame costs the processor dearly; this long after the last movement the
/// full picture follows.
const REFINE_AFTER: Duration = Duration::from_millis(150);
/// Geometry that goes onto the device with one frame: some ten milliseconds, so that loading never stops the picture.
const UPLOAD_BYTES: u64 = 24 << 20;
/// Frames that are averaged when nothing moves any more.
const REST_FRAMES: u32 = 16;
/// The same where each frame costs the processor dearly.
const SOFTWARE_REST_FRAMES: u32 = 8;
/// The stream shows the average when it holds this many, and when it is complete: all between would cost bits that nobody
/// sees.
const REST_FRAMES_SHOWN: u32 = 4;
/// After a failed frame the next try waits this long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

pub(crate) struct RenderConfig {
    pub gpu: Gpu,
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
    /// Where the stream's frames go; none while nobody watches.
    stream: Option<FrameSlot>,
    /// The stream wants a frame although nothing changed.
    refresh: bool,
    theme: Option<Theme>,
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

    /// Somebody watches the stream (its frames go into the slot), or nobody does any more.
    pub fn set_stream(&self, slot: Option<FrameSlot>) {
        self.change(|w| {
            w.refresh |= slot.is_some();
            w.stream = slot;
        });
    }
}

pub(crate) struct RenderThread {
    control: RenderControl,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl RenderThread {
    pub fn start(config: RenderConfig) -> Result<Self, EngineError> {
        let mut renderer = Renderer::new(&config.gpu, config.theme)?;
        renderer.set_upload_budget(UPLOAD_BYTES);
        let control = RenderControl(Arc::default());
        let shared = control.0.clone();
        let thread = std::thread::Builder::new()
            .name("rr-render".into())
            .spawn(move || Worker::new(config, renderer).run(&shared))
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

/// One picture that is kept up to date: when it was drawn last and what it shows.
struct Output {
    target: Option<RenderTarget>,
    generation: u64,
    frame: u64,
    shown: Option<u64>,
    /// What the last frame showed of what can move. Weak, because a picture that nobody looks at any more must not keep
    /// a closed workspace alive.
    last: Option<(Camera, Weak<Workspace>)>,
    moved_at: Option<Instant>,
    detail: Detail,
    /// Another frame of the same will be smoother.
    is_refining: bool,
    drawn_at: Option<Instant>,
    interval: Duration,
}

impl Output {
    fn new(fps: f32) -> Self {
        let interval = Duration::from_secs_f32(1.0 / fps.clamp(1.0, 240.0));
        Self {
            target: None,
            generation: 0,
            frame: 0,
            shown: None,
            last: None,
            moved_at: None,
            detail: Detail::Fine,
            is_refining: false,
            drawn_at: None,
            interval,
        }
    }

    /// When the next frame is due; none when the picture is up to date.
    fn due(&self, revision: u64, flow_interval: Option<Duration>, now: Instant) -> Option<Instant> {
        let Some(drawn_at) = self.drawn_at else { return Some(now) };
        if self.shown != Some(revision) {
            return Some(drawn_at + self.interval);
        }
        let refined = self.moved_at.filter(|_| self.detail == Detail::Moving).map(|at| at + REFINE_AFTER);
        let flows = flow_interval.map(|i| drawn_at + i.max(self.interval));
        let smoother = self.is_refining.then(|| drawn_at + self.interval);
        [refined, flows, smoother].into_iter().flatten().min()
    }

    /// Detail of the frame that is drawn now and shows `scene`.
    fn next_detail(&mut self, gpu: &Gpu, scene: &SceneSnapshot, now: Instant) -> Detail {
        let shown = (scene.camera, Arc::downgrade(&scene.workspace));
        let last = self.last.replace(shown);
        if last.is_some_and(|(camera, workspace)| {
            camera != scene.camera || workspace.as_ptr() != Arc::as_ptr(&scene.workspace)
        }) {
            self.moved_at = Some(now);
        }
        let moves = self.moved_at.is_some_and(|at| now.duration_since(at) < REFINE_AFTER);
        self.detail = if moves && gpu.info().is_software { Detail::Moving } else { Detail::Fine };
        self.detail
    }

    fn target(&mut self, gpu: &Gpu, size: (u32, u32)) -> Result<&mut RenderTarget, GpuError> {
        if self.target.as_ref().is_none_or(|t| t.size() != size) {
            self.generation += 1;
            match &mut self.target {
                Some(target) => target.resize(size.0, size.1)?,
                None => self.target = Some(RenderTarget::new(gpu, size.0, size.1, gpu.default_samples())?),
            }
        }
        // Both arms above leave a target.
        self.target.as_mut().ok_or_else(|| GpuError::Lost("no render target".into()))
    }
}

struct Worker {
    config: RenderConfig,
    renderer: Renderer,
    window: Output,
    stream: Output,
    pool: FramePool,
    /// The stream's picture in motion, in fewer pixels where the adapter is slow.
    moving: Moving,
    governor: Governor,
    started: Instant,
    meter: Meter,
    failed: Option<String>,
    animated: Option<(u64, bool)>,
}

impl Worker {
    fn new(config: RenderConfig, renderer: Renderer) -> Self {
        let stream = Output::new(config.fps);
        Self {
            config,
            renderer,
            window: Output::new(WINDOW_FPS),
            stream,
            pool: FramePool::new(),
            moving: Moving::default(),
            governor: Governor::default(),
            started: Instant::now(),
            meter: Meter::default(),
            failed: None,
            animated: None,
        }
    }

    fn run(mut self, shared: &Shared) {
        let mut slot: Option<FrameSlot> = None;
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
                slot.clone_from(&wishes.stream);
                if std::mem::take(&mut wishes.refresh) {
                    self.stream.shown = None;
                }
                if let Some(theme) = wishes.theme.take() {
                    self.renderer.set_theme(theme);
                    self.window.shown = None;
                    self.stream.shown = None;
                }
            }
            wait_until = match self.draw_what_is_due(slot.as_ref()) {
                Ok(next) => {
                    if self.failed.take().is_some() {
                        self.config.session.try_send(Message::RenderRecovered);
                    }
                    next
                }
                Err(error) => {
                    let text = error.to_string();
                    if self.failed.as_ref() != Some(&text) {
                        self.config.session.try_send(Message::RenderFailed(text.clone()));
                        self.failed = Some(text);
                    }
                    Some(Instant::now() + RETRY_AFTER)
                }
            };
        }
    }

    /// Draws and says when to come back without being woken.
    fn draw_what_is_due(&mut self, slot: Option<&FrameSlot>) -> Result<Option<Instant>, GpuError> {
        let scene = self.config.scene.load_full();
        let now = Instant::now();
        let mut next: Option<Instant> = None;
        let mut later = |at: Instant| next = Some(next.map_or(at, |n| n.min(at)));
        let flow = self.flow_interval(&scene);

        if let Some(slot) = slot {
            match self.stream.due(scene.revision, flow, now) {
                Some(at) if at <= now => {
                    self.draw_stream(&scene, slot)?;
                    let flow = self.flow_interval(&scene);
                    self.stream.due(scene.revision, flow, now).into_iter().for_each(&mut later);
                }
                due => due.into_iter().for_each(&mut later),
            }
        }
        if let Some(size) = self.config.window.wanted() {
            if self.window.target.as_ref().is_some_and(|t| t.size() != size) {
                self.window.shown = None;
                self.window.drawn_at = None;
            }
            match self.window.due(scene.revision, flow, now) {
                Some(at) if at <= now => {
                    self.draw_window(&scene, size)?;
                    let flow = self.flow_interval(&scene);
                    self.window.due(scene.revision, flow, now).into_iter().for_each(&mut later);
                }
                due => due.into_iter().for_each(&mut later),
            }
        }
        if let Some(stats) = self.meter.every_second(now) {
            let stats = PictureStats { economy: self.governor.economy(), ..stats };
            self.config.session.try_send(Message::PictureStats(stats));
        }
        Ok(next)
    }

    fn options(&self, detail: Detail) -> FrameOptions {
        let rest_frames = match detail {
            Detail::Moving => 1,
            _ if self.config.gpu.info().is_software => SOFTWARE_REST_FRAMES,
            _ => REST_FRAMES,
        };
        let time_secs = self.started.elapsed().as_secs_f64();
        let Economy { coarseness, edges, .. } = match detail {
            Detail::Moving => self.governor.economy(),
            _ => Economy::default(),
        };
        FrameOptions { time_secs, detail, rest_frames, coarseness, edges, ..FrameOptions::default() }
    }

    fn flow_interval(&mut self, scene: &SceneSnapshot) -> Option<Duration> {
        let animated = match self.animated {
            Some((revision, animated)) if revision == scene.revision => animated,
            _ => {
                let animated = self.renderer.is_animated(scene);
                // Before the first frame the renderer does not know the devices yet.
                if self.stream.shown == Some(scene.revision) || self.window.shown == Some(scene.revision) {
                    self.animated = Some((scene.revision, animated));
                }
                animated
            }
        };
        let fps = if self.config.gpu.info().is_software { SOFTWARE_FLOW_FPS } else { 60.0 };
        animated.then(|| Duration::from_secs_f32(1.0 / fps))
    }

    fn draw_window(&mut self, scene: &Arc<SceneSnapshot>, size: (u32, u32)) -> Result<(), GpuError> {
        let started = Instant::now();
        let detail = self.window.next_detail(&self.config.gpu, scene, started);
        let options = self.options(detail);
        let target = self.window.target(&self.config.gpu, size)?;
        let stats = self.renderer.render(target, scene, &options)?;
        let view = target.texture_view().clone();
        self.window.frame += 1;
        self.window.is_refining = stats.is_refining;
        self.window.shown = (stats.waiting_models == 0).then_some(scene.revision);
        self.window.drawn_at = Some(started);
        self.meter.rendered(None, &stats);
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

    fn draw_stream(&mut self, scene: &Arc<SceneSnapshot>, slot: &FrameSlot) -> Result<(), GpuError> {
        let started = Instant::now();
        let detail = self.stream.next_detail(&self.config.gpu, scene, started);
        let options = self.options(detail);
        let size = (self.config.picture.width_px, self.config.picture.height_px);
        self.stream.drawn_at = Some(started);
        // All frames in use means that the encoder is behind: this picture is left out, before encoding.
        let Some(mut frame) = self.pool.take() else {
            self.stream.shown = None;
            return Ok(());
        };
        let scale = if detail == Detail::Moving { self.governor.economy().scale } else { 1.0 };
        // Nothing is new but that borders get smoother, and nothing moves on top.
        let smooths = self.stream.is_refining
            && self.stream.shown == Some(scene.revision)
            && self.animated.is_some_and(|(revision, animated)| revision == scene.revision && !animated);
        let stats = if scale < 1.0 {
            self.moving.draw(&self.config.gpu, &mut self.renderer, scene, options, (scale, size), &mut frame)?
        } else {
            let target = self.stream.target(&self.config.gpu, size)?;
            let stats = self.renderer.render(target, scene, &options)?;
            if smooths && stats.is_refining && stats.rest_frames != REST_FRAMES_SHOWN {
                self.meter.rendered(None, &stats);
                return Ok(());
            }
            fill(target, &mut frame)?;
            stats
        };
        self.stream.is_refining = stats.is_refining;
        if detail == Detail::Moving {
            self.governor.took(started.elapsed());
        }
        if let Some(at) = scene.marks.probe {
            draw_probe(&mut frame, at);
        }
        self.stream.frame += 1;
        self.stream.shown = (stats.waiting_models == 0).then_some(scene.revision);
        frame.number = self.stream.frame;
        frame.revision = scene.revision;
        frame.captured_at = started;
        slot.put(frame);
        self.meter.rendered(Some(started.elapsed()), &stats);
        Ok(())
    }
}

/// Reads the picture back into a frame.
fn fill(target: &mut RenderTarget, frame: &mut Frame) -> Result<(), GpuError> {
    let (width, height) = target.size();
    let filled = target.read_back(|rgba, stride| frame.fill_from_rgba(rgba, stride, width, height))?;
    filled.map_err(|error| GpuError::ReadBack(error.to_string()))
}

/// Draws the stream's picture in fewer pixels and enlarges it.
struct Moving {
    target: Option<RenderTarget>,
    pool: FramePool,
    scaler: Scaler,
}

impl Default for Moving {
    fn default() -> Self {
        Self { target: None, pool: FramePool::with_frames(1), scaler: Scaler::default() }
    }
}

impl Moving {
    fn draw(
        &mut self,
        gpu: &Gpu,
        renderer: &mut Renderer,
        scene: &SceneSnapshot,
        mut options: FrameOptions,
        (scale, size): (f32, (u32, u32)),
        frame: &mut Frame,
    ) -> Result<RenderStats, GpuError> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "smaller than a size that fits"
        )]
        let [width, height] = [size.0, size.1].map(|edge| ((edge as f32 * scale) as u32 & !1).max(2));
        let target = match &mut self.target {
            Some(target) => target,
            none => none.insert(RenderTarget::new(gpu, width, height, gpu.default_samples())?),
        };
        target.resize(width, height)?;
        // Text and lines keep their size in the finished picture.
        options.ui_scale *= scale;
        let stats = renderer.render(target, scene, &options)?;
        let Some(mut small) = self.pool.take() else {
            return Err(GpuError::ReadBack("the small frame is in use".into()));
        };
        fill(target, &mut small)?;
        let enlarged = self.scaler.scale(&small, frame, size.0, size.1);
        enlarged.map_err(|error| GpuError::ReadBack(error.to_string()))?;
        Ok(stats)
    }
}

/// Side of a latency probe's mark, pixels.
const PROBE_PX: usize = 32;

/// Paints a square of luma dark where the picture is bright there on the whole, and bright otherwise: the mark differs by
/// a hundred levels from whatever was there.
fn draw_probe(frame: &mut Frame, at: glam::Vec2) {
    let (width, height, stride) = (frame.width() as usize, frame.height() as usize, frame.luma_stride());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "0 to size"
    )]
    let corner = |t: f32, size: usize| ((t * size as f32) as usize).min(size).saturating_sub(PROBE_PX / 2);
    let (x, y) = (corner(at.x, width), corner(at.y, height));
    let [luma, _, _] = frame.planes_mut();
    let rows = (y..(y + PROBE_PX).min(height)).map(|row| row * stride + x..row * stride + (x + PROBE_PX).min(width));
    let (sum, count) = rows.clone().flat_map(|row| &luma[row]).fold((0, 0), |(s, n), v| (s + usize::from(*v), n + 1));
    let value = if sum > 128 * count { 16 } else { 235 };
    rows.for_each(|row| luma[row].fill(value));
}

/// Counts frames and keeps times for one second.
#[derive(Default)]
struct Meter {
    since: Option<Instant>,
    frames: u32,
    render_ms: Vec<f32>,
    last: RenderStats,
}

impl Meter {
    fn rendered(&mut self, stream: Option<Duration>, stats: &RenderStats) {
        self.frames += 1;
        self.last = *stats;
        self.render_ms.extend(stream.map(|d| d.as_secs_f32() * 1e3));
    }

    fn every_second(&mut self, now: Instant) -> Option<PictureStats> {
        let since = *self.since.get_or_insert(now);
        let span = now - since;
        if span < Duration::from_secs(1) {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "few frames a second")]
        let rendered_fps = self.frames as f32 / span.as_secs_f32();
        self.render_ms.sort_by(f32::total_cmp);
        let render_ms = self.render_ms.get(self.render_ms.len() / 2).copied().unwrap_or_default();
        self.since = Some(now);
        self.frames = 0;
        self.render_ms.clear();
        Some(PictureStats {
            rendered_fps,
            render_ms,
            triangles: self.last.triangles,
            draw_calls: self.last.draw_calls,
            ..PictureStats::default()
        })
    }
}
