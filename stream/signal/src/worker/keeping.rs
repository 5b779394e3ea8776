//! What sessions would lose with this machine: fetched from the gateway when one opens here, sent to it while it changes,
//! and a last time when it is closed, by which the session is given back and can go on elsewhere.

use super::http::{CallError, Connection, MAX_ANSWER};
use super::{Address, SessionHost};
use rr_protocol::worker::{
    FetchRequest, Fetched, KeepAnswer, KeepRequest, MAX_DOCUMENT_LEN, MAX_KEEP_LEN, MAX_VIEW_LEN, SessionState,
};
use rustls::ClientConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OnceCell, watch};
use tokio::time::{sleep, timeout};

/// Between two looks for changes: so much is lost when a machine dies.
const EVERY: Duration = Duration::from_millis(500);
/// For a session that is closed to be over.
const CLOSES_WITHIN: Duration = Duration::from_secs(10);
/// A large state is sent less often: so many bytes a second at most.
const BYTES_PER_SECOND: usize = 1 << 20;

/// Why a session is not open here.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// It is another worker's by now, or the gateway cannot be asked.
    #[error("{0}")]
    NotNow(String),
    /// This worker cannot serve it.
    #[error("{0}")]
    Failed(String),
}

/// As long as the worker is a member of its fleet, over all connections to gateways.
pub(super) struct Keeping {
    host: Arc<dyn SessionHost>,
    /// Where to at the moment.
    gateway: Mutex<Option<Gateway>>,
    /// To whom it was opened; requests take turns.
    connection: tokio::sync::Mutex<Option<(Gateway, Connection)>>,
    sessions: Mutex<HashMap<String, Arc<Kept>>>,
    /// Sessions that are being closed here.
    closing: watch::Sender<u32>,
}

/// A session that is open here, or being opened.
#[derive(Default)]
struct Kept {
    open: OnceCell<()>,
    /// Held while changes are sent, so that nothing overtakes.
    changes: tokio::sync::Mutex<Unsent>,
}

#[derive(Default)]
struct Unsent {
    /// Changes that the gateway did not take yet.
    changes: SessionState,
    /// It is known that the session is too large.
    told: bool,
}

/// Counts as a session that is being closed, until it is dropped.
struct Closing(Arc<Keeping>);

impl Closing {
    fn new(keeping: Arc<Keeping>) -> Self {
        keeping.closing.send_modify(|count| *count += 1);
        Self(keeping)
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.closing.send_modify(|count| *count -= 1);
    }
}

#[derive(Clone)]
struct Gateway {
    address: Address,
    tls: Arc<ClientConfig>,
}

impl Gateway {
    /// The same one, to which we show the same certificate.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tls, &other.tls) && self.address == other.address
    }
}

impl Keeping {
    pub(super) fn new(host: Arc<dyn SessionHost>) -> Self {
        let (gateway, connection) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { host, gateway, connection, sessions: Mutex::default(), closing: watch::channel(0).0 }
    }

    /// There is another gateway, or another certificate.
    pub(super) fn reach(&self, address: &Address, tls: Arc<ClientConfig>) {
        let gateway = Gateway { address: address.clone(), tls };
        *self.gateway.lock().unwrap_or_else(PoisonError::into_inner) = Some(gateway);
    }

