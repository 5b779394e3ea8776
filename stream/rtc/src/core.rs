//! All peers of a host, sans-IO: no clock, no socket, no thread.
//!
//! Call a method, then send all of [`Core::take_datagrams`], pass [`Core::take_events`] on, and come back with
//! [`Core::handle_time`] at [`Core::timeout`] or with the next datagram.

use crate::address::{Locals, Transport};
use crate::event::{DisconnectReason, PeerId, RtcEvent, RungId, SentPicture, Steering};
use crate::payload::payloads;
use crate::peer::{Peer, Sink, Unit};
use crate::timers::Timers;
use crate::{RtcError, offer};
use rr_encode::{AccessUnit, Bitrate, VideoFormat};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use str0m::Candidate;
use str0m::ice::StunMessage;

/// Shortest time between two [`RtcEvent::KeyframeNeeded`].
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(100);
/// A keyframe that was asked for and did not come is asked for again.
const KEYFRAME_REPEAT: Duration = Duration::from_millis(500);

/// Limits and starting points.
#[derive(Debug, Clone)]
pub struct CoreConfig {
    /// Most peers at once.
    pub max_peers: usize,
    /// What the path to a new peer is taken to carry.
    pub initial_bitrate: Bitrate,
    /// Never look for more than this.
    pub max_bitrate: Bitrate,
    /// What may be sent beside H.264, to viewers that offer as much.
    pub formats: Vec<VideoFormat>,
    /// A peer that is not connected after this is given up.
    pub connect_timeout: Duration,
    /// A connected peer is given up this long after its path was found to be broken (which itself takes some seconds).
    pub vanish_timeout: Duration,
    /// Whether to be an ICE-lite agent (RFC 8445, 2.5): it checks no paths and answers the viewers' checks. `None`: where all
    /// addresses that peers are told are public ([`crate::is_public`]; loopback aside), because then no check of ours opens
    /// a way that theirs do not.
    pub ice_lite: Option<bool>,
}

impl Default for CoreConfig {
    fn default() -> Self {
        Self {
            max_peers: 64,
            initial_bitrate: Bitrate::mbps(3),
            max_bitrate: Bitrate::mbps(20),
            formats: Vec::new(),
            connect_timeout: Duration::from_secs(20),
            vanish_timeout: Duration::from_secs(5),
            ice_lite: None,
        }
    }
}

/// A datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// How.
    pub transport: Transport,
    /// One of the local addresses.
    pub source: SocketAddr,
    /// Where to.
    pub destination: SocketAddr,
    /// At most 1,500 bytes.
    pub contents: Vec<u8>,
}

/// What was asked of one rung's encoder.
#[derive(Debug, Clone, Copy, Default)]
struct KeyframeAsk {
    asked: Option<Instant>,
    /// It has not come yet.
    pending: bool,
    /// When to ask again.
    due: Option<Instant>,
}

/// All peers.
pub struct Core {
    config: CoreConfig,
    locals: Locals,
    peers: BTreeMap<PeerId, Peer>,
    timers: Timers,
    /// Used again for each look at the timers.
    due: Vec<PeerId>,
    /// Those who have a picture that was not handed on yet, in the order in which they get it.
    ready: VecDeque<PeerId>,
    /// Those who waited for a keyframe when something happened to them last.
    wanting: BTreeSet<PeerId>,
    /// Who sent from an address the last time; a hint that saves asking all.
    by_source: HashMap<SocketAddr, PeerId>,
    datagrams: Vec<Datagram>,
    events: Vec<RtcEvent>,
    keyframes: BTreeMap<RungId, KeyframeAsk>,
    last_rtp: Option<u64>,
}

impl Core {
    /// No peers yet. `locals` are the addresses that peers are told.
    pub fn new(config: CoreConfig, locals: impl Into<Locals>) -> Self {
        Self {
            config,
            locals: locals.into(),
            peers: BTreeMap::new(),
            timers: Timers::default(),
            due: Vec::new(),
            ready: VecDeque::new(),
            wanting: BTreeSet::new(),
            by_source: HashMap::new(),
            datagrams: Vec::new(),
            events: Vec::new(),
            keyframes: BTreeMap::new(),
            last_rtp: None,
        }
    }

    /// Number of peers, connected or about to be.
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// The addresses that peers are told, as `candidate:` lines.
    pub fn local_candidates(&self) -> Vec<String> {
        self.locals.candidates().unwrap_or_default().iter().map(Candidate::to_sdp_string).collect()
    }

