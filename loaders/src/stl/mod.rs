//! STL, the format of stereolithography.

use crate::{Confidence, Import, LoadContext, LoadError, Loader, Source};

/// Reads STL, binary and ASCII.
#[derive(Debug, Clone, Copy)]
pub struct StlLoader;

impl Loader for StlLoader {
    fn format(&self) -> &'static str {
        "stl"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["stl"]
    }
    fn sniff(&self, _head: &[u8], _file_bytes: u64) -> Confidence {
        Confidence::No
    }
    fn cache_key(&self) -> Option<String> {
        None
    }
    fn load(&self, source: &Source, _context: &LoadContext) -> Result<Import, LoadError> {
        Err(LoadError::Malformed {
            file: source.path().to_owned(),
            format: self.format(),
            offset: None,
            reason: "cannot be read yet".to_owned(),
        })
    }
}
