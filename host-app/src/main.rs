//! `rrhost`: opens equipment models, shows them in a window or without one, and serves them live to browsers.

mod cli;
mod config;
mod convert;
mod desktop;
mod doctor;
mod ending;
mod headless;
mod inspect;
mod progress;
mod render;
mod start;
mod windowed;
mod worker;

use cli::{CommandLine, HostArgs, TlsMode};
use rr_engine::ShareTls;
use std::process::ExitCode;

fn main() -> ExitCode {
    quiet_mesa();
    let call = config::read_or_exit();
    let cli = &call.cli;
    start_log();
    if let Some(file) = call.file.as_ref().filter(|_| cli.command.is_none()) {
        tracing::info!("settings of {}", file.display());
    }
    let result = match &cli.command {
        Some(CommandLine::Inspect(args)) => inspect::run(args),
        Some(CommandLine::Convert(args)) => convert::run(args),
        Some(CommandLine::Render(args)) => render::run(args),
        Some(CommandLine::Doctor(args)) => doctor::run(args),
        Some(CommandLine::Config(args)) => config::run(args, &call).map_err(Into::into),
        None if cli.host.headless => headless::run(&cli.host),
        None => windowed::run(&cli.host),
    };
    result.unwrap_or_else(|error| {
        eprintln!("rrhost: {}", explain(&error));
        ExitCode::FAILURE
    })
}

/// Mesa's layer that puts graphics cards into an order looks for a Wayland session on the way and complains on stderr
/// where there is none, as on every server. We order the cards ourselves.
#[expect(unsafe_code, reason = "the environment may be changed as long as there is no other thread")]
fn quiet_mesa() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() && std::env::var_os("NODEVICE_SELECT").is_none() {
        // SAFETY: the first thing that the program does, before anything could have started a thread.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

/// The error and its causes on one line; a cause that the text before it already names is not said twice.
fn explain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        _ if said.ends_with(&cause) => said,
        _ => format!("{said}: {cause}"),
    })
}

/// Logs go to stderr: stdout is for results.
fn start_log() {
    use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};
    let filter = EnvFilter::try_from_env("RRHOST_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,rr=info,rr_engine=info,rrhost=info,rr_signal::worker=info"));
    tracing_subscriber::registry().with(filter).with(fmt::layer().with_writer(std::io::stderr)).init();
}

fn share_tls(args: &HostArgs) -> ShareTls {
    match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => ShareTls::Files { cert: cert.clone(), key: key.clone() },
        _ => match args.tls {
            TlsMode::Auto => ShareTls::Auto,
            TlsMode::On => ShareTls::SelfSigned,
            TlsMode::Off => ShareTls::Off,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::explain;
    use rr_scene::file::FileError;

    #[test]
    fn no_cause_is_said_twice() {
        let source = std::io::Error::other("disk full");
        let error = FileError::Io { action: "save", path: "line.json".into(), source };
        let error = anyhow::Error::from(error).context("not ended");
        assert_eq!(explain(&error), "not ended: cannot save line.json: disk full");
    }
}
