//! A counterbalanced forklift that faces +x: chassis, counterweight, mast with chains and cylinders, forks, overhead
//! guard, seat, steering wheel, treaded tyres, lamps.

use super::hardware::{HERE, bar_box, bolt, grille, nut, plate_y, ring, rod_y, rod_z, row};
use super::palette::{BLACK, DARK, GREY, LIGHT, ORANGE, RED, STEEL, YELLOW};
use crate::kit::{
    Catalogue, Part, PartId, Profile, Rgb, Solid, along_x, along_y, facing_front, part, shift, turn_y, turn_z,
};
use glam::dvec3;

/// The truck.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let nut = c.add(nut(14.0));
    let screw = c.add(bolt(11.0));
    let front = wheel(&mut c, nut, 320.0, 180.0);
    let rear = wheel(&mut c, nut, 250.0, 150.0);
    let body = body(&mut c, screw);
    let mast = mast(&mut c, screw);
    let guard = c.add(guard());
    let place = c.add(driving_place());
    let lamps = [LIGHT, RED].map(|glass| c.add(lamp(glass)));
    let mut root =
        part("Forklift").child(body, HERE).child(mast, shift(640.0, 0.0, 0.0)).child(guard, HERE).child(place, HERE);
    for side in [-1.0, 1.0] {
        let turn = if side < 0.0 { HERE } else { turn_z(180.0) };
        root = root
            .child(front, shift(380.0, side * 480.0, 320.0) * turn)
            .child(rear, shift(-930.0, side * 440.0, 250.0) * turn)
            .child(lamps[0], shift(520.0, side * 420.0, 1880.0))
            .child(lamps[1], shift(-1330.0, side * 380.0, 900.0) * turn_z(180.0));
    }
    c.add(root);
    c
}

/// Outside towards -y; its middle is the origin. The tread is blocks around the tyre.
fn wheel(c: &mut Catalogue, nut: PartId, radius: f64, width: f64) -> PartId {
    let (r, h) = (radius, width / 2.0);
    let tyre = Profile::rounded(&[(r * 0.58, -h, 0.0), (r - 12.0, -h, 30.0), (r - 12.0, h, 30.0), (r * 0.58, h, 0.0)]);
    let rim = Profile::polygon(&[
        (r * 0.2, -h * 0.35),
        (r * 0.5, -h * 0.3),
        (r * 0.52, -h * 0.9),
        (r * 0.58, -h * 0.9),
        (r * 0.58, h * 0.9),
        (r * 0.2, h * 0.9),
    ]);
    // The corners of the blocks touch the floor.
    let top = r.hypot(14.0) - r;
    let block = c.add(part("Tread").body(BLACK, bar_box((r - 20.0, -14.0, -h * 0.8), (20.0 - top, 28.0, h * 0.75))));
    let mut p = part("Wheel")
        .body(BLACK, Solid::revolve(&tyre).with_steps(48).at(along_y()))
        .body(LIGHT, Solid::revolve(&rim).with_steps(48).at(along_y()))
        .body(DARK, Solid::cylinder(r * 0.2, width * 0.7, 6.0).at(shift(0.0, -h * 0.5, 0.0) * along_y()));
    p = ring(p, block, along_y(), 0.0, 28);
    p = ring(p, block, along_y() * shift(0.0, 0.0, h * 0.85) * turn_z(6.0), 0.0, 28);
    p = ring(p, nut, shift(0.0, -h * 0.33, 0.0) * facing_front(), r * 0.35, 8);
    c.add(p)
}

/// A slab of the x-z plane about y = 0.
fn slab(outline: &Profile, width: f64, chamfer: f64) -> Solid {
    Solid::extrude_chamfered(outline, &[], width, chamfer).at(shift(0.0, width / 2.0, 0.0) * facing_front())
}

