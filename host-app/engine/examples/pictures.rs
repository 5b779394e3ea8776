//! What it takes to bring a picture from the renderer to the encoder, through memory and on the card, at 1080p and 4K.
//!
//! `cargo run --example pictures -- [--adapter auto|hardware|software] [--pictures N]`
//!
//! Medians in milliseconds. Through memory: until the picture is read back and converted by the processor. On the card:
//! until it is converted there; the encoder takes it from where it is. With NVENC on the same card both are encoded, too.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example for developers")]

use rr_encode::{Bitrate, Encoder, FramePool};
use rr_engine::{AdapterChoice, CardPictures, Gpu, Theme};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder};
use rr_render::{FrameOptions, RenderTarget, Renderer};
use rr_scene::SceneSnapshot;
use std::time::{Duration, Instant};

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|a| a != name).nth(1)
}

fn median(mut all: Vec<Duration>) -> String {
    all.sort();
    all.get(all.len() / 2).map_or_else(|| "-".into(), |t| format!("{:.2}", t.as_secs_f64() * 1e3))
}

fn main() {
    let choice: AdapterChoice = argument("--adapter").map_or(AdapterChoice::Auto, |name| name.parse().unwrap());
    let count: u64 = argument("--pictures").map_or(60, |n| n.parse().unwrap());
    let gpu = Gpu::headless(choice).unwrap();
    let share = match gpu.share() {
        Ok(share) => share.clone(),
        Err(reason) => return println!("{}: nothing is shared: {reason}", gpu.info().name),
    };
    println!("{} ({}), fence: {:?}", gpu.info().name, gpu.info().driver, share.fence_mode());
    let driver = Driver::load();
    if let Err(reason) = &driver {
        println!("without encoding: {reason}");
    }
    println!("size       draw   read back + convert   encode   | convert on card   encode   (ms, medians of {count})");
    for (width, height) in [(1920, 1080), (3840, 2160)] {
        let mut renderer = Renderer::new(&gpu, Theme::DARK).unwrap();
        let mut target = RenderTarget::new(&gpu, width, height, gpu.default_samples()).unwrap();
        let (pool, mut card) = (FramePool::with_frames(3), CardPictures::default());
        let make = || {
            let config = NvencConfig { bitrate: Bitrate::mbps(20), ..NvencConfig::default() };
            driver.as_ref().ok().and_then(|driver| NvencEncoder::new(driver, config).ok())
        };
        let mut encoders = [make(), make()];
        let mut scene = SceneSnapshot::default();
        let [mut draw, mut read, mut read_encode, mut convert, mut convert_encode] = [const { Vec::new() }; 5];
        for number in 0..count + 5 {
            scene.camera.yaw += 0.02;
            let stage = |into: &mut Vec<Duration>, from: Instant| {
                // The first ones make pipelines and buffers.
                if number >= 5 {
                    into.push(from.elapsed());
                }
            };
            let at = Instant::now();
            renderer.render(&mut target, &scene, &FrameOptions::default()).unwrap();
            share.wait(share.signal(), Duration::from_secs(30)).unwrap();
            stage(&mut draw, at);
            let mut frame = pool.take().unwrap();
            let at = Instant::now();
            target.read_back(|rgba, stride| frame.fill_from_rgba(rgba, stride, width, height)).unwrap().unwrap();
            stage(&mut read, at);
            if let Some(encoder) = &mut encoders[0] {
                let at = Instant::now();
                encoder.encode(&frame, false).unwrap();
                stage(&mut read_encode, at);
            }
            drop(frame);
            let mut frame = pool.take().unwrap();
            let at = Instant::now();
            let wanted = Some(rr_encode::CardId(share.card()));
            let picture = card.fill(&gpu, wanted, &target, &mut frame, at).unwrap();
            picture.wait().unwrap();
            stage(&mut convert, at);
            if let Some(encoder) = encoders[1].as_mut().filter(|encoder| encoder.card() == wanted) {
                let at = Instant::now();
                encoder.encode(&frame, false).unwrap();
                stage(&mut convert_encode, at);
            }
        }
        let [draw, read, read_encode] = [draw, read, read_encode].map(median);
        let [convert, convert_encode] = [convert, convert_encode].map(median);
        println!(
            "{:<10} {draw:<6} {read:<21} {read_encode:<8} | {convert:<17} {convert_encode}",
            format!("{width}x{height}")
        );
    }
}
