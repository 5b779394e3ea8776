//! The pipeline of a view: frames -> encoder -> access units -> peers, and how its rate follows the viewers' networks.
//!
//! ```text
//! renderer ──► FrameSlot (latest wins) ──► Rung (one encoder thread) ──► callback: RtcServer::publish, acks
//!                                             ▲ bitrate, keyframe requests
//!                                          Adaptation ◄── estimates of the peers
//! ```
//!
//! Frames are dropped before the encoder, never after. Nothing here waits for a viewer.

pub mod adapt;
mod choice;
mod rung;
mod schedule;
mod slot;
mod survey;

pub use adapt::{AdaptConfig, Adaptation};
pub use choice::{ChosenEncoder, EncoderCandidate, EncoderChoice, EncoderReport, NotUsed, SharedReport};
pub use rr_encode as encode;
pub use rr_rtc as rtc;
pub use rung::{EncodedFrame, Rung, RungConfig, RungError, RungStats};
pub use slot::FrameSlot;
pub use survey::{Surveyed, survey};
