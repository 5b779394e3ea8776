//! What was agreed with the viewers: codec, profile and level of a stream.

use crate::h264::{self, NAL_SPS, Sps};
use crate::{Bitrate, BitstreamError, EncodeError};
use std::fmt;
use std::str::FromStr;

/// A video codec. The software encoder makes H.264; hardware may make the others where card and viewer can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    Hevc,
    /// AOMedia Video 1.
    Av1,
}

impl Codec {
    /// All, in the order in which browsers learned them.
    pub const ALL: [Self; 3] = [Self::H264, Self::Hevc, Self::Av1];
}

/// A set of codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Codecs(u8);

impl Codecs {
    /// Only H.264: what every viewer decodes.
    pub const H264: Self = Self(1 << Codec::H264 as u8);

    /// As this one, and `codec`.
    #[must_use]
    pub const fn with(self, codec: Codec) -> Self {
        Self(self.0 | 1 << codec as u8)
    }

    /// As this one, but not `codec`.
    #[must_use]
    pub const fn without(self, codec: Codec) -> Self {
        Self(self.0 & !(1 << codec as u8))
    }

    /// What is in both.
    #[must_use]
    pub const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether it is one of them.
    pub const fn contains(self, codec: Codec) -> bool {
        self.0 & 1 << codec as u8 != 0
    }

    /// The one with the best picture for its bits; H.264 of none.
    pub fn best(self) -> Codec {
        [Codec::Av1, Codec::Hevc].into_iter().find(|codec| self.contains(*codec)).unwrap_or(Codec::H264)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
            Self::Av1 => "AV1",
        })
    }
}

/// Profiles of H.264 that browsers offer and all encoders make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum H264Profile {
    /// `42e0xx`: what every browser decodes.
    #[default]
    ConstrainedBaseline,
    /// `4d00xx`: with arithmetic coding, which saves some bits.
    Main,
}

impl H264Profile {
    /// `profile_idc` and the byte of constraint flags, as the stream has to say them.
    pub const fn idc_and_constraints(self) -> (u8, u8) {
        match self {
            Self::ConstrainedBaseline => (66, 0xe0),
            Self::Main => (77, 0x00),
        }
    }
}

/// What a stream has to be: the `profile-level-id` of a session description (RFC 6184, 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct H264Format {
    /// Profile.
    pub profile: H264Profile,
    /// `level_idc` that the stream has to say, and must keep to. `None`: the lowest that fits picture and rate, for
    /// viewers that allow it (`level-asymmetry-allowed=1`).
    pub level_idc: Option<u8>,
}

impl H264Format {
    /// The level that the stream says, for this size and rate. `None`: the picture does not fit.
    pub fn level_for(&self, width_px: u32, height_px: u32, frames_per_second: f32, bitrate: Bitrate) -> Option<u8> {
        let Some(fixed) = self.level_idc else {
            return h264::level_idc(width_px, height_px, frames_per_second, bitrate);
        };
        // A fixed level bounds the rate; see `limit`.
        let needs = h264::level_idc(width_px, height_px, frames_per_second, Bitrate::bps(0))?;
        (needs <= fixed).then_some(fixed)
    }

    /// The rate within a fixed level.
    pub fn limit(&self, bitrate: Bitrate) -> Bitrate {
        self.level_idc.and_then(h264::max_bitrate).map_or(bitrate, |most| bitrate.min(most))
    }

    /// Writes profile and constraints as agreed into a sequence parameter set.
    ///
    /// # Errors
    /// The stream has another profile.
    pub fn mark(&self, sps: &mut [u8]) -> Result<(), BitstreamError> {
        let [_, idc, constraints, _level, ..] = sps else { return Err(BitstreamError::Short) };
        let wanted = self.profile.idc_and_constraints();
        if *idc != wanted.0 {
            return Err(BitstreamError::Profile(*idc));
        }
        *constraints = wanted.1;
        Ok(())
    }

