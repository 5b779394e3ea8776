//! The little of H.264 (ITU-T H.264) that is needed to know what a stream is: NAL units of a byte stream (Annex B),
//! the sequence parameter set (7.3.2.1) with its colour description (Annex E), levels (Annex A).

use crate::bits::{Bits, BitstreamError, unescape};
pub use crate::vui::Colour;
use crate::vui::colour;

/// `nal_unit_type` of a sequence parameter set.
pub const NAL_SPS: u8 = 7;
/// `nal_unit_type` of a picture parameter set.
pub const NAL_PPS: u8 = 8;
/// `nal_unit_type` of a slice of an IDR picture.
pub const NAL_IDR: u8 = 5;
/// `nal_unit_type` of a slice of another picture.
pub const NAL_SLICE: u8 = 1;

/// The NAL units of an Annex B byte stream without their start codes.
pub fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    NalUnits { rest: skip_to_start(stream) }
}

/// `nal_unit_type` of a NAL unit; 0 of an empty one.
pub fn nal_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |b| b & 0x1f)
}

/// `slice_type` of a slice (7.4.3) without its hint about the others: 0 P, 1 B, 2 I. `None`: no slice, or cut off.
pub fn slice_type(nal: &[u8]) -> Option<u32> {
    if !matches!(nal_type(nal), NAL_SLICE | NAL_IDR) {
        return None;
    }
    // Two numbers, of 16 bits each at most.
    let payload = unescape(&nal[1..nal.len().min(16)]);
    let mut bits = Bits::new(&payload);
    bits.ue().ok()?; // first_mb_in_slice
    bits.ue().ok().map(|kind| kind % 5)
}

/// What a sequence parameter set says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sps {
    /// 66 for baseline.
    pub profile_idc: u8,
    /// `constraint_set0_flag` is the highest bit.
    pub constraints: u8,
    /// Ten times the level.
    pub level_idc: u8,
    /// Width after cropping, pixels.
    pub width: u32,
    /// Height after cropping, pixels.
    pub height: u32,
    /// 2: pictures come in the order they are shown.
    pub pic_order_cnt_type: u32,
    /// Colour description, if any.
    pub colour: Option<Colour>,
    /// `max_num_reorder_frames`, if it is said.
    pub reorder_frames: Option<u32>,
}

impl Sps {
    /// Reads a NAL unit of type 7 of a baseline, main or extended stream.
    ///
    /// # Errors
    /// Cut off, or a profile with chroma formats.
    pub fn parse(nal: &[u8]) -> Result<Self, BitstreamError> {
        let &[header, profile_idc, constraints, level_idc, ref rest @ ..] = nal else {
            return Err(BitstreamError::Short);
        };
        if header & 0x1f != NAL_SPS {
            return Err(BitstreamError::Unexpected("NAL unit instead of a sequence parameter set"));
        }
        if !matches!(profile_idc, 66 | 77 | 88) {
            return Err(BitstreamError::Profile(profile_idc));
        }
        let payload = unescape(rest);
        let mut bits = Bits::new(&payload);
        bits.ue()?; // seq_parameter_set_id
        bits.ue()?; // log2_max_frame_num_minus4
        let pic_order_cnt_type = bits.ue()?;
        match pic_order_cnt_type {
            0 => {
                bits.ue()?;
            }
            1 => return Err(BitstreamError::Unexpected("pic_order_cnt_type 1")),
            _ => {}
        }
        bits.ue()?; // max_num_ref_frames
        bits.bit()?; // gaps_in_frame_num_value_allowed_flag
        let width_mbs = bits.ue()? + 1;
        let height_mbs = bits.ue()? + 1;
        if !bits.bit()? {
            return Err(BitstreamError::Unexpected("interlaced pictures"));
        }
        bits.bit()?; // direct_8x8_inference_flag
        let (mut crop_x, mut crop_y) = (0, 0);
        if bits.bit()? {
            crop_x = bits.ue()? + bits.ue()?;
            crop_y = bits.ue()? + bits.ue()?;
        }
        let width = (width_mbs * 16).checked_sub(crop_x * 2).ok_or(BitstreamError::Unexpected("cropping"))?;
        let height = (height_mbs * 16).checked_sub(crop_y * 2).ok_or(BitstreamError::Unexpected("cropping"))?;
        let (mut colour, mut reorder_frames) = (None, None);
        if bits.bit()? {
            (colour, reorder_frames) = vui(&mut bits)?;
        }
        Ok(Self { profile_idc, constraints, level_idc, width, height, pic_order_cnt_type, colour, reorder_frames })
    }
}

