//! Viewers on another WebRTC stack (crate `webrtc`), over loopback: what two independent implementations agree on.
#![allow(clippy::unwrap_used, clippy::large_futures)]

mod common;

use ::rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use common::{RUNG, Source};
use openh264::decoder::Decoder;
use rr_encode::Bitrate;
use rr_rtc::{Channel, DisconnectReason, PeerId, RtcConfig, RtcEvent, RtcServer};
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState, RTCSessionDescription, Registry, register_default_interceptors,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

const LIMIT: Duration = Duration::from_secs(60);

/// What a viewer has seen so far.
#[derive(Default)]
struct Seen {
    gathered: bool,
    /// Packets that wait for one before them: it was lost and comes again.
    early: BTreeMap<u64, (u32, bool, Vec<u8>)>,
    next: Option<u64>,
    part: Vec<u8>,
    units: Vec<(u32, Vec<u8>)>,
    messages: Vec<String>,
    open: Vec<String>,
    ice_lite: bool,
}

impl Seen {
    /// Puts packets into order and joins them to units.
    fn take(&mut self, number: u16, time: u32, last: bool, payload: Vec<u8>) {
        let next = *self.next.get_or_insert(u64::from(number) + 0x1_0000);
        let number = next.wrapping_add_signed(i64::from(number.wrapping_sub(next as u16).cast_signed()));
        if number < next {
            return;
        }
        self.early.insert(number, (time, last, payload));
        while let Some((time, last, payload)) = self.next.and_then(|next| self.early.remove(&next)) {
            self.next = self.next.map(|next| next + 1);
            depacketize(&payload, &mut self.part);
            if last {
                let unit = std::mem::take(&mut self.part);
                self.units.push((time, unit));
            }
        }
    }
}

#[derive(Clone)]
struct Handler(Arc<Mutex<Seen>>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.0.lock().unwrap().gathered = true;
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let seen = self.0.clone();
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let header = &packet.header;
                    let (number, time, last) = (header.sequence_number, header.timestamp, header.marker);
                    seen.lock().unwrap().take(number, time, last, packet.payload.to_vec());
                }
            }
        });
    }
}

/// RFC 6184, packetization-mode 1: single NAL units, STAP-A (24), FU-A (28).
fn depacketize(payload: &[u8], out: &mut Vec<u8>) {
    const START: [u8; 4] = [0, 0, 0, 1];
    match payload.first().map(|b| b & 0x1f) {
        None => {}
        Some(24) => {
            let mut rest = &payload[1..];
            while rest.len() > 2 {
                let len = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                out.extend_from_slice(&START);
                out.extend_from_slice(&rest[2..2 + len]);
                rest = &rest[2 + len..];
            }
        }
        Some(28) => {
            if payload[1] & 0x80 != 0 {
                out.extend_from_slice(&START);
                out.push(payload[0] & 0xe0 | payload[1] & 0x1f);
            }
            out.extend_from_slice(&payload[2..]);
        }
        Some(_) => {
            out.extend_from_slice(&START);
            out.extend_from_slice(payload);
        }
    }
}

struct Viewer {
    connection: Box<dyn PeerConnection>,
    input: Arc<dyn DataChannel>,
    state: Arc<dyn DataChannel>,
    seen: Arc<Mutex<Seen>>,
}

impl Viewer {
    async fn join(server: &RtcServer, id: PeerId) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut media = MediaEngine::default();
        media.register_default_codecs().unwrap();
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let connection = PeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Handler(seen.clone())))
            .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
            .build()
            .await
            .unwrap();
        let receive = RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Recvonly, ..Default::default() };
        connection.add_transceiver_from_kind(RtpCodecKind::Video, Some(receive)).await.unwrap();
        let unreliable = RTCDataChannelInit { ordered: false, max_retransmits: Some(0), ..Default::default() };
        let input = connection.create_data_channel("input", Some(unreliable)).await.unwrap();
        let state = connection.create_data_channel("state", None).await.unwrap();
        for channel in [input.clone(), state.clone()] {
            let seen = seen.clone();
            tokio::spawn(async move {
                while let Some(event) = channel.poll().await {
                    match event {
                        DataChannelEvent::OnOpen => {
                            let label = channel.label().await.unwrap();
                            seen.lock().unwrap().open.push(label);
                        }
                        DataChannelEvent::OnMessage(message) => {
                            let text = String::from_utf8(message.data.to_vec()).unwrap();
                            seen.lock().unwrap().messages.push(text);
                        }
                        _ => {}
                    }
                }
            });
        }
        let offer = connection.create_offer(None).await.unwrap();
        connection.set_local_description(offer).await.unwrap();
        until("candidates", || seen.lock().unwrap().gathered).await;
        let offer = connection.local_description().await.unwrap().sdp;
        let answer = server.accept(id, &offer).unwrap();
        seen.lock().unwrap().ice_lite = answer.contains("\r\na=ice-lite\r\n");
        assert!(answer.contains("profile-level-id=42"), "{answer}");
        connection.set_remote_description(RTCSessionDescription::answer(answer).unwrap()).await.unwrap();
        Self { connection: Box::new(connection), input, state, seen }
    }

    fn units(&self) -> usize {
        self.seen.lock().unwrap().units.len()
    }

    /// All that came is a decodable stream from its first picture on.
    fn assert_decodes(&self) {
        let mut decoder = Decoder::new().unwrap();
        for (number, (_, unit)) in self.seen.lock().unwrap().units.iter().enumerate() {
            let picture = decoder.decode(unit).unwrap_or_else(|e| panic!("unit {number}: {e}"));
            assert!(picture.is_some(), "unit {number} gives no picture");
        }
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "{what}: it never happened");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A server that streams until it is dropped.
struct Host {
    server: Arc<RtcServer>,
    events: Arc<Mutex<Vec<RtcEvent>>>,
    task: tokio::task::JoinHandle<()>,
    sent: Arc<Mutex<Vec<u32>>>,
}

