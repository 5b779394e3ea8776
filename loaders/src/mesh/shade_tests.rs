//! Normals and feature edges on small solids.

use super::*;
use crate::mesh::weld;
use std::{
    collections::BTreeSet,
    convert::Infallible,
    f32::consts::{PI, TAU},
};

type Triangle = [[f32; 3]; 3];

fn mesh_of(soup: &[Triangle]) -> Mesh {
    let welded = weld(soup, || Ok::<(), Infallible>(())).unwrap();
    let mesh = shade(welded, DEFAULT_CREASE_DEGREES, || Ok::<(), Infallible>(())).unwrap();
    mesh.check().unwrap();
    assert_eq!(mesh.triangle_count(), soup.len());
    for (i, corner) in mesh.indices.iter().enumerate() {
        assert_eq!(mesh.positions[*corner as usize], soup[i / 3][i % 3], "corner {i} stays where it is");
    }
    mesh
}

fn quad(a: [f32; 3], b: [f32; 3], c: [f32; 3], d: [f32; 3]) -> [Triangle; 2] {
    [[a, b, c], [a, c, d]]
}

fn cube() -> Vec<Triangle> {
    let v = |i: usize| [(i & 1) as f32, (i >> 1 & 1) as f32, (i >> 2 & 1) as f32];
    [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]
        .into_iter()
        .flat_map(|[a, b, c, d]| quad(v(a), v(b), v(c), v(d)))
        .collect()
}

/// Side of a cylinder and its two caps.
fn cylinder(segments: usize) -> Vec<Triangle> {
    let p = |i: usize, z: f32| {
        let a = TAU * (i % segments) as f32 / segments as f32;
        [a.cos(), a.sin(), z]
    };
    (0..segments)
        .flat_map(|i| {
            let [a, b] = quad(p(i, 0.0), p(i + 1, 0.0), p(i + 1, 1.0), p(i, 1.0));
            [a, b, [[0.0, 0.0, 1.0], p(i, 1.0), p(i + 1, 1.0)], [[0.0; 3], p(i + 1, 0.0), p(i, 0.0)]]
        })
        .collect()
}

fn sphere(rings: usize) -> Vec<Triangle> {
    let p = |i: usize, j: usize| {
        let (a, b) = (TAU * (i % (2 * rings)) as f32 / (2 * rings) as f32, PI * j as f32 / rings as f32);
        if j == 0 || j == rings { [0.0, 0.0, b.cos()] } else { [a.cos() * b.sin(), a.sin() * b.sin(), b.cos()] }
    };
    (0..2 * rings)
        .flat_map(|i| (0..rings).map(move |j| (i, j)))
        .flat_map(|(i, j)| quad(p(i, j), p(i, j + 1), p(i + 1, j + 1), p(i + 1, j)))
        .filter(|[a, b, c]| a != b && b != c && c != a)
        .collect()
}

fn edge_set(mesh: &Mesh) -> BTreeSet<[[u32; 3]; 2]> {
    mesh.edges
        .chunks_exact(2)
        .map(|e| {
            let mut ends = [e[0].map(f32::to_bits), e[1].map(f32::to_bits)];
            ends.sort_unstable();
            ends
        })
        .collect()
}

#[test]
fn a_cube_has_flat_faces_and_twelve_edges() {
    let mesh = mesh_of(&cube());
    assert_eq!(mesh.positions.len(), 24);
    assert_eq!(mesh.edges.len(), 24);
    assert_eq!(edge_set(&mesh).len(), 12, "no diagonal and no edge twice");
    for t in mesh.indices.chunks_exact(3) {
        let face = normal_and_weights([0, 1, 2].map(|k| mesh.positions[t[k] as usize])).0;
        for &v in t {
            assert!(dot(mesh.normals[v as usize], face) > 0.9999);
        }
    }
}

#[test]
fn a_cylinder_is_smooth_around_and_sharp_at_its_rims() {
    let segments = 32;
    let mesh = mesh_of(&cylinder(segments));
    assert_eq!(mesh.positions.len(), 4 * segments + 2);
    assert_eq!(mesh.edges.len(), 2 * 2 * segments);
    for (p, n) in mesh.positions.iter().zip(&mesh.normals) {
        let radial = [p[0], p[1], 0.0];
        let is_side = dot(*n, radial) > 0.9999;
        let is_cap = n[2].abs() > 0.9999 && (n[2] > 0.0) == (p[2] > 0.5);
        assert!(is_side || is_cap, "{p:?} {n:?}");
    }
}

