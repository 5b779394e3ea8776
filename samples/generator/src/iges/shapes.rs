//! Geometry as entities: curves, surfaces and trimmed surfaces (specification, chapter 4).

use super::file::{De, Entity, IgesFile, IgesUnit, Params};
use crate::kit::{Face, Profile, Rgb, Seg, Solid, Wire};
use glam::{DAffine3, DMat3, DVec2, DVec3, dvec2, dvec3};
use std::collections::BTreeMap;

/// Status of a physically dependent curve or surface.
const PHYSICAL: u32 = 10_000;
/// Status of a curve in a surface's parameter space.
const PARAMETRIC: u32 = 10_500;
/// Status of a definition.
pub(super) const DEFINITION: u32 = 200;
/// Status of a member of a group.
pub(super) const LOGICAL: u32 = 20_000;

/// Adds geometry to a file; colours and matrices are written once each.
pub(super) struct Shapes {
    pub(super) file: IgesFile,
    scale: f64,
    colours: BTreeMap<Rgb, De>,
    matrices: BTreeMap<Vec<String>, De>,
}

impl Shapes {
    pub(super) fn new(file: IgesFile, unit: IgesUnit) -> Self {
        Self { file, scale: unit.per_mm(), colours: BTreeMap::new(), matrices: BTreeMap::new() }
    }

    pub(super) fn solid(&mut self, solid: &Solid, colour: Rgb) -> Vec<De> {
        let colour = self.colour(colour);
        solid.faces.iter().map(|f| self.face(f, colour)).collect()
    }

    pub(super) fn wire(&mut self, wire: &Wire) -> De {
        let (colour, de) = match wire {
            Wire::Path(c, points) => (c, self.path(points)),
            Wire::Outline(c, frame, profile) => (c, self.outline(frame, profile)),
            Wire::Spline(c, poles) => (c, self.spline(poles)),
        };
        let colour = self.colour(*colour);
        let e = self.file.entity_mut(de);
        e.colour = Some(colour);
        e.status = LOGICAL;
        de
    }

    /// Colour definition, type 314.
    pub(super) fn colour(&mut self, rgb: Rgb) -> De {
        if let Some(&de) = self.colours.get(&rgb) {
            return de;
        }
        let percent = [rgb.0, rgb.1, rgb.2].map(|v| f64::from(v) / 255.0 * 100.0);
        let name = format!("RGB {} {} {}", rgb.0, rgb.1, rgb.2);
        let params = Params::new().reals(percent).text(&name);
        let de = self.file.add(Entity { kind: 314, params, status: DEFINITION, ..Entity::default() });
        self.colours.insert(rgb, de);
        de
    }

    /// Transformation matrix, type 124; none for the identity.
    pub(super) fn matrix(&mut self, m: &DAffine3) -> Option<De> {
        let (r, t) = (m.matrix3, m.translation * self.scale);
        let rows = [0, 1, 2].map(|i| [r.x_axis[i], r.y_axis[i], r.z_axis[i], t[i]]);
        let params = Params::new().reals(rows.into_iter().flatten());
        let key: Vec<String> = rows.iter().flatten().map(|v| super::real(*v)).collect();
        let identity = ["1.", "0.", "0.", "0.", "0.", "1.", "0.", "0.", "0.", "0.", "1.", "0."];
        if key == identity {
            return None;
        }
        if let Some(&de) = self.matrices.get(&key) {
            return Some(de);
        }
        let de = self.file.add(Entity { kind: 124, params, ..Entity::default() });
        self.matrices.insert(key, de);
        Some(de)
    }

    /// A trimmed surface (144); what is flat and has no hole is a bounded plane or a surface of its own.
    fn face(&mut self, face: &Face, colour: De) -> De {
        let (surface, outer, inner) = match face {
            Face::Plane { frame, outer, holes } if holes.is_empty() && !outer.is_rect() => {
                return self.bounded_plane(frame, outer, colour);
            }
            Face::Plane { frame, outer, holes } if holes.is_empty() => {
                let (lo, hi) = outer.bounds();
                let patch = self.patch(frame, lo, hi);
                return self.untrimmed(patch, colour);
            }
            Face::Wall { frame, foot: Seg::Line(a, b), foot_z, head: Seg::Line(c, d), head_z } => {
                let points = [a.extend(*foot_z), b.extend(*foot_z), c.extend(*head_z), d.extend(*head_z)];
                let size = dvec2(a.distance(*b), points[0].distance(points[2])) * self.scale;
                let points = points.map(|p| self.world(frame, p));
                let patch = self.bilinear(points, size);
                return self.untrimmed(patch, colour);
            }
            Face::Plane { frame, outer, holes } => {
                let (lo, hi) = outer.bounds();
                let surface = self.patch(frame, lo, hi);
                let border = Some(self.boundary(surface, frame, lo, outer));
                // The specification has every loop run so that it is read alone: holes are written as outlines.
                let cuts = holes.iter().map(|h| self.boundary(surface, frame, lo, &h.reversed())).collect();
                (surface, border, cuts)
            }
            Face::Wall { frame, foot, foot_z, head, head_z } => {
                (self.wall(frame, foot, *foot_z, head, *head_z), None, Vec::new())
            }
            Face::Turned { frame, edge, angle } => (self.turned(frame, edge, *angle), None, Vec::new()),
        };
        let params = Params::new().to(surface).int(usize::from(outer.is_some())).int(inner.len());
        let params = match outer {
            Some(de) => params.to(de),
            None => params.int(0),
        };
        let params = inner.into_iter().fold(params, Params::to);
        let entity = Entity { kind: 144, params, colour: Some(colour), status: LOGICAL, ..Entity::default() };
        self.file.add(entity)
    }

