//! SIGINT and SIGTERM: the first one asks the host to end in order, the second one ends it at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use std::io;
use std::sync::{Arc, OnceLock};

/// Heard from now until it is dropped.
pub struct Ending {
    asked: Arc<OnceLock<i32>>,
    handle: Handle,
}

impl Ending {
    /// Before any other thread starts, so that a signal during the start ends it in order, too.
    pub fn listen() -> io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let (asked, handle) = (Arc::new(OnceLock::new()), signals.handle());
        let first = Arc::clone(&asked);
        std::thread::Builder::new().name("rr-signals".into()).spawn(move || {
            for signal in &mut signals {
                if first.set(signal).is_err() {
                    std::process::exit(130);
                }
            }
        })?;
        Ok(Self { asked, handle })
    }

    /// Somebody asked for it.
    pub fn was_asked_for(&self) -> bool {
        self.asked.get().is_some()
    }

    /// Returns when somebody does.
    pub fn wait(&self) {
        let signal = self.asked.wait();
        tracing::info!(signal, "ending");
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.handle.close();
    }
}
