//! What several of the tests look at in triangles.

use glam::DVec3;
use rr_samples::kit::Triangle;
use std::collections::HashMap;

/// Edges that are not walked once each way, after rounding to a micrometre.
pub fn open_edges(triangles: &[Triangle]) -> usize {
    let key = |p: DVec3| (p * 1e3).round().as_i64vec3().to_array();
    let mut edges: HashMap<_, i32> = HashMap::new();
    for t in triangles {
        for i in 0..3 {
            let (a, b) = (key(t[i]), key(t[(i + 1) % 3]));
            let (edge, way) = if a < b { ((a, b), 1) } else { ((b, a), -1) };
            *edges.entry(edge).or_default() += way;
        }
    }
    edges.values().filter(|n| **n != 0).count()
}
