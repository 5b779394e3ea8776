//! What a [`SignalServer`](crate::SignalServer) is started with, and why it may not start.

use crate::assets::Asset;
use crate::handler::MediaDoor;
use crate::ice::IceServers;
use crate::tls::TlsError;
use crate::token::TokenKey;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How to serve.
#[derive(Clone)]
pub struct SignalConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// HTTPS or not.
    pub tls: Tls,
    /// The page; [`VIEWER_ASSETS`](crate::VIEWER_ASSETS) is the one built in. `index.html` is served at `/`.
    pub assets: &'static [Asset],
    /// Signs and checks share links.
    pub key: Arc<TokenKey>,
    /// Told to viewers with a good token.
    pub ice: IceServers,
    /// Where connections go that carry media; none: they are refused as damaged HTTP.
    pub media: Option<Arc<dyn MediaDoor>>,
    /// Origins such as `https://plant.example` that may open the WebSocket besides the page's own, for pages that are
    /// served elsewhere.
    pub allowed_origins: Vec<String>,
    /// Bounds on what strangers can use up.
    pub limits: Limits,
}

impl SignalConfig {
    /// The viewer page built in, no TLS, no ICE servers, default limits.
    pub fn new(listen: SocketAddr, key: Arc<TokenKey>) -> Self {
        Self {
            listen,
            tls: Tls::Off,
            assets: crate::VIEWER_ASSETS,
            key,
            ice: IceServers::default(),
            media: None,
            allowed_origins: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Plain HTTP: for loopback and behind a proxy.
    Off,
    /// A certificate of our own for localhost, this machine's addresses and `names`. It is kept in `dir` and used again
    /// until it is about to expire or does not cover a name.
    SelfSigned {
        /// Folder for the certificate and its key; created when missing.
        dir: PathBuf,
        /// Further host names and addresses.
        names: Vec<String>,
    },
    /// A certificate chain and its private key, PEM.
    Files {
        /// Chain, the host's own certificate first.
        cert: PathBuf,
        /// PKCS #8, PKCS #1 or SEC 1.
        key: PathBuf,
    },
}

/// Bounds on what strangers can use up. The defaults suit one host with tens of viewers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// TCP connections at once, of all kinds. One more is closed at once.
    pub connections: usize,
    /// TCP connections at once from one address (IPv6: from one /64 network).
    pub connections_per_ip: usize,
    /// Signaling sockets at once. One more gets HTTP status 503.
    pub sockets: usize,
    /// Messages that wait for one viewer's socket. One more is refused.
    pub outbox: usize,
    /// Refused tokens from one address within [`Self::failure_window`] before further bad ones get `too_many`, and new
    /// sockets HTTP status 429 once twice as many were refused. A good token on an open socket always passes, so that
    /// one stale page cannot lock out the colleagues behind the same router.
    pub token_failures: u32,
    /// See [`Self::token_failures`].
    pub failure_window: Duration,
    /// From the socket's opening to `hello`.
    pub hello_timeout: Duration,
    /// From `welcome` to `offer`.
    pub offer_timeout: Duration,
    /// For each call of the [`SignalHandler`](crate::SignalHandler).
    pub handler_timeout: Duration,
    /// Silence after which the viewer is pinged.
    pub ping_interval: Duration,
    /// Silence after which the socket is closed.
    pub idle_timeout: Duration,
    /// For one message to leave for a viewer; longer closes its socket.
    pub write_timeout: Duration,
    /// The first bytes, the TLS handshake, and then a request's headers; for each.
    pub header_timeout: Duration,
    /// Longest life of a connection that is not a signaling socket.
    pub http_timeout: Duration,
    /// For saying `bye` to everybody at the end.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_per_ip: 64,
            sockets: 256,
            outbox: 64,
            token_failures: 10,
            failure_window: Duration::from_secs(60),
            hello_timeout: Duration::from_secs(10),
            offer_timeout: Duration::from_secs(30),
            handler_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            http_timeout: Duration::from_secs(120),
            shutdown_timeout: Duration::from_secs(3),
        }
    }
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// Another program listens there.
    #[error(
        "port {} on {} is in use by another program: end that program, or choose another port (0 takes any free one)",
        .0.port(), .0.ip()
    )]
    PortInUse(SocketAddr),
    /// Ports below 1024 may need rights.
    #[error("not permitted to listen on port {} of {}: choose a port above 1023", .0.port(), .0.ip())]
    PortForbidden(SocketAddr),
    /// The address is not one of this machine.
    #[error(
        "{0} is not an address of this machine: use one of its own, 127.0.0.1 for this machine only, or 0.0.0.0 for all"
    )]
    NoSuchAddress(IpAddr),
    /// Listening fails for another reason.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operating system gives no threads.
    #[error("cannot start the network threads: {0}")]
    Runtime(std::io::Error),
}
