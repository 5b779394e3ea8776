//! Drives one [`Machine`] over one WebSocket: carries out its actions, feeds it frames, time and the host's messages.

use crate::handler::{JoinRequest, Outbox, PeerId, Refusal, SignalHandler};
use crate::machine::{Action, CLOSE_AWAY, Machine, Now, Shared};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::StreamExt;
use rr_protocol::signaling::SignalFromHost;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep_until, timeout};

/// How long the other side may take to confirm our close, so that it gets our last message for sure.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a socket's task needs beside the socket.
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) handler: Arc<dyn SignalHandler>,
    pub(crate) remote: SocketAddr,
    /// Turns to the last words when the host ends.
    pub(crate) shutdown: watch::Receiver<Option<Arc<str>>>,
}

/// Runs the conversation to its end and tells the handler.
pub(crate) async fn drive(ws: WebSocket, context: Context) {
    let (outbox, outbox_rx) = mpsc::channel(context.shared.limits.outbox.max(1));
    let machine = Machine::new(Arc::clone(&context.shared), context.remote.ip(), Instant::now());
    let calls = Calls {
        handler: Arc::clone(&context.handler),
        limit: context.shared.limits.handler_timeout,
        turn: Arc::default(),
    };
    let mut driver = Driver { ws, context, machine, calls, outbox: Some(outbox), outbox_rx };
    driver.run().await;
    if let Some((peer, answered)) = driver.machine.peer() {
        let _ = driver.calls.call(move |handler| handler.left(peer, answered)).await;
    }
}

struct Driver {
    ws: WebSocket,
    context: Context,
    machine: Machine,
    calls: Calls,
    /// Until it is given to the handler.
    outbox: Option<mpsc::Sender<SignalFromHost>>,
    outbox_rx: mpsc::Receiver<SignalFromHost>,
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
        let deadline = self.machine.deadline().into();
        let actions = tokio::select! {
            message = last_words(&mut self.context.shutdown) => self.machine.on_shutdown(&message),
            Some(message) = self.outbox_rx.recv() => self.machine.on_host_message(message),
            frame = self.ws.next() => return self.on_frame(frame),
            () = sleep_until(deadline) => self.machine.on_tick(Instant::now()),
        };
        Some(actions)
    }

    fn on_frame(&mut self, frame: Option<Result<Message, axum::Error>>) -> Option<Vec<Action>> {
        match frame {
            Some(Ok(Message::Text(text))) => Some(self.machine.on_message(Now::read(), text.as_str())),
            Some(Ok(Message::Binary(_))) => Some(self.machine.on_binary()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                self.machine.on_alive(Instant::now());
                Some(Vec::new())
            }
            Some(Ok(Message::Close(_))) | None => None,
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
            Action::Join { claims, name } => {
                let request = JoinRequest { claims, name, remote: self.context.remote };
                let outbox = Outbox(self.outbox.take()?);
                let call = self.calls.join(request, outbox);
                let reply = tokio::select! {
                    reply = call => reply,
                    message = last_words(&mut self.context.shutdown) => return Some(self.machine.on_shutdown(&message)),
                };
                return Some(match reply {
                    Some(result) => self.machine.on_joined(Now::read(), result),
                    None => self.machine.on_handler_stuck(),
                });
            }
            Action::Offer { peer, sdp } => {
                let call = self.calls.call(move |handler| handler.offer(peer, sdp));
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
                if self.calls.call(move |handler| handler.candidate(peer, candidate)).await.is_none() {
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

/// The message for everybody when the host ends; waits until then.
pub(crate) async fn last_words(shutdown: &mut watch::Receiver<Option<Arc<str>>>) -> Arc<str> {
    let words = shutdown.wait_for(Option::is_some).await.ok().and_then(|words| words.clone());
    words.unwrap_or_else(|| "the host ends".into())
}

fn is_too_long(error: &axum::Error) -> bool {
    // axum hides the type behind the error.
    let text = error.to_string().to_lowercase();
    text.contains("too long") || text.contains("too big")
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
    fn call<T, F>(&self, f: F) -> impl Future<Output = Option<T>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&dyn SignalHandler) -> T + Send + 'static,
    {
        let (handler, turn, limit) = (Arc::clone(&self.handler), Arc::clone(&self.turn), self.limit);
        async move {
            let call = tokio::task::spawn_blocking(move || {
                let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
                f(&*handler)
            });
            timeout(limit, call).await.ok()?.ok()
        }
    }

    /// As [`Self::call`]; a peer that joins after we stopped waiting leaves at once.
    fn join(
        &self,
        request: JoinRequest,
        outbox: Outbox,
    ) -> impl Future<Output = Option<Result<PeerId, Refusal>>> + use<> {
        let (reply, reply_rx) = oneshot::channel();
        let call = self.call(move |handler| {
            if let Err(Ok(peer)) = reply.send(handler.join(request, outbox)) {
                handler.left(peer, false);
            }
        });
        async move {
            call.await?;
            reply_rx.await.ok()
        }
    }
}
