//! Coarser versions of shapes, for where they are small in the picture. Each is a list of indices into the corners that
//! are there already.

use super::simplify::Corners;
use super::solid;
use rr_scene::{Level, Levels, Shape};

/// Shapes with fewer triangles are always drawn in full.
const MIN_TRIANGLES: usize = 200;
/// Shapes with more as well: the simplifier's memory for them, some hundred bytes a triangle, could cost the host its life.
pub(super) const MAX_TRIANGLES: usize = 8_000_000;
/// Each level aims at this share of the triangles of the one before.
const STEP: f32 = 0.45;
/// A level that keeps more than this share of the one before is not worth its memory.
const WORTH: f32 = 0.85;
/// Coarsest level, as a share of the shape's radius: beyond that shapes are no longer what they were.
pub(super) const MAX_ERROR: f32 = 0.12;
const MAX_LEVELS: usize = 7;

/// All levels of a shape; none when it is too small for them.
pub(super) fn of(shape: &Shape) -> Levels {
    if shape.triangle_count() > MAX_TRIANGLES {
        return Levels::default();
    }
    let is_solid = solid::is_solid(shape);
    if shape.triangle_count() < MIN_TRIANGLES {
        return Levels { is_solid, ..Levels::default() };
    }
    let mut corners = Corners::default();
    for c in &shape.corners {
        corners.push(shape.grid.unpack(c.position).to_array(), c.normal, c.colour);
    }
    Levels { is_solid, ..simplify(&corners, &shape.indices, shape.bounds.radius()) }
}

/// Each level is made from the one before, so that their errors add up.
fn simplify(corners: &Corners, indices: &[u32], radius: f32) -> Levels {
    let mut made = Levels::default();
    let mut finer = indices.to_vec();
    let mut error = 0.0;
    while made.levels.len() < MAX_LEVELS && finer.len() >= MIN_TRIANGLES * 3 / 2 {
        let left = radius * MAX_ERROR - error;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share"
        )]
        let (target, most) = ((finer.len() as f32 * STEP) as usize / 3 * 3, (finer.len() as f32 * WORTH) as usize);
        let simplified = corners.simplify(&finer, target, left).filter(|(coarser, _)| coarser.len() <= most);
        let Some((coarser, added)) = simplified else { break };
        error += added;
        let (Ok(first), Ok(count)) = (u32::try_from(made.indices.len()), u32::try_from(coarser.len())) else { break };
        made.indices.extend_from_slice(&coarser);
        made.levels.push(Level { first, count, error });
        finer = coarser;
    }
    if error.is_finite() { made } else { Levels::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_scene::shape::pack_normal;
    use std::f32::consts::{PI, TAU};

    /// A sphere of radius 1.
    fn sphere(steps: u32) -> (Corners, Vec<u32>) {
        let (mut corners, mut indices) = (Corners::default(), Vec::new());
        for i in 0..=steps {
            for j in 0..=steps {
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let (a, b) = (i as f32 / steps as f32 * TAU, (j as f32 / steps as f32 - 0.5) * PI);
                let p = [a.cos() * b.cos(), b.sin(), a.sin() * b.cos()];
                corners.push(p, pack_normal(p.into()), [90, 90, 90, 255]);
                if i < steps && j < steps {
                    let (v, w) = (i * (steps + 1) + j, (i + 1) * (steps + 1) + j);
                    indices.extend([v, v + 1, w, w, v + 1, w + 1]);
                }
            }
        }
        (corners, indices)
    }

    #[test]
    fn levels_get_coarser_and_say_by_how_much() {
        let (corners, indices) = sphere(64);
        let made = simplify(&corners, &indices, 1.0);
        assert!(made.levels.len() >= 2, "{:?}", made.levels);
        for pair in made.levels.windows(2) {
            assert!(pair[1].count < pair[0].count && pair[1].error >= pair[0].error, "{:?}", made.levels);
        }
        for level in &made.levels {
            let range = level.first as usize..(level.first + level.count) as usize;
            // The middle of a chord lies inside the sphere: that is where a coarse sphere is farthest off.
            for t in made.indices[range].as_chunks::<3>().0 {
                let middle =
                    (0..3).map(|axis| t.iter().map(|&i| corners.positions[i as usize][axis]).sum::<f32>() / 3.0);
                let off = 1.0 - middle.map(|m| m * m).sum::<f32>().sqrt();
                assert!(off <= level.error * 2.0 + 0.002, "{off} with {level:?}");
            }
            assert!(level.error <= MAX_ERROR * 1.001);
        }
    }

    #[test]
    fn triangles_without_order_or_measure_do_no_harm() {
        let mut seed = 7u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 8
        };
        // Few corners, so that edges are shared by dozens of triangles and many triangles have no area.
        let tame: Vec<[f32; 3]> = (0..500).map(|_| [(); 3].map(|()| f32::from(next() as u8))).collect();
        let indices: Vec<u32> = (0..9000).map(|_| next() % 500).collect();
        for wild in [0.0, 1e30, f32::MAX, f32::INFINITY, f32::NAN] {
            let mut corners = Corners::default();
            tame.iter().for_each(|p| corners.push(*p, 77, [0; 4]));
            corners.positions[3][1] = wild;
            for radius in [300.0, wild] {
                let made = simplify(&corners, &indices, radius);
                assert!(made.indices.iter().all(|&i| i < 500) && made.indices.len().is_multiple_of(3), "{wild}");
                let end = |l: &Level| (l.first + l.count) as usize;
                assert!(made.levels.iter().all(|l| l.error.is_finite() && end(l) <= made.indices.len()), "{wild}");
            }
        }
    }

    #[test]
    fn little_meshes_have_no_levels() {
        assert!(simplify(&Corners::default(), &[], 0.0).levels.is_empty());
        let (corners, indices) = sphere(32);
        assert!(simplify(&corners, &indices, 0.0).levels.iter().all(|l| l.error <= 0.0));
    }
}
