//! One quality level: an encoder on a thread of its own.

use crate::FrameSlot;
use crate::schedule::{Repeat, Schedule};
use rr_encode::{AccessUnit, Bitrate, EncodeError, Encoder, Frame};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use thiserror::Error;

/// Where a rung starts.
#[derive(Debug, Clone, PartialEq)]
pub struct RungConfig {
    /// Shows in the thread's name.
    pub name: String,
    /// First bitrate.
    pub bitrate: Bitrate,
    /// Frames a second to expect.
    pub frames_per_second: f32,
}

impl Default for RungConfig {
    fn default() -> Self {
        Self { name: "main".to_owned(), bitrate: Bitrate::kbps(2_500), frames_per_second: 30.0 }
    }
}

/// One encoded frame, as the callback of a rung gets it.
#[derive(Debug, Clone)]
pub struct EncodedFrame {
    /// To send; carries the numbers of the frame.
    pub unit: AccessUnit,
    /// How long the encoder took.
    pub encode_time: Duration,
    /// The same picture as before once more: for a newcomer, or sharper.
    pub repeated: bool,
}

/// Figures of a rung.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RungStats {
    /// The encoder's name.
    pub encoder: String,
    /// Median time to encode a frame, of the last 120.
    pub encode_ms_p50: f32,
    /// 95th percentile of the same.
    pub encode_ms_p95: f32,
    /// Access units made in the last second.
    pub frames_per_second: f32,
    /// Their bitrate.
    pub sent: Bitrate,
    /// Bitrate that the encoder aims at.
    pub target: Bitrate,
    /// Access units made.
    pub encoded: u64,
    /// Keyframes among them.
    pub keyframes: u64,
    /// Frames dropped before the encoder because newer ones came.
    pub dropped: u64,
    /// Frames that the encoder failed on.
    pub failed: u64,
}

/// Why a rung did not start.
#[derive(Debug, Error)]
pub enum RungError {
    /// The encoder could not be made.
    #[error(transparent)]
    Encoder(#[from] EncodeError),
    /// The system gave no thread.
    #[error("cannot start the encoder thread: {0}")]
    Thread(std::io::Error),
}

/// One quality level of a view: a thread with one encoder. Ends when it is dropped.
pub struct Rung {
    slot: FrameSlot,
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

impl Rung {
    /// Starts the thread `encode-NAME`. It takes frames from the slot, and calls back on that thread with each access
    /// unit: publish it, and tell viewers which frame shows what.
    ///
    /// # Errors
    /// No encoder or no thread.
    pub fn start(
        encoder: impl FnOnce(Bitrate, f32) -> Result<Box<dyn Encoder>, EncodeError>,
        slot: FrameSlot,
        config: &RungConfig,
        on_access_unit: impl FnMut(EncodedFrame) + Send + 'static,
    ) -> Result<Self, RungError> {
        let encoder = encoder(config.bitrate, config.frames_per_second)?;
        let stats = RungStats { encoder: encoder.description(), target: config.bitrate, ..RungStats::default() };
        let shared = Arc::new(Mutex::new(Shared { stats, ..Shared::default() }));
        let worker = Worker {
            encoder,
            slot: slot.clone(),
            shared: shared.clone(),
            schedule: Schedule::default(),
            last: None,
            on_access_unit,
        };
        let thread = std::thread::Builder::new().name(format!("encode-{}", config.name));
        let thread = thread.spawn(move || worker.run()).map_err(RungError::Thread)?;
        Ok(Self { slot, shared, thread: Some(thread) })
    }

    /// Makes the next access unit a keyframe, from the last frame if nothing new is rendered. Requests that come too
    /// fast are served together.
    pub fn request_keyframe(&self) {
        self.ask(|shared| shared.keyframe = true);
    }

    /// Aims at another bitrate from the next frame on.
    pub fn set_bitrate(&self, bitrate: Bitrate) {
        self.ask(|shared| shared.bitrate = Some(bitrate));
    }

    /// Expects another number of frames a second from the next frame on.
    pub fn set_frame_rate(&self, frames_per_second: f32) {
        self.ask(|shared| shared.frames_per_second = Some(frames_per_second));
    }

    /// Figures of this moment.
    pub fn stats(&self) -> RungStats {
        let dropped = self.slot.dropped();
        let shared = lock(&self.shared);
        let mut times: Vec<f32> = shared.recent.iter().map(|r| r.encode_time.as_secs_f32() * 1e3).collect();
        times.sort_by(f32::total_cmp);
        let rank = |share: f32| times.get((times.len() as f32 * share) as usize).copied().unwrap_or(0.0);
        let second = Duration::from_secs(1);
        let fresh = || shared.recent.iter().filter(|r| r.at.elapsed() < second);
        RungStats {
            encode_ms_p50: rank(0.5),
            encode_ms_p95: rank(0.95),
            frames_per_second: fresh().count() as f32,
            sent: Bitrate::bps(fresh().map(|r| r.bytes as u64 * 8).sum()),
            dropped,
            ..shared.stats.clone()
        }
    }

