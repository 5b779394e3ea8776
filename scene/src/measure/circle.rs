//! The circle that goes through points best.

use glam::{DVec2, DVec3};
use serde::{Deserialize, Serialize};

/// A circle in space.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Circle {
    /// Its middle.
    pub centre: DVec3,
    /// Unit vector along its axis; the points run counter-clockwise about it.
    pub axis: DVec3,
    /// Greater than zero.
    pub radius: f64,
    /// How far the points are off at most.
    pub error: f64,
}

impl Circle {
    /// How far a point is from the circle.
    pub fn distance(&self, point: DVec3) -> f64 {
        let from_centre = point - self.centre;
        let height = from_centre.dot(self.axis);
        let across = (from_centre - self.axis * height).length() - self.radius;
        across.hypot(height)
    }

    /// The circle through points in their order along it (at least three, not on one line): the plane from the sum of
    /// what the chords span, then least squares of the distances by Gauss-Newton from the algebraic fit (Kåsa, A circle
    /// fitting procedure and its error analysis, 1976).
    pub fn fit(points: &[DVec3]) -> Option<Self> {
        let count = points.len();
        if count < 3 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of points")]
        let mean = points.iter().copied().sum::<DVec3>() / count as f64;
        let turns = points.windows(3).map(|p| (p[1] - p[0]).cross(p[2] - p[1]));
        let axis = turns.sum::<DVec3>().try_normalize()?;
        let mut circle = Self::seen_along(axis, points, mean)?;
        circle.error = points.iter().map(|p| circle.distance(*p)).fold(0.0, f64::max);
        Some(circle)
    }

    /// The circle about an axis of unit length on which points lie as seen along it, in any order. How high they lie does
    /// not count, nor for the error.
    pub fn about(axis: DVec3, points: &[DVec3]) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "a number of points")]
        let mean = points.iter().copied().sum::<DVec3>() / points.len().max(1) as f64;
        let mut circle = Self::seen_along(axis, points, mean)?;
        let off = |p: &DVec3| {
            let from_centre = *p - circle.centre;
            ((from_centre - axis * from_centre.dot(axis)).length() - circle.radius).abs()
        };
        circle.error = points.iter().map(off).fold(0.0, f64::max);
        Some(circle)
    }

    fn seen_along(axis: DVec3, points: &[DVec3], mean: DVec3) -> Option<Self> {
        let (u, v) = axis.any_orthonormal_pair();
        let flat: Vec<DVec2> = points.iter().map(|p| DVec2::new((*p - mean).dot(u), (*p - mean).dot(v))).collect();
        let (mut centre, mut radius) = algebraic(&flat)?;
        for _ in 0..6 {
            let Some((moved, wider)) = step(&flat, centre, radius) else { break };
            (centre, radius) = (centre + moved, radius + wider);
        }
        if !(centre.is_finite() && radius.is_finite() && radius > 0.0) {
            return None;
        }
        Some(Self { centre: mean + u * centre.x + v * centre.y, axis, radius, error: 0.0 })
    }
}

/// Centre and radius by linear least squares of x² + y² + a x + b y + c. The points are about their mean.
fn algebraic(points: &[DVec2]) -> Option<(DVec2, f64)> {
    let (mut xx, mut xy, mut yy, mut xz, mut yz, mut z) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for p in points {
        let square = p.length_squared();
        xx += p.x * p.x;
        xy += p.x * p.y;
        yy += p.y * p.y;
        xz += p.x * square;
        yz += p.y * square;
        z += square;
    }
    let determinant = xx * yy - xy * xy;
    if determinant.abs() <= 1e-14 * (xx + yy) * (xx + yy) {
        return None;
    }
    let centre = DVec2::new(xz * yy - yz * xy, yz * xx - xz * xy) / (2.0 * determinant);
    #[expect(clippy::cast_precision_loss, reason = "a number of points")]
    let mean_square = z / points.len() as f64;
    Some((centre, (mean_square + centre.length_squared()).sqrt()))
}

/// One step towards the least squares of the distances: how the centre moves and the radius grows.
fn step(points: &[DVec2], centre: DVec2, radius: f64) -> Option<(DVec2, f64)> {
    let mut normal = glam::DMat3::ZERO;
    let mut right = DVec3::ZERO;
    for p in points {
        let away = *p - centre;
        let length = away.length();
        let row = (away / length).extend(1.0);
        if !row.is_finite() {
            return None;
        }
        normal += glam::DMat3::from_cols(row * row.x, row * row.y, row * row.z);
        right += row * (length - radius);
    }
    let found = normal.inverse() * right;
    found.is_finite().then(|| (found.truncate(), found.z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn arc(count: u32, sweep: f64, noise: f64) -> Vec<DVec3> {
        let turn = glam::DQuat::from_rotation_x(0.7) * glam::DQuat::from_rotation_z(0.3);
        let at = |i: u32| {
            let angle = sweep * f64::from(i) / f64::from(count - 1);
            let radius = 0.25 + noise * f64::from((i * 7) % 5).sin();
            turn * DVec3::new(angle.cos() * radius, angle.sin() * radius, 0.0) + DVec3::new(30.0, -4.0, 2.0)
        };
        (0..count).map(at).collect()
    }

    #[test]
    fn exact_points_give_their_circle() {
        for (count, sweep) in [(4, 1.0), (3, 0.4), (33, TAU * 0.99), (64, 0.2)] {
            let circle = Circle::fit(&arc(count, sweep, 0.0)).unwrap();
            assert!((circle.radius - 0.25).abs() < 1e-9, "{count} {sweep}: {circle:?}");
            assert!((circle.centre - DVec3::new(30.0, -4.0, 2.0)).length() < 1e-9 && circle.error < 1e-9);
        }
    }

    #[test]
    fn noise_shows_as_the_error() {
        let circle = Circle::fit(&arc(40, 3.0, 1e-4)).unwrap();
        assert!((circle.radius - 0.25).abs() < 1e-4 && (2e-5..2e-4).contains(&circle.error), "{circle:?}");
    }

    #[test]
    fn lines_points_and_numbers_that_are_none_are_no_circle() {
        assert_eq!(Circle::fit(&[DVec3::ZERO, DVec3::X, DVec3::X * 2.0, DVec3::X * 3.0]), None);
        assert_eq!(Circle::fit(&[DVec3::ONE; 5]), None);
        assert_eq!(Circle::fit(&[DVec3::ZERO, DVec3::NAN, DVec3::X]), None);
        assert_eq!(Circle::fit(&[DVec3::ZERO, DVec3::X]), None);
    }
}
