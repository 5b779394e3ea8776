//! What the import helper writes on its standard output and its client reads: frames of a tag, a length and a body,
//! all numbers little-endian.
//!
//! The client does not trust the helper, which may have been taken over by the file it reads: every length is checked
//! against what was really received, every part against the contract of [`rr_scene::Mesh`].

use rr_scene::{ColourRange, Mesh, Part, Rgba8};
use std::io::{self, Read, Write};

/// First thing on the stream. Helper and client are built together; a stale helper is told by this.
pub const MAGIC: [u8; 8] = *b"RRIMPT\x00\x03";

/// Longest body of one frame.
pub const MAX_FRAME_BYTES: u32 = 1 << 30;

/// Longest name or text; longer ones are cut by the helper and refused by the client.
pub const MAX_TEXT_BYTES: usize = 4096;

/// Stands for the unit flag of a file that says nothing of units.
pub const NO_UNIT: i32 = -1;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The file is being parsed.
    Reading,
    /// Entities become shapes and triangles.
    Translating,
}

/// Why the helper gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The file cannot be read.
    Unreadable,
    /// The memory limit was met.
    OutOfMemory,
}

/// What the file says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Unit flag of an IGES file (IGES 5.3, 2.2.4.3.14); 0 where the name alone says it, or [`NO_UNIT`].
    pub unit_flag: i32,
    /// Unit name of the file.
    pub unit_name: String,
    /// Millimetres in one unit of the coordinates.
    pub mm_per_unit: f64,
    /// The program that wrote the file.
    pub system: String,
    /// Number of entities.
    pub entities: u32,
    /// Number of steps that the translation takes.
    pub steps: u32,
}

/// Where a part stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// Number of the part, counted from 0 in the order in which this helper delivered them.
    pub part: u32,
    /// Name or path in the assembly.
    pub name: String,
    /// Three rows of four, from the part to the file.
    pub matrix: [f64; 12],
    /// Colour for triangles and lines without one.
    pub colour: Option<Rgba8>,
}

/// One frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Sent once, before any step.
    Header(Header),
    /// How far the work is, 0 to 1 if known.
    Progress(Stage, Option<f32>),
    /// A step begins; the text says which entity it is.
    StepBegins(u32, String),
    /// Steps that are begun but not done are delivered together now.
    BatchBegins,
    /// All of a step was delivered.
    StepDone(u32),
    /// A new part in the coordinates of the file.
    Part(Part),
    /// A placement of a part.
    Placement(Placement),
    /// What is wrong with the file.
    Warning(String),
    /// A file that it names beside itself, whether it is there or not.
    Beside(String),
    /// The last frame of a failure.
    Failed(Failure, String),
    /// The last frame of a success.
    Finished,
}

