//! What each command does.

use crate::args::{
    ActArgs, DownArgs, DrainArgs, FleetArgs, LogsArgs, LookArgs, MarketArgs, OpenArgs, RoleName, ScaleArgs, StatusArgs,
    UpArgs,
};
use crate::exit::{Exit, Failure};
use crate::fleet::{Fleet, Goal, Look, Plan};
use crate::progress::Progress;
use crate::settings::{File, Settings, Told};
use crate::stop::Stop;
use crate::store::{Holder, Store, Wish};
use crate::{gateway, show};
use rr_fleet::{FleetSpec, Money, Time, Token};
use rr_provider::{Listed, WorkerHint};
use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, Instant, SystemTime};

/// A gateway that keeps a fleet looks at wishes twice a second, unless its provider keeps it waiting.
const KEEPER_ANSWERS_WITHIN: Duration = Duration::from_secs(30);

pub fn up(args: &UpArgs) -> anyhow::Result<()> {
    act(&args.fleet, &args.market, args.count, &args.act, &Aim::Remember)
}

pub fn scale(args: &ScaleArgs) -> anyhow::Result<()> {
    act(&args.fleet, &MarketArgs::default(), Some(args.count), &args.act, &Aim::Remember)
}

pub fn drain(args: &DrainArgs) -> anyhow::Result<()> {
    let fleet = Fleet::open(&args.fleet, &MarketArgs::default(), None)?;
    if fleet.store.is_kept() {
        return ask_to_drain(&fleet, args);
    }
    drop(fleet);
    act(&args.fleet, &MarketArgs::default(), None, &args.act, &Aim::Drain(&args.workers))
}

/// The gateway that keeps the fleet does it: sessions move to other workers, and new ones replace those that go.
fn ask_to_drain(fleet: &Fleet, args: &DrainArgs) -> anyhow::Result<()> {
    let stop = Stop::listen()?;
    let listed = fleet.provider.list()?;
    let workers: Vec<Token> = args
        .workers
        .iter()
        .map(|name| Ok(fleet.worker(name, &listed)?.machine.token))
        .collect::<anyhow::Result<_>>()?;
    // As many as before: whatever goes is replaced.
    let cost = fleet.cost(&listed, &fleet.spec()?.0);
    let steps = workers.iter().map(|token| format!("~ drain worker {token}: asked for")).collect();
    let plan = Plan { steps, cost_before: cost, cost_after: cost, ends: true };
    if args.act.dry_run {
        return show::plan(&plan, args.fleet.json);
    }
    agree(&plan, args.act.yes)?;
    let progress = Progress::start("asking the gateway");
    let begun = Instant::now();
    let wished = fleet.store.wish(&Wish { drain: workers.clone() })?;
    while !wished.is_taken() {
        if begun.elapsed() > KEEPER_ANSWERS_WITHIN {
            let text = "the gateway that keeps this fleet does not react: nothing was asked of it";
            return Err(Failure::error(Exit::NotReached, text));
        }
        stop.sleep(Duration::from_millis(50))?;
    }
    let is_here = |listed: &Listed| workers.contains(&listed.machine.token) && show::is_there(listed);
    while !args.act.no_wait && fleet.provider.list()?.iter().any(is_here) {
        if begun.elapsed() > Duration::from_secs(args.act.timeout_secs) {
            let text = "the workers are being drained, and have not ended in time; rrctl list shows them";
            return Err(Failure::error(Exit::NotReached, text));
        }
        progress.say("waiting until sessions have moved".to_owned());
        stop.sleep(Duration::from_millis(500))?;
    }
    drop(progress);
    let (fleet, spec, look) = look(&args.fleet)?;
    show::fleet(&fleet, &spec, &look, args.fleet.json, None)
}

pub fn down(args: &DownArgs) -> anyhow::Result<()> {
    act(&args.fleet, &MarketArgs::default(), None, &args.act, &Aim::Down { now: args.now })
}

pub fn status(args: &StatusArgs) -> anyhow::Result<()> {
    if args.reconcile {
        return act(&args.fleet, &MarketArgs::default(), None, &args.act, &Aim::Keep);
    }
    let (mut fleet, spec, look) = look(&args.fleet)?;
    fleet.state.records.look(look.now, &look.observed);
    let goal = goal(&args.act, Vec::new(), &|_| Ok(()));
    let strangers =
        look.listed.iter().any(|l| show::is_there(l) && fleet.state.records.get(&l.machine.token).is_none());
    let waits = fleet.waits_for(&spec, &look, &goal);
    let waits = waits.or_else(|| strangers.then(|| "there are machines that nobody has written down".to_owned()));
    show::fleet(&fleet, &spec, &look, args.fleet.json, waits.as_deref())?;
    match waits {
        None => Ok(()),
        Some(what) => Err(Failure::error(Exit::NotReached, format!("{what}; rrctl status --reconcile sees to it"))),
    }
}

