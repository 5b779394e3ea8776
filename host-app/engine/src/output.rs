//! One picture that is kept up to date: when the next frame of it is due, and in how much detail.

use rr_render::{Detail, Gpu, GpuError, RenderTarget};
use rr_scene::{Camera, SceneSnapshot, Workspace};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// What moves is drawn in less detail where each frame costs the processor dearly; this long after the last movement the
/// full picture follows.
const REFINE_AFTER: Duration = Duration::from_millis(150);
/// After a failed frame the next try waits this long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// One picture that is kept up to date: when it was drawn last and what it shows.
pub(crate) struct Output {
    pub target: Option<RenderTarget>,
    pub generation: u64,
    pub frame: u64,
    pub shown: Option<u64>,
    /// What the last frame showed of what can move. Weak, because a picture that nobody looks at any more must not keep
    /// a closed workspace alive.
    last: Option<(Camera, Weak<Workspace>)>,
    moved_at: Option<Instant>,
    detail: Detail,
    /// Another frame of the same will be smoother.
    pub is_refining: bool,
    pub drawn_at: Option<Instant>,
    interval: Duration,
    /// Why the last try failed, and when the next one is due.
    failed: Option<(String, Instant)>,
}

impl Output {
    pub fn new(fps: f32) -> Self {
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
            failed: None,
        }
    }

    /// When the next frame is due; none when the picture is up to date.
    pub fn due(&self, revision: u64, flow_interval: Option<Duration>, now: Instant) -> Option<Instant> {
        if let Some((_, retry_at)) = self.failed {
            return Some(retry_at);
        }
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
    pub fn next_detail(&mut self, gpu: &Gpu, scene: &SceneSnapshot, now: Instant) -> Detail {
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

    /// Another attempt follows after a while. True when the reason is news.
    pub fn failed(&mut self, reason: &str, now: Instant) -> bool {
        let is_news = self.failed.as_ref().is_none_or(|(last, _)| last != reason);
        self.failed = Some((reason.to_owned(), now + RETRY_AFTER));
        is_news
    }

    /// True when it had failed before.
    pub fn succeeded(&mut self) -> bool {
        self.failed.take().is_some()
    }

    /// Drawn anew as soon as possible.
    pub fn invalidate(&mut self, now: Instant) {
        self.shown = None;
        self.drawn_at = None;
        if let Some((_, retry_at)) = &mut self.failed {
            *retry_at = now;
        }
    }

    /// Gives back what it holds on the device.
    pub fn release(&mut self) {
        self.target = None;
        self.is_refining = false;
    }

    pub fn target(&mut self, gpu: &Gpu, size: (u32, u32)) -> Result<&mut RenderTarget, GpuError> {
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
