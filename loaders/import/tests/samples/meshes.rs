//! Writes STL, OBJ and PLY.

use super::{BLUE, Expect, QUADS, RED, Sample, corners, plain, triangles};
use std::fmt::Write;

/// Two solids with names.
pub fn stl_text() -> Sample {
    let mut text = String::new();
    for (name, x) in [("First", 0.0), ("Second", 5.0)] {
        writeln!(text, "solid {name}").unwrap();
        for triangle in triangles() {
            writeln!(text, "facet normal 0 0 0\nouter loop").unwrap();
            for [x, y, z] in triangle.map(|i| corners(x)[i]) {
                writeln!(text, "vertex {x} {y} {z}").unwrap();
            }
            writeln!(text, "endloop\nendfacet").unwrap();
        }
        writeln!(text, "endsolid {name}").unwrap();
    }
    let expect = Expect { names: vec!["First", "Second"], variant: "ASCII", ..plain() };
    Sample { format: "stl", files: vec![("two.stl".into(), text.into_bytes())], expect }
}

/// Red boxes with blue tops, in the bits of VisCAM.
pub fn stl_binary() -> Sample {
    let mut bytes = vec![0; 80];
    bytes.extend(24u32.to_le_bytes());
    for x in [0.0, 5.0] {
        for (number, triangle) in triangles().into_iter().enumerate() {
            bytes.extend([0; 12]);
            for value in triangle.iter().flat_map(|i| corners(x)[*i]) {
                bytes.extend(value.to_le_bytes());
            }
            let colour: u16 = if number >= 10 { 0x8000 | 31 } else { 0x8000 | 31 << 10 };
            bytes.extend(colour.to_le_bytes());
        }
    }
    let expect = Expect { instances: 1, names: vec![""], colours: vec![RED, BLUE], variant: "binary", ..plain() };
    Sample { format: "stl", files: vec![("colours.stl".into(), bytes)], expect }
}

/// Two objects with quads, two materials, a line, and a comment.
pub fn obj() -> Sample {
    let mut text = "# two boxes\nmtllib two.mtl\n".to_owned();
    for (x, name, base) in [(0.0, "First", 1), (5.0, "Second", 9)] {
        writeln!(text, "o {name}").unwrap();
        for [x, y, z] in corners(x) {
            writeln!(text, "v {x} {y} {z}").unwrap();
        }
        for (number, quad) in QUADS.iter().enumerate() {
            if number == 0 || number == 5 {
                writeln!(text, "usemtl {}", if number == 5 { "top" } else { "side" }).unwrap();
            }
            // From the end in the second box.
            let corner = |i: usize| if base == 1 { (i + base).to_string() } else { format!("-{}", 8 - i) };
            writeln!(text, "f {}", quad.map(corner).join(" ")).unwrap();
        }
    }
    text += "l 1 2\n";
    let library = "newmtl side\nKd 1 0 0\nnewmtl top\nKd 0 0 1\n".to_owned();
    let expect = Expect { names: vec!["First", "Second"], colours: vec![RED, BLUE], lines: 1, ..plain() };
    let files = vec![("two.obj".into(), text.into_bytes()), ("two.mtl".into(), library.into_bytes())];
    Sample { format: "obj", files, expect }
}

/// Quads with colours.
pub fn ply(format: &'static str) -> Sample {
    let mut bytes = format!(
        "ply\nformat {format} 1.0\ncomment two boxes\nelement vertex 16\nproperty float x\nproperty float y\n\
         property double z\nelement face 12\nproperty list uchar int vertex_indices\nproperty uchar red\n\
         property uchar green\nproperty uchar blue\nend_header\n"
    )
    .into_bytes();
    let big = format == "binary_big_endian";
    fn ordered<const N: usize>(mut bytes: [u8; N], big: bool) -> [u8; N] {
        if big {
            bytes.reverse();
        }
        bytes
    }
    let text = format == "ascii";
    for [x, y, z] in [0.0, 5.0].into_iter().flat_map(corners) {
        if text {
            bytes.extend(format!("{x} {y} {z}\n").bytes());
        } else {
            bytes.extend(ordered(x.to_le_bytes(), big));
            bytes.extend(ordered(y.to_le_bytes(), big));
            bytes.extend(ordered(f64::from(z).to_le_bytes(), big));
        }
    }
    for base in [0, 8] {
        for (number, quad) in QUADS.iter().enumerate() {
            let [red, green, blue, _] = if number == 5 { BLUE } else { RED };
            if text {
                let [a, b, c, d] = quad.map(|i| i + base);
                bytes.extend(format!("4 {a} {b} {c} {d} {red} {green} {blue}\n").bytes());
            } else {
                bytes.push(4);
                for i in quad {
                    bytes.extend(ordered(i32::try_from(i + base).unwrap().to_le_bytes(), big));
                }
                bytes.extend([red, green, blue]);
            }
        }
    }
    let variant = match format {
        "ascii" => "ASCII",
        "binary_big_endian" => "binary, big endian",
        _ => "binary, little endian",
    };
    let expect = Expect { instances: 1, names: vec![""], colours: vec![RED, BLUE], variant, ..plain() };
    Sample { format: "ply", files: vec![(format!("{format}.ply"), bytes)], expect }
}
