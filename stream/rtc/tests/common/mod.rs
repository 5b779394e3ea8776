//! A viewer on str0m and a seeded network between it and the core, all in virtual time.
#![allow(dead_code)]

mod pictures;

use bytes::Bytes;
use pictures::Pictures;
use rr_encode::{
    AccessUnit, Bitrate, Codec, Encoder, FramePool, SoftwareConfig, SoftwareEncoder, VideoFormat, compliance,
};
use rr_nvenc::{Driver, NvencConfig, NvencEncoder};
use rr_nvenc_double::Double;
use rr_rtc::core::{Core, CoreConfig, Datagram};
use rr_rtc::{Locals, PeerId, RtcEvent, RungId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// The only encoder of most tests.
pub const RUNG: RungId = RungId(0);

/// Small, repeatable random numbers (xorshift64*).
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Loss and delay in both directions, and a rate towards the viewer with a drop-tail queue.
#[derive(Clone, Copy)]
pub struct Link {
    pub loss: f64,
    pub delay: Duration,
    /// Up to so much more delay, by chance; nothing overtakes.
    pub jitter: Duration,
    pub rate: Option<Bitrate>,
    /// What finds more than this before it is dropped.
    pub queue: Duration,
    pub cut: bool,
    /// The viewer's machine does nothing for up to so long, a few times a second: what arrives meanwhile is taken in at
    /// once, and confirmed late.
    pub busy: Duration,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            loss: 0.0,
            delay: Duration::from_millis(5),
            jitter: Duration::ZERO,
            rate: None,
            queue: Duration::from_millis(300),
            cut: false,
            busy: Duration::ZERO,
        }
    }
}

pub struct Viewer {
    pub id: PeerId,
    pub rtc: Rtc,
    pub addr: SocketAddr,
    pub link: Link,
    /// What it offered to receive, and what it does receive.
    video: Mid,
    pub mid: Option<Mid>,
    pub channels: Vec<(String, ChannelId)>,
    pub connected: bool,
    pub units: Vec<(Instant, u64, Vec<u8>)>,
    /// Of each unit, whether none is missing before it.
    pub contiguous: Vec<bool>,
    /// Of a viewer that is given packets: what it can show, and when.
    pub pictures: Pictures,
    pub shown: Vec<(Instant, pictures::Whole)>,
    /// When a packet was put on the link, and how long it waits for its turn there.
    pub waits: Vec<(Instant, Duration)>,
    /// When packets come out of the link, and their bytes.
    pub carried: Vec<(Instant, usize)>,
    /// Packets of media, as they were put on the link, repeats too.
    pub media: Vec<OnLink>,
    pub playout_delays: usize,
    pub messages: Vec<String>,
    deadline: Instant,
    free_at: Instant,
    /// When the last packet arrives, towards the viewer and from it.
    last_arrival: [Instant; 2],
    up: Vec<Vec<u8>>,
    /// Until when it does nothing, and when it will do nothing again.
    stalled: (Instant, Instant),
    pub answer: String,
}

/// A packet of media; what is in its header is not encrypted.
pub struct OnLink {
    pub sent: Instant,
    /// When it comes out; `None`: it is lost.
    pub arrives: Option<Instant>,
    pub source: u32,
    pub number: u16,
    pub marker: bool,
    pub bytes: usize,
}

impl OnLink {
    fn of(bytes: &[u8], sent: Instant, arrives: Option<Instant>) -> Option<Self> {
        // Neither STUN nor DTLS, and no RTCP.
        if bytes.len() < 12 || bytes[0] >> 6 != 2 || (192..224).contains(&bytes[1]) {
            return None;
        }
        let number = u16::from_be_bytes([bytes[2], bytes[3]]);
        let source = u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        Some(Self { sent, arrives, source, number, marker: bytes[1] & 0x80 != 0, bytes: bytes.len() })
    }
}

/// What is under way: (when, number, to the viewer with this index or to the core from it, bytes).
type Flight = Reverse<(Instant, u64, bool, usize, Vec<u8>)>;

pub struct World {
    pub now: Instant,
    pub core: Core,
    pub viewers: Vec<Viewer>,
    pub events: Vec<RtcEvent>,
    flights: BinaryHeap<Flight>,
    count: u64,
    /// How often the core did what was due.
    pub wakeups: u64,
    rng: Rng,
    pub host: SocketAddr,
}

impl World {
    pub fn new(seed: u64, config: CoreConfig) -> Self {
        Self::with(seed, config, vec!["192.0.2.1:4000".parse().unwrap()].into())
    }

