//! A laser cutter: closed cabin with windows, gantry and head over a sheet, shuttle table with slats before it, exhaust
//! filter, chiller, laser source, desk. Sheets move along x, out of the cabin to the right.

use super::hardware::{
    HERE, bar_box, bolt, cable_tray, foot, grille, motor, operator_panel, plate_y, ring, rod_x, rod_y, rod_z, row,
    signal_tower,
};
use super::palette::{ALUMINIUM, BLACK, DARK, GLASS, GREEN, GREY, LIGHT, PETROL, RED, STEEL, YELLOW};
use crate::kit::{Catalogue, PartId, Profile, Solid, facing_front, part, shift, turn_x, turn_z};
use glam::dvec3;

/// The cabin, x and y; its floor and roof.
const CABIN: (f64, f64) = (-4000.0, 200.0);
const DEPTH: f64 = 1300.0;
const TOP: f64 = 2150.0;
const TABLE: f64 = 900.0;

/// The machine.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let screw = c.add(bolt(10.0));
    let foot = c.add(foot(120.0));
    let cabin = cabin(&mut c, screw);
    let table = table(&mut c, screw, foot);
    let gantry = gantry(&mut c, screw);
    let filter = filter(&mut c, screw);
    let chiller = chiller(&mut c);
    let source = source(&mut c, screw);
    let panel = operator_panel(&mut c);
    let tower = c.add(signal_tower());
    let tray = cable_tray(&mut c, 3600.0);
    let desk = c.add(
        part("Desk")
            .body(GREY, Solid::block(120.0, 120.0, 850.0, 8.0))
            .body(DARK, Solid::block(420.0, 320.0, 16.0, 3.0))
            .body(LIGHT, Solid::block(640.0, 320.0, 40.0, 8.0).at(shift(0.0, -60.0, 850.0))),
    );
    let mut root = part("Laser cutter")
        .child(cabin, HERE)
        .child(table, HERE)
        .child(gantry, HERE)
        .child(filter, shift(1100.0, 1150.0, 0.0))
        .child(chiller, shift(2300.0, 1200.0, 0.0))
        .child(source, shift(-3300.0, 1560.0, 0.0))
        .child(desk, shift(700.0, -1350.0, 0.0))
        .child(panel, shift(700.0, -1300.0, 890.0))
        .child(tower, shift(100.0, -1150.0, TOP + 60.0))
        .child(tray, shift(-3700.0, 900.0, TOP + 70.0));
    for y in [-1150.0, 1150.0] {
        root = row(root, foot, shift(-3850.0, y, 0.0), (780.0, 0.0, 0.0), 6);
    }
    c.add(root);
    c
}

fn cabin(c: &mut Catalogue, screw: PartId) -> PartId {
    let vent = grille(c, 700.0, 400.0, GREY);
    let length = CABIN.1 - CABIN.0;
    let windows: Vec<Profile> =
        [-3700.0, -2350.0, -1000.0].map(|x| Profile::rounded_rect(x, 1080.0, x + 1050.0, 1780.0, 60.0)).into();
    let front = Profile::rounded_rect(CABIN.0, 180.0, CABIN.1, TOP, 50.0);
    let opening = Profile::rounded_rect(-1000.0, TABLE - 240.0, 1000.0, TABLE + 330.0, 30.0);
    let end = Profile::rounded_rect(-DEPTH + 40.0, 180.0, DEPTH - 30.0, TOP, 20.0);
    let side = |holes: &[Profile], x: f64| {
        Solid::extrude(&end, holes, 30.0).at(shift(x, 0.0, 0.0) * turn_z(90.0) * facing_front())
    };
    let handle = [dvec3(0.0, 0.0, 0.0), dvec3(0.0, -60.0, 0.0), dvec3(0.0, -60.0, 360.0), dvec3(0.0, 0.0, 360.0)];
    let handle = c.add(part("Handle").body(STEEL, Solid::bar(&handle, 13.0, 26.0).with_steps(16)));
    let mut p = part("Cabin")
        .body(DARK, bar_box((CABIN.0 + 60.0, -DEPTH + 90.0, 120.0), (length - 120.0, 2.0 * DEPTH - 180.0, 60.0)))
        .body(LIGHT, plate_y(&front, &windows, -DEPTH, 40.0))
        .body(LIGHT, plate_y(&front, &[], DEPTH - 30.0, 30.0))
        .body(LIGHT, side(&[], CABIN.0))
        .body(LIGHT, side(std::slice::from_ref(&opening), CABIN.1 - 30.0))
        .body(PETROL, Solid::block(length, 2.0 * DEPTH, 60.0, 14.0).at(shift(CABIN.0 + length / 2.0, 0.0, TOP)))
        .body(PETROL, bar_box((CABIN.0 + 30.0, -DEPTH - 6.0, 200.0), (length - 60.0, 6.0, 420.0)))
        .body(YELLOW, bar_box((-60.0, -DEPTH - 4.0, 1860.0), (180.0, 4.0, 160.0)))
        .body(DARK, bar_box((CABIN.0 + 30.0, -DEPTH - 24.0, 680.0), (length - 60.0, 24.0, 30.0)))
        .body(DARK, bar_box((CABIN.0 + 30.0, -DEPTH - 24.0, 1990.0), (length - 60.0, 24.0, 30.0)))
        .child(vent, shift(-3000.0, DEPTH, 1400.0) * turn_z(180.0))
        .child(vent, shift(-1200.0, DEPTH, 1400.0) * turn_z(180.0));
    for (k, w) in windows.iter().enumerate() {
        let x = -3700.0 + 1350.0 * k as f64;
        p = p
            .body(GLASS, plate_y(&w.inset(1.0), &[], -DEPTH + 12.0, 10.0))
            .body(BLACK, plate_y(&w.inset(-30.0), std::slice::from_ref(w), -DEPTH - 8.0, 8.0))
            .child(handle, shift(x + 1120.0, -DEPTH, 1200.0));
        // The edge of each door.
        p = p.body(DARK, bar_box((x + 1185.0, -DEPTH - 4.0, 710.0), (8.0, 4.0, 1280.0)));
    }
    for z in [230.0, 590.0] {
        p = row(p, screw, shift(CABIN.0 + 120.0, -DEPTH - 6.0, z) * facing_front(), (220.0, 0.0, 0.0), 19);
    }
    for y in [-900.0, 900.0] {
        p = row(p, screw, shift(CABIN.0 + 200.0, y, TOP + 60.0), (420.0, 0.0, 0.0), 10);
    }
    c.add(p)
}

