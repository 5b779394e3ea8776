//! What many machines have: bolts, flanges, feet, motors, lamps, grilles, panels, ladders, trays.
//!
//! Everything that is repeated is a part, so that a file holds it once. Edges are chamfered, not rounded: a reader cuts
//! a small fillet into as many triangles as a large one.

use super::palette::{BLACK, DARK, GREEN, GREY, LIGHT, RED, SCREEN, STEEL, YELLOW};
use crate::kit::{
    Catalogue, Part, PartId, Profile, Rgb, Solid, along_x, along_y, facing_front, part, shift, turn_x, turn_z,
};
use glam::{DAffine3, DVec3};
use std::f64::consts::TAU;

/// No move.
pub(super) const HERE: DAffine3 = DAffine3::IDENTITY;

/// A hexagon about the origin with this distance from the middle to its corners.
pub(super) fn hexagon(radius: f64) -> Profile {
    let corner = |k: usize| {
        let angle = TAU * k as f64 / 6.0;
        (radius * angle.cos(), radius * angle.sin())
    };
    Profile::polygon(&(0..6).map(corner).collect::<Vec<_>>())
}

/// A box given by its corner and size.
pub(super) fn bar_box(at: (f64, f64, f64), size: (f64, f64, f64)) -> Solid {
    Solid::between(at, (at.0 + size.0, at.1 + size.1, at.2 + size.2))
}

/// An outline of x and z as a plate whose front is at y and which goes back by the thickness.
pub(super) fn plate_y(outline: &Profile, holes: &[Profile], y: f64, thickness: f64) -> Solid {
    Solid::extrude(outline, holes, thickness).at(shift(0.0, y + thickness, 0.0) * facing_front())
}

/// An outline of y and z, drawn along x from there.
pub(super) fn along(outline: &Profile, x: f64, length: f64) -> Solid {
    Solid::extrude(outline, &[], length).at(shift(x, 0.0, 0.0) * turn_z(90.0) * turn_x(90.0))
}

/// A cylinder along x.
pub(super) fn rod_x(x: f64, y: f64, z: f64, radius: f64, length: f64) -> Solid {
    Solid::cylinder(radius, length, 0.0).at(shift(x, y, z) * along_x())
}

/// A cylinder along y.
pub(super) fn rod_y(x: f64, y: f64, z: f64, radius: f64, length: f64) -> Solid {
    Solid::cylinder(radius, length, 0.0).at(shift(x, y, z) * along_y())
}

/// A cylinder along z.
pub(super) fn rod_z(x: f64, y: f64, z: f64, radius: f64, length: f64) -> Solid {
    Solid::cylinder(radius, length, 0.0).at(shift(x, y, z))
}

/// The head of a bolt on z = 0. There are hundreds of them: neither chamfer nor washer, which would double the triangles.
pub(super) fn bolt(radius: f64) -> Part {
    part("Bolt").body(DARK, Solid::extrude(&hexagon(radius), &[], radius * 0.8))
}

/// A nut with the end of its stud, on z = 0.
pub(super) fn nut(radius: f64) -> Part {
    part("Nut")
        .body(DARK, Solid::extrude(&hexagon(radius), &[], radius * 0.8))
        .body(STEEL, Solid::extrude(&hexagon(radius * 0.55), &[], radius * 0.6).at(shift(0.0, 0.0, radius * 0.8)))
}

/// The same part many times around the z axis of a place.
pub(super) fn ring(mut p: Part, child: PartId, at: DAffine3, radius: f64, count: usize) -> Part {
    for i in 0..count {
        let turn = 360.0 * (i as f64 + 0.5) / count as f64;
        p = p.child(child, at * turn_z(turn) * shift(radius, 0.0, 0.0));
    }
    p
}

/// The same part many times along a line.
pub(super) fn row(mut p: Part, child: PartId, at: DAffine3, step: (f64, f64, f64), count: usize) -> Part {
    for i in 0..count {
        p = p.child(child, DAffine3::from_translation(DVec3::from(step) * i as f64) * at);
    }
    p
}

