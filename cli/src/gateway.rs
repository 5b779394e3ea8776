//! `rrctl gateway`: serves the front door, and makes tokens and links with its secrets.

use crate::args::{
    GatewayArgs, GatewayCommand, GatewayServe, GatewayState, GatewayTls, LinkArgs, LinkTo, RoleName, TokenArgs,
};
use crate::exit::{Exit, Failure};
use crate::keys::{self, KeyWatch};
use crate::pool::{Pool, PoolConfig};
use crate::settings::home;
use crate::show;
use anyhow::Context;
use rr_fleet::{FleetSpec, Money, Prices, Scaling, Timing};
use rr_gateway::{
    DeskRules, Gateway, GatewayConfig, IceServers, IceUrl, Limits, Rates, Role, Secret, Secrets, TimeLimitedTurn, Tls,
    Users,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Of a link, unless the command line says otherwise.
const LINK_HOURS: u64 = 12;
const HOUR: Duration = Duration::from_secs(3600);
/// Where a gateway is, for those who make links.
const ADDRESS: &str = "address.json";
/// A gateway serves many: more than one host does.
const CONNECTIONS: usize = 4096;
const SOCKETS: usize = 2048;

#[derive(Serialize, Deserialize)]
struct Address {
    url: String,
    workers: String,
}

pub fn as_json(args: &GatewayArgs) -> bool {
    match &args.command {
        Some(GatewayCommand::Token(args)) => args.json,
        Some(GatewayCommand::Link(args)) => args.json,
        None => false,
    }
}

pub fn run(args: &GatewayArgs) -> anyhow::Result<()> {
    match &args.command {
        Some(GatewayCommand::Token(args)) => token(args),
        Some(GatewayCommand::Link(args)) => link(args),
        None => serve(&args.serve),
    }
}

fn folder(state: &GatewayState) -> PathBuf {
    state.state.clone().unwrap_or_else(|| home("XDG_STATE_HOME", ".local/state").join("gateway"))
}

fn wrong(text: impl Into<String>) -> anyhow::Error {
    Failure::error(Exit::Wrong, text)
}

fn token(args: &TokenArgs) -> anyhow::Result<()> {
    let worker = args.worker.clone().unwrap_or_else(|| crate::fleet::fresh_token().0);
    if !rr_gateway::is_name(&worker) {
        return Err(wrong(format!("{worker:?} is no name of a worker: 1 to 40 small letters, digits and hyphens")));
    }
    let secrets = Secrets::load_or_create(&folder(&args.state))?;
    let token = secrets.join_token(&worker, SystemTime::now() + HOUR * u32::try_from(args.hours)?);
    if args.json {
        return show::json(&json!({ "worker": worker, "token": token }));
    }
    show::line(&token)
}

fn link(args: &LinkArgs) -> anyhow::Result<()> {
    let Some(url) = url(&args.to) else {
        return Err(wrong("no gateway has been started with this folder: start one, or say --url"));
    };
    let link = link_to(&args.session, &url, &args.to)?;
    show::link(("session", &args.session), &link, args.qr, args.json)
}

/// Where viewers reach the gateway; none: none was started here.
pub fn url(to: &LinkTo) -> Option<String> {
    if let Some(url) = &to.url {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let known = std::fs::read(folder(&to.state).join(ADDRESS)).ok()?;
    Some(serde_json::from_slice::<Address>(&known).ok()?.url)
}

/// A link to a session of the gateway at `url`.
pub fn link_to(session: &str, url: &str, to: &LinkTo) -> anyhow::Result<String> {
    let role = match to.role {
        RoleName::Viewer => Role::Viewer,
        RoleName::Engineer => Role::Engineer,
        RoleName::Admin => Role::Admin,
    };
    let secrets = Secrets::load_or_create(&folder(&to.state))?;
    let valid_for = HOUR * u32::try_from(to.hours.unwrap_or(LINK_HOURS))?;
    rr_gateway::link(&secrets, url, session, role, valid_for).map_err(|error| wrong(error.to_string()))
}

fn serve(args: &GatewayServe) -> anyhow::Result<()> {
    start_log();
    // Before any thread starts, so that a signal during the start ends it in order, too.
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot listen for signals")?;
    let state = folder(&args.state);
    let (users, _watch) = users(args, &state)?.unzip();
    let gateway = Arc::new(Gateway::start(config(args, &state, users)?)?);
    let address = Address { url: gateway.url().to_owned(), workers: gateway.workers_url().to_owned() };
    rr_provider::replace_file(&state.join(ADDRESS), &serde_json::to_vec(&address)?)
        .with_context(|| format!("cannot write {}", state.join(ADDRESS).display()))?;
    let pool = args.pool.then(|| {
        // Machines elsewhere know it by its name.
        let workers_url = match (args.name.first(), address.workers.rsplit_once(':')) {
            (Some(name), Some((_, port))) => format!("https://{name}:{port}"),
            _ => address.workers.clone(),
        };
        let config = PoolConfig { args: args.fleet.clone(), warm: args.warm, min: args.min, workers_url };
        Pool::start(config, Arc::clone(&gateway))
    });
    let pool = pool.transpose()?;
    show::line(
        &json!({ "event": "ready", "url": address.url, "workers": address.workers, "pid": std::process::id() })
            .to_string(),
    )?;
    signals.forever().next();
    // A second signal ends it at once.
    let handle = signals.handle();
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
    });
    // It has the other half of the gateway.
    drop(pool);
    if let Some(gateway) = Arc::into_inner(gateway) {
        gateway.shutdown("the gateway ends");
    }
    handle.close();
    Ok(())
}

