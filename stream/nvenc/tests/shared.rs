//! Pictures that lie on the card, against the test double of the driver: encoded where they are, to the byte as those in
//! memory; and in memory again, with no more than a copy lost, where anything of it fails.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]
#![cfg(unix)]

use rr_encode::{
    CardFence, CardId, CardMemory, CardPicture, EncodeError, Encoder, Frame, FrameError, FramePool, compliance,
};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder, probe};
use rr_nvenc_double::{Counts, Double};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The card of the double, unless it is told otherwise.
const CARD: CardId = CardId([0xd0; 16]);

fn driver(double: &Double) -> Driver {
    Driver::load_from(double.cuda().as_os_str(), double.nvenc().as_os_str()).unwrap()
}

fn at_rest(double: &Double) {
    assert_eq!(double.faults(), "");
    let Counts { contexts, sessions, buffers, imports, .. } = double.counts();
    assert_eq!((contexts, sessions, buffers, imports), (0, 0, 0, 0), "contexts, sessions, buffers, imports");
}

/// A file that stands for memory of the card or a semaphore on it.
#[derive(Debug)]
struct Shared {
    key: Arc<()>,
    file: File,
}

impl Shared {
    fn of(bytes: &[u8]) -> Arc<Self> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Arc::new(Self { key: Arc::default(), file })
    }
}

#[derive(Debug)]
struct Picture {
    card: CardId,
    size: (usize, usize),
    memory: Arc<Shared>,
    fence: Option<(Arc<Shared>, u64)>,
    lost: bool,
    reads: Arc<AtomicU32>,
}

const PITCH: usize = 512;

impl CardPicture for Picture {
    fn card(&self) -> CardId {
        self.card
    }

    fn pitch(&self) -> u32 {
        PITCH as u32
    }

    fn memory(&self) -> CardMemory<'_> {
        let Shared { key, file } = &*self.memory;
        CardMemory { key, handle: file.as_fd(), bytes: file.metadata().unwrap().len(), dedicated: false }
    }

    fn fence(&self) -> Option<CardFence<'_>> {
        let (fence, value) = self.fence.as_ref()?;
        Some(CardFence { key: &fence.key, handle: fence.file.as_fd(), value: *value })
    }

    fn wait(&self) -> Result<(), FrameError> {
        if self.lost { Err(FrameError::Card("the device was lost".into())) } else { Ok(()) }
    }

    fn ready_at(&self) -> Option<Instant> {
        None
    }

    fn read(&self, planes: [&mut [u8]; 3]) -> Result<(), FrameError> {
        self.wait()?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        let mut start = 0;
        for (plane, half) in planes.into_iter().zip([1, 2, 2]) {
            let (width, height, pitch) = (self.size.0 / half, self.size.1 / half, PITCH / half);
            for (row, to) in plane.chunks_exact_mut(width).enumerate() {
                self.memory.file.read_exact_at(to, (start + row * pitch) as u64).unwrap();
            }
            start += pitch * height;
        }
        Ok(())
    }
}

/// Draws the same pictures into memory and onto the card.
struct Renderer {
    pool: FramePool,
    start: Instant,
    number: u64,
    fence: Option<Arc<Shared>>,
    card: CardId,
    lost: bool,
    reads: Arc<AtomicU32>,
}

impl Renderer {
    fn new() -> Self {
        Self {
            pool: FramePool::with_frames(8),
            start: Instant::now(),
            number: 0,
            fence: Some(Shared::of(&0u64.to_le_bytes())),
            card: CARD,
            lost: false,
            reads: Arc::default(),
        }
    }

    fn memory(width: usize, height: usize) -> Arc<Shared> {
        let _ = width;
        Shared::of(&vec![0xee; PITCH * height * 3 / 2])
    }

    /// The next picture, in memory, and the same on the card in this memory.
    fn next(&mut self, width: usize, height: usize, memory: &Arc<Shared>) -> (Frame, Frame) {
        self.number += 1;
        let mut frame = self.pool.take().unwrap();
        frame.number = self.number;
        frame.captured_at = self.start + Duration::from_micros(33_333 * self.number);
        let picture = compliance::test_picture(width, height, self.number);
        frame.fill_from_rgba(&picture, width * 4, width as u32, height as u32).unwrap();
        let mut start = 0;
        for (plane, half) in [(frame.y(), 1), (frame.u(), 2), (frame.v(), 2)] {
            for (row, bytes) in plane.chunks_exact(width / half).enumerate() {
                memory.file.write_all_at(bytes, (start + row * PITCH / half) as u64).unwrap();
            }
            start += PITCH / half * (height / half);
        }
        let fence = self.fence.as_ref().map(|fence| {
            fence.file.write_all_at(&self.number.to_le_bytes(), 0).unwrap();
            (Arc::clone(fence), self.number)
        });
        let (card, lost, reads) = (self.card, self.lost, Arc::clone(&self.reads));
        let on_card = Picture { card, size: (width, height), memory: Arc::clone(memory), fence, lost, reads };
        let mut other = self.pool.take().unwrap();
        (other.number, other.captured_at) = (frame.number, frame.captured_at);
        other.fill_on_card(Arc::new(on_card), width as u32, height as u32).unwrap();
        (frame, other)
    }

    fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }
}

fn encoder(driver: &Driver) -> NvencEncoder {
    NvencEncoder::new(driver, NvencConfig::default()).unwrap()
}

#[test]
fn what_lies_on_the_card_is_encoded_there_and_to_the_byte() {
    let double = Double::load();
    let driver = driver(&double);
    let (mut plain, mut direct) = (encoder(&driver), encoder(&driver));
    assert_eq!((plain.card(), driver.card(0).unwrap()), (Some(CARD), CARD));
    let mut renderer = Renderer::new();
    // Pictures go round in three places, and their size changes on the way.
    for (width, height) in [(320, 180), (480, 270), (320, 180)] {
        let places: Vec<Arc<Shared>> = (0..3).map(|_| Renderer::memory(width, height)).collect();
        for i in 0..7 {
            let (in_memory, on_card) = renderer.next(width, height, &places[i % 3]);
            let expected = plain.encode(&in_memory, i == 4).unwrap().unwrap();
            let unit = direct.encode(&on_card, i == 4).unwrap().unwrap();
            assert_eq!((unit.keyframe, unit.frame), (i == 0 || i == 4, expected.frame));
            assert!(unit.data == expected.data, "picture {i} of {width}x{height}");
        }
    }
    let counts = double.counts();
    // Three places and a fence are imported; places of the other sizes are gone, since nobody has that memory any more.
    assert_eq!((counts.shared, counts.pictures, counts.imports), (21, 42, 4));
    assert_eq!(renderer.reads(), 0, "a copy was made");
    drop((plain, direct));
    at_rest(&double);
}

#[test]
fn without_a_fence_that_is_shared_the_processor_waits() {
    let double = Double::load();
    let mut encoder = encoder(&driver(&double));
    let mut renderer = Renderer { fence: None, ..Renderer::new() };
    let memory = Renderer::memory(320, 180);
    let (_, on_card) = renderer.next(320, 180, &memory);
    assert!(encoder.encode(&on_card, false).unwrap().unwrap().keyframe);
    assert_eq!((double.counts().shared, double.counts().imports), (1, 1));
    drop(encoder);
    at_rest(&double);
}

/// Whatever fails, the picture is encoded from memory, in the same stream and without a keyframe, and nobody is asked to
/// put pictures on the card any more.
#[test]
fn whatever_fails_costs_a_copy_and_no_keyframe() {
    let double = Double::load();
    let driver = driver(&double);
    for (call, status) in [
        ("cuImportExternalMemory", 2),
        ("cuImportExternalMemory", 999),
        ("cuExternalMemoryGetMappedBuffer", 2),
        ("cuImportExternalSemaphore", 801),
        ("cuWaitExternalSemaphoresAsync", 999),
        ("nvEncRegisterResource", 12),
        ("nvEncMapInputResource", 25),
    ] {
        for from in [1, 2] {
            let (mut plain, mut direct) = (encoder(&driver), encoder(&driver));
            let mut renderer = Renderer::new();
            let places = [Renderer::memory(320, 180), Renderer::memory(320, 180)];
            // Every import is a use; a fence is imported once.
            double.set("NVENC_DOUBLE_FAIL", &format!("{call}:{from}:{status}"));
            let mut keyframes = 0;
            for i in 0..5 {
                let (in_memory, on_card) = renderer.next(320, 180, &places[i % 2]);
                let unit = direct.encode(&on_card, false).unwrap().unwrap();
                keyframes += u32::from(unit.keyframe);
                assert!(unit.data == plain.encode(&in_memory, false).unwrap().unwrap().data, "{call}, picture {i}");
            }
            let failed = from == 1 || call != "cuImportExternalSemaphore";
            assert_eq!((keyframes, direct.card().is_none()), (1, failed), "{call} from use {from} on");
            assert!(!failed || double.counts().imports == 0, "{call} from use {from} on: something is kept");
            assert_eq!(double.counts().shared, if failed { from - 1 } else { 5 }, "{call} from use {from} on");
            double.set("NVENC_DOUBLE_FAIL", "");
            drop((plain, direct));
            at_rest(&double);
            double.restart();
        }
    }
}

#[test]
fn pictures_of_another_card_are_taken_from_memory() {
    let double = Double::load();
    double.set("NVENC_DOUBLE_UUID", "000102030405060708090a0b0c0d0e0f");
    let mut encoder = encoder(&driver(&double));
    let card = CardId(std::array::from_fn(|i| i as u8));
    assert_eq!(encoder.card(), Some(card));
    let mut renderer = Renderer::new();
    let memory = Renderer::memory(320, 180);
    let (_, other) = renderer.next(320, 180, &memory);
    assert!(encoder.encode(&other, false).unwrap().is_some());
    assert_eq!((double.counts().shared, renderer.reads()), (0, 1));
    // It goes on taking those of its own.
    renderer.card = card;
    let (_, own) = renderer.next(320, 180, &memory);
    assert!(!encoder.encode(&own, false).unwrap().unwrap().keyframe);
    assert_eq!((double.counts().shared, renderer.reads()), (1, 1));
    drop(encoder);
    at_rest(&double);
}

