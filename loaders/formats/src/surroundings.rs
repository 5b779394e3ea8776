//! Files that a model file names beside itself. A model may come from anywhere, so a name in it must not make us open
//! anything but what lies in its own folder or below: no absolute path, no `..`, no other scheme, no link that leads out.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// The folder of a model file.
#[derive(Debug)]
pub struct Surroundings {
    folder: PathBuf,
    /// Names that were asked for, whether there or not.
    asked: RefCell<BTreeSet<String>>,
}

/// Larger files beside a model are refused.
const MAX_BYTES: u64 = 4 << 30;

impl Surroundings {
    /// The surroundings of `file`.
    pub fn of(file: &Path) -> Self {
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { folder: folder.to_owned(), asked: RefCell::default() }
    }

    /// The content of the file called `name`, which is relative to the folder and uses `/`.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.read_at_most(name, MAX_BYTES)
    }

    /// The same of a file that may have so many bytes.
    pub fn read_at_most(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let path = self.resolve(name)?;
        let file = open_without_waiting(&path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if metadata.len() > most {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large"));
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Every name in the folder that was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().iter().cloned().collect()
    }

    fn resolve(&self, name: &str) -> io::Result<PathBuf> {
        let refused = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned());
        // Backslashes and colons are separators and drives on other systems.
        if name.is_empty() || name.contains(['\\', ':', '\0']) {
            return Err(refused("only plain names of files in the folder of the model are followed"));
        }
        let relative = Path::new(name);
        if relative.components().any(|c| !matches!(c, Component::Normal(_) | Component::CurDir)) {
            return Err(refused("it lies outside the folder of the model"));
        }
        self.asked.borrow_mut().insert(name.to_owned());
        let folder = self.folder.canonicalize()?;
        let path = folder.join(relative).canonicalize()?;
        if !path.starts_with(&folder) {
            return Err(refused("a link leads outside the folder of the model"));
        }
        Ok(path)
    }
}

/// A FIFO must not block until somebody writes to it.
fn open_without_waiting(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        const O_NONBLOCK: i32 = if cfg!(target_os = "linux") { 0o4000 } else { 0x4 };
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, O_NONBLOCK);
    }
    options.open(path)
}

/// Undoes percent encoding (RFC 3986, 2.1). `None` when what comes out is no text.
pub fn percent_decoded(uri: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|_| first == b'%').and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_folder_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("models");
        std::fs::create_dir_all(inner.join("parts")).unwrap();
        std::fs::write(dir.path().join("secret"), "secret").unwrap();
        std::fs::write(inner.join("parts/a b.bin"), "data").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret", inner.join("link")).unwrap();
        let around = Surroundings::of(&inner.join("model.gltf"));
        assert_eq!(around.read("parts/a b.bin").unwrap(), b"data");
        assert_eq!(around.read("./parts/a b.bin").unwrap(), b"data");
        let absolute = dir.path().join("secret").display().to_string();
        for name in
            ["../secret", "parts/../../secret", &absolute, "..\\secret", "file:secret", "link", "", "parts", "gone"]
        {
            if cfg!(unix) || name != "link" {
                assert!(around.read(name).is_err(), "{name} was opened");
            }
        }
    }

    #[test]
    fn percent_signs_are_undone_once() {
        assert_eq!(percent_decoded("a%20b%2e%2e%2f%25x%").unwrap(), "a b../%x%");
        assert_eq!(percent_decoded("%ff"), None);
    }
}
