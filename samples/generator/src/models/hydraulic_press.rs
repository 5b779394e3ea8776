//! A four-column hydraulic press with die, ram, main cylinder, pump unit on the crown, platform with railing and ladder,
//! light curtains and a desk. The operator stands at -y.

use super::hardware::{
    HERE, bar_box, bolt, cable_tray, flanges, gauge, grille, hexagon, ladder, motor, operator_panel, railing, ring,
    rod_z, row, signal_tower,
};
use super::palette::{BLACK, CREAM, DARK, GREY, MINT, ORANGE, RED, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, PartId, Profile, Solid, along_x, facing_front, part, shift, turn_x, turn_z};
use glam::dvec3;

const COLUMNS: [(f64, f64); 4] = [(-820.0, -620.0), (820.0, -620.0), (820.0, 620.0), (-820.0, 620.0)];
const TABLE: f64 = 900.0;
const CROWN: f64 = 3050.0;
const TOP: f64 = 3800.0;

/// The press.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let screw = c.add(bolt(20.0));
    let frame = frame(&mut c, screw);
    let ram = ram(&mut c, screw);
    let die = c.add(die(screw));
    let cylinder = cylinder(&mut c, screw);
    let unit = power_unit(&mut c);
    let platform = platform(&mut c);
    let curtain = c.add(light_curtain());
    let panel = operator_panel(&mut c);
    let desk = c.add(desk());
    let tower = c.add(signal_tower());
    let tray = cable_tray(&mut c, 1600.0);
    let vent = grille(&mut c, 700.0, 360.0, CREAM);
    c.add(
        part("Hydraulic press")
            .child(frame, HERE)
            .child(ram, HERE)
            .child(die, HERE)
            .child(cylinder, HERE)
            .child(unit, shift(0.0, 0.0, TOP))
            .child(platform, HERE)
            .child(curtain, shift(-1020.0, -1060.0, 0.0))
            .child(curtain, shift(1020.0, -1060.0, 0.0) * turn_z(180.0))
            .child(desk, shift(1130.0, -980.0, 0.0))
            .child(panel, shift(1130.0, -980.0, 820.0))
            .child(tower, shift(900.0, -700.0, TOP))
            .child(tray, shift(-700.0, 950.0, 1200.0))
            .child(vent, shift(0.0, -781.0, 300.0)),
    );
    c
}

/// Bed, crown and columns with their nuts.
fn frame(c: &mut Catalogue, screw: PartId) -> PartId {
    let nut = c.add(
        part("Column nut")
            .body(DARK, Solid::extrude_chamfered(&hexagon(190.0), &[], 150.0, 14.0))
            .body(STEEL, Solid::cylinder(110.0, 90.0, 10.0).with_steps(48).at(shift(0.0, 0.0, 150.0))),
    );
    let column = c.add(part("Column").body(STEEL, rod_z(0.0, 0.0, 200.0, 105.0, CROWN + 200.0).with_steps(48)));
    let rib = Profile::polygon(&[(0.0, 0.0), (120.0, 0.0), (60.0, 560.0), (0.0, 560.0)]);
    let rib = c.add(part("Rib").body(MINT, Solid::extrude(&rib, &[], 30.0).at(shift(0.0, 15.0, 0.0) * facing_front())));
    let mut slots = vec![(-1000.0, 0.0), (1000.0, 0.0), (1000.0, 160.0)];
    for k in (0..7).rev() {
        let x = -750.0 + 250.0 * f64::from(k);
        slots.extend([
            (x + 16.0, 160.0),
            (x + 16.0, 120.0),
            (x + 32.0, 120.0),
            (x + 32.0, 90.0),
            (x - 32.0, 90.0),
            (x - 32.0, 120.0),
            (x - 16.0, 120.0),
            (x - 16.0, 160.0),
        ]);
    }
    slots.push((-1000.0, 160.0));
    let table = Solid::extrude(&Profile::polygon(&slots), &[], 1500.0).at(shift(0.0, 750.0, 0.0) * facing_front());
    let mut p = part("Frame")
        .body(DARK, Solid::block(2300.0, 1700.0, 60.0, 6.0))
        .body(MINT, Solid::block(2160.0, 1560.0, TABLE - 240.0, 20.0).at(shift(0.0, 0.0, 60.0)))
        .body(STEEL, table.at(shift(0.0, 0.0, TABLE - 180.0)))
        .body(MINT, Solid::block(2160.0, 1560.0, TOP - CROWN - 120.0, 30.0).at(shift(0.0, 0.0, CROWN)))
        .body(MINT, Solid::block(1900.0, 1300.0, 120.0, 20.0).at(shift(0.0, 0.0, TOP - 120.0)))
        .body(YELLOW, bar_box((-1000.0, -786.0, CROWN + 40.0), (2000.0, 6.0, 120.0)));
    // Stripes of the warning band.
    for k in 0..12 {
        let x = -960.0 + 165.0 * f64::from(k);
        let stripe = Profile::polygon(&[
            (x, CROWN + 42.0),
            (x + 60.0, CROWN + 42.0),
            (x + 110.0, CROWN + 158.0),
            (x + 50.0, CROWN + 158.0),
        ]);
        p = p.body(BLACK, super::hardware::plate_y(&stripe, &[], -788.0, 2.0));
    }
    for (x, y) in COLUMNS {
        p = p
            .child(column, shift(x, y, 0.0))
            .child(nut, shift(x, y, TOP - 120.0))
            .child(nut, shift(x, y, CROWN) * turn_x(180.0))
            .child(nut, shift(x, y, TABLE - 20.0));
    }
    for z in [80.0, CROWN + 30.0] {
        for x in [-700.0, -350.0, 350.0, 700.0] {
            p = p.child(rib, shift(x, 780.0, z) * turn_z(90.0));
        }
        for y in [-400.0, 0.0, 400.0] {
            p = p.child(rib, shift(1080.0, y, z)).child(rib, shift(-1080.0, y, z) * turn_z(180.0));
        }
    }
    for y in [-820.0, 820.0] {
        p = row(p, screw, shift(-1080.0, y, 60.0), (240.0, 0.0, 0.0), 10);
    }
    c.add(p)
}

