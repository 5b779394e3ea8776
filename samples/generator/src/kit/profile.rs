//! Plane outlines made of lines and circular arcs.

use glam::{DVec2, dvec2};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// One piece of an outline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seg {
    /// From the first to the second point.
    Line(DVec2, DVec2),
    /// Part of a circle; angles in radians, counter-clockwise when `sweep` is positive.
    Arc {
        /// Middle of the circle.
        centre: DVec2,
        /// Its radius.
        radius: f64,
        /// Angle of the first point.
        start: f64,
        /// How far it goes.
        sweep: f64,
    },
}

impl Seg {
    /// First point.
    pub fn first(&self) -> DVec2 {
        self.at(0.0)
    }

    /// Last point.
    pub fn last(&self) -> DVec2 {
        self.at(1.0)
    }

    /// Point at a fraction of the way.
    pub fn at(&self, t: f64) -> DVec2 {
        match *self {
            Self::Line(a, b) => {
                if t == 1.0 {
                    b
                } else {
                    a + (b - a) * t
                }
            }
            Self::Arc { centre, radius, start, sweep } => {
                let (s, c) = (start + sweep * t).sin_cos();
                centre + radius * dvec2(c, s)
            }
        }
    }

    fn tangent(&self, t: f64) -> DVec2 {
        match *self {
            Self::Line(a, b) => (b - a).normalize_or_zero(),
            Self::Arc { start, sweep, .. } => {
                let (s, c) = (start + sweep * t).sin_cos();
                dvec2(-s, c) * sweep.signum()
            }
        }
    }

    /// Straight pieces it is cut into when a full turn gets `steps`.
    pub fn pieces(&self, steps: usize) -> usize {
        match self {
            Self::Line(..) => 1,
            Self::Arc { sweep, .. } => pieces_of_angle(*sweep, steps),
        }
    }

    /// Points from the first to the last, both included.
    pub fn points(&self, steps: usize) -> Vec<DVec2> {
        let n = self.pieces(steps);
        (0..=n).map(|i| self.at(i as f64 / n as f64)).collect()
    }

    /// The same piece walked the other way.
    pub fn reversed(&self) -> Self {
        match *self {
            Self::Line(a, b) => Self::Line(b, a),
            Self::Arc { centre, radius, start, sweep } => {
                Self::Arc { centre, radius, start: start + sweep, sweep: -sweep }
            }
        }
    }

    /// Mirrored about the x axis.
    pub fn mirrored_y(&self) -> Self {
        let flip = |p: DVec2| dvec2(p.x, -p.y);
        match *self {
            Self::Line(a, b) => Self::Line(flip(a), flip(b)),
            Self::Arc { centre, radius, start, sweep } => {
                Self::Arc { centre: flip(centre), radius, start: -start, sweep: -sweep }
            }
        }
    }

    /// The same piece of a larger or smaller drawing.
    pub fn scaled(&self, factor: f64) -> Self {
        match *self {
            Self::Line(a, b) => Self::Line(a * factor, b * factor),
            Self::Arc { centre, radius, start, sweep } => {
                Self::Arc { centre: centre * factor, radius: radius * factor, start, sweep }
            }
        }
    }

    fn moved(&self, by: DVec2) -> Self {
        match *self {
            Self::Line(a, b) => Self::Line(a + by, b + by),
            Self::Arc { centre, radius, start, sweep } => Self::Arc { centre: centre + by, radius, start, sweep },
        }
    }
}

/// Straight pieces for an angle when a full turn gets `steps`.
pub(super) fn pieces_of_angle(angle: f64, steps: usize) -> usize {
    ((angle.abs() / TAU * steps as f64 - 1e-9).ceil() as usize).max(1)
}

/// An outline. Closed ones run counter-clockwise, so that the material is on the left.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile(pub Vec<Seg>);

