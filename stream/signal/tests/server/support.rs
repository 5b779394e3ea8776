//! A server with a noting handler, a WebSocket viewer and a bare HTTP client.

use futures_util::{SinkExt, StreamExt};
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::{Candidate, SignalFromHost};
use rr_protocol::token::Role;
use rr_signal::{
    Asset, JoinRequest, Leave, Limits, Outbox, PeerId, Refusal, SignalConfig, SignalHandler, SignalServer, TokenKey,
};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Nothing in these tests takes long; what hangs fails.
pub const HANG: Duration = Duration::from_secs(30);

pub static ASSETS: &[Asset] = &[
    Asset { path: "index.html", content_type: "text/html; charset=utf-8", bytes: b"<h1>viewer</h1>", hashed: false },
    Asset { path: "assets/app-0a1b2c3d.js", content_type: "text/javascript", bytes: b"run()", hashed: true },
    Asset { path: "assets/big.bin", content_type: "application/octet-stream", bytes: &[7; 3_000_000], hashed: false },
];

/// What the handler was called with.
#[derive(Debug, PartialEq)]
pub enum Call {
    Join(PeerId, JoinRequest),
    Offer(PeerId, String),
    Candidate(PeerId, Candidate),
    Left(PeerId, Leave),
}

/// Answers every offer; by its SDP an offer may ask for trouble.
pub struct Handler {
    calls: SyncSender<Call>,
    next: AtomicU32,
    pub full: bool,
    pub outboxes: Mutex<HashMap<PeerId, Outbox>>,
}

impl SignalHandler for Handler {
    fn join(&self, request: JoinRequest, outbox: Outbox) -> Result<PeerId, Refusal> {
        if self.full {
            return Err(Refusal { code: ErrorCode::Full, message: "no room".into() });
        }
        match request.name.as_deref() {
            Some("panic") => panic!("asked for"),
            Some("slow") => std::thread::sleep(Duration::from_secs(4)),
            _ => {}
        }
        let peer = PeerId(self.next.fetch_add(1, Ordering::Relaxed));
        self.outboxes.lock().unwrap().insert(peer, outbox);
        self.calls.send(Call::Join(peer, request)).unwrap();
        Ok(peer)
    }

    fn offer(&self, peer: PeerId, sdp: String) -> Result<String, Refusal> {
        self.calls.send(Call::Offer(peer, sdp.clone())).unwrap();
        if sdp == "bad" {
            return Err(Refusal { code: ErrorCode::Invalid, message: "no H.264 in the offer".into() });
        }
        Ok(format!("answer to {sdp}"))
    }

    fn candidate(&self, peer: PeerId, candidate: Candidate) {
        self.calls.send(Call::Candidate(peer, candidate)).unwrap();
    }

    fn left(&self, peer: PeerId, how: Leave) {
        self.outboxes.lock().unwrap().remove(&peer);
        self.calls.send(Call::Left(peer, how)).unwrap();
    }
}

pub struct Host {
    pub server: Option<SignalServer>,
    pub key: Arc<TokenKey>,
    pub handler: Arc<Handler>,
    pub calls: Receiver<Call>,
}

impl Host {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with_limits(change: impl FnOnce(&mut Limits)) -> Self {
        Self::with(|config| change(&mut config.limits))
    }

    pub fn with(change: impl FnOnce(&mut SignalConfig)) -> Self {
        Self::build(change, false)
    }

    pub fn full() -> Self {
        Self::build(|_| {}, true)
    }

    fn build(change: impl FnOnce(&mut SignalConfig), full: bool) -> Self {
        let key = Arc::new(TokenKey::generate().unwrap());
        let mut config = SignalConfig::new("127.0.0.1:0".parse().unwrap(), Arc::clone(&key));
        config.assets = ASSETS;
        change(&mut config);
        let (calls, calls_rx) = sync_channel(10_000);
        let handler = Arc::new(Handler { calls, next: AtomicU32::new(1), full, outboxes: Mutex::default() });
        let server = SignalServer::start(config, Arc::clone(&handler) as Arc<dyn SignalHandler>).unwrap();
        Self { server: Some(server), key, handler, calls: calls_rx }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().local_addr()
    }

    pub fn token(&self, role: Role) -> String {
        self.key.issue(role, Duration::from_secs(60), SystemTime::now()).unwrap().token
    }

    /// The next call of the handler; blocks this thread, while the server runs on its own.
    pub fn call(&self) -> Call {
        self.calls.recv_timeout(HANG).unwrap()
    }

    pub async fn viewer(&self) -> Viewer {
        Viewer::connect(self.address()).await
    }

    /// A viewer with an answered offer.
    pub async fn watching(&self) -> (Viewer, PeerId) {
        let mut viewer = self.viewer().await;
        viewer.hello(&self.token(Role::Viewer)).await;
        assert!(matches!(viewer.next().await, Some(SignalFromHost::Welcome(_))));
        let Call::Join(peer, _) = self.call() else { panic!() };
        viewer.send(r#"{"type":"offer","data":{"sdp":"v=0"}}"#).await;
        assert!(matches!(viewer.next().await, Some(SignalFromHost::Answer(_))));
        assert_eq!(self.call(), Call::Offer(peer, "v=0".into()));
        (viewer, peer)
    }
}

pub struct Viewer {
    pub ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Of the close frame.
    pub close_code: Option<u16>,
}

impl Viewer {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).await.unwrap()
    }

    pub async fn try_connect(address: SocketAddr) -> Result<Self, Error> {
        let (ws, _) = tokio_tungstenite::connect_async(format!("ws://{address}/signal")).await?;
        Ok(Self { ws, close_code: None })
    }

    pub async fn send(&mut self, text: &str) {
        self.ws.send(Message::text(text)).await.unwrap();
    }

    pub async fn hello(&mut self, token: &str) {
        self.send(&format!(r#"{{"type":"hello","data":{{"token":"{token}","protocolVersion":1}}}}"#)).await;
    }

    /// The next message of the host; `None` when the socket is closed.
    pub async fn next(&mut self) -> Option<SignalFromHost> {
        loop {
            match tokio::time::timeout(HANG, self.ws.next()).await.expect("the host is silent") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(text.as_str()).unwrap()),
                Some(Ok(Message::Close(frame))) => self.close_code = frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// As a page that is closed does it.
    pub async fn say_goodbye(mut self) {
        self.ws.close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })).await.unwrap();
    }

    /// An error and a close must come; the error's code, its text and the close code.
    #[track_caller]
    pub fn refused(&mut self) -> impl Future<Output = (ErrorCode, String, Option<u16>)> {
        let at = std::panic::Location::caller();
        async move {
            let Some(SignalFromHost::Error(error)) = self.next().await else { panic!("no error, at {at}") };
            assert_eq!(self.next().await, None, "at {at}");
            (error.code, error.message, self.close_code)
        }
    }
}

/// Sends raw bytes and reads until the server closes: status, head in lower case, body.
pub async fn raw(address: SocketAddr, request: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that refuses early closes while we still write.
    let _ = stream.write_all(request).await;
    read_response(&mut stream).await
}

pub async fn read_response(stream: &mut (impl AsyncReadExt + Unpin)) -> (u16, String, Vec<u8>) {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(HANG, stream.read_to_end(&mut bytes)).await.expect("the server does not close");
    let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return (0, String::new(), bytes) };
    let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), bytes[at + 4..].to_vec())
}

pub async fn get(address: SocketAddr, path: &str) -> (u16, String, Vec<u8>) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    raw(address, request.as_bytes()).await
}
