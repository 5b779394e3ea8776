//! The few functions of the CUDA driver API (`cuda.h`) that an encoder needs: a device and a context on it, and memory and
//! semaphores of other interfaces ([`External`]).

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
    /// Not in drivers before CUDA 10.
    pub external: Option<External>,
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
                external: External::of(&library).ok(),
                _library: library,
            })
        }
    }
}

/// `CUexternalMemory`.
pub type ExternalMemory = *mut c_void;
/// `CUexternalSemaphore`.
pub type ExternalSemaphore = *mut c_void;
/// `CUdeviceptr`: an address in the card's memory.
pub type DevicePointer = u64;
/// `CUstream`; null is the default stream.
pub type Stream = *mut c_void;

/// Handle types and flags of what Vulkan exports on this platform.
pub mod external {
    use std::ffi::c_uint;

    /// `CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD`, `..._OPAQUE_WIN32`.
    pub const MEMORY: c_uint = if cfg!(windows) { 2 } else { 1 };
    /// `CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD`, `..._WIN32`; CUDA 11.2 and newer.
    pub const TIMELINE_SEMAPHORE: c_uint = if cfg!(windows) { 10 } else { 9 };
    /// `CUDA_EXTERNAL_MEMORY_DEDICATED`.
    pub const DEDICATED: c_uint = 1;
}

/// A handle of the operating system.
#[repr(C)]
#[derive(Clone, Copy)]
pub union Handle {
    /// File descriptor. The driver owns it once it was imported.
    pub fd: c_int,
    /// Handle and name of Windows. The caller goes on owning it.
    pub win32: [*const c_void; 2],
}

/// `CUDA_EXTERNAL_MEMORY_HANDLE_DESC`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MemoryHandleDesc {
    /// [`external::MEMORY`].
    pub kind: c_uint,
    /// The memory.
    pub handle: Handle,
    /// Its whole length.
    pub size: u64,
    /// 0 or [`external::DEDICATED`].
    pub flags: c_uint,
    /// Zeros.
    pub reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_MEMORY_BUFFER_DESC`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct MemoryBufferDesc {
    /// Where the buffer begins.
    pub offset: u64,
    /// Its length.
    pub size: u64,
    /// 0.
    pub flags: c_uint,
    /// Zeros.
    pub reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SemaphoreHandleDesc {
    /// [`external::TIMELINE_SEMAPHORE`].
    pub kind: c_uint,
    /// The semaphore.
    pub handle: Handle,
    /// 0.
    pub flags: c_uint,
    /// Zeros.
    pub reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS` of a timeline semaphore.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct SemaphoreWaitParams {
    /// What it has to reach.
    pub value: u64,
    /// Of other kinds of semaphores: zeros.
    pub others: [c_uint; 16],
    /// 0.
    pub flags: c_uint,
    /// Zeros.
    pub reserved: [c_uint; 16],
}

/// Functions for memory and semaphores that another interface exported, by their names without `cu`.
#[allow(missing_docs, reason = "named after the functions of cuda.h")]
#[derive(Debug)]
pub struct External {
    pub device_get_uuid: unsafe extern "system" fn(uuid: *mut [u8; 16], device: Device) -> Status,
    pub import_memory: unsafe extern "system" fn(memory: *mut ExternalMemory, desc: *const MemoryHandleDesc) -> Status,
    pub destroy_memory: unsafe extern "system" fn(memory: ExternalMemory) -> Status,
    pub memory_get_mapped_buffer: unsafe extern "system" fn(
        pointer: *mut DevicePointer,
        memory: ExternalMemory,
        desc: *const MemoryBufferDesc,
    ) -> Status,
    pub mem_free: unsafe extern "system" fn(pointer: DevicePointer) -> Status,
    pub memcpy_to_host: unsafe extern "system" fn(to: *mut c_void, from: DevicePointer, bytes: usize) -> Status,
    pub import_semaphore:
        unsafe extern "system" fn(semaphore: *mut ExternalSemaphore, desc: *const SemaphoreHandleDesc) -> Status,
    pub destroy_semaphore: unsafe extern "system" fn(semaphore: ExternalSemaphore) -> Status,
    pub wait_semaphores: unsafe extern "system" fn(
        semaphores: *const ExternalSemaphore,
        params: *const SemaphoreWaitParams,
        count: c_uint,
        stream: Stream,
    ) -> Status,
}

impl External {
    /// # Safety
    /// The library is CUDA's, and stays open as long as the functions are used.
    unsafe fn of(library: &Library) -> Result<Self, LoadError> {
        // SAFETY: each type is that of the function in cuda.h, whose names carry a version where it changed.
        unsafe {
            Ok(Self {
                device_get_uuid: symbol(library, c"cuDeviceGetUuid")?,
                import_memory: symbol(library, c"cuImportExternalMemory")?,
                destroy_memory: symbol(library, c"cuDestroyExternalMemory")?,
                memory_get_mapped_buffer: symbol(library, c"cuExternalMemoryGetMappedBuffer")?,
                mem_free: symbol(library, c"cuMemFree_v2")?,
                memcpy_to_host: symbol(library, c"cuMemcpyDtoH_v2")?,
                import_semaphore: symbol(library, c"cuImportExternalSemaphore")?,
                destroy_semaphore: symbol(library, c"cuDestroyExternalSemaphore")?,
                wait_semaphores: symbol(library, c"cuWaitExternalSemaphoresAsync")?,
            })
        }
    }
}
