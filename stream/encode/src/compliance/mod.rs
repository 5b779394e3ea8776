//! What every [`Encoder`] backend must do, for each codec that it makes; each backend's tests call [`check`]. The judges
//! are ffmpeg and, for H.264, openh264's decoder, which decode every picture of every test at once and must agree. (The
//! main profile of H.264 is for ffmpeg alone: openh264 keeps pictures of that profile back, in case that they are
//! reordered.)
//!
//! That nothing is allocated for a frame is tested by each backend in a program of its own (see
//! `tests/allocations.rs`), because the counter is the program's allocator.

mod bench;
mod ffmpeg;
mod picture;
mod rates;
mod stream;

pub use picture::{grainy_picture, luma_psnr, luma_psnr_of, test_picture};

use crate::h264::Colour;
use crate::{Bitrate, Codec, Encoder, VideoFormat};
use bench::{Bench, newcomer_sees};
use stream::{Headers, begins_anew};

/// Makes an encoder for a format, a bitrate and a frame rate.
pub type Factory<'a> = &'a dyn Fn(VideoFormat, Bitrate, f32) -> Result<Box<dyn Encoder>, String>;

/// A backend under test.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Makes it.
    pub make: Factory<'a>,
    /// What it makes when nothing else was agreed; says the codec, too.
    pub usual: VideoFormat,
    /// Formats that it has to make.
    pub formats: &'a [VideoFormat],
    /// The smallest picture that it takes.
    pub smallest: (u32, u32),
}

/// Has ffmpeg decode access units that came from somewhere: each has to give its picture of this size before the next one is
/// there, and none may be doubted.
///
/// # Errors
/// What ffmpeg says.
pub fn decodes<'a>(
    codec: Codec,
    units: impl Iterator<Item = &'a [u8]>,
    width: usize,
    height: usize,
) -> Result<(), String> {
    let mut ffmpeg = ffmpeg::Ffmpeg::start(codec)?;
    for unit in units {
        ffmpeg.decode(unit, width, height)?;
    }
    ffmpeg.finish()
}

