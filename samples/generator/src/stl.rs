//! Writes STL files: ASCII with a `solid` for each part, and binary with VisCAM colours.

use crate::kit::{Catalogue, Rgb, Triangle};
use glam::{DVec3, Vec3};
use std::fmt::Write;

/// Binary STL. The attribute of each facet holds its colour as VisCAM and SolidView read it: bit 15 set, then
/// five bits each of red, green and blue from the top.
pub fn binary(title: &str, model: &Catalogue) -> Vec<u8> {
    let facets: Vec<(Facet, Rgb)> = model.triangles().iter().filter_map(|(t, c)| Some((Facet::of(t)?, *c))).collect();
    let mut header = [b' '; 80];
    for (to, from) in header.iter_mut().zip(title.bytes()) {
        *to = from;
    }
    let mut out = header.to_vec();
    out.extend((facets.len() as u32).to_le_bytes());
    for (facet, colour) in &facets {
        for v in std::iter::once(&facet.normal).chain(&facet.corners) {
            out.extend(v.to_array().into_iter().flat_map(f32::to_le_bytes));
        }
        out.extend(viscam(*colour).to_le_bytes());
    }
    out
}

/// ASCII STL with a solid for each use of each part; colours are lost.
pub fn ascii(model: &Catalogue) -> String {
    let mut out = String::new();
    model.walk(&mut |part, place| {
        if part.bodies.is_empty() {
            return;
        }
        let name = part.name.replace(' ', "_");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "solid {name}");
        for t in part.bodies.iter().flat_map(|b| b.solid.triangles()) {
            let Some(f) = Facet::of(&t.map(|p| place.transform_point3(p))) else { continue };
            let _ = writeln!(out, "facet normal {}\n outer loop", numbers(f.normal));
            for c in f.corners {
                let _ = writeln!(out, "  vertex {}", numbers(c));
            }
            out.push_str(" endloop\nendfacet\n");
        }
        let _ = writeln!(out, "endsolid {name}");
    });
    out
}

/// The attribute word of a colour.
pub fn viscam(c: Rgb) -> u16 {
    let five = |v: u8| (u16::from(v) * 31 + 127) / 255;
    0x8000 | five(c.0) << 10 | five(c.1) << 5 | five(c.2)
}

struct Facet {
    normal: Vec3,
    corners: [Vec3; 3],
}

impl Facet {
    /// None when the corners coincide after rounding. Rounding to 0.1 micrometre hides the last bits of sines and
    /// cosines, so that every machine writes the same bytes and neighbours share their corners exactly.
    fn of(t: &Triangle) -> Option<Self> {
        let rounded = t.map(|p| (p * 1e4).round() / 1e4 + DVec3::ZERO);
        let corners = rounded.map(DVec3::as_vec3);
        let [a, b, c] = corners;
        if a == b || b == c || c == a {
            return None;
        }
        let normal = (rounded[1] - rounded[0]).cross(rounded[2] - rounded[0]).normalize_or_zero();
        let normal = ((normal * 1e6).round() / 1e6 + DVec3::ZERO).as_vec3();
        Some(Self { normal, corners })
    }
}

fn numbers(v: Vec3) -> String {
    format!("{} {} {}", v.x, v.y, v.z)
}
