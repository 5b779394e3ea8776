//! A whole factory: as many devices as asked for, of 20 models, in a hall with lines, aisles and zones.
//!
//! [`Model`] is the equipment, [`blocks`] are groups of it that work together, [`hall`] puts blocks along aisles and
//! makes the workspace. It is written on demand, for load tests; the files are not kept in the repository.

mod blocks;
mod equipment;
mod hall;

pub use equipment::Model;
pub use hall::workspace;

use crate::outputs::put;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Name of the workspace file for a number of devices.
pub fn file_name(devices: usize) -> String {
    format!("factory-{devices}.rrws.json")
}

/// Writes the workspace and all models under a folder, which may not exist yet.
pub fn write(dir: &Path, devices: usize) -> Result<()> {
    let models = dir.join("models");
    fs::create_dir_all(&models).with_context(|| format!("cannot make {}", models.display()))?;
    for model in Model::ALL {
        let sample = model.sample();
        put(&dir.join(sample.path()), &sample.bytes())?;
    }
    rr_scene::file::save(&dir.join(file_name(devices)), &workspace(devices)?)?;
    Ok(())
}
