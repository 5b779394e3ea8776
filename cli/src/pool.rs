//! The machines behind a gateway: the fleet of `rrctl.toml`, reconciled for as long as the gateway runs. What waits at the
//! door makes it grow, what nobody needs goes.
//!
//! One gateway at a time does it, the one that holds the fleet's lock; the others stand by.

use crate::args::{FleetArgs, MarketArgs};
use crate::exit::{Exit, code};
use crate::fleet::{Fleet, fresh_token};
use crate::progress::Progress;
use crate::store::Holder;
use rr_fleet::{Action, FleetSpec, Observed, Scaling, Time, Token, reconcile};
use rr_gateway::{FleetCost, Gateway};
use rr_provider::{Capabilities, Listed};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// Between two looks at workers and sessions.
const LOOK: Duration = Duration::from_millis(500);
/// Between two lists of a cloud's machines, because clouds count requests. After a step the next one comes at once.
const LIST: Duration = Duration::from_secs(10);
/// Between two times that what people watched is written down.
const NOTE: Duration = Duration::from_secs(30);
/// Before the lock is tried again, and after an error.
const AGAIN: Duration = Duration::from_secs(2);
/// A join token outlives the start of its machine by so much.
const JOINS_WITHIN: Duration = Duration::from_secs(900);

/// How the pool is kept.
pub struct PoolConfig {
    pub args: FleetArgs,
    pub warm: u32,
    pub min: u32,
    /// Where its machines find the gateway.
    pub workers_url: String,
}

/// The thread that keeps it. Dropping it ends the thread; machines stay.
pub struct Pool {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pool {
    /// # Errors
    /// The settings are wrong.
    pub fn start(config: PoolConfig, gateway: Arc<Gateway>) -> anyhow::Result<Self> {
        let fleet = open(&config)?;
        // What cannot be is told before anything starts.
        spec(&fleet, &config)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread =
            std::thread::Builder::new().name("rrctl-pool".into()).spawn(move || keep(&config, &gateway, &stopped))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The fleet as the gateway wants it: by sessions, whatever count the last `rrctl up` was told.
///
/// # Errors
/// The provider or the settings say no.
pub fn spec(fleet: &Fleet, config: &PoolConfig) -> anyhow::Result<(FleetSpec, Capabilities)> {
    let (mut spec, can) = fleet.spec()?;
    spec.scaling = Scaling::Auto { min: config.min, warm: config.warm };
    spec.check()?;
    Ok((spec, can))
}

fn open(config: &PoolConfig) -> anyhow::Result<Fleet> {
    Fleet::open_for(&config.args, &MarketArgs::default(), None, Some(&config.workers_url))
}

fn keep(config: &PoolConfig, gateway: &Arc<Gateway>, stop: &AtomicBool) {
    let mut told = String::new();
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = hold(config, gateway, stop) {
            let text = format!("{error:#}");
            // Another one that holds the lock is no news.
            if text != told && code(&error) != Exit::Locked {
                eprintln!("rrctl: the pool: {text}");
            }
            told = text;
        }
        pause(AGAIN, stop);
    }
}

fn pause(time: Duration, stop: &AtomicBool) {
    let until = Instant::now() + time;
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Holds the lock and keeps the fleet, until something fails or the gateway ends.
fn hold(config: &PoolConfig, gateway: &Arc<Gateway>, stop: &AtomicBool) -> anyhow::Result<()> {
    let mut fleet = open(config)?;
    let _lock = fleet.store.lock(Holder::Gateway)?;
    fleet.state = fleet.store.load()?;
    fleet.state.down = false;
    let (mut spec, can) = spec(&fleet, config)?;
    let joins = Arc::clone(gateway);
    fleet.join = Some(Box::new(move |token: &Token, created: Time| {
        // The same for the same machine, so that asking again is the same request.
        joins.join_token_until(&token.0, created + JOINS_WITHIN)
    }));
    fleet.state.at = Some(fleet.at.clone());
    fleet.state.have_secret(rand::random);
    fleet.store.save(&fleet.state)?;
    let local = fleet.provider.name() == "local";
    let (mut prepared, mut listed_at, mut listed) = (false, None::<Instant>, Vec::<Listed>::new());
    let (mut looked, mut noted) = (Instant::now(), Instant::now());
    while !stop.load(Ordering::Relaxed) {
        let fresh = local || listed_at.is_none_or(|at| at.elapsed() >= LIST);
        if fresh {
            listed = fleet.provider.list()?;
            listed_at = Some(Instant::now());
        }
        let (mut observed, capacity) = gateway.observed()?;
        if let Some(capacity) = capacity {
            // What workers say of themselves counts more than what was configured.
            spec.sessions_per_worker = capacity;
        }
        complete(&mut observed, &listed, fresh);
        observed.drain = fleet.store.take_wishes().into_iter().flat_map(|wish| wish.drain).collect();
        let now = Time::from(SystemTime::now());
        fleet.state.watched(gateway.viewers()?, looked.elapsed());
        looked = Instant::now();
        gateway.tell_cost(cost(&fleet, &spec, &listed, now));
        if noted.elapsed() > NOTE {
            fleet.store.save(&fleet.state)?;
            noted = Instant::now();
        }
        fleet.state.records.look(now, &observed);
        let actions = reconcile(&spec, &fleet.state.records, &observed, now, fresh_token);
        if !prepared && actions.iter().any(|action| matches!(action, Action::Create { .. })) {
            fleet.provider.prepare(false)?;
            prepared = true;
        }
        for action in &actions {
            fleet.begin(action, &spec, now);
        }
        if !actions.is_empty() {
            fleet.store.save(&fleet.state)?;
            listed_at = None;
        }
        let progress = (!actions.is_empty()).then(|| Progress::start("changing the fleet"));
        for action in &actions {
            if let Action::Drain { token, .. } = action {
                gateway.drain(token)?;
            }
            if let Some(progress) = &progress
                && let Err(error) = fleet.carry_out(action, &spec, &can, progress)
            {
                progress.note(&format!("! {error}"));
            }
            if let Action::Terminate { token, .. } = action {
                // What is left of the machine may hold its key.
                gateway.revoke(token)?;
            }
            fleet.store.save(&fleet.state)?;
        }
        pause(LOOK, stop);
    }
    fleet.store.save(&fleet.state)?;
    Ok(())
}

fn cost(fleet: &Fleet, spec: &FleetSpec, listed: &[Listed], now: Time) -> FleetCost {
    let spent = fleet.state.spent(now);
    FleetCost {
        per_hour: fleet.cost(listed, spec),
        spent: spent.money,
        machines: Duration::from_secs(spent.secs),
        watched: Duration::from_millis(fleet.state.watched_ms),
    }
}

/// Adds what the provider says. An old list says nothing of what is gone.
fn complete(observed: &mut Observed, listed: &[Listed], fresh: bool) {
    for worker in &mut observed.workers {
        let notice = listed.iter().find(|listed| listed.machine.token == worker.token).and_then(|listed| listed.notice);
        worker.notice = worker.notice.or(notice);
    }
    observed.machines = fresh.then(|| listed.iter().map(|listed| listed.machine.clone()).collect());
}
