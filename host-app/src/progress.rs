//! A bar on the terminal for commands over many files. It goes to standard error, and only when that is a terminal, so
//! that pipes and logs stay clean.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rr_load::{Progress, ProgressFn};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Steps of the bar within one file.
const STEPS: u64 = 1000;
/// Short loads shall not flicker.
const REDRAWS_PER_SECOND: u8 = 10;

/// One bar for all files of a command.
#[derive(Clone)]
pub struct Bar {
    bar: ProgressBar,
    files: usize,
}

impl Bar {
    /// A bar for this many files.
    pub fn new(files: usize) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
        let bar = ProgressBar::with_draw_target(Some(files as u64 * STEPS), target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:30} {percent:>3} %  {wide_msg}") {
            bar.set_style(style);
        }
        // Somebody who waits for one slow file must see that something is alive.
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, files }
    }

    /// The file with this number begins.
    pub fn begin(&self, number: usize, file: &Path) {
        self.bar.set_position(number as u64 * STEPS);
        self.bar.set_message(self.named(number, file));
    }

    /// What a load of that file reports to.
    pub fn listener(&self, number: usize, file: &Path) -> ProgressFn {
        let (bar, name) = (self.bar.clone(), self.named(number, file));
        Arc::new(move |progress: Progress| {
            bar.set_message(format!("{name}: {}", progress.stage));
            if let Some(done) = progress.done {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a share for people"
                )]
                let steps = (done.clamp(0.0, 1.0) * STEPS as f32) as u64;
                bar.set_position(number as u64 * STEPS + steps);
            }
        })
    }

    /// So many files are through, and this is being done.
    pub fn set(&self, done: usize, what: String) {
        self.bar.set_position(done as u64 * STEPS);
        self.bar.set_message(what);
    }

    /// Runs something that prints, while the bar is out of the way.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Removes the bar.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn named(&self, number: usize, file: &Path) -> String {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if self.files > 1 { format!("{} of {}: {name}", number + 1, self.files) } else { name.into_owned() }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}
