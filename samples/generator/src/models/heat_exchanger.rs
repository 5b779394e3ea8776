//! Two shell-and-tube heat exchangers, one above the other, on saddles: bolted channel heads, baffle marks, nozzles with
//! flanges, joined pipes, gauges. They lie along x.

use super::hardware::{HERE, bar_box, bolt, flanges, gauge, nut, ring, rod_x, rod_y, rod_z, row, valve};
use super::palette::{ALUMINIUM, BLUE, DARK, PETROL, STEEL, YELLOW};
use crate::kit::{Catalogue, PartId, Profile, Solid, along_x, along_y, part, shift, turn_x, turn_y, turn_z};
use glam::dvec3;

const RADIUS: f64 = 260.0;
const AXES: [f64; 2] = [520.0, 1320.0];
const HALF: f64 = 1500.0;
const NOZZLE: f64 = 55.0;

/// The pair.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let screw = c.add(bolt(13.0));
    let joint = flanges(&mut c, NOZZLE, 8, STEEL);
    let gauge = c.add(gauge());
    let shell = shell(&mut c, joint, gauge);
    let saddle = saddle(&mut c, screw);
    let valve = c.add(valve(NOZZLE, PETROL));
    let pipes = pipes(&mut c, joint, valve);
    let mut root = part("Heat exchangers").child(pipes, HERE);
    for z in AXES {
        root = root.child(shell, shift(0.0, 0.0, z));
    }
    for x in [-950.0, 950.0] {
        root = root.child(saddle, shift(x, 0.0, 0.0));
    }
    c.add(root);
    c
}

/// Jacketed shell with bands, end flanges, domed heads and four nozzles.
fn shell(c: &mut Catalogue, joint: PartId, gauge: PartId) -> PartId {
    let stud = c.add(nut(15.0));
    let rivet = c.add(part("Rivet").body(STEEL, Solid::cylinder(6.0, 4.0, 1.0).with_steps(12)));
    let head = Profile::path(&[
        (0.0, -2.0, 0.0),
        (RADIUS, -2.0, 0.0),
        (RADIUS, 260.0, 90.0),
        (RADIUS * 0.6, 380.0, 140.0),
        (0.0, 400.0, 0.0),
    ]);
    let flange =
        |x: f64| Solid::tube(RADIUS + 85.0, RADIUS - 30.0, 46.0).with_steps(64).at(shift(x, 0.0, 0.0) * along_x());
    let mut p = part("Exchanger")
        .body(ALUMINIUM, rod_x(-HALF, 0.0, 0.0, RADIUS, 2.0 * HALF).with_steps(64))
        .body(BLUE, Solid::revolve(&head).with_steps(64).at(shift(HALF + 96.0, 0.0, 0.0) * along_x()))
        .body(BLUE, Solid::revolve(&head).with_steps(64).at(shift(-HALF - 96.0, 0.0, 0.0) * turn_y(-90.0)))
        .body(YELLOW, bar_box((-150.0, -RADIUS - 3.0, -50.0), (300.0, 40.0, 100.0)))
        .child(gauge, shift(-1000.0, 0.0, RADIUS - 4.0))
        .child(gauge, shift(1000.0, 0.0, RADIUS - 4.0));
    for x in [-HALF - 96.0, -HALF - 46.0, HALF, HALF + 50.0] {
        p = p.body(STEEL, flange(x));
    }
    for x in [-HALF, HALF + 96.0] {
        p = ring(p, stud, shift(x, 0.0, 0.0) * along_x(), RADIUS + 50.0, 24);
        p = ring(p, stud, shift(x - 96.0, 0.0, 0.0) * turn_y(-90.0), RADIUS + 50.0, 24);
    }
    // Seams of the jacket, riveted.
    for k in 0..6 {
        let x = -1250.0 + 500.0 * f64::from(k);
        let band =
            Solid::tube(RADIUS + 4.0, RADIUS - 4.0, 50.0).with_steps(64).at(shift(x - 25.0, 0.0, 0.0) * along_x());
        p = p.body(STEEL, band);
        for turn in 0..16 {
            let around = turn_x(22.5 * f64::from(turn));
            p = p.child(rivet, shift(x, 0.0, 0.0) * around * shift(0.0, 0.0, RADIUS + 4.0));
        }
    }
    // Nozzles: shell side up and down, tube side on the left head.
    for (x, up) in [(1250.0, 0.0), (-1250.0, 180.0), (-HALF - 230.0, 0.0), (-HALF - 230.0, 180.0)] {
        let at = shift(x, 0.0, 0.0) * turn_x(up);
        p = p
            .body(STEEL, rod_z(0.0, 0.0, RADIUS - 20.0, NOZZLE, 160.0).with_steps(32).at(at))
            .child(joint, at * shift(0.0, 0.0, RADIUS + 140.0));
    }
    c.add(p)
}

