//! The software encoder: openh264.

use crate::bytes_pool::BytesPool;
use crate::codec::{Codec, Encoded, Nals, Setup};
use crate::format::Codec as VideoCodec;
use crate::h264::{self, NAL_SPS};
use crate::keyframe::{Keyframe, Keyframes};
use crate::{AccessUnit, Bitrate, BitstreamError, EncodeError, Encoder, Frame, H264Format, H264Profile};
use bytes::{BufMut, Bytes};
use std::time::Instant;

/// Where the software encoder starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftwareConfig {
    /// Rate to aim at.
    pub bitrate: Bitrate,
    /// Frames a second to expect.
    pub frames_per_second: f32,
}

impl Default for SoftwareConfig {
    fn default() -> Self {
        Self { bitrate: Bitrate::mbps(4), frames_per_second: 30.0 }
    }
}

/// openh264, set for moving 3D pictures: camera content, low complexity, no frame left out, keyframes only when they
/// are asked for. A new size, or a rate beyond the stream's level, starts a new encoder and so a new sequence.
pub struct SoftwareEncoder {
    bitrate: Bitrate,
    frames_per_second: f32,
    format: H264Format,
    slices: u16,
    running: Option<Running>,
    pool: BytesPool,
}

struct Running {
    codec: Codec,
    width: u32,
    height: u32,
    level_idc: u8,
    started: Instant,
    /// The parameter sets were looked at.
    verified: bool,
    /// The last pass over a picture that rests.
    still: Option<Pass>,
    keyframes: Keyframes,
    /// Bits of a picture that the rate control aimed at last.
    used_to: f64,
}

impl Running {
    /// The rate control goes on from its last quantizer, a few steps with each picture. Where it has to get used to much less,
    /// the pictures after a keyframe would be several times as large as they may be: so it is given some in vain, which
    /// nobody misses in front of a keyframe. One that moves, and the same again; more of them would make it finer again.
    fn get_used_to_less(&mut self, frame: &Frame) -> Result<(), EncodeError> {
        let time_ms = self.time_ms(frame);
        for _ in 0..2 {
            self.codec.encode(frame, time_ms, false).map_err(codec_error)?;
        }
        Ok(())
    }

    fn time_ms(&self, frame: &Frame) -> i64 {
        let elapsed = frame.captured_at.saturating_duration_since(self.started);
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }
}

/// A picture by its quantizer, and what it cost.
#[derive(Debug, Clone, Copy)]
struct Pass {
    quantizer: u8,
    bits: u64,
}

/// No pass is finer: the picture is as good as the original then. With 12 one full of thin, bright lines stays at 47.7 dB,
/// with 8 it comes to 52.8 dB for 45 kB more.
const SHARPEST: u8 = 8;
/// No pass is coarser.
const COARSEST_STILL: u8 = 40;
/// Quantizer of a first pass that has a bit for each pixel; most of a picture costs less.
const FIRST_STILL: f64 = 26.0;
/// Below this share of what it was used to, a new rate is new to the rate control.
const FELL: f64 = 0.6;

impl SoftwareEncoder {
    /// An encoder that takes its size from the first frame.
    pub fn new(config: SoftwareConfig) -> Self {
        Self {
            bitrate: clamp_bitrate(config.bitrate),
            frames_per_second: clamp_rate(config.frames_per_second),
            format: H264Format::default(),
            slices: 1,
            running: None,
            pool: BytesPool::new(),
        }
    }

    /// Makes the stream what was agreed with the viewers.
    #[must_use]
    pub fn with_format(self, format: H264Format) -> Self {
        Self { bitrate: format.limit(self.bitrate), format, running: None, ..self }
    }

    /// Cuts each picture into so many slices (1 to 4), encoded at the same time.
    #[must_use]
    pub fn with_slices(self, slices: u16) -> Self {
        Self { slices: slices.clamp(1, 4), running: None, ..self }
    }

    /// Bits of a picture.
    fn budget(&self) -> f64 {
        self.bitrate.as_f64() / f64::from(self.frames_per_second)
    }