    /// As [`H264Format::mark`], for each parameter set of an Annex B stream.
    ///
    /// # Errors
    /// As [`H264Format::mark`].
    pub fn mark_stream(&self, stream: &mut [u8]) -> Result<(), BitstreamError> {
        let mut at = 0;
        while let Some(start) = stream[at..].windows(3).position(|w| w == [0, 0, 1]) {
            at += start + 3;
            let nal = &mut stream[at..];
            match h264::nal_type(nal) {
                NAL_SPS => self.mark(nal)?,
                // Parameter sets come before the picture.
                h264::NAL_IDR | h264::NAL_SLICE => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks that the parameter set in a keyframe is what was agreed.
    ///
    /// # Errors
    /// None there, or another profile, level or size.
    pub fn verify(&self, keyframe: &[u8], level_idc: u8, width_px: u32, height_px: u32) -> Result<(), EncodeError> {
        let nal = h264::nal_units(keyframe)
            .find(|nal| h264::nal_type(nal) == NAL_SPS)
            .ok_or(BitstreamError::Unexpected("keyframe without parameter sets"))?;
        let sps = Sps::parse(nal)?;
        if (sps.profile_idc, sps.constraints) != self.profile.idc_and_constraints() {
            return Err(BitstreamError::Unexpected("profile").into());
        }
        if sps.level_idc != level_idc {
            return Err(BitstreamError::Unexpected("level").into());
        }
        if (sps.width, sps.height) != (width_px, height_px) {
            return Err(BitstreamError::Unexpected("size").into());
        }
        Ok(())
    }
}

impl FromStr for H264Format {
    type Err = BitstreamError;

    /// Reads a `profile-level-id` such as `42e01f`; its level is taken as fixed.
    fn from_str(text: &str) -> Result<Self, BitstreamError> {
        let value = (text.len() == 6).then(|| u32::from_str_radix(text, 16).ok()).flatten();
        let [_, idc, constraints, level_idc] =
            value.ok_or(BitstreamError::Unexpected("profile-level-id"))?.to_be_bytes();
        let profile = match idc {
            // Table 5 of RFC 6184: flag 1 makes any of these the constrained baseline.
            66 | 77 if constraints & if idc == 66 { 0x40 } else { 0x80 } != 0 => H264Profile::ConstrainedBaseline,
            77 => H264Profile::Main,
            _ => return Err(BitstreamError::Profile(idc)),
        };
        h264::max_bitrate(level_idc).ok_or(BitstreamError::Unexpected("level"))?;
        Ok(Self { profile, level_idc: Some(level_idc) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_descriptions_are_read() {
        let format = |text: &str| text.parse::<H264Format>();
        let constrained = H264Profile::ConstrainedBaseline;
        assert_eq!(format("42e01f"), Ok(H264Format { profile: constrained, level_idc: Some(31) }));
        assert_eq!(format("4D0028"), Ok(H264Format { profile: H264Profile::Main, level_idc: Some(40) }));
        assert_eq!(format("4d801f").map(|f| f.profile), Ok(constrained));
        assert_eq!(format("64001f"), Err(BitstreamError::Profile(100)));
        // Baseline with slice groups is none of ours.
        assert_eq!(format("42001f"), Err(BitstreamError::Profile(66)));
        for wrong in ["", "42e0", "42e01f00", "+2e01f", "42e0zz", "42e0ff", "ééé"] {
            assert!(format(wrong).is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn a_fixed_level_bounds_size_and_rate() {
        let fixed: H264Format = "42e01f".parse().unwrap();
        assert_eq!(fixed.level_for(1280, 720, 30.0, Bitrate::mbps(50)), Some(31));
        assert_eq!(fixed.level_for(1920, 1080, 30.0, Bitrate::mbps(1)), None);
        assert_eq!(fixed.limit(Bitrate::mbps(50)), Bitrate::mbps(14));
        let free = H264Format::default();
        assert_eq!(free.level_for(1920, 1080, 30.0, Bitrate::mbps(1)), Some(40));
        assert_eq!(free.limit(Bitrate::mbps(50)), Bitrate::mbps(50));
    }

    #[test]
    fn a_stream_of_another_profile_is_refused() {
        let format = H264Format::default();
        assert_eq!(format.mark(&mut [0x67, 100, 0, 31]), Err(BitstreamError::Profile(100)));
        assert_eq!(format.mark(&mut [0x67]), Err(BitstreamError::Short));
        let mut sps = [0x67, 66, 0xc0, 31];
        assert_eq!(format.mark(&mut sps), Ok(()));
        assert_eq!(sps, [0x67, 66, 0xe0, 31]);
        let mut stream = [0, 0, 0, 1, 9, 16, 0, 0, 1, 0x67, 66, 0xc0, 31, 0, 0, 1, 0x65, 0, 0, 1, 0x67];
        assert_eq!(format.mark_stream(&mut stream), Ok(()));
        assert_eq!(stream[11], 0xe0);
        assert_eq!(format.mark_stream(&mut [0, 0, 1, 0x67, 100, 0, 31]), Err(BitstreamError::Profile(100)));
        assert_eq!(format.mark_stream(&mut [0, 0]), Ok(()));
        assert!(format.verify(&[0, 0, 0, 1, 0x65, 1, 2], 31, 640, 360).is_err());
    }
}