    /// New addresses for peers to come; those that are here keep theirs.
    pub fn set_locals(&mut self, locals: impl Into<Locals>) {
        self.locals = locals.into();
    }

    /// Whether peers to come are told that this is an ICE-lite agent ([`CoreConfig::ice_lite`]).
    pub fn ice_lite(&self) -> bool {
        self.config.ice_lite.unwrap_or_else(|| self.locals.are_public())
    }

    /// A viewer offers; the answer, which names all local candidates.
    ///
    /// # Errors
    /// Too many peers, the id is taken, or the offer is malformed or not for us.
    pub fn accept(&mut self, now: Instant, id: PeerId, sdp: &str) -> Result<String, RtcError> {
        offer::check(sdp)?;
        if self.peers.contains_key(&id) {
            return Err(RtcError::PeerExists(id));
        }
        if self.peers.len() >= self.config.max_peers {
            return Err(RtcError::TooManyPeers { max: self.config.max_peers });
        }
        // The description comes from outside: whatever it does to the parser stays here.
        let (locals, lite) = (&self.locals, self.ice_lite());
        let outcome = catch_unwind(AssertUnwindSafe(|| Peer::accept(id, sdp, locals, lite, &self.config, now)));
        let (peer, answer) = outcome.map_err(|_| RtcError::BadOffer("contradicts itself".to_owned()))??;
        self.peers.insert(id, peer);
        self.settle(now, id);
        Ok(answer)
    }

    /// A viewer trickles a candidate. Names that only its own network can resolve (`.local`) and the empty candidate at
    /// the end are ignored: such a peer is found by its own packets.
    ///
    /// # Errors
    /// No such peer, or not a candidate.
    pub fn add_candidate(&mut self, now: Instant, id: PeerId, text: &str) -> Result<(), RtcError> {
        let text = text.trim().trim_start_matches("a=");
        let mut sink = Sink { datagrams: &mut self.datagrams, events: &mut self.events };
        let peer = self.peers.get_mut(&id).ok_or(RtcError::UnknownPeer(id))?;
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let tcp = fields.get(2).is_some_and(|proto| proto.eq_ignore_ascii_case("tcp"));
        let ends = text.is_empty() || text.starts_with("end-of-candidates");
        if ends || tcp || fields.get(4).is_some_and(|host| host.ends_with(".local")) {
            return Ok(());
        }
        if text.len() > 512 || !text.starts_with("candidate:") {
            return Err(RtcError::BadCandidate(text.chars().take(60).collect()));
        }
        peer.add_candidate(now, text, &mut sink)?;
        self.settled(now, id);
        Ok(())
    }

    /// Sends an access unit to every connected peer of its rung; its bytes are shared.
    pub fn publish(&mut self, now: Instant, rung: RungId, unit: &AccessUnit) {
        self.offer(now, rung, unit);
        while self.serve_next(now) {}
    }

    /// As [`Core::publish`], but nothing goes out yet: call [`Core::serve_next`] until it says `false`, and send what is to
    /// be sent in between. So the first peers need not wait for the last ones, and each one's packets bear the time at
    /// which they go.
    pub fn offer(&mut self, now: Instant, rung: RungId, unit: &AccessUnit) {
        let rtp_time = self.extend_rtp(unit.rtp_timestamp);
        let AccessUnit { codec, keyframe, frame, revision, rtp_timestamp, captured_at, drawn_at, encoded_at, .. } =
            *unit;
        let picture =
            SentPicture { rung, frame, revision, rtp_timestamp, captured_at, drawn_at, encoded_at, sent_at: now };
        let payloads = payloads(codec, &unit.data);
        let shared = Unit { codec, payloads, keyframe, rtp_time, picture };
        if unit.keyframe
            && let Some(ask) = self.keyframes.get_mut(&rung)
        {
            ask.pending = false;
        }
        let mut sink = Sink { datagrams: &mut self.datagrams, events: &mut self.events };
        for (id, peer) in &mut self.peers {
            if peer.push(rung, &shared, &mut sink) {
                self.ready.push_back(*id);
            }
        }
    }