/// The moving beam with its guides on the columns.
fn ram(c: &mut Catalogue, screw: PartId) -> PartId {
    let guide = part("Guide")
        .body(STEEL, Solid::tube(170.0, 106.0, 460.0).with_steps(48))
        .body(DARK, Solid::tube(220.0, 168.0, 40.0).with_steps(48).at(shift(0.0, 0.0, 400.0)));
    let guide = c.add(ring(guide, screw, shift(0.0, 0.0, 440.0), 194.0, 12));
    let mut p = part("Ram")
        .body(MINT, Solid::block(1440.0, 1300.0, 420.0, 24.0).at(shift(0.0, 0.0, 1900.0)))
        .body(MINT, Solid::block(2000.0, 760.0, 300.0, 24.0).at(shift(0.0, 0.0, 1960.0)))
        .body(STEEL, Solid::block(1400.0, 1240.0, 70.0, 6.0).at(shift(0.0, 0.0, 1828.0)))
        .body(STEEL, rod_z(0.0, 0.0, 2320.0, 260.0, CROWN - 2318.0).with_steps(64))
        .body(DARK, Solid::tube(360.0, 262.0, 60.0).with_steps(64).at(shift(0.0, 0.0, 2322.0)));
    p = ring(p, screw, shift(0.0, 0.0, 2382.0), 310.0, 16);
    for (x, y) in COLUMNS {
        p = p.child(guide, shift(x, y, 1880.0));
    }
    c.add(p)
}

fn die(screw: PartId) -> Part {
    let mut p = part("Die")
        .body(GREY, Solid::block(1100.0, 860.0, 120.0, 6.0).at(shift(0.0, 0.0, TABLE - 20.0)))
        .body(STEEL, Solid::block(820.0, 600.0, 190.0, 40.0).at(shift(0.0, 0.0, TABLE + 100.0)))
        .body(STEEL, Solid::block(900.0, 680.0, 170.0, 30.0).at(shift(0.0, 0.0, 1540.0)))
        .body(GREY, Solid::block(1100.0, 860.0, 118.0, 6.0).at(shift(0.0, 0.0, 1710.0)))
        // The sheet that has just been drawn.
        .body(ORANGE, Solid::block(760.0, 540.0, 16.0, 4.0).at(shift(0.0, 0.0, TABLE + 290.0)));
    for (x, y) in [(-470.0, -350.0), (470.0, -350.0), (470.0, 350.0), (-470.0, 350.0)] {
        p = p
            .body(STEEL, Solid::cylinder(46.0, 640.0, 8.0).with_steps(32).at(shift(x, y, TABLE + 100.0)))
            .body(YELLOW, Solid::tube(70.0, 47.0, 200.0).with_steps(32).at(shift(x, y, 1510.0)));
    }
    for y in [-400.0, 400.0] {
        p = row(p, screw, shift(-500.0, y, TABLE + 100.0), (200.0, 0.0, 0.0), 6);
    }
    p
}

/// The main cylinder that shows above the crown.
fn cylinder(c: &mut Catalogue, screw: PartId) -> PartId {
    let outline = Profile::path(&[
        (0.0, 0.0, 0.0),
        (400.0, 0.0, 0.0),
        (400.0, 70.0, 10.0),
        (330.0, 110.0, 30.0),
        (330.0, 420.0, 40.0),
        (180.0, 460.0, 30.0),
        (0.0, 460.0, 0.0),
    ]);
    let p = part("Main cylinder").body(CREAM, Solid::revolve(&outline).with_steps(64).at(shift(0.0, 0.0, TOP)));
    c.add(ring(p, screw, shift(0.0, 0.0, TOP + 70.0), 368.0, 20))
}

