//! One quality level: an encoder on a thread of its own.

use crate::budget::Budget;
use crate::schedule::{Repeat, Schedule};
use crate::slot::Take;
use crate::{FrameSlot, Setting};
use rr_encode::{AccessUnit, Bitrate, CardId, Codec, EncodeError, Encoder, Frame, FramePool, Scaler};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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
    /// What it encodes; `None` before the first picture.
    pub codec: Option<Codec>,
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
    /// Size of the last encoded picture, pixels.
    pub size: (u32, u32),
    /// Access units made.
    pub encoded: u64,
    /// Keyframes among them.
    pub keyframes: u64,
    /// Frames dropped before the encoder because newer ones came.
    pub dropped: u64,
    /// Frames that the encoder failed on.
    pub failed: u64,
    /// Why there is no encoder, if there is none.
    pub refused: Option<String>,
}

/// One quality level of a view: a thread with one encoder. Ends when it is dropped.
pub struct Rung {
    slot: FrameSlot,
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

impl Rung {
    /// Starts the thread `encode-NAME`, which makes the encoder (and another one when the setting has another codec), takes
    /// frames from the slot, and calls back with each access unit: publish it, and tell viewers which frame shows what.
    ///
    /// # Errors
    /// The system gives no thread. That there is no encoder is told in [`RungStats::refused`].
    pub fn start(
        name: &str,
        make: impl FnMut(Codec, Bitrate, f32) -> Result<Box<dyn Encoder>, EncodeError> + Send + 'static,
        slot: FrameSlot,
        setting: Setting,
        on_access_unit: impl FnMut(EncodedFrame) + Send + 'static,
    ) -> std::io::Result<Self> {
        let stats = RungStats { target: setting.bitrate, ..RungStats::default() };
        let shared = Arc::new(Mutex::new(Shared { stats, ..Shared::default() }));
        let (slot_of_thread, shared_of_thread) = (slot.clone(), shared.clone());
        let mut make = make;
        let work = move || match make(setting.codec, setting.bitrate, setting.frames_per_second) {
            Ok(encoder) => {
                lock(&shared_of_thread).stats.encoder = encoder.description();
                let worker = Worker {
                    encoder,
                    make,
                    slot: slot_of_thread,
                    shared: shared_of_thread,
                    schedule: Schedule::default(),
                    budget: Budget::default(),
                    setting,
                    scaler: Scaler::default(),
                    scaled: FramePool::with_frames(2),
                    last: None,
                    whole: None,
                    card: None,
                    on_access_unit,
                };
                worker.run();
            }
            Err(error) => {
                tracing::error!(%error, "no encoder");
                lock(&shared_of_thread).stats.refused = Some(error.to_string());
            }
        };
        let thread = std::thread::Builder::new().name(format!("encode-{name}")).spawn(work)?;
        Ok(Self { slot, shared, thread: Some(thread) })
    }

    /// Makes the next access unit a keyframe, from the last frame if nothing new is rendered. Requests that come too
    /// fast are served together.
    pub fn request_keyframe(&self) {
        self.ask(|shared| shared.keyframe = true);
    }

