//! The software encoder: openh264.

use crate::h264::{self, H264Error, NAL_SPS, Sps};
use crate::{AccessUnit, Bitrate, EncodeError, Encoder, Frame, rtp_timestamp, tune};
use bytes::Bytes;
use openh264::encoder::{
    BitRate, Complexity, EncodedBitStream, Encoder as OpenH264, EncoderConfig, FrameRate, FrameType, IntraFramePeriod,
    Level, Profile, QpRange, RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::formats::YUVSource;
use openh264::{OpenH264API, Timestamp};
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

/// openh264, set for moving 3D pictures: camera content, low complexity, one slice, no frame left out, keyframes only
/// when they are asked for. A new size, or a rate beyond the stream's level, starts a new encoder and so a new sequence.
pub struct SoftwareEncoder {
    bitrate: Bitrate,
    frames_per_second: f32,
    running: Option<Running>,
}

struct Running {
    codec: OpenH264,
    width: u32,
    height: u32,
    level_idc: u8,
    started: Instant,
    /// The parameter sets were looked at.
    verified: bool,
}

impl SoftwareEncoder {
    /// An encoder that takes its size from the first frame.
    pub fn new(config: SoftwareConfig) -> Self {
        Self {
            bitrate: clamp_bitrate(config.bitrate),
            frames_per_second: clamp_rate(config.frames_per_second),
            running: None,
        }
    }

    fn start(&self, frame: &Frame) -> Result<Running, EncodeError> {
        let (width, height) = (frame.width(), frame.height());
        let (long, short) = (width.max(height), width.min(height));
        let level = h264::level_idc(width, height, self.frames_per_second, self.bitrate);
        let (Some(level_idc), true) = (level, short >= 16 && long <= 3840 && short <= 2160) else {
            return Err(EncodeError::Size { width_px: width, height_px: height, max: "3840x2160" });
        };
        let config = EncoderConfig::new()
            .usage_type(UsageType::CameraVideoRealTime)
            .complexity(Complexity::Low)
            .profile(Profile::Baseline)
            .level(level_constant(level_idc))
            .rate_control_mode(RateControlMode::Bitrate)
            .bitrate(BitRate::from_bps(bps(self.bitrate) as u32))
            .max_frame_rate(FrameRate::from_hz(self.frames_per_second))
            .qp(QpRange::new(12, 50))
            .skip_frames(false)
            .scene_change_detect(false)
            .background_detection(false)
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            .num_threads(1)
            .vui(VuiConfig::bt709());
        let mut codec = OpenH264::with_api_config(OpenH264API::from_source(), config).map_err(|e| codec_error(&e))?;
        tune::silence(&mut codec).map_err(option_error)?;
        Ok(Running { codec, width, height, level_idc, started: frame.captured_at, verified: false })
    }
}

impl Encoder for SoftwareEncoder {
    fn encode(&mut self, frame: &Frame, force_keyframe: bool) -> Result<Option<AccessUnit>, EncodeError> {
        let fits = |r: &Running| {
            (r.width, r.height) == (frame.width(), frame.height())
                && h264::level_idc(r.width, r.height, self.frames_per_second, self.bitrate)
                    .is_some_and(|level| level <= r.level_idc)
        };
        // Taken out, so that after an error the next frame begins anew.
        let mut running = match self.running.take() {
            Some(running) if fits(&running) => running,
            _ => self.start(frame)?,
        };
        if force_keyframe && running.verified {
            running.codec.force_intra_frame();
        }
        let elapsed = frame.captured_at.saturating_duration_since(running.started);
        let timestamp = Timestamp::from_millis(elapsed.as_millis() as u64);
        let encoded = running.codec.encode_at(&Planes(frame), timestamp).map_err(|e| codec_error(&e))?;
        let keyframe = match encoded.frame_type() {
            FrameType::IDR => true,
            FrameType::I | FrameType::P | FrameType::IPMixed => false,
            FrameType::Skip | FrameType::Invalid => {
                self.running = Some(running);
                return Ok(None);
            }
        };
        let data = collect(&encoded, keyframe)?;
        if keyframe && !running.verified {
            verify(&data, running.width, running.height)?;
            running.verified = true;
        }
        self.running = Some(running);
        Ok(Some(AccessUnit {
            data,
            keyframe,
            frame: frame.number,
            revision: frame.revision,
            captured_at: frame.captured_at,
            rtp_timestamp: rtp_timestamp(frame.captured_at),
        }))
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        let bitrate = clamp_bitrate(bitrate);
        if let Some(running) = self.running.as_mut().filter(|r| r.verified) {
            tune::set_bitrate(&mut running.codec, bps(self.bitrate), bps(bitrate)).map_err(option_error)?;
        }
        self.bitrate = bitrate;
        Ok(())
    }

    fn set_frame_rate(&mut self, frames_per_second: f32) -> Result<(), EncodeError> {
        let rate = clamp_rate(frames_per_second);
        if let Some(running) = self.running.as_mut().filter(|r| r.verified) {
            tune::set_frame_rate(&mut running.codec, rate).map_err(option_error)?;
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

fn codec_error(error: &openh264::Error) -> EncodeError {
    EncodeError::Codec { encoder: NAME, reason: error.to_string() }
}

fn option_error(status: i32) -> EncodeError {
    EncodeError::Codec { encoder: NAME, reason: format!("option refused ({status})") }
}

fn level_constant(level_idc: u8) -> Level {
    match level_idc {
        31 => Level::Level_3_1,
        32 => Level::Level_3_2,
        40 => Level::Level_4_0,
        41 => Level::Level_4_1,
        42 => Level::Level_4_2,
        50 => Level::Level_5_0,
        51 => Level::Level_5_1,
        _ => Level::Level_5_2,
    }
}

/// Copies the NAL units out of the encoder's buffers; parameter sets get the profile that was promised.
fn collect(encoded: &EncodedBitStream, keyframe: bool) -> Result<Bytes, EncodeError> {
    let layers = || (0..encoded.num_layers()).filter_map(|i| encoded.layer(i));
    let nals = |layer: &openh264::encoder::Layer| layer.nal_count();
    let mut size = 0;
    for layer in layers() {
        size += (0..nals(&layer)).filter_map(|i| layer.nal_unit(i)).map(<[u8]>::len).sum::<usize>();
    }
    let mut data = Vec::with_capacity(size);
    for layer in layers() {
        for nal in (0..nals(&layer)).filter_map(|i| layer.nal_unit(i)) {
            let at = data.len();
            data.extend_from_slice(nal);
            // openh264 writes a four-byte start code before each unit.
            let start = at + nal.iter().take_while(|&&b| b == 0).count() + 1;
            if keyframe && data.get(start).is_some_and(|b| b & 0x1f == NAL_SPS) {
                h264::mark_constrained_baseline(&mut data[start..])?;
            }
        }
    }
    Ok(data.into())
}

/// Checks once per sequence that the stream is what the session description says.
fn verify(data: &[u8], width: u32, height: u32) -> Result<(), H264Error> {
    let nal = h264::nal_units(data)
        .find(|nal| h264::nal_type(nal) == NAL_SPS)
        .ok_or(H264Error::Unexpected("keyframe without parameter sets"))?;
    let sps = Sps::parse(nal)?;
    if !sps.is_constrained_baseline() {
        return Err(H264Error::Unexpected("profile"));
    }
    if (sps.width, sps.height) != (width, height) {
        return Err(H264Error::Unexpected("size"));
    }
    Ok(())
}

struct Planes<'a>(&'a Frame);

impl YUVSource for Planes<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.width() as usize, self.0.height() as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.0.luma_stride(), self.0.chroma_stride(), self.0.chroma_stride())
    }

    fn y(&self) -> &[u8] {
        self.0.y()
    }

    fn u(&self) -> &[u8] {
        self.0.u()
    }

    fn v(&self) -> &[u8] {
        self.0.v()
    }
}
