//! `rrhost` with its window: options of the command line for the desktop, signals, the sample line.

use crate::cli::{self, HostArgs};
use crate::desktop::{self, DesktopOptions, Stop, ThemeChoice};
use crate::start;
use anyhow::Context;
use rr_engine::{ImportRequest, ShareConfig, ShareTls};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

pub fn run(args: &HostArgs) -> anyhow::Result<ExitCode> {
    let documents = start::documents(&args.files)?;
    let stop = Stop::default();
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot listen for signals")?;
    let asked = stop.clone();
    std::thread::Builder::new().name("rr-signals".into()).spawn(move || {
        for _ in signals.forever() {
            asked.request();
        }
    })?;
    let config_dir = start::config_dir(args.config_dir.as_deref());
    let (tls, keys) = (crate::share_tls(args), config_dir.clone());
    let (encoder, codec) = (args.encoder, args.codec);
    let (advertise, ice) = (args.advertise.clone(), args.network.ice_servers()?);
    let (media_tcp, ice_lite) = (args.network.media_tcp, args.network.ice_lite.choice());
    let import = |file| ImportRequest { file, options: args.import.options() };
    desktop::run(DesktopOptions {
        workspace: documents.workspace,
        path: documents.path,
        imports: documents.models.into_iter().map(import).collect(),
        adapter: args.adapter,
        picture: args.size,
        fps: args.fps,
        theme: args.theme.map(|theme| match theme {
            cli::ThemeChoice::Dark => ThemeChoice::Dark,
            cli::ThemeChoice::Light => ThemeChoice::Light,
        }),
        settings: rr_engine::Settings {
            viewers_may_steer: args.viewers_may_steer,
            own_cameras: args.own_cameras.into(),
            most_own_cameras: args.most_own_cameras,
            ..Default::default()
        },
        owner_name: std::env::var("USER").unwrap_or_else(|_| "Engineer".into()),
        cache: args.cache.open(),
        limits: args.import.limits(),
        config_dir: Some(config_dir),
        sample: sample_line(),
        certificate_is_own_made: matches!(tls, ShareTls::Auto | ShareTls::SelfSigned),
        share: Arc::new(move |listen| ShareConfig {
            listen,
            tls: tls.clone(),
            advertise: advertise.clone(),
            media_tcp,
            ice_lite,
            ice: ice.clone(),
            config_dir: keys.clone(),
            encoder,
            codec,
        }),
        stop,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The sample workspace where packages put it, or beside a build in the source tree.
fn sample_line() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
    let candidates = [
        beside.as_ref().map(|b| b.join("../share/remote-render/samples/production-line.rrws.json")),
        beside.as_ref().map(|b| b.join("../../samples/production-line.rrws.json")),
    ];
    candidates.into_iter().flatten().find(|path| path.is_file())
}
