//! Two stirred tanks on a skid with pumps, valves, flanged pipes, manways, a platform with ladder and railing. Its file
//! is in inches.

use super::hardware::{
    HERE, bar_box, bolt, flanges, gauge, ladder, motor, nut, railing, ring, rod_x, rod_y, rod_z, row, valve,
};
use super::palette::{ALUMINIUM, BLACK, BLUE, DARK, GREY, LIGHT, PETROL, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, PartId, Profile, Solid, along_x, facing_front, part, shift, turn_x, turn_y};
use glam::dvec3;

const RADIUS: f64 = 760.0;
const SKID: f64 = 200.0;
/// Lower and upper end of the straight shell.
const SHELL: (f64, f64) = (1050.0, 2750.0);
const TANKS: [f64; 2] = [-1150.0, 850.0];
/// Radius and height of the pipes that run along the front.
const PIPE: f64 = 45.0;

/// The unit.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let screw = c.add(bolt(12.0));
    let joint = flanges(&mut c, PIPE, 8, STEEL);
    let gauge = c.add(gauge());
    let valve = c.add(valve(PIPE, PETROL));
    let tank = tank(&mut c, screw, joint, gauge);
    let pump = pump(&mut c, screw);
    let pipes = pipes(&mut c, joint, valve, gauge);
    let platform = platform(&mut c);
    let skid = c.add(skid(screw));
    let cabinet = c.add(cabinet());
    let mut root = part("Tank unit")
        .child(skid, HERE)
        .child(pipes, HERE)
        .child(platform, HERE)
        .child(cabinet, shift(2000.0, -500.0, SKID));
    for x in TANKS {
        root = root.child(tank, shift(x, 250.0, SKID)).child(pump, shift(x - 250.0, -800.0, SKID));
    }
    c.add(root);
    c
}

/// Beams with feet plates, and grating between them.
fn skid(screw: PartId) -> Part {
    let mut p = part("Skid");
    for y in [-1100.0, -100.0, 1000.0] {
        p = p
            .body(BLUE, bar_box((-2250.0, y, 0.0), (4500.0, 100.0, 14.0)))
            .body(BLUE, bar_box((-2250.0, y + 44.0, 14.0), (4500.0, 12.0, SKID - 42.0)))
            .body(BLUE, bar_box((-2250.0, y, SKID - 28.0), (4500.0, 100.0, 14.0)));
    }
    for x in [-2250.0, -760.0, 640.0, 2150.0] {
        p = p.body(BLUE, bar_box((x, -1000.0, 20.0), (100.0, 900.0, SKID - 48.0)));
        p = p.body(BLUE, bar_box((x, 0.0, 20.0), (100.0, 1000.0, SKID - 48.0)));
    }
    p = p.body(GREY, bar_box((-2250.0, -1100.0, SKID - 14.0), (4500.0, 2200.0, 14.0)));
    for y in [-1080.0, 1080.0] {
        p = row(p, screw, shift(-2200.0, y, SKID), (400.0, 0.0, 0.0), 12);
    }
    p
}

