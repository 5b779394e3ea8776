//! Polygon File Format (G. Turk, The PLY Polygon File Format, 1994) through `ply-rs-bw`.
//!
//! Elements are read one by one, so that a count in the header costs nothing before its elements are there, and a file
//! that ends early gives what was there. Colours of faces, or the mean of those of their vertices, become runs of
//! triangles. The format has no unit and no up axis.

use crate::{
    Document, FormatError, Limits, malformed,
    polygon::Cutter,
    surface::{Faults, Surface},
};
use ply_rs_bw::parser::{Parser, Reader};
use ply_rs_bw::ply::{ElementDef, Encoding, Property, PropertyAccess, PropertyAccessResult};
use rr_scene::{Instance, Part, Rgba8};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// A line of ASCII longer than this is no element.
const MAX_LINE_BYTES: u64 = 16 << 20;

pub fn read(file: &Path, limits: &Limits) -> Result<Document, FormatError> {
    let mut reader = Reader::new(BufReader::with_capacity(1 << 18, File::open(file)?));
    let header = Parser::<Row>::new().read_header(&mut reader).map_err(|e| malformed(e.to_string()))?;
    let mut reader = reader.into_inner();
    let mut mesh = Reading::new(limits);
    for (name, element) in &header.elements {
        let used = matches!(name.as_str(), "vertex" | "face");
        if let Err(reason) = mesh.elements(name, element, &header.encoding, &mut reader) {
            mesh.warnings.push(reason);
            break;
        }
        if !used && element.count > 0 {
            mesh.warnings.push(format!("{} elements \"{name}\" are not shown", element.count));
        }
        if mesh.surface.triangles.len() as u64 > limits.max_triangles {
            return Err(FormatError::TooLarge(limits.max_triangles));
        }
    }
    mesh.finish()
}

/// What one element says, whatever its kind.
#[derive(Default)]
struct Row {
    position: [f32; 3],
    normal: [f32; 3],
    colour: [u8; 4],
    has_normal: bool,
    has_colour: bool,
    corners: Vec<i64>,
}

impl PropertyAccess for Row {
    fn new() -> Self {
        Self { colour: [0, 0, 0, 255], ..Self::default() }
    }

    fn set_property(&mut self, name: &str, property: Property) -> PropertyAccessResult {
        if matches!(name, "vertex_indices" | "vertex_index") {
            self.corners = integers(&property);
            return PropertyAccessResult::Set;
        }
        let Some(number) = property.to_f32_lossy() else { return PropertyAccessResult::Ignored };
        match name {
            "x" => self.position[0] = number,
            "y" => self.position[1] = number,
            "z" => self.position[2] = number,
            "nx" | "ny" | "nz" => {
                self.normal[usize::from(name.as_bytes()[1] - b'x')] = number;
                self.has_normal = true;
            }
            "red" | "diffuse_red" | "r" => self.set_colour(0, &property),
            "green" | "diffuse_green" | "g" => self.set_colour(1, &property),
            "blue" | "diffuse_blue" | "b" => self.set_colour(2, &property),
            "alpha" => self.colour[3] = colour_byte(&property),
            _ => return PropertyAccessResult::Ignored,
        }
        PropertyAccessResult::Set
    }
}

impl Row {
    fn set_colour(&mut self, channel: usize, property: &Property) {
        self.colour[channel] = colour_byte(property);
        self.has_colour = true;
    }
}

/// Whole numbers are 0 to 255, others 0 to 1.
fn colour_byte(property: &Property) -> u8 {
    let share = match property {
        Property::Float(v) => *v * 255.0,
        other => other.to_f32_lossy().unwrap_or_default(),
    };
    let share = if let Property::Double(_) = property { share * 255.0 } else { share };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    let byte = share.clamp(0.0, 255.0).round() as u8;
    byte
}

fn integers(property: &Property) -> Vec<i64> {
    fn all<T: Copy + Into<i64>>(values: &[T]) -> Vec<i64> {
        values.iter().map(|v| (*v).into()).collect()
    }
    match property {
        Property::ListChar(v) => all(v),
        Property::ListUChar(v) => all(v),
        Property::ListShort(v) => all(v),
        Property::ListUShort(v) => all(v),
        Property::ListInt(v) => all(v),
        Property::ListUInt(v) => all(v),
        _ => Vec::new(),
    }
}

