//! The little of AV1 (AV1 Bitstream & Decoding Process Specification) that is needed to know what a stream is: OBUs of the
//! low-overhead format (5.2, 5.3), the sequence header (5.5) with its colours, what a frame header begins with (5.9.2),
//! levels of the main tier (A.3).

use crate::Bitrate;
use crate::bits::{Bits, BitstreamError};
use crate::vui::Colour;

/// `obu_type` of a sequence header.
pub const SEQUENCE_HEADER: u8 = 1;
/// `obu_type` of a temporal delimiter.
pub const TEMPORAL_DELIMITER: u8 = 2;
/// `obu_type` of a frame's header, whose tiles follow.
pub const FRAME_HEADER: u8 = 3;
/// `obu_type` of a frame's header with its tiles.
pub const FRAME: u8 = 6;

/// One OBU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obu<'a> {
    /// `obu_type`.
    pub kind: u8,
    /// What follows its header and its size.
    pub payload: &'a [u8],
}

/// The OBUs of a temporal unit, up to one that is cut off.
pub fn obus(unit: &[u8]) -> impl Iterator<Item = Obu<'_>> {
    let mut rest = unit;
    std::iter::from_fn(move || {
        let (obu, after) = next(rest)?;
        rest = after;
        Some(obu)
    })
}

fn next(bytes: &[u8]) -> Option<(Obu<'_>, &[u8])> {
    let (&header, mut rest) = bytes.split_first()?;
    if header & 0x04 != 0 {
        rest = rest.get(1..)?; // obu_extension_header
    }
    let mut size = rest.len();
    if header & 0x02 != 0 {
        (size, rest) = leb128(rest)?;
    }
    let (payload, after) = rest.split_at_checked(size)?;
    Some((Obu { kind: header >> 3 & 0x0f, payload }, after))
}

/// A number in the form of 4.10.5, and what follows it; of more than four bytes, which no OBU of ours needs, `None`.
pub fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (index * 7);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

/// What a frame is, as its header begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Decoding can start with it (`KEY_FRAME`).
    pub key: bool,
    /// It is shown when it was decoded; others are kept to be shown later.
    pub shown: bool,
    /// It has no content of its own: one that was kept is shown now.
    pub again: bool,
}

/// The pictures of a temporal unit. Of a stream without reordering each unit has one, which is shown.
pub fn pictures(unit: &[u8]) -> impl Iterator<Item = Picture> {
    let headers = obus(unit).filter(|obu| matches!(obu.kind, FRAME | FRAME_HEADER));
    headers.filter_map(|obu| {
        let first = *obu.payload.first()?;
        let again = first & 0x80 != 0; // show_existing_frame
        Some(Picture { key: !again && first & 0x60 == 0, shown: again || first & 0x10 != 0, again })
    })
}

/// What a sequence header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceHeader {
    /// `seq_profile`: 0 for main.
    pub profile: u8,
    /// `seq_level_idx`: 5 for level 3.1.
    pub level_idx: u8,
    /// The high tier.
    pub high_tier: bool,
    /// Width of the largest frame, pixels.
    pub width: u32,
    /// Height of the largest frame, pixels.
    pub height: u32,
    /// Colour description, if any.
    pub colour: Option<Colour>,
}

impl SequenceHeader {
    /// The first one of a temporal unit.
    ///
    /// # Errors
    /// There is none; cut off; or what no stream of ours has: several layers, a decoder's model, other samples than 8 bits in
    /// 4:2:0.
    pub fn of(unit: &[u8]) -> Result<Self, BitstreamError> {
        let obu = obus(unit).find(|obu| obu.kind == SEQUENCE_HEADER);
        Self::parse(obu.ok_or(BitstreamError::Unexpected("keyframe without a sequence header"))?.payload)
    }

