//! An optical inspection station: aluminium frame, stone table, gantry with camera and ring light, laser sensor, screen,
//! keyboard shelf, stack light. The operator stands at -y.

use super::palette::{ALUMINIUM, BLACK, BLUE, DARK, GREEN, GREY, LIGHT, RED, SCREEN, STEEL, YELLOW};
use crate::kit::{Catalogue, Part, Profile, Solid, along_x, along_y, facing_front, part, shift, turn_x, turn_z};
use glam::dvec3;

const TABLE: f64 = 820.0;

/// The station.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let castor = c.add(castor());
    let parts = [frame(), table(), gantry(), camera(), sensor(), screen(), sample()].map(|p| c.add(p));
    let mut root = part("Inspection station");
    for id in parts {
        root = root.child(id, shift(0.0, 0.0, 0.0));
    }
    for (x, y) in [(-560.0, -360.0), (560.0, -360.0), (560.0, 360.0), (-560.0, 360.0)] {
        root = root.child(castor, shift(x, y, 0.0));
    }
    c.add(root);
    c
}

/// Slotted 80 x 80 profile of a length along z.
fn post(length: f64) -> Solid {
    let (h, g, d) = (40.0, 6.0, 12.0);
    let side = [(-h, -h), (-g, -h), (-g, -h + d), (g, -h + d), (g, -h)];
    // The same side four times, a quarter further each time.
    let mut outline = Vec::new();
    for quarter in 0..4 {
        outline.extend(side.map(|(x, y)| match quarter {
            0 => (x, y),
            1 => (-y, x),
            2 => (-x, -y),
            _ => (y, -x),
        }));
    }
    Solid::extrude(&Profile::polygon(&outline), &[], length)
}

fn castor() -> Part {
    part("Levelling castor")
        .body(BLACK, Solid::cylinder(46.0, 18.0, 5.0).with_steps(20))
        .body(STEEL, Solid::cylinder(12.0, 70.0, 0.0).with_steps(12).at(shift(0.0, 0.0, 18.0)))
}

fn frame() -> Part {
    let mut p = part("Frame");
    for (x, y) in [(-560.0, -360.0), (560.0, -360.0), (560.0, 360.0), (-560.0, 360.0)] {
        p = p.body(ALUMINIUM, post(TABLE - 180.0).at(shift(x, y, 80.0)));
    }
    for z in [160.0, TABLE - 140.0] {
        for y in [-360.0, 360.0] {
            p = p.body(ALUMINIUM, post(1040.0).at(shift(-520.0, y, z) * along_x()));
        }
        for x in [-560.0, 560.0] {
            p = p.body(ALUMINIUM, post(640.0).at(shift(x, -320.0, z) * along_y()));
        }
    }
    p.body(LIGHT, Solid::between((-520.0, 366.0, 200.0), (520.0, 376.0, TABLE - 180.0)))
        .body(LIGHT, Solid::between((-572.0, -320.0, 200.0), (-562.0, 320.0, TABLE - 180.0)))
        .body(LIGHT, Solid::between((562.0, -320.0, 200.0), (572.0, 320.0, TABLE - 180.0)))
        .body(DARK, Solid::block(420.0, 480.0, 360.0, 12.0).at(shift(200.0, 60.0, 200.0)))
        .body(BLUE, Solid::block(380.0, 6.0, 60.0, 0.0).at(shift(200.0, -183.0, 460.0)))
}

fn table() -> Part {
    let outline = Profile::rounded_rect(-620.0, -420.0, 620.0, 420.0, 30.0);
    let mut inserts = Vec::new();
    for i in 0..9 {
        for j in 0..5 {
            inserts.push(Profile::circle(-480.0 + 120.0 * f64::from(i), -240.0 + 120.0 * f64::from(j), 9.0));
        }
    }
    part("Stone table").body(
        GREY,
        Solid::extrude_chamfered(&outline, &inserts, 100.0, 8.0).with_steps(8).at(shift(0.0, 0.0, TABLE - 100.0)),
    )
}

fn gantry() -> Part {
    let mut p = part("Gantry");
    for x in [-540.0, 540.0] {
        p = p
            .body(DARK, Solid::block(130.0, 180.0, 30.0, 5.0).at(shift(x, 180.0, TABLE)))
            .body(ALUMINIUM, post(820.0).at(shift(x, 180.0, TABLE + 30.0)));
    }
    p.body(ALUMINIUM, post(1240.0).at(shift(-620.0, 180.0, TABLE + 890.0) * along_x()))
        .body(STEEL, Solid::between((-520.0, 124.0, TABLE + 862.0), (520.0, 140.0, TABLE + 882.0)))
        .body(STEEL, Solid::between((-520.0, 124.0, TABLE + 902.0), (520.0, 140.0, TABLE + 922.0)))
        .body(
            BLACK,
            Solid::cylinder(34.0, 130.0, 8.0).at(shift(-620.0, 180.0, TABLE + 890.0) * turn_z(180.0) * along_x()),
        )
}