    pub fn with(seed: u64, config: CoreConfig, locals: Locals) -> Self {
        let host = locals.udp[0];
        Self {
            now: Instant::now(),
            core: Core::new(config, locals),
            viewers: Vec::new(),
            events: Vec::new(),
            flights: BinaryHeap::new(),
            count: 0,
            wakeups: 0,
            rng: Rng(seed | 1),
            host,
        }
    }

    /// A viewer offers as a browser does and is answered. Its index.
    pub fn join(&mut self, link: Link) -> usize {
        self.join_with(link, viewer_config())
    }

    /// The same with codecs of its own.
    pub fn join_with(&mut self, link: Link, config: RtcConfig) -> usize {
        self.join_by(link, config, str::to_owned, str::to_owned)
    }

    /// One that offers parity packets (`flexfec-03`, type 49), as browsers do. Its str0m hears nothing of them.
    pub fn join_with_parity(&mut self, link: Link) -> usize {
        let answer = |sdp: &str| {
            let lines = sdp.lines().filter(|line| !line.contains(":49 ") && !line.starts_with("a=ssrc-group:FEC-FR"));
            lines
                .map(|line| {
                    format!("{}\r\n", if line.starts_with("m=video ") { line.replace(" 49", "") } else { line.into() })
                })
                .collect()
        };
        self.join_by(link, viewer_config(), |sdp| offering_parity(sdp, "49"), answer)
    }

