//! How many cameras there is room for, by what pictures really take.

use rr_session::CameraRoom;
use std::collections::VecDeque;
use std::time::Duration;

/// Slower than this, a picture is not steered but guessed.
const LEAST_FPS: f32 = 15.0;
/// However fast the machine is: each view takes memory, too.
const MOST: usize = 16;

/// What one picture in motion takes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    /// Milliseconds of the render thread; 0 before the first one.
    pub draw_ms: f32,
    /// Milliseconds of an encoder's thread, likewise.
    pub encode_ms: f32,
    /// Threads that can encode at the same time.
    pub cores: usize,
}

/// Pictures of which the median counts, and how many there have to be.
const COUNTED: usize = 15;
const ENOUGH: usize = 8;

/// What pictures in motion took lately. The first ones say little: the device still makes what it draws with.
#[derive(Debug, Default)]
pub(crate) struct MovingTimes(VecDeque<f32>);

impl MovingTimes {
    pub fn took(&mut self, time: Duration) {
        if self.0.len() == COUNTED {
            self.0.pop_front();
        }
        self.0.push_back(time.as_secs_f32() * 1e3);
    }

    /// Milliseconds; 0 before there are enough.
    pub fn median_ms(&self) -> f32 {
        let mut all: Vec<f32> = self.0.iter().copied().collect();
        all.sort_by(f32::total_cmp);
        all.get(all.len() / 2).copied().filter(|_| all.len() >= ENOUGH).unwrap_or(0.0)
    }
}

/// Room for cameras beside the shared one, so that all keep [`LEAST_FPS`] when all move at once.
pub(crate) fn room(cost: Cost) -> CameraRoom {
    let time_ms = 1e3 / LEAST_FPS;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "few views, few cores"
    )]
    let views = |ms: f32, threads: usize| if ms > 0.0 { (time_ms * threads as f32 / ms) as usize } else { 2 };
    let (drawn, encoded) = (views(cost.draw_ms, 1), views(cost.encode_ms, cost.cores.max(1)));
    let all = drawn.min(encoded).clamp(1, MOST + 1);
    let why = if all > MOST {
        format!("{MOST} cameras are the most")
    } else if drawn <= encoded {
        format!(
            "this host draws a picture in {:.0} ms, enough for {all} {} at {LEAST_FPS:.0} pictures a second",
            cost.draw_ms,
            if all == 1 { "view" } else { "views" },
        )
    } else {
        format!("this host encodes a picture in {:.0} ms on {} cores", cost.encode_ms, cost.cores)
    };
    CameraRoom { most: all - 1, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most(draw_ms: f32, encode_ms: f32) -> usize {
        room(Cost { draw_ms, encode_ms, cores: 2 }).most
    }

    #[test]
    fn slow_pictures_leave_no_room() {
        // 66 ms a picture for all views together.
        for (draw_ms, beside) in [(5.0, 12), (20.0, 2), (30.0, 1), (34.0, 0), (200.0, 0), (0.1, MOST)] {
            assert_eq!(most(draw_ms, 1.0), beside, "{draw_ms} ms");
        }
        assert_eq!(most(1.0, 70.0), 0);
        assert_eq!(most(1.0, 40.0), 2);
    }

    #[test]
    fn the_first_picture_decides_nothing() {
        let mut times = MovingTimes::default();
        times.took(Duration::from_millis(900));
        assert_eq!(times.median_ms(), 0.0);
        (0..20).for_each(|_| times.took(Duration::from_millis(12)));
        assert!((times.median_ms() - 12.0).abs() < 0.1);
    }

    #[test]
    fn one_is_tried_before_anything_is_known() {
        assert_eq!(most(0.0, 0.0), 1);
    }

    #[test]
    fn the_reason_says_what_is_slow() {
        assert!(room(Cost { draw_ms: 40.0, encode_ms: 5.0, cores: 2 }).why.contains("draws a picture in 40 ms"));
        assert!(room(Cost { draw_ms: 1.0, encode_ms: 50.0, cores: 2 }).why.contains("encodes a picture in 50 ms"));
    }
}
