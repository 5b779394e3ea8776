//! Whether faces close off a volume: then nobody outside sees the back of one, and half of them need not be drawn.

use rr_scene::{DisjointSets, Grid, Shape};

/// True when every edge is passed as often in one direction as in the other, and every piece that hangs together has its
/// faces outside.
pub(super) fn is_solid(shape: &Shape) -> bool {
    let points = canonical_points(shape);
    let corner = |i: u32| points[i as usize];
    // Triangles that collapse to a line have no sides.
    let triangles: Vec<[u32; 3]> = shape
        .indices
        .as_chunks::<3>()
        .0
        .iter()
        .map(|t| t.map(corner))
        .filter(|[a, b, c]| a != b && b != c && c != a)
        .collect();
    if triangles.is_empty() {
        return false;
    }
    let mut edges: Vec<(u32, u32, bool)> = triangles
        .iter()
        .flat_map(|[a, b, c]| [(*a, *b), (*b, *c), (*c, *a)])
        .map(|(from, to)| (from.min(to), from.max(to), from < to))
        .collect();
    edges.sort_unstable();
    let balanced = edges.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).all(|same| {
        let forward = same.iter().filter(|e| e.2).count();
        forward * 2 == same.len()
    });
    balanced && faces_outwards(shape, &triangles, points.len())
}

/// Corners this many steps of the grid apart are the same: faces that meet in a CAD file are cut into triangles one by
/// one, and the last digits of their borders differ.
const SAME_WITHIN: u32 = 8;

/// For each corner the first one at the same place.
fn canonical_points(shape: &Shape) -> Vec<u32> {
    let count = u32::try_from(shape.corners.len()).unwrap_or(u32::MAX);
    let mut same = DisjointSets::new(count);
    let places: Vec<[u32; 3]> = shape.corners.iter().map(|c| Grid::steps(c.position)).collect();
    // Two corners that are close share a cell in at least one of eight ways to lay cells of twice that size.
    let mut cells: Vec<([u32; 3], u32)> = Vec::with_capacity(places.len());
    for way in 0..8u32 {
        let shift = [0, 1, 2].map(|axis| (way >> axis & 1) * SAME_WITHIN);
        cells.clear();
        let cell = |p: &[u32; 3]| [0, 1, 2].map(|axis| (p[axis] + shift[axis]) / (2 * SAME_WITHIN));
        cells.extend((0..count).zip(&places).map(|(i, p)| (cell(p), i)));
        cells.sort_unstable();
        for together in cells.chunk_by(|a, b| a.0 == b.0) {
            for (_, other) in &together[1..] {
                same.join(together[0].1, *other);
            }
        }
    }
    (0..count).map(|i| same.root(i)).collect()
}

/// The volume of each piece that hangs together must be positive.
fn faces_outwards(shape: &Shape, triangles: &[[u32; 3]], points: usize) -> bool {
    let mut pieces = DisjointSets::new(u32::try_from(points).unwrap_or(u32::MAX));
    for [a, b, c] in triangles {
        for other in [b, c] {
            pieces.join(*a, *other);
        }
    }
    let at = |i: u32| shape.grid.unpack(shape.corners[i as usize].position).as_dvec3();
    let mut volumes = vec![0.0f64; points];
    for [a, b, c] in triangles {
        let own = pieces.root(*a);
        // Measured from a point of the piece, so that little ones far out keep their digits.
        let origin = at(own);
        volumes[own as usize] += (at(*a) - origin).dot((at(*b) - origin).cross(at(*c) - origin));
    }
    triangles.iter().all(|t| volumes[pieces.root(t[0]) as usize] > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_scene::Mesh;

    fn cube(at: f32, half: f32) -> Mesh {
        let corner = |i: u32| [0, 1, 2].map(|bit| at + if i >> bit & 1 == 0 { -half } else { half });
        let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
        let mut mesh = Mesh::default();
        for face in faces {
            let base = u32::try_from(mesh.positions.len()).unwrap();
            mesh.positions.extend(face.map(corner));
            let [a, b, c] = [0, 1, 2].map(|k| glam::Vec3::from(mesh.positions[base as usize + k]));
            mesh.normals.extend([(b - a).cross(c - a).normalize().to_array(); 4]);
            mesh.indices.extend([0, 1, 2, 0, 2, 3].map(|i| base + i));
        }
        mesh
    }

    fn joined(mut a: Mesh, b: &Mesh) -> Mesh {
        let base = u32::try_from(a.positions.len()).unwrap();
        a.positions.extend(&b.positions);
        a.normals.extend(&b.normals);
        a.indices.extend(b.indices.iter().map(|i| i + base));
        a
    }

    fn inside_out(mut mesh: Mesh) -> Mesh {
        mesh.indices.as_chunks_mut::<3>().0.iter_mut().for_each(|t| t.swap(1, 2));
        mesh.normals.iter_mut().for_each(|n| *n = n.map(|c| -c));
        mesh
    }

    #[test]
    fn closed_bodies_that_face_outwards_are_solid() {
        assert!(is_solid(&Shape::of(&cube(0.0, 1.0))));
        assert!(is_solid(&Shape::of(&joined(cube(0.0, 1.0), &cube(5.0, 0.001)))));
    }

    #[test]
    fn borders_that_differ_in_the_last_digits_are_closed() {
        let mut mesh = cube(0.3, 1.0);
        for (i, p) in mesh.positions.iter_mut().enumerate() {
            p[i % 3] += [0.0, 1e-6, -1e-6, 2e-6][i % 4];
        }
        assert!(is_solid(&Shape::of(&mesh)));
        for p in &mut mesh.positions[..4] {
            p[2] -= 0.01;
        }
        assert!(!is_solid(&Shape::of(&mesh)), "a gap that can be seen");
    }

    #[test]
    fn holes_doubts_and_bodies_turned_inside_out_are_not() {
        let mut open = cube(0.0, 1.0);
        open.indices.truncate(33);
        let sheet = Mesh { indices: vec![0, 1, 2], ..cube(0.0, 1.0) };
        for mesh in [open, sheet, inside_out(cube(0.0, 1.0)), joined(cube(0.0, 1.0), &inside_out(cube(5.0, 1.0)))] {
            assert!(!is_solid(&Shape::of(&mesh)));
        }
        assert!(!is_solid(&Shape::default()));
    }
}