    /// Aims at something else from the next frame on.
    pub fn set(&self, setting: Setting) {
        self.ask(|shared| shared.setting = Some(setting));
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

    /// Asks it to end without waiting for that; the thread to wait for later.
    pub fn retire(mut self) -> Option<JoinHandle<()>> {
        self.ask(|shared| shared.stop = true);
        self.thread.take()
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
    setting: Option<Setting>,
    stop: bool,
    stats: RungStats,
    recent: VecDeque<Recent>,
}

struct Recent {
    at: Instant,
    encode_time: Duration,
    bytes: usize,
}

/// What is wanted of a frame.
#[derive(Debug, Clone, Copy)]
enum How {
    /// It shows something new.
    New { keyframe: bool },
    /// The last one once more, for a newcomer.
    Keyframe,
    /// The last one once more, sharper.
    Refine { first: bool },
}

/// What a pass over a resting picture may take, in seconds of the rate.
const PASS_SECONDS: f64 = 0.15;

struct Worker<M, F> {
    encoder: Box<dyn Encoder>,
    make: M,
    slot: FrameSlot,
    shared: Arc<Mutex<Shared>>,
    schedule: Schedule,
    budget: Budget,
    setting: Setting,
    scaler: Scaler,
    scaled: FramePool,
    /// Kept to be encoded again, at the size of this rung.
    last: Option<Frame>,
    /// The same before it was made smaller: a picture that rests long enough is sent whole.
    whole: Option<Frame>,
    /// As told to the slot.
    card: Option<CardId>,
    on_access_unit: F,
}

impl<M, F> Worker<M, F>
where
    M: FnMut(Codec, Bitrate, f32) -> Result<Box<dyn Encoder>, EncodeError>,
    F: FnMut(EncodedFrame),
{
    fn run(mut self) {
        self.tell_card();
        loop {
            let (take, until) = if self.setting.paused {
                (Take::Nothing, None)
            } else {
                let free = self.budget.free_at(&self.setting);
                let now = Instant::now();
                // What is encoded again must not stand in the way of what moves next.
                let paid = self.budget.paid_at(&self.setting);
                let repeat =
                    self.schedule.timeout(now).map(|at| [free, paid].into_iter().flatten().fold(at, Instant::max));
                (Take::From(free.unwrap_or(now)), repeat)
            };
            let frame = self.slot.wait(take, until);
            if !self.obey() {
                return;
            }
            let now = Instant::now();
            match frame {
                // The pause came while it waited.
                Some((frame, anew)) if self.setting.paused => self.slot.put_back(frame, anew),
                Some((frame, anew)) => {
                    let keyframe = self.schedule.on_frame(now) || anew;
                    // The last one goes back to its pool before the new one is encoded.
                    (self.last, self.whole) = (None, None);
                    let frame = self.at_my_size(frame);
                    self.encode(frame, How::New { keyframe });
                }
                // Something newer is about to be taken, or nothing may be encoded yet.
                None if self.slot.has_frame() => {}
                None if self.setting.paused || self.budget.paid_at(&self.setting).is_some_and(|at| at > now) => {}
                None => {
                    let repeat = self.schedule.on_idle(now);
                    if repeat != Repeat::No
                        && let Some(mut frame) = self.last.take()
                    {
                        // A moment of its own: RTP time must grow.
                        frame.captured_at = now.max(frame.captured_at + Duration::from_millis(1));
                        let how = match repeat {
                            Repeat::Refine { first } => How::Refine { first },
                            _ => How::Keyframe,
                        };
                        self.encode(frame, how);
                    }
                }
            }
        }
    }

    /// The frame in the size of this rung; as it is when that cannot be: a large picture is better than none.
    fn at_my_size(&mut self, frame: Frame) -> Frame {
        let Some(mut small) = self.scaled.take().filter(|_| self.setting.scale < 1.0) else { return frame };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "smaller than a size that fits"
        )]
        let [width, height] =
            [frame.width(), frame.height()].map(|edge| ((edge as f32 * self.setting.scale) as u32 & !1).max(16));
        match self.scaler.scale(&frame, &mut small, width, height) {
            Ok(()) => {
                self.whole = Some(frame);
                small
            }
            Err(_) => frame,
        }
    }

    /// Takes over what was asked for. `false`: stop.
    fn obey(&mut self) -> bool {
        let (keyframe, setting) = {
            let mut shared = lock(&self.shared);
            if shared.stop {
                return false;
            }
            let asked = (std::mem::take(&mut shared.keyframe), shared.setting.take());
            shared.stats.target = asked.1.map_or(shared.stats.target, |setting| setting.bitrate);
            asked
        };
        if keyframe {
            self.schedule.request_keyframe();
        }
        let Some(setting) = setting else { return true };
        let before = std::mem::replace(&mut self.setting, setting);
        if before.codec != setting.codec {
            self.change_encoder();
            return true;
        }
        let results = [
            (before.bitrate != setting.bitrate).then(|| self.encoder.set_bitrate(setting.bitrate)),
            (before.frames_per_second != setting.frames_per_second)
                .then(|| self.encoder.set_frame_rate(setting.frames_per_second)),
        ];
        for error in results.into_iter().flatten().filter_map(Result::err) {
            tracing::warn!(%error, "encoder refuses a new rate");
        }
        self.tell_card();
        true
    }

