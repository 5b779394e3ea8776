//! Which encoder a stream uses: the best that this machine has, and the next one when that fails, at the start as well
//! as in the middle of the stream.
//!
//! [`ChosenEncoder`] is an encoder itself, so that whoever uses it sees no more of a change than a keyframe.

use rr_encode::{
    AccessUnit, Bitrate, CardId, Codec, EncodeError, Encoder, Frame, SoftwareConfig, SoftwareEncoder, VideoFormat,
};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the owner wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EncoderChoice {
    /// NVENC where there is one, else openh264.
    #[default]
    Auto,
    /// NVENC only. Where it cannot be used, nothing is shared.
    Nvenc,
    /// openh264, on the processor.
    OpenH264,
}

impl FromStr for EncoderChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "nvenc" => Ok(Self::Nvenc),
            "openh264" => Ok(Self::OpenH264),
            other => Err(format!("\"{other}\" is no encoder: use auto, nvenc or openh264")),
        }
    }
}

impl fmt::Display for EncoderChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Nvenc => "nvenc",
            Self::OpenH264 => "openh264",
        })
    }
}

/// Which encoder works, and why not the better ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncoderReport {
    /// The one in use, such as `openh264 (software)`.
    pub in_use: String,
    /// Those that come first and cannot be used, best first.
    pub not_used: Vec<NotUsed>,
    /// How often another one took over in the middle of the stream.
    pub changes: u64,
}

/// An encoder that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUsed {
    /// Its name.
    pub encoder: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for NotUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Errors of an encoder that runs begin with its name.
        let reason = self.reason.strip_prefix(&format!("{}: ", self.encoder)).unwrap_or(&self.reason);
        write!(f, "{}: {reason}", self.encoder)
    }
}

/// The report of a running encoder, for whoever shows it. Clones are the same report.
#[derive(Debug, Clone, Default)]
pub struct SharedReport(Arc<Mutex<EncoderReport>>);

impl SharedReport {
    /// As it is now.
    pub fn get(&self) -> EncoderReport {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, report: EncoderReport) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }
}

/// An encoder that may be used.
pub struct EncoderCandidate {
    name: &'static str,
    make: Make,
}

type Make = Box<dyn FnMut(Bitrate, f32) -> Result<Box<dyn Encoder>, EncodeError> + Send>;

impl EncoderCandidate {
    /// An encoder by its name, and how it is made for a bitrate and a frame rate.
    pub fn new(
        name: &'static str,
        make: impl FnMut(Bitrate, f32) -> Result<Box<dyn Encoder>, EncodeError> + Send + 'static,
    ) -> Self {
        Self { name, make: Box::new(make) }
    }

    /// NVENC, with the driver that is installed, on the card that draws, or the first one where that is not known.
    pub fn nvenc(format: VideoFormat, card: Option<CardId>) -> Self {
        let name = match format.codec() {
            Codec::H264 => "NVENC",
            Codec::Hevc => "NVENC (HEVC)",
            Codec::Av1 => "NVENC (AV1)",
        };
        Self::new(name, move |bitrate, frames_per_second| {
            let driver = Driver::load()?;
            let gpu = card.and_then(|card| driver.index_of(card)).unwrap_or(0);
            let config = NvencConfig { format, bitrate, frames_per_second, gpu, ..NvencConfig::default() };
            Ok(Box::new(NvencEncoder::new(&driver, config)?))
        })
    }

    /// openh264.
    pub fn openh264() -> Self {
        Self::new("openh264", |bitrate, frames_per_second| {
            Ok(Box::new(SoftwareEncoder::new(SoftwareConfig { bitrate, frames_per_second })))
        })
    }

    /// Those that a choice allows for a format, best first. H.264 stands in for everything else: whoever decodes that
    /// decodes H.264, too.
    pub fn of(choice: EncoderChoice, format: VideoFormat, card: Option<CardId>) -> Vec<Self> {
        let mut all = Vec::new();
        if choice != EncoderChoice::OpenH264 {
            all.extend((format.codec() != Codec::H264).then(|| Self::nvenc(format, card)));
            all.push(Self::nvenc(VideoFormat::default(), card));
        }
        all.extend((choice != EncoderChoice::Nvenc).then(Self::openh264));
        all
    }
}

/// A better encoder that failed is tried again after this long, and each time after twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// The best encoder that works, one of several.
pub struct ChosenEncoder {
    candidates: Vec<EncoderCandidate>,
    /// Why a candidate is not used, as said last.
    reasons: Vec<Option<String>>,
    current: usize,
    encoder: Box<dyn Encoder>,
    bitrate: Bitrate,
    frames_per_second: f32,
    retry_at: Option<Instant>,
    retry_after: Duration,
    changes: u64,
    report: SharedReport,
}

