//! A horizontal injection moulding machine: clamping unit with tie bars, toggles and mould on the left, injection unit
//! with barrel, heater bands and hopper on the right, gates, panel. The operator stands at -y.

use super::hardware::{
    HERE, bar_box, bolt, foot, grille, motor, nut, operator_panel, plate_y, ring, rod_x, rod_y, rod_z, row,
    signal_tower,
};
use super::palette::{ALUMINIUM, BLACK, BLUE, COPPER, DARK, GLASS, GREY, LIGHT, ORANGE, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, PartId, Profile, Solid, along_x, facing_front, part, shift, turn_y, turn_z};
use glam::{dvec2, dvec3};

/// Height of the tie bars' middle plane.
const AXIS: f64 = 1150.0;
const BED: f64 = 640.0;
const TIES: [(f64, f64); 4] = [(-330.0, -330.0), (330.0, -330.0), (330.0, 330.0), (-330.0, 330.0)];

/// The machine.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let foot = c.add(foot(120.0));
    let nut = c.add(nut(62.0));
    let screw = c.add(bolt(16.0));
    let panel = operator_panel(&mut c);
    let tower = c.add(signal_tower());
    let vent = grille(&mut c, 620.0, 320.0, GREY);
    let bed = c.add(bed());
    let clamp = clamp(&mut c, nut, screw);
    let gate = c.add(gate());
    let injection = injection(&mut c, screw);
    let hydraulics = hydraulics(&mut c, screw);
    let cabinet = cabinet(&mut c, screw);
    let chain = c.add(cable_link());
    let mut root = part("Injection moulding machine")
        .child(bed, HERE)
        .child(clamp, HERE)
        .child(gate, shift(0.0, -780.0, 0.0))
        .child(gate, shift(0.0, 760.0, 0.0))
        .child(injection, HERE)
        .child(hydraulics, shift(900.0, -520.0, BED))
        .child(cabinet, shift(2560.0, -520.0, BED))
        .child(panel, shift(330.0, -700.0, 1080.0))
        .child(tower, shift(-350.0, 420.0, 1990.0))
        .child(vent, shift(1250.0, -751.0, 230.0))
        .child(vent, shift(2350.0, -751.0, 230.0))
        .child(vent, shift(1800.0, 751.0, 230.0) * turn_z(180.0));
    root = row(root, chain, shift(700.0, 480.0, BED + 60.0), (48.0, 0.0, 0.0), 22);
    for y in [-560.0, 560.0] {
        root = row(root, foot, shift(-2800.0, y, 0.0), (1120.0, 0.0, 0.0), 6);
    }
    c.add(root);
    c
}

fn bed() -> Part {
    let mut p = part("Bed")
        .body(DARK, bar_box((-3000.0, -640.0, 120.0), (6000.0, 1280.0, 80.0)))
        .body(LIGHT, bar_box((-3050.0, -720.0, 200.0), (6100.0, 1440.0, BED - 200.0)))
        .body(BLUE, bar_box((-3052.0, -724.0, 580.0), (6104.0, 1448.0, 24.0)));
    // Doors of the bed with their handles, front and back.
    for x in [-2900.0, -1900.0, -900.0] {
        for (y, out) in [(-726.0, -12.0), (720.0, 6.0)] {
            p = p
                .body(GREY, bar_box((x, y, 230.0), (900.0, 6.0, 320.0)))
                .body(BLACK, bar_box((x + 760.0, y + out, 380.0), (100.0, 12.0, 24.0)));
        }
    }
    p
}

