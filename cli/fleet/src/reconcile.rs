//! From what should be and what is to what to do.

use crate::{
    FleetSpec, Machine, MachineState, Market, Money, Observed, Phase, Record, Records, Scaling, Time, Token, Worker,
    wanted,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// One step towards the fleet that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the provider for a machine with this token.
    Create {
        /// Names it.
        token: Token,
        /// How to buy it.
        market: Market,
        /// Where.
        place: u32,
    },
    /// A machine with the fleet's tag that nobody knows belongs to it from now on.
    Adopt {
        /// As it was seen.
        machine: Machine,
    },
    /// Its worker takes no more sessions, and those that it has move.
    Drain {
        /// Whose.
        token: Token,
        /// Told to the operator.
        why: Why,
    },
    /// Ask the provider to end a machine.
    Terminate {
        /// Which.
        token: Token,
        /// Told to the operator.
        why: Why,
    },
    /// It is gone, or never was.
    Forget {
        /// Which.
        token: Token,
    },
}

/// Why a machine is drained or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There are more than needed.
    Surplus,
    /// Two of the spot market cost less, and the cap leaves no room for them.
    Share,
    /// The operator wants it.
    Asked,
    /// The spot market takes it back.
    Notice,
    /// Its worker did not join in time.
    NeverJoined,
    /// Its worker was not heard of any more.
    Silent,
    /// It was drained, and nobody is there.
    Drained,
    /// It was drained, and sessions did not go in time.
    DrainedTooLong,
    /// It was asked to end and is still there.
    Again,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Surplus => "more workers than needed",
            Self::Share => "too expensive for what the cap allows",
            Self::Asked => "asked for",
            Self::Notice => "the spot market takes it back",
            Self::NeverJoined => "its worker never joined",
            Self::Silent => "its worker is silent",
            Self::Drained => "drained and empty",
            Self::DrainedTooLong => "drained, and sessions did not leave in time",
            Self::Again => "still there after it was asked to end",
        })
    }
}

/// A record with what was seen of it.
struct Seen<'a> {
    token: &'a Token,
    record: &'a Record,
    machine: Option<&'a Machine>,
    worker: Option<&'a Worker>,
}

/// Silent this many times longer than usual, a worker is given up even when most are silent.
const PATIENCE: u32 = 5;
/// From so many workers on, most of them silent at once means that it is us who do not hear.
const MANY: usize = 3;

/// What to do now. [`Records::look`] has taken in what was seen. `fresh` gives tokens that were never used.
///
/// Never more machines than [`FleetSpec::max`] and never more money than [`FleetSpec::cost_cap`], whatever is lost or
/// late, as long as one at a time decides on one set of records. Where the records were lost, machines are found by their
/// tag, and none is made before lists show all of them. Makes nothing while the provider cannot be asked.
pub fn reconcile(
    spec: &FleetSpec,
    records: &Records,
    observed: &Observed,
    now: Time,
    mut fresh: impl FnMut() -> Token,
) -> Vec<Action> {
    let machines: BTreeMap<&Token, &Machine> = observed.machines.iter().flatten().map(|m| (&m.token, m)).collect();
    let workers: BTreeMap<&Token, &Worker> = observed.workers.iter().map(|w| (&w.token, w)).collect();
    let asked: BTreeSet<&Token> = observed.drain.iter().collect();
    let (mut forget, mut actions) = (Vec::new(), Vec::new());
    let mut here = Vec::new();
    for (token, record) in records.iter() {
        let seen = Seen { token, record, machine: machines.get(token).copied(), worker: workers.get(token).copied() };
        if observed.machines.is_some() && seen.is_gone(spec, now) {
            forget.push(Action::Forget { token: token.clone() });
        } else {
            here.push(seen);
        }
    }
    let strangers: Vec<&Machine> = observed.machines.iter().flatten().filter(|m| m.is_stranger(records)).collect();
    actions.extend(strangers.iter().map(|machine| Action::Adopt { machine: (*machine).clone() }));

    let deaf = most_are_silent(spec, &here, now, observed.listening);
    let mut serving: Vec<&Seen<'_>> = Vec::new();
    for seen in &here {
        match seen.step(spec, now, observed.listening, asked.contains(seen.token), deaf) {
            Step::Serves => serving.push(seen),
            Step::Waits => {}
            Step::Drain(why) => actions.push(Action::Drain { token: seen.token.clone(), why }),
            Step::Terminate(why) => actions.push(Action::Terminate { token: seen.token.clone(), why }),
        }
    }
    let sessions = observed.workers.iter().map(|worker| worker.sessions).fold(observed.waiting, u32::saturating_add);
    let wanted = wanted(spec, sessions);
    let count = u32::try_from(serving.len() + strangers.len()).unwrap_or(u32::MAX);
    if count > wanted {
        actions.extend(let_go(spec, &serving, count - wanted, wanted, now));
    } else if observed.machines.is_some() && records.are_whole(now, spec) {
        let mut books = Books::new(spec, &here, &serving, &strangers);
        let created = actions.len();
        for _ in count..wanted {
            let Some((market, place)) = books.next(spec, records, wanted, now) else { break };
            actions.push(Action::Create { token: fresh(), market, place });
        }
        if count < wanted && actions.len() == created {
            actions.extend(books.make_room(spec, records, &serving, wanted, now));
        }
    }
    forget.extend(actions);
    forget
}