/// Origin at the middle of its feet.
fn tank(c: &mut Catalogue, screw: PartId, joint: PartId, gauge: PartId) -> PartId {
    let (lo, hi) = (SHELL.0 - SKID, SHELL.1 - SKID);
    // Dished ends: a large cap radius and a knuckle, as pressure vessels have them.
    let outline = Profile::path(&[
        (0.0, lo - 260.0, 0.0),
        (RADIUS * 0.72, lo - 190.0, 300.0),
        (RADIUS, lo, 160.0),
        (RADIUS, hi, 160.0),
        (RADIUS * 0.72, hi + 190.0, 300.0),
        (0.0, hi + 260.0, 0.0),
    ]);
    let band = |z: f64| Solid::tube(RADIUS + 14.0, RADIUS - 6.0, 60.0).at(shift(0.0, 0.0, z));
    let leg = c.add(
        part("Tank leg")
            .body(STEEL, rod_z(0.0, 0.0, 16.0, 55.0, lo + 250.0))
            .body(STEEL, bar_box((-110.0, -110.0, 0.0), (220.0, 220.0, 16.0)))
            .child(screw, shift(-80.0, -80.0, 16.0))
            .child(screw, shift(80.0, -80.0, 16.0))
            .child(screw, shift(80.0, 80.0, 16.0))
            .child(screw, shift(-80.0, 80.0, 16.0)),
    );
    let manway = manway(c);
    let drive = motor(c, 110.0, 360.0, BLUE);
    let top = hi + 245.0;
    let mut p = part("Tank")
        .body(ALUMINIUM, Solid::revolve(&outline))
        .body(STEEL, band(lo + 60.0))
        .body(STEEL, band((lo + hi) / 2.0))
        .body(STEEL, band(hi - 120.0))
        .child(manway, shift(380.0, -330.0, hi + 120.0))
        // Agitator.
        .body(STEEL, rod_z(0.0, 0.0, top - 40.0, 170.0, 60.0))
        .body(GREY, rod_z(0.0, 0.0, top + 20.0, 120.0, 220.0))
        .child(drive, shift(0.0, 0.0, top + 240.0))
        // Inlet, outlet, sight glass, level tube.
        .body(STEEL, rod_z(-380.0, 200.0, hi + 60.0, PIPE, 230.0))
        .child(joint, shift(-380.0, 200.0, hi + 290.0))
        .body(STEEL, rod_z(0.0, 0.0, lo - 420.0, PIPE, 180.0))
        .child(joint, shift(0.0, 0.0, lo - 420.0))
        .child(gauge, shift(-100.0, -560.0, hi + 160.0))
        .body(STEEL, rod_z(-300.0, -740.0, lo + 250.0, 16.0, 1200.0).with_steps(16))
        .body(YELLOW, rod_z(-300.0, -741.0, lo + 260.0, 17.0, 600.0).with_steps(16))
        .body(LIGHT, bar_box((150.0, -RADIUS - 2.0, lo + 700.0), (320.0, 120.0, 200.0)));
    p = ring(p, screw, shift(0.0, 0.0, top + 20.0), 145.0, 10);
    p = ring(p, leg, HERE, RADIUS - 70.0, 4);
    c.add(p)
}

fn manway(c: &mut Catalogue) -> PartId {
    let clamp = c.add(nut(16.0));
    let handle = [dvec3(-90.0, 0.0, 70.0), dvec3(-90.0, 0.0, 130.0), dvec3(90.0, 0.0, 130.0), dvec3(90.0, 0.0, 70.0)];
    let p = part("Manway")
        .body(STEEL, rod_z(0.0, 0.0, -120.0, 190.0, 140.0))
        .body(STEEL, rod_z(0.0, 0.0, 20.0, 240.0, 24.0))
        .body(BLACK, rod_z(0.0, 0.0, 44.0, 215.0, 4.0))
        .body(STEEL, rod_z(0.0, 0.0, 48.0, 240.0, 24.0))
        .body(DARK, Solid::bar(&handle, 11.0, 24.0).with_steps(12));
    c.add(ring(p, clamp, shift(0.0, 0.0, 72.0), 215.0, 16))
}

/// A centrifugal pump with its motor along x on a base plate.
fn pump(c: &mut Catalogue, screw: PartId) -> PartId {
    let drive = motor(c, 105.0, 380.0, PETROL);
    let scroll = Profile::path(&[
        (0.0, 0.0, 0.0),
        (150.0, 0.0, 0.0),
        (165.0, 20.0, 0.0),
        (165.0, 90.0, 0.0),
        (120.0, 120.0, 0.0),
        (0.0, 120.0, 0.0),
    ]);
    let coupling = c.add(part("Guard rib").body(YELLOW, Solid::tube(74.0, 62.0, 8.0).at(along_x())));
    let mut p = part("Pump")
        .body(DARK, bar_box((-280.0, -150.0, 0.0), (900.0, 300.0, 40.0)))
        .body(PETROL, Solid::revolve(&scroll).at(shift(-190.0, 0.0, 230.0) * along_x()))
        .body(PETROL, bar_box((-180.0, -90.0, 40.0), (90.0, 180.0, 60.0)))
        .body(GREY, rod_x(-70.0, 0.0, 230.0, 60.0, 120.0))
        .body(DARK, bar_box((190.0, -90.0, 40.0), (220.0, 180.0, 90.0)))
        .child(drive, shift(150.0, 0.0, 230.0) * along_x());
    p = row(p, coupling, shift(-60.0, 0.0, 230.0), (22.0, 0.0, 0.0), 5);
    p = ring(p, screw, shift(-190.0, 0.0, 230.0) * turn_y(-90.0), 115.0, 8);
    for (x, y) in [(-250.0, -120.0), (590.0, -120.0), (590.0, 120.0), (-250.0, 120.0)] {
        p = p.child(screw, shift(x, y, 40.0));
    }
    c.add(p)
}

