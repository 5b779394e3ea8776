//! Turns what a loader read into the compact arrays of a [`Shape`].

use super::edges::order_by_size;
use super::{Corner, Grid, Hierarchy, Segment, Shape};
use crate::geometry::{Aabb, Mesh, Rgba8};
use crate::model::Place;
use glam::{Mat3A, Vec3};
use std::collections::HashMap;
use std::sync::OnceLock;

/// A corner on its way: its place on the grid is known when all corners are.
#[derive(Debug, Clone, Copy)]
struct Vertex {
    position: [f32; 3],
    normal: u32,
    colour: [u8; 4],
}

/// A line on its way.
#[derive(Debug, Clone, Copy)]
struct Line {
    ends: [[f32; 3]; 2],
    colour: [u8; 4],
}

/// Makes one shape of one mesh or of many.
#[derive(Debug)]
pub struct ShapeBuilder {
    vertices: Vec<Vertex>,
    indices: Vec<u32>,
    edges: Vec<Line>,
    lines: Vec<Line>,
    bounds: Aabb,
}

impl Default for ShapeBuilder {
    fn default() -> Self {
        let (edges, lines) = (Vec::new(), Vec::new());
        Self { vertices: Vec::new(), indices: Vec::new(), edges, lines, bounds: Aabb::EMPTY }
    }
}

impl ShapeBuilder {
    /// Adds a mesh; with `place` its coordinates and colour are baked in. Indices past the corners make triangles
    /// without area.
    pub fn add(&mut self, mesh: &Mesh, place: Option<&Place>) {
        let to_model = place.map(|p| p.model_from_part);
        let own_colour = place.and_then(|p| p.colour).map_or([0; 4], marked);
        let point = |p: [f32; 3]| to_model.map_or(p, |m| m.transform_point3(Vec3::from(p)).to_array());
        // Normals follow the inverse transpose, so that uneven scales do not bend the light.
        let normal_matrix = to_model.map(|m| m.matrix3.inverse().transpose()).filter(Mat3A::is_finite);
        let base = self.vertices.len();
        self.vertices.extend(mesh.positions.iter().enumerate().map(|(i, &p)| {
            let n = mesh.normals.get(i).copied().map_or(Vec3::ZERO, Vec3::from);
            let n = normal_matrix.map_or(n, |m| m * n);
            Vertex { position: point(p), normal: pack_normal(n), colour: own_colour }
        }));
        let first_index = self.indices.len();
        self.add_triangles(mesh, base);
        wind_by_normals(&self.vertices, &mut self.indices[first_index..]);
        for (from, list) in [(&mesh.edges, &mut self.edges), (&mesh.lines, &mut self.lines)] {
            let lines = from.as_chunks::<2>().0.iter().map(|ends| Line { ends: ends.map(point), colour: own_colour });
            list.extend(lines);
        }
        let bounds = match to_model {
            None => mesh.bounds(),
            // The box of a box would be too large.
            Some(_) => Aabb::of_points(
                self.vertices[base..].iter().map(|v| v.position).chain(mesh.lines.iter().map(|p| point(*p))),
            ),
        };
        self.bounds = self.bounds.union(bounds);
    }

    /// Number of corners so far.
    pub fn corner_count(&self) -> usize {
        self.vertices.len()
    }

    /// Puts everything onto one grid.
    pub fn finish(self) -> Shape {
        let grid = Grid::around(&self.bounds);
        let corner = |v: &Vertex| Corner { position: grid.pack(v.position), normal: v.normal, colour: v.colour };
        let segment = |l: &Line| {
            let [from, to] = l.ends.map(|p| grid.pack(p));
            Segment { from, to, colour: l.colour, size: 0.0 }
        };
        let mut edges: Vec<Segment> = self.edges.iter().map(segment).collect();
        order_by_size(&grid, &mut edges);
        Shape {
            grid,
            corners: self.vertices.iter().map(corner).collect(),
            indices: self.indices,
            edges,
            lines: self.lines.iter().map(segment).collect(),
            bounds: self.bounds,
            error: 0.0,
            hash: [0; 32],
            levels: OnceLock::new(),
            hierarchy: Hierarchy::default(),
        }
    }

