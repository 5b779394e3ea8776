//! The listener that host and gateway share: accepts connections within the limits, hands media over, does TLS, and
//! hands the rest to a router.

use crate::config::{Limits, SignalError};
use crate::handler::{ConnectionHold, MediaDoor};
use crate::media::{self, Kind};
use crate::routes;
use crate::throttle::{ConnectionGuard, Connections};
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Between two looks at first bytes that do not decide yet.
const HEAD_PAUSE: Duration = Duration::from_millis(50);
/// Longest request line and headers, bytes.
const MAX_HEADER_LEN: usize = 16 * 1024;
/// Most header lines.
const MAX_HEADERS: usize = 64;

/// `None` until the server ends; then the last words for everybody.
pub type Shutdown = watch::Receiver<Option<Arc<str>>>;

/// The connection that a request came by. Routes find it among the request's extensions; a WebSocket keeps it.
#[derive(Clone)]
pub struct Remote {
    /// Of the other side.
    pub address: SocketAddr,
    /// The other side's certificate chain, its own first, where TLS asked for one and checked it.
    pub certificates: Arc<[CertificateDer<'static>]>,
    pub(crate) _open: Arc<ConnectionGuard>,
    pub(crate) _alive: mpsc::Sender<()>,
}

/// What is served on one listener.
pub struct Front {
    /// Without it plain HTTP is served.
    pub tls: Option<Arc<ServerConfig>>,
    /// Where connections go that carry media.
    pub media: Option<Arc<dyn MediaDoor>>,
    /// Bounds on what strangers can use up.
    pub limits: Limits,
    /// What answers requests.
    pub router: Router,
    /// Ends it.
    pub shutdown: Shutdown,
}

/// Opens a listener, with errors that say what to do. To be given to [`Front::run`] within a runtime.
///
/// # Errors
/// The address is in use, forbidden, or not of this machine.
pub fn listen(address: SocketAddr) -> Result<TcpListener, SignalError> {
    let bind = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => SignalError::PortInUse(address),
        io::ErrorKind::PermissionDenied => SignalError::PortForbidden(address),
        io::ErrorKind::AddrNotAvailable => SignalError::NoSuchAddress(address.ip()),
        _ => SignalError::Listen { listen: address, source },
    })
}

/// The message for everybody when the server ends; waits until then.
pub async fn last_words(shutdown: &mut Shutdown) -> Arc<str> {
    let words = shutdown.wait_for(Option::is_some).await.ok().and_then(|words| words.clone());
    words.unwrap_or_else(|| "the host ends".into())
}

impl Front {
    /// Serves until the shutdown, and until everybody has had the last words or
    /// [`Limits::shutdown_timeout`] has passed.
    pub async fn run(self, listener: tokio::net::TcpListener) {
        let accept = Accept {
            connections: Connections::new(self.limits.connections, self.limits.connections_per_ip),
            acceptor: self.tls.map(TlsAcceptor::from),
            media: self.media,
            limits: Arc::new(self.limits),
            router: self.router,
            shutdown: self.shutdown,
        };
        accept.run(listener).await;
    }
}

struct Accept {
    connections: Arc<Connections>,
    acceptor: Option<TlsAcceptor>,
    media: Option<Arc<dyn MediaDoor>>,
    limits: Arc<Limits>,
    router: Router,
    shutdown: Shutdown,
}

impl Accept {
    async fn run(mut self, listener: tokio::net::TcpListener) {
        // Each task holds a clone; when the last is gone, all are done.
        let (alive, mut alive_rx) = mpsc::channel::<()>(1);
        loop {
            let accepted = tokio::select! {
                _ = last_words(&mut self.shutdown) => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => self.take(stream, address, &alive),
                Err(error) => {
                    // Mostly too many open files: wait for some to close instead of spinning.
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop((listener, alive));
        if timeout(self.limits.shutdown_timeout, alive_rx.recv()).await.is_err() {
            tracing::info!("some viewers did not take the goodbye in time");
        }
    }

    fn take(&self, stream: TcpStream, address: SocketAddr, alive: &mpsc::Sender<()>) {
        let Some(guard) = self.connections.open(address.ip()) else {
            tracing::debug!(%address, "too many connections; closing one");
            return;
        };
        let (router, acceptor, shutdown) = (self.router.clone(), self.acceptor.clone(), self.shutdown.clone());
        let (media, alive, mut ending) = (self.media.clone(), alive.clone(), self.shutdown.clone());
        let limits = Arc::clone(&self.limits);
        tokio::spawn(async move {
            // Small messages that wait for nothing.
            let _ = stream.set_nodelay(true);
            if let Some(media) = media {
                let kind = tokio::select! {
                    kind = timeout(limits.header_timeout, kind(&stream)) => kind,
                    _ = last_words(&mut ending) => return,
                };
                match kind {
                    Ok(Kind::Media) => {
                        if let Ok(stream) = stream.into_std() {
                            media.take(stream, ConnectionHold(guard));
                        }
                        return;
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
            let remote = |certificates: &[CertificateDer<'_>]| Remote {
                address,
                certificates: certificates.iter().map(|certificate| certificate.clone().into_owned()).collect(),
                _open: Arc::new(guard),
                _alive: alive,
            };
            let header_timeout = limits.header_timeout;
            let http = async {
                match acceptor {
                    None => serve(stream, router, remote(&[]), shutdown, header_timeout).await,
                    Some(acceptor) => {
                        if let Some(stream) = handshake(stream, &acceptor, &limits).await {
                            let remote = remote(stream.get_ref().1.peer_certificates().unwrap_or_default());
                            serve(stream, router, remote, shutdown, header_timeout).await;
                        }
                    }
                }
            };
            // A WebSocket leaves this task when it is upgraded.
            if timeout(limits.http_timeout, http).await.is_err() {
                tracing::debug!(%address, "connection closed after its longest life");
            }
        });
    }
}

/// Looks at the first bytes and takes none. Ends when they decide, or when there are no more.
async fn kind(stream: &TcpStream) -> Kind {
    let mut head = [0; media::HEAD];
    loop {
        match stream.peek(&mut head).await {
            // Closed: HTTP finds out, too.
            Ok(0) | Err(_) => return Kind::Http,
            Ok(length) => match media::kind(&head[..length]) {
                Kind::Open => {}
                decided => return decided,
            },
        }
        // What is there stays readable, so that there is nothing to wait for but time. Hardly anybody comes here: the
        // first bytes come together.
        sleep(HEAD_PAUSE).await;
    }
}

async fn handshake(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
    limits: &Limits,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut first = [0];
    timeout(limits.header_timeout, stream.peek(&mut first)).await.ok()?.ok()?;
    if first[0].is_ascii_uppercase() {
        // Somebody typed http instead of https.
        let _ = timeout(limits.write_timeout, stream.write_all(routes::USE_HTTPS.as_bytes())).await;
        let _ = timeout(limits.write_timeout, stream.shutdown()).await;
        return None;
    }
    match timeout(limits.header_timeout, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

async fn serve<S>(stream: S, router: Router, remote: Remote, mut shutdown: Shutdown, header_timeout: Duration)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(remote.clone());
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(MAX_HEADER_LEN)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        _ = last_words(&mut shutdown) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection failed");
    }
}
