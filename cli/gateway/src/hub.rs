//! Who is connected to this replica, workers and viewers, and how a message finds its way between the two when they are
//! connected to different ones.
//!
//! ```text
//! viewer ─► replica A ─┬─ the worker is here ─────────────► its control socket
//!                      └─ it is at replica B ─► Store ─► B ─► its control socket
//! ```

use crate::store::{SessionRow, Store, StoreError};
use rr_fleet::{DeskRules, Money, QueuePlace, Time};
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::SignalFromHost;
use rr_protocol::worker::{FromWorker, ToWorker};
use rr_signal::{Outbox, Refusal};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

/// Messages that wait for one worker's socket; one more is refused.
pub const WORKER_QUEUE: usize = 256;

/// The time of day, as everything that replicas share has it.
pub fn now() -> Time {
    Time::from(SystemTime::now())
}

/// This replica's connections.
pub struct Hub {
    /// Names this replica among those of one database.
    pub replica: String,
    /// What all replicas remember.
    pub store: Arc<dyn Store>,
    workers: Mutex<HashMap<String, WorkerConnection>>,
    viewers: Mutex<HashMap<String, Arc<ViewerEntry>>>,
    next: AtomicU32,
    changed: watch::Sender<u64>,
    desk: Notify,
    /// Where this replica keeps the pool.
    cost: Mutex<Option<FleetCost>>,
}

/// What a fleet costs, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FleetCost {
    /// Of the machines that there are now.
    pub per_hour: Money,
    /// Since the fleet was first started.
    pub spent: Money,
    /// Time of all machines for that.
    pub machines: Duration,
    /// Time of all people who watched.
    pub watched: Duration,
}

struct WorkerConnection {
    number: u32,
    tx: mpsc::Sender<ToWorker>,
}

/// A viewer on a socket of this replica that was sent to a worker.
pub struct ViewerEntry {
    worker: String,
    outbox: Outbox,
    joined: Mutex<Option<oneshot::Sender<Result<(), Refusal>>>>,
    answered: Mutex<Option<oneshot::Sender<Result<String, Refusal>>>>,
}

/// What one replica sends to another.
#[derive(Serialize, Deserialize)]
enum Relay {
    ToWorker(String, ToWorker),
    ToViewer(String, FromWorker),
}

/// A viewer's place among the viewers. Dropping it tells the worker that the signaling has ended.
pub struct Registered {
    hub: Arc<Hub>,
    /// As the worker knows it.
    pub name: String,
    worker: String,
    at: String,
    entry: Arc<ViewerEntry>,
    goodbye: AtomicBool,
}

/// From the question to the worker until its pictures flow, at the longest.
const COMES_WITHIN: Duration = Duration::from_secs(45);

/// What a worker hears whose certificates are good for nothing any more.
pub(crate) const REVOKED: &str = "this worker was revoked: it does not belong to the fleet any more";

