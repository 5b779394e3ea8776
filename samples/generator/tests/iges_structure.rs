//! The IGES files are read back by the rules of the fixed form, without the writer's help.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a panic is a failure")]

use rr_samples::outputs::{Format, samples};
use std::collections::{BTreeMap, BTreeSet};

/// A directory entry with its parameters.
#[derive(Debug)]
struct Entry {
    kind: u32,
    form: u32,
    matrix: usize,
    colour: i64,
    parameters: Vec<String>,
}

/// Reads a file and checks records, sequence numbers, counts and pointers between the sections.
fn parse(text: &str) -> Result<BTreeMap<usize, Entry>, String> {
    let mut sections: BTreeMap<char, Vec<&str>> = BTreeMap::new();
    let mut order = String::new();
    for (n, line) in text.lines().enumerate() {
        if line.len() != 80 || !line.is_ascii() {
            return Err(format!("line {}: {} bytes", n + 1, line.len()));
        }
        let letter = line.as_bytes()[72] as char;
        if !order.ends_with(letter) {
            order.push(letter);
        }
        let section = sections.entry(letter).or_default();
        section.push(line);
        if line[73..].trim().parse() != Ok(section.len()) {
            return Err(format!("line {}: sequence number", n + 1));
        }
    }
    if order != "SGDPT" {
        return Err(format!("sections {order}"));
    }
    let counts: String = "SGDP".chars().map(|c| format!("{c}{:7}", sections[&c].len())).collect();
    if sections[&'T'].len() != 1 || sections[&'T'][0][..72].trim_end() != counts {
        return Err("terminate section".to_owned());
    }
    let field = |line: &str, i: usize| line[i * 8..i * 8 + 8].trim().to_owned();
    let number = |line: &str, i: usize| field(line, i).parse::<i64>().map_err(|e| format!("{line}: {e}"));
    let (directory, data) = (&sections[&'D'], &sections[&'P']);
    let mut entries = BTreeMap::new();
    let mut next_line = 1;
    for pair in directory.chunks(2) {
        let de = entries.len() * 2 + 1;
        let [a, b] = pair else { return Err("odd directory".to_owned()) };
        let (start, count) = (number(a, 1)?, number(b, 3)?);
        if start != next_line || number(a, 0)? != number(b, 0)? {
            return Err(format!("D{de}: parameters begin at {start}, not {next_line}"));
        }
        next_line += count;
        let mut joined = String::new();
        for line in &data[start as usize - 1..(start + count - 1) as usize] {
            if line[64..72].trim().parse() != Ok(de) {
                return Err(format!("D{de}: back pointer of {line}"));
            }
            joined.push_str(&line[..64]);
        }
        let mut parameters = fields(&joined).ok_or(format!("D{de}: parameters {joined}"))?;
        if parameters.remove(0) != field(a, 0) {
            return Err(format!("D{de}: type"));
        }
        entries.insert(
            de,
            Entry {
                kind: number(a, 0)? as u32,
                form: number(b, 4)? as u32,
                matrix: number(a, 6)? as usize,
                colour: number(b, 2)?,
                parameters,
            },
        );
    }
    if next_line as usize != data.len() + 1 {
        return Err("parameter lines left over".to_owned());
    }
    Ok(entries)
}

/// Splits at commas up to the semicolon; Hollerith strings may hold both.
fn fields(data: &str) -> Option<Vec<String>> {
    let (mut out, mut rest) = (Vec::new(), data);
    loop {
        let end = rest.find([',', ';', 'H'])?;
        let stop = if rest.as_bytes()[end] == b'H' { end + 1 + rest[..end].trim().parse::<usize>().ok()? } else { end };
        out.push(rest[..stop].trim_start().to_owned());
        match rest.as_bytes().get(stop)? {
            b',' => rest = &rest[stop + 1..],
            b';' => return Some(out),
            _ => return None,
        }
    }
}

