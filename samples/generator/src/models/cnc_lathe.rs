//! A slant-bed turning machine: sheet-metal housing with a sloped front, door with window half open, chuck with jaws,
//! turret, tailstock, chip conveyor, panel. The operator stands at -y.

use super::hardware::{
    HERE, along, bar_box, bolt, foot, grille, motor, operator_panel, ring, rod_x, rod_z, row, signal_tower,
};
use super::palette::{BLACK, DARK, GLASS, GREY, LIGHT, MINT, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, PartId, Profile, Solid, along_x, facing_front, part, shift, turn_x, turn_y, turn_z};

/// Height of the spindle.
const AXIS: f64 = 1080.0;
/// Left and right end of the housing, and of the working space in it.
const ENDS: (f64, f64) = (-1750.0, 1450.0);
const ROOM: (f64, f64) = (-850.0, 850.0);

/// The machine.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let foot = c.add(foot(110.0));
    let screw = c.add(bolt(11.0));
    let panel = operator_panel(&mut c);
    let tower = c.add(signal_tower());
    let vent = grille(&mut c, 560.0, 300.0, DARK);
    let housing = c.add(housing());
    let door = c.add(door());
    let spindle = spindle(&mut c, screw);
    let turret = turret(&mut c);
    let tailstock = c.add(tailstock());
    let chips = chip_conveyor(&mut c, screw);
    let mut root = part("Turning machine")
        .child(housing, HERE)
        .child(door, shift(620.0, 0.0, 0.0))
        .child(spindle, HERE)
        .child(turret, HERE)
        .child(tailstock, HERE)
        .child(chips, HERE)
        .child(panel, shift(1180.0, -700.0, 900.0))
        .child(tower, shift(1250.0, 350.0, 1900.0))
        .child(vent, shift(-1752.0, 150.0, 700.0) * turn_z(-90.0))
        .child(vent, shift(-1300.0, 752.0, 900.0) * turn_z(180.0))
        .child(vent, shift(700.0, 752.0, 900.0) * turn_z(180.0));
    for y in [-520.0, 560.0] {
        root = row(root, foot, shift(-1600.0, y, 0.0), (980.0, 0.0, 0.0), 4);
    }
    // Screws of the covers along the plinth and of the plates at both ends of the front.
    root = row(root, screw, shift(-1680.0, -700.0, 300.0) * facing_front(), (120.0, 0.0, 0.0), 26);
    root = row(root, screw, shift(-1700.0, -700.0, 620.0) * facing_front(), (140.0, 0.0, 0.0), 6);
    c.add(root);
    c
}

/// Section of the housing in y and z: straight below, sloped above, so that the operator sees the work.
fn section() -> Profile {
    Profile::polygon(&[
        (-700.0, 200.0),
        (750.0, 200.0),
        (750.0, 1900.0),
        (-150.0, 1900.0),
        (-620.0, 1300.0),
        (-700.0, 820.0),
    ])
}

