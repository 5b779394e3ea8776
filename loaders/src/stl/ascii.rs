//! ASCII STL, read word by word, so that any white space and line ends will do.
//!
//! The text is cut at lines that begin with `facet`, and the pieces are read in parallel. A file without line breaks
//! is one piece.

use super::{
    check_count, malformed, number,
    pieces::{Facets, Piece, is_usable, unusable_warning},
};
use crate::{LoadContext, LoadError, Source, context::Steps};
use rayon::prelude::*;
use std::{ops::Range, sync::Arc};

const CHUNK_BYTES: usize = 1 << 20;
/// No real file has that many; a hostile one must not make that many meshes.
const MAX_SOLIDS: usize = 10_000;
const MAX_NAME_BYTES: usize = 256;

/// The first word in lower case, if it is short.
pub(super) fn first_word(head: &[u8]) -> Option<Vec<u8>> {
    let word = Words::new(without_bom(head), 0).next()?.1;
    (word.len() <= 16).then(|| word.to_ascii_lowercase())
}

fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

/// The solids and the warnings.
pub(super) fn read(source: &Source, context: &LoadContext) -> Result<(Vec<Piece<'static>>, Vec<String>), LoadError> {
    let text = without_bom(source.bytes());
    let offset = source.bytes().len() - text.len();
    let cuts = cuts(text, CHUNK_BYTES);
    let steps = Steps::new(source, context, "reading facets", 0.2..0.4, cuts.len());
    let chunks: Vec<Chunk> = cuts
        .into_par_iter()
        .map(|range| {
            steps.step()?;
            Ok(Chunk::read(&text[range.clone()], range.start + offset))
        })
        .collect::<Result<_, LoadError>>()?;

    let mut all = Chunk::default();
    let total = chunks.iter().map(|c| c.triangles.len()).sum();
    check_count(source, total as u64, context)?;
    all.triangles.reserve_exact(total);
    chunks.into_iter().for_each(|chunk| all.append(chunk));
    let mut warnings = all.damage.warnings();
    if all.triangles.is_empty() {
        let (at, reason) = match all.damage.first {
            Some((at, reason)) => (Some(at as u64), format!("no usable facet in it; first damage: {reason}")),
            None => (None, "there are no facets in it".to_owned()),
        };
        return Err(malformed(source, at, reason));
    }
    if !matches!(all.marks.last(), Some((_, Mark::EndSolid))) {
        warnings.push("the last solid has no `endsolid`: the file may be cut off".to_owned());
    }
    Ok((all.into_pieces(&mut warnings), warnings))
}

/// Ranges of about `chunk_bytes`, each but the first beginning with a line that begins with `facet`.
fn cuts(text: &[u8], chunk_bytes: usize) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = next_facet_line(text, start + chunk_bytes).unwrap_or(text.len());
        cuts.push(start..end);
        start = end;
    }
    cuts
}

fn next_facet_line(text: &[u8], from: usize) -> Option<usize> {
    let tail = text.get(from..)?;
    memchr::memchr2_iter(b'\n', b'\r', tail).find_map(|at| {
        let line = &tail[at..];
        let indent = line.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let word = line[indent..].get(..6)?;
        (word[..5].eq_ignore_ascii_case(b"facet") && word[5].is_ascii_whitespace()).then_some(from + at + indent)
    })
}

/// Words and where they begin.
struct Words<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    #[inline]
    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|b| !number::is_space(*b)).unwrap_or(rest.len());
    }

    /// The rest of the line, or up to a facet that begins in it.
    fn line(&mut self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let line = &rest[..memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())];
        let end = line
            .windows(13)
            .position(|w| w[0].is_ascii_whitespace() && w[1..].eq_ignore_ascii_case(b"facet normal"))
            .unwrap_or(line.len());
        self.at += end;
        &line[..end]
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = (usize, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.skip_space();
        let (start, rest) = (self.at, &self.text[self.at..]);
        let length = rest.iter().position(|b| number::is_space(*b)).unwrap_or(rest.len());
        self.at += length;
        (length > 0).then(|| (start, &rest[..length]))
    }
}

