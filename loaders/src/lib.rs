//! Turns model files into [`rr_scene::Model`]s.
//!
//! [`load`] looks at the content of a file, picks the [`Loader`] that knows it, and gives a [`Loaded`]: the model in
//! metres and Y up, and a [`LoadReport`] with everything worth telling. A damaged file yields what could be read plus
//! warnings; only when nothing can be shown it is a [`LoadError`], which names the file and the reason.
//!
//! Meshes stay in the coordinates of their file ([`Import`]); unit and up axis go into the matrices of the instances.
//! So one entry of the [`Cache`] serves every choice of [`ImportOptions`].

pub mod cache;
pub mod cad;
mod context;
mod error;
mod loader;
pub mod mesh;
pub mod model_file;
mod pages;
mod report;
mod source;
pub mod stl;

pub use cache::Cache;
pub use cad::CadLoader;
pub use context::{CancelToken, Limits, LoadContext, Progress, ProgressFn};
pub use error::LoadError;
pub use loader::{Confidence, Import, Loader, SNIFF_BYTES, extensions, find_loader, loaders};
pub use report::{BoundsM, LoadReport};
pub use source::Source;

use rr_scene::{Model, Unit, UpAxis, geometry::model_from_file};
use std::{path::Path, time::Instant};

/// What the user may say about a file that does not say it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ImportOptions {
    /// Unit of the file's numbers; `None`: what the file declares, else millimetres.
    pub unit: Option<Unit>,
    /// Axis of the file that points up; `None`: what the format declares, else Z.
    pub up: Option<UpAxis>,
}

/// A model and what there is to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// In metres, Y up.
    pub model: Model,
    /// Counts, bounds, warnings.
    pub report: LoadReport,
}

/// Loads `path`. Blocks until done, so call it from a thread that may wait; heavy work runs on the rayon pool.
pub fn load(path: &Path, options: &ImportOptions, context: &LoadContext) -> Result<Loaded, LoadError> {
    let started = Instant::now();
    context.cancel.check(path)?;
    context.report("opening", 0.0);
    let source = Source::open(path, context)?;
    let loader = find_loader(path, source.head(), source.len())?;
    let key = context.cache.as_ref().zip(loader.cache_key());
    let mut cache_warning = None;
    let mut from_cache = false;
    let import = if let Some((cache, key)) = key {
        context.report("looking into the cache", 0.0);
        let key = cache::Key::new(&source, &key, context)?;
        if let Some(import) = cache.get(&key) {
            from_cache = true;
            import
        } else {
            let import = checked(loader, &source, context)?;
            if let Err(reason) = cache.put(&key, &import) {
                cache_warning = Some(format!("the result could not be kept in the cache: {reason}"));
            }
            import
        }
    } else {
        checked(loader, &source, context)?
    };
    drop(source);
    context.cancel.check(path)?;
    let up = options.up.or(loader.declared_up()).unwrap_or_default();
    let mut loaded = finish(import, loader.format(), options.unit, up);
    loaded.report.file = path.to_owned();
    loaded.report.from_cache = from_cache;
    loaded.report.warnings.extend(cache_warning);
    loaded.report.elapsed = started.elapsed();
    context.report("done", 1.0);
    Ok(loaded)
}

/// Runs the loader and holds it to its contract.
fn checked(loader: &dyn Loader, source: &Source, context: &LoadContext) -> Result<Import, LoadError> {
    let import = loader.load(source, context)?;
    context.cancel.check(source.path())?;
    let malformed =
        |reason| LoadError::Malformed { file: source.path().to_owned(), format: loader.format(), offset: None, reason };
    import.model.check().map_err(malformed)?;
    if import.model.triangle_count() == 0 && import.model.line_count() == 0 {
        return Err(malformed("it holds nothing that can be shown".to_owned()));
    }
    Ok(import)
}

/// Applies the options: from the coordinates of the file to metres and Y up.
fn finish(mut import: Import, format: &'static str, unit: Option<Unit>, up: UpAxis) -> Loaded {
    let unit = unit.or(import.declared_unit).unwrap_or(import.coordinates);
    // The reader may have converted from the declared unit; what the user says replaces the declared one.
    let file_unit = import.declared_unit.unwrap_or(import.coordinates);
    let scale_m = import.coordinates.metres() * (unit.metres() / file_unit.metres());
    let report = LoadReport::of_import(&import, format, unit, scale_m);
    let mut to_model = model_from_file(Unit::M, up);
    #[expect(clippy::cast_possible_truncation, reason = "a scale needs no more than f32 here")]
    let scale = scale_m as f32;
    to_model.matrix3 *= scale;
    for instance in &mut import.model.instances {
        instance.model_from_part = to_model * instance.model_from_part;
    }
    Loaded { model: import.model, report }
}
