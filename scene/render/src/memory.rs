//! Memory of the software rasterizer.
//!
//! Mesa's llvmpipe allocates its vertex and bin memory anew for every draw. With glibc's defaults each of these blocks
//! is mapped, cleared page by page and unmapped again: that took more than half of the time of a frame of 100,000
//! triangles. Blocks kept by the allocator cost nothing the second time.
#![allow(unsafe_code, reason = "mallopt has no safe wrapper")]

/// Tells the allocator of this process to keep blocks of a few megabytes. Does nothing with other C libraries.
pub(crate) fn keep_for_software_rasterizer() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // Largest values that glibc honours for the arenas of threads (HEAP_MAX_SIZE is 64 MiB).
        ONCE.call_once(|| {
            // SAFETY: mallopt takes two integers and may be called at any time from any thread.
            let done = unsafe {
                libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20) & libc::mallopt(libc::M_TRIM_THRESHOLD, 64 << 20)
            };
            if done == 0 {
                tracing::debug!(target: "rr_render", "the allocator kept its thresholds");
            }
        });
    }
}