enum Mark {
    Solid(String),
    EndSolid,
}

/// What was read of one range of the text.
#[derive(Default)]
struct Chunk {
    triangles: Vec<[[f32; 3]; 3]>,
    /// Number of triangles before the mark.
    marks: Vec<(usize, Mark)>,
    damage: Damage,
}

/// What was wrong, counted, and the first of it with its offset in the file.
#[derive(Default)]
struct Damage {
    facets: usize,
    unusable: usize,
    incomplete: usize,
    extra_corners: usize,
    unknown_words: usize,
    first: Option<(usize, String)>,
}

impl Chunk {
    fn read(text: &[u8], offset: usize) -> Self {
        let mut chunk = Self { triangles: Vec::with_capacity(text.len() / 200), ..Self::default() };
        let mut words = Words::new(text, 0);
        let mut facet: Option<Facet> = None;
        while let Some((at, word)) = words.next() {
            // Most words differ in their length or first letter already.
            let is = |keyword: &[u8]| {
                word.len() == keyword.len() && word[0] | 0x20 == keyword[0] && word.eq_ignore_ascii_case(keyword)
            };
            if is(b"vertex") {
                let corner = read_corner(&mut words);
                match &mut facet {
                    Some(facet) => facet.add(corner),
                    None => chunk.damage.note(offset + at, "a vertex outside a facet").unknown_words += 1,
                }
            } else if is(b"facet") {
                chunk.end_facet(facet.replace(Facet::new(offset + at)));
                skip_normal(&mut words);
            } else if is(b"endfacet") {
                chunk.end_facet(facet.take());
            } else if is(b"outer") || is(b"loop") || is(b"endloop") {
            } else if is(b"solid") {
                chunk.end_facet(facet.take());
                chunk.marks.push((chunk.triangles.len(), Mark::Solid(name(words.line()))));
            } else if is(b"endsolid") {
                chunk.end_facet(facet.take());
                words.line();
                chunk.marks.push((chunk.triangles.len(), Mark::EndSolid));
            } else {
                let shown = String::from_utf8_lossy(&word[..word.len().min(32)]).escape_debug().to_string();
                chunk.damage.note(offset + at, &format!("the unknown word \"{shown}\"")).unknown_words += 1;
            }
        }
        chunk.end_facet(facet);
        chunk
    }

    fn end_facet(&mut self, facet: Option<Facet>) {
        let Some(facet) = facet else { return };
        self.damage.facets += 1;
        if facet.count < 3 || facet.has_bad_number {
            self.damage.note(facet.at, "a facet without three corners of three numbers").incomplete += 1;
            return;
        }
        if facet.count > 3 {
            self.damage.note(facet.at, "a facet with more than three corners").extra_corners += 1;
        }
        if is_usable(&facet.corners) {
            self.triangles.push(facet.corners);
        } else {
            self.damage.note(facet.at, "a facet with an unusable coordinate").unusable += 1;
        }
    }

    fn append(&mut self, other: Self) {
        let before = self.triangles.len();
        self.triangles.extend_from_slice(&other.triangles);
        self.marks.extend(other.marks.into_iter().map(|(at, mark)| (before + at, mark)));
        let (a, b) = (&mut self.damage, other.damage);
        a.facets += b.facets;
        a.unusable += b.unusable;
        a.incomplete += b.incomplete;
        a.extra_corners += b.extra_corners;
        a.unknown_words += b.unknown_words;
        a.first = a.first.take().or(b.first);
    }

