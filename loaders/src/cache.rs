//! What was made of models, kept on disk between runs: shapes with their coarser versions, ready for a graphics device.
//!
//! An entry ([layout](crate::entry)) is named by its [`Key`]: a BLAKE3 hash over the content of the CAD file,
//! the reader's version and settings, and the layout version. Nothing else can make an entry stale, so there is no
//! invalidation. Entries are written beside and renamed, so several processes may share a cache; a damaged one counts
//! as absent and is removed. When the cache outgrows its size, the entries that were not used for longest go.

use crate::{Content, LoadContext, LoadError, ShapeStore, Source, entry};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// A folder of import results. Clones mean the same folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
    max_bytes: u64,
}

/// Name of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(blake3::Hash);

/// Size that [`Cache::of_user`] keeps to.
pub const DEFAULT_MAX_BYTES: u64 = 4 << 30;

const ENTRY_EXTENSION: &str = "rrmodel";
const UNFINISHED_PREFIX: &str = ".unfinished-";
/// An unfinished entry this old belongs to a process that died.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);
const HASH_CHUNK_BYTES: usize = 16 << 20;
const WRITE_BYTES: usize = 1 << 20;

impl Key {
    /// The key for a file read by the loader with this [`crate::Loader::cache_key`].
    pub fn new(source: &Source, loader_key: &str, context: &LoadContext) -> Result<Self, LoadError> {
        let mut hasher = blake3::Hasher::new_derive_key("remote-render model cache");
        for text in [loader_key, &entry::VERSION.to_string()] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        for chunk in source.bytes().chunks(HASH_CHUNK_BYTES) {
            source.check(context)?;
            hasher.update_rayon(chunk);
        }
        Ok(Self(hasher.finalize()))
    }
}

impl Cache {
    /// A cache in `folder`, which is made when the first entry is written.
    pub fn at(folder: impl Into<PathBuf>, max_bytes: u64) -> Self {
        Self { folder: folder.into(), max_bytes }
    }

    /// The cache of this user: `remote-render/models` in `$XDG_CACHE_HOME`, else in `~/.cache` (XDG base directory
    /// specification), or in `%LOCALAPPDATA%` on Windows. `None` when there is no such place.
    pub fn of_user() -> Option<Self> {
        user_cache_folder(|name| std::env::var_os(name).map(PathBuf::from))
            .map(|folder| Self::at(folder.join("remote-render").join("models"), DEFAULT_MAX_BYTES))
    }

    /// Where the entries are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The entry, if it is there and whole.
    pub fn get(&self, key: &Key, shapes: &ShapeStore) -> Option<Content> {
        let path = self.entry(key);
        let mut file = File::open(&path).ok()?;
        let bytes = file.metadata().ok()?.len();
        match entry::read(&mut file, bytes, shapes) {
            Ok(content) => {
                // The time of change is the time of last use; failing to set it only makes the entry go earlier.
                let touched = File::options().append(true).open(&path).and_then(|f| f.set_modified(SystemTime::now()));
                if let Err(error) = touched {
                    tracing::debug!(%error, path = %path.display(), "cache entry could not be touched");
                }
                Some(content)
            }
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "damaged cache entry is removed");
                remove(&path);
                None
            }
        }
    }

    /// Keeps `content`. An error (a full disk, no permission) leaves the cache as it was.
    pub fn put(&self, key: &Key, content: &Content) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        // Models are nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED_PREFIX).tempfile_in(&self.folder)?;
        let mut out = io::BufWriter::with_capacity(WRITE_BYTES, file.as_file_mut());
        entry::write(content, &mut out)?;
        out.flush()?;
        drop(out);
        if file.as_file().metadata()?.len() > self.max_bytes {
            return Err(io::Error::other("it is larger than the whole cache may be"));
        }
        file.persist(self.entry(key)).map_err(|e| e.error)?;
        self.evict();
        Ok(())
    }

    fn entry(&self, key: &Key) -> PathBuf {
        self.folder.join(key.0.to_hex().as_str()).with_extension(ENTRY_EXTENSION)
    }

    /// Removes the entries that were not used for longest until the rest fits, and what dead processes left.
    fn evict(&self) {
        let Ok(listing) = fs::read_dir(&self.folder) else { return };
        let now = SystemTime::now();
        let mut entries = Vec::new();
        for item in listing.flatten() {
            let path = item.path();
            let Ok(metadata) = item.metadata() else { continue };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if path.extension().is_some_and(|e| e == ENTRY_EXTENSION) {
                entries.push((used, metadata.len(), path));
            } else if item.file_name().to_string_lossy().starts_with(UNFINISHED_PREFIX)
                && now.duration_since(used).is_ok_and(|age| age > ABANDONED_AFTER)
            {
                remove(&path);
            }
        }
        entries.sort();
        let mut total: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in entries {
            if total <= self.max_bytes {
                break;
            }
            remove(&path);
            total -= bytes;
        }
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        // Another process was faster.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "cache entry could not be removed");
        }
        _ => {}
    }
}