/// Tie bars, three platens, toggles, the mould's halves, ejector and closing cylinder.
fn clamp(c: &mut Catalogue, nut: PartId, screw: PartId) -> PartId {
    let tie = c.add(part("Tie bar").body(STEEL, rod_x(-2900.0, 0.0, 0.0, 48.0, 2560.0)));
    let link = Profile::link(dvec2(0.0, 0.0), 70.0, dvec2(430.0, 0.0), 60.0);
    let link = c.add(
        part("Toggle")
            .body(GREY, Solid::extrude(&link, &[], 90.0).at(shift(0.0, 45.0, 0.0) * facing_front()))
            .body(STEEL, rod_y(0.0, -60.0, 0.0, 30.0, 120.0))
            .body(STEEL, rod_y(430.0, -60.0, 0.0, 26.0, 120.0)),
    );
    let mould = c.add(mould());
    let platen = |width: f64| {
        let holes = TIES.map(|(y, z)| Profile::circle(y, z, 52.0));
        let outline = Profile::rounded_rect(-450.0, -450.0, 450.0, 450.0, 60.0);
        Solid::extrude(&outline, &holes, width).at(shift(0.0, 0.0, AXIS) * turn_z(90.0) * facing_front())
    };
    let mut p = part("Clamping unit")
        .body(BLUE, platen(220.0).at(shift(-560.0, 0.0, 0.0)))
        .body(BLUE, platen(200.0).at(shift(-1560.0, 0.0, 0.0)))
        .body(BLUE, platen(220.0).at(shift(-2640.0, 0.0, 0.0)))
        .body(STEEL, rod_x(-2380.0, 0.0, AXIS, 60.0, 620.0))
        .body(GREY, rod_x(-3080.0, 0.0, AXIS, 130.0, 440.0))
        .body(DARK, rod_x(-3096.0, 0.0, AXIS, 150.0, 40.0))
        .body(STEEL, bar_box((-2000.0, -150.0, AXIS - 130.0), (90.0, 300.0, 260.0)))
        .body(STEEL, bar_box((-2600.0, -420.0, BED), (1900.0, 90.0, 50.0)))
        .body(STEEL, bar_box((-2600.0, 330.0, BED), (1900.0, 90.0, 50.0)))
        .child(mould, shift(-560.0, 0.0, AXIS))
        .child(mould, shift(-1360.0, 0.0, AXIS) * turn_z(180.0));
    for (y, z) in TIES {
        p = p
            .child(tie, shift(0.0, y, AXIS + z))
            .child(nut, shift(-340.0, y, AXIS + z) * along_x())
            .child(nut, shift(-2640.0, y, AXIS + z) * turn_y(-90.0));
    }
    for y in [-200.0, 200.0] {
        for (z, lean) in [(250.0, 14.0), (-250.0, -14.0)] {
            p = p
                .child(link, shift(-2400.0, y, AXIS + z * 0.9) * turn_y(lean))
                .child(link, shift(-1985.0, y, AXIS + z * 0.5) * turn_y(-lean));
        }
    }
    for x in [-340.0, -2420.0] {
        for z in [-390.0, 390.0] {
            p = row(p, screw, shift(x, -160.0, AXIS + z) * along_x(), (0.0, 80.0, 0.0), 5);
        }
    }
    c.add(p)
}

/// Half a mould with clamping plate, guide pins and hoses; its back is the origin and it grows to -x.
fn mould() -> Part {
    let mut p = part("Mould half")
        .body(STEEL, bar_box((-60.0, -260.0, -280.0), (60.0, 520.0, 560.0)))
        .body(ALUMINIUM, bar_box((-250.0, -220.0, -240.0), (190.0, 440.0, 480.0)));
    for y in [-180.0, 180.0] {
        for z in [-200.0, 200.0] {
            p = p.body(STEEL, rod_x(-310.0, y, z, 16.0, 62.0).with_steps(16));
        }
    }
    for z in [-120.0, -40.0, 40.0, 120.0] {
        let hose = [
            dvec3(-150.0, -220.0, z),
            dvec3(-150.0, -300.0, z),
            dvec3(-150.0, -330.0, z - 260.0),
            dvec3(-60.0, -330.0, z - 360.0),
        ];
        p = p.body(ORANGE, Solid::bar(&hose, 10.0, 40.0).with_steps(12));
    }
    p
}

