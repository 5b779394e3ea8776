//! The gateway with real sockets, real certificates and real databases. One executable, because each costs a link.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

mod joining;
mod postgres;
mod replicas;
mod store;
mod support;
mod users;
