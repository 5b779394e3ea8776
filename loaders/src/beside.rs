//! Files that a model names beside itself: buffers of glTF, materials of OBJ. A cached result holds only as long as they
//! are what they were.

use crate::{LoadContext, Source};
use serde::{Deserialize, Serialize};
use std::path::{Component, Path};

/// With more files than this beside it a model is read anew each time.
pub(crate) const MOST: usize = 256;

/// A file as it was when the model was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Relative to the folder of the model, with `/`.
    name: String,
    /// BLAKE3 of its content; `None` when there was no such file, or one that cannot be read.
    hash: Option<String>,
}

impl Beside {
    /// As it is now.
    pub(crate) fn of(model: &Path, name: &str, context: &LoadContext) -> Self {
        Self { name: name.to_owned(), hash: hash_of(model, name, context) }
    }

    /// True while it is what it was.
    pub(crate) fn is_current(&self, model: &Path, context: &LoadContext) -> bool {
        hash_of(model, &self.name, context) == self.hash
    }
}

/// `None` for what is not there, and for what the reader would not have opened either.
fn hash_of(model: &Path, name: &str, context: &LoadContext) -> Option<String> {
    let relative = Path::new(name);
    let is_plain = relative.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    if name.is_empty() || !is_plain {
        return None;
    }
    let folder = model.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let source = Source::open(&folder.join(relative), context).ok()?;
    Some(blake3::Hasher::new().update_rayon(source.bytes()).finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_a_new_and_a_lost_file_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (model, context) = (dir.path().join("robot.gltf"), LoadContext::default());
        let missing = Beside::of(&model, "arm.bin", &context);
        assert!(missing.is_current(&model, &context));
        std::fs::write(dir.path().join("arm.bin"), b"one").unwrap();
        assert!(!missing.is_current(&model, &context));
        let there = Beside::of(&model, "arm.bin", &context);
        assert!(there.is_current(&model, &context));
        std::fs::write(dir.path().join("arm.bin"), b"two").unwrap();
        assert!(!there.is_current(&model, &context));
        std::fs::remove_file(dir.path().join("arm.bin")).unwrap();
        assert!(!there.is_current(&model, &context));
    }

    #[test]
    fn nothing_outside_the_folder_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), b"s").unwrap();
        let model = dir.path().join("models").join("robot.gltf");
        for name in ["../secret", "/etc/hostname", "", "a/../../secret"] {
            assert_eq!(Beside::of(&model, name, &LoadContext::default()).hash, None, "{name}");
        }
    }
}
