//! Large buffers that many shapes share: the device binds a few of them per frame instead of one for each shape, and
//! can draw everything in one command.

use crate::gpu::{Gpu, GpuError};
use bytemuck::Pod;
use std::marker::PhantomData;
use std::ops::Range;

/// Bytes of a buffer that serves many shapes.
const BLOCK_BYTES: u64 = 32 << 20;
/// What takes this many bytes gets a buffer of its own, filled without a copy in between.
const OWN_BYTES: u64 = 8 << 20;

/// Elements of one kind in buffers of the device.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    label: &'static str,
    usage: wgpu::BufferUsages,
    blocks: Vec<Option<Block>>,
    element: PhantomData<T>,
}

#[derive(Debug)]
struct Block {
    buffer: wgpu::Buffer,
    free: FreeList,
}

/// A run of elements in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) block: usize,
    pub(crate) elements: Range<u32>,
}

impl Run {
    pub(crate) fn count(&self) -> u32 {
        self.elements.end - self.elements.start
    }
}

impl<T: Pod> Arena<T> {
    pub(crate) fn new(label: &'static str, usage: wgpu::BufferUsages) -> Self {
        Self { label, usage, blocks: Vec::new(), element: PhantomData }
    }

    /// The buffer of a block in use.
    pub(crate) fn buffer(&self, block: usize) -> Option<&wgpu::Buffer> {
        Some(&self.blocks.get(block)?.as_ref()?.buffer)
    }

    /// Number of blocks, in use or not.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Copies elements to the device; `None` when there are none.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`] when they do not fit.
    pub(crate) fn add(&mut self, gpu: &Gpu, elements: &[T]) -> Result<Option<Run>, GpuError> {
        let bytes = size_of_val(elements) as u64;
        let Ok(count) = u32::try_from(elements.len()) else { return Err(too_large(elements.len())) };
        if count == 0 {
            return Ok(None);
        }
        let limits = gpu.device().limits();
        let mut most = limits.max_buffer_size;
        if self.usage.contains(wgpu::BufferUsages::STORAGE) {
            most = most.min(limits.max_storage_buffer_binding_size);
        }
        if bytes > most {
            return Err(too_large(elements.len()));
        }
        if bytes >= OWN_BYTES {
            let buffer = gpu.guarded(|| crate::gpu_shape::buffer(gpu, self.label, elements, self.usage))?;
            let free = FreeList::default();
            return Ok(Some(Run { block: self.place(Block { buffer, free }), elements: 0..count }));
        }
        let found = self.blocks.iter_mut().enumerate().find_map(|(i, b)| Some((i, b.as_mut()?.free.take(count)?)));
        let (block, elements_at) = match found {
            Some(found) => found,
            None => {
                let capacity = BLOCK_BYTES.min(most) / size_of::<T>() as u64;
                let buffer = gpu.guarded(|| {
                    gpu.device().create_buffer(&wgpu::BufferDescriptor {
                        label: Some(self.label),
                        size: capacity * size_of::<T>() as u64,
                        usage: self.usage | wgpu::BufferUsages::COPY_DST,
                        mapped_at_creation: false,
                    })
                })?;
                let mut free = FreeList::with(u32::try_from(capacity).unwrap_or(u32::MAX));
                let elements = free.take(count).ok_or_else(|| too_large(elements.len()))?;
                (self.place(Block { buffer, free }), elements)
            }
        };
        if let Some(buffer) = self.buffer(block) {
            let at = u64::from(elements_at.start) * size_of::<T>() as u64;
            gpu.queue().write_buffer(buffer, at, bytemuck::cast_slice(elements));
        }
        Ok(Some(Run { block, elements: elements_at }))
    }

    /// Gives elements back. The device may still be reading them: what is copied there later comes later.
    pub(crate) fn remove(&mut self, run: Run) {
        if let Some(place) = self.blocks.get_mut(run.block)
            && let Some(block) = place
        {
            block.free.give(run.elements);
            let capacity = block.buffer.size() / size_of::<T>() as u64;
            if block.free.is_all(capacity) {
                *place = None;
            }
        }
    }

    fn place(&mut self, block: Block) -> usize {
        let at = self.blocks.iter().position(Option::is_none).unwrap_or(self.blocks.len());
        if at == self.blocks.len() {
            self.blocks.push(None);
        }
        self.blocks[at] = Some(block);
        at
    }
}

fn too_large(count: usize) -> GpuError {
    GpuError::OutOfMemory(format!("{count} elements of one shape are more than one buffer may hold"))
}

/// Which elements of a block nobody uses: runs in their order, never touching.
#[derive(Debug, Default, Clone, PartialEq)]
struct FreeList(Vec<Range<u32>>);

impl FreeList {
    #[expect(clippy::single_range_in_vec_init, reason = "one run that holds everything")]
    fn with(count: u32) -> Self {
        Self(vec![0..count])
    }

    /// The first run that is long enough.
    fn take(&mut self, count: u32) -> Option<Range<u32>> {
        let at = self.0.iter().position(|r| r.end - r.start >= count)?;
        let free = &mut self.0[at];
        let taken = free.start..free.start + count;
        free.start = taken.end;
        if free.start == free.end {
            self.0.remove(at);
        }
        Some(taken)
    }

    fn give(&mut self, run: Range<u32>) {
        let at = self.0.partition_point(|r| r.start < run.start);
        self.0.insert(at, run);
        if self.0.get(at + 1).is_some_and(|next| next.start == self.0[at].end) {
            self.0[at].end = self.0.remove(at + 1).end;
        }
        if at > 0 && self.0[at - 1].end == self.0[at].start {
            self.0[at - 1].end = self.0.remove(at).end;
        }
    }

    fn is_all(&self, capacity: u64) -> bool {
        matches!(self.0.as_slice(), [all] if all.start == 0 && u64::from(all.end) >= capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_element_is_given_twice_and_all_come_back() {
        let mut free = FreeList::with(1000);
        let mut seed = 3u32;
        let mut taken: Vec<Range<u32>> = Vec::new();
        for _ in 0..5000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed >> 31 == 0 {
                if let Some(run) = free.take(1 + (seed >> 8) % 90) {
                    assert!(taken.iter().all(|t| t.end <= run.start || run.end <= t.start), "{run:?} in {taken:?}");
                    taken.push(run);
                }
            } else if !taken.is_empty() {
                free.give(taken.swap_remove((seed >> 8) as usize % taken.len()));
            }
        }
        taken.drain(..).for_each(|run| free.give(run));
        assert!(free.is_all(1000), "{free:?}");
    }
}
