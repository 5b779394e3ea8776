//! What a picture in motion does without where the adapter is too slow for a steady rate: first details that are hardly
//! seen, then pixels.

use rr_render::AmbientOcclusion;
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
    /// Samples per pixel: 4, or 1 for borders with steps.
    pub samples: u32,
    /// Whether corners and gaps are darker, where the adapter draws that in motion at all.
    pub ambient_occlusion: bool,
    /// Whether devices have a shadow on the floor.
    pub shadows: bool,
    /// About what a frame takes, as a share of one without any economy.
    cost: f32,
}

/// From nothing saved to as little as is still readable, for adapters in software. There multisampling is never worth it.
const SOFTWARE: Ladder = Ladder {
    steps: &[
        Economy { samples: 1, ..FULL },
        Economy { samples: 1, coarseness: 1.6, cost: 0.8, ..FULL },
        Economy { samples: 1, scale: 0.75, coarseness: 1.3, cost: 0.55, ..FULL },
        Economy { samples: 1, scale: 0.6, coarseness: 1.4, cost: 0.38, ..FULL },
        Economy { samples: 1, scale: 0.5, coarseness: 1.5, cost: 0.28, ..FULL },
        Economy { samples: 1, scale: 0.5, coarseness: 2.0, edges: false, shadows: false, cost: 0.2, ..FULL },
    ],
    slow: Duration::from_millis(40),
    fast: Duration::from_millis(27),
};
/// The same for hardware, where sixty frames a second are expected.
const HARDWARE: Ladder = Ladder {
    steps: &[
        FULL,
        Economy { cost: 0.88, ..UNSHADED },
        Economy { samples: 1, cost: 0.68, ..UNSHADED },
        Economy { samples: 1, coarseness: 2.5, cost: 0.55, ..UNSHADED },
        Economy { samples: 1, scale: 0.75, coarseness: 2.5, cost: 0.4, ..UNSHADED },
        Economy { samples: 1, scale: 0.5, coarseness: 3.0, cost: 0.27, ..UNSHADED },
        Economy { samples: 1, scale: 0.5, coarseness: 4.0, edges: false, shadows: false, cost: 0.2, ..UNSHADED },
    ],
    slow: Duration::from_millis(14),
    fast: Duration::from_millis(9),
};
const FULL: Economy =
    Economy { scale: 1.0, coarseness: 1.0, edges: true, samples: 4, ambient_occlusion: true, shadows: true, cost: 1.0 };
/// Nobody misses it in motion as soon as pixels.
const UNSHADED: Economy = Economy { ambient_occlusion: false, ..FULL };

#[derive(Debug)]
struct Ladder {
    steps: &'static [Economy],
    /// Frames in motion take at most this long, or the next step follows.
    slow: Duration,
    /// The step before is tried when its frames would take less than this.
    fast: Duration,
}

/// Frames that are measured before anything is decided: one slow frame is no reason.
const MEASURED: u32 = 6;

impl Default for Economy {
    fn default() -> Self {
        SOFTWARE.steps[0]
    }
}

impl Economy {
    /// What a frame in motion is to be given.
    pub fn shading(&self) -> AmbientOcclusion {
        if self.ambient_occlusion { AmbientOcclusion::Auto } else { AmbientOcclusion::Off }
    }

    /// What is saved, for people; empty when nothing is.
    pub fn told(&self) -> String {
        let mut all = Vec::new();
        if self.scale < 1.0 {
            all.push(format!("{:.0} % resolution", self.scale * 100.0));
        }
        if self.coarseness > 1.0 {
            all.push("coarser shapes".to_owned());
        }
        // On software nothing of the two is there that could be saved.
        if HARDWARE.steps.contains(self) && self.samples == 1 {
            all.push("plain borders".to_owned());
        }
        if !self.ambient_occlusion {
            all.push("no shading of corners".to_owned());
        }
        if !self.edges {
            all.push("no edges".to_owned());
        }
        if !self.shadows {
            all.push("no floor shadow".to_owned());
        }
        all.join(", ")
    }
}

