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

/// What the longest part of a resting picture takes: whoever moves the camera again waits for it. Each part has its own
/// cost, so that there are no more than that needs.
const PART: std::ops::Range<Duration> = Duration::from_millis(28)..Duration::from_millis(60);
/// With more of them all together take much longer, and the longest one little less.
const MOST_BANDS: u32 = 16;

/// What can move of a picture.
type Shown = (Camera, Section, Weak<Workspace>);

fn is_same((camera, section, workspace): &Shown, scene: &SceneSnapshot) -> bool {
    *camera == scene.camera && *section == scene.section && workspace.as_ptr() == Arc::as_ptr(&scene.workspace)
}

/// How long the parts of a picture take, each of which ends with the question whether to go on.
#[derive(Debug)]
pub(crate) struct Parts {
    begun: Instant,
    longest: Option<Duration>,
}

impl Parts {
    pub fn begin(now: Instant) -> Self {
        Self { begun: now, longest: None }
    }

    pub fn ended(&mut self, now: Instant) {
        let took = now.duration_since(std::mem::replace(&mut self.begun, now));
        self.longest = self.longest.max(Some(took));
    }

    /// None when the picture came in one.
    pub fn longest(&self) -> Option<Duration> {
        self.longest
    }
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

    /// What the longest part of a frame of a resting camera took, drawn in that many bands ([`Output::bands`]).
    pub fn rest_took(&mut self, part: Duration) {
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
        // The longest part costs half more than its share, and a little for itself.
        for (whole_ms, bands) in [(5, 1), (30, 1), (70, 2), (150, 4), (280, 8), (10_000, MOST_BANDS)] {
            let mut output = Output::new(30.0);
            let part = |bands: u32| {
                let uneven = if bands > 1 { 1.5 } else { 1.0 };
                Duration::from_secs_f64((f64::from(whole_ms) / f64::from(bands) * uneven + 1.0) / 1e3)
            };
            for _ in 0..20 {
                let now = part(output.bands);
                output.rest_took(now);
            }
            let settled = output.bands;
            output.rest_took(part(settled));
            assert_eq!((settled, output.bands), (bands, bands), "{whole_ms} ms");
            assert!(part(bands) < PART.end || bands == MOST_BANDS);
        }
    }

    #[test]
    fn the_longest_part_counts() {
        let start = Instant::now();
        let mut parts = Parts::begin(start);
        assert_eq!(parts.longest(), None);
        for ms in [10, 90, 110] {
            parts.ended(start + Duration::from_millis(ms));
        }
        assert_eq!(parts.longest(), Some(Duration::from_millis(80)));
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
