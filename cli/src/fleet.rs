//! A fleet at work: its settings, its provider, what is remembered, and the loop that makes it as it is wanted.
//!
//! ```text
//! look: list, ask workers ─► Records::look ─► reconcile ─► begin ─► save ─► carry out ─► save ─┐
//!   ▲                                                                                         │
//!   └──────────────────────────────── until it is as wanted ◄─────────────────────────────────┘
//! ```

use crate::args::{FleetArgs, MarketArgs, ProviderName};
use crate::exit::{Exit, Failure};
use crate::health::health;
use crate::progress::Progress;
use crate::settings::{File, Settings};
use crate::stop::Stop;
use crate::store::{State, Store};
use rand::Rng;
use rr_fleet::{
    Action, FleetSpec, MachineState, Market, Money, Observed, Phase, Scaling, Time, Token, Why, Worker, reconcile,
    wanted,
};
use rr_provider::ec2::{Ec2, Environment, Retries};
use rr_provider::{Capabilities, Listed, Order, Provider, ProviderError, WorkerHint};
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

/// A worker of this machine answers at once, or is busy.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Between two looks; longer and longer while nothing happens, because clouds count requests.
const FIRST_PAUSE: Duration = Duration::from_millis(150);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Characters of a name: enough for one fleet, short enough to be typed.
const NAME_LENGTH: usize = 8;
const LETTERS: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// All that a command needs.
pub struct Fleet {
    pub settings: Settings,
    pub provider: Box<dyn Provider>,
    /// Provider and region.
    pub at: String,
    pub store: Store,
    pub state: State,
    /// Makes join tokens for a gateway, by a worker's name and when it was ordered.
    pub join: Option<JoinTokens>,
}

/// See [`Fleet::join`].
pub type JoinTokens = Box<dyn Fn(&Token, Time) -> String + Send>;

/// What was seen at one moment.
pub struct Look {
    pub listed: Vec<Listed>,
    pub heard: BTreeSet<Token>,
    pub observed: Observed,
    pub now: Time,
}

/// What a command wants.
pub struct Goal<'a> {
    /// To be drained.
    pub drain: Vec<Token>,
    /// Say it, do nothing.
    pub dry: bool,
    /// Do not wait until workers serve.
    pub no_wait: bool,
    pub timeout: Duration,
    /// Asked before the first step, with what will be done.
    pub agree: &'a dyn Fn(&Plan) -> anyhow::Result<()>,
}

/// What would be done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub steps: Vec<String>,
    /// It ends machines.
    pub ends: bool,
    pub cost_before: Money,
    pub cost_after: Money,
}

impl Fleet {
    /// # Errors
    /// The settings are wrong, or what is remembered is damaged.
    pub fn open(args: &FleetArgs, market: &MarketArgs, count: Option<u32>) -> anyhow::Result<Self> {
        Self::open_for(args, market, count, None)
    }

    /// The same, for machines that shall join a gateway.
    ///
    /// # Errors
    /// As [`Fleet::open`].
    pub fn open_for(
        args: &FleetArgs,
        market: &MarketArgs,
        count: Option<u32>,
        gateway: Option<&str>,
    ) -> anyhow::Result<Self> {
        let (path, file) = File::read(args.config.as_deref())?;
        let store = Store::open(args.state_dir.as_deref(), &file.fleet(args))?;
        let state = store.load()?;
        let settings = Settings::resolve((path, file), &state.told, args, market, count)?;
        let (provider, at): (Box<dyn Provider>, _) = match settings.provider {
            ProviderName::Local => (local(&settings, &store, gateway)?, "local".to_owned()),
            ProviderName::Ec2 => {
                let environment = Environment::of_process();
                let retries = Retries::of(&environment);
                let ec2 = Ec2::open(settings.ec2(gateway), environment, retries)?;
                let at = format!("ec2 in {}", ec2.region());
                (Box::new(ec2), at)
            }
        };
        if let Some(elsewhere) =
            state.at.as_ref().filter(|other| **other != at && state.records.iter().next().is_some())
        {
            let text = format!(
                "fleet {} has machines at {elsewhere}, not at {at}: end them there by rrctl down first, or choose \
                 another name by --fleet",
                settings.fleet
            );
            return Err(Failure::error(Exit::Wrong, text));
        }
        Ok(Self { settings, provider, at, store, state, join: None })
    }

