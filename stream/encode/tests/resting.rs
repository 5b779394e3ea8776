//! How sharp a picture gets when the camera stops, and what it costs when it moves again.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use openh264::decoder::Decoder;
use rr_encode::{AccessUnit, Bitrate, Encoder, Frame, FramePool, SoftwareConfig, SoftwareEncoder, compliance};
use std::time::{Duration, Instant};

const SIZE: (usize, usize) = (1280, 720);

struct Bench {
    encoder: SoftwareEncoder,
    decoder: Decoder,
    pool: FramePool,
    start: Instant,
    number: u64,
}

impl Bench {
    fn new(bitrate: Bitrate) -> Self {
        let encoder = SoftwareEncoder::new(SoftwareConfig { bitrate, frames_per_second: 30.0 });
        let (decoder, pool) = (Decoder::new().unwrap(), FramePool::new());
        Self { encoder, decoder, pool, start: Instant::now(), number: 0 }
    }

    fn frame(&mut self, step: u64) -> Frame {
        let (width, height) = SIZE;
        let mut frame = self.pool.take().unwrap();
        let picture = compliance::grainy_picture(width, height, step);
        frame.fill_from_rgba(&picture, width * 4, width as u32, height as u32).unwrap();
        self.number += 1;
        frame.number = self.number;
        frame.captured_at = self.start + Duration::from_micros(33_333) * self.number as u32;
        frame
    }

    /// Bytes, and luma PSNR of what is decoded.
    fn judge(&mut self, frame: &Frame, unit: &AccessUnit) -> (usize, f64) {
        let decoded = self.decoder.decode(&unit.data).unwrap().unwrap();
        (unit.data.len(), compliance::luma_psnr(frame, &decoded))
    }

    fn moves(&mut self, step: u64) -> (usize, f64) {
        let frame = self.frame(step);
        let unit = self.encoder.encode(&frame, false).unwrap().unwrap();
        self.judge(&frame, &unit)
    }

    /// Passes over the picture that was last shown, until it is sharp.
    fn rests(&mut self, step: u64, bits: u64) -> Vec<(usize, f64)> {
        let mut passes = Vec::new();
        loop {
            let frame = self.frame(step);
            let Some(unit) = self.encoder.refine(&frame, passes.is_empty(), bits).unwrap() else { return passes };
            assert!(!unit.keyframe);
            passes.push(self.judge(&frame, &unit));
            assert!(passes.len() < 30, "no end: {passes:?}");
        }
    }
}

#[test]
fn a_resting_picture_gets_sharp_and_moving_again_costs_no_spike() {
    for (mbps, bits) in [(8, 1_200_000), (1, 150_000)] {
        let mut bench = Bench::new(Bitrate::mbps(mbps));
        let before: Vec<(usize, f64)> = (0..40).map(|step| bench.moves(step)).skip(20).collect();
        let passes = bench.rests(39, bits);
        println!("{mbps} Mbit/s: in motion {:?}, at rest {passes:?}", before[19]);
        let last = passes.last().unwrap().1;
        assert!(last > 48.0, "{last} dB at rest");
        assert!(passes.windows(2).all(|w| w[1].1 >= w[0].1 - 0.1), "quality falls: {passes:?}");
        let most = passes.iter().map(|pass| pass.0 as u64 * 8).max().unwrap();
        assert!(most < bits * 6, "a pass takes {most} bits instead of {bits}");
        let usual = before.iter().map(|b| b.0).sum::<usize>() / before.len();
        let after: Vec<usize> = (40..50).map(|step| bench.moves(step).0).collect();
        println!("then {after:?} bytes instead of {usual}");
        assert!(after.iter().all(|bytes| *bytes < usual * 3), "a spike: {after:?} instead of {usual}");
    }
}

#[test]
fn a_keyframe_comes_when_it_is_asked_for_between_the_passes() {
    let mut bench = Bench::new(Bitrate::mbps(4));
    (0..5).for_each(|step| _ = bench.moves(step));
    let frame = bench.frame(4);
    let pass = bench.encoder.refine(&frame, true, 600_000).unwrap().unwrap();
    bench.judge(&frame, &pass);
    drop(frame);
    let frame = bench.frame(4);
    let unit = bench.encoder.encode(&frame, true).unwrap().unwrap();
    assert!(unit.keyframe);
    bench.judge(&frame, &unit);
    // The first picture of another size is no pass over anything.
    let mut other = bench.pool.take().unwrap();
    other.resize(320, 180).unwrap();
    other.captured_at = bench.start + Duration::from_secs(9);
    assert!(bench.encoder.refine(&other, true, 600_000).unwrap().unwrap().keyframe);
}