impl Profile {
    /// A rectangle from one corner to the opposite one.
    pub fn rect(x0: f64, y0: f64, x1: f64, y1: f64) -> Self {
        Self::polygon(&[(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    }

    /// A rectangle about the origin.
    pub fn rect_centred(w: f64, h: f64) -> Self {
        Self::rect(-w / 2.0, -h / 2.0, w / 2.0, h / 2.0)
    }

    /// A rectangle with rounded corners.
    pub fn rounded_rect(x0: f64, y0: f64, x1: f64, y1: f64, r: f64) -> Self {
        Self::rounded(&[(x0, y0, r), (x1, y0, r), (x1, y1, r), (x0, y1, r)])
    }

    /// A polygon given counter-clockwise.
    pub fn polygon(points: &[(f64, f64)]) -> Self {
        let corners: Vec<_> = points.iter().map(|&(x, y)| (x, y, 0.0)).collect();
        Self::rounded(&corners)
    }

    /// A polygon given counter-clockwise as (x, y, radius at that corner).
    pub fn rounded(corners: &[(f64, f64, f64)]) -> Self {
        let n = corners.len();
        let point = |i: usize| dvec2(corners[i % n].0, corners[i % n].1);
        let mut segs: Vec<Seg> = Vec::new();
        // For each corner: where the straight before it ends, where the straight after it begins, and the arc between.
        let fillets: Vec<(DVec2, DVec2, Option<Seg>)> = (0..n)
            .map(|i| {
                let (p, r) = (point(i), corners[i].2);
                if r <= 0.0 {
                    return (p, p, None);
                }
                let before = (point(i + n - 1) - p).normalize();
                let after = (point(i + 1) - p).normalize();
                let half = before.angle_to(after).abs() / 2.0;
                let centre = p + (before + after).normalize() * (r / half.sin());
                let (a, b) = (p + before * (r / half.tan()), p + after * (r / half.tan()));
                let start = (a - centre).to_angle();
                let sweep = (a - centre).angle_to(b - centre);
                (a, b, Some(Seg::Arc { centre, radius: r, start, sweep }))
            })
            .collect();
        for i in 0..n {
            let (_, from, arc) = fillets[i];
            segs.extend(arc);
            let to = fillets[(i + 1) % n].0;
            if from.distance(to) > 1e-9 {
                segs.push(Seg::Line(from, to));
            }
        }
        Self(segs)
    }

    /// A circle in one piece.
    pub fn circle(x: f64, y: f64, radius: f64) -> Self {
        Self(vec![Seg::Arc { centre: dvec2(x, y), radius, start: 0.0, sweep: TAU }])
    }

    /// A slot with round ends between two points on a line of constant y.
    pub fn slot(x0: f64, x1: f64, y: f64, radius: f64) -> Self {
        Self::link(dvec2(x0, y), radius, dvec2(x1, y), radius)
    }

    /// Two circles and the tangents that wrap them, like a lever.
    pub fn link(a: DVec2, ra: f64, b: DVec2, rb: f64) -> Self {
        let along = (b - a).to_angle();
        // The tangent points lie at +-alpha from the line of centres.
        let alpha = ((ra - rb) / a.distance(b)).acos();
        let arc_b = Seg::Arc { centre: b, radius: rb, start: along - alpha, sweep: 2.0 * alpha };
        let arc_a = Seg::Arc { centre: a, radius: ra, start: along + alpha, sweep: TAU - 2.0 * alpha };
        Self(vec![arc_b, Seg::Line(arc_b.last(), arc_a.first()), arc_a, Seg::Line(arc_a.last(), arc_b.first())])
    }

    /// Open outline through points of the (radius, height) plane, with a radius at each inner corner.
    pub fn path(corners: &[(f64, f64, f64)]) -> Self {
        let n = corners.len();
        let mut closed = Self::rounded(corners);
        // Drop the line that closes it; the ends have no radius, so that it is the last one, if it is there at all.
        let (end, start) = (dvec2(corners[n - 1].0, corners[n - 1].1), dvec2(corners[0].0, corners[0].1));
        if closed.0.last() == Some(&Seg::Line(end, start)) {
            closed.0.pop();
        }
        closed
    }

    /// The outline walked the other way: what a hole needs.
    pub fn reversed(&self) -> Self {
        Self(self.0.iter().rev().map(Seg::reversed).collect())
    }

    /// Mirrored about the x axis and walked so that the material stays on the left.
    pub fn mirrored_y(&self) -> Self {
        Self(self.0.iter().rev().map(|s| s.mirrored_y().reversed()).collect())
    }

    /// Moved in its plane.
    pub fn moved(&self, x: f64, y: f64) -> Self {
        Self(self.0.iter().map(|s| s.moved(dvec2(x, y))).collect())
    }

    /// The same outline of a larger or smaller drawing.
    pub fn scaled(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|s| s.scaled(factor)).collect())
    }

    /// The outline at a distance inside. Arcs must join their neighbours smoothly.
    pub fn inset(&self, d: f64) -> Self {
        let n = self.0.len();
        let left = |t: DVec2| dvec2(-t.y, t.x);
        let corner = |i: usize| {
            let (before, after) = (&self.0[(i + n - 1) % n], &self.0[i % n]);
            let (na, nb) = (left(before.tangent(1.0)), left(after.tangent(0.0)));
            after.first() + (na + nb) * (d / (1.0 + na.dot(nb)))
        };
        let segs = (0..n).map(|i| match self.0[i] {
            Seg::Line(..) => Seg::Line(corner(i), corner(i + 1)),
            Seg::Arc { centre, radius, start, sweep } => {
                Seg::Arc { centre, radius: radius - d * sweep.signum(), start, sweep }
            }
        });
        Self(segs.collect())
    }

    /// Corners of the closed outline when a full turn gets `steps` pieces; the first is not repeated.
    pub fn points(&self, steps: usize) -> Vec<DVec2> {
        self.0
            .iter()
            .flat_map(|s| {
                let mut p = s.points(steps);
                p.pop();
                p
            })
            .collect()
    }

    /// Smallest rectangle around it.
    pub fn bounds(&self) -> (DVec2, DVec2) {
        let mut lo = DVec2::INFINITY;
        let mut hi = DVec2::NEG_INFINITY;
        let mut add = |p: DVec2| {
            lo = lo.min(p);
            hi = hi.max(p);
        };
        for s in &self.0 {
            add(s.first());
            add(s.last());
            if let Seg::Arc { centre, radius, start, sweep } = *s {
                for quarter in 0..4 {
                    let angle = f64::from(quarter) * FRAC_PI_2;
                    let ahead = ((angle - start) * sweep.signum()).rem_euclid(TAU);
                    if ahead < sweep.abs() {
                        add(centre + radius * [DVec2::X, DVec2::Y, DVec2::NEG_X, DVec2::NEG_Y][quarter as usize]);
                    }
                }
            }
        }
        (lo, hi)
    }

    /// True for an axis-parallel rectangle of four lines.
    pub fn is_rect(&self) -> bool {
        self.0.len() == 4
            && self.0.iter().all(|s| match s {
                Seg::Line(a, b) => (a.x - b.x).abs() < 1e-9 || (a.y - b.y).abs() < 1e-9,
                Seg::Arc { .. } => false,
            })
    }

    /// Half a circle from the lowest to the highest point, for a ball of revolution.
    pub fn half_circle(z: f64, radius: f64) -> Self {
        Self(vec![Seg::Arc { centre: dvec2(0.0, z), radius, start: -FRAC_PI_2, sweep: PI }])
    }
}