    fn untrimmed(&mut self, surface: De, colour: De) -> De {
        let e = self.file.entity_mut(surface);
        e.colour = Some(colour);
        e.status = LOGICAL;
        surface
    }

    /// A plane with one outline, type 108 form 1: much shorter than a trimmed surface.
    fn bounded_plane(&mut self, frame: &DAffine3, outer: &Profile, colour: De) -> De {
        let border = self.loop_of(frame, outer, PHYSICAL);
        let normal = frame.transform_vector3(DVec3::Z);
        let at = self.world(frame, outer.0[0].first().extend(0.0));
        let params =
            Params::new().reals(normal.to_array()).reals([normal.dot(at)]).to(border).reals(at.to_array()).reals([0.0]);
        let entity = Entity { kind: 108, form: 1, params, colour: Some(colour), status: LOGICAL, ..Entity::default() };
        self.file.add(entity)
    }

    /// A flat rectangle as a B-spline surface of degree 1 by 1, type 128 form 1; its parameters are lengths.
    fn patch(&mut self, frame: &DAffine3, lo: DVec2, hi: DVec2) -> De {
        let corners = [lo, dvec2(hi.x, lo.y), dvec2(lo.x, hi.y), hi];
        let points = corners.map(|p| self.world(frame, p.extend(0.0)));
        let size = (hi - lo) * self.scale;
        self.bilinear(points, size)
    }

    /// Corners in the order (0,0), (1,0), (0,1), (1,1).
    fn bilinear(&mut self, points: [DVec3; 4], size: DVec2) -> De {
        let params = [1, 1, 1, 1, 0, 0, 1, 0, 0].into_iter().fold(Params::new(), Params::int);
        let params = params
            .reals([0.0, 0.0, size.x, size.x])
            .reals([0.0, 0.0, size.y, size.y])
            .reals([1.0; 4])
            .reals(points.iter().flat_map(DVec3::to_array))
            .reals([0.0, size.x, 0.0, size.y]);
        self.file.add(Entity { kind: 128, form: 1, params, status: PHYSICAL, ..Entity::default() })
    }

    /// Curve on a surface, type 142, with its curve in parameter space and the one in model space.
    fn boundary(&mut self, surface: De, frame: &DAffine3, lo: DVec2, profile: &Profile) -> De {
        let in_plane = self.loop_of(&DAffine3::IDENTITY, &profile.moved(-lo.x, -lo.y), PARAMETRIC);
        let in_space = self.loop_of(frame, profile, PHYSICAL);
        // Created by trimming; model space is preferred.
        let params = Params::new().int(1).to(surface).to(in_plane).to(in_space).int(2);
        self.file.add(Entity { kind: 142, params, status: PHYSICAL, ..Entity::default() })
    }

    /// The pieces of an outline, joined by type 102 when there are several.
    fn loop_of(&mut self, frame: &DAffine3, profile: &Profile, status: u32) -> De {
        let pieces: Vec<De> = profile.0.iter().map(|s| self.seg(frame, s, 0.0, status)).collect();
        if let [only] = pieces[..] {
            return only;
        }
        let params = Params::new().list(&pieces);
        self.file.add(Entity { kind: 102, params, status, ..Entity::default() })
    }

