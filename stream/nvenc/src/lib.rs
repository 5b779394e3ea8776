//! NVIDIA's encoder, NVENC, behind the trait of all encoders. The driver is found when the program runs; where it is not,
//! or cannot be used, [`NvencError`] says why and what to do, and the stream takes another encoder.
//!
//! ```text
//! Driver (libraries) ─► Context (CUDA, one card) ─► Session (buffers, settings) ─► NvencEncoder
//! ```
//!
//! Pictures ([`rr_encode::Frame`]) that lie in the card's own memory are taken from there (`shared_input.rs`); others are
//! copied into the driver's. One picture is
//! encoded at a time: with a buffer of one frame and no reordering there is nothing to overlap, and a second picture in
//! flight would only add its time to the latency.
//!
//! Tests run against a double of the driver (`double/`), because few machines have a card.

#![expect(unsafe_code, reason = "calls into the driver")]

mod av1;
mod driver;
mod encoder;
mod error;
mod external;
mod hevc;
pub mod probe;
mod session;
mod settings;
mod shared_input;
mod wait;

pub use driver::Driver;
pub use encoder::{NvencConfig, NvencEncoder, Preset};
pub use error::NvencError;
