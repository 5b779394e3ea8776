//! A row of six switch cabinets on a plinth, with doors of four sorts, cooling units, meters, lamps, lifting eyes and a
//! cable tray above. The doors face -y.

use super::hardware::{bar_box, bolt, cable_tray, grille, ring, rod_y, rod_z, row};
use super::palette::{BLACK, DARK, GREEN, GREY, LIGHT, RED, SCREEN, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, PartId, Profile, Solid, facing_front, part, shift, turn_z};
use glam::dvec3;

const FIELDS: usize = 6;
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 2000.0;
const PLINTH: f64 = 100.0;
const FRONT: f64 = -250.0;
const BACK: f64 = 300.0;

/// The row.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let screw = c.add(bolt(7.0));
    let eye = c.add(lifting_eye());
    let hinge = c.add(part("Hinge").body(DARK, rod_z(0.0, FRONT - 14.0, 0.0, 9.0, 90.0).with_steps(16)));
    let handle = c.add(handle());
    let shell = shell(&mut c, screw, eye, hinge, handle);
    let cooler = cooler(&mut c);
    let meters = meters(&mut c, screw);
    let lamps = lamps(&mut c);
    let isolator = c.add(isolator(screw));
    let vents = grille(&mut c, 420.0, 260.0, LIGHT);
    let tray = cable_tray(&mut c, WIDTH * FIELDS as f64 - 40.0);
    let mut root = part("Switch cabinets")
        .body(DARK, bar_box((-WIDTH * 3.0, FRONT + 20.0, 0.0), (WIDTH * FIELDS as f64, BACK - FRONT - 40.0, PLINTH)));
    for i in 0..FIELDS {
        let at = shift((i as f64 - 2.5) * WIDTH, 0.0, 0.0);
        root = root.child(shell, at);
        root = match i {
            0 => root.child(isolator, at * shift(0.0, FRONT - 14.0, 1300.0)),
            1 | 4 => root.child(meters, at * shift(0.0, FRONT - 14.0, 1250.0)),
            2 | 5 => root.child(cooler, at * shift(0.0, FRONT - 14.0, 700.0)),
            _ => root.child(lamps, at * shift(0.0, FRONT - 14.0, 1150.0)),
        };
        if i % 3 != 2 {
            root = root
                .child(vents, at * shift(0.0, FRONT - 16.0, 240.0))
                .child(vents, at * shift(0.0, FRONT - 16.0, 1750.0));
        }
    }
    root = root.child(tray, shift(-WIDTH * 3.0 + 20.0, 60.0, PLINTH + HEIGHT + 60.0));
    c.add(root);
    c
}

fn shell(c: &mut Catalogue, screw: PartId, eye: PartId, hinge: PartId, handle: PartId) -> PartId {
    let door = Profile::rounded_rect(-WIDTH / 2.0 + 6.0, PLINTH + 8.0, WIDTH / 2.0 - 6.0, PLINTH + HEIGHT - 8.0, 12.0);
    let leaf = Solid::extrude_chamfered(&door, &[], 14.0, 3.0).at(shift(0.0, FRONT, 0.0) * facing_front());
    let bend =
        Profile::path(&[(0.0, 0.0, 0.0), (38.0, 0.0, 0.0), (38.0, 40.0, 0.0), (30.0, 50.0, 0.0), (0.0, 50.0, 0.0)]);
    let mut p = part("Cabinet")
        .body(LIGHT, bar_box((-WIDTH / 2.0 + 2.0, FRONT, PLINTH), (WIDTH - 4.0, BACK - FRONT, HEIGHT)))
        .body(LIGHT, leaf)
        .body(STEEL, bar_box((-70.0, FRONT - 16.0, 1660.0), (140.0, 2.0, 44.0)))
        .body(YELLOW, bar_box((200.0, FRONT - 16.0, 1560.0), (90.0, 2.0, 80.0)))
        .child(handle, shift(-WIDTH / 2.0 + 60.0, FRONT - 14.0, 1080.0));
    for z in [200.0, 1000.0, 1850.0] {
        p = p.child(hinge, shift(WIDTH / 2.0 - 16.0, 0.0, z));
    }
    // Cable glands and eyes on the roof.
    for (x, r) in [(-180.0, 0.8), (-60.0, 1.0), (80.0, 1.0), (200.0, 0.7)] {
        p = p
            .body(DARK, Solid::revolve(&bend).with_steps(14).at(shift(x, 60.0, PLINTH + HEIGHT)))
            .body(BLACK, rod_z(x, 60.0, PLINTH + HEIGHT + 50.0, 24.0 * r, 30.0).with_steps(20));
    }
    for (x, y) in [(-360.0, -210.0), (360.0, -210.0), (360.0, 260.0), (-360.0, 260.0)] {
        p = p.child(eye, shift(x, y, PLINTH + HEIGHT));
    }
    for x in [-380.0, 380.0] {
        p = row(p, screw, shift(x, BACK, 200.0) * turn_z(180.0) * facing_front(), (0.0, 0.0, 200.0), 10);
    }
    p = row(p, screw, shift(-340.0, FRONT + 20.0, 50.0) * facing_front(), (170.0, 0.0, 0.0), 5);
    c.add(p)
}

