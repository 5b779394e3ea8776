//! Changes of bitrate and frame rate while the stream runs: no new sequence because of them, and kept after one second
//! of pictures.

use super::bench::Bench;
use super::picture::grainy_picture;
use super::stream::begins_anew;
use super::{Subject, ensure, text};
use crate::Bitrate;
use std::time::Duration;

const SIZE: (usize, usize) = (640, 360);
/// Pictures with grain, made once: it takes longer than encoding.
const PICTURES: u64 = 16;

struct Rates {
    bench: Bench,
    pictures: Vec<Vec<u8>>,
    frames_per_second: u64,
    bitrate: Bitrate,
}

impl Rates {
    fn start(subject: &Subject, bitrate: Bitrate) -> Result<Self, String> {
        let bench = Bench::new(subject, subject.usual, bitrate)?;
        let pictures = (0..PICTURES).map(|step| grainy_picture(SIZE.0, SIZE.1, step)).collect();
        let mut rates = Self { bench, pictures, frames_per_second: 30, bitrate };
        rates.second(true)?;
        Ok(rates)
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), String> {
        self.bitrate = bitrate;
        self.bench.encoder.set_bitrate(bitrate).map_err(text)
    }

    fn set_frame_rate(&mut self, frames_per_second: u64) -> Result<(), String> {
        self.frames_per_second = frames_per_second;
        self.bench.interval = Duration::from_secs(1) / frames_per_second as u32;
        self.bench.encoder.set_frame_rate(frames_per_second as f32).map_err(text)
    }

    /// Bits of one second of pictures.
    fn second(&mut self, first: bool) -> Result<f64, String> {
        let mut bytes = 0;
        for i in 0..self.frames_per_second {
            let picture = &self.pictures[(self.bench.number % PICTURES) as usize];
            let unit = self.bench.run(picture, SIZE.0, SIZE.1, false)?.unit;
            ensure(begins_anew(&unit) == (first && i == 0), || format!("picture {i}: a new sequence or none"))?;
            bytes += unit.data.len();
        }
        Ok(bytes as f64 * 8.0)
    }

    /// The first second after a change may be off by half, the next one must be right.
    fn obeyed(&mut self) -> Result<(), String> {
        let (target, fps) = (self.bitrate.as_f64(), self.frames_per_second);
        let (settling, settled) = (self.second(false)? / target, self.second(false)? / target);
        let said = || format!("{settling:.2}, then {settled:.2} of {} at {fps} fps", self.bitrate);
        ensure(settling < 1.5, said)?;
        ensure((0.8..1.15).contains(&settled), said)
    }
}

pub(super) fn bitrate(subject: &Subject) -> Result<(), String> {
    let mut rates = Rates::start(subject, Bitrate::mbps(4))?;
    for rate in [Bitrate::mbps(4), Bitrate::kbps(700), Bitrate::mbps(4), Bitrate::mbps(2), Bitrate::kbps(700)] {
        rates.set_bitrate(rate)?;
        rates.obeyed()?;
    }
    rates.bench.finish()
}

pub(super) fn frame_rate(subject: &Subject) -> Result<(), String> {
    let mut rates = Rates::start(subject, Bitrate::mbps(2))?;
    for fps in [10, 30, 15, 5, 30] {
        rates.set_frame_rate(fps)?;
        rates.obeyed()?;
    }
    rates.bench.finish()
}

pub(super) fn both(subject: &Subject) -> Result<(), String> {
    let mut rates = Rates::start(subject, Bitrate::mbps(4))?;
    for (rate, fps) in [(Bitrate::kbps(700), 10), (Bitrate::mbps(4), 30)] {
        rates.set_bitrate(rate)?;
        rates.set_frame_rate(fps)?;
        rates.obeyed()?;
    }
    rates.bench.finish()
}