/// Two flanges bolted together about z = 0, on a pipe along z.
pub(super) fn flanges(c: &mut Catalogue, pipe: f64, count: usize, colour: Rgb) -> PartId {
    let size = pipe * 0.08 + 7.0;
    let bolt = c.add(nut(size));
    let (outer, half) = (pipe + size * 4.4, size * 1.6);
    let disc = |z: f64| Solid::tube(outer, pipe * 0.96, half - 1.0).at(shift(0.0, 0.0, z));
    let gasket = Solid::tube(pipe + size * 2.0, pipe * 0.97, 2.0).at(shift(0.0, 0.0, -1.0));
    let mut p = part("Flanges").body(colour, disc(1.0)).body(colour, disc(-half)).body(BLACK, gasket);
    let circle = pipe + size * 2.7;
    p = ring(p, bolt, shift(0.0, 0.0, half), circle, count);
    p = ring(p, bolt, shift(0.0, 0.0, -half) * turn_x(180.0), circle, count);
    c.add(p)
}

/// A levelling foot up to a height.
pub(super) fn foot(height: f64) -> Part {
    let pad =
        Profile::path(&[(0.0, 0.0, 0.0), (55.0, 0.0, 0.0), (55.0, 12.0, 0.0), (24.0, 26.0, 0.0), (0.0, 26.0, 0.0)]);
    part("Levelling foot")
        .body(BLACK, Solid::revolve(&pad).with_steps(16))
        .body(STEEL, rod_z(0.0, 0.0, 26.0, 12.0, height - 26.0).with_steps(12))
        .body(DARK, Solid::extrude(&hexagon(24.0), &[], 14.0).at(shift(0.0, 0.0, 30.0)))
}

/// An electric motor along z: its flange is at z = 0, the shaft looks down, the fan is at the top.
pub(super) fn motor(c: &mut Catalogue, radius: f64, length: f64, colour: Rgb) -> PartId {
    let r = radius;
    let fin = c.add(part("Fin").body(colour, bar_box((r * 0.86, -r * 0.03, 0.0), (r * 0.16, r * 0.06, length * 0.62))));
    let slot = c.add(part("Fan slot").body(BLACK, bar_box((r * 0.3, -r * 0.05, 0.0), (r * 0.6, r * 0.1, 2.0))));
    let bolt = c.add(bolt(r * 0.1));
    let body = Solid::cylinder(r * 0.88, length * 0.66, 0.0).at(shift(0.0, 0.0, length * 0.06));
    let cover = Profile::path(&[
        (0.0, length * 0.76, 0.0),
        (r * 1.02, length * 0.76, 0.0),
        (r * 1.02, length * 0.94, 0.0),
        (r * 0.94, length, 0.0),
        (0.0, length, 0.0),
    ]);
    let mut p = part("Motor")
        .body(colour, Solid::cylinder(r * 1.2, length * 0.05, 0.0))
        .body(colour, body)
        .body(DARK, Solid::revolve(&cover))
        .body(STEEL, rod_z(0.0, 0.0, -r * 0.9, r * 0.22, r * 0.9).with_steps(16))
        .body(DARK, bar_box((r * 0.8, -r * 0.4, length * 0.25), (r * 0.55, r * 0.8, length * 0.34)))
        .body(BLACK, rod_y(r * 1.1, -r * 0.65, length * 0.34, r * 0.12, r * 0.25).with_steps(12));
    for i in 0..20 {
        // The terminal box takes the place of the first and the last.
        if (2..19).contains(&i) {
            p = p.child(fin, shift(0.0, 0.0, length * 0.1) * turn_z(18.0 * f64::from(i)));
        }
    }
    p = ring(p, slot, shift(0.0, 0.0, length), 0.0, 10);
    p = ring(p, bolt, shift(0.0, 0.0, length * 0.05), r * 1.05, 4);
    c.add(p)
}