/// The lowest level (as `level_idc`) for pictures of this size, rate and bitrate (table A-1); at least 3.1, which is
/// what session descriptions name. `None` above level 5.2.
pub fn level_idc(width_px: u32, height_px: u32, frames_per_second: f32, bitrate: crate::Bitrate) -> Option<u8> {
    let (columns, rows) = (width_px.div_ceil(16), height_px.div_ceil(16));
    let frame_mbs = columns.saturating_mul(rows);
    let per_second = f64::from(frame_mbs) * f64::from(frames_per_second.max(1.0));
    LEVELS
        .iter()
        .find(|(_, max_mbps, max_fs, max_kbps)| {
            // Neither side may exceed sqrt(8 MaxFS) macroblocks (A.3.1 g, h).
            let side = (8 * u64::from(*max_fs)).isqrt() as u32;
            frame_mbs <= *max_fs
                && columns <= side
                && rows <= side
                && per_second <= *max_mbps
                && bitrate.as_bps() <= max_kbps * 1_000
        })
        .map(|level| level.0)
}

/// The highest rate of a level (MaxBR of table A-1). `None`: none of the levels that we make.
pub fn max_bitrate(level_idc: u8) -> Option<crate::Bitrate> {
    LEVELS.iter().find(|level| level.0 == level_idc).map(|level| crate::Bitrate::kbps(level.3))
}

/// `level_idc`, MaxMBPS, MaxFS and MaxBR in kbit/s.
const LEVELS: [(u8, f64, u32, u64); 8] = [
    (31, 108_000.0, 3_600, 14_000),
    (32, 216_000.0, 5_120, 20_000),
    (40, 245_760.0, 8_192, 20_000),
    (41, 245_760.0, 8_192, 50_000),
    (42, 522_240.0, 8_704, 50_000),
    (50, 589_824.0, 22_080, 135_000),
    (51, 983_040.0, 36_864, 240_000),
    (52, 2_073_600.0, 36_864, 240_000),
];

struct NalUnits<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let end = rest.windows(3).position(|w| w == [0, 0, 1]);
        let nal = &rest[..end.unwrap_or(rest.len())];
        self.rest = end.map(|end| &rest[end + 3..]);
        // The zero before a four-byte start code belongs to the start code.
        let trimmed = nal.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
        Some(&nal[..trimmed])
    }
}

fn skip_to_start(stream: &[u8]) -> Option<&[u8]> {
    stream.windows(3).position(|w| w == [0, 0, 1]).map(|at| &stream[at + 3..])
}

fn vui(bits: &mut Bits) -> Result<(Option<Colour>, Option<u32>), BitstreamError> {
    let colour = colour(bits)?;
    if bits.bit()? {
        bits.ue()?; // chroma_sample_loc_type_top_field
        bits.ue()?;
    }
    if bits.bit()? {
        bits.u(32)?; // num_units_in_tick
        bits.u(32)?; // time_scale
        bits.bit()?;
    }
    let (of_nal_units, of_slices) = (hrd(bits)?, hrd(bits)?);
    if of_nal_units || of_slices {
        bits.bit()?; // low_delay_hrd_flag
    }
    bits.bit()?; // pic_struct_present_flag
    let mut reorder = None;
    if bits.bit()? {
        bits.bit()?; // motion_vectors_over_pic_boundaries_flag
        for _ in 0..4 {
            bits.ue()?;
        }
        reorder = Some(bits.ue()?);
    }
    Ok((colour, reorder))
}

