//! Geometry as the host keeps it: small, ready for a graphics device, exact enough to pick and measure on.
//!
//! A [`Shape`] is made once from what a loader read ([`crate::Mesh`]) and never changes. Points lie on a [`Grid`] of two
//! million steps along the longest edge of the shape's box, so that a corner with normal and colour takes 16 bytes and is
//! never off by more than a quarter of a millionth of that edge.

mod build;
mod edges;

pub use build::{ShapeBuilder, pack_normal, unpack_normal};

use crate::geometry::{Aabb, Mesh};
use bytemuck::{Pod, Zeroable};
use glam::{Affine3A, Vec3, Vec3A};
use obvhs::BvhBuildParams;
use obvhs::cwbvh::CwBvh;
use obvhs::cwbvh::builder::build_cwbvh_from_tris;
use obvhs::ray::{Ray, RayHit};
use obvhs::triangle::Triangle;
use std::sync::OnceLock;
use std::time::Duration;

/// A point on a [`Grid`]: 21 bits for x, then y, then z, from the lowest bit up.
pub type GridPoint = [u32; 2];

/// A corner of a triangle.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub struct Corner {
    /// On the shape's grid.
    pub position: GridPoint,
    /// Three times 10 bits, 0 to 1023 for -1 to 1.
    pub normal: u32,
    /// sRGB and alpha; alpha 0 means that the colour of the place counts.
    pub colour: [u8; 4],
}

/// A line between two points: a feature edge of faces, or geometry of its own.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Segment {
    /// On the shape's grid.
    pub from: GridPoint,
    /// On the shape's grid.
    pub to: GridPoint,
    /// As in [`Corner::colour`].
    pub colour: [u8; 4],
    /// Of a feature edge: how large the feature is that it belongs to, in the units of the shape.
    pub size: f32,
}

/// Where the grid of a shape lies.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Grid {
    /// The point 0, 0, 0.
    pub origin: [f32; 3],
    /// Distance between neighbouring points, the same along all axes.
    pub step: f32,
}

const AXIS_BITS: u32 = 21;
const AXIS_MASK: u32 = (1 << AXIS_BITS) - 1;

impl Grid {
    /// The grid that holds a box. That of an empty box holds the origin only.
    pub fn around(bounds: &Aabb) -> Self {
        let edge = bounds.size().max_element();
        #[expect(clippy::cast_precision_loss, reason = "21 bits")]
        let step = edge / AXIS_MASK as f32;
        let origin = if bounds.is_empty() { [0.0; 3] } else { bounds.min.to_array() };
        // Grids of single points and of boxes that leave the range of f32 have a step all the same.
        Self { origin, step: if step.is_normal() { step } else { f32::MIN_POSITIVE } }
    }

    /// The nearest point of the grid; what lies outside comes to its border.
    pub fn pack(&self, point: [f32; 3]) -> GridPoint {
        let axis = |i: usize| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates; NaN is 0")]
            let n = ((point[i] - self.origin[i]) / self.step + 0.5) as u32;
            n.min(AXIS_MASK)
        };
        let (x, y, z) = (axis(0), axis(1), axis(2));
        [x | y << AXIS_BITS, y >> 11 | z << 10]
    }

    /// Steps along each axis.
    pub fn steps([low, high]: GridPoint) -> [u32; 3] {
        [low & AXIS_MASK, (low >> AXIS_BITS | high << 11) & AXIS_MASK, high >> 10 & AXIS_MASK]
    }

    /// In the coordinates of the shape.
    pub fn unpack(&self, point: GridPoint) -> Vec3A {
        #[expect(clippy::cast_precision_loss, reason = "21 bits")]
        let n = Self::steps(point).map(|n| n as f32);
        Vec3A::from(self.origin) + Vec3A::from(n) * self.step
    }
}

/// A coarser version of a shape's faces: a range of [`Levels::indices`].
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Level {
    /// First index.
    pub first: u32,
    /// Number of indices, three per triangle.
    pub count: u32,
    /// Largest distance from the true surface, in the units of the shape.
    pub error: f32,
}

/// Coarser versions over the same corners, finest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Levels {
    /// Of all levels, one after the other.
    pub indices: Vec<u32>,
    /// Errors rise and counts fall from each to the next.
    pub levels: Vec<Level>,
    /// The faces close off a volume and look outwards: whoever is outside sees no back of any of them.
    pub is_solid: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Shape {
    /// Where the points lie.
    pub grid: Grid,
    /// Corners that triangles share.
    pub corners: Vec<Corner>,
    /// Three per triangle, counter-clockwise seen from outside.
    pub indices: Vec<u32>,
    /// Feature edges, those of the largest features first.
    pub edges: Vec<Segment>,
    /// Curves that are geometry of their own.
    pub lines: Vec<Segment>,
    /// Box around triangles and lines.
    pub bounds: Aabb,
    /// How far the faces may be from the true surface: 0 but for stand-ins of whole models.
    pub error: f32,
    /// What tells the geometry from any other (BLAKE3), or zeroes when nobody asked.
    pub hash: [u8; 32],
    /// Coarser versions, once they are made; an empty list when there are none.
    pub levels: OnceLock<Levels>,
    /// What rays are cast against; made when first needed.
    pub hierarchy: Hierarchy,
}