    /// Begins anew with the codec that is wanted now. The old encoder goes first: it may hold the last session of a card.
    fn change_encoder(&mut self) {
        self.encoder = Box::new(NoEncoder("it is being changed".to_owned()));
        match (self.make)(self.setting.codec, self.setting.bitrate, self.setting.frames_per_second) {
            Ok(encoder) => self.encoder = encoder,
            Err(error) => {
                tracing::error!(%error, codec = %self.setting.codec, "no encoder");
                lock(&self.shared).stats.refused = Some(error.to_string());
                self.encoder = Box::new(NoEncoder(error.to_string()));
            }
        }
        // The picture may rest.
        self.schedule.request_keyframe();
        self.tell_card();
    }

    /// Frames that are scaled are scaled in memory.
    fn tell_card(&mut self) {
        let card = self.encoder.card().filter(|_| self.setting.scale >= 1.0);
        if std::mem::replace(&mut self.card, card) != card {
            self.slot.set_card(card);
        }
    }

    fn encode(&mut self, frame: Frame, how: How) {
        let start = Instant::now();
        let bits = (self.setting.bitrate.as_f64() * PASS_SECONDS) as u64;
        // An encoder that panics loses this frame, not the stream.
        let encoder = &mut self.encoder;
        let outcome = catch_unwind(AssertUnwindSafe(|| match how {
            How::New { keyframe } => encoder.encode(&frame, keyframe),
            How::Keyframe => encoder.encode(&frame, true),
            How::Refine { first } => encoder.refine(&frame, first, bits),
        }));
        self.tell_card();
        let repeated = !matches!(how, How::New { .. });
        let encode_time = start.elapsed();
        match outcome {
            Ok(Ok(Some(unit))) => {
                self.schedule.encoded(start, unit.keyframe);
                self.budget.spend(start, &self.setting, unit.data.len());
                {
                    let mut shared = lock(&self.shared);
                    shared.stats.size = (frame.width(), frame.height());
                    shared.stats.encoded += 1;
                    shared.stats.keyframes += u64::from(unit.keyframe);
                    if unit.keyframe {
                        // Another one may have taken over.
                        shared.stats.encoder = self.encoder.description();
                        shared.stats.codec = Some(unit.codec);
                    }
                    if shared.recent.len() == RECENT {
                        shared.recent.pop_front();
                    }
                    shared.recent.push_back(Recent { at: start, encode_time, bytes: unit.data.len() });
                }
                (self.on_access_unit)(EncodedFrame { unit, encode_time, repeated });
            }
            Ok(Ok(None)) if matches!(how, How::Refine { .. }) => self.schedule.is_sharp(),
            Ok(Ok(None)) => self.schedule.encoded(start, false),
            Ok(Err(error)) => self.failed(start, &error.to_string()),
            Err(_) => self.failed(start, "internal error"),
        }
        self.last = Some(frame);
        if repeated
            && self.schedule.is_done()
            && let Some(whole) = self.whole.take()
        {
            self.last = Some(whole);
            self.schedule.rest_anew();
        }
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

/// In the place of an encoder that could not be made, and why.
struct NoEncoder(String);

impl Encoder for NoEncoder {
    fn encode(&mut self, _: &Frame, _: bool) -> Result<Option<AccessUnit>, EncodeError> {
        Err(EncodeError::Codec { encoder: "no encoder", reason: self.0.clone() })
    }

    fn set_bitrate(&mut self, _: Bitrate) -> Result<(), EncodeError> {
        Ok(())
    }

    fn set_frame_rate(&mut self, _: f32) -> Result<(), EncodeError> {
        Ok(())
    }

    fn description(&self) -> String {
        "no encoder".to_owned()
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
