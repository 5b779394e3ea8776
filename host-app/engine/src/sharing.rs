//! The session on the network: signaling, the peers and the encoders that serve them.

use crate::engine::PictureSize;
use crate::reach::Reach;
use crate::render_thread::RenderControl;
use crate::rtc_events::RtcEvents;
use crate::sent_pictures::SentPictures;
use crate::session_thread::{Message, SessionSender};
use crate::status::{LinkStatus, ShareStatus};
use crate::stream_views::StreamViews;
use crate::wire;
use rr_encode::{Bitrate, CardId, Codec, Codecs};
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::Candidate;
use rr_rtc::{PeerId, Publisher, RtcConfig, RtcServer, RungId, SentPicture};
use rr_scene::{Role, ViewId};
use rr_session::ParticipantId;
use rr_signal::{
    ConnectionHold, IceServers, JoinRequest, Leave, MediaDoor, Outbox, Refusal, ShareLink, SignalConfig, SignalHandler,
    SignalServer, Tls, TokenKey,
};
use rr_stream::{
    ChosenEncoder, CodecChoice, EncoderCandidate, EncoderChoice, FrameFan, LadderConfig, MakeEncoder, OnUnit,
    SharedReport, StreamBounds, View, offered_formats,
};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Where and how to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareConfig {
    /// Address and port for page and signaling; port 0 takes a free one. The video takes the same port of UDP when it
    /// is free, another one otherwise.
    pub listen: SocketAddr,
    /// Encryption of page and signaling.
    pub tls: ShareTls,
    /// Addresses that viewers are told to connect to for the video, such as the public one of a router that forwards to
    /// this machine; port 0 stands for the port of the video. Empty: those of this machine.
    pub advertise: Vec<SocketAddr>,
    /// Whether browsers whom UDP does not reach may fetch the video from the page's TCP port.
    pub media_tcp: bool,
    /// Whether to be an ICE-lite agent; `None`: where only public addresses are told.
    pub ice_lite: Option<bool>,
    /// STUN and TURN servers that viewers are told.
    pub ice: IceServers,
    /// Folder that keeps the key that signs links and the certificate.
    pub config_dir: PathBuf,
    /// Which video encoder to use.
    pub encoder: EncoderChoice,
    /// Which codecs to use.
    pub codec: CodecChoice,
}

/// Encryption of page and signaling. The video is always encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShareTls {
    /// A certificate of our own, but plain HTTP on loopback addresses.
    Auto,
    /// A certificate of our own.
    SelfSigned,
    /// Plain HTTP.
    Off,
    /// The owner's certificate.
    Files {
        /// Chain, PEM.
        cert: PathBuf,
        /// Private key, PEM.
        key: PathBuf,
    },
}

