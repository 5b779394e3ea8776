//! What both flavours of STL come to: named solids of facets, with colours.

use super::MAX_COORDINATE;
use crate::mesh::Soup;
use rr_scene::{ColourRange, Rgba8};
use std::sync::Arc;

/// One solid.
pub(super) struct Piece<'a> {
    pub(super) name: String,
    pub(super) soup: Facets<'a>,
    /// Runs in the order of `soup`.
    pub(super) colours: Vec<ColourRange>,
    /// Colour of facets in no run, if the file has one.
    pub(super) default_colour: Option<Rgba8>,
}

/// Facets where they lie.
pub(super) enum Facets<'a> {
    /// Binary records of [`RECORD_BYTES`].
    Records(&'a [u8]),
    /// The same, in this order.
    Ordered(&'a [u8], Vec<u32>),
    /// A range of what the ASCII reader made.
    Parsed(Arc<Vec<[[f32; 3]; 3]>>, std::ops::Range<usize>),
}

/// Normal, three corners of three `f32` each, two bytes of attributes.
pub(super) const RECORD_BYTES: usize = 50;

impl Soup for Facets<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Records(records) => records.len() / RECORD_BYTES,
            Self::Ordered(_, order) => order.len(),
            Self::Parsed(_, range) => range.len(),
        }
    }

    #[inline]
    fn triangle(&self, index: usize) -> [[f32; 3]; 3] {
        match self {
            Self::Records(records) => corners(records, index),
            Self::Ordered(records, order) => corners(records, order[index] as usize),
            Self::Parsed(all, range) => all[range.start + index],
        }
    }
}

#[inline]
fn corners(records: &[u8], index: usize) -> [[f32; 3]; 3] {
    let record = &records[index * RECORD_BYTES..][..RECORD_BYTES];
    let word = |i: usize| f32::from_le_bytes([record[i], record[i + 1], record[i + 2], record[i + 3]]);
    std::array::from_fn(|corner| std::array::from_fn(|axis| word(12 + 12 * corner + 4 * axis)))
}

/// False for NaN, infinity and what is too large to be geometry.
#[inline]
pub(super) fn is_usable(triangle: &[[f32; 3]; 3]) -> bool {
    // The bits of positive floats sort as they do, and NaN and infinity sort above all numbers.
    let largest = triangle.iter().flatten().fold(0, |m, c| m.max(c.to_bits() & 0x7FFF_FFFF));
    largest <= MAX_COORDINATE.to_bits()
}

/// The warning about facets that are not [`is_usable`].
pub(super) fn unusable_warning(count: usize, total: usize) -> String {
    format!(
        "{count} of {total} facets are left out: a coordinate is not a number, infinite or beyond {MAX_COORDINATE:e}"
    )
}
