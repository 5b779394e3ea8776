//! Figures of whole fleets in virtual time: how long people wait, and what an hour of theirs costs. The desk and the
//! reconciler are those of the gateway; people, machines and the spot market are made up here, by these rules:
//!
//! - A thousand people come within the first half hour. Each works for 20 to 70 minutes, is away for 10 to 40, and so on,
//!   for five hours.
//! - A machine boots within 60 to 120 s and serves two sessions.
//! - The market takes back 5 % of the spot machines an hour, each with a notice of two minutes.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "figures")]

use rr_fleet::{
    Action, Desk, DeskRules, DeskStep, FleetSpec, Machine, MachineId, MachineState, Market, Money, Observed, Placed,
    Prices, Records, Scaling, Seat, Time, Timing, Token, Worker, desk, reconcile, waiting,
};
use std::collections::BTreeMap;
use std::time::Duration;

const STEP: Duration = Duration::from_secs(1);
const BEGIN: Time = Time(1_000_000_000);

/// splitmix64, so that a run can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn secs(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_secs(from + self.next() % (to - from))
    }

    /// Once in so long on average.
    fn happens(&mut self, per_hour: f64) -> bool {
        ((self.next() >> 11) as f64 / (1u64 << 53) as f64) < per_hour * STEP.as_secs_f64() / 3600.0
    }
}

struct Person {
    name: String,
    /// Works until then, or comes back then.
    until: Time,
    works: bool,
    /// Since when they wait for a picture, and whether they had one before.
    waits: Option<(Time, bool)>,
}

struct Rented {
    machine: Machine,
    boots: Time,
    notice: Option<Time>,
    ends: Option<Time>,
}

/// What came out.
#[derive(Default)]
struct Figures {
    first: Vec<Duration>,
    moved: Vec<Duration>,
    worked: Duration,
    cost: f64,
    most: usize,
    interrupted: u32,
}

struct World {
    spec: FleetSpec,
    random: Random,
    now: Time,
    people: Vec<Person>,
    rented: Vec<Rented>,
    desks: BTreeMap<Token, Desk>,
    seats: BTreeMap<String, Seat>,
    records: Records,
    serial: u32,
    lost_per_hour: f64,
    figures: Figures,
}

impl World {
    fn new(spec: FleetSpec, lost_per_hour: f64) -> Self {
        Self {
            spec,
            random: Random(5),
            now: BEGIN,
            people: Vec::new(),
            rented: Vec::new(),
            desks: BTreeMap::new(),
            seats: BTreeMap::new(),
            records: Records::default(),
            serial: 0,
            lost_per_hour,
            figures: Figures::default(),
        }
    }

    /// Somebody comes within so long, for as long as they like.
    fn invite(&mut self, count: u32, within: Duration) {
        for n in 0..count {
            let until = self.now + self.random.secs(0, within.as_secs().max(1));
            self.people.push(Person { name: format!("u{n:04}"), until, works: false, waits: None });
        }
    }

    fn step(&mut self) {
        self.now = self.now + STEP;
        self.machines();
        self.people();
        let seats: Vec<Seat> = self.seats.values().cloned().collect();
        let desks: Vec<Desk> = self.desks.values().cloned().collect();
        for step in desk(&self.spec, &rules(), &desks, &seats, self.now) {
            self.take(&step);
        }
        self.reconcile();
    }

