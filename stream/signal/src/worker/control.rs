//! The control connection of a worker, and the viewers that come by it.

use super::identity::{Identity, IdentityError};
use super::keeping::{Keeping, OpenError};
use super::{Address, GatewayConfig, SessionHost, http};
use crate::handler::{Blocking, JoinRequest, Leave, Outbox, PeerId, Refusal, SignalService, ViewerCalls};
use axum::http::Uri;
use futures_util::{SinkExt, StreamExt};
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::{Candidate, SignalFromHost};
use rr_protocol::token::Claims;
use rr_protocol::worker::{FromWorker, MAX_WORKER_MESSAGE_LEN, SessionLoad, ToWorker, WORKER_VERSION};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Messages for the gateway that wait for the socket; when they are more, viewers' tasks wait.
const OUT_QUEUE: usize = 256;
/// Messages for one viewer's task; one more ends that viewer.
const VIEWER_QUEUE: usize = 64;
/// Viewers that signal at the same time.
const MAX_SIGNALING: usize = 256;
/// For each call of a handler.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(10);
/// For one message to leave.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// To give sessions back at the end.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
/// Without a word or a ping of the gateway for so long it is given up.
const SILENCE: Duration = Duration::from_secs(30);
/// Between two tries to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Whoever is refused was revoked or has another version: somebody has to do something about it first.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
/// After a failed renewal.
const RENEW_AGAIN: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Connects again and again until it is told to stop.
pub(super) async fn keep(
    config: GatewayConfig,
    addresses: Vec<Address>,
    mut identity: Identity,
    host: Arc<dyn SessionHost>,
    (mut stop, notice): (watch::Receiver<bool>, watch::Receiver<Option<Instant>>),
) {
    let mut pause = FIRST_PAUSE;
    let keeping = Arc::new(Keeping::new(Arc::clone(&host)));
    let mut watching = JoinSet::new();
    watching.spawn(Arc::clone(&keeping).watch());
    for address in addresses.iter().cycle() {
        let begun = Instant::now();
        let (ends, notice) = (stop.clone(), notice.clone());
        let mut control = Control { config: &config, host: &host, keeping: &keeping, stop: ends, notice };
        let end = control.talk(address, &mut identity).await;
        // One that held is tried again at once.
        if begun.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        match end {
            End::Stopped => return,
            End::Lost(why) => tracing::warn!(gateway = address.authority(), "no connection to the gateway: {why}"),
            End::Refused(why) => {
                tracing::error!(gateway = address.authority(), "the gateway refuses this worker: {why}");
                pause = REFUSED_PAUSE;
            }
        }
        tokio::select! {
            () = sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

enum End {
    Stopped,
    Lost(String),
    /// For a reason that does not pass by itself.
    Refused(String),
}

struct Control<'a> {
    config: &'a GatewayConfig,
    host: &'a Arc<dyn SessionHost>,
    keeping: &'a Arc<Keeping>,
    stop: watch::Receiver<bool>,
    /// When the machine will be gone.
    notice: watch::Receiver<Option<Instant>>,
}

impl Control<'_> {
    /// One connection, from hello to its end.
    async fn talk(&mut self, address: &Address, identity: &mut Identity) -> End {
        let mut socket = match open(address, identity).await {
            Ok(socket) => socket,
            Err(why) => return End::Lost(why),
        };
        let hello = FromWorker::Hello {
            version: WORKER_VERSION,
            program: self.config.program.clone(),
            capacity: self.host.capacity(),
            sessions: sessions(self.host).await,
        };
        if let Err(why) = send(&mut socket, &hello).await {
            return End::Lost(why);
        }
        let (out, mut out_rx) = mpsc::channel(OUT_QUEUE);
        let tls = match identity.tls() {
            Ok(tls) => tls,
            Err(error) => return End::Lost(error.to_string()),
        };
        self.keeping.reach(address, tls);
        let (host, keeping) = (Arc::clone(self.host), Arc::clone(self.keeping));
        let mut viewers = Viewers { host, keeping, out, tasks: HashMap::new() };
        let mut beat = interval(Duration::from_secs(1));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut renew_at = Instant::now() + identity.renews_in();
        if self.notice.borrow().is_some() {
            // Said again to whoever is connected now.
            self.notice.mark_changed();
        }
        loop {
            tokio::select! {
                _ = self.stop.wait_for(|stop| *stop) => {
                    let _ = timeout(LEAVE_WITHIN, leave(&mut socket, &viewers, &mut out_rx)).await;
                    return End::Stopped;
                }
                Some(message) = out_rx.recv() => {
                    if let Err(why) = send(&mut socket, &message).await {
                        return End::Lost(why);
                    }
                }
                frame = socket.next() => {
                    let text = match frame {
                        Some(Ok(Message::Text(text))) => text,
                        Some(Ok(Message::Close(_))) | None => return End::Lost("the gateway closed it".into()),
                        Some(Ok(_)) => {
                            heard = Instant::now();
                            continue;
                        }
                        Some(Err(error)) => return End::Lost(error.to_string()),
                    };
                    heard = Instant::now();
                    let message = match serde_json::from_str(&text) {
                        Ok(message) => message,
                        Err(error) => return End::Lost(format!("a message that is not understood: {error}")),
                    };
                    match message {
                        ToWorker::Welcome { heartbeat_secs } => {
                            tracing::info!(gateway = address.authority(), worker = identity.worker, "serving a gateway");
                            beat = interval(Duration::from_secs(heartbeat_secs.clamp(1, 60).into()));
                            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
                        }
                        ToWorker::Refused { message } => return End::Refused(message),
                        other => viewers.take(other),
                    }
                }
                Ok(()) = self.notice.changed() => {
                    let left = self.notice.borrow_and_update().map(|at| at.saturating_duration_since(Instant::now()));
                    if let Some(left) = left {
                        let in_secs = u32::try_from(left.as_secs()).unwrap_or(u32::MAX);
                        if let Err(why) = send(&mut socket, &FromWorker::Notice { in_secs }).await {
                            return End::Lost(why);
                        }
                    }
                }
                _ = beat.tick() => {
                    if heard.elapsed() > SILENCE {
                        return End::Lost("it is silent".into());
                    }
                    viewers.tidy();
                    let beat = FromWorker::Heartbeat { load: load(), sessions: sessions(self.host).await };
                    if let Err(why) = send(&mut socket, &beat).await {
                        return End::Lost(why);
                    }
                }
                () = tokio::time::sleep_until(renew_at) => {
                    match identity.renew(&self.config.dir, address).await {
                        Ok(renewed) => {
                            // The connection goes on; the next one shows the new certificate.
                            *identity = renewed;
                            if let Ok(tls) = identity.tls() {
                                self.keeping.reach(address, tls);
                            }
                            renew_at = Instant::now() + identity.renews_in().max(Duration::from_secs(1));
                            tracing::info!("certificate renewed");
                        }
                        Err(IdentityError::Refused(why)) => return End::Lost(format!("no new certificate: {why}")),
                        Err(error) => {
                            tracing::warn!("no new certificate yet: {error}");
                            renew_at = Instant::now() + RENEW_AGAIN;
                        }
                    }
                }
            }
        }
    }
}

/// Gives the sessions back; whoever watches them is told by way of the gateway.
async fn leave(socket: &mut Socket, viewers: &Viewers, out_rx: &mut mpsc::Receiver<FromWorker>) {
    if send(socket, &FromWorker::Leaving).await.is_err() {
        return;
    }
    for SessionLoad { session, .. } in sessions(&viewers.host).await {
        viewers.keeping.close(session).await;
    }
    while let Ok(message) = out_rx.try_recv() {
        if send(socket, &message).await.is_err() {
            return;
        }
    }
    let _ = socket.close(None).await;
}

async fn open(address: &Address, identity: &Identity) -> Result<Socket, String> {
    let tls = identity.tls().map_err(|error| error.to_string())?;
    let stream = http::connect(address, &tls).await.map_err(|error| error.to_string())?;
    let uri: Uri = format!("wss://{}/workers/control", address.authority())
        .parse()
        .map_err(|_| "an address that is none".to_owned())?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_WORKER_MESSAGE_LEN))
        .max_frame_size(Some(MAX_WORKER_MESSAGE_LEN));
    let open = client_async_with_config(ClientRequestBuilder::new(uri), stream, Some(config));
    let opened = timeout(WRITE_TIMEOUT, open).await.map_err(|_| "no answer in time".to_owned())?;
    Ok(opened.map_err(|error| error.to_string())?.0)
}

