//! Normals, creases and feature edges.
//!
//! Most vertices of a fine mesh lie inside smooth regions. A first pass over the triangles sums the normals around
//! every vertex, weighted as in N. Max, Weights for Computing Vertex Normals from Facet Normals (1999), which does not
//! depend on how a quad is cut into triangles, and next to it a checksum of the neighbours that is zero where the
//! triangles around the vertex close up. Only vertices where a face turns away from the sum or the checksum is not zero can lie on a crease
//! or a border; those alone get the slow treatment, which needs to know all triangles around them.

use super::{CHUNK_TRIANGLES, Welded, index, split_at_bounds};
use crate::pages::zeroed;
use rayon::prelude::*;
use rr_scene::Mesh;
use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// Faces that meet at a larger angle than this keep their own normals and get an edge between them.
pub const DEFAULT_CREASE_DEGREES: f32 = 30.0;

/// Makes a mesh with creased normals and feature edges: edges where faces meet at more than `crease_degrees`, and
/// edges with a face on one side only. `check` is called now and then, and its error ends the work.
pub fn shade<E: Send>(
    welded: Welded,
    crease_degrees: f32,
    check: impl Fn() -> Result<(), E> + Sync,
) -> Result<Mesh, E> {
    let Welded { mut positions, mut indices, bases } = welded;
    let (faces, mut normals, flags) = smooth_normals(&positions, &indices, &bases, crease_degrees, &check)?;
    let fans = Fans::collect(&indices, &flags);
    drop(flags);
    let surface = Surface {
        positions: &positions,
        indices: &indices,
        faces: &faces,
        fans: &fans,
        crease_cos: crease_degrees.to_radians().cos(),
    };
    let works: Vec<Work> = fans
        .chunks()
        .into_par_iter()
        .map(|slots| {
            check()?;
            Ok(surface.treat(slots))
        })
        .collect::<Result<_, E>>()?;
    drop((faces, fans));

    let mut edges = Vec::with_capacity(works.iter().map(|w| w.edges.len()).sum());
    for work in works {
        for (vertex, normal) in work.normals {
            normals[vertex as usize] = normal;
        }
        let base = index(positions.len());
        for (vertex, normal) in work.new_vertices {
            positions.push(positions[vertex as usize]);
            normals.push(normal);
        }
        for (corner, new) in work.moved_corners {
            indices[corner as usize] = base + new;
        }
        edges.extend(work.edges);
    }
    Ok(Mesh { positions, normals, indices, edges, ..Mesh::default() })
}

/// What the first pass gathers at a vertex: a normal as three `f32` in their bits, and the checksum of neighbours.
/// Plain words, so that a zeroed page from the system is an array of them.
type Sum = [u32; 4];

fn add(sum: &mut Sum, normal: [f32; 3], link: u32) {
    for (s, n) in sum.iter_mut().zip(normal) {
        *s = (f32::from_bits(*s) + n).to_bits();
    }
    sum[3] = sum[3].wrapping_add(link);
}

