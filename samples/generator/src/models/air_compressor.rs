//! A piston compressor on its receiver: two finned cylinders in V, flywheel and motor with belts behind a guard, intake
//! filters, pipes, gauge, safety valve. It lies along x.

use super::hardware::{HERE, bar_box, bolt, flanges, gauge, motor, nut, ring, rod_x, rod_y, rod_z, row};
use super::palette::{BLACK, BLUE, COPPER, DARK, GREY, RED, STEEL, YELLOW};
use crate::kit::{
    Catalogue, PartId, Profile, Solid, along_x, along_y, facing_front, part, shift, turn_x, turn_y, turn_z,
};
use glam::{dvec2, dvec3};

const TANK: f64 = 320.0;
const AXIS: f64 = 520.0;
/// Top of the base plate on the receiver.
const BASE: f64 = 880.0;

/// The compressor.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let screw = c.add(bolt(12.0));
    let receiver = receiver(&mut c, screw);
    let cylinder = cylinder(&mut c, screw);
    let block = block(&mut c, cylinder, screw);
    let drive = motor(&mut c, 150.0, 420.0, BLUE);
    let belts = belts(&mut c);
    let pipes = pipes(&mut c);
    c.add(
        part("Air compressor")
            .child(receiver, HERE)
            .child(block, shift(-420.0, 0.0, BASE))
            .child(drive, shift(480.0, 30.0, BASE + 190.0) * along_y())
            .body(DARK, bar_box((360.0, 60.0, BASE), (240.0, 300.0, 60.0)))
            .child(belts, HERE)
            .child(pipes, HERE),
    );
    c
}

fn receiver(c: &mut Catalogue, screw: PartId) -> PartId {
    let outline = Profile::path(&[
        (0.0, -1020.0, 0.0),
        (TANK * 0.7, -980.0, 120.0),
        (TANK, -860.0, 80.0),
        (TANK, 860.0, 80.0),
        (TANK * 0.7, 980.0, 120.0),
        (0.0, 1020.0, 0.0),
    ]);
    let leg = part("Foot")
        .body(BLUE, bar_box((-60.0, -20.0, 20.0), (120.0, 40.0, 330.0)))
        .body(BLUE, bar_box((-90.0, -70.0, 8.0), (180.0, 140.0, 12.0)))
        .body(BLACK, Solid::cylinder(50.0, 8.0, 0.0).with_steps(20));
    let leg = c.add(ring(leg, screw, shift(0.0, 0.0, 20.0), 62.0, 2));
    let hand_hole = c.add(nut(14.0));
    let mut p = part("Receiver")
        .body(BLUE, Solid::revolve(&outline).with_steps(56).at(shift(0.0, 0.0, AXIS) * along_x()))
        .body(BLUE, bar_box((-860.0, -260.0, BASE - 30.0), (1640.0, 620.0, 30.0)))
        .body(STEEL, rod_x(1010.0, 0.0, AXIS, 110.0, 24.0).with_steps(32))
        .body(YELLOW, bar_box((-120.0, -TANK - 4.0, AXIS - 60.0), (260.0, 30.0, 120.0)))
        .body(STEEL, rod_z(0.0, 0.0, 130.0, 22.0, 80.0).with_steps(16))
        .body(RED, Solid::block(24.0, 90.0, 14.0, 2.0).at(shift(0.0, -20.0, 130.0)));
    p = ring(p, hand_hole, shift(1034.0, 0.0, AXIS) * along_x(), 86.0, 8);
    for (x, y) in [(-700.0, -210.0), (700.0, -210.0), (700.0, 210.0), (-700.0, 210.0)] {
        p = p.child(leg, shift(x, y, 0.0));
    }
    // Saddles under the plate.
    for x in [-700.0, -150.0, 400.0, 700.0] {
        p = p.body(BLUE, bar_box((x, -240.0, AXIS + 180.0), (16.0, 580.0, BASE - 30.0 - AXIS - 180.0)));
    }
    for y in [-235.0, 335.0] {
        p = row(p, screw, shift(-820.0, y, BASE), (260.0, 0.0, 0.0), 7);
    }
    c.add(p)
}