async fn send(socket: &mut Socket, message: &FromWorker) -> Result<(), String> {
    let text = serde_json::to_string(message).map_err(|error| error.to_string())?;
    let sent = timeout(WRITE_TIMEOUT, socket.send(Message::text(text))).await;
    sent.map_err(|_| "the gateway does not read".to_owned())?.map_err(|error| error.to_string())
}

async fn sessions(host: &Arc<dyn SessionHost>) -> Vec<SessionLoad> {
    let host = Arc::clone(host);
    let all = tokio::task::spawn_blocking(move || host.sessions()).await.unwrap_or_default();
    all.into_iter().map(|(session, viewers)| SessionLoad { session, viewers }).collect()
}

/// Busy processors over the last minute, 1 for all of them; nothing where the system does not tell.
fn load() -> f32 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let busy: f32 = text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let all = std::thread::available_parallelism().map_or(1, usize::from) as f32;
    busy / all
}

/// What a viewer's task hears.
enum ForViewer {
    Offer(String),
    Candidate(Candidate),
    Goodbye,
}

/// The viewers that signal by this connection. Dropping it ends their signaling; those that were answered go on.
struct Viewers {
    host: Arc<dyn SessionHost>,
    keeping: Arc<Keeping>,
    out: mpsc::Sender<FromWorker>,
    tasks: HashMap<String, mpsc::Sender<ForViewer>>,
}

