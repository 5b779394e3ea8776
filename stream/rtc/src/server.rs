//! The thread around [`crate::core`]: one UDP socket for all peers, and the connections of those whom it does not reach.

use crate::RtcError;
use crate::address::{Locals, Transport, speakable, usable};
use crate::core::{Core, CoreConfig, Datagram};
use crate::event::{DisconnectReason, PeerId, RtcEvent, RungId, Steering};
use crate::tcp::{Arrival, Connections, Heard};
use crate::udp::Udp;
use crate::wait::{Waiter, Waker};
use rr_encode::{AccessUnit, Bitrate, VideoFormat};
use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a host serves its peers.
#[derive(Debug, Clone)]
pub struct RtcConfig {
    /// Where to listen; port 0 picks a free one.
    pub bind: SocketAddr,
    /// The addresses that viewers are told; port 0 stands for the bound one. Empty: the bound address, which must then not
    /// be a wildcard.
    pub advertise: Vec<SocketAddr>,
    /// Addresses of the listener whose media connections come here ([`RtcServer::take_tcp`]), as viewers are told them.
    /// Empty: media goes over UDP only.
    pub advertise_tcp: Vec<SocketAddr>,
    /// Whether to be an ICE-lite agent; `None`: where only public addresses are told ([`CoreConfig::ice_lite`]).
    pub ice_lite: Option<bool>,
    /// Most peers at once.
    pub max_peers: usize,
    /// What the path to a new peer is taken to carry.
    pub initial_bitrate: Bitrate,
    /// Never look for more than this.
    pub max_bitrate: Bitrate,
    /// What may be sent beside H.264 ([`CoreConfig::formats`]).
    pub formats: Vec<VideoFormat>,
    /// A peer that is not connected after this is given up.
    pub connect_timeout: Duration,
    /// A connected peer is given up this long after its path was found to be broken.
    pub vanish_timeout: Duration,
}

impl Default for RtcConfig {
    fn default() -> Self {
        let core = CoreConfig::default();
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            advertise: Vec::new(),
            advertise_tcp: Vec::new(),
            ice_lite: core.ice_lite,
            max_peers: core.max_peers,
            initial_bitrate: core.initial_bitrate,
            max_bitrate: core.max_bitrate,
            formats: core.formats,
            connect_timeout: core.connect_timeout,
            vanish_timeout: core.vanish_timeout,
        }
    }
}

/// What is to be done with the pictures of which peer, in order.
pub type Steerings = Vec<(PeerId, Steering)>;

/// All WebRTC peers of a host. Dropping it says goodbye to all and ends the thread.
pub struct RtcServer {
    commands_tx: SyncSender<Command>,
    arrivals_tx: SyncSender<Arrival>,
    publisher: Publisher,
    place: Arc<Mutex<Place>>,
    thread: Option<JoinHandle<()>>,
}

