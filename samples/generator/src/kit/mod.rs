//! A small solid-modelling kit.
//!
//! A [`Solid`] is a closed set of simple exact faces (planes, ruled walls, surfaces of revolution), so the
//! same model can be written as triangles or as IGES surfaces. Millimetres, Z up, right-handed.

mod earclip;
mod part;
mod profile;
mod shapes;
mod solid;
mod wire;

pub use earclip::triangulate;
pub use part::{Body, Catalogue, Child, Part, PartId, Rgb, part};
pub use profile::{Profile, Seg};
pub use solid::{DEFAULT_STEPS, Face, Solid};
pub use wire::Wire;

use glam::{DAffine3, DMat3, DVec3};

/// One triangle, counter-clockwise seen from outside.
pub type Triangle = [DVec3; 3];

/// A move by millimetres.
pub fn shift(x: f64, y: f64, z: f64) -> DAffine3 {
    DAffine3::from_translation(DVec3::new(x, y, z))
}

/// A turn about x, degrees. Quarter turns are exact, so that IGES numbers stay short.
pub fn turn_x(degrees: f64) -> DAffine3 {
    let (s, c) = sin_cos(degrees);
    DAffine3::from_mat3(DMat3::from_cols(DVec3::X, DVec3::new(0.0, c, s), DVec3::new(0.0, -s, c)))
}

/// A turn about y, degrees.
pub fn turn_y(degrees: f64) -> DAffine3 {
    let (s, c) = sin_cos(degrees);
    DAffine3::from_mat3(DMat3::from_cols(DVec3::new(c, 0.0, -s), DVec3::Y, DVec3::new(s, 0.0, c)))
}

/// A turn about z, degrees.
pub fn turn_z(degrees: f64) -> DAffine3 {
    let (s, c) = sin_cos(degrees);
    DAffine3::from_mat3(DMat3::from_cols(DVec3::new(c, s, 0.0), DVec3::new(-s, c, 0.0), DVec3::Z))
}

/// Local z along +x.
pub fn along_x() -> DAffine3 {
    turn_y(90.0)
}

/// Local z along +y, local x kept.
pub fn along_y() -> DAffine3 {
    turn_x(-90.0)
}

/// Local z along -y, local x kept: drawn as seen by somebody who stands in front.
pub fn facing_front() -> DAffine3 {
    turn_x(90.0)
}

fn sin_cos(degrees: f64) -> (f64, f64) {
    match degrees.rem_euclid(360.0) {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        d => d.to_radians().sin_cos(),
    }
}
