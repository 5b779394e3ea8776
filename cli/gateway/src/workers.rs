//! The listener for workers: joining, renewing, and the control socket of each.

use crate::audit::{Audit, What};
use crate::hub::{Hub, REVOKED, lock, now};
use crate::secrets::{Secrets, worker_of};
use crate::store::{Hello, StoreError};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::StreamExt;
use rr_fleet::{DeskRules, Freed, Time};
use rr_protocol::worker::{
    FetchRequest, Fetched, FromWorker, HttpRefusal, JoinRequest, KeepAnswer, KeepRequest, MAX_CAPACITY,
    MAX_DOCUMENT_LEN, MAX_JOIN_LEN, MAX_KEEP_LEN, MAX_VIEW_LEN, MAX_WORKER_MESSAGE_LEN, Membership, RenewRequest,
    SessionLoad, ToWorker, WORKER_VERSION,
};
use rr_signal::front::{Remote, Shutdown, last_words};
use rr_signal::throttle::Failures;
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::{sleep_until, timeout};

/// Seconds between two heartbeats.
const HEARTBEAT_SECS: u32 = 2;
/// A worker that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(10);
/// From the open socket to `hello`.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// For one message to leave.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// Bad join tokens from one address within a minute before all of them are refused.
const MOST_FAILURES: u32 = 10;
const FAILURE_WINDOW: Duration = Duration::from_secs(60);
/// Most sessions in one message; a worker serves fewer.
const MOST_SESSIONS: usize = 1024;

/// What the routes need.
#[derive(Clone)]
pub(crate) struct Lobby {
    hub: Arc<Hub>,
    secrets: Arc<Secrets>,
    audit: Arc<Audit>,
    rules: DeskRules,
    certificate: Duration,
    failures: Arc<Mutex<Failures>>,
    shutdown: Shutdown,
}

impl Lobby {
    pub(crate) fn new(
        hub: Arc<Hub>,
        secrets: Arc<Secrets>,
        audit: Arc<Audit>,
        rules: DeskRules,
        certificate: Duration,
        shutdown: Shutdown,
    ) -> Self {
        let failures = Arc::new(Mutex::new(Failures::new(FAILURE_WINDOW)));
        Self { hub, secrets, audit, rules, certificate, failures, shutdown }
    }

    fn note(&self, what: What<'_>) {
        self.audit.write(&self.hub.replica, now(), what);
    }
}

pub(crate) fn router(lobby: Lobby) -> Router {
    Router::new()
        .route("/workers/join", post(join))
        .route("/workers/renew", post(renew))
        .route("/workers/control", get(control))
        .route("/workers/sessions/fetch", post(fetch))
        .route("/workers/sessions/keep", post(keep).layer(DefaultBodyLimit::max(MAX_KEEP_LEN)))
        .layer(DefaultBodyLimit::max(MAX_JOIN_LEN))
        .with_state(lobby)
}

fn refuse(status: StatusCode, error: impl Into<String>) -> Response {
    (status, Json(HttpRefusal { error: error.into() })).into_response()
}

async fn body<T: DeserializeOwned + Send>(request: Request) -> Result<T, Response> {
    match Json::<T>::from_request(request, &()).await {
        Ok(Json(body)) => Ok(body),
        // What axum says has the input in it; where it is wrong must do.
        Err(rejection) => Err(refuse(rejection.status(), "this is not the request of a worker")),
    }
}

