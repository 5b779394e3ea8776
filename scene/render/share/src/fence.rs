//! A timeline semaphore that counts what is done.

use crate::platform;
use crate::{BorrowedHandle, OwnedHandle, ShareError, Vulkan};
use ash::vk;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(windows)]
use std::os::windows::io::AsHandle;

/// What is still to be done when a device ends, at most.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct Fence {
    semaphore: vk::Semaphore,
    handle: Option<OwnedHandle>,
    /// The number that was given out last.
    last: AtomicU64,
}

/// Whether the driver exports such semaphores.
pub(crate) fn exportable(instance: &ash::Instance, physical: vk::PhysicalDevice) -> bool {
    let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
    let info =
        vk::PhysicalDeviceExternalSemaphoreInfo::default().handle_type(platform::SEMAPHORE_TYPE).push_next(&mut kind);
    let mut found = vk::ExternalSemaphoreProperties::default();
    // SAFETY: a device of this instance, of Vulkan 1.2 at least.
    unsafe { instance.get_physical_device_external_semaphore_properties(physical, &info, &mut found) };
    found.external_semaphore_features.contains(vk::ExternalSemaphoreFeatureFlags::EXPORTABLE)
}

impl Fence {
    pub fn new(instance: &ash::Instance, device: &ash::Device, export: bool) -> Result<Self, ShareError> {
        let mut kind = vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE);
        let mut exported = vk::ExportSemaphoreCreateInfo::default().handle_types(platform::SEMAPHORE_TYPE);
        let mut info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
        if export {
            info = info.push_next(&mut exported);
        }
        // SAFETY: wgpu enables timeline semaphores where they are, as all drivers of Vulkan 1.2 have them.
        let semaphore =
            unsafe { device.create_semaphore(&info, None) }.map_err(ShareError::of("vkCreateSemaphore", 0))?;
        let handle = if export {
            // SAFETY: the semaphore was just made for export.
            match unsafe { platform::semaphore_handle(instance, device, semaphore) } {
                Ok(handle) => Some(handle),
                Err(error) => {
                    // SAFETY: nobody has it.
                    unsafe { device.destroy_semaphore(semaphore, None) };
                    return Err(error);
                }
            }
        } else {
            None
        };
        Ok(Self { semaphore, handle, last: AtomicU64::new(0) })
    }

    pub fn handle(&self) -> Option<BorrowedHandle<'_>> {
        #[cfg(unix)]
        return self.handle.as_ref().map(OwnedHandle::as_fd);
        #[cfg(windows)]
        return self.handle.as_ref().map(OwnedHandle::as_handle);
    }

    /// Another thread may submit between the two calls and take the signal along: it comes after all that was submitted
    /// before in either case, and that is all it says.
    pub fn signal(&self, queue: &wgpu::Queue) -> u64 {
        let number = self.last.fetch_add(1, Ordering::AcqRel) + 1;
        // SAFETY: nothing of the queue is destroyed.
        if let Some(hal) = unsafe { queue.as_hal::<Vulkan>() } {
            hal.add_signal_semaphore(self.semaphore, Some(number));
        }
        queue.submit([]);
        number
    }

    pub fn wait(&self, device: &ash::Device, number: u64, patience: Duration) -> Result<(), ShareError> {
        let (semaphores, values) = ([self.semaphore], [number]);
        let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
        let nanoseconds = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: a semaphore of this device, which lives as long as `self`.
        match unsafe { device.wait_semaphores(&info, nanoseconds) } {
            Ok(()) => Ok(()),
            Err(vk::Result::TIMEOUT) => Err(ShareError::Late(patience)),
            Err(error) => Err(ShareError::of("vkWaitSemaphores", 0)(error)),
        }
    }

    /// Gives the semaphore back once nothing uses it. Where the device does not come to an end it is left to the device:
    /// a semaphore in use must not be destroyed.
    pub fn end(&self, device: &ash::Device, queue: &wgpu::Queue) {
        // SAFETY: nothing of the queue is destroyed.
        if let Some(hal) = unsafe { queue.as_hal::<Vulkan>() } {
            hal.remove_signal_semaphore(self.semaphore);
        }
        let last = self.last.load(Ordering::Acquire);
        if last == 0 || self.wait(device, last, LAST_PATIENCE).is_ok() {
            // SAFETY: made by `new`; what signals it is done, and nobody waits, for they hold what holds this.
            unsafe { device.destroy_semaphore(self.semaphore, None) };
        }
    }
}
