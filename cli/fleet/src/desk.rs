//! The desk at the gateway's door: which session is served by which worker, who waits, and for how long.
//!
//! ```text
//! wanted ─► waiting (in the order of wanting) ─► placed on a worker, by a lease ─► ended
//!              ▲                                    │ the worker is lost, or the lease ran out
//!              └────────────────────────────────────┘
//! ```
//!
//! As [`crate::reconcile`], it only says what to do: a store does it, and looks again whether it can still be done, since
//! several gateways may decide at the same time.

use crate::lease::fullest;
use crate::{FleetSpec, Time, Token, Worker};
use std::time::Duration;

/// How long things may take at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeskRules {
    /// A lease that its worker did not renew for so long is over.
    pub lease: Duration,
    /// A worker that is lost loses its sessions after this, when somebody wants in.
    pub grace: Duration,
    /// A session goes when its worker says that nobody watches, and nobody wanted in for so long.
    pub linger: Duration,
    /// Who did not ask for so long does not wait any more.
    pub asks: Duration,
}

impl Default for DeskRules {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { lease: seconds(60), grace: seconds(1), linger: seconds(60), asks: seconds(5) }
    }
}

/// A worker as the desk sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// As the fleet knows it; `sessions` are leases.
    pub worker: Worker,
    /// Most sessions.
    pub capacity: u32,
    /// Since when its connection is gone.
    pub lost: Option<Time>,
    /// It gets no more.
    pub draining: bool,
}

/// A session that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Its name.
    pub session: String,
    /// When it was wanted first: the queue's order. Kept when it comes back to the queue.
    pub opened: Time,
    /// When somebody last wanted in.
    pub asked: Time,
    /// When it was last watched, if ever.
    pub watched: Option<Time>,
    /// Where it is served.
    pub placed: Option<Placed>,
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// By whom.
    pub worker: Token,
    /// Until when, unless the worker renews it.
    pub until: Time,
}

/// Why a session loses its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freed {
    /// The worker's connection is gone.
    Lost,
    /// Nobody renewed the lease.
    Expired,
    /// There is no such worker any more.
    Gone,
    /// The worker will go, and another has room.
    Moved,
}

impl Freed {
    /// For logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::Moved => "moved",
        }
    }
}

/// What to do about a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskStep {
    /// Lease it to the worker.
    Place {
        /// Which.
        session: String,
        /// To whom.
        worker: Token,
    },
    /// Take it back: it waits again, at its place.
    Free {
        /// Which.
        session: String,
        /// From whom.
        worker: Token,
        /// For the log.
        why: Freed,
    },
    /// Nobody needs it.
    End {
        /// Which.
        session: String,
        /// Where it was served.
        worker: Option<Token>,
    },
}

/// Where a waiting session stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuePlace {
    /// 1: the next one.
    pub place: u32,
    /// How long it may take; `None` where nothing is known.
    pub estimate: Option<Duration>,
}

impl Seat {
    fn is_wanted(&self, rules: &DeskRules, now: Time) -> bool {
        now.since(self.asked) <= rules.asks
    }

    /// Nobody has wanted or watched it for so long. Who watches is said by its worker: what that one did not say yet, since
    /// it is busy or its connection broke for a moment, is no reason to send people away. The lease ends that.
    fn is_idle(&self, rules: &DeskRules, desks: &[Desk], now: Time) -> bool {
        let served = self.placed.as_ref().filter(|placed| now <= placed.until);
        let by = served.and_then(|placed| desks.iter().find(|desk| desk.worker.token == placed.worker));
        let said = by.map_or(now, |desk| desk.worker.seen.min(now));
        said.since(self.watched.map_or(self.asked, |watched| watched.max(self.asked))) > rules.linger
    }
}

impl Desk {
    /// Takes new sessions.
    #[must_use]
    pub fn is_well(&self, spec: &FleetSpec, now: Time) -> bool {
        self.lost.is_none()
            && !self.draining
            && self.worker.notice.is_none()
            && now.since(self.worker.seen) < spec.timing.quarantine
    }
}

