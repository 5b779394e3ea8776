//! The bytes of a file, mapped where that is safe and read into memory where it is not.
//!
//! A mapped file that another process truncates raises SIGBUS in the reader and would take the host with it. On Linux
//! two things rule that out. A read lease (`F_SETLEASE` in fcntl(2)) makes the kernel hold back whoever wants to write
//! or truncate the file, for up to `/proc/sys/fs/lease-break-time` seconds (45); [`Source::check`] sees that somebody
//! waits and ends the load at once. `MADV_POPULATE_READ` (madvise(2)) brings every page in beforehand and turns a bad
//! disk into an error instead of a signal. Where there is no lease to be had (a file of another user, one that is open
//! for writing, many network file systems, other systems than Linux), and for small files, the bytes are read.

use crate::{LoadContext, LoadError, SNIFF_BYTES};
use rayon::prelude::*;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A file's content in memory, with its path for messages.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    Owned(Vec<u8>),
    #[cfg(target_os = "linux")]
    Mapped(mapped::Mapped),
}

/// Below this, reading is as fast as mapping.
const MAP_FROM_BYTES: u64 = 1 << 20;
/// Unit of reading and of looking at the cancel token.
const CHUNK_BYTES: usize = 8 << 20;

impl Source {
    /// Opens `path`. An empty file, a directory and a device are errors.
    pub fn open(path: &Path, context: &LoadContext) -> Result<Self, LoadError> {
        let from_io = |e: io::Error| LoadError::from_io(path, &e);
        let file = open_without_waiting(path).map_err(from_io)?;
        let metadata = file.metadata().map_err(from_io)?;
        if !metadata.is_file() {
            let reason = if metadata.is_dir() { "it is a folder" } else { "it is not a regular file" };
            return Err(LoadError::Io { file: path.to_owned(), reason: reason.to_owned() });
        }
        let len = metadata.len();
        let limit = context.limits.max_file_bytes;
        if len > limit {
            let reason = format!("{len} bytes, the limit is {limit}");
            return Err(LoadError::TooLarge { file: path.to_owned(), reason });
        }
        if len == 0 {
            return Err(LoadError::Empty { file: path.to_owned() });
        }
        #[cfg(target_os = "linux")]
        if len >= MAP_FROM_BYTES
            && let Some(mapped) = mapped::Mapped::new(&file, path, context)?
        {
            return Ok(Self { path: path.to_owned(), bytes: Bytes::Mapped(mapped) });
        }
        let bytes = read(&file, len, path, context)?;
        Ok(Self { path: path.to_owned(), bytes: Bytes::Owned(bytes) })
    }

    /// Bytes that are in memory already; `path` is for messages only.
    pub fn from_bytes(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), bytes: Bytes::Owned(bytes) }
    }

    /// Where the bytes came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole content.
    pub fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Owned(bytes) => bytes,
            #[cfg(target_os = "linux")]
            Bytes::Mapped(mapped) => mapped.bytes(),
        }
    }

    /// Number of bytes.
    pub fn len(&self) -> u64 {
        self.bytes().len() as u64
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// The first [`SNIFF_BYTES`], or all there is.
    pub fn head(&self) -> &[u8] {
        let bytes = self.bytes();
        &bytes[..bytes.len().min(SNIFF_BYTES)]
    }

    /// Whether a load may go on: an error once it is cancelled or another process wants to change the file. Loaders
    /// call it every few milliseconds.
    pub fn check(&self, context: &LoadContext) -> Result<(), LoadError> {
        context.cancel.check(&self.path)?;
        #[cfg(target_os = "linux")]
        if let Bytes::Mapped(mapped) = &self.bytes
            && mapped.is_wanted_by_a_writer()
        {
            let reason = "another program began to change it while it was read".to_owned();
            return Err(LoadError::Io { file: self.path.clone(), reason });
        }
        Ok(())
    }
}

/// A FIFO must not block the caller until somebody writes to it.
fn open_without_waiting(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_CLOEXEC);
    options.open(path)
}

fn read(file: &File, len: u64, path: &Path, context: &LoadContext) -> Result<Vec<u8>, LoadError> {
    let too_large =
        |_| LoadError::TooLarge { file: path.to_owned(), reason: format!("there is no memory for its {len} bytes") };
    let len = usize::try_from(len).map_err(|_| too_large(()))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| too_large(()))?;
    bytes.resize(len, 0);
    #[cfg(unix)]
    bytes.par_chunks_mut(CHUNK_BYTES).enumerate().try_for_each(|(i, chunk)| {
        context.cancel.check(path)?;
        std::os::unix::fs::FileExt::read_exact_at(file, chunk, (i * CHUNK_BYTES) as u64)
            .map_err(|e| shrunk_or_failed(path, &e))
    })?;
    #[cfg(not(unix))]
    for chunk in bytes.chunks_mut(CHUNK_BYTES) {
        context.cancel.check(path)?;
        let mut file = file;
        file.read_exact(chunk).map_err(|e| shrunk_or_failed(path, &e))?;
    }
    // What a writer appended meanwhile is read too: a growing file is most likely one that is still being copied.
    let mut rest = Vec::new();
    let mut file = file;
    #[cfg(unix)]
    io::Seek::seek(&mut file, io::SeekFrom::Start(len as u64)).map_err(|e| LoadError::from_io(path, &e))?;
    file.take(context.limits.max_file_bytes.saturating_sub(len as u64))
        .read_to_end(&mut rest)
        .map_err(|e| LoadError::from_io(path, &e))?;
    bytes.append(&mut rest);
    Ok(bytes)
}

