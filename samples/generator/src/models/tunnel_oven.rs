//! A tunnel oven along x: insulated panels with seams, inspection doors, circulating fans and stacks on the roof, a
//! burner with its gas line, a mesh belt on rollers, curtains at both ends, a control cabinet.

use super::hardware::{
    HERE, bar_box, bolt, cable_tray, flanges, foot, gauge, grille, motor, operator_panel, plate_y, ring, rod_x, rod_y,
    row, signal_tower, valve,
};
use super::palette::{ALUMINIUM, BLACK, BLUE, CREAM, DARK, GREY, ORANGE, RED, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, PartId, Profile, Solid, along_x, along_y, facing_front, part, shift, turn_z};
use glam::dvec3;

/// Length of the housing.
const HALF: f64 = 2650.0;
const DEPTH: f64 = 800.0;
const BOTTOM: f64 = 550.0;
const TOP: f64 = 1950.0;
/// Top of the belt.
const BELT: f64 = 900.0;
const BELT_HALF: f64 = 3120.0;

/// The oven.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let screw = c.add(bolt(10.0));
    let foot = c.add(foot(130.0));
    let stand = c.add(stand(foot));
    let housing = housing(&mut c, screw);
    let door = door(&mut c);
    let belt = belt(&mut c, screw);
    let fan = fan(&mut c, screw);
    let burner = burner(&mut c, screw);
    let strip = c.add(part("Curtain strip").body(BLACK, bar_box((-3.0, -27.0, 0.0), (6.0, 54.0, 330.0))));
    let tray = cable_tray(&mut c, 4800.0);
    let vent = grille(&mut c, 500.0, 300.0, CREAM);
    let panel = operator_panel(&mut c);
    let tower = c.add(signal_tower());
    let mut root = part("Tunnel oven")
        .child(housing, HERE)
        .child(belt, HERE)
        .child(burner, shift(-700.0, 820.0, 0.0))
        .child(tray, shift(-2400.0, 640.0, TOP + 90.0))
        .child(panel, shift(2300.0, -DEPTH - 6.0, 1180.0))
        .child(tower, shift(2450.0, -600.0, TOP + 60.0));
    root = row(root, stand, shift(-2400.0, 0.0, 0.0), (1200.0, 0.0, 0.0), 5);
    for i in 0..3 {
        let x = -1700.0 + 1500.0 * f64::from(i);
        root = root.child(fan, shift(x, -100.0, TOP + 60.0)).child(door, shift(x - 150.0, -DEPTH, 0.0));
        root = root.child(vent, shift(x + 500.0, DEPTH + 2.0, 700.0) * turn_z(180.0));
    }
    for x in [-HALF - 6.0, HALF + 6.0] {
        root = row(root, strip, shift(x, -440.0, BELT + 20.0), (0.0, 58.0, 0.0), 16);
    }
    c.add(root);
    c
}

fn stand(foot: PartId) -> Part {
    let mut p = part("Stand").body(GREY, bar_box((-40.0, -660.0, 470.0), (80.0, 1320.0, 80.0)));
    for y in [-620.0, 620.0] {
        p = p
            .body(GREY, bar_box((-40.0, y - 40.0, 130.0), (80.0, 80.0, 340.0)))
            .body(GREY, bar_box((-70.0, y - 60.0, 118.0), (140.0, 120.0, 12.0)))
            .child(foot, shift(0.0, y, 0.0));
    }
    p.body(GREY, bar_box((-25.0, -580.0, 200.0), (50.0, 1160.0, 50.0)))
}

/// A tunnel of panels; seams and screws between them.
fn housing(c: &mut Catalogue, screw: PartId) -> PartId {
    let seam = c.add(part("Seam").body(ALUMINIUM, bar_box((-18.0, -6.0, 0.0), (36.0, 6.0, TOP - BOTTOM))));
    let ridge = c.add(part("Roof seam").body(ALUMINIUM, bar_box((-12.0, -DEPTH, 0.0), (24.0, 2.0 * DEPTH, 40.0))));
    let tunnel = Profile::rect(-480.0, BELT - 130.0, 480.0, BELT + 360.0);
    let outline = Profile::rounded_rect(-DEPTH, BOTTOM, DEPTH, TOP + 60.0, 40.0);
    let shell = Solid::extrude(&outline, &[tunnel], 2.0 * HALF);
    let mut p = part("Housing")
        .body(CREAM, shell.at(shift(-HALF, 0.0, 0.0) * turn_z(90.0) * facing_front()))
        .body(BLUE, bar_box((-HALF, -DEPTH - 3.0, BOTTOM + 40.0), (2.0 * HALF, 3.0, 90.0)))
        .body(BLUE, bar_box((-HALF, DEPTH, BOTTOM + 40.0), (2.0 * HALF, 3.0, 90.0)));
    for k in 0..8 {
        let x = -HALF + 20.0 + 752.0 * f64::from(k);
        p = p
            .child(seam, shift(x, -DEPTH, BOTTOM))
            .child(seam, shift(x, DEPTH, BOTTOM) * turn_z(180.0))
            .child(ridge, shift(x, 0.0, TOP + 60.0));
        for (y, out) in [(-DEPTH - 6.0, facing_front()), (DEPTH + 6.0, along_y())] {
            p = row(p, screw, shift(x, y, BOTTOM + 50.0) * out, (0.0, 0.0, 125.0), 11);
        }
    }
    for x in [-HALF, HALF] {
        let hood = Profile::rect(-520.0, BELT - 160.0, 520.0, BELT + 420.0);
        let frame = Solid::extrude(&hood, &[hood.inset(30.0)], 60.0);
        p = p.body(GREY, frame.at(shift(x - 30.0, 0.0, 0.0) * turn_z(90.0) * facing_front()));
    }
    c.add(p)
}