    /// Reads the payload of an OBU of type 1.
    ///
    /// # Errors
    /// As [`SequenceHeader::of`].
    pub fn parse(payload: &[u8]) -> Result<Self, BitstreamError> {
        let refuse = |there: bool, what| if there { Err(BitstreamError::Unexpected(what)) } else { Ok(()) };
        let mut bits = Bits::new(payload);
        let profile = bits.u(3)? as u8;
        refuse(bits.u(2)? != 0, "still picture")?;
        refuse(bits.bit()?, "timing information")?;
        let display_delay = bits.bit()?;
        refuse(bits.u(5)? != 0, "number of operating points")?;
        bits.u(12)?; // operating_point_idc
        let level_idx = bits.u(5)? as u8;
        let high_tier = level_idx > 7 && bits.bit()?;
        if display_delay && bits.bit()? {
            bits.u(4)?; // initial_display_delay_minus_1
        }
        let (width_bits, height_bits) = (bits.u(4)? + 1, bits.u(4)? + 1);
        let (width, height) = (bits.u(width_bits)? + 1, bits.u(height_bits)? + 1);
        if bits.bit()? {
            bits.u(7)?; // lengths of frame identifiers
        }
        bits.u(3)?; // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
        bits.u(4)?; // interintra and masked compounds, warped motion, dual filter
        let order_hints = bits.bit()?;
        if order_hints {
            bits.u(2)?; // enable_jnt_comp, enable_ref_frame_mvs
        }
        // Screen content tools and whole vectors, each chosen by the frame or here.
        let screen_content = bits.bit()? || bits.bit()?;
        if screen_content && !bits.bit()? {
            bits.bit()?;
        }
        if order_hints {
            bits.u(3)?; // order_hint_bits_minus_1
        }
        bits.u(3)?; // enable_superres, enable_cdef, enable_restoration
        let colour = colours(&mut bits, profile)?;
        bits.u(2)?; // separate_uv_delta_q, film_grain_params_present
        Ok(Self { profile, level_idx, high_tier, width, height, colour })
    }
}

/// `color_config` (5.5.2) of 8 bits and 4:2:0, without `separate_uv_delta_q`.
fn colours(bits: &mut Bits, profile: u8) -> Result<Option<Colour>, BitstreamError> {
    if profile != 0 {
        return Err(BitstreamError::Profile(profile));
    }
    if bits.bit()? {
        return Err(BitstreamError::Unexpected("bit depth"));
    }
    if bits.bit()? {
        return Err(BitstreamError::Unexpected("pictures without colours"));
    }
    let described = bits.bit()?;
    let said = if described { Some((bits.u(8)? as u8, bits.u(8)? as u8, bits.u(8)? as u8)) } else { None };
    if said == Some((1, 13, 0)) {
        return Err(BitstreamError::Unexpected("RGB"));
    }
    let full_range = bits.bit()?;
    bits.u(2)?; // chroma_sample_position
    Ok(said.map(|(primaries, transfer, matrix)| Colour { full_range, primaries, transfer, matrix }))
}

/// The lowest level (as `seq_level_idx`) of the main tier for pictures of this size, rate and bitrate (A.3); at least 3.1,
/// which is what a session description without a level means. `None` above level 6.2.
pub fn level_idx(width_px: u32, height_px: u32, frames_per_second: f32, bitrate: Bitrate) -> Option<u8> {
    let samples = u64::from(width_px) * u64::from(height_px);
    let per_second = samples as f64 * f64::from(frames_per_second.max(1.0));
    let fits = |level: &&Level| {
        samples <= level.picture
            && width_px <= level.width
            && height_px <= level.height
            && per_second <= level.per_second
            && bitrate.as_bps() <= level.mbps * 1_000_000
    };
    LEVELS.iter().find(fits).map(|level| level.idx)
}

/// The highest rate of a level in the main tier. `None`: none of the levels that we make.
pub fn max_bitrate(level_idx: u8) -> Option<Bitrate> {
    LEVELS.iter().find(|level| level.idx == level_idx).map(|level| Bitrate::mbps(level.mbps))
}

struct Level {
    idx: u8,
    /// MaxPicSize.
    picture: u64,
    /// MaxHSize.
    width: u32,
    /// MaxVSize.
    height: u32,
    /// MaxDisplayRate, samples a second.
    per_second: f64,
    /// MainMbps.
    mbps: u64,
}

const fn level(idx: u8, picture: u64, (width, height): (u32, u32), per_second: f64, mbps: u64) -> Level {
    Level { idx, picture, width, height, per_second, mbps }
}

