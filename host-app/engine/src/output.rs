//! One picture that is kept up to date: when the next frame of it is due, and what it is drawn into.

use rr_render::{Gpu, GpuError, RenderTarget};
use rr_scene::{Camera, SceneSnapshot, Section, Workspace};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// What moves is drawn in less detail where each frame costs the processor dearly; this long after the last movement the
/// full picture follows.
const REFINE_AFTER: Duration = Duration::from_millis(150);
/// After a failed frame the next try waits this long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a part of a resting picture takes on average. Some take three times as much, and whoever moves the camera again
/// waits for one of them; but each part has its own cost, so that there are no more than that needs.
const PART: std::ops::Range<Duration> = Duration::from_millis(18)..Duration::from_millis(50);
/// With more of them the longest one took no less time.
const MOST_BANDS: u32 = 8;

/// What can move of a picture.
type Shown = (Camera, Section, Weak<Workspace>);

fn is_same((camera, section, workspace): &Shown, scene: &SceneSnapshot) -> bool {
    *camera == scene.camera && *section == scene.section && workspace.as_ptr() == Arc::as_ptr(&scene.workspace)
}

/// One picture that is kept up to date: when it was drawn last and what it shows.
pub(crate) struct Output {
    /// For a resting camera, and for one that moves where that has more samples. The last one drawn into is shown.
    targets: [Option<RenderTarget>; 2],
    drawn_into: usize,
    pub generation: u64,
    pub frame: u64,
    pub shown: Option<u64>,
    /// What the last frame showed of what can move. Weak, because a picture that nobody looks at any more must not keep
    /// a closed workspace alive.
    last: Option<Shown>,
    moved_at: Option<Instant>,
    /// The last frame showed something that moved.
    pub moves: bool,
    /// Parts in which a frame of a resting camera is drawn, so that it can be given up soon when something moves again.
    pub bands: u32,
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
            targets: [None, None],
            drawn_into: 0,
            generation: 0,
            frame: 0,
            shown: None,
            last: None,
            moved_at: None,
            moves: false,
            bands: 4,
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
        let refined = self.moved_at.filter(|_| self.moves).map(|at| at + REFINE_AFTER);
        let flows = flow_interval.map(|i| drawn_at + i.max(self.interval));
        let smoother = self.is_refining.then(|| drawn_at + self.interval);
        [refined, flows, smoother].into_iter().flatten().min()
    }

    /// Whether what the frame shows that is drawn now moves; it shows `scene`.
    pub fn next_moves(&mut self, scene: &SceneSnapshot, now: Instant) -> bool {
        let shown = (scene.camera, scene.section, Arc::downgrade(&scene.workspace));
        let last = self.last.replace(shown);
        if last.is_some_and(|last| !is_same(&last, scene)) {
            self.moved_at = Some(now);
        }
        self.moves = self.moved_at.is_some_and(|at| now.duration_since(at) < REFINE_AFTER);
        self.moves
    }

    /// What a frame of a resting camera took, drawn in that many parts ([`Output::bands`]).
    pub fn rest_took(&mut self, time: Duration) {
        let part = time / self.bands;
        if part >= PART.end {
            self.bands = (self.bands * 2).min(MOST_BANDS);
        } else if part < PART.start {
            self.bands = (self.bands / 2).max(1);
        }
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
        self.targets = [None, None];
        self.is_refining = false;
    }

    /// What a frame of that size and that many samples per pixel is drawn into. The generation grows when that is
    /// another texture than the last one.
    ///
    /// # Errors
    /// What the device reports.
    pub fn target(&mut self, gpu: &Gpu, size: (u32, u32), samples: u32) -> Result<&mut RenderTarget, GpuError> {
        let at = usize::from(samples > 1);
        let fits = self.targets[at].as_ref().is_some_and(|t| t.size() == size);
        if !fits || self.drawn_into != at {
            self.generation += 1;
            self.drawn_into = at;
        }
        match &mut self.targets[at] {
            Some(target) => target.resize(size.0, size.1)?,
            none => *none = Some(RenderTarget::new(gpu, size.0, size.1, samples)?),
        }
        // Both arms above leave a target.
        self.targets[at].as_mut().ok_or_else(|| GpuError::Lost("no render target".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_pictures_come_in_parts_and_not_in_more_than_needed() {
        // Each part costs a tenth more than its share.
        for (whole_ms, bands) in [(5, 1), (30, 1), (150, 4), (400, 8), (10_000, MOST_BANDS)] {
            let mut output = Output::new(30.0);
            for _ in 0..20 {
                let took = f64::from(whole_ms) * (0.9 + 0.1 * f64::from(output.bands));
                output.rest_took(Duration::from_secs_f64(took / 1e3));
            }
            assert_eq!(output.bands, bands, "{whole_ms} ms");
        }
    }

    #[test]
    fn what_moves_is_told_until_it_rested_for_a_while() {
        let mut output = Output::new(30.0);
        let (mut scene, start) = (SceneSnapshot::default(), Instant::now());
        assert!(!output.next_moves(&scene, start), "nobody knows yet");
        scene.camera.yaw += 0.1;
        assert!(output.next_moves(&scene, start));
        assert!(output.next_moves(&scene, start + REFINE_AFTER / 2));
        assert!(!output.next_moves(&scene, start + REFINE_AFTER * 2));
        let plane = rr_scene::SectionPlane::new(glam::Vec3::X, 0.0);
        scene.section = Section::of(plane);
        assert!(output.next_moves(&scene, start + REFINE_AFTER * 3));
    }
}