/// Frame and sliding gate with a window before the clamping unit, drawn at y = 0.
fn gate() -> Part {
    let frame = Profile::rect(-2980.0, BED, -180.0, 1980.0);
    let leaf = Profile::rounded_rect(-2300.0, 720.0, -420.0, 1880.0, 30.0);
    let window = Profile::rounded_rect(-2150.0, 900.0, -570.0, 1760.0, 50.0);
    part("Safety gate")
        .body(LIGHT, plate_y(&frame, &[Profile::rect(-2880.0, BED + 40.0, -280.0, 1920.0)], 0.0, 40.0))
        .body(BLUE, plate_y(&leaf, std::slice::from_ref(&window), -26.0, 24.0))
        .body(GLASS, plate_y(&window.inset(1.0), &[], -18.0, 8.0))
        .body(STEEL, bar_box((-2980.0, -34.0, 1900.0), (2800.0, 34.0, 40.0)))
        .body(STEEL, bar_box((-2980.0, -34.0, 670.0), (2800.0, 34.0, 40.0)))
        .body(BLACK, bar_box((-2250.0, -56.0, 1150.0), (36.0, 30.0, 320.0)))
        .body(YELLOW, bar_box((-1420.0, -30.0, 780.0), (110.0, 4.0, 90.0)))
}

/// Barrel with heater bands, nozzle, hopper, screw drive, injection cylinders and the rails below.
fn injection(c: &mut Catalogue, screw: PartId) -> PartId {
    let band = c.add(
        part("Heater band")
            .body(COPPER, Solid::tube(118.0, 92.0, 110.0).at(along_x()))
            .body(STEEL, bar_box((30.0, -20.0, 112.0), (50.0, 40.0, 30.0)))
            .body(BLACK, rod_z(55.0, 0.0, 142.0, 9.0, 60.0).with_steps(12)),
    );
    let drive = motor(c, 190.0, 620.0, BLUE);
    let hopper = c.add(hopper());
    let nozzle =
        Profile::path(&[(0.0, 0.0, 0.0), (92.0, 0.0, 0.0), (60.0, 120.0, 0.0), (26.0, 220.0, 0.0), (0.0, 220.0, 0.0)]);
    let carriage = Profile::rounded_rect(-330.0, -260.0, 330.0, 260.0, 40.0);
    let block = |x: f64, length: f64| {
        Solid::extrude(&carriage, &[], length).at(shift(x, 0.0, AXIS) * turn_z(90.0) * facing_front())
    };
    let mut p = part("Injection unit")
        .body(STEEL, rod_x(-20.0, 0.0, AXIS, 92.0, 1200.0))
        .body(STEEL, Solid::revolve(&nozzle).at(shift(-20.0, 0.0, AXIS) * turn_y(-90.0)))
        .body(GREY, block(1500.0, 320.0))
        .body(GREY, block(2240.0, 160.0))
        .body(STEEL, rod_x(1660.0, 0.0, AXIS, 70.0, 600.0))
        .body(DARK, bar_box((1100.0, -300.0, BED + 130.0), (1500.0, 600.0, 120.0)))
        .body(STEEL, bar_box((-100.0, -400.0, BED), (3000.0, 70.0, 70.0)))
        .body(STEEL, bar_box((-100.0, 330.0, BED), (3000.0, 70.0, 70.0)))
        .child(drive, shift(2420.0, 0.0, AXIS) * along_x())
        .child(hopper, shift(1640.0, 0.0, AXIS + 262.0));
    for y in [-240.0, 240.0] {
        p = p
            .body(STEEL, rod_x(1000.0, y, AXIS, 32.0, 520.0))
            .body(GREY, rod_x(-120.0, y, AXIS - 10.0, 62.0, 900.0))
            .body(STEEL, rod_x(780.0, y, AXIS - 10.0, 28.0, 300.0))
            .body(STEEL, rod_x(1660.0, y, AXIS, 36.0, 640.0));
    }
    p = row(p, band, shift(40.0, 0.0, AXIS), (140.0, 0.0, 0.0), 8);
    p = ring(p, screw, shift(1500.0, 0.0, AXIS) * turn_y(-90.0), 150.0, 10);
    p = ring(p, screw, shift(2400.0, 0.0, AXIS) * along_x(), 215.0, 8);
    c.add(p)
}