    fn wall(&mut self, frame: &DAffine3, foot: &Seg, foot_z: f64, head: &Seg, head_z: f64) -> De {
        let rise = dvec3(0.0, 0.0, head_z - foot_z);
        if foot == head {
            // Tabulated cylinder: the directrix and where the generatrix that begins at its start ends.
            let directrix = self.seg(frame, foot, foot_z, PHYSICAL);
            let tip = self.world(frame, foot.first().extend(foot_z) + rise);
            let params = Params::new().to(directrix).reals(tip.to_array());
            return self.file.add(Entity { kind: 122, params, status: PHYSICAL, ..Entity::default() });
        }
        // Ruled surface of equal parameters between the two arcs.
        let lower = self.seg(frame, foot, foot_z, PHYSICAL);
        let upper = self.seg(frame, head, head_z, PHYSICAL);
        let params = Params::new().to(lower).to(upper).int(0).int(0);
        self.file.add(Entity { kind: 118, form: 1, params, status: PHYSICAL, ..Entity::default() })
    }

    /// Surface of revolution, type 120. Its normal is generatrix x turn, so that ours is written backwards.
    fn turned(&mut self, frame: &DAffine3, edge: &Seg, angle: f64) -> De {
        let foot = self.world(frame, DVec3::ZERO);
        let tip = self.world(frame, DVec3::Z * 10.0);
        let axis = self.line(foot, tip, PHYSICAL);
        let upright = DAffine3::from_mat3(DMat3::from_cols(DVec3::X, DVec3::Z, DVec3::NEG_Y));
        let generatrix = self.seg(&(*frame * upright), &edge.reversed(), 0.0, PHYSICAL);
        let params = Params::new().to(axis).to(generatrix).reals([0.0, angle]);
        self.file.add(Entity { kind: 120, params, status: PHYSICAL, ..Entity::default() })
    }

    fn seg(&mut self, frame: &DAffine3, seg: &Seg, z: f64, status: u32) -> De {
        match *seg {
            Seg::Line(a, b) => {
                let (a, b) = (self.world(frame, a.extend(z)), self.world(frame, b.extend(z)));
                self.line(a, b, status)
            }
            // Type 100 runs counter-clockwise: the other way is the same arc seen from below.
            Seg::Arc { sweep, .. } if sweep < 0.0 => {
                let below = DAffine3::from_mat3(DMat3::from_cols(DVec3::X, DVec3::NEG_Y, DVec3::NEG_Z));
                self.seg(&(*frame * below), &seg.mirrored_y(), -z, status)
            }
            Seg::Arc { centre, .. } => {
                // A frame that only moves needs no matrix.
                let m = frame.matrix3;
                let (matrix, by) =
                    if m == DMat3::IDENTITY { (None, frame.translation) } else { (self.matrix(frame), DVec3::ZERO) };
                let flat = |p: DVec2| ((p + by.truncate()) * self.scale).to_array();
                let params = Params::new()
                    .reals([(z + by.z) * self.scale])
                    .reals(flat(centre))
                    .reals(flat(seg.first()))
                    .reals(if is_full(seg) { flat(seg.first()) } else { flat(seg.last()) });
                self.file.add(Entity { kind: 100, params, matrix, status, ..Entity::default() })
            }
        }
    }

    fn line(&mut self, a: DVec3, b: DVec3, status: u32) -> De {
        let params = Params::new().reals(a.to_array()).reals(b.to_array());
        self.file.add(Entity { kind: 110, params, status, ..Entity::default() })
    }

    /// A line, or a linear path (type 106 form 12) for several corners.
    fn path(&mut self, points: &[DVec3]) -> De {
        let scaled: Vec<DVec3> = points.iter().map(|p| *p * self.scale).collect();
        if let [a, b] = scaled[..] {
            return self.line(a, b, LOGICAL);
        }
        let params = Params::new().int(2).int(points.len()).reals(scaled.iter().flat_map(DVec3::to_array));
        self.file.add(Entity { kind: 106, form: 12, params, ..Entity::default() })
    }

    fn outline(&mut self, frame: &DAffine3, profile: &Profile) -> De {
        self.loop_of(frame, profile, PHYSICAL)
    }

    /// A clamped uniform cubic, type 126.
    fn spline(&mut self, poles: &[DVec3]) -> De {
        let n = poles.len();
        let spans = n - 3;
        let knots = (0..n + 4).map(|i| i.saturating_sub(3).min(spans) as f64);
        let params = [n - 1, 3, 0, 0, 1, 0].into_iter().fold(Params::new(), Params::int);
        let params = params
            .reals(knots)
            .reals(vec![1.0; n])
            .reals(poles.iter().flat_map(|p| (*p * self.scale).to_array()))
            .reals([0.0, spans as f64])
            .reals([0.0, 0.0, 0.0]);
        self.file.add(Entity { kind: 126, params, ..Entity::default() })
    }

    fn world(&self, frame: &DAffine3, p: DVec3) -> DVec3 {
        frame.transform_point3(p) * self.scale
    }
}

fn is_full(seg: &Seg) -> bool {
    matches!(seg, Seg::Arc { sweep, .. } if (sweep.abs() - std::f64::consts::TAU).abs() < 1e-12)
}
