//! The server over real sockets on loopback, with a handler that notes what it is called with.

mod http;
mod limits;
mod signaling;
mod support;
mod tls;