fn lifting_eye() -> Part {
    let ring = Solid::revolve(&Profile::circle(22.0, 0.0, 6.0)).with_steps(10);
    part("Lifting eye")
        .body(STEEL, Solid::cylinder(20.0, 12.0, 2.0).with_steps(16))
        .body(STEEL, ring.at(shift(0.0, 0.0, 36.0) * facing_front()))
}

fn handle() -> Part {
    let plate = Profile::slot(-100.0, 100.0, 0.0, 24.0);
    let lever = Profile::link(glam::dvec2(0.0, 60.0), 16.0, glam::dvec2(0.0, -80.0), 11.0);
    part("Handle")
        .body(DARK, Solid::extrude_chamfered(&plate, &[], 12.0, 2.0).with_steps(12).at(turn_upright()))
        .body(
            BLACK,
            Solid::extrude_chamfered(&lever, &[], 16.0, 4.0).with_steps(12).at(shift(0.0, -14.0, 0.0) * facing_front()),
        )
        .body(STEEL, rod_y(0.0, -36.0, 60.0, 9.0, 10.0).with_steps(16))
}

/// A slot drawn along x, upright on a door.
fn turn_upright() -> glam::DAffine3 {
    facing_front() * turn_z(90.0)
}

/// A cooling unit with two fans behind guards and a grille.
fn cooler(c: &mut Catalogue) -> PartId {
    let blade = Profile::rounded(&[(24.0, -14.0, 4.0), (112.0, -34.0, 12.0), (118.0, 10.0, 12.0), (24.0, 18.0, 4.0)]);
    let blade = c.add(part("Blade").body(BLACK, Solid::extrude(&blade, &[], 4.0)));
    let grid = fan_guard(c);
    let mut fan = part("Fan")
        .body(DARK, Solid::tube(140.0, 126.0, 30.0).with_steps(48))
        .body(BLACK, Solid::cylinder(40.0, 20.0, 3.0).with_steps(24))
        .child(grid, shift(0.0, 0.0, 32.0));
    fan = ring(fan, blade, shift(0.0, 0.0, 8.0), 0.0, 7);
    let fan = c.add(fan);
    let slats = grille(c, 380.0, 220.0, GREY);
    c.add(
        part("Cooling unit")
            .body(GREY, bar_box((-230.0, -150.0, 0.0), (460.0, 150.0, 1060.0)))
            .child(fan, shift(0.0, -150.0, 860.0) * facing_front())
            .child(fan, shift(0.0, -150.0, 530.0) * facing_front())
            .child(slats, shift(0.0, -152.0, 90.0))
            .body(SCREEN, bar_box((-60.0, -153.0, 340.0), (120.0, 3.0, 40.0)))
            .body(GREEN, rod_y(100.0, -156.0, 360.0, 8.0, 6.0).with_steps(12)),
    )
}

/// Four wire rings and spokes, facing +z.
fn fan_guard(c: &mut Catalogue) -> PartId {
    let mut p = part("Fan guard");
    for r in [40.0, 68.0, 96.0, 124.0] {
        p = p.body(STEEL, Solid::revolve(&Profile::rect(r - 2.0, -2.0, r + 2.0, 2.0)).with_steps(24));
    }
    for turn in [0.0, 45.0, 90.0, 135.0] {
        p = p.body(STEEL, bar_box((-138.0, -2.0, -2.0), (276.0, 4.0, 4.0)).at(turn_z(turn)));
    }
    c.add(p)
}

