//! A view's picture on its way from the device into a frame.

use crate::output::Output;
use crate::quality::Economy;
use rr_encode::{Frame, FramePool, Scaler};
use rr_render::{FrameOptions, Gpu, GpuError, RenderStats, RenderTarget, Renderer};
use rr_scene::{SceneSnapshot, ViewId};
use rr_stream::FrameFan;

/// Frames of a view that go round: one is drawn, the fan keeps the last one, and each of three rungs has one that it
/// encodes or may encode again and one that waits. They take memory when they are first used.
const STREAM_FRAMES: usize = 8;

/// A view that somebody watches.
pub(crate) struct StreamPicture {
    pub view: ViewId,
    pub output: Output,
    /// Pictures were missing: the next one begins the stream anew.
    pub anew: bool,
    pub pool: FramePool,
    /// The picture in motion, in fewer pixels where the adapter is slow.
    pub moving: Moving,
    /// Where frames go.
    pub fan: FrameFan,
}

impl StreamPicture {
    pub fn new(view: ViewId, fps: f32, fan: FrameFan) -> Self {
        let pool = FramePool::with_frames(STREAM_FRAMES);
        Self { view, output: Output::new(fps), anew: false, pool, moving: Moving::default(), fan }
    }

    /// Gives back what it holds on the device.
    pub fn release(&mut self) {
        self.output.release();
        self.moving.release();
    }
}

/// Reads the picture back into a frame.
pub(crate) fn fill(target: &mut RenderTarget, frame: &mut Frame) -> Result<(), GpuError> {
    let (width, height) = target.size();
    let filled = target.read_back(|rgba, stride| frame.fill_from_rgba(rgba, stride, width, height))?;
    filled.map_err(|error| GpuError::ReadBack(error.to_string()))
}

/// Draws the stream's picture in fewer pixels and enlarges it.
pub(crate) struct Moving {
    target: Option<RenderTarget>,
    pool: FramePool,
    scaler: Scaler,
}

impl Default for Moving {
    fn default() -> Self {
        Self { target: None, pool: FramePool::with_frames(1), scaler: Scaler::default() }
    }
}

impl Moving {
    /// Gives back what it holds on the device.
    pub fn release(&mut self) {
        self.target = None;
    }

    pub fn draw(
        &mut self,
        gpu: &Gpu,
        renderer: &mut Renderer,
        scene: &SceneSnapshot,
        mut options: FrameOptions,
        (Economy { scale, samples, .. }, size): (Economy, (u32, u32)),
        frame: &mut Frame,
    ) -> Result<RenderStats, GpuError> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "smaller than a size that fits"
        )]
        let [width, height] = [size.0, size.1].map(|edge| ((edge as f32 * scale) as u32 & !1).max(2));
        let target = match &mut self.target {
            Some(target) if target.samples() == samples => target,
            other => other.insert(RenderTarget::new(gpu, width, height, samples)?),
        };
        target.resize(width, height)?;
        // Text and lines keep their size in the finished picture.
        options.ui_scale *= scale;
        let stats = renderer.render(target, scene, &options)?;
        let Some(mut small) = self.pool.take() else {
            return Err(GpuError::ReadBack("the small frame is in use".into()));
        };
        fill(target, &mut small)?;
        let enlarged = self.scaler.scale(&small, frame, size.0, size.1);
        enlarged.map_err(|error| GpuError::ReadBack(error.to_string()))?;
        Ok(stats)
    }
}

/// Side of a latency probe's mark, pixels.
const PROBE_PX: usize = 32;

/// Paints a square of luma dark where the picture is bright there on the whole, and bright otherwise: the mark differs by
/// a hundred levels from whatever was there.
pub(crate) fn draw_probe(frame: &mut Frame, at: glam::Vec2) {
    let (width, height, stride) = (frame.width() as usize, frame.height() as usize, frame.luma_stride());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "0 to size"
    )]
    let corner = |t: f32, size: usize| ((t * size as f32) as usize).min(size).saturating_sub(PROBE_PX / 2);
    let (x, y) = (corner(at.x, width), corner(at.y, height));
    let [luma, _, _] = frame.planes_mut();
    let rows = (y..(y + PROBE_PX).min(height)).map(|row| row * stride + x..row * stride + (x + PROBE_PX).min(width));
    let (sum, count) = rows.clone().flat_map(|row| &luma[row]).fold((0, 0), |(s, n), v| (s + usize::from(*v), n + 1));
    let value = if sum > 128 * count { 16 } else { 235 };
    rows.for_each(|row| luma[row].fill(value));
}