    /// Adds the triangles. A corner shared by runs of different colours is doubled.
    fn add_triangles(&mut self, mesh: &Mesh, base: usize) {
        let index = |i: u32| u32::try_from(base + i as usize).unwrap_or(u32::MAX);
        let start = self.indices.len();
        let count = mesh.positions.len();
        if count == 0 {
            return;
        }
        // A broken triangle collapses to a point instead of shifting those behind it.
        self.indices.extend(
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
        let runs =
            mesh.colours.iter().map(|c| (c.first_triangle as usize, c.triangle_count as usize, marked(c.colour)));
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
                for &i in &self.indices[start + from * 3..start + to * 3] {
                    painted[i as usize - base] = true;
                }
            }
        }
        for (first, n, colour) in runs {
            let (from, to) = (first.min(triangles), (first + n).min(triangles));
            for at in start + from * 3..start + to * 3 {
                let corner = self.indices[at];
                let vertex = self.vertices[corner as usize];
                if vertex.colour == colour {
                    continue;
                }
                let Some(painted) = painted.get_mut(corner as usize - base) else { continue };
                if !*painted {
                    *painted = true;
                    self.vertices[corner as usize].colour = colour;
                    continue;
                }
                let next = u32::try_from(self.vertices.len()).unwrap_or(u32::MAX);
                let double = *doubles.entry((corner, colour)).or_insert(next);
                if double == next {
                    self.vertices.push(Vertex { colour, ..vertex });
                }
                self.indices[at] = double;
            }
        }
    }
}

