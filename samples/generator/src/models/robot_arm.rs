//! A six-axis arm on a pedestal, reaching forward along +x with the gripper straight down. Each link is drawn about
//! its own joint and placed by the joint angles, so that another pose is another set of numbers.

use super::palette::{ALUMINIUM, BLACK, DARK, GREY, LIGHT, ORANGE, RED, STEEL, YELLOW};
use crate::kit::{
    Catalogue, Part, PartId, Profile, Solid, along_x, along_y, facing_front, part, shift, turn_x, turn_y, turn_z,
};
use glam::{dvec2, dvec3};

/// Joint angles in degrees: turn of the base, lean of the upper arm, dip of the forearm below the horizon,
/// roll of the forearm, bend of the wrist, turn of the flange.
#[derive(Debug, Clone, Copy)]
pub struct Pose(pub [f64; 6]);

/// Arm leaning forward, tool vertical above a conveyor.
pub const WORKING: Pose = Pose([0.0, 25.0, 25.0, 0.0, 65.0, 30.0]);

const PEDESTAL: f64 = 400.0;
const SHOULDER: (f64, f64) = (160.0, 470.0);
const UPPER_ARM: f64 = 760.0;
const FOREARM_RISE: f64 = 150.0;
const FOREARM: f64 = 740.0;
const WRIST: f64 = 110.0;

/// The arm in a pose.
pub fn build(pose: Pose) -> Catalogue {
    let [j1, j2, j3, j4, j5, j6] = pose.0;
    let mut c = Catalogue::default();
    let rib = c.add(rib());
    let bolt = c.add(bolt());
    let pedestal = c.add(pedestal(rib, bolt));
    let base = c.add(base());
    let column = c.add(column());
    let upper = c.add(upper_arm());
    let elbow = c.add(elbow());
    let forearm = c.add(forearm());
    let wrist = c.add(wrist());
    let gripper = c.add(gripper());

    let on_base = shift(0.0, 0.0, PEDESTAL);
    let on_column = on_base * turn_z(j1);
    let on_upper = on_column * shift(SHOULDER.0, 0.0, SHOULDER.1) * turn_y(j2);
    // The elbow's frame has x along the forearm: first back upright, then down by the dip.
    let on_elbow = on_upper * shift(0.0, 0.0, UPPER_ARM) * turn_y(j3 - j2);
    let on_forearm = on_elbow * shift(0.0, 0.0, FOREARM_RISE) * turn_x(j4);
    let on_wrist = on_forearm * shift(FOREARM, 0.0, 0.0) * turn_y(j5);
    let on_flange = on_wrist * shift(WRIST, 0.0, 0.0) * turn_x(j6);
    c.add(
        part("Six-axis robot")
            .child(pedestal, shift(0.0, 0.0, 0.0))
            .child(base, on_base)
            .child(column, on_column)
            .child(upper, on_upper)
            .child(elbow, on_elbow)
            .child(forearm, on_forearm)
            .child(wrist, on_wrist)
            .child(gripper, on_flange),
    );
    c
}

/// A slab of the x-z plane, centred at y.
fn slab(outline: &Profile, y: f64, thickness: f64, chamfer: f64) -> Solid {
    Solid::extrude_chamfered(outline, &[], thickness, chamfer).at(shift(0.0, y + thickness / 2.0, 0.0) * facing_front())
}

/// A drum along y between two values of y.
fn drum_y(x: f64, z: f64, radius: f64, from: f64, to: f64, fillet: f64) -> Solid {
    Solid::cylinder(radius, to - from, fillet).at(shift(x, from, z) * along_y())
}

const BOLTS: [(f64, f64); 4] = [(-280.0, -280.0), (280.0, -280.0), (280.0, 280.0), (-280.0, 280.0)];

fn pedestal(rib: PartId, bolt: PartId) -> Part {
    let plate = Profile::rounded_rect(-330.0, -330.0, 330.0, 330.0, 40.0);
    let holes = BOLTS.map(|(x, y)| Profile::circle(x, y, 16.0));
    let mut p = part("Pedestal")
        .body(DARK, Solid::extrude_chamfered(&plate, &holes, 30.0, 4.0))
        .body(DARK, Solid::cylinder(200.0, PEDESTAL - 60.0, 0.0).at(shift(0.0, 0.0, 30.0)).with_steps(32))
        .body(DARK, Solid::cylinder(270.0, 30.0, 4.0).at(shift(0.0, 0.0, PEDESTAL - 30.0)).with_steps(32));
    for (quarter, (x, y)) in BOLTS.into_iter().enumerate() {
        p = p.child(rib, turn_z(45.0 + 90.0 * quarter as f64)).child(bolt, shift(x, y, 30.0));
    }
    p
}

