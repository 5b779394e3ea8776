//! The thread with real sockets on loopback.
#![allow(clippy::unwrap_used)]

mod common;

use common::{RUNG, Source, viewer_config};
use openh264::decoder::Decoder;
use rr_encode::Bitrate;
use rr_rtc::{Channel, DisconnectReason, PeerId, RtcConfig, RtcError, RtcEvent, RtcServer};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

const LIMIT: Duration = Duration::from_secs(60);

fn start() -> (RtcServer, Receiver<RtcEvent>) {
    let (events_tx, events_rx) = sync_channel(10_000);
    let server = RtcServer::start(RtcConfig::default(), move |event, _| {
        let _ = events_tx.try_send(event);
    });
    (server.unwrap(), events_rx)
}

/// A viewer with a socket of its own, driven by whoever calls `step`.
struct Viewer {
    rtc: Rtc,
    socket: UdpSocket,
    units: Vec<Vec<u8>>,
    messages: Vec<String>,
    state: Option<str0m::channel::ChannelId>,
}

impl Viewer {
    fn join(server: &RtcServer, id: PeerId) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut rtc = viewer_config().build(Instant::now());
        rtc.add_local_candidate(Candidate::host(socket.local_addr().unwrap(), "udp").unwrap());
        let mut change = rtc.sdp_api();
        change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        change.add_channel("state".to_owned());
        let (offer, pending) = change.apply().unwrap();
        let answer = server.accept(id, &offer.to_sdp_string()).unwrap();
        rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&answer).unwrap()).unwrap();
        Self { rtc, socket, units: Vec::new(), messages: Vec::new(), state: None }
    }

    /// Sends what is due and waits a few milliseconds for a datagram.
    fn step(&mut self) {
        while let Ok(output) = self.rtc.poll_output() {
            match output {
                Output::Timeout(_) => break,
                Output::Transmit(transmit) => {
                    let _ = self.socket.send_to(&transmit.contents, transmit.destination);
                }
                Output::Event(Event::MediaData(media)) => self.units.push(media.data.to_vec()),
                Output::Event(Event::ChannelOpen(id, _)) => self.state = Some(id),
                Output::Event(Event::ChannelData(data)) => {
                    self.messages.push(String::from_utf8(data.data).unwrap());
                }
                Output::Event(_) => {}
            }
        }
        self.socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        let mut buffer = [0; 2_000];
        let local = self.socket.local_addr().unwrap();
        let input = match self.socket.recv_from(&mut buffer) {
            Ok((len, source)) => match Receive::new(Protocol::Udp, source, local, &buffer[..len]) {
                Ok(receive) => Input::Receive(Instant::now(), receive),
                Err(_) => return,
            },
            Err(_) => Input::Timeout(Instant::now()),
        };
        let _ = self.rtc.handle_input(input);
    }
}

fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "it never happened");
    }
}

#[test]
fn a_viewer_sees_and_speaks_and_the_end_is_clean() {
    let (server, events_rx) = start();
    let peer = PeerId(1);
    let mut viewer = Viewer::join(&server, peer);
    let mut events = Vec::new();
    let mut source = Source::new(Bitrate::mbps(1));
    let mut next = Instant::now();
    until(|| {
        viewer.step();
        events.extend(events_rx.try_iter());
        if next <= Instant::now() {
            next += Duration::from_millis(33);
            let asked = events.contains(&RtcEvent::KeyframeNeeded { rung: RUNG });
            events.retain(|e| *e != RtcEvent::KeyframeNeeded { rung: RUNG });
            server.publish(RUNG, &source.next(Instant::now(), asked));
        }
        viewer.units.len() >= 20 && viewer.state.is_some()
    });
    let mut decoder = Decoder::new().unwrap();
    assert!(viewer.units.iter().all(|unit| decoder.decode(unit).unwrap().is_some()));
    server.send_full_state(peer, "full").unwrap();
    until(|| {
        viewer.step();
        !viewer.messages.is_empty()
    });
    assert!(viewer.rtc.channel(viewer.state.unwrap()).unwrap().write(false, b"edit").unwrap());
    let wanted = RtcEvent::Message { peer, channel: Channel::State, data: "edit".into() };
    until(|| {
        viewer.step();
        events_rx.try_iter().any(|e| e == wanted)
    });
    let port = server.local_addr();
    drop(server);
    assert!(events_rx.iter().any(|e| matches!(e, RtcEvent::Disconnected { reason: DisconnectReason::Closed(_), .. })));
    UdpSocket::bind(port).expect("the port is still held");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap();
    let outcome = RtcServer::start(RtcConfig { bind, ..RtcConfig::default() }, |_, _| {});
    let text = outcome.err().unwrap().to_string();
    assert!(text.contains(&bind.to_string()), "{text}");
    let bind = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let outcome = RtcServer::start(RtcConfig { bind, ..RtcConfig::default() }, |_, _| {});
    assert!(matches!(outcome, Err(RtcError::NoAddress)));
}

#[test]
fn sharing_moves_to_all_addresses_on_the_same_port() {
    let (server, _events_rx) = start();
    let port = server.local_addr().port();
    let loopback = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let all = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    // Without an address to tell nothing changes.
    assert!(matches!(server.rebind(all, Vec::new()), Err(RtcError::NoAddress)));
    assert_eq!(server.local_addr(), SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    assert_eq!(server.rebind(all, loopback.clone()).unwrap(), all);
    assert_eq!(server.local_addr(), all);
    let candidates = server.local_candidates();
    assert!(candidates.len() == 1 && candidates[0].contains(&format!("127.0.0.1 {port}")), "{candidates:?}");
    // And back, and to a port that is taken.
    let back = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    server.rebind(back, Vec::new()).unwrap();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let outcome = server.rebind(taken.local_addr().unwrap(), Vec::new());
    assert!(matches!(outcome, Err(RtcError::Bind { .. })));
    assert_eq!(server.local_addr(), back);
}

#[test]
fn errors_come_back_to_the_caller() {
    let (server, _events_rx) = start();
    assert!(matches!(server.accept(PeerId(1), "nonsense"), Err(RtcError::BadOffer(_))));
    // Unknown peers are no error here: they may have left a moment ago.
    server.add_candidate(PeerId(9), "candidate:1").unwrap();
    server.send_state(PeerId(9), "{}").unwrap();
    server.close(PeerId(9), "test").unwrap();
}