/// Why the session is not shared.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The page and signaling cannot be served.
    #[error(transparent)]
    Signal(#[from] rr_signal::SignalError),
    /// The video cannot be sent.
    #[error(transparent)]
    Rtc(#[from] rr_rtc::RtcError),
    /// The key that signs links cannot be kept.
    #[error(transparent)]
    Key(#[from] rr_signal::KeyError),
    /// No encoder can be used.
    #[error(transparent)]
    Encoder(#[from] rr_stream::encode::EncodeError),
    /// Nothing is shared at the moment.
    #[error("the session is not shared: start sharing first")]
    NotShared,
}

/// What the session hears of a viewer.
#[derive(Debug)]
pub(crate) enum PeerEvent {
    /// State can be sent.
    Open,
    /// It sent something, which came at this moment.
    Message(bytes::Bytes, Instant),
    /// It sent something too long.
    Oversized(usize),
    /// It caught up after it was too slow: the full state has to be sent again.
    Behind,
    /// How well the picture gets there.
    Link(LinkStatus),
    /// A picture of a view goes out to it.
    Sent(ViewId, SentPicture),
    /// It is gone.
    Gone(String),
}

/// How long signaling waits for the session thread.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A running share. Dropping it ends it.
pub(crate) struct Sharing {
    status: ShareStatus,
    key: Arc<TokenKey>,
    handler: Arc<Handler>,
    signal: Option<SignalServer>,
    rtc: Arc<RtcServer>,
    outboxes: Arc<Outboxes>,
    render: RenderControl,
    encoder: SharedReport,
}

/// Sockets of the viewers' signaling, to say goodbye on.
pub(crate) type Outboxes = Mutex<HashMap<u32, Outbox>>;

impl Sharing {
    pub fn start(
        config: ShareConfig,
        fps: f32,
        picture: PictureSize,
        session: SessionSender,
        sent: Arc<SentPictures>,
        render: RenderControl,
        card: Option<CardId>,
    ) -> Result<Self, ShareError> {
        let key = Arc::new(TokenKey::load_or_create(&config.config_dir.join("share-links.key"))?);
        let rtc: Arc<OnceLock<Arc<RtcServer>>> = Arc::default();
        let outboxes: Arc<Outboxes> = Arc::default();

        // The page's port decides; the video takes the same number when it is free.
        let handler = Arc::new(Handler { session: session.clone(), rtc: rtc.clone(), outboxes: outboxes.clone() });
        let tls = match config.tls {
            ShareTls::Auto if config.listen.ip().is_loopback() => Tls::Off,
            ShareTls::Off => Tls::Off,
            ShareTls::Auto | ShareTls::SelfSigned => {
                Tls::SelfSigned { dir: config.config_dir.join("tls"), names: Vec::new() }
            }
            ShareTls::Files { cert, key } => Tls::Files { cert, key },
        };
        let media = config.media_tcp.then(|| Arc::new(Door(rtc.clone())) as Arc<dyn MediaDoor>);
        let signal_config =
            SignalConfig { tls, media, ice: config.ice, ..SignalConfig::new(config.listen, key.clone()) };
        let signal = SignalServer::start(signal_config, Arc::clone(&handler) as Arc<dyn SignalHandler>)?;
        let at = signal.local_addr();

        let mut ladder = ladder(fps, picture);
        let bounds = StreamBounds { size: ladder.size, frames_per_second: fps, bitrate: ladder.max };
        let formats = offered_formats(config.encoder, config.codec, bounds);
        ladder.codecs = formats.iter().fold(Codecs::H264, |all, format| all.with(format.codec()));
        let report = SharedReport::default();
        let (choice, made, reported) = (config.encoder, formats.clone(), report.clone());
        let make: MakeEncoder = Arc::new(move |codec, bitrate, fps| {
            let format = made.iter().copied().find(|format| format.codec() == codec).unwrap_or_default();
            let candidates = EncoderCandidate::of(choice, format, card);
            Ok(Box::new(ChosenEncoder::start(candidates, bitrate, fps, reported.clone())?))
        });
        // Encoders run only while somebody watches; that there is one is found out now.
        drop(make(Codec::H264, ladder.start, fps)?);
        // Not the server itself: it owns who owns the encoders.
        let publisher: Arc<OnceLock<Publisher>> = Arc::default();
        let units_to = publisher.clone();
        let on_unit: OnUnit = Arc::new(move |rung, encoded| {
            if let Some(publisher) = units_to.get() {
                publisher.publish(rung, &encoded.unit);
            }
        });
        let make_view = move |first_rung, id| {
            // A camera of one's own is seen by one.
            let rungs = if id == ViewId::SHARED { ladder.rungs } else { 1 };
            View::new(LadderConfig { first_rung, rungs, ..ladder }, FrameFan::default(), make.clone(), on_unit.clone())
        };
        let views = StreamViews::new(render.clone(), Box::new(make_view));
        let mut events = RtcEvents::new(session, views, report.clone(), outboxes.clone(), sent);
        let told = advertised(at.ip(), &config.advertise);
        let rtc_config = |port| RtcConfig {
            bind: SocketAddr::new(at.ip(), port),
            advertise_tcp: if config.media_tcp { with_port(&told, at.port()) } else { Vec::new() },
            advertise: told,
            ice_lite: config.ice_lite,
            max_bitrate: ladder.max,
            formats: formats.clone(),
            ..RtcConfig::default()
        };
        let port = free_udp_port(at);
        let server = RtcServer::start(rtc_config(port), move |event, steerings| events.handle(event, steerings))?;
        publisher.get_or_init(|| server.publisher());
        let server = rtc.get_or_init(|| Arc::new(server)).clone();

        let mut urls = vec![signal.url_base().to_owned()];
        if at.ip().is_unspecified() {
            let scheme = if urls[0].starts_with("https") { "https" } else { "http" };
            let all = rr_signal::link::local_addresses().into_iter().map(|a| SocketAddr::new(a.ip, at.port()));
            let more: Vec<String> =
                all.map(|a| rr_signal::link::url_base(scheme, a)).filter(|u| *u != urls[0]).collect();
            urls.extend(more);
        }
        let warning = Reach::of(at, &config.advertise).warning();
        let status = ShareStatus { urls, loopback_only: at.ip().is_loopback(), warning, encoder: report.get() };
        render.rehearse();
        Ok(Self { status, key, handler, signal: Some(signal), rtc: server, outboxes, render, encoder: report })
    }

    /// Lets viewers in that come by another door.
    pub fn handler(&self) -> Arc<dyn SignalHandler> {
        Arc::clone(&self.handler) as Arc<dyn SignalHandler>
    }

    pub fn status(&self) -> ShareStatus {
        ShareStatus { encoder: self.encoder.get(), ..self.status.clone() }
    }

    /// A link with a fresh token.
    pub fn issue_link(&self, role: Role, valid_for: Duration) -> Result<String, ShareError> {
        let issued = self.key.issue(wire::role_to_wire(role), valid_for, SystemTime::now())?;
        Ok(ShareLink::new(&self.status.urls[0], &issued.token).to_string())
    }

    /// Sends on the state channel. A message that finds the queue full is made good by the full state that follows.
    pub fn send_state(&self, id: ParticipantId, text: &str, full: bool) {
        let peer = PeerId(u64::from(id.0));
        let sent = if full { self.rtc.send_full_state(peer, text) } else { self.rtc.send_state(peer, text) };
        if let Err(error) = sent {
            tracing::debug!(peer = id.0, %error, "state not sent");
        }
    }

    /// Which view's pictures a viewer gets from now on.
    pub fn look_at(&self, id: ParticipantId, view: ViewId) {
        if let Err(error) = self.rtc.look_at(PeerId(u64::from(id.0)), view.0) {
            tracing::warn!(peer = id.0, %error, "goes on with the pictures that it has");
        }
    }

    /// Ends one viewer.
    pub fn close_peer(&self, id: ParticipantId, code: ErrorCode, reason: &str) {
        if let Some(outbox) = lock(&self.outboxes).remove(&id.0) {
            let _ = outbox.bye(code, reason);
        }
        let _ = self.rtc.close(PeerId(u64::from(id.0)), reason);
    }

    /// Tells everybody and ends.
    pub fn stop(mut self, reason: &str) {
        if let Some(signal) = self.signal.take() {
            signal.shutdown(reason);
        }
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        self.render.end_streams();
        // Doors that viewers come by may be held elsewhere for longer.
        self.rtc.end();
    }
}

/// What is streamed at best: the ranges of common practice for H.264 at these sizes.
fn ladder(fps: f32, picture: PictureSize) -> LadderConfig {
    let pixels_per_second = f64::from(picture.width_px) * f64::from(picture.height_px) * f64::from(fps);
    // 0.3 bit per pixel is 8 Mbit/s at 720p30 and 19 Mbit/s at 1080p30.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by the clamp")]
    let max = Bitrate::bps((pixels_per_second * 0.3).clamp(2e6, 40e6) as u64);
    // Each rung costs a thread that is busy in motion.
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    LadderConfig {
        size: (picture.width_px, picture.height_px),
        frames_per_second: fps,
        max,
        start: Bitrate::mbps(3).min(max),
        codecs: Codecs::H264,
        rungs: cores.clamp(2, 3),
        first_rung: RungId::default(),
    }
}

/// What viewers are told to connect to: what the owner says, else what this machine has. Port 0 is that of the video.
fn advertised(bound: IpAddr, wanted: &[SocketAddr]) -> Vec<SocketAddr> {
    if !wanted.is_empty() {
        return wanted.to_vec();
    }
    let mut all = vec![bound];
    if bound.is_unspecified() {
        all = rr_signal::link::local_addresses().into_iter().map(|a| a.ip).collect();
        all.push(IpAddr::from([127, 0, 0, 1]));
    }
    all.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect()
}

/// Addresses on the page's own listener: the port that is named, as a router forwards it for TCP and UDP alike, else its own.
fn with_port(told: &[SocketAddr], port: u16) -> Vec<SocketAddr> {
    told.iter().map(|a| SocketAddr::new(a.ip(), if a.port() == 0 { port } else { a.port() })).collect()
}

/// The page's port number when it is free for UDP, too; else any.
fn free_udp_port(at: SocketAddr) -> u16 {
    std::net::UdpSocket::bind(at).map_or(0, |_| at.port())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands connections that carry media over to the peers.
struct Door(Arc<OnceLock<Arc<RtcServer>>>);

impl MediaDoor for Door {
    fn take(&self, stream: TcpStream, held: ConnectionHold) {
        if let Some(rtc) = self.0.get() {
            rtc.take_tcp(stream, held);
        }
    }
}

/// The engine's side of signaling. Runs on threads for blocking work.
struct Handler {
    session: SessionSender,
    rtc: Arc<OnceLock<Arc<RtcServer>>>,
    outboxes: Arc<Outboxes>,
}

impl SignalHandler for Handler {
    fn join(&self, request: JoinRequest, outbox: Outbox) -> Result<rr_signal::PeerId, Refusal> {
        let (answer, answered) = sync_channel(1);
        let name = request.name.unwrap_or_default();
        let role = wire::role_from_wire(request.claims.role);
        let busy = || Refusal { code: ErrorCode::Internal, message: "The host is busy; try again.".into() };
        let return_key = request.return_key;
        if !self.session.try_send(Message::Join { name, role, return_key, answer }) {
            return Err(busy());
        }
        let id = answered.recv_timeout(ANSWER_WITHIN).map_err(|_| busy())?;
        lock(&self.outboxes).insert(id.0, outbox);
        Ok(rr_signal::PeerId(id.0))
    }

    fn offer(&self, peer: rr_signal::PeerId, sdp: String) -> Result<String, Refusal> {
        let refusal = |error: rr_rtc::RtcError| {
            let code = match error {
                rr_rtc::RtcError::TooManyPeers { .. } => ErrorCode::Full,
                rr_rtc::RtcError::Busy | rr_rtc::RtcError::Stopped => ErrorCode::Internal,
                _ => ErrorCode::Malformed,
            };
            Refusal { code, message: error.to_string() }
        };
        let rtc = self.rtc.get().ok_or_else(|| refusal(rr_rtc::RtcError::Busy))?;
        rtc.accept(PeerId(u64::from(peer.0)), &sdp).map_err(refusal)
    }

    fn candidate(&self, peer: rr_signal::PeerId, candidate: Candidate) {
        if let Some(rtc) = self.rtc.get() {
            let _ = rtc.add_candidate(PeerId(u64::from(peer.0)), &candidate.candidate);
        }
    }

    fn left(&self, peer: rr_signal::PeerId, how: Leave) {
        lock(&self.outboxes).remove(&peer.0);
        let why = match how {
            // Its ICE state decides.
            Leave::Silent => return,
            Leave::Early => "left before it was connected",
            Leave::Goodbye => "the page was closed",
        };
        self.session.send_blocking(Message::Peer(ParticipantId(peer.0), PeerEvent::Gone(why.into())));
        if let Some(rtc) = self.rtc.get() {
            let _ = rtc.close(PeerId(u64::from(peer.0)), why);
        }
    }
}
