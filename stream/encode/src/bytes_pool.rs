//! Buffers for access units that come back when the last receiver lets go of them, so that a running stream allocates
//! nothing.

use bytes::{BufMut, Bytes, BytesMut};

/// Buffers that go round between an encoder and whoever sends its units. One buffer may hold several small units and is
/// written anew when all of them are gone. Grows with the number of units that are held
/// at once, up to a limit; beyond it, units get memory of their own.
#[derive(Debug, Default)]
pub struct BytesPool {
    buffers: Vec<BytesMut>,
    /// Where the search begins: the buffer that was handed out longest ago is the likeliest to be back.
    next: usize,
    /// The longest unit so far.
    longest: usize,
}

/// Buffers kept. Receivers copy a unit into packets at once, and at most 4 wait before them.
const MOST: usize = 8;

/// Smallest buffer, so that a stream that begins with small pictures does not begin with a dozen sizes.
const LEAST_BYTES: usize = 16 << 10;

impl BytesPool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes that `fill` writes, `len` at most. Allocates only when no buffer of that size is free.
    pub fn fill<E>(&mut self, len: usize, fill: impl FnOnce(&mut BytesMut) -> Result<(), E>) -> Result<Bytes, E> {
        let count = self.buffers.len();
        let free = (0..count).map(|i| (self.next + i) % count).find(|&i| self.buffers[i].try_reclaim(len));
        let index = free.unwrap_or_else(|| self.grow(len));
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

    fn grow(&mut self, len: usize) -> usize {
        self.longest = self.longest.max(len);
        // Half as much again: the keyframes of a stream differ.
        let buffer = BytesMut::with_capacity((self.longest + self.longest / 2).max(LEAST_BYTES));
        if self.buffers.len() < MOST {
            self.buffers.push(buffer);
            return self.buffers.len() - 1;
        }
        let index = self.next % MOST;
        self.buffers[index] = buffer;
        index
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
        for round in 0..50 {
            let again = pool.copy(&[3; 1000]);
            assert_eq!(pool.buffers.len(), 1, "round {round}");
            assert!(again.iter().all(|&b| b == 3) && again.len() == 1000);
        }
    }

    #[test]
    fn units_that_nobody_gives_back_cost_memory_of_their_own_only() {
        let mut pool = BytesPool::new();
        let held: Vec<Bytes> = (0..40u8).map(|i| pool.copy(&vec![i; 20_000])).collect();
        assert_eq!(pool.buffers.len(), MOST);
        assert!(held.iter().enumerate().all(|(i, unit)| unit.len() == 20_000 && unit.iter().all(|&b| b == i as u8)));
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
        assert!(pool.copy(&[]).is_empty());
    }
}