/// A file that is being read.
struct Reading<'a> {
    limits: &'a Limits,
    parser: Parser<Row>,
    cutter: Cutter,
    surface: Surface,
    of_vertices: Vec<[u8; 4]>,
    faults: Faults,
    warnings: Vec<String>,
}

impl<'a> Reading<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            parser: Parser::new(),
            cutter: Cutter::new(),
            surface: Surface::default(),
            of_vertices: Vec::new(),
            faults: Faults::default(),
            warnings: Vec::new(),
        }
    }

    /// Reads all elements of one kind. The error says where the file ended or stopped making sense.
    fn elements(
        &mut self,
        name: &str,
        element: &ElementDef,
        encoding: &Encoding,
        reader: &mut impl BufRead,
    ) -> Result<(), String> {
        let mut line = String::new();
        for number in 0..element.count {
            if self.surface.triangles.len() as u64 > self.limits.max_triangles {
                return Ok(());
            }
            let row = match encoding {
                Encoding::Ascii => match next_line(reader, &mut line) {
                    Ok(true) => self.parser.read_ascii_element(&line, element).map_err(|e| e.to_string()),
                    Ok(false) => Err("the file ends".to_owned()),
                    Err(error) => Err(error.to_string()),
                },
                Encoding::BinaryLittleEndian => {
                    self.parser.read_little_endian_element(reader, element).map_err(|e| e.to_string())
                }
                Encoding::BinaryBigEndian => {
                    self.parser.read_big_endian_element(reader, element).map_err(|e| e.to_string())
                }
            };
            let row = row.map_err(|reason| {
                let reason = reason.lines().next().unwrap_or_default();
                format!("{} of {} elements \"{name}\" are missing: {reason}", element.count - number, element.count)
            })?;
            match name {
                "vertex" => self.vertex(&row),
                "face" => self.face(&row),
                _ => {}
            }
        }
        Ok(())
    }

    fn vertex(&mut self, row: &Row) {
        self.surface.positions.push(row.position);
        if row.has_normal {
            self.surface.normals.push(row.normal);
        }
        if row.has_colour {
            self.of_vertices.push(row.colour);
        }
    }

    fn face(&mut self, row: &Row) {
        let corners: Vec<u32> = row.corners.iter().map(|i| u32::try_from(*i).unwrap_or(u32::MAX)).collect();
        let before = self.surface.triangles.len();
        if !self.cutter.cut(&self.surface.positions, &corners, &mut self.surface.triangles) {
            self.faults.add("faces are left out: corners are missing or too many", 1);
        }
        for triangle in &self.surface.triangles[before..] {
            let colour = if row.has_colour { Some(row.colour) } else { mean(&self.of_vertices, triangle) };
            self.surface.colours.push(colour.map(Rgba8));
        }
    }

    fn finish(mut self) -> Result<Document, FormatError> {
        if self.surface.is_empty() {
            let reason = self.warnings.first().cloned();
            return Err(malformed(match self.surface.positions.len() {
                0 => reason.unwrap_or_else(|| "it holds no vertices".to_owned()),
                points => format!(
                    "it is a cloud of {points} points without faces, and only surfaces are shown: make a mesh of it first{}",
                    reason.map(|r| format!(": {r}")).unwrap_or_default()
                ),
            }));
        }
        let mut document = Document::default();
        let mesh = self.surface.into_mesh(&mut self.faults);
        document.model.parts.push(Part { name: String::new(), mesh });
        document.model.instances.push(Instance {
            part: 0,
            name: String::new(),
            model_from_part: glam::Affine3A::IDENTITY,
            colour: None,
        });
        document.warnings = self.warnings;
        document.warnings.extend(self.faults.into_warnings());
        Ok(document)
    }
}

fn mean(colours: &[[u8; 4]], triangle: &[u32; 3]) -> Option<[u8; 4]> {
    let mut sum = [0u16; 4];
    for &i in triangle {
        for (s, c) in sum.iter_mut().zip(colours.get(i as usize)?) {
            *s += u16::from(*c);
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "the mean of three bytes is a byte")]
    let mean = sum.map(|s| ((s + 1) / 3) as u8);
    Some(mean)
}

/// The next line that is not empty. `false` at the end.
fn next_line(reader: &mut impl BufRead, line: &mut String) -> std::io::Result<bool> {
    loop {
        line.clear();
        if reader.by_ref().take(MAX_LINE_BYTES).read_line(line)? == 0 {
            return Ok(false);
        }
        if !line.trim().is_empty() {
            return Ok(true);
        }
    }
}
