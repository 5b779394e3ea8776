//! Joining equal corners.
//!
//! Each chunk of triangles is welded by itself with a table that stays in the cache; what is left, about one corner in
//! six, is spread by hash over partitions that again fit the cache and are joined in parallel. Vertices are numbered by
//! their first use, so the order, and with it the locality, of the file is kept.

use super::{CHUNK_TRIANGLES, Soup, index, split_at_bounds};
use crate::pages::zeroed;
use rayon::prelude::*;
use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// Triangles over shared vertices. Vertices are numbered by first use.
#[derive(Debug, Clone, PartialEq)]
pub struct Welded {
    pub(super) positions: Vec<[f32; 3]>,
    pub(super) indices: Vec<u32>,
    /// First vertex that is new in each chunk of triangles, and the number of vertices at the end.
    pub(super) bases: Vec<u32>,
}

impl Welded {
    /// Triangles that share vertices already. Vertices without a triangle are dropped; indices past the positions and
    /// what is left over from whole triangles are ignored together with their triangle.
    pub fn from_indexed(positions: &[[f32; 3]], indices: &[u32]) -> Self {
        const UNSEEN: u32 = u32::MAX;
        let mut renumbered = vec![UNSEEN; positions.len()];
        let mut welded = Self { positions: Vec::new(), indices: Vec::with_capacity(indices.len()), bases: Vec::new() };
        for triangle in indices.chunks_exact(3) {
            if triangle.iter().any(|&i| i as usize >= positions.len()) {
                continue;
            }
            if welded.indices.len().is_multiple_of(3 * CHUNK_TRIANGLES) {
                welded.bases.push(index(welded.positions.len()));
            }
            for &i in triangle {
                let new = &mut renumbered[i as usize];
                if *new == UNSEEN {
                    *new = index(welded.positions.len());
                    welded.positions.push(positions[i as usize]);
                }
                welded.indices.push(*new);
            }
        }
        welded.bases.push(index(welded.positions.len()));
        welded
    }

    /// Vertex positions.
    pub fn positions(&self) -> &[[f32; 3]] {
        &self.positions
    }

    /// Three vertices per triangle.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }
}

/// Joins corners with equal coordinates; -0 equals 0. Coordinates are finite. Triangles past `u32::MAX / 3` are left
/// out. `check` is called now and then, and its error ends the work.
pub fn weld<E: Send>(soup: &(impl Soup + ?Sized), check: impl Fn() -> Result<(), E> + Sync) -> Result<Welded, E> {
    let count = soup.len().min(u32::MAX as usize / 3);
    let hash = Hash::new();
    let mut indices: Vec<u32> = zeroed(3 * count);
    let chunks: Vec<Chunk> = indices
        .par_chunks_mut(3 * CHUNK_TRIANGLES)
        .enumerate()
        .map_init(Table::default, |table, (i, indices)| {
            check()?;
            Ok(weld_chunk(soup, i * CHUNK_TRIANGLES, indices, hash, table))
        })
        .collect::<Result<_, E>>()?;
    join(chunks, indices, check)
}

/// Vertices of one chunk.
#[derive(Default)]
struct Chunk {
    positions: Vec<[f32; 3]>,
    hashes: Vec<u32>,
}

fn weld_chunk(soup: &(impl Soup + ?Sized), first: usize, indices: &mut [u32], hash: Hash, table: &mut Table) -> Chunk {
    // A closed surface has about half as many vertices as triangles; the table grows when it is not like that.
    let expected = indices.len() / 5;
    table.reset(expected);
    let mut chunk = Chunk { positions: Vec::with_capacity(expected), hashes: Vec::with_capacity(expected) };
    for (i, triangle) in indices.chunks_exact_mut(3).enumerate() {
        for (corner, slot) in soup.triangle(first + i).into_iter().zip(triangle) {
            // -0.0 + 0.0 is 0.0: equal corners have equal bits from here on.
            let p = corner.map(|c| c + 0.0);
            let h = hash.of(p);
            *slot = table.find_or_insert(h, index(chunk.positions.len()), |id| chunk.positions[id as usize] == p);
            if *slot as usize == chunk.positions.len() {
                chunk.positions.push(p);
                chunk.hashes.push(h);
                table.grow_if_full(&chunk.hashes);
            }
        }
    }
    chunk
}

