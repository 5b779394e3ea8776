//! Carries out what the desk decides, at every replica: they may all do so at the same time, and the store sees to it that
//! each step is taken once.

use crate::audit::{Audit, What};
use crate::hub::{Hub, now};
use crate::store::{StoreError, WorkerRow};
use rr_fleet::{DeskRules, DeskStep, FleetSpec, Freed, Observed, Token, desk, waiting};
use rr_protocol::worker::ToWorker;
use rr_signal::front::{Shutdown, last_words};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Between two looks when nobody asks for one.
const LOOK: Duration = Duration::from_millis(500);
/// At least this between two looks, however many ask, and so many times what the last one took: a long queue leaves the
/// store to those who ask.
const PAUSE: Duration = Duration::from_millis(20);
const REST: u32 = 4;
/// Between two clearings of the store.
const TIDY: Duration = Duration::from_secs(60);
/// A worker that is asked to give a session back has so long for it; then the session is taken.
const HANDOVER: Duration = Duration::from_millis(2_500);
/// Messages for replicas that are gone are kept for so long.
const KEEP: Duration = Duration::from_secs(60);

/// The one who does it.
pub(crate) struct Clerk {
    pub(crate) hub: Arc<Hub>,
    pub(crate) rules: DeskRules,
    pub(crate) spec: FleetSpec,
    pub(crate) audit: Arc<Audit>,
    /// Workers that are lost and whose viewers were told.
    pub(crate) abandoned: BTreeSet<Token>,
    /// Sessions that their workers were asked to give back, and when.
    pub(crate) asked_back: BTreeMap<String, Instant>,
}

