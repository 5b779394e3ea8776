//! A driven roller conveyor: C-shaped side rails, rollers, H-shaped supports with levelling feet, gear motor,
//! side guides. It runs along x, its middle is the origin. Every repeated part is defined once.

use super::palette::{BLACK, BLUE, DARK, GREEN, GREY, RED, STEEL, YELLOW};
use crate::kit::{
    Catalogue, Part, PartId, Profile, Solid, along_x, along_y, facing_front, part, shift, turn_y, turn_z,
};

/// Height of the rollers' tops.
pub const TOP: f64 = 750.0;
/// Distance between rollers.
pub const PITCH: f64 = 125.0;
/// Rollers in one section of the rails.
const SECTION: usize = 24;
const WIDTH: f64 = 620.0;
const ROLLER_RADIUS: f64 = 30.0;
const RAIL_HEIGHT: f64 = 160.0;

/// A conveyor with that many rollers; its length follows.
pub fn build(rollers: usize) -> Catalogue {
    let length = rollers as f64 * PITCH;
    let mut c = Catalogue::default();
    let roller = c.add(roller());
    let foot = c.add(foot());
    let support = c.add(support(foot));
    let guide_post = c.add(guide_post());
    let motor = c.add(motor());
    let control = c.add(control_box());
    // Rails come in sections, like real ones; the last may be shorter.
    let rest = rollers % SECTION;
    let full = (rollers >= SECTION).then(|| c.add(side_rail(SECTION)));
    let short = (rest > 0).then(|| c.add(side_rail(rest)));
    let sections = std::iter::repeat_n((full, SECTION), rollers / SECTION).chain(short.map(|s| (Some(s), rest)));

    let mut bed = part("Roller bed");
    for i in 0..rollers {
        let x = (i as f64 + 0.5) * PITCH - length / 2.0;
        bed = bed.child(roller, shift(x, -WIDTH / 2.0, TOP - ROLLER_RADIUS) * along_y());
    }
    let bed = c.add(bed);

    let mut root = part("Roller conveyor");
    root = root.child(bed, shift(0.0, 0.0, 0.0));
    let mut begin = -length / 2.0;
    for (rail, count) in sections {
        let middle = begin + count as f64 * PITCH / 2.0;
        begin += count as f64 * PITCH;
        let Some(rail) = rail else { continue };
        for side in [shift(middle, 0.0, 0.0), shift(middle, 0.0, 0.0) * turn_z(180.0)] {
            root = root.child(rail, side);
        }
    }
    let supports = (length / 1500.0).ceil() as usize + 1;
    let reach = (length - 300.0).max(0.0);
    for i in 0..supports {
        let x = reach * (i as f64 / (supports - 1) as f64 - 0.5);
        root = root.child(support, shift(x, 0.0, 0.0));
        for side in [shift(x, 0.0, 0.0), shift(x, 0.0, 0.0) * turn_z(180.0)] {
            root = root.child(guide_post, side);
        }
    }
    root = root
        .child(motor, shift(length / 2.0 - 700.0, 0.0, 0.0))
        .child(control, shift(length / 2.0 - 950.0, -WIDTH / 2.0 - 60.0, TOP - 130.0));
    let guide =
        |y: f64| Solid::cylinder(11.0, length - 40.0, 3.0).at(shift(20.0 - length / 2.0, y, TOP + 75.0) * along_x());
    let root = root
        .body(STEEL, guide(-WIDTH / 2.0 + 18.0).with_steps(12))
        .body(STEEL, guide(WIDTH / 2.0 - 18.0).with_steps(12));
    c.add(root);
    c
}

/// Drawn along +z: tube, end caps, axle.
fn roller() -> Part {
    let tube = Profile::path(&[
        (0.0, 8.0, 0.0),
        (ROLLER_RADIUS - 3.0, 8.0, 0.0),
        (ROLLER_RADIUS, 11.0, 0.0),
        (ROLLER_RADIUS, WIDTH - 11.0, 0.0),
        (ROLLER_RADIUS - 3.0, WIDTH - 8.0, 0.0),
        (0.0, WIDTH - 8.0, 0.0),
    ]);
    part("Roller")
        .body(STEEL, Solid::revolve(&tube).with_steps(20))
        .body(DARK, Solid::cylinder(8.0, WIDTH + 60.0, 2.0).at(shift(0.0, 0.0, -30.0)).with_steps(8))
}

/// A section of the rail at y < 0: a C profile open to the outside, a web with a hole for each axle.
fn side_rail(rollers: usize) -> Part {
    let length = rollers as f64 * PITCH;
    let y = -WIDTH / 2.0;
    let (bottom, top) = (TOP - RAIL_HEIGHT + 20.0, TOP + 20.0);
    // Web: drawn as seen from the front, x along the line, y up.
    let holes: Vec<Profile> = (0..rollers)
        .map(|i| Profile::circle((i as f64 + 0.5) * PITCH - length / 2.0, TOP - ROLLER_RADIUS, 12.0))
        .collect();
    let web = Solid::extrude(&Profile::rect(-length / 2.0, bottom, length / 2.0, top), &holes, 4.0)
        .with_steps(12)
        .at(shift(0.0, y, 0.0) * facing_front());
    let lip = |z: f64| Solid::between((-length / 2.0, y - 44.0, z), (length / 2.0, y - 4.0, z + 4.0));
    let edge = |z: f64| Solid::between((-length / 2.0, y - 44.0, z), (length / 2.0, y - 40.0, z + 14.0));
    let end = |x: f64| Solid::between((x, y - 46.0, bottom - 3.0), (x + 6.0, y + 4.0, top + 3.0));
    part("Side rail")
        .body(BLUE, web)
        .body(BLUE, lip(bottom))
        .body(BLUE, lip(top - 4.0))
        .body(BLUE, edge(bottom + 4.0))
        .body(BLUE, edge(top - 18.0))
        .body(YELLOW, end(-length / 2.0 - 6.0))
        .body(YELLOW, end(length / 2.0))
}

