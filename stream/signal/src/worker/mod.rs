//! A worker's side of a gateway: it joins once with a token, has a short certificate from then on, and keeps one control
//! connection, by which viewers come that the gateway let in.
//!
//! ```text
//! join token ─► identity (key, CSR, certificate, renewed) ─► tls ─┬─► control (one WebSocket, again and again)
//!                                                                 │     └─ one task per viewer ─► SignalHandler
//!                                                                 └─► keeping (what sessions would lose with us)
//! ```
//!
//! The media never come this way: a viewer that was answered goes on when gateway and worker lose each other.

mod control;
mod http;
mod identity;
mod interruption;
mod keeping;
mod tls;
pub mod token;

pub use identity::{IdentityError, key_and_request};
pub use interruption::EC2_METADATA;
pub use rr_protocol::worker::SessionState;
pub use token::{JoinClaims, JoinKey, JoinTokenError};

use crate::handler::SignalHandler;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Threads for calls of handlers.
const BLOCKING_THREADS: usize = 32;

/// What serves sessions. All calls may block.
pub trait SessionHost: Send + Sync + 'static {
    /// Sessions at once.
    fn capacity(&self) -> u32;

    /// Serves a session from now on, going on from what was kept of it, or anew. One that is served already goes on.
    ///
    /// # Errors
    /// Why not, for the gateway's log.
    fn open(&self, session: &str, kept: SessionState) -> Result<(), String>;

    /// What is to be kept of a session and has changed since it was opened or since the last call.
    fn changed(&self, session: &str) -> SessionState;

    /// Lets viewers into a session that is open.
    fn handler(&self, session: &str) -> Option<Arc<dyn SignalHandler>>;

    /// Ends a session here, for all who watch it, and says what changed since the last [`SessionHost::changed`]. One that
    /// is not open is no error.
    fn close(&self, session: &str) -> SessionState;

    /// All that are open, each with how many watch.
    fn sessions(&self) -> Vec<(String, u32)>;

    /// No more sessions will come.
    fn drain(&self);
}

/// Which gateway, and who we are.
#[derive(Clone)]
pub struct GatewayConfig {
    /// `https://host:port` of the gateway's listener for workers; several are tried in turn.
    pub urls: Vec<String>,
    /// Good once; not needed any more when the folder holds a certificate that is still good.
    pub join_token: Option<String>,
    /// Folder for key and certificate.
    pub dir: PathBuf,
    /// Told to the gateway, for people.
    pub program: String,
    /// The metadata service that says when this machine will be taken away ([`EC2_METADATA`]); none: nobody is asked.
    pub interruptions: Option<String>,
}

/// Why a worker has no gateway.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// An address that is none.
    #[error("{0:?} is not the address of a gateway: use https://host:port, as rrctl gateway prints it")]
    Url(String),
    /// Key, token or certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The operating system gives no threads.
    #[error("cannot start the thread for the gateway: {0}")]
    Runtime(std::io::Error),
}

/// `host` and `port` of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    fn parse(url: &str) -> Result<Self, GatewayError> {
        let wrong = || GatewayError::Url(url.chars().take(200).collect());
        let rest = url.trim().strip_prefix("https://").ok_or_else(wrong)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.strip_prefix('[').map_or(Some(host), |host| host.strip_suffix(']')).ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        rustls::pki_types::ServerName::try_from(host).map_err(|_| wrong())?;
        Ok(Self { host: host.to_owned(), port })
    }

    /// As it stands in a `Host` header.
    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// A worker's membership in a fleet. Dropping it gives its sessions back and ends the connection.
#[derive(Debug)]
pub struct GatewayLink {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    worker: String,
}

impl GatewayLink {
    /// Joins, if that has not been done, and keeps the connection up on a thread of its own. Blocks until the worker has a
    /// certificate.
    ///
    /// # Errors
    /// No address, no token, or the gateway does not take it. A gateway that cannot be reached is asked again for
    /// `patience`.
    pub fn start(config: GatewayConfig, host: Arc<dyn SessionHost>, patience: Duration) -> Result<Self, GatewayError> {
        let addresses = config.urls.iter().map(|url| Address::parse(url)).collect::<Result<Vec<_>, _>>()?;
        if addresses.is_empty() {
            return Err(GatewayError::Url(String::new()));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("rr-gateway-link")
            .enable_io()
            .enable_time()
            .build()
            .map_err(GatewayError::Runtime)?;
        let identity = runtime.block_on(identity::obtain(&config, &addresses, patience))?;
        let worker = identity.worker.clone();
        let (stop, stop_rx) = watch::channel(false);
        let (notice, notice_rx) = watch::channel(None);
        if let Some(service) = config.interruptions.clone() {
            runtime.spawn(interruption::watch(service, notice));
        }
        let thread = std::thread::Builder::new()
            .name("rr-gateway".into())
            .spawn(move || {
                runtime.block_on(control::keep(config, addresses, identity, host, (stop_rx, notice_rx)));
                // Only calls of handlers that hang are left.
                runtime.shutdown_timeout(Duration::from_millis(100));
            })
            .map_err(GatewayError::Runtime)?;
        Ok(Self { stop, thread: Some(thread), worker })
    }

    /// The name that the gateway knows this worker by.
    pub fn worker(&self) -> &str {
        &self.worker
    }
}

impl Drop for GatewayLink {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread for the gateway panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_gateways() {
        let parse = |url| Address::parse(url).ok().map(|a| (a.host.clone(), a.port, a.authority()));
        assert_eq!(parse("https://gw.example:8444/"), Some(("gw.example".into(), 8444, "gw.example:8444".into())));
        assert_eq!(parse("https://[::1]:1"), Some(("::1".into(), 1, "[::1]:1".into())));
        for wrong in [
            "",
            "http://a:1",
            "https://a",
            "https://a:0",
            "https://a:b",
            "https://a b:1",
            "https://[::1:1",
            "https://:1",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
