//! What a gateway has to remember: workers, sessions with their leases and what workers keep of them, join tokens that
//! were used, and messages from one replica to another. SQLite in the gateway's folder, or PostgreSQL for several
//! replicas; one code for both, since the few statements are the same in either, and one compliance test.
//!
//! What is decided elsewhere is done here only if it still can be: of two replicas that lease the same session or the last
//! place of a worker, one gets it.

mod sql;

pub use sql::SqlStore;

use async_trait::async_trait;
use rr_fleet::{Desk, Seat, Time, Token};
use rr_protocol::worker::{SessionLoad, SessionState};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Neither `sqlite:` nor `postgres:`.
    #[error(
        "{0:?} is not a database that a gateway can use: leave it out for SQLite in the state folder, or use postgres://..."
    )]
    Url(String),
    /// The folder is not there.
    #[error("cannot make {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database says so.
    #[error("the gateway's database: {0}")]
    Database(#[from] sqlx::Error),
}

/// A worker, as it said hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Its name.
    pub worker: String,
    /// Program and version.
    pub program: String,
    /// Sessions at once.
    pub capacity: u32,
}

/// A worker, as it is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerRow {
    /// For decisions.
    pub desk: Desk,
    /// The replica that it is connected to, or was.
    pub replica: String,
    /// Program and version.
    pub program: String,
    /// Busy processors: 1 is all of them.
    pub load: f64,
    /// Who watches there.
    pub viewers: u32,
    /// When it first said hello.
    pub joined: Time,
}

/// A session, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// For decisions.
    pub seat: Seat,
    /// Whose it is; empty where nobody is known.
    pub owner: String,
    /// What it belongs to; empty where nothing is known.
    pub project: String,
    /// Who watches.
    pub viewers: u32,
}

/// What was kept of a session is forgotten so long after it ended.
pub const STATE_KEPT: Duration = Duration::from_secs(24 * 3600);

/// From another replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message for this one.
    Message(String),
    /// Leases or workers are not what they were.
    Changed,
}

/// How many messages of other replicas wait; a replica that does not read loses the rest.
pub const EVENT_QUEUE: usize = 1024;

/// The memory of a gateway.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Uses a join token up. False when it was used before.
    async fn consume_join(&self, worker: &str, expires: Time) -> Result<bool, StoreError>;

    /// A worker's certificates are good for nothing any more; after `until` none of them is by its own date.
    async fn revoke(&self, worker: &str, until: Time) -> Result<(), StoreError>;

    /// Whether they are.
    async fn is_revoked(&self, worker: &str) -> Result<bool, StoreError>;

    /// A worker is connected to this replica.
    async fn hello(&self, replica: &str, hello: &Hello, now: Time) -> Result<(), StoreError>;

    /// It lives, serves these sessions, and so keeps its leases of them until `until`. The answer names those of the
    /// sessions that it should not serve.
    async fn beat(
        &self,
        worker: &str,
        load: f64,
        sessions: &[SessionLoad],
        now: Time,
        until: Time,
    ) -> Result<Vec<String>, StoreError>;

    /// Its connection to this replica is gone. One that is connected elsewhere since stays connected.
    async fn lost(&self, replica: &str, worker: &str, now: Time) -> Result<(), StoreError>;

    /// It gets no more sessions. False when it is not known.
    async fn drain(&self, worker: &str) -> Result<bool, StoreError>;

    /// Its provider will take it back at this moment.
    async fn notice(&self, worker: &str, at: Time) -> Result<(), StoreError>;

    /// It is gone for good.
    async fn forget(&self, worker: &str) -> Result<(), StoreError>;

    /// All workers.
    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError>;

    /// Somebody wants in; the session is made when it is not there.
    async fn want(&self, session: &str, owner: &str, project: &str, now: Time) -> Result<(), StoreError>;

    /// One session.
    async fn session(&self, session: &str) -> Result<Option<SessionRow>, StoreError>;

    /// How many sessions wait before this one that somebody has asked for since then.
    async fn waiting_before(&self, seat: &Seat, asked: Time) -> Result<u32, StoreError>;

    /// How many sessions are somebody's.
    async fn owned(&self, owner: &str) -> Result<u32, StoreError>;

    /// All sessions.
    async fn sessions(&self) -> Result<Vec<SessionRow>, StoreError>;

    /// Leases a session to a worker, if it waits and the worker has room. False when another was faster.
    async fn lease(&self, session: &str, worker: &Token, until: Time) -> Result<bool, StoreError>;

    /// Takes it back, if this worker has it.
    async fn free(&self, session: &str, worker: &Token) -> Result<bool, StoreError>;

    /// Remembers what its worker says of a session; with `last`, the worker gives it back as well, and it waits again.
    /// False when this worker does not have it.
    async fn keep(
        &self,
        session: &str,
        worker: &str,
        changes: &SessionState,
        last: bool,
        now: Time,
    ) -> Result<bool, StoreError>;

    /// What is remembered of a session, by whichever worker; `None` when this worker does not have it.
    async fn kept(&self, session: &str, worker: &str) -> Result<Option<SessionState>, StoreError>;

    /// Forgets a session, if nobody has wanted or watched it since. What was kept of it stays for [`STATE_KEPT`], in case
    /// somebody comes back.
    async fn end(&self, session: &str, since: Time) -> Result<bool, StoreError>;

    /// Leaves a message for a replica.
    async fn publish(&self, replica: &str, message: &str, now: Time) -> Result<(), StoreError>;

    /// Tells all replicas that leases or workers have changed.
    async fn changed(&self) -> Result<(), StoreError>;

    /// What comes for this replica from now on. The end of the receiver ends it.
    async fn listen(&self, replica: &str) -> Result<mpsc::Receiver<Event>, StoreError>;

    /// Throws away messages of replicas that are gone, join tokens and certificates that have expired, and what was
    /// kept of sessions that ended long ago.
    async fn tidy(&self, now: Time, keep: Duration) -> Result<(), StoreError>;
}
