//! What a picture in motion does without where the adapter is too slow for a steady rate: first details that are hardly
//! seen, then pixels.

use std::time::Duration;

/// How a frame in motion is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Economy {
    /// Edge of the picture, as a share of the stream's.
    pub scale: f32,
    /// How much coarser than usual shapes may be, and how much larger features must be to have edges.
    pub coarseness: f32,
    /// Whether features have edges at all.
    pub edges: bool,
    /// About what a frame takes, as a share of one without any economy.
    cost: f32,
}

/// From nothing saved to as little as is still readable.
const STEPS: [Economy; 6] = [
    Economy { scale: 1.0, coarseness: 1.0, edges: true, cost: 1.0 },
    Economy { scale: 1.0, coarseness: 1.6, edges: true, cost: 0.8 },
    Economy { scale: 0.75, coarseness: 1.3, edges: true, cost: 0.55 },
    Economy { scale: 0.6, coarseness: 1.4, edges: true, cost: 0.38 },
    Economy { scale: 0.5, coarseness: 1.5, edges: true, cost: 0.28 },
    Economy { scale: 0.5, coarseness: 2.0, edges: false, cost: 0.2 },
];
/// Frames in motion take at most this long, or the next step follows.
const SLOW: Duration = Duration::from_millis(40);
/// The step before is tried when its frames would take less than this.
const FAST: Duration = Duration::from_millis(27);
/// Frames that are measured before anything is decided: one slow frame is no reason.
const MEASURED: u32 = 6;

impl Default for Economy {
    fn default() -> Self {
        STEPS[0]
    }
}

impl Economy {
    /// What is saved, for people; empty when nothing is.
    pub fn told(&self) -> String {
        let mut all = Vec::new();
        if self.scale < 1.0 {
            all.push(format!("{:.0} % resolution", self.scale * 100.0));
        }
        if self.coarseness > 1.0 {
            all.push("coarser shapes".to_owned());
        }
        if !self.edges {
            all.push("no edges".to_owned());
        }
        all.join(", ")
    }
}

/// Chooses the economy by what frames in motion took.
#[derive(Debug, Default)]
pub struct Governor {
    at: usize,
    frames: u32,
    sum: Duration,
}

impl Governor {
    /// For the next frame.
    pub fn economy(&self) -> Economy {
        STEPS[self.at]
    }

    /// A frame in motion was drawn and read back.
    pub fn took(&mut self, time: Duration) {
        self.frames += 1;
        self.sum += time;
        if self.frames < MEASURED {
            return;
        }
        let mean = self.sum / self.frames;
        self.frames = 0;
        self.sum = Duration::ZERO;
        if mean > SLOW && self.at + 1 < STEPS.len() {
            self.at += 1;
        } else if self.at > 0 {
            let growth = STEPS[self.at - 1].cost / STEPS[self.at].cost;
            if mean.mul_f32(growth) < FAST {
                self.at -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Economies taken by an adapter that needs `full` without any, and time in proportion to the guessed cost.
    fn settle(full: Duration) -> Vec<Economy> {
        let mut governor = Governor::default();
        let economies = (0..300).map(|_| {
            let economy = governor.economy();
            governor.took(full.mul_f32(economy.cost));
            economy
        });
        economies.collect()
    }

    #[test]
    fn fast_adapters_save_nothing() {
        assert!(settle(Duration::from_millis(12)).iter().all(|e| *e == STEPS[0]));
        assert_eq!(STEPS[0].told(), "");
    }

    #[test]
    fn slow_adapters_settle_on_what_is_fast_enough() {
        for (full, step) in [(45, 1), (70, 2), (100, 3), (140, 4), (900, 5)] {
            let taken = settle(Duration::from_millis(full));
            assert!(taken[60..].iter().all(|e| *e == STEPS[step]), "{full} ms: {taken:?}");
            assert!(!STEPS[step].told().is_empty());
        }
    }

    #[test]
    fn the_picture_grows_again_when_there_is_time() {
        let mut governor = Governor { at: STEPS.len() - 1, ..Governor::default() };
        for _ in 0..MEASURED * 6 {
            governor.took(Duration::from_millis(3));
        }
        assert_eq!(governor.economy(), STEPS[0]);
    }

    #[test]
    fn one_slow_frame_changes_nothing() {
        let mut governor = Governor::default();
        for i in 0..60 {
            governor.took(Duration::from_millis(if i % MEASURED == 0 { 90 } else { 10 }));
        }
        assert_eq!(governor.economy(), STEPS[0]);
    }
}
