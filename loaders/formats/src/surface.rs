//! From what the formats give (points, perhaps normals and colours, triangles) to a [`Mesh`] that keeps its contract.

use rr_load::mesh::{self, Soup};
use rr_scene::{ColourRange, Mesh, Rgba8};
use std::collections::BTreeMap;
use std::convert::Infallible;

/// Coordinates beyond this are damage, not geometry: their squares leave the range of `f32`.
const MAX_COORDINATE: f32 = 1e18;

/// A surface as a file describes it.
#[derive(Debug, Default)]
pub struct Surface {
    /// Points.
    pub positions: Vec<[f32; 3]>,
    /// One per point, or none at all. What is no direction is replaced by that of a face.
    pub normals: Vec<[f32; 3]>,
    /// Three points each.
    pub triangles: Vec<[u32; 3]>,
    /// One per triangle, or none at all.
    pub colours: Vec<Option<Rgba8>>,
    /// Curves as pairs of points.
    pub lines: Vec<[f32; 3]>,
}

/// Counted faults: each kind is told once.
#[derive(Debug, Default)]
pub struct Faults(BTreeMap<String, usize>);

impl Faults {
    /// Counts `count` more of `what`, which is said after the number.
    pub fn add(&mut self, what: &str, count: usize) {
        if count > 0 {
            *self.0.entry(what.to_owned()).or_default() += count;
        }
    }

    /// The warnings.
    pub fn into_warnings(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(what, count)| format!("{count} {what}"))
    }
}

impl Surface {
    /// True when there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.triangles.is_empty() && self.lines.is_empty()
    }

    /// The mesh. Triangles keep their order.
    pub fn into_mesh(mut self, faults: &mut Faults) -> Mesh {
        self.drop_unusable(faults);
        let colours = runs(&self.colours);
        let lines = std::mem::take(&mut self.lines);
        let welded = mesh::weld(&Corners(&self), || Ok::<(), Infallible>(()));
        let Ok(shaded) = welded.and_then(|w| mesh::shade(w, mesh::DEFAULT_CREASE_DEGREES, || Ok(())));
        let mesh =
            if self.normals.is_empty() { shaded } else { Mesh { edges: shaded.edges, ..self.with_own_normals() } };
        Mesh { colours, lines, ..mesh }
    }

    fn drop_unusable(&mut self, faults: &mut Faults) {
        if self.normals.len() != self.positions.len() {
            self.normals.clear();
        }
        let usable: Vec<bool> = self.positions.iter().map(is_usable).collect();
        let keep: Vec<bool> =
            self.triangles.iter().map(|t| t.iter().all(|&i| usable.get(i as usize) == Some(&true))).collect();
        let dropped = keep.iter().filter(|k| !**k).count();
        if dropped > 0 {
            let mut kept = keep.iter();
            self.triangles.retain(|_| *kept.next().unwrap_or(&true));
            if self.colours.len() == keep.len() {
                let mut kept = keep.iter();
                self.colours.retain(|_| *kept.next().unwrap_or(&true));
            }
            faults.add("triangles are left out: a corner is missing, infinite or not a number", dropped);
        }
        if self.colours.len() != self.triangles.len() {
            self.colours.clear();
        }
        let before = self.lines.len() / 2;
        let (pairs, _) = self.lines.as_chunks::<2>();
        self.lines = pairs.iter().filter(|pair| pair.iter().all(is_usable)).flatten().copied().collect();
        faults.add("lines are left out: an end is infinite or not a number", before - self.lines.len() / 2);
    }

    /// Points that are used, with the normals of the file.
    fn with_own_normals(&self) -> Mesh {
        const UNSEEN: u32 = u32::MAX;
        let mut renumbered = vec![UNSEEN; self.positions.len()];
        let mut mesh = Mesh { indices: Vec::with_capacity(self.triangles.len() * 3), ..Mesh::default() };
        for triangle in &self.triangles {
            let mut face = None;
            for &i in triangle {
                let i = i as usize;
                if renumbered[i] == UNSEEN {
                    renumbered[i] = u32::try_from(mesh.positions.len()).unwrap_or(UNSEEN - 1);
                    mesh.positions.push(self.positions[i]);
                    mesh.normals.push(
                        unit(self.normals[i])
                            .unwrap_or_else(|| *face.get_or_insert_with(|| self.face_normal(triangle))),
                    );
                }
                mesh.indices.push(renumbered[i]);
            }
        }
        mesh
    }

    fn face_normal(&self, triangle: &[u32; 3]) -> [f32; 3] {
        let [a, b, c] = triangle.map(|i| glam::Vec3::from(self.positions[i as usize]));
        (b - a).cross(c - a).try_normalize().unwrap_or(glam::Vec3::Z).to_array()
    }
}