/// Pointers to other entries, each with the types it may have.
fn pointers(e: &Entry) -> Vec<(usize, &'static [u32])> {
    const CURVE: &[u32] = &[100, 102, 110];
    const MEMBER: &[u32] = &[100, 102, 106, 108, 110, 126, 128, 144, 402, 408];
    let at = |i: usize| e.parameters[i].parse().unwrap();
    let run = |first: usize, count: usize, kinds: &'static [u32]| (first..first + count).map(move |i| (i, kinds));
    let wanted: Vec<(usize, &'static [u32])> = match e.kind {
        102 => run(1, at(0), CURVE).collect(),
        108 => vec![(4, CURVE)],
        118 => vec![(0, CURVE), (1, CURVE)],
        120 => vec![(0, &[110]), (1, CURVE)],
        122 => vec![(0, CURVE)],
        142 => vec![(1, &[128]), (2, CURVE), (3, CURVE)],
        144 => {
            let mut all: Vec<(usize, &'static [u32])> = vec![(0, &[118, 120, 122, 128])];
            if at(1) == 1 {
                all.push((3, &[142]));
            }
            all.extend(run(4, at(2), &[142]));
            all
        }
        308 => run(3, at(2), MEMBER).collect(),
        402 => {
            let n = at(0);
            let mut all: Vec<_> = run(1, n, MEMBER).collect();
            all.push((n + 3, &[406]));
            all
        }
        408 => vec![(0, &[308])],
        _ => Vec::new(),
    };
    let mut found: Vec<_> = wanted.into_iter().map(|(i, kinds)| (at(i), kinds)).collect();
    if e.matrix != 0 {
        found.push((e.matrix, &[124]));
    }
    if e.colour != 0 {
        found.push((usize::try_from(-e.colour).unwrap(), &[314]));
    }
    found
}

fn files() -> Vec<(String, String)> {
    let all = samples();
    let iges = all.iter().filter(|s| matches!(s.format, Format::Iges(_)));
    iges.map(|s| (s.path(), String::from_utf8(s.bytes()).unwrap())).collect()
}

#[test]
fn records_and_pointers_are_sound() {
    for (path, text) in files() {
        let entries = parse(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
        let mut used = BTreeSet::new();
        for (de, e) in &entries {
            for (to, kinds) in pointers(e) {
                let target = entries.get(&to).unwrap_or_else(|| panic!("{path}: D{de} points to D{to}"));
                assert!(kinds.contains(&target.kind), "{path}: D{de} ({}) points to a {}", e.kind, target.kind);
                used.insert(to);
            }
        }
        // Everything hangs on one root: the named group of the whole model, which comes last.
        let roots: Vec<_> = entries.keys().filter(|de| !used.contains(de)).collect();
        assert_eq!(roots.len(), 1, "{path}: {roots:?}");
        assert_eq!((entries[roots[0]].kind, entries[roots[0]].form), (402, 7), "{path}");
        assert!(entries.values().filter(|e| matches!(e.kind, 144 | 108)).all(|e| e.colour < 0), "{path}: no colour");
    }
}

#[test]
fn units_are_declared() {
    for (path, text) in files() {
        let global: String = text.lines().filter(|l| l.as_bytes()[72] == b'G').map(|l| &l[..72]).collect();
        let fields = fields(&global).unwrap();
        let expected = if path.contains("belt") { ("1", "2HIN") } else { ("2", "2HMM") };
        assert_eq!((fields[13].as_str(), fields[14].as_str()), expected, "{path}");
        assert_eq!(fields[22], "11", "{path}: version flag of IGES 5.3");
    }
}

#[test]
fn the_features_that_readers_need_are_there() {
    let mut kinds = BTreeSet::new();
    for (_, text) in files() {
        kinds.extend(parse(&text).unwrap().values().map(|e| e.kind));
    }
    let expected = [100, 102, 106, 108, 110, 118, 120, 122, 124, 126, 128, 142, 144, 308, 314, 402, 406, 408];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn rollers_are_instances_of_one_definition() {
    let (_, text) = files().into_iter().find(|(p, _)| p.contains("roller-conveyor")).unwrap();
    let entries = parse(&text).unwrap();
    let roller = entries.iter().find(|(_, e)| e.kind == 308 && e.parameters[1] == "6HRoller").unwrap().0.to_string();
    let instances = entries.values().filter(|e| e.kind == 408 && e.parameters[0] == roller);
    assert_eq!(instances.count(), 24);
}

#[test]
fn the_checks_can_fail() {
    let (_, text) = files().remove(0);
    assert!(parse(&text.replacen('D', "D ", 1)).is_err());
    let without_line: String =
        text.lines().enumerate().filter(|(n, _)| *n != 60).map(|(_, l)| format!("{l}\n")).collect();
    assert!(parse(&without_line).is_err());
    let end = text.rfind("T      1").unwrap();
    assert!(parse(&text.replace(&text[end - 72..end - 64], "S     99")).is_err());
}
