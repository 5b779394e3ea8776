//! Repairs the frame of a damaged IGES file, so that the geometry kernel gets past reading it.
//!
//! The kernel crashes on entities whose parameters are missing or cut off, above all in files that were not copied to
//! their end. Such entities are replaced by null entities (type 0, IGES 5.3, 4.2), which keeps all numbers valid.

use std::collections::{BTreeMap, BTreeSet};

/// A repaired copy and the number of entities that were replaced.
#[derive(Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Entities that are null now.
    pub replaced: usize,
}

/// Column of the section letter; the sequence number follows it (IGES 5.3, 2.2.1).
const LETTER: usize = 72;
const LINE: usize = 80;
/// Width of a field of the directory.
const FIELD: usize = 8;
/// Ends the parameters of an entity, unless the file says otherwise: then it is not repaired.
const RECORD_END: u8 = b';';

/// Repairs a file; `None` when it has no directory to begin with, or needs no repair.
pub fn repair(file: &[u8]) -> Option<Repaired> {
    let lines: Vec<&[u8]> = file.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end).collect();
    let section = |letter: u8| lines.iter().filter(move |line| line.get(LETTER) == Some(&letter)).copied();
    let complete = complete_entities(section(b'P'));
    let directory: BTreeMap<usize, &[u8]> = section(b'D').filter_map(|line| Some((sequence(line)?, line))).collect();
    let last = *directory.keys().next_back()?;
    // Sequence numbers out of thin air would fill the memory with null entities.
    if last > 4 * lines.len() || complete.is_empty() {
        return None;
    }

    let mut text = Vec::with_capacity(file.len() + LINE);
    let mut push = |line: &[u8]| {
        text.extend_from_slice(line);
        text.push(b'\n');
    };
    section(b'S').chain(section(b'G')).for_each(&mut push);
    let mut replaced = 0;
    for number in (1..=last).step_by(2) {
        match (directory.get(&number), directory.get(&(number + 1))) {
            (Some(first), Some(second)) if complete.contains(&number) => {
                push(first);
                push(second);
            }
            _ => {
                replaced += 1;
                push(&null_line(number));
                push(&null_line(number + 1));
            }
        }
    }
    let mut parameter_lines = 0;
    section(b'P').for_each(|line| {
        push(line);
        parameter_lines += 1;
    });
    let count = |letter: u8| section(letter).count();
    let counts = format!("S{:>7}G{:>7}D{:>7}P{parameter_lines:>7}", count(b'S'), count(b'G'), last.next_multiple_of(2));
    push(format!("{counts:<72}T{:>7}", 1).as_bytes());
    (replaced > 0).then_some(Repaired { bytes: text, replaced })
}

/// Directory numbers of entities whose parameters end as they should.
fn complete_entities<'a>(parameters: impl Iterator<Item = &'a [u8]>) -> BTreeSet<usize> {
    let mut last_lines: BTreeMap<usize, &[u8]> = BTreeMap::new();
    for line in parameters {
        // Columns 65 to 72 name the entity that the line belongs to (IGES 5.3, 2.2.4.5).
        if let Some(owner) = line.get(LETTER - FIELD..LETTER).and_then(number) {
            last_lines.insert(owner, &line[..LETTER - FIELD]);
        }
    }
    last_lines.into_iter().filter(|(_, line)| line.contains(&RECORD_END)).map(|(owner, _)| owner).collect()
}

fn sequence(line: &[u8]) -> Option<usize> {
    number(line.get(LETTER + 1..)?)
}

fn number(field: &[u8]) -> Option<usize> {
    std::str::from_utf8(field).ok()?.trim().parse().ok().filter(|n| *n > 0)
}

/// A line of a directory entry of type 0 that points to the first parameter line.
fn null_line(number: usize) -> Vec<u8> {
    let second = if number.is_multiple_of(2) { 0 } else { 1 };
    format!("{:>8}{second:>8}{:<56}D{number:>7}", 0, "").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, letter: char, number: usize) -> String {
        format!("{text:<72}{letter}{number:>7}\n")
    }

    fn file() -> String {
        let directory = |n: usize| line("     110       1", 'D', n) + &line("     110       0", 'D', n + 1);
        let parameters = |n: usize, p: usize| line(&format!("{:<64}{n:>8}", "110,0.,0.,0.,1.,0.,0.;"), 'P', p);
        line("", 'S', 1)
            + &line("1H,,1H;;", 'G', 1)
            + &(directory(1) + &directory(3) + &directory(5))
            + &(parameters(1, 1) + &parameters(3, 2) + &parameters(5, 3))
            + &line("S      1G      1D      6P      3", 'T', 1)
    }

    fn repaired(text: &str) -> (Vec<String>, usize) {
        let repaired = repair(text.as_bytes()).unwrap();
        (String::from_utf8(repaired.bytes).unwrap().lines().map(str::to_owned).collect(), repaired.replaced)
    }

    #[test]
    fn a_sound_file_is_left_alone() {
        assert_eq!(repair(file().as_bytes()), None);
    }

    #[test]
    fn an_entity_without_the_end_of_its_parameters_becomes_null() {
        let text = file();
        let cut = text.find("110,0.,0.,0.,1.,0.,0.;").unwrap();
        let (lines, replaced) =
            repaired(&(text[..cut + 12].to_owned() + &" ".repeat(52) + "       1P      1\n" + &text[cut + 81..]));
        assert_eq!(replaced, 1);
        assert_eq!(lines[2], line("       0       1", 'D', 1).trim_end());
        assert!(lines[4].starts_with("     110"));
    }

    #[test]
    fn a_file_cut_off_gets_its_end_back() {
        let text = file();
        let lines: Vec<&str> = text.lines().collect();
        let (repaired_lines, replaced) = repaired(&lines[..9].join("\n"));
        assert_eq!(replaced, 2);
        assert_eq!(repaired_lines.len(), 10);
        assert!(repaired_lines[9].starts_with("S      1G      1D      6P      1"));
        assert_eq!(&repaired_lines[9][72..], "T      1");
        assert!(repaired_lines.iter().all(|l| l.len() == LINE));
    }

    #[test]
    fn a_lost_directory_line_does_not_move_the_others() {
        let text = file();
        let lines: Vec<&str> = text.lines().collect();
        let without: Vec<&str> = [&lines[..3], &lines[4..]].concat();
        let (repaired_lines, replaced) = repaired(&without.join("\n"));
        assert_eq!((replaced, repaired_lines.len()), (1, lines.len()));
        assert_eq!(repaired_lines[4], lines[4]);
    }

    #[test]
    fn nonsense_is_not_repaired() {
        for text in ["", "hello", &line("x", 'D', 9_999_999), &"x".repeat(500)] {
            assert_eq!(repair(text.as_bytes()), None);
        }
    }
}