impl Clerk {
    /// Until the gateway ends.
    pub(crate) async fn work(mut self, mut shutdown: Shutdown) {
        let (mut tidied, mut took) = (Instant::now(), Duration::ZERO);
        loop {
            let wait = async {
                tokio::time::sleep((took * REST).clamp(PAUSE, LOOK)).await;
                let _ = timeout(LOOK, self.hub.poked()).await;
            };
            tokio::select! {
                () = wait => {}
                _ = last_words(&mut shutdown) => return,
            }
            let begun = Instant::now();
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the desk cannot look");
                tokio::time::sleep(LOOK).await;
            }
            took = begun.elapsed();
            if tidied.elapsed() > TIDY {
                tidied = Instant::now();
                if let Err(error) = self.hub.store.tidy(now(), KEEP).await {
                    tracing::warn!(%error, "old rows stay");
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let store = Arc::clone(&self.hub.store);
        let (workers, sessions) = (store.workers().await?, store.sessions().await?);
        let now = now();
        self.abandon(&workers, now);
        let desks: Vec<_> = workers.iter().map(|row| row.desk.clone()).collect();
        let seats: Vec<_> = sessions.into_iter().map(|row| row.seat).collect();
        let mut changed = false;
        let steps = desk(&self.spec, &self.rules, &desks, &seats, now);
        let moves = |of: &str| steps.iter().any(|step| matches!(step, DeskStep::Free { session, .. } if session == of));
        self.asked_back.retain(|session, _| moves(session));
        for step in steps {
            changed |= self.step(&step, &workers, &seats, now).await?;
        }
        for row in workers.iter().filter(|row| row.desk.worker.sessions == 0) {
            if row.desk.lost.is_some_and(|lost| now.since(lost) > self.spec.timing.dead) {
                store.forget(&row.desk.worker.token.0).await?;
                changed = true;
            }
        }
        if changed {
            self.hub.tell_change().await;
        }
        Ok(())
    }

    async fn step(
        &mut self,
        step: &DeskStep,
        workers: &[WorkerRow],
        seats: &[rr_fleet::Seat],
        now: rr_fleet::Time,
    ) -> Result<bool, StoreError> {
        let store = Arc::clone(&self.hub.store);
        match step {
            DeskStep::Place { session, worker } => {
                let done = store.lease(session, worker, now + self.rules.lease).await?;
                if done {
                    tracing::info!(session, %worker, "session placed");
                    self.note(now, What::SessionPlaced { session, worker: &worker.0 });
                    self.tell(workers, worker, ToWorker::SessionOpen { session: session.clone() }).await;
                }
                Ok(done)
            }
            // Its worker lives: it says what has changed last, and gives the session back itself.
            DeskStep::Free { session, worker, why: Freed::Moved } if !self.asked_back.contains_key(session) => {
                self.asked_back.insert(session.clone(), Instant::now());
                self.tell(workers, worker, ToWorker::SessionClose { session: session.clone() }).await;
                Ok(false)
            }
            DeskStep::Free { session, why: Freed::Moved, .. } if !self.is_overdue(session) => Ok(false),
            DeskStep::Free { session, worker, why } => {
                let done = store.free(session, worker).await?;
                if done {
                    tracing::info!(session, %worker, ?why, "session taken back");
                    self.note(now, What::SessionFreed { session, worker: &worker.0, reason: why.name() });
                    self.tell(workers, worker, ToWorker::SessionClose { session: session.clone() }).await;
                }
                Ok(done)
            }
            DeskStep::End { session, worker } => {
                let seat = seats.iter().find(|seat| seat.session == *session);
                let last = seat.map_or(now, |seat| seat.asked.max(seat.watched.unwrap_or_default()));
                let done = store.end(session, last).await?;
                if done {
                    tracing::info!(session, "session ended: nobody wants it");
                    self.note(
                        now,
                        What::SessionEnded { session, worker: worker.as_ref().map(|worker| worker.0.as_str()) },
                    );
                    if let Some(worker) = worker {
                        self.tell(workers, worker, ToWorker::SessionClose { session: session.clone() }).await;
                    }
                }
                Ok(done)
            }
        }
    }

    /// Its worker was asked long ago.
    fn is_overdue(&self, session: &str) -> bool {
        self.asked_back.get(session).is_none_or(|asked| asked.elapsed() > HANDOVER)
    }

    fn note(&self, now: rr_fleet::Time, what: What<'_>) {
        self.audit.write(&self.hub.replica, now, what);
    }

    async fn tell(&self, workers: &[WorkerRow], worker: &Token, message: ToWorker) {
        let at = workers.iter().find(|row| row.desk.worker.token == *worker).map_or("", |row| row.replica.as_str());
        self.hub.to_worker(at, &worker.0, message).await;
    }

    /// Viewers here of workers that did not come back within the grace are sent to others.
    fn abandon(&mut self, workers: &[WorkerRow], now: rr_fleet::Time) {
        let is_lost = |row: &&WorkerRow| row.desk.lost.is_some_and(|lost| now.since(lost) >= self.rules.grace);
        let lost: BTreeSet<Token> = workers.iter().filter(is_lost).map(|row| row.desk.worker.token.clone()).collect();
        for worker in lost.difference(&self.abandoned) {
            self.hub.abandon(&worker.0);
        }
        self.abandoned = lost;
    }
}

/// What the reconciler has to know of a gateway's workers and sessions. Blocks no one: it is read from the store.
///
/// # Errors
/// The store does not answer.
pub(crate) async fn observed(
    hub: &Hub,
    rules: &DeskRules,
    listening: rr_fleet::Time,
) -> Result<(Observed, Option<u32>), StoreError> {
    let workers = hub.store.workers().await?;
    let seats: Vec<_> = hub.store.sessions().await?.into_iter().map(|row| row.seat).collect();
    let capacity = workers.iter().map(|row| row.desk.capacity).filter(|capacity| *capacity > 0).min();
    let observed = Observed {
        machines: None,
        listening,
        workers: workers.into_iter().map(|row| row.desk.worker).collect(),
        waiting: waiting(rules, &seats, now()),
        drain: Vec::new(),
    };
    Ok((observed, capacity))
}
