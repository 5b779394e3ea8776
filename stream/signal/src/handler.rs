//! What the host does with a viewer: the border between signaling and the WebRTC engine.

use crate::throttle::ConnectionGuard;
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::{Bye, Candidate, SignalFromHost};
use rr_protocol::token::Claims;
use std::net::{SocketAddr, TcpStream};
use tokio::sync::mpsc;

/// Why the host does not take a viewer or an offer; goes to the viewer as it is.
pub use rr_protocol::signaling::SignalError as Refusal;

/// Names a viewer between signaling and the engine. The handler gives it out and keeps it unique while the host runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u32);

/// A viewer with a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// What the token says. `claims.id` names the link, for withdrawing it.
    pub claims: Claims,
    /// The name that the viewer gave, checked: 1 to 64 characters, no control characters.
    pub name: Option<String>,
    /// Where the viewer comes from.
    pub remote: SocketAddr,
}

/// The engine's side of signaling.
///
/// The methods may block (each runs on a thread for blocking work) but must return within
/// [`Limits::handler_timeout`](crate::Limits::handler_timeout): after that the viewer is told that the host has
/// trouble. The calls for one peer come in order and never at the same time; those for different peers run side by side.
pub trait SignalHandler: Send + Sync + 'static {
    /// A viewer asks to come in. `outbox` reaches its socket for as long as that is open.
    fn join(&self, request: JoinRequest, outbox: Outbox) -> Result<PeerId, Refusal>;

    /// The viewer's offer; returns the answer's SDP. Called once per peer.
    fn offer(&self, peer: PeerId, sdp: String) -> Result<String, Refusal>;

    /// A trickled candidate of the viewer, after its offer was answered. An empty one marks the end.
    fn candidate(&self, peer: PeerId, candidate: Candidate);

    /// The signaling socket is closed; called exactly once for each peer that joined. With `answered` the WebRTC
    /// session may go on and its ICE state decides; without, there is none and the peer is gone.
    fn left(&self, peer: PeerId, answered: bool);
}

/// Takes the connections that carry media instead of HTTP: the WebRTC engine's side of the door that both share.
pub trait MediaDoor: Send + Sync + 'static {
    /// A connection that begins as media does ([`crate::media`]). Nothing was read from it, and it does not block. Must return at
    /// once; a connection that is not wanted is dropped. `held` counts it among the [`Limits`](crate::Limits) of strangers: it
    /// has to be kept until the connection has shown that it is a viewer's, or has ended.
    fn take(&self, stream: TcpStream, held: ConnectionHold);
}

/// Counts a connection among the [`Limits`](crate::Limits) for as long as it lives.
#[derive(Debug)]
pub struct ConnectionHold(#[expect(dead_code, reason = "its end is what counts")] pub(crate) ConnectionGuard);

/// Why a message was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// The viewer reads too slowly.
    #[error("the queue to the viewer's socket is full")]
    Full,
    /// The socket is closed.
    #[error("the viewer's socket is closed")]
    Closed,
}

/// Sends to one viewer's signaling socket without ever blocking. Holds
/// [`Limits::outbox`](crate::Limits::outbox) messages; a message more is refused. What is queued before the answer
/// goes out after it.
#[derive(Debug, Clone)]
pub struct Outbox(pub(crate) mpsc::Sender<SignalFromHost>);

impl Outbox {
    /// A trickled candidate of the host.
    pub fn candidate(&self, candidate: Candidate) -> Result<(), OutboxError> {
        self.push(SignalFromHost::Candidate(candidate))
    }

    /// Ends the conversation: the viewer sees `message`, then the socket closes. It does not end the WebRTC session.
    pub fn bye(&self, code: ErrorCode, message: &str) -> Result<(), OutboxError> {
        self.push(SignalFromHost::Bye(Bye { code, message: message.to_owned() }))
    }

    fn push(&self, message: SignalFromHost) -> Result<(), OutboxError> {
        self.0.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => OutboxError::Full,
            mpsc::error::TrySendError::Closed(_) => OutboxError::Closed,
        })
    }
}
