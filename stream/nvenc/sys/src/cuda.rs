//! The few functions of the CUDA driver API (`cuda.h`) that an encoder needs: a device and a context on it.

use crate::LoadError;
use crate::library::{open, symbol};
use libloading::Library;
use std::ffi::{OsStr, c_char, c_int, c_uint, c_void};

/// `CUresult`; 0 is success.
pub type Status = c_int;
/// `CUdevice`.
pub type Device = c_int;
/// `CUcontext`.
pub type Context = *mut c_void;

/// `CUDA_ERROR_NO_DEVICE`.
pub const NO_DEVICE: Status = 100;
/// `CU_CTX_SCHED_BLOCKING_SYNC`: threads that wait sleep.
pub const SCHED_BLOCKING_SYNC: c_uint = 4;

/// The CUDA driver's library. The functions are those of `cuda.h`, by their names without `cu`.
#[allow(missing_docs, reason = "named after the functions of cuda.h")]
#[derive(Debug)]
pub struct Cuda {
    pub init: unsafe extern "system" fn(flags: c_uint) -> Status,
    pub driver_get_version: unsafe extern "system" fn(version: *mut c_int) -> Status,
    pub device_get_count: unsafe extern "system" fn(count: *mut c_int) -> Status,
    pub device_get: unsafe extern "system" fn(device: *mut Device, ordinal: c_int) -> Status,
    pub device_get_name: unsafe extern "system" fn(name: *mut c_char, len: c_int, device: Device) -> Status,
    pub ctx_create: unsafe extern "system" fn(context: *mut Context, flags: c_uint, device: Device) -> Status,
    pub ctx_destroy: unsafe extern "system" fn(context: Context) -> Status,
    pub ctx_push_current: unsafe extern "system" fn(context: Context) -> Status,
    pub ctx_pop_current: unsafe extern "system" fn(context: *mut Context) -> Status,
    // Last, so that it is closed last.
    _library: Library,
}

impl Cuda {
    /// The library's name on this platform.
    pub const NAME: &str = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };

    /// Opens the library: [`Cuda::NAME`], or another path.
    ///
    /// # Errors
    /// There is none, or it lacks a function.
    pub fn load(name: impl AsRef<OsStr>) -> Result<Self, LoadError> {
        let library = open(name.as_ref())?;
        // SAFETY: each type is that of the function in cuda.h, whose names carry a version where it changed.
        unsafe {
            Ok(Self {
                init: symbol(&library, c"cuInit")?,
                driver_get_version: symbol(&library, c"cuDriverGetVersion")?,
                device_get_count: symbol(&library, c"cuDeviceGetCount")?,
                device_get: symbol(&library, c"cuDeviceGet")?,
                device_get_name: symbol(&library, c"cuDeviceGetName")?,
                ctx_create: symbol(&library, c"cuCtxCreate_v2")?,
                ctx_destroy: symbol(&library, c"cuCtxDestroy_v2")?,
                ctx_push_current: symbol(&library, c"cuCtxPushCurrent_v2")?,
                ctx_pop_current: symbol(&library, c"cuCtxPopCurrent_v2")?,
                _library: library,
            })
        }
    }
}
