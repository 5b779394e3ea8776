//! Work that may take longer than a frame, on threads of its own: file dialogs, sharing, opening, saving.

use rr_engine::{EngineError, ShareStatus};
use rr_scene::{DeviceId, Role};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// What a dialog is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choose {
    /// A workspace to open.
    Workspace,
    /// A file to save to.
    SaveFile {
        /// Name that is offered.
        name: String,
    },
    /// Models to import.
    Models,
    /// A model for a device.
    DeviceModel(DeviceId),
}

/// What a job came to.
pub enum Done {
    /// A dialog is over.
    Chosen {
        /// What it was for.
        what: Choose,
        /// Nothing when it was cancelled.
        files: Vec<PathBuf>,
        /// No dialog can be shown on this desktop.
        no_dialog: bool,
    },
    /// A workspace was opened, or not.
    Opened(PathBuf, Result<(), EngineError>),
    /// The workspace was saved, or not.
    Saved(Result<PathBuf, EngineError>),
    /// Sharing began, or not.
    Shared(Result<ShareStatus, EngineError>),
    /// A link was made, or not.
    Linked(Role, Duration, Result<String, EngineError>),
}

/// No person cancels a dialog this quickly: it never appeared.
const QUICKER_THAN_PEOPLE: Duration = Duration::from_millis(350);
/// Jobs come from clicks; so many answers never wait.
const ANSWERS: usize = 32;

/// Starts jobs and collects their results.
pub struct Jobs {
    done_tx: SyncSender<Done>,
    done_rx: Receiver<Done>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Jobs {
    /// `wake` is called whenever a result is there.
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (done_tx, done_rx) = sync_channel(ANSWERS);
        Self { done_tx, done_rx, wake }
    }

    /// Runs `work` on a thread.
    pub fn start(&self, work: impl FnOnce() -> Done + Send + 'static) {
        let (done_tx, wake) = (self.done_tx.clone(), Arc::clone(&self.wake));
        let spawned = std::thread::Builder::new().name("desktop-job".to_owned()).spawn(move || {
            // The window may be gone by now; then nobody wants the result.
            if done_tx.send(work()).is_ok() {
                wake();
            }
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "cannot start a thread");
        }
    }

    /// The results since the last call.
    pub fn take(&self) -> Vec<Done> {
        self.done_rx.try_iter().collect()
    }

    /// Shows a file dialog of the desktop.
    pub fn choose(&self, what: Choose, folder: Option<PathBuf>) {
        self.start(move || {
            let began = Instant::now();
            let files = dialog(&what, folder);
            let no_dialog = files.is_empty() && began.elapsed() < QUICKER_THAN_PEOPLE;
            Done::Chosen { what, files, no_dialog }
        });
    }
}

fn dialog(what: &Choose, folder: Option<PathBuf>) -> Vec<PathBuf> {
    let mut dialog = rfd::FileDialog::new();
    if let Some(folder) = folder {
        dialog = dialog.set_directory(folder);
    }
    let models = rr_load::extensions();
    let workspace = ["json"];
    match what {
        Choose::Workspace => {
            dialog.set_title("Open a workspace").add_filter("Workspaces", &workspace).pick_file().into_iter().collect()
        }
        Choose::SaveFile { name } => dialog
            .set_title("Save the workspace")
            .set_file_name(name)
            .add_filter("Workspaces", &workspace)
            .save_file()
            .into_iter()
            .collect(),
        Choose::Models => {
            dialog.set_title("Import models").add_filter("Models", &models).pick_files().unwrap_or_default()
        }
        Choose::DeviceModel(_) => {
            dialog.set_title("Choose a model").add_filter("Models", &models).pick_file().into_iter().collect()
        }
    }
}
