//! What the render thread draws with, and another one after it was lost: drivers are updated, cards fall off the bus,
//! virtual machines move.
//!
//! ```text
//! in use ──lost──► waiting ──opened──► in use
//!                   │    ▲
//!                   └────┘ refused: after 1, 2, 4, ... 30 seconds again
//! ```
//!
//! A device that is lost soon after it was opened counts as refused: what brings down one device will bring down the next.

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
/// A device that lasted this long was a good one.
const LASTED: Duration = Duration::from_secs(20);

pub(crate) struct Device {
    pub gpu: Gpu,
    pub renderer: Renderer,
    theme: Theme,
    reopen: Option<ReopenGpu>,
    attempts: Attempts,
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
        Ok(Self { gpu, renderer, theme, reopen, attempts: Attempts::default() })
    }

    pub fn set_theme(&mut self, theme: Theme) {
        self.theme = theme;
        self.renderer.set_theme(theme);
    }

    /// Nothing is drawn until [`Device::reopen`] has got another one.
    pub fn is_lost(&self) -> bool {
        self.attempts.next.is_some()
    }

    /// What lies behind an error: a device that is gone refuses commands before it says that it is lost, which it does
    /// when it is polled.
    pub fn diagnosed(&self, error: GpuError) -> GpuError {
        let _ = self.gpu.device().poll(wgpu::PollType::Poll);
        match self.gpu.check() {
            Err(lost @ GpuError::Lost(_)) => lost,
            _ => error,
        }
    }

    pub fn lose(&mut self, now: Instant) {
        self.attempts.lost(now);
    }

    /// When [`Device::reopen`] should be called; none when that is of no use.
    pub fn next_try(&self) -> Option<Instant> {
        self.attempts.next.filter(|_| self.reopen.is_some())
    }

    pub fn reopen(&mut self, now: Instant) -> Reopened {
        let Some(reopen) = self.reopen.as_ref().filter(|_| self.attempts.next.is_some_and(|at| at <= now)) else {
            return Reopened::NotYet;
        };
        let opened = reopen().and_then(|gpu| Ok((renderer(&gpu, self.theme)?, gpu)));
        // From now on, not from when it was tried: a driver may take its time.
        let now = Instant::now();
        match opened {
            Ok((renderer, gpu)) => {
                (self.renderer, self.gpu) = (renderer, gpu);
                self.attempts.opened(now);
                Reopened::Yes
            }
            Err(error) => {
                self.attempts.refused(now);
                Reopened::No(error)
            }
        }
    }
}

/// When to open a device. Pure logic.
#[derive(Debug, Default)]
struct Attempts {
    /// None while a device is in use.
    next: Option<Instant>,
    pause: Option<Duration>,
    opened_at: Option<Instant>,
}

impl Attempts {
    fn lost(&mut self, now: Instant) {
        if self.next.is_some() {
            return;
        }
        if self.opened_at.is_some_and(|at| now.duration_since(at) < LASTED) {
            self.refused(now);
        } else {
            (self.next, self.pause) = (Some(now), None);
        }
    }

    fn refused(&mut self, now: Instant) {
        let pause = self.pause.map_or(FIRST_PAUSE, |p| (p * 2).min(LONGEST_PAUSE));
        (self.next, self.pause) = (Some(now + pause), Some(pause));
    }

    fn opened(&mut self, now: Instant) {
        (self.next, self.opened_at) = (None, Some(now));
    }
}

fn renderer(gpu: &Gpu, theme: Theme) -> Result<Renderer, GpuError> {
    let mut renderer = Renderer::new(gpu, theme)?;
    renderer.set_upload_budget(UPLOAD_BYTES);
    Ok(renderer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_opened_at_once_and_then_with_growing_pauses() {
        let (mut attempts, mut now) = (Attempts::default(), Instant::now());
        attempts.lost(now);
        assert_eq!(attempts.next, Some(now));
        let mut pauses = Vec::new();
        for _ in 0..7 {
            attempts.refused(now);
            let next = attempts.next.unwrap();
            pauses.push((next - now).as_secs());
            now = next;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        attempts.opened(now);
        assert_eq!(attempts.next, None);
        now += LASTED;
        attempts.lost(now);
        assert_eq!(attempts.next, Some(now), "a good device is replaced at once");
    }

    #[test]
    fn devices_that_are_lost_again_and_again_are_not_opened_again_and_again() {
        let (mut attempts, mut now) = (Attempts::default(), Instant::now());
        attempts.lost(now);
        let mut opened = 0;
        let end = now + Duration::from_secs(60);
        while let Some(next) = attempts.next.filter(|at| *at < end) {
            now = next;
            attempts.opened(now);
            opened += 1;
            attempts.lost(now + Duration::from_millis(10));
        }
        assert_eq!(opened, 6, "at once, then after 1, 2, 4, 8 and 16 seconds");
    }
}
