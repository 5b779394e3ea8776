//! WebRTC peers of a host: many viewers of one encoded stream over one UDP port, and over connections to the TCP port of
//! the same number where UDP is blocked.
//!
//! Two layers. [`core`] holds all peers (on str0m) and is sans-IO: time and datagrams are arguments, so that its tests
//! run in virtual time. [`RtcServer`] is the thin loop around it: one named thread, one socket, a precise timer, and
//! bounded channels to the rest of the host. Nothing ever waits for a viewer, and one viewer's trouble (malformed
//! datagrams and descriptions, floods, slow links, vanishing) stays its own.
//!
//! ```text
//! publish(AccessUnit) ──4──► ┌─────────┐ ──► datagrams to every peer
//! accept, add_candidate, ──► │ rr-rtc  │
//! send_state, close   ─256─► │ thread  │ ──► events (callback): messages, keyframe needed, estimates, statistics
//! take_tcp(connection) ─32─► └─────────┘
//! ```
//!
//! An access unit that a peer cannot take in time is left out together with all up to the next keyframe, which is asked
//! for; a new peer is held until a keyframe.

mod address;
mod agreement;
mod behind;
pub mod core;
mod decoding;
mod error;
mod event;
mod framing;
mod limit;
mod nudge;
mod offer;
mod parity;
mod payload;
mod peer;
mod sent;
mod server;
mod tcp;
mod timers;
mod udp;
mod video;
mod wait;

pub use address::{Locals, Transport, is_public};
pub use error::RtcError;
pub use event::{Channel, DisconnectReason, PathSample, PeerId, PeerStats, RtcEvent, RungId, SentPicture, Steering};
pub use server::{Publisher, RtcConfig, RtcServer, Steerings};
