//! Stand-ins: one coarse shape for all faces of a model. A machine of two hundred parts that is thirty pixels wide is
//! then one thing to draw with a few hundred triangles; part by part it could not get below a few thousand.

use super::levels::{MAX_ERROR, MAX_TRIANGLES};
use super::simplify::Corners;
use rr_scene::shape::{pack_normal, unpack_normal};
use rr_scene::{Aabb, Corner, Grid, Level, Levels, Piece, Shape};
use std::sync::{Arc, OnceLock};

/// Models with fewer triangles than this are drawn part by part.
const MIN_TRIANGLES: usize = 64;
/// How far the parts may be off that the stand-in is made of, as a share of the model's radius.
const SOURCE_ERROR: f32 = 0.001;
/// How far the finest stand-in may be off; each next one twice as far.
const FIRST_ERROR: f32 = 0.004;
/// A level that keeps more than this share of the one before is not worth its memory.
const WORTH: f32 = 0.8;
/// A stand-in with more than this share of the model's triangles saves nothing, unless it saves many things to draw.
const WORTH_AT_ALL: f32 = 0.6;
const MANY: usize = 16;

/// The stand-in of a model; `None` when it would not help. What one sees through is left out: it is drawn for itself.
pub(super) fn of(pieces: &[Piece]) -> Option<Shape> {
    let opaque: Vec<Piece> = pieces
        .iter()
        .map(|p| Piece { shape: Arc::clone(&p.shape), places: p.opaque_places().copied().collect() })
        .filter(|p| !p.places.is_empty())
        .collect();
    of_opaque(&opaque)
}

fn of_opaque(pieces: &[Piece]) -> Option<Shape> {
    let things: usize = pieces.iter().filter(|p| !p.shape.indices.is_empty()).map(|p| p.places.len()).sum();
    let total: usize = pieces.iter().map(|p| p.shape.triangle_count() * p.places.len()).sum();
    if things < 2 || total < MIN_TRIANGLES {
        return None;
    }
    let bounds = pieces
        .iter()
        .flat_map(|p| p.places.iter().map(move |at| (p, at)))
        .fold(Aabb::EMPTY, |all, (p, at)| all.union(p.shape.bounds.transformed(&at.model_from_part)));
    let radius = bounds.radius();
    let mut whole = Whole::default();
    for piece in pieces {
        whole.add(piece, radius * SOURCE_ERROR)?;
    }
    let (indices, levels) = whole.simplify(radius);
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = levels.first()?.count as f32 / (total * 3) as f32;
    // A mirror turns faces over.
    let upright = |p: &Piece| p.places.iter().all(|at| at.model_from_part.matrix3.determinant() > 0.0);
    let is_solid = pieces.iter().all(|p| p.shape.indices.is_empty() || p.shape.is_solid() && upright(p));
    (share <= WORTH_AT_ALL || things > MANY).then(|| whole.shape(&indices, &levels, is_solid))
}

/// All faces of a model.
#[derive(Default)]
struct Whole {
    corners: Corners,
    /// Normal and colour of each corner.
    looks: Vec<(u32, [u8; 4])>,
    indices: Vec<u32>,
}

impl Whole {
    /// `None` when it becomes too much.
    fn add(&mut self, piece: &Piece, error: f32) -> Option<()> {
        let shape = &piece.shape;
        for place in &piece.places {
            let m = place.model_from_part;
            let scale = [m.x_axis, m.y_axis, m.z_axis].into_iter().fold(0.0f32, |s, a| s.max(a.length()));
            let levels = shape.levels.get();
            let coarse = shape.level(error / scale).and_then(|i| Some((levels?, levels?.levels[i])));
            let indices = match coarse {
                Some((all, l)) => &all.indices[l.first as usize..(l.first + l.count) as usize],
                None => &shape.indices,
            };
            if (self.indices.len() + indices.len()) / 3 > MAX_TRIANGLES {
                return None;
            }
            let normal_matrix = m.matrix3.inverse().transpose();
            let mut renumbered = vec![u32::MAX; shape.corners.len()];
            for &i in indices {
                let number = &mut renumbered[i as usize];
                if *number == u32::MAX {
                    *number = u32::try_from(self.looks.len()).ok()?;
                    let corner = &shape.corners[i as usize];
                    let position = m.transform_point3a(shape.grid.unpack(corner.position)).to_array();
                    let own = corner.colour[3] > 0;
                    let colour = place.colour.filter(|_| !own).map_or(corner.colour, |c| c.0);
                    let normal = pack_normal(normal_matrix * unpack_normal(corner.normal));
                    self.corners.push(position, normal, colour);
                    self.looks.push((normal, colour));
                }
                self.indices.push(*number);
            }
        }
        Some(())
    }