    /// Solids with facets, each a part.
    fn into_pieces(self, warnings: &mut Vec<String>) -> Vec<Piece<'static>> {
        let all = Arc::new(self.triangles);
        let mut solids: Vec<(String, Range<usize>)> = Vec::new();
        let mut empty = 0;
        let mut open = (0, None);
        let end = (all.len(), Mark::EndSolid);
        for (at, mark) in self.marks.into_iter().chain([end]) {
            let (from, name) = open;
            if at > from && solids.len() < MAX_SOLIDS {
                solids.push((name.unwrap_or_default(), from..at));
            } else if at > from {
                if let Some(last) = solids.last_mut() {
                    last.1.end = at;
                }
            } else if name.is_some() {
                empty += 1;
            }
            open = (at, if let Mark::Solid(name) = mark { Some(name) } else { None });
        }
        if empty > 0 {
            warnings.push(format!("{empty} of {} solids have no facets", empty + solids.len()));
        }
        if solids.len() == MAX_SOLIDS {
            warnings.push(format!("solids after the first {MAX_SOLIDS} are read as one"));
        }
        solids
            .into_iter()
            .map(|(name, range)| Piece {
                name,
                soup: Facets::Parsed(Arc::clone(&all), range),
                colours: Vec::new(),
                default_colour: None,
            })
            .collect()
    }
}

impl Damage {
    fn note(&mut self, at: usize, what: &str) -> &mut Self {
        self.first.get_or_insert_with(|| (at, what.to_owned()));
        self
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.unusable > 0 {
            warnings.push(unusable_warning(self.unusable, self.facets));
        }
        let counts = [
            (self.incomplete, "facets are left out: they lack three corners of three numbers"),
            (self.extra_corners, "facets have more than three corners: the first three are taken"),
            (self.unknown_words, "words are unknown and skipped"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            warnings.push(format!("{count} {what}"));
        }
        if let (Some((at, what)), false) = (&self.first, warnings.is_empty()) {
            warnings.push(format!("first damage: {what} (at byte {at})"));
        }
        warnings
    }
}

/// A facet being read.
struct Facet {
    at: usize,
    corners: [[f32; 3]; 3],
    count: usize,
    has_bad_number: bool,
}

impl Facet {
    fn new(at: usize) -> Self {
        Self { at, corners: [[0.0; 3]; 3], count: 0, has_bad_number: false }
    }

    fn add(&mut self, corner: Option<[f32; 3]>) {
        if let Some(slot) = self.corners.get_mut(self.count) {
            self.has_bad_number |= corner.is_none();
            *slot = corner.unwrap_or_default();
        }
        self.count += 1;
    }
}

/// Three numbers; a keyword where a number belongs is left for the caller, for it begins the next thing.
#[inline]
fn read_corner(words: &mut Words) -> Option<[f32; 3]> {
    let mut corner = [0.0; 3];
    let mut is_good = true;
    for coordinate in &mut corner {
        words.skip_space();
        if let Some((number, length)) = number::parse(&words.text[words.at..]) {
            words.at += length;
            *coordinate = number;
        } else {
            is_good = false;
            skip_unless_keyword(words);
        }
    }
    is_good.then_some(corner)
}

/// False when a keyword comes next, which stays.
fn skip_unless_keyword(words: &mut Words) -> bool {
    const KEYWORDS: [&[u8]; 8] =
        [b"outer", b"vertex", b"endloop", b"endfacet", b"facet", b"loop", b"endsolid", b"solid"];
    let before = words.at;
    let Some((_, word)) = words.next() else { return false };
    let is_keyword = word[0].is_ascii_alphabetic() && KEYWORDS.iter().any(|k| word.eq_ignore_ascii_case(k));
    if is_keyword {
        words.at = before;
    }
    !is_keyword
}

/// Skips `normal` and its three numbers, whatever they are.
fn skip_normal(words: &mut Words) {
    let before = words.at;
    if !words.next().is_some_and(|(_, word)| word.eq_ignore_ascii_case(b"normal")) {
        words.at = before;
        return;
    }
    for _ in 0..3 {
        if !skip_unless_keyword(words) {
            return;
        }
    }
}

fn name(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.get(..MAX_NAME_BYTES).unwrap_or(line));
    text.trim().chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
#[path = "ascii_tests.rs"]
mod tests;
