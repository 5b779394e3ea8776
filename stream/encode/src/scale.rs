//! Enlarges raw pictures: what was drawn in fewer pixels while it moved keeps the size that the stream has.

use crate::frame::{Frame, FrameError};

/// Scales between any two sizes, bilinear. Keeps its tables, so that a stream of frames allocates nothing.
#[derive(Debug, Default)]
pub struct Scaler {
    /// Left neighbour and weight of the right one (of 256) for each column.
    columns: Vec<(u32, u32)>,
    /// Two rows blended into one, times 256.
    row: Vec<u16>,
}

impl Scaler {
    /// Fills `target` with `source` at the size of `width_px` x `height_px`; numbers and times are taken over too.
    ///
    /// # Errors
    /// A size as for [`Frame::resize`], or a picture that is not to be had ([`Frame::fetch`]).
    pub fn scale(
        &mut self,
        source: &Frame,
        target: &mut Frame,
        width_px: u32,
        height_px: u32,
    ) -> Result<(), FrameError> {
        source.fetch()?;
        target.resize(width_px, height_px)?;
        target.number = source.number;
        target.revision = source.revision;
        target.captured_at = source.captured_at;
        target.drawn_at = source.ready_at();
        let from = (source.width() as usize, source.height() as usize);
        let to = (target.width() as usize, target.height() as usize);
        let half = |(w, h): (usize, usize)| (w / 2, h / 2);
        let [y, u, v] = target.planes_mut();
        self.plane(source.y(), from, y, to);
        self.plane(source.u(), half(from), u, half(to));
        self.plane(source.v(), half(from), v, half(to));
        Ok(())
    }

    fn plane(&mut self, from: &[u8], (from_w, from_h): (usize, usize), to: &mut [u8], (to_w, to_h): (usize, usize)) {
        self.columns.clear();
        self.columns.extend((0..to_w).map(|x| {
            let (left, weight) = neighbour(x, from_w, to_w);
            // The widths fit, as frames have at most 16384 pixels on a side.
            (u32::try_from(left).unwrap_or(0), weight)
        }));
        self.row.resize(from_w + 1, 0);
        for (y, out) in to.chunks_exact_mut(to_w).enumerate() {
            let (above, weight) = neighbour(y, from_h, to_h);
            let below = (above + 1).min(from_h - 1);
            let rows = from[above * from_w..].iter().zip(&from[below * from_w..]);
            for (blended, (&a, &b)) in self.row.iter_mut().zip(rows).take(from_w) {
                #[expect(clippy::cast_possible_truncation, reason = "255 * 256 at most")]
                let sum = (u32::from(a) * (256 - weight) + u32::from(b) * weight) as u16;
                *blended = sum;
            }
            // The last pixel has no right neighbour but itself.
            self.row[from_w] = self.row[from_w - 1];
            for (value, &(left, weight)) in out.iter_mut().zip(&self.columns) {
                let (a, b) = (self.row[left as usize], self.row[left as usize + 1]);
                #[expect(clippy::cast_possible_truncation, reason = "a weighted mean of bytes")]
                let mean = ((u32::from(a) * (256 - weight) + u32::from(b) * weight + (1 << 15)) >> 16) as u8;
                *value = mean;
            }
        }
    }
}

/// The pixel before the place of pixel `at`, and how much the one behind it weighs, of 256. Pixels are squares: their
/// middles lie on top of each other, not their corners.
fn neighbour(at: usize, from: usize, to: usize) -> (usize, u32) {
    let place = (2 * at + 1) * from * 128 / to;
    let place = place.saturating_sub(128).min((from - 1) * 256);
    #[expect(clippy::cast_possible_truncation, reason = "below 256")]
    let weight = (place % 256) as u32;
    (place / 256, weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FramePool;

    fn frame(pool: &FramePool, width: u32, height: u32, luma: impl Fn(usize, usize) -> u8) -> Frame {
        let mut frame = pool.take().unwrap();
        frame.resize(width, height).unwrap();
        let stride = frame.luma_stride();
        for (i, value) in frame.planes_mut()[0].iter_mut().enumerate() {
            *value = luma(i % stride, i / stride);
        }
        frame
    }

    #[test]
    fn a_ramp_stays_a_ramp_and_edges_stay_where_they_are() {
        let pool = FramePool::new();
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let small = frame(&pool, 48, 36, |x, y| (x * 4 + y) as u8);
        let mut large = pool.take().unwrap();
        Scaler::default().scale(&small, &mut large, 64, 48).unwrap();
        assert_eq!((large.width(), large.height(), large.revision), (64, 48, small.revision));
        for (i, value) in large.y().iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let (x, y) = ((i % 64) as f32 + 0.5, (i / 64) as f32 + 0.5);
            let expected = (x * 0.75 - 0.5).clamp(0.0, 47.0) * 4.0 + (y * 0.75 - 0.5).clamp(0.0, 35.0);
            assert!((f32::from(*value) - expected).abs() < 1.1, "{value} instead of {expected} at {i}");
        }
        assert!(large.u().iter().all(|&u| u == 128));
    }

    #[test]
    fn every_pair_of_sizes_works_and_flat_stays_flat() {
        let pool = FramePool::new();
        for (from, to) in [((2, 2), (64, 2)), ((960, 540), (1280, 720)), ((64, 36), (18, 10)), ((6, 4), (6, 4))] {
            let small = frame(&pool, from.0, from.1, |_, _| 200);
            let mut large = pool.take().unwrap();
            Scaler::default().scale(&small, &mut large, to.0, to.1).unwrap();
            assert!(large.y().iter().all(|&y| y == 200), "{from:?} to {to:?}");
            assert_eq!(large.y().len(), (to.0 * to.1) as usize);
        }
        let small = frame(&pool, 2, 2, |_, _| 0);
        assert!(Scaler::default().scale(&small, &mut pool.take().unwrap(), 0, 4).is_err());
    }
}
