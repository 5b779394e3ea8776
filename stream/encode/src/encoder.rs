//! The trait behind which encoders are exchanged.

use crate::{AccessUnit, Bitrate, CardId, Frame};
use thiserror::Error;

/// Makes a stream of one codec of frames. Every backend passes [`crate::compliance`].
///
/// The stream is what was agreed ([`crate::VideoFormat`]; H.264, constrained baseline, unless said otherwise) and has no
/// reordering: one access unit per frame, decodable at once. A keyframe
/// carries its parameter sets or its sequence header. Size follows the frames: a frame of another size begins a new sequence with a keyframe.
pub trait Encoder: Send {
    /// Encodes one frame. `None`: the encoder left the frame out to keep its rate; a forced keyframe is never left out.
    ///
    /// # Errors
    /// A size the encoder cannot take, or the codec's own failure. After an error the next frame starts a new
    /// sequence with a keyframe.
    fn encode(&mut self, frame: &Frame, force_keyframe: bool) -> Result<Option<AccessUnit>, EncodeError>;

    /// Encodes a picture that rests once more, sharper, in at most about `bits`. `first`: it has just come to rest. `None`:
    /// it is as sharp as it gets. [`Encoder::encode`] goes on afterwards as if this had not been.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    fn refine(&mut self, frame: &Frame, first: bool, bits: u64) -> Result<Option<AccessUnit>, EncodeError> {
        let _ = (first, bits);
        self.encode(frame, false)
    }

    /// Aims at another rate from the next frame on.
    ///
    /// # Errors
    /// The codec refuses it; the old rate stays.
    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError>;

    /// Expects so many frames a second from now on; the rate control shares the bits out by it.
    ///
    /// # Errors
    /// The codec refuses it; the old one stays.
    fn set_frame_rate(&mut self, frames_per_second: f32) -> Result<(), EncodeError>;

    /// The card whose pictures it takes where they lie, if it does. May change with any frame.
    fn card(&self) -> Option<CardId> {
        None
    }

    /// For logs and statistics, such as `openh264 (software)`.
    fn description(&self) -> String;
}

/// Why a frame was not encoded.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// The picture is too small or too large.
    #[error("cannot encode {width_px}x{height_px}: sizes from 16x16 to {max} are possible")]
    Size {
        /// Width of the frame.
        width_px: u32,
        /// Height of the frame.
        height_px: u32,
        /// The largest possible size in words.
        max: &'static str,
    },
    /// The codec failed.
    #[error("{encoder}: {reason}")]
    Codec {
        /// Which encoder.
        encoder: &'static str,
        /// What it says.
        reason: String,
    },
    /// The picture is not to be had.
    #[error(transparent)]
    Frame(#[from] crate::FrameError),
    /// The stream is not what the session description promises.
    #[error("the stream is not what was agreed: {0}")]
    Stream(#[from] crate::BitstreamError),
}