pub fn list(args: &LookArgs) -> anyhow::Result<()> {
    let (fleet, spec, look) = look(&args.fleet)?;
    show::fleet(&fleet, &spec, &look, args.fleet.json, None)
}

pub fn cost(args: &LookArgs) -> anyhow::Result<()> {
    let (fleet, spec, look) = look(&args.fleet)?;
    show::cost(&fleet, &spec, &look, args.fleet.json)
}

pub fn logs(args: &LogsArgs) -> anyhow::Result<()> {
    /// A line of a log is rarely longer.
    const BYTES_OF_LINE: usize = 400;
    let fleet = Fleet::open(&args.fleet, &MarketArgs::default(), None)?;
    let progress = Progress::start("reading the log");
    let worker = fleet.worker(&args.worker, &fleet.provider.list()?)?;
    let text = fleet.provider.logs(&worker.machine.id, args.lines.saturating_mul(BYTES_OF_LINE))?;
    drop(progress);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(args.lines)..).unwrap_or_default();
    if args.fleet.json {
        return show::json(&serde_json::json!({ "worker": worker.machine.token, "lines": last }));
    }
    last.iter().try_for_each(|line| show::line(line))
}

pub fn open(args: &OpenArgs) -> anyhow::Result<()> {
    let qr = !(args.no_qr || args.fleet.json);
    let url = if args.worker.is_none() { gateway::url(&args.to) } else { None };
    if let Some(url) = url {
        let session = args.session.as_deref().unwrap_or("main");
        let link = gateway::link_to(session, &url, &args.to)?;
        return show::link(("session", session), &link, qr, args.fleet.json);
    }
    let fleet = Fleet::open(&args.fleet, &MarketArgs::default(), None)?;
    let listed = fleet.provider.list()?;
    let worker = match (&args.worker, &args.session) {
        (Some(name), _) => fleet.worker(name, &listed)?,
        (None, None) => {
            let serves = listed.iter().find(|listed| listed.worker != WorkerHint::Unknown && show::is_there(listed));
            let none = "there is no gateway here and no worker that serves: rrctl up starts one";
            serves.ok_or_else(|| Failure::error(Exit::NotReached, none))?.clone()
        }
        (None, Some(_)) => {
            let text = "no gateway has been started here, and only gateways have sessions by name: --worker NAME \
                        opens a worker's own, --url and --state say where a gateway is";
            return Err(Failure::error(Exit::Wrong, text));
        }
    };
    let links = fleet.provider.links(&worker.machine.id)?;
    let link = match args.to.role {
        RoleName::Viewer => links.viewer,
        RoleName::Engineer => links.engineer,
        RoleName::Admin => links.admin,
    };
    show::link(("worker", &worker.machine.token.0), &link, qr, args.fleet.json)
}

pub fn doctor(args: &LookArgs) -> anyhow::Result<()> {
    let fleet = Fleet::open(&args.fleet, &MarketArgs::default(), None)?;
    let progress = Progress::start("looking");
    let mut checks = vec![
        ("configuration".to_owned(), Ok(show::file_of(&fleet.settings))),
        ("state".to_owned(), Ok(fleet.store.path().display().to_string())),
        ("lock".to_owned(), lock_of(&fleet)),
    ];
    checks.extend(fleet.provider.doctor().into_iter().map(|check| (check.what, check.found)));
    // Without credentials everything else fails in the same words.
    if checks.iter().all(|(_, found)| found.is_ok()) {
        let spec = fleet.spec().map(|(spec, _)| {
            let cost = spec.cost_of(spec.base());
            format!("{} workers, at most {}, {cost} an hour", spec.base(), spec.max)
        });
        checks.push(("fleet".to_owned(), spec.map_err(|error| error.to_string())));
    }
    drop(progress);
    show::checks(&checks, args.fleet.json)?;
    match checks.iter().filter(|(_, found)| found.is_err()).count() {
        0 => Ok(()),
        count => Err(Failure::error(Exit::Failed, format!("{count} of {} things are wrong", checks.len()))),
    }
}

/// Whoever keeps the fleet with a gateway holds it for good, which is well.
fn lock_of(fleet: &Fleet) -> Result<String, String> {
    if fleet.store.is_kept() {
        return Ok("a gateway keeps this fleet".to_owned());
    }
    fleet.store.lock(Holder::Command).map(|_| "free".to_owned()).map_err(|error| error.to_string())
}

pub fn config(args: &LookArgs) -> anyhow::Result<()> {
    let (path, file) = File::read(args.fleet.config.as_deref())?;
    let store = Store::open(args.fleet.state_dir.as_deref(), &file.fleet(&args.fleet))?;
    let told = store.load()?.told;
    let settings = Settings::resolve((path, file), &told, &args.fleet, &MarketArgs::default(), None)?;
    show::config(&settings, args.fleet.json)
}