impl RtcServer {
    /// Binds the port and starts the thread `rr-rtc`. `on_event` is called on that thread and must not block: put the
    /// event into a bounded queue and decide there what to leave out. What it wants done with peers' pictures goes into
    /// the list and is done at once.
    ///
    /// # Errors
    /// The port is taken or not permitted, no address to tell, or the system gives no thread.
    pub fn start(
        config: RtcConfig,
        on_event: impl FnMut(RtcEvent, &mut Steerings) + Send + 'static,
    ) -> Result<Self, RtcError> {
        let (socket, addresses) = open(config.bind, &config.advertise)?;
        let locals = Locals { udp: addresses, tcp: speakable(config.advertise_tcp) };
        let place = place_of(socket.socket(), config.bind, &locals)?;
        let waiter = Waiter::new(socket).map_err(RtcError::Start)?;
        let waker = waiter.waker();
        let (commands_tx, commands_rx) = sync_channel(COMMANDS);
        let (arrivals_tx, arrivals_rx) = sync_channel(ARRIVALS);
        let units = Arc::new(Mutex::new(UnitSlot::default()));
        let place = Arc::new(Mutex::new(place));
        let core = Core::new(
            CoreConfig {
                max_peers: config.max_peers,
                initial_bitrate: config.initial_bitrate,
                max_bitrate: config.max_bitrate,
                formats: config.formats.clone(),
                connect_timeout: config.connect_timeout,
                vanish_timeout: config.vanish_timeout,
                ice_lite: config.ice_lite,
            },
            locals.clone(),
        );
        tracing::info!(udp = ?locals.udp, tcp = ?locals.tcp, ice_lite = core.ice_lite(), "viewers are told these addresses");
        let worker = Worker {
            core,
            waiter,
            commands_rx,
            arrivals_rx,
            connections: Connections::default(),
            units: units.clone(),
            place: place.clone(),
            on_event,
            steerings: Steerings::new(),
        };
        let thread = std::thread::Builder::new().name("rr-rtc".to_owned());
        let thread = thread.spawn(move || worker.run()).map_err(RtcError::Start)?;
        Ok(Self { commands_tx, arrivals_tx, publisher: Publisher { units, waker }, place, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).addr
    }

    /// What viewers are told, as `candidate:` lines. Answers contain them already.
    pub fn local_candidates(&self) -> Vec<String> {
        let locals = self.place.lock().unwrap_or_else(PoisonError::into_inner).locals.clone();
        Core::new(CoreConfig::default(), locals).local_candidates()
    }

    /// Takes over a connection that seems to carry media (RFC 4571, a binding request first): nothing was read from it yet.
    /// `held` is dropped when it turns out to be a peer's, of which each may have 16, or ends. Never waits: a connection is
    /// ended at once when 32 others wait for the network thread, and soon when its first datagram is no peer's.
    pub fn take_tcp(&self, stream: TcpStream, held: impl Any + Send) {
        // What does not find room is dropped, which closes it.
        if self.arrivals_tx.try_send(Arrival { stream, held: Box::new(held) }).is_ok() {
            self.publisher.waker.wake();
        }
    }

    /// Takes a viewer in: its offer for the answer. Waits for the network thread, usually less than a millisecond.
    ///
    /// # Errors
    /// The offer is refused, there are too many peers, or the thread is too busy.
    pub fn accept(&self, peer: PeerId, offer_sdp: &str) -> Result<String, RtcError> {
        let (reply_tx, reply_rx) = sync_channel(1);
        self.command(Command::Accept { peer, offer: offer_sdp.to_owned(), reply_tx })?;
        wait_for(&reply_rx)?
    }

    /// A candidate that the viewer trickles, `candidate:...`. An empty one and names ending in `.local` are ignored.
    ///
    /// # Errors
    /// The queue is full. A candidate that makes no sense is only logged: others may.
    pub fn add_candidate(&self, peer: PeerId, candidate: &str) -> Result<(), RtcError> {
        self.command(Command::Candidate { peer, text: candidate.to_owned() })
    }

    /// Sends an access unit to all peers of its rung: [`Publisher::publish`].
    pub fn publish(&self, rung: RungId, unit: &AccessUnit) {
        self.publisher.publish(rung, unit);
    }

    /// What hands pictures over, for encoders: it does not keep the server alive, which may well own who calls it.
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Sends a state message that continues those before it. Dropped while the peer is behind
    /// ([`RtcEvent::StateBehind`]).
    ///
    /// # Errors
    /// The command queue is full: nothing was sent; begin again with a full state.
    pub fn send_state(&self, peer: PeerId, text: impl Into<String>) -> Result<(), RtcError> {
        self.command(Command::State { peer, text: text.into(), full: false })
    }

    /// Sends a state message that stands on its own (or the first piece of one), as the answer to
    /// [`RtcEvent::StateChannelOpen`] and [`RtcEvent::StateReady`].
    ///
    /// # Errors
    /// The command queue is full.
    pub fn send_full_state(&self, peer: PeerId, text: impl Into<String>) -> Result<(), RtcError> {
        self.command(Command::State { peer, text: text.into(), full: true })
    }

    /// Says that a peer is to see another view. What its pictures are is decided where events go:
    /// [`RtcEvent::ViewWanted`] comes there.
    ///
    /// # Errors
    /// The command queue is full.
    pub fn look_at(&self, peer: PeerId, view: u32) -> Result<(), RtcError> {
        self.command(Command::LookAt { peer, view })
    }

    /// Ends a peer; [`RtcEvent::Disconnected`] follows.
    ///
    /// # Errors
    /// The command queue is full.
    pub fn close(&self, peer: PeerId, reason: &str) -> Result<(), RtcError> {
        self.command(Command::Close { peer, reason: reason.to_owned() })
    }

    /// Listens on another UDP address from now on. Peers stay when the port stays the same (such as from 127.0.0.1 to all
    /// addresses); otherwise they are ended with [`DisconnectReason::Rebound`]. On failure everything stays as it was.
    ///
    /// # Errors
    /// As for [`RtcServer::start`].
    pub fn rebind(&self, bind: SocketAddr, advertise: Vec<SocketAddr>) -> Result<SocketAddr, RtcError> {
        let (reply_tx, reply_rx) = sync_channel(1);
        self.command(Command::Rebind { bind, advertise, reply_tx })?;
        wait_for(&reply_rx)?
    }

    /// Says goodbye to all and ends the thread, without waiting for that. Whatever is asked afterwards is refused.
    pub fn end(&self) {
        self.publisher.units.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.publisher.waker.wake();
    }

    fn command(&self, command: Command) -> Result<(), RtcError> {
        match self.commands_tx.try_send(command) {
            Ok(()) => {
                self.publisher.waker.wake();
                Ok(())
            }
            Err(TrySendError::Full(_)) => Err(RtcError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(RtcError::Stopped),
        }
    }
}

impl Drop for RtcServer {
    fn drop(&mut self) {
        self.end();
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by its hook.
            let _ = thread.join();
        }
    }
}

/// Hands pictures to the peers of a server, as long as that one runs.
#[derive(Clone)]
pub struct Publisher {
    units: Arc<Mutex<UnitSlot>>,
    waker: Waker,
}

impl Publisher {
    /// Sends an access unit to all peers of its rung. Never waits: when the thread is four units of a rung behind, they
    /// are dropped, and the rung's peers wait for a keyframe.
    pub fn publish(&self, rung: RungId, unit: &AccessUnit) {
        let mut slot = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        if unit.keyframe {
            slot.waiting.retain(|(of, _)| *of != rung);
        } else if slot.waiting.iter().filter(|(of, _)| *of == rung).count() == UNITS {
            slot.waiting.retain(|(of, _)| *of != rung);
            slot.lost.insert(rung);
            drop(slot);
            self.waker.wake();
            return;
        }
        slot.waiting.push_back((rung, unit.clone()));
        drop(slot);
        self.waker.wake();
    }
}

/// Commands that may wait for the thread.
const COMMANDS: usize = 256;
/// Media connections that may wait for the thread.
const ARRIVALS: usize = 32;
/// Access units that may wait for the thread.
const UNITS: usize = 4;
/// Longest wait for an answer of the thread.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Datagrams taken in before timers and commands get their turn.
const DATAGRAMS_PER_TURN: usize = 64;
/// Peers that are handed a picture before what came in meanwhile gets its turn.
const PEERS_PER_TURN: usize = 16;

enum Command {
    Accept { peer: PeerId, offer: String, reply_tx: SyncSender<Result<String, RtcError>> },
    Candidate { peer: PeerId, text: String },
    State { peer: PeerId, text: String, full: bool },
    LookAt { peer: PeerId, view: u32 },
    Close { peer: PeerId, reason: String },
    Rebind { bind: SocketAddr, advertise: Vec<SocketAddr>, reply_tx: SyncSender<Result<SocketAddr, RtcError>> },
}

#[derive(Default)]
struct UnitSlot {
    waiting: VecDeque<(RungId, AccessUnit)>,
    lost: BTreeSet<RungId>,
    stop: bool,
}

#[derive(Debug, Clone)]
struct Place {
    addr: SocketAddr,
    locals: Locals,
}

struct Worker<F> {
    core: Core,
    waiter: Waiter,
    commands_rx: Receiver<Command>,
    arrivals_rx: Receiver<Arrival>,
    connections: Connections,
    units: Arc<Mutex<UnitSlot>>,
    place: Arc<Mutex<Place>>,
    on_event: F,
    steerings: Steerings,
}

impl<F: FnMut(RtcEvent, &mut Steerings)> Worker<F> {
    fn run(mut self) {
        let mut buffer = vec![0; 65_536];
        loop {
            let due = [self.core.timeout(), self.connections.timeout()].into_iter().flatten().min();
            if let Err(error) = self.waiter.wait(due) {
                tracing::error!(%error, "the network thread cannot wait and ends");
                break;
            }
            if !self.take_units() || !self.take_commands() {
                break;
            }
            self.receive();
            self.receive_tcp(&mut buffer);
            self.core.handle_time(Instant::now());
            self.flush();
        }
        self.core.close_all(Instant::now(), &DisconnectReason::Closed("the host ends".to_owned()));
        self.flush();
    }

