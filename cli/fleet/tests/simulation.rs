//! A fleet in virtual time, with a cloud that fails in every way that clouds do, thousands of times over.
//!
//! What must hold at every moment: never more machines than the maximum and never more money than the cap, and no session
//! is placed on a worker that is to go. What must hold in the end, some time after the faults have stopped: as many
//! workers serve as are wanted, every machine has a record and every record a machine, and every session a worker.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use rr_fleet::{
    Action, CreateFailure, FleetSpec, Machine, MachineId, MachineState, Market, Money, Observed, Phase, Prices,
    Records, Scaling, Time, Timing, Token, Worker, place_session, reconcile, wanted,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Small, repeatable random numbers (xorshift64*).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end.max(1)
    }

    fn chance(&mut self, of_thousand: u64) -> bool {
        self.below(1_000) < of_thousand
    }
}

const STEP: Duration = Duration::from_secs(5);

/// A machine as it really is.
struct Real {
    machine: Machine,
    /// When lists show it.
    visible: Time,
    boots: Time,
    /// It never comes up, or its process has died.
    broken: bool,
    /// Cut off from the gateway until then.
    cut: Time,
    notice: Option<Time>,
    ends: Option<Time>,
    sessions: u32,
    idle_since: Time,
    heard: Option<Time>,
}