fn config(args: &GatewayServe, state: &Path, users: Option<Users>) -> anyhow::Result<GatewayConfig> {
    let next_port = match args.listen.port() {
        0 => 0,
        port => port.checked_add(1).ok_or_else(|| wrong("there is no port after 65535: say --workers"))?,
    };
    let workers = args.workers.unwrap_or_else(|| SocketAddr::new(args.listen.ip(), next_port));
    let own = || Tls::SelfSigned { dir: state.join("tls"), names: args.name.clone() };
    let tls = match (&args.cert, &args.key, args.tls) {
        (Some(cert), Some(key), _) => Tls::Files { cert: cert.clone(), key: key.clone() },
        (_, _, GatewayTls::On) => own(),
        (_, _, GatewayTls::Auto) if !args.listen.ip().is_loopback() => own(),
        (_, _, GatewayTls::Auto | GatewayTls::Off) => Tls::Off,
    };
    let limits = Limits { connections: CONNECTIONS, sockets: SOCKETS, connections_per_ip: 256, ..Limits::default() };
    Ok(GatewayConfig {
        listen: args.listen,
        workers,
        tls,
        names: args.name.clone(),
        state: state.to_owned(),
        database: args.database.clone(),
        ice: ice(args)?,
        spec: spec(),
        rules: DeskRules { linger: Duration::from_secs(args.linger_secs), ..DeskRules::default() },
        grows: args.pool,
        users,
        rates: Rates::default(),
        worker_certificate: rr_gateway::WORKER_CERTIFICATE,
        limits,
    })
}

/// Without a provider: whoever joins, serves.
fn spec() -> FleetSpec {
    FleetSpec {
        name: "gateway".to_owned(),
        scaling: Scaling::Fixed(0),
        max: u32::MAX,
        cost_cap: None,
        sessions_per_worker: 1,
        spot_share: 0,
        places: 1,
        prices: Prices { spot: Money::default(), on_demand: Money::default() },
        timing: Timing::default(),
    }
}

/// Whose tokens are taken, and the watch over their keys where these change.
fn users(args: &GatewayServe, state: &Path) -> anyhow::Result<Option<(Users, Option<KeyWatch>)>> {
    let (users, watch) = match (&args.jwt_secret_file, &args.jwks) {
        (Some(secret), _) => (Users::with_secret(secret)?, None),
        (None, Some(jwks)) => {
            let (users, watch) = keys::users(jwks, state, args.jwks_ca.as_deref())?;
            (users, Some(watch))
        }
        (None, None) => return Ok(None),
    };
    Ok(Some((users.meant_for(args.jwt_issuer.clone(), args.jwt_audience.clone()), watch)))
}

fn ice(args: &GatewayServe) -> anyhow::Result<IceServers> {
    let parse = |urls: &[String], turn: bool| {
        let one = |url: &String| -> anyhow::Result<IceUrl> {
            let parsed: IceUrl = url.parse().map_err(|error: rr_signal::IceUrlError| wrong(error.to_string()))?;
            if parsed.is_turn() == turn {
                return Ok(parsed);
            }
            Err(wrong(format!("{url} belongs to --{}", if turn { "stun" } else { "turn" })))
        };
        urls.iter().map(one).collect::<anyhow::Result<Vec<_>>>()
    };
    let mut ice = IceServers::default();
    let stun = parse(&args.stun, false)?;
    if !stun.is_empty() {
        let urls = stun.iter().map(ToString::to_string).collect();
        ice.fixed.push(rr_gateway::IceServer { urls, username: None, credential: None });
    }
    if let Some(file) = &args.turn_secret_file {
        let valid_for = HOUR * u32::try_from(args.turn_hours)?;
        ice.turn = Some(TimeLimitedTurn { urls: parse(&args.turn, true)?, secret: Secret::read(file)?, valid_for });
    }
    Ok(ice)
}

/// Logs go to stderr: stdout is for results.
fn start_log() {
    use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};
    let filter =
        EnvFilter::try_from_env("RRCTL_LOG").unwrap_or_else(|_| EnvFilter::new("warn,rr_gateway=info,rr_signal=info"));
    tracing_subscriber::registry().with(filter).with(fmt::layer().with_writer(std::io::stderr)).init();
}
