//! Mesh processing shared by the formats: from triangles that know nothing of each other to a [`rr_scene::Mesh`].
//!
//! [`weld`] joins equal corners to shared vertices; [`shade`] gives them normals, splits vertices where faces meet at a
//! crease, and finds the feature edges. Both run on the rayon pool, give the same result for any number of threads, and
//! are laid out for the way exporters write triangles: neighbours in space are mostly neighbours in the file.

mod shade;
mod weld;

pub use shade::{DEFAULT_CREASE_DEGREES, shade};
pub use weld::{Welded, weld};

/// Triangles by number, each with its own three corners.
pub trait Soup: Sync {
    /// Number of triangles.
    fn len(&self) -> usize;

    /// The corners of triangle `index`, which is below [`Soup::len`].
    fn triangle(&self, index: usize) -> [[f32; 3]; 3];

    /// True when there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Soup for [[[f32; 3]; 3]] {
    fn len(&self) -> usize {
        self.len()
    }

    fn triangle(&self, index: usize) -> [[f32; 3]; 3] {
        self[index]
    }
}

/// Triangles in one unit of work: their vertices fit into the second-level cache of a core.
pub(crate) const CHUNK_TRIANGLES: usize = 1 << 14;

/// How often [`weld`] and [`shade`] call their `check` for this many triangles, about: for progress.
pub fn checks(triangles: usize) -> usize {
    triangles.div_ceil(CHUNK_TRIANGLES) * 2
}

/// Cuts a slice at `bounds`, which rise from 0 to its length.
fn split_at_bounds<'a, T>(mut slice: &'a mut [T], bounds: &[u32]) -> Vec<&'a mut [T]> {
    let mut pieces = Vec::with_capacity(bounds.len());
    for pair in bounds.windows(2) {
        let (piece, rest) = slice.split_at_mut((pair[1] - pair[0]) as usize);
        pieces.push(piece);
        slice = rest;
    }
    pieces
}

/// A count of vertices or triangles, which this module keeps within 32 bits.
#[inline]
fn index(count: usize) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "weld() takes no more corners than fit")]
    let index = count as u32;
    index
}
