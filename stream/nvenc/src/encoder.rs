//! The encoder as the stream sees it: frames in, access units out.

use crate::session::{Encoded, Session};
use crate::settings::{self, PresetSettings, Target};
use crate::shared_input::Mapped;
use crate::{Driver, NvencError};
use bytes::{BufMut, Bytes};
use rr_encode::{AccessUnit, Bitrate, BytesPool, CardId, EncodeError, Encoder, Frame, VideoFormat};
use rr_nvenc_sys::nvenc::{self, GUID};
use std::time::Instant;

/// How an encoder is set up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NvencConfig {
    /// What was agreed with the viewers.
    pub format: VideoFormat,
    /// Rate to aim at.
    pub bitrate: Bitrate,
    /// Frames a second to expect.
    pub frames_per_second: f32,
    /// Sizes up to this one follow each other in one session. `None`: that of the first frame.
    pub max_size: Option<(u32, u32)>,
    /// Slices of a picture, 1 to 32: a lost packet costs one of them. AV1 has none.
    pub slices: u32,
    /// The picture is renewed by intra blocks within so many frames, again and again, so that losses heal without a
    /// keyframe.
    pub intra_refresh_frames: Option<u32>,
    /// Speed against quality.
    pub preset: Preset,
    /// Which card, from 0.
    pub gpu: usize,
}

impl Default for NvencConfig {
    fn default() -> Self {
        Self {
            format: VideoFormat::default(),
            bitrate: Bitrate::mbps(4),
            frames_per_second: 30.0,
            max_size: None,
            slices: 1,
            intra_refresh_frames: None,
            preset: Preset::P4,
            gpu: 0,
        }
    }
}

/// The driver's presets for the lowest latency that make sense here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// Faster: for 4K and many streams.
    P3,
    /// Better.
    #[default]
    P4,
}

/// NVIDIA's encoder. Made, used and dropped on the encoder's thread, so that neither the picture nor the window waits
/// for the driver.
pub struct NvencEncoder {
    driver: Driver,
    config: NvencConfig,
    /// Open from the beginning, so that a driver that has no session left says so at once; not set up before the first
    /// frame.
    session: Option<Session>,
    running: Option<Running>,
    codec: GUID,
    limits: Limits,
    /// The card whose pictures are taken where they lie; none once that failed.
    card: Option<CardId>,
    pool: BytesPool,
    /// Passes over the picture that rests.
    passes: u32,
}

/// After so many passes over a picture that rests, the rate has made it as sharp as it gets.
const PASSES: u32 = 8;

/// A session that is set up.
struct Running {
    preset: PresetSettings,
    target: Target,
    max: (u32, u32),
    level: u8,
    started: Instant,
    /// The parameter sets of this size were looked at.
    verified: bool,
}

/// What the card can do.
#[derive(Debug, Clone, Copy)]
struct Limits {
    min: (u32, u32),
    max: (u32, u32),
    resizes: bool,
    asynchronous: bool,
}

impl NvencEncoder {
    /// Opens a session.
    ///
    /// # Errors
    /// No card, no encoder on it, no session left, or a setting that the card does not know.
    pub fn new(driver: &Driver, config: NvencConfig) -> Result<Self, NvencError> {
        let wanted = config.format.codec();
        let codec = settings::codec_guid(wanted);
        let session = Session::open(driver, config.gpu)?;
        if !session.codecs()?.contains(&wanted) {
            return Err(NvencError::Codec { gpu: session.gpu().to_owned(), codec: wanted });
        }
        let limits = limits(&session, codec, &config)?;
        let config = NvencConfig {
            bitrate: config.format.limit(clamp_bitrate(config.bitrate)),
            frames_per_second: clamp_rate(config.frames_per_second),
            ..config
        };
        let (driver, card) = (driver.clone(), session.card().ok());
        let (session, running, pool, passes) = (Some(session), None, BytesPool::new(), 0);
        Ok(Self { driver, config, session, running, codec, limits, card, pool, passes })
    }

