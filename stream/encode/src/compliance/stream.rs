//! What a stream says of itself, for each codec: the checks ask here and need not know which it is.

use super::text;
use crate::h264::{self, Colour};
use crate::{AccessUnit, Codec, VideoFormat, av1, hevc};

/// What stands in front of a keyframe.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Headers {
    codec: Codec,
    /// Profile as the codec numbers it, and what goes with it: constraint flags, or the tier.
    profile: (u8, u8),
    /// As the codec numbers it.
    pub level: u8,
    /// Width and height without what is cropped.
    pub size: (u32, u32),
    pub colour: Option<Colour>,
    /// It says that nothing is reordered, so that decoders do not wait.
    pub in_order: bool,
}

impl Headers {
    pub fn of(unit: &AccessUnit) -> Result<Self, String> {
        let codec = unit.codec;
        match codec {
            Codec::H264 => {
                let sps = h264::nal_units(&unit.data).find(|nal| h264::nal_type(nal) == h264::NAL_SPS);
                let sps = h264::Sps::parse(sps.ok_or("no parameter set")?).map_err(text)?;
                Ok(Self {
                    codec,
                    profile: (sps.profile_idc, sps.constraints),
                    level: sps.level_idc,
                    size: (sps.width, sps.height),
                    colour: sps.colour,
                    in_order: sps.pic_order_cnt_type == 2 || sps.reorder_frames == Some(0),
                })
            }
            Codec::Hevc => {
                let sps = h264::nal_units(&unit.data).find(|nal| hevc::nal_type(nal) == Some(hevc::NAL_SPS));
                let sps = hevc::Sps::parse(sps.ok_or("no parameter set")?).map_err(text)?;
                Ok(Self {
                    codec,
                    profile: (sps.profile_idc, sps.high_tier.into()),
                    level: sps.level_idc,
                    size: (sps.width, sps.height),
                    colour: sps.colour,
                    in_order: sps.reorder_pictures == 0,
                })
            }
            Codec::Av1 => {
                let header = av1::SequenceHeader::of(&unit.data).map_err(text)?;
                Ok(Self {
                    codec,
                    profile: (header.profile, header.high_tier.into()),
                    level: header.level_idx,
                    size: (header.width, header.height),
                    colour: header.colour,
                    in_order: is_in_order(unit),
                })
            }
        }
    }

    /// Codec, profile and level are what was agreed.
    pub fn is(&self, format: VideoFormat) -> bool {
        let (profile, level) = match format {
            // A fixed level is said as it is.
            VideoFormat::H264(format) => {
                (format.profile.idc_and_constraints(), format.level_idc.is_none_or(|fixed| fixed == self.level))
            }
            VideoFormat::Hevc(format) => ((1, 0), format.max_level_idc.is_none_or(|most| self.level <= most)),
            VideoFormat::Av1(format) => ((0, 0), format.max_level_idx.is_none_or(|most| self.level <= most)),
        };
        self.codec == format.codec() && self.profile == profile && level
    }
}

/// It has a parameter set, or a picture that decoding can start with.
pub(super) fn begins_anew(unit: &AccessUnit) -> bool {
    unit.keyframe || can_begin(unit) || parameter_sets(unit).0
}

/// It has a picture, or a slice of one, that decoding can start with.
pub(super) fn can_begin(unit: &AccessUnit) -> bool {
    match unit.codec {
        Codec::H264 => h264::nal_units(&unit.data).any(|nal| h264::nal_type(nal) == h264::NAL_IDR),
        Codec::Hevc => h264::nal_units(&unit.data).any(hevc::is_idr),
        Codec::Av1 => av1::pictures(&unit.data).any(|picture| picture.key),
    }
}

/// It has any parameter set, and all that a keyframe needs.
pub(super) fn parameter_sets(unit: &AccessUnit) -> (bool, bool) {
    let needed: &[u8] = match unit.codec {
        Codec::H264 => &[h264::NAL_SPS, h264::NAL_PPS],
        Codec::Hevc => &[hevc::NAL_VPS, hevc::NAL_SPS, hevc::NAL_PPS],
        Codec::Av1 => &[av1::SEQUENCE_HEADER],
    };
    let has = |kind: &u8| match unit.codec {
        Codec::H264 => h264::nal_units(&unit.data).any(|nal| h264::nal_type(nal) == *kind),
        Codec::Hevc => h264::nal_units(&unit.data).any(|nal| hevc::nal_type(nal) == Some(*kind)),
        Codec::Av1 => av1::obus(&unit.data).any(|obu| obu.kind == *kind),
    };
    (needed.iter().any(has), needed.iter().all(has))
}

/// No slice of it may look ahead, and its picture, of which there is one, is shown at once.
pub(super) fn is_in_order(unit: &AccessUnit) -> bool {
    match unit.codec {
        Codec::H264 => !h264::nal_units(&unit.data).any(|nal| h264::slice_type(nal) == Some(1)),
        Codec::Hevc => !h264::nal_units(&unit.data).any(|nal| hevc::slice_type(nal) == Some(0)),
        Codec::Av1 => {
            let mut pictures = av1::pictures(&unit.data);
            pictures.next().is_some_and(|picture| picture.shown && !picture.again) && pictures.next().is_none()
        }
    }
}
