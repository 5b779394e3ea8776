//! What surrounds one load: progress out, cancel in, limits, and where the cache and the import helper are.

use crate::{Cache, LoadError, ShapeStore, Source};
use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being done, in a few words for people: `reading`, `welding`, ...
    pub stage: &'static str,
    /// Share of the whole load that is done, 0 to 1; `None` while nobody knows.
    pub done: Option<f32>,
}

/// Receives [`Progress`]. It may be called from any thread and must not block.
pub type ProgressFn = Arc<dyn Fn(Progress) + Send + Sync>;

/// Lets another thread end a load early. Clones share one flag.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every load that holds this token to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// [`LoadError::Cancelled`] once somebody asked.
    pub fn check(&self, file: &Path) -> Result<(), LoadError> {
        if self.is_cancelled() { Err(LoadError::Cancelled { file: file.to_owned() }) } else { Ok(()) }
    }
}

/// Bounds on what one file may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest file that is looked at, in bytes.
    pub max_file_bytes: u64,
    /// Largest number of triangles in one file. Indices are 32 bits wide, so it cannot exceed `u32::MAX / 3`.
    pub max_triangles: u64,
    /// Wall-clock time the import helper may take.
    pub helper_time: Duration,
    /// Address space the import helper may have, in bytes.
    pub helper_memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 4 << 30,
            max_triangles: 64_000_000,
            helper_time: Duration::from_secs(300),
            helper_memory_bytes: 4 << 30,
        }
    }
}

/// The surroundings of a load. The default has no cache, tells nobody and cannot be cancelled.
#[derive(Clone, Default)]
pub struct LoadContext {
    /// Where results are kept between loads.
    pub cache: Option<Cache>,
    /// Shapes that are in use: what has the same geometry shares it.
    pub shapes: ShapeStore,
    /// Who hears about progress.
    pub progress: Option<ProgressFn>,
    /// Who may end the load.
    pub cancel: CancelToken,
    /// What the file may cost.
    pub limits: Limits,
    /// The `rr-import` executable; `None` looks beside the running executable.
    pub import_helper: Option<PathBuf>,
}

impl LoadContext {
    /// Tells the listener, if there is one.
    pub fn report(&self, stage: &'static str, done: impl Into<Option<f32>>) {
        if let Some(progress) = &self.progress {
            progress(Progress { stage, done: done.into() });
        }
    }
}

impl std::fmt::Debug for LoadContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadContext")
            .field("cache", &self.cache)
            .field("limits", &self.limits)
            .field("import_helper", &self.import_helper)
            .finish_non_exhaustive()
    }
}

/// Counts the steps of one stage of a load: each reports progress and is a place to stop at.
pub(crate) struct Steps<'a> {
    source: &'a Source,
    context: &'a LoadContext,
    stage: &'static str,
    share: Range<f32>,
    expected: usize,
    done: AtomicUsize,
}

impl<'a> Steps<'a> {
    /// A stage that is `share` of the whole load and takes about `expected` steps.
    pub(crate) fn new(
        source: &'a Source,
        context: &'a LoadContext,
        stage: &'static str,
        share: Range<f32>,
        expected: usize,
    ) -> Self {
        Self { source, context, stage, share, expected: expected.max(1), done: AtomicUsize::new(0) }
    }

    /// Before each step: an error when the load is to end.
    pub(crate) fn step(&self) -> Result<(), LoadError> {
        self.source.check(self.context)?;
        let done = self.done.fetch_add(1, Ordering::Relaxed).min(self.expected);
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = done as f32 / self.expected as f32;
        self.context.report(self.stage, self.share.start + share * (self.share.end - self.share.start));
        Ok(())
    }
}