/// A cylinder with cooling fins along z, its head on top.
fn cylinder(c: &mut Catalogue, screw: PartId) -> PartId {
    let fin = c.add(part("Cooling fin").body(GREY, Solid::tube(128.0, 88.0, 7.0).with_steps(32)));
    let rib = c.add(part("Head fin").body(GREY, bar_box((-120.0, -4.0, 0.0), (240.0, 8.0, 60.0))));
    let mut p = part("Cylinder")
        .body(GREY, rod_z(0.0, 0.0, 0.0, 90.0, 240.0).with_steps(32))
        .body(GREY, Solid::block(260.0, 260.0, 60.0, 14.0).at(shift(0.0, 0.0, 240.0)));
    p = row(p, fin, shift(0.0, 0.0, 30.0), (0.0, 0.0, 17.0), 12);
    p = row(p, rib, shift(0.0, -90.0, 300.0), (0.0, 22.0, 0.0), 9);
    for (x, y) in [(-112.0, -112.0), (112.0, -112.0), (112.0, 112.0), (-112.0, 112.0)] {
        p = p.child(screw, shift(x, y, 300.0));
    }
    // Intake filter at the side of the head.
    let filter = Profile::path(&[(0.0, 0.0, 0.0), (70.0, 0.0, 8.0), (70.0, 75.0, 8.0), (0.0, 75.0, 0.0)]);
    p = p
        .body(STEEL, rod_y(0.0, -150.0, 272.0, 30.0, 30.0).with_steps(20))
        .body(BLACK, Solid::revolve(&filter).with_steps(32).at(shift(0.0, -150.0, 272.0) * facing_front()));
    c.add(p)
}

/// Crankcase with two cylinders in V, sight glass, oil plug.
fn block(c: &mut Catalogue, cylinder: PartId, screw: PartId) -> PartId {
    let case = Profile::rounded(&[
        (-190.0, 0.0, 20.0),
        (190.0, 0.0, 20.0),
        (210.0, 180.0, 60.0),
        (110.0, 320.0, 30.0),
        (-110.0, 320.0, 30.0),
        (-210.0, 180.0, 60.0),
    ]);
    let cover = Solid::cylinder(130.0, 24.0, 4.0).with_steps(40);
    let mut p = part("Crankcase")
        .body(BLUE, Solid::extrude_chamfered(&case, &[], 340.0, 14.0).at(shift(0.0, 170.0, 0.0) * facing_front()))
        .body(STEEL, cover.at(shift(0.0, -170.0, 160.0) * facing_front()))
        .body(YELLOW, rod_y(0.0, -206.0, 70.0, 22.0, 34.0).with_steps(20))
        .child(cylinder, shift(-110.0, 0.0, 220.0) * turn_y(-38.0))
        .child(cylinder, shift(110.0, 0.0, 220.0) * turn_y(38.0));
    p = ring(p, screw, shift(0.0, -194.0, 160.0) * facing_front(), 106.0, 8);
    c.add(p)
}

