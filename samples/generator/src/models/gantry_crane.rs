//! A gantry crane on floor rails: two box girders on A-shaped legs, travelling hoist with hook, festoon cable, walkway
//! with railing, ladder, a die in its slings above a stillage.

use super::hardware::{
    HERE, bar_box, bolt, flanges, ladder, motor, operator_panel, plate_y, railing, ring, rod_x, rod_y, rod_z, row,
};
use super::palette::{BLACK, DARK, GREY, ORANGE, RED, STEEL, WOOD, YELLOW};
use crate::kit::{Catalogue, Part, PartId, Profile, Solid, along_x, along_y, part, shift, turn_x, turn_z};
use glam::{DAffine3, dvec3};

/// Middle of the legs.
const SPAN: f64 = 3300.0;
const GIRDER: f64 = 4100.0;

/// The crane.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let screw = c.add(bolt(16.0));
    let bogie = bogie(&mut c, screw);
    let leg = leg(&mut c, bogie, screw);
    let girder = girder(&mut c, screw);
    let hoist = hoist(&mut c, screw);
    let load = load(&mut c, screw);
    let loop_ = c.add(festoon());
    let walkway = walkway(&mut c);
    let ladder = ladder(&mut c, GIRDER, YELLOW);
    let rail = rail(&mut c, screw);
    let panel = operator_panel(&mut c);
    let mut root = part("Gantry crane")
        .child(leg, shift(-SPAN, 0.0, 0.0))
        .child(leg, shift(SPAN, 0.0, 0.0) * turn_z(180.0))
        .child(girder, shift(0.0, -420.0, GIRDER))
        .child(girder, shift(0.0, 420.0, GIRDER) * turn_z(180.0))
        .child(hoist, shift(-500.0, 0.0, GIRDER + 600.0))
        .child(load, shift(-500.0, 0.0, 0.0))
        .child(walkway, shift(-3500.0, 660.0, GIRDER + 420.0))
        .child(ladder, shift(SPAN - 300.0, 0.0, 100.0) * turn_z(90.0))
        .child(panel, shift(-SPAN, -420.0, 1000.0))
        .child(rail, shift(-SPAN, 0.0, 0.0))
        .child(rail, shift(SPAN, 0.0, 0.0));
    root = row(root, loop_, shift(-3200.0, -700.0, GIRDER + 240.0), (340.0, 0.0, 0.0), 8);
    c.add(root);
    c
}

/// Two wheels in a frame on the rail along y, one of them driven; its middle is the origin.
fn bogie(c: &mut Catalogue, screw: PartId) -> PartId {
    let drive = motor(c, 80.0, 260.0, ORANGE);
    let rim = Profile::polygon(&[
        (20.0, -50.0),
        (160.0, -50.0),
        (160.0, -34.0),
        (140.0, -30.0),
        (140.0, 30.0),
        (160.0, 34.0),
        (160.0, 50.0),
        (20.0, 50.0),
    ]);
    let wheel = part("Wheel")
        .body(STEEL, Solid::revolve(&rim).at(along_x()))
        .body(DARK, rod_x(-110.0, 0.0, 0.0, 20.0, 220.0).with_steps(16));
    let wheel = c.add(ring(wheel, screw, shift(50.0, 0.0, 0.0) * along_x(), 85.0, 6));
    let mut p = part("Bogie")
        .child(wheel, shift(0.0, -420.0, 190.0))
        .child(wheel, shift(0.0, 420.0, 190.0))
        .child(drive, shift(110.0, 420.0, 190.0) * along_x())
        .body(YELLOW, bar_box((-90.0, -700.0, 160.0), (20.0, 1400.0, 260.0)))
        .body(YELLOW, bar_box((70.0, -700.0, 160.0), (20.0, 1400.0, 260.0)))
        .body(YELLOW, bar_box((-110.0, -720.0, 420.0), (220.0, 1440.0, 24.0)));
    for y in [-760.0, 720.0] {
        p = p.body(BLACK, rod_y(0.0, y, 240.0, 50.0, 40.0));
    }
    for x in [-91.0, 90.0] {
        let out = if x < 0.0 { turn_z(-90.0) } else { turn_z(90.0) };
        p = row(p, screw, shift(x, -250.0, 380.0) * out * turn_x(90.0), (0.0, 100.0, 0.0), 6);
    }
    c.add(p)
}