    fn level(&self, width: u32, height: u32) -> Option<u8> {
        self.format.level_for(width, height, self.frames_per_second, self.bitrate)
    }

    fn start(&self, frame: &Frame) -> Result<Running, EncodeError> {
        let (width, height) = (frame.width(), frame.height());
        let (long, short) = (width.max(height), width.min(height));
        let (Some(level_idc), true) = (self.level(width, height), short >= 16 && long <= 3840 && short <= 2160) else {
            return Err(EncodeError::Size { width_px: width, height_px: height, max: "3840x2160" });
        };
        let codec = Codec::start(&Setup {
            width,
            height,
            level_idc,
            main: self.format.profile == H264Profile::Main,
            bitrate_bps: bps(self.bitrate),
            frames_per_second: self.frames_per_second,
            slices: self.slices,
        })
        .map_err(codec_error)?;
        Ok(Running {
            codec,
            width,
            height,
            level_idc,
            started: frame.captured_at,
            verified: false,
            still: None,
            keyframes: Keyframes::default(),
            used_to: 0.0,
        })
    }

    /// Encodes with this instance and keeps it when that went well. `fixed`: a quantizer that is not the rate control's.
    fn encode_with(
        &mut self,
        mut running: Running,
        frame: &Frame,
        force_keyframe: bool,
        fixed: Option<u8>,
    ) -> Result<Option<AccessUnit>, EncodeError> {
        let time_ms = running.time_ms(frame);
        let moves = running.still.is_none();
        let judge = moves && running.keyframes.judges(force_keyframe || !running.verified);
        let (keyframe, data, psnr) = match running.codec.encode(frame, time_ms, judge).map_err(codec_error)? {
            Encoded::Picture { keyframe, nals, psnr } => (keyframe, collect(&mut self.pool, &nals, self.format)?, psnr),
            Encoded::Skipped => {
                self.running = Some(running);
                return Ok(None);
            }
        };
        match psnr {
            Some(psnr) if keyframe => {
                let made = fixed.or_else(|| running.codec.quantizer());
                let bits = data.len() as u64 * 8;
                running.keyframes.made(made.map(|quantizer| Keyframe { quantizer, bits, psnr }));
            }
            Some(psnr) => running.keyframes.moved(psnr),
            None => {}
        }
        if keyframe && !running.verified {
            self.format.verify(&data, running.level_idc, running.width, running.height)?;
            running.verified = true;
        }
        if fixed.is_none() {
            running.used_to = self.budget();
        }
        self.running = Some(running);
        Ok(Some(AccessUnit::of(frame, VideoCodec::H264, data, keyframe)))
    }
}

impl Encoder for SoftwareEncoder {
    fn encode(&mut self, frame: &Frame, force_keyframe: bool) -> Result<Option<AccessUnit>, EncodeError> {
        frame.fetch()?;
        // A level that is higher than needed stays: another one would cost a keyframe.
        let level = self.level(frame.width(), frame.height());
        let fits = |r: &Running| {
            (r.width, r.height) == (frame.width(), frame.height()) && level.is_some_and(|level| level <= r.level_idc)
        };
        // Taken out, so that after an error the next frame begins anew.
        let mut running = match self.running.take() {
            Some(running) if fits(&running) => running,
            _ => self.start(frame)?,
        };
        let mut fixed = None;
        if force_keyframe && running.verified {
            if running.still.is_none() && self.budget() < running.used_to * FELL {
                running.get_used_to_less(frame)?;
            }
            running.codec.force_keyframe().map_err(codec_error)?;
            fixed = running.keyframes.quantizer(self.bitrate.as_f64(), f64::from(self.frames_per_second));
        }
        if running.still.take().is_some() || fixed.is_some() {
            running.codec.set_quantizer(fixed).map_err(codec_error)?;
        }
        let unit = self.encode_with(running, frame, force_keyframe, fixed)?;
        if let (Some(running), Some(_)) = (&mut self.running, fixed) {
            running.codec.set_quantizer(None).map_err(codec_error)?;
        }
        Ok(unit)
    }