/// A signal tower on z = 0.
pub(super) fn signal_tower() -> Part {
    let mut p = part("Signal tower")
        .body(DARK, Solid::cylinder(45.0, 20.0, 4.0))
        .body(STEEL, rod_z(0.0, 0.0, 20.0, 14.0, 180.0).with_steps(16))
        .body(DARK, rod_z(0.0, 0.0, 200.0, 38.0, 12.0));
    for (k, colour) in [GREEN, YELLOW, RED].into_iter().enumerate() {
        let z = 212.0 + 78.0 * k as f64;
        p = p.body(colour, rod_z(0.0, 0.0, z, 36.0, 62.0)).body(DARK, rod_z(0.0, 0.0, z + 62.0, 38.0, 16.0));
    }
    p
}

/// Slanted slats in a frame, seen from -y; the middle of its lower edge is the origin.
pub(super) fn grille(c: &mut Catalogue, width: f64, height: f64, colour: Rgb) -> PartId {
    let slat = Profile::polygon(&[(-16.0, 0.0), (-13.0, 0.0), (-2.0, 22.0), (-5.0, 22.0)]);
    let slat = c.add(part("Slat").body(colour, along(&slat, 18.0 - width / 2.0, width - 36.0)));
    let outline = Profile::rect(-width / 2.0, 0.0, width / 2.0, height);
    let count = ((height - 40.0) / 24.0) as usize;
    let mut p = part("Grille")
        .body(DARK, plate_y(&outline, &[outline.inset(18.0)], -18.0, 18.0))
        .body(BLACK, plate_y(&outline.inset(10.0), &[], -1.5, 1.5));
    p = row(p, slat, shift(0.0, 0.0, 20.0), (0.0, 0.0, 24.0), count);
    c.add(p)
}

/// An operator's panel, seen from -y: screen, keys, stop button. 480 wide, 640 high, its lower middle is the origin.
pub(super) fn operator_panel(c: &mut Catalogue) -> PartId {
    let key = c.add(part("Key").body(LIGHT, bar_box((-14.0, -7.0, -11.0), (28.0, 7.0, 22.0))));
    let button =
        |x: f64, r: f64| Solid::cylinder(r, 20.0, 4.0).with_steps(16).at(shift(x, -120.0, 60.0) * facing_front());
    let mut p = part("Operator panel")
        .body(LIGHT, bar_box((-240.0, -120.0, 0.0), (480.0, 120.0, 640.0)))
        .body(DARK, bar_box((-246.0, -124.0, -8.0), (492.0, 20.0, 8.0)))
        .body(BLACK, bar_box((-200.0, -126.0, 290.0), (400.0, 6.0, 310.0)))
        .body(SCREEN, bar_box((-180.0, -128.0, 310.0), (360.0, 2.0, 270.0)))
        .body(GREEN, bar_box((-165.0, -129.0, 540.0), (200.0, 1.0, 24.0)))
        .body(GREY, bar_box((-165.0, -129.0, 330.0), (190.0, 1.0, 190.0)))
        .body(YELLOW, bar_box((110.0, -122.0, 15.0), (90.0, 2.0, 90.0)))
        .body(RED, button(155.0, 30.0))
        .body(GREEN, button(-170.0, 15.0))
        .body(DARK, button(-115.0, 15.0))
        .body(DARK, button(-60.0, 15.0));
    for line in 0..4 {
        p = row(p, key, shift(-170.0, -120.0, 130.0 + 36.0 * f64::from(line)), (42.0, 0.0, 0.0), 9);
    }
    c.add(p)
}

/// A ladder in the plane y = 0 from z = 0; 460 wide.
pub(super) fn ladder(c: &mut Catalogue, height: f64, colour: Rgb) -> PartId {
    let rung = c.add(part("Rung").body(STEEL, rod_x(-210.0, 0.0, 0.0, 14.0, 420.0).with_steps(12)));
    let mut p = part("Ladder")
        .body(colour, bar_box((-230.0, -25.0, 0.0), (20.0, 50.0, height)))
        .body(colour, bar_box((210.0, -25.0, 0.0), (20.0, 50.0, height)));
    p = row(p, rung, shift(0.0, 0.0, 200.0), (0.0, 0.0, 280.0), ((height - 200.0) / 280.0) as usize);
    c.add(p)
}

