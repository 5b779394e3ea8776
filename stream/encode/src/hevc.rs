//! The little of HEVC (ITU-T H.265) that is needed to know what a stream is: types of NAL units (7.4.2.2), the sequence
//! parameter set (7.3.2.2) with its colour description (Annex E), levels of the main tier (Annex A). NAL units are
//! found as those of H.264 ([`crate::h264::nal_units`]).

use crate::Bitrate;
use crate::bits::{Bits, BitstreamError, unescape};
use crate::vui::{Colour, colour};

/// `nal_unit_type` of a video parameter set.
pub const NAL_VPS: u8 = 32;
/// `nal_unit_type` of a sequence parameter set.
pub const NAL_SPS: u8 = 33;
/// `nal_unit_type` of a picture parameter set.
pub const NAL_PPS: u8 = 34;

/// `nal_unit_type` of a NAL unit; `None` of one without a header.
pub fn nal_type(nal: &[u8]) -> Option<u8> {
    (nal.len() > 2).then(|| nal[0] >> 1 & 0x3f)
}

/// A slice of an IDR picture (`IDR_W_RADL`, `IDR_N_LP`).
pub fn is_idr(nal: &[u8]) -> bool {
    matches!(nal_type(nal), Some(19 | 20))
}

/// `slice_type` of the first slice of a picture (7.4.7.1): 0 B, 1 P, 2 I. `None`: no such slice, or cut off. Picture
/// parameter sets with bits of their own in slice headers are none of ours.
pub fn slice_type(nal: &[u8]) -> Option<u32> {
    let kind = nal_type(nal).filter(|kind| matches!(kind, 0..=9 | 16..=21))?;
    let payload = unescape(&nal[2..nal.len().min(16)]);
    let mut bits = Bits::new(&payload);
    if !bits.bit().ok()? {
        return None; // first_slice_segment_in_pic_flag
    }
    if kind >= 16 {
        bits.bit().ok()?; // no_output_of_prior_pics_flag
    }
    bits.ue().ok()?; // slice_pic_parameter_set_id
    bits.ue().ok()
}

/// What a sequence parameter set says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sps {
    /// 1 for main.
    pub profile_idc: u8,
    /// The high tier.
    pub high_tier: bool,
    /// Thirty times the level.
    pub level_idc: u8,
    /// Width within the conformance window, pixels.
    pub width: u32,
    /// Height within the conformance window, pixels.
    pub height: u32,
    /// Pictures that may follow one that is shown after them.
    pub reorder_pictures: u32,
    /// Colour description, if any.
    pub colour: Option<Colour>,
}

