//! Which codecs a viewer and we agree on. H.264 is always among them ([`crate::offer`]), so that there is one for everybody;
//! the others are what an encoder here makes and the viewer offers in the profile, tier and level that it has.
//!
//! The level of AV1 is no bound: browsers offer 3.1 (`level-idx=5`) whatever they decode, send each other larger pictures under
//! it, and decode what comes on the processor where they have nothing else. So the answer repeats the level that was offered,
//! and the stream says the one that it has. A viewer that decodes less all the same is found out ([`crate::decoding`]).

use rr_encode::{Codec, Codecs, VideoFormat};
use str0m::format::{Codec as RtpCodec, CodecConfig, FormatParams, PayloadParams};
use str0m::media::{Frequency, Mid, Pt};

/// The video section: what each codec that was agreed on is called in it.
pub(crate) struct Video {
    pub mid: Mid,
    types: Vec<(Codec, Pt)>,
}

/// Level 6.0, for whoever names none: as browsers offer it.
const HEVC_LEVEL: u8 = 180;

impl Video {
    /// What was agreed on for a section, as far as it is enough for what we send.
    pub fn new<'a>(mid: Mid, agreed: impl Iterator<Item = &'a PayloadParams>, formats: &[VideoFormat]) -> Self {
        let mut types = Vec::new();
        for params in agreed {
            let codec = match params.spec().codec {
                RtpCodec::H264 => Codec::H264,
                RtpCodec::H265 if formats.iter().any(|format| is_enough(params, format)) => Codec::Hevc,
                RtpCodec::Av1 if formats.iter().any(|format| format.codec() == Codec::Av1) => Codec::Av1,
                _ => continue,
            };
            if !types.iter().any(|(known, _)| *known == codec) {
                types.push((codec, params.pt()));
            }
        }
        Self { mid, types }
    }

    /// What its packets are called. `None`: the viewer does not decode it.
    pub fn payload_type(&self, codec: Codec) -> Option<Pt> {
        self.types.iter().find(|(of, _)| *of == codec).map(|(_, pt)| *pt)
    }

    /// All that can be sent.
    pub fn decodes(&self) -> Codecs {
        self.types.iter().fold(Codecs::default(), |all, (codec, _)| all.with(*codec))
    }
}

/// What was agreed on is enough for a format of ours. What a viewer does not say has the defaults of RFC 7798, 7.1: level 3.1.
fn is_enough(agreed: &PayloadParams, ours: &VideoFormat) -> bool {
    let VideoFormat::Hevc(hevc) = ours else { return false };
    let level = agreed.spec().format.h265_profile_tier_level.map_or(93, |said| said.level_id());
    level >= hevc.max_level_idc.unwrap_or(HEVC_LEVEL)
}

/// What our side of a session description has: H.264, and these. `av1_level`: what the viewer offers
/// ([`crate::offer::av1_level`]).
pub(crate) fn offer_codecs(codecs: &mut CodecConfig, formats: &[VideoFormat], av1_level: Option<u8>) {
    codecs.add_h264(108.into(), Some(109.into()), true, 0x42_e0_1f);
    codecs.add_h264(127.into(), Some(121.into()), true, 0x42_00_1f);
    for format in formats {
        match format {
            VideoFormat::H264(_) => {}
            VideoFormat::Hevc(hevc) => {
                codecs.add_h265(102.into(), Some(103.into()), 1, 0, hevc.max_level_idc.unwrap_or(HEVC_LEVEL));
            }
            VideoFormat::Av1(_) => {
                let Some(level) = av1_level else { continue };
                let main =
                    FormatParams { profile: Some(0), level_idx: Some(level), tier: Some(0), ..Default::default() };
                codecs.add_config(45.into(), Some(46.into()), RtpCodec::Av1, Frequency::NINETY_KHZ, None, main);
            }
        }
    }
}