impl Message {
    /// Writes one frame.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let mut body = Body::default();
        let tag = match self {
            Self::Header(header) => {
                body.bytes(&header.unit_flag.to_le_bytes());
                body.text(&header.unit_name);
                body.bytes(&header.mm_per_unit.to_le_bytes());
                body.text(&header.system);
                body.u32(header.entities);
                body.u32(header.steps);
                b'H'
            }
            Self::Progress(stage, done) => {
                body.bytes(&[match stage {
                    Stage::Reading => 0,
                    Stage::Translating => 1,
                }]);
                body.bytes(&done.unwrap_or(-1.0).to_le_bytes());
                b'P'
            }
            Self::StepBegins(step, entity) => {
                body.u32(*step);
                body.text(entity);
                b'B'
            }
            Self::BatchBegins => b'L',
            Self::StepDone(step) => {
                body.u32(*step);
                b'D'
            }
            Self::Part(part) => {
                body.part(part)?;
                b'M'
            }
            Self::Placement(placement) => {
                body.u32(placement.part);
                body.text(&placement.name);
                placement.matrix.iter().for_each(|v| body.bytes(&v.to_le_bytes()));
                body.bytes(&[u8::from(placement.colour.is_some())]);
                body.bytes(&placement.colour.map_or([0; 4], |c| c.0));
                b'I'
            }
            Self::Warning(text) => {
                body.text(text);
                b'W'
            }
            Self::Beside(name) => {
                body.text(name);
                b'N'
            }
            Self::Failed(failure, text) => {
                body.bytes(&[match failure {
                    Failure::Unreadable => 0,
                    Failure::OutOfMemory => 1,
                }]);
                body.text(text);
                b'F'
            }
            Self::Finished => b'E',
        };
        let length = u32::try_from(body.0.len()).ok().filter(|n| *n <= MAX_FRAME_BYTES);
        let length = length.ok_or_else(|| invalid("a part is too large to be handed over"))?;
        out.write_all(&[tag])?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&body.0)
    }

    /// Reads one frame. `None` at the end of the stream; an error when it ends within a frame or makes no sense.
    pub fn read_from(input: &mut impl Read) -> io::Result<Option<Self>> {
        let mut tag = [0; 1];
        if input.read(&mut tag)? == 0 {
            return Ok(None);
        }
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > MAX_FRAME_BYTES {
            return Err(invalid("a frame is longer than allowed"));
        }
        // Grows with what really arrives, not with what is announced.
        let mut bytes = Vec::new();
        input.take(u64::from(length)).read_to_end(&mut bytes)?;
        if bytes.len() != length as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut cursor = Cursor(&bytes);
        let message = Self::decode(tag[0], &mut cursor).ok_or_else(|| invalid("a frame cannot be understood"))?;
        if !cursor.0.is_empty() {
            return Err(invalid("a frame is longer than its content"));
        }
        if let Self::Part(part) = &message {
            part.mesh.check().map_err(|reason| invalid(&reason))?;
        }
        Ok(Some(message))
    }

    fn decode(tag: u8, body: &mut Cursor<'_>) -> Option<Self> {
        Some(match tag {
            b'H' => Self::Header(Header {
                unit_flag: i32::from_le_bytes(body.array()?),
                unit_name: body.text()?,
                mm_per_unit: f64::from_le_bytes(body.array()?),
                system: body.text()?,
                entities: body.u32()?,
                steps: body.u32()?,
            }),
            b'P' => {
                let stage = match body.array()? {
                    [0] => Stage::Reading,
                    [1] => Stage::Translating,
                    _ => return None,
                };
                let done = f32::from_le_bytes(body.array()?);
                Self::Progress(stage, (0.0..=1.0).contains(&done).then_some(done))
            }
            b'B' => Self::StepBegins(body.u32()?, body.text()?),
            b'L' => Self::BatchBegins,
            b'D' => Self::StepDone(body.u32()?),
            b'M' => Self::Part(body.part()?),
            b'I' => {
                let (part, name) = (body.u32()?, body.text()?);
                let mut matrix = [0.0; 12];
                for value in &mut matrix {
                    *value = f64::from_le_bytes(body.array()?);
                }
                let [has_colour] = body.array()?;
                let colour = body.array()?;
                Self::Placement(Placement { part, name, matrix, colour: (has_colour == 1).then_some(Rgba8(colour)) })
            }
            b'W' => Self::Warning(body.text()?),
            b'N' => Self::Beside(body.text()?),
            b'F' => {
                let failure = match body.array()? {
                    [0] => Failure::Unreadable,
                    [1] => Failure::OutOfMemory,
                    _ => return None,
                };
                Self::Failed(failure, body.text()?)
            }
            b'E' => Self::Finished,
            _ => return None,
        })
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// A body being written.
#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        let end = text.floor_char_boundary(MAX_TEXT_BYTES);
        #[expect(clippy::cast_possible_truncation, reason = "cut to MAX_TEXT_BYTES above")]
        self.u32(end as u32);
        self.bytes(&text.as_bytes()[..end]);
    }

    fn length(&mut self, length: usize) -> io::Result<()> {
        self.u32(u32::try_from(length).map_err(|_| invalid("a part is too large to be handed over"))?);
        Ok(())
    }

    fn points(&mut self, points: &[[f32; 3]]) -> io::Result<()> {
        self.length(points.len())?;
        points.iter().flatten().for_each(|v| self.bytes(&v.to_le_bytes()));
        Ok(())
    }

    fn part(&mut self, part: &Part) -> io::Result<()> {
        self.text(&part.name);
        let mesh = &part.mesh;
        self.points(&mesh.positions)?;
        self.points(&mesh.normals)?;
        self.length(mesh.indices.len())?;
        mesh.indices.iter().for_each(|i| self.u32(*i));
        self.length(mesh.colours.len())?;
        for run in &mesh.colours {
            self.u32(run.first_triangle);
            self.u32(run.triangle_count);
            self.bytes(&run.colour.0);
        }
        self.points(&mesh.edges)?;
        self.points(&mesh.lines)
    }
}

