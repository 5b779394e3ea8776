//! The session on the network: signaling, the peers and the one encoder that serves them all.

use crate::render_thread::RenderControl;
use crate::session_thread::{Message, SessionSender};
use crate::status::{LinkStatus, ShareStatus};
use crate::wire;
use rr_encode::{AccessUnit, SoftwareConfig, SoftwareEncoder};
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::{Candidate, SignalError as Refusal};
use rr_scene::Role;
use rr_session::ParticipantId;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Where and how to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareConfig {
    /// Address and port for page and signaling; port 0 takes a free one. The video takes the same port of UDP when it
    /// is free, another one otherwise.
    pub listen: SocketAddr,
    /// Encryption of page and signaling.
    pub tls: ShareTls,
    /// Folder that keeps the key that signs links and the certificate.
    pub config_dir: PathBuf,
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
