//! Gateways, workers and viewers for tests. The worker is the real client with a session that only notes who came.

use futures_util::{SinkExt, StreamExt};
use rr_fleet::{FleetSpec, Money, Prices, Scaling, Timing};
use rr_gateway::{DeskRules, Gateway, GatewayConfig, IceServers, Limits, Rates, Role, Tls};
use rr_protocol::PROTOCOL_VERSION;
use rr_protocol::signaling::{Candidate, Hello, Sdp, SignalFromHost, SignalFromViewer};
use rr_signal::worker::{self, GatewayLink, SessionHost, SessionState};
use rr_signal::{JoinRequest, Leave, Outbox, PeerId, Refusal, SignalHandler};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// What takes longer fails.
pub const HANG: Duration = Duration::from_secs(20);

pub fn spec() -> FleetSpec {
    FleetSpec {
        name: "test".to_owned(),
        scaling: Scaling::Fixed(0),
        max: 100,
        cost_cap: None,
        sessions_per_worker: 1,
        spot_share: 0,
        places: 1,
        prices: Prices { spot: Money::default(), on_demand: Money::default() },
        timing: Timing::default(),
    }
}

pub fn gateway(state: &Path, database: Option<&str>) -> Gateway {
    Gateway::start(config(state, database)).unwrap()
}

pub fn config(state: &Path, database: Option<&str>) -> GatewayConfig {
    GatewayConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        workers: "127.0.0.1:0".parse().unwrap(),
        tls: Tls::Off,
        names: Vec::new(),
        state: state.to_owned(),
        database: database.map(str::to_owned),
        ice: IceServers::default(),
        spec: spec(),
        rules: DeskRules::default(),
        grows: false,
        users: None,
        rates: Rates::default(),
        worker_certificate: rr_gateway::WORKER_CERTIFICATE,
        limits: Limits { shutdown_timeout: Duration::from_millis(300), ..Limits::default() },
    }
}

/// Sessions of a worker: open, with who is there.
pub struct Sessions {
    capacity: u32,
    /// How long it takes to end one.
    closes: Duration,
    /// How long somebody who was let in takes until they are counted.
    connects: Duration,
    pub drained: AtomicBool,
    open: Mutex<BTreeMap<String, Arc<Noting>>>,
    next: Arc<AtomicU32>,
}

/// Answers every offer.
pub struct Noting {
    next: Arc<AtomicU32>,
    pub here: Mutex<BTreeMap<u32, (JoinRequest, Outbox)>>,
    since: Mutex<BTreeMap<u32, Instant>>,
    pub candidates: Mutex<Vec<Candidate>>,
    state: Mutex<State>,
}

/// What would be lost with the worker.
struct State {
    all: SessionState,
    unsaid: SessionState,
}

impl Noting {
    pub fn document(&self) -> Option<String> {
        self.state.lock().unwrap().all.document.clone()
    }

    pub fn view(&self) -> Option<String> {
        self.state.lock().unwrap().all.view.clone()
    }

    /// Somebody changes something.
    pub fn change(&self, document: &str) {
        self.change_to(SessionState { document: Some(document.to_owned()), view: None });
    }

    /// Somebody looks elsewhere.
    pub fn turn(&self, view: &str) {
        self.change_to(SessionState { document: None, view: Some(view.to_owned()) });
    }

    fn change_to(&self, changes: SessionState) {
        let mut state = self.state.lock().unwrap();
        state.all = changes.clone().or(std::mem::take(&mut state.all));
        state.unsaid = changes.or(std::mem::take(&mut state.unsaid));
    }

    /// The last change was looked at.
    pub fn is_told(&self) -> bool {
        self.state.lock().unwrap().unsaid.is_empty()
    }

    fn news(&self) -> SessionState {
        std::mem::take(&mut self.state.lock().unwrap().unsaid)
    }
}

impl Sessions {
    pub fn new(capacity: u32) -> Arc<Self> {
        Self::slow(capacity, Duration::ZERO)
    }

