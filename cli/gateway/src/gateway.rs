//! Starts a gateway: its secrets, its store, two listeners, and the desk.

use crate::api::{self, Api};
use crate::audit::Audit;
use crate::clerk::Clerk;
use crate::hub::{FleetCost, Hub, is_name};
use crate::secrets::{Secrets, SecretsError};
use crate::store::{Event, SqlStore, Store, StoreError};
use crate::throttle::{Buckets, Rates};
use crate::users::Users;
use crate::viewers::{Door, Viewers};
use crate::workers::{self, Lobby};
use rr_fleet::{DeskRules, FleetSpec, Observed, Time, Token};
use rr_protocol::token::Role;
use rr_signal::front::{self, Front, Shutdown};
use rr_signal::machine::Shared;
use rr_signal::routes::{self, App};
use rr_signal::throttle::{Connections, Failures};
use rr_signal::{IceServers, Limits, ShareLink, SignalError, Tls, VIEWER_ASSETS};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Threads of a gateway.
const THREADS: usize = 2;

/// How a gateway serves.
#[derive(Debug)]
pub struct GatewayConfig {
    /// For viewers; port 0 takes a free one.
    pub listen: SocketAddr,
    /// For workers; port 0 takes a free one.
    pub workers: SocketAddr,
    /// Of the viewers' listener. That of workers always has TLS, by the gateway's own authority.
    pub tls: Tls,
    /// Names and addresses besides those of this machine that workers know the gateway by.
    pub names: Vec<String>,
    /// Folder for secrets, and for SQLite.
    pub state: PathBuf,
    /// `postgres://...` for several replicas; `None` is SQLite.
    pub database: Option<String>,
    /// STUN and TURN servers that viewers are told.
    pub ice: IceServers,
    /// The fleet: how long workers may be silent, and how many there may be.
    pub spec: FleetSpec,
    /// How long things take at the door.
    pub rules: DeskRules,
    /// More workers come when sessions wait, so that an estimate makes sense.
    pub grows: bool,
    /// Checks users' tokens; `None`: sessions begin by links alone, and nobody asks for one.
    pub users: Option<Users>,
    /// How often one may ask over HTTP.
    pub rates: Rates,
    /// How long a worker's certificate is good; it is renewed after two thirds of that.
    pub worker_certificate: Duration,
    /// Bounds on what strangers can use up, at each of the listeners.
    pub limits: Limits,
}