    /// Takes in what is remembered now, after the lock was taken: whoever held it may have been told something else.
    ///
    /// # Errors
    /// As [`Fleet::open`].
    pub fn reload(&mut self, args: &FleetArgs, market: &MarketArgs, count: Option<u32>) -> anyhow::Result<()> {
        let now = self.store.load()?;
        if (&now.told, &now.at) == (&self.state.told, &self.state.at) {
            self.state = now;
        } else {
            *self = Self::open(args, market, count)?;
        }
        Ok(())
    }

    /// # Errors
    /// Places or prices cannot be known, or the settings contradict themselves.
    pub fn spec(&self) -> anyhow::Result<(FleetSpec, Capabilities)> {
        let can = self.provider.capabilities()?;
        let prices = self.provider.prices()?;
        let places = u32::try_from(can.places.len()).unwrap_or(u32::MAX);
        let mut spec = self.settings.spec(places, can.most, can.appears, prices)?;
        if self.state.down {
            spec.scaling = Scaling::Fixed(0);
        }
        Ok((spec, can))
    }

    /// Asks the provider and the workers.
    pub fn look(&self, since: Time, drain: &[Token]) -> anyhow::Result<Look> {
        let listed = self.provider.list()?;
        let now = Time::from(SystemTime::now());
        let heard: BTreeSet<Token> = std::thread::scope(|scope| {
            let running = || listed.iter().filter(|listed| listed.machine.state == MachineState::Running);
            // All at once: one that is busy does not hold up the others.
            let asked: Vec<_> = running()
                .filter_map(|listed| match &listed.worker {
                    WorkerHint::Serves(url) => {
                        Some((&listed.machine.token, scope.spawn(|| health(url, ANSWERS_WITHIN).is_ok())))
                    }
                    WorkerHint::Unknown | WorkerHint::Runs => None,
                })
                .collect();
            let run = running().filter(|listed| listed.worker == WorkerHint::Runs).map(|listed| &listed.machine.token);
            let answered = asked.into_iter().filter_map(|(token, asked)| asked.join().ok()?.then_some(token));
            run.chain(answered).cloned().collect()
        });
        let worker = |listed: &Listed| {
            let token = heard.get(&listed.machine.token)?.clone();
            Some(Worker { token, seen: now, sessions: 0, idle_since: listed.machine.launched, notice: listed.notice })
        };
        let observed = Observed {
            machines: Some(listed.iter().map(|listed| listed.machine.clone()).collect()),
            // Nobody listened before this call: silence is counted from its beginning.
            listening: since,
            workers: listed.iter().filter_map(worker).collect(),
            waiting: 0,
            drain: drain.to_vec(),
        };
        Ok(Look { listed, heard, observed, now })
    }

    /// What machines cost an hour now.
    pub fn cost(&self, listed: &[Listed], spec: &FleetSpec) -> Money {
        let paid = |listed: &&Listed| listed.machine.state != MachineState::Gone;
        listed.iter().filter(paid).map(|listed| spec.prices.of(listed.machine.market)).sum()
    }

