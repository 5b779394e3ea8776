//! A vertical machining centre in its housing: sliding door with window (half open, so that the robot can load),
//! table with vice, spindle, control panel on an arm, signal tower, vents, chip bin. The front looks towards -y.

use super::palette::{ALUMINIUM, BLACK, BLUE, DARK, GLASS, GREEN, GREY, LIGHT, RED, SCREEN, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, PartId, Profile, Solid, along_y, facing_front, part, shift, turn_z};
use glam::dvec3;

const HALF_X: f64 = 1300.0;
const FRONT: f64 = -950.0;
const BACK: f64 = 950.0;
const TOP: f64 = 2250.0;
const SILL: f64 = 780.0;
const DOOR_LEFT: f64 = -950.0;
const DOOR_RIGHT: f64 = 450.0;
const DOOR_TOP: f64 = 1980.0;

/// The cell.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let foot = c.add(foot());
    let vent = c.add(vent());
    let housing = c.add(housing());
    let inside = c.add(inside());
    let door = c.add(door());
    let key = c.add(part("Key").body(DARK, Solid::block(34.0, 8.0, 26.0, 0.0).at(shift(0.0, -4.0, 0.0))));
    let panel = c.add(control_panel(key));
    let tower = c.add(signal_tower());
    let castor = c.add(castor());
    let bin = c.add(chip_bin(castor));
    let mut root = part("Machining cell")
        .child(housing, shift(0.0, 0.0, 0.0))
        .child(inside, shift(0.0, 0.0, 0.0))
        .child(door, shift(620.0, 0.0, 0.0))
        .child(panel, shift(HALF_X - 250.0, FRONT - 60.0, 1300.0))
        .child(tower, shift(HALF_X - 180.0, FRONT + 200.0, TOP))
        .child(bin, shift(-HALF_X - 330.0, 250.0, 0.0))
        .child(vent, shift(-HALF_X, 350.0, 1750.0) * turn_z(-90.0))
        .child(vent, shift(HALF_X, 350.0, 1750.0) * turn_z(90.0));
    for x in [-1150.0, 0.0, 1150.0] {
        for y in [-800.0, 800.0] {
            root = root.child(foot, shift(x, y, 0.0));
        }
    }
    c.add(root);
    c
}

fn foot() -> Part {
    part("Machine foot")
        .body(BLACK, Solid::cylinder(60.0, 24.0, 6.0).with_steps(16))
        .body(STEEL, Solid::cylinder(22.0, 60.0, 0.0).with_steps(12).at(shift(0.0, 0.0, 24.0)))
}

/// A grille, seen from -y.
fn vent() -> Part {
    let slots: Vec<Profile> = (0..9).map(|i| Profile::slot(-150.0, 150.0, -120.0 + 30.0 * f64::from(i), 8.0)).collect();
    part("Vent").body(
        DARK,
        Solid::extrude(&Profile::rounded_rect(-200.0, -160.0, 200.0, 160.0, 20.0), &slots, 10.0)
            .with_steps(12)
            .at(facing_front()),
    )
}

/// A plate of the front, drawn as x and z, between two values of y.
fn front_plate(outline: &Profile, holes: &[Profile], y: f64, thickness: f64) -> Solid {
    Solid::extrude(outline, holes, thickness).at(shift(0.0, y, 0.0) * facing_front())
}

