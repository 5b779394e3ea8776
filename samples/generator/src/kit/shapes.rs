//! The solids that equipment is made of most often.

use super::profile::{Profile, Seg};
use super::solid::{Face, Solid, flipped};
use glam::{DAffine3, DMat3, DVec2, DVec3, dvec2};
use std::f64::consts::TAU;

impl Solid {
    /// A box that stands on z = 0, centred in x and y, all edges broken by `chamfer`.
    pub fn block(x: f64, y: f64, z: f64, chamfer: f64) -> Self {
        if chamfer <= 0.0 {
            return Self::extrude(&Profile::rect_centred(x, y), &[], z);
        }
        let (hx, hy, c) = (x / 2.0, y / 2.0, chamfer);
        let outline = Profile::polygon(&[
            (-hx + c, -hy),
            (hx - c, -hy),
            (hx, -hy + c),
            (hx, hy - c),
            (hx - c, hy),
            (-hx + c, hy),
            (-hx, hy - c),
            (-hx, -hy + c),
        ]);
        Self::extrude_chamfered(&outline, &[], z, c)
    }

    /// A box between two corners with sharp edges.
    pub fn between(a: (f64, f64, f64), b: (f64, f64, f64)) -> Self {
        let base = DAffine3::from_translation(DVec3::Z * a.2);
        Self::extrude(&Profile::rect(a.0, a.1, b.0, b.1), &[], b.2 - a.2).at(base)
    }

    /// A cylinder about z that stands on z = 0, with chamfered ends when `chamfer` is not 0.
    pub fn cylinder(radius: f64, height: f64, chamfer: f64) -> Self {
        let (r, h, c) = (radius, height, chamfer);
        let corners: &[(f64, f64, f64)] = if c > 0.0 {
            &[(0.0, 0.0, 0.0), (r - c, 0.0, 0.0), (r, c, 0.0), (r, h - c, 0.0), (r - c, h, 0.0), (0.0, h, 0.0)]
        } else {
            &[(0.0, 0.0, 0.0), (r, 0.0, 0.0), (r, h, 0.0), (0.0, h, 0.0)]
        };
        Self::revolve(&Profile::path(corners))
    }

    /// A cylinder with rounded ends.
    pub fn drum(radius: f64, height: f64, fillet: f64) -> Self {
        Self::revolve(&Profile::path(&[
            (0.0, 0.0, 0.0),
            (radius, 0.0, fillet),
            (radius, height, fillet),
            (0.0, height, 0.0),
        ]))
    }

    /// A pipe's wall about z from z = 0.
    pub fn tube(outer: f64, inner: f64, height: f64) -> Self {
        Self::revolve(&Profile::rect(inner, 0.0, outer, height))
    }

    /// A ball about the origin.
    pub fn ball(radius: f64) -> Self {
        Self::revolve(&Profile::half_circle(0.0, radius))
    }

    /// A round bar swept along points, with bends of one radius at the inner ones.
    pub fn bar(points: &[DVec3], radius: f64, bend: f64) -> Self {
        let mut faces = Vec::new();
        let circle = Seg::Arc { centre: DVec2::ZERO, radius, start: 0.0, sweep: TAU };
        let n = points.len();
        let mut at = points[0];
        let mut along = (points[1] - at).normalize();
        let mut side = along.any_orthonormal_vector();
        let frame = |at: DVec3, side: DVec3, along: DVec3| {
            DAffine3::from_mat3_translation(DMat3::from_cols(side, along.cross(side), along), at)
        };
        faces.push(Face::Plane {
            frame: frame(at, side, along) * flipped(),
            outer: Profile::circle(0.0, 0.0, radius),
            holes: Vec::new(),
        });
        for i in 1..n {
            let is_last = i == n - 1;
            let next = if is_last { along } else { (points[i + 1] - points[i]).normalize() };
            let angle = if is_last { 0.0 } else { along.angle_between(next) };
            let stop = points[i] - along * (bend * (angle / 2.0).tan());
            let length = stop.distance(at);
            if length > 1e-9 {
                faces.push(Face::Wall {
                    frame: frame(at, side, along),
                    foot: circle,
                    foot_z: 0.0,
                    head: circle,
                    head_z: length,
                });
            }
            at = stop;
            if angle > 1e-9 {
                // The bend turns about `axis` through `centre`; `out` leads from there to the bar.
                let axis = along.cross(next).normalize();
                let out = along.cross(axis);
                let centre = at - out * bend;
                let start = side.dot(axis).atan2(side.dot(out));
                let edge = Seg::Arc { centre: dvec2(bend, 0.0), radius, start, sweep: TAU };
                let hinge = DAffine3::from_mat3_translation(DMat3::from_cols(out, along, axis), centre);
                faces.push(Face::Turned { frame: hinge, edge, angle });
                let turn = DMat3::from_axis_angle(axis, angle);
                at = centre + turn * (out * bend);
                side = turn * side;
                along = next;
            }
        }
        faces.push(Face::Plane {
            frame: frame(at, side, along),
            outer: Profile::circle(0.0, 0.0, radius),
            holes: Vec::new(),
        });
        Self::new(faces)
    }
}
