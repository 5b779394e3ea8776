//! What the gateway does over HTTP besides page and signaling: sessions for users, a look at workers and sessions, health,
//! figures, and the document that describes all of it, made from the types (`GET /openapi.json`).

mod openapi;

use crate::audit::{Audit, What};
use crate::hub::{Hub, is_name, lock, now};
use crate::secrets::Secrets;
use crate::store::StoreError;
use crate::throttle::Buckets;
use crate::users::{Denied, User, Users};
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use rr_fleet::{DeskRules, queue_place, waiting};
use rr_protocol::gateway::{Allocate, Allocated, ApiError, Health, SessionState, SessionView, WorkerView};
use rr_protocol::token::Role;
use rr_signal::ShareLink;
use rr_signal::front::Remote;
use rr_signal::throttle::network;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// Longest request, bytes.
const MAX_BODY: usize = 4 * 1024;
/// Sessions of one user at once.
pub const MOST_SESSIONS: u32 = 5;
/// How long a link that was handed out can be used.
const LINK_FOR: Duration = Duration::from_secs(12 * 3600);

/// What the routes need.
pub(crate) struct Api {
    pub(crate) hub: Arc<Hub>,
    pub(crate) rules: DeskRules,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) audit: Arc<Audit>,
    /// Nobody but who has a link comes in without.
    pub(crate) users: Option<Users>,
    pub(crate) url: String,
    pub(crate) boot: Option<Duration>,
    /// How long a worker's certificate lives.
    pub(crate) worker_certificate: Duration,
    pub(crate) by_user: Mutex<Buckets<String>>,
    pub(crate) by_address: Mutex<Buckets<IpAddr>>,
}

