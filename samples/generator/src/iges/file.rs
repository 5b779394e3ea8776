//! The file itself: start, global, directory, parameter and terminate sections (specification, chapter 2).

use std::fmt::Write;

/// Pointer to a directory entry: its sequence number, always odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct De(pub usize);

/// Length unit of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgesUnit {
    /// Unit flag 2.
    Millimetre,
    /// Unit flag 1.
    Inch,
}

impl IgesUnit {
    /// How many of this unit a millimetre is.
    pub fn per_mm(self) -> f64 {
        match self {
            Self::Millimetre => 1.0,
            Self::Inch => 1.0 / 25.4,
        }
    }
}

/// A real constant as IGES wants it: always with a point, at most six decimals, no negative zero.
pub fn real(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0');
    if text == "-0." { "0.".to_owned() } else { text.to_owned() }
}

/// The parameters of one entity, without its type number.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<String>);

impl Params {
    /// No parameters yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An integer.
    pub fn int(mut self, value: usize) -> Self {
        self.0.push(value.to_string());
        self
    }

    /// Reals.
    pub fn reals(mut self, values: impl IntoIterator<Item = f64>) -> Self {
        self.0.extend(values.into_iter().map(real));
        self
    }

    /// A pointer to another entity.
    pub fn to(mut self, de: De) -> Self {
        self.0.push(de.0.to_string());
        self
    }

    /// How many pointers follow, and the pointers.
    pub fn list(mut self, des: &[De]) -> Self {
        self.0.push(des.len().to_string());
        self.0.extend(des.iter().map(|d| d.0.to_string()));
        self
    }

    /// A Hollerith string. IGES text is ASCII: anything else becomes `?`.
    pub fn text(mut self, text: &str) -> Self {
        self.0.push(hollerith(text));
        self
    }
}

fn hollerith(text: &str) -> String {
    let ascii: String = text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
    format!("{}H{ascii}", ascii.len())
}

/// What the directory says of an entity besides its type.
#[derive(Debug, Clone, Default)]
pub struct Entity {
    /// Entity type number.
    pub kind: u16,
    /// Form number.
    pub form: u16,
    /// Parameters after the type number.
    pub params: Params,
    /// Its transformation matrix.
    pub matrix: Option<De>,
    /// Its colour definition.
    pub colour: Option<De>,
    /// Status number: blank, subordinate, use, hierarchy; two digits each.
    pub status: u32,
    /// At most eight characters.
    pub label: String,
    /// Number after the label, 0 for none.
    pub subscript: usize,
}

/// A file under construction.
#[derive(Debug)]
pub struct IgesFile {
    entities: Vec<Entity>,
    name: String,
    unit: IgesUnit,
    notes: Vec<String>,
    largest: f64,
}

impl IgesFile {
    /// An empty file; `notes` fill the start section, `largest` bounds every coordinate in the file's unit.
    pub fn new(name: &str, unit: IgesUnit, notes: &[&str], largest: f64) -> Self {
        Self {
            entities: Vec::new(),
            name: name.to_owned(),
            unit,
            notes: notes.iter().map(|&n| n.to_owned()).collect(),
            largest,
        }
    }

    /// Adds an entity and tells how to point to it.
    pub fn add(&mut self, entity: Entity) -> De {
        self.entities.push(entity);
        De(self.entities.len() * 2 - 1)
    }

    /// Changes an entity that is already there.
    pub fn entity_mut(&mut self, de: De) -> &mut Entity {
        &mut self.entities[de.0 / 2]
    }

    /// The text of the file.
    pub fn finish(&self) -> String {
        let mut out = String::new();
        let start: Vec<String> = self.notes.iter().flat_map(|n| chunks(n, 72)).collect();
        section(&mut out, 'S', &start);
        let global = self.global();
        section(&mut out, 'G', &global);

        let mut parameters: Vec<(String, usize)> = Vec::new();
        let mut directory: Vec<String> = Vec::with_capacity(self.entities.len() * 2);
        for (i, e) in self.entities.iter().enumerate() {
            let lines = parameter_lines(e);
            let de = i * 2 + 1;
            let pointer = |d: Option<De>| d.map_or(0, |d| d.0);
            directory.push(format!(
                "{:8}{:8}{:8}{:8}{:8}{:8}{:8}{:8}{:08}",
                e.kind,
                parameters.len() + 1,
                0,
                1,
                0,
                0,
                pointer(e.matrix),
                0,
                e.status
            ));
            let colour = e.colour.map_or_else(|| "0".to_owned(), |d| format!("-{}", d.0));
            directory.push(format!(
                "{:8}{:8}{:>8}{:8}{:8}{:8}{:8}{:>8}{:8}",
                e.kind,
                0,
                colour,
                lines.len(),
                e.form,
                "",
                "",
                e.label,
                e.subscript
            ));
            parameters.extend(lines.into_iter().map(|l| (l, de)));
        }
        section(&mut out, 'D', &directory);
        let parameters: Vec<String> = parameters.iter().map(|(text, de)| format!("{text:<64} {de:7}")).collect();
        section(&mut out, 'P', &parameters);

        let counts = format!("S{:7}G{:7}D{:7}P{:7}", start.len(), global.len(), directory.len(), parameters.len());
        section(&mut out, 'T', &[counts]);
        out
    }

    /// The global section's 26 parameters (specification, 2.2.4.3).
    fn global(&self) -> Vec<String> {
        let (flag, unit) = match self.unit {
            IgesUnit::Millimetre => ("2", "2HMM"),
            IgesUnit::Inch => ("1", "2HIN"),
        };
        let date = hollerith("20250101.000000");
        let fields = [
            "1H,".to_owned(),
            "1H;".to_owned(),
            hollerith(&self.name),
            hollerith(&format!("{}.igs", self.name)),
            hollerith("Remote Render samples"),
            hollerith("rr-samples 1"),
            "32".to_owned(),
            "38".to_owned(),
            "6".to_owned(),
            "308".to_owned(),
            "15".to_owned(),
            hollerith(&self.name),
            "1.".to_owned(),
            flag.to_owned(),
            unit.to_owned(),
            "1".to_owned(),
            "0.1".to_owned(),
            date.clone(),
            "1.E-4".to_owned(),
            real(self.largest),
            hollerith("Remote Render"),
            hollerith("Remote Render"),
            "11".to_owned(),
            "0".to_owned(),
            date,
            String::new(),
        ];
        wrap(&fields, 72)
    }
}

fn parameter_lines(e: &Entity) -> Vec<String> {
    let mut fields = vec![e.kind.to_string()];
    fields.extend(e.params.0.iter().cloned());
    wrap(&fields, 64)
}

/// Fields with their delimiters on lines of a width. Numbers stay whole; long strings may run on.
fn wrap(fields: &[String], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (i, field) in fields.iter().enumerate() {
        let token = format!("{field}{}", if i + 1 == fields.len() { ';' } else { ',' });
        if line.len() + token.len() > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut pieces = chunks(&token, width);
        line.push_str(&pieces.remove(0));
        for piece in pieces {
            lines.push(std::mem::replace(&mut line, piece));
        }
    }
    lines.push(line);
    lines
}

/// ASCII text cut to a width; at least one piece.
fn chunks(text: &str, width: usize) -> Vec<String> {
    let mut out: Vec<String> = text.as_bytes().chunks(width).map(|c| String::from_utf8_lossy(c).into_owned()).collect();
    if out.is_empty() {
        out.push(String::new());
    }
    out
}

fn section(out: &mut String, letter: char, lines: &[String]) {
    for (i, line) in lines.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{line:<72}{letter}{:7}", i + 1);
    }
}