impl Host {
    fn start() -> Self {
        Self::with(RtcConfig::default())
    }

    fn with(config: RtcConfig) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = events.clone();
        let server = RtcServer::start(config, move |event, _| sink.lock().unwrap().push(event)).unwrap();
        let server = Arc::new(server);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (publisher, asked, times) = (server.clone(), events.clone(), sent.clone());
        let task = tokio::spawn(async move {
            let mut source = Source::new(Bitrate::mbps(1));
            let mut ticks = tokio::time::interval(Duration::from_millis(33));
            loop {
                ticks.tick().await;
                let keyframe = {
                    let mut asked = asked.lock().unwrap();
                    let before = asked.len();
                    asked.retain(|e| *e != RtcEvent::KeyframeNeeded { rung: RUNG });
                    asked.len() < before
                };
                let unit = source.next(Instant::now(), keyframe);
                times.lock().unwrap().push(unit.rtp_timestamp);
                publisher.publish(RUNG, &unit);
            }
        });
        Self { server, events, task, sent }
    }

    fn saw(&self, matches: impl Fn(&RtcEvent) -> bool) -> bool {
        self.events.lock().unwrap().iter().any(matches)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_of_another_make_decodes_and_talks() {
    let host = Host::start();
    let peer = PeerId(1);
    let viewer = Viewer::join(&host.server, peer).await;
    until("pictures", || viewer.units() >= 30).await;
    viewer.assert_decodes();
    // The name of a frame is the same on both sides.
    let sent = host.sent.lock().unwrap().clone();
    assert!(viewer.seen.lock().unwrap().units.iter().all(|(time, _)| sent.contains(time)));
    until("channels", || viewer.seen.lock().unwrap().open.len() == 2).await;
    until("state channel", || host.saw(|e| *e == RtcEvent::StateChannelOpen { peer })).await;
    host.server.send_full_state(peer, "{\"type\":\"state:full\"}").unwrap();
    viewer.input.send_text("orbit").await.unwrap();
    viewer.state.send_text("edit").await.unwrap();
    until("state", || viewer.seen.lock().unwrap().messages == ["{\"type\":\"state:full\"}"]).await;
    for (channel, text) in [(Channel::Input, "orbit"), (Channel::State, "edit")] {
        let wanted = RtcEvent::Message { peer, channel, data: text.into() };
        until(text, || host.saw(|e| *e == wanted)).await;
    }
    until("statistics", || host.saw(|e| matches!(e, RtcEvent::Stats { stats, .. } if stats.units > 0))).await;
    viewer.connection.close().await.unwrap();
    until("goodbye", || host.saw(|e| *e == RtcEvent::Disconnected { peer, reason: DisconnectReason::Left })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_and_a_vanished_one_do_not_disturb_the_first() {
    let host = Host::start();
    let first = Viewer::join(&host.server, PeerId(1)).await;
    until("pictures", || first.units() >= 10).await;
    let second = Viewer::join(&host.server, PeerId(2)).await;
    until("pictures of the second", || second.units() >= 20).await;
    second.assert_decodes();
    // The second is dropped while pictures are under way to it; its socket closes and the system reports errors.
    drop(second);
    let before = first.units();
    until("more pictures", || first.units() >= before + 30).await;
    first.assert_decodes();
    assert!(!host.saw(|e| matches!(e, RtcEvent::Disconnected { peer: PeerId(1), .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flooder_is_disconnected_alone() {
    let host = Host::start();
    let quiet = Viewer::join(&host.server, PeerId(1)).await;
    let loud = Viewer::join(&host.server, PeerId(2)).await;
    until("channels", || loud.seen.lock().unwrap().open.len() == 2).await;
    let flood = RtcEvent::Disconnected { peer: PeerId(2), reason: DisconnectReason::Flood };
    let start = Instant::now();
    while !host.saw(|e| *e == flood) {
        assert!(start.elapsed() < LIMIT, "a flood went on for a minute");
        for _ in 0..50 {
            let _ = loud.state.send_text("again and again").await;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let before = quiet.units();
    until("more pictures", || quiet.units() >= before + 20).await;
    quiet.assert_decodes();
    // Garbage on the port harms nobody either.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for i in 0..200u8 {
        socket.send_to(&[i; 64], host.server.local_addr()).unwrap();
    }
    let before = quiet.units();
    until("more pictures", || quiet.units() >= before + 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_of_another_make_finds_an_ice_lite_host() {
    let host = Host::with(RtcConfig { ice_lite: Some(true), ..RtcConfig::default() });
    let peer = PeerId(1);
    let viewer = Viewer::join(&host.server, peer).await;
    assert!(viewer.seen.lock().unwrap().ice_lite);
    until("pictures", || viewer.units() >= 30).await;
    viewer.assert_decodes();
    until("channels", || viewer.seen.lock().unwrap().open.len() == 2).await;
    // It lives as long as the viewer asks, and ends with it.
    let before = viewer.units();
    until("more pictures", || viewer.units() >= before + 60).await;
    viewer.connection.close().await.unwrap();
    until("goodbye", || host.saw(|e| *e == RtcEvent::Disconnected { peer, reason: DisconnectReason::Left })).await;
}