impl ChosenEncoder {
    /// The first candidate that can be made.
    ///
    /// # Errors
    /// None can: what the last one said, after the reasons of the others.
    pub fn start(
        candidates: Vec<EncoderCandidate>,
        bitrate: Bitrate,
        frames_per_second: f32,
        report: SharedReport,
    ) -> Result<Self, EncodeError> {
        let mut candidates = candidates;
        let mut reasons: Vec<Option<String>> = vec![None; candidates.len()];
        let mut made = None;
        for (index, candidate) in candidates.iter_mut().enumerate() {
            match (candidate.make)(bitrate, frames_per_second) {
                Ok(encoder) => {
                    made = Some((index, encoder));
                    break;
                }
                Err(error) => reasons[index] = Some(error.to_string()),
            }
        }
        let Some((current, encoder)) = made else {
            let reason = reasons.into_iter().flatten().collect::<Vec<_>>().join("; ");
            return Err(EncodeError::Codec { encoder: "no encoder can be used", reason });
        };
        let chosen = Self {
            candidates,
            reasons,
            current,
            encoder,
            bitrate,
            frames_per_second,
            // What is missing at the start seldom comes later; what fails in the middle may.
            retry_at: None,
            retry_after: FIRST_RETRY,
            changes: 0,
            report,
        };
        chosen.tell();
        Ok(chosen)
    }

    /// Lets one of these candidates encode the frame, and keeps the first that can.
    fn try_others(&mut self, among: std::ops::Range<usize>, frame: &Frame) -> Option<Option<AccessUnit>> {
        for index in among {
            let made = (self.candidates[index].make)(self.bitrate, self.frames_per_second);
            let outcome = made.and_then(|mut encoder| Ok((encoder.encode(frame, true)?, encoder)));
            match outcome {
                Ok((unit, encoder)) => {
                    self.encoder = encoder;
                    self.current = index;
                    self.reasons[index] = None;
                    self.changes += 1;
                    return Some(unit);
                }
                Err(error) => self.reasons[index] = Some(error.to_string()),
            }
        }
        None
    }

    /// Goes back to a better one when it is time. Only where a keyframe is wanted anyway, so that it costs none.
    fn try_better(&mut self, frame: &Frame) -> Option<Option<AccessUnit>> {
        if self.retry_at.is_none_or(|at| frame.captured_at < at) {
            return None;
        }
        let unit = self.try_others(0..self.current, frame);
        self.retry_after = (self.retry_after * 2).min(LONGEST_RETRY);
        self.retry_at = (self.current > 0).then(|| frame.captured_at + self.retry_after);
        self.tell();
        unit
    }

    fn tell(&self) {
        let not_used = self.candidates.iter().zip(&self.reasons).take(self.current);
        let not_used = not_used.filter_map(|(candidate, reason)| {
            Some(NotUsed { encoder: candidate.name.to_owned(), reason: reason.clone()? })
        });
        let report =
            EncoderReport { in_use: self.encoder.description(), not_used: not_used.collect(), changes: self.changes };
        self.report.set(report);
    }
}

impl Encoder for ChosenEncoder {
    fn encode(&mut self, frame: &Frame, force_keyframe: bool) -> Result<Option<AccessUnit>, EncodeError> {
        if force_keyframe && let Some(unit) = self.try_better(frame) {
            return Ok(unit);
        }
        let error = match self.encoder.encode(frame, force_keyframe) {
            Ok(unit) => return Ok(unit),
            Err(error) => error,
        };
        let failed = self.current;
        // A frame that none of them takes is the frame's fault, and costs no encoder.
        let Some(unit) = self.try_others(failed + 1..self.candidates.len(), frame) else { return Err(error) };
        tracing::warn!(%error, now = self.encoder.description(), "another encoder takes over");
        self.reasons[failed] = Some(error.to_string());
        self.retry_at = Some(frame.captured_at + self.retry_after);
        self.tell();
        Ok(unit)
    }

    fn refine(&mut self, frame: &Frame, first: bool, bits: u64) -> Result<Option<AccessUnit>, EncodeError> {
        // What fails here is not worth a change; the next moving picture finds out whether the encoder does, too.
        self.encoder.refine(frame, first, bits)
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        self.bitrate = bitrate;
        self.encoder.set_bitrate(bitrate)
    }

    fn set_frame_rate(&mut self, frames_per_second: f32) -> Result<(), EncodeError> {
        self.frames_per_second = frames_per_second;
        self.encoder.set_frame_rate(frames_per_second)
    }

    fn card(&self) -> Option<CardId> {
        self.encoder.card()
    }

    fn description(&self) -> String {
        self.encoder.description()
    }
}
