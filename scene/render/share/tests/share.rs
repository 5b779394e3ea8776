//! Memory that is exported holds, byte for byte, what the device wrote, for whoever maps or imports it. On any Vulkan
//! device that exports memory, the software rasterizer among them; elsewhere it says why not.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]
#![expect(unsafe_code, reason = "a second Vulkan device imports what the first one exports")]
#![cfg(unix)]

use ash::{khr, vk};
use rr_gpu_share::{FenceMode, Share, ShareError};
use rr_render::{AdapterChoice, Gpu};
use std::os::fd::IntoRawFd;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

fn share(gpu: &Gpu) -> Option<Share> {
    match gpu.share() {
        Ok(share) => Some(share.clone()),
        Err(reason) => {
            println!("skipped: {}: {reason}", gpu.info().name);
            None
        }
    }
}

/// Bytes that come nowhere twice in a row.
fn pattern(bytes: usize, seed: u32) -> Vec<u8> {
    let words = (0..bytes.div_ceil(4)).map(|i| (i as u32 ^ seed).wrapping_mul(0x9e37_79b9));
    words.flat_map(u32::to_le_bytes).take(bytes).collect()
}

/// Imports the memory into another device of the same adapter, on a Vulkan instance of its own, and copies it out.
fn read_by_another_device(share: &Share, buffer: &rr_gpu_share::SharedBuffer) -> Vec<u8> {
    let bytes = buffer.buffer().size();
    // SAFETY: a test that follows the rules of Vulkan: everything is made, used and destroyed in order, on one thread.
    unsafe {
        let entry = ash::Entry::load().unwrap();
        let app = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_2);
        let instance = entry.create_instance(&vk::InstanceCreateInfo::default().application_info(&app), None).unwrap();
        let same = |physical: &vk::PhysicalDevice| {
            let mut id = vk::PhysicalDeviceIDProperties::default();
            let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut id);
            instance.get_physical_device_properties2(*physical, &mut all);
            id.device_uuid == share.card()
        };
        let physical = instance.enumerate_physical_devices().unwrap().into_iter().find(same).unwrap();
        let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&[1.0])];
        let names = [khr::external_memory_fd::NAME.as_ptr()];
        let info = vk::DeviceCreateInfo::default().queue_create_infos(&queues).enabled_extension_names(&names);
        let device = instance.create_device(physical, &info, None).unwrap();

        let kind = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;
        let make = |size, external: bool| {
            let mut exported = vk::ExternalMemoryBufferCreateInfo::default().handle_types(kind);
            let usage = vk::BufferUsageFlags::STORAGE_BUFFER
                | vk::BufferUsageFlags::TRANSFER_SRC
                | vk::BufferUsageFlags::TRANSFER_DST;
            let mut info = vk::BufferCreateInfo::default().size(size).usage(usage);
            if external {
                info = info.push_next(&mut exported);
            }
            device.create_buffer(&info, None).unwrap()
        };
        let imported = make(bytes, true);
        let needs = device.get_buffer_memory_requirements(imported);
        let fd = buffer.handle().try_clone_to_owned().unwrap().into_raw_fd();
        let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(kind).fd(fd);
        let mut alone = vk::MemoryDedicatedAllocateInfo::default().buffer(imported);
        let mut info = vk::MemoryAllocateInfo::default()
            .allocation_size(buffer.memory_bytes())
            .memory_type_index(needs.memory_type_bits.trailing_zeros())
            .push_next(&mut import);
        if buffer.is_dedicated() {
            info = info.push_next(&mut alone);
        }
        let memory = device.allocate_memory(&info, None).unwrap();
        device.bind_buffer_memory(imported, memory, 0).unwrap();

        let kinds = instance.get_physical_device_memory_properties(physical);
        let visible = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        let out = make(bytes, false);
        let needs = device.get_buffer_memory_requirements(out);
        let mut all = kinds.memory_types_as_slice().iter().enumerate();
        let fits =
            all.find(|(i, kind)| needs.memory_type_bits & (1 << i) != 0 && kind.property_flags.contains(visible));
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(u32::try_from(fits.unwrap().0).unwrap());
        let out_memory = device.allocate_memory(&info, None).unwrap();
        device.bind_buffer_memory(out, out_memory, 0).unwrap();

        let pool = device.create_command_pool(&vk::CommandPoolCreateInfo::default(), None).unwrap();
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        let commands = device.allocate_command_buffers(&info).unwrap();
        device.begin_command_buffer(commands[0], &vk::CommandBufferBeginInfo::default()).unwrap();
        device.cmd_copy_buffer(commands[0], imported, out, &[vk::BufferCopy::default().size(bytes)]);
        device.end_command_buffer(commands[0]).unwrap();
        let queue = device.get_device_queue(0, 0);
        let submit = [vk::SubmitInfo::default().command_buffers(&commands)];
        device.queue_submit(queue, &submit, vk::Fence::null()).unwrap();
        device.device_wait_idle().unwrap();
        let mapped = device.map_memory(out_memory, 0, bytes, vk::MemoryMapFlags::empty()).unwrap();
        let read = std::slice::from_raw_parts(mapped.cast::<u8>(), usize::try_from(bytes).unwrap()).to_vec();

        device.destroy_command_pool(pool, None);
        device.destroy_buffer(out, None);
        device.destroy_buffer(imported, None);
        device.free_memory(out_memory, None);
        device.free_memory(memory, None);
        device.destroy_device(None);
        instance.destroy_instance(None);
        read
    }
}

