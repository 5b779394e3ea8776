//! The contract of a format, and how the right loader is found: by content first, by extension second.

use crate::{CadLoader, LoadContext, LoadError, Source, stl::StlLoader};
use rr_scene::{Assembly, Unit, UpAxis};
use std::path::Path;

/// How sure a loader is that a file is its own. Higher wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// The content speaks against it, or nothing speaks for it.
    No,
    /// Only the name ends as its files do.
    Extension,
    /// The content could be of this format.
    Likely,
    /// The content can hardly be anything else.
    Certain,
}

/// One file format, or a family of formats behind one dependency.
pub trait Loader: Send + Sync {
    /// Short name for reports: `stl`, `iges`, ...
    fn format(&self) -> &'static str;

    /// File name endings in lower case, without the dot.
    fn extensions(&self) -> &'static [&'static str];

    /// Judges the content: `head` is the first [`SNIFF_BYTES`] of the file or less, `file_bytes` its whole length.
    /// The extension is not the loader's business; it is looked at when no content convinces.
    fn sniff(&self, head: &[u8], file_bytes: u64) -> Confidence;

    /// Names what decides the geometry apart from the file: version of the reader and its settings.
    /// A result in the cache is used only while this string is the same. `None`: not worth caching.
    fn cache_key(&self) -> Option<String>;

    /// The axis that points up in every file of this format; `None` where the format leaves it open.
    fn declared_up(&self) -> Option<UpAxis> {
        None
    }

    /// Reads the file as far as it can be read.
    fn load(&self, source: &Source, context: &LoadContext) -> Result<Import, LoadError>;
}

/// What a loader makes of a file, before anybody's options: all in the axes of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    /// Parts and placements. `Instance::model_from_part` leads to the coordinates of the file here, not yet to metres
    /// and Y up.
    pub model: Assembly,
    /// The unit of all numbers in `model`.
    pub coordinates: Unit,
    /// The unit that the file itself says it is in, if it does. It may differ from `coordinates` when the reader
    /// converts.
    pub declared_unit: Option<Unit>,
    /// Flavour of the format (`binary`, `ASCII`, ...), or empty.
    pub variant: String,
    /// What was wrong, and what was done about it.
    pub warnings: Vec<String>,
    /// Files that it names beside itself, relative to its folder, whether they are there or not.
    pub beside: Vec<String>,
}

/// Number of bytes from the start of a file that [`Loader::sniff`] gets to see.
pub const SNIFF_BYTES: usize = 4096;

static LOADERS: [&dyn Loader; 7] = [
    &StlLoader,
    &CadLoader::IGES,
    &CadLoader::STEP,
    &CadLoader::BREP,
    &CadLoader::GLTF,
    &CadLoader::OBJ,
    &CadLoader::PLY,
];

/// Every loader there is.
pub fn loaders() -> &'static [&'static dyn Loader] {
    &LOADERS
}

/// File name endings that can be opened, in lower case and without the dot: for dialogs and drag and drop.
pub fn extensions() -> Vec<&'static str> {
    loaders().iter().flat_map(|l| l.extensions()).copied().collect()
}

/// The loader for a file that starts with `head`.
pub fn find_loader(path: &Path, head: &[u8], file_bytes: u64) -> Result<&'static dyn Loader, LoadError> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let score = |l: &dyn Loader| {
        let by_name = l.extensions().contains(&extension.as_str());
        // The content decides; the name breaks ties and speaks when the content says nothing.
        let by_content = l.sniff(head, file_bytes);
        (if by_name { by_content.max(Confidence::Extension) } else { by_content }, by_name)
    };
    loaders()
        .iter()
        .map(|l| (score(*l), *l))
        .filter(|((confidence, _), _)| *confidence > Confidence::No)
        .max_by_key(|(score, _)| *score)
        .map(|(_, l)| l)
        .ok_or_else(|| LoadError::UnknownFormat {
            file: path.to_owned(),
            reason: format!("neither its content nor its name is that of a {} file", known_formats()),
        })
}

fn known_formats() -> String {
    let names: Vec<_> = loaders().iter().map(|l| l.format().to_ascii_uppercase()).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}