fn shrunk_or_failed(path: &Path, error: &io::Error) -> LoadError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        LoadError::Io { file: path.to_owned(), reason: "it became shorter while it was read".to_owned() }
    } else {
        LoadError::from_io(path, error)
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "mapping a file and taking a lease on it are system calls without a safe wrapper")]
mod mapped {
    //! The one place that maps files; see the parent module for why that is sound here.

    use super::{CHUNK_BYTES, File, LoadContext, LoadError, Path, io};
    use memmap2::{Advice, Mmap, MmapOptions};
    use rayon::prelude::*;
    use std::os::fd::AsRawFd;

    /// A mapping and the lease that keeps its file as it is. Fields drop in this order: first the mapping.
    #[derive(Debug)]
    pub(super) struct Mapped {
        map: Mmap,
        lease: Lease,
    }

    impl Mapped {
        /// `None` when the file cannot be mapped safely and has to be read.
        pub(super) fn new(file: &File, path: &Path, context: &LoadContext) -> Result<Option<Self>, LoadError> {
            let Some(lease) = file.try_clone().ok().and_then(Lease::take) else { return Ok(None) };
            // SAFETY: the lease keeps every other process from writing to the file or truncating it while the map
            // lives, and the length is taken from the file now, under the lease.
            let Ok(map) = (unsafe { MmapOptions::new().map(file) }) else { return Ok(None) };
            let chunks: Vec<usize> = (0..map.len()).step_by(CHUNK_BYTES).collect();
            let populated = chunks.par_iter().try_for_each(|&start| {
                context.cancel.check(path).map_err(Some)?;
                let len = CHUNK_BYTES.min(map.len() - start);
                map.advise_range(Advice::PopulateRead, start, len).map_err(|e| match e.raw_os_error() {
                    Some(libc::EFAULT | libc::EHWPOISON) => Some(LoadError::Io {
                        file: path.to_owned(),
                        reason: "the disk failed to give its content".to_owned(),
                    }),
                    // Kernels before 5.14 do not know the advice: read instead.
                    _ => None,
                })
            });
            match populated {
                Ok(()) => Ok(Some(Self { map, lease })),
                Err(None) => Ok(None),
                Err(Some(error)) => Err(error),
            }
        }

        pub(super) fn bytes(&self) -> &[u8] {
            &self.map
        }

        pub(super) fn is_wanted_by_a_writer(&self) -> bool {
            self.lease.is_breaking()
        }
    }

    /// From include/uapi/asm-generic/fcntl.h; the `libc` crate does not have it.
    const F_SETSIG: libc::c_int = 10;

    /// A read lease on an open file.
    #[derive(Debug)]
    struct Lease(File);

    impl Lease {
        /// `None` when the system does not give one.
        fn take(file: File) -> Option<Self> {
            let fd = file.as_raw_fd();
            // SAFETY: plain calls on a descriptor that `file` owns. The signal that announces a waiting writer is
            // SIGURG, which is ignored by default, instead of SIGIO, which would end the process.
            let taken = unsafe {
                libc::fcntl(fd, F_SETSIG, libc::SIGURG) == 0 && libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) == 0
            };
            taken.then_some(Self(file))
        }

        fn is_breaking(&self) -> bool {
            // SAFETY: a query on a descriptor that is open.
            let held = unsafe { libc::fcntl(self.0.as_raw_fd(), libc::F_GETLEASE) };
            held != libc::F_RDLCK
        }
    }

    impl Drop for Lease {
        fn drop(&mut self) {
            // SAFETY: gives up a lease on a descriptor that is open. The lease belongs to the open file description,
            // which the caller's `File` shares, so closing this descriptor alone may not end it.
            let released = unsafe { libc::fcntl(self.0.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
            if released != 0 {
                tracing::debug!(error = %io::Error::last_os_error(), "a file lease was gone before it was given up");
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::io::Write;

        #[test]
        fn a_writer_is_noticed_and_waits_for_the_map() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("big.stl");
            File::create(&path).unwrap().write_all(&vec![7u8; 3 << 20]).unwrap();
            let file = File::open(&path).unwrap();
            let context = LoadContext::default();
            let Some(mapped) = Mapped::new(&file, &path, &context).unwrap() else {
                eprintln!("skipped: this file system gives no leases");
                return;
            };
            assert!(!mapped.is_wanted_by_a_writer());
            let writer_path = path.clone();
            let writer = std::thread::spawn(move || File::create(writer_path).map(|_| ()));
            while !mapped.is_wanted_by_a_writer() {
                std::thread::yield_now();
            }
            assert!(mapped.bytes().iter().all(|b| *b == 7), "the content stays while the map lives");
            assert_eq!(std::fs::metadata(&path).unwrap().len(), 3 << 20);
            drop(mapped);
            writer.join().unwrap().unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        }
    }
}