/// Bounding volume hierarchy over the triangles of a shape.
#[derive(Default)]
pub struct Hierarchy(OnceLock<Option<CwBvh>>);

impl std::fmt::Debug for Hierarchy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hierarchy").field(&self.0.get().is_some()).finish()
    }
}

impl Default for Grid {
    fn default() -> Self {
        Self::around(&Aabb::EMPTY)
    }
}

impl Shape {
    /// The shape of one mesh.
    pub fn of(mesh: &Mesh) -> Self {
        if mesh.colours.is_empty() && mesh.check().is_ok() {
            return build::plain(mesh);
        }
        let mut builder = ShapeBuilder::default();
        builder.add(mesh, None);
        builder.finish()
    }

    /// Number of triangles at full detail.
    pub fn triangle_count(&self) -> usize {
        self.indices.len() / 3
    }

    /// True when there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty() && self.edges.is_empty() && self.lines.is_empty()
    }

    /// The three points of a triangle, in the coordinates of the shape. Panics past the last one.
    pub fn triangle(&self, index: usize) -> [Vec3A; 3] {
        let corner = |k: usize| self.grid.unpack(self.corners[self.indices[index * 3 + k] as usize].position);
        [corner(0), corner(1), corner(2)]
    }

    /// Makes what [`Shape::cast`] needs: about 0.15 s for a million triangles on one core.
    pub fn prepare_picking(&self) {
        self.hierarchy.0.get_or_init(|| {
            let triangles: Vec<Triangle> = (0..self.triangle_count()).map(|i| self.bvh_triangle(i)).collect();
            let parameters = BvhBuildParams::fast_build();
            (!triangles.is_empty()).then(|| build_cwbvh_from_tris(&triangles, parameters, &mut Duration::default()))
        });
    }

    /// How many lengths of `direction` a ray goes until it meets the first triangle, if it does so before `nearest`, and
    /// which that is. Nothing is hit before [`Shape::prepare_picking`] was called.
    pub fn cast(&self, origin: Vec3A, direction: Vec3A, nearest: f32) -> Option<(f32, usize)> {
        let bvh = self.hierarchy.0.get()?.as_ref()?;
        let mut hit = RayHit::none();
        let found = bvh.ray_traverse(Ray::new(origin, direction, 0.0, nearest), &mut hit, |ray, id| {
            self.bvh_triangle(bvh.primitive_indices[id] as usize).intersect(ray)
        });
        (found && hit.t < nearest).then(|| (hit.t, bvh.primitive_indices[hit.primitive_id as usize] as usize))
    }

    fn bvh_triangle(&self, index: usize) -> Triangle {
        let [v0, v1, v2] = self.triangle(index);
        Triangle { v0, v1, v2 }
    }

    /// The ends of a line, in the coordinates of the shape.
    pub fn ends(&self, segment: &Segment) -> [Vec3A; 2] {
        [self.grid.unpack(segment.from), self.grid.unpack(segment.to)]
    }

    /// The coarsest version that is off by at most `error`; `None`: the full one.
    pub fn level(&self, error: f32) -> Option<usize> {
        self.levels.get()?.levels.iter().rposition(|l| l.error <= error)
    }

    /// True once it is known that the faces close off a volume and look outwards.
    pub fn is_solid(&self) -> bool {
        self.levels.get().is_some_and(|l| l.is_solid)
    }

    /// True when one sees through some of its faces. Looks at every corner.
    pub fn is_transparent(&self) -> bool {
        self.corners.iter().any(|c| (1..255).contains(&c.colour[3]))
    }

    /// How many of the first feature edges belong to features of at least this size.
    pub fn edges_of_size(&self, size: f32) -> usize {
        self.edges.partition_point(|e| e.size >= size)
    }

    /// Bytes of all arrays.
    pub fn bytes(&self) -> usize {
        let levels = self.levels.get().map_or(0, |l| size_of_val(l.indices.as_slice()));
        size_of_val(self.corners.as_slice())
            + size_of_val(self.indices.as_slice())
            + size_of_val(self.edges.as_slice())
            + size_of_val(self.lines.as_slice())
            + levels
    }

    /// Says what is wrong with the arrays, if anything: what reads a shape from outside has to ask this.
    pub fn check(&self) -> Result<(), String> {
        let finite = |v: &[f32]| v.iter().all(|v| v.is_finite());
        let corners = self.corners.len();
        let levels = self.levels.get();
        let all = [&self.indices[..], levels.map_or(&[][..], |l| &l.indices)];
        for indices in all {
            if !indices.len().is_multiple_of(3) {
                return Err(format!("{} indices are not whole triangles", indices.len()));
            }
            if let Some(largest) = indices.iter().max().filter(|&&i| i as usize >= corners) {
                return Err(format!("index {largest} is past the {corners} corners"));
            }
        }
        let mut end = 0u64;
        for level in levels.map_or(&[][..], |l| &l.levels) {
            let whole = u64::from(level.first) == end && level.count.is_multiple_of(3);
            end += u64::from(level.count);
            if !whole || !level.error.is_finite() {
                return Err("a coarser version is no run of whole triangles".into());
            }
        }
        if end != levels.map_or(0, |l| l.indices.len() as u64) {
            return Err("coarser versions end before or past their triangles".into());
        }
        if !self.edges.iter().all(|e| e.size.is_finite()) || !self.edges.is_sorted_by(|a, b| a.size >= b.size) {
            return Err("edges are not in the order of their size".into());
        }
        let bounds = [self.bounds.min.to_array(), self.bounds.max.to_array()];
        let empty = self.bounds.is_empty() && self.is_empty();
        if !finite(&self.grid.origin) || !self.grid.step.is_finite() || !(finite(bounds.as_flattened()) || empty) {
            return Err("a coordinate is not finite".into());
        }
        Ok(())
    }
}