/// The shuttle: a frame of slats with a cut sheet, outside the cabin; another sheet lies inside.
fn table(c: &mut Catalogue, screw: PartId, foot: PartId) -> PartId {
    let mut teeth = vec![(-920.0, -130.0), (920.0, -130.0)];
    let count = 46;
    for k in (0..count).rev() {
        let y = -920.0 + 40.0 * f64::from(k);
        teeth.extend([(y + 40.0, -22.0), (y + 20.0, 0.0)]);
    }
    teeth.push((-920.0, -22.0));
    let slat = c.add(part("Slat").body(GREY, super::hardware::along(&Profile::polygon(&teeth), -2.0, 4.0)));
    let sheet = c.add(part("Sheet").body(ALUMINIUM, sheet()));
    let wheel = c.add(part("Track wheel").body(STEEL, rod_y(0.0, -20.0, 0.0, 60.0, 40.0)));
    let mut p = part("Shuttle table")
        .body(PETROL, bar_box((260.0, -1060.0, 620.0), (3700.0, 80.0, 180.0)))
        .body(PETROL, bar_box((260.0, 980.0, 620.0), (3700.0, 80.0, 180.0)))
        .body(PETROL, bar_box((3880.0, -980.0, 620.0), (80.0, 1960.0, 180.0)))
        .body(STEEL, bar_box((300.0, -960.0, 760.0), (3500.0, 30.0, 120.0)))
        .body(STEEL, bar_box((300.0, 930.0, 760.0), (3500.0, 30.0, 120.0)))
        .body(RED, bar_box((3960.0, -700.0, 660.0), (30.0, 1400.0, 60.0)))
        .child(sheet, shift(2050.0, 0.0, TABLE))
        .child(sheet, shift(-1900.0, 0.0, TABLE));
    p = row(p, slat, shift(360.0, 0.0, TABLE), (68.0, 0.0, 0.0), 50);
    p = row(p, slat, shift(-3560.0, 0.0, TABLE), (68.0, 0.0, 0.0), 50);
    for y in [-1020.0, 1020.0] {
        p = row(p, wheel, shift(500.0, y, 840.0), (800.0, 0.0, 0.0), 5);
        for x in [400.0, 2100.0, 3800.0] {
            p = p
                .body(PETROL, bar_box((x - 60.0, y - 40.0, 120.0), (120.0, 80.0, 500.0)))
                .child(foot, shift(x, y, 0.0));
        }
        let out = if y < 0.0 { facing_front() } else { turn_x(-90.0) };
        p = row(p, screw, shift(400.0, y * 1.04, 710.0) * out, (340.0, 0.0, 0.0), 11);
    }
    c.add(p)
}