#[test]
fn a_fine_sphere_has_no_edge_and_no_split_vertex() {
    let rings = 150;
    let soup = sphere(rings);
    assert!(soup.len() > 2 * CHUNK_TRIANGLES);
    let mesh = mesh_of(&soup);
    assert_eq!(mesh.positions.len(), 2 * rings * (rings - 1) + 2);
    assert!(mesh.edges.is_empty());
    for (p, n) in mesh.positions.iter().zip(&mesh.normals) {
        assert!(dot(*p, *n) > 0.999, "{p:?} {n:?}");
    }
}

#[test]
fn an_open_sheet_has_its_border_as_edges() {
    let side = 20;
    let p = |x: usize, y: usize| [x as f32, y as f32, 0.0];
    let soup: Vec<_> = (0..side * side)
        .flat_map(|i| {
            let (x, y) = (i % side, i / side);
            quad(p(x, y), p(x + 1, y), p(x + 1, y + 1), p(x, y + 1))
        })
        .collect();
    let mesh = mesh_of(&soup);
    assert_eq!(mesh.edges.len() / 2, 4 * side);
    assert_eq!(mesh.positions.len(), (side + 1) * (side + 1));
    assert!(mesh.normals.iter().all(|n| n[2] > 0.9999));
}

#[test]
fn triangles_wound_against_each_other_make_no_edge_between_them() {
    let mesh = mesh_of(&[
        [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]],
    ]);
    assert_eq!(mesh.edges.len() / 2, 4);
}

#[test]
fn triangles_without_area_do_no_harm() {
    let mut soup = cube();
    let with_corner_twice = [[0.0; 3], [0.0; 3], [1.0, 1.0, 1.0]];
    soup.push(with_corner_twice);
    soup.push([[0.0; 3], [0.5, 0.0, 0.0], [1.0, 0.0, 0.0]]);
    soup.push([[7.0; 3]; 3]);
    let mesh = mesh_of(&soup);
    assert!(edge_set(&mesh).is_superset(&edge_set(&mesh_of(&cube()))));
}

#[test]
fn size_does_not_matter() {
    for scale in [1e-18f32, 1e-9, 1.0, 1e9, 1e17] {
        let soup: Vec<Triangle> = cube().iter().map(|t| t.map(|p| p.map(|c| c * scale))).collect();
        let mesh = mesh_of(&soup);
        assert_eq!((mesh.positions.len(), mesh.edges.len()), (24, 24), "at {scale}");
    }
}

#[test]
fn the_tip_of_a_huge_fan_is_bounded_work() {
    // Every face looks another way: the worst case for grouping.
    let soup: Vec<Triangle> = (0..50_000)
        .map(|i| {
            let (a, b) = (i as f32 * 2.399_963, i as f32 * 0.7);
            let d = [a.cos() * b.sin(), a.sin() * b.sin(), b.cos()];
            [[0.0; 3], d, [d[1], d[2], d[0]]]
        })
        .collect();
    mesh_of(&soup);
}

#[test]
fn weights_are_those_of_max_and_match_the_wide_ones() {
    for p in [[[0.0; 3], [1.0, 0.0, 0.0], [0.3, 0.8, 0.2]], [[5.0, 1.0, 2.0], [6.0, 1.0, 2.0], [7.0, 1.1, 2.0]]] {
        let (normal, weights) = normal_and_weights(p);
        let (wide_normal, wide_weights) = normal_and_weights_wide(p);
        assert!(dot(normal, wide_normal) > 0.9999);
        for k in 0..3 {
            let [u, v] = [1, 2].map(|i| glam::Vec3::from(sub(p[(k + i) % 3], p[k])));
            let expected = u.angle_between(v).sin() / (u.length() * v.length());
            assert!((weights[k] / expected - 1.0).abs() < 1e-3, "{weights:?}, {expected}");
            assert!((weights[k] / wide_weights[k] - 1.0).abs() < 1e-3);
        }
    }
}