impl Sps {
    /// Reads a NAL unit of type 33 of 8 bits a sample and 4:2:0.
    ///
    /// # Errors
    /// Cut off, or what no stream of ours has.
    pub fn parse(nal: &[u8]) -> Result<Self, BitstreamError> {
        let [_, _, rest @ ..] = nal else { return Err(BitstreamError::Short) };
        if nal_type(nal) != Some(NAL_SPS) {
            return Err(BitstreamError::Unexpected("NAL unit instead of a sequence parameter set"));
        }
        let payload = unescape(rest);
        let mut bits = Bits::new(&payload);
        bits.u(4)?; // sps_video_parameter_set_id
        let sub_layers = bits.u(3)?;
        bits.bit()?; // sps_temporal_id_nesting_flag
        bits.u(2)?; // general_profile_space
        let high_tier = bits.bit()?;
        let profile_idc = bits.u(5)? as u8;
        bits.u(32)?; // general_profile_compatibility_flags
        bits.u(32)?;
        bits.u(16)?; // constraints, 48 bits in all
        let level_idc = bits.u(8)? as u8;
        sub_layer_levels(&mut bits, sub_layers)?;
        bits.ue()?; // sps_seq_parameter_set_id
        if bits.ue()? != 1 {
            return Err(BitstreamError::Unexpected("chroma_format_idc"));
        }
        let (mut width, mut height) = (bits.ue()?, bits.ue()?);
        if bits.bit()? {
            let (left, right, top, bottom) = (bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?);
            let inner = |outer: u32, cut: u32| outer.checked_sub(cut * 2);
            let cropped = inner(width, left + right).zip(inner(height, top + bottom));
            (width, height) = cropped.ok_or(BitstreamError::Unexpected("conformance window"))?;
        }
        if (bits.ue()?, bits.ue()?) != (0, 0) {
            return Err(BitstreamError::Unexpected("bit depth"));
        }
        let poc_bits = bits.ue()? + 4;
        let all = bits.bit()?;
        let mut reorder_pictures = 0;
        for _ in if all { 0 } else { sub_layers }..=sub_layers {
            bits.ue()?; // sps_max_dec_pic_buffering_minus1
            reorder_pictures = bits.ue()?;
            bits.ue()?; // sps_max_latency_increase_plus1
        }
        for _ in 0..6 {
            bits.ue()?; // sizes of blocks and depths of trees
        }
        if bits.bit()? && bits.bit()? {
            return Err(BitstreamError::Unexpected("scaling lists"));
        }
        bits.u(2)?; // amp_enabled_flag, sample_adaptive_offset_enabled_flag
        if bits.bit()? {
            return Err(BitstreamError::Unexpected("samples without prediction"));
        }
        reference_sets(&mut bits)?;
        if bits.bit()? {
            for _ in 0..bits.ue()?.min(32) {
                bits.u(poc_bits + 1)?; // lt_ref_pic_poc_lsb_sps, used_by_curr_pic_lt_sps_flag
            }
        }
        bits.u(2)?; // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
        let colour = if bits.bit()? { colour(&mut bits)? } else { None };
        Ok(Self { profile_idc, high_tier, level_idc, width, height, reorder_pictures, colour })
    }
}

fn sub_layer_levels(bits: &mut Bits, sub_layers: u32) -> Result<(), BitstreamError> {
    if sub_layers == 0 {
        return Ok(());
    }
    let present: Vec<(bool, bool)> =
        (0..sub_layers).map(|_| Ok((bits.bit()?, bits.bit()?))).collect::<Result<_, BitstreamError>>()?;
    bits.u(2 * (8 - sub_layers))?;
    for (profile, level) in present {
        let length = if profile { 88 } else { 0 } + if level { 8 } else { 0 };
        bits.u(length)?;
    }
    Ok(())
}

/// Reads over the sets of pictures that slices name by number (7.3.7).
fn reference_sets(bits: &mut Bits) -> Result<(), BitstreamError> {
    let count = bits.ue()?;
    if count > 64 {
        return Err(BitstreamError::Unexpected("number of reference picture sets"));
    }
    // Pictures of the set before.
    let mut pictures = 0;
    for index in 0..count {
        if index > 0 && bits.bit()? {
            bits.bit()?; // delta_rps_sign
            bits.ue()?; // abs_delta_rps_minus1
            let mut kept = 0;
            for _ in 0..=pictures {
                // used_by_curr_pic_flag, use_delta_flag
                kept += u32::from(bits.bit()? || bits.bit()?);
            }
            pictures = kept;
            continue;
        }
        pictures = bits.ue()? + bits.ue()?;
        if pictures > 16 {
            return Err(BitstreamError::Unexpected("number of reference pictures"));
        }
        for _ in 0..pictures {
            bits.ue()?; // delta_poc_s0_minus1
            bits.bit()?; // used_by_curr_pic_s0_flag
        }
    }
    Ok(())
}

/// The lowest level (as `general_level_idc`) of the main tier for pictures of this size, rate and bitrate (tables A.8 and
/// A.9); at least 3.1, which is what a session description without a level means (RFC 7798, 7.1). `None` above level 6.2.
pub fn level_idc(width_px: u32, height_px: u32, frames_per_second: f32, bitrate: Bitrate) -> Option<u8> {
    let samples = u64::from(width_px) * u64::from(height_px);
    let per_second = samples as f64 * f64::from(frames_per_second.max(1.0));
    let fits = |(_, picture, second, kbps): &&(u8, u64, f64, u64)| {
        // Neither side may exceed sqrt(8 MaxLumaPs) (A.4.1).
        let side = (8 * picture).isqrt();
        samples <= *picture
            && u64::from(width_px.max(height_px)) <= side
            && per_second <= *second
            && bitrate.as_bps() <= kbps * 1_000
    };
    LEVELS.iter().find(fits).map(|level| level.0)
}