impl Hub {
    /// A replica without connections.
    pub fn new(replica: String, store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            replica,
            store,
            workers: Mutex::default(),
            viewers: Mutex::default(),
            next: AtomicU32::new(1),
            changed: watch::channel(0).0,
            desk: Notify::new(),
            cost: Mutex::default(),
        })
    }

    /// Turns whenever leases or workers may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Somebody wants something of the desk.
    pub fn poke_desk(&self) {
        self.desk.notify_one();
    }

    /// Waits for [`Hub::poke_desk`].
    pub async fn poked(&self) {
        self.desk.notified().await;
    }

    /// Somebody here or at another replica has changed something.
    pub fn heard_change(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
        self.poke_desk();
    }

    /// Something has changed here: tells everybody.
    pub async fn tell_change(&self) {
        self.heard_change();
        if let Err(error) = self.store.changed().await {
            tracing::warn!(%error, "other replicas find out by themselves");
        }
    }

    /// A number that no other connection of this replica has.
    pub fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A worker's socket is open; one of before is closed by this.
    pub fn connect(&self, worker: &str) -> (u32, mpsc::Receiver<ToWorker>) {
        let (tx, rx) = mpsc::channel(WORKER_QUEUE);
        let number = self.number();
        lock(&self.workers).insert(worker.to_owned(), WorkerConnection { number, tx });
        (number, rx)
    }

    /// A worker's socket is closed. False when another one is open already.
    pub fn disconnect(&self, worker: &str, number: u32) -> bool {
        let mut workers = lock(&self.workers);
        let same = workers.get(worker).is_some_and(|connection| connection.number == number);
        if same {
            workers.remove(worker);
        }
        same
    }

    /// What the fleet costs, from now on.
    pub fn tell_cost(&self, cost: FleetCost) {
        *lock(&self.cost) = Some(cost);
    }

    /// Where this replica keeps the pool.
    pub fn cost(&self) -> Option<FleetCost> {
        *lock(&self.cost)
    }

    /// Workers whose sockets are here.
    pub fn connected(&self) -> usize {
        lock(&self.workers).len()
    }

    /// Viewers whose sockets are here and that were sent to a worker.
    pub fn viewers(&self) -> usize {
        lock(&self.viewers).len()
    }

    /// Sends to a worker, wherever it is connected; `at` is the replica that it was seen at last. What cannot be sent is
    /// lost: whoever waits for an answer asks again.
    pub async fn to_worker(&self, at: &str, worker: &str, message: ToWorker) -> bool {
        let here = lock(&self.workers).get(worker).map(|connection| connection.tx.clone());
        if let Some(tx) = here {
            return tx.try_send(message).is_ok();
        }
        if at == self.replica {
            return false;
        }
        self.relay(at, &Relay::ToWorker(worker.to_owned(), message)).await
    }

    async fn relay(&self, replica: &str, relay: &Relay) -> bool {
        let Ok(text) = serde_json::to_string(relay) else { return false };
        match self.store.publish(replica, &text, now()).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "a message to another replica is lost");
                false
            }
        }
    }

    /// A message of another replica.
    pub fn take_relay(&self, text: &str) {
        match serde_json::from_str(text) {
            Ok(Relay::ToWorker(worker, message)) => {
                if let Some(connection) = lock(&self.workers).get(&worker) {
                    // Full: the viewer's wait ends by its deadline.
                    let _ = connection.tx.try_send(message);
                }
            }
            Ok(Relay::ToViewer(from, message)) => self.to_local_viewer(&from, message),
            Err(error) => tracing::warn!(%error, "a message of another replica is not understood"),
        }
    }

    /// What a worker says to a viewer, who may be at another replica.
    pub async fn to_viewer(&self, from: &str, message: FromWorker) {
        let Some(replica) = viewer_of(&message).and_then(|viewer| viewer.split_once('.')).map(|(replica, _)| replica)
        else {
            return;
        };
        if replica == self.replica {
            self.to_local_viewer(from, message);
        } else if is_name(replica) {
            let replica = replica.to_owned();
            self.relay(&replica, &Relay::ToViewer(from.to_owned(), message)).await;
        }
    }

    fn to_local_viewer(&self, from: &str, message: FromWorker) {
        let viewer = viewer_of(&message).and_then(|viewer| lock(&self.viewers).get(viewer).cloned());
        // A worker has no say over the viewers of another one.
        let Some(viewer) = viewer.filter(|viewer| viewer.worker == from) else { return };
        match message {
            FromWorker::ViewerJoined { .. } => {
                lock(&viewer.joined).take().map(|joined| joined.send(Ok(())));
            }
            FromWorker::ViewerAnswer { sdp, .. } => {
                lock(&viewer.answered).take().map(|answered| answered.send(Ok(sdp)));
            }
            FromWorker::ViewerRefused { error, .. } => {
                let waits = lock(&viewer.joined).take();
                if let Some(joined) = waits {
                    let _ = joined.send(Err(error));
                    return;
                }
                let waits = lock(&viewer.answered).take();
                match waits {
                    Some(answered) => _ = answered.send(Err(error)),
                    None => _ = viewer.outbox.bye(error.code, &error.message),
                }
            }
            FromWorker::ViewerMessage { message, .. } => {
                // Only what a worker may say in the middle of a conversation.
                if matches!(message, SignalFromHost::Candidate(_) | SignalFromHost::Bye(_)) {
                    let _ = viewer.outbox.relay(message);
                }
            }
            _ => {}
        }
    }

    /// A viewer that is sent to a worker. The receiver hears whether it is let in.
    pub fn register(
        self: &Arc<Self>,
        at: &str,
        worker: &str,
        outbox: Outbox,
    ) -> (Registered, oneshot::Receiver<Result<(), Refusal>>) {
        let name = format!("{}.{}", self.replica, self.number());
        let (joined, joined_rx) = oneshot::channel();
        let entry = Arc::new(ViewerEntry {
            worker: worker.to_owned(),
            outbox,
            joined: Mutex::new(Some(joined)),
            answered: Mutex::default(),
        });
        lock(&self.viewers).insert(name.clone(), Arc::clone(&entry));
        let hub = Arc::clone(self);
        (
            Registered {
                hub,
                name,
                worker: worker.to_owned(),
                at: at.to_owned(),
                entry,
                goodbye: AtomicBool::new(false),
            },
            joined_rx,
        )
    }

    /// Sends viewers away whose worker is gone; they come back and get another one.
    pub fn abandon(&self, worker: &str) {
        let left: Vec<Arc<ViewerEntry>> = {
            let mut viewers = lock(&self.viewers);
            let names: Vec<String> =
                viewers.iter().filter(|(_, entry)| entry.worker == worker).map(|(name, _)| name.clone()).collect();
            names.iter().filter_map(|name| viewers.remove(name)).collect()
        };
        for entry in left {
            // Who waits to be let in tries again by itself: a dropped sender says so.
            if lock(&entry.joined).take().is_none() {
                let _ =
                    entry.outbox.bye(ErrorCode::Closing, "the worker of this session is gone; another one takes over");
            }
        }
    }

    /// A worker gets no more sessions, and hears so. False when it is not known.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn drain(&self, worker: &str) -> Result<bool, StoreError> {
        if !self.store.drain(worker).await? {
            return Ok(false);
        }
        let workers = self.store.workers().await?;
        let at = workers.iter().find(|row| row.desk.worker.token.0 == worker).map_or("", |row| row.replica.as_str());
        self.to_worker(at, worker, ToWorker::Drain).await;
        self.tell_change().await;
        Ok(true)
    }

    /// A worker's certificates are good for nothing from now on: it is cut off, and its sessions move. What it does not
    /// know yet it learns when it comes back. `certificate` is how long one is good for.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn revoke(&self, worker: &str, certificate: Duration) -> Result<(), StoreError> {
        // All that are given out now have expired then, wherever clocks differ.
        self.store.revoke(worker, now() + certificate * 2).await?;
        let workers = self.store.workers().await?;
        if let Some(row) = workers.iter().find(|row| row.desk.worker.token.0 == worker) {
            self.to_worker(&row.replica, worker, ToWorker::Refused { message: REVOKED.to_owned() }).await;
        }
        self.tell_change().await;
        Ok(())
    }

    /// A session, and where it stands in the queue if it waits.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn look_up(
        &self,
        session: &str,
        rules: &DeskRules,
        boot: Option<Duration>,
    ) -> Result<Option<(SessionRow, Option<QueuePlace>)>, StoreError> {
        let Some(row) = self.store.session(session).await? else { return Ok(None) };
        if row.seat.placed.is_some() {
            return Ok(Some((row, None)));
        }
        let now = now();
        let before = self.store.waiting_before(&row.seat, now - rules.asks).await?;
        let place = QueuePlace::after(before, &row.seat, boot, now);
        Ok(Some((row, Some(place))))
    }

    /// # Errors
    /// The store does not answer.
    pub async fn want(&self, session: &str, owner: &str, project: &str) -> Result<(), StoreError> {
        self.store.want(session, owner, project, now()).await
    }
}

