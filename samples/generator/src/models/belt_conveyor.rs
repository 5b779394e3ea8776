//! A flat belt conveyor that brings parts to the robot: belt loop, drums, side frames, legs, drive, light barrier and a
//! tray of blanks. It runs along x. Its file is in inches.

use super::palette::{ALUMINIUM, BLACK, BLUE, DARK, GREEN, GREY, RED, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, Profile, Solid, along_y, facing_front, part, shift, turn_z};

/// Length over the drums.
pub const LENGTH: f64 = 2400.0;
/// Height of the belt's top.
pub const TOP: f64 = 750.0;
const WIDTH: f64 = 560.0;
const DRUM: f64 = 50.0;

/// The conveyor.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let drum = c.add(drum());
    let leg = c.add(leg());
    let blank = c.add(blank());
    let side = c.add(side_frame());
    let belt = c.add(belt());
    let drive = c.add(drive());
    let barrier = c.add(light_barrier());
    let end = LENGTH / 2.0 - DRUM;
    let mut root = part("Belt conveyor")
        .child(belt, shift(0.0, 0.0, 0.0))
        .child(drum, shift(-end, -WIDTH / 2.0, TOP - DRUM) * along_y())
        .child(drum, shift(end, -WIDTH / 2.0, TOP - DRUM) * along_y())
        .child(side, shift(0.0, 0.0, 0.0))
        .child(side, turn_z(180.0))
        .child(drive, shift(-LENGTH / 2.0 + 420.0, 0.0, 0.0))
        .child(barrier, shift(LENGTH / 2.0 - 260.0, 0.0, 0.0));
    for x in [-850.0, 850.0] {
        root = root.child(leg, shift(x, 0.0, 0.0));
    }
    for (x, y) in [(-900.0, -90.0), (-520.0, 60.0), (-130.0, -40.0), (260.0, 110.0), (640.0, -70.0), (950.0, 0.0)] {
        root = root.child(blank, shift(x, y, TOP));
    }
    c.add(root);
    c
}

fn belt() -> Part {
    let y = WIDTH / 2.0 - 14.0;
    let end = LENGTH / 2.0 - DRUM;
    let z = TOP - DRUM;
    let outer = Profile::slot(-end, end, z, DRUM);
    let inner = Profile::slot(-end, end, z, DRUM - 5.0);
    let loop_ = Solid::extrude(&outer, &[inner], 2.0 * y).at(shift(0.0, y, 0.0) * facing_front()).with_steps(32);
    part("Belt")
        .body(BLACK, loop_)
        .body(GREY, Solid::between((-end + 70.0, -y + 10.0, TOP - 20.0), (end - 70.0, y - 10.0, TOP - 6.0)))
}

fn drum() -> Part {
    part("End drum")
        .body(STEEL, Solid::cylinder(DRUM - 6.0, WIDTH - 34.0, 4.0).at(shift(0.0, 0.0, 17.0)))
        .body(DARK, Solid::cylinder(14.0, WIDTH + 60.0, 3.0).at(shift(0.0, 0.0, -30.0)).with_steps(12))
}

/// The side at y < 0: slotted aluminium profile, end bearings, guide.
fn side_frame() -> Part {
    let y = -WIDTH / 2.0;
    let z = TOP - DRUM;
    // The section as somebody sees who looks along +x: local x to the left (+y), local y up.
    let section = Profile::polygon(&[
        (-40.0, -55.0),
        (0.0, -55.0),
        (0.0, 55.0),
        (-40.0, 55.0),
        (-40.0, 8.0),
        (-28.0, 8.0),
        (-28.0, -8.0),
        (-40.0, -8.0),
    ]);
    let half = LENGTH / 2.0 - 20.0;
    let frame = Solid::extrude(&section, &[], 2.0 * half).at(shift(-half, y, z) * turn_z(90.0) * facing_front());
    let bearing = |x: f64| {
        let plate = Profile::rounded_rect(x - 62.0, z - 62.0, x + 62.0, z + 62.0, 20.0);
        let holes = [(-42.0, -42.0), (42.0, -42.0), (42.0, 42.0), (-42.0, 42.0)]
            .map(|(dx, dz)| Profile::circle(x + dx, z + dz, 6.0));
        Solid::extrude(&plate, &holes, 10.0).with_steps(12).at(shift(0.0, y - 40.0, 0.0) * facing_front())
    };
    let hub = |x: f64| Solid::cylinder(30.0, 16.0, 4.0).at(shift(x, y - 50.0, z) * facing_front());
    let end = LENGTH / 2.0 - DRUM;
    let mut p = part("Side frame")
        .body(ALUMINIUM, frame)
        .body(BLUE, bearing(-end))
        .body(BLUE, bearing(end))
        .body(GREY, hub(-end))
        .body(GREY, hub(end))
        .body(BLUE, Solid::between((-half, y + 2.0, TOP + 12.0), (half, y + 8.0, TOP + 72.0)));
    for x in [-900.0, -300.0, 300.0, 900.0] {
        p = p.body(GREY, Solid::between((x - 18.0, y - 8.0, TOP - 20.0), (x + 18.0, y + 2.0, TOP + 66.0)));
    }
    p
}

