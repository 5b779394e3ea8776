//! Turns a [`Model`] into the compact arrays that the shaders read. No graphics device is needed here.

use bytemuck::{Pod, Zeroable};
use glam::{Affine3A, Mat3A, Vec3};
use rr_scene::{Aabb, Mesh, Model, Rgba8};
use std::collections::HashMap;

/// A corner of a triangle: 20 bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct Vertex {
    pub(crate) position: [f32; 3],
    /// Three times 10 bits, 0 to 1023 for -1 to 1.
    pub(crate) normal: u32,
    /// RGBA bytes; alpha 0 means that the instance's colour counts.
    pub(crate) colour: [u8; 4],
}

/// A line: 32 bytes, two `vec4` in a storage buffer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub(crate) struct Segment {
    pub(crate) from: [f32; 3],
    /// As in [`Vertex::colour`].
    pub(crate) colour: [u8; 4],
    pub(crate) to: [f32; 3],
    pub(crate) reserved: u32,
}

/// One mesh with the places it stands at within the model.
#[derive(Debug, Default)]
pub(crate) struct PackedPart {
    pub(crate) vertices: Vec<Vertex>,
    pub(crate) indices: Vec<u32>,
    pub(crate) edges: Vec<Segment>,
    pub(crate) lines: Vec<Segment>,
    pub(crate) bounds: Aabb2,
    pub(crate) places: Vec<Place>,
}

/// [`Aabb`] that is empty by default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aabb2(pub(crate) Aabb);

impl Default for Aabb2 {
    fn default() -> Self {
        Self(Aabb::EMPTY)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) model_from_part: Affine3A,
    pub(crate) colour: Option<Rgba8>,
}

/// Merged parts end when they reach this many corners, so that no buffer becomes too large.
const MERGE_LIMIT: usize = 4_000_000;

/// Packs all parts that are placed. Parts placed once are merged, because an assembly of a thousand unique parts
/// would otherwise cost a thousand draw calls; parts placed more often stay apart and are drawn instanced.
pub(crate) fn pack(model: &Model) -> Vec<PackedPart> {
    let mut places: Vec<Vec<Place>> = vec![Vec::new(); model.parts.len()];
    for instance in &model.instances {
        if let Some(list) = places.get_mut(instance.part as usize) {
            list.push(Place { model_from_part: instance.model_from_part, colour: instance.colour });
        }
    }
    let singles = places.iter().filter(|p| p.len() == 1).count();
    let mut packed = Vec::new();
    let mut merged = PackedPart::default();
    for (part, places) in model.parts.iter().zip(places) {
        match places.as_slice() {
            [] => {}
            [place] if singles > 1 => {
                append(&mut merged, &part.mesh, Some(*place));
                if merged.vertices.len() >= MERGE_LIMIT {
                    packed.push(close_merged(std::mem::take(&mut merged)));
                }
            }
            _ => {
                let mut own = PackedPart { places, ..PackedPart::default() };
                append(&mut own, &part.mesh, None);
                packed.push(own);
            }
        }
    }
    packed.push(close_merged(merged));
    packed.retain(|p| !(p.indices.is_empty() && p.lines.is_empty() && p.edges.is_empty()));
    packed
}

fn close_merged(mut part: PackedPart) -> PackedPart {
    part.places = vec![Place { model_from_part: Affine3A::IDENTITY, colour: None }];
    part
}

/// Adds a mesh; with `place` its coordinates and colour are baked in.
fn append(out: &mut PackedPart, mesh: &Mesh, place: Option<Place>) {
    let to_model = place.map(|p| p.model_from_part);
    let own_colour = place.and_then(|p| p.colour).map_or([0; 4], opaque);
    let point = |p: [f32; 3]| to_model.map_or(p, |m| m.transform_point3(Vec3::from(p)).to_array());
    // Normals follow the inverse transpose, so that uneven scales do not bend the light.
    let normal_matrix = to_model.map(|m| m.matrix3.inverse().transpose()).filter(Mat3A::is_finite);
    let base = out.vertices.len();
    out.vertices.extend(mesh.positions.iter().enumerate().map(|(i, &p)| {
        let n = mesh.normals.get(i).copied().map_or(Vec3::ZERO, Vec3::from);
        let n = normal_matrix.map_or(n, |m| m * n);
        Vertex { position: point(p), normal: pack_normal(n), colour: own_colour }
    }));
    let first_index = out.indices.len();
    append_triangles(out, mesh, base);
    wind_by_normals(&out.vertices, &mut out.indices[first_index..]);
    for (from, list) in [(&mesh.edges, &mut out.edges), (&mesh.lines, &mut out.lines)] {
        list.extend(from.as_chunks::<2>().0.iter().map(|[a, b]| Segment {
            from: point(*a),
            colour: own_colour,
            to: point(*b),
            reserved: 0,
        }));
    }
    let bounds = mesh.bounds();
    out.bounds.0 = out.bounds.0.union(to_model.map_or(bounds, |m| bounds.transformed(&m)));
}

