//! Listens: accepts connections within the limits, hands media over, does TLS, hands the rest to HTTP, and ends in order.

use crate::config::{Limits, SignalConfig, SignalError};
use crate::handler::{ConnectionHold, MediaDoor, SignalHandler};
use crate::machine::Shared;
use crate::media::{self, Kind};
use crate::routes::{self, App, Remote};
use crate::socket::last_words;
use crate::throttle::{Connections, Failures};
use crate::tls::{self, TlsSetup};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Threads of the server; requests are tiny.
const WORKERS: usize = 2;
/// Threads for calls of the handler; when all are busy the calls wait, and time out.
const BLOCKING_THREADS: usize = 32;
/// Between two looks at first bytes that do not decide yet.
const HEAD_PAUSE: Duration = Duration::from_millis(50);
/// Longest request line and headers, bytes.
const MAX_HEADER_LEN: usize = 16 * 1024;
/// Most header lines.
const MAX_HEADERS: usize = 64;

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
        let listener = listen(config.listen)?;
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
        let (fingerprint, acceptor) = match tls {
            Some(TlsSetup { fingerprint, config }) => (Some(fingerprint), Some(TlsAcceptor::from(config))),
            None => (None, None),
        };
        let limits = config.limits.clone();
        let accept = Accept {
            connections: Connections::new(limits.connections, limits.connections_per_ip),
            acceptor,
            media: config.media,
            shutdown: shutdown_rx.clone(),
            app: App {
                assets: config.assets,
                allowed_origins: config.allowed_origins.into(),
                sockets: Connections::new(limits.sockets, limits.connections_per_ip),
                shared: Arc::new(Shared {
                    key: config.key,
                    ice: config.ice,
                    failures: Mutex::new(Failures::new(limits.failure_window)),
                    limits: limits.clone(),
                }),
                handler,
                shutdown: shutdown_rx,
            },
        };
        let thread = std::thread::Builder::new()
            .name("rr-signal".into())
            .spawn(move || {
                runtime.block_on(accept.run(listener, &limits));
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

fn listen(address: SocketAddr) -> Result<TcpListener, SignalError> {
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

struct Accept {
    app: App,
    connections: Arc<Connections>,
    acceptor: Option<TlsAcceptor>,
    media: Option<Arc<dyn MediaDoor>>,
    shutdown: watch::Receiver<Option<Arc<str>>>,
}

impl Accept {
    async fn run(mut self, listener: tokio::net::TcpListener, limits: &Limits) {
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
        if timeout(limits.shutdown_timeout, alive_rx.recv()).await.is_err() {
            tracing::info!("some viewers did not take the goodbye in time");
        }
    }

    fn take(&self, stream: TcpStream, address: SocketAddr, alive: &mpsc::Sender<()>) {
        let Some(guard) = self.connections.open(address.ip()) else {
            tracing::debug!(%address, "too many connections; closing one");
            return;
        };
        let (app, acceptor, shutdown) = (self.app.clone(), self.acceptor.clone(), self.shutdown.clone());
        let (media, alive, mut ending) = (self.media.clone(), alive.clone(), self.shutdown.clone());
        tokio::spawn(async move {
            let limits = Arc::clone(&app.shared);
            let limits = &limits.limits;
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
            let remote = Remote { address, _open: Arc::new(guard), _alive: alive };
            let http = async {
                match acceptor {
                    None => serve(stream, app, remote, shutdown).await,
                    Some(acceptor) => {
                        if let Some(stream) = handshake(stream, &acceptor, limits).await {
                            serve(stream, app, remote, shutdown).await;
                        }
                    }
                }
            };
            // A signaling socket leaves this task when it is upgraded.
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

async fn serve<S>(stream: S, app: App, remote: Remote, mut shutdown: watch::Receiver<Option<Arc<str>>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let header_timeout = app.shared.limits.header_timeout;
    let router = TowerToHyperService::new(routes::router(app));
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