/// What is left of a body being read. Every method gives `None` when too little is left.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.u32()? as usize;
        if length > MAX_TEXT_BYTES {
            return None;
        }
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    /// `count` items of `SIZE` bytes; nothing is allocated before all of them are known to be there.
    fn items<const SIZE: usize, T>(&mut self, read: impl Fn([u8; SIZE]) -> T) -> Option<Vec<T>> {
        let count = self.u32()? as usize;
        let bytes = self.take(count.checked_mul(SIZE)?)?;
        Some(bytes.as_chunks::<SIZE>().0.iter().map(|chunk| read(*chunk)).collect())
    }

    fn points(&mut self) -> Option<Vec<[f32; 3]>> {
        self.items(|[a, b, c, d, e, f, g, h, i, j, k, l]: [u8; 12]| {
            [[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(f32::from_le_bytes)
        })
    }

    fn part(&mut self) -> Option<Part> {
        Some(Part {
            name: self.text()?,
            mesh: Mesh {
                positions: self.points()?,
                normals: self.points()?,
                indices: self.items(u32::from_le_bytes)?,
                colours: self.items(|[a, b, c, d, e, f, g, h, r, green, blue, alpha]: [u8; 12]| ColourRange {
                    first_triangle: u32::from_le_bytes([a, b, c, d]),
                    triangle_count: u32::from_le_bytes([e, f, g, h]),
                    colour: Rgba8([r, green, blue, alpha]),
                })?,
                edges: self.points()?,
                lines: self.points()?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> Part {
        let mesh = Mesh {
            positions: vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
            normals: vec![[0.0, 0.0, 1.0]; 3],
            indices: vec![0, 1, 2],
            colours: vec![ColourRange { first_triangle: 0, triangle_count: 1, colour: Rgba8([1, 2, 3, 255]) }],
            edges: vec![[0.0; 3], [1.0, 0.0, 0.0]],
            lines: vec![[5.0; 3], [6.0; 3]],
        };
        Part { name: "Röller".into(), mesh }
    }

    fn messages() -> Vec<Message> {
        let header = Header {
            unit_flag: 1,
            unit_name: "INCH".into(),
            mm_per_unit: 25.4,
            system: "somebody".into(),
            entities: 7,
            steps: 2,
        };
        let placement = Placement { part: 0, name: "a/b".into(), matrix: [1.5; 12], colour: Some(Rgba8([9; 4])) };
        vec![
            Message::Header(header),
            Message::Progress(Stage::Reading, None),
            Message::Progress(Stage::Translating, Some(0.5)),
            Message::StepBegins(1, "D7".into()),
            Message::BatchBegins,
            Message::Part(part()),
            Message::Placement(placement),
            Message::StepDone(1),
            Message::Warning("odd".into()),
            Message::Beside("colours.mtl".into()),
            Message::Failed(Failure::OutOfMemory, "full".into()),
            Message::Finished,
        ]
    }

    fn stream() -> Vec<u8> {
        let mut bytes = Vec::new();
        messages().iter().for_each(|m| m.write_to(&mut bytes).unwrap());
        bytes
    }

    #[test]
    fn every_message_survives_the_trip() {
        let bytes = stream();
        let mut rest = bytes.as_slice();
        for message in messages() {
            assert_eq!(Message::read_from(&mut rest).unwrap(), Some(message));
        }
        assert_eq!(Message::read_from(&mut rest).unwrap(), None);
    }

    #[test]
    fn a_stream_cut_anywhere_gives_whole_messages_and_then_an_error_or_the_end() {
        let bytes = stream();
        for cut in 0..bytes.len() {
            let mut rest = &bytes[..cut];
            let mut whole = 0;
            while let Ok(Some(message)) = Message::read_from(&mut rest) {
                assert_eq!(message, messages()[whole]);
                whole += 1;
            }
            assert!(whole < messages().len());
        }
    }

    #[test]
    fn every_changed_byte_is_either_harmless_or_refused() {
        let bytes = stream();
        for at in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                let mut rest = changed.as_slice();
                while let Ok(Some(message)) = Message::read_from(&mut rest) {
                    if let Message::Part(part) = message {
                        part.mesh.check().unwrap();
                    }
                }
            }
        }
    }

    #[test]
    fn an_index_past_the_points_is_refused() {
        let mut bad = part();
        bad.mesh.indices[2] = 3;
        let mut bytes = Vec::new();
        Message::Part(bad).write_to(&mut bytes).unwrap();
        let error = Message::read_from(&mut bytes.as_slice()).unwrap_err();
        assert!(error.to_string().contains("index 3"), "{error}");
    }

    #[test]
    fn an_announced_gigabyte_is_not_allocated() {
        let mut bytes = vec![b'M'];
        bytes.extend((MAX_FRAME_BYTES).to_le_bytes());
        assert!(Message::read_from(&mut bytes.as_slice()).is_err());
        bytes[1..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(Message::read_from(&mut bytes.as_slice()).unwrap_err().to_string().contains("longer than allowed"));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut bytes = Vec::new();
        Message::Warning("ö".repeat(MAX_TEXT_BYTES)).write_to(&mut bytes).unwrap();
        let Some(Message::Warning(text)) = Message::read_from(&mut bytes.as_slice()).unwrap() else { panic!() };
        assert_eq!(text.len(), MAX_TEXT_BYTES);
    }
}