async fn join(State(lobby): State<Lobby>, Extension(remote): Extension<Remote>, request: Request) -> Response {
    let address = remote.address.ip();
    if lock(&lobby.failures).count(address, Instant::now()) >= MOST_FAILURES {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "too many wrong join tokens from your address: wait a minute");
    }
    let request: JoinRequest = match body(request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let bad = |error: String| {
        lock(&lobby.failures).record(address, Instant::now());
        tracing::warn!(remote = %remote.address, error, "a worker may not join");
        lobby.note(What::WorkerDenied { address, reason: &error });
        refuse(StatusCode::FORBIDDEN, error)
    };
    let now = SystemTime::now();
    let claims = match lobby.secrets.check_join_token(&request.token, now) {
        Ok(claims) => claims,
        Err(error) => return bad(error.to_string()),
    };
    match lobby.hub.store.is_revoked(&claims.worker).await {
        Ok(false) => {}
        Ok(true) => return bad(REVOKED.into()),
        Err(error) => return trouble(&error),
    }
    // Before the token is used up: a request that is none costs nothing.
    let certificate = match lobby.secrets.sign_worker(&claims.worker, &request.csr, now, lobby.certificate) {
        Ok(certificate) => certificate,
        Err(_) => return bad("the certificate request is damaged, or not signed by its own key".into()),
    };
    match lobby.hub.store.consume_join(&claims.worker, Time(claims.exp.saturating_mul(1000))).await {
        Ok(true) => {}
        Ok(false) => {
            return bad(format!("this join token was used before, so that {} has joined already", claims.worker));
        }
        Err(error) => return trouble(&error),
    }
    tracing::info!(worker = claims.worker, remote = %remote.address, "a worker has joined");
    lobby.note(What::WorkerJoined { address, worker: &claims.worker });
    Json(membership(&lobby, claims.worker, certificate)).into_response()
}

async fn renew(State(lobby): State<Lobby>, Extension(remote): Extension<Remote>, request: Request) -> Response {
    let (worker, request): (_, RenewRequest) = match member(&lobby, &remote, request).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    match lobby.secrets.sign_worker(&worker, &request.csr, SystemTime::now(), lobby.certificate) {
        Ok(certificate) => Json(membership(&lobby, worker, certificate)).into_response(),
        Err(_) => refuse(StatusCode::BAD_REQUEST, "the certificate request is damaged, or not signed by its own key"),
    }
}

fn membership(lobby: &Lobby, worker: String, certificate: String) -> Membership {
    let expires_secs = lobby.certificate.as_secs();
    Membership {
        worker,
        ca: lobby.secrets.authority().to_owned(),
        certificate,
        renew_secs: expires_secs * 2 / 3,
        expires_secs,
    }
}

async fn fetch(State(lobby): State<Lobby>, Extension(remote): Extension<Remote>, request: Request) -> Response {
    let (worker, FetchRequest { session }) = match member(&lobby, &remote, request).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    match lobby.hub.store.kept(&session, &worker).await {
        Ok(Some(state)) => Json(Fetched { state }).into_response(),
        Ok(None) => not_yours(),
        Err(error) => trouble(&error),
    }
}

async fn keep(State(lobby): State<Lobby>, Extension(remote): Extension<Remote>, request: Request) -> Response {
    let (worker, KeepRequest { session, changes, last }) = match member(&lobby, &remote, request).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let too_long = |text: &Option<String>, most: usize| text.as_ref().is_some_and(|text| text.len() > most);
    if too_long(&changes.document, MAX_DOCUMENT_LEN) || too_long(&changes.view, MAX_VIEW_LEN) {
        let most = format!("{MAX_DOCUMENT_LEN} bytes of a document and {MAX_VIEW_LEN} of a view are kept at most");
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, most);
    }
    match lobby.hub.store.keep(&session, &worker, &changes, last, now()).await {
        Ok(true) => {
            if last {
                tracing::info!(session, worker, "session given back");
                lobby.note(What::SessionFreed { session: &session, worker: &worker, reason: Freed::Moved.name() });
                lobby.hub.tell_change().await;
            }
            Json(KeepAnswer {}).into_response()
        }
        Ok(false) => not_yours(),
        Err(error) => trouble(&error),
    }
}

/// Who asks, by certificate, and what.
async fn member<T: DeserializeOwned + Send>(
    lobby: &Lobby,
    remote: &Remote,
    request: Request,
) -> Result<(String, T), Response> {
    let worker = remote.certificates.first().and_then(worker_of);
    let nobody = || refuse(StatusCode::UNAUTHORIZED, "only a worker with a certificate of this gateway may ask this");
    let worker = worker.ok_or_else(nobody)?;
    // Not in the audit log, which tells that it comes and joins: this is asked twice a second.
    if lobby.hub.store.is_revoked(&worker).await.map_err(|error| trouble(&error))? {
        return Err(refuse(StatusCode::FORBIDDEN, REVOKED));
    }
    Ok((worker, body(request).await?))
}