/// Why a gateway does not start, or cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A listener or its certificate.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The secrets.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gives no threads.
    #[error("cannot start the threads of the gateway: {0}")]
    Runtime(std::io::Error),
    /// A name that cannot be part of a link.
    #[error("{0:?} is no name of a session: 1 to 40 small letters, digits and hyphens")]
    Name(String),
    /// The audit log cannot be written.
    #[error("cannot write the audit log in {}: {source}", path.display())]
    Audit {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A link cannot be made.
    #[error(transparent)]
    Link(#[from] rr_signal::KeyError),
}

/// A running gateway. Dropping it is the same as [`Gateway::shutdown`].
pub struct Gateway {
    runtime: Option<Runtime>,
    shutdown: watch::Sender<Option<Arc<str>>>,
    tasks: Vec<JoinHandle<()>>,
    hub: Arc<Hub>,
    secrets: Arc<Secrets>,
    rules: DeskRules,
    worker_certificate: Duration,
    began: Time,
    /// Of viewers' links.
    url: String,
    /// For workers.
    workers_url: String,
}

impl Gateway {
    /// Listens and serves on threads of its own.
    ///
    /// # Errors
    /// An address is in use, the folder cannot be used, or the database does not answer.
    pub fn start(config: GatewayConfig) -> Result<Self, GatewayError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("rr-gateway")
            .enable_io()
            .enable_time()
            .build()
            .map_err(GatewayError::Runtime)?;
        let now = SystemTime::now();
        let secrets = Arc::new(Secrets::load_or_create(&config.state)?);
        let store = runtime.block_on(SqlStore::open(config.database.as_deref(), &config.state))?;
        let replica = format!("{:08x}", rand::random::<u32>());
        let hub = Hub::new(replica, Arc::new(store) as Arc<dyn Store>);
        let mut events = runtime.block_on(hub.store.listen(&hub.replica))?;

        let audit =
            Audit::open(&config.state).map_err(|source| GatewayError::Audit { path: config.state.clone(), source })?;
        let audit = Arc::new(audit);
        let viewers_listener = front::listen(config.listen)?;
        let workers_listener = front::listen(config.workers)?;
        let failed = |listen| move |source| SignalError::Listen { listen, source };
        let at = viewers_listener.local_addr().map_err(failed(config.listen))?;
        let workers_at = workers_listener.local_addr().map_err(failed(config.workers))?;
        let tls = rr_signal::tls::setup(&config.tls, at.ip(), now).map_err(SignalError::from)?;
        let url = rr_signal::link::url_base(if tls.is_some() { "https" } else { "http" }, at);
        let workers_url = rr_signal::link::url_base("https", workers_at);
        let names: BTreeSet<String> =
            rr_signal::tls::own_names(workers_at.ip()).into_iter().chain(config.names.iter().cloned()).collect();
        let workers_tls = secrets.server_tls(names.into_iter().collect(), now)?;

        let (shutdown, shutdown_rx) = watch::channel(None);
        let boot = config.grows.then_some(config.spec.timing.boot);
        let door = Door { hub: Arc::clone(&hub), rules: config.rules, boot };
        let limits = config.limits;
        let app = App {
            assets: VIEWER_ASSETS,
            allowed_origins: Arc::new([]),
            sockets: Connections::new(limits.sockets, limits.connections_per_ip),
            shared: Arc::new(Shared {
                key: Arc::clone(&secrets.links),
                ice: config.ice,
                failures: Mutex::new(Failures::new(limits.failure_window)),
                limits: limits.clone(),
            }),
            service: Arc::new(Viewers(Arc::new(door))),
            shutdown: shutdown_rx.clone(),
        };
        let api = Api {
            hub: Arc::clone(&hub),
            rules: config.rules,
            secrets: Arc::clone(&secrets),
            audit: Arc::clone(&audit),
            users: config.users,
            url: url.clone(),
            boot,
            worker_certificate: config.worker_certificate,
            by_user: Mutex::new(Buckets::new(config.rates.user)),
            by_address: Mutex::new(Buckets::new(config.rates.address)),
        };
        let router = routes::secured(routes::viewer(app).merge(api::router(Arc::new(api))));
        let viewers = Front {
            tls: tls.map(|setup| setup.config),
            media: None,
            limits: limits.clone(),
            router,
            shutdown: shutdown_rx.clone(),
        };
        let lobby = Lobby::new(
            Arc::clone(&hub),
            Arc::clone(&secrets),
            Arc::clone(&audit),
            config.rules,
            config.worker_certificate,
            shutdown_rx.clone(),
        );
        let workers = Front {
            tls: Some(workers_tls),
            media: None,
            // Many workers may stand behind one address.
            limits: Limits { connections_per_ip: limits.connections, ..limits },
            router: workers::router(lobby),
            shutdown: shutdown_rx.clone(),
        };
        let clerk = Clerk {
            hub: Arc::clone(&hub),
            rules: config.rules,
            audit,
            spec: config.spec,
            abandoned: BTreeSet::new(),
            asked_back: BTreeMap::new(),
        };
        let listener = |listener, listen| {
            let _runtime = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed(listen))
        };
        let (viewers_listener, workers_listener) =
            (listener(viewers_listener, config.listen)?, listener(workers_listener, config.workers)?);
        let reader = Arc::clone(&hub);
        let tasks = vec![
            runtime.spawn(viewers.run(viewers_listener)),
            runtime.spawn(workers.run(workers_listener)),
            runtime.spawn(clerk.work(shutdown_rx.clone())),
            runtime.spawn(until(shutdown_rx, async move {
                while let Some(event) = events.recv().await {
                    match event {
                        Event::Message(text) => reader.take_relay(&text),
                        Event::Changed => reader.heard_change(),
                    }
                }
            })),
        ];
        tracing::info!(%at, %workers_at, replica = hub.replica, "gateway listens");
        let (rules, began) = (config.rules, crate::hub::now());
        let worker_certificate = config.worker_certificate;
        let runtime = Some(runtime);
        Ok(Self { runtime, shutdown, tasks, hub, secrets, rules, worker_certificate, began, url, workers_url })
    }

    /// Where viewers come in: scheme, host and port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where workers come in.
    pub fn workers_url(&self) -> &str {
        &self.workers_url
    }

    /// A token by which a worker of this name joins once.
    pub fn join_token(&self, worker: &str, valid_for: Duration) -> String {
        self.secrets.join_token(worker, SystemTime::now() + valid_for)
    }

    /// The same until a moment, so that the same worker gets the same token.
    pub fn join_token_until(&self, worker: &str, expires: Time) -> String {
        self.secrets.join_token(worker, SystemTime::UNIX_EPOCH + Duration::from_millis(expires.0))
    }

    /// A link to a session. It begins when the first viewer comes.
    ///
    /// # Errors
    /// The session's name is none.
    pub fn link(&self, session: &str, role: Role, valid_for: Duration) -> Result<String, GatewayError> {
        link(&self.secrets, &self.url, session, role, valid_for)
    }

    /// What the reconciler has to know: workers and waiting sessions. `machines` is left open. And how many sessions each
    /// worker serves, once one has said so. Blocks.
    ///
    /// # Errors
    /// The store does not answer.
    pub fn observed(&self) -> Result<(Observed, Option<u32>), GatewayError> {
        let Some(runtime) = &self.runtime else { return Ok((Observed::default(), None)) };
        Ok(runtime.block_on(crate::clerk::observed(&self.hub, &self.rules, self.began))?)
    }

    /// People who watch now, at workers that are connected. Blocks.
    ///
    /// # Errors
    /// The store does not answer.
    pub fn viewers(&self) -> Result<u32, GatewayError> {
        let Some(runtime) = &self.runtime else { return Ok(0) };
        let workers = runtime.block_on(self.hub.store.workers())?;
        Ok(workers.iter().filter(|row| row.desk.lost.is_none()).map(|row| row.viewers).sum())
    }

    /// What the fleet costs, for `/metrics`.
    pub fn tell_cost(&self, cost: FleetCost) {
        self.hub.tell_cost(cost);
    }

    /// A worker gets no more sessions, and those that it has move to others with room. Blocks.
    ///
    /// # Errors
    /// The store does not answer.
    pub fn drain(&self, worker: &Token) -> Result<bool, GatewayError> {
        let Some(runtime) = &self.runtime else { return Ok(false) };
        let done = runtime.block_on(self.hub.drain(&worker.0))?;
        Ok(done)
    }

    /// A worker's machine is gone: whoever has its certificate is nobody. Blocks.
    ///
    /// # Errors
    /// The store does not answer.
    pub fn revoke(&self, worker: &Token) -> Result<(), GatewayError> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        runtime.block_on(self.hub.revoke(&worker.0, self.worker_certificate))?;
        Ok(())
    }

    /// Says `bye` with this message to viewers that signal, and ends. Sessions go on without. Blocks.
    pub fn shutdown(mut self, message: &str) {
        self.end(message);
    }

    fn end(&mut self, message: &str) {
        self.shutdown.send_replace(Some(message.into()));
        if let Some(runtime) = self.runtime.take() {
            for task in self.tasks.drain(..) {
                if let Err(error) = runtime.block_on(task) {
                    tracing::error!(%error, "a part of the gateway failed");
                }
            }
            runtime.shutdown_timeout(Duration::from_millis(200));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end("the gateway ends");
    }
}

/// A link to a session, made with the secrets of a gateway's folder.
///
/// # Errors
/// The session's name is none.
pub fn link(
    secrets: &Secrets,
    url: &str,
    session: &str,
    role: Role,
    valid_for: Duration,
) -> Result<String, GatewayError> {
    if !is_name(session) {
        return Err(GatewayError::Name(session.chars().take(80).collect()));
    }
    let issued = secrets.links.issue_for(session, role, valid_for, SystemTime::now())?;
    Ok(ShareLink::new(url, &issued.token).to_string())
}

async fn until(mut shutdown: Shutdown, work: impl Future<Output = ()>) {
    tokio::select! {
        _ = front::last_words(&mut shutdown) => {}
        () = work => {}
    }
}
