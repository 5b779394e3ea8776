//! From the renderer over shared memory to the encoder, on any adapter that shares memory; the card of CUDA and NVENC is
//! the test double, which maps what the adapter exports and says that it is the same card.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

use super::*;
use crate::stream_picture::fill;
use rr_encode::{Encoder, FramePool};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder};
use rr_nvenc_double::{Counts, Double};
use rr_scene::SceneSnapshot;

/// An adapter whose memory can be shared; `None` (with a line that says so) without one.
fn sharing() -> Option<Gpu> {
    let gpu = Gpu::headless(AdapterChoice::Software).or_else(|_| Gpu::headless(AdapterChoice::Auto));
    let gpu = gpu.map_err(|e| println!("skipped: {e}")).ok()?;
    match gpu.share() {
        Ok(_) => Some(gpu),
        Err(reason) => {
            println!("skipped: {}: {reason}", gpu.info().name);
            None
        }
    }
}

fn card(gpu: &Gpu) -> CardId {
    CardId(gpu.share().unwrap().card())
}

/// The double on the card that the adapter draws on.
fn driver(double: &Double, gpu: &Gpu) -> Driver {
    double.set("NVENC_DOUBLE_UUID", &card(gpu).to_string());
    Driver::load_from(double.cuda().as_os_str(), double.nvenc().as_os_str()).unwrap()
}

fn target(gpu: &Gpu, (width, height): (u32, u32)) -> RenderTarget {
    RenderTarget::new(gpu, width, height, 1).unwrap()
}

/// Puts RGBA into the target as if it had been drawn.
fn show(gpu: &Gpu, target: &RenderTarget, rgba: &[u8]) {
    let (width, height) = target.size();
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * 4), rows_per_image: None };
    let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
    gpu.queue().write_texture(target.texture().as_image_copy(), rgba, layout, size);
}

fn noise(count: usize, mut seed: u32) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// Fields of one colour, so that chroma is exact as well.
fn fields(width: usize, height: usize) -> Vec<u8> {
    let field = |x: usize, y: usize| {
        let at = (x / 8 + y / 8 * 37) as u32;
        [at.wrapping_mul(97) as u8, at.wrapping_mul(57) as u8, at.wrapping_mul(151) as u8, 255]
    };
    (0..height).flat_map(|y| (0..width).flat_map(move |x| field(x, y))).collect()
}

fn planes(frame: &Frame) -> [&[u8]; 3] {
    [frame.y(), frame.u(), frame.v()]
}

#[test]
fn the_devices_conversion_agrees_with_the_processors() {
    let Some(gpu) = sharing() else { return };
    let pool = FramePool::with_frames(2);
    let mut card_pictures = CardPictures::default();
    let corners: Vec<u8> = [0u8, 255]
        .iter()
        .flat_map(|&r| [0u8, 255].into_iter().flat_map(move |g| [[r, g, 0, 255], [r, g, 255, 255]]).flatten())
        .collect();
    for (width, height) in [(2usize, 2usize), (33, 17), (64, 48), (250, 130), (640, 360), (1282, 718)] {
        for rgba in [
            noise(width * height * 4, 7),
            fields(width, height),
            corners.iter().copied().cycle().take(width * height * 4).collect(),
            vec![255; width * height * 4],
            vec![0; width * height * 4],
        ] {
            let mut target = target(&gpu, (width as u32, height as u32));
            show(&gpu, &target, &rgba);
            let (mut here, mut there) = (pool.take().unwrap(), pool.take().unwrap());
            fill(&mut target, &mut here).unwrap();
            let now = Instant::now();
            card_pictures.fill(&gpu, Some(card(&gpu)), &target, &mut there, now).unwrap();
            assert_eq!((here.width(), here.height()), (there.width(), there.height()));
            there.fetch().unwrap();
            for (plane, (a, b)) in planes(&here).into_iter().zip(planes(&there)).enumerate() {
                let worst = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(worst <= Some(1), "{width}x{height}, plane {plane}: off by {worst:?}");
                // The processor's rounds down and this one to the nearest, so they may differ, and on the whole do not.
                let mean = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64;
                assert!(mean < 0.75, "{width}x{height}, plane {plane}: off by {mean} on the whole");
            }
        }
    }
    gpu.check().unwrap();
}

