//! A process full of receivers, each a str0m peer with a socket of its own.

use crate::figures::Latency;
use crate::source::{STAMP, micros};
use crate::{Manner, PLAIN};
use quinn_udp::{RecvMeta, UdpSocketState};
use std::collections::VecDeque;
use std::io::{IoSliceMut, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// What a slow link carries, bytes a second, and how long it keeps what waits.
const SLOW: f64 = 125_000.0;
const SLOW_QUEUE: Duration = Duration::from_millis(200);

/// What all receivers of the process share.
#[derive(Default)]
struct Shared {
    misbehave: AtomicBool,
    bytes: AtomicU64,
}

pub fn main() {
    let (flags, names): (Vec<String>, Vec<String>) = std::env::args().skip(2).partition(|name| name == PLAIN);
    let manners: Vec<Manner> = names.iter().map(|name| manner(name)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let shared = Arc::new(Shared::default());
    let mut waits = Vec::new();
    for manner in manners {
        let mine = Arc::new(Mutex::new(Vec::new()));
        waits.push(mine.clone());
        let receiver = runtime.block_on(Receiver::join(manner, flags.is_empty(), mine, shared.clone()));
        runtime.spawn(receiver.run());
    }
    let mut begun = Instant::now();
    for line in std::io::stdin().lines() {
        match line.unwrap().as_str() {
            "misbehave" => shared.misbehave.store(true, Ordering::Relaxed),
            "begin" => {
                waits.iter().for_each(|mine| mine.lock().unwrap().clear());
                shared.bytes.store(0, Ordering::Relaxed);
                begun = Instant::now();
            }
            "report" => {
                let seconds = begun.elapsed().as_secs_f64();
                let all: Vec<Vec<u32>> = waits.iter().map(|mine| std::mem::take(&mut *mine.lock().unwrap())).collect();
                println!("{}", Latency::of(&all, shared.bytes.load(Ordering::Relaxed), seconds).line());
            }
            other => panic!("what is {other:?}?"),
        }
    }
    runtime.shutdown_background();
}

fn manner(name: &str) -> Manner {
    let all = Manner::BAD.into_iter().map(|(_, manner)| manner).chain([Manner::Good]);
    all.into_iter().find(|manner| format!("{manner:?}") == name).unwrap()
}

struct Receiver {
    manner: Manner,
    rtc: Rtc,
    socket: UdpSocket,
    /// Takes what the system joined; none: one datagram at a time.
    joined: Option<UdpSocketState>,
    host: SocketAddr,
    local: SocketAddr,
    deadline: Instant,
    input: Option<ChannelId>,
    video: Option<Mid>,
    waits: Arc<Mutex<Vec<u32>>>,
    shared: Arc<Shared>,
    /// What a slow link still carries: when each datagram comes out of it.
    link: VecDeque<(Instant, Vec<u8>)>,
    free_at: Instant,
}

impl Receiver {
    async fn join(manner: Manner, joins: bool, waits: Arc<Mutex<Vec<u32>>>, shared: Arc<Shared>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let joined = joins.then(|| UdpSocketState::new((&socket).into()).unwrap());
        let local = socket.local_addr().unwrap();
        let now = Instant::now();
        let config = RtcConfig::new().clear_codecs().enable_h264(true);
        let mut rtc = config.set_extension(6, str0m::rtp::Extension::PlayoutDelay).build(now);
        rtc.add_local_candidate(Candidate::host(local, "udp").unwrap());
        let mut change = rtc.sdp_api();
        change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        change.add_channel("state".to_owned());
        let reliability = Reliability::MaxRetransmits { retransmits: 0 };
        let label = "input".to_owned();
        change.add_channel_with_config(ChannelConfig { label, ordered: false, reliability, ..Default::default() });
        let (offer, pending) = change.apply().unwrap();
        println!("{}", offer.to_sdp_string().replace("\r\n", "\u{1}"));
        std::io::stdout().flush().unwrap();
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).unwrap();
        let answer = SdpAnswer::from_sdp_string(&answer.trim_end().replace('\u{1}', "\r\n")).unwrap();
        rtc.sdp_api().accept_answer(pending, answer).unwrap();
        Self {
            manner,
            rtc,
            socket,
            joined,
            host: local,
            local,
            deadline: now,
            input: None,
            video: None,
            waits,
            shared,
            link: VecDeque::new(),
            free_at: now,
        }
    }

    async fn run(mut self) {
        let mut buffer = vec![0; 65_536];
        let mut flood = tokio::time::interval(Duration::from_millis(1));
        while self.rtc.is_alive() {
            let bad = if self.shared.misbehave.load(Ordering::Relaxed) { self.manner } else { Manner::Good };
            match bad {
                // With the socket open, so that the system goes on taking datagrams in for it.
                Manner::Stalled => std::future::pending::<()>().await,
                Manner::Vanished => return,
                Manner::Flooding => self.flood(),
                Manner::Good | Manner::Slow => {}
            }
            self.poll();
            let released = self.link.front().map(|(at, _)| *at);
            let until = released.map_or(self.deadline, |at| at.min(self.deadline));
            tokio::select! {
                _ = self.socket.readable() => {
                    // All that is there.
                    while let Some((len, each)) = self.receive(&mut buffer) {
                        buffer[..len].chunks(each.max(1)).for_each(|datagram| self.take(datagram, bad));
                    }
                }
                () = tokio::time::sleep_until(until.into()) => {}
                _ = flood.tick(), if bad == Manner::Flooding => {}
            }
            let now = Instant::now();
            while self.link.front().is_some_and(|(at, _)| *at <= now) {
                if let Some((_, datagram)) = self.link.pop_front() {
                    self.feed(&datagram);
                }
            }
            if now >= self.deadline {
                let _ = self.rtc.handle_input(Input::Timeout(now));
            }
        }
    }

    /// Bytes that came from the host at once, and those of one datagram.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, usize)> {
        let (len, each, source) = match &self.joined {
            None => self.socket.try_recv_from(buffer).map(|(len, source)| (len, len, source)),
            Some(state) => self.socket.try_io(Interest::READABLE, || {
                let mut meta = [RecvMeta::default()];
                state.recv((&self.socket).into(), &mut [IoSliceMut::new(buffer)], &mut meta)?;
                Ok((meta[0].len, meta[0].stride, meta[0].addr))
            }),
        }
        .ok()?;
        self.host = source;
        Some((len, each))
    }

    fn take(&mut self, datagram: &[u8], bad: Manner) {
        self.shared.bytes.fetch_add(datagram.len() as u64, Ordering::Relaxed);
        if bad != Manner::Slow {
            return self.feed(datagram);
        }
        let now = Instant::now();
        self.free_at = self.free_at.max(now);
        if self.free_at - now < SLOW_QUEUE {
            self.free_at += Duration::from_secs_f64(datagram.len() as f64 / SLOW);
            self.link.push_back((self.free_at, datagram.to_vec()));
        }
    }

    fn feed(&mut self, datagram: &[u8]) {
        if let Ok(receive) = Receive::new(Protocol::Udp, self.host, self.local, datagram) {
            let _ = self.rtc.handle_input(Input::Receive(Instant::now(), receive));
            self.poll();
        }
    }

    fn poll(&mut self) {
        while let Ok(output) = self.rtc.poll_output() {
            match output {
                Output::Timeout(at) => {
                    self.deadline = at;
                    return;
                }
                Output::Transmit(transmit) => _ = self.socket.try_send_to(&transmit.contents, transmit.destination),
                Output::Event(Event::MediaAdded(media)) => self.video = Some(media.mid),
                Output::Event(Event::ChannelOpen(id, label)) if label == "input" => self.input = Some(id),
                Output::Event(Event::MediaData(media)) => {
                    let stamp = media.data.get(STAMP).and_then(|hex| std::str::from_utf8(hex).ok());
                    if let Some(sent) = stamp.and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
                        self.waits.lock().unwrap().push(micros().saturating_sub(sent) as u32);
                    }
                    if !media.contiguous {
                        self.ask();
                    }
                }
                Output::Event(_) => {}
            }
        }
    }

    /// For a keyframe.
    fn ask(&mut self) {
        if let Some(mut writer) = self.video.and_then(|mid| self.rtc.writer(mid)) {
            let _ = writer.request_keyframe(None, KeyframeRequestKind::Pli);
        }
    }

    /// A thousand times a second: ten times what the host takes in messages, and something that is no packet of this peer.
    fn flood(&mut self) {
        let _ = self.socket.try_send_to(&[0x80, 0x60, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], self.host);
        for _ in 0..10 {
            if let Some(mut channel) = self.input.and_then(|id| self.rtc.channel(id)) {
                let _ = channel.write(false, br#"{"type":"pointer:move","timestamp":1,"data":{"x":0.5,"y":0.5}}"#);
            }
        }
        self.ask();
    }
}
