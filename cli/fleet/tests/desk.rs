//! The desk at the door, alone and in thousands of simulated hours.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use rr_fleet::{
    Desk, DeskRules, DeskStep, FleetSpec, Freed, Money, Placed, Prices, Scaling, Seat, Time, Timing, Token, Worker,
    desk, queue_place, waiting,
};
use std::collections::BTreeMap;
use std::time::Duration;

const NOW: Time = Time(1_000_000);

fn spec() -> FleetSpec {
    FleetSpec {
        name: "hall".to_owned(),
        scaling: Scaling::Auto { min: 0, warm: 1 },
        max: 10,
        cost_cap: None,
        sessions_per_worker: 2,
        spot_share: 0,
        places: 1,
        prices: Prices { spot: Money(0), on_demand: Money(0) },
        timing: Timing::default(),
    }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn worker(name: &str, sessions: u32) -> Desk {
    let worker = Worker { token: Token(name.into()), seen: NOW, sessions, idle_since: NOW, notice: None };
    Desk { worker, capacity: 2, lost: None, draining: false }
}

fn seat(name: &str, opened: u64, at: Option<&str>) -> Seat {
    let placed = at.map(|worker| Placed { worker: Token(worker.into()), until: NOW + secs(30) });
    Seat { session: name.into(), opened: Time(opened), asked: NOW, watched: None, placed }
}

fn steps(desks: &[Desk], seats: &[Seat]) -> Vec<DeskStep> {
    desk(&spec(), &DeskRules::default(), desks, seats, NOW)
}

fn place(session: &str, worker: &str) -> DeskStep {
    DeskStep::Place { session: session.into(), worker: Token(worker.into()) }
}

fn free(session: &str, worker: &str, why: Freed) -> DeskStep {
    DeskStep::Free { session: session.into(), worker: Token(worker.into()), why }
}

#[test]
fn the_longest_waiting_comes_first_to_the_fullest_worker() {
    let seats = [seat("late", 30, None), seat("early", 10, None), seat("middle", 20, None)];
    let got = steps(&[worker("a", 0), worker("b", 1)], &seats);
    assert_eq!(got, [place("early", "b"), place("middle", "a"), place("late", "a")]);
    assert_eq!(steps(&[worker("a", 2)], &seats), []);
}

#[test]
fn workers_that_are_lost_silent_drained_or_noticed_get_nobody() {
    let one = [seat("s", 1, None)];
    let lost = Desk { lost: Some(NOW), ..worker("a", 0) };
    let draining = Desk { draining: true, ..worker("a", 0) };
    let silent = Desk { worker: Worker { seen: NOW - secs(16), ..worker("a", 0).worker }, ..worker("a", 0) };
    let noticed = Desk { worker: Worker { notice: Some(NOW), ..worker("a", 0).worker }, ..worker("a", 0) };
    for bad in [lost, draining, silent, noticed] {
        assert_eq!(steps(std::slice::from_ref(&bad), &one), [], "{bad:?}");
        assert_eq!(steps(&[bad, worker("b", 0)], &one), [place("s", "b")]);
    }
}

#[test]
fn a_lost_worker_keeps_its_session_until_somebody_asks_or_the_lease_ends() {
    let lost = |ago| Desk { lost: Some(NOW - secs(ago)), ..worker("a", 1) };
    assert_eq!(steps(&[lost(0), worker("b", 0)], &[seat("s", 1, Some("a"))]), [], "it may come back");
    let moved = [free("s", "a", Freed::Lost), place("s", "b")];
    assert_eq!(steps(&[lost(2), worker("b", 0)], &[seat("s", 1, Some("a"))]), moved);
    // Pictures flow, nobody asks: let them flow.
    let flowing = Seat { asked: NOW - secs(30), watched: Some(NOW - secs(3)), ..seat("s", 1, Some("a")) };
    assert_eq!(steps(&[lost(20), worker("b", 0)], std::slice::from_ref(&flowing)), []);
    let over = Seat { placed: Some(Placed { worker: Token("a".into()), until: NOW - secs(1) }), ..flowing };
    assert_eq!(steps(&[lost(20), worker("b", 0)], &[over])[0], free("s", "a", Freed::Expired));
    assert_eq!(steps(&[], &[seat("s", 1, Some("a"))]), [free("s", "a", Freed::Gone)]);
}

#[test]
fn sessions_leave_a_drained_worker_when_there_is_room() {
    let draining = Desk { draining: true, ..worker("a", 1) };
    let seats = [seat("s", 1, Some("a"))];
    assert_eq!(steps(std::slice::from_ref(&draining), &seats), [], "better here than nowhere");
    assert_eq!(steps(&[draining, worker("b", 1)], &seats), [free("s", "a", Freed::Moved), place("s", "b")]);
}

#[test]
fn what_nobody_wants_ends_and_makes_room() {
    let idle = Seat { asked: NOW - secs(61), ..seat("old", 1, Some("a")) };
    let end = DeskStep::End { session: "old".into(), worker: Some(Token("a".into())) };
    assert_eq!(steps(&[worker("a", 2)], &[idle, seat("new", 2, None)]), [end, place("new", "a")]);
    // Who went away while waiting holds nobody up.
    let away = Seat { asked: NOW - secs(10), ..seat("away", 1, None) };
    assert_eq!(steps(&[worker("a", 1)], &[away.clone(), seat("here", 2, None)]), [place("here", "a")]);
    assert_eq!(waiting(&DeskRules::default(), &[away, seat("here", 2, None)], NOW), 1);
}

#[test]
fn only_the_worker_says_that_nobody_watches() {
    let silent = |secs_ago| {
        let mut desk = worker("a", 1);
        desk.worker.seen = NOW - secs(secs_ago);
        desk
    };
    let old = Seat { asked: NOW - secs(70), ..seat("old", 1, Some("a")) };
    let end = DeskStep::End { session: "old".into(), worker: Some(Token("a".into())) };
    // Heard of last when somebody may still have been on the way in.
    assert_eq!(steps(&[silent(11)], std::slice::from_ref(&old)), []);
    assert_eq!(steps(&[Desk { lost: Some(NOW - secs(5)), ..silent(11) }], std::slice::from_ref(&old)), []);
    assert_eq!(steps(&[silent(9)], std::slice::from_ref(&old)), std::slice::from_ref(&end));
    // Whoever is silent for as long as a lease has nobody.
    let over = Seat { placed: Some(Placed { worker: Token("a".into()), until: NOW - secs(1) }), ..old.clone() };
    assert_eq!(steps(&[silent(11)], &[over]), std::slice::from_ref(&end));
    assert_eq!(steps(&[], &[old]), [end]);
}

#[test]
fn places_in_the_queue() {
    let opened = NOW.0 - 20_000;
    let seats = [seat("a", opened, None), seat("b", opened + 1, None), seat("c", opened, Some("w"))];
    let of = |session, boot| queue_place(&DeskRules::default(), &seats, session, boot, NOW);
    let place = of("b", Some(secs(60))).unwrap();
    assert_eq!((place.place, place.estimate.map(|time| time.as_secs())), (2, Some(40)));
    assert_eq!(of("a", None).map(|place| (place.place, place.estimate)), Some((1, None)));
    assert_eq!(of("c", None), None);
    assert_eq!(of("nobody", None), None);
    // A guess that was wrong is not a promise.
    assert_eq!(of("a", Some(secs(10))).unwrap().estimate, Some(secs(5)));
}

/// splitmix64, so that a seed is a whole story.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

/// Workers and tablets, second by second; the faults stop at half time.
struct World {
    random: Random,
    now: Time,
    desks: Vec<Desk>,
    seats: BTreeMap<String, Seat>,
    names: u32,
    /// Sessions that a tablet wants or watches, and when it began to wait.
    tablets: BTreeMap<String, Option<Time>>,
    longest_wait: Duration,
}

impl World {
    fn new(seed: u64) -> Self {
        let (random, now) = (Random(seed), Time(10_000_000));
        let mut world = Self {
            random,
            now,
            desks: Vec::new(),
            seats: BTreeMap::new(),
            names: 0,
            tablets: BTreeMap::new(),
            longest_wait: Duration::ZERO,
        };
        (0..4).for_each(|_| world.add_worker());
        world
    }

    fn add_worker(&mut self) {
        self.names += 1;
        let worker = Worker {
            token: Token(format!("w{}", self.names)),
            seen: self.now,
            sessions: 0,
            idle_since: self.now,
            notice: None,
        };
        self.desks.push(Desk { worker, capacity: 2, lost: None, draining: false });
    }

    fn second(&mut self, faults: bool) {
        self.now = self.now + secs(1);
        let now = self.now;
        if self.tablets.len() < 8 && self.random.one_in(5) {
            self.names += 1;
            self.tablets.insert(format!("s{}", self.names), Some(now));
        }
        if self.random.one_in(20)
            && let Some(name) = self.tablets.keys().next().cloned()
        {
            self.tablets.remove(&name);
        }
        for at in 0..self.desks.len() {
            if faults && self.random.one_in(40) {
                let desk = &mut self.desks[at];
                desk.lost = if desk.lost.is_some() { None } else { Some(now) };
            } else if faults && self.random.one_in(200) {
                self.desks[at].draining = true;
            }
        }
        if faults && self.random.one_in(100) {
            let at = usize::try_from(self.random.next()).unwrap_or_default() % self.desks.len();
            self.desks.remove(at);
        }
        if !faults {
            self.desks.iter_mut().for_each(|desk| desk.lost = None);
            self.desks.retain(|desk| !desk.draining || desk.worker.sessions > 0);
        }
        while self.desks.iter().filter(|desk| !desk.draining).count() < 4 {
            self.add_worker();
        }
        // Workers that are heard renew their leases; tablets ask until they watch.
        for desk in self.desks.iter_mut().filter(|desk| desk.lost.is_none()) {
            desk.worker.seen = now;
        }
        let heard = |desks: &[Desk], worker: &Token| {
            desks.iter().any(|desk| desk.worker.token == *worker && desk.lost.is_none())
        };
        for (name, since) in &mut self.tablets {
            let opened = now;
            let seat = self.seats.entry(name.clone()).or_insert_with(|| Seat {
                session: name.clone(),
                opened,
                asked: now,
                watched: None,
                placed: None,
            });
            let watches = seat.placed.as_ref().is_some_and(|placed| heard(&self.desks, &placed.worker));
            if watches {
                if let Some(since) = since.take() {
                    self.longest_wait = self.longest_wait.max(now.since(since));
                }
                seat.watched = Some(now);
            } else {
                since.get_or_insert(now);
                seat.asked = now;
            }
        }
        let rules = DeskRules::default();
        for seat in self.seats.values_mut() {
            if let Some(placed) = seat.placed.as_mut().filter(|placed| heard(&self.desks, &placed.worker)) {
                placed.until = now + rules.lease;
            }
        }
        // Two replicas decide by the same sight; the second finds everything done.
        let seats: Vec<Seat> = self.seats.values().cloned().collect();
        let steps = desk(&spec(), &rules, &self.desks, &seats, now);
        for step in steps.iter().chain(&steps) {
            self.take(step);
        }
        self.check();
    }

    /// As a store does: only what still can be done.
    fn take(&mut self, step: &DeskStep) {
        let until = self.now + DeskRules::default().lease;
        match step {
            DeskStep::Place { session, worker } => {
                let Some(seat) = self.seats.get_mut(session).filter(|seat| seat.placed.is_none()) else { return };
                let room = |desk: &&mut Desk| {
                    desk.worker.token == *worker
                        && desk.worker.sessions < desk.capacity
                        && !desk.draining
                        && desk.lost.is_none()
                };
                if let Some(desk) = self.desks.iter_mut().find(room) {
                    desk.worker.sessions += 1;
                    seat.placed = Some(Placed { worker: worker.clone(), until });
                }
            }
            DeskStep::Free { session, worker, .. } => {
                let seat = self.seats.get_mut(session);
                if let Some(seat) =
                    seat.filter(|seat| seat.placed.as_ref().is_some_and(|placed| placed.worker == *worker))
                {
                    seat.placed = None;
                    self.give_back(worker);
                }
            }
            DeskStep::End { session, .. } => {
                if let Some(placed) = self.seats.remove(session).and_then(|seat| seat.placed) {
                    self.give_back(&placed.worker);
                }
            }
        }
    }

    fn give_back(&mut self, worker: &Token) {
        for desk in self.desks.iter_mut().filter(|desk| desk.worker.token == *worker) {
            desk.worker.sessions -= 1;
        }
    }

    fn check(&self) {
        for desk in &self.desks {
            let token = &desk.worker.token;
            let placed = |seat: &&Seat| seat.placed.as_ref().is_some_and(|placed| placed.worker == *token);
            let count = u32::try_from(self.seats.values().filter(placed).count()).unwrap();
            assert_eq!(count, desk.worker.sessions, "{token} is miscounted");
            assert!(count <= desk.capacity, "{token} has {count} sessions");
        }
        assert!(self.seats.len() < 200, "sessions pile up");
    }
}

#[test]
fn whatever_fails_nobody_has_too_many_and_everybody_is_served_in_the_end() {
    for seed in 0..2_000 {
        let mut world = World::new(seed);
        (0..120).for_each(|_| world.second(true));
        world.longest_wait = Duration::ZERO;
        // Four good workers have eight places, and there are eight tablets at most.
        (0..120).for_each(|_| world.second(false));
        for (session, since) in &world.tablets {
            let waits = since.map_or(Duration::ZERO, |since| world.now.since(since));
            assert!(waits < secs(70), "seed {seed}: {session} waits for {waits:?}");
        }
    }
}