fn not_yours() -> Response {
    refuse(StatusCode::CONFLICT, "another worker has this session, or none")
}

fn trouble(error: &StoreError) -> Response {
    tracing::error!(%error, "a worker gets no answer");
    refuse(StatusCode::SERVICE_UNAVAILABLE, "the gateway has trouble of its own; try again")
}

async fn control(
    State(lobby): State<Lobby>,
    Extension(remote): Extension<Remote>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(worker) = remote.certificates.first().and_then(worker_of) else {
        return refuse(StatusCode::UNAUTHORIZED, "only a worker with a certificate of this gateway comes in here");
    };
    upgrade.max_message_size(MAX_WORKER_MESSAGE_LEN).max_frame_size(MAX_WORKER_MESSAGE_LEN).on_upgrade(
        move |socket| async move {
            let mut control = Control { worker, address: remote.address.ip(), socket, lobby };
            control.run().await;
            drop(remote);
        },
    )
}

struct Control {
    worker: String,
    address: IpAddr,
    socket: WebSocket,
    lobby: Lobby,
}

impl Control {
    async fn run(&mut self) {
        let hello = match timeout(HELLO_WITHIN, self.next()).await {
            Ok(Ok(FromWorker::Hello { version, program, capacity, sessions })) => {
                if version != WORKER_VERSION {
                    let message = format!(
                        "this worker speaks version {version} and the gateway version {WORKER_VERSION}: install the same one"
                    );
                    let _ = self.send(&ToWorker::Refused { message }).await;
                    return;
                }
                let program = program.chars().filter(|c| !c.is_control()).take(100).collect();
                let hello = Hello { worker: self.worker.clone(), program, capacity: capacity.min(MAX_CAPACITY) };
                (hello, sessions)
            }
            Ok(Ok(_)) | Err(_) => {
                let message = "the first message must be hello".to_owned();
                let _ = self.send(&ToWorker::Refused { message }).await;
                return;
            }
            Ok(Err(why)) => {
                tracing::info!(worker = self.worker, why, "a worker's connection failed");
                return;
            }
        };
        let hub = Arc::clone(&self.lobby.hub);
        match hub.store.is_revoked(&self.worker).await {
            Ok(false) => {}
            Ok(true) => {
                self.lobby.note(What::WorkerDenied { address: self.address, reason: REVOKED });
                let _ = self.send(&ToWorker::Refused { message: REVOKED.to_owned() }).await;
                return;
            }
            Err(error) => return tracing::error!(%error, worker = self.worker, "a worker cannot be taken"),
        }
        let (number, mut rx) = hub.connect(&self.worker);
        let begun = async {
            hub.store.hello(&hub.replica, &hello.0, now()).await?;
            self.beat(0.0, &hello.1).await
        };
        match begun.await {
            Ok(()) => {
                tracing::info!(worker = self.worker, capacity = hello.0.capacity, "a worker serves");
                hub.tell_change().await;
                if self.send(&ToWorker::Welcome { heartbeat_secs: HEARTBEAT_SECS }).await.is_ok() {
                    let why = self.serve(&mut rx).await;
                    tracing::info!(worker = self.worker, why, "a worker's connection has ended");
                }
            }
            Err(error) => tracing::error!(%error, worker = self.worker, "a worker cannot be taken"),
        }
        if hub.disconnect(&self.worker, number) {
            if let Err(error) = hub.store.lost(&hub.replica, &self.worker, now()).await {
                tracing::error!(%error, "a lost worker is found out later");
            }
            hub.tell_change().await;
        }
    }

