//! Milliseconds for colour conversion and encoding: `cargo bench -p rr-encode --profile dev`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use rr_encode::{Bitrate, Encoder, FramePool, SoftwareConfig, SoftwareEncoder, compliance};
use std::time::{Duration, Instant};

fn main() {
    println!(
        "{:>10} {:>8} {:>12} {:>12} {:>10} {:>9}",
        "size", "Mbit/s", "convert ms", "encode ms", "sent Mb/s", "PSNR dB"
    );
    for (width, height) in [(1280usize, 720usize), (1920, 1080)] {
        let pictures: Vec<_> = (0..12).map(|step| compliance::test_picture(width, height, step * 4)).collect();
        for rate in [4, 8] {
            let pool = FramePool::new();
            let config = SoftwareConfig { bitrate: Bitrate::mbps(rate), frames_per_second: 30.0 };
            let mut encoder = SoftwareEncoder::new(config);
            let mut decoder = openh264::decoder::Decoder::new().unwrap();
            let (mut convert, mut encode, mut bytes, mut psnr) = (Vec::new(), Vec::new(), 0, 0.0);
            let start = Instant::now();
            let frames = 120;
            for i in 0..frames {
                let mut frame = pool.take().unwrap();
                frame.captured_at = start + Duration::from_micros(33_333) * i;
                let at = Instant::now();
                // There and back, so that every frame moves by one step.
                let step = (i as usize) % 22;
                let picture = &pictures[if step < 12 { step } else { 22 - step }];
                frame.fill_from_rgba(picture, width * 4, width as u32, height as u32).unwrap();
                convert.push(at.elapsed());
                let at = Instant::now();
                let unit = encoder.encode(&frame, false).unwrap().unwrap();
                encode.push(at.elapsed());
                bytes += unit.data.len();
                let decoded = decoder.decode(&unit.data).unwrap().unwrap();
                psnr += compliance::luma_psnr(&frame, &decoded);
            }
            println!(
                "{:>10} {rate:>8} {:>12} {:>12} {:>10.2} {:>9.1}",
                format!("{width}x{height}"),
                spread(&mut convert),
                spread(&mut encode),
                bytes as f64 * 8.0 / (f64::from(frames) / 30.0) / 1e6,
                psnr / f64::from(frames),
            );
        }
    }
}

/// Median and 95th percentile.
fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    format!("{:.1}/{:.1}", ms(times[times.len() / 2]), ms(times[times.len() * 95 / 100]))
}