    /// The frame where it lies on the card, as an input of the session; none when it is to be taken from memory. What goes
    /// wrong with that costs no more than the copy, and it is not tried again.
    fn map(&mut self, frame: &Frame) -> Result<Option<Mapped>, NvencError> {
        let Some(picture) = frame.on_card().filter(|picture| Some(picture.card()) == self.card) else {
            return Ok(None);
        };
        // For a bounded time: an encoder that waited on the card for a device that is lost would never come back.
        picture.wait().map_err(NvencError::Picture)?;
        let Some(session) = self.session.as_mut() else { return Ok(None) };
        match session.map(&*picture, (frame.width(), frame.height())) {
            Ok(mapped) => Ok(Some(mapped)),
            Err(error) => {
                tracing::warn!(%error, "pictures go to NVENC through memory: they cannot be taken from the card");
                session.end_sharing();
                self.card = None;
                Ok(None)
            }
        }
    }

    fn try_encode(&mut self, frame: &Frame, force_keyframe: bool) -> Result<(Bytes, bool), EncodeError> {
        self.prepare(frame)?;
        let mapped = self.map(frame)?;
        let (Some(session), Some(running)) = (self.session.as_mut(), self.running.as_mut()) else {
            return Err(NvencError::VersionMismatch.into());
        };
        let time = frame.captured_at.saturating_duration_since(running.started);
        let time_us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (pool, format) = (&mut self.pool, self.config.format);
        let keyframe = force_keyframe || !running.verified;
        let taken = session.encode(frame, mapped, keyframe, time_us, |encoded: Encoded| {
            let data = pool.fill(encoded.bytes.len(), |data| {
                data.put_slice(encoded.bytes);
                if encoded.keyframe { format.mark_stream(data) } else { Ok(()) }
            });
            Ok((data, encoded.keyframe))
        });
        let unmapped = mapped.map_or(Ok(()), |mapped| session.unmap(mapped));
        let (data, keyframe) = taken?;
        unmapped?;
        let data = data?;
        if keyframe && !running.verified {
            format.verify(&data, running.level, running.target.width, running.target.height)?;
            running.verified = true;
        }
        Ok((data, keyframe))
    }

    /// Makes the session one for frames like this: as it is, changed in place, or a new one.
    fn prepare(&mut self, frame: &Frame) -> Result<(), EncodeError> {
        let (width, height) = (frame.width(), frame.height());
        self.check_size(width, height)?;
        let target =
            Target { width, height, bitrate: self.config.bitrate, frames_per_second: self.config.frames_per_second };
        let needs = self.level(width, height).ok_or(NvencError::Level { width_px: width, height_px: height })?;
        if let (Some(session), Some(running)) = (self.session.as_mut(), self.running.as_mut()) {
            let resized = (running.target.width, running.target.height) != (width, height);
            let fits = width <= running.max.0 && height <= running.max.1 && (!resized || self.limits.resizes);
            // A level that is higher than needed stays: another one would cost a keyframe.
            if fits && needs <= running.level {
                if running.target != target {
                    let params = settings::session(&self.config, target, running.max, self.limits.asynchronous);
                    let config = settings::codec(&running.preset, &self.config, target, running.level);
                    session.reconfigure(params, &config, resized)?;
                    running.target = target;
                    running.verified &= !resized;
                }
                return Ok(());
            }
            self.stop();
        }
        Ok(self.start(target, frame.captured_at)?)
    }

