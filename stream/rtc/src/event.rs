//! What the peers make known to the host.

use bytes::Bytes;
use rr_encode::{Bitrate, Codec, Codecs};
use std::fmt;
use std::time::{Duration, Instant};

/// One WebRTC connection. The caller chooses the numbers and never uses one twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One quality level of a view: one encoder. Each view has numbers of its own, which are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RungId(pub u16);

impl fmt::Display for RungId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The data channels that viewers open; others are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Continuous input: unordered, not repeated.
    Input,
    /// State and edits: ordered, reliable.
    State,
}

/// What happens with peers. Comes in order from the network thread.
#[derive(Debug, Clone, PartialEq)]
pub enum RtcEvent {
    /// The peer's transport is up; video follows with the next keyframe.
    Connected {
        /// Who.
        peer: PeerId,
        /// What can be sent to it.
        decodes: Codecs,
    },
    /// The peer offered this codec and shows nothing of it: keyframe after keyframe arrives, and it asks for another one.
    Undecodable {
        /// Who.
        peer: PeerId,
        /// Which.
        codec: Codec,
    },
    /// State can be sent: begin with a full one ([`crate::RtcServer::send_full_state`]).
    StateChannelOpen {
        /// Who.
        peer: PeerId,
    },
    /// A message came.
    Message {
        /// Who.
        peer: PeerId,
        /// On which channel.
        channel: Channel,
        /// At most [`rr_protocol::MAX_CLIENT_MESSAGE_LEN`] bytes.
        data: Bytes,
    },
    /// A message was longer than [`rr_protocol::MAX_CLIENT_MESSAGE_LEN`] and was dropped.
    Oversized {
        /// Who.
        peer: PeerId,
        /// Its length in bytes.
        len: usize,
    },
    /// The peer does not take its state as fast as it is sent: what was sent last is dropped, and so is all that follows
    /// until [`RtcEvent::StateReady`].
    StateBehind {
        /// Who.
        peer: PeerId,
    },
    /// The peer has caught up: send it a full state.
    StateReady {
        /// Who.
        peer: PeerId,
    },
    /// A peer of this rung needs a keyframe: it is new there, it lost too much, or it was too slow. At most ten a second.
    KeyframeNeeded {
        /// Which encoder's.
        rung: RungId,
    },
    /// From now on a peer gets the pictures of this rung.
    Switched {
        /// Who.
        peer: PeerId,
        /// Which encoder's.
        rung: RungId,
    },
    /// A picture goes out to a peer: its first packet is on its way.
    Sent {
        /// Who.
        peer: PeerId,
        /// Which picture.
        picture: SentPicture,
    },
    /// How the path to a peer is right now, twenty times a second while pictures go to it.
    Path {
        /// Who.
        peer: PeerId,
        /// What was measured.
        sample: PathSample,
    },
    /// A peer is to see another view (`RtcServer::look_at`).
    ViewWanted {
        /// Who.
        peer: PeerId,
        /// Which, as it was said.
        view: u32,
    },
    /// Once a second for each connected peer.
    Stats {
        /// Who.
        peer: PeerId,
        /// How it fares.
        stats: PeerStats,
    },
    /// The peer sends far more messages than a person can cause; it is being disconnected.
    Flood {
        /// Who.
        peer: PeerId,
    },
    /// The peer is gone. The last event of this peer.
    Disconnected {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: DisconnectReason,
    },
}

/// A picture that goes out to a peer, and when it passed each station on the way here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentPicture {
    /// The encoder that it came from.
    pub rung: RungId,
    /// Its number ([`rr_encode::AccessUnit::frame`]).
    pub frame: u64,
    /// The state that it shows.
    pub revision: u64,
    /// RTP timestamp as this peer gets it.
    pub rtp_timestamp: u32,
    /// When it was begun to be drawn.
    pub captured_at: Instant,
    /// When its pixels were there.
    pub drawn_at: Instant,
    /// When it was encoded.
    pub encoded_at: Instant,
    /// When its first packet went out.
    pub sent_at: Instant,
}

/// Why a peer is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The host ended it, and why.
    Closed(String),
    /// The viewer said goodbye.
    Left,
    /// No connection came about in time.
    NeverConnected,
    /// Nothing was heard from it for too long.
    Vanished,
    /// It sent too many messages.
    Flood,
    /// It broke the protocol; in words.
    Failed(String),
    /// The host listens on another port now.
    Rebound,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(why) => write!(f, "closed by the host: {why}"),
            Self::Left => f.write_str("left"),
            Self::NeverConnected => f.write_str("no connection came about"),
            Self::Vanished => f.write_str("not heard of any more"),
            Self::Flood => f.write_str("too many messages"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Rebound => f.write_str("the host changed its port"),
        }
    }
}

/// The path to a peer at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PathSample {
    /// What the path is believed to carry at this moment.
    pub estimate: Option<Bitrate>,
    /// From the sending of the packet that was confirmed last to its confirmation: the way, what waits on it, and the
    /// viewer's feedback interval.
    pub rtt: Option<Duration>,
    /// Lost of what was sent in the last second, 0 to 1.
    pub loss: Option<f32>,
    /// Bytes sent up to the packet that was confirmed last.
    pub confirmed: Option<u64>,
    /// Those of them that arrived. Between two samples it grows by what the path carried.
    pub received: Option<u64>,
    /// Bytes sent after it.
    pub in_flight: u64,
    /// How long the oldest packet has been waiting to be sent.
    pub backlog: Duration,
    /// Bytes of parity packets that each byte of pictures comes with.
    pub parity: f32,
}

/// What is done with one peer's pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Steering {
    /// It gets those of another rung from the next keyframe of that one on, and of its present one until then.
    Assign(RungId),
    /// They wait while its path is full (`true`), or go on.
    Hold(bool),
    /// What it lost is not worth repeating: go on with a keyframe.
    Abandon,
    /// What is believed of its path is wrong.
    Reset {
        /// What the path carries.
        bitrate: Bitrate,
        /// Most that is probed for at first. `None`: nothing for most of a second.
        probe: Option<Bitrate>,
    },
}

/// How a peer fares; rates and fractions are of the last second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PeerStats {
    /// Round-trip time.
    pub rtt: Option<Duration>,
    /// Lost of what was sent, 0 to 1.
    pub loss: Option<f32>,
    /// Sent to it, media and all.
    pub sent: Bitrate,
    /// What its path is believed to carry.
    pub estimate: Option<Bitrate>,
    /// Access units handed to its transport since it connected.
    pub units: u64,
    /// Access units left out since it connected because it was behind.
    pub skipped: u64,
    /// How long the oldest packet has been waiting to be sent.
    pub backlog: Duration,
}
