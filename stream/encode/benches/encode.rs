//! Milliseconds for colour conversion and encoding: `cargo bench -p rr-encode --profile dev`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use rr_encode::{Bitrate, Encoder, Frame, FramePool, SoftwareConfig, SoftwareEncoder, compliance};
use std::time::{Duration, Instant};

const FRAMES: u32 = 120;

fn main() {
    println!(
        "{:>10} {:>8} {:>7} {:>12} {:>12} {:>10} {:>9}",
        "size", "Mbit/s", "slices", "convert ms", "encode ms", "sent Mb/s", "PSNR dB"
    );
    for (width, height) in [(1280usize, 720usize), (1920, 1080)] {
        let pictures: Vec<_> = (0..12).map(|step| compliance::test_picture(width, height, step * 4)).collect();
        for rate in [4, 8] {
            // Side by side, frame by frame, so that whatever else the machine does falls on all alike.
            let mut lanes: Vec<Lane> = [1, 2, 4].map(|slices| Lane::new(rate, slices)).into();
            let pool = FramePool::new();
            let mut convert = Vec::new();
            let start = Instant::now();
            for i in 0..FRAMES {
                let mut frame = pool.take().unwrap();
                frame.captured_at = start + Duration::from_micros(33_333) * i;
                let at = Instant::now();
                // There and back, so that every frame moves by one step.
                let step = (i as usize) % 22;
                let picture = &pictures[if step < 12 { step } else { 22 - step }];
                frame.fill_from_rgba(picture, width * 4, width as u32, height as u32).unwrap();
                convert.push(at.elapsed());
                lanes.iter_mut().for_each(|lane| lane.encode(&frame));
            }
            let convert = spread(&mut convert);
            for lane in &mut lanes {
                println!(
                    "{:>10} {rate:>8} {:>7} {convert:>12} {:>12} {:>10.2} {:>9.1}",
                    format!("{width}x{height}"),
                    lane.slices,
                    spread(&mut lane.times),
                    lane.bytes as f64 * 8.0 / (f64::from(FRAMES) / 30.0) / 1e6,
                    lane.psnr / f64::from(FRAMES),
                );
            }
        }
    }
}

/// One encoder and what it did.
struct Lane {
    slices: u16,
    encoder: SoftwareEncoder,
    decoder: openh264::decoder::Decoder,
    times: Vec<Duration>,
    bytes: usize,
    psnr: f64,
}

impl Lane {
    fn new(mbps: u64, slices: u16) -> Self {
        let config = SoftwareConfig { bitrate: Bitrate::mbps(mbps), frames_per_second: 30.0 };
        let encoder = SoftwareEncoder::new(config).with_slices(slices);
        let decoder = openh264::decoder::Decoder::new().unwrap();
        Self { slices, encoder, decoder, times: Vec::new(), bytes: 0, psnr: 0.0 }
    }

    fn encode(&mut self, frame: &Frame) {
        let at = Instant::now();
        let unit = self.encoder.encode(frame, false).unwrap().unwrap();
        self.times.push(at.elapsed());
        self.bytes += unit.data.len();
        let decoded = self.decoder.decode(&unit.data).unwrap().unwrap();
        self.psnr += compliance::luma_psnr(frame, &decoded);
    }
}

/// Median and 95th percentile.
fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    format!("{:.1}/{:.1}", ms(times[times.len() / 2]), ms(times[times.len() * 95 / 100]))
}