    fn join_by(
        &mut self,
        link: Link,
        config: RtcConfig,
        offered: impl Fn(&str) -> String,
        answered: impl Fn(&str) -> String,
    ) -> usize {
        let index = self.viewers.len();
        let addr: SocketAddr = format!("198.51.100.{}:5000", index + 1).parse().unwrap();
        let mut rtc = config.build(self.now);
        rtc.add_local_candidate(Candidate::host(addr, "udp").unwrap());
        let mut change = rtc.sdp_api();
        let video = change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        change.add_channel("state".to_owned());
        change.add_channel_with_config(ChannelConfig {
            label: "input".to_owned(),
            ordered: false,
            reliability: Reliability::MaxRetransmits { retransmits: 0 },
            ..Default::default()
        });
        let (offer, pending) = change.apply().unwrap();
        let id = PeerId(index as u64 + 1);
        let answer = self.core.accept(self.now, id, &offered(&offer.to_sdp_string())).unwrap();
        rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&answered(&answer)).unwrap()).unwrap();
        self.viewers.push(Viewer {
            id,
            rtc,
            addr,
            link,
            video,
            mid: None,
            channels: Vec::new(),
            connected: false,
            units: Vec::new(),
            contiguous: Vec::new(),
            pictures: Pictures::default(),
            shown: Vec::new(),
            waits: Vec::new(),
            carried: Vec::new(),
            media: Vec::new(),
            playout_delays: 0,
            messages: Vec::new(),
            deadline: self.now,
            free_at: self.now,
            last_arrival: [self.now; 2],
            up: Vec::new(),
            stalled: (self.now, self.now),
            answer,
        });
        index
    }

    /// Runs until a moment.
    pub fn run_until(&mut self, end: Instant) {
        loop {
            self.exchange();
            let flight = self.flights.peek().map(|Reverse(flight)| flight.0);
            let viewers = self.viewers.iter().map(Viewer::due).min();
            let next = [flight, self.core.timeout(), viewers].into_iter().flatten().min();
            let Some(next) = next.filter(|&next| next <= end) else { break };
            self.now = self.now.max(next);
            while self.flights.peek().is_some_and(|Reverse(flight)| flight.0 <= self.now) {
                let Some(Reverse((_, number, to_viewer, index, bytes))) = self.flights.pop() else { break };
                if let Some(until) = self.stalls(index).filter(|_| to_viewer) {
                    self.flights.push(Reverse((until, number, to_viewer, index, bytes)));
                    continue;
                }
                self.deliver(to_viewer, index, &bytes);
            }
            if self.core.timeout().is_some_and(|at| at <= self.now) {
                self.wakeups += 1;
                self.core.handle_time(self.now);
            }
            for viewer in self.viewers.iter_mut().filter(|v| v.due() <= self.now) {
                viewer.rtc.handle_input(Input::Timeout(self.now)).unwrap();
                viewer.poll(self.now);
            }
        }
        self.now = self.now.max(end);
    }

    pub fn run(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Runs until all viewers are connected and have their channels.
    pub fn connect(&mut self) {
        for _ in 0..400 {
            self.run(Duration::from_millis(50));
            if self.viewers.iter().all(|v| v.connected && v.channels.len() == 2) {
                return;
            }
        }
        panic!("no connection came about");
    }

    /// Until when a busy viewer does nothing.
    fn stalls(&mut self, index: usize) -> Option<Instant> {
        let viewer = &mut self.viewers[index];
        let (until, next) = &mut viewer.stalled;
        if !viewer.link.busy.is_zero() && self.now >= *next {
            *until = self.now + viewer.link.busy.mul_f64(self.rng.fraction());
            *next = *until + Duration::from_millis(20).mul_f64(1.0 + self.rng.fraction() * 15.0);
        }
        Some(*until).filter(|until| *until > self.now)
    }

    fn deliver(&mut self, to_viewer: bool, index: usize, bytes: &[u8]) {
        let viewer = &mut self.viewers[index];
        if to_viewer {
            if let Ok(receive) = Receive::new(Protocol::Udp, self.host, viewer.addr, bytes) {
                viewer.rtc.handle_input(Input::Receive(self.now, receive)).unwrap();
                viewer.poll(self.now);
            }
        } else {
            self.core.handle_datagram(self.now, viewer.addr, bytes);
        }
    }

    /// Puts on the link what both sides want to send.
    fn exchange(&mut self) {
        self.events.extend(self.core.take_events());
        let down: Vec<Datagram> = self.core.take_datagrams().collect();
        for datagram in down {
            let Some(index) = self.viewers.iter().position(|v| v.addr == datagram.destination) else { continue };
            let viewer = &mut self.viewers[index];
            let mut at = self.now;
            if let Some(rate) = viewer.link.rate {
                at = at.max(viewer.free_at);
                if at - self.now > viewer.link.queue {
                    continue;
                }
                viewer.waits.push((self.now, at - self.now));
                at += Duration::from_secs_f64(datagram.contents.len() as f64 * 8.0 / rate.as_f64());
                viewer.free_at = at;
                viewer.carried.push((at, datagram.contents.len()));
            }
            self.fly(at, true, index, datagram.contents);
        }
        for index in 0..self.viewers.len() {
            self.viewers[index].poll(self.now);
            for bytes in std::mem::take(&mut self.viewers[index].up) {
                self.fly(self.now, false, index, bytes);
            }
        }
    }

    fn fly(&mut self, at: Instant, to_viewer: bool, index: usize, bytes: Vec<u8>) {
        let link = self.viewers[index].link;
        let sent = self.now;
        let lost = link.cut || self.rng.fraction() < link.loss;
        if lost && to_viewer {
            self.viewers[index].media.extend(OnLink::of(&bytes, sent, None));
        }
        if lost {
            return;
        }
        self.count += 1;
        let late = if link.jitter.is_zero() { Duration::ZERO } else { link.jitter.mul_f64(self.rng.fraction()) };
        let last = &mut self.viewers[index].last_arrival[usize::from(to_viewer)];
        let arrival = (at + link.delay + late).max(*last);
        *last = arrival;
        if to_viewer {
            self.viewers[index].media.extend(OnLink::of(&bytes, sent, Some(arrival)));
        }
        self.flights.push(Reverse((arrival, self.count, to_viewer, index, bytes)));
    }

    pub fn count_events(&self, matches: impl Fn(&RtcEvent) -> bool) -> usize {
        self.events.iter().filter(|event| matches(event)).count()
    }
}

impl Viewer {
    fn due(&self) -> Instant {
        self.deadline.max(self.stalled.0)
    }

    /// All that follows from the last change; str0m wants this after each.
    fn poll(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.deadline = at;
                    return;
                }
                Ok(Output::Transmit(transmit)) => self.up.push(transmit.contents.into()),
                Ok(Output::Event(event)) => self.on_event(now, event),
                Err(_) => {
                    self.deadline = now + Duration::from_secs(3600);
                    return;
                }
            }
        }
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::MediaAdded(media) => self.mid = Some(media.mid),
            Event::ChannelOpen(id, label) => self.channels.push((label, id)),
            Event::ChannelData(data) => self.messages.push(String::from_utf8(data.data).unwrap()),
            Event::MediaData(media) => {
                self.mid = Some(media.mid);
                self.playout_delays += usize::from(media.ext_vals.play_delay_max.is_some());
                self.contiguous.push(media.contiguous);
                self.units.push((now, media.time.numer(), media.data.to_vec()));
            }
            Event::RtpPacket(packet) => {
                let shown = &mut self.shown;
                let show = |whole| shown.push((now, whole));
                self.pictures.take(now, *packet.seq_no, packet.header.marker, &packet.payload, show);
            }
            _ => {}
        }
    }

    pub fn send(&mut self, label: &str, text: &str) -> bool {
        let id = self.channels.iter().find(|(name, _)| name == label).unwrap().1;
        self.rtc.channel(id).is_some_and(|mut channel| channel.write(false, text.as_bytes()).unwrap_or(false))
    }

    /// Asks for a keyframe. Before its first packet a viewer does not know yet of what.
    pub fn lost_picture(&mut self) {
        let mut api = self.rtc.direct_api();
        api.stream_rx_by_mid(self.video, None)
            .into_iter()
            .for_each(|stream| stream.request_keyframe(KeyframeRequestKind::Pli));
    }
}

