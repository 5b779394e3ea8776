//! What a frame promises, in memory and on a card.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use super::*;
use crate::card::{CardFence, CardId, CardMemory};
use std::sync::atomic::AtomicBool;

fn solid(rgb: [u8; 3], width: usize, height: usize) -> Vec<u8> {
    [rgb[0], rgb[1], rgb[2], 255].repeat(width * height)
}

/// BT.709, limited range, from ITU-R BT.709-6 clause 3.
fn expected(rgb: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|c| f64::from(c) / 255.0);
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748]
}

#[test]
fn colours_are_bt709_limited() {
    let pool = FramePool::new();
    for rgb in [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [12, 200, 97]] {
        let mut frame = pool.take().unwrap();
        frame.fill_from_rgba(&solid(rgb, 64, 32), 64 * 4, 64, 32).unwrap();
        let want = expected(rgb);
        for (plane, want) in [frame.y(), frame.u(), frame.v()].iter().zip(want) {
            assert!(plane.iter().all(|&v| (f64::from(v) - want).abs() <= 1.5), "{rgb:?}: {} not {want}", plane[0]);
        }
    }
}

#[test]
fn rows_may_be_padded_and_the_last_one_short() {
    // Read-back buffers have rows of a multiple of 256 bytes and may end with the last pixel.
    let (width, height, stride) = (100usize, 50usize, 512usize);
    let mut rgba = vec![0; stride * (height - 1) + width * 4];
    for row in rgba.chunks_mut(stride) {
        row[..width * 4].copy_from_slice(&solid([255, 255, 255], width, 1));
    }
    let mut frame = FramePool::new().take().unwrap();
    frame.fill_from_rgba(&rgba, stride, width as u32, height as u32).unwrap();
    assert_eq!((frame.width(), frame.height()), (100, 50));
    assert!(frame.y().iter().all(|&y| y >= 234), "padding leaked into the picture");
}

#[test]
fn odd_sizes_lose_a_column_and_a_row() {
    let mut frame = FramePool::new().take().unwrap();
    frame.fill_from_rgba(&solid([9, 9, 9], 33, 17), 33 * 4, 33, 17).unwrap();
    assert_eq!((frame.width(), frame.height()), (32, 16));
    assert_eq!((frame.y().len(), frame.u().len(), frame.v().len()), (32 * 16, 16 * 8, 16 * 8));
}

#[test]
fn impossible_pictures_are_refused() {
    let mut frame = FramePool::new().take().unwrap();
    assert!(matches!(frame.fill_from_rgba(&[0; 16], 4, 1, 4), Err(FrameError::Size { .. })));
    assert!(matches!(frame.fill_from_rgba(&[0; 16], 8, 2, 3), Ok(())));
    assert!(matches!(frame.fill_from_rgba(&[0; 15], 8, 2, 2), Err(FrameError::Short { .. })));
    assert!(matches!(frame.fill_from_rgba(&[0; 64], 4, 2, 2), Err(FrameError::Short { .. })));
    assert!(matches!(frame.fill_from_rgba(&[], 400_000, 100_000, 2), Err(FrameError::Size { .. })));
}

#[test]
fn clones_share_the_picture_until_one_is_written() {
    let pool = FramePool::with_frames(1);
    let mut frame = pool.take().unwrap();
    frame.resize(32, 32).unwrap();
    let mut other = frame.clone();
    other.number = 9;
    assert_eq!((frame.y().as_ptr(), frame.number), (other.y().as_ptr(), 0));
    drop(frame);
    assert!(pool.take().is_none(), "given back while somebody reads it");
    let third = other.clone();
    other.planes_mut()[0].fill(200);
    assert_eq!((other.y()[0], third.y()[0]), (200, 16));
    drop(third);
    assert!(pool.take().is_some());
}

#[test]
fn a_pool_has_three_frames_and_reuses_them() {
    let pool = FramePool::new();
    let mut frames: Vec<Frame> = (0..3).map(|_| pool.take().unwrap()).collect();
    assert!(pool.take().is_none());
    let mut buffers = Vec::new();
    for frame in &mut frames {
        frame.resize(64, 64).unwrap();
        buffers.push(frame.y().as_ptr());
    }
    drop(frames);
    for _ in 0..20 {
        let mut frame = pool.take().unwrap();
        frame.resize(64, 48).unwrap();
        assert!(buffers.contains(&frame.y().as_ptr()), "a new buffer was allocated");
    }
}

