//! Libraries of the driver, opened when the program runs.

use crate::nvenc::{NV_ENCODE_API_FUNCTION_LIST, NVENCSTATUS};
use libloading::Library;
use std::ffi::{CStr, OsStr};
use thiserror::Error;

/// Why a library of the driver cannot be used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It is not there, or does not open.
    #[error("{library} cannot be opened: {reason}")]
    Open {
        /// Its name.
        library: String,
        /// What the system says.
        reason: String,
    },
    /// It is another library, or a very old one.
    #[error("the driver's library has no function {0}")]
    Symbol(String),
}

/// The encoder's library: its two entry points.
#[derive(Debug)]
pub struct Nvenc {
    /// `NvEncodeAPIGetMaxSupportedVersion`.
    pub get_max_supported_version: unsafe extern "system" fn(version: *mut u32) -> NVENCSTATUS,
    /// `NvEncodeAPICreateInstance`.
    pub create_instance: unsafe extern "system" fn(list: *mut NV_ENCODE_API_FUNCTION_LIST) -> NVENCSTATUS,
    // Last, so that it is closed last.
    _library: Library,
}

impl Nvenc {
    /// The library's name on this platform.
    pub const NAME: &str = if cfg!(windows) { "nvEncodeAPI64.dll" } else { "libnvidia-encode.so.1" };

    /// Opens the library: [`Nvenc::NAME`], or another path.
    ///
    /// # Errors
    /// There is none, or it lacks a function.
    pub fn load(name: impl AsRef<OsStr>) -> Result<Self, LoadError> {
        let library = open(name.as_ref())?;
        // SAFETY: the types are those of the functions in nvEncodeAPI.h.
        unsafe {
            Ok(Self {
                get_max_supported_version: symbol(&library, c"NvEncodeAPIGetMaxSupportedVersion")?,
                create_instance: symbol(&library, c"NvEncodeAPICreateInstance")?,
                _library: library,
            })
        }
    }
}

pub(crate) fn open(name: &OsStr) -> Result<Library, LoadError> {
    // SAFETY: opening a library runs its initialisers. Names are those of the driver, which the system's administrator
    // installed, or what the program's owner asked for.
    unsafe { Library::new(name) }
        .map_err(|e| LoadError::Open { library: name.to_string_lossy().into_owned(), reason: e.to_string() })
}

/// The function of this name.
///
/// # Safety
/// `T` must be a pointer to a function of the symbol's type, and may be called only as long as the library is open.
pub(crate) unsafe fn symbol<T: Copy>(library: &Library, name: &CStr) -> Result<T, LoadError> {
    // SAFETY: handed on to the caller.
    let found = unsafe { library.get::<T>(name.to_bytes_with_nul()) };
    found.map(|s| *s).map_err(|_| LoadError::Symbol(name.to_string_lossy().into_owned()))
}
