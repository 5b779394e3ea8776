//! In how many pixels a picture in motion is drawn: fewer where the adapter is too slow for a steady rate.

use std::time::Duration;

/// Edge of the picture in motion, as a share of the stream's.
const SCALES: [f32; 4] = [1.0, 0.75, 0.6, 0.5];
/// Frames in motion take at most this long, or the next smaller scale follows.
const SLOW: Duration = Duration::from_millis(40);
/// A larger scale is tried when its frames would take less than this.
const FAST: Duration = Duration::from_millis(27);
/// Frames that are measured before anything is decided: one slow frame is no reason.
const MEASURED: u32 = 6;

/// Chooses the scale by what frames in motion took.
#[derive(Debug, Default)]
pub(crate) struct MotionScale {
    at: usize,
    frames: u32,
    sum: Duration,
}

impl MotionScale {
    pub fn scale(&self) -> f32 {
        SCALES[self.at]
    }

    /// A frame in motion was drawn and read back.
    pub fn took(&mut self, time: Duration) {
        self.frames += 1;
        self.sum += time;
        if self.frames < MEASURED {
            return;
        }
        let mean = self.sum / self.frames;
        self.frames = 0;
        self.sum = Duration::ZERO;
        if mean > SLOW && self.at + 1 < SCALES.len() {
            self.at += 1;
        } else if self.at > 0 {
            let growth = (SCALES[self.at - 1] / SCALES[self.at]).powi(2);
            if mean.mul_f32(growth) < FAST {
                self.at -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scales taken by an adapter that needs `full` for the full size and time in proportion to the pixels.
    fn settle(full: Duration) -> Vec<f32> {
        let mut motion = MotionScale::default();
        let scales = (0..300).map(|_| {
            let scale = motion.scale();
            motion.took(full.mul_f32(scale * scale));
            scale
        });
        scales.collect()
    }

    #[test]
    fn fast_adapters_draw_every_pixel() {
        assert!(settle(Duration::from_millis(12)).iter().all(|s| *s == 1.0));
    }

    #[test]
    fn slow_adapters_settle_on_a_scale_that_is_fast_enough() {
        for (full, scale) in [(45, 0.75), (90, 0.6), (500, 0.5)] {
            let scales = settle(Duration::from_millis(full));
            assert!(scales[60..].iter().all(|s| *s == scale), "{full} ms: {scales:?}");
        }
    }

    #[test]
    fn the_picture_grows_again_when_there_is_time() {
        let mut motion = MotionScale { at: 3, ..MotionScale::default() };
        for _ in 0..MEASURED * 4 {
            motion.took(Duration::from_millis(3));
        }
        assert_eq!(motion.scale(), 1.0);
    }

    #[test]
    fn one_slow_frame_changes_nothing() {
        let mut motion = MotionScale::default();
        for i in 0..60 {
            motion.took(Duration::from_millis(if i % MEASURED == 0 { 90 } else { 10 }));
        }
        assert_eq!(motion.scale(), 1.0);
    }
}