struct World {
    seed: u64,
    rng: Rng,
    spec: FleetSpec,
    now: Time,
    faulty: bool,
    cloud: Vec<Real>,
    records: Records,
    listening: Time,
    waiting: u32,
    serial: u64,
    /// No list can be had until then; the decider is down until then.
    blind: Time,
    down: Time,
    dry: BTreeMap<(Market, u32), Time>,
    drains: Vec<Token>,
    placed: u64,
    asked: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        rng.next();
        let max = 1 + rng.below(12) as u32;
        let scaling = if rng.chance(500) {
            Scaling::Fixed(rng.below(u64::from(max) + 1) as u32)
        } else {
            Scaling::Auto {
                min: rng.below(3).min(u64::from(max)) as u32,
                warm: rng.below(3).min(u64::from(max)) as u32,
            }
        };
        let cap = rng.chance(400).then(|| Money(500_000 + rng.below(10_000_000)));
        let spec = FleetSpec {
            name: "sim".to_owned(),
            scaling,
            max,
            cost_cap: cap,
            sessions_per_worker: 1 + rng.below(4) as u32,
            spot_share: rng.below(101) as u32,
            places: 1 + rng.below(3) as u32,
            prices: Prices { spot: Money(400_000), on_demand: Money(1_000_000) },
            timing: Timing::default(),
        };
        Self {
            seed,
            rng,
            spec,
            now: Time(1_000_000_000),
            faulty: true,
            cloud: Vec::new(),
            records: Records::default(),
            listening: Time(1_000_000_000),
            waiting: 0,
            serial: 0,
            blind: Time(0),
            down: Time(0),
            dry: BTreeMap::new(),
            drains: Vec::new(),
            placed: 0,
            asked: 0,
        }
    }

    fn later(&mut self, most_secs: u64) -> Time {
        let secs = self.rng.below(most_secs);
        self.now + Duration::from_secs(secs)
    }

    /// What clouds, networks and people do.
    fn happen(&mut self) {
        let now = self.now;
        if self.faulty {
            if self.rng.chance(8) {
                self.blind = self.later(240);
            }
            if self.rng.chance(5) {
                // A gateway that is down hears nobody.
                self.down = self.later(400);
                self.listening = self.down;
            }
            if self.rng.chance(10) {
                let market = if self.rng.chance(700) { Market::Spot } else { Market::OnDemand };
                let place = self.rng.below(u64::from(self.spec.places)) as u32;
                let until = self.later(900);
                self.dry.insert((market, place), until);
            }
            // Somebody's laptop was lost, and the store with it. Some machine shows that there was a fleet.
            let shown = self.cloud.iter().any(|real| now >= real.visible);
            if self.rng.chance(2) && (shown || self.cloud.is_empty()) {
                self.records = Records::default();
            }
        }
        for index in 0..self.cloud.len() {
            if self.faulty && self.rng.chance(3) {
                self.cloud[index].broken = true;
            }
            if self.faulty && self.rng.chance(6) {
                self.cloud[index].cut = self.later(200);
            }
            let ends = self.later(1);
            let real = &mut self.cloud[index];
            let spot = real.machine.market == Market::Spot && real.machine.state == MachineState::Running;
            if self.faulty && spot && real.notice.is_none() && self.rng.chance(3) {
                real.notice = Some(ends + Duration::from_secs(120));
            }
            let gone = if self.faulty && self.rng.chance(1) { Some(now) } else { real.ends.or(real.notice) };
            if gone.is_some_and(|at| now >= at) && real.machine.state != MachineState::Gone {
                real.machine.state = MachineState::Gone;
                // Whoever was there asks for another place.
                self.waiting += std::mem::take(&mut real.sessions);
            }
            if real.machine.state == MachineState::Pending && now >= real.boots {
                real.machine.state = MachineState::Running;
            }
            let well = real.machine.state == MachineState::Running && !real.broken;
            if well && now >= real.cut && now >= self.down {
                real.heard = Some(now);
            }
            if real.broken {
                self.waiting += std::mem::take(&mut real.sessions);
            }
            // Drained sessions move.
            let leaves = self.records.get(&real.machine.token).is_none_or(|record| record.phase != Phase::Up);
            if real.sessions > 0 && (leaves && self.rng.chance(300) || self.rng.chance(6)) {
                real.sessions -= 1;
                self.waiting += u32::from(leaves);
                if real.sessions == 0 {
                    real.idle_since = now;
                }
            }
        }
        if self.rng.chance(if self.faulty { 60 } else { 10 }) && self.waiting < 40 {
            self.waiting += 1;
        }
        if self.faulty && self.rng.chance(4) && !self.cloud.is_empty() {
            let at = self.rng.below(self.cloud.len() as u64) as usize;
            self.drains.push(self.cloud[at].machine.token.clone());
        }
    }

    fn workers(&self) -> Vec<Worker> {
        let joined = |real: &Real| {
            let seen = real.heard?;
            let token = real.machine.token.clone();
            Some(Worker {
                token,
                seen,
                sessions: real.sessions,
                idle_since: real.idle_since.max(real.boots),
                notice: real.notice,
            })
        };
        self.cloud.iter().filter(|real| real.machine.state != MachineState::Gone).filter_map(joined).collect()
    }

    fn place_sessions(&mut self) {
        while self.waiting > 0 {
            let Ok(token) = place_session(&self.spec, &self.records, &self.workers(), self.now) else { return };
            assert_eq!(self.records.get(&token).unwrap().phase, Phase::Up, "a session on a worker that is to go");
            let real = self.cloud.iter_mut().find(|real| real.machine.token == token).unwrap();
            assert!(real.sessions < self.spec.sessions_per_worker && real.machine.state == MachineState::Running);
            real.sessions += 1;
            self.waiting -= 1;
            self.placed += 1;
        }
    }

    fn decide(&mut self) {
        let machines = (self.now >= self.blind).then(|| {
            let visible = self.cloud.iter().filter(|real| self.now >= real.visible);
            visible.map(|real| real.machine.clone()).collect()
        });
        let drain = std::mem::take(&mut self.drains);
        let observed =
            Observed { machines, listening: self.listening, workers: self.workers(), waiting: self.waiting, drain };
        self.records.look(self.now, &observed);
        let serial = &mut self.serial;
        let fresh = || {
            *serial += 1;
            Token(format!("t{serial:06}"))
        };
        let actions = reconcile(&self.spec, &self.records, &observed, self.now, fresh);
        for action in actions {
            self.records.begin(self.now, &action);
            // Whoever carries it out may die in between, and nobody goes on with the rest.
            if self.faulty && self.rng.chance(15) {
                self.down = self.later(60);
                return;
            }
            self.carry_out(&action);
            if self.faulty && self.rng.chance(15) {
                self.down = self.later(60);
                return;
            }
        }
    }

    fn carry_out(&mut self, action: &Action) {
        self.asked += 1;
        match action {
            Action::Create { token, market, place } => {
                let dry = self.dry.get(&(*market, *place)).is_some_and(|until| self.now < *until);
                let failure = match () {
                    () if dry => Some(CreateFailure::Capacity),
                    () if self.faulty && self.rng.chance(30) => Some(CreateFailure::Throttled),
                    () if self.faulty && self.rng.chance(10) => Some(CreateFailure::Quota),
                    () if self.faulty && self.rng.chance(5) => Some(CreateFailure::Refused),
                    () => None,
                };
                if let Some(failure) = failure {
                    self.records.failed(self.now, &self.spec, token, failure);
                    return;
                }
                // The request may get lost on its way.
                if self.faulty && self.rng.chance(10) {
                    return;
                }
                let (visible, boots) = (self.later(if self.faulty { 60 } else { 2 }), self.later(90));
                let id = MachineId(format!("i-{token}"));
                let machine = Machine {
                    id: id.clone(),
                    token: token.clone(),
                    state: MachineState::Pending,
                    market: *market,
                    place: *place,
                    launched: self.now,
                };
                let broken = self.faulty && self.rng.chance(50);
                let (now, cut) = (self.now, Time(0));
                self.cloud.push(Real {
                    machine,
                    visible,
                    boots,
                    broken,
                    cut,
                    notice: None,
                    ends: None,
                    sessions: 0,
                    idle_since: now,
                    heard: None,
                });
                // The answer may get lost, too.
                if !(self.faulty && self.rng.chance(30)) {
                    self.records.created(token, id);
                }
            }
            Action::Terminate { token, .. } => {
                let machine = self.records.get(token).and_then(|record| record.machine.clone());
                let lost = self.faulty && self.rng.chance(50);
                let ends = self.later(40);
                if let Some(real) =
                    self.cloud.iter_mut().find(|real| Some(&real.machine.id) == machine.as_ref() && !lost)
                    && real.machine.state != MachineState::Gone
                {
                    real.machine.state = MachineState::Ending;
                    real.ends = Some(ends);
                }
            }
            _ => {}
        }
    }

    fn alive(&self) -> impl Iterator<Item = &Real> {
        self.cloud.iter().filter(|real| real.machine.state != MachineState::Gone)
    }

    fn check(&self) {
        let alive = self.alive().count();
        assert!(
            alive <= self.spec.max as usize,
            "seed {}: {alive} machines where {} are allowed",
            self.seed,
            self.spec.max
        );
        let cost: Money = self.alive().map(|real| self.spec.prices.of(real.machine.market)).sum();
        let cap = self.spec.cost_cap;
        assert!(cap.is_none_or(|cap| cost <= cap), "seed {}: {cost} an hour where {cap:?} is allowed", self.seed);
    }

    fn step(&mut self) {
        self.now = self.now + STEP;
        self.happen();
        if self.now >= self.down {
            self.decide();
            self.place_sessions();
        }
        self.check();
    }
}

