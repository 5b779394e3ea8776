//! The drawing on the floor, curves only: the cell's border, the walkway, reach of the robots, places for machines,
//! cable and air routes, column grid. It spans the sample line.

use super::palette::{BLUE, GREEN, GREY, ORANGE, RED, YELLOW};
use crate::kit::{Catalogue, Profile, Rgb, Wire, part, shift};
use glam::{DVec3, dvec3};

/// Half the length of the border.
pub const HALF_X: f64 = 8000.0;
/// Half the width of the border.
pub const HALF_Y: f64 = 4000.0;

/// The layout.
pub fn build() -> Catalogue {
    let mut c = Catalogue::default();
    let outline = |colour: Rgb, p: Profile| Wire::Outline(colour, shift(0.0, 0.0, 0.0), p);
    let path = |colour: Rgb, points: &[(f64, f64)]| {
        Wire::Path(colour, points.iter().map(|&(x, y)| dvec3(x, y, 0.0)).collect())
    };

    let mut marks =
        part("Floor marks").wire(outline(YELLOW, Profile::rounded_rect(-HALF_X, -HALF_Y, HALF_X, HALF_Y, 600.0))).wire(
            outline(YELLOW, Profile::rounded_rect(-HALF_X + 80.0, -HALF_Y + 80.0, HALF_X - 80.0, HALF_Y - 80.0, 520.0)),
        );
    // Walkway along the front, hatched.
    for y in [-3700.0, -2700.0] {
        marks = marks.wire(path(GREEN, &[(-7600.0, y), (7600.0, y)]));
    }
    for i in 0..19 {
        let x = -7600.0 + 800.0 * f64::from(i);
        marks = marks.wire(path(GREEN, &[(x, -3700.0), (x + 800.0, -2700.0)]));
    }
    let marks = c.add(marks);

    let mut zones = part("Zones");
    for x in [ROBOT_X, PALLETISER_X] {
        zones = zones
            .wire(outline(RED, Profile::circle(x, 0.0, 1750.0)))
            .wire(outline(ORANGE, Profile::circle(x, 0.0, 420.0)));
    }
    for (x0, y0, x1, y1) in PLACES {
        zones = zones.wire(outline(BLUE, Profile::rounded_rect(x0, y0, x1, y1, 120.0)));
    }
    let zones = c.add(zones);

    let lift = |points: &[(f64, f64, f64)]| -> Vec<DVec3> { points.iter().map(|&(x, y, z)| dvec3(x, y, z)).collect() };
    let routes = part("Cable and air routes")
        .wire(Wire::Spline(
            ORANGE,
            lift(&[
                (-7400.0, 3600.0, 0.0),
                (-5200.0, 3700.0, 0.0),
                (-3600.0, 2400.0, 0.0),
                (-3500.0, 900.0, 0.0),
                (-2700.0, 500.0, 0.0),
                (-2050.0, 260.0, 0.0),
            ]),
        ))
        .wire(Wire::Spline(
            BLUE,
            lift(&[
                (-7400.0, 3450.0, 0.0),
                (-2000.0, 3800.0, 0.0),
                (2500.0, 3300.0, 0.0),
                (4600.0, 2600.0, 0.0),
                (5000.0, 800.0, 0.0),
                (5200.0, 300.0, 0.0),
            ]),
        ))
        .wire(Wire::Path(ORANGE, lift(&[(-7400.0, 3600.0, 0.0), (-7400.0, 3600.0, 1200.0), (-7700.0, 3600.0, 1200.0)])))
        .wire(Wire::Path(BLUE, lift(&[(-7400.0, 3450.0, 0.0), (-7400.0, 3450.0, 1000.0), (-7700.0, 3450.0, 1000.0)])));
    let routes = c.add(routes);

    // One cross, used at every column of the hall.
    let cross = c.add(
        part("Grid point")
            .wire(path(GREY, &[(-200.0, 0.0), (200.0, 0.0)]))
            .wire(path(GREY, &[(0.0, -200.0), (0.0, 200.0)]))
            .wire(outline(GREY, Profile::circle(0.0, 0.0, 120.0))),
    );
    let mut grid = part("Column grid");
    for i in -1..=1 {
        for j in [-1, 1] {
            grid = grid.child(cross, shift(f64::from(i) * 6000.0, f64::from(j) * 3400.0, 0.0));
        }
    }
    let grid = c.add(grid);
    c.add(
        [marks, zones, routes, grid].into_iter().fold(part("Floor layout"), |p, id| p.child(id, shift(0.0, 0.0, 0.0))),
    );
    c
}

const ROBOT_X: f64 = -1800.0;
const PALLETISER_X: f64 = 5200.0;
/// Where machines stand: x0, y0, x1, y1.
const PLACES: [(f64, f64, f64, f64); 6] = [
    (-5450.0, -500.0, -2750.0, 500.0),
    (-3250.0, 1050.0, 250.0, 3800.0),
    (-900.0, -550.0, 2500.0, 500.0),
    (2550.0, -750.0, 4400.0, 500.0),
    (4500.0, 1100.0, 5900.0, 2100.0),
    (6400.0, -700.0, 7400.0, 700.0),
];
