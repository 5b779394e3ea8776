//! Opening a device so that its fences can be exported: wgpu has no feature for that extension, its Vulkan layer takes it
//! by name. Exported memory needs nothing of the kind, wgpu enables that wherever it is.

use crate::{Vulkan, platform};
use wgpu::hal::vulkan::CreateDeviceCallbackArgs;

/// As `Adapter::request_device`, with the extension for exported fences where the adapter has it. What is asked for must be
/// what the adapter has, as [`Share`](crate::Share)'s users take it from the adapter.
///
/// # Errors
/// As `Adapter::request_device`.
pub fn open(
    adapter: &wgpu::Adapter,
    desc: &wgpu::DeviceDescriptor<'_>,
) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    // SAFETY: nothing of the adapter is destroyed.
    if let Some(hal) = unsafe { adapter.as_hal::<Vulkan>() } {
        let wanted = platform::SEMAPHORE_EXTENSION;
        let extra = hal.physical_device_capabilities().supports_extension(wanted).then_some(wanted);
        let (features, limits) = (desc.required_features, &desc.required_limits);
        // SAFETY: the caller asks for what the adapter has; one extension is added that it has, and nothing is removed.
        let opened = unsafe {
            let callback = Box::new(|args: CreateDeviceCallbackArgs<'_, '_, '_>| args.extensions.extend(extra));
            hal.open_with_callback(features, limits, &desc.memory_hints, Some(callback))
        };
        drop(hal);
        // What fails is tried again as usual, so that a driver that refuses the extension still draws.
        if let Ok(opened) = opened {
            // SAFETY: a device of this adapter, opened with these features.
            return unsafe { adapter.create_device_from_hal(opened, desc) };
        }
    }
    pollster::block_on(adapter.request_device(desc))
}