/// Chooses the economy by what frames in motion took.
#[derive(Debug)]
pub struct Governor {
    ladder: &'static Ladder,
    at: usize,
    frames: u32,
    sum: Duration,
}

impl Governor {
    /// For a software adapter, where a frame takes the time of the processor, or for a hardware one.
    pub fn new(is_software: bool) -> Self {
        Self { ladder: if is_software { &SOFTWARE } else { &HARDWARE }, at: 0, frames: 0, sum: Duration::ZERO }
    }

    /// For the next frame.
    pub fn economy(&self) -> Economy {
        self.ladder.steps[self.at]
    }

    /// What a frame in motion took.
    pub fn took(&mut self, time: Duration) {
        self.frames += 1;
        self.sum += time;
        if self.frames < MEASURED {
            return;
        }
        let mean = self.sum / self.frames;
        self.frames = 0;
        self.sum = Duration::ZERO;
        let Ladder { steps, slow, fast } = *self.ladder;
        if mean > slow && self.at + 1 < steps.len() {
            self.at += 1;
        } else if self.at > 0 {
            let growth = steps[self.at - 1].cost / steps[self.at].cost;
            if mean.mul_f32(growth) < fast {
                self.at -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Economies taken by an adapter that needs `full` without any, and time in proportion to the guessed cost.
    fn settle(is_software: bool, full: Duration) -> Vec<Economy> {
        let mut governor = Governor::new(is_software);
        let economies = (0..300).map(|_| {
            let economy = governor.economy();
            governor.took(full.mul_f32(economy.cost));
            economy
        });
        economies.collect()
    }

    #[test]
    fn fast_adapters_save_nothing() {
        for (is_software, ms) in [(true, 12), (false, 8)] {
            let all = settle(is_software, Duration::from_millis(ms));
            assert!(all.iter().all(|e| *e == Governor::new(is_software).economy()));
            assert_eq!(all[0].told(), "");
        }
    }

    #[test]
    fn slow_adapters_settle_on_what_is_fast_enough() {
        let software = [(45, 1), (70, 2), (100, 3), (140, 4), (900, 5)].map(|(full, step)| (true, full, step));
        let hardware = [(15, 1), (18, 2), (23, 3), (31, 4), (45, 5), (300, 6)].map(|(full, step)| (false, full, step));
        for (is_software, full, step) in software.into_iter().chain(hardware) {
            let wanted = Governor { at: step, ..Governor::new(is_software) }.economy();
            let taken = settle(is_software, Duration::from_millis(full));
            assert!(taken[60..].iter().all(|e| *e == wanted), "{full} ms: {:?}", &taken[60..66]);
            assert!(!wanted.told().is_empty());
        }
    }

    #[test]
    fn the_picture_grows_again_when_there_is_time() {
        let mut governor = Governor { at: 5, ..Governor::new(true) };
        for _ in 0..MEASURED * 6 {
            governor.took(Duration::from_millis(3));
        }
        assert_eq!(governor.economy(), Economy::default());
    }

    #[test]
    fn what_is_saved_is_told_and_shading_goes_before_pixels() {
        let told: Vec<String> = HARDWARE.steps.iter().map(Economy::told).collect();
        assert_eq!((told[0].as_str(), told[1].as_str()), ("", "no shading of corners"));
        assert!(HARDWARE.steps.iter().all(|e| e.scale == 1.0 || !e.ambient_occlusion));
        assert_eq!(
            told[6],
            "50 % resolution, coarser shapes, plain borders, no shading of corners, no edges, no floor shadow"
        );
        let software: Vec<String> = SOFTWARE.steps.iter().map(Economy::told).collect();
        assert!(software.iter().all(|t| !t.contains("corners") && !t.contains("borders")), "{software:?}");
        assert!(software[5].ends_with("no edges, no floor shadow"));
    }

    #[test]
    fn one_slow_frame_changes_nothing() {
        let mut governor = Governor::new(true);
        for i in 0..60 {
            governor.took(Duration::from_millis(if i % MEASURED == 0 { 90 } else { 10 }));
        }
        assert_eq!(governor.economy(), Economy::default());
    }
}