/// What a command that acts is about.
enum Aim<'a> {
    /// What it was told holds from now on.
    Remember,
    /// Nothing new.
    Keep,
    Drain(&'a [String]),
    Down {
        now: bool,
    },
}

fn goal<'a>(act: &ActArgs, drain: Vec<Token>, agree: &'a dyn Fn(&Plan) -> anyhow::Result<()>) -> Goal<'a> {
    let timeout = Duration::from_secs(act.timeout_secs);
    Goal { drain, dry: act.dry_run, no_wait: act.no_wait, timeout, agree }
}

fn look(args: &FleetArgs) -> anyhow::Result<(Fleet, FleetSpec, Look)> {
    let fleet = Fleet::open(args, &MarketArgs::default(), None)?;
    let progress = Progress::start("looking");
    let (spec, _) = fleet.spec()?;
    let look = fleet.look(Time::from(SystemTime::now()), &[])?;
    drop(progress);
    Ok((fleet, spec, look))
}

fn act(args: &FleetArgs, market: &MarketArgs, count: Option<u32>, act: &ActArgs, aim: &Aim<'_>) -> anyhow::Result<()> {
    let stop = Stop::listen()?;
    let mut fleet = Fleet::open(args, market, count)?;
    let _lock = if act.dry_run { None } else { Some(fleet.store.lock(Holder::Command)?) };
    fleet.reload(args, market, count)?;
    // Who calls again has seen what went wrong, and has perhaps mended it.
    fleet.state.records.try_again();
    match aim {
        Aim::Remember => fleet.state.down = false,
        Aim::Down { .. } => fleet.state.down = true,
        Aim::Keep | Aim::Drain(_) => {}
    }
    let (mut spec, can) = fleet.spec()?;
    let drain = match aim {
        Aim::Drain(names) => {
            let listed = fleet.provider.list()?;
            let tokens: anyhow::Result<Vec<Token>> =
                names.iter().map(|name| Ok(fleet.worker(name, &listed)?.machine.token)).collect();
            tokens?
        }
        _ => Vec::new(),
    };
    if let Aim::Down { now: true } = aim {
        spec.timing.drain = Duration::ZERO;
    }
    if matches!(aim, Aim::Remember) && !act.dry_run {
        merge(&mut fleet.state.told, &fleet.settings.said);
    }
    let agree = |plan: &Plan| {
        if act.dry_run {
            return show::plan(plan, args.json);
        }
        agree(plan, act.yes)
    };
    let begin = Time::from(SystemTime::now());
    let goal = goal(act, drain, &agree);
    fleet.converge(&spec, &can, &goal, &stop)?;
    if act.dry_run {
        return Ok(());
    }
    if let Aim::Down { .. } = aim {
        for line in release(&fleet, &stop)? {
            eprintln!("- {line}");
        }
        // The next up begins with the file again.
        fleet.state.told = Told::default();
        fleet.state.at = None;
        fleet.store.save(&fleet.state)?;
    }
    let look = fleet.look(begin, &[])?;
    show::fleet(&fleet, &spec, &look, args.json, None)
}

/// EC2 finds a group in use until the last machine's network card is gone.
fn release(fleet: &Fleet, stop: &Stop) -> anyhow::Result<Vec<String>> {
    const TRIES: u32 = 20;
    let progress = Progress::start("tidying up");
    let mut done = Vec::new();
    for attempt in 1.. {
        match fleet.provider.release() {
            Ok(lines) => {
                done.extend(lines);
                break;
            }
            Err(error) if error.said.contains("DependencyViolation") && attempt < TRIES => {
                progress.say(format!("{error}"));
                stop.sleep(Duration::from_secs(3))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(done)
}

fn merge(told: &mut Told, said: &Told) {
    let new = said.clone();
    let old = std::mem::take(told);
    *told = Told {
        provider: new.provider.or(old.provider),
        region: new.region.or(old.region),
        profile: new.profile.or(old.profile),
        instance_type: new.instance_type.or(old.instance_type),
        count: new.count.or(old.count),
        spot_share: new.spot_share.or(old.spot_share),
        max: new.max.or(old.max),
        cost_cap: new.cost_cap.or(old.cost_cap),
    };
}

/// Asks before something costs money or ends.
fn agree(plan: &Plan, yes: bool) -> anyhow::Result<()> {
    let costs = plan.cost_after > plan.cost_before && plan.cost_after > Money::default();
    if yes || !(costs || plan.ends) {
        return Ok(());
    }
    for step in &plan.steps {
        eprintln!("{step}");
    }
    let (before, after) = (plan.cost_before, plan.cost_after);
    if !std::io::stdin().is_terminal() {
        let text = format!("this would change the cost from {before} to {after} an hour or end workers: add --yes");
        return Err(Failure::error(Exit::Wrong, text));
    }
    eprint!("From {before} to {after} an hour. Go on? [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::error(Exit::Failed, "nothing was done"))
}