/// Conversion to the nearest level: no more than rounding away from the standard's numbers.
#[test]
fn the_devices_conversion_is_that_of_the_standard() {
    let Some(gpu) = sharing() else { return };
    let (width, height) = (256usize, 160usize);
    let rgba = fields(width, height);
    let target = target(&gpu, (width as u32, height as u32));
    show(&gpu, &target, &rgba);
    let mut frame = FramePool::new().take().unwrap();
    CardPictures::default().fill(&gpu, Some(card(&gpu)), &target, &mut frame, Instant::now()).unwrap();
    frame.fetch().unwrap();
    for (at, pixel) in rgba.chunks_exact(4).enumerate() {
        let [r, g, b] = [0, 1, 2].map(|i| f64::from(pixel[i]) / 255.0);
        // ITU-R BT.709-6, clause 3.
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let chroma = at / width / 2 * (width / 2) + at % width / 2;
        for (value, want) in [
            (frame.y()[at], 16.0 + 219.0 * y),
            (frame.u()[chroma], 128.0 + 224.0 * (b - y) / 1.8556),
            (frame.v()[chroma], 128.0 + 224.0 * (r - y) / 1.5748),
        ] {
            assert!((f64::from(value) - want).abs() < 0.51, "{value} instead of {want} for {pixel:?}");
        }
    }
}

/// All of the way: drawn, converted, exported, imported, registered, encoded; and the same stream, to the byte, as the
/// encoder makes of a copy in memory.
#[test]
fn what_is_drawn_reaches_the_encoder_without_a_copy() {
    let Some(gpu) = sharing() else { return };
    let double = Double::load();
    let driver = driver(&double, &gpu);
    let make = || NvencEncoder::new(&driver, NvencConfig::default()).unwrap();
    let (mut direct, mut copied) = (make(), make());
    assert_eq!(direct.card(), Some(card(&gpu)));
    let mut renderer = Renderer::new(&gpu, Theme::DARK).unwrap();
    let mut scene = SceneSnapshot::default();
    let (pool, copies) = (FramePool::with_frames(3), FramePool::with_frames(2));
    let mut card_pictures = CardPictures::default();
    let mut last = None;
    for (number, size) in [(320, 180); 6].into_iter().chain([(426, 240); 4]).chain([(320, 180); 2]).enumerate() {
        scene.camera.yaw += 0.1;
        let mut target = target(&gpu, size);
        renderer.render(&mut target, &scene, &FrameOptions::default()).unwrap();
        let mut frame = pool.take().unwrap();
        let picture = card_pictures.fill(&gpu, direct.card(), &target, &mut frame, Instant::now()).unwrap();
        // Encoded before anybody has waited for it.
        let unit = direct.encode(&frame, false).unwrap().unwrap();
        assert!(picture.ready_at().is_some_and(|at| at >= frame.drawn_at && unit.drawn_at == at));
        assert_eq!(unit.keyframe, [0, 6, 10].contains(&number), "picture {number}");
        let mut copy = copies.take().unwrap();
        (copy.captured_at, copy.number) = (frame.captured_at, frame.number);
        copy.resize(frame.width(), frame.height()).unwrap();
        frame.fetch().unwrap();
        copy.planes_mut().into_iter().zip(planes(&frame)).for_each(|(to, from)| to.copy_from_slice(from));
        let expected = copied.encode(&copy, false).unwrap().unwrap();
        assert!(unit.data == expected.data, "picture {number} is another one");
        assert!(last.replace(unit.data.clone()) != Some(unit.data), "nothing moves");
        // What the processor converts is within a level of it, and nothing of the gaps between rows came in.
        let mut here = copies.take().unwrap();
        fill(&mut target, &mut here).unwrap();
        for (a, b) in planes(&here).into_iter().zip(planes(&frame)) {
            assert!(a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1), "picture {number} is another one in memory");
        }
    }
    assert_eq!(double.counts().shared, 12);
    drop((direct, copied));
    assert_eq!(double.faults(), "");
    let Counts { contexts, sessions, buffers, imports, .. } = double.counts();
    assert_eq!((contexts, sessions, buffers, imports), (0, 0, 0, 0));
    gpu.check().unwrap();
}

