//! The host's front door: share links, the signaling WebSocket and the viewer page over HTTP or HTTPS.
//!
//! [`SignalServer`] listens, serves the page and `/health` to everybody, and lets only the bearer of a token signed
//! by the [`TokenKey`] past the first message on `/signal`. What the host does with a viewer is behind
//! [`SignalHandler`]: this crate knows nothing of WebRTC.
//!
//! ```text
//! socket ─► front (accept, TLS, limits) ─► routes (page, /signal) ─► socket task ─► Machine ─► SignalService
//!              │                                                                   ▲
//!              └─ media (ICE-TCP) ─► MediaDoor             Outbox (bounded, 64) ───┘  candidates and bye from the host
//! ```
//!
//! The signaling socket stays open for the whole session, so that the host can say `bye`. When it closes, the WebRTC
//! session goes on: the state of its ICE connection alone decides whether the viewer is there. A socket never waits
//! for another: each has its own task, queue and deadlines.

pub mod assets;
mod config;
pub mod front;
mod handler;
pub mod ice;
pub mod link;
pub mod machine;
mod media;
pub mod private_file;
pub mod routes;
mod server;
mod socket;
pub mod throttle;
pub mod tls;
pub mod token;
pub mod worker;

pub use assets::{Asset, VIEWER_ASSETS};
pub use config::{Limits, SignalConfig, SignalError, Tls};
pub use handler::{
    Blocking, ConnectionHold, JoinRequest, Leave, MediaDoor, Outbox, OutboxError, PeerId, Refusal, Reply,
    SignalHandler, SignalService, ViewerCalls,
};
pub use ice::{IceServers, IceUrl, IceUrlError, Secret, SecretError, TimeLimitedTurn};
pub use link::{QrMatrix, ShareLink};
pub use server::SignalServer;
pub use token::{Issued, KeyError, TokenError, TokenKey};