/// Joins the vertices that several chunks have.
fn join<E: Send>(
    mut chunks: Vec<Chunk>,
    mut indices: Vec<u32>,
    check: impl Fn() -> Result<(), E> + Sync,
) -> Result<Welded, E> {
    if chunks.len() <= 1 {
        let positions = chunks.pop().unwrap_or_default().positions;
        let bases = if indices.is_empty() { vec![0] } else { vec![0, index(positions.len())] };
        return Ok(Welded { bases, positions, indices });
    }
    // Every vertex of every chunk has a flat number; `owner` leads from it to the first vertex that is equal.
    let flat = running_sums(chunks.iter().map(|c| c.positions.len()));
    let total = flat.last().copied().unwrap_or(0);
    let owner: Vec<AtomicU32> = (0..total).into_par_iter().map(AtomicU32::new).collect();
    find_owners(&chunks, &flat, &owner);

    let is_owner = |g: u32| owner[g as usize].load(Relaxed) == g;
    let owned: Vec<usize> = flat.par_windows(2).map(|w| (w[0]..w[1]).filter(|&g| is_owner(g)).count()).collect();
    let bases = running_sums(owned.into_iter());
    let mut positions: Vec<[f32; 3]> = zeroed(bases.last().copied().unwrap_or(0) as usize);
    let new_ids: Vec<AtomicU32> = (0..total).into_par_iter().map(|_| AtomicU32::new(0)).collect();
    split_at_bounds(&mut positions, &bases).into_par_iter().zip(&chunks).enumerate().for_each(|(c, (out, chunk))| {
        let owned = (flat[c]..).zip(&chunk.positions).filter(|(g, _)| is_owner(*g));
        for (((g, p), out), id) in owned.zip(out).zip(bases[c]..) {
            *out = *p;
            new_ids[g as usize].store(id, Relaxed);
        }
    });
    indices.par_chunks_mut(3 * CHUNK_TRIANGLES).zip(flat.par_windows(2)).try_for_each(|(indices, w)| {
        check()?;
        let of_owner = |g: u32| new_ids[owner[g as usize].load(Relaxed) as usize].load(Relaxed);
        let map: Vec<u32> = (w[0]..w[1]).map(of_owner).collect();
        for i in indices {
            *i = map[*i as usize];
        }
        Ok(())
    })?;
    Ok(Welded { positions, indices, bases })
}

/// A vertex on its way to its partition.
#[derive(Clone, Copy, Default)]
struct Traveller {
    position: [f32; 3],
    flat: u32,
}

fn find_owners(chunks: &[Chunk], flat: &[u32], owner: &[AtomicU32]) {
    const VERTICES_PER_PARTITION: usize = 1 << 14;
    let partitions = (owner.len() / VERTICES_PER_PARTITION).next_power_of_two().clamp(1, 1 << 12);
    let shift = 32 - partitions.trailing_zeros();
    let partition_of = |hash: u32| (u64::from(hash) >> shift) as usize;
    // Each chunk sorts its vertices by partition and keeps their order within.
    let sorted: Vec<(Vec<Traveller>, Vec<u32>)> = chunks
        .par_iter()
        .zip(flat)
        .map(|(chunk, &base)| {
            let mut counts = vec![0usize; partitions];
            chunk.hashes.iter().for_each(|h| counts[partition_of(*h)] += 1);
            let starts = running_sums(counts.into_iter());
            let mut next = starts.clone();
            let mut travellers = vec![Traveller::default(); chunk.positions.len()];
            for ((position, hash), flat) in chunk.positions.iter().zip(&chunk.hashes).zip(base..) {
                let slot = &mut next[partition_of(*hash)];
                travellers[*slot as usize] = Traveller { position: *position, flat };
                *slot += 1;
            }
            (travellers, starts)
        })
        .collect();
    let hash = Hash::new();
    (0..partitions).into_par_iter().for_each_init(
        || (Table::default(), Vec::new()),
        |(table, seen): &mut (Table, Vec<Traveller>), partition| {
            let range = |starts: &[u32]| starts[partition] as usize..starts[partition + 1] as usize;
            table.reset(sorted.iter().map(|(_, starts)| range(starts).len()).sum());
            seen.clear();
            for (travellers, starts) in &sorted {
                for t in &travellers[range(starts)] {
                    let same = |id: u32| seen[id as usize].position == t.position;
                    let id = table.find_or_insert(hash.of(t.position), index(seen.len()), same) as usize;
                    match seen.get(id) {
                        Some(first) => owner[t.flat as usize].store(first.flat, Relaxed),
                        None => seen.push(*t),
                    }
                }
            }
        },
    );
}

/// 0, a, a + b, ...
fn running_sums(counts: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut sum = 0;
    let mut sums = vec![0];
    sums.extend(counts.map(|count| {
        sum += index(count);
        sum
    }));
    sums
}

/// A hash with a secret that changes with every call of the program, so that no file can be made to fill one slot.
#[derive(Clone, Copy)]
struct Hash([u64; 2]);

impl Hash {
    fn new() -> Self {
        let state = RandomState::new();
        Self([state.hash_one(1u8), state.hash_one(2u8)])
    }