#[test]
fn another_device_reads_what_this_one_wrote() {
    let gpu = Gpu::headless(AdapterChoice::Auto).unwrap();
    let Some(share) = share(&gpu) else { return };
    println!("{}: fence {:?}", gpu.info().name, share.fence_mode());
    let mut last = 0;
    for (round, bytes) in [(1u32, 4usize), (2, 4096), (3, 1280 * 720 * 3 / 2), (4, 1920 * 1080 * 3 / 2 + 4)] {
        let buffer = share.buffer(bytes as u64).unwrap();
        assert_eq!(buffer.buffer().size(), bytes as u64);
        // Twice into the same memory: an importer sees what is there now.
        for again in 0..2 {
            let written = pattern(bytes, round * 100 + again);
            gpu.queue().write_buffer(buffer.buffer(), 0, &written);
            gpu.queue().submit([]);
            let number = share.signal();
            assert!(number > last, "numbers grow");
            last = number;
            share.wait(number, PATIENCE).unwrap();
            assert!(read_by_another_device(&share, &buffer) == written, "{bytes} bytes, round {again}");
        }
    }
    gpu.check().unwrap();
}

#[test]
fn the_fence_tells_what_is_done_and_when_nothing_is_coming() {
    let gpu = Gpu::headless(AdapterChoice::Auto).unwrap();
    let Some(share) = share(&gpu) else { return };
    let numbers: Vec<u64> = (0..5).map(|_| share.signal()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    // What is reached stays reached, in any order.
    for number in [5, 1, 3] {
        share.wait(number, PATIENCE).unwrap();
    }
    let never = Duration::from_millis(20);
    assert_eq!(share.wait(6, never), Err(ShareError::Late(never)));
    assert_eq!(share.fence_handle().is_some(), share.fence_mode() == FenceMode::Exported);
}

#[test]
fn threads_that_submit_meanwhile_take_nothing_away() {
    let gpu = Gpu::headless(AdapterChoice::Auto).unwrap();
    let Some(share) = share(&gpu) else { return };
    let buffer = share.buffer(1 << 20).unwrap();
    let other = gpu.clone();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let thread = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            other.queue().submit([]);
        }
    });
    for round in 0..50 {
        let written = pattern(1 << 20, round);
        gpu.queue().write_buffer(buffer.buffer(), 0, &written);
        gpu.queue().submit([]);
        share.wait(share.signal(), PATIENCE).unwrap();
    }
    let written = pattern(1 << 20, 49);
    assert!(read_by_another_device(&share, &buffer) == written);
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    thread.join().unwrap();
}

#[test]
fn what_does_not_fit_is_an_error_and_harms_nothing() {
    let gpu = Gpu::headless(AdapterChoice::Auto).unwrap();
    let Some(share) = share(&gpu) else { return };
    assert!(matches!(share.buffer(1 << 60), Err(ShareError::OutOfMemory { .. })));
    let buffer = share.buffer(64).unwrap();
    gpu.queue().write_buffer(buffer.buffer(), 0, &[7; 64]);
    gpu.queue().submit([]);
    share.wait(share.signal(), PATIENCE).unwrap();
    assert_eq!(read_by_another_device(&share, &buffer), [7; 64]);
    gpu.check().unwrap();
    // A share outlives what it was made of.
    drop(gpu);
    share.wait(share.signal(), PATIENCE).unwrap();
}
