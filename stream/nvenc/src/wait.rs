//! Waiting for a picture. On Windows the driver signals an event; elsewhere it has none, and locking the output waits.

#[cfg(not(windows))]
pub(crate) use elsewhere::Completion;
#[cfg(windows)]
pub(crate) use windows::Completion;

#[cfg(not(windows))]
mod elsewhere {
    use crate::NvencError;
    use rr_nvenc_sys::nvenc::NV_ENC_EVENT_PARAMS;
    use std::ffi::c_void;

    /// No such thing here: it cannot be made.
    pub(crate) enum Completion {}

    impl Completion {
        pub fn new() -> Result<Self, NvencError> {
            Err(NvencError::Call { call: "nvEncRegisterAsyncEvent", reason: "events are for Windows".to_owned() })
        }

        pub fn params(&self) -> NV_ENC_EVENT_PARAMS {
            match *self {}
        }

        pub fn raw(&self) -> *mut c_void {
            match *self {}
        }

        pub fn wait(&self) -> Result<(), NvencError> {
            match *self {}
        }
    }
}

#[cfg(windows)]
mod windows {
    use crate::NvencError;
    use rr_nvenc_sys::nvenc::NV_ENC_EVENT_PARAMS;
    use rr_nvenc_sys::versions;
    use std::ffi::c_void;
    use std::ptr;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn CreateEventW(
            attributes: *mut c_void,
            manual_reset: i32,
            initial_state: i32,
            name: *const u16,
        ) -> *mut c_void;
        fn WaitForSingleObject(handle: *mut c_void, milliseconds: u32) -> u32;
        fn CloseHandle(handle: *mut c_void) -> i32;
    }

    /// A picture takes milliseconds; a driver that hangs must not hang the stream.
    const PATIENCE_MS: u32 = 1_000;

    /// An event that the driver signals when a picture is done.
    pub(crate) struct Completion(*mut c_void);

    impl Completion {
        pub fn new() -> Result<Self, NvencError> {
            // SAFETY: an unnamed event that resets itself; nothing is passed that could be wrong.
            let event = unsafe { CreateEventW(ptr::null_mut(), 0, 0, ptr::null()) };
            if event.is_null() {
                return Err(NvencError::Call { call: "CreateEventW", reason: "no event".to_owned() });
            }
            Ok(Self(event))
        }

        pub fn params(&self) -> NV_ENC_EVENT_PARAMS {
            NV_ENC_EVENT_PARAMS { version: versions::EVENT_PARAMS, completionEvent: self.0, ..Default::default() }
        }

        pub fn raw(&self) -> *mut c_void {
            self.0
        }

        pub fn wait(&self) -> Result<(), NvencError> {
            // SAFETY: an event that lives as long as `self`.
            match unsafe { WaitForSingleObject(self.0, PATIENCE_MS) } {
                0 => Ok(()),
                _ => Err(NvencError::Call { call: "WaitForSingleObject", reason: "no picture in a second".to_owned() }),
            }
        }
    }

    impl Drop for Completion {
        fn drop(&mut self) {
            // SAFETY: made by `new`, closed once, after it was unregistered.
            unsafe { CloseHandle(self.0) };
        }
    }
}
