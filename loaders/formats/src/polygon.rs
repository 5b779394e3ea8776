//! Cuts polygons in space into triangles.

use earcut::{Earcut, utils3d::project3d_to_2d};

/// Reusable memory for [`Cutter::cut`].
pub struct Cutter {
    earcut: Earcut<f32>,
    points: Vec<[f32; 3]>,
    flat: Vec<[f32; 2]>,
    corners: Vec<u32>,
}

/// Longer polygons are not worth the search for ears, which takes the square of their length.
const MAX_CORNERS: usize = 20_000;

impl Cutter {
    /// A cutter.
    pub fn new() -> Self {
        Self { earcut: Earcut::new(), points: Vec::new(), flat: Vec::new(), corners: Vec::new() }
    }

    /// Appends the triangles of a polygon given by its vertices. Vertices that are not in `positions` make it nothing;
    /// the number of corners is 3 or more.
    pub fn cut(&mut self, positions: &[[f32; 3]], polygon: &[u32], triangles: &mut Vec<[u32; 3]>) -> bool {
        if let [a, b, c] = *polygon {
            let known = [a, b, c].iter().all(|&i| (i as usize) < positions.len());
            if known {
                triangles.push([a, b, c]);
            }
            return known;
        }
        self.points.clear();
        for &i in polygon {
            match positions.get(i as usize) {
                Some(p) if p.iter().all(|c| c.is_finite()) => self.points.push(*p),
                _ => return false,
            }
        }
        if polygon.len() < 3 || polygon.len() > MAX_CORNERS {
            return false;
        }
        self.corners.clear();
        if project3d_to_2d(&self.points, self.points.len(), &mut self.flat) {
            self.earcut.earcut(self.flat.iter().copied(), &[], &mut self.corners);
        }
        if self.corners.is_empty() {
            // A polygon without area still has corners that count for the bounds.
            triangles.extend((1..polygon.len() - 1).map(|i| [polygon[0], polygon[i], polygon[i + 1]]));
        } else {
            let of = |c: u32| polygon.get(c as usize).copied().unwrap_or(polygon[0]);
            triangles.extend(self.corners.as_chunks::<3>().0.iter().map(|t| t.map(of)));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(positions: &[[f32; 3]], triangles: &[[u32; 3]]) -> glam::Vec3 {
        let p = |i: u32| glam::Vec3::from(positions[i as usize]);
        triangles.iter().map(|[a, b, c]| (p(*b) - p(*a)).cross(p(*c) - p(*a)) * 0.5).sum()
    }

    #[test]
    fn a_polygon_with_a_notch_keeps_its_area_and_its_front_whichever_way_it_lies() {
        // An arrow head in the plane x = 5, 4 high, with a notch that a fan would fill.
        let shape = [[0.0, 0.0], [2.0, 2.0], [4.0, 0.0], [2.0, 4.0f32]];
        for turn in [[0, 1, 2], [1, 2, 0], [2, 0, 1]] {
            let positions: Vec<[f32; 3]> = shape
                .iter()
                .map(|[u, v]| {
                    let p = [*u, *v, 5.0];
                    std::array::from_fn(|axis| p[turn[axis]])
                })
                .collect();
            let mut triangles = Vec::new();
            assert!(Cutter::new().cut(&positions, &[0, 1, 2, 3], &mut triangles));
            assert_eq!(triangles.len(), 2);
            let sum = area(&positions, &triangles);
            assert!((sum.length() - 4.0).abs() < 1e-5, "{sum}");
            let each: f32 = triangles.iter().map(|t| area(&positions, &[*t]).length()).sum();
            assert!((each - 4.0).abs() < 1e-5, "triangles overlap: {each}");
            assert!(sum.element_sum() > 0.0, "turned over: {sum}");
        }
    }

    #[test]
    fn corners_that_are_not_there_make_it_nothing() {
        let mut triangles = Vec::new();
        assert!(!Cutter::new().cut(&[[0.0; 3]; 3], &[0, 1, 9], &mut triangles));
        assert!(!Cutter::new().cut(&[[0.0; 3]; 3], &[0, 1, 2, 9], &mut triangles));
        assert!(!Cutter::new().cut(&[[f32::NAN; 3]; 4], &[0, 1, 2, 3], &mut triangles));
        assert!(triangles.is_empty());
        assert!(Cutter::new().cut(&[[0.0; 3]; 4], &[0, 1, 2, 3], &mut triangles));
        assert_eq!(triangles.len(), 2, "a polygon without area");
    }
}
