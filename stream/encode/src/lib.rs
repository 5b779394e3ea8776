//! From raw pictures to H.264, HEVC and AV1: [`Frame`], [`AccessUnit`], the [`Encoder`] trait and the software encoder.
//!
//! A picture is written into a [`Frame`] of a [`FramePool`] (I420, BT.709, limited range), an [`Encoder`] makes an
//! [`AccessUnit`] of it, and whoever sends it shares its bytes. Nothing here knows of threads, sockets or clocks other
//! than the times that frames carry.
//!
//! Unless something else was agreed ([`H264Format`]), the stream is constrained baseline H.264 (`42e0xx`): what every
//! browser decodes. The level in its SPS is that of the picture and rate; session descriptions say `42e01f` with
//! `level-asymmetry-allowed=1`, as browsers offer it.

mod access_unit;
pub mod av1;
mod bitrate;
mod bits;
mod bytes_pool;
mod card;
mod codec;
pub mod compliance;
mod encoder;
mod format;
mod frame;
pub mod h264;
pub mod hevc;
mod keyframe;
mod scale;
mod software;
mod video_format;
mod vui;

pub use access_unit::{AccessUnit, rtp_timestamp};
pub use bitrate::Bitrate;
pub use bits::BitstreamError;
pub use bytes_pool::BytesPool;
pub use card::{BorrowedHandle, CardFence, CardId, CardMemory, CardPicture};
pub use encoder::{EncodeError, Encoder};
pub use format::{Codec, Codecs, H264Format, H264Profile};
pub use frame::{Frame, FrameError, FramePool};
pub use scale::Scaler;
pub use software::{SoftwareConfig, SoftwareEncoder};
pub use video_format::{Av1Format, HevcFormat, VideoFormat};