    async fn serve(&mut self, rx: &mut tokio::sync::mpsc::Receiver<ToWorker>) -> String {
        let mut shutdown = self.lobby.shutdown.clone();
        let mut heard = tokio::time::Instant::now();
        loop {
            tokio::select! {
                message = rx.recv() => match message {
                    Some(message) => {
                        let last = matches!(message, ToWorker::Refused { .. });
                        if let Err(why) = self.send(&message).await {
                            return why;
                        }
                        if last {
                            return "it was refused".into();
                        }
                    }
                    None => return "the worker has connected again".into(),
                },
                message = self.next() => match message {
                    Ok(message) => {
                        heard = tokio::time::Instant::now();
                        if let Err(why) = self.take(message).await {
                            return why;
                        }
                    }
                    Err(why) => return why,
                },
                () = sleep_until(heard + SILENCE) => return "it is silent".into(),
                _ = last_words(&mut shutdown) => {
                    let _ = timeout(WRITE_WITHIN, self.socket.send(Message::Close(None))).await;
                    return "the gateway ends".into();
                }
            }
        }
    }

    async fn take(&mut self, message: FromWorker) -> Result<(), String> {
        let hub = Arc::clone(&self.lobby.hub);
        match message {
            FromWorker::Heartbeat { load, sessions } => {
                self.beat(f64::from(load), &sessions).await.map_err(|error| error.to_string())?;
            }
            FromWorker::SessionOpened { session } => tracing::debug!(worker = self.worker, session, "session opened"),
            FromWorker::SessionFailed { session, message } => {
                // It would fail with the next one, too: others take over.
                tracing::error!(
                    worker = self.worker,
                    session,
                    message,
                    "a worker does not serve; it gets no more sessions"
                );
                hub.store.drain(&self.worker).await.map_err(|error| error.to_string())?;
                hub.tell_change().await;
            }
            FromWorker::Notice { in_secs } => {
                let at = now() + Duration::from_secs(in_secs.into());
                hub.store.notice(&self.worker, at).await.map_err(|error| error.to_string())?;
                hub.tell_change().await;
            }
            FromWorker::Leaving => {
                // It gives its sessions back by itself. Here until it closes the connection, but for nothing new.
                hub.store.lost(&hub.replica, &self.worker, now()).await.map_err(|error| error.to_string())?;
            }
            FromWorker::Hello { .. } => return Err("hello was said already".into()),
            message @ (FromWorker::ViewerJoined { .. }
            | FromWorker::ViewerRefused { .. }
            | FromWorker::ViewerAnswer { .. }
            | FromWorker::ViewerMessage { .. }) => hub.to_viewer(&self.worker, message).await,
        }
        Ok(())
    }

    /// Renews the leases, and closes what should not be there.
    async fn beat(&mut self, load: f64, sessions: &[SessionLoad]) -> Result<(), StoreError> {
        let sessions = sessions.get(..MOST_SESSIONS).unwrap_or(sessions);
        let load = if load.is_finite() { load.clamp(0.0, 1e6) } else { 0.0 };
        let (at, until) = (now(), now() + self.lobby.rules.lease);
        let wrong = self.lobby.hub.store.beat(&self.worker, load, sessions, at, until).await?;
        for session in wrong {
            // A socket that is broken shows with the next message.
            let _ = self.send(&ToWorker::SessionClose { session }).await;
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<FromWorker, String> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(text.as_str()).map_err(|error| {
                        format!("a message that is not understood (line {}, column {})", error.line(), error.column())
                    });
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => return Err("a binary message".into()),
                Some(Ok(Message::Close(_))) | None => return Err("the worker closed it".into()),
                Some(Err(error)) => return Err(error.to_string()),
            }
        }
    }

    async fn send(&mut self, message: &ToWorker) -> Result<(), String> {
        let text = serde_json::to_string(message).map_err(|error| error.to_string())?;
        let sent = timeout(WRITE_WITHIN, self.socket.send(Message::Text(text.into()))).await;
        sent.map_err(|_| "the worker does not read".to_owned())?.map_err(|error| error.to_string())
    }
}