fn body(c: &mut Catalogue, screw: PartId) -> PartId {
    let vent = grille(c, 420.0, 300.0, DARK);
    let weight = Profile::rounded(&[
        (-1340.0, 380.0, 60.0),
        (-1150.0, 380.0, 20.0),
        (-1080.0, 560.0, 60.0),
        (-780.0, 560.0, 60.0),
        (-720.0, 380.0, 30.0),
        (-560.0, 380.0, 20.0),
        (-560.0, 1060.0, 40.0),
        (-1240.0, 1060.0, 160.0),
        (-1340.0, 800.0, 120.0),
    ]);
    let chassis = Profile::rounded(&[
        (-560.0, 260.0, 20.0),
        (60.0, 260.0, 20.0),
        (60.0, 420.0, 20.0),
        (620.0, 420.0, 20.0),
        (620.0, 980.0, 60.0),
        (540.0, 1060.0, 40.0),
        (420.0, 720.0, 40.0),
        (40.0, 560.0, 60.0),
        (-100.0, 560.0, 30.0),
        (-160.0, 1000.0, 40.0),
        (-560.0, 1000.0, 20.0),
    ]);
    let fender = Profile::rounded(&[
        (20.0, 480.0, 10.0),
        (110.0, 640.0, 60.0),
        (250.0, 700.0, 60.0),
        (520.0, 700.0, 60.0),
        (700.0, 560.0, 20.0),
        (700.0, 600.0, 20.0),
        (530.0, 730.0, 60.0),
        (240.0, 730.0, 60.0),
        (90.0, 670.0, 60.0),
        (-10.0, 480.0, 5.0),
    ]);
    let step = Profile::rect(-100.0, 300.0, 60.0, 320.0);
    let mut p = part("Body")
        .body(DARK, slab(&weight, 1060.0, 16.0))
        .body(ORANGE, slab(&chassis, 760.0, 12.0))
        .body(BLACK, bar_box((-120.0, -500.0, 250.0), (200.0, 1000.0, 30.0)))
        .body(STEEL, slab(&step, 980.0, 0.0))
        .body(BLACK, Solid::block(440.0, 640.0, 40.0, 10.0).at(shift(-380.0, 0.0, 1000.0)))
        .child(vent, shift(-1342.0, 0.0, 600.0) * turn_z(-90.0))
        .body(STEEL, rod_y(-930.0, -400.0, 250.0, 40.0, 800.0))
        .body(STEEL, rod_y(380.0, -440.0, 320.0, 60.0, 880.0))
        .body(BLACK, rod_z(-1200.0, 300.0, 1060.0, 35.0, 260.0));
    for y in [-490.0, 490.0] {
        p = p.body(ORANGE, slab(&fender, 200.0, 0.0).at(shift(0.0, y, 0.0)));
    }
    for y in [-381.0, 381.0] {
        let out = if y < 0.0 { facing_front() } else { along_y() };
        p = row(p, screw, shift(-520.0, y, 330.0) * out, (0.0, 0.0, 120.0), 6);
        p = row(p, screw, shift(-440.0, y, 900.0) * out, (90.0, 0.0, 0.0), 3);
    }
    c.add(p)
}

/// Outer and inner channels, cross bars, lift cylinders, chains of links, carriage with forks; x = 0 is its back.
fn mast(c: &mut Catalogue, screw: PartId) -> PartId {
    let channel = Profile::polygon(&[
        (0.0, 0.0),
        (110.0, 0.0),
        (110.0, 60.0),
        (90.0, 60.0),
        (90.0, 18.0),
        (20.0, 18.0),
        (20.0, 60.0),
        (0.0, 60.0),
    ]);
    let link = c.add(
        part("Chain link")
            .body(STEEL, bar_box((-4.0, -10.0, 0.0), (8.0, 4.0, 30.0)))
            .body(STEEL, bar_box((-4.0, 6.0, 0.0), (8.0, 4.0, 30.0)))
            .body(DARK, rod_y(0.0, -8.0, 4.0, 4.0, 16.0).with_steps(10)),
    );
    let roller = c.add(
        part("Roller")
            .body(STEEL, Solid::cylinder(42.0, 36.0, 4.0).with_steps(24).at(shift(0.0, -18.0, 0.0) * along_y())),
    );
    let fork = c.add(fork());
    let rail = |y: f64, height: f64| Solid::extrude(&channel, &[], height).at(shift(40.0, y, 70.0));
    let mut p = part("Mast")
        .body(DARK, rail(-330.0, 2080.0))
        .body(DARK, rail(-330.0, 2080.0).at(mirror_side()))
        .body(GREY, Solid::block(60.0, 40.0, 2040.0, 4.0).at(shift(110.0, -250.0, 110.0)))
        .body(GREY, Solid::block(60.0, 40.0, 2040.0, 4.0).at(shift(110.0, 250.0, 110.0)))
        .body(DARK, bar_box((30.0, -330.0, 2060.0), (120.0, 660.0, 80.0)))
        .body(DARK, bar_box((30.0, -330.0, 1150.0), (20.0, 660.0, 120.0)))
        .body(DARK, bar_box((30.0, -330.0, 200.0), (20.0, 660.0, 160.0)))
        // Carriage with its plates and the load guard.
        .body(STEEL, bar_box((190.0, -480.0, 160.0), (40.0, 960.0, 90.0)))
        .body(STEEL, bar_box((190.0, -480.0, 480.0), (40.0, 960.0, 90.0)))
        .body(STEEL, bar_box((160.0, -200.0, 120.0), (30.0, 60.0, 520.0)))
        .body(STEEL, bar_box((160.0, 140.0, 120.0), (30.0, 60.0, 520.0)))
        .body(DARK, bar_box((195.0, -470.0, 1180.0), (30.0, 940.0, 40.0)))
        .child(fork, shift(230.0, -300.0, 0.0))
        .child(fork, shift(230.0, 180.0, 0.0));
    for k in 0..8 {
        p = p.body(DARK, bar_box((195.0, -470.0 + 130.0 * f64::from(k), 570.0), (30.0, 30.0, 610.0)));
    }
    for y in [-170.0, 170.0] {
        p = p
            .body(GREY, Solid::cylinder(38.0, 1150.0, 4.0).at(shift(60.0, y, 160.0)))
            .body(STEEL, rod_z(60.0, y, 1310.0, 24.0, 720.0))
            .child(roller, shift(100.0, y * 0.4, 2000.0));
        p = row(p, link, shift(145.0, y * 0.4, 560.0), (0.0, 0.0, 32.0), 44);
    }
    for z in [240.0, 300.0, 1180.0, 1240.0] {
        p = row(p, screw, shift(30.0, -290.0, z) * turn_y(-90.0), (0.0, 145.0, 0.0), 5);
    }
    // Tilt cylinders back to the chassis.
    for y in [-250.0, 250.0] {
        let tilt = [dvec3(40.0, y, 760.0), dvec3(-260.0, y, 640.0)];
        p = p.body(STEEL, Solid::bar(&tilt, 28.0, 10.0).with_steps(20));
    }
    c.add(p)
}