/// What to do now, in order. Each step is right when those before it were done; one that could not be done is decided
/// anew by the next look.
#[must_use]
pub fn desk(spec: &FleetSpec, rules: &DeskRules, desks: &[Desk], seats: &[Seat], now: Time) -> Vec<DeskStep> {
    let mut steps = Vec::new();
    let mut desks = desks.to_vec();
    let mut waiting: Vec<&Seat> = Vec::new();
    for seat in seats {
        let session = seat.session.clone();
        if seat.is_idle(rules, &desks, now) {
            let worker = seat.placed.as_ref().map(|placed| placed.worker.clone());
            give_back(&mut desks, worker.as_ref());
            steps.push(DeskStep::End { session, worker });
            continue;
        }
        let Some(placed) = &seat.placed else {
            waiting.push(seat);
            continue;
        };
        let wanted = seat.is_wanted(rules, now);
        let why = match desks.iter().find(|desk| desk.worker.token == placed.worker) {
            _ if now > placed.until => Some(Freed::Expired),
            None => Some(Freed::Gone),
            Some(desk) if wanted && desk.lost.is_some_and(|lost| now.since(lost) >= rules.grace) => Some(Freed::Lost),
            Some(desk) if desk.draining || desk.worker.notice.is_some() => {
                let elsewhere = desks.iter().any(|other| other.is_well(spec, now) && other.has_room());
                elsewhere.then_some(Freed::Moved)
            }
            Some(_) => None,
        };
        if let Some(why) = why {
            give_back(&mut desks, Some(&placed.worker));
            steps.push(DeskStep::Free { session, worker: placed.worker.clone(), why });
            waiting.push(seat);
        }
    }
    waiting.sort_by_key(|seat| (seat.opened, &seat.session));
    // Who went away keeps the place in the queue for a while, but takes no worker.
    for seat in waiting.into_iter().filter(|seat| seat.is_wanted(rules, now) || seat.placed.is_some()) {
        let free = desks.iter().filter(|desk| desk.is_well(spec, now) && desk.has_room()).map(|desk| &desk.worker);
        let Some(worker) = fullest(free).map(|worker| worker.token.clone()) else { break };
        for desk in desks.iter_mut().filter(|desk| desk.worker.token == worker) {
            desk.worker.sessions += 1;
        }
        steps.push(DeskStep::Place { session: seat.session.clone(), worker });
    }
    steps
}

impl Desk {
    fn has_room(&self) -> bool {
        self.worker.sessions < self.capacity
    }
}

fn give_back(desks: &mut [Desk], worker: Option<&Token>) {
    for desk in desks.iter_mut().filter(|desk| Some(&desk.worker.token) == worker) {
        desk.worker.sessions = desk.worker.sessions.saturating_sub(1);
    }
}

/// Sessions that wait and are still wanted: what the fleet has to grow for.
#[must_use]
pub fn waiting(rules: &DeskRules, seats: &[Seat], now: Time) -> u32 {
    let waits = seats.iter().filter(|seat| seat.placed.is_none() && seat.is_wanted(rules, now));
    u32::try_from(waits.count()).unwrap_or(u32::MAX)
}

/// Where a session stands in the queue; `None` when it does not wait. `boot` is how long a worker takes to come, where
/// more of them may come: that many sessions as one worker serves are served by each.
#[must_use]
pub fn queue_place(
    rules: &DeskRules,
    seats: &[Seat],
    session: &str,
    boot: Option<Duration>,
    now: Time,
) -> Option<QueuePlace> {
    let me = seats.iter().find(|seat| seat.session == session && seat.placed.is_none())?;
    let before = |seat: &&Seat| {
        seat.placed.is_none() && seat.is_wanted(rules, now) && (seat.opened, &seat.session) < (me.opened, &me.session)
    };
    let place = u32::try_from(seats.iter().filter(before).count()).unwrap_or(u32::MAX).saturating_add(1);
    Some(QueuePlace::after(place.saturating_sub(1), me, boot, now))
}

impl QueuePlace {
    /// Of a session that waits behind so many others.
    #[must_use]
    pub fn after(before: u32, seat: &Seat, boot: Option<Duration>, now: Time) -> Self {
        let waited = now.since(seat.opened);
        let estimate = boot.map(|boot| boot.saturating_sub(waited).max(Duration::from_secs(5)));
        Self { place: before.saturating_add(1), estimate }
    }
}
