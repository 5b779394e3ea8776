//! People who come again, after a broken connection or because the session goes on at another host: they are known by a key
//! that only they and the session have, and get back their name, their camera and, while nobody else took it, control.

use crate::participants::{ParticipantId, guest_name, shown_name};
use crate::session::Session;
use rr_scene::{Camera, Role};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How long somebody may stay away: longer than a reconnect or the start of a machine takes.
pub const RETURNS_WITHIN: Duration = Duration::from_secs(600);
/// People who are waited for at most; the longest gone go first.
const MOST_ABSENT: usize = 64;
/// Longest key, bytes.
const MAX_KEY_LEN: usize = 64;

/// What somebody gets back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seat {
    /// Theirs alone.
    pub key: String,
    /// As shown to others.
    pub name: String,
    /// They steered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub presents: bool,
    /// Their own camera, where they had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_camera: Option<Camera>,
}

/// Somebody who may come again.
#[derive(Debug)]
pub(crate) struct Absent {
    seat: Seat,
    until: Instant,
}

/// Who comes.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// Their own wish; empty: they are given one.
    pub name: &'a str,
    /// What they may do.
    pub role: Role,
    /// By which they are known when they come again.
    pub key: Option<&'a str>,
}

impl Session {
    /// Somebody comes, perhaps again. Whoever was here with the same key is that same person, whose connection is broken:
    /// they have left then, and are returned.
    pub fn come(&mut self, now: Instant, newcomer: Newcomer<'_>) -> (ParticipantId, Option<ParticipantId>) {
        let key = newcomer.key.filter(|key| !key.is_empty() && key.len() <= MAX_KEY_LEN);
        let same = key.and_then(|key| self.participants.values().find(|p| p.key.as_deref() == Some(key)).map(|p| p.id));
        if let Some(same) = same {
            self.leave(now, same);
        }
        let seat = key.and_then(|key| self.take_seat(now, key));
        (self.enter(newcomer, key, seat), same)
    }

    /// Somebody comes who will not be known when they come again.
    pub fn join(&mut self, name: &str, role: Role) -> ParticipantId {
        self.enter(Newcomer { name, role, key: None }, None, None)
    }

    fn enter(&mut self, newcomer: Newcomer<'_>, key: Option<&str>, seat: Option<Seat>) -> ParticipantId {
        let id = self.add(newcomer.role, key);
        let name = match (&seat, shown_name(newcomer.name)) {
            (_, Some(name)) => name,
            (Some(seat), None) => seat.name.clone(),
            (None, None) => guest_name(id, |name| self.is_called(name)),
        };
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.name = name;
        }
        if let Some(seat) = seat {
            self.sit(id, newcomer.role, &seat);
        }
        id
    }

    /// Gives back what others, the owner and the role allow by now.
    fn sit(&mut self, id: ParticipantId, role: Role, seat: &Seat) {
        if seat.presents && self.presenter.is_none() && role >= Role::Engineer {
            self.presenter = Some(id);
        }
        if let Some(camera) = seat.own_camera.filter(Camera::is_valid)
            && self.set_own_camera(id, role, true).is_ok()
        {
            self.views.put(id, camera);
        }
    }

    fn is_called(&self, name: &str) -> bool {
        self.participants.values().any(|p| p.name == name) || self.absent.iter().any(|a| a.seat.name == name)
    }

    fn take_seat(&mut self, now: Instant, key: &str) -> Option<Seat> {
        self.absent.retain(|absent| absent.until > now);
        let place = self.absent.iter().position(|absent| absent.seat.key == key)?;
        self.absent.remove(place).map(|absent| absent.seat)
    }

    fn seat_of(&self, id: ParticipantId) -> Option<Seat> {
        let participant = self.participants.get(&id)?;
        Some(Seat {
            key: participant.key.clone()?,
            name: participant.name.clone(),
            presents: self.presenter == Some(id),
            own_camera: self.views.own_camera(id),
        })
    }

    /// Before anything of theirs is gone.
    pub(crate) fn keep_seat(&mut self, now: Instant, id: ParticipantId) {
        if let Some(seat) = self.seat_of(id) {
            self.wait_for(seat, now + RETURNS_WITHIN);
        }
    }

    fn wait_for(&mut self, seat: Seat, until: Instant) {
        if self.absent.len() == MOST_ABSENT {
            self.absent.pop_front();
        }
        self.absent.push_back(Absent { seat, until });
    }

    /// Of everybody who is here or may come again.
    pub(crate) fn seats(&self) -> Vec<Seat> {
        let absent = self.absent.iter().map(|absent| absent.seat.clone());
        absent.chain(self.participants.keys().filter_map(|id| self.seat_of(*id))).collect()
    }

    /// People of another host, who come now.
    pub(crate) fn wait_for_all(&mut self, now: Instant, seats: &[Seat]) {
        self.absent.clear();
        let is_key = |seat: &&Seat| !seat.key.is_empty() && seat.key.len() <= MAX_KEY_LEN;
        for seat in seats.iter().filter(is_key) {
            let name = shown_name(&seat.name).unwrap_or_default();
            self.wait_for(Seat { name, ..seat.clone() }, now + RETURNS_WITHIN);
        }
    }
}
