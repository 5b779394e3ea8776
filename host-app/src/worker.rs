//! `rrhost --headless --gateway`: the one session of this host, for a gateway that leases it.

use crate::cli::HostArgs;
use crate::ending::Ending;
use crate::start;
use anyhow::Context;
use rr_engine::{Engine, Kept};
use rr_signal::SignalHandler;
use rr_signal::worker::{EC2_METADATA, GatewayConfig, GatewayLink, SessionHost};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a gateway may be out of reach while a worker starts.
const PATIENCE: Duration = Duration::from_secs(120);
/// Written by what set the machine up.
const TOKEN_FILE: &str = "/etc/remote-render/join-token";

/// Joins the gateway that the command line names, if it names one. It may be out of reach for a while; whoever wants the
/// host to end does not wait for that.
pub fn join(args: &HostArgs, engine: &Engine, ending: &Ending) -> anyhow::Result<Option<GatewayLink>> {
    if args.gateway.is_empty() {
        return Ok(None);
    }
    let config = GatewayConfig {
        urls: args.gateway.clone(),
        join_token: join_token(args.join_token_file.as_deref())?,
        dir: start::config_dir(args.config_dir.as_deref()).join("workers"),
        program: concat!("rrhost ", env!("CARGO_PKG_VERSION")).to_owned(),
        // The variable is that of all of Amazon's programs.
        interruptions: args.spot_notices.then(|| {
            let elsewhere = std::env::var("AWS_EC2_METADATA_SERVICE_ENDPOINT").ok().filter(|url| !url.is_empty());
            elsewhere.unwrap_or_else(|| EC2_METADATA.to_owned())
        }),
    };
    let session = OneSession { engine: engine.clone(), start: engine.kept(), open: Mutex::default() };
    let (tell, told) = sync_channel(1);
    let join = move || tell.send(GatewayLink::start(config, Arc::new(session), PATIENCE));
    std::thread::Builder::new().name("rr-join".into()).spawn(join)?;
    while !ending.was_asked_for() {
        match told.recv_timeout(Duration::from_millis(100)) {
            Err(RecvTimeoutError::Timeout) => {}
            joined => return Ok(Some(joined??)),
        }
    }
    Ok(None)
}

/// Where the token is; none when it is nowhere, which does as long as there is a certificate.
fn join_token(chosen: Option<&Path>) -> anyhow::Result<Option<String>> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    if let Some(path) = chosen {
        return read(path).map(Some);
    }
    if let Some(token) = std::env::var_os("RR_JOIN_TOKEN").filter(|token| !token.is_empty()) {
        let token = token.into_string().ok().context("RR_JOIN_TOKEN holds no text")?;
        return Ok(Some(token));
    }
    // systemd.exec(5), LoadCredential: the file itself is root's.
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| PathBuf::from(folder).join("join-token"));
    for path in credential.into_iter().chain([PathBuf::from(TOKEN_FILE)]) {
        match std::fs::read_to_string(&path) {
            Ok(token) => return Ok(Some(token)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
    Ok(None)
}

/// This host has one workspace, and so one session at a time. Each begins with what the host was started with, or with
/// what the gateway has kept of it, and leaves nothing to the next one.
struct OneSession {
    engine: Engine,
    /// What the host was started with.
    start: Kept,
    open: Mutex<Option<Open>>,
}

struct Open {
    session: String,
    /// What the gateway was told last, or knows.
    told: Kept,
}

impl OneSession {
    fn opened(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn news(&self, open: &mut Open) -> Option<String> {
        let now = self.engine.kept();
        if now == open.told {
            return None;
        }
        let text = now.to_text();
        open.told = now;
        Some(text)
    }
}

impl SessionHost for OneSession {
    fn capacity(&self) -> u32 {
        1
    }

    fn open(&self, session: &str, kept: Option<&str>) -> Result<(), String> {
        let mut open = self.opened();
        match open.as_ref() {
            Some(other) if other.session != session => {
                return Err("this worker serves another session already".into());
            }
            Some(_) => return Ok(()),
            None => {}
        }
        match kept.map(Kept::parse) {
            Some(Ok(kept)) => self.engine.restore(kept).map_err(|error| error.to_string())?,
            Some(Err(error)) => {
                tracing::error!(%error, session, "what was kept of the session is damaged; it begins anew");
            }
            None => {}
        }
        *open = Some(Open { session: session.to_owned(), told: self.engine.kept() });
        Ok(())
    }

    fn handler(&self, session: &str) -> Option<Arc<dyn SignalHandler>> {
        let is_open = self.opened().as_ref().is_some_and(|open| open.session == session);
        is_open.then(|| self.engine.signal_handler().ok())?
    }

    fn changed(&self, session: &str) -> Option<String> {
        let mut open = self.opened();
        self.news(open.as_mut().filter(|open| open.session == session)?)
    }

    fn close(&self, session: &str) -> Option<String> {
        let mut opened = self.opened();
        let mut open = opened.take_if(|open| open.session == session)?;
        // These fail only when the engine ends, and everybody with it.
        let _ = self.engine.end_viewers("this session has moved or ended");
        let _ = self.engine.flush();
        let news = self.news(&mut open);
        let _ = self.engine.restore(self.start.clone());
        news
    }

    fn sessions(&self) -> Vec<(String, u32)> {
        // The first participant is the engineer at this machine.
        let viewers = self.engine.status().participants.len().saturating_sub(1);
        let viewers = u32::try_from(viewers).unwrap_or(u32::MAX);
        self.opened().iter().map(|open| (open.session.clone(), viewers)).collect()
    }

    fn drain(&self) {
        tracing::info!("the gateway sends no more sessions");
    }
}