/// An insulated door with hinges, latch and a sight glass, seen from -y.
fn door(c: &mut Catalogue) -> PartId {
    let hinge = c.add(
        part("Hinge")
            .body(STEEL, Solid::cylinder(16.0, 120.0, 3.0).with_steps(16).at(shift(0.0, -30.0, 0.0)))
            .body(STEEL, bar_box((-60.0, -34.0, 20.0), (120.0, 8.0, 80.0))),
    );
    let leaf = Profile::rounded_rect(-300.0, 1060.0, 300.0, 1850.0, 30.0);
    let glass = Profile::rounded_rect(-110.0, 1480.0, 110.0, 1640.0, 40.0);
    let latch = [dvec3(230.0, -40.0, 1380.0), dvec3(230.0, -110.0, 1380.0), dvec3(230.0, -110.0, 1560.0)];
    let mut p = part("Inspection door")
        .body(BLACK, plate_y(&leaf.inset(-14.0), &[], -10.0, 10.0))
        .body(CREAM, plate_y(&leaf, std::slice::from_ref(&glass), -40.0, 30.0))
        .body(ORANGE, plate_y(&glass.inset(1.0), &[], -24.0, 8.0))
        .body(STEEL, plate_y(&glass.inset(-24.0), std::slice::from_ref(&glass), -48.0, 8.0))
        .body(BLACK, Solid::bar(&latch, 14.0, 30.0).with_steps(16))
        .body(YELLOW, bar_box((-60.0, -44.0, 1160.0), (120.0, 3.0, 100.0)));
    for z in [1130.0, 1660.0] {
        p = p.child(hinge, shift(-310.0, 0.0, z));
    }
    c.add(p)
}

/// Mesh belt of rods on rollers, end drums with sprockets, drive.
fn belt(c: &mut Catalogue, screw: PartId) -> PartId {
    let rod = c.add(part("Belt rod").body(STEEL, rod_y(0.0, -420.0, 0.0, 6.0, 840.0).with_steps(8)));
    let roller = c.add(part("Return roller").body(DARK, rod_y(0.0, -440.0, 0.0, 35.0, 880.0).with_steps(20)));
    let sprocket = c.add(sprocket());
    let drive = motor(c, 90.0, 300.0, BLUE);
    let mut p = part("Mesh belt")
        .body(GREY, bar_box((-BELT_HALF + 90.0, -470.0, BELT - 120.0), (2.0 * BELT_HALF - 180.0, 40.0, 100.0)))
        .body(GREY, bar_box((-BELT_HALF + 90.0, 430.0, BELT - 120.0), (2.0 * BELT_HALF - 180.0, 40.0, 100.0)))
        .child(drive, shift(BELT_HALF - 90.0, 560.0, BELT - 90.0) * along_y())
        .body(DARK, Solid::block(200.0, 130.0, 200.0, 8.0).at(shift(BELT_HALF - 110.0, 495.0, BELT - 190.0)));
    p = row(p, rod, shift(-BELT_HALF + 90.0, 0.0, BELT - 6.0), (32.0, 0.0, 0.0), 190);
    p = row(p, rod, shift(-BELT_HALF + 90.0, 0.0, BELT - 174.0), (32.0, 0.0, 0.0), 190);
    p = row(p, roller, shift(-2400.0, 0.0, BELT - 215.0), (800.0, 0.0, 0.0), 7);
    for x in [-BELT_HALF + 90.0, BELT_HALF - 90.0] {
        p = p.body(STEEL, rod_y(x, -500.0, BELT - 90.0, 30.0, 1000.0));
        p = row(p, sprocket, shift(x, -300.0, BELT - 90.0), (0.0, 150.0, 0.0), 5);
        for y in [-480.0, 480.0] {
            let out = if y < 0.0 { facing_front() } else { along_y() };
            p = p.body(DARK, Solid::cylinder(60.0, 30.0, 4.0).at(shift(x, y, BELT - 90.0) * out));
            p = ring(p, screw, shift(x, y, BELT - 90.0) * out * shift(0.0, 0.0, 30.0), 46.0, 4);
        }
    }
    // Legs beyond the housing.
    for x in [-BELT_HALF + 150.0, BELT_HALF - 150.0] {
        for y in [-450.0, 450.0] {
            p = p.body(GREY, bar_box((x - 30.0, y - 20.0, 10.0), (60.0, 40.0, BELT - 130.0)));
            p = p.body(BLACK, Solid::cylinder(50.0, 10.0, 0.0).at(shift(x, y, 0.0)));
        }
    }
    c.add(p)
}

