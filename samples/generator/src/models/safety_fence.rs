//! One panel of a safety fence along x: two posts, a welded frame, wires defined once, a warning sign.

use super::palette::{BLACK, RED, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, Profile, Solid, along_x, facing_front, part, shift};

/// Distance between the posts' middles.
pub const LENGTH: f64 = 2000.0;
/// Height over all.
pub const HEIGHT: f64 = 2040.0;
const BOTTOM: f64 = 160.0;
const TOP: f64 = 2000.0;

/// The panel.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let post = c.add(post());
    let upright = c.add(part("Upright wire").body(BLACK, Solid::cylinder(2.5, TOP - BOTTOM - 40.0, 0.0).with_steps(6)));
    let across = c.add(part("Cross wire").body(BLACK, Solid::cylinder(2.5, LENGTH - 140.0, 0.0).with_steps(6)));
    let mut mesh = part("Wire mesh");
    let pitch = 60.0;
    let inner = LENGTH - 140.0;
    let count = (inner / pitch) as usize;
    for i in 1..=count {
        let x = -inner / 2.0 + i as f64 * inner / (count + 1) as f64;
        mesh = mesh.child(upright, shift(x, 0.0, BOTTOM + 20.0));
    }
    for j in 1..=11 {
        let z = BOTTOM + 20.0 + f64::from(j) * (TOP - BOTTOM - 40.0) / 12.0;
        mesh = mesh.child(across, shift(-inner / 2.0, 5.0, z) * along_x());
    }
    let mesh = c.add(mesh);
    let frame = c.add(frame());
    let sign = c.add(sign());
    c.add(
        part("Safety fence")
            .child(post, shift(-LENGTH / 2.0, 0.0, 0.0))
            .child(post, shift(LENGTH / 2.0, 0.0, 0.0))
            .child(frame, shift(0.0, 0.0, 0.0))
            .child(mesh, shift(0.0, 0.0, 0.0))
            .child(sign, shift(0.0, -14.0, 1350.0)),
    );
    c
}

fn post() -> Part {
    let plate = Profile::rounded_rect(-70.0, -70.0, 70.0, 70.0, 12.0);
    let holes = [(-50.0, -50.0), (50.0, -50.0), (50.0, 50.0), (-50.0, 50.0)].map(|(x, y)| Profile::circle(x, y, 7.0));
    let tube = Profile::rounded_rect(-30.0, -30.0, 30.0, 30.0, 6.0);
    let mut p = part("Post")
        .body(YELLOW, Solid::extrude(&plate, &holes, 10.0).with_steps(12))
        .body(YELLOW, Solid::extrude(&tube, &[], HEIGHT - 20.0).with_steps(8).at(shift(0.0, 0.0, 10.0)))
        .body(BLACK, Solid::block(64.0, 64.0, 10.0, 2.0).at(shift(0.0, 0.0, HEIGHT - 10.0)));
    for (x, y) in [(-50.0, -50.0), (50.0, 50.0)] {
        p = p.body(STEEL, Solid::cylinder(6.5, 20.0, 1.0).with_steps(8).at(shift(x, y, 4.0)));
    }
    p
}

fn frame() -> Part {
    let outline = Profile::rounded_rect(-LENGTH / 2.0 + 42.0, BOTTOM, LENGTH / 2.0 - 42.0, TOP, 20.0);
    part("Panel frame")
        .body(BLACK, Solid::extrude(&outline, &[outline.inset(12.0)], 20.0).at(shift(0.0, 10.0, 0.0) * facing_front()))
}

/// Seen from -y: a yellow triangle with a mark.
fn sign() -> Part {
    let plate = Profile::rounded_rect(-150.0, -150.0, 150.0, 150.0, 16.0);
    let triangle = Profile::rounded(&[(-125.0, -105.0, 24.0), (125.0, -105.0, 24.0), (0.0, 115.0, 24.0)]);
    let mark = Profile::polygon(&[(-12.0, -30.0), (12.0, -30.0), (18.0, 60.0), (-18.0, 60.0)]);
    let lay = |outline: &Profile, holes: &[Profile], y: f64, depth: f64| {
        Solid::extrude(outline, holes, depth).at(shift(0.0, y, 0.0) * facing_front())
    };
    part("Warning sign")
        .body(YELLOW, lay(&plate, &[], 0.0, 3.0))
        .body(BLACK, lay(&triangle, &[triangle.inset(14.0)], -3.0, 1.0))
        .body(BLACK, lay(&mark, &[], -3.0, 1.0))
        .body(RED, lay(&Profile::circle(0.0, -58.0, 14.0), &[], -3.0, 1.0))
}
