//! Viewers over TCP (RFC 6544, RFC 4571) with real connections on loopback, and strangers at the same door.
#![allow(clippy::unwrap_used)]

mod common;

use common::{RUNG, Source, filler, viewer_config};
use openh264::decoder::Decoder;
use rr_encode::Bitrate;
use rr_rtc::{DisconnectReason, PeerId, RtcConfig, RtcEvent, RtcServer};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::{Candidate, Event, Input, Output, Rtc};

const LIMIT: Duration = Duration::from_secs(60);

/// A server and the listener in front of it, which hands every connection over.
struct Host {
    server: Arc<RtcServer>,
    events_rx: Receiver<RtcEvent>,
    door: SocketAddr,
    /// Connections that were taken over and are nobody's yet.
    held: Arc<AtomicUsize>,
    /// All that ever came.
    accepted: Arc<AtomicUsize>,
}

/// Counts itself.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Host {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let door = listener.local_addr().unwrap();
        let (events_tx, events_rx) = sync_channel(100_000);
        let config = RtcConfig { advertise_tcp: vec![door], ..RtcConfig::default() };
        let server = RtcServer::start(config, move |event, _| {
            let _ = events_tx.try_send(event);
        });
        let server = Arc::new(server.unwrap());
        let held = Arc::new(AtomicUsize::new(0));
        let accepted = Arc::new(AtomicUsize::new(0));
        let (takes, count, all) = (Arc::downgrade(&server), held.clone(), accepted.clone());
        std::thread::spawn(move || {
            while let (Ok((stream, _)), Some(server)) = (listener.accept(), takes.upgrade()) {
                count.fetch_add(1, Ordering::SeqCst);
                server.take_tcp(stream, Held(count.clone()));
                all.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { server, events_rx, door, held, accepted }
    }

    fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }
}

/// A viewer with a connection and no UDP.
struct Viewer {
    rtc: Rtc,
    stream: TcpStream,
    input: Vec<u8>,
    units: Vec<Vec<u8>>,
    messages: Vec<String>,
    state: Option<str0m::channel::ChannelId>,
    answer: String,
    closed: bool,
    /// A frame that does not end where the next begins shows as nonsense.
    odd_frames: usize,
    /// What it sent first: a binding request.
    first: Vec<u8>,
}

impl Viewer {
    fn join(host: &Host, id: PeerId) -> Self {
        let stream = TcpStream::connect(host.door).unwrap();
        stream.set_nodelay(true).unwrap();
        let local = stream.local_addr().unwrap();
        let mut rtc = viewer_config().build(Instant::now());
        rtc.add_local_candidate(Candidate::builder().tcp().host(local).tcptype(TcpType::Active).build().unwrap());
        let mut change = rtc.sdp_api();
        change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        change.add_channel("state".to_owned());
        let (offer, pending) = change.apply().unwrap();
        let answer = host.server.accept(id, &offer.to_sdp_string()).unwrap();
        rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&answer).unwrap()).unwrap();
        Self {
            rtc,
            stream,
            input: Vec::new(),
            units: Vec::new(),
            messages: Vec::new(),
            state: None,
            answer,
            closed: false,
            odd_frames: 0,
            first: Vec::new(),
        }
    }

    /// Sends what is due and waits a few milliseconds for what comes.
    fn step(&mut self) {
        self.poll();
        self.stream.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        let mut buffer = [0; 16_384];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.closed = true,
            Ok(length) => self.input.extend_from_slice(&buffer[..length]),
            Err(error) => self.closed |= !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
        let (local, remote) = (self.stream.local_addr().unwrap(), self.stream.peer_addr());
        while let Some(length) = self.input.first_chunk().map(|b| usize::from(u16::from_be_bytes(*b))) {
            if self.input.len() < 2 + length {
                break;
            }
            let frame: Vec<u8> = self.input.drain(..2 + length).skip(2).collect();
            let Ok(remote) = remote.as_ref() else { break };
            match Receive::new(Protocol::Tcp, *remote, local, &frame) {
                Ok(receive) => {
                    let _ = self.rtc.handle_input(Input::Receive(Instant::now(), receive));
                }
                Err(_) => self.odd_frames += 1,
            }
            self.poll();
        }
        let _ = self.rtc.handle_input(Input::Timeout(Instant::now()));
        self.poll();
    }

    fn poll(&mut self) {
        while let Ok(output) = self.rtc.poll_output() {
            match output {
                Output::Timeout(_) => break,
                Output::Transmit(transmit) => {
                    assert_eq!(transmit.proto, Protocol::Tcp);
                    let frame = framed(&transmit.contents);
                    let _ = self.stream.write_all(&frame);
                    if self.first.is_empty() {
                        self.first = frame;
                    }
                }
                Output::Event(Event::MediaData(media)) => self.units.push(media.data.to_vec()),
                Output::Event(Event::ChannelOpen(id, _)) => self.state = Some(id),
                Output::Event(Event::ChannelData(data)) => self.messages.push(String::from_utf8(data.data).unwrap()),
                Output::Event(_) => {}
            }
        }
    }
}