    fn session(&self, session: &str) -> Arc<Kept> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sessions.entry(session.to_owned()).or_default())
    }

    fn forget(&self, session: &str) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }

    /// Opens a session with what was kept of it; whoever comes meanwhile waits for that.
    pub(super) async fn open(&self, session: &str) -> Result<(), OpenError> {
        let kept = self.session(session);
        let opened = kept.open.get_or_try_init(|| self.begin(session)).await;
        if opened.is_err() {
            self.forget(session);
        }
        opened.copied()
    }

    async fn begin(&self, session: &str) -> Result<(), OpenError> {
        let request = FetchRequest { session: session.to_owned() };
        let fetched: Fetched = self
            .call("/workers/sessions/fetch", &request, MAX_KEEP_LEN)
            .await
            .map_err(|error| OpenError::NotNow(error.to_string()))?;
        // Whoever was told to close one session and open another has room for one only.
        let _ = timeout(CLOSES_WITHIN, self.closing.subscribe().wait_for(|closing| *closing == 0)).await;
        let (host, session) = (Arc::clone(&self.host), session.to_owned());
        let opened = tokio::task::spawn_blocking(move || host.open(&session, fetched.state)).await;
        opened.map_err(|_| OpenError::Failed("the worker has trouble".into()))?.map_err(OpenError::Failed)
    }

    /// Ends a session here, and gives it back. What is opened after this call waits for it, whenever the future is run.
    pub(super) fn close(self: &Arc<Self>, session: String) -> impl Future<Output = ()> + Send + use<> {
        let place = Closing::new(Arc::clone(self));
        async move {
            let kept = place.0.session(&session);
            place.0.send(&session, &kept, true).await;
            place.0.forget(&session);
        }
    }

    /// Sends what changes, until it is dropped.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            sleep(EVERY).await;
            let host = Arc::clone(&self.host);
            let open = tokio::task::spawn_blocking(move || host.sessions()).await.unwrap_or_default();
            let mut sent = 0;
            for (session, _) in open {
                let known = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(&session).cloned();
                // One that is not known was closed since.
                if let Some(kept) = known {
                    sent += self.send(&session, &kept, false).await;
                }
            }
            sleep(Duration::from_secs_f64(sent as f64 / BYTES_PER_SECOND as f64)).await;
        }
    }

    /// Bytes that were sent.
    async fn send(&self, session: &str, kept: &Kept, last: bool) -> usize {
        let mut unsent = kept.changes.lock().await;
        let (host, name) = (Arc::clone(&self.host), session.to_owned());
        let look = move || if last { host.close(&name) } else { host.changed(&name) };
        let changed = tokio::task::spawn_blocking(look).await.unwrap_or_default();
        // What was not sent is older than what changed since.
        let before = std::mem::take(&mut unsent.changes);
        let mut changes = changed.or(before);
        let document = changes.document.take_if(|text| text.len() > MAX_DOCUMENT_LEN);
        let view = changes.view.take_if(|text| text.len() > MAX_VIEW_LEN);
        if let Some(large) = document.or(view)
            && !std::mem::replace(&mut unsent.told, true)
        {
            let bytes = large.len();
            tracing::error!(session, bytes, "the session is too large to be kept: changes are lost with this machine");
        }
        if changes.is_empty() && !last {
            return 0;
        }
        let request = KeepRequest { session: session.to_owned(), changes, last };
        let bytes = request.changes.len();
        match self.call::<KeepAnswer>("/workers/sessions/keep", &request, MAX_ANSWER).await {
            Ok(KeepAnswer {}) => {}
            Err(CallError::Refused(why)) => tracing::debug!(session, why, "the session is not kept"),
            Err(CallError::Unreachable(why)) if last => {
                tracing::error!(session, why, "the last changes of the session are lost");
            }
            Err(CallError::Unreachable(_)) => unsent.changes = request.changes,
        }
        bytes
    }

    async fn call<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        most: usize,
    ) -> Result<A, CallError> {
        let mut slot = self.connection.lock().await;
        let gateway = self.gateway.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let gateway = gateway.ok_or_else(|| CallError::Unreachable("no gateway yet".into()))?;
        // A connection that was idle may be gone; asking twice changes nothing.
        if let Some((_, mut connection)) = slot.take_if(|(opened_to, _)| opened_to.is(&gateway)) {
            match connection.post(path, body, most).await {
                Err(CallError::Unreachable(_)) => {}
                answer => {
                    *slot = answer.is_ok().then_some((gateway, connection));
                    return answer;
                }
            }
        }
        let mut connection = Connection::open(&gateway.address, &gateway.tls).await?;
        let answer = connection.post(path, body, most).await;
        *slot = answer.is_ok().then_some((gateway, connection));
        answer
    }
}
