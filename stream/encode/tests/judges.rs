//! The test that all encoders have to pass notices encoders that do what they must not.

#![allow(clippy::unwrap_used)]

use rr_encode::{
    AccessUnit, Bitrate, EncodeError, Encoder, Frame, H264Format, SoftwareConfig, SoftwareEncoder, VideoFormat,
    compliance,
};

/// What is wrong with the encoder.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Bitrate,
    FrameRate,
    Keyframes,
    Late,
    Level,
    Damaged,
    NewSequence,
}

struct WrongEncoder {
    encoder: SoftwareEncoder,
    wrong: Wrong,
    held: Option<AccessUnit>,
    anew: bool,
}

impl Encoder for WrongEncoder {
    fn encode(&mut self, frame: &Frame, force_keyframe: bool) -> Result<Option<AccessUnit>, EncodeError> {
        let force = (force_keyframe && self.wrong != Wrong::Keyframes) || std::mem::take(&mut self.anew);
        let Some(mut unit) = self.encoder.encode(frame, force)? else { return Ok(None) };
        if self.wrong == Wrong::Damaged && !unit.keyframe {
            let mut bytes = unit.data.to_vec();
            bytes.truncate(bytes.len() / 2);
            unit.data = bytes.into();
        }
        if self.wrong == Wrong::Late {
            // The picture before in the name of this one.
            let before = self.held.replace(unit.clone()).unwrap_or_else(|| unit.clone());
            unit.data = before.data;
        }
        Ok(Some(unit))
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        self.anew = self.wrong == Wrong::NewSequence;
        if self.wrong == Wrong::Bitrate { Ok(()) } else { self.encoder.set_bitrate(bitrate) }
    }

    fn set_frame_rate(&mut self, frames_per_second: f32) -> Result<(), EncodeError> {
        if self.wrong == Wrong::FrameRate { Ok(()) } else { self.encoder.set_frame_rate(frames_per_second) }
    }

    fn description(&self) -> String {
        "wrong on purpose".to_owned()
    }
}

fn verdict(wrong: Wrong) -> String {
    compliance::check(&compliance::Subject {
        make: &|format, bitrate, frames_per_second| {
            let VideoFormat::H264(format) = format else { return Err("openh264 makes H.264".to_owned()) };
            let format = if wrong == Wrong::Level { H264Format::default() } else { format };
            let encoder = SoftwareEncoder::new(SoftwareConfig { bitrate, frames_per_second }).with_format(format);
            Ok(Box::new(WrongEncoder { encoder, wrong, held: None, anew: false }))
        },
        usual: VideoFormat::default(),
        formats: &["42e028".parse::<H264Format>().unwrap().into()],
        smallest: (16, 16),
    })
    .err()
    .unwrap_or_else(|| "nothing was noticed".to_owned())
}

#[test]
fn wrong_encoders_are_found_out() {
    for (wrong, said) in [
        (Wrong::Bitrate, "bitrate: "),
        (Wrong::FrameRate, "frame rate: "),
        (Wrong::Keyframes, "keyframes: frame 7"),
        (Wrong::Late, "picture: "),
        (Wrong::Level, "agreed formats: "),
        (Wrong::Damaged, "picture: ffmpeg gave no picture"),
        (Wrong::NewSequence, "bitrate: picture 0: a new sequence"),
    ] {
        let verdict = verdict(wrong);
        assert!(verdict.starts_with(said), "{said:?} expected: {verdict}");
    }
}
