//! The pipeline of a view: frames -> encoder -> access units -> peers, and how its rate follows the viewers' networks.
//!
//! ```text
//! renderer ──► FrameFan ──► FrameSlot (latest wins) ──► Rung (one encoder thread) ──► callback: RtcServer::publish, acks
//!                                                          ▲ setting, keyframes, pause
//!                               View ◄── Ladder (pure) ◄── samples of each peer's Path
//! ```
//!
//! Frames are dropped before the encoder, never after. Nothing here waits for a viewer.

mod budget;
mod choice;
mod codec;
mod ladder;
mod offered;
mod path;
mod rung;
mod schedule;
mod setting;
mod slot;
mod survey;
mod view;

pub use choice::{ChosenEncoder, EncoderCandidate, EncoderChoice, EncoderReport, NotUsed, SharedReport};
pub use ladder::{Action, Ladder, LadderConfig, RUNGS_OF_A_VIEW};
pub use offered::{CodecChoice, StreamBounds, offered_formats};
pub use rr_encode as encode;
pub use rr_rtc as rtc;
pub use rung::{EncodedFrame, Rung, RungStats};
pub use setting::Setting;
pub use slot::{FrameFan, FrameSlot};
pub use survey::{Surveyed, is_nvidia_card, survey, try_card_picture};
pub use view::{MakeEncoder, OnUnit, RungReport, View};