/// The pipes along the front: suction below, pressure above, with valves and joints.
fn pipes(c: &mut Catalogue, joint: PartId, valve: PartId, gauge: PartId) -> PartId {
    let support = c.add(
        part("Pipe support")
            .body(DARK, bar_box((-30.0, -30.0, 0.0), (60.0, 60.0, 880.0)))
            .body(DARK, bar_box((-80.0, -80.0, 0.0), (160.0, 160.0, 12.0)))
            .body(STEEL, Solid::tube(PIPE + 10.0, PIPE, 50.0).at(shift(-25.0, 0.0, 930.0) * along_x())),
    );
    let header = SKID + 930.0;
    let mut p = part("Pipes");
    for x in TANKS {
        let suction = [
            dvec3(x, 250.0, SHELL.0 - 420.0),
            dvec3(x, 250.0, SKID + 230.0),
            dvec3(x, -560.0, SKID + 230.0),
            dvec3(x - 620.0, -560.0, SKID + 230.0),
            dvec3(x - 620.0, -800.0, SKID + 230.0),
            dvec3(x - 440.0, -800.0, SKID + 230.0),
        ];
        let riser = [
            dvec3(x - 380.0, -800.0, SKID + 380.0),
            dvec3(x - 380.0, -800.0, header),
            dvec3(x + 700.0, -800.0, header),
            dvec3(x + 700.0, -800.0, SHELL.1 + 420.0),
            dvec3(x - 380.0, -800.0, SHELL.1 + 420.0),
            dvec3(x - 380.0, 450.0, SHELL.1 + 420.0),
            dvec3(x - 380.0, 450.0, SHELL.1 + 290.0),
        ];
        p = p
            .body(STEEL, Solid::bar(&suction, PIPE, 90.0))
            .body(STEEL, Solid::bar(&riser, PIPE, 90.0))
            .child(valve, shift(x - 80.0, -800.0, header))
            .child(valve, shift(x + 20.0, -560.0, SKID + 230.0))
            .child(joint, shift(x - 380.0, -800.0, SKID + 560.0))
            .child(joint, shift(x + 700.0, -800.0, SKID + 1500.0))
            .child(joint, shift(x + 700.0, -800.0, SKID + 2300.0))
            .child(joint, shift(x + 350.0, -800.0, header) * along_x())
            .child(joint, shift(x, -100.0, SKID + 230.0) * turn_x(90.0))
            .child(support, shift(x + 500.0, -800.0, SKID))
            .child(gauge, shift(x + 200.0, -800.0, header + PIPE));
    }
    c.add(p)
}

/// Grating on top between the tanks, reached by a ladder.
fn platform(c: &mut Catalogue) -> PartId {
    let z = 2450.0;
    let ladder = ladder(c, z, YELLOW);
    let rail = railing(c, 1500.0);
    let bar = c.add(part("Grating bar").body(STEEL, bar_box((0.0, 0.0, 0.0), (8.0, 600.0, 30.0))));
    let mut p = part("Platform")
        .body(YELLOW, bar_box((-900.0, 1050.0, z - 60.0), (1500.0, 14.0, 100.0)))
        .body(YELLOW, bar_box((-900.0, 450.0, z - 60.0), (1500.0, 14.0, 100.0)))
        .child(rail, shift(-900.0, 1057.0, z + 40.0))
        .child(ladder, shift(860.0, 1120.0, 100.0))
        .body(YELLOW, bar_box((600.0, 1050.0, z - 60.0), (500.0, 14.0, 100.0)));
    for x in [-880.0, 560.0] {
        p = p.body(YELLOW, bar_box((x, 1030.0, SKID), (60.0, 60.0, z - 60.0 - SKID)));
    }
    p = row(p, bar, shift(-895.0, 457.0, z), (50.0, 0.0, 0.0), 30);
    c.add(p)
}

fn cabinet() -> Part {
    part("Local cabinet")
        .body(LIGHT, bar_box((-200.0, -150.0, 300.0), (400.0, 300.0, 900.0)))
        .body(DARK, bar_box((-180.0, -100.0, 0.0), (40.0, 200.0, 300.0)))
        .body(DARK, bar_box((140.0, -100.0, 0.0), (40.0, 200.0, 300.0)))
        .body(GREY, bar_box((-170.0, -156.0, 340.0), (340.0, 6.0, 820.0)))
        .body(BLACK, rod_y(120.0, -186.0, 760.0, 22.0, 30.0))
        .body(super::palette::GREEN, Solid::cylinder(14.0, 14.0, 0.0).at(shift(-60.0, -156.0, 1080.0) * facing_front()))
        .body(super::palette::RED, Solid::cylinder(14.0, 14.0, 0.0).at(shift(0.0, -156.0, 1080.0) * facing_front()))
        .body(BLACK, rod_z(0.0, 60.0, 1200.0, 20.0, 60.0))
}
