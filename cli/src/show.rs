//! Answers for people and, by `--json`, for programs.

use crate::fleet::{Fleet, Look, Plan};
use crate::settings::{Origin, Settings};
use rr_fleet::{FleetSpec, MachineState, Market, Money, Phase};
use rr_provider::{Listed, WorkerHint};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// A line on standard output. Whoever closed it does not want more.
pub fn line(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

pub fn json(value: &Value) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// It has not ended.
pub fn is_there(listed: &Listed) -> bool {
    listed.machine.state != MachineState::Gone
}

/// What a worker does, in a word.
fn state(fleet: &Fleet, look: &Look, listed: &Listed) -> &'static str {
    let record = fleet.state.records.get(&listed.machine.token);
    match (listed.machine.state, record.map(|record| record.phase)) {
        (MachineState::Gone, _) => "gone",
        (MachineState::Ending, _) | (_, Some(Phase::Ending { .. })) => "ending",
        (_, Some(Phase::Draining { .. })) => "draining",
        _ if listed.notice.is_some() => "taken back",
        (_, None) => "not written down",
        (MachineState::Pending, _) => "starting",
        _ if look.heard.contains(&listed.machine.token) => "up",
        (_, Some(Phase::Up)) if record.is_some_and(|record| record.seen.is_some()) => "silent",
        _ => "starting",
    }
}

fn market(market: Market) -> &'static str {
    match market {
        Market::Spot => "spot",
        Market::OnDemand => "on-demand",
    }
}

fn url(listed: &Listed) -> Option<&str> {
    match &listed.worker {
        WorkerHint::Serves(url) => Some(url),
        WorkerHint::Runs | WorkerHint::Unknown => None,
    }
}

/// Who works, and what it costs.
pub fn fleet(fleet: &Fleet, spec: &FleetSpec, look: &Look, as_json: bool, waits: Option<&str>) -> anyhow::Result<()> {
    let here: Vec<&Listed> = look.listed.iter().filter(|listed| is_there(listed)).collect();
    let cost = fleet.cost(&look.listed, spec);
    // A gateway goes by its sessions, which only it knows.
    let wanted = (!fleet.store.is_kept()).then(|| rr_fleet::wanted(spec, 0));
    let up = here.iter().filter(|listed| state(fleet, look, listed) == "up").count();
    if as_json {
        let worker = |listed: &&Listed| {
            json!({
                "name": listed.machine.token,
                "machine": listed.machine.id,
                "state": state(fleet, look, listed),
                "market": listed.machine.market,
                "kind": listed.kind,
                "address": listed.address,
                "url": url(listed),
                "launched_ms": listed.machine.launched,
                "price": spec.prices.of(listed.machine.market),
                "notice_ms": listed.notice,
            })
        };
        return json(&json!({
            "fleet": fleet.settings.fleet,
            "at": fleet.at,
            "wanted": wanted,
            "kept_by_gateway": wanted.is_none(),
            "up": up,
            "as_wanted": waits.is_none(),
            "waits_for": waits,
            "cost_per_hour": cost,
            "workers": here.iter().map(worker).collect::<Vec<_>>(),
        }));
    }
    let mut rows = vec![["WORKER", "STATE", "KIND", "MARKET", "AGE", "AN HOUR", "WHERE"].map(str::to_owned)];
    for listed in &here {
        let place = url(listed).map_or_else(String::new, |url| format!("  {url}"));
        rows.push([
            listed.machine.token.to_string(),
            state(fleet, look, listed).to_owned(),
            listed.kind.clone(),
            market(listed.machine.market).to_owned(),
            age(look.now.since(listed.machine.launched)),
            spec.prices.of(listed.machine.market).to_string(),
            format!("{}  {}{place}", listed.machine.id, listed.address),
        ]);
    }
    if !here.is_empty() {
        table(&rows)?;
    }
    let what = &fleet.settings.fleet;
    let count = match wanted {
        Some(wanted) => format!("{up} of {wanted} workers up"),
        None => format!("{up} workers up, kept by a gateway"),
    };
    line(&format!("Fleet {what} at {}: {count}, {cost} an hour.", fleet.at))
}

fn table<const N: usize>(rows: &[[String; N]]) -> anyhow::Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column)));
        line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn age(time: Duration) -> String {
    match time.as_secs() {
        secs @ 0..120 => format!("{secs} s"),
        secs @ 120..7_200 => format!("{} min", secs / 60),
        secs @ 7_200..172_800 => format!("{} h", secs / 3_600),
        secs => format!("{} d", secs / 86_400),
    }
}

/// What would be done.
/// A link, alone on stdout; its QR code goes to stderr. `of` says in JSON what it leads to.
pub fn link(of: (&str, &str), link: &str, qr: bool, as_json: bool) -> anyhow::Result<()> {
    if qr {
        eprintln!("\n{}", rr_signal::link::terminal_qr(link)?);
    }
    if as_json {
        return json(&json!({ of.0: of.1, "link": link }));
    }
    line(link)
}

