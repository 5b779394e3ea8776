//! How long the device works on each pass, by timestamp queries. A frame that finds no free place for its results is not
//! measured.

use crate::gpu::{Gpu, GpuError};
use crate::returns::Returns;
use std::cell::RefCell;

/// A pass whose time is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pass {
    /// Contact shadow on the floor, when devices changed.
    Shadow,
    /// Faces, floor, edges and what is transparent.
    Main,
    /// Ambient occlusion.
    Ambient,
    /// The average of a resting picture.
    Average,
    /// Connections.
    Connections,
    /// Which pixels belong to selected and hovered devices.
    Marks,
    /// Outlines and labels.
    Overlay,
}

impl Pass {
    /// All of them, in the order in which they are drawn.
    pub const ALL: [Self; 7] =
        [Self::Shadow, Self::Main, Self::Ambient, Self::Average, Self::Connections, Self::Marks, Self::Overlay];

    /// For people and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Main => "main",
            Self::Ambient => "ambient occlusion",
            Self::Average => "average",
            Self::Connections => "connections",
            Self::Marks => "marks",
            Self::Overlay => "overlay",
        }
    }
}

/// How long the device worked on the passes of one frame. Zero for those that were not drawn; empty where the adapter has
/// no timestamps, and in the first frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassTimes {
    micros: [u32; Pass::ALL.len()],
    is_known: bool,
}

impl PassTimes {
    /// Milliseconds of a pass; none while nothing is known.
    pub fn ms(&self, pass: Pass) -> Option<f32> {
        #[expect(clippy::cast_precision_loss, reason = "an hour would still be exact to a millisecond")]
        self.is_known.then(|| self.micros[pass as usize] as f32 / 1e3)
    }

    /// Milliseconds of all passes.
    pub fn total_ms(&self) -> Option<f32> {
        Pass::ALL.into_iter().map(|p| self.ms(p)).sum()
    }
}

/// From milliseconds; passes that are missing take none.
impl FromIterator<(Pass, f32)> for PassTimes {
    fn from_iter<I: IntoIterator<Item = (Pass, f32)>>(times: I) -> Self {
        let mut out = Self { is_known: true, ..Self::default() };
        for (pass, ms) in times {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
            let micros = (ms * 1e3).round() as u32;
            out.micros[pass as usize] = out.micros[pass as usize].saturating_add(micros);
        }
        out
    }
}

/// A pass may be drawn more than once in a frame.
const MOST: u32 = 64;
/// Frames whose results may be on their way.
const PLACES: usize = 4;

/// Passes of a frame, in their order.
type Passes = ([Pass; MOST as usize], usize);

#[derive(Debug)]
pub(crate) struct Timing {
    /// None where the adapter has no timestamps.
    queries: Option<Queries>,
    latest: PassTimes,
}

#[derive(Debug)]
struct Queries {
    set: wgpu::QuerySet,
    results: wgpu::Buffer,
    returns: Returns<Passes>,
    /// Nanoseconds of one tick.
    period: f32,
    /// The place of this frame, and its passes so far.
    current: RefCell<Option<(usize, Passes)>>,
}

impl Timing {
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let device = gpu.device();
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(Self { queries: None, latest: PassTimes::default() });
        }
        let size = u64::from(MOST * 2) * u64::from(wgpu::QUERY_SIZE);
        let (set, results) = gpu.guarded(|| {
            let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
            let ty = wgpu::QueryType::Timestamp;
            let set = wgpu::QuerySetDescriptor { label: Some("timestamps"), ty, count: MOST * 2 };
            let results = wgpu::BufferDescriptor { label: Some("timestamps"), size, usage, mapped_at_creation: false };
            (device.create_query_set(&set), device.create_buffer(&results))
        })?;
        let returns = Returns::new(gpu, "timestamps", size, PLACES)?;
        let (period, current) = (gpu.queue().get_timestamp_period(), RefCell::new(None));
        let queries = Some(Queries { set, results, returns, period, current });
        Ok(Self { queries, latest: PassTimes::default() })
    }

    /// Takes up results that came, and makes ready for the passes of another frame. The device was polled just before.
    pub(crate) fn begin(&mut self) -> PassTimes {
        let Some(queries) = &mut self.queries else { return self.latest };
        let (latest, period) = (&mut self.latest, queries.period);
        queries.returns.take(|passes, bytes| *latest = read(&passes, bytes, period));
        let free = queries.returns.free().map(|(at, _)| (at, ([Pass::Main; MOST as usize], 0)));
        queries.current.replace(free);
        self.latest
    }

    /// To be given to a pass that begins now.
    pub(crate) fn of(&self, pass: Pass) -> Option<wgpu::RenderPassTimestampWrites<'_>> {
        let queries = self.queries.as_ref()?;
        let mut current = queries.current.borrow_mut();
        let (_, (passes, count)) = current.as_mut()?;
        *passes.get_mut(*count)? = pass;
        let number = u32::try_from(*count).ok()?;
        *count += 1;
        Some(wgpu::RenderPassTimestampWrites {
            query_set: &queries.set,
            beginning_of_pass_write_index: Some(number * 2),
            end_of_pass_write_index: Some(number * 2 + 1),
        })
    }

    /// Behind the last pass of a frame.
    pub(crate) fn resolve(&mut self, encoder: &mut wgpu::CommandEncoder) {
        let Some(queries) = &self.queries else { return };
        let used = queries.current.borrow().as_ref().map_or(0, |(_, (_, count))| *count);
        if let (Ok(used @ 1..), Some((_, buffer))) = (u32::try_from(used), queries.returns.free()) {
            encoder.resolve_query_set(&queries.set, 0..used * 2, &queries.results, 0);
            encoder.copy_buffer_to_buffer(&queries.results, 0, buffer, 0, queries.results.size());
        }
    }

    /// When the frame was submitted.
    pub(crate) fn submitted(&mut self) {
        let Some(queries) = &mut self.queries else { return };
        if let Some((at, passes @ (_, 1..))) = queries.current.take() {
            queries.returns.submitted(at, passes);
        }
    }
}

fn read((passes, count): &Passes, bytes: &[u8], period: f32) -> PassTimes {
    let mut out = PassTimes { is_known: true, ..PassTimes::default() };
    for (ticks, pass) in bytes.as_chunks::<16>().0.iter().zip(&passes[..*count]) {
        let [begin, end]: [u64; 2] = bytemuck::pod_read_unaligned(ticks);
        #[expect(clippy::cast_precision_loss, reason = "the difference is far below 2^53")]
        let micros = end.saturating_sub(begin) as f64 * f64::from(period) / 1e3;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        let micros = micros.round() as u32;
        out.micros[*pass as usize] = out.micros[*pass as usize].saturating_add(micros);
    }
    out
}
