//! Which feature edges matter: a picture shows those that are long enough to be seen, in the order made here.

use super::{Grid, Segment};
use crate::disjoint::DisjointSets;
use crate::geometry::Aabb;

/// Tells each segment how large its feature is, and brings the largest features to the front. A feature is a run of
/// segments without a fork, such as the rim of a hole: of it all is drawn or nothing, however finely it is divided.
pub(super) fn order_by_size(grid: &Grid, segments: &mut [Segment]) {
    let Ok(count) = u32::try_from(segments.len()) else { return };
    // Ends that touch lie on one point of the grid: sorted by point, they are neighbours.
    let mut ends: Vec<([u32; 2], u32)> = (0..count)
        .zip(segments.iter())
        .flat_map(|(index, segment)| [(segment.from, index), (segment.to, index)])
        .collect();
    ends.sort_unstable();
    let mut features = DisjointSets::new(count);
    for touching in ends.chunk_by(|a, b| a.0 == b.0) {
        if let [(_, first), (_, second)] = *touching {
            features.join(first, second);
        }
    }
    let mut bounds = vec![Aabb::EMPTY; segments.len()];
    for (index, segment) in (0..count).zip(segments.iter()) {
        let place = &mut bounds[features.root(index) as usize];
        for point in [segment.from, segment.to] {
            *place = place.with_point(grid.unpack(point).into());
        }
    }
    for (index, segment) in (0..count).zip(segments.iter_mut()) {
        let size = bounds[features.root(index) as usize].size().length();
        segment.size = if size.is_finite() { size } else { f32::MAX };
    }
    // Stable: neighbours stay neighbours, which keeps them in the same cache lines.
    segments.sort_by(|a, b| b.size.total_cmp(&a.size));
}

#[cfg(test)]
mod tests {
    use crate::geometry::Mesh;
    use crate::shape::Shape;

    fn sizes(pairs: &[[[f32; 3]; 2]]) -> (Vec<f32>, Shape) {
        let mesh = Mesh { lines: vec![[0.0; 3], [10.0; 3]], edges: pairs.concat(), ..Mesh::default() };
        let shape = Shape::of(&mesh);
        (shape.edges.iter().map(|e| e.size).collect(), shape)
    }

    #[test]
    fn a_finely_divided_rim_counts_as_large_as_it_is() {
        let point = |i: u32| {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let angle = (i % 64) as f32 / 64.0 * std::f32::consts::TAU;
            [angle.cos() * 2.0 + 3.0, angle.sin() * 2.0 + 3.0, 0.0]
        };
        let mut segments: Vec<_> = (0..64).map(|i| [point(i), point(i + 1)]).collect();
        segments.insert(10, [[8.0, 0.0, 0.0], [9.0, 0.0, 0.0]]);
        let (sizes, shape) = sizes(&segments);
        assert!(sizes[..64].iter().all(|s| (*s - 32f32.sqrt()).abs() < 0.01), "{sizes:?}");
        assert!((sizes[64] - 1.0).abs() < 1e-4 && (shape.ends(&shape.edges[64])[0].x - 8.0).abs() < 1e-4);
        assert_eq!((shape.edges_of_size(2.0), shape.edges_of_size(0.5), shape.edges_of_size(9.0)), (64, 65, 0));
    }

    #[test]
    fn forks_part_features() {
        // A long beam with a short pin in its middle.
        let (sizes, _) = sizes(&[
            [[5.0, 0.0, 0.0], [5.0, 0.1, 0.0]],
            [[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]],
            [[5.0, 0.0, 0.0], [10.0, 0.0, 0.0]],
        ]);
        for (size, expected) in sizes.iter().zip([5.0, 5.0, 0.1]) {
            assert!((size - expected).abs() < 1e-4, "{sizes:?}");
        }
    }
}