impl Machine {
    fn is_stranger(&self, records: &Records) -> bool {
        matches!(self.state, MachineState::Pending | MachineState::Running) && records.get(&self.token).is_none()
    }
}

enum Step {
    Serves,
    Waits,
    Drain(Why),
    Terminate(Why),
}

impl Seen<'_> {
    /// It has ended, or was never made.
    fn is_gone(&self, spec: &FleetSpec, now: Time) -> bool {
        match self.machine {
            Some(machine) => machine.state == MachineState::Gone,
            // Lists are late for what is new.
            None => self.record.listed || now.since(self.record.created) > spec.timing.appears,
        }
    }

    fn joined(&self) -> bool {
        self.record.seen.is_some()
    }

    fn is_silent(&self, now: Time, listening: Time, time: Duration) -> bool {
        self.record.seen.is_some_and(|seen| now.since(seen.max(listening)) > time)
    }

    fn step(&self, spec: &FleetSpec, now: Time, listening: Time, asked: bool, deaf: bool) -> Step {
        let timing = &spec.timing;
        let running = self.machine.is_none_or(|m| matches!(m.state, MachineState::Pending | MachineState::Running));
        match self.record.phase {
            Phase::Ending { asked } if running && self.machine.is_some() && now.since(asked) >= timing.retry => {
                Step::Terminate(Why::Again)
            }
            Phase::Ending { .. } => Step::Waits,
            // Its provider ends it.
            _ if !running => Step::Waits,
            Phase::Draining { since } => match self.worker {
                Some(worker) if worker.sessions > 0 && now.since(since) < timing.drain => Step::Waits,
                Some(worker) if worker.sessions > 0 => Step::Terminate(Why::DrainedTooLong),
                _ => Step::Terminate(Why::Drained),
            },
            Phase::Up if asked => Step::Drain(Why::Asked),
            Phase::Up if self.worker.is_some_and(|worker| worker.notice.is_some()) => Step::Drain(Why::Notice),
            Phase::Up if !self.joined() && now.since(self.record.created) > timing.boot => {
                Step::Terminate(Why::NeverJoined)
            }
            Phase::Up if self.is_silent(now, listening, timing.dead * if deaf { PATIENCE } else { 1 }) => {
                Step::Terminate(Why::Silent)
            }
            Phase::Up => Step::Serves,
        }
    }
}

