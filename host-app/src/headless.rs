//! `rrhost --headless`: the engine without a window. One line of JSON on stdout says that it is ready.

use crate::cli::{self, HostArgs};
use crate::ending::Ending;
use crate::start::{self, Documents};
use anyhow::Context;
use rr_engine::{Engine, EngineConfig, Gpu, GpuInfo, ImportRequest, Saving, ShareConfig, ShareStatus};
use rr_scene::Role;
use rr_signal::worker::GatewayLink;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// The ready line waits this long for the models; viewers may come before all of them are there.
const LOAD_WAIT: Duration = Duration::from_secs(20);
/// A worker of a fleet offers itself when they are there: every session begins with the same ones.
const FLEET_LOAD_WAIT: Duration = Duration::from_secs(15 * 60);

pub fn run(args: &HostArgs) -> anyhow::Result<ExitCode> {
    let ending = Ending::listen().context("cannot listen for signals")?;
    let documents = start::documents(&args.files)?;
    let in_fleet = !args.gateway.is_empty();
    let (wake, woken) = start::wake_channel();
    let mut engines = Vec::new();
    // One after the other, so that all but the first find the models in the cache. One on a command line without a gateway.
    for number in 0..if in_fleet { args.sessions } else { 1 } {
        let (engine, served) = begin(args, number, &documents, &wake)?;
        let within = if in_fleet { FLEET_LOAD_WAIT } else { LOAD_WAIT };
        let loaded = start::wait_until_loaded(&engine, &woken, within, |_| !ending.was_asked_for());
        let asked = documents.models.len();
        if asked > 0 && loaded && start::failed_files(&engine) == asked && engine.scene().workspace.devices().len() == 0
        {
            engine.shutdown()?;
            anyhow::bail!("none of the files could be read");
        }
        engines.push((engine, served));
        if ending.was_asked_for() {
            break;
        }
    }
    let all: Vec<Engine> = engines.iter().map(|(engine, _)| engine.clone()).collect();
    let (engine, Served { share, adapter }) = engines.swap_remove(0);
    let membership = crate::worker::join(args, &all, &ending)?;
    let valid_for = Duration::from_secs_f64(args.link_hours * 3600.0);
    let link = |role| engine.issue_link(role, valid_for);
    let (viewer, engineer, admin) = (link(Role::Viewer)?, link(Role::Engineer)?, link(Role::Admin)?);
    let scene = engine.scene();
    let ready = serde_json::json!({
        "event": "ready",
        "url": engineer,
        "links": { "viewer": viewer, "engineer": engineer, "admin": admin },
        "addresses": share.urls,
        "warning": share.warning,
        "pid": std::process::id(),
        "sessions": all.len(),
        "worker": membership.as_ref().map(GatewayLink::worker),
        "workspace": scene.workspace.name,
        "devices": scene.workspace.devices().len(),
        "loading": engine.status().imports.iter().filter(|i| !i.state.is_over()).count(),
        "failed": start::failed_files(&engine),
        "picture": { "width": args.size.width_px, "height": args.size.height_px, "fps": args.fps },
        "encoder": {
            "name": share.encoder.in_use,
            "notUsed": share.encoder.not_used.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
        "adapter": { "name": adapter.name, "software": adapter.is_software },
    });
    let mut out = std::io::stdout().lock();
    // Whoever started us may not read any more: that is no reason to stop serving.
    let _ = writeln!(out, "{ready}").and_then(|()| out.flush());
    drop(out);
    if args.qr {
        match rr_signal::link::terminal_qr(&engineer) {
            Ok(code) => eprintln!("\n{code}\n  {engineer}\n"),
            Err(error) => tracing::warn!(%error, "no QR code"),
        }
    }
    ending.wait();
    // Its session goes on elsewhere, with what the gateway keeps of it.
    drop(membership);
    // Its viewers hear from the engine that it ends; new ones come no more.
    for engine in all {
        if let Some(path) = engine.shutdown()? {
            tracing::info!("saved {}", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One session, served at its own port. A lost graphics device is the trouble of one session: each has its own.
fn begin(
    args: &HostArgs,
    number: u16,
    documents: &Documents,
    wake: &Arc<dyn Fn() + Send + Sync>,
) -> anyhow::Result<(Engine, Served)> {
    let choice = args.adapter.of_session(number);
    let gpu = Gpu::headless(choice)?;
    if let Some(warning) = gpu.warning().filter(|_| number == 0) {
        tracing::warn!("{warning}");
    }
    let adapter = gpu.info().clone();
    let config = EngineConfig {
        gpu,
        reopen_gpu: Some(Arc::new(move || Gpu::headless(choice))),
        picture: args.size,
        fps: args.fps,
        theme: args.theme.unwrap_or(cli::ThemeChoice::Dark).theme(),
        settings: rr_engine::Settings {
            viewers_may_steer: args.viewers_may_steer,
            own_cameras: args.own_cameras.into(),
            most_own_cameras: args.most_own_cameras,
            ..Default::default()
        },
        owner_name: "Host".into(),
        cache: args.cache.open(),
        limits: args.import.limits(),
        saving: if args.gateway.is_empty() { Saving::Always } else { Saving::Never },
        wake: Arc::clone(wake),
    };
    let mut listen = args.listen;
    if listen.port() != 0 {
        let port = listen.port().checked_add(number);
        listen.set_port(port.context("there are not as many ports after that of --listen as there are --sessions")?);
    }
    let engine = Engine::start(config, documents.workspace.clone(), documents.path.clone())?;
    let share = engine.share(ShareConfig {
        listen,
        tls: crate::share_tls(args),
        config_dir: start::config_dir(args.config_dir.as_deref()),
        encoder: args.encoder,
        codec: args.codec,
        advertise: args.advertise.clone(),
        media_tcp: args.network.media_tcp,
        ice_lite: args.network.ice_lite.choice(),
        ice: args.network.ice_servers()?,
    })?;
    let import = |file: &PathBuf| ImportRequest { file: file.clone(), options: args.import.options() };
    engine.import(documents.models.iter().map(import).collect())?;
    Ok((engine, Served { share, adapter }))
}

/// How a session is served.
struct Served {
    share: ShareStatus,
    adapter: GpuInfo,
}