fn rib() -> Part {
    let outline = Profile::polygon(&[(190.0, 0.0), (310.0, 0.0), (250.0, PEDESTAL - 60.0), (190.0, PEDESTAL - 60.0)]);
    part("Rib").body(DARK, Solid::extrude(&outline, &[], 20.0).at(shift(0.0, 10.0, 30.0) * facing_front()))
}

fn bolt() -> Part {
    let corner = |k: u32| {
        let angle = f64::from(k) * std::f64::consts::FRAC_PI_3;
        (21.0 * angle.cos(), 21.0 * angle.sin())
    };
    let hexagon: Vec<(f64, f64)> = (0..6).map(corner).collect();
    part("Bolt head").body(STEEL, Solid::extrude_chamfered(&Profile::polygon(&hexagon), &[], 16.0, 2.0))
}

fn base() -> Part {
    let outline = Profile::path(&[
        (0.0, 0.0, 0.0),
        (240.0, 0.0, 0.0),
        (240.0, 45.0, 12.0),
        (205.0, 70.0, 20.0),
        (190.0, 190.0, 10.0),
        (0.0, 190.0, 0.0),
    ]);
    let mut p = part("Base")
        .body(GREY, Solid::revolve(&outline).with_steps(32))
        .body(GREY, Solid::block(170.0, 210.0, 130.0, 14.0).at(shift(-230.0, 0.0, 5.0)));
    for y in [-55.0, 0.0, 55.0] {
        p = p.body(BLACK, Solid::cylinder(19.0, 40.0, 4.0).with_steps(16).at(shift(-312.0, y, 65.0) * turn_y(-90.0)));
    }
    p.body(BLACK, Solid::cylinder(186.0, 14.0, 0.0).at(shift(0.0, 0.0, 190.0)).with_steps(32))
}

fn column() -> Part {
    let (sx, sz) = SHOULDER;
    let cheek = Profile::rounded(&[
        (-170.0, 215.0, 30.0),
        (205.0, 215.0, 60.0),
        (sx + 150.0, sz - 40.0, 80.0),
        (sx + 110.0, sz + 130.0, 90.0),
        (sx - 120.0, sz + 130.0, 90.0),
        (-170.0, 330.0, 70.0),
    ]);
    let middle = Profile::rounded(&[
        (-180.0, 215.0, 30.0),
        (190.0, 215.0, 40.0),
        (190.0, 290.0, 40.0),
        (-20.0, 400.0, 50.0),
        (-180.0, 330.0, 50.0),
    ]);
    part("Rotating column")
        .body(ORANGE, Solid::drum(205.0, 60.0, 14.0).at(shift(0.0, 0.0, 204.0)).with_steps(32))
        .body(ORANGE, slab(&cheek, -130.0, 90.0, 12.0))
        .body(ORANGE, slab(&cheek, 130.0, 90.0, 12.0))
        .body(ORANGE, slab(&middle, 0.0, 180.0, 0.0))
        .body(DARK, drum_y(sx, sz, 110.0, -205.0, -174.0, 10.0).with_steps(32))
        .body(DARK, drum_y(sx, sz, 110.0, 174.0, 205.0, 10.0).with_steps(32))
        .body(BLACK, drum_y(sx, sz, 78.0, 200.0, 350.0, 16.0))
        .body(BLACK, Solid::drum(80.0, 210.0, 16.0).at(shift(-95.0, 0.0, 330.0)))
}

fn upper_arm() -> Part {
    let arm = Profile::link(dvec2(0.0, 0.0), 140.0, dvec2(0.0, UPPER_ARM), 112.0);
    let recess = Profile::link(dvec2(0.0, 210.0), 62.0, dvec2(0.0, UPPER_ARM - 190.0), 50.0);
    let hose: Vec<_> =
        [(-128.0, 40.0), (-190.0, 150.0), (-180.0, 520.0), (-118.0, 690.0)].map(|(x, z)| dvec3(x, 52.0, z)).to_vec();
    part("Upper arm")
        .body(ORANGE, slab(&arm, 0.0, 150.0, 16.0))
        .body(DARK, slab(&recess, -76.0, 8.0, 2.0))
        .body(DARK, slab(&recess, 76.0, 8.0, 2.0))
        .body(BLACK, Solid::bar(&hose, 22.0, 60.0).with_steps(12))
        .body(GREY, drum_y(0.0, UPPER_ARM, 84.0, -82.0, 82.0, 4.0))
}

