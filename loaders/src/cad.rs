//! CAD formats that need a geometry kernel: read by the import helper in a process of its own, because the kernel
//! crashes on damaged files. This module is the client of that process.

use crate::{Confidence, Import, LoadContext, LoadError, Loader, Source};
use std::path::{Path, PathBuf};

/// Formats behind the import helper.
#[derive(Debug, Clone, Copy)]
pub struct CadLoader {
    format: &'static str,
    extensions: &'static [&'static str],
}

impl CadLoader {
    /// IGES 5.3 (US PRO/IPO-100-1996).
    pub const IGES: Self = Self { format: "iges", extensions: &["igs", "iges"] };
}

impl Loader for CadLoader {
    fn format(&self) -> &'static str {
        self.format
    }

    fn extensions(&self) -> &'static [&'static str] {
        self.extensions
    }

    fn sniff(&self, head: &[u8], _file_bytes: u64) -> Confidence {
        // IGES 5.3, 2.2.4: lines of 80 columns, the first is of the start section: `S` in column 73, then its number.
        let first = head.split(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default();
        match first.get(72..80) {
            Some([b'S', number @ ..]) if number.iter().all(|b| b.is_ascii_digit() || *b == b' ') => Confidence::Certain,
            _ => Confidence::No,
        }
    }

    fn cache_key(&self) -> Option<String> {
        Some(format!("{}-1", self.format))
    }

    fn load(&self, source: &Source, context: &LoadContext) -> Result<Import, LoadError> {
        let helper = find_helper(context, source.path())?;
        Err(LoadError::HelperMissing {
            file: source.path().to_owned(),
            reason: format!("{} cannot be driven yet", helper.display()),
        })
    }
}

fn find_helper(context: &LoadContext, file: &Path) -> Result<PathBuf, LoadError> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.join("rr-import"));
    let helper = context.import_helper.clone().or_else(beside).unwrap_or_else(|| PathBuf::from("rr-import"));
    if helper.is_file() {
        Ok(helper)
    } else {
        Err(LoadError::HelperMissing { file: file.to_owned(), reason: format!("{} is not there", helper.display()) })
    }
}