    /// Those of a worker that takes so long to end one.
    pub fn slow(capacity: u32, closes: Duration) -> Arc<Self> {
        Self::busy(capacity, closes, Duration::ZERO)
    }

    /// Those of a worker that takes so long to end one, and so long to connect with a viewer.
    pub fn busy(capacity: u32, closes: Duration, connects: Duration) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            closes,
            connects,
            drained: AtomicBool::new(false),
            open: Mutex::default(),
            next: Arc::new(AtomicU32::new(1)),
        })
    }

    pub fn names(&self) -> Vec<String> {
        self.open.lock().unwrap().keys().cloned().collect()
    }

    pub fn session(&self, name: &str) -> Option<Arc<Noting>> {
        self.open.lock().unwrap().get(name).cloned()
    }
}

impl SessionHost for Sessions {
    fn capacity(&self) -> u32 {
        self.capacity
    }

    fn open(&self, session: &str, kept: SessionState) -> Result<(), String> {
        let mut open = self.open.lock().unwrap();
        if !open.contains_key(session) {
            assert!(open.len() < usize::try_from(self.capacity).unwrap(), "more sessions than places");
            let next = Arc::clone(&self.next);
            let state = Mutex::new(State { all: kept, unsaid: SessionState::default() });
            let noting =
                Noting { next, here: Mutex::default(), since: Mutex::default(), candidates: Mutex::default(), state };
            open.insert(session.to_owned(), Arc::new(noting));
        }
        Ok(())
    }

    fn handler(&self, session: &str) -> Option<Arc<dyn SignalHandler>> {
        self.session(session).map(|noting| noting as Arc<dyn SignalHandler>)
    }

    fn changed(&self, session: &str) -> SessionState {
        self.session(session).map(|noting| noting.news()).unwrap_or_default()
    }

    fn close(&self, session: &str) -> SessionState {
        std::thread::sleep(self.closes);
        let closed = self.open.lock().unwrap().remove(session);
        for (_, outbox) in
            closed.iter().flat_map(|noting| noting.here.lock().unwrap().values().cloned().collect::<Vec<_>>())
        {
            let _ = outbox.bye(rr_protocol::host::ErrorCode::Closing, "moved");
        }
        closed.map(|noting| noting.news()).unwrap_or_default()
    }

    fn sessions(&self) -> Vec<(String, u32)> {
        let open = self.open.lock().unwrap();
        let connected = |noting: &Noting| {
            let since = noting.since.lock().unwrap();
            noting.here.lock().unwrap().keys().filter(|peer| since[peer].elapsed() >= self.connects).count()
        };
        open.iter().map(|(name, noting)| (name.clone(), u32::try_from(connected(noting)).unwrap())).collect()
    }

    fn drain(&self) {
        self.drained.store(true, Ordering::Relaxed);
    }
}

impl SignalHandler for Noting {
    fn join(&self, request: JoinRequest, outbox: Outbox) -> Result<PeerId, Refusal> {
        let peer = self.next.fetch_add(1, Ordering::Relaxed);
        self.since.lock().unwrap().insert(peer, Instant::now());
        self.here.lock().unwrap().insert(peer, (request, outbox));
        Ok(PeerId(peer))
    }

    fn offer(&self, peer: PeerId, sdp: String) -> Result<String, Refusal> {
        let outbox = self.here.lock().unwrap()[&peer.0].1.clone();
        outbox
            .candidate(Candidate { candidate: "of the worker".into(), sdp_mid: None, sdp_m_line_index: None })
            .unwrap();
        Ok(format!("answer to {} bytes", sdp.len()))
    }

    fn candidate(&self, _: PeerId, candidate: Candidate) {
        self.candidates.lock().unwrap().push(candidate);
    }

    fn left(&self, peer: PeerId, how: Leave) {
        // As with a real session: pictures go on without signaling.
        if how != Leave::Silent {
            self.here.lock().unwrap().remove(&peer.0);
        }
    }
}

