//! Memory of wgpu's device that other interfaces of the same card can use: buffers whose memory is exported, and a fence
//! that is exported as well, so that a video encoder reads a picture where it was drawn.
//!
//! ```text
//! Share (device) ─► SharedBuffer: a wgpu::Buffer whose memory has a handle (file descriptor, Windows handle)
//!         └─ signal() ─► number: reached once all that was submitted before is done ─► wait(number), fence_handle()
//! ```
//!
//! The fence is a timeline semaphore, because several may wait for one picture and a picture that nobody waits for
//! leaves nothing behind; a binary one needs one wait for each signal. Where the driver does not export it
//! ([`FenceMode::Host`]), it still tells this process when a picture is done.
//!
//! Works on Vulkan. [`ShareError`] says what is missing elsewhere; nothing here is needed to draw.

#![expect(unsafe_code, reason = "Vulkan beside wgpu")]

mod buffer;
mod fence;
mod open;
mod platform;

pub use buffer::SharedBuffer;
pub use open::open;
pub use platform::{BorrowedHandle, OwnedHandle};

use ash::vk;
use fence::Fence;
use std::sync::Arc;
use std::time::Duration;

/// Why nothing can be shared, or why it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// The device is drawn on by another interface than Vulkan.
    #[error("pictures are drawn by {0}, not by Vulkan")]
    NotVulkan(String),
    /// The driver lacks an extension or a version.
    #[error("the graphics driver has no {0}")]
    Missing(&'static str),
    /// The driver has the extension and does not export this kind of memory.
    #[error("the graphics driver does not export buffers")]
    NotExportable,
    /// There is no room for another buffer.
    #[error("the card has no memory left for {bytes} bytes")]
    OutOfMemory {
        /// What was asked for.
        bytes: u64,
    },
    /// wgpu refused a command: a fault of the program or the driver.
    #[error("the graphics device refused a command: {0}")]
    Refused(String),
    /// The device is gone.
    #[error("the graphics device was lost")]
    Lost,
    /// What was submitted was not done in time.
    #[error("the graphics device did not finish a picture within {0:?}")]
    Late(Duration),
    /// Another error of the driver.
    #[error("the graphics driver: {call} failed ({status})")]
    Driver {
        /// The function.
        call: &'static str,
        /// `VkResult`.
        status: i32,
    },
}

impl ShareError {
    fn of(call: &'static str, bytes: u64) -> impl Fn(vk::Result) -> Self {
        move |result| match result {
            vk::Result::ERROR_OUT_OF_DEVICE_MEMORY | vk::Result::ERROR_OUT_OF_HOST_MEMORY => {
                Self::OutOfMemory { bytes }
            }
            vk::Result::ERROR_DEVICE_LOST => Self::Lost,
            other => Self::Driver { call, status: other.as_raw() },
        }
    }
}

/// Who can wait for the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FenceMode {
    /// Other interfaces of the card, too: it has a handle.
    Exported,
    /// This process only: the driver does not export the fence, or the device was opened without the extension.
    Host,
}

/// What is shared of one device. Clones are the same; it keeps the device.
#[derive(Clone)]
pub struct Share {
    shared: Arc<Shared>,
}

struct Shared {
    fence: Fence,
    memory: vk::PhysicalDeviceMemoryProperties,
    dedicated: bool,
    card: [u8; 16],
    raw: Raw,
}

/// Functions of the device below wgpu, and what keeps it.
struct Raw {
    device: ash::Device,
    export: platform::MemoryExport,
    wgpu: wgpu::Device,
    queue: wgpu::Queue,
}

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Share").field("card", &self.shared.card).field("fence", &self.fence_mode()).finish()
    }
}

type Vulkan = wgpu::hal::api::Vulkan;

impl Share {
    /// Finds out what can be shared of a device; best one that [`open`] opened.
    ///
    /// # Errors
    /// What is missing.
    pub fn new(adapter: &wgpu::Adapter, device: &wgpu::Device, queue: &wgpu::Queue) -> Result<Self, ShareError> {
        let backend = || ShareError::NotVulkan(adapter.get_info().backend.to_str().to_owned());
        // SAFETY: nothing of the device is destroyed here; `Raw` keeps it as long as its functions are used.
        let hal = unsafe { device.as_hal::<Vulkan>() }.ok_or_else(backend)?;
        let (instance, raw) = (hal.shared_instance().raw_instance(), hal.raw_device().clone());
        let physical = hal.raw_physical_device();
        let mut id = vk::PhysicalDeviceIDProperties::default();
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut id);
        // SAFETY: the device's own handles, and a chain of structures that it may fill.
        unsafe { instance.get_physical_device_properties2(physical, &mut properties) };
        let version = properties.properties.api_version.min(hal.shared_instance().instance_api_version());
        if version < vk::API_VERSION_1_2 {
            return Err(ShareError::Missing("Vulkan 1.2"));
        }
        if !hal.enabled_device_extensions().contains(&platform::MEMORY_EXTENSION) {
            return Err(ShareError::Missing(platform::MEMORY_EXTENSION_NAME));
        }
        let dedicated = buffer::exportable(instance, physical)?;
        // SAFETY: as above.
        let memory = unsafe { instance.get_physical_device_memory_properties(physical) };
        let can_export = hal.enabled_device_extensions().contains(&platform::SEMAPHORE_EXTENSION)
            && fence::exportable(instance, physical);
        let fence = Fence::new(instance, &raw, can_export)?;
        let export = platform::MemoryExport::new(instance, &raw);
        let raw = Raw { device: raw, export, wgpu: device.clone(), queue: queue.clone() };
        let shared = Shared { fence, memory, dedicated, card: id.device_uuid, raw };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Which card it is, by the number that all its interfaces have for it (`deviceUUID`).
    pub fn card(&self) -> [u8; 16] {
        self.shared.card
    }

    /// Who can wait for the fence.
    pub fn fence_mode(&self) -> FenceMode {
        if self.shared.fence.handle().is_some() { FenceMode::Exported } else { FenceMode::Host }
    }

    /// The fence for other interfaces; none in [`FenceMode::Host`].
    pub fn fence_handle(&self) -> Option<BorrowedHandle<'_>> {
        self.shared.fence.handle()
    }

    /// A number that the fence reaches when all that was submitted to the queue until now is done. Work that others
    /// submit meanwhile may be among it.
    pub fn signal(&self) -> u64 {
        self.shared.fence.signal(&self.shared.raw.queue)
    }

    /// Waits until the fence has reached a number.
    ///
    /// # Errors
    /// [`ShareError::Late`], [`ShareError::Lost`].
    pub fn wait(&self, number: u64, patience: Duration) -> Result<(), ShareError> {
        self.shared.fence.wait(&self.shared.raw.device, number, patience)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.fence.end(&self.raw.device, &self.raw.queue);
    }
}
