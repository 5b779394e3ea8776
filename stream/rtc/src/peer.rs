//! One peer: its str0m instance and what is waiting for it.

use crate::address::{Locals, Transport, closest};
use crate::agreement::{Agreement, ParityStream, STATS_INTERVAL, agree, rate};
use crate::behind::UnitQueue;
use crate::decoding::Decoding;
use crate::event::{Channel, DisconnectReason, PathSample, PeerId, PeerStats, RtcEvent, RungId, SentPicture, Steering};
use crate::limit::{Bucket, MessageLimit, Verdict};
use crate::nudge::Nudge;
use crate::payload::Payloads;
use crate::sent::{ReceivedBytes, SentBytes};
use crate::video::Video;
use crate::{RtcError, core::CoreConfig, core::Datagram};
use bytes::Bytes;
use rr_encode::{Bitrate, Codec, VideoFormat};
use rr_protocol::{INPUT_CHANNEL, MAX_CLIENT_MESSAGE_LEN, STATE_CHANNEL};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use str0m::bwe::BweKind;
use str0m::channel::{ChannelData, ChannelId};
use str0m::media::{MediaTime, Mid, Pt, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite, SeqNo, StreamTxQueueInfo};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

/// It has caught up when no more than this waits.
const STATE_LOW: usize = 64 * 1024;
/// A keyframe is not sent again before it could have arrived.
const KEYFRAME_TRAVEL: Duration = Duration::from_millis(300);
/// What a viewer can ask for again, and most of what is sent that may be repeats.
const REPEATABLE_PACKETS: usize = 2_000;
const REPEATABLE_FOR: Duration = Duration::from_secs(2);
const REPEATS: f32 = 0.4;
/// A picture rests when nothing new came for so long.
const REST: Duration = Duration::from_millis(1_500);
/// A browser that saw no new picture for three seconds asks for a keyframe, for it cannot know that nothing moves
/// (Chromium, `kMaxWaitForFrame`). Whoever lost a picture asks sooner, and again at once (`kMaxWaitForKeyFrame`, 200 ms).
const IDLE_REQUEST: Duration = Duration::from_millis(2_500);
/// How often what is due is done then.
const REST_TICK: Duration = Duration::from_millis(200);
/// A picture lost so long ago may still be what a viewer asks a keyframe for, and asks again when that is lost too.
const LOSS_EXPLAINS: Duration = Duration::from_secs(3);
/// Losses are those of what was sent in this time (str0m).
const LOSS_WINDOW: Duration = Duration::from_secs(1);
/// How often a peer's figures are told.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// str0m's pacer gives out one packet for each moment and wants the next one to be later by this.
const PACKET_STEP: Duration = Duration::from_micros(1);
/// So many go together all the same, or each would need a wake-up of its own. The rest of a picture follows with the next
/// step of the timers, at 90 Mbit/s: routers on the way have small buffers.
const TOGETHER: u32 = 10;
/// str0m is asked to go on at most so often for one moment.
const MAX_TURNS: u32 = 1_000;

/// An access unit as all peers share it.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) codec: Codec,
    pub(crate) payloads: Payloads,
    pub(crate) keyframe: bool,
    /// RTP time without wrap.
    pub(crate) rtp_time: u64,
    /// All that is told of it when it is sent, but for what differs from peer to peer.
    pub(crate) picture: SentPicture,
}

/// Where a peer's doings go.
pub(crate) struct Sink<'a> {
    pub(crate) datagrams: &'a mut Vec<Datagram>,
    pub(crate) events: &'a mut Vec<RtcEvent>,
}

