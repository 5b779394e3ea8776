//! Raw pictures in a pool: filled by the renderer, read by the encoder, never allocated anew.

use crate::card::CardPicture;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use thiserror::Error;
use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};

/// A raw picture: I420, BT.709, limited range; even width and height.
///
/// Comes from a [`FramePool`] and returns there when it and all its clones are dropped. Clones share the pixels, so that
/// several encoders can read one picture; number, revision and time are each clone's own.
///
/// The picture lies in memory, or in a graphics card's ([`Frame::fill_on_card`]): then it is copied into memory when
/// somebody asks for its planes, once for all clones. Ask by [`Frame::fetch`] first, which can say what went wrong.
#[derive(Debug)]
pub struct Frame {
    /// Counts the pictures of a view.
    pub number: u64,
    /// Revision of the state that the picture shows.
    pub revision: u64,
    /// When the picture was made; gives the RTP timestamp, so it must grow from frame to frame.
    pub captured_at: Instant,
    /// When its pixels were there, or on their way ([`Frame::ready_at`]). Differs from the time above, which begins with the
    /// drawing and is another one each time that a picture is encoded again.
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

    /// The picture where it lies on a graphics card, if it does.
    pub fn on_card(&self) -> Option<Arc<dyn CardPicture>> {
        self.pixels.as_ref().and_then(|pixels| lock(&pixels.card).clone())
    }

    /// When its pixels were there: [`Frame::drawn_at`], or later where the card was still drawing then.
    pub fn ready_at(&self) -> Instant {
        let seen = self.on_card().and_then(|card| card.ready_at());
        seen.map_or(self.drawn_at, |at| at.max(self.drawn_at))
    }

    /// Has the picture in memory, for [`Frame::y`] and the others; copies it there from the card once.
    ///
    /// # Errors
    /// The device that drew it is lost or stuck. The planes are black then.
    pub fn fetch(&self) -> Result<(), FrameError> {
        let Some(pixels) = &self.pixels else { return Ok(()) };
        pixels.in_memory(self.width, self.height).failed.clone().map_or(Ok(()), Err)
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
        self.pixels.as_ref().expect("a frame without pixels").in_memory(self.width, self.height)
    }

    /// Pixels that no clone shares; those of a shared one are copied.
    fn own_pixels(&mut self) -> &mut Pixels {
        if self.pixels.as_mut().is_none_or(|pixels| Arc::get_mut(pixels).is_none()) {
            let memory = OnceLock::from(self.planes().clone());
            let own = Arc::new(Pixels { memory, users: AtomicUsize::new(1), ..Pixels::default() });
            if let Some(shared) = self.pixels.replace(own) {
                self.home.leave(shared);
            }
        }
        #[expect(clippy::expect_used, reason = "shared ones were replaced")]
        self.pixels.as_mut().and_then(Arc::get_mut).expect("shared pixels")
    }

    /// The planes to write to, which are the picture from now on.
    fn own_planes(&mut self) -> &mut Planes {
        let (width, height) = (self.width, self.height);
        let pixels = self.own_pixels();
        pixels.in_memory(width, height);
        *lock(&pixels.card) = None;
        #[expect(clippy::expect_used, reason = "they were just put there")]
        pixels.memory.get_mut().expect("planes in memory")
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
        let (width, height) = even_size(width_px, height_px)?;
        self.width = width;
        self.height = height;
        let pixels = self.own_pixels();
        // What lies there is not wanted any more: it need not come from the card.
        *lock(&pixels.card) = None;
        pixels.in_memory(width, height);
        if let Some(planes) = pixels.memory.get_mut() {
            planes.failed = None;
            planes.resize(width, height);
        }
        Ok(())
    }

    /// Takes a picture that lies on a graphics card. Nothing is copied.
    ///
    /// # Errors
    /// A size as for [`Frame::resize`].
    pub fn fill_on_card(
        &mut self,
        picture: Arc<dyn CardPicture>,
        width_px: u32,
        height_px: u32,
    ) -> Result<(), FrameError> {
        let (width, height) = even_size(width_px, height_px)?;
        self.width = width;
        self.height = height;
        let pixels = self.own_pixels();
        if let Some(planes) = pixels.memory.take() {
            *lock(&pixels.spare) = planes;
        }
        *lock(&pixels.card) = Some(picture);
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
        let mut free = lock(&self.home.free);
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
#[derive(Debug, Clone, PartialEq, Eq, Error)]
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
    /// The picture cannot be had from the card that drew it.
    #[error("the picture on the graphics card: {0}")]
    Card(String),
}

const MAX_SIDE: usize = 16_384;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The size as 4:2:0 has it.
fn even_size(width_px: u32, height_px: u32) -> Result<(usize, usize), FrameError> {
    let (width, height) = (width_px as usize & !1, height_px as usize & !1);
    if width < 2 || height < 2 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(FrameError::Size { width_px, height_px });
    }
    Ok((width, height))
}

/// What all clones of a frame share.
#[derive(Debug, Default)]
struct Pixels {
    /// The picture in memory; not there yet while it lies on the card only.
    memory: OnceLock<Planes>,
    /// Where it was drawn, if it was not drawn into memory.
    card: Mutex<Option<Arc<dyn CardPicture>>>,
    /// Memory of an earlier picture, for the next that is wanted there.
    spare: Mutex<Planes>,
    /// Frames that hold them. Kept beside the count of the `Arc`, so that the last one can give it back whole: nothing is
    /// allocated when frames go round.
    users: AtomicUsize,
}

#[derive(Debug, Clone, Default)]
struct Planes {
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
    /// Why they do not hold the picture.
    failed: Option<FrameError>,
}

impl Planes {
    fn resize(&mut self, width: usize, height: usize) {
        self.y.resize(width * height, 16);
        self.u.resize(width * height / 4, 128);
        self.v.resize(width * height / 4, 128);
    }
}

impl Pixels {
    fn in_memory(&self, width: usize, height: usize) -> &Planes {
        self.memory.get_or_init(|| {
            let mut planes = std::mem::take(&mut *lock(&self.spare));
            planes.failed = None;
            let Some(card) = lock(&self.card).clone() else { return planes };
            planes.resize(width, height);
            let read = card.read([&mut planes.y, &mut planes.u, &mut planes.v]);
            if let Err(error) = read {
                planes.y.fill(16);
                planes.u.fill(128);
                planes.v.fill(128);
                planes.failed = Some(error);
            }
            planes
        })
    }
}

#[derive(Debug)]
struct Home {
    free: Mutex<Vec<Arc<Pixels>>>,
}

impl Home {
    /// A frame does not need these any more.
    fn leave(&self, pixels: Arc<Pixels>) {
        if pixels.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Its place on the card is for another picture now.
            let on_card = lock(&pixels.card).take();
            drop(on_card);
            lock(&self.free).push(pixels);
        }
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