/// A sheet of 3 x 1.5 m from which rings, plates and brackets have been cut.
fn sheet() -> Solid {
    let mut holes = Vec::new();
    for i in 0..7 {
        for j in 0..3 {
            let (x, y) = (-1230.0 + 410.0 * f64::from(i), -480.0 + 480.0 * f64::from(j));
            match (i + j) % 3 {
                0 => holes.push(Profile::circle(x, y, 160.0)),
                1 => holes.push(Profile::rounded_rect(x - 150.0, y - 160.0, x + 150.0, y + 160.0, 30.0)),
                _ => {
                    holes.push(Profile::slot(x - 100.0, x + 100.0, y - 100.0, 60.0));
                    holes.push(Profile::slot(x - 100.0, x + 100.0, y + 100.0, 60.0));
                }
            }
        }
    }
    Solid::extrude(&Profile::rect_centred(3000.0, 1500.0), &holes, 4.0).with_steps(24)
}

/// The bridge over the sheet in the cabin with its head.
fn gantry(c: &mut Catalogue, screw: PartId) -> PartId {
    let link = c.add(
        part("Chain link")
            .body(BLACK, bar_box((-30.0, 0.0, 0.0), (6.0, 44.0, 40.0)))
            .body(BLACK, bar_box((24.0, 0.0, 0.0), (6.0, 44.0, 40.0)))
            .body(BLACK, bar_box((-24.0, 12.0, 34.0), (48.0, 20.0, 5.0))),
    );
    let nozzle = Profile::path(&[
        (0.0, 0.0, 0.0),
        (6.0, 0.0, 0.0),
        (30.0, 60.0, 0.0),
        (30.0, 120.0, 0.0),
        (50.0, 130.0, 0.0),
        (50.0, 300.0, 10.0),
        (0.0, 300.0, 0.0),
    ]);
    let mut p = part("Gantry")
        .body(PETROL, Solid::block(260.0, 2200.0, 240.0, 20.0).at(shift(-1500.0, 0.0, 1160.0)))
        .body(STEEL, bar_box((-1660.0, -1050.0, 1200.0), (30.0, 2100.0, 40.0)))
        .body(STEEL, bar_box((-1660.0, -1050.0, 1320.0), (30.0, 2100.0, 40.0)))
        .body(LIGHT, Solid::block(160.0, 260.0, 420.0, 16.0).at(shift(-1750.0, -300.0, 1080.0)))
        .body(STEEL, Solid::revolve(&nozzle).at(shift(-1750.0, -300.0, 920.0)))
        .body(DARK, Solid::cylinder(46.0, 200.0, 5.0).at(shift(-1750.0, -300.0, 1500.0)));
    for y in [-1100.0, 1040.0] {
        p = p.body(GREY, bar_box((-3800.0, y, 900.0), (3800.0, 60.0, 120.0)));
        p = p.body(DARK, bar_box((-1680.0, y - 10.0, 1020.0), (360.0, 80.0, 150.0)));
        p = row(p, screw, shift(-1650.0, y + 30.0, 1170.0), (60.0, 0.0, 0.0), 6);
    }
    p = row(p, link, shift(-1500.0, -1000.0, 1400.0), (0.0, 48.0, 0.0), 40);
    c.add(p)
}

/// Dust filter: drums below, a box with doors, duct to the cabin, fan.
fn filter(c: &mut Catalogue, screw: PartId) -> PartId {
    let drive = motor(c, 110.0, 340.0, PETROL);
    let drum = part("Drum")
        .body(DARK, Solid::cylinder(210.0, 400.0, 8.0).with_steps(40))
        .body(STEEL, Solid::tube(222.0, 208.0, 20.0).with_steps(40).at(shift(0.0, 0.0, 130.0)))
        .body(STEEL, Solid::tube(222.0, 208.0, 20.0).with_steps(40).at(shift(0.0, 0.0, 270.0)));
    let drum = c.add(drum);
    let funnel = Profile::path(&[(0.0, 410.0, 0.0), (180.0, 410.0, 0.0), (280.0, 700.0, 0.0), (0.0, 700.0, 0.0)]);
    let duct = [
        dvec3(0.0, 0.0, 2100.0),
        dvec3(0.0, 0.0, 2420.0),
        dvec3(-1500.0, 0.0, 2420.0),
        dvec3(-1500.0, 0.0, TOP + 40.0),
    ];
    let ring_ = Solid::tube(160.0, 140.0, 24.0).with_steps(40);
    let collar = c.add(ring(part("Duct collar").body(STEEL, ring_), screw, shift(0.0, 0.0, 24.0), 148.0, 8));
    let mut p = part("Dust filter")
        .body(LIGHT, Solid::block(1300.0, 800.0, 1400.0, 16.0).at(shift(0.0, 0.0, 700.0)))
        .body(ALUMINIUM, Solid::bar(&duct, 140.0, 220.0).with_steps(32))
        .child(collar, shift(0.0, 0.0, 2180.0))
        .child(collar, shift(-1500.0, 0.0, TOP + 70.0))
        .child(drive, shift(420.0, 0.0, 2140.0))
        .body(GREY, Solid::cylinder(200.0, 40.0, 4.0).with_steps(40).at(shift(420.0, 0.0, 2100.0)));
    for x in [-330.0, 330.0] {
        p = p
            .child(drum, shift(x, 0.0, 0.0))
            .body(GREY, Solid::revolve(&funnel).with_steps(32).at(shift(x, 0.0, 0.0)))
            .body(GREY, bar_box((x - 290.0, -406.0, 800.0), (580.0, 6.0, 1200.0)))
            .body(BLACK, bar_box((x + 220.0, -426.0, 1380.0), (24.0, 20.0, 160.0)));
        p = row(p, screw, shift(x - 260.0, -406.0, 850.0) * facing_front(), (0.0, 0.0, 220.0), 6);
    }
    for (x, y) in [(-620.0, -370.0), (620.0, -370.0), (620.0, 370.0), (-620.0, 370.0)] {
        p = p.body(GREY, bar_box((x - 25.0, y - 25.0, 0.0), (50.0, 50.0, 700.0)));
    }
    c.add(p)
}

