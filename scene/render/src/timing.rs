//! How long the device works on each pass, by timestamp queries. Results come some frames later and are never waited
//! for; a frame that finds no free place for its results is not measured.

use crate::gpu::{Gpu, GpuError};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A pass whose time is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pass {
    /// Contact shadow on the floor, when devices changed.
    Shadow,
    /// Faces, floor, edges and what is transparent.
    Main,
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
    pub const ALL: [Self; 6] = [Self::Shadow, Self::Main, Self::Average, Self::Connections, Self::Marks, Self::Overlay];

    /// For people and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Main => "main",
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

/// A pass may be drawn more than once in a frame.
const MOST: u32 = 16;
/// Frames whose results may be on their way.
const PLACES: usize = 4;

const FREE: u8 = 0;
const PENDING: u8 = 1;
const READY: u8 = 2;
const FAILED: u8 = 3;

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
    places: Vec<Place>,
    /// Nanoseconds of one tick.
    period: f32,
    /// The place of this frame, and its passes so far.
    current: RefCell<Option<(usize, Vec<Pass>)>>,
}

#[derive(Debug)]
struct Place {
    buffer: wgpu::Buffer,
    state: Arc<AtomicU8>,
    passes: Vec<Pass>,
}

impl Timing {
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(crate) fn new(gpu: &Gpu) -> Result<Self, GpuError> {
        let device = gpu.device();
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(Self { queries: None, latest: PassTimes::default() });
        }
        let queries = gpu.guarded(|| {
            let buffer = |usage| {
                let size = u64::from(MOST * 2) * u64::from(wgpu::QUERY_SIZE);
                let desc = wgpu::BufferDescriptor { label: Some("timestamps"), size, usage, mapped_at_creation: false };
                device.create_buffer(&desc)
            };
            let place = || Place {
                buffer: buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ),
                state: Arc::new(AtomicU8::new(FREE)),
                passes: Vec::new(),
            };
            Queries {
                set: device.create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some("timestamps"),
                    ty: wgpu::QueryType::Timestamp,
                    count: MOST * 2,
                }),
                results: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
                places: (0..PLACES).map(|_| place()).collect(),
                period: gpu.queue().get_timestamp_period(),
                current: RefCell::new(None),
            }
        })?;
        Ok(Self { queries: Some(queries), latest: PassTimes::default() })
    }

    /// Takes up results that came, and makes ready for the passes of another frame. The device was polled just before.
    pub(crate) fn begin(&mut self) -> PassTimes {
        let Some(queries) = &mut self.queries else { return self.latest };
        let period = queries.period;
        for place in &mut queries.places {
            match place.state.load(Ordering::Acquire) {
                READY => {
                    if let Some(times) = read(place, period) {
                        self.latest = times;
                    }
                    place.buffer.unmap();
                    place.state.store(FREE, Ordering::Release);
                }
                FAILED => place.state.store(FREE, Ordering::Release),
                _ => {}
            }
        }
        let free = queries.places.iter().position(|p| p.state.load(Ordering::Acquire) == FREE);
        queries.current.replace(free.map(|at| {
            let mut passes = std::mem::take(&mut queries.places[at].passes);
            passes.clear();
            (at, passes)
        }));
        self.latest
    }

    /// To be given to a pass that begins now.
    pub(crate) fn of(&self, pass: Pass) -> Option<wgpu::RenderPassTimestampWrites<'_>> {
        let queries = self.queries.as_ref()?;
        let mut current = queries.current.borrow_mut();
        let (_, passes) = current.as_mut()?;
        let number = u32::try_from(passes.len()).ok().filter(|n| *n < MOST)?;
        passes.push(pass);
        Some(wgpu::RenderPassTimestampWrites {
            query_set: &queries.set,
            beginning_of_pass_write_index: Some(number * 2),
            end_of_pass_write_index: Some(number * 2 + 1),
        })
    }

    /// Behind the last pass of a frame.
    pub(crate) fn resolve(&mut self, encoder: &mut wgpu::CommandEncoder) {
        let Some(queries) = &self.queries else { return };
        if let Some((at, passes)) = &*queries.current.borrow()
            && let Some(count) = u32::try_from(passes.len()).ok().filter(|n| *n > 0)
        {
            let bytes = u64::from(count * 2 * wgpu::QUERY_SIZE);
            encoder.resolve_query_set(&queries.set, 0..count * 2, &queries.results, 0);
            encoder.copy_buffer_to_buffer(&queries.results, 0, &queries.places[*at].buffer, 0, bytes);
        }
    }

    /// When the frame was submitted.
    pub(crate) fn submitted(&mut self) {
        let Some(queries) = &mut self.queries else { return };
        let Some((at, passes)) = queries.current.take() else { return };
        let place = &mut queries.places[at];
        place.passes = passes;
        if place.passes.is_empty() {
            return;
        }
        place.state.store(PENDING, Ordering::Release);
        let state = Arc::clone(&place.state);
        place.buffer.map_async(wgpu::MapMode::Read, .., move |result| {
            state.store(if result.is_ok() { READY } else { FAILED }, Ordering::Release);
        });
    }
}

fn read(place: &Place, period: f32) -> Option<PassTimes> {
    let bytes = place.buffer.get_mapped_range(..).ok()?;
    let mut out = PassTimes { is_known: true, ..PassTimes::default() };
    for (ticks, pass) in bytes.as_chunks::<16>().0.iter().zip(&place.passes) {
        let [begin, end]: [u64; 2] = bytemuck::pod_read_unaligned(ticks);
        #[expect(clippy::cast_precision_loss, reason = "the difference is far below 2^53")]
        let micros = end.saturating_sub(begin) as f64 * f64::from(period) / 1e3;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        let micros = micros.round() as u32;
        out.micros[*pass as usize] = out.micros[*pass as usize].saturating_add(micros);
    }
    Some(out)
}
