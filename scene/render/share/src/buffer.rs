//! Buffers whose memory is exported.

use crate::{BorrowedHandle, OwnedHandle, Share, ShareError, Vulkan, platform};
use ash::vk;

#[cfg(unix)]
use std::os::fd::AsFd;
#[cfg(windows)]
use std::os::windows::io::AsHandle;

/// What a shared buffer may be used for.
const USAGE: wgpu::BufferUsages =
    wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_SRC).union(wgpu::BufferUsages::COPY_DST);
const VULKAN_USAGE: vk::BufferUsageFlags = vk::BufferUsageFlags::from_raw(
    vk::BufferUsageFlags::STORAGE_BUFFER.as_raw()
        | vk::BufferUsageFlags::TRANSFER_SRC.as_raw()
        | vk::BufferUsageFlags::TRANSFER_DST.as_raw(),
);

/// A buffer that shaders write (`STORAGE`, `COPY_SRC`, `COPY_DST`) and others read by its handle.
///
/// Whoever imports the handle keeps the memory; it is not written again by itself.
#[derive(Debug)]
pub struct SharedBuffer {
    buffer: wgpu::Buffer,
    handle: OwnedHandle,
    memory_bytes: u64,
    dedicated: bool,
}

impl SharedBuffer {
    /// The buffer.
    pub fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// Its memory, for other interfaces.
    pub fn handle(&self) -> BorrowedHandle<'_> {
        #[cfg(unix)]
        return self.handle.as_fd();
        #[cfg(windows)]
        return self.handle.as_handle();
    }

    /// Length of that memory, which may be longer than the buffer and begins with it.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// The memory was allocated for this buffer alone, which importers have to know.
    pub fn is_dedicated(&self) -> bool {
        self.dedicated
    }
}

impl Share {
    /// A buffer of so many bytes. Its contents are undefined.
    ///
    /// # Errors
    /// [`ShareError::OutOfMemory`], [`ShareError::Lost`] or what the driver says.
    pub fn buffer(&self, bytes: u64) -> Result<SharedBuffer, ShareError> {
        let shared = &*self.shared;
        let device = &shared.raw.device;
        let bytes = bytes.next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT).max(wgpu::COPY_BUFFER_ALIGNMENT);
        if bytes > shared.raw.wgpu.limits().max_buffer_size {
            return Err(ShareError::OutOfMemory { bytes });
        }
        let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(platform::MEMORY_TYPE);
        let info = vk::BufferCreateInfo::default()
            .size(bytes)
            .usage(VULKAN_USAGE)
            .sharing_mode(vk::SharingMode::EXCLUSIVE)
            .push_next(&mut external);
        // SAFETY: the extension is enabled and the usage was asked for (`exportable`).
        let raw = unsafe { device.create_buffer(&info, None) }.map_err(ShareError::of("vkCreateBuffer", bytes))?;
        let backed = self.back(raw, bytes);
        let (memory, memory_bytes, handle) = backed.inspect_err(|_| {
            // SAFETY: just made, and nobody has it.
            unsafe { device.destroy_buffer(raw, None) };
        })?;
        // SAFETY: buffer and memory are of this device and belong together, and nobody else destroys them; wgpu does so
        // when it does not need them any more.
        let hal = unsafe { wgpu::hal::vulkan::Buffer::from_raw_managed(raw, memory, 0, bytes) };
        let desc =
            wgpu::BufferDescriptor { label: Some("shared"), size: bytes, usage: USAGE, mapped_at_creation: false };
        // SAFETY: made as the description says. The contents are nobody's secret: they are another picture's at worst.
        let buffer = unsafe { shared.raw.wgpu.create_buffer_from_hal::<Vulkan>(hal, &desc) };
        Ok(SharedBuffer { buffer, handle, memory_bytes, dedicated: shared.dedicated })
    }

    /// Memory for a buffer, bound to it, and its handle.
    fn back(&self, raw: vk::Buffer, bytes: u64) -> Result<(vk::DeviceMemory, u64, OwnedHandle), ShareError> {
        let shared = &*self.shared;
        let device = &shared.raw.device;
        // SAFETY: a buffer of this device.
        let needs = unsafe { device.get_buffer_memory_requirements(raw) };
        let kinds = &shared.memory.memory_types_as_slice();
        let fits = |wanted: vk::MemoryPropertyFlags| {
            kinds
                .iter()
                .enumerate()
                .position(|(i, kind)| needs.memory_type_bits & (1 << i) != 0 && kind.property_flags.contains(wanted))
        };
        let kind = fits(vk::MemoryPropertyFlags::DEVICE_LOCAL).or_else(|| fits(vk::MemoryPropertyFlags::empty()));
        let kind = kind.and_then(|kind| u32::try_from(kind).ok()).ok_or(ShareError::NotExportable)?;
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(platform::MEMORY_TYPE);
        let mut alone = vk::MemoryDedicatedAllocateInfo::default().buffer(raw);
        let mut info = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(kind)
            .push_next(&mut export);
        if shared.dedicated {
            info = info.push_next(&mut alone);
        }
        // SAFETY: size and kind are those that the buffer needs.
        let memory =
            unsafe { device.allocate_memory(&info, None) }.map_err(ShareError::of("vkAllocateMemory", bytes))?;
        // SAFETY: neither was bound before, and the memory was allocated for export.
        let handle = unsafe { device.bind_buffer_memory(raw, memory, 0) }
            .map_err(ShareError::of("vkBindBufferMemory", bytes))
            .and_then(|()| unsafe { shared.raw.export.handle(memory) });
        match handle {
            Ok(handle) => Ok((memory, needs.size, handle)),
            Err(error) => {
                // SAFETY: the caller destroys the buffer, which was never used.
                unsafe { device.free_memory(memory, None) };
                Err(error)
            }
        }
    }
}

/// Whether the driver exports such buffers, and whether each needs memory of its own for that.
pub(crate) fn exportable(instance: &ash::Instance, physical: vk::PhysicalDevice) -> Result<bool, ShareError> {
    let info = vk::PhysicalDeviceExternalBufferInfo::default().usage(VULKAN_USAGE).handle_type(platform::MEMORY_TYPE);
    let mut found = vk::ExternalBufferProperties::default();
    // SAFETY: a device of this instance, of Vulkan 1.2 at least.
    unsafe { instance.get_physical_device_external_buffer_properties(physical, &info, &mut found) };
    let features = found.external_memory_properties.external_memory_features;
    if !features.contains(vk::ExternalMemoryFeatureFlags::EXPORTABLE) {
        return Err(ShareError::NotExportable);
    }
    Ok(features.contains(vk::ExternalMemoryFeatureFlags::DEDICATED_ONLY))
}
