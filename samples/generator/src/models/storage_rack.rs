//! A pallet rack of two bays and four levels along x, full of pallets with cartons: punched posts with braces, beams with
//! connectors, wire decks. Everything that is repeated is one part, and loads are parts of parts: a reader takes three
//! times as long for the same instances on one level.

use super::hardware::{HERE, bar_box, bolt, row};
use super::palette::{BLUE, CARTON, DARK, LIGHT, ORANGE, PALE_CARTON, STEEL, TAPE, WOOD, YELLOW};
use crate::kit::{Catalogue, Part, PartId, Profile, Rgb, Solid, facing_front, part, shift, turn_x, turn_z};

const BAY: f64 = 2750.0;
const DEPTH: f64 = 1050.0;
const HEIGHT: f64 = 6000.0;
const LEVELS: [f64; 4] = [150.0, 1650.0, 3150.0, 4650.0];

/// The rack.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let screw = c.add(bolt(12.0));
    let frame = frame(&mut c, screw);
    let beam = beam(&mut c, screw);
    let deck = deck(&mut c);
    let pallet = pallet(&mut c);
    let loads = loads(&mut c, pallet);
    let mut root = part("Pallet rack");
    for i in 0..3 {
        root = root.child(frame, shift(f64::from(i - 1) * BAY, 0.0, 0.0));
    }
    for (level, z) in LEVELS.into_iter().enumerate() {
        for bay in 0..2 {
            let x = (bay as f64 - 0.5) * BAY;
            root = root
                .child(beam, shift(x, -DEPTH / 2.0, z))
                .child(beam, shift(x, DEPTH / 2.0, z) * turn_z(180.0))
                .child(deck, shift(x, 0.0, z + 130.0));
            for place in 0..3 {
                // A believable store has gaps and differs from place to place.
                let kind = (level * 5 + bay * 7 + place * 3) % 8;
                if let Some(load) = loads.get(kind) {
                    root = root.child(*load, shift(x + (place as f64 - 1.0) * 880.0, 0.0, z + 140.0));
                }
            }
        }
    }
    c.add(root);
    c
}

/// Two posts in the plane x = 0 with foot plates, lattice and a guard.
fn frame(c: &mut Catalogue, screw: PartId) -> PartId {
    let post = c.add(post(screw));
    let depth = DEPTH - 80.0;
    let brace = c.add(part("Brace").body(BLUE, bar_box((-12.0, -depth / 2.0, 0.0), (24.0, depth, 30.0))));
    let reach = depth.hypot(600.0);
    let lean = 600.0_f64.atan2(depth).to_degrees();
    let diagonal = c.add(part("Diagonal").body(BLUE, bar_box((-10.0, -reach / 2.0, -14.0), (20.0, reach, 28.0))));
    let mut p = part("Upright frame")
        .child(post, shift(0.0, -DEPTH / 2.0 + 50.0, 0.0))
        .child(post, shift(0.0, DEPTH / 2.0 - 50.0, 0.0) * turn_z(180.0));
    p = row(p, brace, shift(0.0, 0.0, 180.0), (0.0, 0.0, 1200.0), 5);
    for k in 0..9 {
        let angle = if k % 2 == 0 { lean } else { -lean };
        p = p.child(diagonal, shift(0.0, 0.0, 500.0 + 600.0 * f64::from(k)) * turn_x(angle));
    }
    c.add(p)
}

fn post(screw: PartId) -> Part {
    // An omega section as rolled posts have it, open to the back.
    let section = Profile::polygon(&[
        (-50.0, -45.0),
        (50.0, -45.0),
        (50.0, 45.0),
        (36.0, 45.0),
        (36.0, -33.0),
        (-36.0, -33.0),
        (-36.0, 45.0),
        (-50.0, 45.0),
    ]);
    let mut p = part("Post")
        .body(BLUE, Solid::extrude(&section, &[], HEIGHT - 10.0).at(shift(0.0, 0.0, 10.0)))
        .body(DARK, bar_box((-75.0, -75.0, 0.0), (150.0, 150.0, 10.0)))
        .body(YELLOW, bar_box((-62.0, -72.0, 10.0), (124.0, 20.0, 400.0)));
    // The rows of holes are dark strips: cut out, they would make up most of the file.
    for x in [-24.0, 24.0] {
        p = p.body(DARK, bar_box((x - 6.0, -45.6, 450.0), (12.0, 1.0, HEIGHT - 550.0)));
    }
    for (x, y) in [(-62.0, 55.0), (62.0, 55.0)] {
        p = p.child(screw, shift(x, y, 10.0));
    }
    p
}

/// The beam at the front, its lower edge at z = 0.
fn beam(c: &mut Catalogue, screw: PartId) -> PartId {
    let half = BAY / 2.0 - 52.0;
    let mut p = part("Beam")
        .body(ORANGE, bar_box((-half, 0.0, 0.0), (2.0 * half, 50.0, 120.0)))
        .body(LIGHT, bar_box((-150.0, -2.0, 30.0), (300.0, 2.0, 60.0)));
    for x in [-half, half - 6.0] {
        p = p.body(ORANGE, bar_box((x, -12.0, -40.0), (6.0, 62.0, 200.0)));
    }
    for x in [-half - 20.0, half + 20.0] {
        p = p.body(ORANGE, bar_box((x - 20.0, -12.0, -40.0), (40.0, 6.0, 200.0)));
        p = row(p, screw, shift(x, -12.0, 0.0) * facing_front(), (0.0, 0.0, 60.0), 3);
    }
    c.add(p)
}

