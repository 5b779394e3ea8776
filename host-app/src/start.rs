//! What window, headless host and pictures have in common when they start.

use crate::cli;
use anyhow::bail;
use rr_engine::{Engine, ImportState};
use rr_scene::Workspace;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// What the files on the command line are.
pub struct Documents {
    pub workspace: Workspace,
    pub path: Option<PathBuf>,
    pub models: Vec<PathBuf>,
}

/// Reads the workspace, if one is named, and tells model files from it.
pub fn documents(files: &[PathBuf]) -> anyhow::Result<Documents> {
    let (workspaces, models): (Vec<PathBuf>, Vec<PathBuf>) = files.iter().cloned().partition(|f| cli::is_workspace(f));
    if workspaces.len() > 1 {
        bail!("one workspace at a time: {} and {}", workspaces[0].display(), workspaces[1].display());
    }
    let path = workspaces.into_iter().next();
    let workspace = match &path {
        Some(path) => rr_scene::file::load(path)?,
        None => Workspace::new(title(&models)),
    };
    Ok(Documents { workspace, path, models })
}

fn title(models: &[PathBuf]) -> String {
    match models {
        [one] => one.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        _ => "Untitled".to_owned(),
    }
}

/// A callback that wakes the receiver; further wakes before it looked are one.
pub fn wake_channel() -> (Arc<dyn Fn() + Send + Sync>, Receiver<()>) {
    let (tx, rx) = sync_channel(1);
    (Arc::new(move || _ = tx.try_send(())), rx)
}

/// Waits until nothing is being read any more; `goes_on` hears of the files now and then. False when the time ran out
/// first, or `goes_on` said no.
pub fn wait_until_loaded(
    engine: &Engine,
    woken: &Receiver<()>,
    within: Duration,
    mut goes_on: impl FnMut(&[rr_engine::Import]) -> bool,
) -> bool {
    let deadline = Instant::now().checked_add(within);
    // The import request itself must have been taken before the list means anything.
    if engine.flush().is_err() {
        return false;
    }
    loop {
        let imports = &engine.status().imports;
        let goes_on = goes_on(imports);
        if imports.iter().all(|i| i.state.is_over()) {
            return true;
        }
        let left = deadline.map_or(Duration::from_secs(1), |d| d.saturating_duration_since(Instant::now()));
        if left.is_zero() || !goes_on {
            return false;
        }
        let _ = woken.recv_timeout(left.min(Duration::from_millis(200)));
    }
}

/// Files that could not be read.
pub fn failed_files(engine: &Engine) -> usize {
    engine.status().imports.iter().filter(|i| matches!(i.state, ImportState::Failed(_))).count()
}

/// Folder for keys, certificates and settings.
pub fn config_dir(chosen: Option<&Path>) -> PathBuf {
    let home = |key: &str| std::env::var_os(key).filter(|v| !v.is_empty()).map(PathBuf::from);
    chosen.map_or_else(
        || {
            home("XDG_CONFIG_HOME")
                .or_else(|| home("APPDATA"))
                .or_else(|| home("HOME").map(|h| h.join(".config")))
                .unwrap_or_else(std::env::temp_dir)
                .join("remote-render")
        },
        Path::to_owned,
    )
}