/// A card that draws one level, counts how often it is asked, and may be lost.
#[derive(Debug, Default)]
struct Card {
    level: u8,
    reads: AtomicUsize,
    lost: AtomicBool,
    key: Arc<()>,
    file: Option<std::fs::File>,
}

impl Card {
    fn of(level: u8) -> Arc<Self> {
        Arc::new(Self { level, ..Self::default() })
    }
}

impl CardPicture for Card {
    fn card(&self) -> CardId {
        CardId([7; 16])
    }

    fn pitch(&self) -> u32 {
        256
    }

    fn memory(&self) -> CardMemory<'_> {
        #[cfg(unix)]
        let handle = std::os::fd::AsFd::as_fd(self.file.as_ref().unwrap());
        #[cfg(windows)]
        let handle = std::os::windows::io::AsHandle::as_handle(self.file.as_ref().unwrap());
        CardMemory { key: &self.key, handle, bytes: 0, dedicated: false }
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

    fn read(&self, planes: [&mut [u8]; 3]) -> Result<(), FrameError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.lost.load(Ordering::Relaxed) {
            return Err(FrameError::Card("lost".into()));
        }
        planes.into_iter().zip(0..).for_each(|(plane, i)| plane.fill(self.level + i));
        Ok(())
    }
}

#[test]
fn a_picture_on_a_card_comes_into_memory_when_it_is_asked_for_and_once() {
    let pool = FramePool::with_frames(1);
    let card = Card::of(50);
    let mut frame = pool.take().unwrap();
    frame.fill_on_card(card.clone(), 33, 17).unwrap();
    let clone = frame.clone();
    assert_eq!((frame.width(), frame.height(), card.reads.load(Ordering::Relaxed)), (32, 16, 0));
    assert_eq!((frame.fetch(), clone.fetch()), (Ok(()), Ok(())));
    assert_eq!((frame.y(), clone.u(), clone.v()), (&[50; 512][..], &[51; 128][..], &[52; 128][..]));
    assert_eq!(card.reads.load(Ordering::Relaxed), 1);
    assert!(frame.on_card().is_some() && clone.on_card().is_some());
    drop((frame, clone));
    assert_eq!(Arc::strong_count(&card), 1, "nobody shows it and it is held");
}

#[test]
fn what_is_written_over_a_picture_on_a_card_is_the_picture() {
    let pool = FramePool::with_frames(2);
    let card = Card::of(50);
    let mut frame = pool.take().unwrap();
    frame.fill_on_card(card.clone(), 16, 16).unwrap();
    let untouched = frame.clone();
    frame.planes_mut()[0][3] = 200;
    assert!(frame.on_card().is_none(), "the card does not have the change");
    assert_eq!((frame.y()[2], frame.y()[3], frame.u()[0]), (50, 200, 51));
    assert!(untouched.on_card().is_some() && untouched.y()[3] == 50);
    // The other way round, and in memory again, in the buffers that were there before.
    let buffer = frame.y().as_ptr();
    frame.fill_on_card(Card::of(80), 16, 16).unwrap();
    assert_eq!((frame.y()[3], frame.y().as_ptr()), (80, buffer));
    frame.fill_on_card(Card::of(90), 16, 16).unwrap();
    frame.resize(16, 8).unwrap();
    assert!(frame.on_card().is_none() && frame.y().len() == 128 && frame.u().len() == 32);
}

#[test]
fn a_card_that_is_gone_leaves_black_and_says_so_to_all() {
    let pool = FramePool::with_frames(1);
    let card = Card::of(50);
    card.lost.store(true, Ordering::Relaxed);
    let mut frame = pool.take().unwrap();
    frame.fill_on_card(card, 16, 16).unwrap();
    let clone = frame.clone();
    for frame in [&frame, &clone] {
        assert_eq!(frame.fetch(), Err(FrameError::Card("lost".into())));
        assert!(frame.y().iter().all(|&y| y == 16) && frame.v().iter().all(|&v| v == 128));
    }
    drop((frame, clone));
    let mut frame = pool.take().unwrap();
    frame.fill_from_rgba(&[255; 16 * 16 * 4], 64, 16, 16).unwrap();
    assert_eq!((frame.fetch(), frame.y()[0]), (Ok(()), 235));
}
