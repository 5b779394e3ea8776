//! Viewers at the gateway: each waits until its session has a worker, and is sent there.

use crate::hub::{Hub, Registered, is_name, lock};
use rr_fleet::DeskRules;
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::{Candidate, Waiting};
use rr_protocol::worker::ToWorker;
use rr_signal::{JoinRequest, Leave, Outbox, PeerId, Refusal, Reply, SignalService, ViewerCalls};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Between two looks at the queue, when nothing says that it has changed.
const LOOK: Duration = Duration::from_secs(1);
/// For a worker to let a viewer in.
const JOIN_WITHIN: Duration = Duration::from_secs(12);
/// For its answer to an offer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Between two tries with a worker that does not take a viewer.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// What viewers' sockets are connected to.
pub(crate) struct Door {
    pub(crate) hub: Arc<Hub>,
    pub(crate) rules: DeskRules,
    /// How long a new worker takes, where more may come.
    pub(crate) boot: Option<Duration>,
}

/// [`SignalService`] of a gateway.
pub(crate) struct Viewers(pub(crate) Arc<Door>);

impl SignalService for Viewers {
    fn viewer(&self) -> Box<dyn ViewerCalls> {
        Box::new(Viewer { door: Arc::clone(&self.0), place: Arc::default() })
    }
}

struct Viewer {
    door: Arc<Door>,
    place: Arc<Mutex<Option<Arc<Registered>>>>,
}

fn refusal(code: ErrorCode, message: &str) -> Refusal {
    Refusal { code, message: message.to_owned() }
}

/// The session that a link is for: the part of its id before the dot.
pub(crate) fn session_of(link: &str) -> Option<&str> {
    link.split_once('.').map(|(session, _)| session).filter(|session| is_name(session))
}

impl Door {
    /// Waits for a worker and is let in there. As long as it takes; whoever does not want to wait drops it.
    async fn enter(&self, request: &JoinRequest, outbox: &Outbox) -> Result<Registered, Refusal> {
        let trouble = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a viewer cannot be served");
            refusal(ErrorCode::Internal, "the gateway has trouble of its own; try again")
        };
        let session = session_of(&request.claims.id)
            .ok_or_else(|| refusal(ErrorCode::Unauthorized, "this link is for no session; ask for a new one"))?;
        let mut changes = self.hub.changes();
        let (mut told, mut first) = (None, true);
        loop {
            changes.mark_unchanged();
            self.hub.want(session, "", "").await.map_err(|error| trouble(&error))?;
            let found = self.hub.look_up(session, &self.rules, self.boot).await.map_err(|error| trouble(&error))?;
            // Gone between the two: it is wanted anew with the next look.
            let (placed, place) = found.map(|(row, place)| (row.seat.placed, place)).unwrap_or_default();
            if let Some(placed) = placed {
                let workers = self.hub.store.workers().await.map_err(|error| trouble(&error))?;
                let worker = workers.iter().find(|row| row.desk.worker.token == placed.worker);
                // One that is lost keeps the session for a moment, in case it comes back.
                if let Some(worker) = worker.filter(|row| row.desk.lost.is_none()) {
                    match self.ask(&worker.replica, &placed.worker.0, session, request, outbox).await {
                        Some(result) => return result,
                        None => tracing::info!(session, worker = %placed.worker, "the worker does not take a viewer"),
                    }
                }
                let _ = timeout(TRY_AGAIN, changes.changed()).await;
                continue;
            }
            // At the first look the desk has not decided yet.
            if let Some(place) = place.filter(|place| !first && told.as_ref() != Some(place)) {
                let estimate_secs =
                    place.estimate.map(|estimate| u32::try_from(estimate.as_secs()).unwrap_or(u32::MAX));
                let _ = outbox.waiting(Waiting { place: place.place, estimate_secs });
                told = Some(place);
            }
            let wait = if first { TRY_AGAIN } else { LOOK };
            first = false;
            self.hub.poke_desk();
            let _ = timeout(wait, changes.changed()).await;
        }
    }

    /// `None`: no answer, or the worker is not there any more.
    async fn ask(
        &self,
        at: &str,
        worker: &str,
        session: &str,
        request: &JoinRequest,
        outbox: &Outbox,
    ) -> Option<Result<Registered, Refusal>> {
        let begun = Instant::now();
        let (place, joined) = self.hub.register(at, worker, outbox.clone());
        place.keep_wanted(session, (self.rules.linger / 4).clamp(Duration::from_millis(250), Duration::from_secs(15)));
        let message = ToWorker::ViewerJoin {
            viewer: place.name.clone(),
            session: session.to_owned(),
            role: request.claims.role,
            link: request.claims.id.clone(),
            name: request.name.clone(),
            return_key: request.return_key.clone(),
            remote: request.remote.to_string(),
        };
        if !place.send(message).await {
            return None;
        }
        let answer = timeout(JOIN_WITHIN, joined).await.ok()?.ok()?;
        tracing::info!(session, worker, ms = begun.elapsed().as_millis(), let_in = answer.is_ok(), "viewer");
        match answer {
            // The session moves meanwhile.
            Err(error) if error.code == ErrorCode::Closing => None,
            answer => Some(answer.map(|()| place)),
        }
    }
}

impl ViewerCalls for Viewer {
    fn join(&mut self, request: JoinRequest, outbox: Outbox) -> Reply<Result<PeerId, Refusal>> {
        let (door, slot) = (Arc::clone(&self.door), Arc::clone(&self.place));
        Box::pin(async move {
            match door.enter(&request, &outbox).await {
                Ok(place) => {
                    *lock(&slot) = Some(Arc::new(place));
                    Some(Ok(PeerId(door.hub.number())))
                }
                Err(refusal) => Some(Err(refusal)),
            }
        })
    }

    fn offer(&mut self, _: PeerId, sdp: String) -> Reply<Result<String, Refusal>> {
        let place = lock(&self.place).clone();
        Box::pin(async move {
            let place = place?;
            let answer = place.answer();
            if !place.send(ToWorker::ViewerOffer { viewer: place.name.clone(), sdp }).await {
                return None;
            }
            timeout(ANSWER_WITHIN, answer).await.ok()?.ok()
        })
    }

    fn candidate(&mut self, _: PeerId, candidate: Candidate) -> Reply<()> {
        let place = lock(&self.place).clone();
        Box::pin(async move {
            let place = place?;
            place.send(ToWorker::ViewerCandidate { viewer: place.name.clone(), candidate }).await;
            Some(())
        })
    }

    fn left(&mut self, _: PeerId, how: Leave) -> Reply<()> {
        let place = lock(&self.place).take();
        if let Some(place) = place.as_ref().filter(|_| how == Leave::Goodbye) {
            place.goodbye();
        }
        Box::pin(async move {
            drop(place);
            Some(())
        })
    }
}
