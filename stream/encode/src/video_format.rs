//! What was agreed with the viewers, whatever the codec is.

use crate::{Bitrate, BitstreamError, Codec, EncodeError, H264Format, av1, h264, hevc};
use std::str::FromStr;

/// What a stream has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoFormat {
    /// H.264.
    H264(H264Format),
    /// HEVC.
    Hevc(HevcFormat),
    /// AV1.
    Av1(Av1Format),
}

/// The main profile of AV1 in the main tier, 8 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Av1Format {
    /// `seq_level_idx` that the stream says at most. It says the lowest that fits picture and rate. `None`: there is no bound.
    pub max_level_idx: Option<u8>,
}

/// The main profile of HEVC in the main tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct HevcFormat {
    /// `level-id` of a session description (RFC 7798, 7.1): the highest that the viewers decode. The stream says the lowest
    /// that fits picture and rate. `None`: there is no bound.
    pub max_level_idc: Option<u8>,
}

impl Default for VideoFormat {
    fn default() -> Self {
        Self::H264(H264Format::default())
    }
}

impl From<H264Format> for VideoFormat {
    fn from(format: H264Format) -> Self {
        Self::H264(format)
    }
}

impl From<HevcFormat> for VideoFormat {
    fn from(format: HevcFormat) -> Self {
        Self::Hevc(format)
    }
}

impl From<Av1Format> for VideoFormat {
    fn from(format: Av1Format) -> Self {
        Self::Av1(format)
    }
}

impl VideoFormat {
    /// What every viewer takes that decodes the codec at all.
    pub fn of(codec: Codec) -> Self {
        match codec {
            Codec::H264 => H264Format::default().into(),
            Codec::Hevc => HevcFormat::default().into(),
            Codec::Av1 => Av1Format::default().into(),
        }
    }

    /// The codec.
    pub const fn codec(&self) -> Codec {
        match self {
            Self::H264(_) => Codec::H264,
            Self::Hevc(_) => Codec::Hevc,
            Self::Av1(_) => Codec::Av1,
        }
    }

    /// The level that the stream says, for this size and rate. `None`: the picture does not fit.
    pub fn level_for(&self, width_px: u32, height_px: u32, frames_per_second: f32, bitrate: Bitrate) -> Option<u8> {
        match self {
            Self::H264(format) => format.level_for(width_px, height_px, frames_per_second, bitrate),
            Self::Hevc(format) => hevc::level_idc(width_px, height_px, frames_per_second, bitrate)
                .filter(|level| format.max_level_idc.is_none_or(|most| *level <= most)),
            Self::Av1(format) => av1::level_idx(width_px, height_px, frames_per_second, bitrate)
                .filter(|level| format.max_level_idx.is_none_or(|most| *level <= most)),
        }
    }

    /// The rate within the agreed level.
    pub fn limit(&self, bitrate: Bitrate) -> Bitrate {
        match self {
            Self::H264(format) => format.limit(bitrate),
            Self::Hevc(format) => {
                format.max_level_idc.and_then(hevc::max_bitrate).map_or(bitrate, |most| bitrate.min(most))
            }
            Self::Av1(format) => {
                format.max_level_idx.and_then(av1::max_bitrate).map_or(bitrate, |most| bitrate.min(most))
            }
        }
    }

    /// Writes what encoders leave open into the parameter sets of a keyframe.
    ///
    /// # Errors
    /// The stream has another profile.
    pub fn mark_stream(&self, stream: &mut [u8]) -> Result<(), BitstreamError> {
        match self {
            Self::H264(format) => format.mark_stream(stream),
            Self::Hevc(_) | Self::Av1(_) => Ok(()),
        }
    }

    /// Checks that the parameter sets in a keyframe are what was agreed. `level`: what [`VideoFormat::level_for`] found.
    ///
    /// # Errors
    /// None there, or another profile, level or size.
    pub fn verify(&self, keyframe: &[u8], level: u8, width_px: u32, height_px: u32) -> Result<(), EncodeError> {
        match self {
            Self::H264(format) => format.verify(keyframe, level, width_px, height_px),
            Self::Hevc(_) => verify_hevc(keyframe, level, width_px, height_px).map_err(EncodeError::from),
            Self::Av1(_) => verify_av1(keyframe, level, width_px, height_px).map_err(EncodeError::from),
        }
    }
}

fn verify_hevc(keyframe: &[u8], level_idc: u8, width_px: u32, height_px: u32) -> Result<(), BitstreamError> {
    let of_type = |kind| h264::nal_units(keyframe).find(|nal| hevc::nal_type(nal) == Some(kind));
    let missing = BitstreamError::Unexpected("keyframe without parameter sets");
    if of_type(hevc::NAL_VPS).is_none() || of_type(hevc::NAL_PPS).is_none() {
        return Err(missing);
    }
    let sps = hevc::Sps::parse(of_type(hevc::NAL_SPS).ok_or(missing)?)?;
    if sps.profile_idc != 1 || sps.high_tier {
        return Err(BitstreamError::Unexpected("profile or tier"));
    }
    if sps.level_idc != level_idc {
        return Err(BitstreamError::Unexpected("level"));
    }
    if (sps.width, sps.height) != (width_px, height_px) {
        return Err(BitstreamError::Unexpected("size"));
    }
    if sps.reorder_pictures != 0 {
        return Err(BitstreamError::Unexpected("reordered pictures"));
    }
    Ok(())
}