pub(crate) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi::document))
        .route("/allocate", post(allocate))
        .route("/workers", get(workers))
        .route("/workers/{worker}", delete(revoke))
        .route("/workers/{worker}/drain", post(drain))
        .route("/sessions", get(sessions))
        .method_not_allowed_fallback(|| async {
            failure(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(api)
}

fn failure(status: StatusCode, error: impl Into<String>) -> Response {
    let mut response = (status, Json(ApiError { error: error.into() })).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    response
}

fn trouble(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "a request fails");
    failure(StatusCode::SERVICE_UNAVAILABLE, "the gateway's database does not answer; try again")
}

type Answer = Result<Response, Early>;

/// An answer that ends a request before its work is done.
struct Early(Box<Response>);

impl IntoResponse for Early {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Response> for Early {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<StoreError> for Early {
    fn from(error: StoreError) -> Self {
        trouble(&error).into()
    }
}

impl Api {
    /// Who asks, within the limits.
    fn user(&self, remote: &Remote, headers: &HeaderMap) -> Result<User, Early> {
        let address = remote.address.ip();
        // Whoever has one address of IPv6 has a network of them.
        if !lock(&self.by_address).take(&network(address), Instant::now()) {
            return Err(too_many("too many requests from your address: wait a moment").into());
        }
        let Some(users) = &self.users else {
            let text = "this gateway knows no users: it was started without --jwt-secret-file or --jwks";
            return Err(failure(StatusCode::FORBIDDEN, text).into());
        };
        let denied = |denied: Denied| {
            self.note(What::Denied { address, reason: &denied.to_string(), user: None });
            Early::from(failure(StatusCode::UNAUTHORIZED, denied.to_string()))
        };
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(denied(Denied::Missing)) };
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let token = token.ok_or_else(|| denied(Denied::Missing))?;
        let user = users.check(token, SystemTime::now()).map_err(denied)?;
        if !lock(&self.by_user).take(&user.name, Instant::now()) {
            return Err(too_many("too many requests of yours: wait a moment").into());
        }
        Ok(user)
    }

    fn admin(&self, remote: &Remote, headers: &HeaderMap) -> Result<User, Early> {
        let user = self.user(remote, headers)?;
        if user.is_admin() {
            return Ok(user);
        }
        let address = remote.address.ip();
        self.note(What::Denied { address, reason: "not an administrator", user: Some(&user.name) });
        Err(failure(StatusCode::FORBIDDEN, "only administrators may do this").into())
    }

    fn note(&self, what: What<'_>) {
        self.audit.write(&self.hub.replica, now(), what);
    }
}

fn too_many(error: &str) -> Response {
    let mut response = failure(StatusCode::TOO_MANY_REQUESTS, error);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
    response
}

/// A session of one's own, or one's place in the queue for it, and the link to it.
async fn allocate(State(api): State<Arc<Api>>, Extension(remote): Extension<Remote>, request: Request) -> Answer {
    let user = api.user(&remote, request.headers())?;
    // What axum says has the input in it.
    let Json(asked) = Json::<Allocate>::from_request(request, &())
        .await
        .map_err(|rejection| failure(rejection.status(), "the body is not what POST /allocate takes"))?;
    let address = remote.address.ip();
    if !is_name(&asked.project) {
        let text = "a project has 1 to 40 small letters, digits and hyphens";
        return Ok(failure(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    let allowed = user.role_in(&asked.project);
    let role = asked.role.or(allowed);
    let Some(role) = role.filter(|role| Some(*role) <= allowed) else {
        api.note(What::Denied { address, reason: "no such right in the project", user: Some(&user.name) });
        return Ok(failure(StatusCode::FORBIDDEN, "you have no such right in this project"));
    };
    Ok(match begin(&api, &user, &asked.project, role).await {
        Ok(Some(allocated)) => {
            let role = role_name(role);
            let (session, project) = (allocated.session.as_str(), asked.project.as_str());
            api.note(What::Allocated { address, user: &user.name, session, project, role });
            (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(allocated)).into_response()
        }
        Ok(None) => failure(
            StatusCode::CONFLICT,
            format!("you have {MOST_SESSIONS} sessions already: leave one, and try again"),
        ),
        Err(error) => trouble(&error),
    })
}

async fn begin(api: &Api, user: &User, project: &str, role: Role) -> Result<Option<Allocated>, crate::GatewayError> {
    let session = format!("s-{}", hex::encode(rand::random::<[u8; 10]>()));
    if api.hub.store.owned(&user.name).await? >= MOST_SESSIONS {
        return Ok(None);
    }
    api.hub.want(&session, &user.name, project).await?;
    // Two requests at the same moment: of those that are too many each takes itself back.
    if api.hub.store.owned(&user.name).await? > MOST_SESSIONS {
        api.hub.store.end(&session, now()).await?;
        return Ok(None);
    }
    api.hub.poke_desk();
    let issued = api.secrets.links.issue_for(&session, role, LINK_FOR, SystemTime::now())?;
    let link = ShareLink::new(&api.url, &issued.token).to_string();
    let place = api.hub.look_up(&session, &api.rules, api.boot).await?.and_then(|(_, place)| place);
    Ok(Some(Allocated {
        session,
        link,
        role,
        place: place.as_ref().map(|place| place.place),
        estimate_secs: place.and_then(|place| place.estimate).and_then(|time| u32::try_from(time.as_secs()).ok()),
    }))
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Engineer => "engineer",
        Role::Admin => "admin",
    }
}

async fn workers(State(api): State<Arc<Api>>, Extension(remote): Extension<Remote>, headers: HeaderMap) -> Answer {
    api.admin(&remote, &headers)?;
    let rows = api.hub.store.workers().await?;
    Ok(Json(rows.into_iter().map(worker_view).collect::<Vec<_>>()).into_response())
}

fn worker_view(row: crate::store::WorkerRow) -> WorkerView {
    WorkerView {
        worker: row.desk.worker.token.0,
        program: row.program,
        replica: row.replica,
        connected: row.desk.lost.is_none(),
        draining: row.desk.draining,
        capacity: row.desk.capacity,
        sessions: row.desk.worker.sessions,
        viewers: row.viewers,
        load: row.load,
        joined_ms: row.joined.0,
        seen_ms: row.desk.worker.seen.0,
    }
}

async fn drain(
    State(api): State<Arc<Api>>,
    Extension(remote): Extension<Remote>,
    Path(worker): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let user = api.admin(&remote, &headers)?;
    if !api.hub.drain(&worker).await? {
        return Ok(failure(StatusCode::NOT_FOUND, "there is no such worker"));
    }
    api.note(What::Admin { address: remote.address.ip(), user: &user.name, action: "drain", subject: &worker });
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Cuts a worker off for good.
async fn revoke(
    State(api): State<Arc<Api>>,
    Extension(remote): Extension<Remote>,
    Path(worker): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let user = api.admin(&remote, &headers)?;
    if !is_name(&worker) {
        return Ok(failure(StatusCode::NOT_FOUND, "there is no such worker"));
    }
    api.hub.revoke(&worker, api.worker_certificate).await?;
    api.note(What::Admin { address: remote.address.ip(), user: &user.name, action: "revoke", subject: &worker });
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// One's own; all of them for administrators.
async fn sessions(State(api): State<Arc<Api>>, Extension(remote): Extension<Remote>, headers: HeaderMap) -> Answer {
    let user = api.user(&remote, &headers)?;
    let rows = api.hub.store.sessions().await?;
    let seats: Vec<_> = rows.iter().map(|row| row.seat.clone()).collect();
    let view = |row: crate::store::SessionRow| SessionView {
        place: queue_place(&api.rules, &seats, &row.seat.session, None, now()).map(|place| place.place),
        session: row.seat.session,
        owner: row.owner,
        project: row.project,
        state: if row.seat.placed.is_some() { SessionState::Placed } else { SessionState::Waiting },
        // Where it is served is the administrators' affair.
        worker: row.seat.placed.filter(|_| user.is_admin()).map(|placed| placed.worker.0),
        viewers: row.viewers,
        opened_ms: row.seat.opened.0,
    };
    let mine = rows.into_iter().filter(|row| user.is_admin() || row.owner == user.name);
    Ok(Json(mine.map(view).collect::<Vec<_>>()).into_response())
}

/// Well is who can reach the store: without it no new session begins.
async fn health(State(api): State<Arc<Api>>) -> Answer {
    api.hub.store.workers().await?;
    let replica = api.hub.replica.clone();
    let body = Json(Health { status: "ok".into(), version: env!("CARGO_PKG_VERSION").into(), replica });
    Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// Prometheus' text format, version 0.0.4.
async fn metrics(State(api): State<Arc<Api>>) -> Answer {
    let (workers, sessions) = (api.hub.store.workers().await?, api.hub.store.sessions().await?);
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let connected = workers.iter().filter(|row| row.desk.lost.is_none()).count();
    let draining = workers.iter().filter(|row| row.desk.draining).count();
    let capacity: u64 =
        workers.iter().filter(|row| row.desk.lost.is_none()).map(|row| u64::from(row.desk.capacity)).sum();
    let placed = sessions.iter().filter(|row| row.seat.placed.is_some()).count();
    let viewers: u64 = sessions.iter().map(|row| u64::from(row.viewers)).sum();
    let seats: Vec<_> = sessions.into_iter().map(|row| row.seat).collect();
    let gauges = [
        ("rr_gateway_workers", "Workers that are known.", count(workers.len())),
        ("rr_gateway_workers_connected", "Workers with a control connection.", count(connected)),
        ("rr_gateway_workers_draining", "Workers that get no more sessions.", count(draining)),
        ("rr_gateway_capacity_sessions", "Sessions that connected workers can serve.", capacity),
        ("rr_gateway_sessions_placed", "Sessions that a worker serves.", count(placed)),
        ("rr_gateway_sessions_waiting", "Sessions that wait for a worker.", waiting(&api.rules, &seats, now()).into()),
        ("rr_gateway_viewers", "People who watch.", viewers),
        ("rr_gateway_replica_workers", "Workers that are connected to this replica.", count(api.hub.connected())),
        ("rr_gateway_replica_viewers", "Viewers whose signaling this replica has.", count(api.hub.viewers())),
    ];
    let mut text = String::new();
    for (name, help, value) in gauges {
        // A String takes everything.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    if let Some(cost) = api.hub.cost() {
        for (name, kind, help, value) in [
            (
                "rr_fleet_cost_dollars_per_hour",
                "gauge",
                "Price of the machines that there are.",
                cost.per_hour.as_dollars(),
            ),
            ("rr_fleet_cost_dollars_total", "counter", "Price of all machines so far.", cost.spent.as_dollars()),
            ("rr_fleet_machine_seconds_total", "counter", "Time of all machines so far.", cost.machines.as_secs_f64()),
            (
                "rr_fleet_watched_seconds_total",
                "counter",
                "Time of all people who watched.",
                cost.watched.as_secs_f64(),
            ),
        ] {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
    }
    let of = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((of, text).into_response())
}
