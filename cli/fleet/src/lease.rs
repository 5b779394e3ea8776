//! Which worker takes a session.

use crate::{FleetSpec, Phase, Records, Time, Token, Worker};

/// Why there is no place for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Every worker is full; more are wanted or on their way.
    Full,
    /// No worker is there yet.
    NoWorkers,
}

/// The worker for the next session: of those that were heard of and will stay, the fullest with room, so that others
/// become empty and can go.
///
/// # Errors
/// Nobody has room.
pub fn place_session(spec: &FleetSpec, records: &Records, workers: &[Worker], now: Time) -> Result<Token, Refusal> {
    let stays = |worker: &&Worker| records.get(&worker.token).is_some_and(|record| record.phase == Phase::Up);
    let well = |worker: &&Worker| now.since(worker.seen) < spec.timing.quarantine && worker.notice.is_none();
    let mut some = false;
    let usable = workers.iter().filter(stays).filter(well).inspect(|_| some = true);
    let with_room = usable.filter(|worker| worker.sessions < spec.sessions_per_worker);
    match fullest(with_room) {
        Some(worker) => Ok(worker.token.clone()),
        None if some => Err(Refusal::Full),
        None => Err(Refusal::NoWorkers),
    }
}

/// The one that has most, so that others become empty and can go.
pub(crate) fn fullest<'a>(workers: impl Iterator<Item = &'a Worker>) -> Option<&'a Worker> {
    workers.max_by_key(|worker| (worker.sessions, std::cmp::Reverse(&worker.token)))
}