    fn refine(&mut self, frame: &Frame, first: bool, bits: u64) -> Result<Option<AccessUnit>, EncodeError> {
        let same_size = |r: &Running| (r.width, r.height) == (frame.width(), frame.height()) && r.verified;
        if !self.running.as_ref().is_some_and(same_size) {
            return self.encode(frame, false);
        }
        // Taken out as in `encode`.
        let Some(mut running) = self.running.take() else { return Ok(None) };
        let pixels = f64::from(frame.width()) * f64::from(frame.height());
        let quantizer = match running.still.filter(|_| !first) {
            None => FIRST_STILL - 3.0 * (bits.max(1) as f64 / pixels).log2(),
            Some(still) if still.quantizer <= SHARPEST => {
                self.running = Some(running);
                return Ok(None);
            }
            // Six steps of the quantizer are twice the bits.
            Some(still) => {
                let room = 6.0 * (bits as f64 / still.bits.max(1) as f64).log2();
                f64::from(still.quantizer) - room.clamp(1.0, 4.0)
            }
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let quantizer = quantizer.clamp(f64::from(SHARPEST), f64::from(COARSEST_STILL)) as u8;
        running.codec.set_quantizer(Some(quantizer)).map_err(codec_error)?;
        running.still = Some(Pass { quantizer, bits: 0 });
        let unit = self.encode_with(running, frame, false, Some(quantizer))?;
        let spent = unit.as_ref().map_or(0, |unit| unit.data.len() as u64 * 8);
        if let Some(running) = &mut self.running {
            running.still = Some(Pass { quantizer, bits: spent });
        }
        Ok(unit)
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        let bitrate = self.format.limit(clamp_bitrate(bitrate));
        if let Some(running) = self.running.as_mut().filter(|r| r.verified) {
            running.codec.set_bitrate(bps(self.bitrate), bps(bitrate)).map_err(codec_error)?;
        }
        self.bitrate = bitrate;
        Ok(())
    }

    fn set_frame_rate(&mut self, frames_per_second: f32) -> Result<(), EncodeError> {
        let rate = clamp_rate(frames_per_second);
        if let Some(running) = self.running.as_mut().filter(|r| r.verified) {
            running.codec.set_frame_rate(rate).map_err(codec_error)?;
        }
        self.frames_per_second = rate;
        Ok(())
    }

    fn description(&self) -> String {
        "openh264 (software)".to_owned()
    }
}

const NAME: &str = "openh264";

/// openh264 counts in `int`, and rates near zero make no picture.
fn clamp_bitrate(bitrate: Bitrate) -> Bitrate {
    bitrate.clamp(Bitrate::kbps(50), Bitrate::mbps(240))
}

/// openh264's own bounds.
fn clamp_rate(frames_per_second: f32) -> f32 {
    if frames_per_second.is_finite() { frames_per_second.clamp(1.0, 60.0) } else { 30.0 }
}

fn bps(bitrate: Bitrate) -> i32 {
    i32::try_from(bitrate.as_bps()).unwrap_or(i32::MAX)
}

fn codec_error(status: i32) -> EncodeError {
    EncodeError::Codec { encoder: NAME, reason: format!("error {status}") }
}

/// Copies the NAL units out of the encoder's buffers; parameter sets get the profile that was promised.
fn collect(pool: &mut BytesPool, nals: &Nals, format: H264Format) -> Result<Bytes, BitstreamError> {
    let size = nals.iter().map(<[u8]>::len).sum();
    pool.fill(size, |data| {
        for nal in nals.iter() {
            let at = data.len();
            data.put_slice(nal);
            // openh264 writes a four-byte start code before each unit.
            let start = at + nal.iter().take_while(|&&b| b == 0).count() + 1;
            if data.get(start).is_some_and(|&b| h264::nal_type(&[b]) == NAL_SPS) {
                format.mark(&mut data[start..])?;
            }
        }
        Ok(())
    })
}