fn housing() -> Part {
    let plinth = Profile::rounded_rect(-HALF_X + 40.0, FRONT + 40.0, HALF_X - 40.0, BACK - 40.0, 30.0);
    let opening = Profile::rounded_rect(DOOR_LEFT, SILL, DOOR_RIGHT, DOOR_TOP, 40.0);
    let front = Profile::rounded_rect(-HALF_X, 160.0, HALF_X, TOP, 60.0);
    let roof = Profile::rounded_rect(-HALF_X, FRONT - 30.0, HALF_X, BACK, 60.0);
    let stripe = Profile::polygon(&[
        (DOOR_RIGHT + 70.0, 180.0),
        (HALF_X - 20.0, 180.0),
        (HALF_X - 20.0, 820.0),
        (DOOR_RIGHT + 290.0, 820.0),
    ]);
    let side = |x: f64, x2: f64| Solid::between((x, FRONT, 160.0), (x2, BACK, TOP));
    part("Housing")
        .body(DARK, Solid::extrude(&plinth, &[], 100.0).at(shift(0.0, 0.0, 70.0)))
        .body(LIGHT, front_plate(&front, &[opening], FRONT, 30.0))
        .body(LIGHT, side(-HALF_X, -HALF_X + 25.0))
        .body(LIGHT, side(HALF_X - 25.0, HALF_X))
        .body(LIGHT, Solid::between((-HALF_X + 25.0, BACK - 25.0, 160.0), (HALF_X - 25.0, BACK, TOP)))
        .body(GREY, Solid::extrude_chamfered(&roof, &[], 60.0, 15.0).at(shift(0.0, 0.0, TOP)))
        .body(BLUE, front_plate(&stripe, &[], FRONT - 30.0, 4.0))
        .body(
            GREY,
            front_plate(
                &Profile::rounded_rect(-HALF_X + 60.0, 210.0, DOOR_RIGHT, SILL - 70.0, 24.0),
                &[],
                FRONT - 30.0,
                6.0,
            ),
        )
        // Door rails and a head box for the cables.
        .body(
            ALUMINIUM,
            Solid::between(
                (DOOR_LEFT - 40.0, FRONT - 66.0, DOOR_TOP + 22.0),
                (HALF_X - 60.0, FRONT - 30.0, DOOR_TOP + 60.0),
            ),
        )
        .body(
            ALUMINIUM,
            Solid::between((DOOR_LEFT - 40.0, FRONT - 66.0, SILL - 58.0), (HALF_X - 60.0, FRONT - 30.0, SILL - 24.0)),
        )
        .body(GREY, Solid::block(1100.0, 800.0, 180.0, 30.0).at(shift(-250.0, 350.0, TOP + 60.0)))
        // Switch cabinet at the back.
        .body(LIGHT, Solid::block(1200.0, 340.0, 1800.0, 12.0).at(shift(200.0, BACK + 170.0, 180.0)))
        .body(BLACK, Solid::block(60.0, 30.0, 160.0, 6.0).at(shift(560.0, BACK + 352.0, 1000.0)))
        .body(YELLOW, front_plate(&Profile::rounded_rect(700.0, 900.0, 820.0, 1020.0, 10.0), &[], FRONT - 30.0, 3.0))
}

/// What is seen through the door: lined walls, table with vice and workpiece, column and spindle.
fn inside() -> Part {
    let z = SILL + 90.0;
    let mut p = part("Work space")
        .body(DARK, Solid::between((DOOR_LEFT - 150.0, 560.0, SILL - 40.0), (DOOR_RIGHT + 150.0, 590.0, TOP)))
        .body(DARK, Solid::between((DOOR_LEFT - 150.0, FRONT, SILL - 70.0), (DOOR_RIGHT + 150.0, 590.0, SILL - 40.0)))
        .body(DARK, Solid::between((DOOR_LEFT - 180.0, FRONT, SILL - 70.0), (DOOR_LEFT - 150.0, 590.0, TOP)))
        .body(DARK, Solid::between((DOOR_RIGHT + 150.0, FRONT, SILL - 70.0), (DOOR_RIGHT + 180.0, 590.0, TOP)))
        .body(GREY, Solid::block(500.0, 900.0, 130.0, 20.0).at(shift(-250.0, -150.0, SILL - 40.0)))
        .body(GREY, Solid::block(520.0, 240.0, 900.0, 20.0).at(shift(-250.0, 440.0, SILL - 40.0)))
        .body(LIGHT, Solid::block(400.0, 420.0, 520.0, 30.0).at(shift(-250.0, 130.0, z + 460.0)))
        .body(STEEL, Solid::cylinder(90.0, 140.0, 12.0).at(shift(-250.0, 10.0, z + 330.0)))
        .body(DARK, Solid::cylinder(48.0, 60.0, 6.0).at(shift(-250.0, 10.0, z + 275.0)))
        .body(STEEL, Solid::cylinder(12.0, 90.0, 2.0).with_steps(16).at(shift(-250.0, 10.0, z + 190.0)));
    // Table with T-slots, seen from the left.
    let mut section = vec![(-420.0, 0.0), (420.0, 0.0), (420.0, 70.0)];
    for k in (0..4).rev() {
        let y = -300.0 + 200.0 * f64::from(k);
        section.extend([(y + 11.0, 70.0), (y + 11.0, 40.0), (y - 11.0, 40.0), (y - 11.0, 70.0)]);
    }
    section.push((-420.0, 70.0));
    let table = Solid::extrude(&Profile::polygon(&section), &[], 1000.0);
    p = p.body(STEEL, table.at(shift(-750.0, -120.0, z) * turn_z(90.0) * facing_front()));
    for y in [-80.0, 80.0] {
        p = p.body(DARK, Solid::block(150.0, 60.0, 90.0, 4.0).at(shift(-250.0, -100.0 + y, z + 110.0)));
    }
    p.body(GREY, Solid::block(180.0, 320.0, 40.0, 4.0).at(shift(-250.0, -100.0, z + 70.0)))
        .body(ALUMINIUM, Solid::block(110.0, 96.0, 70.0, 2.0).at(shift(-250.0, -100.0, z + 120.0)))
}