    /// Folded multiplication as in wyhash (Wang Yi, 2019).
    #[inline]
    fn of(self, p: [f32; 3]) -> u32 {
        let [x, y, z] = p.map(|c| u64::from(c.to_bits()));
        let product =
            u128::from((x | y << 32) ^ self.0[0]) * u128::from(z.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ self.0[1]);
        #[expect(clippy::cast_possible_truncation, reason = "the halves are folded on purpose")]
        let folded = (product >> 64) as u64 ^ product as u64;
        #[expect(clippy::cast_possible_truncation, reason = "the halves are folded on purpose")]
        let folded = (folded >> 32) as u32 ^ folded as u32;
        folded
    }
}

/// Open addressing over numbers of vertices that live elsewhere.
#[derive(Default)]
struct Table {
    slots: Vec<u32>,
    mask: usize,
}

const FREE: u32 = u32::MAX;

impl Table {
    /// Empties the table and makes room for `count` entries.
    fn reset(&mut self, count: usize) {
        let size = (count * 2).next_power_of_two();
        self.mask = size - 1;
        self.slots.clear();
        self.slots.resize(size, FREE);
    }

    /// Makes room when every other slot is taken; `hashes` are those of the entries in order.
    #[inline]
    fn grow_if_full(&mut self, hashes: &[u32]) {
        if hashes.len() * 2 > self.slots.len() {
            self.reset(hashes.len() * 2);
            for (id, hash) in (0..).zip(hashes) {
                self.find_or_insert(*hash, id, |_| false);
            }
        }
    }

    /// The entry with this hash that `is_same`, or `new`, which is entered then.
    #[inline]
    fn find_or_insert(&mut self, hash: u32, new: u32, is_same: impl Fn(u32) -> bool) -> u32 {
        let mut slot = hash as usize & self.mask;
        loop {
            match self.slots[slot] {
                FREE => {
                    self.slots[slot] = new;
                    return new;
                }
                id if is_same(id) => return id,
                _ => slot = (slot + 1) & self.mask,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashMap, convert::Infallible};

    fn weld_all(soup: &[[[f32; 3]; 3]]) -> Welded {
        weld(soup, || Ok::<(), Infallible>(())).unwrap()
    }

    /// A height field, its triangles in rows or shuffled.
    fn field(side: usize, shuffled: bool) -> Vec<[[f32; 3]; 3]> {
        let p = |x: usize, y: usize| [x as f32, y as f32, ((x * 7 + y * 13) % 5) as f32];
        let mut soup: Vec<_> = (0..side * side)
            .flat_map(|i| {
                let (x, y) = (i % side, i / side);
                [[p(x, y), p(x + 1, y), p(x + 1, y + 1)], [p(x, y), p(x + 1, y + 1), p(x, y + 1)]]
            })
            .collect();
        if shuffled {
            let mut state = 1u64;
            for i in (1..soup.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                soup.swap(i, (state >> 33) as usize % (i + 1));
            }
        }
        soup
    }

    /// The obvious way.
    fn reference(soup: &[[[f32; 3]; 3]]) -> (Vec<[f32; 3]>, Vec<u32>) {
        let mut ids = HashMap::new();
        let mut positions = Vec::new();
        let indices = soup.iter().flatten().map(|p| {
            *ids.entry(p.map(|c| (c + 0.0).to_bits())).or_insert_with(|| {
                positions.push(p.map(|c| c + 0.0));
                positions.len() as u32 - 1
            })
        });
        let indices = indices.collect();
        (positions, indices)
    }

    #[test]
    fn equals_a_plain_map_over_many_chunks() {
        for shuffled in [false, true] {
            let soup = field(300, shuffled);
            assert!(soup.len() > 5 * CHUNK_TRIANGLES);
            let welded = weld_all(&soup);
            assert_eq!((welded.positions.clone(), welded.indices.clone()), reference(&soup));
            assert_eq!(Welded::from_indexed(&welded.positions, &welded.indices), welded);
        }
    }

    #[test]
    fn zeros_of_both_signs_are_one_point() {
        let welded = weld_all(&[[[0.0, -0.0, 1.0], [-0.0, 0.0, 1.0], [1.0, 0.0, -0.0]]]);
        assert_eq!(welded.indices, [0, 0, 1]);
        assert!(welded.positions.iter().flatten().all(|c| c.is_sign_positive()));
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(weld_all(&[]), Welded { positions: vec![], indices: vec![], bases: vec![0] });
        assert_eq!(Welded::from_indexed(&[[0.0; 3]], &[]), weld_all(&[]));
    }

    #[test]
    fn bad_indices_are_left_out_with_their_triangle() {
        let welded = Welded::from_indexed(&[[0.0; 3], [1.0; 3]], &[0, 1, 2, 1, 1, 0, 0]);
        assert_eq!(welded.indices, [0, 0, 1]);
        assert_eq!(welded.positions, [[1.0; 3], [0.0; 3]]);
    }

    #[test]
    fn an_error_of_the_check_ends_the_work() {
        assert_eq!(weld(&field(4, false)[..], || Err("stop")), Err("stop"));
    }
}
