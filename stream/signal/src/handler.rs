//! What the host does with a viewer: the border between signaling and the WebRTC engine.

use crate::throttle::ConnectionGuard;
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::Waiting;
use rr_protocol::signaling::{Bye, Candidate, SignalFromHost};
use rr_protocol::token::Claims;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

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
    /// By which the viewer is known when it comes again, checked: 16 to 64 letters, digits, `-` and `_`.
    pub return_key: Option<String>,
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

    /// The signaling socket is closed; called exactly once for each peer that joined.
    fn left(&self, peer: PeerId, how: Leave);
}

/// How a viewer's signaling ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Before its offer was answered: there is no WebRTC session, and the peer is gone.
    Early,
    /// The socket broke, perhaps with a network, a proxy or a gateway. The WebRTC session may go on; its ICE state decides.
    Silent,
    /// The viewer said goodbye (RFC 6455, 7.4.1: 1000, or 1001 when a page is closed). It is gone, and nobody need wait until
    /// its silence shows that.
    Goodbye,
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
    /// A queue of `size` messages and its other end, for whoever is the socket.
    pub fn queue(size: usize) -> (Self, mpsc::Receiver<SignalFromHost>) {
        let (tx, rx) = mpsc::channel(size.max(1));
        (Self(tx), rx)
    }

    /// Where the viewer stands in the queue; only before it is let in.
    pub fn waiting(&self, waiting: Waiting) -> Result<(), OutboxError> {
        self.push(SignalFromHost::Waiting(waiting))
    }

    /// As it is, from another host.
    pub fn relay(&self, message: SignalFromHost) -> Result<(), OutboxError> {
        self.push(message)
    }

    /// Ends when the socket is closed.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

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

/// An answer that comes later; `None`: it will not come any more.
pub type Reply<T> = Pin<Box<dyn Future<Output = Option<T>> + Send>>;

/// What serves viewers without blocking: a gateway, or a [`SignalHandler`] on threads of its own.
pub trait SignalService: Send + Sync + 'static {
    /// For one viewer's socket.
    fn viewer(&self) -> Box<dyn ViewerCalls>;
}

/// One viewer's calls, in order and one at a time. Those of [`SignalHandler`], but nothing blocks, and `join` may take as
/// long as a queue is: a dropped reply is a viewer that did not want to wait.
pub trait ViewerCalls: Send + 'static {
    /// As [`SignalHandler::join`].
    fn join(&mut self, request: JoinRequest, outbox: Outbox) -> Reply<Result<PeerId, Refusal>>;
    /// As [`SignalHandler::offer`].
    fn offer(&mut self, peer: PeerId, sdp: String) -> Reply<Result<String, Refusal>>;
    /// As [`SignalHandler::candidate`].
    fn candidate(&mut self, peer: PeerId, candidate: Candidate) -> Reply<()>;
    /// As [`SignalHandler::left`].
    fn left(&mut self, peer: PeerId, how: Leave) -> Reply<()>;
}

/// A handler whose calls may block, each on a thread for that.
pub struct Blocking {
    /// What is called.
    pub handler: Arc<dyn SignalHandler>,
    /// For each call.
    pub limit: Duration,
}

impl SignalService for Blocking {
    fn viewer(&self) -> Box<dyn ViewerCalls> {
        Box::new(Calls { handler: Arc::clone(&self.handler), limit: self.limit, turn: Arc::default() })
    }
}

/// Calls of the handler on threads for blocking work, one at a time for this socket.
struct Calls {
    handler: Arc<dyn SignalHandler>,
    limit: Duration,
    /// A call that is given up goes on; the next waits for it.
    turn: Arc<Mutex<()>>,
}

impl Calls {
    /// `None` when the handler takes too long or panics.
    fn call<T, F>(&self, f: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnOnce(&dyn SignalHandler) -> T + Send + 'static,
    {
        let (handler, turn, limit) = (Arc::clone(&self.handler), Arc::clone(&self.turn), self.limit);
        Box::pin(async move {
            let call = tokio::task::spawn_blocking(move || {
                let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
                f(&*handler)
            });
            timeout(limit, call).await.ok()?.ok()
        })
    }
}

impl ViewerCalls for Calls {
    /// A peer whose reply nobody takes any more leaves at once.
    fn join(&mut self, request: JoinRequest, outbox: Outbox) -> Reply<Result<PeerId, Refusal>> {
        let (reply, reply_rx) = oneshot::channel();
        let handler = Arc::clone(&self.handler);
        let call = self.call(move |_| {
            let joined = handler.join(request, outbox);
            let _ = reply.send(joined.map(|peer| Arrived { peer: Some(peer), handler }));
        });
        Box::pin(async move {
            call.await?;
            let mut joined = reply_rx.await.ok()?;
            Some(match &mut joined {
                Ok(arrived) => Ok(arrived.peer.take()?),
                Err(refusal) => Err(refusal.clone()),
            })
        })
    }

    fn offer(&mut self, peer: PeerId, sdp: String) -> Reply<Result<String, Refusal>> {
        self.call(move |handler| handler.offer(peer, sdp))
    }

    fn candidate(&mut self, peer: PeerId, candidate: Candidate) -> Reply<()> {
        self.call(move |handler| handler.candidate(peer, candidate))
    }

    fn left(&mut self, peer: PeerId, how: Leave) -> Reply<()> {
        self.call(move |handler| handler.left(peer, how))
    }
}

/// A peer that has joined and that nobody knows of yet. The socket may be gone at any moment until then.
struct Arrived {
    peer: Option<PeerId>,
    handler: Arc<dyn SignalHandler>,
}

impl Drop for Arrived {
    fn drop(&mut self) {
        let Some(peer) = self.peer.take() else { return };
        let handler = Arc::clone(&self.handler);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => _ = runtime.spawn_blocking(move || handler.left(peer, Leave::Early)),
            Err(_) => handler.left(peer, Leave::Early),
        }
    }
}
