//! How fast the picture is: counted for a second, then told.

use crate::status::PictureStats;
use rr_render::RenderStats;
use std::time::{Duration, Instant};

/// Counts frames and keeps times for one second.
#[derive(Default)]
pub(crate) struct Meter {
    since: Option<Instant>,
    frames: u32,
    render_ms: Vec<f32>,
    last: RenderStats,
}

impl Meter {
    pub fn rendered(&mut self, stream: Option<Duration>, stats: &RenderStats) {
        self.frames += 1;
        self.last = *stats;
        self.render_ms.extend(stream.map(|d| d.as_secs_f32() * 1e3));
    }

    pub fn every_second(&mut self, now: Instant) -> Option<PictureStats> {
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
