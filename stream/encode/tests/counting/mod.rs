//! An allocator that counts what Rust allocates, and a stream that must not allocate. For test programs of their own,
//! because the counter is the program's allocator.
#![allow(unsafe_code, reason = "an allocator that counts can only be written so")]
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use rr_encode::{AccessUnit, Bitrate, Encoder, FramePool, compliance};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands everything to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: allocated above with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: allocated above with this layout.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Encodes until nothing new is needed, and then allocates nothing any more.
pub fn allocates_nothing(encoder: &mut dyn Encoder) {
    let pool = FramePool::new();
    let pictures: Vec<_> = (0..8).map(|step| compliance::grainy_picture(320, 192, step)).collect();
    let start = Instant::now();
    // As many units as wait between encoder and network at most.
    let mut sent: VecDeque<AccessUnit> = VecDeque::with_capacity(8);
    let mut allocations_of = |frames: std::ops::Range<u64>| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for number in frames {
            let mut frame = pool.take().unwrap();
            frame.number = number;
            frame.captured_at = start + Duration::from_micros(33_333 * number);
            let picture = &pictures[(number % 8) as usize];
            frame.fill_from_rgba(picture, 320 * 4, 320, 192).unwrap();
            if number % 50 == 0 {
                encoder.set_bitrate(Bitrate::kbps(1_000 + number % 100 * 10)).unwrap();
            }
            sent.push_back(encoder.encode(&frame, number % 40 == 0).unwrap().unwrap());
            if sent.len() > 4 {
                sent.pop_front();
            }
        }
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    assert!(allocations_of(0..120) > 0, "the counter does not count");
    assert_eq!(allocations_of(120..600), 0);
}
