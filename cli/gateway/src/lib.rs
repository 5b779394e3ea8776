//! The front door of a fleet: tablets ask it for a session, it leases a worker and relays the signaling between the two.
//! Pictures never come this way.
//!
//! ```text
//! tablets ─► viewers' listener ─► viewers (wait, are sent) ─┐              ┌─ workers' listener ◄─ workers (mutual TLS)
//!            page, /signal, REST                            ├─ hub ─ relay ┤
//! rr-fleet: desk ─► clerk ─► store (leases) ────────────────┘              └─ other replicas, by the store
//! ```
//!
//! Whatever replicas share lies in the [`store`]: SQLite for one, PostgreSQL for several. A replica that dies takes nothing
//! with it but sockets: pictures go on, workers connect to another one, and whoever waited asks there.

mod api;
mod audit;
mod clerk;
mod gateway;
mod hub;
mod secrets;
pub mod store;
mod throttle;
mod users;
mod viewers;
mod workers;

pub use gateway::{Gateway, GatewayConfig, GatewayError, link};
pub use hub::{FleetCost, is_name};
pub use rr_fleet::DeskRules;
pub use rr_protocol::signaling::IceServer;
pub use rr_protocol::token::Role;
pub use rr_signal::{IceServers, IceUrl, Limits, Secret, TimeLimitedTurn, Tls};
pub use secrets::{Secrets, SecretsError, WORKER_CERTIFICATE};
pub use store::StoreError;
pub use throttle::{Rate, Rates};
pub use users::{Denied, KeyRing, User, Users, UsersError};