/// Four round meters above a mimic diagram.
fn meters(c: &mut Catalogue, screw: PartId) -> PartId {
    let face = |r: f64, y: f64, depth: f64| {
        Solid::cylinder(r, depth, 1.0).with_steps(32).at(shift(0.0, y, 0.0) * facing_front())
    };
    let meter = c.add(
        part("Meter")
            .body(BLACK, face(58.0, 0.0, 24.0))
            .body(LIGHT, face(50.0, -24.0, 2.0))
            .body(RED, bar_box((-2.0, -28.0, -10.0), (4.0, 2.0, 50.0)).at(turn_needle())),
    );
    let mut p = part("Meters");
    for (x, z) in [(-150.0, 130.0), (0.0, 130.0), (150.0, 130.0), (-150.0, 280.0), (0.0, 280.0), (150.0, 280.0)] {
        p = p.child(meter, shift(x, 0.0, z));
    }
    for x in [-225.0, 225.0] {
        p = row(p, screw, shift(x, 0.0, 60.0) * facing_front(), (0.0, 0.0, 150.0), 3);
    }
    // Bars of the diagram and its switches.
    for x in [-150.0, 0.0, 150.0] {
        p = p
            .body(GREEN, bar_box((x - 4.0, -3.0, -400.0), (8.0, 3.0, 400.0)))
            .body(BLACK, Solid::block(60.0, 40.0, 110.0, 4.0).at(shift(x, -20.0, -260.0)))
            .body(RED, rod_y(x, -52.0, -190.0, 12.0, 12.0).with_steps(16));
    }
    c.add(p.body(GREEN, bar_box((-200.0, -3.0, -8.0), (400.0, 3.0, 8.0))))
}

fn turn_needle() -> glam::DAffine3 {
    crate::kit::turn_y(-35.0)
}

/// Rows of lamps and buttons under a screen.
fn lamps(c: &mut Catalogue) -> PartId {
    let button = |colour| {
        part("Lamp")
            .body(STEEL, Solid::tube(17.0, 12.0, 10.0).with_steps(20).at(facing_front()))
            .body(colour, Solid::cylinder(12.0, 16.0, 3.0).with_steps(20).at(facing_front()))
    };
    let made = [GREEN, YELLOW, RED, LIGHT].map(|colour| c.add(button(colour)));
    let mut p = part("Control front")
        .body(DARK, bar_box((-190.0, -12.0, 160.0), (380.0, 12.0, 280.0)))
        .body(SCREEN, bar_box((-170.0, -14.0, 180.0), (340.0, 2.0, 240.0)));
    for line in 0..4 {
        for column in 0..7 {
            let at = shift(-180.0 + 60.0 * column as f64, 0.0, 90.0 - 70.0 * line as f64);
            p = p.child(made[(line * 3 + column) % 4], at);
        }
    }
    c.add(p)
}

/// The main switch: a red handle on a yellow plate, and a padlock.
fn isolator(screw: PartId) -> Part {
    let lock =
        [dvec3(-14.0, -60.0, -70.0), dvec3(-14.0, -60.0, -20.0), dvec3(14.0, -60.0, -20.0), dvec3(14.0, -60.0, -70.0)];
    let mut p = part("Main switch")
        .body(YELLOW, Solid::block(180.0, 10.0, 180.0, 1.0).at(shift(0.0, -5.0, -90.0)))
        .body(RED, Solid::cylinder(60.0, 30.0, 4.0).with_steps(32).at(shift(0.0, -10.0, 0.0) * facing_front()))
        .body(RED, Solid::block(34.0, 50.0, 150.0, 6.0).at(shift(0.0, -55.0, -75.0)))
        .body(STEEL, Solid::bar(&lock, 4.0, 10.0).with_steps(12))
        .body(STEEL, Solid::block(44.0, 20.0, 40.0, 3.0).at(shift(0.0, -60.0, -112.0)))
        .body(GREY, bar_box((-160.0, -4.0, 160.0), (320.0, 4.0, 160.0)));
    for (x, z) in [(-78.0, -78.0), (78.0, -78.0), (78.0, 78.0), (-78.0, 78.0)] {
        p = p.child(screw, shift(x, -10.0, z) * facing_front());
    }
    p
}