/// Frame that carries both.
fn saddle(c: &mut Catalogue, screw: PartId) -> PartId {
    let cradle = |z: f64| {
        // A plate with the shell's round cut out of its top, joined below the middle.
        let plate = Profile::rect(-300.0, z - RADIUS - 60.0, 300.0, z - RADIUS + 10.0);
        Solid::extrude(&plate, &[], 120.0).at(shift(-60.0, 0.0, 0.0) * turn_z(90.0) * turn_x(90.0))
    };
    let mut p = part("Saddle frame")
        .body(DARK, bar_box((-100.0, -400.0, 0.0), (200.0, 800.0, 16.0)))
        .body(BLUE, cradle(AXES[0]))
        .body(BLUE, cradle(AXES[1]));
    for y in [-370.0, 370.0] {
        p = p
            .body(BLUE, bar_box((-50.0, y - 8.0, 16.0), (100.0, 16.0, 1050.0)))
            .body(BLUE, bar_box((-50.0, y - 30.0, 16.0), (16.0, 60.0, 1050.0)))
            .body(BLUE, bar_box((34.0, y - 30.0, 16.0), (16.0, 60.0, 1050.0)));
    }
    for z in AXES {
        p = p.body(BLUE, bar_box((-55.0, -380.0, z - RADIUS - 90.0), (110.0, 760.0, 30.0)));
    }
    for x in [-75.0, 75.0] {
        p = row(p, screw, shift(x, -340.0, 16.0), (0.0, 170.0, 0.0), 5);
    }
    c.add(p)
}

/// Lines to and between the nozzles.
fn pipes(c: &mut Catalogue, joint: PartId, valve: PartId) -> PartId {
    let low = AXES[0] - RADIUS - 140.0;
    let high = AXES[1] + RADIUS + 140.0;
    let left = -HALF - 230.0;
    let feed = [
        dvec3(1250.0, 0.0, high),
        dvec3(1250.0, 0.0, high + 150.0),
        dvec3(1250.0, 420.0, high + 150.0),
        dvec3(-200.0, 420.0, high + 150.0),
        dvec3(-200.0, 420.0, 80.0),
    ];
    let drain = [dvec3(-1250.0, 0.0, low), dvec3(-1250.0, 0.0, low - 40.0)];
    let coolant = [
        dvec3(left, 0.0, high),
        dvec3(left, 0.0, high + 130.0),
        dvec3(left, -400.0, high + 130.0),
        dvec3(left, -400.0, 90.0),
        dvec3(left + 500.0, -400.0, 90.0),
    ];
    let link = [dvec3(1250.0, 0.0, AXES[0] + RADIUS + 138.0), dvec3(1250.0, 0.0, AXES[1] - RADIUS + 10.0)];
    c.add(
        part("Pipes")
            .body(STEEL, Solid::bar(&feed, NOZZLE, 120.0).with_steps(32))
            .body(STEEL, Solid::bar(&drain, NOZZLE, 20.0).with_steps(32))
            .body(PETROL, Solid::bar(&coolant, NOZZLE, 120.0).with_steps(32))
            .body(STEEL, Solid::bar(&link, NOZZLE, 20.0).with_steps(32))
            .child(valve, shift(500.0, 420.0, high + 150.0))
            .child(valve, shift(left, -400.0, 900.0) * turn_y(90.0) * turn_x(90.0))
            .child(joint, shift(0.0, 420.0, high + 150.0) * along_x())
            .child(joint, shift(-200.0, 420.0, 700.0))
            .child(joint, shift(left, -400.0, 400.0))
            .child(joint, shift(left, -200.0, high + 130.0) * along_y())
            .body(DARK, rod_z(-200.0, 420.0, 0.0, 90.0, 80.0))
            .body(DARK, rod_y(left + 500.0, -410.0, 90.0, 70.0, 20.0))
            .body(DARK, bar_box((left + 460.0, -440.0, 0.0), (80.0, 80.0, 40.0))),
    )
}