pub(crate) struct Peer {
    id: PeerId,
    rtc: Rtc,
    /// Local addresses that it was told.
    locals: Locals,
    /// What its binding requests call us.
    ufrag: String,
    queue: UnitQueue<Unit>,
    rung: RungId,
    /// Another rung whose keyframe it waits for; until then it gets those of its own.
    next_rung: Option<RungId>,
    /// What comes waits until its path is free.
    held: bool,
    /// RTP time of the last picture.
    last_rtp_time: Option<u64>,
    video: Option<Video>,
    /// Of the next packet of the video.
    sequence: u64,
    parity: Option<ParityStream>,
    /// What may be sent beside H.264.
    formats: Vec<VideoFormat>,
    /// The codec of the last picture, and whether the viewer shows it.
    codec: Codec,
    decoding: Decoding,
    state: Option<ChannelId>,
    input: Option<ChannelId>,
    state_behind: bool,
    /// When the oldest packet that still waits was queued, as of str0m's last timeout.
    oldest_unsent: Option<Instant>,
    connected: bool,
    /// When it counts as vanished, or as never connected.
    give_up: Option<Instant>,
    /// What str0m waits for.
    deadline: Instant,
    messages: MessageLimit,
    picture_losses: Bucket,
    keyframe_wanted: bool,
    keyframe_sent: Option<Instant>,
    nudge: Nudge,
    estimate: Option<Bitrate>,
    /// When the last picture was handed over.
    pictured: Option<Instant>,
    /// When a keyframe was asked for last.
    requested: Option<Instant>,
    at_rest: bool,
    /// When str0m did last what was due.
    served: Instant,
    sent: SentBytes,
    /// The last round trip, and the bytes sent up to the packet that made it.
    confirmed: Option<(Duration, u64)>,
    received: ReceivedBytes,
    /// The last look at the path that saw losses, or nothing at all: it looks back one second.
    lost: Option<Instant>,
    last_stats: Option<(Instant, u64)>,
    vanish_timeout: Duration,
    ended: Option<DisconnectReason>,
}

impl Peer {
    /// Answers an offer.
    pub(crate) fn accept(
        id: PeerId,
        offer: &str,
        locals: &Locals,
        ice_lite: bool,
        config: &CoreConfig,
        now: Instant,
    ) -> Result<(Self, String), RtcError> {
        let Agreement { rtc, answer, ufrag, parity } = agree(offer, locals, ice_lite, config, now)?;
        let mut peer = Self {
            id,
            rtc,
            locals: locals.clone(),
            ufrag,
            queue: UnitQueue::new(),
            rung: RungId::default(),
            next_rung: None,
            held: false,
            last_rtp_time: None,
            video: None,
            sequence: *SeqNo::default(),
            parity,
            formats: config.formats.clone(),
            codec: Codec::H264,
            decoding: Decoding::default(),
            state: None,
            input: None,
            state_behind: false,
            oldest_unsent: None,
            connected: false,
            give_up: Some(now + config.connect_timeout),
            deadline: now,
            messages: MessageLimit::new(now),
            picture_losses: Bucket::new(4.0, 1.0, now),
            keyframe_wanted: false,
            keyframe_sent: None,
            nudge: Nudge::new(config.max_bitrate),
            estimate: None,
            pictured: None,
            requested: None,
            at_rest: false,
            served: now,
            sent: SentBytes::default(),
            confirmed: None,
            received: ReceivedBytes::default(),
            lost: None,
            last_stats: None,
            vanish_timeout: config.vanish_timeout,
            ended: None,
        };
        let mut sink = Sink { datagrams: &mut Vec::new(), events: &mut Vec::new() };
        peer.rtc.bwe().set_bitrate(rate(Bitrate::bps(0)), rate(config.max_bitrate));
        // Starts its clock; the video section becomes known as an event once the transport is up.
        peer.guarded(now, &mut sink, |peer| peer.rtc.handle_input(Input::Timeout(now)));
        if let Some(reason) = peer.ended {
            return Err(RtcError::BadOffer(reason.to_string()));
        }
        if !answer.contains(" H264/90000") {
            return Err(RtcError::NoH264);
        }
        Ok((peer, answer))
    }

    pub(crate) fn add_candidate(&mut self, now: Instant, text: &str, sink: &mut Sink) -> Result<(), RtcError> {
        let candidate = Candidate::from_sdp_string(text).map_err(|e| RtcError::BadCandidate(e.to_string()))?;
        self.guarded(now, sink, |peer| {
            peer.rtc.add_remote_candidate(candidate);
            Ok(())
        });
        Ok(())
    }