/// Parameters of the hypothetical reference decoder, if they are there (E.1.2); read over.
fn hrd(bits: &mut Bits) -> Result<bool, BitstreamError> {
    if !bits.bit()? {
        return Ok(false);
    }
    let schedules = bits.ue()? + 1;
    if schedules > 32 {
        return Err(BitstreamError::Unexpected("number of schedules"));
    }
    bits.u(8)?; // scales of rate and size
    for _ in 0..schedules {
        bits.ue()?; // bit_rate_value_minus1
        bits.ue()?; // cpb_size_value_minus1
        bits.bit()?; // cbr_flag
    }
    bits.u(20)?; // lengths of delays
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bitrate;

    #[test]
    fn nal_units_are_found() {
        let stream = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 9, 0, 3];
        let nals: Vec<&[u8]> = nal_units(&stream).collect();
        assert_eq!(nals, [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 9, 0, 3]]);
        assert_eq!(nals.iter().map(|n| nal_type(n)).collect::<Vec<_>>(), [NAL_SPS, NAL_PPS, NAL_IDR]);
        assert_eq!(nal_units(&[1, 2, 3]).count(), 0);
        assert_eq!(nal_units(&[]).count(), 0);
    }

    #[test]
    fn levels_fit_size_rate_and_bitrate() {
        let low = Bitrate::mbps(4);
        assert_eq!(level_idc(640, 360, 30.0, low), Some(31));
        assert_eq!(level_idc(1280, 720, 30.0, low), Some(31));
        assert_eq!(level_idc(1280, 720, 60.0, low), Some(32));
        assert_eq!(level_idc(1920, 1080, 30.0, low), Some(40));
        assert_eq!(level_idc(1920, 1080, 30.0, Bitrate::mbps(30)), Some(41));
        assert_eq!(level_idc(1920, 1080, 60.0, low), Some(42));
        assert_eq!(level_idc(2560, 1440, 60.0, low), Some(51));
        assert_eq!(level_idc(3840, 2160, 60.0, low), Some(52));
        assert_eq!(level_idc(16_384, 16, 30.0, low), None);
        assert_eq!(level_idc(7680, 4320, 60.0, low), None);
    }

    #[test]
    fn slices_say_what_they_are() {
        // first_mb_in_slice 0 is one bit; slice_type 5 (P), 7 (I), 1 (B), 0 (P).
        assert_eq!(slice_type(&[0x41, 0b1001_1000]), Some(0));
        assert_eq!(slice_type(&[0x65, 0b1000_1000]), Some(2));
        assert_eq!(slice_type(&[0x01, 0b1010_0000]), Some(1));
        assert_eq!(slice_type(&[0x41, 0b1100_0000]), Some(0));
        for wrong in [&[][..], &[0x41], &[0x67, 0xff], &[0x41, 0]] {
            assert_eq!(slice_type(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_decoder_model_in_the_parameter_set_is_read_over() {
        // As x264 writes it with nal-hrd=cbr; hardware may as well.
        let mut nal = vec![0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10];
        nal.extend([0x00, 0x00, 0x03, 0x03, 0xce, 0x02, 0x00, 0x1e, 0x84, 0x00, 0x07, 0xa1, 0x39, 0x30, 0xc0, 0x1e]);
        nal.extend([0x28, 0x54, 0x90]);
        let sps = Sps::parse(&nal).unwrap();
        assert_eq!((sps.profile_idc, sps.level_idc, sps.width, sps.height), (66, 13, 320, 240));
        assert_eq!((sps.reorder_frames, sps.colour), (Some(0), None));
        // Cut off anywhere it is an error, not a guess.
        for len in 0..nal.len() - 1 {
            assert!(Sps::parse(&nal[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn damaged_parameter_sets_are_refused() {
        assert_eq!(Sps::parse(&[]), Err(BitstreamError::Short));
        assert_eq!(Sps::parse(&[0x67, 66, 0xe0, 31]), Err(BitstreamError::Short));
        assert_eq!(Sps::parse(&[0x67, 100, 0, 31, 0xff]), Err(BitstreamError::Profile(100)));
        assert!(matches!(Sps::parse(&[0x68, 66, 0, 31, 0xff]), Err(BitstreamError::Unexpected(_))));
        // A long run of zeros is no number that we take; 31, 30 and 40 of them, and one that is cut off.
        assert!(Sps::parse(&[0x67, 66, 0xe0, 31, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(Sps::parse(&[0x67, 66, 0xe0, 31, 0, 0, 0, 1, 0, 0, 0, 0]).is_err());
    }
}