/// Adds the triangles. A corner shared by runs of different colours is doubled.
fn append_triangles(out: &mut PackedPart, mesh: &Mesh, base: usize) {
    let index = |i: u32| u32::try_from(base + i as usize).unwrap_or(u32::MAX);
    let start = out.indices.len();
    let count = mesh.positions.len();
    // A broken triangle collapses to a point instead of shifting those behind it.
    out.indices.extend(
        mesh.indices
            .as_chunks::<3>()
            .0
            .iter()
            .flat_map(|t| if t.iter().all(|&i| (i as usize) < count) { t.map(index) } else { [index(0); 3] }),
    );
    let mut painted: Vec<bool> = vec![false; if mesh.colours.is_empty() { 0 } else { count }];
    let mut doubles: HashMap<(u32, [u8; 4]), u32> = HashMap::new();
    let mut plain_until = 0usize;
    let triangles = mesh.triangle_count();
    let runs = mesh.colours.iter().map(|c| (c.first_triangle as usize, c.triangle_count as usize, opaque(c.colour)));
    // Corners of triangles outside all runs keep the colour they have; mark them as taken first.
    let gaps: Vec<(usize, usize)> = runs
        .clone()
        .chain([(triangles, 0, [0; 4])])
        .filter_map(|(first, n, _)| {
            let gap = (plain_until, first.min(triangles));
            plain_until = (first + n).min(triangles);
            (gap.0 < gap.1).then_some(gap)
        })
        .collect();
    if !painted.is_empty() {
        for (from, to) in gaps {
            for &i in &out.indices[start + from * 3..start + to * 3] {
                painted[i as usize - base] = true;
            }
        }
    }
    for (first, n, colour) in runs {
        let (from, to) = (first.min(triangles), (first + n).min(triangles));
        for at in start + from * 3..start + to * 3 {
            let corner = out.indices[at];
            let vertex = out.vertices[corner as usize];
            if vertex.colour == colour {
                continue;
            }
            let local = corner as usize - base;
            if !painted[local] {
                painted[local] = true;
                out.vertices[corner as usize].colour = colour;
                continue;
            }
            let next = u32::try_from(out.vertices.len()).unwrap_or(u32::MAX);
            let double = *doubles.entry((corner, colour)).or_insert(next);
            if double == next {
                out.vertices.push(Vertex { colour, ..vertex });
            }
            out.indices[at] = double;
        }
    }
}

/// Winds every triangle so that its front is the side that its normals point to. Files often contradict themselves
/// there, and light per corner takes the winding's word for which side it sees.
fn wind_by_normals(vertices: &[Vertex], indices: &mut [u32]) {
    for triangle in indices.as_chunks_mut::<3>().0 {
        let [a, b, c] = triangle.map(|i| vertices[i as usize]);
        let [p, q, r] = [a, b, c].map(|v| Vec3::from(v.position));
        let normals = [a, b, c].map(|v| unpack_normal(v.normal));
        if (q - p).cross(r - p).dot(normals[0] + normals[1] + normals[2]) < 0.0 {
            triangle.swap(1, 2);
        }
    }
}

/// Bytes with a marker alpha: file colours are drawn opaque.
pub(crate) fn opaque(colour: Rgba8) -> [u8; 4] {
    let [r, g, b, _] = colour.0;
    [r, g, b, 255]
}

fn pack_normal(n: Vec3) -> u32 {
    let n = n.try_normalize().unwrap_or(Vec3::Y);
    let part = |v: f32| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 10 bits")]
        let bits = ((v * 0.5 + 0.5) * 1023.0).round().clamp(0.0, 1023.0) as u32;
        bits
    };
    part(n.x) | part(n.y) << 10 | part(n.z) << 20
}

