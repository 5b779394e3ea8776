//! One part as buffers: sorted by colour, in an order that caches and codecs like, on a grid of 16 bits where that is
//! fine enough.

use crate::{ExportError, buffer::Buffer};
use glam::{Affine3A, Vec3};
use rr_scene::{Mesh, Rgba8};

/// Where the parts of a mesh lie in the file.
pub struct Written {
    /// Accessors of the triangles of each colour, and their attributes.
    pub groups: Vec<(Option<Rgba8>, usize)>,
    pub positions: usize,
    pub normals: usize,
    /// Accessor of the ends of lines.
    pub lines: Option<usize>,
    /// From the numbers in the file to the coordinates of the part.
    pub part_from_file: Affine3A,
}

/// Steps along an edge of the grid.
const GRID: f32 = 65535.0;

/// Writes a mesh that is drawn at `scale` metres per unit at most; `None` when it holds nothing.
pub fn write(mesh: &Mesh, scale: f32, max_error_m: f32, buffer: &mut Buffer) -> Result<Option<Written>, ExportError> {
    if mesh.indices.is_empty() && mesh.lines.is_empty() {
        return Ok(None);
    }
    let grid = Grid::over(mesh, scale, max_error_m);
    let mut written = Written {
        groups: Vec::new(),
        positions: 0,
        normals: 0,
        lines: None,
        part_from_file: grid.as_ref().map_or(Affine3A::IDENTITY, Grid::part_from_file),
    };
    if !mesh.indices.is_empty() {
        let groups = by_colour(mesh);
        let counts: Vec<usize> = groups.iter().map(|(_, indices)| indices.len()).collect();
        let (indices, order) = optimised(mesh, &groups);
        let points: Vec<[f32; 3]> = order.iter().map(|&v| mesh.positions[v as usize]).collect();
        let normals: Vec<[f32; 3]> = order.iter().map(|&v| mesh.normals[v as usize]).collect();
        written.positions = write_points(&points, grid.as_ref(), buffer)?;
        written.normals = buffer.normals(&normals)?;
        let accessors = buffer.triangles(&indices, &counts, points.len())?;
        written.groups = groups.iter().map(|(colour, _)| *colour).zip(accessors).collect();
    }
    if !mesh.lines.is_empty() {
        written.lines = Some(write_points(&mesh.lines, grid.as_ref(), buffer)?);
    }
    Ok(Some(written))
}

fn write_points(points: &[[f32; 3]], grid: Option<&Grid>, buffer: &mut Buffer) -> Result<usize, ExportError> {
    match grid {
        Some(grid) => buffer.grid(&points.iter().map(|p| grid.steps(*p)).collect::<Vec<_>>()),
        None => buffer.floats(points),
    }
}

/// Points with integer coordinates over the box of a mesh, equally far apart along all axes.
struct Grid {
    origin: Vec3,
    step: f32,
}

impl Grid {
    /// `None` when the grid would be too coarse.
    fn over(mesh: &Mesh, scale: f32, max_error_m: f32) -> Option<Self> {
        let used = mesh.indices.iter().map(|&i| mesh.positions[i as usize]).chain(mesh.lines.iter().copied());
        let bounds = rr_scene::Aabb::of_points(used);
        let step = bounds.size().max_element() / GRID;
        // A point is off by half a step along each axis at most.
        let error = step * 0.5 * 3f32.sqrt() * scale;
        (step.is_normal() && error <= max_error_m).then_some(Self { origin: bounds.min, step })
    }

    fn steps(&self, point: [f32; 3]) -> [u16; 4] {
        let at = (Vec3::from(point) - self.origin) / self.step;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the grid")]
        let [x, y, z] = at.to_array().map(|v| v.round().clamp(0.0, GRID) as u16);
        [x, y, z, 0]
    }

    fn part_from_file(&self) -> Affine3A {
        Affine3A::from_scale_rotation_translation(Vec3::splat(self.step), glam::Quat::IDENTITY, self.origin)
    }
}

/// The triangles of each colour, in the order of the first of each.
fn by_colour(mesh: &Mesh) -> Vec<(Option<Rgba8>, Vec<u32>)> {
    let mut groups: Vec<(Option<Rgba8>, Vec<u32>)> = Vec::new();
    let mut known = std::collections::HashMap::new();
    let mut add = |colour: Option<Rgba8>, from: usize, to: usize| {
        if from < to {
            let group = *known.entry(colour).or_insert_with(|| {
                groups.push((colour, Vec::new()));
                groups.len() - 1
            });
            groups[group].1.extend_from_slice(&mesh.indices[from * 3..to * 3]);
        }
    };
    let mut end = 0;
    for run in &mesh.colours {
        let first = run.first_triangle as usize;
        add(None, end, first);
        end = first + run.triangle_count as usize;
        add(Some(run.colour), first, end);
    }
    add(None, end, mesh.triangle_count());
    groups
}

/// Indices of all groups after each other, and the vertices in the order of their first use.
fn optimised(mesh: &Mesh, groups: &[(Option<Rgba8>, Vec<u32>)]) -> (Vec<u32>, Vec<u32>) {
    const UNUSED: u32 = u32::MAX;
    let mut renumbered = vec![UNUSED; mesh.positions.len()];
    let mut order = Vec::new();
    let mut all = Vec::with_capacity(mesh.indices.len());
    for (_, indices) in groups {
        for vertex in meshopt::optimize_vertex_cache(indices, mesh.positions.len()) {
            let new = &mut renumbered[vertex as usize];
            if *new == UNUSED {
                *new = u32::try_from(order.len()).unwrap_or(UNUSED);
                order.push(vertex);
            }
            all.push(*new);
        }
    }
    (all, order)
}