/// Space of the grid's whole numbers to the coordinates of the shape.
impl From<Grid> for Affine3A {
    fn from(grid: Grid) -> Self {
        Self::from_translation(Vec3::from(grid.origin)) * Self::from_scale(Vec3::splat(grid.step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_back_from_the_grid() {
        let bounds = Aabb { min: Vec3::new(-3.0, 10.0, 0.5), max: Vec3::new(5.0, 11.0, 0.6) };
        let grid = Grid::around(&bounds);
        for i in 0..=1000 {
            let t = f32::from(i as u16) / 1000.0;
            for p in [bounds.min.lerp(bounds.max, t), Vec3::new(bounds.max.x, bounds.min.y, bounds.min.z + t * 0.1)] {
                let back = Vec3::from(grid.unpack(grid.pack(p.to_array())));
                assert!((back - p).abs().max_element() < 8.0 / 2e6, "{p} {back}");
            }
        }
    }

    #[test]
    fn grids_of_nothing_of_points_and_of_everything_do_no_harm() {
        let point = Aabb { min: Vec3::ONE, max: Vec3::ONE };
        let huge = Aabb { min: Vec3::splat(-3e38), max: Vec3::splat(3e38) };
        for bounds in [Aabb::EMPTY, point, huge] {
            let grid = Grid::around(&bounds);
            for p in [[0.0; 3], [1.0; 3], [f32::NAN; 3], [f32::INFINITY; 3], [-3e38; 3]] {
                assert!(grid.step > 0.0 && grid.unpack(grid.pack(p)).is_finite() || bounds == huge, "{bounds:?} {p:?}");
            }
        }
        let grid = Grid::around(&point);
        assert_eq!(Vec3::from(grid.unpack(grid.pack([1.0; 3]))), Vec3::ONE);
    }

    #[test]
    fn hostile_arrays_are_found() {
        let mesh = Mesh {
            positions: vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
            normals: vec![[0.0, 0.0, 1.0]; 3],
            indices: vec![0, 1, 2],
            edges: vec![[0.0; 3], [1.0, 0.0, 0.0]],
            ..Mesh::default()
        };
        assert_eq!(Shape::of(&mesh).check(), Ok(()));
        assert_eq!(Shape::default().check(), Ok(()));
        let broken: [&dyn Fn(&mut Shape); 7] = [
            &|s| s.indices[1] = 3,
            &|s| s.indices.truncate(2),
            &|s| s.edges[0].size = f32::NAN,
            &|s| s.grid.step = f32::INFINITY,
            &|s| s.bounds.max.x = f32::NAN,
            &|s| drop(s.levels.set(Levels { indices: vec![0, 1, 3], ..Levels::default() })),
            &|s| {
                let level = Level { first: 3, count: 3, error: 0.0 };
                drop(s.levels.set(Levels { indices: vec![0, 1, 2], levels: vec![level], is_solid: false }));
            },
        ];
        for (i, break_it) in broken.iter().enumerate() {
            let mut shape = Shape::of(&mesh);
            break_it(&mut shape);
            assert!(shape.check().is_err(), "{i}");
        }
    }
}
