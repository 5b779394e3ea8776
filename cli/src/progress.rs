//! What is being done, on standard error: a line for each step, and below it, on a terminal and only when something takes
//! longer than half a second, what is waited for.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(500);

/// Shows what is going on until it is dropped.
pub struct Progress {
    bar: ProgressBar,
    over: Arc<AtomicBool>,
}

impl Progress {
    pub fn start(what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        let over = Arc::new(AtomicBool::new(false));
        let (later, ends) = (bar.clone(), Arc::clone(&over));
        // Calls of a provider block: somebody else has to show that they take their time.
        std::thread::spawn(move || {
            std::thread::sleep(SOON);
            if !ends.load(Ordering::Relaxed) {
                later.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                later.enable_steady_tick(Duration::from_millis(250));
            }
        });
        Self { bar, over }
    }

    /// What is waited for now.
    pub fn say(&self, what: String) {
        self.bar.set_message(what);
    }

    /// A step that was taken: it stays.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    /// Runs something that talks to the operator.
    pub fn aside<T>(&self, talk: impl FnOnce() -> T) -> T {
        self.bar.suspend(talk)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.bar.finish_and_clear();
    }
}