/// What the builder makes of one sound mesh without colours, without the detour over wide corners: most of the triangles
/// of the world come in such meshes.
pub(super) fn plain(mesh: &Mesh) -> Shape {
    let bounds = mesh.bounds();
    let grid = Grid::around(&bounds);
    let corners = mesh.positions.iter().zip(&mesh.normals).map(|(p, n)| Corner {
        position: grid.pack(*p),
        normal: pack_normal((*n).into()),
        colour: [0; 4],
    });
    let mut indices = mesh.indices.clone();
    for triangle in indices.as_chunks_mut::<3>().0 {
        let [p, q, r] = triangle.map(|i| Vec3::from(mesh.positions[i as usize]));
        let [a, b, c] = triangle.map(|i| Vec3::from(mesh.normals[i as usize]));
        if (q - p).cross(r - p).dot(a + b + c) < 0.0 {
            triangle.swap(1, 2);
        }
    }
    let segment = |ends: &[[f32; 3]; 2]| {
        let [from, to] = ends.map(|p| grid.pack(p));
        Segment { from, to, colour: [0; 4], size: 0.0 }
    };
    let mut edges: Vec<Segment> = mesh.edges.as_chunks::<2>().0.iter().map(segment).collect();
    order_by_size(&grid, &mut edges);
    Shape {
        grid,
        corners: corners.collect(),
        indices,
        edges,
        lines: mesh.lines.as_chunks::<2>().0.iter().map(segment).collect(),
        bounds,
        ..Shape::default()
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

/// A colour whose alpha cannot be taken for none: what is see-through to the last counts as barely visible.
pub(crate) fn marked(colour: Rgba8) -> [u8; 4] {
    let [r, g, b, a] = colour.0;
    [r, g, b, a.max(1)]
}

/// A direction in three times 10 bits, 0 to 1023 for -1 to 1. What has no direction points up.
pub fn pack_normal(n: Vec3) -> u32 {
    let n = n.try_normalize().unwrap_or(Vec3::Y);
    let part = |v: f32| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 10 bits")]
        let bits = ((v * 0.5 + 0.5) * 1023.0).round().clamp(0.0, 1023.0) as u32;
        bits
    };
    part(n.x) | part(n.y) << 10 | part(n.z) << 20
}

/// What [`pack_normal`] packed, of nearly unit length.
pub fn unpack_normal(bits: u32) -> Vec3 {
    #[expect(clippy::cast_precision_loss, reason = "10 bits")]
    let part = |shift: u32| ((bits >> shift) & 1023) as f32 / 511.5 - 1.0;
    Vec3::new(part(0), part(10), part(20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::ColourRange;
    use glam::Affine3A;

    fn quad() -> Mesh {
        Mesh {
            positions: vec![[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
            normals: vec![[0.0, 0.0, 1.0]; 4],
            indices: vec![0, 1, 2, 0, 2, 3],
            ..Mesh::default()
        }
    }

    fn colours_of(shape: &Shape, triangle: usize) -> Vec<[u8; 4]> {
        shape.indices[triangle * 3..triangle * 3 + 3].iter().map(|&i| shape.corners[i as usize].colour).collect()
    }

    fn run(first_triangle: u32, colour: Rgba8) -> ColourRange {
        ColourRange { first_triangle, triangle_count: 1, colour }
    }

    #[test]
    fn a_corner_shared_by_two_colours_is_doubled_and_others_are_not() {
        let (red, green) = (Rgba8([255, 0, 0, 255]), Rgba8([0, 255, 0, 255]));
        let shape = Shape::of(&Mesh { colours: vec![run(0, red), run(1, green)], ..quad() });
        assert_eq!(shape.corners.len(), 6);
        assert_eq!(colours_of(&shape, 0), vec![red.0; 3]);
        assert_eq!(colours_of(&shape, 1), vec![green.0; 3]);
    }

    #[test]
    fn triangles_outside_all_runs_keep_the_colour_of_the_place() {
        let red = Rgba8([255, 0, 0, 255]);
        let shape = Shape::of(&Mesh { colours: vec![run(1, red)], ..quad() });
        assert_eq!(colours_of(&shape, 0), vec![[0; 4]; 3]);
        assert_eq!(colours_of(&shape, 1), vec![red.0; 3]);
    }

    #[test]
    fn the_short_way_leads_to_the_same_shape() {
        let mut mesh = quad();
        mesh.indices.swap(1, 2);
        mesh.edges = vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0; 3], [0.5, 0.5, 0.0]];
        mesh.lines = vec![[0.0; 3], [3.0, 0.0, 0.0]];
        let mut builder = ShapeBuilder::default();
        builder.add(&mesh, None);
        let (long, short) = (builder.finish(), Shape::of(&mesh));
        assert_eq!((&long.corners, &long.indices), (&short.corners, &short.indices));
        assert_eq!((&long.edges, &long.lines), (&short.edges, &short.lines));
        assert_eq!((long.bounds, long.grid), (short.bounds, short.grid));
    }

    #[test]
    fn meshes_are_joined_where_they_stand() {
        let blue = Rgba8([0, 0, 255, 0]);
        let mut builder = ShapeBuilder::default();
        for (x, colour) in [(1.0, None), (5.0, Some(blue))] {
            let model_from_part = Affine3A::from_translation(Vec3::X * x);
            builder.add(&quad(), Some(&Place { model_from_part, colour }));
        }
        let shape = builder.finish();
        assert_eq!((shape.bounds.min.x, shape.bounds.max.x), (1.0, 6.0));
        assert_eq!(colours_of(&shape, 0), vec![[0; 4]; 3]);
        assert_eq!(colours_of(&shape, 2), vec![[0, 0, 255, 1]; 3]);
        assert!((shape.triangle(2)[1].x - 6.0).abs() < 1e-5);
    }

    #[test]
    fn indices_past_the_end_do_not_reach_the_shape() {
        let mut mesh = quad();
        mesh.indices[4] = 99;
        let shape = Shape::of(&mesh);
        assert!(shape.indices.iter().all(|&i| i < 4) && shape.indices.len() == 6);
        let lost = Mesh { indices: vec![0, 1, 2], ..Mesh::default() };
        assert!(Shape::of(&lost).is_empty());
    }

    #[test]
    fn normals_survive_packing() {
        for n in [Vec3::X, Vec3::NEG_Y, Vec3::new(0.6, -0.48, 0.64)] {
            assert!((unpack_normal(pack_normal(n)) - n).length() < 0.003, "{n}");
        }
        assert_eq!(pack_normal(Vec3::NAN), pack_normal(Vec3::Y));
    }
}