fn foot() -> Part {
    part("Levelling foot")
        .body(
            BLACK,
            Solid::revolve(&Profile::path(&[
                (0.0, 0.0, 0.0),
                (45.0, 0.0, 0.0),
                (45.0, 10.0, 0.0),
                (16.0, 26.0, 0.0),
                (0.0, 26.0, 0.0),
            ]))
            .with_steps(16),
        )
        .body(STEEL, Solid::cylinder(8.0, 64.0, 0.0).at(shift(0.0, 0.0, 26.0)).with_steps(8))
}

fn support(foot: PartId) -> Part {
    let y = WIDTH / 2.0 - 10.0;
    let leg = |y: f64| {
        let tube = Profile::rounded_rect(-30.0, -30.0, 30.0, 30.0, 8.0);
        let bore = Profile::rounded_rect(-27.0, -27.0, 27.0, 27.0, 5.0);
        Solid::extrude(&tube, &[bore], TOP - RAIL_HEIGHT - 70.0).with_steps(8).at(shift(0.0, y, 90.0))
    };
    let brace = |z: f64| Solid::between((-20.0, -y + 30.0, z), (20.0, y - 30.0, z + 40.0));
    let plate = |y: f64| Solid::block(180.0, 70.0, 12.0, 0.0).at(shift(0.0, y, TOP - RAIL_HEIGHT + 8.0));
    let gusset = |sy: f64| {
        let triangle = Profile::polygon(&[(0.0, 0.0), (90.0, 90.0), (0.0, 90.0)]);
        let turn = if sy < 0.0 { turn_z(90.0) } else { turn_z(-90.0) };
        Solid::extrude(&triangle, &[], 6.0).at(shift(0.0, sy * (y - 30.0), 424.0) * turn * facing_front())
    };
    part("Support")
        .body(GREY, leg(-y))
        .body(GREY, leg(y))
        .body(GREY, brace(170.0))
        .body(GREY, brace(514.0))
        .body(GREY, plate(-y))
        .body(GREY, plate(y))
        .body(GREY, gusset(-1.0))
        .body(GREY, gusset(1.0))
        .child(foot, shift(0.0, -y, 0.0))
        .child(foot, shift(0.0, y, 0.0))
}

/// Bracket of the side guide at y < 0.
fn guide_post() -> Part {
    let y = -WIDTH / 2.0;
    part("Guide bracket")
        .body(GREY, Solid::between((-20.0, y - 12.0, TOP - 60.0), (20.0, y - 4.0, TOP + 90.0)))
        .body(BLACK, Solid::cylinder(16.0, 34.0, 3.0).at(shift(0.0, y - 14.0, TOP + 75.0) * along_y()).with_steps(12))
}

fn motor() -> Part {
    let z = TOP - RAIL_HEIGHT - 90.0;
    let mut p = part("Gear motor")
        .body(DARK, Solid::block(190.0, 150.0, 170.0, 14.0).at(shift(0.0, -60.0, z - 85.0)))
        .body(GREY, Solid::drum(72.0, 250.0, 12.0).at(shift(0.0, 15.0, z) * along_y()))
        .body(BLACK, Solid::cylinder(66.0, 60.0, 10.0).at(shift(0.0, 272.0, z) * along_y()))
        .body(STEEL, Solid::cylinder(22.0, 80.0, 3.0).at(shift(0.0, -210.0, z) * along_y()).with_steps(16))
        .body(BLACK, Solid::block(90.0, 80.0, 50.0, 8.0).at(shift(0.0, 120.0, z + 68.0)))
        .body(GREY, Solid::between((-110.0, -130.0, z + 85.0), (110.0, 60.0, z + 97.0)));
    // Cooling fins.
    for i in 0..6 {
        let fin = Solid::tube(80.0, 73.0, 6.0).with_steps(20);
        p = p.body(GREY, fin.at(shift(0.0, 50.0 + 30.0 * f64::from(i), z) * along_y()));
    }
    // Chain guard towards the driven roller.
    let guard = Profile::link(glam::dvec2(0.0, 0.0), 75.0, glam::dvec2(0.0, 200.0), 60.0);
    p.body(
        YELLOW,
        Solid::extrude_chamfered(&guard, &[], 46.0, 6.0).at(shift(0.0, -WIDTH / 2.0 - 50.0, z) * facing_front()),
    )
}

/// A switch box, drawn to be seen from y < 0.
fn control_box() -> Part {
    let button = |x: f64, radius: f64| {
        Solid::cylinder(radius, 22.0, 5.0).with_steps(16).at(shift(x, -40.0, 60.0) * facing_front())
    };
    part("Switch box")
        .body(GREY, Solid::block(220.0, 80.0, 120.0, 8.0))
        .body(YELLOW, Solid::block(80.0, 6.0, 80.0, 0.0).at(shift(55.0, -43.0, 20.0)))
        .body(RED, button(55.0, 26.0).at(shift(0.0, -6.0, 0.0)))
        .body(GREEN, button(-60.0, 16.0))
        .body(BLACK, button(-15.0, 16.0))
        .body(BLACK, Solid::cylinder(12.0, 60.0, 0.0).with_steps(12).at(shift(-70.0, 0.0, -0.5) * turn_y(180.0)))
}
