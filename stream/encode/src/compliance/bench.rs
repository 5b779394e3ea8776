//! One encoder under test with its judges: ffmpeg, and openh264's decoder for H.264, which must agree on every byte.

use super::ffmpeg::Ffmpeg;
use super::picture::{luma_psnr_of, psnr_of, test_picture};
use super::{Subject, ensure, stream, text};
use crate::{AccessUnit, Bitrate, Codec, Encoder, Frame, FramePool, H264Profile, VideoFormat, rtp_timestamp};
use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264::formats::YUVSource;
use std::time::{Duration, Instant};

pub(super) struct Bench {
    pub encoder: Box<dyn Encoder>,
    codec: Codec,
    /// For the baseline of H.264 only.
    decoder: Option<Decoder>,
    ffmpeg: Ffmpeg,
    pool: FramePool,
    time: Instant,
    pub number: u64,
    /// From one picture to the next.
    pub interval: Duration,
}

pub(super) struct Outcome {
    pub unit: AccessUnit,
    /// Of luma.
    pub psnr: f64,
    /// Of U.
    pub colour_psnr: f64,
    /// U and V in the middle.
    pub chroma: (u8, u8),
}

impl Bench {
    pub fn new(subject: &Subject, format: VideoFormat, bitrate: Bitrate) -> Result<Self, String> {
        let baseline = matches!(format, VideoFormat::H264(f) if f.profile == H264Profile::ConstrainedBaseline);
        Ok(Self {
            encoder: (subject.make)(format, bitrate, 30.0)?,
            codec: format.codec(),
            decoder: baseline.then(decoder).transpose()?,
            ffmpeg: Ffmpeg::start(format.codec())?,
            pool: FramePool::new(),
            time: Instant::now(),
            number: 0,
            interval: Duration::from_micros(33_333),
        })
    }

    /// The next test picture.
    pub fn moving(&mut self, width: usize, height: usize, keyframe: bool) -> Result<Outcome, String> {
        let picture = test_picture(width, height, self.number);
        self.run(&picture, width, height, keyframe)
    }

    pub fn run(&mut self, rgba: &[u8], width: usize, height: usize, keyframe: bool) -> Result<Outcome, String> {
        let mut frame = self.frame()?;
        frame.fill_from_rgba(rgba, width * 4, width as u32, height as u32).map_err(text)?;
        let unit = self.encoder.encode(&frame, keyframe).map_err(text)?;
        let unit = unit.ok_or_else(|| format!("frame {} was left out", self.number))?;
        let named = (unit.frame, unit.revision, unit.captured_at, unit.rtp_timestamp);
        let at = frame.captured_at;
        ensure(named == (frame.number, frame.revision, at, rtp_timestamp(at)), || "unit is not named after its frame")?;
        ensure(unit.codec == self.codec, || format!("{} instead of {}", unit.codec, self.codec))?;
        ensure(stream::is_in_order(&unit), || "a B slice, or a picture that is not shown at once")?;
        self.judge(&frame, unit)
    }

    /// A frame that the encoder has to refuse.
    pub fn refused(&mut self, width: u32, height: u32) -> Result<(), String> {
        let mut frame = self.frame()?;
        frame.resize(width, height).map_err(text)?;
        ensure(self.encoder.encode(&frame, false).is_err(), || format!("{width}x{height} was taken"))
    }

    /// Ends the judges; ffmpeg must have had nothing to say.
    pub fn finish(self) -> Result<(), String> {
        self.ffmpeg.finish()
    }

    fn frame(&mut self) -> Result<Frame, String> {
        let mut frame = self.pool.take().ok_or("a frame was not given back")?;
        self.number += 1;
        self.time += self.interval;
        frame.number = self.number;
        frame.revision = self.number * 10;
        frame.captured_at = self.time;
        Ok(frame)
    }

    fn judge(&mut self, frame: &Frame, unit: AccessUnit) -> Result<Outcome, String> {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let independent = self.ffmpeg.decode(&unit.data, width, height)?;
        let (luma, chroma) = independent.split_at(width * height);
        let (u, v) = chroma.split_at(width * height / 4);
        if let Some(decoder) = &mut self.decoder {
            let decoded = decoder.decode(&unit.data).map_err(text)?.ok_or("openh264 gave no picture at once")?;
            ensure(decoded.dimensions() == (width, height), || "decoded size differs")?;
            let (y_stride, u_stride, v_stride) = decoded.strides();
            for (name, plane, stride, other, row) in [
                ("luma", decoded.y(), y_stride, luma, width),
                ("U", decoded.u(), u_stride, u, width / 2),
                ("V", decoded.v(), v_stride, v, width / 2),
            ] {
                let same = other.chunks_exact(row).enumerate().all(|(y, other)| plane[y * stride..][..row] == *other);
                ensure(same, || format!("picture {}: the two decoders disagree on {name}", frame.number))?;
            }
        }
        let middle = height / 4 * (width / 2) + width / 4;
        let psnr = luma_psnr_of(frame, luma, width);
        let colour_psnr = psnr_of(frame.u().iter().zip(u));
        Ok(Outcome { unit, psnr, colour_psnr, chroma: (u[middle], v[middle]) })
    }
}

/// A decoder that knows nothing of the stream yet.
fn decoder() -> Result<Decoder, String> {
    Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new()).map_err(text)
}

/// Who comes with this keyframe sees it at once.
pub(super) fn newcomer_sees(unit: &AccessUnit, width: usize, height: usize) -> Result<(), String> {
    if unit.codec == Codec::H264 {
        decoder()?.decode(&unit.data).map_err(text)?.ok_or("openh264 gave no picture")?;
    }
    let mut newcomer = Ffmpeg::start(unit.codec)?;
    newcomer.decode(&unit.data, width, height)?;
    newcomer.finish()
}