/// Most workers at once do not fall silent; who listens does.
fn most_are_silent(spec: &FleetSpec, here: &[Seen<'_>], now: Time, listening: Time) -> bool {
    let up = || here.iter().filter(|seen| seen.record.phase == Phase::Up);
    let joined = up().filter(|seen| seen.joined()).count();
    let silent = up().filter(|seen| seen.is_silent(now, listening, spec.timing.dead)).count();
    joined >= MANY && silent * 2 > joined
}

/// Those that can go: who serves nobody for long, of the market that there is too much of first. A fixed number is
/// obeyed at once, and whoever serves least goes first.
fn let_go(spec: &FleetSpec, serving: &[&Seen<'_>], surplus: u32, wanted: u32, now: Time) -> Vec<Action> {
    let fixed = matches!(spec.scaling, Scaling::Fixed(_));
    let sessions = |seen: &Seen<'_>| seen.worker.map_or(0, |worker| worker.sessions);
    let idle = |seen: &Seen<'_>| {
        let since = seen.worker.map_or(seen.record.created, |worker| worker.idle_since);
        now.since(since)
    };
    let mut may: Vec<&Seen<'_>> = serving
        .iter()
        .copied()
        .filter(|seen| fixed || (seen.joined() && sessions(seen) == 0 && idle(seen) >= spec.timing.idle))
        .collect();
    let spot = serving.iter().filter(|seen| seen.record.market == Market::Spot).count();
    let too_much = if spot > spec.spot_of(wanted) as usize { Market::Spot } else { Market::OnDemand };
    may.sort_by_key(|seen| {
        (
            seen.joined(),
            sessions(seen),
            seen.record.market != too_much,
            std::cmp::Reverse(idle(seen)),
            seen.token.clone(),
        )
    });
    let go = |seen: &Seen<'_>| {
        let (token, why) = (seen.token.clone(), Why::Surplus);
        if seen.joined() { Action::Drain { token, why } } else { Action::Terminate { token, why } }
    };
    may.into_iter().take(surplus as usize).map(go).collect()
}

/// What may still be bought.
struct Books {
    machines: u32,
    cost: Money,
    /// Those of the spot market among the workers that serve, and all of these.
    spot: u32,
}

impl Books {
    fn new(spec: &FleetSpec, here: &[Seen<'_>], serving: &[&Seen<'_>], strangers: &[&Machine]) -> Self {
        // Whatever is not gone counts, or a slow end would be money above the cap.
        let markets =
            || here.iter().map(|seen| seen.record.market).chain(strangers.iter().map(|machine| machine.market));
        let spot = serving.iter().filter(|seen| seen.record.market == Market::Spot).count()
            + strangers.iter().filter(|machine| machine.market == Market::Spot).count();
        Self {
            machines: u32::try_from(markets().count()).unwrap_or(u32::MAX),
            cost: markets().map(|market| spec.prices.of(market)).sum(),
            spot: u32::try_from(spot).unwrap_or(u32::MAX),
        }
    }

    /// When the cap leaves no room only because more was bought on demand than the share says, which happens while there
    /// is nothing on the spot market: one of these goes when nobody is there.
    fn make_room(
        &self,
        spec: &FleetSpec,
        records: &Records,
        serving: &[&Seen<'_>],
        wanted: u32,
        now: Time,
    ) -> Option<Action> {
        let cap = spec.cost_cap.filter(|_| self.machines < spec.max && self.spot < spec.spot_of(wanted))?;
        let can_be_had = (0..spec.places).any(|place| records.is_open(now, Market::Spot, place));
        // One is enough: before it is gone, the next look would see the same.
        let is_capped = self.cost + spec.prices.spot > cap && self.cost <= spec.cost_of(wanted).max(cap);
        let empty = |seen: &&&Seen<'_>| {
            seen.record.market == Market::OnDemand && seen.worker.is_some_and(|worker| worker.sessions == 0)
        };
        let seen = serving.iter().find(empty).filter(|_| can_be_had && is_capped)?;
        Some(Action::Drain { token: seen.token.clone(), why: Why::Share })
    }

    /// Market and place of the next machine: as the share wants it, else what can be had.
    fn next(&mut self, spec: &FleetSpec, records: &Records, wanted: u32, now: Time) -> Option<(Market, u32)> {
        if self.machines >= spec.max {
            return None;
        }
        let order = if self.spot < spec.spot_of(wanted) {
            [Market::Spot, Market::OnDemand]
        } else {
            [Market::OnDemand, Market::Spot]
        };
        let affordable = |market: &Market| spec.cost_cap.is_none_or(|cap| self.cost + spec.prices.of(*market) <= cap);
        let open = |market: Market| (0..spec.places).find(|place| records.is_open(now, market, *place));
        let found = order.into_iter().filter(affordable).find_map(|market| Some((market, open(market)?)))?;
        self.machines += 1;
        self.cost = self.cost + spec.prices.of(found.0);
        self.spot += u32::from(found.0 == Market::Spot);
        Some(found)
    }
}