/// The left one: two slanted posts on two bogies, ties and gussets.
fn leg(c: &mut Catalogue, bogie: PartId, screw: PartId) -> PartId {
    let foot = c.add(
        row(
            part("Leg foot").body(YELLOW, bar_box((-200.0, -220.0, 0.0), (400.0, 440.0, 24.0))),
            screw,
            shift(-160.0, -180.0, 24.0),
            (0.0, 90.0, 0.0),
            5,
        )
        .child(screw, shift(160.0, -180.0, 24.0))
        .child(screw, shift(160.0, 180.0, 24.0)),
    );
    let gusset = Profile::polygon(&[(0.0, 0.0), (150.0, 0.0), (0.0, 260.0)]);
    let gusset = c.add(part("Gusset").body(YELLOW, plate_y(&gusset, &[], -8.0, 16.0)));
    let outline = Profile::polygon(&[(-1250.0, 468.0), (-950.0, 468.0), (-280.0, GIRDER), (-560.0, GIRDER)]);
    // Drawn as y and z, so that the slant is seen along x.
    let upright = |outline: &Profile| super::hardware::along(outline, -120.0, 240.0);
    let mirrored = Profile::polygon(&[(950.0, 468.0), (1250.0, 468.0), (560.0, GIRDER), (280.0, GIRDER)]);
    let mut p = part("Leg")
        .body(YELLOW, upright(&outline))
        .body(YELLOW, upright(&mirrored))
        .body(YELLOW, bar_box((-90.0, -1000.0, 1350.0), (180.0, 2000.0, 200.0)))
        .body(YELLOW, bar_box((-80.0, -620.0, 2900.0), (160.0, 1240.0, 160.0)))
        .body(DARK, bar_box((-400.0, -900.0, 900.0), (270.0, 500.0, 800.0)))
        .body(RED, bar_box((-402.0, -700.0, 1500.0), (4.0, 100.0, 100.0)))
        .body(BLACK, rod_z(-125.0, 500.0, 1550.0, 20.0, GIRDER - 1550.0).with_steps(12));
    for y in [-1100.0, 1100.0] {
        p = p.child(bogie, shift(0.0, y, 20.0)).child(foot, shift(0.0, y, 464.0));
        for turn in [0.0, 180.0] {
            p = p.child(gusset, shift(0.0, y, 488.0) * turn_z(turn) * shift(122.0, 0.0, 0.0));
        }
    }
    c.add(p)
}

/// The front one, 600 high from z = 0: webs, chords, stiffeners, crane rail, end plates.
fn girder(c: &mut Catalogue, screw: PartId) -> PartId {
    let stiffener = c.add(part("Stiffener").body(YELLOW, bar_box((-8.0, -170.0, 24.0), (16.0, 60.0, 532.0))));
    let plate = part("Splice").body(YELLOW, bar_box((-150.0, -124.0, 120.0), (300.0, 14.0, 360.0)));
    let mut plate = plate;
    for z in [160.0, 240.0, 320.0, 400.0] {
        plate = row(plate, screw, shift(-115.0, -124.0, z) * turn_x(90.0), (76.0, 0.0, 0.0), 4);
    }
    let plate = c.add(plate);
    let mut p = part("Girder")
        .body(YELLOW, bar_box((-3500.0, -170.0, 0.0), (7000.0, 340.0, 24.0)))
        .body(YELLOW, bar_box((-3500.0, -170.0, 556.0), (7000.0, 340.0, 24.0)))
        .body(YELLOW, bar_box((-3500.0, -110.0, 24.0), (7000.0, 14.0, 532.0)))
        .body(YELLOW, bar_box((-3500.0, 96.0, 24.0), (7000.0, 14.0, 532.0)))
        .body(STEEL, bar_box((-3450.0, -35.0, 580.0), (6900.0, 70.0, 60.0)))
        .child(plate, shift(-1150.0, 0.0, 0.0))
        .child(plate, shift(1150.0, 0.0, 0.0));
    for x in [-3400.0, 3360.0] {
        p = p.body(RED, bar_box((x, -60.0, 640.0), (40.0, 120.0, 120.0)));
    }
    p = row(p, stiffener, shift(-3300.0, 0.0, 0.0), (600.0, 0.0, 0.0), 12);
    c.add(p)
}