    /// Whether a datagram is this peer's.
    pub(crate) fn accepts(&self, now: Instant, by: Transport, source: SocketAddr, contents: &[u8]) -> bool {
        self.receive(by, source, contents).is_some_and(|receive| self.rtc.accepts(&Input::Receive(now, receive)))
    }

    /// Whether a binding request names this peer.
    pub(crate) fn is_called(&self, ufrag: &str) -> bool {
        self.ufrag == ufrag
    }

    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        by: Transport,
        source: SocketAddr,
        contents: &[u8],
        sink: &mut Sink,
    ) {
        let Some(receive) = self.receive(by, source, contents) else { return };
        self.guarded(now, sink, |peer| peer.rtc.handle_input(Input::Receive(now, receive)));
    }

    /// Does what is due.
    pub(crate) fn handle_time(&mut self, now: Instant, sink: &mut Sink) {
        if now >= self.due() {
            self.served = now;
            self.guarded(now, sink, |peer| peer.rtc.handle_input(Input::Timeout(now)));
        }
        if self.nudge.on_time(now) {
            self.tell_desired();
            self.guarded(now, sink, |_| Ok(()));
        }
        if self.give_up.is_some_and(|at| now >= at) {
            let reason = if self.connected { DisconnectReason::Vanished } else { DisconnectReason::NeverConnected };
            self.end(reason);
        }
        self.pump(now, sink);
    }

    /// When to call [`Peer::handle_time`] at the latest.
    pub(crate) fn timeout(&self) -> Instant {
        [self.give_up, self.nudge.timeout()].into_iter().flatten().fold(self.due(), Instant::min)
    }

    /// When str0m is to go on.
    fn due(&self) -> Instant {
        if self.at_rest { self.deadline.max(self.served + REST_TICK) } else { self.deadline }
    }

    /// A unit of a rung is there. `true`: this peer gets it with [`Peer::pump`].
    pub(crate) fn push(&mut self, rung: RungId, unit: &Unit, sink: &mut Sink) -> bool {
        let decodes = self.video.as_ref().is_some_and(|video| video.payload_type(unit.codec).is_some());
        if self.next_rung == Some(rung) && unit.keyframe && decodes {
            self.next_rung = None;
            self.switch_to(rung, sink);
        }
        if !self.connected || rung != self.rung {
            return false;
        }
        if !decodes {
            // Its rung is about to change to a codec that all of it decode.
            self.queue.skip_to_keyframe();
            return false;
        }
        let mut unit = unit.clone();
        if let Some(last) = self.last_rtp_time.filter(|last| *last >= unit.rtp_time) {
            // Another encoder may be slower; time must not go back at a switch.
            unit.rtp_time = last + 1;
        }
        self.last_rtp_time = Some(unit.rtp_time);
        if unit.keyframe {
            self.keyframe_wanted = false;
        }
        let keyframe = unit.keyframe;
        self.queue.push(unit, keyframe);
        true
    }

    pub(crate) fn steer(&mut self, now: Instant, steering: Steering, sink: &mut Sink) {
        match steering {
            Steering::Assign(rung) if self.connected && self.last_rtp_time.is_some() => {
                self.next_rung = (rung != self.rung).then_some(rung);
            }
            Steering::Assign(rung) => {
                // Nothing was seen yet.
                self.next_rung = None;
                self.switch_to(rung, sink);
            }
            Steering::Hold(held) => {
                self.held = held;
                self.pump(now, sink);
            }
            Steering::Abandon => {
                self.forget_repeats();
                self.queue.skip_to_keyframe();
            }
            Steering::Reset { bitrate, probe } => {
                self.nudge.reset(now, bitrate, probe);
                self.guarded(now, sink, |peer| {
                    // First, because a new belief begins with a probe.
                    peer.tell_desired();
                    peer.rtc.bwe().reset(rate(bitrate));
                    Ok(())
                });
            }
        }
    }

    /// While the picture rests nothing needs to be known of the path. str0m would pad and probe all the same, each time
    /// it is asked to go on: so it is asked seldom, and told that nothing is looked for.
    fn rest(&mut self, now: Instant) {
        // A path in trouble is watched until it is well: somebody waits for that to go on.
        let rests = self.pictured.is_some_and(|at| now >= at + REST) && self.queue.is_empty() && !self.held;
        if rests && !self.at_rest && self.backlog(now).is_zero() {
            self.at_rest = true;
            self.nudge.sleep();
            self.rtc.bwe().set_bitrate(rate(Bitrate::bps(0)), rate(Bitrate::bps(0)));
        }
    }

    fn switch_to(&mut self, rung: RungId, sink: &mut Sink) {
        self.rung = rung;
        self.queue.skip_to_keyframe();
        sink.events.push(RtcEvent::Switched { peer: self.id, rung });
    }

    /// Which of the video's streams has the pictures.
    fn stream_name(&self) -> Option<Rid> {
        self.parity.is_some().then(ParityStream::media_name)
    }

    /// An empty memory for repeats. str0m's own share of them throws all away when a lossy path needs more for a moment,
    /// and each of those is a picture.
    fn forget_repeats(&mut self) {
        let name = self.stream_name();
        let Some(video) = &self.video else { return };
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(video.mid, name) {
            stream.set_rtx_cache(REPEATABLE_PACKETS, REPEATABLE_FOR, Some(REPEATS));
        }
    }

    /// Units of a rung were lost on the way here.
    pub(crate) fn skip_to_keyframe(&mut self, rung: RungId) {
        if rung == self.rung {
            self.queue.skip_to_keyframe();
        }
    }

    /// The rung a keyframe of which would be of use now.
    pub(crate) fn wants_keyframe(&self, now: Instant) -> Option<RungId> {
        let backlog = self.backlog(now);
        let wants = self.keyframe_wanted || (!self.held && self.queue.wants_keyframe(backlog));
        self.next_rung.or(wants.then_some(self.rung)).filter(|_| self.connected)
    }

    pub(crate) fn send_state(&mut self, now: Instant, text: &[u8], full: bool, sink: &mut Sink) {
        let Some(id) = self.state else { return };
        if self.state_behind && !full {
            return;
        }
        let mut taken = false;
        self.guarded(now, sink, |peer| {
            if let Some(mut channel) = peer.rtc.channel(id) {
                taken = channel.write(false, text)?;
            }
            Ok(())
        });
        if taken {
            self.state_behind = false;
        } else if !self.state_behind {
            self.state_behind = true;
            sink.events.push(RtcEvent::StateBehind { peer: self.id });
        }
    }

    /// Ends it.
    pub(crate) fn end(&mut self, reason: DisconnectReason) {
        self.ended.get_or_insert(reason);
    }

    /// Tells the viewer that it is over, as far as that is possible.
    pub(crate) fn say_goodbye(&mut self, now: Instant, sink: &mut Sink) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.rtc.close()?;
            self.drain(now, &mut Sink { datagrams: sink.datagrams, events: &mut Vec::new() })
        }));
        if !matches!(outcome, Ok(Ok(()))) {
            tracing::debug!(peer = %self.id, "left without a goodbye");
        }
    }

    /// Why it is over, if it is.
    pub(crate) fn ended(&self) -> Option<&DisconnectReason> {
        self.ended.as_ref()
    }

    fn receive<'a>(&self, by: Transport, source: SocketAddr, contents: &'a [u8]) -> Option<Receive<'a>> {
        let destination = closest(self.locals.of(by), source)?;
        let protocol = match by {
            Transport::Udp => Protocol::Udp,
            Transport::Tcp => Protocol::Tcp,
        };
        Receive::new(protocol, source, destination, contents).ok()
    }

    /// One change of the str0m instance and all that follows from it. What goes wrong, even a panic, ends this peer and
    /// no other.
    fn guarded(
        &mut self,
        now: Instant,
        sink: &mut Sink,
        change: impl FnOnce(&mut Self) -> Result<(), str0m::RtcError>,
    ) {
        if self.ended.is_some() {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            change(self)?;
            self.drain(now, sink)
        }));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.end(DisconnectReason::Failed(error.to_string())),
            Err(_) => self.end(DisconnectReason::Failed("internal error in the WebRTC stack".to_owned())),
        }
    }

    fn drain(&mut self, now: Instant, sink: &mut Sink) -> Result<(), str0m::RtcError> {
        let (mut turns, mut packets, mut time) = (0, 0, now);
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) if at <= time + PACKET_STEP && packets < TOGETHER && turns < MAX_TURNS => {
                    turns += 1;
                    time = time.max(at);
                    self.rtc.handle_input(Input::Timeout(time))?;
                }
                Output::Timeout(at) => {
                    // Never due already: the thread would spin.
                    self.deadline = at.max(now + Duration::from_micros(100));
                    break;
                }
                Output::Transmit(transmit) => {
                    packets += 1;
                    self.sent.add(now, transmit.contents.len());
                    if let Some(parity) = &mut self.parity {
                        parity.follow(&mut self.rtc, now, &transmit.contents);
                    }
                    let transport = if transmit.proto == Protocol::Tcp { Transport::Tcp } else { Transport::Udp };
                    sink.datagrams.push(Datagram {
                        transport,
                        source: transmit.source,
                        destination: transmit.destination,
                        contents: transmit.contents.into(),
                    });
                }
                Output::Event(event) => self.on_event(now, event, sink),
            }
        }
        let name = self.stream_name();
        if let Some(video) = &self.video {
            let mut api = self.rtc.direct_api();
            let queue = api.stream_tx_by_mid(video.mid, name).and_then(|tx| tx.queue_info());
            self.oldest_unsent = queue.and_then(StreamTxQueueInfo::first_unsent);
        }
        if !self.rtc.is_alive() {
            self.end(DisconnectReason::Left);
        }
        Ok(())
    }

    fn on_event(&mut self, now: Instant, event: Event, sink: &mut Sink) {
        match event {
            Event::MediaAdded(media) => {
                if let Some(writer) = self.rtc.writer(media.mid).filter(|_| self.video.is_none()) {
                    let video = Video::new(media.mid, writer.payload_params(), &self.formats);
                    let decodes = video.decodes();
                    self.video = Some(video);
                    if self.connected {
                        sink.events.push(RtcEvent::Connected { peer: self.id, decodes });
                    }
                }
                self.forget_repeats();
            }
            Event::Connected => {
                self.connected = true;
                self.give_up = None;
                // What it decodes is known with the video section, which follows at once.
                if let Some(video) = &self.video {
                    sink.events.push(RtcEvent::Connected { peer: self.id, decodes: video.decodes() });
                }
            }
            Event::IceConnectionStateChange(state) => match state {
                IceConnectionState::Disconnected if self.connected => self.give_up = Some(now + self.vanish_timeout),
                IceConnectionState::Connected | IceConnectionState::Completed if self.connected => self.give_up = None,
                _ => {}
            },
            Event::ChannelOpen(id, label) => self.on_channel(id, &label, sink),
            Event::ChannelData(data) => self.on_message(now, data, sink),
            Event::ChannelBufferedAmountLow(id) if Some(id) == self.state && self.state_behind => {
                sink.events.push(RtcEvent::StateReady { peer: self.id });
            }
            Event::KeyframeRequest(_) => {
                // A viewer that asks all the time would cost all others their quality.
                // One that asks again while its keyframe is under way will see it.
                let under_way = self.keyframe_sent.is_some_and(|at| now < at + KEYFRAME_TRAVEL);
                // Each answer would be a coarse picture, and sharpening it again, for ever.
                let since_long = |at: Option<Instant>| at.is_none_or(|at| now >= at + IDLE_REQUEST);
                let idle = self.at_rest && since_long(self.pictured) && since_long(self.requested.replace(now));
                let rtt = self.confirmed.map_or(Duration::ZERO, |(rtt, _)| rtt);
                let lost = self.lost.is_some_and(|at| now < at + LOSS_EXPLAINS);
                let lossy = lost || self.held || !self.backlog(now).is_zero();
                let in_vain = !idle && self.decoding.on_request(now, self.keyframe_sent, rtt, lossy);
                if in_vain && self.codec != Codec::H264 {
                    self.decoding = Decoding::default();
                    sink.events.push(RtcEvent::Undecodable { peer: self.id, codec: self.codec });
                }
                self.keyframe_wanted |= !under_way && !idle && self.picture_losses.take(1.0, now);
            }
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                let estimate = Bitrate::bps(estimate.as_u64());
                if self.at_rest {
                    return;
                }
                self.estimate = Some(estimate);
                if self.nudge.on_estimate(now, estimate) {
                    self.tell_desired();
                }
            }
            Event::PeerStats(stats) if self.connected => self.on_stats(now, &stats, sink),
            Event::Closed => self.end(DisconnectReason::Left),
            _ => {}
        }
    }

    fn on_stats(&mut self, now: Instant, stats: &str0m::stats::PeerStats, sink: &mut Sink) {
        let backlog = self.backlog(now);
        let raw = stats.bwe_tx.map(|rate| Bitrate::bps(rate.as_u64()));
        let loss = stats.egress_loss_fraction;
        if loss.is_none_or(|share| share > 0.0) {
            self.lost = Some(now);
        }
        // The same to the nanosecond: no confirmation came since.
        if let Some(rtt) = stats.rtt.filter(|rtt| self.confirmed.is_none_or(|(last, _)| last != *rtt)) {
            self.confirmed = now.checked_sub(rtt).and_then(|at| self.sent.by(at)).map(|bytes| (rtt, bytes));
            if let Some((_, confirmed)) = self.confirmed {
                let before = now.checked_sub(LOSS_WINDOW).and_then(|at| self.sent.by(at)).unwrap_or(0);
                self.received.on_report(before, confirmed, loss.unwrap_or(0.0));
            }
        }
        let confirmed = self.confirmed.map(|(_, bytes)| bytes);
        let received = confirmed.map(|confirmed| self.received.of(confirmed));
        let in_flight = self.sent.total().saturating_sub(confirmed.unwrap_or(0));
        let parity = self.parity.as_mut().map_or(0.0, |stream| {
            // What a full queue loses is no reason: it would be fuller.
            if !self.held && backlog.is_zero() {
                stream.parity.on_look(now, loss.unwrap_or(0.0));
            }
            stream.parity.adds()
        });
        let sample =
            PathSample { estimate: raw, rtt: stats.rtt, loss, confirmed, received, in_flight, backlog, parity };
        self.rest(now);
        if !self.at_rest {
            sink.events.push(RtcEvent::Path { peer: self.id, sample });
        }
        let (at, bytes) = *self.last_stats.get_or_insert((stats.timestamp, stats.peer_bytes_tx));
        let elapsed = stats.timestamp.saturating_duration_since(at);
        if elapsed + STATS_INTERVAL / 2 < REPORT_INTERVAL {
            return;
        }
        self.last_stats = Some((stats.timestamp, stats.peer_bytes_tx));
        let sent = stats.peer_bytes_tx.saturating_sub(bytes) as f64 * 8.0 / elapsed.as_secs_f64().max(0.001);
        let ice_rtt = stats.selected_candidate_pair.as_ref().and_then(|pair| pair.current_round_trip_time);
        let stats = PeerStats {
            rtt: stats.rtt.or(ice_rtt),
            loss,
            sent: Bitrate::bps(sent as u64),
            estimate: self.estimate,
            units: self.queue.taken,
            skipped: self.queue.skipped,
            backlog,
        };
        sink.events.push(RtcEvent::Stats { peer: self.id, stats });
    }

    fn on_channel(&mut self, id: ChannelId, label: &str, sink: &mut Sink) {
        match label {
            STATE_CHANNEL if self.state.is_none() => {
                self.state = Some(id);
                if let Some(mut channel) = self.rtc.channel(id) {
                    channel.set_buffered_amount_low_threshold(STATE_LOW);
                }
                sink.events.push(RtcEvent::StateChannelOpen { peer: self.id });
            }
            INPUT_CHANNEL if self.input.is_none() => self.input = Some(id),
            _ => {}
        }
    }

    fn on_message(&mut self, now: Instant, message: ChannelData, sink: &mut Sink) {
        let peer = self.id;
        match self.messages.judge(message.data.len(), now) {
            Verdict::Take => {}
            Verdict::Drop => return,
            Verdict::Flood => {
                if self.ended.is_none() {
                    sink.events.push(RtcEvent::Flood { peer });
                    self.end(DisconnectReason::Flood);
                }
                return;
            }
        }
        let channel = match Some(message.id) {
            id if id == self.input => Channel::Input,
            id if id == self.state => Channel::State,
            _ => return,
        };
        let len = message.data.len();
        sink.events.push(if len > MAX_CLIENT_MESSAGE_LEN {
            RtcEvent::Oversized { peer, len }
        } else {
            RtcEvent::Message { peer, channel, data: Bytes::from(message.data) }
        });
    }

    /// Hands waiting units to str0m as long as it keeps up.
    pub(crate) fn pump(&mut self, now: Instant, sink: &mut Sink) {
        if !self.connected || self.held || self.queue.is_empty() {
            return;
        }
        if self.backlog(now) > Duration::ZERO {
            // The sample is from str0m's last timeout, which may be long ago when the picture rested.
            self.guarded(now, sink, |peer| peer.rtc.handle_input(Input::Timeout(now)));
        }
        loop {
            let backlog = self.backlog(now);
            let Some(unit) = self.queue.pop(backlog) else { break };
            let Some((mid, pt)) = self.video.as_ref().and_then(|v| Some((v.mid, v.payload_type(unit.codec)?))) else {
                continue;
            };
            if self.codec != unit.codec {
                (self.codec, self.decoding) = (unit.codec, Decoding::default());
            }
            if unit.keyframe {
                self.keyframe_sent = Some(now);
            }
            self.pictured = Some(now);
            if std::mem::take(&mut self.at_rest) {
                self.nudge.wake(now);
                self.tell_desired();
            }
            self.guarded(now, sink, |peer| {
                peer.write(mid, pt, &unit);
                Ok(())
            });
            // Its low bits are what the packets carry.
            let rtp_timestamp = unit.rtp_time as u32;
            let picture = SentPicture { rtp_timestamp, sent_at: now, ..unit.picture };
            sink.events.push(RtcEvent::Sent { peer: self.id, picture });
        }
    }

    /// Puts a unit's packets into str0m's queue of this stream, which is where str0m puts its own packets, too: repeats,
    /// pacing and the estimate of the path are the same for both.
    fn write(&mut self, mid: Mid, pt: Pt, unit: &Unit) {
        let name = self.stream_name();
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, name) else { return };
        // Show each frame when it comes: no jitter buffer.
        let at_once = Some(MediaTime::ZERO);
        if let Some(stream) = &mut self.parity {
            stream.parity.queue(self.sequence as u16, &unit.payloads);
        }
        let values = ExtensionValues { play_delay_min: at_once, play_delay_max: at_once, ..Default::default() };
        for (index, payload) in unit.payloads.iter().enumerate() {
            let captured_at = unit.picture.captured_at;
            let packet = RtpWrite::new(pt, self.sequence.into(), unit.rtp_time as u32, captured_at, payload.clone());
            let last = index + 1 == unit.payloads.len();
            stream.write_rtp(packet.marker(last).nackable(true).ext_vals(values.clone()));
            self.sequence += 1;
        }
    }

    /// How long the oldest packet has been waiting for its turn to be sent.
    fn backlog(&self, now: Instant) -> Duration {
        self.oldest_unsent.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    fn tell_desired(&mut self) {
        self.rtc.bwe().set_bitrate(rate(Bitrate::bps(0)), rate(self.nudge.desired()));
    }
}