fn framed(datagram: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(datagram.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(datagram);
    bytes
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "{what}: it never happened");
    }
}

/// Publishes real pictures while `done` says no.
fn play(host: &Host, source: &mut Source, what: &str, mut done: impl FnMut() -> bool) {
    let mut next = Instant::now();
    let mut asked = false;
    until(what, || {
        asked |= host.events_rx.try_iter().any(|e| e == RtcEvent::KeyframeNeeded { rung: RUNG });
        if next <= Instant::now() {
            next += Duration::from_millis(33);
            host.server.publish(RUNG, &source.next(Instant::now(), std::mem::take(&mut asked)));
        }
        done()
    });
}

#[test]
fn a_viewer_without_udp_sees_and_speaks_and_the_end_is_clean() {
    let host = Host::start();
    let peer = PeerId(1);
    let mut viewer = Viewer::join(&host, peer);
    let tcp = viewer.answer.lines().find(|line| line.contains(" tcp ")).unwrap();
    assert!(tcp.contains(&format!("127.0.0.1 {} typ host tcptype passive", host.door.port())), "{tcp}");
    assert!(viewer.answer.contains(" udp ") && !viewer.answer.contains("a=ice-lite"));
    let mut source = Source::new(Bitrate::mbps(1));
    play(&host, &mut source, "pictures", || {
        viewer.step();
        viewer.units.len() >= 20 && viewer.state.is_some()
    });
    let mut decoder = Decoder::new().unwrap();
    assert!(viewer.units.iter().all(|unit| decoder.decode(unit).unwrap().is_some()));
    host.server.send_full_state(peer, "full").unwrap();
    until("state", || {
        viewer.step();
        !viewer.messages.is_empty()
    });
    assert_eq!((host.held(), viewer.odd_frames), (0, 0));
    host.server.close(peer, "test").unwrap();
    until("the end", || {
        viewer.step();
        viewer.closed
    });
}

#[test]
fn a_stalled_viewer_changes_nothing_for_the_others() {
    let host = Host::start();
    let (mut stalled, mut other) = (Viewer::join(&host, PeerId(1)), Viewer::join(&host, PeerId(2)));
    let mut source = Source::new(Bitrate::mbps(1));
    play(&host, &mut source, "pictures for both", || {
        stalled.step();
        other.step();
        stalled.units.len() >= 3 && other.units.len() >= 3
    });
    // 8 Mbit/s for four seconds, which one of them does not read: 4 MB, where 0.4 MB fit into all buffers on the way.
    let (server, sent) = (host.server.clone(), Arc::new(AtomicUsize::new(0)));
    let count = sent.clone();
    let publisher = std::thread::spawn(move || {
        for i in 0..120 {
            server.publish(RUNG, &filler(Instant::now(), 1_000 + i, 33_000, i == 0));
            count.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(33));
        }
    });
    let before = other.units.len();
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    let mut seen = before;
    while sent.load(Ordering::SeqCst) < 120 {
        other.step();
        if other.units.len() > seen {
            seen = other.units.len();
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
    }
    publisher.join().unwrap();
    let got = other.units.len() - before;
    assert!(got >= 100, "{got} of 120 pictures, longest pause {longest:?}");
    assert!(other.odd_frames == 0 && !other.closed && !stalled.closed);
    // Whole frames only: what comes once the stalled one reads again is a stream of datagrams, and pictures go on.
    let mut source = Source::new(Bitrate::mbps(1));
    let before = stalled.units.len();
    play(&host, &mut source, "pictures after the stall", || {
        stalled.step();
        other.step();
        stalled.units.len() >= before + 20
    });
    assert_eq!(stalled.odd_frames, 0, "half a frame was sent");
}

