//! The 1200 x 800 x 144 pallet, empty and with cartons.

use super::palette::{CARTON, LIGHT, TAPE, WOOD};
use crate::kit::{Catalogue, Part, PartId, Solid, part, shift, turn_z};

/// Height of the empty pallet.
pub const HEIGHT: f64 = 144.0;
const BOARD: f64 = 22.0;
const BLOCK: f64 = 78.0;

/// The empty pallet; one part for each kind of timber.
pub fn empty() -> Catalogue {
    let mut c = Catalogue::default();
    pallet(&mut c);
    c
}

/// The pallet with three layers of cartons.
pub fn loaded() -> Catalogue {
    let mut c = Catalogue::default();
    let pallet = pallet(&mut c);
    let carton = c.add(carton());
    let mut root = part("Loaded pallet").child(pallet, shift(0.0, 0.0, 0.0));
    for layer in 0..3 {
        for column in 0..3 {
            for row in 0..2 {
                // The last layer is not full, and cartons never stand quite straight.
                if layer == 2 && column == 2 {
                    continue;
                }
                let skew = f64::from((layer * 7 + column * 3 + row * 5) % 5 - 2) * 0.6;
                let (x, y) = (f64::from(column - 1) * 398.0, (f64::from(row) - 0.5) * 396.0);
                let z = HEIGHT + f64::from(layer) * 290.0;
                let half_turn = if (layer + column + row) % 2 == 0 { 0.0 } else { 180.0 };
                root = root.child(carton, shift(x, y, z) * turn_z(skew + half_turn));
            }
        }
    }
    c.add(root);
    c
}

fn timber(x: f64, y: f64, z: f64) -> Solid {
    Solid::block(x, y, z, 3.0)
}

fn pallet(c: &mut Catalogue) -> PartId {
    let mut runners = part("Bottom boards");
    for (y, width) in [(-350.0, 100.0), (0.0, 145.0), (350.0, 100.0)] {
        runners = runners.body(WOOD, timber(1200.0, width, BOARD).at(shift(0.0, y, 0.0)));
    }
    let mut blocks = part("Blocks");
    for (y, width) in [(-350.0, 100.0), (0.0, 145.0), (350.0, 100.0)] {
        for x in [-527.5, 0.0, 527.5] {
            blocks = blocks.body(WOOD, timber(145.0, width, BLOCK).at(shift(x, y, BOARD)));
        }
    }
    let mut stringers = part("Stringer boards");
    for x in [-527.5, 0.0, 527.5] {
        stringers = stringers.body(WOOD, timber(145.0, 800.0, BOARD).at(shift(x, 0.0, BOARD + BLOCK)));
    }
    let mut deck = part("Top boards");
    let mut y = -400.0;
    for width in [145.0, 100.0, 145.0, 100.0, 145.0] {
        deck = deck.body(WOOD, timber(1200.0, width, BOARD).at(shift(0.0, y + width / 2.0, HEIGHT - BOARD)));
        y += width + 41.25;
    }
    let parts = [runners, blocks, stringers, deck].map(|p: Part| c.add(p));
    c.add(parts.into_iter().fold(part("Pallet"), |p, id| p.child(id, shift(0.0, 0.0, 0.0))))
}

fn carton() -> Part {
    part("Carton")
        .body(CARTON, Solid::block(384.0, 384.0, 286.0, 5.0))
        .body(TAPE, Solid::between((-187.0, -24.0, 284.0), (187.0, 24.0, 287.0)))
        .body(TAPE, Solid::between((-193.0, -24.0, 190.0), (-190.0, 24.0, 282.0)))
        .body(TAPE, Solid::between((190.0, -24.0, 190.0), (193.0, 24.0, 282.0)))
        .body(LIGHT, Solid::between((40.0, -193.0, 60.0), (160.0, -190.0, 140.0)))
}