fn housing() -> Part {
    let back = Profile::polygon(&[(300.0, 200.0), (750.0, 200.0), (750.0, 1900.0), (300.0, 1900.0)]);
    let sill = Profile::polygon(&[(-700.0, 200.0), (300.0, 200.0), (300.0, 560.0), (-500.0, 720.0), (-700.0, 720.0)]);
    let head = Profile::polygon(&[(-260.0, 1760.0), (300.0, 1760.0), (300.0, 1900.0), (-150.0, 1900.0)]);
    let slant = Profile::polygon(&[(300.0, 560.0), (300.0, 1500.0), (-300.0, 660.0)]);
    let room = ROOM.1 - ROOM.0;
    part("Housing")
        .body(DARK, bar_box((ENDS.0 + 60.0, -620.0, 110.0), (3080.0, 1300.0, 90.0)))
        .body(LIGHT, along(&section(), ENDS.0, ROOM.0 - ENDS.0))
        .body(LIGHT, along(&section(), ROOM.1, ENDS.1 - ROOM.1))
        .body(LIGHT, along(&back, ROOM.0, room))
        .body(MINT, along(&sill, ROOM.0, room))
        .body(LIGHT, along(&head, ROOM.0, room))
        .body(DARK, along(&slant, ROOM.0, room))
        // The slanted guides of the turret.
        .body(STEEL, rod_x(ROOM.0 + 20.0, 60.0, 1240.0, 34.0, room - 40.0))
        .body(STEEL, rod_x(ROOM.0 + 20.0, 200.0, 1440.0, 34.0, room - 40.0))
        .body(MINT, bar_box((ENDS.0 - 2.0, -704.0, 700.0), (902.0, 4.0, 90.0)))
        .body(MINT, bar_box((ROOM.1, -704.0, 700.0), (602.0, 4.0, 90.0)))
        .body(YELLOW, bar_box((-1500.0, -704.0, 560.0), (100.0, 4.0, 100.0)))
        .body(GREY, bar_box((-1500.0, 200.0, 1900.0), (900.0, 400.0, 140.0)))
        .body(GREY, rod_z(-200.0, 450.0, 1900.0, 150.0, 60.0))
        .body(DARK, rod_z(-200.0, 450.0, 1960.0, 110.0, 220.0))
        // Switch cabinet at the back.
        .body(LIGHT, bar_box((-600.0, 750.0, 300.0), (1000.0, 180.0, 1400.0)))
        .body(BLACK, bar_box((300.0, 930.0, 900.0), (40.0, 20.0, 160.0)))
}

/// Two leaves that follow the sloped front; drawn closed.
fn door() -> Part {
    // The slope's lower edge is at (-620, 1300), its upper one at (-150, 1900).
    let rise = (600.0_f64).atan2(470.0).to_degrees();
    let leaf = Profile::rounded_rect(-780.0, 0.0, 780.0, 740.0, 30.0);
    let pane = Profile::rounded_rect(-560.0, 150.0, 560.0, 600.0, 60.0);
    // From a plate seen from the front to one that leans back.
    let lean = shift(0.0, -650.0, 1290.0) * turn_x(rise - 90.0) * facing_front();
    let lower = Profile::rounded_rect(-780.0, 730.0, 780.0, 1290.0, 20.0);
    part("Door")
        .body(LIGHT, Solid::extrude(&leaf, std::slice::from_ref(&pane), 26.0).at(lean))
        .body(GLASS, Solid::extrude(&pane.inset(1.0), &[], 8.0).at(lean * shift(0.0, 0.0, 8.0)))
        .body(MINT, Solid::extrude(&lower, &[], 26.0).at(shift(0.0, -704.0, 0.0) * facing_front()))
        .body(STEEL, bar_box((-700.0, -770.0, 1000.0), (30.0, 40.0, 240.0)))
        .body(STEEL, bar_box((-1500.0, -728.0, 718.0), (2280.0, 24.0, 14.0)))
}

/// Chuck with three jaws and the bar that it turns.
fn spindle(c: &mut Catalogue, screw: PartId) -> PartId {
    let jaw = c.add(
        part("Jaw")
            .body(STEEL, bar_box((45.0, -28.0, 0.0), (110.0, 56.0, 60.0)))
            .body(STEEL, bar_box((45.0, -24.0, 60.0), (50.0, 48.0, 50.0))),
    );
    let work = Profile::path(&[
        (0.0, 0.0, 0.0),
        (44.0, 0.0, 0.0),
        (44.0, 160.0, 0.0),
        (36.0, 168.0, 0.0),
        (36.0, 420.0, 0.0),
        (26.0, 430.0, 0.0),
        (26.0, 560.0, 0.0),
        (0.0, 575.0, 0.0),
    ]);
    let x = ROOM.0;
    let mut p = part("Spindle")
        .body(GREY, rod_x(x, -100.0, AXIS, 200.0, 60.0))
        .body(STEEL, Solid::cylinder(170.0, 130.0, 10.0).at(shift(x + 60.0, -100.0, AXIS) * along_x()))
        .body(STEEL, Solid::revolve(&work).at(shift(x + 190.0, -100.0, AXIS) * along_x()));
    let face = shift(x + 190.0, -100.0, AXIS) * along_x();
    p = ring(p, jaw, face, 0.0, 3);
    p = ring(p, screw, face * turn_z(60.0), 120.0, 6);
    c.add(p)
}

