//! Binary STL: 80 bytes of header, the number of facets, 50 bytes per facet.

use super::{
    check_count,
    colour::{self, Convention},
    malformed,
    pieces::{Facets, Piece, RECORD_BYTES, is_usable, unusable_warning},
};
use crate::{
    LoadContext, LoadError, Source,
    context::Steps,
    mesh::{CHUNK_TRIANGLES, Soup},
};
use rayon::prelude::*;

const HEADER_BYTES: usize = 80;
const FACETS_AT: usize = 84;

fn promised_facets(head: &[u8]) -> Option<u32> {
    let count = head.get(HEADER_BYTES..FACETS_AT)?;
    Some(u32::from_le_bytes([count[0], count[1], count[2], count[3]]))
}

/// True when the file is as long as its facet count says: no other format looks like that.
pub(super) fn has_exact_length(head: &[u8], file_bytes: u64) -> bool {
    promised_facets(head).is_some_and(|n| file_bytes == FACETS_AT as u64 + RECORD_BYTES as u64 * u64::from(n))
}

/// The facets and the warnings.
pub(super) fn read<'a>(source: &'a Source, context: &LoadContext) -> Result<(Vec<Piece<'a>>, Vec<String>), LoadError> {
    let bytes = source.bytes();
    let Some(promised) = promised_facets(bytes) else {
        let reason = format!(
            "{} bytes: too short for a binary file, and not an ASCII file that starts with `solid`",
            bytes.len()
        );
        return Err(malformed(source, None, reason));
    };
    let mut warnings = Vec::new();
    let (header, body) = (&bytes[..HEADER_BYTES], &bytes[FACETS_AT..]);
    let count = facets_there(promised as usize, body.len(), &mut warnings);
    check_count(source, count as u64, context)?;
    if count == 0 {
        return Err(malformed(source, Some(HEADER_BYTES as u64), "there are no facets in it"));
    }
    let records = &body[..count * RECORD_BYTES];
    let scan = scan(records, source, context)?;
    if scan.unusable > 0 {
        warnings.push(unusable_warning(scan.unusable, count));
        if scan.unusable == count {
            return Err(malformed(source, Some(FACETS_AT as u64), "no facet has usable coordinates"));
        }
    }
    let convention = Convention::of_header(header);
    let is_coloured = match convention {
        Convention::VisCam => scan.any_attributes & 0x8000 != 0,
        Convention::Magics(_) => true,
    };
    let piece = if is_coloured || scan.unusable > 0 {
        let all = Facets::Records(records);
        let sorted = colour::sort(records, convention, scan.any_attributes != 0, |i| is_usable(&all.triangle(i)));
        Piece {
            name: name(header),
            soup: Facets::Ordered(records, sorted.order),
            colours: sorted.runs,
            default_colour: sorted.default_colour,
        }
    } else {
        Piece { name: name(header), soup: Facets::Records(records), colours: Vec::new(), default_colour: None }
    };
    Ok((vec![piece], warnings))
}

/// How many facets to read, given what the header promises and what follows it.
fn facets_there(promised: usize, body_bytes: usize, warnings: &mut Vec<String>) -> usize {
    let (there, left_over) = (body_bytes / RECORD_BYTES, body_bytes % RECORD_BYTES);
    if promised == there && left_over == 0 {
        return there;
    }
    if promised > there {
        warnings.push(format!("the header promises {promised} facets, the file holds {there}: it may be cut off"));
        return there;
    }
    // Whole facets behind the last one promised are more likely a wrong count than something else.
    if left_over == 0 || promised == 0 {
        warnings.push(format!("the header promises {promised} facets, the file holds {there}: all are read"));
        return there;
    }
    let extra = body_bytes - promised * RECORD_BYTES;
    warnings.push(format!("{extra} bytes after the last facet are ignored"));
    promised
}

#[derive(Default)]
struct Scan {
    unusable: usize,
    /// All attribute words, or-ed.
    any_attributes: u16,
}

fn scan(records: &[u8], source: &Source, context: &LoadContext) -> Result<Scan, LoadError> {
    let chunk_bytes = CHUNK_TRIANGLES * RECORD_BYTES;
    let steps = Steps::new(source, context, "reading facets", 0.2..0.4, records.len().div_ceil(chunk_bytes));
    records
        .par_chunks(chunk_bytes)
        .map(|records| {
            steps.step()?;
            let facets = Facets::Records(records);
            let mut scan = Scan::default();
            for (i, record) in records.chunks_exact(RECORD_BYTES).enumerate() {
                scan.any_attributes |= u16::from_le_bytes([record[48], record[49]]);
                scan.unusable += usize::from(!is_usable(&facets.triangle(i)));
            }
            Ok(scan)
        })
        .try_reduce(Scan::default, |a, b| {
            Ok(Scan { unusable: a.unusable + b.unusable, any_attributes: a.any_attributes | b.any_attributes })
        })
}

/// A header is free text; only what starts like the ASCII flavour is taken for a name.
fn name(header: &[u8]) -> String {
    let text = header.split(|b| *b == 0).next().unwrap_or_default();
    let is_solid = text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"solid "));
    let name = String::from_utf8_lossy(if is_solid { &text[6..] } else { &[] });
    let is_colour = name.contains("COLOR=") || name.contains("MATERIAL=");
    if is_colour { String::new() } else { name.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_believed_only_when_it_fits() {
        let there = |promised, body_bytes| {
            let mut warnings = Vec::new();
            (facets_there(promised, body_bytes, &mut warnings), warnings.len())
        };
        assert_eq!(there(3, 150), (3, 0));
        assert_eq!(there(66, 200), (4, 1), "promises too many");
        assert_eq!(there(u32::MAX as usize, 50), (1, 1));
        assert_eq!(there(2, 200), (4, 1), "promises too few");
        assert_eq!(there(2, 120), (2, 1), "a trailer");
        assert_eq!(there(3, 149), (2, 1), "cut off");
        assert_eq!(there(0, 120), (2, 1), "the count was never filled in");
    }

    #[test]
    fn a_name_comes_from_headers_that_look_like_ascii() {
        let header = |text: &[u8]| {
            let mut header = [0u8; HEADER_BYTES];
            header[..text.len()].copy_from_slice(text);
            name(&header)
        };
        assert_eq!(header(b"solid Adapter   "), "Adapter");
        assert_eq!(header(b"solid"), "");
        assert_eq!(header(b"Exported from somewhere"), "");
        assert_eq!(header(b"solid COLOR=\x01\x02\x03\x04"), "");
    }
}
