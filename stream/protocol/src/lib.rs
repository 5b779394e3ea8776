//! Every type that crosses the wire: signaling, the data channels, share-link claims, worker and gateway.
//!
//! JSON throughout. The TypeScript types and the JSON schema are generated from these definitions by
//! `cargo run -p rr-protocol --bin rr-protocol-gen`; a test holds them fresh. The types know nothing of the scene's
//! own types: the engine translates.

pub mod client;
pub mod gateway;
pub mod generate;
pub mod host;
pub mod signaling;
pub mod stats;
pub mod token;
pub mod worker;

pub use client::{ClientBody, ClientMessage};
pub use host::{HostBody, HostMessage};
pub use signaling::{SignalFromHost, SignalFromViewer};
pub use token::{Claims, Role};

/// Version of this schema. A host and a viewer with different major numbers do not talk.
pub const PROTOCOL_VERSION: u32 = 1;

/// Label of the unordered, unreliable data channel for input.
pub const INPUT_CHANNEL: &str = "input";
/// Label of the ordered, reliable data channel for state and for edits.
pub const STATE_CHANNEL: &str = "state";

/// Longest message a viewer may send on a data channel, bytes.
pub const MAX_CLIENT_MESSAGE_LEN: usize = 16 * 1024;
/// Longest message a viewer may send on the signaling WebSocket, bytes.
pub const MAX_SIGNAL_LEN: usize = 64 * 1024;
/// Longest piece of text in a message to a viewer; longer states are sent in pieces (see [`host::HostBody::Part`]).
pub const MAX_HOST_MESSAGE_LEN: usize = 32 * 1024;
