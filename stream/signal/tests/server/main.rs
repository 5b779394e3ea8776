//! The server over real sockets on loopback, with a handler that notes what it is called with.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic too")]

mod http;
mod limits;
mod media;
mod signaling;
mod support;
mod tls;
