//! Writes the kernel's own text format: a box in two places (OpenCASCADE, BRep Format, version 1).

use super::{QUADS, Sample, corners, plain};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Shapes are numbered from the end of the file: those that are used come first.
#[derive(Default)]
struct Shapes {
    text: Vec<String>,
}

impl Shapes {
    fn add(&mut self, text: String) -> usize {
        self.text.push(text);
        self.text.len()
    }
}

pub fn file() -> String {
    let corners = corners(0.0);
    let (mut curves, mut surfaces, mut shapes) = (Vec::new(), Vec::new(), Shapes::default());
    // References count backwards from the last shape, so each is filled in at the end.
    let reference = |number: usize| format!("{{{number}}}");
    let vertices: Vec<usize> =
        corners.iter().map(|[x, y, z]| shapes.add(format!("Ve\n1e-07\n{x} {y} {z}\n0 0\n\n0101101\n*\n"))).collect();
    let mut edges = BTreeMap::new();
    let mut faces = Vec::new();
    for quad in QUADS {
        let mut wire = String::new();
        for i in 0..4 {
            let (from, to) = (quad[i], quad[(i + 1) % 4]);
            let (low, high) = (from.min(to), from.max(to));
            let edge = *edges.entry((low, high)).or_insert_with(|| {
                let [a, b] = [low, high].map(|i| glam::Vec3::from(corners[i]));
                let along = (b - a).normalize();
                curves.push(format!("1 {} {} {} {} {} {}\n", a.x, a.y, a.z, along.x, along.y, along.z));
                let (curve, length) = (curves.len(), (b - a).length());
                let ends = format!("+{} 0 -{} 0 *", reference(vertices[low]), reference(vertices[high]));
                shapes.add(format!("Ed\n 1e-07 1 1 0\n1  {curve} 0 0 {length}\n0\n\n0101000\n{ends}\n"))
            });
            write!(wire, "{}{} 0 ", if from < to { '+' } else { '-' }, reference(edge)).unwrap();
        }
        let wire = shapes.add(format!("Wi\n\n0101100\n{wire}*\n"));
        let [a, b, c] = [0, 1, 2].map(|i| glam::Vec3::from(corners[quad[i]]));
        let (x, z) = ((b - a).normalize(), (b - a).cross(c - b).normalize());
        let y = z.cross(x);
        let numbers: Vec<String> = [a, z, x, y].iter().flat_map(glam::Vec3::to_array).map(|v| v.to_string()).collect();
        surfaces.push(format!("1 {}\n", numbers.join(" ")));
        let surface = surfaces.len();
        faces.push(shapes.add(format!("Fa\n0  1e-07 {surface} 0\n\n0111000\n+{} 0 *\n", reference(wire))));
    }
    let list: String = faces.iter().map(|f| format!("+{} 0 ", reference(*f))).collect();
    let shell = shapes.add(format!("Sh\n\n0101100\n{list}*\n"));
    let solid = shapes.add(format!("So\n\n0100000\n+{} 0 *\n", reference(shell)));
    let (first, second) = (reference(solid), reference(solid));
    shapes.add(format!("Co\n\n1100000\n+{first} 0 +{second} 1 *\n"));

    let count = shapes.text.len();
    let mut all = shapes.text.concat();
    for number in 1..=count {
        all = all.replace(&reference(number), &(count + 1 - number).to_string());
    }
    format!(
        "DBRep_DrawableShape\n\nCASCADE Topology V1, (c) Matra-Datavision\nLocations 1\n1\n\
         1 0 0 5\n0 1 0 0\n0 0 1 0\nCurve2ds 0\nCurves {}\n{}Polygon3D 0\nPolygonOnTriangulations 0\nSurfaces {}\n{}\
         Triangulations 0\n\nTShapes {count}\n{all}\n+1 0 \n",
        curves.len(),
        curves.concat(),
        surfaces.len(),
        surfaces.concat(),
    )
}

pub fn sample() -> Sample {
    let expect = super::Expect { variant: "ASCII", ..plain() };
    Sample { format: "brep", files: vec![("two.brep".into(), file().into_bytes())], expect }
}

/// The same as the kernel itself writes it in binary: two boxes, made with `BinTools::Write` of OpenCASCADE 7.6.
pub fn binary() -> Sample {
    let bytes = include_bytes!("../data/two-binary.brep").to_vec();
    let expect = super::Expect { variant: "binary", ..plain() };
    Sample { format: "brep", files: vec![("binary.brep".into(), bytes)], expect }
}