    fn machines(&mut self) {
        let now = self.now;
        for rented in &mut self.rented {
            let token = &rented.machine.token;
            let runs = rented.machine.state == MachineState::Running;
            if runs && rented.machine.market == Market::Spot && rented.notice.is_none() {
                rented.notice = self.random.happens(self.lost_per_hour).then(|| now + Duration::from_secs(120));
            }
            if rented.machine.state == MachineState::Pending && now >= rented.boots {
                rented.machine.state = MachineState::Running;
                let worker = Worker { token: token.clone(), seen: now, sessions: 0, idle_since: now, notice: None };
                let capacity = self.spec.sessions_per_worker;
                self.desks.insert(token.clone(), Desk { worker, capacity, lost: None, draining: false });
            }
            if rented.ends.or(rented.notice).is_some_and(|at| now >= at) {
                rented.machine.state = MachineState::Gone;
                self.desks.remove(token);
                continue;
            }
            self.figures.cost += self.spec.prices.of(rented.machine.market).as_dollars() * STEP.as_secs_f64() / 3600.0;
            if let Some(desk) = self.desks.get_mut(token) {
                desk.worker.seen = now;
                desk.worker.notice = rented.notice;
                if desk.worker.sessions > 0 {
                    desk.worker.idle_since = now;
                }
            }
        }
        self.rented.retain(|rented| rented.machine.state != MachineState::Gone);
        self.figures.most = self.figures.most.max(self.rented.len());
    }

    fn people(&mut self) {
        let now = self.now;
        for person in &mut self.people {
            if now >= person.until {
                person.works = !person.works;
                let time = if person.works { self.random.secs(1200, 4200) } else { self.random.secs(600, 2400) };
                (person.until, person.waits) = (now + time, person.works.then_some((now, false)));
            }
            if !person.works {
                continue;
            }
            let seat = self.seats.entry(person.name.clone()).or_insert_with(|| Seat {
                session: person.name.clone(),
                opened: now,
                asked: now,
                watched: None,
                placed: None,
            });
            let served = seat.placed.as_mut().filter(|placed| self.desks.contains_key(&placed.worker));
            let Some(placed) = served else {
                seat.asked = now;
                person.waits.get_or_insert((now, true));
                continue;
            };
            placed.until = now + rules().lease;
            seat.watched = Some(now);
            self.figures.worked += STEP;
            match person.waits.take() {
                Some((since, false)) => self.figures.first.push(now.since(since)),
                Some((since, true)) => self.figures.moved.push(now.since(since)),
                None => {}
            }
        }
    }

    fn take(&mut self, step: &DeskStep) {
        let give_back = |desks: &mut BTreeMap<Token, Desk>, worker: &Token| {
            desks.entry(worker.clone()).and_modify(|desk| desk.worker.sessions -= 1);
        };
        match step {
            DeskStep::Place { session, worker } => {
                let until = self.now + rules().lease;
                let (Some(seat), Some(desk)) = (self.seats.get_mut(session), self.desks.get_mut(worker)) else {
                    return;
                };
                desk.worker.sessions += 1;
                seat.placed = Some(Placed { worker: worker.clone(), until });
            }
            DeskStep::Free { session, worker, .. } => {
                self.figures.interrupted += 1;
                give_back(&mut self.desks, worker);
                self.seats.entry(session.clone()).and_modify(|seat| seat.placed = None);
            }
            DeskStep::End { session, .. } => {
                if let Some(placed) = self.seats.remove(session).and_then(|seat| seat.placed) {
                    give_back(&mut self.desks, &placed.worker);
                }
            }
        }
    }

    fn reconcile(&mut self) {
        let seats: Vec<Seat> = self.seats.values().cloned().collect();
        let observed = Observed {
            machines: Some(self.rented.iter().map(|rented| rented.machine.clone()).collect()),
            listening: BEGIN,
            workers: self.desks.values().map(|desk| desk.worker.clone()).collect(),
            waiting: waiting(&rules(), &seats, self.now),
            drain: Vec::new(),
        };
        self.records.look(self.now, &observed);
        let serial = &mut self.serial;
        let fresh = || {
            *serial += 1;
            Token(format!("t{serial:06}"))
        };
        for action in reconcile(&self.spec, &self.records, &observed, self.now, fresh) {
            self.records.begin(self.now, &action);
            match action {
                Action::Create { token, market, place } => {
                    let id = MachineId(format!("i-{token}"));
                    let (state, launched) = (MachineState::Pending, self.now);
                    let machine = Machine { id: id.clone(), token: token.clone(), state, market, place, launched };
                    let boots = self.now + self.random.secs(60, 120);
                    self.rented.push(Rented { machine, boots, notice: None, ends: None });
                    self.records.created(&token, id);
                }
                Action::Drain { token, .. } => _ = self.desks.entry(token).and_modify(|desk| desk.draining = true),
                Action::Terminate { token, .. } => {
                    for rented in self.rented.iter_mut().filter(|rented| rented.machine.token == token) {
                        rented.machine.state = MachineState::Ending;
                        rented.ends = Some(self.now + Duration::from_secs(20));
                    }
                }
                Action::Adopt { .. } | Action::Forget { .. } => {}
            }
        }
    }
}