/// Wires on channels.
fn deck(c: &mut Catalogue) -> PartId {
    let across = c.add(part("Deck wire").body(STEEL, bar_box((-4.0, -480.0, 0.0), (8.0, 960.0, 8.0))));
    let along = c.add(part("Long deck wire").body(STEEL, bar_box((-1300.0, -4.0, -8.0), (2600.0, 8.0, 8.0))));
    let channel = c.add(part("Channel").body(STEEL, bar_box((-20.0, -490.0, -40.0), (40.0, 980.0, 28.0))));
    let mut p = part("Wire deck");
    p = row(p, across, shift(-1250.0, 0.0, 0.0), (125.0, 0.0, 0.0), 21);
    p = row(p, along, shift(0.0, -450.0, 0.0), (0.0, 180.0, 0.0), 6);
    p = row(p, channel, shift(-1000.0, 0.0, 0.0), (500.0, 0.0, 0.0), 5);
    c.add(p)
}

/// The pallet with its short side along x.
fn pallet(c: &mut Catalogue) -> PartId {
    let board = c.add(part("Board").body(WOOD, bar_box((-50.0, -600.0, 0.0), (100.0, 1200.0, 22.0))));
    let bearer = c.add(part("Bearer").body(WOOD, bar_box((-400.0, -72.0, 100.0), (800.0, 144.0, 22.0))));
    let block = c.add(part("Block").body(WOOD, bar_box((-50.0, -72.0, 22.0), (100.0, 144.0, 78.0))));
    let mut p = part("Pallet");
    for y in [-528.0, 0.0, 528.0] {
        p = p.child(bearer, shift(0.0, y, 0.0));
        p = row(p, block, shift(-350.0, y, 0.0), (350.0, 0.0, 0.0), 3);
    }
    p = row(p, board, shift(-350.0, 0.0, 0.0), (350.0, 0.0, 0.0), 3);
    p = row(p, board, shift(-350.0, 0.0, 122.0), (140.0, 0.0, 0.0), 6);
    c.add(p)
}

/// What lies on the pallets: six ways; two more of eight places stay empty.
fn loads(c: &mut Catalogue, pallet: PartId) -> Vec<PartId> {
    let carton = |c: &mut Catalogue, name: &str, size: (f64, f64, f64), colour: Rgb| {
        let (x, y, z) = size;
        c.add(
            part(name)
                .body(colour, bar_box((-x / 2.0, -y / 2.0, 0.0), size))
                .body(TAPE, bar_box((-25.0, -y / 2.0 - 1.0, z * 0.6), (50.0, y + 2.0, z * 0.4 + 1.0)))
                .body(LIGHT, bar_box((x / 2.0 - 130.0, -y / 2.0 - 2.0, 30.0), (100.0, y + 4.0, 70.0))),
        )
    };
    let large = carton(c, "Large carton", (392.0, 588.0, 300.0), CARTON);
    let small = carton(c, "Small carton", (392.0, 392.0, 250.0), PALE_CARTON);
    let crate_ = c.add(crate_box());
    let mut made = Vec::new();
    for (name, what, columns, rows, layers) in [
        ("Large cartons, three layers", large, 2, 2, 3),
        ("Small cartons, three layers", small, 2, 3, 3),
        ("Crates, two layers", crate_, 2, 3, 2),
        ("Large cartons, two layers", large, 2, 2, 2),
        ("Small cartons, four layers", small, 2, 3, 4),
        ("Crates, three layers", crate_, 2, 3, 3),
    ] {
        let step = (800.0 / f64::from(columns), 1200.0 / f64::from(rows));
        let rise = match what {
            w if w == large => 302.0,
            w if w == small => 252.0,
            _ => 250.0,
        };
        let mut p = part(name).child(pallet, HERE);
        for layer in 0..layers {
            for (i, j) in (0..columns).flat_map(|i| (0..rows).map(move |j| (i, j))) {
                let x = (f64::from(i) + 0.5) * step.0 - 400.0;
                let y = (f64::from(j) + 0.5) * step.1 - 600.0;
                p = p.child(what, shift(x, y, 144.0 + rise * f64::from(layer)));
            }
        }
        made.push(c.add(p));
    }
    made
}

/// A stacking crate with grips.
fn crate_box() -> Part {
    let outline = Profile::rect_centred(384.0, 388.0);
    let mut p = part("Crate")
        .body(BLUE, Solid::extrude(&outline, &[outline.inset(8.0)], 240.0))
        .body(BLUE, bar_box((-184.0, -186.0, 4.0), (368.0, 372.0, 6.0)));
    for y in [-198.0, 194.0] {
        p = p.body(DARK, bar_box((-60.0, y, 180.0), (120.0, 4.0, 30.0)));
    }
    p
}