/// Normals of the faces (zero where degenerate), normals of the vertices as if there were no creases, and the vertices
/// where there may be one.
#[expect(clippy::type_complexity, reason = "three arrays, taken apart at the only call")]
fn smooth_normals<E: Send>(
    positions: &[[f32; 3]],
    indices: &[u32],
    bases: &[u32],
    crease_degrees: f32,
    check: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(Vec<[f32; 3]>, Vec<[f32; 3]>, Vec<AtomicBool>), E> {
    let mut faces: Vec<[f32; 3]> = zeroed(indices.len() / 3);
    let mut sums: Vec<Sum> = zeroed(positions.len());
    // Each chunk adds to the vertices that it was the first to use, and lists what belongs to earlier ones.
    let foreign: Vec<Vec<(u32, [f32; 3], u32)>> = split_at_bounds(&mut sums, bases)
        .into_par_iter()
        .zip(bases)
        .zip(indices.par_chunks(3 * CHUNK_TRIANGLES))
        .zip(faces.par_chunks_mut(CHUNK_TRIANGLES))
        .map(|(((own, &base), indices), faces)| {
            check()?;
            let mut foreign = Vec::new();
            for (triangle, face) in indices.chunks_exact(3).zip(faces) {
                let t = [triangle[0], triangle[1], triangle[2]];
                let p = t.map(|i| positions[i as usize]);
                let weights;
                (*face, weights) = normal_and_weights(p);
                let links = t.map(scramble);
                for k in 0..3 {
                    let normal = face.map(|c| c * weights[k]);
                    let link = links[(k + 1) % 3].wrapping_sub(links[(k + 2) % 3]);
                    match t[k].checked_sub(base) {
                        Some(own_index) => add(&mut own[own_index as usize], normal, link),
                        None => foreign.push((t[k], normal, link)),
                    }
                }
            }
            Ok(foreign)
        })
        .collect::<Result<_, E>>()?;
    for (vertex, normal, link) in foreign.into_iter().flatten() {
        add(&mut sums[vertex as usize], normal, link);
    }
    let mut normals: Vec<[f32; 3]> = zeroed(positions.len());
    let flags: Vec<AtomicBool> = normals
        .par_iter_mut()
        .zip(&sums)
        .with_min_len(1 << 14)
        .map(|(normal, sum)| {
            *normal = unit([sum[0], sum[1], sum[2]].map(f32::from_bits)).unwrap_or([0.0, 0.0, 1.0]);
            AtomicBool::new(sum[3] != 0)
        })
        .collect();
    // Two faces that are both within half the crease angle of the sum are within the crease angle of each other.
    let half_crease_cos = (crease_degrees.to_radians() * 0.5).cos();
    indices.par_chunks(3 * CHUNK_TRIANGLES).zip(faces.par_chunks(CHUNK_TRIANGLES)).for_each(|(indices, faces)| {
        for (triangle, face) in indices.chunks_exact(3).zip(faces) {
            for &vertex in triangle {
                if dot(*face, normals[vertex as usize]) < half_crease_cos {
                    flags[vertex as usize].store(true, Relaxed);
                }
            }
        }
    });
    Ok((faces, normals, flags))
}

/// A hash of a vertex number, so that sums of differences of them vanish only when they cancel one by one.
fn scramble(vertex: u32) -> u32 {
    let h = vertex.wrapping_mul(0x9E37_79B1);
    (h ^ (h >> 15)).wrapping_mul(0x85EB_CA77)
}

/// The corners around each flagged vertex, in one array: those of slot `s` are `corners[starts[s]..starts[s + 1]]`.
struct Fans {
    vertices: Vec<u32>,
    starts: Vec<u32>,
    corners: Vec<u32>,
    is_flagged: Vec<bool>,
}

impl Fans {
    fn collect(indices: &[u32], flags: &[AtomicBool]) -> Self {
        let is_flagged: Vec<bool> = flags.iter().map(|f| f.load(Relaxed)).collect();
        let mut slot_of = vec![0u32; flags.len()];
        let mut vertices = Vec::new();
        for (vertex, _) in is_flagged.iter().enumerate().filter(|(_, f)| **f) {
            slot_of[vertex] = index(vertices.len());
            vertices.push(index(vertex));
        }
        let pairs: Vec<Vec<(u32, u32)>> = indices
            .par_chunks(3 * CHUNK_TRIANGLES)
            .enumerate()
            .map(|(chunk, indices)| {
                (index(chunk * 3 * CHUNK_TRIANGLES)..)
                    .zip(indices)
                    .filter(|(_, v)| is_flagged[**v as usize])
                    .map(|(corner, v)| (slot_of[*v as usize], corner))
                    .collect()
            })
            .collect();
        let mut starts = vec![0u32; vertices.len() + 1];
        for (slot, _) in pairs.iter().flatten() {
            starts[*slot as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut corners = vec![0u32; sum as usize];
        for (slot, corner) in pairs.into_iter().flatten() {
            let at = &mut next[slot as usize];
            corners[*at as usize] = corner;
            *at += 1;
        }
        Self { vertices, starts, corners, is_flagged }
    }

    fn chunks(&self) -> Vec<Range<usize>> {
        const SLOTS: usize = 4096;
        (0..self.vertices.len()).step_by(SLOTS).map(|s| s..(s + SLOTS).min(self.vertices.len())).collect()
    }

    fn of(&self, slot: usize) -> &[u32] {
        &self.corners[self.starts[slot] as usize..self.starts[slot + 1] as usize]
    }
}

/// What the slow treatment of some vertices changes.
#[derive(Default)]
struct Work {
    normals: Vec<(u32, [f32; 3])>,
    new_vertices: Vec<(u32, [f32; 3])>,
    /// Corner, and index into `new_vertices`.
    moved_corners: Vec<(u32, u32)>,
    edges: Vec<[f32; 3]>,
}

struct Surface<'a> {
    positions: &'a [[f32; 3]],
    indices: &'a [u32],
    faces: &'a [[f32; 3]],
    fans: &'a Fans,
    crease_cos: f32,
}

/// One side of an edge that leaves a vertex.
struct Side {
    other_vertex: u32,
    face: u32,
    is_forward: bool,
}

impl Surface<'_> {
    fn treat(&self, slots: Range<usize>) -> Work {
        let mut work = Work::default();
        let (mut groups, mut sides) = (Vec::new(), Vec::new());
        for slot in slots {
            let (vertex, corners) = (self.fans.vertices[slot], self.fans.of(slot));
            self.split_at_creases(vertex, corners, &mut groups, &mut work);
            self.find_edges(vertex, corners, &mut sides, &mut work.edges);
        }
        work
    }

    /// Puts faces with similar normals into groups; each group has a vertex of its own.
    fn split_at_creases(&self, vertex: u32, corners: &[u32], groups: &mut Vec<([f32; 3], [f32; 3])>, work: &mut Work) {
        // A vertex with more groups is noise; the bound keeps the tip of a fan of 100,000 faces cheap.
        const MOST_GROUPS: usize = 64;
        groups.clear();
        let base = index(work.new_vertices.len());
        for &corner in corners {
            let face = self.faces[corner as usize / 3];
            if face == [0.0; 3] {
                continue;
            }
            let found = groups.iter().position(|(first, _)| dot(*first, face) >= self.crease_cos);
            let group = found.unwrap_or(groups.len().min(MOST_GROUPS - 1));
            if group == groups.len() {
                groups.push((face, [0.0; 3]));
            }
            let weight = self.weight_at(corner);
            groups[group].1 = std::array::from_fn(|i| groups[group].1[i] + face[i] * weight);
            if group > 0 {
                work.moved_corners.push((corner, base + index(group - 1)));
            }
        }
        let mut normals = groups.iter().map(|(first, sum)| unit(*sum).unwrap_or(*first));
        if let Some(normal) = normals.next() {
            work.normals.push((vertex, normal));
        }
        work.new_vertices.extend(normals.map(|normal| (vertex, normal)));
    }

    fn weight_at(&self, corner: u32) -> f32 {
        let corner = corner as usize;
        let first = corner / 3 * 3;
        let p = |k: usize| self.positions[self.indices[first + k] as usize];
        normal_and_weights([p(0), p(1), p(2)]).1[corner - first]
    }

    /// Finds the feature edges from `vertex` to vertices with a higher number.
    fn find_edges(&self, vertex: u32, corners: &[u32], sides: &mut Vec<Side>, edges: &mut Vec<[f32; 3]>) {
        sides.clear();
        for &corner in corners {
            let face = corner / 3;
            let at = |k: u32| self.indices[(face * 3 + k % 3) as usize];
            let (next, previous) = (at(corner % 3 + 1), at(corner % 3 + 2));
            for (other_vertex, is_forward) in [(next, true), (previous, false)] {
                // Both ends of a feature edge are flagged.
                if other_vertex > vertex && self.fans.is_flagged[other_vertex as usize] {
                    sides.push(Side { other_vertex, face, is_forward });
                }
            }
        }
        sides.sort_unstable_by_key(|s| (s.other_vertex, s.face, s.is_forward));
        for group in sides.chunk_by(|a, b| a.other_vertex == b.other_vertex) {
            if self.is_feature(group) {
                edges.push(self.positions[vertex as usize]);
                edges.push(self.positions[group[0].other_vertex as usize]);
            }
        }
    }

    fn is_feature(&self, sides: &[Side]) -> bool {
        let normal = |side: &Side| self.faces[side.face as usize];
        let mut solid = sides.iter().filter(|side| normal(side) != [0.0; 3]);
        let Some(first) = solid.next() else { return false };
        if sides.len() == 1 {
            return true;
        }
        solid.any(|side| {
            // Neighbours that run along the edge in the same direction are wound against each other.
            let sign = if side.is_forward == first.is_forward { -1.0 } else { 1.0 };
            sign * dot(normal(first), normal(side)) < self.crease_cos
        })
    }
}

/// Unit normal of a triangle and the weights of its corners, sin(angle) / (product of the two sides); zeros for a
/// triangle without area.
#[inline]
fn normal_and_weights(p: [[f32; 3]; 3]) -> ([f32; 3], [f32; 3]) {
    // Side k lies opposite of corner k.
    let sides = [sub(p[2], p[1]), sub(p[0], p[2]), sub(p[1], p[0])];
    let cross = cross(sides[2], sides[0]);
    let square = dot(cross, cross);
    let [a, b, c] = sides.map(|s| dot(s, s));
    let product = a * b * c;
    // Within this range nothing leaves the range of f32.
    let is_usable = |v: f32| (1e-30..1e30).contains(&v);
    if !is_usable(square) || !is_usable(product) {
        return normal_and_weights_wide(p);
    }
    // |cross| is the product of two sides and the sine between them, whichever two.
    let length = square.sqrt();
    let (normal_scale, weight_scale) = (1.0 / length, length / product);
    (cross.map(|c| c * normal_scale), [a, b, c].map(|opposite| opposite * weight_scale))
}

/// The same for very large and very small triangles.
#[cold]
#[expect(clippy::cast_possible_truncation, reason = "units, and weights that are kept in range")]
fn normal_and_weights_wide(p: [[f32; 3]; 3]) -> ([f32; 3], [f32; 3]) {
    let p = p.map(|v| glam::DVec3::from(v.map(f64::from)));
    let sides = [p[2] - p[1], p[0] - p[2], p[1] - p[0]];
    let cross = sides[2].cross(sides[0]);
    let Some(normal) = cross.try_normalize() else { return ([0.0; 3], [0.0; 3]) };
    let squares = sides.map(glam::DVec3::length_squared);
    let scale = cross.length() / squares.iter().product::<f64>();
    let weights = squares.map(|opposite| (opposite * scale).clamp(1e-12, 1e12) as f32);
    (normal.as_vec3().to_array(), weights)
}

fn unit(v: [f32; 3]) -> Option<[f32; 3]> {
    // Weights range over many magnitudes: the largest component comes to 1 first.
    let largest = v.iter().fold(0f32, |m, c| m.max(c.abs()));
    (largest > 0.0 && largest < f32::INFINITY).then(|| {
        let v = v.map(|c| c / largest);
        let length = dot(v, v).sqrt();
        v.map(|c| c / length)
    })
}

#[inline]
fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline]
fn sub(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

#[inline]
fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
#[path = "shade_tests.rs"]
mod tests;