    fn start(&mut self, target: Target, started: Instant) -> Result<(), NvencError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => Session::open(&self.driver, self.config.gpu)?,
        };
        let wished = self.config.max_size.unwrap_or((target.width, target.height));
        let max = (wished.0.clamp(target.width, self.limits.max.0), wished.1.clamp(target.height, self.limits.max.1));
        // One level for all sizes of the session.
        let level = self.level(max.0, max.1).or_else(|| self.level(target.width, target.height));
        let level = level.ok_or(NvencError::Level { width_px: target.width, height_px: target.height })?;
        let preset = PresetSettings(session.preset(self.codec, settings::preset_guid(self.config.preset))?);
        let params = settings::session(&self.config, target, max, self.limits.asynchronous);
        session.initialise(params, &settings::codec(&preset, &self.config, target, level))?;
        self.session = Some(session);
        self.running = Some(Running { preset, target, max, level, started, verified: false });
        Ok(())
    }

    /// Ends the session; the next frame opens another one.
    fn stop(&mut self) {
        self.running = None;
        self.session = None;
    }

    fn level(&self, width: u32, height: u32) -> Option<u8> {
        self.config.format.level_for(width, height, self.config.frames_per_second, self.config.bitrate)
    }

    fn check_size(&self, width: u32, height: u32) -> Result<(), NvencError> {
        let Limits { min, max, .. } = self.limits;
        if width >= min.0 && height >= min.1 && width <= max.0 && height <= max.1 {
            return Ok(());
        }
        let gpu = self.session.as_ref().map_or_else(|| "the card".to_owned(), |s| s.gpu().to_owned());
        Err(NvencError::Size { gpu, width_px: width, height_px: height, min, max })
    }
}

impl Encoder for NvencEncoder {
    fn encode(&mut self, frame: &Frame, force_keyframe: bool) -> Result<Option<AccessUnit>, EncodeError> {
        match self.try_encode(frame, force_keyframe) {
            Ok((data, keyframe)) => Ok(Some(AccessUnit::of(frame, self.config.format.codec(), data, keyframe))),
            Err(error) => {
                self.stop();
                Err(error)
            }
        }
    }

    fn refine(&mut self, frame: &Frame, first: bool, _bits: u64) -> Result<Option<AccessUnit>, EncodeError> {
        self.passes = if first { 1 } else { self.passes + 1 };
        if self.passes > PASSES { Ok(None) } else { self.encode(frame, false) }
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        // Taken over with the next frame, together with whatever else changes until then.
        self.config.bitrate = self.config.format.limit(clamp_bitrate(bitrate));
        Ok(())
    }

    fn set_frame_rate(&mut self, frames_per_second: f32) -> Result<(), EncodeError> {
        self.config.frames_per_second = clamp_rate(frames_per_second);
        Ok(())
    }

    fn card(&self) -> Option<CardId> {
        self.card
    }

    fn description(&self) -> String {
        let gpu = self.session.as_ref().map(|session| format!(" ({})", session.gpu()));
        format!("NVENC{}", gpu.unwrap_or_default())
    }
}

fn limits(session: &Session, codec: GUID, config: &NvencConfig) -> Result<Limits, NvencError> {
    let ask = |which| session.capability(codec, which);
    let size = |width, height| -> Result<(u32, u32), NvencError> {
        Ok((u32::try_from(ask(width)?).unwrap_or(0), u32::try_from(ask(height)?).unwrap_or(0)))
    };
    let min = size(nvenc::NV_ENC_CAPS_WIDTH_MIN, nvenc::NV_ENC_CAPS_HEIGHT_MIN)?;
    let max = size(nvenc::NV_ENC_CAPS_WIDTH_MAX, nvenc::NV_ENC_CAPS_HEIGHT_MAX)?;
    if config.intra_refresh_frames.is_some() && ask(nvenc::NV_ENC_CAPS_SUPPORT_INTRA_REFRESH)? == 0 {
        let reason = format!("{} has no intra refresh", session.gpu());
        return Err(NvencError::Call { call: "nvEncGetEncodeCaps", reason });
    }
    Ok(Limits {
        min: (min.0.max(16), min.1.max(16)),
        max,
        resizes: ask(nvenc::NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE)? != 0,
        // The driver has events on Windows only.
        asynchronous: cfg!(windows) && ask(nvenc::NV_ENC_CAPS_ASYNC_ENCODE_SUPPORT)? != 0,
    })
}

/// Rates near zero make no picture, and the driver counts in 32 bits.
fn clamp_bitrate(bitrate: Bitrate) -> Bitrate {
    bitrate.clamp(Bitrate::kbps(50), Bitrate::mbps(240))
}

fn clamp_rate(frames_per_second: f32) -> f32 {
    if frames_per_second.is_finite() { frames_per_second.clamp(1.0, 240.0) } else { 30.0 }
}
