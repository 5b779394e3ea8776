//! The simplifier, as levels and stand-ins use it: what counts is what is seen, so that a change of colour or light over
//! some distance weighs about as much as a shift by that distance.

use meshopt::{SimplifyOptions, VertexDataAdapter};
use rr_scene::shape::unpack_normal;

/// What an edge between two planes weighs against its distance.
const NORMAL_WEIGHT: f32 = 0.15;
/// What a change from black to white weighs against its distance.
const COLOUR_WEIGHT: f32 = 0.3;
const WEIGHTS: [f32; 6] = [NORMAL_WEIGHT, NORMAL_WEIGHT, NORMAL_WEIGHT, COLOUR_WEIGHT, COLOUR_WEIGHT, COLOUR_WEIGHT];

/// The triangles of larger meshes are so small that their place says it all; looking at more takes four times as long.
const LOOKS_COUNT_BELOW: usize = 1_500_000;

const OPTIONS: SimplifyOptions =
    SimplifyOptions::ErrorAbsolute.union(SimplifyOptions::Prune).union(SimplifyOptions::Permissive);

/// Corners, and how they look.
#[derive(Debug, Default)]
pub(super) struct Corners {
    pub(super) positions: Vec<[f32; 3]>,
    looks: Vec<[f32; 6]>,
}

impl Corners {
    /// Adds a corner; its normal and colour as in [`rr_scene::Corner`].
    pub(super) fn push(&mut self, position: [f32; 3], normal: u32, colour: [u8; 4]) {
        let n = unpack_normal(normal);
        // What has no colour gets that of its device, which nobody knows here.
        let [r, g, b, _] = if colour[3] == 0 { [160; 4] } else { colour };
        let [r, g, b] = [r, g, b].map(|v| f32::from(v) / 255.0);
        self.positions.push(position);
        self.looks.push([n.x, n.y, n.z, r, g, b]);
    }

    /// As few triangles as there can be with `error`, but not fewer than `count` indices; and the error that came of it.
    /// `None` when nothing came of it.
    pub(super) fn simplify(&self, indices: &[u32], count: usize, error: f32) -> Option<(Vec<u32>, f32)> {
        let bytes: &[u8] = bytemuck::cast_slice(&self.positions);
        let vertices = VertexDataAdapter::new(bytes, size_of::<[f32; 3]>(), 0).ok()?;
        let (mut made, error) = (0.0, error.max(0.0));
        let coarser = if indices.len() > LOOKS_COUNT_BELOW {
            meshopt::simplify(indices, &vertices, count, error, OPTIONS, Some(&mut made))
        } else {
            let no_locks: Vec<bool> = vec![false; self.positions.len()];
            meshopt::simplify_with_attributes_and_locks(
                indices,
                &vertices,
                self.looks.as_flattened(),
                &WEIGHTS,
                size_of::<[f32; 6]>(),
                &no_locks,
                count,
                error,
                OPTIONS,
                Some(&mut made),
            )
        };
        // Corners that are used again soon are still in the adapter's cache.
        let ordered = || meshopt::optimize_vertex_cache(&coarser, self.positions.len());
        (!coarser.is_empty() && made.is_finite()).then(|| (ordered(), made))
    }
}