fn hopper() -> Part {
    let funnel = Profile::path(&[
        (0.0, 90.0, 0.0),
        (80.0, 90.0, 0.0),
        (80.0, 160.0, 0.0),
        (290.0, 420.0, 0.0),
        (290.0, 720.0, 0.0),
        (310.0, 720.0, 0.0),
        (310.0, 750.0, 0.0),
        (120.0, 800.0, 0.0),
        (0.0, 800.0, 0.0),
    ]);
    part("Hopper")
        .body(STEEL, bar_box((-130.0, -130.0, 0.0), (260.0, 260.0, 90.0)))
        .body(ALUMINIUM, Solid::revolve(&funnel))
        .body(GLASS, bar_box((-40.0, -293.0, 460.0), (80.0, 4.0, 220.0)))
        .body(DARK, Solid::cylinder(110.0, 160.0, 20.0).at(shift(0.0, 0.0, 800.0)))
        .body(
            BLACK,
            Solid::bar(&[dvec3(100.0, 0.0, 870.0), dvec3(330.0, 0.0, 870.0), dvec3(390.0, 0.0, 100.0)], 34.0, 120.0),
        )
}

/// Valve block on the bed with stacked valves, coils and hoses to the injection cylinders; its middle is the origin.
fn hydraulics(c: &mut Catalogue, screw: PartId) -> PartId {
    let valve = part("Directional valve")
        .body(DARK, bar_box((-32.0, -90.0, 0.0), (64.0, 180.0, 70.0)))
        .body(BLACK, rod_y(0.0, -160.0, 36.0, 26.0, 70.0).with_steps(16))
        .body(BLACK, rod_y(0.0, 90.0, 36.0, 26.0, 70.0).with_steps(16))
        .body(YELLOW, bar_box((-14.0, -120.0, 62.0), (28.0, 30.0, 20.0)));
    let valve = c.add(row(valve, screw, shift(-20.0, -60.0, 70.0), (0.0, 40.0, 0.0), 4));
    let mut p = part("Valve block")
        .body(GREY, bar_box((-320.0, -130.0, 0.0), (640.0, 260.0, 150.0)))
        .body(STEEL, rod_z(380.0, 0.0, 0.0, 75.0, 420.0))
        .body(DARK, rod_z(380.0, 0.0, 420.0, 60.0, 40.0));
    p = row(p, valve, shift(-270.0, 0.0, 150.0), (90.0, 0.0, 0.0), 7);
    for k in 0..5 {
        let x = -240.0 + 120.0 * f64::from(k);
        let hose = [
            dvec3(x, 130.0, 75.0),
            dvec3(x, 240.0, 75.0),
            dvec3(x + 60.0, 240.0, 330.0),
            dvec3(x + 60.0, 330.0, 380.0),
        ];
        p = p.body(BLACK, Solid::bar(&hose, 17.0, 50.0).with_steps(12));
    }
    c.add(p)
}

/// Switch cabinet at the right end, its doors to the front.
fn cabinet(c: &mut Catalogue, screw: PartId) -> PartId {
    let vent = grille(c, 380.0, 200.0, GREY);
    let mut p = part("Switch cabinet")
        .body(DARK, bar_box((-300.0, -110.0, 0.0), (740.0, 220.0, 40.0)))
        .body(LIGHT, bar_box((-310.0, -130.0, 40.0), (760.0, 250.0, 840.0)))
        .body(BLUE, bar_box((-312.0, -132.0, 800.0), (764.0, 254.0, 24.0)))
        .body(YELLOW, bar_box((-240.0, -143.0, 640.0), (90.0, 4.0, 90.0)))
        .child(vent, shift(-120.0, -138.0, 90.0));
    for x in [-300.0, 78.0] {
        p = p
            .body(GREY, bar_box((x, -138.0, 60.0), (362.0, 8.0, 720.0)))
            .body(BLACK, bar_box((x + 310.0, -160.0, 380.0), (24.0, 24.0, 130.0)));
        p = row(p, screw, shift(x + 24.0, -138.0, 100.0) * facing_front(), (0.0, 0.0, 210.0), 4);
    }
    c.add(p)
}

/// A link of the cable chain to the carriage.
fn cable_link() -> Part {
    part("Chain link")
        .body(BLACK, bar_box((0.0, -46.0, 0.0), (44.0, 8.0, 56.0)))
        .body(BLACK, bar_box((0.0, 38.0, 0.0), (44.0, 8.0, 56.0)))
        .body(BLACK, bar_box((12.0, -38.0, 0.0), (22.0, 76.0, 6.0)))
        .body(BLACK, bar_box((12.0, -38.0, 50.0), (22.0, 76.0, 6.0)))
}