/// Flywheel with spokes, pulley, three belts, wire guard.
fn belts(c: &mut Catalogue) -> PartId {
    let (wheel, pulley) = (dvec2(-420.0, BASE + 190.0), dvec2(480.0, BASE + 190.0));
    let y = -300.0;
    let rim = Profile::polygon(&[(200.0, -40.0), (240.0, -40.0), (240.0, 40.0), (200.0, 40.0)]);
    let spoke = c.add(part("Spoke").body(DARK, bar_box((30.0, -22.0, -16.0), (180.0, 44.0, 32.0)).at(turn_x(20.0))));
    let mut p = part("Belt drive")
        .body(DARK, Solid::revolve(&rim).with_steps(56).at(shift(wheel.x, y, wheel.y) * along_y()))
        .body(DARK, rod_y(wheel.x, y - 60.0, wheel.y, 46.0, 150.0).with_steps(24))
        .body(DARK, rod_y(pulley.x, y - 44.0, pulley.y, 80.0, 88.0).with_steps(32))
        .body(STEEL, rod_y(pulley.x, y - 60.0, pulley.y, 24.0, 340.0).with_steps(20));
    p = ring(p, spoke, shift(wheel.x, y, wheel.y) * along_y(), 0.0, 5);
    for k in 0..3 {
        let at = y - 26.0 + 22.0 * f64::from(k) + 14.0;
        let outer = Profile::link(wheel, 250.0, pulley, 92.0);
        let inner = Profile::link(wheel, 241.0, pulley, 83.0);
        p = p.body(
            BLACK,
            Solid::extrude(&outer, &[inner], 14.0).with_steps(56).at(shift(0.0, at, 0.0) * facing_front()),
        );
    }
    // The guard: a frame and wires before the belts.
    let frame = Profile::link(wheel, 300.0, pulley, 140.0);
    let inner = Profile::link(wheel, 284.0, pulley, 124.0);
    p = p.body(
        YELLOW,
        Solid::extrude(&frame, &[inner], 130.0).with_steps(48).at(shift(0.0, y + 60.0, 0.0) * facing_front()),
    );
    for k in 0..24 {
        let x = wheel.x - 270.0 + 58.0 * f64::from(k);
        // Half the height of the frame there: that of the circle it is over, or of the line between the tangents.
        let height = if x < wheel.x {
            (284.0_f64.powi(2) - (x - wheel.x).powi(2)).sqrt()
        } else if x > pulley.x {
            (124.0_f64.powi(2) - (x - pulley.x).powi(2)).max(0.0).sqrt()
        } else {
            284.0 - 160.0 * (x - wheel.x) / (pulley.x - wheel.x)
        };
        if height > 20.0 {
            let wire = Solid::cylinder(4.0, 2.0 * height, 0.0).with_steps(8);
            p = p.body(YELLOW, wire.at(shift(x, y - 62.0, wheel.y - height)));
        }
    }
    c.add(p)
}

/// Copper lines between the heads and down to the receiver, gauge, safety valve, pressure switch, outlet.
fn pipes(c: &mut Catalogue) -> PartId {
    let gauge = c.add(gauge());
    let joint = flanges(c, 30.0, 4, STEEL);
    let between = [
        dvec3(-730.0, 100.0, BASE + 430.0),
        dvec3(-730.0, 220.0, BASE + 430.0),
        dvec3(-730.0, 220.0, BASE + 640.0),
        dvec3(-110.0, 220.0, BASE + 640.0),
        dvec3(-110.0, 220.0, BASE + 430.0),
        dvec3(-110.0, 100.0, BASE + 430.0),
    ];
    let down = [
        dvec3(-60.0, 60.0, BASE + 380.0),
        dvec3(60.0, 60.0, BASE + 380.0),
        dvec3(160.0, 60.0, BASE + 240.0),
        dvec3(160.0, 60.0, BASE - 80.0),
    ];
    let outlet = [dvec3(820.0, 0.0, AXIS + 250.0), dvec3(820.0, 0.0, AXIS + 420.0), dvec3(1080.0, 0.0, AXIS + 420.0)];
    let mut p = part("Pipes")
        .body(COPPER, Solid::bar(&between, 20.0, 60.0))
        .body(COPPER, Solid::bar(&down, 20.0, 60.0))
        .body(STEEL, Solid::bar(&outlet, 30.0, 70.0))
        .child(joint, shift(980.0, 0.0, AXIS + 420.0) * along_x())
        .child(gauge, shift(240.0, -120.0, BASE))
        .body(STEEL, rod_z(240.0, 120.0, BASE, 20.0, 60.0).with_steps(16))
        .body(COPPER, Solid::cylinder(28.0, 90.0, 5.0).at(shift(240.0, 120.0, BASE + 60.0)))
        .body(RED, Solid::revolve(&Profile::circle(24.0, 0.0, 4.0)).at(shift(240.0, 120.0, BASE + 176.0) * along_y()))
        .body(BLACK, Solid::block(120.0, 90.0, 110.0, 10.0).at(shift(240.0, 240.0, BASE)));
    for turn in [0.0, 90.0] {
        p = p.body(
            RED,
            bar_box((-40.0, -5.0, 0.0), (80.0, 10.0, 8.0)).at(shift(980.0, 0.0, AXIS + 490.0) * turn_z(turn)),
        );
    }
    c.add(p)
}