impl Viewers {
    fn take(&mut self, message: ToWorker) {
        match message {
            ToWorker::SessionOpen { session } => {
                let (keeping, out) = (Arc::clone(&self.keeping), self.out.clone());
                tokio::spawn(async move {
                    let answer = match keeping.open(&session).await {
                        Ok(()) => FromWorker::SessionOpened { session },
                        Err(OpenError::Failed(message)) => FromWorker::SessionFailed { session, message },
                        // Whoever wants in asks again.
                        Err(OpenError::NotNow(why)) => {
                            return tracing::warn!(session, why, "the session is not opened");
                        }
                    };
                    let _ = out.send(answer).await;
                });
            }
            ToWorker::SessionClose { session } => {
                tokio::spawn(self.keeping.close(session));
            }
            ToWorker::ViewerJoin { viewer, session, role, link, name, return_key, remote } => {
                self.tidy();
                let Ok(remote) = remote.parse::<SocketAddr>() else { return };
                if self.tasks.len() >= MAX_SIGNALING || self.tasks.contains_key(&viewer) {
                    let error = Refusal { code: ErrorCode::Full, message: "too many viewers at once".into() };
                    let _ = self.out.try_send(FromWorker::ViewerRefused { viewer, error });
                    return;
                }
                let (tx, rx) = mpsc::channel(VIEWER_QUEUE);
                self.tasks.insert(viewer.clone(), tx);
                // The gateway has checked the link; only its name and the role matter here.
                let claims = Claims { role, exp: u64::MAX, id: link };
                let request = JoinRequest { claims, name, return_key, remote };
                let viewer = Viewer { name: viewer, out: self.out.clone(), rx };
                tokio::spawn(viewer.serve(Arc::clone(&self.host), Arc::clone(&self.keeping), session, request));
            }
            ToWorker::ViewerOffer { viewer, sdp } => self.tell(&viewer, ForViewer::Offer(sdp)),
            ToWorker::ViewerCandidate { viewer, candidate } => self.tell(&viewer, ForViewer::Candidate(candidate)),
            ToWorker::ViewerLeft { viewer, goodbye } => {
                if goodbye {
                    self.tell(&viewer, ForViewer::Goodbye);
                }
                self.tasks.remove(&viewer);
            }
            ToWorker::Drain => {
                let host = Arc::clone(&self.host);
                tokio::task::spawn_blocking(move || host.drain());
            }
            ToWorker::Welcome { .. } | ToWorker::Refused { .. } => {}
        }
    }

