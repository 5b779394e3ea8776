//! What every [`Encoder`] backend must do; each backend's tests call [`check`]. Decodes with openh264's decoder, so
//! that encoder and judge are not the same code for any backend but the software one.

use crate::h264::{self, Colour, NAL_PPS, NAL_SPS, Sps};
use crate::{AccessUnit, Bitrate, Encoder, Frame, FramePool, rtp_timestamp};
use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264::formats::YUVSource;
use std::time::{Duration, Instant};

/// Makes an encoder for a bitrate and frame rate.
pub type Factory<'a> = &'a dyn Fn(Bitrate, f32) -> Result<Box<dyn Encoder>, String>;

/// Runs all checks.
///
/// # Errors
/// The first thing that is wrong, in words.
pub fn check(make: Factory) -> Result<(), String> {
    for (name, run) in [
        ("picture", picture as fn(Factory) -> Result<(), String>),
        ("colours", colours),
        ("keyframes", keyframes),
        ("bitrate", bitrate),
        ("size change", size_change),
        ("odd and extreme sizes", sizes),
        ("sequence parameter set", parameter_set),
        ("resting picture", resting),
    ] {
        run(make).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

/// A moving test picture of our own as RGBA: gradients, sharp edges, a turning disc of spokes.
pub fn test_picture(width: usize, height: usize, step: u64) -> Vec<u8> {
    let mut rgba = Vec::with_capacity(width * height * 4);
    let turn = step as f32 * 0.02;
    let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
    let radius = cy * 0.8;
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (x as f32 - cx, y as f32 - cy);
            let pixel = if dx * dx + dy * dy < radius * radius {
                let spoke = ((dy.atan2(dx) + turn) * 6.0 / std::f32::consts::PI).rem_euclid(2.0);
                if spoke < 1.0 { [210, 90, 40, 255] } else { [40, 120, 200, 255] }
            } else {
                let shade = (x * 255 / width) as u8;
                [shade, (y * 255 / height) as u8, 255 - shade / 2, 255]
            };
            rgba.extend_from_slice(&pixel);
        }
    }
    rgba
}

/// Peak signal-to-noise ratio of luma in dB between a frame and a decoded picture.
pub fn luma_psnr(frame: &Frame, decoded: &impl YUVSource) -> f64 {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let mut sum = 0u64;
    for y in 0..height {
        let a = &frame.y()[y * frame.luma_stride()..][..width];
        let b = &decoded.y()[y * decoded.strides().0..][..width];
        sum += a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum::<u64>();
    }
    10.0 * (255.0f64.powi(2) / (sum.max(1) as f64 / (width * height) as f64)).log10()
}

struct Bench {
    encoder: Box<dyn Encoder>,
    decoder: Decoder,
    pool: FramePool,
    start: Instant,
    number: u64,
}

struct Outcome {
    unit: AccessUnit,
    psnr: f64,
    size: (u32, u32),
    chroma: (u8, u8),
}

impl Bench {
    fn new(make: Factory, bitrate: Bitrate) -> Result<Self, String> {
        Ok(Self {
            encoder: make(bitrate, 30.0)?,
            decoder: Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new()).map_err(text)?,
            pool: FramePool::new(),
            start: Instant::now(),
            number: 0,
        })
    }

    fn moving(&mut self, width: usize, height: usize, keyframe: bool) -> Result<Outcome, String> {
        let picture = test_picture(width, height, self.number);
        self.run(&picture, width, height, keyframe)
    }

    fn run(&mut self, rgba: &[u8], width: usize, height: usize, keyframe: bool) -> Result<Outcome, String> {
        let mut frame = self.pool.take().ok_or("a frame was not given back")?;
        frame.fill_from_rgba(rgba, width * 4, width as u32, height as u32).map_err(text)?;
        self.number += 1;
        frame.number = self.number;
        frame.revision = self.number * 10;
        frame.captured_at = self.start + Duration::from_micros(33_333) * self.number as u32;
        let unit = self.encoder.encode(&frame, keyframe).map_err(text)?;
        let unit = unit.ok_or_else(|| format!("frame {} was left out", self.number))?;
        let named = (unit.frame, unit.revision, unit.captured_at, unit.rtp_timestamp);
        let at = frame.captured_at;
        ensure(named == (frame.number, frame.revision, at, rtp_timestamp(at)), || "unit is not named after its frame")?;
        let decoded = self.decoder.decode(&unit.data).map_err(text)?.ok_or("no picture came out at once")?;
        let (width, height) = decoded.dimensions();
        let size = (width as u32, height as u32);
        ensure(size == (frame.width(), frame.height()), || "decoded size differs")?;
        let psnr = luma_psnr(&frame, &decoded);
        let middle = height / 4 * decoded.strides().1 + width / 4;
        let chroma = (decoded.u()[middle], decoded.v()[middle]);
        Ok(Outcome { unit, psnr, size, chroma })
    }
}

fn picture(make: Factory) -> Result<(), String> {
    let mut bench = Bench::new(make, Bitrate::mbps(4))?;
    let mut worst = f64::MAX;
    for i in 0..20 {
        let outcome = bench.moving(640, 360, false)?;
        ensure(outcome.unit.keyframe == (i == 0), || "first frame alone must be a keyframe")?;
        worst = worst.min(outcome.psnr);
    }
    ensure(worst > 30.0, || format!("PSNR falls to {worst:.1} dB"))
}

fn colours(make: Factory) -> Result<(), String> {
    // Pure green tells the matrices apart: U is 26 and V 42 in BT.709, 54 and 34 in BT.601.
    let mut bench = Bench::new(make, Bitrate::mbps(2))?;
    let outcome = bench.run(&[0, 255, 0, 255].repeat(128 * 128), 128, 128, true)?;
    let (u, v) = outcome.chroma;
    ensure(u.abs_diff(42) <= 3 && v.abs_diff(26) <= 3, || format!("green has U {u}, V {v}"))
}