    /// Until the fleet is as it is wanted. The lock must be held.
    ///
    /// # Errors
    /// It cannot be, not in time, or the operator stopped.
    pub fn converge(
        &mut self,
        spec: &FleetSpec,
        can: &Capabilities,
        goal: &Goal<'_>,
        stop: &Stop,
    ) -> anyhow::Result<()> {
        let progress = Progress::start("looking");
        let (since, begun) = (Time::from(SystemTime::now()), Instant::now());
        let (mut agreed, mut drained) = (false, Vec::new());
        let mut pause = FIRST_PAUSE;
        let mut last_error: Option<ProviderError> = None;
        loop {
            stop.check()?;
            let drain: Vec<Token> = goal.drain.iter().filter(|token| !drained.contains(*token)).cloned().collect();
            let look = self.look(since, &drain)?;
            self.state.records.look(look.now, &look.observed);
            let mut actions = reconcile(spec, &self.state.records, &look.observed, look.now, fresh_token);
            let again = if agreed { Vec::new() } else { self.unanswered(&look, &actions) };
            let old = again.len();
            actions.splice(..0, again);
            if !agreed {
                let plan = self.plan(spec, can, goal, &look, &actions)?;
                progress.aside(|| (goal.agree)(&plan))?;
                if goal.dry {
                    return Ok(());
                }
                agreed = true;
                self.state.at = Some(self.at.clone());
                self.state.have_secret(|| rand::rng().random());
                self.store.save(&self.state)?;
                if actions.iter().any(|action| matches!(action, Action::Create { .. })) {
                    self.prepare(&progress)?;
                }
            }
            drained.extend(drain);
            if actions.is_empty() {
                match self.waits_for(spec, &look, goal) {
                    None => return Ok(()),
                    Some(what) => progress.say(what),
                }
                // Nothing can be done, and nothing is on its way: what went wrong last is the reason.
                let missing = wanted(spec, 0) > self.up_count();
                if let Some(error) = last_error.take().filter(|_| missing) {
                    return Err(error.into());
                }
            }
            for action in &actions {
                self.begin(action, spec, look.now);
            }
            if !actions.is_empty() {
                self.store.save(&self.state)?;
            }
            for (at, action) in actions.iter().enumerate() {
                if let Err(stopped) = stop.check() {
                    self.not_asked(actions.get(at.max(old)..).unwrap_or_default(), look.now)?;
                    return Err(stopped);
                }
                match self.carry_out(action, spec, can, &progress) {
                    Ok(()) => {}
                    // Others may still be had elsewhere, and those that are to end shall end.
                    Err(error) => {
                        progress.note(&format!("! {error}"));
                        last_error = Some(error);
                    }
                }
                self.store.save(&self.state)?;
            }
            if begun.elapsed() > goal.timeout {
                let what = self.waits_for(spec, &look, goal).unwrap_or_else(|| "waiting for the next look".to_owned());
                let text = format!("not done within {} s: {what}; rrctl status shows more", goal.timeout.as_secs());
                return Err(Failure::error(Exit::NotReached, text));
            }
            let longest = if self.settings.provider == ProviderName::Local { FIRST_PAUSE } else { LONGEST_PAUSE };
            pause = if actions.is_empty() { (pause * 2).min(longest) } else { FIRST_PAUSE };
            stop.sleep(pause)?;
        }
    }

    /// Machines that were written down and will not be asked for: nobody has to look for them.
    fn not_asked(&mut self, actions: &[Action], now: Time) -> anyhow::Result<()> {
        for action in actions {
            if let Action::Create { token, .. } = action {
                self.state.records.begin(now, &Action::Forget { token: token.clone() });
                self.state.drop_run(token);
            }
        }
        self.store.save(&self.state)
    }

    /// What an earlier call wrote down and maybe never asked for, or asked for and got no answer: asked once more, which is
    /// harmless. A token makes one machine, and what ends does so once.
    fn unanswered(&self, look: &Look, actions: &[Action]) -> Vec<Action> {
        let decided: Vec<&Token> = actions
            .iter()
            .filter_map(|action| match action {
                Action::Drain { token, .. } | Action::Terminate { token, .. } | Action::Forget { token } => Some(token),
                Action::Create { .. } | Action::Adopt { .. } => None,
            })
            .collect();
        let runs = |token: &Token| {
            let machine = look.listed.iter().find(|listed| listed.machine.token == *token);
            machine.is_some_and(|l| matches!(l.machine.state, MachineState::Pending | MachineState::Running))
        };
        let again = |(token, record): (&Token, &rr_fleet::Record)| match record.phase {
            Phase::Up if record.machine.is_none() && !record.listed => {
                Some(Action::Create { token: token.clone(), market: record.market, place: record.place })
            }
            Phase::Ending { .. } if runs(token) => Some(Action::Terminate { token: token.clone(), why: Why::Again }),
            _ => None,
        };
        self.state.records.iter().filter(|(token, _)| !decided.contains(token)).filter_map(again).collect()
    }

