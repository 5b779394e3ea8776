//! What can go wrong between a host and its peers.

use std::io;
use std::net::SocketAddr;
use thiserror::Error;

/// Why something asked of the peers was not done.
#[derive(Debug, Error)]
pub enum RtcError {
    /// The UDP port cannot be used.
    #[error("cannot listen on UDP {addr}: {source}")]
    Bind {
        /// What was asked for.
        addr: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The system refused a thread or a timer.
    #[error("cannot start the network thread: {0}")]
    Start(io::Error),
    /// No address to offer to peers.
    #[error("no IP address to offer to viewers; name at least one that they can reach")]
    NoAddress,
    /// The limit on peers is reached.
    #[error("this host serves {max} viewers at most")]
    TooManyPeers {
        /// The limit.
        max: usize,
    },
    /// The session description is malformed or contradicts itself.
    #[error("session description refused: {0}")]
    BadOffer(String),
    /// There is no video section that receives.
    #[error("session description has no video section that receives (`m=video` with `a=recvonly`)")]
    NoVideo,
    /// The viewer cannot decode what is sent here.
    #[error("the viewer offers no H.264 (constrained baseline, packetization-mode 1), the only codec of this host")]
    NoH264,
    /// The id is taken.
    #[error("peer {0} exists already")]
    PeerExists(crate::PeerId),
    /// No such peer; it may have left a moment ago.
    #[error("peer {0} is not connected")]
    UnknownPeer(crate::PeerId),
    /// A candidate that is not one.
    #[error("candidate refused: {0}")]
    BadCandidate(String),
    /// The command queue is full or the answer takes too long.
    #[error("the network thread is too busy; try again")]
    Busy,
    /// The network thread has ended.
    #[error("the network thread has stopped")]
    Stopped,
}