/// The triangles of a surface with corners of their own.
struct Corners<'a>(&'a Surface);

impl Soup for Corners<'_> {
    fn len(&self) -> usize {
        self.0.triangles.len()
    }

    fn triangle(&self, index: usize) -> [[f32; 3]; 3] {
        self.0.triangles[index].map(|i| self.0.positions[i as usize])
    }
}

fn is_usable(point: &[f32; 3]) -> bool {
    // Not a number compares with nothing.
    point.iter().all(|c| c.abs() <= MAX_COORDINATE)
}

fn unit(normal: [f32; 3]) -> Option<[f32; 3]> {
    let normal = glam::Vec3::from(normal);
    Some(normal.is_finite().then_some(normal)?.try_normalize()?.to_array())
}

/// Neighbouring triangles of one colour become one run.
fn runs(colours: &[Option<Rgba8>]) -> Vec<ColourRange> {
    let mut runs: Vec<ColourRange> = Vec::new();
    for (triangle, colour) in (0u32..).zip(colours) {
        let Some(colour) = *colour else { continue };
        match runs.last_mut() {
            Some(last) if last.colour == colour && last.first_triangle + last.triangle_count == triangle => {
                last.triangle_count += 1;
            }
            _ => runs.push(ColourRange { first_triangle: triangle, triangle_count: 1, colour }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgba8 = Rgba8([255, 0, 0, 255]);

    fn square() -> Surface {
        Surface {
            positions: vec![[0.0; 3], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [9.0; 3]],
            triangles: vec![[0, 1, 2], [0, 2, 3]],
            ..Surface::default()
        }
    }

    #[test]
    fn without_normals_the_surface_is_shaded_and_gets_edges() {
        let mesh = square().into_mesh(&mut Faults::default());
        mesh.check().unwrap();
        assert_eq!((mesh.positions.len(), mesh.triangle_count(), mesh.edges.len()), (4, 2, 8));
        assert!(mesh.normals.iter().all(|n| *n == [0.0, 0.0, 1.0]));
    }

    #[test]
    fn normals_of_the_file_are_kept_and_repaired() {
        let normals = vec![[0.0, 0.0, 2.0], [0.0, 1.0, 0.0], [f32::NAN; 3], [0.0; 3], [1.0; 3]];
        let mesh = Surface { normals, ..square() }.into_mesh(&mut Faults::default());
        mesh.check().unwrap();
        assert_eq!(mesh.normals, [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]);
        assert_eq!(mesh.edges.len(), 8);
    }

    #[test]
    fn damage_is_left_out_and_counted() {
        let mut surface = square();
        surface.positions[4] = [f32::INFINITY, 0.0, 0.0];
        surface.triangles.extend([[0, 1, 4], [0, 1, 77]]);
        surface.colours = vec![None, Some(RED), Some(RED), Some(RED)];
        surface.lines = vec![[0.0; 3], [1.0; 3], [f32::NAN; 3], [0.0; 3]];
        let mut faults = Faults::default();
        let mesh = surface.into_mesh(&mut faults);
        mesh.check().unwrap();
        assert_eq!((mesh.triangle_count(), mesh.line_count()), (2, 1));
        assert_eq!(mesh.colours, [ColourRange { first_triangle: 1, triangle_count: 1, colour: RED }]);
        assert_eq!(faults.into_warnings().count(), 2);
    }
}