    fn prepare(&self, progress: &Progress) -> anyhow::Result<()> {
        progress.say("preparing".to_owned());
        for change in self.provider.prepare(false)? {
            progress.note(&format!("+ {change}"));
        }
        Ok(())
    }

    fn up_count(&self) -> u32 {
        let up = self.state.records.iter().filter(|(_, record)| record.phase == Phase::Up);
        u32::try_from(up.count()).unwrap_or(u32::MAX)
    }

    /// What keeps it from being as wanted; `None` when it is.
    pub fn waits_for(&self, spec: &FleetSpec, look: &Look, goal: &Goal<'_>) -> Option<String> {
        let records = &self.state.records;
        let leaving = records.iter().filter(|(_, record)| record.phase != Phase::Up).count();
        let up: Vec<&Token> =
            records.iter().filter(|(_, record)| record.phase == Phase::Up).map(|(token, _)| token).collect();
        let serving = up.iter().filter(|token| look.heard.contains(**token)).count();
        let missing = usize::try_from(wanted(spec, 0)).unwrap_or(usize::MAX).saturating_sub(up.len());
        if missing > 0 && !self.store.is_kept() {
            return Some(format!("{missing} more workers are wanted"));
        }
        let unknown = records.iter().filter(|(_, record)| record.machine.is_none()).count();
        if unknown > 0 {
            return Some(format!("of {unknown} workers it is not known whether they were started"));
        }
        if leaving > 0 {
            return Some(format!("{leaving} workers are leaving"));
        }
        if serving < up.len() && !goal.no_wait {
            return Some(format!("{serving} of {} workers serve", up.len()));
        }
        None
    }

    fn plan(
        &self,
        spec: &FleetSpec,
        can: &Capabilities,
        goal: &Goal<'_>,
        look: &Look,
        actions: &[Action],
    ) -> anyhow::Result<Plan> {
        let cost_before = self.cost(&look.listed, spec);
        let mut plan = Plan { cost_before, cost_after: cost_before, ..Plan::default() };
        let creates = actions.iter().any(|action| matches!(action, Action::Create { .. }));
        if creates && (goal.dry || spec.prices.on_demand > Money::default()) {
            plan.steps.extend(self.provider.prepare(true)?);
        }
        let known = |token: &Token| look.listed.iter().find(|listed| listed.machine.token == *token);
        let mut leaving = Money::default();
        for action in actions {
            plan.steps.extend(describe(action, spec, can));
            match action {
                Action::Create { market, .. } => plan.cost_after = plan.cost_after + spec.prices.of(*market),
                Action::Drain { token, .. } | Action::Terminate { token, .. } => {
                    plan.ends = true;
                    leaving = leaving + known(token).map_or(Money::default(), |l| spec.prices.of(l.machine.market));
                }
                Action::Adopt { .. } | Action::Forget { .. } => {}
            }
        }
        plan.cost_after = Money(plan.cost_after.0.saturating_sub(leaving.0));
        Ok(plan)
    }

    /// Writes a step down; to be saved before it is taken.
    pub fn begin(&mut self, action: &Action, spec: &FleetSpec, now: Time) {
        self.state.records.begin(now, action);
        match action {
            Action::Create { token, market, .. } => {
                self.state.drop_run(token);
                self.state.begin_run(token, *market, spec.prices.of(*market), now);
            }
            Action::Adopt { machine } => {
                let price = spec.prices.of(machine.market);
                self.state.begin_run(&machine.token, machine.market, price, machine.launched);
            }
            Action::Forget { token } => self.state.end_run(token, now),
            Action::Drain { .. } | Action::Terminate { .. } => {}
        }
    }