fn leg() -> Part {
    let y = WIDTH / 2.0 + 10.0;
    let mut p = part("Leg frame");
    for side in [-y, y] {
        p = p
            .body(ALUMINIUM, Solid::block(80.0, 40.0, TOP - 125.0, 5.0).at(shift(0.0, side, 20.0)))
            .body(BLACK, Solid::cylinder(48.0, 20.0, 6.0).with_steps(16).at(shift(0.0, side, 0.0)))
            .body(DARK, Solid::block(120.0, 50.0, 12.0, 0.0).at(shift(0.0, side, TOP - 117.0)));
    }
    p.body(ALUMINIUM, Solid::between((-20.0, -y + 20.0, 150.0), (20.0, y - 20.0, 190.0)))
        .body(ALUMINIUM, Solid::between((-20.0, -y + 20.0, 560.0), (20.0, y - 20.0, 600.0)))
}

fn drive() -> Part {
    let z = TOP - 190.0;
    let mut p = part("Drive")
        .body(DARK, Solid::block(220.0, 220.0, 140.0, 12.0).at(shift(0.0, 0.0, z - 70.0)))
        .body(BLUE, Solid::drum(62.0, 230.0, 12.0).at(shift(0.0, 100.0, z) * along_y()))
        .body(BLACK, Solid::cylinder(58.0, 46.0, 10.0).at(shift(0.0, 326.0, z) * along_y()))
        .body(BLACK, Solid::block(80.0, 70.0, 46.0, 6.0).at(shift(0.0, 200.0, z + 54.0)))
        .body(
            STEEL,
            Solid::cylinder(40.0, WIDTH - 80.0, 3.0).at(shift(-60.0, -WIDTH / 2.0 + 40.0, z + 92.0) * along_y()),
        );
    for k in 0..5 {
        let fin = Solid::tube(69.0, 63.0, 6.0).with_steps(20);
        p = p.body(BLUE, fin.at(shift(0.0, 140.0 + 34.0 * f64::from(k), z) * along_y()));
    }
    p
}

/// Sender and receiver on posts at both sides of the belt, and a stop button.
fn light_barrier() -> Part {
    let y = WIDTH / 2.0 + 46.0;
    let mut p = part("Light barrier");
    for side in [-1.0, 1.0] {
        p =
            p.body(GREY, Solid::cylinder(8.0, 240.0, 0.0).with_steps(12).at(shift(0.0, side * y, TOP - 90.0)))
                .body(YELLOW, Solid::block(36.0, 30.0, 70.0, 4.0).at(shift(0.0, side * (y - 20.0), TOP + 80.0)))
                .body(
                    RED,
                    Solid::cylinder(10.0, 4.0, 0.0).with_steps(16).at(shift(0.0, side * (y - 35.0), TOP + 122.0)
                        * if side > 0.0 { facing_front() } else { along_y() }),
                );
    }
    let button = |x: f64, r: f64| {
        Solid::cylinder(r, 20.0, 5.0).with_steps(16).at(shift(x, -y - 24.0, TOP - 60.0) * facing_front())
    };
    p.body(GREY, Solid::block(150.0, 50.0, 90.0, 6.0).at(shift(-160.0, -y, TOP - 105.0)))
        .body(RED, button(-190.0, 22.0))
        .body(GREEN, button(-130.0, 14.0))
}

/// A turned blank that stands on the belt.
fn blank() -> Part {
    let outline = Profile::path(&[
        (0.0, 0.0, 0.0),
        (55.0, 0.0, 0.0),
        (55.0, 27.0, 0.0),
        (52.0, 30.0, 0.0),
        (30.0, 30.0, 0.0),
        (30.0, 117.0, 0.0),
        (27.0, 120.0, 0.0),
        (0.0, 120.0, 0.0),
    ]);
    part("Blank").body(STEEL, Solid::revolve(&outline))
}