    /// As few triangles as will do for each error.
    fn simplify(&self, radius: f32) -> (Vec<u32>, Vec<Level>) {
        let (mut all, mut levels) = (Vec::new(), Vec::<Level>::new());
        let mut finer = self.indices.clone();
        let (mut error, mut allowed) = (radius * SOURCE_ERROR, radius * FIRST_ERROR);
        while allowed <= radius * MAX_ERROR * 1.1 {
            let Some((coarser, added)) = self.corners.simplify(&finer, 0, allowed - error) else { break };
            allowed *= 2.0;
            #[expect(clippy::cast_precision_loss, reason = "a share")]
            let share = coarser.len() as f32 / finer.len().max(1) as f32;
            if share > WORTH && !levels.is_empty() {
                continue;
            }
            error += added;
            let (Ok(first), Ok(count)) = (u32::try_from(all.len()), u32::try_from(coarser.len())) else { break };
            all.extend_from_slice(&coarser);
            levels.push(Level { first, count, error });
            finer = coarser;
        }
        (all, levels)
    }

    /// The corners in use, the finest level as the full shape, the others as its levels.
    fn shape(&self, indices: &[u32], levels: &[Level], is_solid: bool) -> Shape {
        let finest = levels[0].count as usize;
        let mut renumbered = vec![u32::MAX; self.looks.len()];
        let mut used = Vec::new();
        for &i in &indices[..finest] {
            if renumbered[i as usize] == u32::MAX {
                #[expect(clippy::cast_possible_truncation, reason = "no more than there were before")]
                let number = used.len() as u32;
                renumbered[i as usize] = number;
                used.push(i as usize);
            }
        }
        let bounds = Aabb::of_points(used.iter().map(|&i| self.corners.positions[i]));
        let grid = Grid::around(&bounds);
        let corner = |&i: &usize| {
            let (normal, colour) = self.looks[i];
            Corner { position: grid.pack(self.corners.positions[i]), normal, colour }
        };
        // Coarser versions use corners of finer ones only.
        let mut all: Vec<u32> = indices.iter().map(|&i| renumbered[i as usize]).collect();
        let coarser = all.split_off(finest);
        let shift = |l: &Level| Level { first: l.first - levels[0].count, ..*l };
        let levels_of = Levels { indices: coarser, levels: levels[1..].iter().map(shift).collect(), is_solid };
        Shape {
            grid,
            corners: used.iter().map(corner).collect(),
            indices: all,
            bounds,
            error: levels[0].error,
            levels: OnceLock::from(levels_of),
            ..Shape::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{Affine3A, Vec3};
    use rr_scene::{Mesh, Place, Rgba8};
    use std::sync::Arc;

    /// A bar with many cuts along it.
    fn bar(cuts: u16) -> Shape {
        let mut mesh = Mesh::default();
        for i in 0..=cuts {
            let x = f32::from(i) / f32::from(cuts);
            for (y, z) in [(0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.1)] {
                mesh.positions.push([x, y, z]);
                mesh.normals.push(Vec3::new(0.0, y - 0.05, z - 0.05).normalize().to_array());
            }
            if i < cuts {
                for k in 0..4 {
                    let (a, b) = (u32::from(i) * 4 + k, u32::from(i) * 4 + (k + 1) % 4);
                    mesh.indices.extend([a, b, a + 4, a + 4, b, b + 4]);
                }
            }
        }
        Shape::of(&mesh)
    }

    fn piece(places: u8) -> Piece {
        let at = |i: u8| Place {
            model_from_part: Affine3A::from_translation(Vec3::Z * f32::from(i) * 0.3),
            colour: Some(Rgba8([i, 2, 3, 255])),
        };
        Piece { shape: Arc::new(bar(100)), places: (0..places).map(at).collect() }
    }

    #[test]
    fn a_stand_in_has_far_fewer_triangles_and_the_same_outline() {
        let pieces = [piece(5)];
        let shape = of(&pieces).unwrap();
        assert_eq!(shape.check(), Ok(()));
        assert!(shape.triangle_count() <= 5 * 16, "{}", shape.triangle_count());
        assert!((shape.bounds.max - Vec3::new(1.0, 0.1, 1.3)).length() < 0.01, "{:?}", shape.bounds);
        assert!(shape.error > 0.0 && shape.error < 0.01);
        let colours: std::collections::BTreeSet<_> = shape.corners.iter().map(|c| c.colour).collect();
        assert_eq!(colours.len(), 5, "every place keeps its colour");
        let levels = shape.levels.get().unwrap();
        assert!(levels.levels.iter().all(|l| l.error > shape.error));
    }

    #[test]
    fn what_is_one_thing_or_next_to_nothing_has_none() {
        assert!(of(&[piece(1)]).is_none());
        assert!(of(&[]).is_none());
        let few = Piece { shape: Arc::new(bar(1)), ..piece(2) };
        assert!(of(&[few]).is_none());
    }
}
