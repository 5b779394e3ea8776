//! The beginning of the video usability information, which H.264 and H.265 have in common (E.1.1 of H.264, E.2.1 of
//! H.265): how samples are to be shown, up to the colours.

use crate::bits::{Bits, BitstreamError};

/// Colour description of the VUI (Annex E.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// Samples from 0 to 255 instead of 16 to 235.
    pub full_range: bool,
    /// Table E-3; 1 is BT.709.
    pub primaries: u8,
    /// Table E-4; 1 is BT.709.
    pub transfer: u8,
    /// Table E-5; 1 is BT.709.
    pub matrix: u8,
}

/// Reads up to the colours; `None` where the stream does not say them.
pub(crate) fn colour(bits: &mut Bits) -> Result<Option<Colour>, BitstreamError> {
    if bits.bit()? && bits.u(8)? == 255 {
        bits.u(32)?; // sample aspect ratio
    }
    if bits.bit()? {
        bits.bit()?; // overscan_appropriate_flag
    }
    if !bits.bit()? {
        return Ok(None);
    }
    bits.u(3)?; // video_format
    let full_range = bits.bit()?;
    if !bits.bit()? {
        return Ok(None);
    }
    let (primaries, transfer, matrix) = (bits.u(8)? as u8, bits.u(8)? as u8, bits.u(8)? as u8);
    Ok(Some(Colour { full_range, primaries, transfer, matrix }))
}
