//! Cuts a polygon with holes into triangles: holes are joined to the border by bridges, then ears are clipped.
//! Source: D. Eberly, "Triangulation by Ear Clipping", Geometric Tools.

use glam::DVec2;

/// Triangles of a counter-clockwise polygon with clockwise holes. They use the given points and no others.
pub fn triangulate(outer: &[DVec2], holes: &[Vec<DVec2>]) -> Vec<[DVec2; 3]> {
    let mut ring = outer.to_vec();
    let mut left: Vec<&Vec<DVec2>> = holes.iter().collect();
    while !left.is_empty() {
        let Some((k, i, j)) = shortest_bridge(&ring, &left) else { break };
        let hole = left.remove(k);
        // outer[..=i], the hole from j round to j, outer[i..]
        let around = (0..=hole.len()).map(|n| hole[(j + n) % hole.len()]);
        let back = ring[i];
        let tail = ring.split_off(i + 1);
        ring.extend(around);
        ring.push(back);
        ring.extend(tail);
    }
    clip(ring)
}

fn cross(a: DVec2, b: DVec2, c: DVec2) -> f64 {
    (b - a).perp_dot(c - a)
}

/// The shortest bridge from the ring to any hole that crosses nothing: (hole, index in ring, index in hole).
fn shortest_bridge(ring: &[DVec2], holes: &[&Vec<DVec2>]) -> Option<(usize, usize, usize)> {
    let mut candidates: Vec<(f64, usize, usize, usize)> = Vec::new();
    for (k, hole) in holes.iter().enumerate() {
        let nearest = (0..ring.len()).flat_map(|i| (0..hole.len()).map(move |j| (i, j)));
        for (i, j) in nearest {
            candidates.push((ring[i].distance_squared(hole[j]), k, i, j));
        }
    }
    candidates.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let free = |p: DVec2, q: DVec2| {
        let loops = std::iter::once(ring).chain(holes.iter().map(|h| h.as_slice()));
        loops.flat_map(edges).all(|(a, b)| !crosses(p, q, a, b))
    };
    let found = candidates.into_iter().find(|&(_, k, i, j)| {
        let (p, q) = (ring[i], holes[k][j]);
        opens_towards(ring, i, q) && free(p, q)
    })?;
    Some((found.1, found.2, found.3))
}

/// True when `q` lies inside the corner of the ring at `i`; tells apart the two copies of a bridge's end.
fn opens_towards(ring: &[DVec2], i: usize, q: DVec2) -> bool {
    let n = ring.len();
    let (a, p, b) = (ring[(i + n - 1) % n], ring[i], ring[(i + 1) % n]);
    let (left_in, left_out) = (cross(a, p, q) > 0.0, cross(p, b, q) > 0.0);
    if cross(a, p, b) >= 0.0 { left_in && left_out } else { left_in || left_out }
}

fn edges(ring: &[DVec2]) -> impl Iterator<Item = (DVec2, DVec2)> + '_ {
    (0..ring.len()).map(|i| (ring[i], ring[(i + 1) % ring.len()]))
}

/// True when the segments meet anywhere but at a shared end.
fn crosses(p: DVec2, q: DVec2, a: DVec2, b: DVec2) -> bool {
    if p == a || p == b || q == a || q == b {
        return false;
    }
    let (d1, d2) = (cross(p, q, a), cross(p, q, b));
    let (d3, d4) = (cross(a, b, p), cross(a, b, q));
    d1 * d2 <= 0.0 && d3 * d4 <= 0.0 && !(d1 == 0.0 && d2 == 0.0)
}

fn clip(mut ring: Vec<DVec2>) -> Vec<[DVec2; 3]> {
    let mut out = Vec::with_capacity(ring.len());
    let mut i = 0;
    let mut tried = 0;
    while ring.len() > 3 {
        let n = ring.len();
        let (a, b, c) = (ring[(i + n - 1) % n], ring[i % n], ring[(i + 1) % n]);
        // When a whole round found no ear, rounding left a sliver: take the corner as it is.
        if is_ear(&ring, a, b, c) || tried > n {
            out.push([a, b, c]);
            ring.remove(i % n);
            tried = 0;
            // Skip one corner, so that fans of needles are rarer.
            i = (i + 1) % ring.len();
        } else {
            i = (i + 1) % n;
            tried += 1;
        }
    }
    if let [a, b, c] = ring[..] {
        out.push([a, b, c]);
    }
    out
}

fn is_ear(ring: &[DVec2], a: DVec2, b: DVec2, c: DVec2) -> bool {
    if cross(a, b, c) <= 1e-9 {
        return false;
    }
    ring.iter()
        .all(|&p| p == a || p == b || p == c || cross(a, b, p) < 0.0 || cross(b, c, p) < 0.0 || cross(c, a, p) < 0.0)
}