fn unpack_normal(bits: u32) -> Vec3 {
    #[expect(clippy::cast_precision_loss, reason = "10 bits")]
    let part = |shift: u32| ((bits >> shift) & 1023) as f32 / 511.5 - 1.0;
    Vec3::new(part(0), part(10), part(20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_scene::{ColourRange, Instance, Part};

    fn quad() -> Mesh {
        Mesh {
            positions: vec![[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
            normals: vec![[0.0, 0.0, 1.0]; 4],
            indices: vec![0, 1, 2, 0, 2, 3],
            ..Mesh::default()
        }
    }

    fn place(part: u32, x: f32, colour: Option<Rgba8>) -> Instance {
        Instance { part, name: String::new(), model_from_part: Affine3A::from_translation(Vec3::X * x), colour }
    }

    fn colours_of(part: &PackedPart, triangle: usize) -> Vec<[u8; 4]> {
        part.indices[triangle * 3..triangle * 3 + 3].iter().map(|&i| part.vertices[i as usize].colour).collect()
    }

    #[test]
    fn a_corner_shared_by_two_colours_is_doubled_and_others_are_not() {
        let red = Rgba8([255, 0, 0, 255]);
        let green = Rgba8([0, 255, 0, 255]);
        let mut mesh = quad();
        mesh.colours = vec![
            ColourRange { first_triangle: 0, triangle_count: 1, colour: red },
            ColourRange { first_triangle: 1, triangle_count: 1, colour: green },
        ];
        let model = Model { parts: vec![Part { name: String::new(), mesh }], instances: vec![place(0, 0.0, None)] };
        let packed = pack(&model);
        assert_eq!(packed[0].vertices.len(), 6);
        assert_eq!(colours_of(&packed[0], 0), vec![red.0; 3]);
        assert_eq!(colours_of(&packed[0], 1), vec![green.0; 3]);
    }

    #[test]
    fn triangles_outside_all_runs_keep_the_instance_colour() {
        let red = Rgba8([255, 0, 0, 255]);
        let mut mesh = quad();
        mesh.colours = vec![ColourRange { first_triangle: 1, triangle_count: 1, colour: red }];
        let model = Model { parts: vec![Part { name: String::new(), mesh }], instances: vec![place(0, 0.0, None)] };
        let packed = pack(&model);
        assert_eq!(colours_of(&packed[0], 0), vec![[0; 4]; 3]);
        assert_eq!(colours_of(&packed[0], 1), vec![red.0; 3]);
    }

    #[test]
    fn parts_placed_once_merge_and_repeated_ones_stay_instanced() {
        let part = || Part { name: String::new(), mesh: quad() };
        let blue = Rgba8([0, 0, 255, 128]);
        let model = Model {
            parts: vec![part(), part(), part(), part()],
            instances: vec![place(0, 1.0, None), place(1, 5.0, Some(blue)), place(2, 0.0, None), place(2, 2.0, None)],
        };
        let packed = pack(&model);
        assert_eq!(packed.len(), 2, "one instanced, one merged, the unplaced one is left out");
        let merged = packed.iter().find(|p| p.places.len() == 1).unwrap();
        assert_eq!(merged.bounds.0.max.x, 6.0);
        assert_eq!(colours_of(merged, 2), vec![[0, 0, 255, 255]; 3]);
        assert_eq!(packed.iter().find(|p| p.places.len() == 2).unwrap().vertices.len(), 4);
    }

    #[test]
    fn indices_past_the_end_do_not_reach_the_device() {
        let mut mesh = quad();
        mesh.indices[4] = 99;
        let model = Model { parts: vec![Part { name: String::new(), mesh }], instances: vec![place(0, 0.0, None)] };
        let packed = pack(&model);
        assert!(packed[0].indices.iter().all(|&i| i < 4));
        assert_eq!(packed[0].indices.len(), 6);
    }

    #[test]
    fn normals_survive_packing() {
        for n in [Vec3::X, Vec3::NEG_Y, Vec3::new(0.6, -0.48, 0.64)] {
            assert!((unpack_normal(pack_normal(n)) - n).length() < 0.003, "{n}");
        }
        assert_eq!(pack_normal(Vec3::NAN), pack_normal(Vec3::Y));
    }
}