/// Of the table of levels those from 3.1 on, without 5.3 and 6.3, which have no more room for us than those before them.
const LEVELS: [Level; 9] = [
    level(5, 1_065_024, (5_504, 3_096), 31_950_720.0, 10),
    level(8, 2_359_296, (6_144, 3_456), 70_778_880.0, 12),
    level(9, 2_359_296, (6_144, 3_456), 141_557_760.0, 20),
    level(12, 8_912_896, (8_192, 4_352), 267_386_880.0, 30),
    level(13, 8_912_896, (8_192, 4_352), 534_773_760.0, 40),
    level(14, 8_912_896, (8_192, 4_352), 1_069_547_520.0, 60),
    level(16, 35_651_584, (16_384, 8_704), 1_069_547_520.0, 60),
    level(17, 35_651_584, (16_384, 8_704), 2_139_095_040.0, 100),
    level(18, 35_651_584, (16_384, 8_704), 4_278_190_080.0, 160),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// As libaom 3.6 writes it: 640x360, level 3.1, BT.709.
    const HEADER: [u8; 14] = [0x00, 0x00, 0x00, 0x2c, 0xc4, 0xff, 0x67, 0x36, 0xbe, 0x44, 0x04, 0x04, 0x04, 0x10];

    /// A temporal delimiter, the header and a key frame that is shown.
    fn keyframe() -> Vec<u8> {
        [&[0x12, 0x00, 0x0a, 0x0e][..], &HEADER, &[0x32, 0x03, 0x10, 0x00, 0x8f]].concat()
    }

    #[test]
    fn a_sequence_header_is_read() {
        let header = SequenceHeader::of(&keyframe()).unwrap();
        assert_eq!((header.profile, header.level_idx, header.high_tier), (0, 5, false));
        assert_eq!((header.width, header.height), (640, 360));
        let bt709 = Colour { full_range: false, primaries: 1, transfer: 1, matrix: 1 };
        assert_eq!(header.colour, Some(bt709));
        // A level above 3.3 has a bit for its tier.
        let higher = [0x00, 0x00, 0x00, 0x42, 0x62, 0x7f, 0xb3, 0x9b, 0x5f, 0x22, 0x02, 0x02, 0x02, 0x08, 0x00];
        let header = SequenceHeader::parse(&higher).unwrap();
        assert_eq!((header.level_idx, header.high_tier, header.width, header.height), (8, false, 640, 360));
        assert_eq!(header.colour, Some(bt709));
    }

    #[test]
    fn damaged_headers_are_refused() {
        for len in 0..HEADER.len() - 1 {
            assert_eq!(SequenceHeader::parse(&HEADER[..len]), Err(BitstreamError::Short), "{len}");
        }
        // Another profile, a still picture, timing information.
        for first in [0x20, 0x10, 0x04] {
            let mut other = HEADER;
            other[0] = first;
            assert!(SequenceHeader::parse(&other).is_err(), "{first:x}");
        }
        assert!(SequenceHeader::of(&[0x12, 0x00]).is_err());
    }

    #[test]
    fn pictures_say_what_they_are() {
        let unit = keyframe();
        assert_eq!(obus(&unit).map(|obu| obu.kind).collect::<Vec<_>>(), [TEMPORAL_DELIMITER, SEQUENCE_HEADER, FRAME]);
        let key = Picture { key: true, shown: true, again: false };
        assert_eq!(pictures(&unit).collect::<Vec<_>>(), [key]);
        let of = |first: u8| pictures(&[FRAME_HEADER << 3 | 2, 1, first]).next();
        assert_eq!(of(0x30), Some(Picture { key: false, shown: true, again: false }));
        assert_eq!(of(0x20), Some(Picture { key: false, shown: false, again: false }));
        assert_eq!(of(0x80), Some(Picture { key: false, shown: true, again: true }));
        // The last one has no size; an extension; cut off.
        assert_eq!(obus(&[FRAME << 3 | 4, 0x28, 7]).next(), Some(Obu { kind: FRAME, payload: &[7] }));
        assert_eq!(obus(&unit[..unit.len() - 1]).count(), 2);
        assert_eq!(pictures(&[FRAME << 3 | 2, 0]).next(), None);
    }

    #[test]
    fn levels_fit_size_rate_and_bitrate() {
        let low = Bitrate::mbps(4);
        assert_eq!(level_idx(640, 360, 30.0, low), Some(5));
        assert_eq!(level_idx(1280, 720, 30.0, low), Some(5));
        assert_eq!(level_idx(1280, 720, 30.0, Bitrate::mbps(11)), Some(8));
        assert_eq!(level_idx(1920, 1080, 30.0, low), Some(8));
        assert_eq!(level_idx(1920, 1080, 60.0, low), Some(9));
        assert_eq!(level_idx(3840, 2160, 60.0, low), Some(13));
        assert_eq!(level_idx(8_192, 16, 30.0, low), Some(12));
        assert_eq!(level_idx(8_194, 16, 30.0, low), Some(16));
        assert_eq!(level_idx(16_386, 16, 30.0, low), None);
        assert_eq!(level_idx(640, 360, 30.0, Bitrate::mbps(161)), None);
        assert_eq!((max_bitrate(8), max_bitrate(7)), (Some(Bitrate::mbps(12)), None));
    }
}
