//! The host's server: a listener, threads of its own, and an orderly end.

use crate::config::{SignalConfig, SignalError};
use crate::front::{self, Front};
use crate::handler::{Blocking, SignalHandler};
use crate::machine::Shared;
use crate::routes::{self, App};
use crate::throttle::{Connections, Failures};
use crate::tls::{self, TlsSetup};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// Threads of the server; requests are tiny.
const WORKERS: usize = 2;
/// Threads for calls of the handler; when all are busy the calls wait, and time out.
const BLOCKING_THREADS: usize = 32;

/// A running server. Dropping it is the same as [`Self::shutdown`].
#[derive(Debug)]
pub struct SignalServer {
    local_addr: SocketAddr,
    url_base: String,
    fingerprint: Option<String>,
    shutdown: watch::Sender<Option<Arc<str>>>,
    thread: Option<JoinHandle<()>>,
}

impl SignalServer {
    /// Listens and serves on threads of its own until it is shut down.
    pub fn start(config: SignalConfig, handler: Arc<dyn SignalHandler>) -> Result<Self, SignalError> {
        let listener = front::listen(config.listen)?;
        let listen_error = |source| SignalError::Listen { listen: config.listen, source };
        let local_addr = listener.local_addr().map_err(listen_error)?;
        let tls = tls::setup(&config.tls, local_addr.ip(), SystemTime::now())?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url_base = crate::link::url_base(scheme, local_addr);

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("rr-signal-io")
            .enable_io()
            .enable_time()
            .build()
            .map_err(SignalError::Runtime)?;
        let listener = {
            let _runtime = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(listen_error)?
        };

        let (shutdown, shutdown_rx) = watch::channel(None);
        let (fingerprint, tls) = match tls {
            Some(TlsSetup { fingerprint, config }) => (Some(fingerprint), Some(config)),
            None => (None, None),
        };
        let limits = config.limits;
        let app = App {
            assets: config.assets,
            allowed_origins: config.allowed_origins.into(),
            sockets: Connections::new(limits.sockets, limits.connections_per_ip),
            shared: Arc::new(Shared {
                key: config.key,
                ice: config.ice,
                failures: Mutex::new(Failures::new(limits.failure_window)),
                limits: limits.clone(),
            }),
            service: Arc::new(Blocking { handler, limit: limits.handler_timeout }),
            shutdown: shutdown_rx.clone(),
        };
        let router = routes::secured(routes::viewer(app).route("/health", axum::routing::get(routes::health)));
        let front = Front { tls, media: config.media, limits, router, shutdown: shutdown_rx };
        let thread = std::thread::Builder::new()
            .name("rr-signal".into())
            .spawn(move || {
                runtime.block_on(front.run(listener));
                // Only calls of the handler that hang are left.
                runtime.shutdown_timeout(Duration::from_millis(100));
            })
            .map_err(SignalError::Runtime)?;
        tracing::info!(%local_addr, scheme, "signaling server listens");
        Ok(Self { local_addr, url_base, fingerprint, shutdown, thread: Some(thread) })
    }

    /// Where it listens, with the port that port 0 became.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// `http` or `https`, a host that others can reach where there is one, and the port; no slash at the end.
    pub fn url_base(&self) -> &str {
        &self.url_base
    }

    /// SHA-256 of the certificate as browsers show it, for people to compare.
    pub fn certificate_fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// Says `bye` with `message` to everybody, waits until it is out
    /// ([`Limits::shutdown_timeout`](crate::Limits::shutdown_timeout) at most) and ends. Blocks.
    pub fn shutdown(mut self, message: &str) {
        self.end(message);
    }

    fn end(&mut self, message: &str) {
        self.shutdown.send_replace(Some(message.into()));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the signaling server's thread panicked");
        }
    }
}

impl Drop for SignalServer {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end("the host ends");
        }
    }
}