#[test]
fn strangers_are_put_out_and_viewers_come_in() {
    let host = Host::start();
    let silent = TcpStream::connect(host.door).unwrap();
    let since = Instant::now();
    let stun = {
        // A binding request to nobody: right in form, with a name and no password of ours.
        let mut message = vec![0, 1, 0, 20, 0x21, 0x12, 0xa4, 0x42];
        message.extend([7; 12]);
        message.extend([0, 6, 0, 5, b'a', b'b', b':', b'c', b'd', 0, 0, 0]);
        message.extend([0, 0x24, 0, 4, 0, 0, 0, 1]);
        message
    };
    let endings = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let strangers: [(&str, Vec<u8>); 6] = [
            ("a stranger's request", framed(&stun)),
            ("garbage", framed(&[0xee; 100])),
            ("a DTLS record first", framed(&[22; 100])),
            ("a length that cannot be", vec![0xff; 4]),
            ("empty frames, then garbage", [vec![0; 200], framed(&[1, 2, 3])].concat()),
            ("noise", (0..5_000u32).map(|i| (i * 31 % 251) as u8).collect()),
        ];
        for (what, bytes) in strangers {
            let (door, endings) = (host.door, &endings);
            scope.spawn(move || {
                let mut stream = TcpStream::connect(door).unwrap();
                let _ = stream.write_all(&bytes);
                stream.set_read_timeout(Some(LIMIT)).unwrap();
                let begin = Instant::now();
                // Closed or reset; never a byte of an answer.
                let outcome = stream.read(&mut [0; 100]);
                let ended = matches!(&outcome, Ok(0))
                    || outcome.as_ref().is_err_and(|e| e.kind() == ErrorKind::ConnectionReset);
                endings.lock().unwrap().push((what, ended, begin.elapsed()));
            });
        }
        // Half a frame, and gone.
        TcpStream::connect(host.door).unwrap().write_all(&framed(&stun)[..11]).unwrap();
        let mut viewer = Viewer::join(&host, PeerId(1));
        let mut source = Source::new(Bitrate::mbps(1));
        play(&host, &mut source, "pictures", || {
            viewer.step();
            viewer.units.len() >= 10
        });
    });
    for (what, ended, after) in endings.into_inner().unwrap() {
        assert!(ended && after < Duration::from_secs(3), "{what}: {after:?}");
    }
    // Who says nothing is put out, too, a little later.
    silent.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!((&silent).read(&mut [0]).unwrap(), 0);
    assert!(since.elapsed() > Duration::from_secs(4), "{:?}", since.elapsed());
    host.server.close(PeerId(1), "test").unwrap();
    until("all ended", || host.held() == 0);
    let events: Vec<RtcEvent> = host.events_rx.try_iter().collect();
    assert!(!events.iter().any(|e| matches!(e, RtcEvent::Disconnected { reason: DisconnectReason::Failed(_), .. })));
}

#[test]
fn connections_that_say_nothing_are_bounded_and_the_oldest_goes_first() {
    let host = Host::start();
    let mut idle = Vec::new();
    for i in 0..200 {
        idle.push(TcpStream::connect(host.door).unwrap());
        if i % 10 == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    // 32 that wait for their first datagram; those on their way to the thread at most as many.
    until("all to be seen", || host.accepted.load(Ordering::SeqCst) == 200);
    until("the others to be ended", || host.held() <= 32);
    let mut viewer = Viewer::join(&host, PeerId(1));
    let mut source = Source::new(Bitrate::mbps(1));
    play(&host, &mut source, "pictures", || {
        viewer.step();
        viewer.units.len() >= 5
    });
    idle[0].set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(idle[0].read(&mut [0]).unwrap(), 0);
    // A share that ends takes all connections along.
    let Host { server, held, .. } = host;
    drop(server);
    until("all ended", || held.load(Ordering::SeqCst) == 0);
}

#[test]
fn a_connection_that_breaks_is_replaced_by_another() {
    let host = Host::start();
    let mut viewer = Viewer::join(&host, PeerId(1));
    let mut source = Source::new(Bitrate::mbps(1));
    play(&host, &mut source, "pictures", || {
        viewer.step();
        viewer.units.len() >= 5
    });
    viewer.stream.shutdown(std::net::Shutdown::Both).unwrap();
    // As browsers do: a new connection from another port, found by its checks.
    viewer.stream = TcpStream::connect(host.door).unwrap();
    viewer.input.clear();
    let local = viewer.stream.local_addr().unwrap();
    let candidate = Candidate::builder().tcp().host(local).tcptype(TcpType::Active).build().unwrap();
    viewer.rtc.add_local_candidate(candidate);
    let before = viewer.units.len();
    play(&host, &mut source, "pictures over the second", || {
        viewer.step();
        viewer.units.len() >= before + 10
    });
}

#[test]
fn a_viewer_has_a_bounded_number_of_connections() {
    let host = Host::start();
    let (mut viewer, mut other) = (Viewer::join(&host, PeerId(1)), Viewer::join(&host, PeerId(2)));
    let mut source = Source::new(Bitrate::mbps(1));
    play(&host, &mut source, "pictures", || {
        viewer.step();
        other.step();
        viewer.units.len() >= 5 && other.units.len() >= 5
    });
    // The same request again is as good as a new one: 15 beside its first connection are kept and answered.
    let mut more: Vec<TcpStream> = (0..25).map(|_| TcpStream::connect(host.door).unwrap()).collect();
    for stream in &mut more {
        stream.write_all(&viewer.first).unwrap();
        viewer.step();
    }
    until("all to be judged", || {
        viewer.step();
        host.held() == 0
    });
    let open = more.iter_mut().filter_map(|stream| {
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let length = stream.read(&mut [0; 2_000]).ok()?;
        (length > 0).then_some(())
    });
    assert_eq!(open.count(), 15);
    let before = (viewer.units.len(), other.units.len());
    play(&host, &mut source, "more pictures", || {
        viewer.step();
        other.step();
        viewer.units.len() >= before.0 + 10 && other.units.len() >= before.1 + 10
    });
}