    /// Hands the next peer what was offered. `false`: all have it.
    pub fn serve_next(&mut self, now: Instant) -> bool {
        let Some(id) = self.ready.pop_front() else { return false };
        let mut sink = Sink { datagrams: &mut self.datagrams, events: &mut self.events };
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.pump(now, &mut sink);
        }
        self.settle(now, id);
        if self.ready.is_empty() {
            self.ask_for_keyframes(now);
        }
        true
    }

    /// Access units of a rung were lost before they came here: all its peers wait for a keyframe.
    pub fn units_lost(&mut self, now: Instant, rung: RungId) {
        self.peers.values_mut().for_each(|peer| peer.skip_to_keyframe(rung));
        for id in self.peers.keys().copied().collect::<Vec<_>>() {
            self.settle(now, id);
        }
        self.ask_for_keyframes(now);
    }

    /// Sends text on the state channel. `full`: it stands on its own, and is taken even from a peer that was behind.
    ///
    /// # Errors
    /// No such peer. A message that cannot be taken is an event, not an error.
    pub fn send_state(&mut self, now: Instant, id: PeerId, text: &[u8], full: bool) -> Result<(), RtcError> {
        let mut sink = Sink { datagrams: &mut self.datagrams, events: &mut self.events };
        let peer = self.peers.get_mut(&id).ok_or(RtcError::UnknownPeer(id))?;
        peer.send_state(now, text, full, &mut sink);
        self.settled(now, id);
        Ok(())
    }

    /// What the adaptation decided for a peer. Nothing happens when there is no such peer.
    pub fn steer(&mut self, now: Instant, id: PeerId, steering: Steering) {
        let mut sink = Sink { datagrams: &mut self.datagrams, events: &mut self.events };
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.steer(now, steering, &mut sink);
        }
        self.settled(now, id);
    }

    /// Ends a peer. Nothing happens when there is none.
    pub fn close(&mut self, now: Instant, id: PeerId, reason: DisconnectReason) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.end(reason);
        }
        self.settled(now, id);
    }

    /// Ends all peers.
    pub fn close_all(&mut self, now: Instant, reason: &DisconnectReason) {
        for id in self.peers.keys().copied().collect::<Vec<_>>() {
            self.close(now, id, reason.clone());
        }
    }

    /// A datagram came. What belongs to no peer is ignored.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, contents: &[u8]) {
        let hint = self.by_source.get(&source).copied();
        let takes = |peer: &Peer| peer.accepts(now, Transport::Udp, source, contents);
        let known = hint.filter(|id| self.peers.get(id).is_some_and(takes));
        // Only what may be a binding request makes an address a peer's (RFC 7983, 7: STUN begins with 0 to 3). Whoever floods
        // the port with anything else must not cost a look at every peer for each datagram.
        let may_claim = contents.first().is_some_and(|first| *first <= 3);
        let claimed = || self.peers.iter().find(|(_, peer)| may_claim && takes(peer)).map(|(id, _)| *id);
        let found = known.or_else(claimed);
        let Some(id) = found else { return };
        if hint != Some(id) {
            self.by_source.insert(source, id);
        }
        let mut sink = Sink { datagrams: &mut self.datagrams, events: &mut self.events };
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.handle_datagram(now, Transport::Udp, source, contents, &mut sink);
        }
        self.settled(now, id);
    }

    /// Whose a connection is, by the first datagram on it. That has to be a binding request (RFC 8445, 7.3) signed with the
    /// password that this peer alone was told; `None` for everything else.
    pub fn claim(&self, now: Instant, source: SocketAddr, contents: &[u8]) -> Option<PeerId> {
        let request = StunMessage::parse(contents).ok().filter(StunMessage::is_binding_request)?;
        let (ours, _) = request.split_username()?;
        let mut peers = self.peers.iter();
        let owner = peers.find(|(_, p)| p.is_called(ours) && p.accepts(now, Transport::Tcp, source, contents));
        owner.map(|(id, _)| *id)
    }

    /// A datagram came on a connection of a peer ([`Core::claim`]). What makes no sense to the peer is ignored.
    pub fn handle_frame(&mut self, now: Instant, id: PeerId, source: SocketAddr, contents: &[u8]) {
        let mut sink = Sink { datagrams: &mut self.datagrams, events: &mut self.events };
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.accepts(now, Transport::Tcp, source, contents)
        {
            peer.handle_datagram(now, Transport::Tcp, source, contents, &mut sink);
        }
        self.settled(now, id);
    }

    /// Does what is due.
    pub fn handle_time(&mut self, now: Instant) {
        let mut due = std::mem::take(&mut self.due);
        due.extend(self.timers.due(now));
        for id in due.drain(..) {
            let mut sink = Sink { datagrams: &mut self.datagrams, events: &mut self.events };
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.handle_time(now, &mut sink);
            }
            self.settle(now, id);
        }
        self.due = due;
        self.ask_for_keyframes(now);
    }

    /// When to call [`Core::handle_time`] at the latest. `None`: there is nobody.
    pub fn timeout(&self) -> Option<Instant> {
        let peers = self.timers.next()?;
        Some(self.keyframes.values().filter_map(|ask| ask.due).fold(peers, Instant::min))
    }

    /// What is to be sent, in order.
    pub fn take_datagrams(&mut self) -> impl Iterator<Item = Datagram> + '_ {
        self.datagrams.drain(..)
    }

    /// What happened, in order.
    pub fn take_events(&mut self) -> impl Iterator<Item = RtcEvent> + '_ {
        self.events.drain(..)
    }

    /// After a change of one peer, the last of several.
    fn settled(&mut self, now: Instant, id: PeerId) {
        self.settle(now, id);
        self.ask_for_keyframes(now);
    }

    /// After a change of a peer: when it is due next, what it waits for, or that it is over.
    fn settle(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(reason) = peer.ended().cloned() else {
            self.timers.set(id, peer.timeout());
            if peer.wants_keyframe(now).is_some() {
                self.wanting.insert(id);
            } else {
                self.wanting.remove(&id);
            }
            return;
        };
        peer.say_goodbye(now, &mut Sink { datagrams: &mut self.datagrams, events: &mut self.events });
        self.peers.remove(&id);
        self.timers.remove(id);
        self.wanting.remove(&id);
        self.by_source.retain(|_, owner| *owner != id);
        self.events.push(RtcEvent::Disconnected { peer: id, reason });
    }

    /// Asks for the keyframes that peers wait for, not too often.
    fn ask_for_keyframes(&mut self, now: Instant) {
        if self.wanting.is_empty() && self.keyframes.values().all(|ask| ask.due.is_none()) {
            return;
        }
        // Who waited may be too far behind by now for a keyframe to be of use.
        let wanting = self.wanting.iter().filter_map(|id| self.peers.get(id));
        let wanted: BTreeSet<RungId> = wanting.filter_map(|peer| peer.wants_keyframe(now)).collect();
        for (rung, ask) in &mut self.keyframes {
            if !wanted.contains(rung) {
                (ask.pending, ask.due) = (false, None);
            }
        }
        for rung in wanted {
            let ask = self.keyframes.entry(rung).or_default();
            let wait = if ask.pending { KEYFRAME_REPEAT } else { KEYFRAME_INTERVAL };
            let due = ask.asked.map_or(now, |at| at + wait);
            if now >= due {
                *ask = KeyframeAsk { asked: Some(now), pending: true, due: Some(now + KEYFRAME_REPEAT) };
                self.events.push(RtcEvent::KeyframeNeeded { rung });
            } else {
                ask.due = Some(due);
            }
        }
    }

    /// RTP time without the wrap at 32 bits.
    fn extend_rtp(&mut self, rtp_timestamp: u32) -> u64 {
        let extended = match self.last_rtp {
            // The nearest number with these low bits.
            Some(last) => last.wrapping_add_signed(i64::from(rtp_timestamp.wrapping_sub(last as u32).cast_signed())),
            None => u64::from(rtp_timestamp) + (1 << 32),
        };
        self.last_rtp = Some(extended);
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_time_goes_on_after_the_wrap() {
        let mut core = Core::new(CoreConfig::default(), Vec::new());
        let first = core.extend_rtp(u32::MAX - 1);
        assert_eq!(core.extend_rtp(1), first + 3);
        assert_eq!(core.extend_rtp(u32::MAX), first + 1);
    }

    #[test]
    fn strangers_are_refused() {
        let mut core = Core::new(CoreConfig::default(), Vec::new());
        let (now, id) = (Instant::now(), PeerId(7));
        assert!(matches!(core.add_candidate(now, id, "candidate:1"), Err(RtcError::UnknownPeer(_))));
        assert!(matches!(core.send_state(now, id, b"{}", true), Err(RtcError::UnknownPeer(_))));
        core.close(now, id, DisconnectReason::Left);
        core.handle_datagram(now, "10.1.1.1:9".parse().unwrap(), &[0; 40]);
        assert_eq!(core.timeout(), None);
        assert_eq!(core.take_events().count() + core.take_datagrams().count(), 0);
    }
}