fn verify_av1(keyframe: &[u8], level_idx: u8, width_px: u32, height_px: u32) -> Result<(), BitstreamError> {
    let header = av1::SequenceHeader::of(keyframe)?;
    if header.high_tier {
        return Err(BitstreamError::Unexpected("tier"));
    }
    // Nothing was promised but the bound, and who decodes a level decodes those below.
    if header.level_idx > level_idx {
        return Err(BitstreamError::Unexpected("level"));
    }
    // It names the largest picture of the sequence; each says its own size where that is smaller.
    if header.width < width_px || header.height < height_px {
        return Err(BitstreamError::Unexpected("size"));
    }
    let mut pictures = av1::pictures(keyframe);
    let first = pictures.next();
    if pictures.next().is_some() || !first.is_some_and(|picture| picture.shown && !picture.again) {
        return Err(BitstreamError::Unexpected("reordered pictures"));
    }
    Ok(())
}

impl FromStr for HevcFormat {
    type Err = BitstreamError;

    /// Reads the parameters of a session description such as `profile-id=1;tier-flag=0;level-id=120` (RFC 7798, 7.1), whose
    /// defaults are main profile, main tier, level 3.1.
    fn from_str(text: &str) -> Result<Self, BitstreamError> {
        let value = |name: &str, otherwise: u8| {
            let found = text.split(';').filter_map(|p| p.trim().split_once('=')).find(|(n, _)| *n == name);
            found.map_or(Some(otherwise), |(_, value)| value.parse().ok())
        };
        if (value("profile-id", 1), value("tier-flag", 0)) != (Some(1), Some(0)) {
            return Err(BitstreamError::Unexpected("profile or tier"));
        }
        let level = value("level-id", 93).ok_or(BitstreamError::Unexpected("level"))?;
        Ok(Self { max_level_idc: Some(level) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_descriptions_are_read() {
        let level = |text: &str| text.parse::<HevcFormat>().map(|format| format.max_level_idc);
        assert_eq!(level("level-id=180;profile-id=1;tier-flag=0;tx-mode=SRST"), Ok(Some(180)));
        assert_eq!(level(""), Ok(Some(93)));
        for wrong in ["profile-id=2", "tier-flag=1", "level-id=high", "level-id=300"] {
            assert!(level(wrong).is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn the_level_bounds_size_and_rate() {
        let bound = VideoFormat::Hevc(HevcFormat { max_level_idc: Some(120) });
        let slow = Bitrate::mbps(1);
        assert_eq!(bound.level_for(640, 360, 30.0, slow), Some(93));
        assert_eq!(bound.level_for(1920, 1080, 30.0, slow), Some(120));
        assert_eq!(bound.level_for(1920, 1080, 60.0, slow), None);
        assert_eq!(bound.limit(Bitrate::mbps(50)), Bitrate::mbps(12));
        let free = VideoFormat::Hevc(HevcFormat::default());
        assert_eq!(free.level_for(3840, 2160, 60.0, slow), Some(153));
        assert!(free.verify(&[0, 0, 0, 1, 0x26, 1, 0xaf], 93, 640, 360).is_err());
        let bound = VideoFormat::Av1(Av1Format { max_level_idx: Some(8) });
        assert_eq!(bound.level_for(640, 360, 30.0, slow), Some(5));
        assert_eq!(bound.level_for(1920, 1080, 60.0, slow), None);
        assert_eq!(bound.limit(Bitrate::mbps(50)), Bitrate::mbps(12));
    }

    #[test]
    fn an_av1_keyframe_is_what_was_agreed() {
        // 640x360, level 3.1, and a key frame that is shown.
        let unit = [
            0x0a, 0x0e, 0x00, 0x00, 0x00, 0x2c, 0xc4, 0xff, 0x67, 0x36, 0xbe, 0x44, 0x04, 0x04, 0x04, 0x10, 0x32, 0x01,
            0x10,
        ];
        let format = VideoFormat::of(Codec::Av1);
        assert!(format.verify(&unit, 5, 640, 360).is_ok() && format.verify(&unit, 8, 640, 360).is_ok());
        let wrong = |unit: &[u8], level, width| format.verify(unit, level, width, 360).err().unwrap().to_string();
        assert!(wrong(&unit, 4, 640).contains("level"));
        assert!(wrong(&unit, 5, 642).contains("size"));
        assert!(wrong(&unit[16..], 5, 640).contains("without a sequence header"));
        // A picture that is kept back, and two in one unit.
        let kept = [&unit[..18], &[0x00]].concat();
        assert!(wrong(&kept, 5, 640).contains("reordered"));
        let two = [&unit[..], &unit[16..]].concat();
        assert!(wrong(&two, 5, 640).contains("reordered"));
    }
}