pub fn worker_config(urls: &[&str], token: Option<String>, dir: &Path) -> worker::GatewayConfig {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    worker::GatewayConfig {
        urls,
        join_token: token,
        dir: dir.to_owned(),
        program: "test".to_owned(),
        interruptions: None,
    }
}

/// A worker that has joined and is connected or will be.
pub fn join(gateways: &[&Gateway], name: &str, dir: &Path, sessions: &Arc<Sessions>) -> GatewayLink {
    join_on_a_machine(gateways, name, dir, sessions, None)
}

/// The same on a machine whose metadata service says when it will be taken away.
pub fn join_on_a_machine(
    gateways: &[&Gateway],
    name: &str,
    dir: &Path,
    sessions: &Arc<Sessions>,
    interruptions: Option<String>,
) -> GatewayLink {
    let token = gateways[0].join_token(name, Duration::from_secs(60));
    let urls: Vec<&str> = gateways.iter().map(|gateway| gateway.workers_url()).collect();
    let host = Arc::clone(sessions) as Arc<dyn SessionHost>;
    let config = worker::GatewayConfig { interruptions, ..worker_config(&urls, Some(token), dir) };
    GatewayLink::start(config, host, Duration::from_secs(5)).unwrap()
}

pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < HANG, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn workers_seen(gateway: &Gateway) -> usize {
    gateway.observed().unwrap().0.workers.len()
}

/// A viewer's signaling socket.
pub struct Viewer {
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
}

impl Viewer {
    /// Opens a link and says hello.
    pub async fn open(link: &str) -> Self {
        let (url, token) = link.split_once("/#").unwrap();
        let url = format!("{}/signal", url.replacen("http", "ws", 1));
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut viewer = Self { socket };
        let hello = Hello {
            token: token.to_owned(),
            protocol_version: PROTOCOL_VERSION,
            name: Some("Tablet".into()),
            return_key: None,
        };
        viewer.say(&SignalFromViewer::Hello(hello)).await;
        viewer
    }

    pub async fn say(&mut self, message: &SignalFromViewer) {
        self.socket.send(Message::text(serde_json::to_string(message).unwrap())).await.unwrap();
    }

    /// The next message; `None` when the socket is closed.
    pub async fn hear(&mut self) -> Option<SignalFromHost> {
        loop {
            match tokio::time::timeout(HANG, self.socket.next()).await.expect("nothing came") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits until it is let in; how often it was told to wait.
    pub async fn welcome(&mut self) -> usize {
        let mut waited = 0;
        loop {
            match self.hear().await {
                Some(SignalFromHost::Waiting(_)) => waited += 1,
                Some(SignalFromHost::Welcome(welcome)) => {
                    assert_eq!(welcome.role, Role::Engineer);
                    return waited;
                }
                other => panic!("no welcome: {other:?}"),
            }
        }
    }

    /// Offers so many bytes, and hears answer and candidate.
    pub async fn offer(&mut self, length: usize) {
        self.say(&SignalFromViewer::Offer(Sdp { sdp: "v".repeat(length) })).await;
        let answer = SignalFromHost::Answer(Sdp { sdp: format!("answer to {length} bytes") });
        assert_eq!(self.hear().await, Some(answer));
        assert!(matches!(self.hear().await, Some(SignalFromHost::Candidate(_))));
    }

    /// As a page that is closed does it.
    pub async fn say_goodbye(mut self) {
        self.socket.close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })).await.unwrap();
    }

    pub async fn candidate(&mut self, text: &str) {
        let candidate = Candidate { candidate: text.to_owned(), sdp_mid: None, sdp_m_line_index: None };
        self.say(&SignalFromViewer::Candidate(candidate)).await;
    }
}

pub fn link(gateway: &Gateway, session: &str) -> String {
    gateway.link(session, Role::Engineer, Duration::from_secs(600)).unwrap()
}

/// What blocks, beside a test's own runtime.
pub fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

pub fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