/// The highest rate of a level in the main tier. `None`: none of the levels that we make.
pub fn max_bitrate(level_idc: u8) -> Option<Bitrate> {
    LEVELS.iter().find(|level| level.0 == level_idc).map(|level| Bitrate::kbps(level.3))
}

/// `general_level_idc`, MaxLumaPs, MaxLumaSr and MaxBR of the main tier in kbit/s.
const LEVELS: [(u8, u64, f64, u64); 9] = [
    (93, 983_040, 33_177_600.0, 10_000),
    (120, 2_228_224, 66_846_720.0, 12_000),
    (123, 2_228_224, 133_693_440.0, 20_000),
    (150, 8_912_896, 267_386_880.0, 25_000),
    (153, 8_912_896, 534_773_760.0, 40_000),
    (156, 8_912_896, 1_069_547_520.0, 60_000),
    (180, 35_651_584, 1_069_547_520.0, 60_000),
    (183, 35_651_584, 2_139_095_040.0, 120_000),
    (186, 35_651_584, 4_278_190_080.0, 240_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// As x265 3.5 writes it: 640x360, level 3.1, BT.709.
    const SPS: [u8; 42] = [
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x5d,
        0xa0, 0x05, 0x02, 0x01, 0x69, 0x65, 0x95, 0x9a, 0x49, 0x32, 0xb8, 0x05, 0xa0, 0x20, 0x20, 0x02, 0x08, 0x00,
        0x00, 0x03, 0x00, 0x08, 0x00, 0x40,
    ];

    #[test]
    fn levels_fit_size_rate_and_bitrate() {
        let low = Bitrate::mbps(4);
        assert_eq!(level_idc(640, 360, 30.0, low), Some(93));
        assert_eq!(level_idc(1280, 720, 30.0, low), Some(93));
        assert_eq!(level_idc(1280, 720, 30.0, Bitrate::mbps(11)), Some(120));
        assert_eq!(level_idc(1920, 1080, 30.0, low), Some(120));
        assert_eq!(level_idc(1920, 1080, 60.0, low), Some(123));
        assert_eq!(level_idc(3840, 2160, 60.0, low), Some(153));
        assert_eq!(level_idc(16_384, 16, 30.0, low), Some(180));
        assert_eq!(level_idc(32_768, 16, 30.0, low), None);
        assert_eq!(level_idc(8192, 8192, 30.0, low), None);
    }

    #[test]
    fn slices_say_what_they_are() {
        // First slice, picture parameter set 0; then P (1) and B (0).
        assert_eq!(slice_type(&[0x02, 0x01, 0b1101_0000]), Some(1));
        assert_eq!(slice_type(&[0x02, 0x01, 0b1110_0000]), Some(0));
        // An IDR slice has a flag more; I (2).
        let idr = [0x26, 0x01, 0b1010_1100];
        assert_eq!(slice_type(&idr), Some(2));
        assert!(is_idr(&idr) && !is_idr(&[0x02, 0x01, 0x80]));
        for none in [&[][..], &[0x02, 0x01], &[0x02, 0x01, 0], &SPS] {
            assert_eq!(slice_type(none), None, "{none:?}");
        }
    }

    #[test]
    fn damaged_parameter_sets_are_refused() {
        assert_eq!(Sps::parse(&[]), Err(BitstreamError::Short));
        assert!(matches!(Sps::parse(&[0x40, 1, 12]), Err(BitstreamError::Unexpected(_))));
        // Cut off before the colours it is an error, not a guess.
        for len in 0..26 {
            assert!(Sps::parse(&SPS[..len]).is_err(), "{len}");
        }
    }
}
