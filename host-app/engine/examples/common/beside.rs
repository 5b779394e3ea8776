//! How well an engine answers beside other work: input goes in at a steady rate, and what is measured is when a picture
//! shows it.

use super::Failure;
use rr_engine::{Engine, Import, ImportId, ImportRequest, Input};
use std::path::Path;
use std::time::{Duration, Instant};

/// Pause between two inputs: those of a finger on a tablet.
const INPUT_EVERY: Duration = Duration::from_millis(33);

/// What a person at the window saw.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// Pictures that came, per second.
    pub pictures_per_sec: f64,
    /// From an input to the picture that shows it, milliseconds.
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub worst_ms: f64,
    pub inputs: usize,
}

impl std::fmt::Display for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pictures_per_sec, p50_ms, p95_ms, worst_ms, inputs } = self;
        write!(
            f,
            "{pictures_per_sec:.1} pictures per second, input to picture P50 {p50_ms:.0} / P95 {p95_ms:.0} / worst \
             {worst_ms:.0} ms of {inputs}"
        )
    }
}

/// Turns the camera of an engine with a window until `done`.
pub fn answers(engine: &Engine, mut done: impl FnMut(&Engine) -> bool) -> Result<Answers, Failure> {
    const LOST: Duration = Duration::from_secs(60);
    let (begin, mut times) = (Instant::now(), Vec::new());
    let frame = || engine.window_picture().map_or(0, |p| p.frame);
    let first = frame();
    while !done(engine) || times.is_empty() {
        let asked = Instant::now();
        engine.input(Input::Orbit { delta_px: glam::Vec2::X })?;
        engine.flush()?;
        let revision = engine.scene().revision;
        while engine.window_picture().is_none_or(|p| p.scene.revision < revision) {
            if asked.elapsed() > LOST {
                return Err("an input never came into the picture".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        times.push(asked.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(INPUT_EVERY.saturating_sub(asked.elapsed()));
    }
    #[expect(clippy::cast_precision_loss, reason = "a few frames")]
    let pictures_per_sec = (frame() - first) as f64 / begin.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let rank = |percent: usize| times[(times.len() - 1) * percent / 100];
    let (p50_ms, p95_ms, worst_ms) = (rank(50), rank(95), rank(100));
    Ok(Answers { pictures_per_sec, p50_ms, p95_ms, worst_ms, inputs: times.len() })
}

/// Starts the import of a file.
pub fn import(engine: &Engine, file: &Path) -> Result<ImportId, Failure> {
    let known: Vec<ImportId> = engine.status().imports.iter().map(|i| i.id).collect();
    engine.import(vec![ImportRequest { file: file.to_owned(), options: Default::default() }])?;
    engine.flush()?;
    let new = engine.status().imports.iter().map(|i| i.id).find(|id| !known.contains(id));
    Ok(new.ok_or("the import is not listed")?)
}

pub fn state_of(engine: &Engine, id: ImportId) -> Option<Import> {
    engine.status().imports.iter().find(|i| i.id == id).cloned()
}

/// From the wish to stop an import to its end, milliseconds.
pub fn cancel_ms(engine: &Engine, id: ImportId) -> Result<f64, Failure> {
    let asked = Instant::now();
    engine.dismiss_import(id)?;
    while state_of(engine, id).is_some_and(|i| !i.state.is_over()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(asked.elapsed().as_secs_f64() * 1e3)
}