/// Drawn closed; it slides along x.
fn door() -> Part {
    let leaf = Profile::rounded_rect(DOOR_LEFT - 20.0, SILL - 30.0, DOOR_RIGHT + 20.0, DOOR_TOP + 30.0, 30.0);
    let hole = Profile::rounded_rect(DOOR_LEFT + 260.0, SILL + 240.0, DOOR_RIGHT - 200.0, DOOR_TOP - 160.0, 70.0);
    let seal = hole.inset(-26.0);
    let y = FRONT - 66.0;
    let handle = [
        dvec3(DOOR_LEFT + 110.0, y - 30.0, 1180.0),
        dvec3(DOOR_LEFT + 110.0, y - 95.0, 1180.0),
        dvec3(DOOR_LEFT + 110.0, y - 95.0, 1560.0),
        dvec3(DOOR_LEFT + 110.0, y - 30.0, 1560.0),
    ];
    part("Sliding door")
        .body(BLUE, front_plate(&leaf, std::slice::from_ref(&hole), y, 32.0))
        .body(BLACK, front_plate(&seal, std::slice::from_ref(&hole), y - 32.0, 8.0))
        .body(GLASS, front_plate(&hole.inset(0.5), &[], y - 12.0, 8.0))
        .body(STEEL, Solid::bar(&handle, 14.0, 30.0).with_steps(16))
}

/// Origin at the hinge of its arm; the screen looks to the front.
fn control_panel(key: PartId) -> Part {
    let arm = [dvec3(0.0, 60.0, 760.0), dvec3(0.0, -190.0, 760.0), dvec3(0.0, -190.0, 330.0)];
    let y = -240.0;
    let flat = |x0: f64, z0: f64, x1: f64, z1: f64, r: f64, depth: f64| {
        front_plate(&Profile::rounded_rect(x0, z0, x1, z1, r), &[], y, depth)
    };
    let mut p = part("Control panel")
        .body(GREY, Solid::bar(&arm, 32.0, 90.0).with_steps(20))
        .body(LIGHT, Solid::block(520.0, 110.0, 640.0, 24.0).at(shift(0.0, -185.0, -280.0)))
        .body(BLACK, flat(-215.0, 20.0, 215.0, 330.0, 14.0, 4.0))
        .body(SCREEN, front_plate(&Profile::rect(-195.0, 40.0, 195.0, 310.0), &[], y - 4.0, 2.0))
        .body(GREEN, front_plate(&Profile::rect(-180.0, 270.0, 60.0, 296.0), &[], y - 6.0, 1.0))
        .body(ALUMINIUM, front_plate(&Profile::rect(-180.0, 60.0, 20.0, 250.0), &[], y - 6.0, 1.0))
        .body(YELLOW, flat(120.0, -240.0, 220.0, -140.0, 50.0, 3.0));
    for row in 0..4 {
        for column in 0..5 {
            p = p.child(key, shift(-190.0 + 46.0 * f64::from(column), y, -50.0 - 42.0 * f64::from(row)));
        }
    }
    p.body(RED, Solid::cylinder(36.0, 34.0, 10.0).at(shift(170.0, y - 3.0, -190.0) * facing_front()))
        .body(STEEL, Solid::cylinder(44.0, 26.0, 6.0).at(shift(150.0, y, -60.0) * facing_front()))
        .body(GREEN, Solid::cylinder(15.0, 16.0, 4.0).with_steps(16).at(shift(-185.0, y, -235.0) * facing_front()))
        .body(BLACK, Solid::cylinder(15.0, 16.0, 4.0).with_steps(16).at(shift(-125.0, y, -235.0) * facing_front()))
}

