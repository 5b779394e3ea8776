//! Large arrays on large pages.
//!
//! A load of two million triangles touches some 100 MB of fresh memory. In pages of 4 KiB that is 25,000 page faults,
//! about as much work as welding; in pages of 2 MiB it is next to nothing. Linux gives them where they are asked for.

/// `count` zeroes.
pub(crate) fn zeroed<T: bytemuck::Zeroable + Clone>(count: usize) -> Vec<T> {
    // For plain numbers the allocator hands out memory that the system zeroes when it is first touched, which then
    // happens on all threads.
    let items = vec![T::zeroed(); count];
    prefer_large_pages(&items);
    items
}

/// Asks for large pages under items that were not touched yet.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "madvise is a system call without a safe wrapper")]
fn prefer_large_pages<T>(items: &[T]) {
    const PAGE_BYTES: usize = 4096;
    const WORTHWHILE_BYTES: usize = 4 << 20;
    let bytes = size_of_val(items);
    if bytes < WORTHWHILE_BYTES {
        return;
    }
    let start = items.as_ptr().addr().next_multiple_of(PAGE_BYTES);
    let end = (items.as_ptr().addr() + bytes) & !(PAGE_BYTES - 1);
    let address = items.as_ptr().with_addr(start).cast_mut().cast();
    // SAFETY: the range lies within the allocation, and the advice changes nothing but the size of its pages. When the
    // system refuses it (another page size, no large pages), nothing is lost.
    let _ = unsafe { libc::madvise(address, end - start, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn prefer_large_pages<T>(_items: &[T]) {}

#[cfg(test)]
mod tests {
    #[test]
    fn gives_zeroes_of_every_size() {
        for count in [0, 1, 1000, 3 << 20] {
            let items: Vec<[f32; 3]> = super::zeroed(count);
            assert_eq!(items.len(), count);
            assert!(items.iter().flatten().all(|v| v.to_bits() == 0));
        }
    }
}