/// A railing along x from the origin, 1.1 m high.
pub(super) fn railing(c: &mut Catalogue, length: f64) -> PartId {
    let post = c.add(part("Post").body(YELLOW, rod_z(0.0, 0.0, 0.0, 20.0, 1080.0).with_steps(12)));
    let gaps = (length / 1200.0).ceil();
    let mut p = part("Railing")
        .body(YELLOW, rod_x(-20.0, 0.0, 1095.0, 22.0, length + 40.0).with_steps(12))
        .body(YELLOW, rod_x(0.0, 0.0, 560.0, 16.0, length).with_steps(12))
        .body(YELLOW, bar_box((0.0, -4.0, 0.0), (length, 8.0, 110.0)));
    p = row(p, post, HERE, (length / gaps, 0.0, 0.0), gaps as usize + 1);
    c.add(p)
}

/// A ladder-shaped cable tray along x from the origin with three cables; 300 wide.
pub(super) fn cable_tray(c: &mut Catalogue, length: f64) -> PartId {
    let rung = c.add(part("Tray rung").body(STEEL, bar_box((-12.0, -150.0, 0.0), (24.0, 300.0, 10.0))));
    let mut p = part("Cable tray")
        .body(STEEL, bar_box((0.0, -154.0, 0.0), (length, 4.0, 60.0)))
        .body(STEEL, bar_box((0.0, 150.0, 0.0), (length, 4.0, 60.0)));
    for (y, r, colour) in [(-100.0, 16.0, BLACK), (-40.0, 22.0, BLACK), (30.0, 14.0, GREY), (70.0, 14.0, BLACK)] {
        p = p.body(colour, rod_x(0.0, y, 10.0 + r, r, length).with_steps(12));
    }
    let count = (length / 250.0) as usize;
    p = row(p, rung, shift(125.0, 0.0, 0.0), (250.0, 0.0, 0.0), count);
    c.add(p)
}

/// A pressure gauge with its face towards -y on a stem that begins at the origin.
pub(super) fn gauge() -> Part {
    let face = |r: f64, y: f64, depth: f64| {
        Solid::cylinder(r, depth, 0.0).with_steps(20).at(shift(0.0, y, 120.0) * facing_front())
    };
    part("Gauge")
        .body(STEEL, rod_z(0.0, 0.0, 0.0, 9.0, 70.0).with_steps(12))
        .body(STEEL, face(52.0, 18.0, 36.0))
        .body(LIGHT, face(46.0, -18.0, 2.0))
        .body(RED, bar_box((-3.0, -22.0, 105.0), (6.0, 1.0, 46.0)))
}

/// A gate valve on a pipe along x, its wheel on top.
pub(super) fn valve(pipe: f64, colour: Rgb) -> Part {
    let r = pipe;
    let mut p = part("Valve")
        .body(colour, rod_x(-r * 2.4, 0.0, 0.0, r * 1.9, r * 0.6))
        .body(colour, rod_x(r * 1.8, 0.0, 0.0, r * 1.9, r * 0.6))
        .body(colour, rod_x(-r * 1.8, 0.0, 0.0, r * 1.25, r * 3.6))
        .body(colour, rod_z(0.0, 0.0, 0.0, r * 1.1, r * 2.4))
        .body(colour, rod_z(0.0, 0.0, r * 2.4, r * 1.5, r * 0.5))
        .body(STEEL, rod_z(0.0, 0.0, r * 2.9, r * 0.3, r * 2.4).with_steps(12))
        .body(RED, Solid::revolve(&Profile::circle(r * 1.9, r * 5.0, r * 0.2)).with_steps(24));
    for turn in [0.0, 60.0, 120.0] {
        let spoke = bar_box((-r * 1.8, -r * 0.12, r * 4.9), (r * 3.6, r * 0.24, r * 0.2));
        p = p.body(RED, spoke.at(turn_z(turn)));
    }
    p
}