/// Trolley with rope drum, motor and gear box; the ropes and the hook hang from it.
fn hoist(c: &mut Catalogue, screw: PartId) -> PartId {
    let drive = motor(c, 130.0, 420.0, ORANGE);
    let groove = c.add(part("Rope").body(STEEL, Solid::tube(166.0, 158.0, 14.0).at(along_y())));
    let wheel = c.add(
        part("Trolley wheel")
            .body(STEEL, rod_y(0.0, -40.0, 0.0, 90.0, 80.0))
            .body(DARK, rod_y(0.0, -70.0, 0.0, 30.0, 140.0)),
    );
    let flange = flanges(c, 60.0, 8, ORANGE);
    let mut p = part("Hoist")
        .body(ORANGE, bar_box((-420.0, -520.0, 110.0), (60.0, 1040.0, 160.0)))
        .body(ORANGE, bar_box((360.0, -520.0, 110.0), (60.0, 1040.0, 160.0)))
        .body(ORANGE, bar_box((-420.0, -560.0, 130.0), (840.0, 60.0, 120.0)))
        .body(ORANGE, bar_box((-420.0, 500.0, 130.0), (840.0, 60.0, 120.0)))
        .body(STEEL, rod_y(0.0, -330.0, 260.0, 158.0, 660.0))
        .body(ORANGE, rod_y(0.0, -350.0, 260.0, 210.0, 24.0))
        .body(ORANGE, rod_y(0.0, 326.0, 260.0, 210.0, 24.0))
        .body(DARK, bar_box((-260.0, 352.0, 80.0), (520.0, 140.0, 360.0)))
        .body(GREY, bar_box((-340.0, -500.0, 250.0), (300.0, 140.0, 240.0)))
        .child(drive, shift(330.0, 340.0, 300.0) * turn_x(90.0))
        .child(flange, shift(330.0, 400.0, 300.0) * turn_x(90.0));
    p = row(p, groove, shift(0.0, -290.0, 260.0), (0.0, 40.0, 0.0), 14);
    for (x, y) in [(-330.0, -420.0), (330.0, -420.0), (-330.0, 420.0), (330.0, 420.0)] {
        p = p.child(wheel, shift(x, y, 130.0));
    }
    p = row(p, screw, shift(-390.0, -400.0, 270.0), (0.0, 200.0, 0.0), 5);
    // Four falls of rope down to the block.
    for (x, y) in [(-60.0, -120.0), (60.0, -120.0), (-60.0, 120.0), (60.0, 120.0)] {
        p = p.body(BLACK, rod_z(x, y, -2150.0, 9.0, 2400.0).with_steps(8));
    }
    c.add(p)
}

/// Hook block, slings, the die they hold, and the stillage where it belongs.
fn load(c: &mut Catalogue, screw: PartId) -> PartId {
    let sheave = c.add(part("Sheave").body(RED, rod_y(0.0, -20.0, 0.0, 150.0, 40.0)));
    let die = c.add(die(screw));
    let hook = [
        dvec3(0.0, 0.0, 2360.0),
        dvec3(0.0, 0.0, 2220.0),
        dvec3(90.0, 0.0, 2130.0),
        dvec3(0.0, 0.0, 2010.0),
        dvec3(-100.0, 0.0, 2090.0),
    ];
    let mut p = part("Load")
        .body(YELLOW, bar_box((-170.0, -60.0, 2420.0), (340.0, 20.0, 320.0)))
        .body(YELLOW, bar_box((-170.0, 40.0, 2420.0), (340.0, 20.0, 320.0)))
        .body(YELLOW, bar_box((-110.0, -110.0, 2360.0), (220.0, 220.0, 60.0)))
        .body(DARK, Solid::bar(&hook, 36.0, 50.0).with_steps(16))
        .child(sheave, shift(0.0, -100.0, 2580.0))
        .child(sheave, shift(0.0, 100.0, 2580.0))
        .child(die, shift(0.0, 0.0, 900.0));
    for (x, y) in [(-500.0, -300.0), (500.0, -300.0), (500.0, 300.0), (-500.0, 300.0)] {
        let sling = [dvec3(x, y, 1440.0), dvec3(0.0, 0.0, 2085.0)];
        p = p.body(ORANGE, Solid::bar(&sling, 12.0, 10.0).with_steps(8));
    }
    // Stillage of beams and sleepers.
    for y in [-350.0, 270.0] {
        p = p.body(GREY, bar_box((-900.0, y, 160.0), (1800.0, 80.0, 140.0)));
    }
    for x in [-800.0, -100.0, 600.0] {
        p = p.body(WOOD, bar_box((x, -500.0, 0.0), (200.0, 1000.0, 160.0)));
    }
    c.add(p)
}