/// Origin on the elbow's axis, x along the forearm.
fn elbow() -> Part {
    let cheek = Profile::rounded(&[
        (-105.0, -105.0, 100.0),
        (105.0, -105.0, 100.0),
        (150.0, FOREARM_RISE - 60.0, 40.0),
        (150.0, FOREARM_RISE + 95.0, 40.0),
        (-150.0, FOREARM_RISE + 95.0, 50.0),
        (-150.0, FOREARM_RISE - 40.0, 40.0),
    ]);
    let bridge = Profile::rounded_rect(-145.0, FOREARM_RISE - 25.0, 145.0, FOREARM_RISE + 92.0, 34.0);
    let mut p = part("Elbow")
        .body(ORANGE, slab(&cheek, -119.0, 72.0, 12.0))
        .body(ORANGE, slab(&cheek, 119.0, 72.0, 12.0))
        .body(ORANGE, slab(&bridge, 0.0, 170.0, 0.0))
        .body(DARK, drum_y(0.0, 0.0, 82.0, -172.0, -150.0, 8.0))
        .body(DARK, drum_y(0.0, 0.0, 82.0, 150.0, 172.0, 8.0))
        .body(BLACK, drum_y(0.0, 0.0, 58.0, -290.0, -168.0, 14.0));
    for y in [-80.0, 0.0, 80.0] {
        let motor = Solid::cylinder(37.0, 130.0, 9.0).with_steps(16);
        p = p.body(BLACK, motor.at(shift(-140.0, y, FOREARM_RISE + 30.0) * turn_y(-90.0)));
    }
    p
}

/// Origin on the forearm's axis above the elbow, x along it.
fn forearm() -> Part {
    let tube = Profile::path(&[
        (0.0, 100.0, 0.0),
        (100.0, 100.0, 0.0),
        (100.0, 190.0, 30.0),
        (76.0, 250.0, 40.0),
        (68.0, FOREARM - 150.0, 20.0),
        (78.0, FOREARM - 110.0, 14.0),
        (78.0, FOREARM - 70.0, 8.0),
        (0.0, FOREARM - 70.0, 0.0),
    ]);
    let prong = Profile::slot(FOREARM - 110.0, FOREARM, 0.0, 58.0);
    let cable = [dvec3(120.0, 0.0, 112.0), dvec3(300.0, 0.0, 112.0), dvec3(430.0, 0.0, 84.0), dvec3(590.0, 0.0, 88.0)];
    part("Forearm")
        .body(BLACK, Solid::cylinder(88.0, 24.0, 0.0).at(shift(140.0, 0.0, 0.0) * along_x()).with_steps(32))
        .body(ORANGE, Solid::revolve(&tube).at(along_x()).with_steps(32))
        .body(ORANGE, slab(&prong, -62.0, 30.0, 6.0))
        .body(ORANGE, slab(&prong, 62.0, 30.0, 6.0))
        .body(DARK, drum_y(FOREARM, 0.0, 40.0, -92.0, -76.0, 5.0))
        .body(DARK, drum_y(FOREARM, 0.0, 40.0, 76.0, 92.0, 5.0))
        .body(BLACK, Solid::bar(&cable, 13.0, 70.0).with_steps(12))
}

/// Origin on the wrist's bend axis, x towards the tool.
fn wrist() -> Part {
    part("Wrist")
        .body(LIGHT, drum_y(0.0, 0.0, 50.0, -46.0, 46.0, 6.0))
        .body(LIGHT, Solid::cylinder(44.0, 72.0, 8.0).at(shift(22.0, 0.0, 0.0) * along_x()))
        .body(DARK, Solid::cylinder(40.0, 16.0, 2.0).at(shift(WRIST - 18.0, 0.0, 0.0) * along_x()))
}

/// Origin on the flange, x away from it: adapter, body, two fingers and the part they hold.
fn gripper() -> Part {
    let block = |x: f64, sx: f64, sy: f64, sz: f64, c: f64| {
        Solid::block(sy, sz, sx, c).at(shift(x, 0.0, 0.0) * turn_z(90.0) * turn_x(90.0))
    };
    let mut p = part("Gripper")
        .body(STEEL, Solid::cylinder(40.0, 18.0, 2.0).at(along_x()))
        .body(ALUMINIUM, block(18.0, 90.0, 150.0, 84.0, 8.0))
        .body(DARK, block(108.0, 22.0, 190.0, 60.0, 4.0));
    for side in [-1.0, 1.0] {
        let finger = Profile::polygon(&[
            (130.0, 36.0),
            (250.0, 36.0),
            (250.0, 52.0),
            (190.0, 64.0),
            (160.0, 84.0),
            (130.0, 84.0),
        ]);
        let shape = if side > 0.0 { finger } else { finger.mirrored_y() };
        p = p
            .body(ALUMINIUM, Solid::extrude(&shape, &[], 44.0).at(shift(0.0, 0.0, -22.0)))
            .body(BLACK, Solid::between((196.0, side * 33.0 - 3.0, -20.0), (250.0, side * 33.0 + 3.0, 20.0)));
    }
    p.body(RED, Solid::cylinder(7.0, 20.0, 2.0).with_steps(12).at(shift(60.0, 0.0, 40.0)))
        .body(YELLOW, Solid::cylinder(7.0, 20.0, 2.0).with_steps(12).at(shift(85.0, 0.0, 40.0)))
        .body(STEEL, Solid::tube(30.0, 16.0, 90.0).at(shift(190.0, 0.0, 0.0) * along_x()))
}