/// Runs all checks.
///
/// # Errors
/// The first thing that is wrong, in words.
pub fn check(subject: &Subject) -> Result<(), String> {
    type Check = fn(&Subject) -> Result<(), String>;
    let all: [(&str, Check); 12] = [
        ("picture", picture),
        ("quality", quality),
        ("colours", colours),
        ("keyframes", keyframes),
        ("bitrate", rates::bitrate),
        ("frame rate", rates::frame_rate),
        ("both rates at once", rates::both),
        ("size change", size_change),
        ("odd and extreme sizes", sizes),
        ("sequence parameter set", parameter_set),
        ("agreed formats", formats),
        ("resting picture", resting),
    ];
    for (name, run) in all {
        run(subject).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

fn picture(subject: &Subject) -> Result<(), String> {
    let mut bench = Bench::new(subject, subject.usual, Bitrate::mbps(4))?;
    let (mut worst, mut worst_colour) = (f64::MAX, f64::MAX);
    for i in 0..20 {
        // Steps so large that the picture before would not do: it has 19 dB of colour.
        let outcome = bench.run(&test_picture(640, 360, i * 8), 640, 360, false)?;
        ensure(outcome.unit.keyframe == (i == 0), || "first frame alone must be a keyframe")?;
        worst = worst.min(outcome.psnr);
        worst_colour = worst_colour.min(outcome.colour_psnr);
    }
    ensure(worst > 30.0, || format!("PSNR falls to {worst:.1} dB"))?;
    ensure(worst_colour > 26.0, || format!("PSNR of colour falls to {worst_colour:.1} dB"))?;
    bench.finish()
}

/// In motion, at the rate and size of a common stream.
fn quality(subject: &Subject) -> Result<(), String> {
    let mut bench = Bench::new(subject, subject.usual, Bitrate::mbps(8))?;
    let (mut bytes, mut sum, mut worst) = (0, 0.0, f64::MAX);
    for i in 0..45 {
        let outcome = bench.moving(1280, 720, false)?;
        // After the keyframe has settled.
        if i >= 15 {
            bytes += outcome.unit.data.len();
            sum += outcome.psnr;
            worst = worst.min(outcome.psnr);
        }
    }
    let (mean, rate) = (sum / 30.0, bytes as f64 * 8.0);
    ensure(rate < 8e6 * 1.1, || format!("{rate:.0} bit/s instead of 8 Mbit/s"))?;
    ensure(mean > 38.0 && worst > 36.0, || format!("720p30 at 8 Mbit/s has {mean:.1} dB, {worst:.1} dB at worst"))?;
    bench.finish()
}

fn colours(subject: &Subject) -> Result<(), String> {
    // Pure green tells the matrices apart: U is 26 and V 42 in BT.709, 54 and 34 in BT.601.
    let mut bench = Bench::new(subject, subject.usual, Bitrate::mbps(2))?;
    let outcome = bench.run(&[0, 255, 0, 255].repeat(160 * 128), 160, 128, true)?;
    let (u, v) = outcome.chroma;
    ensure(u.abs_diff(42) <= 3 && v.abs_diff(26) <= 3, || format!("green has U {u}, V {v}"))?;
    bench.finish()
}

fn keyframes(subject: &Subject) -> Result<(), String> {
    let mut bench = Bench::new(subject, subject.usual, Bitrate::mbps(4))?;
    for i in 0..40 {
        let wanted = i == 0 || i == 7 || i == 8 || i == 30;
        let unit = bench.moving(320, 240, wanted)?.unit;
        ensure(unit.keyframe == wanted, || format!("frame {i}: keyframe {} instead of {wanted}", unit.keyframe))?;
        ensure(stream::can_begin(&unit) == wanted, || "an IDR slice or key frame where it should not be, or none")?;
        let sets = stream::parameter_sets(&unit);
        ensure(sets == (wanted, wanted), || "parameter sets belong to keyframes, and to all")?;
        if wanted {
            // A newcomer starts here.
            newcomer_sees(&unit, 320, 240).map_err(|e| format!("keyframe does not decode alone: {e}"))?;
        }
    }
    bench.finish()
}

fn size_change(subject: &Subject) -> Result<(), String> {
    let mut bench = Bench::new(subject, subject.usual, Bitrate::mbps(4))?;
    for (width, height) in [(640, 360), (320, 180), (800, 600), (360, 640), (640, 360)] {
        for i in 0..3 {
            let outcome = bench.moving(width, height, false)?;
            ensure(outcome.unit.keyframe == (i == 0), || format!("{width}x{height}, frame {i}: keyframe or not"))?;
            ensure(outcome.psnr > 28.0, || format!("{width}x{height}: {:.1} dB", outcome.psnr))?;
            if i == 0 {
                let said = Headers::of(&outcome.unit)?;
                ensure(said.size == (width as u32, height as u32), || format!("{said:?}"))?;
            }
        }
    }
    bench.finish()
}

fn sizes(subject: &Subject) -> Result<(), String> {
    let mut bench = Bench::new(subject, subject.usual, Bitrate::mbps(4))?;
    let (least_width, least_height) = subject.smallest;
    let odd = [(641, 361), (1366, 769), (1279, 719), (130, 98), (16, 16), (33, 17)];
    let possible = odd.into_iter().filter(|&(w, h)| w >= least_width && h >= least_height);
    for (width, height) in possible.chain([subject.smallest]) {
        let outcome = bench.moving(width as usize, height as usize, false)?;
        ensure(outcome.unit.keyframe, || format!("{width}x{height}: no keyframe"))?;
        ensure(outcome.psnr > 26.0, || format!("{width}x{height}: {:.1} dB", outcome.psnr))?;
    }
    for (width, height) in [(8, 8), (16_384, 16)] {
        bench.refused(width, height)?;
    }
    let after = bench.moving(320, 240, false)?;
    ensure(after.unit.keyframe, || "no keyframe after an error")?;
    bench.finish()
}

fn parameter_set(subject: &Subject) -> Result<(), String> {
    let levels = match subject.usual.codec() {
        Codec::H264 => [31, 31, 40],
        Codec::Hevc => [93, 93, 120],
        Codec::Av1 => [5, 5, 8],
    };
    for ((width, height), level) in [(640, 360), (1280, 720), (1920, 1080)].into_iter().zip(levels) {
        let mut bench = Bench::new(subject, subject.usual, Bitrate::mbps(4))?;
        let said = Headers::of(&bench.moving(width, height, true)?.unit)?;
        ensure(said.is(subject.usual), || format!("{said:?} is another profile"))?;
        ensure(said.level == level, || format!("{said:?} instead of level {level}"))?;
        ensure(said.size == (width as u32, height as u32), || format!("{said:?}"))?;
        let bt709 = Colour { full_range: false, primaries: 1, transfer: 1, matrix: 1 };
        ensure(said.colour == Some(bt709), || format!("colour description {:?}", said.colour))?;
        ensure(said.in_order, || "decoders would wait for reordered pictures")?;
        bench.finish()?;
    }
    Ok(())
}

/// What was agreed is what comes, in every sequence, and pictures beyond it are refused.
fn formats(subject: &Subject) -> Result<(), String> {
    for &format in subject.formats {
        // More than the level allows is asked for; it keeps to the level.
        let mut bench = Bench::new(subject, format, Bitrate::mbps(200))?;
        for (i, (width, height)) in [(640, 360), (640, 360), (480, 270), (1280, 720)].into_iter().enumerate() {
            let unit = bench.moving(width, height, i == 1).map_err(|e| format!("{format:?}: {e}"))?.unit;
            let said = Headers::of(&unit).map_err(|e| format!("{format:?}, picture {i}: {e}"))?;
            ensure(said.is(format), || format!("{said:?} instead of {format:?}"))?;
            let next = bench.moving(width, height, false)?.unit;
            ensure(!begins_anew(&next), || format!("{format:?}: a keyframe that nobody asked for"))?;
        }
        let takes_4k = format.level_for(3840, 2160, 30.0, Bitrate::bps(0)).is_some();
        let too_large = if takes_4k { (8192, 8192) } else { (3840, 2160) };
        bench.refused(too_large.0, too_large.1)?;
        bench.finish()?;
    }
    Ok(())
}

fn resting(subject: &Subject) -> Result<(), String> {
    let mut bench = Bench::new(subject, subject.usual, Bitrate::mbps(4))?;
    let picture = test_picture(640, 360, 0);
    let first = bench.run(&picture, 640, 360, false)?.psnr;
    let mut last = first;
    for _ in 0..6 {
        last = bench.run(&picture, 640, 360, false)?.psnr;
    }
    ensure(last + 0.5 >= first && last > 36.0, || format!("a resting picture goes from {first:.1} to {last:.1} dB"))?;
    bench.finish()
}

fn ensure<S: Into<String>>(holds: bool, otherwise: impl FnOnce() -> S) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