fn run(seed: u64) -> World {
    let mut world = World::new(seed);
    assert!(world.spec.scaling != Scaling::Fixed(0) || world.spec.base() == 0);
    for _ in 0..720 {
        world.step();
    }
    world.faulty = false;
    // What was broken stays broken, but nothing new happens.
    for _ in 0..720 {
        world.step();
    }
    world
}

#[test]
fn whatever_fails_the_fleet_is_never_too_large_and_comes_back() {
    let runs = std::env::var("RR_RUNS").map_or(2_000, |runs| runs.parse().unwrap());
    let (mut machines, mut placed, mut asked) = (0, 0, 0);
    let first = std::env::var("RR_SEED").map_or(1, |seed| seed.parse().unwrap());
    for seed in first..first + runs {
        let world = run(seed);
        machines += world.cloud.len();
        placed += world.placed;
        asked += world.asked;
        let told = format!("seed {seed}, {:?}", world.spec);
        for real in world.alive() {
            assert!(world.records.get(&real.machine.token).is_some(), "an orphan: {told}");
        }
        for (token, _) in world.records.iter() {
            assert!(world.alive().any(|real| real.machine.token == *token), "a record of nothing: {told}");
        }
        let up = world.records.iter().filter(|(_, record)| record.phase == Phase::Up && record.seen.is_some()).count();
        let sessions = world.workers().iter().map(|worker| worker.sessions).sum::<u32>() + world.waiting;
        let wanted = wanted(&world.spec, sessions) as usize;
        // One that became idle stays for five minutes.
        let most = if matches!(world.spec.scaling, Scaling::Fixed(_)) { wanted } else { wanted + 4 };
        // Bought on demand while there was nothing else, and busy since: the cap leaves no room for the rest.
        let cost: Money = world.alive().map(|real| world.spec.prices.of(real.machine.market)).sum();
        let capped = world.spec.cost_cap.is_some_and(|cap| cost + world.spec.prices.spot > cap)
            && world.alive().all(|real| real.machine.market == Market::Spot || real.sessions > 0);
        let least = if capped { 0 } else { wanted.saturating_sub(1) };
        assert!((least..=most).contains(&up), "{up} workers serve where {wanted} are wanted: {told}");
        let room = up as u32 * world.spec.sessions_per_worker;
        assert!(world.waiting == 0 || sessions >= room, "{} wait while there is room: {told}", world.waiting);
    }
    println!("{runs} runs of two hours: {machines} machines, {asked} actions, {placed} sessions placed");
    assert!(placed > runs as u64 && machines > runs as usize);
}
