//! How fast the picture is: counted for a second, then told.

use crate::status::PictureStats;
use rr_render::{Pass, RenderStats};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Counts frames and keeps times for one second.
#[derive(Default)]
pub(crate) struct Meter {
    /// None while nothing was rendered for a second and that was told.
    since: Option<Instant>,
    frames: u32,
    render_ms: Vec<f32>,
    last_render_ms: f32,
    drawn: RenderStats,
}

impl Meter {
    pub fn rendered(&mut self, now: Instant, stream: Option<Duration>, stats: &RenderStats) {
        self.since.get_or_insert(now);
        self.frames += 1;
        self.render_ms.extend(stream.map(|d| d.as_secs_f32() * 1e3));
        let times = self.drawn.times;
        if is_kept(stats) {
            self.drawn.rest_frames = stats.rest_frames;
        } else {
            self.drawn = RenderStats { times, ..*stats };
        }
        // They come some frames later; those of a kept picture say little.
        if stats.times.ms(Pass::Main).is_some_and(|ms| ms > 0.0) {
            self.drawn.times = stats.times;
        }
    }

    /// When there is something to tell although nothing is drawn: otherwise a picture that came to rest would seem to
    /// go on for good.
    pub fn next(&self) -> Option<Instant> {
        self.since.map(|since| since + SECOND)
    }

    pub fn every_second(&mut self, now: Instant) -> Option<PictureStats> {
        let span = now - self.since?;
        if span < SECOND {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "few frames a second")]
        let rendered_fps = self.frames as f32 / span.as_secs_f32();
        self.render_ms.sort_by(f32::total_cmp);
        if let Some(median) = self.render_ms.get(self.render_ms.len() / 2) {
            self.last_render_ms = *median;
        }
        self.since = (self.frames > 0).then_some(now);
        self.frames = 0;
        self.render_ms.clear();
        let render_ms = self.last_render_ms;
        Some(PictureStats { rendered_fps, render_ms, drawn: self.drawn, ..PictureStats::default() })
    }
}

/// Nothing was drawn but what lies on top.
fn is_kept(stats: &RenderStats) -> bool {
    stats.rest_frames > 1 && stats.triangles == 0 && stats.instances == 0 && stats.culled == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(triangles: u64, main_ms: f32) -> RenderStats {
        let times = [(Pass::Main, main_ms)].into_iter().collect();
        RenderStats { triangles, instances: 3, culled: 2, culled_small: 2, rest_frames: 1, times, ..Default::default() }
    }

    #[test]
    fn a_picture_at_rest_keeps_the_numbers_of_the_last_one_that_was_drawn() {
        let (mut meter, begin) = (Meter::default(), Instant::now());
        meter.rendered(begin, Some(Duration::from_millis(8)), &drawn(700, 0.0));
        let late = [(Pass::Main, 4.0), (Pass::Overlay, 1.0)].into_iter().collect();
        let kept = RenderStats { rest_frames: 16, draw_calls: 2, times: late, ..RenderStats::default() };
        meter.rendered(begin, None, &kept);
        let only_overlay = [(Pass::Overlay, 1.0)].into_iter().collect();
        meter.rendered(begin, None, &RenderStats { times: only_overlay, ..kept });
        let told = meter.every_second(begin + SECOND).unwrap();
        assert_eq!((told.drawn.triangles, told.drawn.instances, told.drawn.culled_small), (700, 3, 2));
        assert_eq!((told.drawn.rest_frames, told.drawn.times.total_ms()), (16, Some(5.0)));
        assert_eq!((told.rendered_fps, told.render_ms), (3.0, 8.0));
    }

    #[test]
    fn an_emptied_scene_counts_nothing() {
        let (mut meter, begin) = (Meter::default(), Instant::now());
        meter.rendered(begin, None, &drawn(700, 1.0));
        meter.rendered(begin, None, &RenderStats { rest_frames: 1, ..RenderStats::default() });
        assert_eq!(meter.every_second(begin + SECOND).unwrap().drawn.triangles, 0);
    }

    #[test]
    fn rest_is_told_once() {
        let (mut meter, begin) = (Meter::default(), Instant::now());
        assert_eq!((meter.next(), meter.every_second(begin)), (None, None));
        meter.rendered(begin, Some(Duration::from_millis(5)), &drawn(1, 1.0));
        assert_eq!(meter.next(), Some(begin + SECOND));
        assert_eq!(meter.every_second(begin + SECOND / 2), None);
        assert_eq!(meter.every_second(begin + SECOND).unwrap().rendered_fps, 1.0);
        let rest = meter.every_second(begin + 2 * SECOND).unwrap();
        assert_eq!((rest.rendered_fps, rest.render_ms, rest.drawn.triangles), (0.0, 5.0, 1));
        assert_eq!((meter.next(), meter.every_second(begin + 9 * SECOND)), (None, None));
        // A frame after a long rest does not count as one in all that time.
        meter.rendered(begin + 9 * SECOND, None, &drawn(1, 1.0));
        assert_eq!(meter.every_second(begin + 10 * SECOND).unwrap().rendered_fps, 1.0);
    }
}