    fn ask(&self, change: impl FnOnce(&mut Shared)) {
        change(&mut lock(&self.shared));
        self.slot.wake();
    }
}

impl Drop for Rung {
    fn drop(&mut self) {
        self.ask(|shared| shared.stop = true);
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by its hook.
            let _ = thread.join();
        }
    }
}

/// Access units whose times are kept for the statistics.
const RECENT: usize = 120;

#[derive(Default)]
struct Shared {
    keyframe: bool,
    bitrate: Option<Bitrate>,
    frames_per_second: Option<f32>,
    stop: bool,
    stats: RungStats,
    recent: VecDeque<Recent>,
}

struct Recent {
    at: Instant,
    encode_time: Duration,
    bytes: usize,
}

struct Worker<F> {
    encoder: Box<dyn Encoder>,
    slot: FrameSlot,
    shared: Arc<Mutex<Shared>>,
    schedule: Schedule,
    /// Kept to be encoded again.
    last: Option<Frame>,
    on_access_unit: F,
}

impl<F: FnMut(EncodedFrame)> Worker<F> {
    fn run(mut self) {
        loop {
            let frame = self.slot.wait(self.schedule.timeout(Instant::now()));
            if !self.obey() {
                return;
            }
            let now = Instant::now();
            match frame {
                Some((frame, anew)) => {
                    let keyframe = self.schedule.on_frame(now) || anew;
                    // The last one goes back to its pool before the new one is encoded.
                    self.last = None;
                    self.encode(frame, keyframe, false);
                }
                None => {
                    let repeat = self.schedule.on_idle(now);
                    if repeat != Repeat::No
                        && let Some(mut frame) = self.last.take()
                    {
                        // A moment of its own: RTP time must grow.
                        frame.captured_at = now.max(frame.captured_at + Duration::from_millis(1));
                        self.encode(frame, repeat == Repeat::Keyframe, true);
                    }
                }
            }
        }
    }

    /// Takes over what was asked for. `false`: stop.
    fn obey(&mut self) -> bool {
        let (keyframe, bitrate, rate) = {
            let mut shared = lock(&self.shared);
            if shared.stop {
                return false;
            }
            let asked = (std::mem::take(&mut shared.keyframe), shared.bitrate.take(), shared.frames_per_second.take());
            shared.stats.target = asked.1.unwrap_or(shared.stats.target);
            asked
        };
        if keyframe {
            self.schedule.request_keyframe();
        }
        let results = [bitrate.map(|b| self.encoder.set_bitrate(b)), rate.map(|r| self.encoder.set_frame_rate(r))];
        for error in results.into_iter().flatten().filter_map(Result::err) {
            tracing::warn!(%error, "encoder refuses a new rate");
        }
        true
    }

    fn encode(&mut self, frame: Frame, keyframe: bool, repeated: bool) {
        let start = Instant::now();
        // An encoder that panics loses this frame, not the stream.
        let encoder = &mut self.encoder;
        let outcome = catch_unwind(AssertUnwindSafe(|| encoder.encode(&frame, keyframe)));
        let encode_time = start.elapsed();
        match outcome {
            Ok(Ok(Some(unit))) => {
                self.schedule.encoded(start, unit.keyframe);
                {
                    let mut shared = lock(&self.shared);
                    shared.stats.encoded += 1;
                    shared.stats.keyframes += u64::from(unit.keyframe);
                    if unit.keyframe {
                        // Another one may have taken over.
                        shared.stats.encoder = self.encoder.description();
                    }
                    if shared.recent.len() == RECENT {
                        shared.recent.pop_front();
                    }
                    shared.recent.push_back(Recent { at: start, encode_time, bytes: unit.data.len() });
                }
                (self.on_access_unit)(EncodedFrame { unit, encode_time, repeated });
            }
            Ok(Ok(None)) => self.schedule.encoded(start, false),
            Ok(Err(error)) => self.failed(start, &error.to_string()),
            Err(_) => self.failed(start, "internal error"),
        }
        self.last = Some(frame);
    }

    fn failed(&mut self, now: Instant, error: &str) {
        let failed = {
            let mut shared = lock(&self.shared);
            shared.stats.failed += 1;
            shared.stats.failed
        };
        // Once is news; a thousand times a minute is not.
        if failed.is_power_of_two() {
            tracing::warn!(error, failed, "frame was not encoded");
        }
        self.schedule.encoded(now, false);
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