fn keyframes(make: Factory) -> Result<(), String> {
    let mut bench = Bench::new(make, Bitrate::mbps(4))?;
    for i in 0..40 {
        let wanted = i == 0 || i == 7 || i == 8 || i == 30;
        let unit = bench.moving(320, 240, wanted)?.unit;
        ensure(unit.keyframe == wanted, || format!("frame {i}: keyframe {} instead of {wanted}", unit.keyframe))?;
        let has = |kind| h264::nal_units(&unit.data).any(|nal| h264::nal_type(nal) == kind);
        ensure(has(h264::NAL_IDR) == wanted, || "IDR slice where it should not be, or none")?;
        ensure(!wanted || (has(NAL_SPS) && has(NAL_PPS)), || "keyframe without parameter sets")?;
        if wanted {
            // A newcomer starts here.
            let mut newcomer = Decoder::new().map_err(text)?;
            ensure(newcomer.decode(&unit.data).map_err(text)?.is_some(), || "keyframe does not decode alone")?;
        }
    }
    Ok(())
}

fn bitrate(make: Factory) -> Result<(), String> {
    let mut bench = Bench::new(make, Bitrate::mbps(4))?;
    let mut measure = |rate: Option<Bitrate>| -> Result<f64, String> {
        if let Some(rate) = rate {
            bench.encoder.set_bitrate(rate).map_err(text)?;
        }
        let mut bytes = 0;
        for i in 0..60 {
            let unit = bench.moving(640, 360, false)?.unit;
            // The second after a change settles.
            bytes += if i >= 30 { unit.data.len() } else { 0 };
        }
        Ok(bytes as f64 * 8.0)
    };
    let high = measure(None)?;
    let low = measure(Some(Bitrate::kbps(700)))?;
    let again = measure(Some(Bitrate::mbps(4)))?;
    ensure(high < 4e6 * 1.3, || format!("{high:.0} bit/s at 4 Mbit/s"))?;
    ensure(low < 7e5 * 1.4, || format!("{low:.0} bit/s at 700 kbit/s"))?;
    ensure(again > low * 1.8, || format!("rate does not rise again: {low:.0} to {again:.0} bit/s"))
}

fn size_change(make: Factory) -> Result<(), String> {
    let mut bench = Bench::new(make, Bitrate::mbps(4))?;
    for (width, height) in [(640, 360), (320, 180), (800, 600), (360, 640)] {
        for i in 0..3 {
            let outcome = bench.moving(width, height, false)?;
            ensure(outcome.unit.keyframe == (i == 0), || format!("{width}x{height}, frame {i}: keyframe or not"))?;
            ensure(outcome.psnr > 28.0, || format!("{width}x{height}: {:.1} dB", outcome.psnr))?;
        }
    }
    Ok(())
}

fn sizes(make: Factory) -> Result<(), String> {
    let mut bench = Bench::new(make, Bitrate::mbps(4))?;
    for (width, height) in [(641, 361), (1366, 769), (130, 98), (16, 16), (33, 17)] {
        let outcome = bench.moving(width, height, false)?;
        ensure(outcome.size == (width as u32 & !1, height as u32 & !1), || format!("{width}x{height}"))?;
    }
    let mut frame = bench.pool.take().ok_or("a frame was not given back")?;
    for (width, height) in [(8, 8), (16_384, 16)] {
        frame.resize(width, height).map_err(text)?;
        ensure(bench.encoder.encode(&frame, false).is_err(), || format!("{width}x{height} was taken"))?;
    }
    drop(frame);
    let after = bench.moving(320, 240, false)?;
    ensure(after.unit.keyframe, || "no keyframe after an error")
}

fn parameter_set(make: Factory) -> Result<(), String> {
    for (width, height, level_idc) in [(640, 360, 31), (1280, 720, 31), (1920, 1080, 40)] {
        let mut bench = Bench::new(make, Bitrate::mbps(4))?;
        let unit = bench.moving(width, height, true)?.unit;
        let nal = h264::nal_units(&unit.data).find(|nal| h264::nal_type(nal) == NAL_SPS).ok_or("none")?;
        let sps = Sps::parse(nal).map_err(text)?;
        let said = (sps.profile_idc, sps.constraints, sps.level_idc);
        ensure(said == (0x42, 0xe0, level_idc), || format!("{said:x?} at {width}x{height}"))?;
        ensure((sps.width, sps.height) == (width as u32, height as u32), || format!("{sps:?}"))?;
        let bt709 = Colour { full_range: false, primaries: 1, transfer: 1, matrix: 1 };
        ensure(sps.colour == Some(bt709), || format!("colour description {:?}", sps.colour))?;
        let ordered = sps.pic_order_cnt_type == 2 || sps.reorder_frames == Some(0);
        ensure(ordered, || "decoders would wait for reordered pictures")?;
    }
    Ok(())
}

fn resting(make: Factory) -> Result<(), String> {
    let mut bench = Bench::new(make, Bitrate::mbps(4))?;
    let picture = test_picture(640, 360, 0);
    let first = bench.run(&picture, 640, 360, false)?.psnr;
    let mut last = first;
    for _ in 0..6 {
        last = bench.run(&picture, 640, 360, false)?.psnr;
    }
    ensure(last + 0.5 >= first && last > 36.0, || format!("a resting picture goes from {first:.1} to {last:.1} dB"))
}

fn ensure<S: Into<String>>(holds: bool, otherwise: impl FnOnce() -> S) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