fn signal_tower() -> Part {
    let mut p = part("Signal tower")
        .body(DARK, Solid::cylinder(45.0, 24.0, 4.0).at(shift(0.0, 0.0, 60.0)))
        .body(STEEL, Solid::cylinder(14.0, 200.0, 0.0).with_steps(16).at(shift(0.0, 0.0, 84.0)));
    for (k, colour) in [GREEN, YELLOW, RED].into_iter().enumerate() {
        let z = 290.0 + 78.0 * k as f64;
        p = p
            .body(colour, Solid::cylinder(38.0, 64.0, 3.0).at(shift(0.0, 0.0, z)))
            .body(DARK, Solid::cylinder(40.0, 14.0, 0.0).at(shift(0.0, 0.0, z + 64.0)));
    }
    p.body(DARK, Solid::cylinder(40.0, 12.0, 0.0).at(shift(0.0, 0.0, 278.0)))
        .body(DARK, Solid::cylinder(38.0, 26.0, 12.0).at(shift(0.0, 0.0, 524.0)))
}

/// Chip conveyor that rises out of the left side, and the bin below its mouth.
fn chip_bin(castor: PartId) -> Part {
    let conveyor = Profile::rounded(&[
        (430.0, 180.0, 20.0),
        (430.0, 380.0, 20.0),
        (250.0, 380.0, 60.0),
        (10.0, 1050.0, 60.0),
        (-190.0, 1050.0, 30.0),
        (-190.0, 860.0, 20.0),
        (-90.0, 860.0, 40.0),
        (150.0, 180.0, 60.0),
    ]);
    let wall = Profile::rounded_rect(-230.0, -230.0, 230.0, 230.0, 30.0);
    let hollow = Profile::rounded_rect(-222.0, -222.0, 222.0, 222.0, 22.0);
    let mut p = part("Chip conveyor")
        .body(GREY, Solid::extrude(&conveyor, &[], 320.0).at(shift(0.0, 160.0, 0.0) * facing_front()))
        .body(BLUE, Solid::extrude(&wall, &[hollow], 520.0).with_steps(12).at(shift(-140.0, 0.0, 130.0)))
        .body(BLUE, Solid::block(440.0, 440.0, 12.0, 0.0).at(shift(-140.0, 0.0, 118.0)))
        .body(DARK, Solid::cylinder(60.0, 180.0, 10.0).at(shift(-90.0, 160.0, 960.0) * along_y()));
    for (x, y) in [(-320.0, -180.0), (40.0, -180.0), (-320.0, 180.0), (40.0, 180.0)] {
        p = p.child(castor, shift(x, y, 0.0));
    }
    p
}

fn castor() -> Part {
    part("Castor")
        .body(BLACK, Solid::cylinder(55.0, 40.0, 8.0).with_steps(16).at(shift(0.0, -20.0, 55.0) * along_y()))
        .body(STEEL, Solid::block(50.0, 70.0, 30.0, 0.0).at(shift(0.0, 0.0, 90.0)))
}
