//! Reading models in the background: a few threads, a bounded queue, progress and cancel for each file. What can be done
//! after a model is shown, its coarser versions, waits until nothing is to be read, and takes one thread at most.

use crate::session_thread::{Message, SessionSender};
use rr_load::{Cache, CancelToken, ImportOptions, Limits, LoadContext, LoadError, LoadReport, Progress, Refinement};
use rr_scene::{Model, PickModel};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most files that wait; more are refused with a message.
const MAX_QUEUED: usize = 4096;
/// Progress is told this often at most.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// A model that was read, ready to be drawn and picked.
pub(crate) struct LoadedModel {
    pub model: Arc<Model>,
    pub pick: Arc<PickModel>,
    pub report: Arc<LoadReport>,
}

/// Names a job of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct JobId(pub u64);

struct Job {
    id: JobId,
    file: PathBuf,
    options: ImportOptions,
    cancel: CancelToken,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// At most [`MAX_QUEUED`]; models beyond are drawn in full.
    refinements: VecDeque<Refinement>,
    /// Somebody is at one of them.
    refining: bool,
    closed: bool,
}

/// What a thread does next.
enum Work {
    Read(Job),
    Refine(Box<Refinement>),
}

impl Queue {
    fn next(&mut self) -> Option<Work> {
        if let Some(job) = self.jobs.pop_front() {
            return Some(Work::Read(job));
        }
        if self.refining {
            return None;
        }
        let refinement = self.refinements.pop_front()?;
        self.refining = true;
        Some(Work::Refine(Box::new(refinement)))
    }
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    context: LoadContext,
    session: SessionSender,
    /// Ends refinements with the pool.
    closing: CancelToken,
}

/// The pool. Dropping it cancels what runs and waits for its threads.
pub(crate) struct Loading {
    shared: Arc<Shared>,
    running: Vec<(JobId, CancelToken)>,
    threads: Vec<JoinHandle<()>>,
    next: u64,
}

impl Loading {
    pub fn new(session: SessionSender, cache: Option<Cache>, limits: Limits) -> Self {
        let context = LoadContext { cache, limits, ..LoadContext::default() };
        let (queue, changed, closing) = (Mutex::default(), Condvar::new(), CancelToken::new());
        let shared = Arc::new(Shared { queue, changed, context, session, closing });
        Self { shared, running: Vec::new(), threads: Vec::new(), next: 1 }
    }

    /// Queues a file. `None` when too many wait.
    pub fn start(&mut self, file: PathBuf, options: ImportOptions) -> Option<JobId> {
        self.ensure_threads();
        let id = JobId(self.next);
        let cancel = CancelToken::new();
        {
            let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.jobs.len() >= MAX_QUEUED {
                return None;
            }
            queue.jobs.push_back(Job { id, file, options, cancel: cancel.clone() });
        }
        self.next += 1;
        self.running.push((id, cancel));
        self.shared.changed.notify_one();
        Some(id)
    }

    /// Asks a job to stop; it answers with `LoadError::Cancelled`.
    pub fn cancel(&self, id: JobId) {
        for (_, cancel) in self.running.iter().filter(|(job, _)| *job == id) {
            cancel.cancel();
        }
    }

    /// Asks every job to stop.
    pub fn cancel_all(&self) {
        for (_, cancel) in &self.running {
            cancel.cancel();
        }
    }

    /// To be called when a job's result has come.
    pub fn finished(&mut self, id: JobId) {
        self.running.retain(|(job, _)| *job != id);
    }

    /// Threads start with the first job: one for each core up to four, since each file is parsed in parallel itself, and
    /// no more than there is memory for import helpers that take all they may.
    fn ensure_threads(&mut self) {
        if !self.threads.is_empty() {
            return;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = cores.min(helpers_in_memory(self.shared.context.limits.helper_memory_bytes)).clamp(1, 4);
        for n in 0..count {
            let shared = self.shared.clone();
            match std::thread::Builder::new().name(format!("rr-load-{n}")).spawn(move || work(&shared)) {
                Ok(thread) => self.threads.push(thread),
                Err(error) => tracing::error!(%error, "a loader thread could not be started"),
            }
        }
    }
}

/// How many helpers fit into the memory that is free now; no bound where the system does not tell (proc_meminfo(5)).
fn helpers_in_memory(helper_bytes: u64) -> usize {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    helpers_in(&info, helper_bytes)
}

fn helpers_in(meminfo: &str, helper_bytes: u64) -> usize {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
    let available_kib: Option<u64> = line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse().ok());
    let fit = available_kib.map_or(u64::MAX, |kib| kib.saturating_mul(1024) / helper_bytes.max(1));
    usize::try_from(fit).unwrap_or(usize::MAX)
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.cancel_all();
        self.shared.closing.cancel();
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(shared: &Shared) {
    loop {
        let work = {
            let mut queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                if queue.closed {
                    return;
                }
                if let Some(work) = queue.next() {
                    break work;
                }
                queue = shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        };
        match work {
            Work::Read(job) => read(shared, &job),
            Work::Refine(refinement) => {
                let run = std::panic::AssertUnwindSafe(|| refinement.run(&shared.closing));
                if std::panic::catch_unwind(run).is_err() {
                    tracing::error!("coarser versions of a model could not be made; please report it");
                }
                shared.queue.lock().unwrap_or_else(PoisonError::into_inner).refining = false;
            }
        }
    }
}

fn read(shared: &Shared, job: &Job) {
    // A fault in a parser must cost this file only.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| load(shared, job)))
        .unwrap_or_else(|_| Err(format!("{}: the reader failed on this file; please report it", job.file.display())));
    let result = result.map(|(model, refinement)| {
        let mut queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refinement) = refinement.filter(|_| queue.refinements.len() < MAX_QUEUED) {
            queue.refinements.push_back(refinement);
            shared.changed.notify_one();
        }
        model
    });
    shared.session.send_blocking(Message::Loaded(job.id, result));
}

fn load(shared: &Shared, job: &Job) -> Result<(LoadedModel, Option<Refinement>), String> {
    let (id, session) = (job.id, shared.session.clone());
    let last = Mutex::new(None::<(Instant, &'static str)>);
    let progress = move |p: Progress| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if last.is_none_or(|(at, stage)| stage != p.stage || now - at >= TELL_EVERY) {
            *last = Some((now, p.stage));
            // Progress that finds the queue full is not worth waiting for.
            session.try_send(Message::Progress(id, p.stage, p.done));
        }
    };
    let context =
        LoadContext { progress: Some(Arc::new(progress)), cancel: job.cancel.clone(), ..shared.context.clone() };
    let loaded = rr_load::load(&job.file, &job.options, &context).map_err(|e| match e {
        LoadError::Cancelled { .. } => String::new(),
        other => other.to_string(),
    })?;
    let model = loaded.model;
    shared.session.try_send(Message::Progress(id, "preparing selection", None));
    let pick = Arc::new(PickModel::new(model.clone()));
    Ok((LoadedModel { model, pick, report: Arc::new(loaded.report) }, loaded.refinement))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_share_the_free_memory() {
        let info = "MemTotal:       24000000 kB\nMemFree:         1000 kB\nMemAvailable:    9000000 kB\n";
        assert_eq!(helpers_in(info, 4 << 30), 2);
        assert_eq!(helpers_in(info, 64 << 30), 0, "one runs all the same");
        assert_eq!(helpers_in("", 4 << 30), usize::MAX);
    }
}