/// Upper and lower half of a press tool with guide columns.
fn die(screw: PartId) -> Part {
    let mut p = part("Die")
        .body(DARK, bar_box((-600.0, -400.0, 0.0), (1200.0, 800.0, 110.0)))
        .body(STEEL, bar_box((-480.0, -300.0, 110.0), (960.0, 600.0, 150.0)))
        .body(STEEL, bar_box((-440.0, -270.0, 290.0), (880.0, 540.0, 140.0)))
        .body(DARK, bar_box((-600.0, -400.0, 430.0), (1200.0, 800.0, 110.0)));
    for (x, y) in [(-530.0, -330.0), (530.0, -330.0), (530.0, 330.0), (-530.0, 330.0)] {
        p = p.body(STEEL, rod_z(x, y, 110.0, 36.0, 320.0)).child(screw, shift(x, y, 540.0));
    }
    for z in [55.0, 485.0] {
        p = row(p, screw, shift(-450.0, -400.0, z) * turn_x(90.0), (180.0, 0.0, 0.0), 6);
    }
    p
}

/// One hanging loop of the flat cable with its carriage.
fn festoon() -> Part {
    let sag = [
        dvec3(0.0, 0.0, -60.0),
        dvec3(20.0, 0.0, -420.0),
        dvec3(170.0, 0.0, -620.0),
        dvec3(320.0, 0.0, -420.0),
        dvec3(340.0, 0.0, -60.0),
    ];
    part("Cable loop")
        .body(BLACK, Solid::bar(&sag, 16.0, 90.0).with_steps(12))
        .body(STEEL, bar_box((-30.0, -30.0, -70.0), (60.0, 60.0, 50.0)))
        .body(STEEL, rod_y(0.0, -30.0, 0.0, 24.0, 60.0).with_steps(16))
        .body(STEEL, bar_box((-170.0, 24.0, -10.0), (340.0, 8.0, 20.0)))
}

fn walkway(c: &mut Catalogue) -> PartId {
    let railing = railing(c, 7000.0);
    let slat = c.add(part("Grating bar").body(STEEL, bar_box((0.0, 0.0, 0.0), (12.0, 560.0, 24.0))));
    let bracket = Profile::polygon(&[(0.0, -280.0), (560.0, -30.0), (560.0, 0.0), (0.0, 0.0)]);
    let bracket = c.add(part("Bracket").body(YELLOW, super::hardware::along(&bracket, -8.0, 16.0)));
    let mut p = part("Walkway")
        .body(YELLOW, bar_box((0.0, 0.0, -6.0), (7000.0, 12.0, 36.0)))
        .body(YELLOW, bar_box((0.0, 560.0, -6.0), (7000.0, 12.0, 36.0)))
        .child(railing, shift(0.0, 566.0, 30.0));
    p = row(p, slat, HERE, (70.0, 0.0, 0.0), 100);
    p = row(p, bracket, shift(250.0, 0.0, -8.0), (1300.0, 0.0, 0.0), 6);
    c.add(p)
}

/// Four metres of rail along y with its clamps.
fn rail(c: &mut Catalogue, screw: PartId) -> PartId {
    let clamp = c.add(
        part("Rail clamp")
            .body(DARK, bar_box((30.0, -40.0, 8.0), (70.0, 80.0, 14.0)))
            .child(screw, shift(75.0, 0.0, 22.0)),
    );
    let mut p = part("Rail")
        .body(GREY, bar_box((-130.0, -2050.0, 0.0), (260.0, 4100.0, 8.0)))
        .body(STEEL, bar_box((-30.0, -2050.0, 8.0), (60.0, 4100.0, 62.0)));
    let mirror: DAffine3 = turn_z(180.0);
    p = row(p, clamp, shift(0.0, -1900.0, 0.0), (0.0, 475.0, 0.0), 9);
    p = row(p, clamp, shift(0.0, -1900.0, 0.0) * mirror, (0.0, 475.0, 0.0), 9);
    c.add(p)
}
