//! Messages on the signaling WebSocket (`GET /signal`).
//!
//! ```text
//! viewer                            host
//!   hello {token, version}  ->
//!                           <-  waiting {place, ...}   from a gateway, as long as no worker is free
//!                           <-  welcome {role, ...}   or  error {code, message}, then close
//!   offer {sdp}             ->
//!                           <-  answer {sdp}
//!   candidate {...}        <->  candidate {...}        trickled, in any order after the offer
//!                           <-  bye {message}          the host ends the session
//! ```
//! The viewer offers: one receive-only video section and the data channels `input` and `state`.

use super::host::ErrorCode;
use super::token::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// From the viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
pub enum SignalFromViewer {
    /// First message: shows the token of the share link.
    Hello(Hello),
    /// Session description, type `offer`.
    Offer(Sdp),
    /// A trickled candidate.
    Candidate(Candidate),
}

/// From the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
pub enum SignalFromHost {
    /// No worker is free yet; another one follows when the place changes, and `welcome` in the end.
    Waiting(Waiting),
    /// The token is good.
    Welcome(Welcome),
    /// Session description, type `answer`.
    Answer(Sdp),
    /// A trickled candidate.
    Candidate(Candidate),
    /// Something is wrong; the host closes the socket after it.
    Error(SignalError),
    /// The host ends this session on purpose.
    Bye(Bye),
}

/// Opens the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// From the share link.
    pub token: String,
    /// [`crate::PROTOCOL_VERSION`] of the viewer.
    pub protocol_version: u32,
    /// Shown to the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// By which the host knows who comes again: made up by the viewer, nobody else's, 16 to 64 letters, digits, `-` and `_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub return_key: Option<String>,
}

/// A place in the queue of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// 1: the next one.
    pub place: u32,
    /// How long it may take, seconds; none where nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub estimate_secs: Option<u32>,
}

/// The host lets the viewer in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// [`crate::PROTOCOL_VERSION`] of the host.
    pub protocol_version: u32,
    /// What the viewer may do.
    pub role: Role,
    /// STUN and TURN servers to use.
    pub ice_servers: Vec<IceServer>,
}

/// As `RTCIceServer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields)]
pub struct IceServer {
    /// `stun:` or `turn:` addresses.
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// A session description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Sdp {
    /// RFC 8866.
    pub sdp: String,
}

/// As `RTCIceCandidateInit`; an empty candidate marks the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// `candidate:...` of RFC 8839.
    pub candidate: String,
    /// Which section of the description.
    #[serde(default)]
    pub sdp_mid: Option<String>,
    /// Which section of the description.
    #[serde(default)]
    pub sdp_m_line_index: Option<u16>,
}

/// Why the host does not let the viewer in or goes no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SignalError {
    /// Stable, for programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
}

/// The last message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Bye {
    /// Stable, for programs: after [`ErrorCode::Removed`] a viewer does not come back by itself.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
}