impl Registered {
    /// Sends to the worker.
    pub async fn send(&self, message: ToWorker) -> bool {
        self.hub.to_worker(&self.at, &self.worker, message).await
    }

    /// Until the worker counts them, who comes keeps the session wanted: letting in and connecting take their time on a
    /// busy worker, and in between nobody else would know.
    pub fn keep_wanted(&self, session: &str, every: Duration) {
        let (hub, session, entry) = (Arc::clone(&self.hub), session.to_owned(), Arc::downgrade(&self.entry));
        tokio::spawn(async move {
            let end = Instant::now() + COMES_WITHIN;
            while entry.strong_count() > 0 && Instant::now() < end {
                if let Err(error) = hub.want(&session, "", "").await {
                    tracing::warn!(%error, session, "a session may end although somebody comes");
                }
                sleep(every).await;
            }
        });
    }

    /// When it leaves, it is for good.
    pub fn goodbye(&self) {
        self.goodbye.store(true, Ordering::Relaxed);
    }

    /// Hears the answer to the offer that is sent next.
    pub fn answer(&self) -> oneshot::Receiver<Result<String, Refusal>> {
        let (answered, answered_rx) = oneshot::channel();
        *lock(&self.entry.answered) = Some(answered);
        answered_rx
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        lock(&self.hub.viewers).remove(&self.name);
        let (hub, at, worker) = (Arc::clone(&self.hub), self.at.clone(), self.worker.clone());
        let message = ToWorker::ViewerLeft { viewer: self.name.clone(), goodbye: *self.goodbye.get_mut() };
        // At the very end there is no runtime any more, and nobody to be told.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { hub.to_worker(&at, &worker, message).await });
        }
    }
}

fn viewer_of(message: &FromWorker) -> Option<&str> {
    match message {
        FromWorker::ViewerJoined { viewer }
        | FromWorker::ViewerRefused { viewer, .. }
        | FromWorker::ViewerAnswer { viewer, .. }
        | FromWorker::ViewerMessage { viewer, .. } => Some(viewer),
        _ => None,
    }
}

/// Names of replicas, sessions and workers: 1 to 40 small letters, digits and hyphens.
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= 40 && text.bytes().all(plain)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
