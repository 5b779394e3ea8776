//! Which feature edges matter: a picture shows those that are long enough to be seen, in the order made here.

use crate::pack::Segment;
use glam::Vec3;
use rr_scene::Aabb;
use std::collections::HashMap;

/// Brings the largest features to the front, and returns for each segment how large its feature is, in the units of the
/// part. A feature is a run of segments without a fork, such as the rim of a hole: of it all is drawn or nothing,
/// however finely it is divided.
pub(crate) fn order_by_size(segments: &mut Vec<Segment>) -> Vec<f32> {
    // Edges come from welded corners: ends that touch are equal to the last bit.
    let key = |p: [f32; 3]| p.map(f32::to_bits);
    let mut ends: HashMap<[u32; 3], Ends> = HashMap::with_capacity(segments.len());
    for (index, segment) in segments.iter().enumerate() {
        for point in [segment.from, segment.to] {
            ends.entry(key(point)).or_default().add(index);
        }
    }
    let mut feature: Vec<usize> = (0..segments.len()).collect();
    for end in ends.values() {
        if let Ends { count: 2, first, second } = *end {
            let (a, b) = (root(&mut feature, first), root(&mut feature, second));
            feature[a.max(b)] = a.min(b);
        }
    }
    let mut bounds = vec![Aabb::EMPTY; segments.len()];
    for (index, segment) in segments.iter().enumerate() {
        let place = &mut bounds[root(&mut feature, index)];
        for point in [segment.from, segment.to].map(Vec3::from) {
            *place = place.union(Aabb { min: point, max: point });
        }
    }
    let mut sized: Vec<(f32, Segment)> =
        (0..segments.len()).map(|index| (bounds[root(&mut feature, index)].size().length(), segments[index])).collect();
    // Stable: neighbours stay neighbours, which keeps them in the same cache lines.
    sized.sort_by(|a, b| b.0.total_cmp(&a.0));
    segments.clear();
    segments.extend(sized.iter().map(|(_, segment)| *segment));
    sized.into_iter().map(|(size, _)| size).collect()
}

/// The segments that end in one point.
#[derive(Default)]
struct Ends {
    count: u32,
    first: usize,
    second: usize,
}

impl Ends {
    fn add(&mut self, segment: usize) {
        match self.count {
            0 => self.first = segment,
            1 => self.second = segment,
            _ => {}
        }
        self.count += 1;
    }
}

/// The segment that stands for the feature; shortens the way to it.
fn root(feature: &mut [usize], mut index: usize) -> usize {
    while feature[index] != index {
        feature[index] = feature[feature[index]];
        index = feature[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(from: [f32; 3], to: [f32; 3]) -> Segment {
        Segment { from, colour: [0; 4], to, reserved: 0 }
    }

    #[test]
    fn a_finely_divided_rim_counts_as_large_as_it_is() {
        let point = |i: u32| {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let angle = (i % 64) as f32 / 64.0 * std::f32::consts::TAU;
            [angle.cos() * 2.0, angle.sin() * 2.0, 0.0]
        };
        let mut segments: Vec<Segment> = (0..64).map(|i| segment(point(i), point(i + 1))).collect();
        segments.insert(10, segment([10.0, 0.0, 0.0], [11.0, 0.0, 0.0]));
        let sizes = order_by_size(&mut segments);
        assert!(sizes[..64].iter().all(|s| (*s - 32f32.sqrt()).abs() < 0.01), "{sizes:?}");
        assert_eq!((sizes[64], segments[64].from[0]), (1.0, 10.0));
    }

    #[test]
    fn forks_part_features() {
        // A long beam with a short pin in its middle.
        let mut segments = vec![
            segment([5.0, 0.0, 0.0], [5.0, 0.1, 0.0]),
            segment([0.0, 0.0, 0.0], [5.0, 0.0, 0.0]),
            segment([5.0, 0.0, 0.0], [10.0, 0.0, 0.0]),
        ];
        let sizes = order_by_size(&mut segments);
        assert_eq!(sizes, [5.0, 5.0, 0.1]);
        assert!(order_by_size(&mut Vec::new()).is_empty());
    }
}
