//! Raw pictures in a pool: filled by the renderer, read by the encoder, never allocated anew.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use thiserror::Error;
use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};

/// A raw picture: I420, BT.709, limited range; even width and height.
///
/// Comes from a [`FramePool`] and returns there when it and all its clones are dropped. Clones share the pixels, so that
/// several encoders can read one picture; number, revision and time are each clone's own.
#[derive(Debug)]
pub struct Frame {
    /// Counts the pictures of a view.
    pub number: u64,
    /// Revision of the state that the picture shows.
    pub revision: u64,
    /// When the picture was made; gives the RTP timestamp, so it must grow from frame to frame.
    pub captured_at: Instant,
    /// When its pixels were there. Differs from the time above, which begins with the drawing and is another one each time
    /// that a picture is encoded again.
    pub drawn_at: Instant,
    width: usize,
    height: usize,
    /// There until it is dropped.
    pixels: Option<Arc<Pixels>>,
    home: Arc<Home>,
}

impl Frame {
    /// Width of the picture in pixels; even.
    pub fn width(&self) -> u32 {
        self.width as u32
    }

    /// Height of the picture in pixels; even.
    pub fn height(&self) -> u32 {
        self.height as u32
    }

    /// Bytes of luma, [`Frame::luma_stride`] a row.
    pub fn y(&self) -> &[u8] {
        &self.planes().y
    }

    /// Bytes of blue difference, [`Frame::chroma_stride`] a row, half as many rows as luma.
    pub fn u(&self) -> &[u8] {
        &self.planes().u
    }

    /// Bytes of red difference, as [`Frame::u`].
    pub fn v(&self) -> &[u8] {
        &self.planes().v
    }

    /// All three planes (luma, blue, red) to write to.
    ///
    /// A frame that was cloned is copied first: fill it before you share it.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let planes = self.own_planes();
        [&mut planes.y, &mut planes.u, &mut planes.v]
    }

    #[expect(clippy::expect_used, reason = "taken by drop only")]
    fn planes(&self) -> &Planes {
        &self.pixels.as_ref().expect("a frame without pixels").planes
    }

    fn own_planes(&mut self) -> &mut Planes {
        if self.pixels.as_mut().is_none_or(|pixels| Arc::get_mut(pixels).is_none()) {
            let own = Arc::new(Pixels { planes: self.planes().clone(), users: AtomicUsize::new(1) });
            if let Some(shared) = self.pixels.replace(own) {
                self.home.leave(shared);
            }
        }
        #[expect(clippy::expect_used, reason = "shared ones were replaced")]
        &mut self.pixels.as_mut().and_then(Arc::get_mut).expect("shared pixels").planes
    }

    /// Bytes from one luma row to the next.
    pub fn luma_stride(&self) -> usize {
        self.width
    }

    /// Bytes from one chroma row to the next.
    pub fn chroma_stride(&self) -> usize {
        self.width / 2
    }

    /// Gives the frame another size. The contents are undefined afterwards; allocates only when it grows beyond what
    /// this buffer ever was.
    ///
    /// # Errors
    /// Less than 2x2 pixels or more than 16384 on a side.
    pub fn resize(&mut self, width_px: u32, height_px: u32) -> Result<(), FrameError> {
        let (width, height) = (width_px as usize & !1, height_px as usize & !1);
        if width < 2 || height < 2 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(FrameError::Size { width_px, height_px });
        }
        self.width = width;
        self.height = height;
        let planes = self.own_planes();
        planes.y.resize(width * height, 16);
        planes.u.resize(width * height / 4, 128);
        planes.v.resize(width * height / 4, 128);
        Ok(())
    }

    /// Takes the picture from RGBA (sRGB, 8 bit, `stride` bytes a row), such as a mapped read-back buffer. An odd last
    /// column or row is left out, since H.264 4:2:0 has none.
    ///
    /// # Errors
    /// A size as for [`Frame::resize`], or fewer bytes than the size needs.
    pub fn fill_from_rgba(
        &mut self,
        rgba: &[u8],
        stride: usize,
        width_px: u32,
        height_px: u32,
    ) -> Result<(), FrameError> {
        self.resize(width_px, height_px)?;
        let needs = stride * (self.height - 1) + self.width * 4;
        if stride < self.width * 4 || rgba.len() < needs {
            return Err(FrameError::Short { got: rgba.len(), needs, stride });
        }
        if rgba.len() >= stride * self.height {
            return self.convert(rgba, stride, 0, self.height);
        }
        // The converter reads whole rows only; a mapped buffer may end with the last pixel of the last one.
        let top = self.height - 2;
        if top > 0 {
            self.convert(rgba, stride, 0, top)?;
        }
        let mut tail = rgba[stride * top..needs].to_vec();
        tail.resize(stride * 2, 0);
        self.convert(&tail, stride, top, 2)
    }

    /// Converts `rows` rows of RGBA into the rows from `first` on; both even.
    fn convert(&mut self, rgba: &[u8], stride: usize, first: usize, rows: usize) -> Result<(), FrameError> {
        let (width, half) = (self.width, self.width / 2);
        let chroma = first / 2 * half..(first + rows) / 2 * half;
        let planes = self.own_planes();
        let mut image = YuvPlanarImageMut {
            y_plane: BufferStoreMut::Borrowed(&mut planes.y[first * width..(first + rows) * width]),
            y_stride: width as u32,
            u_plane: BufferStoreMut::Borrowed(&mut planes.u[chroma.clone()]),
            u_stride: half as u32,
            v_plane: BufferStoreMut::Borrowed(&mut planes.v[chroma]),
            v_stride: half as u32,
            width: width as u32,
            height: rows as u32,
        };
        yuv::rgba_to_yuv420(
            &mut image,
            &rgba[..stride * rows],
            stride as u32,
            YuvRange::Limited,
            YuvStandardMatrix::Bt709,
            YuvConversionMode::Balanced,
        )
        .map_err(|e| FrameError::Conversion(e.to_string()))
    }
}

