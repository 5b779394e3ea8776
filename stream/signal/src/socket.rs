//! Drives one [`Machine`] over one WebSocket: carries out its actions, feeds it frames, time and the host's messages.

use crate::front::{Shutdown, last_words};
use crate::handler::{JoinRequest, Outbox, PeerId, Refusal, Reply, SignalService, ViewerCalls};
use crate::machine::{Action, CLOSE_AWAY, Machine, Now, Shared};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::StreamExt;
use rr_protocol::signaling::SignalFromHost;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};

/// How long the other side may take to confirm our close, so that it gets our last message for sure.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a socket's task needs beside the socket.
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) service: Arc<dyn SignalService>,
    pub(crate) remote: SocketAddr,
    /// Turns to the last words when the host ends.
    pub(crate) shutdown: Shutdown,
}

/// Runs the conversation to its end and tells the service.
pub(crate) async fn drive(ws: WebSocket, context: Context) {
    let (outbox, outbox_rx) = Outbox::queue(context.shared.limits.outbox);
    let machine = Machine::new(Arc::clone(&context.shared), context.remote.ip(), Instant::now());
    let calls = context.service.viewer();
    let mut driver = Driver { ws, context, machine, calls, outbox: Some(outbox), outbox_rx, joining: None, held: None };
    driver.run().await;
    driver.joining = None;
    // Whoever still holds the queue shall see that nobody reads it.
    driver.outbox_rx.close();
    if let Some((peer, how)) = driver.machine.peer() {
        let _ = driver.calls.left(peer, how).await;
    }
}

struct Driver {
    ws: WebSocket,
    context: Context,
    machine: Machine,
    calls: Box<dyn ViewerCalls>,
    /// Until it is given to the service.
    outbox: Option<Outbox>,
    outbox_rx: mpsc::Receiver<SignalFromHost>,
    /// The viewer waits to be let in. Its socket is read meanwhile, so that it is noticed when it goes.
    joining: Option<Reply<Result<PeerId, Refusal>>>,
    /// What it said meanwhile: an offer need not wait for the welcome. One message; what comes after it is refused.
    held: Option<Utf8Bytes>,
}

impl Driver {
    async fn run(&mut self) {
        let mut actions = VecDeque::new();
        loop {
            while let Some(action) = actions.pop_front() {
                match self.carry_out(action).await {
                    Some(more) => actions.extend(more),
                    None => return,
                }
            }
            match self.next_actions().await {
                Some(more) => actions.extend(more),
                None => return,
            }
        }
    }

    /// Waits for whatever comes first; `None` when the socket is gone.
    async fn next_actions(&mut self) -> Option<Vec<Action>> {
        if self.joining.is_none()
            && let Some(text) = self.held.take()
        {
            return Some(self.machine.on_message(Now::read(), text.as_str()));
        }
        let deadline = self.machine.deadline().into();
        let actions = tokio::select! {
            // In this order: a viewer that said hello joins even if it is gone at once, as the service expects of a join that
            // was asked for, and leaves then.
            biased;
            message = last_words(&mut self.context.shutdown) => self.machine.on_shutdown(&message),
            reply = joined(&mut self.joining) => {
                self.joining = None;
                match reply {
                    Some(result) => self.machine.on_joined(Now::read(), result),
                    None => self.machine.on_handler_stuck(),
                }
            }
            Some(message) = self.outbox_rx.recv() => self.machine.on_host_message(message),
            () = sleep_until(deadline) => self.machine.on_tick(Instant::now()),
            frame = self.ws.next() => return self.on_frame(frame),
        };
        Some(actions)
    }

    fn on_frame(&mut self, frame: Option<Result<Message, axum::Error>>) -> Option<Vec<Action>> {
        match frame {
            Some(Ok(Message::Text(text))) if self.joining.is_some() && self.held.is_none() => {
                self.machine.on_alive(Instant::now());
                self.held = Some(text);
                Some(Vec::new())
            }
            Some(Ok(Message::Text(text))) => Some(self.machine.on_message(Now::read(), text.as_str())),
            Some(Ok(Message::Binary(_))) => Some(self.machine.on_binary()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                self.machine.on_alive(Instant::now());
                Some(Vec::new())
            }
            Some(Ok(Message::Close(frame))) => {
                self.machine.on_close(frame.map(|frame| frame.code));
                None
            }
            None => None,
            Some(Err(error)) => {
                tracing::debug!(remote = %self.context.remote, %error, "signaling socket failed");
                // When the connection itself is broken, sending the error fails and ends it.
                Some(if is_too_long(&error) { self.machine.on_oversized() } else { self.machine.on_protocol_error() })
            }
        }
    }

    /// `None` when the socket is closed or broken; else further actions.
    async fn carry_out(&mut self, action: Action) -> Option<Vec<Action>> {
        match action {
            Action::Send(message) => {
                let text = serde_json::to_string(&message).ok()?;
                self.write(Message::Text(text.into())).await?;
            }
            Action::Ping => self.write(Message::Ping(Vec::new().into())).await?,
            Action::Join { claims, name, return_key } => {
                let request = JoinRequest { claims, name, return_key, remote: self.context.remote };
                self.joining = Some(self.calls.join(request, self.outbox.take()?));
            }
            Action::Offer { peer, sdp } => {
                let call = self.calls.offer(peer, sdp);
                let reply = tokio::select! {
                    reply = call => reply,
                    message = last_words(&mut self.context.shutdown) => return Some(self.machine.on_shutdown(&message)),
                };
                return Some(match reply {
                    Some(result) => self.machine.on_answered(result),
                    None => self.machine.on_handler_stuck(),
                });
            }
            Action::Candidate { peer, candidate } => {
                if self.calls.candidate(peer, candidate).await.is_none() {
                    return Some(self.machine.on_handler_stuck());
                }
            }
            Action::Close(code) => {
                let reason = Utf8Bytes::from_static(if code == CLOSE_AWAY { "the host ends" } else { "" });
                self.write(Message::Close(Some(CloseFrame { code, reason }))).await?;
                // Closing the connection with unread data in it would throw away what the viewer has not read yet.
                let _ = timeout(CLOSE_TIMEOUT, async { while let Some(Ok(_)) = self.ws.next().await {} }).await;
                return None;
            }
        }
        Some(Vec::new())
    }

    async fn write(&mut self, message: Message) -> Option<()> {
        let limit = self.context.shared.limits.write_timeout;
        match timeout(limit, self.ws.send(message)).await {
            Ok(sent) => sent.ok(),
            Err(_) => {
                tracing::info!(remote = %self.context.remote, "viewer does not read its signaling socket; closing it");
                None
            }
        }
    }
}

/// The answer to a viewer that waits to be let in; never, when none does.
async fn joined(joining: &mut Option<Reply<Result<PeerId, Refusal>>>) -> Option<Result<PeerId, Refusal>> {
    match joining {
        Some(reply) => reply.await,
        None => std::future::pending().await,
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    // axum hides the type behind the error.
    let text = error.to_string().to_lowercase();
    text.contains("too long") || text.contains("too big")
}
