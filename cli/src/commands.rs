//! What each command does.

use crate::args::{
    ActArgs, DownArgs, DrainArgs, FleetArgs, LogsArgs, LookArgs, MarketArgs, ScaleArgs, StatusArgs, UpArgs,
};
use crate::exit::{Exit, Failure};
use crate::fleet::{Fleet, Goal, Look, Plan};
use crate::progress::Progress;
use crate::settings::{File, Settings, Told};
use crate::show;
use crate::stop::Stop;
use crate::store::Store;
use rr_fleet::{FleetSpec, Money, Time, Token};
use std::io::{BufRead, IsTerminal, Write};
use std::time::{Duration, SystemTime};

pub fn up(args: &UpArgs) -> anyhow::Result<()> {
    act(&args.fleet, &args.market, args.count, &args.act, &Aim::Remember)
}

pub fn scale(args: &ScaleArgs) -> anyhow::Result<()> {
    act(&args.fleet, &MarketArgs::default(), Some(args.count), &args.act, &Aim::Remember)
}

pub fn drain(args: &DrainArgs) -> anyhow::Result<()> {
    act(&args.fleet, &MarketArgs::default(), None, &args.act, &Aim::Drain(&args.workers))
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

pub fn doctor(args: &LookArgs) -> anyhow::Result<()> {
    let fleet = Fleet::open(&args.fleet, &MarketArgs::default(), None)?;
    let progress = Progress::start("looking");
    let mut checks = vec![
        ("configuration".to_owned(), Ok(show::file_of(&fleet.settings))),
        ("state".to_owned(), Ok(fleet.store.path().display().to_string())),
        ("lock".to_owned(), fleet.store.lock().map(|_| "free".to_owned()).map_err(|error| error.to_string())),
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
    let _lock = if act.dry_run { None } else { Some(fleet.store.lock()?) };
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