    fn tell(&mut self, viewer: &str, what: ForViewer) {
        if let Some(task) = self.tasks.get(viewer)
            && task.try_send(what).is_err()
        {
            // Gone, or a flood.
            self.tasks.remove(viewer);
        }
    }

    fn tidy(&mut self) {
        self.tasks.retain(|_, task| !task.is_closed());
    }
}

struct Viewer {
    name: String,
    out: mpsc::Sender<FromWorker>,
    rx: mpsc::Receiver<ForViewer>,
}

impl Viewer {
    async fn serve(mut self, host: Arc<dyn SessionHost>, keeping: Arc<Keeping>, session: String, request: JoinRequest) {
        // What was kept of it may still be on its way.
        let handler = match keeping.open(&session).await {
            Ok(()) => tokio::task::spawn_blocking(move || host.handler(&session)).await.ok().flatten(),
            Err(OpenError::Failed(why)) => return self.refuse(ErrorCode::Internal, &why).await,
            Err(OpenError::NotNow(_)) => None,
        };
        let Some(handler) = handler else {
            return self.refuse(ErrorCode::Closing, "this session is not here any more; try again").await;
        };
        let mut calls = Blocking { handler, limit: HANDLER_TIMEOUT }.viewer();
        let (outbox, mut outbox_rx) = Outbox::queue(VIEWER_QUEUE);
        let peer = match calls.join(request, outbox).await {
            Some(Ok(peer)) => peer,
            Some(Err(error)) => return self.say(FromWorker::ViewerRefused { viewer: self.name.clone(), error }).await,
            None => return self.refuse(ErrorCode::Internal, "the host does not react; try again").await,
        };
        self.say(FromWorker::ViewerJoined { viewer: self.name.clone() }).await;
        let how = self.signal(&mut *calls, peer, &mut outbox_rx).await;
        let _ = calls.left(peer, how).await;
    }

    /// Until the viewer's or the session's goodbye.
    async fn signal(
        &mut self,
        calls: &mut dyn ViewerCalls,
        peer: PeerId,
        outbox: &mut mpsc::Receiver<SignalFromHost>,
    ) -> Leave {
        let mut how = Leave::Early;
        loop {
            tokio::select! {
                what = self.rx.recv() => match what {
                    None => return how,
                    Some(ForViewer::Goodbye) => return if how == Leave::Early { how } else { Leave::Goodbye },
                    Some(ForViewer::Offer(sdp)) => match calls.offer(peer, sdp).await {
                        Some(Ok(sdp)) => {
                            how = Leave::Silent;
                            self.say(FromWorker::ViewerAnswer { viewer: self.name.clone(), sdp }).await;
                        }
                        Some(Err(error)) => {
                            self.say(FromWorker::ViewerRefused { viewer: self.name.clone(), error }).await;
                            return how;
                        }
                        None => {
                            self.refuse(ErrorCode::Internal, "the host does not react; try again").await;
                            return how;
                        }
                    },
                    Some(ForViewer::Candidate(candidate)) => _ = calls.candidate(peer, candidate).await,
                },
                Some(message) = outbox.recv() => {
                    let last = matches!(message, SignalFromHost::Bye(_));
                    self.say(FromWorker::ViewerMessage { viewer: self.name.clone(), message }).await;
                    if last {
                        return how;
                    }
                }
            }
        }
    }

    async fn refuse(&self, code: ErrorCode, message: &str) {
        let error = Refusal { code, message: message.to_owned() };
        self.say(FromWorker::ViewerRefused { viewer: self.name.clone(), error }).await;
    }

    /// A connection that is gone needs no words.
    async fn say(&self, message: FromWorker) {
        let _ = self.out.send(message).await;
    }
}