/// Disc with twelve tools on its slide.
fn turret(c: &mut Catalogue) -> PartId {
    let tool = c.add(
        part("Tool")
            .body(DARK, bar_box((-40.0, -36.0, 180.0), (80.0, 72.0, 50.0)))
            .body(STEEL, rod_z(0.0, 0.0, 230.0, 22.0, 40.0).with_steps(16))
            .body(YELLOW, bar_box((-8.0, -8.0, 270.0), (16.0, 16.0, 50.0))),
    );
    let corner = |k: usize| {
        let angle = std::f64::consts::TAU * (k as f64 + 0.5) / 12.0;
        (186.0 * angle.cos(), 186.0 * angle.sin())
    };
    let disc = Profile::polygon(&(0..12).map(corner).collect::<Vec<_>>());
    let at = shift(180.0, 10.0, 1420.0);
    let mut p = part("Turret")
        .body(STEEL, Solid::extrude(&disc, &[], 110.0).at(at * shift(-55.0, 0.0, 0.0) * along_x()))
        .body(GREY, rod_x(235.0, 10.0, 1420.0, 120.0, 260.0))
        .body(LIGHT, bar_box((260.0, 10.0, 1300.0), (300.0, 290.0, 260.0)));
    for k in 0..12 {
        p = p.child(tool, at * turn_x(30.0 * f64::from(k)));
    }
    c.add(p)
}

fn tailstock() -> Part {
    let centre =
        Profile::path(&[(0.0, 0.0, 0.0), (46.0, 0.0, 0.0), (46.0, 180.0, 0.0), (30.0, 190.0, 0.0), (0.0, 250.0, 0.0)]);
    part("Tailstock")
        .body(GREY, bar_box((420.0, -230.0, AXIS - 130.0), (330.0, 430.0, 260.0)))
        .body(STEEL, Solid::revolve(&centre).at(shift(420.0, -100.0, AXIS) * turn_y(-90.0)))
}

/// Rises out of the right side above a bin.
fn chip_conveyor(c: &mut Catalogue, screw: PartId) -> PartId {
    let drive = motor(c, 70.0, 210.0, MINT);
    let outline = Profile::polygon(&[
        (1450.0, 180.0),
        (1650.0, 180.0),
        (2090.0, 1000.0),
        (2280.0, 1000.0),
        (2280.0, 1180.0),
        (1980.0, 1180.0),
        (1560.0, 400.0),
        (1450.0, 400.0),
    ]);
    let wall = Profile::rounded_rect(1780.0, -250.0, 2280.0, 350.0, 30.0);
    let mut p = part("Chip conveyor")
        .body(GREY, Solid::extrude(&outline, &[], 360.0).at(shift(0.0, 230.0, 0.0) * facing_front()))
        .body(MINT, Solid::extrude(&wall, &[wall.inset(8.0)], 480.0).with_steps(12).at(shift(30.0, 0.0, 120.0)))
        .body(DARK, bar_box((1830.0, -230.0, 60.0), (460.0, 560.0, 62.0)))
        .child(drive, shift(2180.0, 230.0, 1090.0) * turn_x(-90.0));
    for (x, y) in [(1880.0, -190.0), (2240.0, -190.0), (1880.0, 270.0), (2240.0, 270.0)] {
        p = p.body(BLACK, super::hardware::rod_y(x, y, 30.0, 30.0, 30.0));
    }
    for x in [1470.0, 1520.0] {
        p = row(p, screw, shift(x, -130.0, 210.0) * facing_front(), (0.0, 0.0, 55.0), 4);
    }
    c.add(p)
}
