//! Colours in binary STL.
//!
//! The format has none; the two attribute bytes of a facet carry them by one of two conventions (compare Wikipedia,
//! STL (file format), Color in binary STL):
//!
//! | | VisCAM, SolidView | Materialise Magics |
//! |---|---|---|
//! | known by | bit 15 of attributes | `COLOR=` and four bytes R, G, B, A in the header |
//! | bits 0-4, 5-9, 10-14 | blue, green, red | red, green, blue |
//! | bit 15 set | this colour holds | the colour of the header holds |
//! | bit 15 clear | no colour | this colour holds |
//!
//! The alpha byte of Magics is ignored: programs are known that fill it with a blank. A file with `COLOR=` whose
//! attributes are all zero does not mean black facets but has none of its own.

use super::pieces::RECORD_BYTES;
use rr_scene::{ColourRange, Rgba8};

/// Which convention a file follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Convention {
    VisCam,
    Magics(Rgba8),
}

impl Convention {
    pub(super) fn of_header(header: &[u8]) -> Self {
        const KEY: &[u8] = b"COLOR=";
        memchr::memmem::find(header, KEY)
            .and_then(|at| header.get(at + KEY.len()..at + KEY.len() + 3))
            .map_or(Self::VisCam, |rgb| Self::Magics(Rgba8([rgb[0], rgb[1], rgb[2], 255])))
    }

    /// The facet's own colour.
    fn colour(self, attributes: u16) -> Option<Rgba8> {
        let five_bits = |shift: u16| {
            let c = (attributes >> shift & 0x1F) as u8;
            c << 3 | c >> 2
        };
        let is_set = attributes & 0x8000 != 0;
        match self {
            Self::VisCam => is_set.then(|| Rgba8([five_bits(10), five_bits(5), five_bits(0), 255])),
            Self::Magics(_) => (!is_set).then(|| Rgba8([five_bits(0), five_bits(5), five_bits(10), 255])),
        }
    }
}

/// Facets sorted by colour.
pub(super) struct Sorted {
    /// Numbers of the facets, in the order of the file within a colour; first those without one.
    pub(super) order: Vec<u32>,
    pub(super) runs: Vec<ColourRange>,
    /// Colour of facets in no run, when there are such.
    pub(super) default_colour: Option<Rgba8>,
}

/// Sorts the facets that `keep` says, so that there is one run per colour.
pub(super) fn sort(
    records: &[u8],
    convention: Convention,
    has_attributes: bool,
    keep: impl Fn(usize) -> bool,
) -> Sorted {
    let colour_of = |record: &[u8]| {
        let attributes = u16::from_le_bytes([record[48], record[49]]);
        if has_attributes { convention.colour(attributes).map(|c| (attributes & 0x7FFF, c)) } else { None }
    };
    // Rank of a colour by its 15 bits: 0 is for no colour, others in the order in which they first appear.
    let mut rank_of = vec![0u32; 1 << 15];
    let mut ranks: Vec<(Option<Rgba8>, u32)> = vec![(None, 0)];
    let kept = || (0u32..).zip(records.chunks_exact(RECORD_BYTES)).filter(|(i, _)| keep(*i as usize));
    for (_, record) in kept() {
        let mut rank = 0;
        if let Some((bits, colour)) = colour_of(record) {
            let known = &mut rank_of[bits as usize];
            if *known == 0 {
                *known = u32::try_from(ranks.len()).unwrap_or(0);
                ranks.push((Some(colour), 0));
            }
            rank = *known;
        }
        ranks[rank as usize].1 += 1;
    }
    let mut runs = Vec::new();
    let mut next = Vec::new();
    let mut first = 0;
    for &(colour, count) in &ranks {
        next.push(first);
        if let Some(colour) = colour {
            runs.push(ColourRange { first_triangle: first, triangle_count: count, colour });
        }
        first += count;
    }
    let mut order = vec![0; first as usize];
    for (i, record) in kept() {
        let rank = colour_of(record).map_or(0, |(bits, _)| rank_of[bits as usize]);
        let slot = &mut next[rank as usize];
        order[*slot as usize] = i;
        *slot += 1;
    }
    let default_colour = match convention {
        Convention::Magics(colour) if ranks[0].1 > 0 => Some(colour),
        _ => None,
    };
    Sorted { order, runs, default_colour }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conventions_differ_in_order_and_flag() {
        let red_in_viscam = 0x8000 | 31 << 10;
        assert_eq!(Convention::VisCam.colour(red_in_viscam), Some(Rgba8([255, 0, 0, 255])));
        assert_eq!(Convention::VisCam.colour(31 << 10), None);
        let magics = Convention::Magics(Rgba8([1, 2, 3, 255]));
        assert_eq!(magics.colour(31), Some(Rgba8([255, 0, 0, 255])));
        assert_eq!(magics.colour(0x8000 | 31), None);
    }

    #[test]
    fn the_header_names_magics_only_when_it_is_whole() {
        assert_eq!(Convention::of_header(b"abc COLOR=\x01\x02\x03\x20 xyz"), Convention::Magics(Rgba8([1, 2, 3, 255])));
        assert_eq!(Convention::of_header(b"abc COLOR=\x01\x02"), Convention::VisCam);
        assert_eq!(Convention::of_header(b"solid colour"), Convention::VisCam);
    }
}
