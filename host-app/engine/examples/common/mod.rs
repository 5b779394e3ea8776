//! What the benchmarks share: a workspace with all of its models, the processor time spent, answers beside other work.
#![allow(dead_code, reason = "each benchmark uses its share")]

pub mod beside;
pub mod fidelity;

use rr_engine::{Cache, Engine, EngineConfig, Gpu, ImportState, Limits, PictureSize, Settings};
use rr_render::Theme;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub type Failure = Box<dyn std::error::Error>;

/// An engine with a workspace of which every model can be shown. Coarser versions may still be in the making.
pub fn open(gpu: &Gpu, path: &Path, cache: Option<Cache>) -> Result<Engine, Failure> {
    let (tx, woken) = std::sync::mpsc::sync_channel(1);
    let config = EngineConfig {
        gpu: gpu.clone(),
        reopen_gpu: None,
        picture: PictureSize { width_px: 1280, height_px: 720 },
        // The benchmark draws, not the engine.
        fps: 1.0,
        theme: Theme::DARK,
        settings: Settings { reduced_motion: true, ..Settings::default() },
        owner_name: "benchmark".into(),
        cache,
        limits: Limits::default(),
        saving: rr_engine::Saving::AtEnd,
        wake: Arc::new(move || _ = tx.try_send(())),
    };
    let engine = Engine::start(config, rr_scene::file::load(path)?, Some(path.to_owned()))?;
    engine.flush()?;
    while engine.status().imports.iter().any(|i| !i.state.is_over()) {
        let _ = woken.recv_timeout(Duration::from_millis(20));
    }
    if let Some(failed) = engine.status().imports.iter().find(|i| matches!(i.state, ImportState::Failed(_))) {
        return Err(format!("{failed:?}").into());
    }
    Ok(engine)
}

/// Processor time of this process and of helpers that have ended, seconds; 0 where the system does not tell.
#[expect(clippy::cast_precision_loss, reason = "ticks of a short run")]
pub fn cpu_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in brackets: user and system time are the 12th and 13th fields, those of children follow, in ticks
    // of 10 ms.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields.split_whitespace().skip(11).take(4).filter_map(|f| f.parse::<u64>().ok()).sum::<u64>() as f64 / 100.0
}
