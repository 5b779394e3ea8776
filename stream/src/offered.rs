//! Which codecs a stream is offered in beside H.264: those that the card makes for pictures of this size, as far as the owner
//! wants them. Which of them a viewer gets is decided with its offer ([`crate::Ladder`]).

use crate::EncoderChoice;
use rr_encode::{Av1Format, Bitrate, Codec, HevcFormat, VideoFormat};
use rr_nvenc::{Driver, probe};
use std::fmt;
use std::str::FromStr;

/// What the owner wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodecChoice {
    /// The best that card and viewers have; H.264 for everybody else.
    #[default]
    Auto,
    /// H.264 for all.
    H264,
    /// HEVC where card and viewers have it; H.264 for everybody else.
    Hevc,
    /// AV1 where card and viewers have it; H.264 for everybody else.
    Av1,
}

impl FromStr for CodecChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "h264" => Ok(Self::H264),
            "hevc" => Ok(Self::Hevc),
            "av1" => Ok(Self::Av1),
            other => Err(format!("\"{other}\" is no codec that is made here: use auto, h264, hevc or av1")),
        }
    }
}

impl CodecChoice {
    /// The codecs beside H.264 that may be offered.
    fn allows(self) -> &'static [Codec] {
        match self {
            Self::Auto => &[Codec::Av1, Codec::Hevc],
            Self::H264 => &[],
            Self::Hevc => &[Codec::Hevc],
            Self::Av1 => &[Codec::Av1],
        }
    }
}

impl fmt::Display for CodecChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
        })
    }
}

/// What a stream is at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamBounds {
    /// Size of the picture, pixels.
    pub size: (u32, u32),
    /// Frames a second.
    pub frames_per_second: f32,
    /// Rate.
    pub bitrate: Bitrate,
}

/// The formats beside H.264 that the first card makes for such a stream. Opens a session for a moment. None where there is no
/// card, or the owner wants no other.
pub fn offered_formats(encoder: EncoderChoice, codec: CodecChoice, bounds: StreamBounds) -> Vec<VideoFormat> {
    if encoder == EncoderChoice::OpenH264 || codec == CodecChoice::H264 {
        return Vec::new();
    }
    let cards = Driver::load().map(|driver| probe::cards(&driver)).unwrap_or_default();
    let card = cards.into_iter().next().and_then(|card| card.encoder.ok());
    let formats = card.map_or_else(Vec::new, |can| formats_of(&can, codec, bounds));
    if let ([wanted], []) = (codec.allows(), &formats[..]) {
        tracing::warn!("there is no encoder for {wanted} at this size and rate: all viewers get H.264");
    }
    formats
}

fn formats_of(card: &probe::Abilities, choice: CodecChoice, bounds: StreamBounds) -> Vec<VideoFormat> {
    let StreamBounds { size: (width, height), frames_per_second, bitrate } = bounds;
    let made = |codec: &Codec| {
        let fits = |of: &probe::CodecAbility| of.codec == *codec && width <= of.max_size.0 && height <= of.max_size.1;
        if !card.codecs.iter().any(fits) {
            return None;
        }
        let level = VideoFormat::of(*codec).level_for(width, height, frames_per_second, bitrate)?;
        Some(match codec {
            Codec::H264 => VideoFormat::of(Codec::H264),
            Codec::Hevc => HevcFormat { max_level_idc: Some(level) }.into(),
            Codec::Av1 => Av1Format { max_level_idx: Some(level) }.into(),
        })
    };
    choice.allows().iter().filter_map(made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rr_nvenc::probe::{Abilities, CodecAbility};

    #[test]
    fn a_card_is_asked_for_what_fits() {
        let of = |codec, width, height| CodecAbility { codec, min_size: (16, 16), max_size: (width, height) };
        let card = |codecs| Abilities { codecs, engines: 1 };
        let formats_of = |card: &Abilities, bounds| formats_of(card, CodecChoice::Auto, bounds);
        let bounds = StreamBounds { size: (1920, 1080), frames_per_second: 30.0, bitrate: Bitrate::mbps(19) };
        let both = card(vec![of(Codec::H264, 4096, 4096), of(Codec::Hevc, 8192, 8192)]);
        assert_eq!(formats_of(&both, bounds), [HevcFormat { max_level_idc: Some(123) }.into()]);
        assert_eq!(formats_of(&card(vec![of(Codec::H264, 4096, 4096)]), bounds), []);
        assert_eq!(formats_of(&card(vec![of(Codec::Hevc, 1280, 720)]), bounds), []);
        let all = card(vec![of(Codec::H264, 4096, 4096), of(Codec::Hevc, 8192, 8192), of(Codec::Av1, 8192, 8192)]);
        let (av1, hevc) = (Av1Format { max_level_idx: Some(9) }.into(), HevcFormat { max_level_idc: Some(123) }.into());
        assert_eq!(formats_of(&all, bounds), [av1, hevc]);
        // The owner wants one of them, or none.
        for (choice, wanted) in
            [(CodecChoice::Av1, vec![av1]), (CodecChoice::Hevc, vec![hevc]), (CodecChoice::H264, vec![])]
        {
            assert_eq!(super::formats_of(&all, choice, bounds), wanted, "{choice}");
        }
        // Beyond all levels.
        assert_eq!(formats_of(&both, StreamBounds { bitrate: Bitrate::mbps(500), ..bounds }), []);
    }

    #[test]
    fn choices_are_read_as_they_are_shown() {
        for choice in [CodecChoice::Auto, CodecChoice::H264, CodecChoice::Hevc, CodecChoice::Av1] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        let wrong = "vp9".parse::<CodecChoice>().unwrap_err();
        assert!(wrong.contains("vp9") && wrong.contains("auto, h264, hevc or av1"), "{wrong}");
    }
}
