//! Memory and semaphores that another interface of the card exported, in CUDA's hands. All of this wants a current context
//! and gives nothing back by itself: [`Imports`] is what a context holds, and its owner releases it.

use crate::NvencError;
use rr_encode::{BorrowedHandle, CardFence, CardMemory};
use rr_nvenc_sys::cuda::{
    self, Cuda, DevicePointer, External, ExternalMemory, ExternalSemaphore, Handle, MemoryBufferDesc, MemoryHandleDesc,
    SemaphoreHandleDesc, SemaphoreWaitParams,
};
use std::ptr;
use std::sync::{Arc, Weak};

/// Memory in one context.
pub(crate) struct ImportedMemory {
    key: Weak<()>,
    memory: ExternalMemory,
    /// Where it begins.
    pub address: DevicePointer,
}

/// A semaphore in one context.
pub(crate) struct ImportedFence {
    key: Weak<()>,
    semaphore: ExternalSemaphore,
}

pub(crate) fn functions(cuda: &Cuda) -> Result<&External, NvencError> {
    cuda.external.as_ref().ok_or_else(|| NvencError::Sharing("the NVIDIA driver is older than CUDA 10".into()))
}

fn check(call: &'static str, status: cuda::Status) -> Result<(), NvencError> {
    if status == 0 { Ok(()) } else { Err(NvencError::Cuda { call, status }) }
}

impl ImportedMemory {
    /// Makes the memory a part of the current context.
    pub fn new(cuda: &Cuda, memory: CardMemory<'_>) -> Result<Self, NvencError> {
        let functions = functions(cuda)?;
        let handle = Copied::of(memory.handle)?;
        let desc = MemoryHandleDesc {
            kind: cuda::external::MEMORY,
            handle: handle.raw(),
            size: memory.bytes,
            flags: if memory.dedicated { cuda::external::DEDICATED } else { 0 },
            reserved: [0; 16],
        };
        let mut imported = ptr::null_mut();
        // SAFETY: a handle of our own of memory of this length, which the exporter vouches for.
        let status = unsafe { (functions.import_memory)(&raw mut imported, &raw const desc) };
        handle.imported(status == 0);
        check("cuImportExternalMemory", status)?;
        let whole = MemoryBufferDesc { size: memory.bytes, ..Default::default() };
        let mut address = 0;
        // SAFETY: memory that was just imported, all of it.
        let status = unsafe { (functions.memory_get_mapped_buffer)(&raw mut address, imported, &raw const whole) };
        if status != 0 {
            // SAFETY: imported above and not used.
            unsafe { (functions.destroy_memory)(imported) };
        }
        check("cuExternalMemoryGetMappedBuffer", status)?;
        Ok(Self { key: Arc::downgrade(memory.key), memory: imported, address })
    }

    /// Whether it is this memory.
    pub fn is(&self, memory: &CardMemory<'_>) -> bool {
        self.key.as_ptr() == Arc::as_ptr(memory.key)
    }

    /// Whoever exported it has it no more.
    pub fn is_over(&self) -> bool {
        self.key.strong_count() == 0
    }

    /// Gives it back.
    pub fn release(self, cuda: &Cuda) {
        let Ok(functions) = functions(cuda) else { return };
        // SAFETY: imported and mapped by `new`, in the same context, and nobody uses it any more. What fails here has no
        // consequence that anybody could do something about.
        unsafe {
            (functions.mem_free)(self.address);
            (functions.destroy_memory)(self.memory);
        }
    }
}

impl ImportedFence {
    /// Makes the semaphore a part of the current context.
    pub fn new(cuda: &Cuda, fence: CardFence<'_>) -> Result<Self, NvencError> {
        let functions = functions(cuda)?;
        let handle = Copied::of(fence.handle)?;
        let desc = SemaphoreHandleDesc {
            kind: cuda::external::TIMELINE_SEMAPHORE,
            handle: handle.raw(),
            flags: 0,
            reserved: [0; 16],
        };
        let mut semaphore = ptr::null_mut();
        // SAFETY: a handle of our own of a timeline semaphore, which the exporter vouches for.
        let status = unsafe { (functions.import_semaphore)(&raw mut semaphore, &raw const desc) };
        handle.imported(status == 0);
        check("cuImportExternalSemaphore", status)?;
        Ok(Self { key: Arc::downgrade(fence.key), semaphore })
    }

    /// Whether it is this semaphore.
    pub fn is(&self, fence: &CardFence<'_>) -> bool {
        self.key.as_ptr() == Arc::as_ptr(fence.key)
    }

    /// Whoever exported it has it no more.
    pub fn is_over(&self) -> bool {
        self.key.strong_count() == 0
    }

    /// What follows on the default stream, which encoding is a part of, comes after the semaphore has reached the value.
    pub fn wait(&self, cuda: &Cuda, value: u64) -> Result<(), NvencError> {
        let functions = functions(cuda)?;
        let params = SemaphoreWaitParams { value, ..Default::default() };
        // SAFETY: one semaphore of the current context, and the default stream.
        let status =
            unsafe { (functions.wait_semaphores)(&raw const self.semaphore, &raw const params, 1, ptr::null_mut()) };
        check("cuWaitExternalSemaphoresAsync", status)
    }

    /// Gives it back.
    pub fn release(self, cuda: &Cuda) {
        let Ok(functions) = functions(cuda) else { return };
        // SAFETY: imported by `new`, in the same context, and nothing waits for it any more.
        unsafe { (functions.destroy_semaphore)(self.semaphore) };
    }
}

/// A handle of our own for CUDA to take.
struct Copied(Owned);

#[cfg(unix)]
type Owned = std::os::fd::OwnedFd;
#[cfg(windows)]
type Owned = std::os::windows::io::OwnedHandle;

impl Copied {
    fn of(handle: BorrowedHandle<'_>) -> Result<Self, NvencError> {
        handle.try_clone_to_owned().map(Self).map_err(|e| NvencError::Sharing(format!("no handle is left: {e}")))
    }

    #[cfg(unix)]
    fn raw(&self) -> Handle {
        use std::os::fd::AsRawFd;
        // All of the union has to hold something.
        let mut handle = Handle { win32: [ptr::null(); 2] };
        handle.fd = self.0.as_raw_fd();
        handle
    }

    #[cfg(windows)]
    fn raw(&self) -> Handle {
        use std::os::windows::io::AsRawHandle;
        Handle { win32: [self.0.as_raw_handle().cast_const(), ptr::null()] }
    }

    /// File descriptors that were imported are the driver's; handles of Windows stay ours.
    fn imported(self, done: bool) {
        #[cfg(unix)]
        if done {
            let _ = std::os::fd::IntoRawFd::into_raw_fd(self.0);
        }
        #[cfg(windows)]
        let _ = done;
    }
}