#[test]
fn cuda_sees_the_same_bytes_and_another_card_is_refused() {
    let Some(gpu) = sharing() else { return };
    let double = Double::load();
    double.set("NVENC_DOUBLE_UUID", &card(&gpu).to_string());
    let target = target(&gpu, (250, 130));
    show(&gpu, &target, &noise(250 * 130 * 4, 3));
    let mut frame = FramePool::new().take().unwrap();
    let mut card_pictures = CardPictures::default();
    let picture = card_pictures.fill(&gpu, Some(card(&gpu)), &target, &mut frame, Instant::now()).unwrap();
    let seen = rr_nvenc::probe::seen_by_cuda(double.cuda().as_os_str(), &*picture, frame.height()).unwrap();
    let pitch = picture.pitch() as usize;
    assert!(seen.chunks(pitch).zip(frame.y().chunks(250)).all(|(seen, row)| seen[..250] == *row));
    double.set("NVENC_DOUBLE_UUID", "");
    let other = rr_nvenc::probe::seen_by_cuda(double.cuda().as_os_str(), &*picture, 130).unwrap_err();
    assert!(other.to_string().contains("CUDA has no card"), "{other}");
    assert_eq!(double.faults(), "");
}

#[test]
fn without_somebody_on_the_same_card_pictures_go_through_memory() {
    let Some(gpu) = sharing() else { return };
    let target = target(&gpu, (64, 64));
    let mut frame = FramePool::new().take().unwrap();
    let mut card_pictures = CardPictures::default();
    let now = Instant::now();
    assert!(card_pictures.fill(&gpu, None, &target, &mut frame, now).is_none());
    assert_eq!(card_pictures.told, None, "nobody asked");
    assert!(card_pictures.fill(&gpu, Some(CardId([1; 16])), &target, &mut frame, now).is_none());
    assert!(card_pictures.told.as_ref().unwrap().contains("the encoder is on another card"));
    // Left alone for a while, even where it would work; told once; and tried again after that.
    assert!(card_pictures.fill(&gpu, Some(card(&gpu)), &target, &mut frame, now + PAUSE / 2).is_none());
    assert!(card_pictures.fill(&gpu, Some(card(&gpu)), &target, &mut frame, now + PAUSE).is_some());
    assert_eq!(card_pictures.told, None);
}

#[test]
fn a_device_that_is_lost_has_no_pictures_and_the_next_one_has() {
    let Some(gpu) = sharing() else { return };
    let pool = FramePool::with_frames(2);
    let shown = target(&gpu, (64, 64));
    let (mut frame, mut card_pictures) = (pool.take().unwrap(), CardPictures::default());
    let now = Instant::now();
    let picture = card_pictures.fill(&gpu, Some(card(&gpu)), &shown, &mut frame, now).unwrap();
    gpu.device().destroy();
    // What was drawn before may be there or not; nobody waits for it for good.
    let _ = (picture.wait(), frame.fetch());
    let mut next = pool.take().unwrap();
    let after = card_pictures.fill(&gpu, Some(card(&gpu)), &shown, &mut next, now);
    assert!(after.is_none() && card_pictures.told.is_some());
    card_pictures.forget();
    drop((picture, frame, shown));
    let Some(gpu) = sharing() else { return };
    let target = target(&gpu, (64, 64));
    show(&gpu, &target, &[255; 64 * 64 * 4]);
    card_pictures.fill(&gpu, Some(card(&gpu)), &target, &mut next, now).unwrap();
    assert_eq!((next.fetch(), next.y()[0]), (Ok(()), 235));
}

/// Eight frames are in use in the worst case; a picture that comes back makes room for the next.
#[test]
fn places_on_the_card_go_round() {
    let Some(gpu) = sharing() else { return };
    let pool = FramePool::with_frames(4);
    let target = target(&gpu, (64, 64));
    let mut card_pictures = CardPictures::default();
    let mut keys = std::collections::HashSet::new();
    let mut held = std::collections::VecDeque::new();
    for i in 0..40u8 {
        show(&gpu, &target, &vec![i; 64 * 64 * 4]);
        let mut frame = pool.take().unwrap();
        let picture = card_pictures.fill(&gpu, Some(card(&gpu)), &target, &mut frame, Instant::now()).unwrap();
        keys.insert(Arc::as_ptr(picture.memory().key) as usize);
        drop(picture);
        held.push_back((i, frame));
        if held.len() == 4 {
            let (of, frame) = held.pop_front().unwrap();
            let want = 16.0 + 219.0 / 255.0 * f64::from(of);
            assert!((f64::from(frame.y()[0]) - want).abs() < 0.51, "another picture was drawn over it");
        }
    }
    assert_eq!(keys.len(), 4);
}