/// Chiller with two fans on top.
fn chiller(c: &mut Catalogue) -> PartId {
    let side = grille(c, 760.0, 700.0, GREY);
    let blade = Profile::rounded(&[(40.0, -24.0, 6.0), (200.0, -60.0, 20.0), (210.0, 16.0, 20.0), (40.0, 30.0, 6.0)]);
    let blade = c.add(part("Blade").body(BLACK, Solid::extrude(&blade, &[], 6.0).at(turn_x(14.0))));
    let mut fan = part("Fan")
        .body(DARK, Solid::tube(240.0, 218.0, 60.0).with_steps(48))
        .body(BLACK, Solid::cylinder(60.0, 40.0, 5.0).with_steps(24).at(shift(0.0, 0.0, 6.0)));
    for r in [70.0, 110.0, 150.0, 190.0, 228.0] {
        fan = fan.body(STEEL, Solid::revolve(&Profile::circle(r, 64.0, 3.0)).with_steps(16));
    }
    for turn in [0.0, 60.0, 120.0] {
        fan = fan.body(STEEL, bar_box((-236.0, -3.0, 60.0), (472.0, 6.0, 6.0)).at(turn_z(turn)));
    }
    let fan = c.add(ring(fan, blade, shift(0.0, 0.0, 26.0), 0.0, 6));
    let hose = [
        dvec3(-480.0, -150.0, 300.0),
        dvec3(-560.0, -150.0, 300.0),
        dvec3(-560.0, -150.0, 30.0),
        dvec3(-560.0, 200.0, 30.0),
    ];
    c.add(
        part("Chiller")
            .body(DARK, bar_box((-470.0, -380.0, 0.0), (940.0, 760.0, 100.0)))
            .body(LIGHT, Solid::block(960.0, 780.0, 1300.0, 14.0).at(shift(0.0, 0.0, 100.0)))
            .child(side, shift(0.0, -392.0, 560.0))
            .child(fan, shift(-235.0, 0.0, 1400.0))
            .child(fan, shift(245.0, 0.0, 1400.0))
            .body(PETROL, bar_box((-480.0, -393.0, 420.0), (960.0, 3.0, 60.0)))
            .body(GREEN, rod_y(-300.0, -400.0, 340.0, 14.0, 10.0))
            .body(BLACK, Solid::bar(&hose, 24.0, 50.0).with_steps(16)),
    )
}

/// The laser source behind the cabin: a cabinet on castors with its fibre.
fn source(c: &mut Catalogue, screw: PartId) -> PartId {
    let vent = grille(c, 460.0, 300.0, GREY);
    let fibre = [
        dvec3(0.0, -60.0, 1500.0),
        dvec3(0.0, -60.0, 1900.0),
        dvec3(500.0, -60.0, 1900.0),
        dvec3(500.0, -460.0, 2260.0),
        dvec3(500.0, -700.0, 2260.0),
    ];
    let mut p = part("Laser source")
        .body(LIGHT, Solid::block(1000.0, 380.0, 1380.0, 10.0).at(shift(0.0, 0.0, 120.0)))
        .body(PETROL, bar_box((-500.0, 190.0, 1200.0), (1000.0, 3.0, 120.0)))
        .body(YELLOW, Solid::bar(&fibre, 16.0, 110.0).with_steps(16))
        .child(vent, shift(0.0, 192.0, 400.0) * turn_z(180.0))
        .body(DARK, rod_z(0.0, -60.0, 1500.0, 40.0, 30.0));
    for x in [-400.0, 400.0] {
        for y in [-130.0, 130.0] {
            p = p.body(BLACK, rod_x(x - 20.0, y, 60.0, 60.0, 40.0));
        }
        p = row(p, screw, shift(x, 190.0, 200.0) * turn_x(-90.0), (0.0, 0.0, 190.0), 6);
    }
    c.add(p)
}