    /// `false`: stop.
    fn take_units(&mut self) -> bool {
        loop {
            let mut slot = self.units.lock().unwrap_or_else(PoisonError::into_inner);
            if slot.stop {
                return false;
            }
            let lost = std::mem::take(&mut slot.lost);
            let unit = slot.waiting.pop_front();
            drop(slot);
            for rung in lost {
                self.core.units_lost(Instant::now(), rung);
            }
            let Some((rung, unit)) = unit else {
                self.flush();
                return true;
            };
            self.core.offer(Instant::now(), rung, &unit);
            let mut served = 0;
            while self.core.serve_next(Instant::now()) {
                self.flush();
                served += 1;
                if served % PEERS_PER_TURN == 0 {
                    self.receive();
                    self.core.handle_time(Instant::now());
                }
            }
        }
    }

    /// `false`: stop.
    fn take_commands(&mut self) -> bool {
        for _ in 0..COMMANDS {
            let now = Instant::now();
            match self.commands_rx.try_recv() {
                // An answer that nobody waits for any more is dropped.
                Ok(Command::Accept { peer, offer, reply_tx }) => {
                    let _ = reply_tx.try_send(self.core.accept(now, peer, &offer));
                }
                Ok(Command::Candidate { peer, text }) => {
                    if let Err(error) = self.core.add_candidate(now, peer, &text) {
                        tracing::debug!(%peer, %error, "candidate ignored");
                    }
                }
                Ok(Command::State { peer, text, full }) => {
                    // The peer may have left in between; its `Disconnected` says so.
                    let _ = self.core.send_state(now, peer, text.as_bytes(), full);
                }
                Ok(Command::LookAt { peer, view }) => {
                    (self.on_event)(RtcEvent::ViewWanted { peer, view }, &mut self.steerings);
                }
                Ok(Command::Close { peer, reason }) => self.core.close(now, peer, DisconnectReason::Closed(reason)),
                Ok(Command::Rebind { bind, advertise, reply_tx }) => {
                    let _ = reply_tx.try_send(self.rebind(bind, &advertise));
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        // More are waiting: come back at once, after the others had their turn.
        self.waiter.waker().wake();
        true
    }

    fn receive(&mut self) {
        let mut taken = 0;
        while taken < DATAGRAMS_PER_TURN {
            let core = &mut self.core;
            let mut hear = |source, datagram: &[u8]| core.handle_datagram(Instant::now(), source, datagram);
            match self.waiter.udp().receive(&mut hear) {
                Ok((count, more)) => {
                    taken += count;
                    if !more {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The system reports that an earlier datagram found nobody: a viewer went away. Others go on.
                Err(_) => taken += 1,
            }
        }
        self.flush();
    }

    fn receive_tcp(&mut self, buffer: &mut [u8]) {
        let now = Instant::now();
        for arrival in self.arrivals_rx.try_iter().take(ARRIVALS) {
            self.connections.adopt(now, &self.waiter, arrival);
        }
        for key in self.waiter.ready() {
            let core = &mut self.core;
            self.connections.on_ready(key, buffer, |source, heard| {
                let now = Instant::now();
                let (owner, datagram) = match heard {
                    Heard::Claim(datagram) => (core.claim(now, source, datagram)?, datagram),
                    Heard::Frame(owner, datagram) => (owner, datagram),
                };
                core.handle_frame(now, owner, source, datagram);
                Some(owner)
            });
            self.flush();
        }
        self.connections.expire(now);
    }

    fn rebind(&mut self, bind: SocketAddr, advertise: &[SocketAddr]) -> Result<SocketAddr, RtcError> {
        let old = self.waiter.udp().socket().local_addr().map_err(RtcError::Start)?;
        // Found out before anything is given up.
        usable(bind, advertise)?;
        let keeps_port = bind.port() == old.port() && bind.port() != 0;
        if bind == old {
            // Only the addresses change.
        } else if keeps_port {
            self.reopen_same_port(old, bind)?;
        } else {
            self.waiter.replace(|| Udp::bind(bind)).map_err(|source| RtcError::Bind { addr: bind, source })?;
        }
        let udp = locals_for(self.waiter.udp().socket(), advertise)?;
        if !keeps_port {
            self.core.close_all(Instant::now(), &DisconnectReason::Rebound);
        }
        let mut held = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let locals = Locals { udp, tcp: held.locals.tcp.clone() };
        self.core.set_locals(locals.clone());
        let place = place_of(self.waiter.udp().socket(), bind, &locals)?;
        let addr = place.addr;
        *held = place;
        Ok(addr)
    }

    /// Both cannot hold the port at once, so the old one lets go first and comes back if the new one fails.
    fn reopen_same_port(&mut self, old: SocketAddr, new: SocketAddr) -> Result<(), RtcError> {
        let idle = SocketAddr::new(old.ip(), 0);
        self.waiter.replace(|| Udp::bind(idle)).map_err(RtcError::Start)?;
        match self.waiter.replace(|| Udp::bind(new)) {
            Ok(()) => Ok(()),
            Err(source) => {
                self.waiter.replace(|| Udp::bind(old)).map_err(RtcError::Start)?;
                Err(RtcError::Bind { addr: new, source })
            }
        }
    }

    /// Sends and reports what the core has, and what follows from that.
    fn flush(&mut self) {
        loop {
            let udp = self.waiter.udp();
            for Datagram { transport, destination, contents, .. } in self.core.take_datagrams() {
                match transport {
                    Transport::Tcp => self.connections.send(destination, &contents),
                    Transport::Udp => udp.send(destination, &contents),
                }
            }
            udp.flush();
            for event in self.core.take_events() {
                if let RtcEvent::Disconnected { peer, .. } = event {
                    self.connections.end_peer(peer);
                }
                (self.on_event)(event, &mut self.steerings);
            }
            if self.steerings.is_empty() {
                return;
            }
            let now = Instant::now();
            for (peer, steering) in self.steerings.drain(..) {
                self.core.steer(now, peer, steering);
            }
        }
    }
}

fn wait_for<T>(reply_rx: &Receiver<T>) -> Result<T, RtcError> {
    reply_rx.recv_timeout(ANSWER_TIMEOUT).map_err(|e| match e {
        RecvTimeoutError::Timeout => RtcError::Busy,
        RecvTimeoutError::Disconnected => RtcError::Stopped,
    })
}

fn open(bind: SocketAddr, advertise: &[SocketAddr]) -> Result<(Udp, Vec<SocketAddr>), RtcError> {
    let udp = Udp::bind(bind).map_err(|source| RtcError::Bind { addr: bind, source })?;
    let locals = locals_for(udp.socket(), advertise)?;
    Ok((udp, locals))
}

fn locals_for(socket: &UdpSocket, advertise: &[SocketAddr]) -> Result<Vec<SocketAddr>, RtcError> {
    let bound = socket.local_addr().map_err(RtcError::Start)?;
    usable(bound, advertise)
}

fn place_of(socket: &UdpSocket, bind: SocketAddr, locals: &Locals) -> Result<Place, RtcError> {
    let addr = socket.local_addr().map_err(|source| RtcError::Bind { addr: bind, source })?;
    Ok(Place { addr, locals: locals.clone() })
}