/// Oil tank, two pumps with motors, valve block, pipes and gauges beside the cylinder.
fn power_unit(c: &mut Catalogue) -> PartId {
    let drive = motor(c, 130.0, 430.0, ORANGE);
    let joint = flanges(c, 42.0, 8, STEEL);
    let gauge = c.add(gauge());
    let pipe = |points: &[(f64, f64, f64)]| {
        let points: Vec<_> = points.iter().map(|&(x, y, z)| dvec3(x, y, z)).collect();
        Solid::bar(&points, 42.0, 90.0)
    };
    let mut p = part("Pump unit")
        .body(CREAM, Solid::block(460.0, 1100.0, 520.0, 20.0).at(shift(-660.0, 40.0, 0.0)))
        .body(DARK, Solid::block(380.0, 420.0, 200.0, 10.0).at(shift(640.0, 300.0, 0.0)))
        .body(STEEL, Solid::block(320.0, 300.0, 180.0, 8.0).at(shift(640.0, 300.0, 200.0)))
        .body(
            STEEL,
            pipe(&[(-430.0, 280.0, 300.0), (-250.0, 280.0, 300.0), (-250.0, 480.0, 300.0), (480.0, 480.0, 300.0)]),
        )
        .body(STEEL, pipe(&[(640.0, 150.0, 300.0), (640.0, -250.0, 300.0), (250.0, -250.0, 300.0)]))
        .body(
            STEEL,
            pipe(&[
                (0.0, 0.0, 440.0),
                (0.0, 0.0, 620.0),
                (0.0, 300.0, 620.0),
                (640.0, 300.0, 620.0),
                (640.0, 300.0, 380.0),
            ]),
        )
        .child(joint, shift(100.0, 480.0, 300.0) * along_x())
        .child(joint, shift(640.0, -60.0, 300.0) * turn_x(90.0))
        .child(joint, shift(330.0, 300.0, 620.0) * along_x())
        .child(gauge, shift(560.0, 200.0, 380.0))
        .child(gauge, shift(720.0, 200.0, 380.0));
    for y in [-300.0, 60.0, 420.0] {
        p = p
            .body(GREY, Solid::cylinder(120.0, 60.0, 6.0).at(shift(-660.0, y, 520.0)))
            .child(drive, shift(-660.0, y, 580.0));
    }
    // Stacked valves with their coils.
    for k in 0..4 {
        let y = 190.0 + 72.0 * f64::from(k);
        p = p
            .body(DARK, Solid::block(60.0, 60.0, 120.0, 4.0).at(shift(820.0, y, 200.0)))
            .body(BLACK, Solid::cylinder(24.0, 90.0, 3.0).at(shift(850.0, y, 260.0) * along_x()));
    }
    c.add(p)
}

/// Walkway behind the crown with a ladder at the left.
fn platform(c: &mut Catalogue) -> PartId {
    let z = CROWN + 160.0;
    let rail = railing(c, 2200.0);
    let side = railing(c, 460.0);
    let ladder = ladder(c, z, YELLOW);
    let slat = c.add(part("Grating bar").body(STEEL, bar_box((0.0, 0.0, 0.0), (2180.0, 8.0, 34.0))));
    let mut p = part("Platform")
        .body(YELLOW, bar_box((-1100.0, 782.0, z - 60.0), (2200.0, 16.0, 94.0)))
        .body(YELLOW, bar_box((-1100.0, 1244.0, z - 60.0), (2200.0, 16.0, 94.0)))
        .child(rail, shift(-1100.0, 1266.0, z + 34.0))
        .child(side, shift(1100.0, 790.0, z + 34.0) * turn_z(90.0))
        .child(ladder, shift(-860.0, 1290.0, 0.0));
    p = row(p, slat, shift(-1090.0, 806.0, z), (0.0, 38.0, 0.0), 12);
    for x in [-1090.0, 0.0, 1070.0] {
        p = p.body(YELLOW, bar_box((x, 782.0, z - 90.0), (20.0, 470.0, 30.0)));
    }
    c.add(p)
}

/// A post with the bar of lenses, at the left.
fn light_curtain() -> Part {
    let mut p = part("Light curtain")
        .body(DARK, Solid::block(140.0, 140.0, 12.0, 2.0))
        .body(YELLOW, Solid::block(60.0, 70.0, 1900.0, 6.0).at(shift(0.0, 0.0, 12.0)))
        .body(BLACK, bar_box((30.0, -16.0, 700.0), (20.0, 32.0, 1100.0)));
    for k in 0..28 {
        let lens = Solid::cylinder(7.0, 3.0, 0.0).with_steps(12);
        p = p.body(RED, lens.at(shift(50.0, 0.0, 730.0 + 38.0 * f64::from(k)) * along_x()));
    }
    p
}

fn desk() -> Part {
    part("Desk")
        .body(DARK, Solid::block(300.0, 200.0, 20.0, 4.0).at(shift(0.0, -60.0, 0.0)))
        .body(GREY, Solid::block(120.0, 80.0, 800.0, 8.0).at(shift(0.0, -60.0, 20.0)))
}