/// A chain wheel about y.
fn sprocket() -> Part {
    let teeth = 18;
    let point = |k: usize, r: f64, off: f64| {
        let angle = std::f64::consts::TAU * (k as f64 + off) / teeth as f64;
        (r * angle.cos(), r * angle.sin())
    };
    let outline: Vec<_> = (0..teeth)
        .flat_map(|k| [point(k, 66.0, -0.32), point(k, 82.0, -0.12), point(k, 82.0, 0.12), point(k, 66.0, 0.32)])
        .collect();
    let wheel = Solid::extrude(&Profile::polygon(&outline), &[Profile::circle(0.0, 0.0, 31.0)], 16.0);
    part("Sprocket").body(DARK, wheel.at(facing_front()))
}

/// A circulating fan with its motor and an exhaust stack behind it.
fn fan(c: &mut Catalogue, screw: PartId) -> PartId {
    let drive = motor(c, 120.0, 380.0, BLUE);
    let joint = flanges(c, 140.0, 12, GREY);
    let cap = Profile::path(&[(0.0, 0.0, 0.0), (260.0, 0.0, 0.0), (260.0, 20.0, 0.0), (0.0, 120.0, 0.0)]);
    let mut p = part("Circulating fan")
        .body(ALUMINIUM, Solid::cylinder(330.0, 150.0, 10.0).with_steps(48))
        .body(GREY, Solid::cylinder(180.0, 80.0, 6.0).with_steps(32).at(shift(0.0, 0.0, 150.0)))
        .child(drive, shift(0.0, 0.0, 230.0))
        .body(ALUMINIUM, Solid::cylinder(140.0, 520.0, 0.0).with_steps(32).at(shift(470.0, 0.0, 0.0)))
        .child(joint, shift(470.0, 0.0, 260.0))
        .body(ALUMINIUM, Solid::revolve(&cap).with_steps(32).at(shift(470.0, 0.0, 560.0)));
    for turn in [0.0, 120.0, 240.0] {
        p = p.body(STEEL, bar_box((120.0, -10.0, 515.0), (14.0, 20.0, 55.0)).at(shift(470.0, 0.0, 0.0) * turn_z(turn)));
    }
    c.add(ring(p, screw, shift(0.0, 0.0, 150.0), 285.0, 16))
}

/// The burner at the back with blower, gas line, valves and gauge.
fn burner(c: &mut Catalogue, screw: PartId) -> PartId {
    let blower = motor(c, 85.0, 240.0, DARK);
    let valve = c.add(valve(28.0, YELLOW));
    let gauge = c.add(gauge());
    let joint = flanges(c, 28.0, 4, YELLOW);
    let z = 1250.0;
    let line = [
        dvec3(-150.0, 150.0, z),
        dvec3(-150.0, 210.0, z),
        dvec3(-150.0, 210.0, 420.0),
        dvec3(1500.0, 210.0, 420.0),
        dvec3(1500.0, 210.0, 20.0),
    ];
    let body = Profile::path(&[
        (0.0, 0.0, 0.0),
        (210.0, 0.0, 0.0),
        (210.0, 30.0, 0.0),
        (150.0, 30.0, 0.0),
        (150.0, 200.0, 30.0),
        (0.0, 200.0, 0.0),
    ]);
    let mut p = part("Burner")
        .body(RED, Solid::revolve(&body).with_steps(40).at(shift(0.0, -20.0, z) * along_y()))
        .body(RED, rod_x(-120.0, 110.0, z + 40.0, 110.0, 200.0).with_steps(32))
        .child(blower, shift(80.0, 110.0, z + 40.0) * along_x())
        .body(YELLOW, Solid::bar(&line, 28.0, 50.0))
        .child(valve, shift(300.0, 210.0, 420.0))
        .child(valve, shift(900.0, 210.0, 420.0))
        .child(joint, shift(600.0, 210.0, 420.0) * along_x())
        .child(joint, shift(1200.0, 210.0, 420.0) * along_x())
        .child(gauge, shift(620.0, 210.0, 448.0) * turn_z(180.0));
    p = ring(p, screw, shift(0.0, 10.0, z) * along_y(), 182.0, 12);
    c.add(p)
}
