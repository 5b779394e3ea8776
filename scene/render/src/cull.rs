//! Which instances of which part are drawn in a frame, nearest parts first.

use crate::frustum::Frustum;
use crate::prepared::Prepared;
use glam::Vec3;

/// Parts smaller than this radius in pixels are left out.
const MIN_RADIUS_PX: f32 = 0.6;
/// Parts smaller than this have no feature edges; the shader fades them out before.
const MIN_EDGE_RADIUS_PX: f32 = 14.0;

/// Consecutive instances of one batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    pub(crate) batch: usize,
    pub(crate) first: u32,
    pub(crate) end: u32,
    /// From the eye to the nearest point of the spheres around the instances, metres; negative inside of one.
    pub(crate) nearest: f32,
    /// Largest scale from the part to the world among the instances.
    pub(crate) scale: f32,
}

/// Lists that live from frame to frame, so that culling allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Visible {
    runs: Vec<(Run, bool)>,
    /// Start and end in `runs` and nearest distance of each batch.
    batches: Vec<(usize, usize, f32)>,
    pub(crate) culled: u32,
}

impl Visible {
    pub(crate) fn update(&mut self, scene: &Prepared, frustum: &Frustum, eye: Vec3) {
        self.runs.clear();
        self.batches.clear();
        self.culled = 0;
        for (index, batch) in scene.batches.iter().enumerate() {
            let start = self.runs.len();
            let mut nearest = f32::INFINITY;
            let mut open: Option<(Run, bool)> = None;
            for i in batch.first..batch.end {
                let sphere = scene.spheres[i as usize];
                let (centre, radius) = (sphere.truncate(), sphere.w);
                if !frustum.sees(centre, radius, MIN_RADIUS_PX) {
                    self.culled += 1;
                    self.runs.extend(open.take());
                    continue;
                }
                let distance = (centre - eye).length() - radius;
                let scale = scene.scales[i as usize];
                nearest = nearest.min(distance);
                let has_edges = frustum.radius_px(centre, radius) >= MIN_EDGE_RADIUS_PX;
                match &mut open {
                    Some((run, edges)) if *edges == has_edges => {
                        run.end = i + 1;
                        run.nearest = run.nearest.min(distance);
                        run.scale = run.scale.max(scale);
                    }
                    _ => {
                        let run = Run { batch: index, first: i, end: i + 1, nearest: distance, scale };
                        self.runs.extend(open.replace((run, has_edges)));
                    }
                }
            }
            self.runs.extend(open);
            if self.runs.len() > start {
                self.batches.push((start, self.runs.len(), nearest));
            }
        }
        // What is near hides what is behind before that is shaded.
        self.batches.sort_by(|a, b| a.2.total_cmp(&b.2));
    }

    fn ordered(&self) -> impl Iterator<Item = (Run, bool)> {
        self.batches.iter().flat_map(|(start, end, _)| self.runs[*start..*end].iter().copied())
    }

    /// Everything that is drawn.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> {
        // Neighbours that differ in their edges only make one draw call.
        let mut all = self.ordered().map(|(run, _)| run).peekable();
        std::iter::from_fn(move || {
            let mut run = all.next()?;
            while let Some(next) = all.next_if(|n| n.batch == run.batch && n.first == run.end) {
                run.end = next.end;
                run.nearest = run.nearest.min(next.nearest);
                run.scale = run.scale.max(next.scale);
            }
            Some(run)
        })
    }

    /// What is large enough for feature edges.
    pub(crate) fn edge_runs(&self) -> impl Iterator<Item = Run> {
        self.ordered().filter(|(_, edges)| *edges).map(|(run, _)| run)
    }

    /// The drawn instances of some devices.
    pub(crate) fn runs_where(&self, scene: &Prepared, wanted: impl Fn(u32) -> bool) -> impl Iterator<Item = Run> {
        self.runs().flat_map(move |run| {
            let is_wanted = |i: u32| wanted(scene.device_of[i as usize]);
            let mut parts = Vec::new();
            let mut first = run.first;
            while first < run.end {
                let end = (first..run.end).find(|&i| is_wanted(i) != is_wanted(first)).unwrap_or(run.end);
                if is_wanted(first) {
                    parts.push(Run { first, end, ..run });
                }
                first = end;
            }
            parts
        })
    }
}
