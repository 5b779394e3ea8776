//! Figures of the picture for the viewers that ask for them: new ones, at most once a second.

use crate::host::Host;
use crate::status::PictureStats;
use crate::viewers::Viewers;
use rr_protocol::host::HostBody;
use rr_protocol::stats::{HostStats, LeftOut, PassMs};
use rr_render::Pass;
use rr_session::ParticipantId;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(1);

/// Whether a viewer wants figures, and when it got the last ones.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StatsWatch {
    on: bool,
    /// There are figures that it has not got.
    news: bool,
    sent: Option<Instant>,
}

impl StatsWatch {
    /// Who asks gets what is known, but not more often for asking again and again.
    pub fn set(&mut self, on: bool) {
        self.news = on;
        self.on = on;
    }

    fn changed(&mut self) {
        self.news = self.on;
    }

    /// When figures are to be sent; none while there is nothing to tell.
    fn due(&self) -> Option<Due> {
        self.news.then_some(self.sent.map_or(Due::Now, |sent| Due::At(sent + EVERY)))
    }

    fn take(&mut self, now: Instant) -> bool {
        let is_due = match self.due() {
            None => false,
            Some(Due::Now) => true,
            Some(Due::At(at)) => now >= at,
        };
        if is_due {
            (self.news, self.sent) = (false, Some(now));
        }
        is_due
    }
}

enum Due {
    Now,
    At(Instant),
}

impl Viewers {
    pub fn stats_changed(&mut self) {
        self.watches().for_each(|(_, watch)| watch.changed());
    }

    /// When somebody waits for figures until later; what is due at once was sent when it was asked for.
    pub fn next_stats(&self) -> Option<Instant> {
        let later = |watch: &StatsWatch| if let Some(Due::At(at)) = watch.due() { Some(at) } else { None };
        self.all_watches().filter_map(later).min()
    }
}

impl Host {
    /// To those who want them and whose time has come.
    pub(crate) fn tell_stats(&mut self, now: Instant) {
        let ids: Vec<ParticipantId> =
            self.viewers.watches().filter_map(|(id, watch)| watch.take(now).then_some(id)).collect();
        if !ids.is_empty() {
            let body = HostBody::Stats(to_wire(&self.stats));
            self.send_to_all(&ids, body);
        }
    }
}

fn to_wire(stats: &PictureStats) -> HostStats {
    let drawn = &stats.drawn;
    let pass =
        |pass: Pass| Some(PassMs { pass: pass.name().to_owned(), ms: drawn.times.ms(pass).filter(|ms| *ms > 0.0)? });
    HostStats {
        rendered_fps: stats.rendered_fps,
        encoded_fps: stats.encoded_fps,
        render_ms: stats.render_ms,
        encode_ms: stats.encode_ms,
        encoder: stats.encoder.clone(),
        triangles: drawn.triangles,
        lines: drawn.lines,
        draw_calls: drawn.draw_calls,
        drawn: drawn.instances,
        left_out: LeftOut {
            outside: drawn.culled_outside,
            small: drawn.culled_small,
            hidden: drawn.culled_hidden,
            cut_away: drawn.culled_by_section,
        },
        stand_ins: drawn.stand_ins,
        transparent: drawn.transparent,
        rest_frames: drawn.rest_frames,
        culled_on_device: drawn.culled_on_device,
        device_ms: drawn.times.total_ms(),
        passes: Pass::ALL.into_iter().filter_map(pass).collect(),
        economy: stats.economy.told(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_render::RenderStats;

    #[test]
    fn figures_come_when_they_are_new_and_once_a_second() {
        let (mut watch, begin) = (StatsWatch::default(), Instant::now());
        watch.changed();
        assert!(!watch.take(begin), "nobody asked");
        watch.set(true);
        assert!(watch.take(begin));
        assert!(!watch.take(begin + 5 * EVERY), "nothing is new");
        watch.changed();
        assert!(watch.take(begin + 5 * EVERY));
        for _ in 0..3 {
            watch.set(false);
            watch.set(true);
            assert!(!watch.take(begin + 5 * EVERY + EVERY / 2), "asked too often");
        }
        assert!(watch.take(begin + 6 * EVERY));
        watch.set(false);
        watch.changed();
        assert!(!watch.take(begin + 9 * EVERY));
    }

    #[test]
    fn passes_that_were_not_drawn_are_left_out() {
        let times = [(Pass::Main, 4.5), (Pass::Overlay, 0.5)].into_iter().collect();
        let drawn = RenderStats { instances: 12, culled_hidden: 7, triangles: 900, times, ..RenderStats::default() };
        let wire = to_wire(&PictureStats { drawn, encode_ms: 3.0, ..PictureStats::default() });
        let names: Vec<_> = wire.passes.iter().map(|p| (p.pass.as_str(), p.ms)).collect();
        assert_eq!(names, [("main", 4.5), ("overlay", 0.5)]);
        assert_eq!((wire.drawn, wire.left_out.hidden, wire.triangles, wire.device_ms), (12, 7, 900, Some(5.0)));
        assert_eq!(to_wire(&PictureStats::default()).device_ms, None);
    }
}
