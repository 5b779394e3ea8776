//! What an IGES file says by itself, read by the rules of the fixed form (IGES 5.3, 2.2) and without the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A directory entry with its parameters, those after the type number.
pub struct Entry {
    pub kind: i64,
    pub colour: i64,
    /// Of another entity in the physical sense: it is not shown by itself.
    pub is_dependent: bool,
    /// A definition, a property or the like, not geometry.
    pub is_definition: bool,
    pub parameters: Vec<String>,
}

/// The entities of a file by their directory number.
pub struct Directory(BTreeMap<i64, Entry>);

impl Directory {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().filter(|l| l.len() >= 80).collect();
        let section =
            |letter: u8| lines.iter().filter(move |l| l.as_bytes()[72] == letter).copied().collect::<Vec<_>>();
        let (directory, data) = (section(b'D'), section(b'P'));
        let entries = directory.chunks_exact(2).zip((1..).step_by(2)).map(|(pair, number)| {
            let field = |line: usize, index: usize| int(&pair[line][index * 8..index * 8 + 8]);
            let [first, count] = [field(0, 1) - 1, field(1, 3)].map(|n| usize::try_from(n).unwrap());
            let joined: String = data[first..first + count].iter().map(|l| &l[..64]).collect();
            let entry = Entry {
                kind: field(0, 0),
                colour: field(1, 2),
                is_dependent: int(&pair[0][66..68]) & 1 == 1,
                is_definition: int(&pair[0][68..70]) == 2,
                parameters: fields(&joined).split_off(1),
            };
            (number, entry)
        });
        Self(entries.collect())
    }

    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.values()
    }

    /// The colour of a directory entry: none, one of the eight of the standard, or a definition (314).
    pub fn colour(&self, entry: &Entry) -> Option<[u8; 4]> {
        match entry.colour {
            0 => None,
            n @ 1..=8 => {
                let bits = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]];
                let [r, g, b] = bits[usize::try_from(n - 1).unwrap()].map(|bit| bit * 255);
                Some([r, g, b, 255])
            }
            pointer => {
                let definition = &self.0[&-pointer];
                assert_eq!(definition.kind, 314);
                let byte = |i: usize| (real(&definition.parameters[i]) * 255.0 / 100.0).round() as u8;
                Some([byte(0), byte(1), byte(2), 255])
            }
        }
    }

    /// How often each subfigure (308) with geometry of its own stands in the model, by name.
    pub fn placements(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        let pointed_at: BTreeSet<i64> = self.0.values().flat_map(members).collect();
        for (number, entry) in &self.0 {
            if !pointed_at.contains(number) && !entry.is_definition {
                self.place(*number, &mut found);
            }
        }
        found
    }

    fn place(&self, number: i64, found: &mut BTreeMap<String, usize>) {
        let entry = &self.0[&number];
        if entry.kind == 308 && members(entry).iter().any(|m| !matches!(self.0[m].kind, 402 | 408)) {
            let name = entry.parameters[1].split_once('H').unwrap().1.to_owned();
            *found.entry(name).or_default() += 1;
        }
        members(entry).into_iter().for_each(|member| self.place(member, found));
    }
}

/// What a group, an instance or a subfigure holds.
fn members(entry: &Entry) -> Vec<i64> {
    let list = |count: usize| {
        let length = usize::try_from(int(&entry.parameters[count])).unwrap();
        entry.parameters[count + 1..][..length].iter().map(|p| int(p)).collect()
    };
    match entry.kind {
        402 => list(0),
        308 => list(2),
        408 => vec![int(&entry.parameters[0])],
        _ => Vec::new(),
    }
}

fn int(field: &str) -> i64 {
    field.trim().parse().unwrap_or(0)
}

fn real(field: &str) -> f64 {
    field.trim().replace('D', "E").parse().unwrap()
}

/// Splits at commas up to the semicolon; strings (`4Hname`) may hold both.
fn fields(data: &str) -> Vec<String> {
    let (mut out, mut rest) = (Vec::new(), data);
    while let Some(at) = rest.find([',', ';', 'H']) {
        let end = if rest.as_bytes()[at] == b'H' { at + 1 + rest[..at].trim().parse::<usize>().unwrap() } else { at };
        out.push(rest[..end].trim().to_owned());
        if rest.as_bytes().get(end) != Some(&b',') {
            break;
        }
        rest = &rest[end + 1..];
    }
    out
}
