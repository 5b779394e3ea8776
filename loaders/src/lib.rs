//! Turns model files into [`rr_scene::Model`]s.
//!
//! [`load`] looks at the content of a file, picks the [`Loader`] that knows it, and gives a [`Loaded`]: the model in
//! metres and Y up, a [`LoadReport`] with everything worth telling, and the [`Refinement`] that is left to do. [`read`]
//! stops before that: it gives the meshes as they are in the file. A damaged file yields what could be read plus
//! warnings; only when nothing can be shown it is a [`LoadError`], which names the file and the reason.
//!
//! Meshes stay in the coordinates of their file ([`Import`]); unit and up axis go into the matrices of the instances.
//! So one entry of the [`Cache`] serves every choice of [`ImportOptions`].

mod beside;
pub mod cache;
pub mod cad;
mod context;
pub mod entry;
mod error;
mod loader;
pub mod mesh;
mod pages;
mod prepare;
mod report;
mod source;
pub mod stl;

pub use beside::Beside;
pub use cache::Cache;
pub use cad::CadLoader;
pub use context::{CancelToken, Limits, LoadContext, Progress, ProgressFn};
pub use error::LoadError;
pub use loader::{Confidence, Import, Loader, SNIFF_BYTES, extensions, find_loader, loaders};
pub use prepare::{Content, Refinement, ShapeStore, refine};
pub use report::{BoundsM, Findings, LoadReport};
pub use source::Source;

use cache::Key;
use glam::Affine3A;
use rr_scene::{Assembly, Model, Piece, Place, StandIn, Unit, UpAxis, geometry::model_from_file};
use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

/// Loads that took longer are kept in the cache before anything else is done with them.
const WORTH_KEEPING: Duration = Duration::from_secs(1);

/// What the user may say about a file that does not say it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ImportOptions {
    /// Unit of the file's numbers; `None`: what the file declares, else millimetres.
    pub unit: Option<Unit>,
    /// Axis of the file that points up; `None`: what the format declares, else Z.
    pub up: Option<UpAxis>,
}

/// A model and what there is to say about it.
#[derive(Debug)]
pub struct Loaded {
    /// In metres, Y up.
    pub model: Arc<Model>,
    /// Counts, bounds, warnings.
    pub report: LoadReport,
    /// What can be done after the model is shown; `None` when the cache had it all.
    pub refinement: Option<Refinement>,
}

/// A file as its format holds it, and what there is to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// In metres, Y up.
    pub assembly: Assembly,
    /// Counts, bounds, warnings.
    pub report: LoadReport,
}

/// Loads `path`. Blocks until done, so call it from a thread that may wait; heavy work runs on the rayon pool.
pub fn load(path: &Path, options: &ImportOptions, context: &LoadContext) -> Result<Loaded, LoadError> {
    let started = Instant::now();
    let (source, loader) = open(path, context)?;
    let mut key = match context.cache.as_ref().zip(loader.cache_key()) {
        Some((cache, key)) => {
            context.report("looking into the cache", 0.0);
            Some((cache.clone(), Key::new(&source, &key, context)?))
        }
        None => None,
    };
    let cached = key.as_ref().and_then(|(cache, key)| cache.get(key, &context.shapes));
    let cached = cached.filter(|content| content.beside.iter().all(|b| b.is_current(path, context)));
    let from_cache = cached.is_some();
    let mut cache_warning = None;
    let content = if let Some(content) = cached {
        content
    } else {
        let import = checked(loader, &source, context)?;
        let content = Content::of(&import, &source, context)?;
        if import.beside.len() > beside::MOST {
            key = None;
        }
        // What took long is kept at once; the rest when it is complete.
        if started.elapsed() > WORTH_KEEPING
            && let Some((cache, key)) = &key
            && let Err(reason) = cache.put(key, &content)
        {
            cache_warning = Some(format!("the result could not be kept in the cache: {reason}"));
        }
        content
    };
    drop(source);
    context.cancel.check(path)?;
    let of_file = OfFile::new(loader, content.coordinates, content.declared_unit, options);
    let mut report = of_file.report(&content.findings);
    report.file = path.to_owned();
    report.from_cache = from_cache;
    report.warnings.extend(cache_warning);
    let model_from_file = of_file.model_from_file();
    let moved = |p: &Place| Place { model_from_part: model_from_file * p.model_from_part, ..*p };
    let pieces = content.pieces.iter();
    let pieces =
        pieces.map(|p| Piece { shape: Arc::clone(&p.shape), places: p.places.iter().map(moved).collect() }).collect();
    let stand_in = if content.is_refined {
        let shape = content.stand_in.clone();
        OnceLock::from(shape.map(|shape| StandIn { shape, model_from_part: model_from_file }))
    } else {
        OnceLock::new()
    };
    let model = Arc::new(Model { pieces, stand_in });
    let refinement = (!content.is_refined).then(|| Refinement {
        content,
        model: Arc::clone(&model),
        model_from_file,
        shapes: context.shapes.clone(),
        cache: key,
    });
    report.elapsed = started.elapsed();
    context.report("done", 1.0);
    Ok(Loaded { model, report, refinement })
}

/// Reads `path` without making it ready to be shown, and without the cache: for converters and tests.
pub fn read(path: &Path, options: &ImportOptions, context: &LoadContext) -> Result<Read, LoadError> {
    let started = Instant::now();
    let (source, loader) = open(path, context)?;
    let mut import = checked(loader, &source, context)?;
    let of_file = OfFile::new(loader, import.coordinates, import.declared_unit, options);
    let mut report = of_file.report(&Findings::of(&import));
    report.file = path.to_owned();
    let model_from_file = of_file.model_from_file();
    for instance in &mut import.model.instances {
        instance.model_from_part = model_from_file * instance.model_from_part;
    }
    report.elapsed = started.elapsed();
    context.report("done", 1.0);
    Ok(Read { assembly: import.model, report })
}

fn open(path: &Path, context: &LoadContext) -> Result<(Source, &'static dyn Loader), LoadError> {
    context.cancel.check(path)?;
    context.report("opening", 0.0);
    let source = Source::open(path, context)?;
    let loader = find_loader(path, source.head(), source.len())?;
    Ok((source, loader))
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

/// How the options and what the file says come together.
struct OfFile {
    format: &'static str,
    unit: Unit,
    unit_declared: bool,
    up: UpAxis,
    /// Metres in one of the file's coordinates.
    scale_m: f64,
}

impl OfFile {
    fn new(loader: &dyn Loader, coordinates: Unit, declared: Option<Unit>, options: &ImportOptions) -> Self {
        let unit = options.unit.or(declared).unwrap_or(coordinates);
        // The reader may have converted from the declared unit; what the user says replaces the declared one.
        let file_unit = declared.unwrap_or(coordinates);
        let scale_m = coordinates.metres() * (unit.metres() / file_unit.metres());
        let up = options.up.or(loader.declared_up()).unwrap_or_default();
        Self { format: loader.format(), unit, unit_declared: declared == Some(unit), up, scale_m }
    }

    fn report(&self, findings: &Findings) -> LoadReport {
        LoadReport::new(findings, self.format, self.unit, self.unit_declared, self.scale_m)
    }

    fn model_from_file(&self) -> Affine3A {
        let mut to_model = model_from_file(Unit::M, self.up);
        #[expect(clippy::cast_possible_truncation, reason = "a scale needs no more than f32 here")]
        let scale = self.scale_m as f32;
        to_model.matrix3 *= scale;
        to_model
    }
}
