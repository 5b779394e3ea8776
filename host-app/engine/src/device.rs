//! What the render thread draws with, and another one after it was lost: drivers are updated, cards fall off the bus,
//! virtual machines move.
//!
//! ```text
//! in use ──lost──► waiting ──opened──► in use
//!                   │    ▲
//!                   └────┘ refused: after 1, 2, 4, ... 30 seconds again
//! ```

use rr_render::{Gpu, GpuError, Renderer, Theme};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Opens another graphics device.
pub type ReopenGpu = Arc<dyn Fn() -> Result<Gpu, GpuError> + Send + Sync>;

/// Geometry that goes onto the device with one frame: some ten milliseconds, so that loading never stops the picture.
const UPLOAD_BYTES: u64 = 24 << 20;
/// Pauses between attempts to open a device; opening one is work for the driver.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(crate) struct Device {
    pub gpu: Gpu,
    pub renderer: Renderer,
    theme: Theme,
    reopen: Option<ReopenGpu>,
    lost: Option<Lost>,
}

#[derive(Debug, Clone, Copy)]
struct Lost {
    next_try: Instant,
    pause: Duration,
}

/// What an attempt to get a device again came to.
pub(crate) enum Reopened {
    /// There is one; nothing that was made with the old one may be used with it.
    Yes,
    /// There is none, for this reason.
    No(GpuError),
    /// It is not time to try.
    NotYet,
}

impl Device {
    pub fn new(gpu: Gpu, theme: Theme, reopen: Option<ReopenGpu>) -> Result<Self, GpuError> {
        let renderer = renderer(&gpu, theme)?;
        Ok(Self { gpu, renderer, theme, reopen, lost: None })
    }

    pub fn set_theme(&mut self, theme: Theme) {
        self.theme = theme;
        self.renderer.set_theme(theme);
    }

    /// Nothing is drawn until [`Device::reopen`] has got another one.
    pub fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    pub fn lose(&mut self, now: Instant) {
        self.lost.get_or_insert(Lost { next_try: now, pause: FIRST_PAUSE });
    }

    /// When [`Device::reopen`] should be called.
    pub fn next_try(&self) -> Option<Instant> {
        self.lost.filter(|_| self.reopen.is_some()).map(|l| l.next_try)
    }

    pub fn reopen(&mut self, now: Instant) -> Reopened {
        let Some((reopen, lost)) = self.reopen.as_ref().zip(self.lost).filter(|(_, l)| l.next_try <= now) else {
            return Reopened::NotYet;
        };
        let opened = reopen().and_then(|gpu| Ok((renderer(&gpu, self.theme)?, gpu)));
        match opened {
            Ok((renderer, gpu)) => {
                (self.renderer, self.gpu, self.lost) = (renderer, gpu, None);
                Reopened::Yes
            }
            Err(error) => {
                // From now on, not from when it was tried: a driver may take its time to refuse.
                let next_try = Instant::now() + lost.pause;
                self.lost = Some(Lost { next_try, pause: (lost.pause * 2).min(LONGEST_PAUSE) });
                Reopened::No(error)
            }
        }
    }
}

fn renderer(gpu: &Gpu, theme: Theme) -> Result<Renderer, GpuError> {
    let mut renderer = Renderer::new(gpu, theme)?;
    renderer.set_upload_budget(UPLOAD_BYTES);
    Ok(renderer)
}