fn camera() -> Part {
    let z = TABLE + 470.0;
    let lens = Profile::path(&[
        (0.0, -150.0, 0.0),
        (44.0, -150.0, 4.0),
        (44.0, -100.0, 3.0),
        (36.0, -90.0, 0.0),
        (36.0, -20.0, 3.0),
        (30.0, -10.0, 0.0),
        (30.0, 0.0, 0.0),
        (0.0, 0.0, 0.0),
    ]);
    let cable = [
        dvec3(0.0, 90.0, z + 210.0),
        dvec3(0.0, 90.0, z + 340.0),
        dvec3(180.0, 90.0, z + 500.0),
        dvec3(480.0, 150.0, z + 500.0),
    ];
    part("Camera")
        .body(DARK, Solid::block(160.0, 40.0, 320.0, 6.0).at(shift(0.0, 104.0, z + 180.0)))
        .body(DARK, Solid::block(90.0, 60.0, 40.0, 4.0).at(shift(0.0, 60.0, z + 150.0)))
        .body(BLUE, Solid::block(100.0, 100.0, 170.0, 8.0).at(shift(0.0, 0.0, z)))
        .body(BLACK, Solid::revolve(&lens).at(shift(0.0, 0.0, z)))
        .body(LIGHT, Solid::tube(105.0, 60.0, 26.0).with_steps(32).at(shift(0.0, 0.0, z - 172.0)))
        .body(BLACK, Solid::tube(112.0, 62.0, 14.0).with_steps(32).at(shift(0.0, 0.0, z - 146.0)))
        .body(BLACK, Solid::bar(&cable, 9.0, 60.0).with_steps(12))
}

fn sensor() -> Part {
    let z = TABLE + 300.0;
    part("Laser sensor")
        .body(STEEL, Solid::cylinder(12.0, 420.0, 2.0).with_steps(16).at(shift(330.0, -40.0, TABLE)))
        .body(STEEL, Solid::cylinder(10.0, 160.0, 2.0).with_steps(16).at(shift(190.0, -40.0, z) * along_x()))
        .body(DARK, Solid::block(46.0, 46.0, 50.0, 5.0).at(shift(330.0, -40.0, z - 25.0)))
        .body(YELLOW, Solid::block(70.0, 44.0, 96.0, 6.0).at(shift(190.0, -40.0, z - 70.0)))
        .body(RED, Solid::cylinder(10.0, 5.0, 0.0).with_steps(16).at(shift(190.0, -40.0, z - 75.0)))
}

/// Screen on an arm, keyboard shelf, stack light.
fn screen() -> Part {
    let arm =
        [dvec3(540.0, 130.0, TABLE + 560.0), dvec3(760.0, 130.0, TABLE + 560.0), dvec3(760.0, -330.0, TABLE + 560.0)];
    let tilt = shift(700.0, -350.0, TABLE + 560.0) * turn_z(-14.0) * turn_x(-8.0);
    let flat = |w: f64, h: f64, y: f64, depth: f64| {
        Solid::extrude(&Profile::rect_centred(w, h), &[], depth).at(shift(0.0, y, 0.0) * facing_front())
    };
    let mut p = part("Screen")
        .body(GREY, Solid::bar(&arm, 20.0, 60.0).with_steps(16))
        .body(BLACK, Solid::block(560.0, 46.0, 350.0, 8.0).at(tilt * shift(0.0, 0.0, -175.0)))
        .body(SCREEN, flat(530.0, 315.0, -23.0, 2.0).at(tilt))
        .body(GREEN, flat(120.0, 60.0, -25.0, 1.0).at(tilt * shift(-180.0, 0.0, 100.0)))
        .body(LIGHT, flat(300.0, 200.0, -25.0, 1.0).at(tilt * shift(90.0, 0.0, 20.0)))
        .body(GREY, Solid::block(560.0, 240.0, 24.0, 6.0).at(shift(0.0, -540.0, TABLE - 90.0)))
        .body(BLACK, Solid::block(440.0, 150.0, 18.0, 4.0).at(shift(0.0, -550.0, TABLE - 66.0)));
    for row in 0..4 {
        for key in 0..12 {
            let at = shift(-198.0 + 36.0 * f64::from(key), -598.0 + 32.0 * f64::from(row), TABLE - 48.0);
            p = p.body(DARK, Solid::block(28.0, 24.0, 6.0, 0.0).at(at));
        }
    }
    for (k, colour) in [GREEN, YELLOW, RED].into_iter().enumerate() {
        let z = TABLE + 960.0 + 56.0 * k as f64;
        p = p.body(colour, Solid::cylinder(28.0, 52.0, 4.0).with_steps(20).at(shift(540.0, 180.0, z)));
    }
    p.body(GREY, Solid::cylinder(12.0, 40.0, 0.0).with_steps(12).at(shift(540.0, 180.0, TABLE + 922.0)))
}

/// The turned part under the camera.
fn sample() -> Part {
    let outline = Profile::rounded(&[
        (16.0, 0.0, 0.0),
        (55.0, 0.0, 4.0),
        (55.0, 30.0, 3.0),
        (34.0, 34.0, 4.0),
        (34.0, 100.0, 3.0),
        (16.0, 100.0, 0.0),
    ]);
    part("Sample")
        .body(DARK, Solid::cylinder(90.0, 20.0, 3.0).with_steps(32).at(shift(0.0, 0.0, TABLE)))
        .body(STEEL, Solid::revolve(&outline).with_steps(32).at(shift(0.0, 0.0, TABLE + 20.0)))
}