impl Clone for Frame {
    fn clone(&self) -> Self {
        if let Some(pixels) = &self.pixels {
            pixels.users.fetch_add(1, Ordering::Relaxed);
        }
        Self { pixels: self.pixels.clone(), home: self.home.clone(), ..*self }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if let Some(pixels) = self.pixels.take() {
            self.home.leave(pixels);
        }
    }
}

/// A fixed number of frames that go round: one is being filled, one waits, one is being encoded.
#[derive(Debug, Clone)]
pub struct FramePool {
    home: Arc<Home>,
}

impl FramePool {
    /// A pool for one view and one encoder: three frames.
    pub fn new() -> Self {
        Self::with_frames(3)
    }

    /// A pool of so many frames.
    pub fn with_frames(count: usize) -> Self {
        let free = (0..count).map(|_| Arc::default()).collect();
        Self { home: Arc::new(Home { free: Mutex::new(free) }) }
    }

    /// A frame to fill, of any size and contents. `None` when all are in use: leave this picture out.
    pub fn take(&self) -> Option<Frame> {
        let mut free = self.home.free.lock().unwrap_or_else(PoisonError::into_inner);
        // Who shared one with whoever gave it back may not have let go of it yet, for an instant.
        let at = free.iter_mut().rposition(|pixels| Arc::get_mut(pixels).is_some())?;
        let pixels = free.swap_remove(at);
        pixels.users.store(1, Ordering::Relaxed);
        let (now, home) = (Instant::now(), self.home.clone());
        Some(Frame {
            number: 0,
            revision: 0,
            captured_at: now,
            drawn_at: now,
            width: 0,
            height: 0,
            pixels: Some(pixels),
            home,
        })
    }
}

impl Default for FramePool {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a frame could not be filled.
#[derive(Debug, Error)]
pub enum FrameError {
    /// No possible picture size.
    #[error("a picture of {width_px}x{height_px} pixels cannot be streamed")]
    Size {
        /// Wished width.
        width_px: u32,
        /// Wished height.
        height_px: u32,
    },
    /// The buffer does not hold the picture.
    #[error("picture buffer has {got} bytes with {stride} a row; {needs} are needed")]
    Short {
        /// Bytes given.
        got: usize,
        /// Bytes needed.
        needs: usize,
        /// Bytes a row.
        stride: usize,
    },
    /// The converter refused the picture.
    #[error("colour conversion: {0}")]
    Conversion(String),
}

const MAX_SIDE: usize = 16_384;

/// What all clones of a frame share.
#[derive(Debug, Default)]
struct Pixels {
    planes: Planes,
    /// Frames that hold them. Kept beside the count of the `Arc`, so that the last one can give it back whole: nothing is
    /// allocated when frames go round.
    users: AtomicUsize,
}

#[derive(Debug, Clone, Default)]
struct Planes {
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

#[derive(Debug)]
struct Home {
    free: Mutex<Vec<Arc<Pixels>>>,
}

impl Home {
    /// A frame does not need these any more.
    fn leave(&self, pixels: Arc<Pixels>) {
        if pixels.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(pixels);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solid(rgb: [u8; 3], width: usize, height: usize) -> Vec<u8> {
        [rgb[0], rgb[1], rgb[2], 255].repeat(width * height)
    }

    /// BT.709, limited range, from ITU-R BT.709-6 clause 3.
    fn expected(rgb: [u8; 3]) -> [f64; 3] {
        let [r, g, b] = rgb.map(|c| f64::from(c) / 255.0);
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748]
    }