#[test]
fn a_device_that_is_lost_in_the_middle_costs_its_pictures() {
    let double = Double::load();
    let mut encoder = encoder(&driver(&double));
    let mut renderer = Renderer::new();
    let memory = Renderer::memory(320, 180);
    assert!(encoder.encode(&renderer.next(320, 180, &memory).1, false).is_ok());
    renderer.lost = true;
    for _ in 0..2 {
        let lost = encoder.encode(&renderer.next(320, 180, &memory).1, false).unwrap_err();
        assert!(matches!(lost, EncodeError::Frame(FrameError::Card(_))), "{lost}");
    }
    // Another device, whose memory and fence are others.
    let mut renderer = Renderer { number: renderer.number, start: renderer.start, ..Renderer::new() };
    let memory = Renderer::memory(320, 180);
    assert!(encoder.encode(&renderer.next(320, 180, &memory).1, false).unwrap().unwrap().keyframe);
    assert_eq!((encoder.card(), double.counts().shared, double.counts().imports), (Some(CARD), 2, 2));
    drop(encoder);
    at_rest(&double);
}

#[test]
fn memory_that_is_too_short_for_the_picture_is_not_read() {
    let double = Double::load();
    let mut encoder = encoder(&driver(&double));
    let mut renderer = Renderer::new();
    let (_, mut frame) = renderer.next(320, 180, &Renderer::memory(320, 180));
    let short = Shared::of(&[0; 100]);
    let size = (320, 180);
    let (fence, reads) = (None, Arc::default());
    // Its own copy would be of no use either.
    let picture = Picture { card: CARD, size, memory: short, fence, lost: false, reads };
    frame.fill_on_card(Arc::new(Unreadable(picture)), 320, 180).unwrap();
    assert!(matches!(encoder.encode(&frame, false), Err(EncodeError::Frame(_))));
    assert_eq!(double.counts().imports, 0);
    drop(encoder);
    at_rest(&double);
}

/// A picture without a copy.
#[derive(Debug)]
struct Unreadable(Picture);

impl CardPicture for Unreadable {
    fn card(&self) -> CardId {
        self.0.card
    }
    fn pitch(&self) -> u32 {
        self.0.pitch()
    }
    fn memory(&self) -> CardMemory<'_> {
        self.0.memory()
    }
    fn fence(&self) -> Option<CardFence<'_>> {
        None
    }
    fn wait(&self) -> Result<(), FrameError> {
        Ok(())
    }
    fn ready_at(&self) -> Option<Instant> {
        None
    }
    fn read(&self, _: [&mut [u8]; 3]) -> Result<(), FrameError> {
        Err(FrameError::Card("no copy".into()))
    }
}

#[test]
fn cuda_alone_sees_the_picture_without_an_encoder() {
    let double = Double::load();
    double.set("NVENC_DOUBLE_NO_ENCODER", "1");
    let mut renderer = Renderer::new();
    let memory = Renderer::memory(320, 180);
    let (_, frame) = renderer.next(320, 180, &memory);
    let picture = frame.on_card().unwrap();
    let cuda = double.cuda();
    assert_eq!(probe::cuda_cards(cuda.as_os_str()).unwrap(), [CARD]);
    let seen = probe::seen_by_cuda(cuda.as_os_str(), &*picture, 180).unwrap();
    let mut held = vec![0; PITCH * 180 * 3 / 2];
    memory.file.read_exact_at(&mut held, 0).unwrap();
    assert!(seen == held);
    let at = |card| Picture {
        card,
        size: (320, 180),
        memory: memory.clone(),
        fence: None,
        lost: false,
        reads: Arc::default(),
    };
    let elsewhere = probe::seen_by_cuda(cuda.as_os_str(), &at(CardId([1; 16])), 180).unwrap_err().to_string();
    assert!(elsewhere.contains("CUDA has no card 0101"), "{elsewhere}");
    double.set("NVENC_DOUBLE_FAIL", "cuMemcpyDtoH:1:700");
    let failed = probe::seen_by_cuda(cuda.as_os_str(), &*picture, 180).unwrap_err().to_string();
    assert_eq!(failed, "CUDA: cuMemcpyDtoH failed with error 700");
    let nowhere = probe::seen_by_cuda("/nowhere/libcuda.so.1".as_ref(), &*picture, 180).unwrap_err().to_string();
    assert!(nowhere.contains("no NVIDIA driver is installed"), "{nowhere}");
    double.set("NVENC_DOUBLE_FAIL", "");
    at_rest(&double);
}