/// Half a turn about z puts the open side of a channel inwards at the other side; x is kept by the shift.
fn mirror_side() -> glam::DAffine3 {
    shift(190.0, 0.0, 0.0) * turn_z(180.0)
}

fn fork() -> Part {
    let outline = Profile::rounded(&[
        (0.0, 70.0, 20.0),
        (1080.0, 96.0, 5.0),
        (1080.0, 106.0, 3.0),
        (50.0, 120.0, 30.0),
        (44.0, 580.0, 5.0),
        (0.0, 580.0, 5.0),
    ]);
    part("Fork").body(STEEL, Solid::extrude(&outline, &[], 120.0).at(shift(0.0, 120.0, 0.0) * facing_front()))
}

/// Posts and roof bars above the driver.
fn guard() -> Part {
    let mut p = part("Overhead guard");
    for y in [-400.0, 400.0] {
        let hoop =
            [dvec3(540.0, y, 1000.0), dvec3(440.0, y, 2080.0), dvec3(-560.0, y, 2080.0), dvec3(-700.0, y, 1020.0)];
        p = p.body(DARK, Solid::bar(&hoop, 34.0, 140.0).with_steps(24));
    }
    for k in 0..7 {
        let x = 360.0 - 140.0 * f64::from(k);
        p = p.body(DARK, bar_box((x - 20.0, -390.0, 2070.0), (40.0, 780.0, 24.0)));
    }
    p.body(ORANGE, Solid::cylinder(50.0, 30.0, 4.0).at(shift(-480.0, 0.0, 2094.0)))
        .body(ORANGE, Solid::drum(42.0, 80.0, 20.0).at(shift(-480.0, 0.0, 2124.0)))
}

/// Seat, steering column and wheel, levers, pedals.
fn driving_place() -> Part {
    let back = Profile::rounded(&[
        (-620.0, 1120.0, 30.0),
        (-520.0, 1120.0, 30.0),
        (-600.0, 1620.0, 40.0),
        (-700.0, 1600.0, 40.0),
    ]);
    let column = [dvec3(420.0, 0.0, 740.0), dvec3(160.0, 0.0, 1260.0)];
    let wheel = Solid::revolve(&Profile::circle(170.0, 0.0, 15.0)).with_steps(32);
    let at = shift(150.0, 0.0, 1280.0) * turn_y(-26.0);
    let mut p = part("Driving place")
        .body(BLACK, Solid::block(480.0, 480.0, 110.0, 30.0).at(shift(-380.0, 0.0, 1040.0)))
        .body(BLACK, slab(&back, 460.0, 20.0))
        .body(GREY, Solid::bar(&column, 30.0, 10.0))
        .body(BLACK, wheel.at(at))
        .body(BLACK, Solid::cylinder(50.0, 24.0, 5.0).at(at * shift(0.0, 0.0, -12.0)))
        .body(DARK, Solid::block(160.0, 480.0, 200.0, 20.0).at(shift(480.0, 0.0, 960.0)))
        .body(YELLOW, plate_y(&Profile::rect(-480.0, 640.0, -240.0, 760.0), &[], -384.0, 4.0));
    for turn in [0.0, 120.0, 240.0] {
        p = p.body(BLACK, bar_box((40.0, -12.0, -6.0), (120.0, 24.0, 12.0)).at(at * turn_z(turn)));
    }
    for (k, y) in [140.0, 190.0, 240.0].into_iter().enumerate() {
        let lever = [dvec3(420.0, y, 1150.0), dvec3(380.0 - 8.0 * k as f64, y, 1340.0)];
        p = p.body(STEEL, Solid::bar(&lever, 8.0, 5.0).with_steps(12));
        p = p.body(BLACK, Solid::ball(22.0).with_steps(16).at(shift(380.0 - 8.0 * k as f64, y, 1350.0)));
    }
    p
}

/// Shines to +x.
fn lamp(glass: Rgb) -> Part {
    let shell =
        Profile::path(&[(0.0, 0.0, 0.0), (30.0, 0.0, 0.0), (62.0, 50.0, 20.0), (62.0, 80.0, 0.0), (0.0, 80.0, 0.0)]);
    part("Lamp")
        .body(DARK, Solid::revolve(&shell).at(along_x()))
        .body(glass, Solid::cylinder(54.0, 6.0, 2.0).at(shift(80.0, 0.0, 0.0) * along_x()))
        .body(DARK, bar_box((20.0, -10.0, -110.0), (20.0, 20.0, 60.0)))
}
