//! `rrhost --headless --gateway`: the sessions of this host, for a gateway that leases them.

use crate::cli::HostArgs;
use crate::ending::Ending;
use crate::start;
use anyhow::Context;
use rr_engine::{Engine, EngineError, Kept};
use rr_signal::SignalHandler;
use rr_signal::worker::{EC2_METADATA, GatewayConfig, GatewayLink, SessionHost, SessionState};
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
pub fn join(args: &HostArgs, engines: &[Engine], ending: &Ending) -> anyhow::Result<Option<GatewayLink>> {
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
    let slots = Slots::new(engines)?;
    let (tell, told) = sync_channel(1);
    let join = move || tell.send(GatewayLink::start(config, Arc::new(slots), PATIENCE));
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

/// The sessions that this host can serve at once, each with an engine of its own. Each begins with what the host was
/// started with, or with what the gateway has kept of it, and leaves nothing to the next one.
struct Slots(Vec<Slot>);

struct Slot {
    engine: Engine,
    /// What the host was started with.
    start: Kept,
    /// Held for a moment only: what one session waits for is not the others' affair.
    state: Mutex<Use>,
    told: Mutex<Told>,
}

/// What the gateway was told last, or knows.
struct Told {
    kept: Kept,
    /// It has a document of the session. It gets one with the first change of whatever kind: the next worker may have been
    /// started with another file.
    document: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Use {
    Free,
    Opening(String),
    Open(String),
    Closing,
}

impl Slots {
    fn new(engines: &[Engine]) -> Result<Self, EngineError> {
        let slot = |engine: &Engine| {
            let start = engine.kept()?;
            let told = Mutex::new(Told { kept: start.clone(), document: false });
            Ok(Slot { engine: engine.clone(), start, state: Mutex::new(Use::Free), told })
        };
        engines.iter().map(slot).collect::<Result<_, _>>().map(Self)
    }

    fn serving(&self, session: &str) -> Option<&Slot> {
        self.0.iter().find(|slot| matches!(&*slot.in_use(), Use::Open(open) if open == session))
    }
}

impl Slot {
    fn in_use(&self) -> MutexGuard<'_, Use> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Becomes `to` if it is `from`.
    fn turn(&self, from: &Use, to: Use) -> bool {
        let mut now = self.in_use();
        let fits = *now == *from;
        if fits {
            *now = to;
        }
        fits
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn news(&self) -> SessionState {
        let mut told = self.told();
        // An engine that is busy for so long is asked again.
        let Ok(now) = self.engine.kept() else { return SessionState::default() };
        let mut changes = now.changes_since(&told.kept);
        if changes.is_empty() {
            return changes;
        }
        if !told.document {
            changes = now.to_state();
        }
        *told = Told { kept: now, document: true };
        changes
    }

    fn begin(&self, session: &str, state: &SessionState) -> Result<(), String> {
        let mut document = state.document.is_some();
        if !state.is_empty() {
            match self.start.with(state) {
                Ok(kept) => self.engine.restore(kept).map_err(|error| error.to_string())?,
                Err(error) => {
                    document = false;
                    tracing::error!(%error, session, "what was kept of the session is damaged; it begins anew");
                }
            }
        }
        let kept = self.engine.kept().map_err(|error| error.to_string())?;
        *self.told() = Told { kept, document };
        Ok(())
    }
}

impl SessionHost for Slots {
    fn capacity(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn open(&self, session: &str, kept: SessionState) -> Result<(), String> {
        if self.serving(session).is_some() {
            return Ok(());
        }
        let opening = Use::Opening(session.to_owned());
        let Some(slot) = self.0.iter().find(|slot| slot.turn(&Use::Free, opening.clone())) else {
            return Err("this worker serves as many sessions as it can already".into());
        };
        let begun = slot.begin(session, &kept);
        slot.turn(&opening, if begun.is_ok() { Use::Open(session.to_owned()) } else { Use::Free });
        begun
    }

    fn handler(&self, session: &str) -> Option<Arc<dyn SignalHandler>> {
        self.serving(session)?.engine.signal_handler().ok()
    }

    fn changed(&self, session: &str) -> SessionState {
        self.serving(session).map(Slot::news).unwrap_or_default()
    }

    fn close(&self, session: &str) -> SessionState {
        let open = Use::Open(session.to_owned());
        let Some(slot) = self.0.iter().find(|slot| slot.turn(&open, Use::Closing)) else {
            return SessionState::default();
        };
        // These fail only when the engine ends, and everybody with it.
        let _ = slot.engine.end_viewers("this session has moved or ended");
        let _ = slot.engine.flush();
        let news = slot.news();
        let _ = slot.engine.restore(slot.start.clone());
        slot.turn(&Use::Closing, Use::Free);
        news
    }

    fn sessions(&self) -> Vec<(String, u32)> {
        let open = |slot: &Slot| {
            let Use::Open(session) = slot.in_use().clone() else { return None };
            // The first participant is the engineer at this machine.
            let viewers = slot.engine.status().participants.len().saturating_sub(1);
            Some((session, u32::try_from(viewers).unwrap_or(u32::MAX)))
        };
        self.0.iter().filter_map(open).collect()
    }

    fn drain(&self) {
        tracing::info!("the gateway sends no more sessions");
    }
}