pub fn viewer_config() -> RtcConfig {
    RtcConfig::new()
        .clear_codecs()
        .enable_h264(true)
        .enable_vp8(true)
        .set_extension(6, str0m::rtp::Extension::PlayoutDelay)
}

/// An offer with parity packets of that type, as browsers have it.
pub fn offering_parity(sdp: &str, pt: &str) -> String {
    let begin = sdp.find("m=video ").unwrap();
    let end = begin + sdp[begin..].find("\r\n").unwrap();
    let first = end + sdp[end..].find("a=rtpmap:").unwrap();
    let (line, before, after) = (&sdp[..end], &sdp[end..first], &sdp[first..]);
    let named =
        format!("a=rtpmap:{pt} flexfec-03/90000\r\na=rtcp-fb:{pt} transport-cc\r\na=fmtp:{pt} repair-window=10000000");
    format!("{line} {pt}{before}{named}\r\n{after}")
}

/// Real H.264, so that what arrives can be decoded.
pub struct Source {
    encoder: SoftwareEncoder,
    pool: FramePool,
    pictures: Vec<Vec<u8>>,
    pub number: u64,
}

pub const WIDTH: usize = 320;
pub const HEIGHT: usize = 180;

impl Source {
    pub fn new(bitrate: Bitrate) -> Self {
        let config = SoftwareConfig { bitrate, frames_per_second: 30.0 };
        let pictures = (0..8).map(|step| compliance::test_picture(WIDTH, HEIGHT, step)).collect();
        Self { encoder: SoftwareEncoder::new(config), pool: FramePool::new(), pictures, number: 0 }
    }

    pub fn next(&mut self, now: Instant, keyframe: bool) -> AccessUnit {
        let mut frame = self.pool.take().unwrap();
        let picture = &self.pictures[self.number as usize % self.pictures.len()];
        frame.fill_from_rgba(picture, WIDTH * 4, WIDTH as u32, HEIGHT as u32).unwrap();
        self.number += 1;
        frame.number = self.number;
        frame.captured_at = now;
        self.encoder.encode(&frame, keyframe).unwrap().unwrap()
    }
}

/// Real HEVC or AV1: NVENC with the test double in the place of its driver. Of the size of [`Source`].
pub struct CardSource {
    encoder: NvencEncoder,
    pool: FramePool,
    pub number: u64,
    // Last: the encoder is in it.
    _double: Double,
}

impl CardSource {
    pub fn of(codec: Codec) -> Self {
        let double = Double::load();
        let driver = Driver::load_from(double.cuda().as_os_str(), double.nvenc().as_os_str()).unwrap();
        let format = VideoFormat::of(codec);
        let config = NvencConfig { format, bitrate: Bitrate::mbps(1), ..NvencConfig::default() };
        let encoder = NvencEncoder::new(&driver, config).unwrap();
        Self { encoder, pool: FramePool::new(), number: 0, _double: double }
    }

    pub fn next(&mut self, now: Instant, keyframe: bool) -> AccessUnit {
        let mut frame = self.pool.take().unwrap();
        self.number += 1;
        let picture = compliance::test_picture(WIDTH, HEIGHT, self.number);
        frame.fill_from_rgba(&picture, WIDTH * 4, WIDTH as u32, HEIGHT as u32).unwrap();
        frame.number = self.number;
        frame.captured_at = now;
        self.encoder.encode(&frame, keyframe).unwrap().unwrap()
    }
}

/// An access unit of a given size, for tests of rates.
pub fn filler(now: Instant, number: u64, bytes: usize, keyframe: bool) -> AccessUnit {
    let mut data = vec![0, 0, 0, 1, if keyframe { 0x65 } else { 0x41 }];
    data.resize(bytes.max(8), 0xaa);
    AccessUnit {
        codec: Codec::H264,
        data: Bytes::from(data),
        keyframe,
        frame: number,
        revision: 0,
        captured_at: now,
        drawn_at: now,
        encoded_at: now,
        rtp_timestamp: rr_encode::rtp_timestamp(now),
    }
}
