//! Handles of memory and fences as the operating system has them, and the extensions that give them out.

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;

#[cfg(unix)]
pub use std::os::fd::{BorrowedFd as BorrowedHandle, OwnedFd as OwnedHandle};
#[cfg(windows)]
pub use std::os::windows::io::{BorrowedHandle, OwnedHandle};

#[cfg(unix)]
mod unix {
    use crate::{OwnedHandle, ShareError};
    use ash::{khr, vk};
    use std::ffi::CStr;
    use std::os::fd::FromRawFd;

    pub(crate) const MEMORY_EXTENSION: &CStr = khr::external_memory_fd::NAME;
    pub(crate) const MEMORY_EXTENSION_NAME: &str = "VK_KHR_external_memory_fd";
    pub(crate) const SEMAPHORE_EXTENSION: &CStr = khr::external_semaphore_fd::NAME;
    pub(crate) const MEMORY_TYPE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;
    pub(crate) const SEMAPHORE_TYPE: vk::ExternalSemaphoreHandleTypeFlags =
        vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_FD;

    pub(crate) struct MemoryExport(khr::external_memory_fd::Device);

    impl MemoryExport {
        pub fn new(instance: &ash::Instance, device: &ash::Device) -> Self {
            Self(khr::external_memory_fd::Device::new(instance, device))
        }

        /// # Safety
        /// Memory of the device that was allocated for export and not freed.
        pub unsafe fn handle(&self, memory: vk::DeviceMemory) -> Result<OwnedHandle, ShareError> {
            let info = vk::MemoryGetFdInfoKHR::default().memory(memory).handle_type(MEMORY_TYPE);
            // SAFETY: handed on to the caller; the extension is enabled.
            let fd = unsafe { self.0.get_memory_fd(&info) }.map_err(ShareError::of("vkGetMemoryFdKHR", 0))?;
            // SAFETY: a new descriptor, which the driver gave to us.
            Ok(unsafe { OwnedHandle::from_raw_fd(fd) })
        }
    }

    /// # Safety
    /// A semaphore of the device that was made for export; the extension is enabled.
    pub(crate) unsafe fn semaphore_handle(
        instance: &ash::Instance,
        device: &ash::Device,
        semaphore: vk::Semaphore,
    ) -> Result<OwnedHandle, ShareError> {
        let export = khr::external_semaphore_fd::Device::new(instance, device);
        let info = vk::SemaphoreGetFdInfoKHR::default().semaphore(semaphore).handle_type(SEMAPHORE_TYPE);
        // SAFETY: handed on to the caller.
        let fd = unsafe { export.get_semaphore_fd(&info) }.map_err(ShareError::of("vkGetSemaphoreFdKHR", 0))?;
        // SAFETY: a new descriptor, which the driver gave to us.
        Ok(unsafe { OwnedHandle::from_raw_fd(fd) })
    }
}

#[cfg(windows)]
mod windows {
    use crate::{OwnedHandle, ShareError};
    use ash::{khr, vk};
    use std::ffi::CStr;
    use std::os::windows::io::FromRawHandle;

    pub(crate) const MEMORY_EXTENSION: &CStr = khr::external_memory_win32::NAME;
    pub(crate) const MEMORY_EXTENSION_NAME: &str = "VK_KHR_external_memory_win32";
    pub(crate) const SEMAPHORE_EXTENSION: &CStr = khr::external_semaphore_win32::NAME;
    pub(crate) const MEMORY_TYPE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::OPAQUE_WIN32;
    pub(crate) const SEMAPHORE_TYPE: vk::ExternalSemaphoreHandleTypeFlags =
        vk::ExternalSemaphoreHandleTypeFlags::OPAQUE_WIN32;

    pub(crate) struct MemoryExport(khr::external_memory_win32::Device);

    impl MemoryExport {
        pub fn new(instance: &ash::Instance, device: &ash::Device) -> Self {
            Self(khr::external_memory_win32::Device::new(instance, device))
        }

        /// # Safety
        /// Memory of the device that was allocated for export and not freed.
        pub unsafe fn handle(&self, memory: vk::DeviceMemory) -> Result<OwnedHandle, ShareError> {
            let info = vk::MemoryGetWin32HandleInfoKHR::default().memory(memory).handle_type(MEMORY_TYPE);
            // SAFETY: handed on to the caller; the extension is enabled.
            let handle = unsafe { self.0.get_memory_win32_handle(&info) }
                .map_err(ShareError::of("vkGetMemoryWin32HandleKHR", 0))?;
            // SAFETY: a new handle, which the driver gave to us.
            Ok(unsafe { OwnedHandle::from_raw_handle(handle as _) })
        }
    }

    /// # Safety
    /// A semaphore of the device that was made for export; the extension is enabled.
    pub(crate) unsafe fn semaphore_handle(
        instance: &ash::Instance,
        device: &ash::Device,
        semaphore: vk::Semaphore,
    ) -> Result<OwnedHandle, ShareError> {
        let export = khr::external_semaphore_win32::Device::new(instance, device);
        let info = vk::SemaphoreGetWin32HandleInfoKHR::default().semaphore(semaphore).handle_type(SEMAPHORE_TYPE);
        // SAFETY: handed on to the caller.
        let handle = unsafe { export.get_semaphore_win32_handle(&info) }
            .map_err(ShareError::of("vkGetSemaphoreWin32HandleKHR", 0))?;
        // SAFETY: a new handle, which the driver gave to us.
        Ok(unsafe { OwnedHandle::from_raw_handle(handle as _) })
    }
}
