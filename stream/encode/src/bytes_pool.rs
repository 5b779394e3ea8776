//! Buffers for access units that come back when the last receiver lets go of them, so that a running stream allocates
//! nothing.

use bytes::{BufMut, Bytes, BytesMut};

/// Buffers that go round between an encoder and whoever sends its units: one for each unit. All are of one size, twice
/// that of the longest unit so far; a longer one brings larger buffers. When all are in use, a unit gets memory of its own.
#[derive(Debug, Default)]
pub struct BytesPool {
    buffers: Vec<BytesMut>,
    /// Of each buffer.
    capacity: usize,
    /// Where the search begins: the buffer that was handed out longest ago is the likeliest to be back.
    next: usize,
}

/// Buffers kept. Receivers copy a unit into packets at once, and at most 4 wait before them.
const COUNT: usize = 8;

/// Smallest buffer, so that a stream that begins with small pictures does not begin with a dozen sizes.
const LEAST_BYTES: usize = 16 << 10;

impl BytesPool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes that `fill` writes, `len` at most. Allocates for a unit that is longer than the buffers, and when none of
    /// them is back.
    ///
    /// # Errors
    /// What `fill` says.
    pub fn fill<E>(&mut self, len: usize, fill: impl FnOnce(&mut BytesMut) -> Result<(), E>) -> Result<Bytes, E> {
        if len > self.capacity || self.buffers.is_empty() {
            self.capacity = (len * 2).next_power_of_two().max(LEAST_BYTES);
            // Those that are in use live on with their receivers.
            self.buffers = (0..COUNT).map(|_| BytesMut::with_capacity(self.capacity)).collect();
        }
        let mut order = (0..COUNT).map(|i| (self.next + i) % COUNT);
        // The whole of a buffer is there again only when nobody holds a part of it.
        let Some(index) = order.find(|&i| self.buffers[i].try_reclaim(self.capacity)) else {
            let mut own = BytesMut::with_capacity(len);
            return fill(&mut own).map(|()| own.freeze());
        };
        self.next = index + 1;
        let buffer = &mut self.buffers[index];
        let filled = fill(buffer);
        // What a failed attempt wrote goes with it.
        let written = buffer.split();
        filled.map(|()| written.freeze())
    }

    /// A copy of these bytes.
    pub fn copy(&mut self, bytes: &[u8]) -> Bytes {
        let copied: Result<Bytes, std::convert::Infallible> = self.fill(bytes.len(), |buffer| {
            buffer.put_slice(bytes);
            Ok(())
        });
        match copied {
            Ok(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_the_last_receiver_drops_it() {
        let mut pool = BytesPool::new();
        let first = pool.copy(&[1; 1000]);
        let (at, other) = (first.as_ptr(), first.clone());
        drop(first);
        let second = pool.copy(&[2; 1000]);
        assert!(second.as_ptr() != at && other.iter().all(|&b| b == 1), "a unit that is in use was overwritten");
        drop((other, second));
        let mut places = std::collections::BTreeSet::new();
        for _ in 0..50 {
            let again = pool.copy(&[3; 1000]);
            places.insert(again.as_ptr());
            assert!(again.iter().all(|&b| b == 3) && again.len() == 1000);
        }
        assert_eq!(places.len(), COUNT);
    }

    #[test]
    fn units_that_nobody_gives_back_cost_memory_of_their_own_only() {
        let mut pool = BytesPool::new();
        let held: Vec<Bytes> = (0..40u8).map(|i| pool.copy(&vec![i; 20_000])).collect();
        assert!(held.iter().enumerate().all(|(i, unit)| unit.len() == 20_000 && unit.iter().all(|&b| b == i as u8)));
        assert_eq!(pool.buffers.len(), COUNT);
    }

    #[test]
    fn a_longer_unit_brings_larger_buffers_and_leaves_those_in_use_alone() {
        let mut pool = BytesPool::new();
        let small = pool.copy(&[1; 10_000]);
        assert_eq!(pool.capacity, 32 << 10);
        let large = pool.copy(&[2; 100_000]);
        assert_eq!(pool.capacity, 256 << 10);
        assert!(small.iter().all(|&b| b == 1) && large.iter().all(|&b| b == 2) && large.len() == 100_000);
    }

    #[test]
    fn a_failed_attempt_leaves_nothing_behind() {
        let mut pool = BytesPool::new();
        let failed: Result<Bytes, &str> = pool.fill(4, |buffer| {
            buffer.put_slice(&[9; 4]);
            Err("no")
        });
        assert_eq!(failed, Err("no"));
        assert_eq!(&pool.copy(&[1, 2])[..], [1, 2]);
        assert!(pool.copy(&[]).is_empty() && BytesPool::new().copy(&[]).is_empty());
    }
}