fn user_cache_folder(var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if cfg!(windows) {
        return var("LOCALAPPDATA").filter(|p| p.is_absolute());
    }
    // The specification says that a relative path is to be ignored.
    let xdg = var("XDG_CACHE_HOME").filter(|p| p.is_absolute());
    xdg.or_else(|| Some(var("HOME").filter(|p| p.is_absolute())?.join(".cache")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Import;
    use rr_scene::{Assembly, Instance, Mesh, Part};

    fn content(name: &str) -> Content {
        let mesh = Mesh { lines: vec![[0.0; 3], [1.0; 3]], ..Mesh::default() };
        let model_from_part = glam::Affine3A::IDENTITY;
        let model = Assembly {
            parts: vec![Part { name: name.to_owned(), mesh }],
            instances: vec![Instance { part: 0, name: String::new(), model_from_part, colour: None }],
        };
        let import = Import { model, warnings: vec![name.to_owned()], ..Import::default() };
        Content::of(&import, &Source::from_bytes("a", Vec::new()), &LoadContext::default()).unwrap()
    }

    fn get(cache: &Cache, name: &str) -> Option<Content> {
        cache.get(&key(name), &ShapeStore::default())
    }

    fn key(content: &str) -> Key {
        Key::new(&Source::from_bytes("a", content.into()), "test-1", &LoadContext::default()).unwrap()
    }

    fn files(cache: &Cache) -> Vec<PathBuf> {
        fs::read_dir(cache.folder()).unwrap().map(|e| e.unwrap().path()).collect()
    }

    #[test]
    fn gives_back_what_was_put() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("not/there/yet"), 1 << 20);
        assert_eq!(get(&cache, "one"), None);
        cache.put(&key("one"), &content("one")).unwrap();
        assert_eq!(get(&cache, "one"), Some(content("one")));
        assert_eq!(get(&cache, "two"), None);
    }

    #[test]
    fn the_key_depends_on_content_and_reader() {
        let source = Source::from_bytes("a", b"content".to_vec());
        let renamed = Source::from_bytes("b", b"content".to_vec());
        let of = |source, reader| Key::new(source, reader, &LoadContext::default()).unwrap();
        assert_eq!(of(&source, "iges-1"), of(&renamed, "iges-1"));
        assert_ne!(of(&source, "iges-1"), of(&source, "iges-2"));
        assert_ne!(key("content"), key("Content"));
    }

    #[test]
    fn damaged_entries_are_absent_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path(), 1 << 20);
        cache.put(&key("x"), &content("x")).unwrap();
        let path = files(&cache).remove(0);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(get(&cache, "x"), None);
        assert!(!path.exists());
    }

    #[test]
    fn the_longest_unused_entry_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let roomy = Cache::at(dir.path(), 1 << 20);
        for name in ["a", "b", "c"] {
            roomy.put(&key(name), &content(name)).unwrap();
        }
        let long_ago = SystemTime::now() - Duration::from_secs(1000);
        for path in files(&roomy) {
            File::options().append(true).open(path).unwrap().set_modified(long_ago).unwrap();
        }
        assert!(get(&roomy, "b").is_some(), "a use");
        let entry_bytes = fs::metadata(roomy.entry(&key("a"))).unwrap().len();
        Cache::at(dir.path(), 2 * entry_bytes).put(&key("d"), &content("d")).unwrap();
        assert_eq!(get(&roomy, "a"), None);
        assert_eq!(get(&roomy, "c"), None);
        assert!(get(&roomy, "b").is_some());
        assert!(get(&roomy, "d").is_some());
    }

    #[test]
    fn an_entry_beyond_the_size_is_refused_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path(), 10);
        assert!(cache.put(&key("x"), &content("x")).is_err());
        assert!(files(&cache).is_empty());
    }

    #[test]
    fn leftovers_of_dead_processes_go() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path(), 1 << 20);
        let old = dir.path().join(".unfinished-old");
        let young = dir.path().join(".unfinished-young");
        File::create(&young).unwrap();
        File::create(&old).unwrap().set_modified(SystemTime::now() - 2 * ABANDONED_AFTER).unwrap();
        cache.put(&key("x"), &content("x")).unwrap();
        assert!(!old.exists());
        assert!(young.exists());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        File::create(&file).unwrap();
        assert!(Cache::at(file, 1 << 20).put(&key("x"), &content("x")).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn the_user_folder_follows_the_xdg_rule() {
        let vars = |xdg: Option<&str>, home: Option<&str>| {
            let (xdg, home) = (xdg.map(PathBuf::from), home.map(PathBuf::from));
            user_cache_folder(move |name| if name == "HOME" { home.clone() } else { xdg.clone() })
        };
        assert_eq!(vars(Some("/c"), Some("/h")), Some("/c".into()));
        assert_eq!(vars(Some("relative"), Some("/h")), Some("/h/.cache".into()));
        assert_eq!(vars(None, Some("/h")), Some("/h/.cache".into()));
        assert_eq!(vars(None, None), None);
    }
}
