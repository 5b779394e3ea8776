//! The list of files that are being read, and what becomes of each.

use crate::loading::JobId;
use crate::status::{Import, ImportId, ImportState};
use rr_load::{ImportOptions, LoadReport};
use rr_scene::ModelRef;
use std::path::PathBuf;
use std::sync::Arc;

/// Finished imports that are remembered until somebody dismisses them.
const KEPT: usize = 50;

/// What a file is read for.
pub(crate) enum Purpose {
    /// A new device shows it.
    NewDevice(ImportOptions),
    /// A device that is there names it.
    Model(ModelRef),
}

struct Entry {
    job: JobId,
    purpose: Option<Purpose>,
    /// The user asked for this file and wants to see what was found; a workspace's own models just appear.
    was_asked_for: bool,
    shown: Import,
}

#[derive(Default)]
pub(crate) struct Imports {
    entries: Vec<Entry>,
}

impl Imports {
    pub fn add(&mut self, job: JobId, file: PathBuf, purpose: Purpose) {
        let over = self.entries.iter().filter(|e| e.shown.state.is_over()).count();
        if over >= KEPT
            && let Some(oldest) = self.entries.iter().position(|e| e.shown.state.is_over())
        {
            self.entries.remove(oldest);
        }
        let shown = Import { id: ImportId(job.0), file, state: ImportState::Queued };
        let was_asked_for = matches!(purpose, Purpose::NewDevice(_));
        self.entries.push(Entry { job, purpose: Some(purpose), was_asked_for, shown });
    }

    pub fn progress(&mut self, job: JobId, stage: &'static str, done: Option<f32>) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.job == job && !e.shown.state.is_over()) {
            entry.shown.state = ImportState::Running { stage, done };
        }
    }

    /// What a job was for; none when nobody wants it any more.
    pub fn take_running(&mut self, job: JobId) -> Option<(PathBuf, Purpose)> {
        let entry = self.entries.iter_mut().find(|e| e.job == job)?;
        Some((entry.shown.file.clone(), entry.purpose.take()?))
    }

    /// An empty reason means that it was cancelled.
    pub fn finish(&mut self, job: JobId, result: Result<Arc<LoadReport>, String>) {
        let Some(at) = self.entries.iter().position(|e| e.job == job) else { return };
        self.entries[at].shown.state = match result {
            Ok(report) if report.warnings.is_empty() && !self.entries[at].was_asked_for => {
                self.entries.remove(at);
                return;
            }
            Ok(report) => ImportState::Done(report),
            Err(reason) if reason.is_empty() => ImportState::Cancelled,
            Err(reason) => ImportState::Failed(reason),
        };
    }

    /// Forgets an import that is over; for one that runs, the job to cancel.
    pub fn dismiss(&mut self, id: ImportId) -> Option<JobId> {
        let at = self.entries.iter().position(|e| e.shown.id == id)?;
        if self.entries[at].shown.state.is_over() {
            self.entries.remove(at);
            return None;
        }
        Some(self.entries[at].job)
    }

    /// Forgets all of them: results that come later find nobody.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How many are not over.
    pub fn running(&self) -> usize {
        self.entries.iter().filter(|e| !e.shown.state.is_over()).count()
    }

    pub fn list(&self) -> Vec<Import> {
        self.entries.iter().map(|e| e.shown.clone()).collect()
    }
}
