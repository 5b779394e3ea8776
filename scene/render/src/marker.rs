//! What stands in for a device whose model is not loaded: a box with chamfered edges.

use glam::{Affine3A, Vec3};
use rr_scene::{Aabb, Assembly, Instance, Mesh, Part};

/// Box that a marker fills in the space of its device, metres.
pub const MARKER_BOUNDS: Aabb = Aabb { min: Vec3::new(-0.3, 0.0, -0.3), max: Vec3::new(0.3, 0.6, 0.3) };
const CHAMFER: f32 = 0.045;

/// The marker as a model: six faces, twelve bevels, eight corners.
pub(crate) fn model() -> Assembly {
    let mut mesh = Mesh::default();
    let half = MARKER_BOUNDS.size() * 0.5;
    let inner = half - Vec3::splat(CHAMFER);
    let centre = MARKER_BOUNDS.centre();
    // Point of the face across `axis` at the corner with these signs.
    let point = |axis: usize, s: Vec3| {
        let mut p = s * inner;
        p[axis] = s[axis] * half[axis];
        p + centre
    };
    let signs = [-1.0f32, 1.0];
    for axis in 0..3 {
        let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
        for s in signs {
            let corner = |a: f32, b: f32| {
                let mut c = Vec3::ZERO;
                (c[axis], c[u], c[v]) = (s, a, b);
                c
            };
            let ring = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
            let points = ring.map(|c| point(axis, c));
            polygon(&mut mesh, &points);
            for i in 0..4 {
                mesh.edges.extend([points[i].to_array(), points[(i + 1) % 4].to_array()]);
            }
        }
        // Bevels along this axis lie between the faces across the other two.
        for a in signs {
            for b in signs {
                let at = |end: f32, face: usize| {
                    let mut c = Vec3::ZERO;
                    (c[axis], c[u], c[v]) = (end, a, b);
                    point(face, c)
                };
                polygon(&mut mesh, &[at(-1.0, u), at(1.0, u), at(1.0, v), at(-1.0, v)]);
            }
        }
    }
    for i in 0..8 {
        let pick = |bit: usize| signs[(i >> bit) & 1];
        let c = Vec3::new(pick(0), pick(1), pick(2));
        polygon(&mut mesh, &[point(0, c), point(1, c), point(2, c)]);
    }
    Assembly {
        parts: vec![Part { name: String::new(), mesh }],
        instances: vec![Instance { part: 0, name: String::new(), model_from_part: Affine3A::IDENTITY, colour: None }],
    }
}

/// Adds a convex polygon, wound so that it faces away from the middle of the box.
fn polygon(mesh: &mut Mesh, points: &[Vec3]) {
    let normal = (points[1] - points[0]).cross(points[2] - points[0]).normalize();
    let outward = normal.dot(points[0] - MARKER_BOUNDS.centre()) > 0.0;
    let base = u32::try_from(mesh.positions.len()).unwrap_or(0);
    let normal = if outward { normal } else { -normal };
    mesh.positions.extend(points.iter().map(Vec3::to_array));
    mesh.normals.extend(points.iter().map(|_| normal.to_array()));
    for i in 2..u32::try_from(points.len()).unwrap_or(0) {
        let (b, c) = if outward { (i - 1, i) } else { (i, i - 1) };
        mesh.indices.extend([base, base + b, base + c]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_a_sound_closed_box() {
        let model = model();
        model.check().unwrap();
        let bounds = model.bounds();
        assert!((bounds.min - MARKER_BOUNDS.min).length() < 1e-6 && (bounds.max - MARKER_BOUNDS.max).length() < 1e-6);
        let mesh = &model.parts[0].mesh;
        assert_eq!(mesh.triangle_count(), 6 * 2 + 12 * 2 + 8);
        // Closed: the volume by the divergence theorem lies just below that of the full box.
        let volume: f32 = mesh
            .indices
            .chunks(3)
            .map(|t| {
                let [a, b, c] = [t[0], t[1], t[2]].map(|i| Vec3::from(mesh.positions[i as usize]));
                a.dot(b.cross(c)) / 6.0
            })
            .sum();
        let full = MARKER_BOUNDS.size().element_product();
        assert!(volume < full && volume > full * 0.95, "volume {volume} of {full}");
    }
}