    /// Takes a step that was written down.
    ///
    /// # Errors
    /// The provider's; the records know already what it means for the machine.
    pub fn carry_out(
        &mut self,
        action: &Action,
        spec: &FleetSpec,
        can: &Capabilities,
        progress: &Progress,
    ) -> Result<(), ProviderError> {
        let said = describe(action, spec, can);
        if let Some(text) = &said {
            progress.say(text.clone());
        }
        let now = || Time::from(SystemTime::now());
        match action {
            Action::Create { token, market, place } => {
                let created = self.state.records.get(token).map_or_else(now, |record| record.created);
                let join = self.join.as_ref().map_or_else(|| self.state.join(token), |join| join(token, created));
                let order = Order { token: token.clone(), market: *market, place: *place, join };
                match self.provider.create(&order) {
                    Ok(machine) => self.state.records.created(token, machine),
                    Err(error) => {
                        // Without a clear answer the record stays, and the machine is found or not.
                        if let Some(failure) = error.create_failure() {
                            self.state.records.failed(now(), spec, token, failure);
                            self.state.drop_run(token);
                        }
                        return Err(error);
                    }
                }
            }
            Action::Terminate { token, .. } => {
                let machine = self.state.records.get(token).and_then(|record| record.machine.clone());
                if let Some(machine) = machine {
                    self.provider.terminate(&machine)?;
                    self.state.end_run(token, now());
                }
            }
            Action::Adopt { .. } | Action::Drain { .. } | Action::Forget { .. } => {}
        }
        if let Some(text) = said {
            progress.note(&text);
        }
        Ok(())
    }

    /// The worker that an operator means by its name or the beginning of it.
    ///
    /// # Errors
    /// None or several.
    pub fn worker(&self, name: &str, listed: &[Listed]) -> anyhow::Result<Listed> {
        let fits = |listed: &&Listed| listed.machine.token.0.starts_with(name) || listed.machine.id.0 == name;
        let found: Vec<&Listed> = listed.iter().filter(fits).collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(Failure::error(Exit::Wrong, format!("there is no worker \"{name}\"; rrctl list shows them"))),
            several => {
                let names: Vec<&str> = several.iter().map(|listed| listed.machine.token.0.as_str()).collect();
                let text = format!("\"{name}\" may be {}: write more of it", names.join(" or "));
                Err(Failure::error(Exit::Wrong, text))
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn local(settings: &Settings, store: &Store, gateway: Option<&str>) -> anyhow::Result<Box<dyn Provider>> {
    Ok(Box::new(rr_provider::local::Local::open(settings.local(&store.local(), gateway))?))
}

#[cfg(not(target_os = "linux"))]
fn local(_: &Settings, _: &Store, _: Option<&str>) -> anyhow::Result<Box<dyn Provider>> {
    Err(Failure::error(Exit::Wrong, "workers of this machine need Linux; choose --provider ec2"))
}

/// A step in words; what is only bookkeeping is none.
fn describe(action: &Action, spec: &FleetSpec, can: &Capabilities) -> Option<String> {
    let place = |place: u32| {
        let name = usize::try_from(place).ok().and_then(|place| can.places.get(place));
        name.map_or("another place", String::as_str)
    };
    match action {
        Action::Create { token, market, place: at } => {
            let how = match market {
                Market::Spot => " of the spot market",
                Market::OnDemand if can.spot => " on demand",
                Market::OnDemand => "",
            };
            let price = spec.prices.of(*market);
            Some(format!("+ start worker {token}{how} at {}, {price} an hour", place(*at)))
        }
        Action::Adopt { machine } => {
            Some(format!("= take over worker {} ({}), which nobody had written down", machine.token, machine.id))
        }
        Action::Drain { token, why } => Some(format!("~ drain worker {token}: {why}")),
        Action::Terminate { token, why } => Some(format!("- end worker {token}: {why}")),
        Action::Forget { .. } => None,
    }
}

pub fn fresh_token() -> Token {
    let mut random = rand::rng();
    let letter = |_| char::from(LETTERS[random.random_range(0..LETTERS.len())]);
    Token((0..NAME_LENGTH).map(letter).collect())
}