pub fn plan(plan: &Plan, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let (before, after) = (plan.cost_before, plan.cost_after);
        return json(&json!({
            "steps": plan.steps,
            "cost_per_hour_before": before,
            "cost_per_hour_after": after,
            "ends_workers": plan.ends,
        }));
    }
    plan.steps.iter().try_for_each(|step| line(step))?;
    if plan.steps.is_empty() {
        line("Nothing is to be done.")?;
    }
    line(&format!("From {} to {} an hour.", plan.cost_before, plan.cost_after))
}

/// Now, and all that was used.
pub fn cost(fleet: &Fleet, spec: &FleetSpec, look: &Look, as_json: bool) -> anyhow::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "to be read")]
    fn hours(secs: u64) -> f64 {
        secs as f64 / 3_600.0
    }
    let now = fleet.cost(&look.listed, spec);
    let spent = fleet.state.spent(look.now);
    let of = |wanted: Market| {
        let runs = fleet.state.runs.iter().filter(|run| run.market == wanted);
        let sum = runs.map(|run| (run.time(look.now).as_secs(), run.price.over(run.time(look.now))));
        sum.fold((0, Money::default()), |(secs, money), (s, m)| (secs + s, money + m))
    };
    let (spot, on_demand) = (of(Market::Spot), of(Market::OnDemand));
    let since = fleet.state.runs.iter().map(|run| run.from).min().map(|from| look.now.since(from));
    if as_json {
        let part = |(secs, money): (u64, Money)| json!({ "machine_hours": hours(secs), "cost": money });
        return json(&json!({
            "fleet": fleet.settings.fleet,
            "at": fleet.at,
            "cost_per_hour": now,
            "cap_per_hour": spec.cost_cap,
            "price_spot": spec.prices.spot,
            "price_on_demand": spec.prices.on_demand,
            "machine_hours": hours(spent.secs),
            "cost": spent.money,
            "spot": part(spot),
            "on_demand": part(on_demand),
            "watched_hours": hours(fleet.state.watched_ms / 1000),
            "cost_per_user_hour": fleet.state.per_user_hour(look.now),
        }));
    }
    let cap = spec.cost_cap.map_or(String::new(), |cap| format!(", at most {cap}"));
    line(&format!("Now: {now} an hour{cap}"))?;
    line(&format!("So far: {} for {:.2} machine-hours", spent.money, hours(spent.secs)))?;
    for (name, (secs, money)) in [("spot", spot), ("on demand", on_demand)] {
        if secs > 0 {
            line(&format!("  {name}: {money} for {:.2} machine-hours", hours(secs)))?;
        }
    }
    if let Some(price) = fleet.state.per_user_hour(look.now) {
        let watched = hours(fleet.state.watched_ms / 1000);
        line(&format!("People watched for {watched:.2} hours: {price} an hour of one person"))?;
    }
    if let Some(since) = since {
        line(&format!("The first machine that is listed one by one started {} ago.", age(since)))?;
    }
    line("Prices are those of the configuration and of the spot market at the start; the provider's bill decides.")
}

pub fn checks(checks: &[(String, Result<String, String>)], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let check = |(what, found): &(String, Result<String, String>)| match found {
            Ok(text) => json!({ "what": what, "ok": true, "found": text }),
            Err(text) => json!({ "what": what, "ok": false, "found": text }),
        };
        return json(&json!({ "checks": checks.iter().map(check).collect::<Vec<_>>() }));
    }
    for (what, found) in checks {
        match found {
            Ok(text) => line(&format!("ok     {what}: {text}"))?,
            Err(text) => line(&format!("WRONG  {what}: {text}"))?,
        }
    }
    Ok(())
}

/// The file that was read, in words.
pub fn file_of(settings: &Settings) -> String {
    settings.file.as_ref().map_or("no rrctl.toml; defaults".to_owned(), |path| path.display().to_string())
}

pub fn config(settings: &Settings, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let values = settings.shown.iter().map(|shown| {
            let value = json!({ "value": shown.value, "from": shown.origin.to_string() });
            (shown.key.to_owned(), value)
        });
        return json(&json!({ "file": settings.file, "values": Value::Object(values.collect()) }));
    }
    line(&format!("# {}", file_of(settings)))?;
    let rows: Vec<[String; 2]> = settings
        .shown
        .iter()
        .map(|shown| {
            let value = if shown.value.is_null() { "(not set)".to_owned() } else { shown.value.to_string() };
            let from = if shown.origin == Origin::Default { String::new() } else { format!("  # {}", shown.origin) };
            [format!("{} = {value}", shown.key), from]
        })
        .collect();
    table(&rows)
}

/// An error, on standard error.
pub fn error(error: &anyhow::Error, code: u8, as_json: bool) {
    if as_json {
        eprintln!("{}", json!({ "error": format!("{error:#}"), "exit_code": code }));
    } else {
        eprintln!("rrctl: {error:#}");
    }
}