    #[test]
    fn colours_are_bt709_limited() {
        let pool = FramePool::new();
        for rgb in [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [12, 200, 97]] {
            let mut frame = pool.take().unwrap();
            frame.fill_from_rgba(&solid(rgb, 64, 32), 64 * 4, 64, 32).unwrap();
            let want = expected(rgb);
            for (plane, want) in [frame.y(), frame.u(), frame.v()].iter().zip(want) {
                assert!(plane.iter().all(|&v| (f64::from(v) - want).abs() <= 1.5), "{rgb:?}: {} not {want}", plane[0]);
            }
        }
    }

    #[test]
    fn rows_may_be_padded_and_the_last_one_short() {
        // Read-back buffers have rows of a multiple of 256 bytes and may end with the last pixel.
        let (width, height, stride) = (100usize, 50usize, 512usize);
        let mut rgba = vec![0; stride * (height - 1) + width * 4];
        for row in rgba.chunks_mut(stride) {
            row[..width * 4].copy_from_slice(&solid([255, 255, 255], width, 1));
        }
        let mut frame = FramePool::new().take().unwrap();
        frame.fill_from_rgba(&rgba, stride, width as u32, height as u32).unwrap();
        assert_eq!((frame.width(), frame.height()), (100, 50));
        assert!(frame.y().iter().all(|&y| y >= 234), "padding leaked into the picture");
    }

    #[test]
    fn odd_sizes_lose_a_column_and_a_row() {
        let mut frame = FramePool::new().take().unwrap();
        frame.fill_from_rgba(&solid([9, 9, 9], 33, 17), 33 * 4, 33, 17).unwrap();
        assert_eq!((frame.width(), frame.height()), (32, 16));
        assert_eq!((frame.y().len(), frame.u().len(), frame.v().len()), (32 * 16, 16 * 8, 16 * 8));
    }

    #[test]
    fn impossible_pictures_are_refused() {
        let mut frame = FramePool::new().take().unwrap();
        assert!(matches!(frame.fill_from_rgba(&[0; 16], 4, 1, 4), Err(FrameError::Size { .. })));
        assert!(matches!(frame.fill_from_rgba(&[0; 16], 8, 2, 3), Ok(())));
        assert!(matches!(frame.fill_from_rgba(&[0; 15], 8, 2, 2), Err(FrameError::Short { .. })));
        assert!(matches!(frame.fill_from_rgba(&[0; 64], 4, 2, 2), Err(FrameError::Short { .. })));
        assert!(matches!(frame.fill_from_rgba(&[], 400_000, 100_000, 2), Err(FrameError::Size { .. })));
    }

    #[test]
    fn clones_share_the_picture_until_one_is_written() {
        let pool = FramePool::with_frames(1);
        let mut frame = pool.take().unwrap();
        frame.resize(32, 32).unwrap();
        let mut other = frame.clone();
        other.number = 9;
        assert_eq!((frame.y().as_ptr(), frame.number), (other.y().as_ptr(), 0));
        drop(frame);
        assert!(pool.take().is_none(), "given back while somebody reads it");
        let third = other.clone();
        other.planes_mut()[0].fill(200);
        assert_eq!((other.y()[0], third.y()[0]), (200, 16));
        drop(third);
        assert!(pool.take().is_some());
    }

    #[test]
    fn a_pool_has_three_frames_and_reuses_them() {
        let pool = FramePool::new();
        let mut frames: Vec<Frame> = (0..3).map(|_| pool.take().unwrap()).collect();
        assert!(pool.take().is_none());
        let mut buffers = Vec::new();
        for frame in &mut frames {
            frame.resize(64, 64).unwrap();
            buffers.push(frame.y().as_ptr());
        }
        drop(frames);
        for _ in 0..20 {
            let mut frame = pool.take().unwrap();
            frame.resize(64, 48).unwrap();
            assert!(buffers.contains(&frame.y().as_ptr()), "a new buffer was allocated");
        }
    }
}