fn rules() -> DeskRules {
    DeskRules::default()
}

fn spec(warm: u32, spot_share: u32) -> FleetSpec {
    FleetSpec {
        name: "day".to_owned(),
        scaling: Scaling::Auto { min: warm, warm },
        max: 500,
        cost_cap: None,
        sessions_per_worker: 2,
        spot_share,
        places: 3,
        // g5.xlarge in us-east-1, on demand; spot is a guess within its usual range.
        prices: Prices { spot: Money(450_000), on_demand: Money(1_006_000) },
        timing: Timing::default(),
    }
}

fn quantile(all: &mut [Duration], share: f64) -> f64 {
    all.sort();
    let at = ((all.len() as f64 * share) as usize).min(all.len().saturating_sub(1));
    all.get(at).map_or(0.0, Duration::as_secs_f64)
}

fn day(warm: u32, spot_share: u32) {
    let mut world = World::new(spec(warm, spot_share), 0.05);
    // The pool is there when people come.
    (0..300).for_each(|_| world.step());
    world.figures = Figures::default();
    world.invite(1000, Duration::from_secs(1800));
    let hours = 5.0;
    let steps = (hours * 3600.0 / STEP.as_secs_f64()) as u32;
    (0..steps).for_each(|_| world.step());
    let Figures { mut first, mut moved, worked, cost, most, interrupted } = world.figures;
    let worked = worked.as_secs_f64() / 3600.0;
    let alone = 1000.0 * hours * world.spec.prices.on_demand.as_dollars();
    println!(
        "{warm:3} warm, {spot_share:3} % spot: {:4} waits of {} people: P50 {:3.0} s, P95 {:3.0} s, longest {:3.0} s; \
         {most} machines at most; ${:.3} a user-hour (own machine each, on demand: ${:.3}, x{:.1})",
        first.len(),
        world.people.len(),
        quantile(&mut first, 0.5),
        quantile(&mut first, 0.95),
        quantile(&mut first, 1.0),
        cost / worked,
        alone / worked,
        alone / cost,
    );
    if interrupted > 0 {
        println!(
            "                    {interrupted} sessions moved; without a machine meanwhile: {} of them, P95 {:.0} s, longest {:.0} s",
            moved.iter().filter(|time| **time > STEP).count(),
            quantile(&mut moved, 0.95),
            quantile(&mut moved, 1.0),
        );
    }
}

fn rush(warm: u32) {
    let mut world = World::new(spec(warm, 0), 0.0);
    (0..300).for_each(|_| world.step());
    world.figures = Figures::default();
    world.invite(100, STEP);
    let begun = world.now;
    while world.figures.first.len() < 100 {
        world.step();
    }
    let all = world.now.since(begun).as_secs();
    println!(
        "{warm:3} warm: 100 people at once: half of them after {:.0} s, all after {all} s",
        quantile(&mut world.figures.first, 0.5)
    );
}

fn main() {
    println!("A working day of 1,000 people and 500 machines at most, two sessions each; a boot takes 60 to 120 s:");
    for (warm, spot_share) in [(2, 0), (10, 0), (25, 0), (25, 70), (25, 100)] {
        day(warm, spot_share);
    }
    println!("From nobody to 100 people:");
    for warm in [2, 10, 50] {
        rush(warm);
    }
}
