//! The driver's libraries, its cards, and a CUDA context on one of them.

use crate::NvencError;
use crate::shared_input::card_of;
use rr_encode::CardId;
use rr_nvenc_sys::cuda::{self, Cuda};
use rr_nvenc_sys::nvenc::{self, NV_ENCODE_API_FUNCTION_LIST};
use rr_nvenc_sys::{LoadError, Nvenc, versions};
use std::ffi::{CStr, OsStr, c_char};
use std::ptr;
use std::sync::Arc;

/// The driver, loaded. Clones share it.
#[derive(Clone)]
pub struct Driver {
    shared: Arc<Shared>,
}

struct Shared {
    cuda: Cuda,
    functions: NV_ENCODE_API_FUNCTION_LIST,
    api_version: (u32, u32),
    cuda_version: (u32, u32),
    // Last: the functions lie in it.
    _nvenc: Nvenc,
}

// SAFETY: functions of the driver, which may be called from any thread; the pointers among them are reserved and null.
unsafe impl Send for Shared {}
// SAFETY: as above; nothing here changes after it was loaded.
unsafe impl Sync for Shared {}

impl Driver {
    /// Loads the installed driver.
    ///
    /// # Errors
    /// There is none, it has no encoder, it is too old, or it finds no card.
    pub fn load() -> Result<Self, NvencError> {
        Self::load_from(Cuda::NAME.as_ref(), Nvenc::NAME.as_ref())
    }

    /// As [`Driver::load`], with libraries of other names: those of a test.
    ///
    /// # Errors
    /// As [`Driver::load`].
    pub fn load_from(cuda: &OsStr, encoder: &OsStr) -> Result<Self, NvencError> {
        let cuda = Cuda::load(cuda).map_err(|e| NvencError::NoDriver(reason(e)))?;
        let nvenc = Nvenc::load(encoder).map_err(|e| NvencError::NoEncoderLibrary(reason(e)))?;
        // SAFETY: the first call to CUDA; it takes no flags.
        let status = unsafe { (cuda.init)(0) };
        match status {
            0 => {}
            cuda::NO_DEVICE => return Err(NvencError::NoDevice),
            status => return Err(NvencError::Cuda { call: "cuInit", status }),
        }
        let api_version = newest_api(&nvenc)?;
        if api_version < (nvenc::NVENCAPI_MAJOR_VERSION, nvenc::NVENCAPI_MINOR_VERSION) {
            return Err(NvencError::DriverTooOld(api_version));
        }
        let mut functions = NV_ENCODE_API_FUNCTION_LIST { version: versions::FUNCTION_LIST, ..Default::default() };
        // SAFETY: a list of the version that it says, for the library to fill.
        match unsafe { (nvenc.create_instance)(&raw mut functions) } {
            nvenc::NV_ENC_SUCCESS => {}
            status => return Err(NvencError::of("NvEncodeAPICreateInstance", status, "")),
        }
        let mut version = 0;
        // SAFETY: writes one number.
        unsafe { (cuda.driver_get_version)(&raw mut version) };
        let version = u32::try_from(version).unwrap_or(0);
        let cuda_version = (version / 1000, version % 1000 / 10);
        let driver = Self { shared: Arc::new(Shared { cuda, functions, api_version, cuda_version, _nvenc: nvenc }) };
        if driver.device_count() == 0 { Err(NvencError::NoDevice) } else { Ok(driver) }
    }

    /// The newest version of the encoder's interface that the driver knows.
    pub fn api_version(&self) -> (u32, u32) {
        self.shared.api_version
    }

    /// The version of CUDA that the driver brings.
    pub fn cuda_version(&self) -> (u32, u32) {
        self.shared.cuda_version
    }

    /// How many cards there are.
    pub fn device_count(&self) -> usize {
        let mut count = 0;
        // SAFETY: writes one number.
        let status = unsafe { (self.cuda().device_get_count)(&raw mut count) };
        if status == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
    }

    /// Name of a card, as the driver has it.
    ///
    /// # Errors
    /// There is no such card.
    pub fn device_name(&self, index: usize) -> Result<String, NvencError> {
        let device = self.device(index)?;
        let mut name: [c_char; 128] = [0; 128];
        // SAFETY: writes at most 127 bytes and a zero.
        let status = unsafe { (self.cuda().device_get_name)(name.as_mut_ptr(), 127, device) };
        check("cuDeviceGetName", status)?;
        // SAFETY: the last byte is zero whatever was written.
        Ok(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
    }

    pub(crate) fn functions(&self) -> &NV_ENCODE_API_FUNCTION_LIST {
        &self.shared.functions
    }

    pub(crate) fn cuda(&self) -> &Cuda {
        &self.shared.cuda
    }

    /// Which card it is, by the number that all its interfaces have for it.
    ///
    /// # Errors
    /// There is no such card, or the driver does not tell.
    pub fn card(&self, index: usize) -> Result<CardId, NvencError> {
        card_of(self.cuda(), self.device(index)?)
    }

    /// The card with that number; none when CUDA has no such card.
    pub fn index_of(&self, card: CardId) -> Option<usize> {
        (0..self.device_count()).find(|index| self.card(*index).is_ok_and(|found| found == card))
    }

    fn device(&self, index: usize) -> Result<cuda::Device, NvencError> {
        let count = self.device_count();
        let ordinal = i32::try_from(index).ok().filter(|_| index < count);
        let ordinal = ordinal.ok_or(NvencError::NoSuchDevice { wanted: index, count })?;
        let mut device = 0;
        // SAFETY: writes one number.
        check("cuDeviceGet", unsafe { (self.cuda().device_get)(&raw mut device, ordinal) })?;
        Ok(device)
    }
}

/// A CUDA context of our own. It is current only between [`Context::enter`] and the end of what that returns, so that
/// an encoder may move between threads.
pub(crate) struct Context {
    driver: Driver,
    context: cuda::Context,
    device: cuda::Device,
    pub gpu: String,
}

// SAFETY: a context may be made current on any thread, which `enter` does for each use.
unsafe impl Send for Context {}
// SAFETY: as above; CUDA allows a context on several threads at once, and nothing here changes after it was made.
unsafe impl Sync for Context {}

impl Context {
    pub fn new(driver: &Driver, index: usize) -> Result<Self, NvencError> {
        let (device, gpu) = (driver.device(index)?, driver.device_name(index)?);
        let mut context = ptr::null_mut();
        // SAFETY: writes the new context and makes it current on this thread.
        let status = unsafe { (driver.cuda().ctx_create)(&raw mut context, cuda::SCHED_BLOCKING_SYNC, device) };
        check("cuCtxCreate", status)?;
        let context = Self { driver: driver.clone(), context, device, gpu };
        // SAFETY: takes the context that was just made off this thread.
        check("cuCtxPopCurrent", unsafe { (driver.cuda().ctx_pop_current)(ptr::null_mut()) })?;
        Ok(context)
    }

    /// Makes it current on this thread.
    pub fn enter(&self) -> Result<Entered<'_>, NvencError> {
        // SAFETY: the context lives as long as `self`.
        check("cuCtxPushCurrent", unsafe { (self.driver.cuda().ctx_push_current)(self.context) })?;
        Ok(Entered(self))
    }

    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// The card that it is on.
    pub fn device(&self) -> cuda::Device {
        self.device
    }

    /// The device as the encoder wants it.
    pub fn raw(&self) -> cuda::Context {
        self.context
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by `new`, current nowhere, and no session is left: they are dropped before.
        unsafe { (self.driver.cuda().ctx_destroy)(self.context) };
    }
}

/// The context is current on this thread as long as this lives.
pub(crate) struct Entered<'a>(&'a Context);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        // SAFETY: takes off what `enter` put on.
        unsafe { (self.0.driver.cuda().ctx_pop_current)(ptr::null_mut()) };
    }
}

fn newest_api(nvenc: &Nvenc) -> Result<(u32, u32), NvencError> {
    let mut version = 0;
    // SAFETY: writes one number.
    match unsafe { (nvenc.get_max_supported_version)(&raw mut version) } {
        // Major version in the upper bits, four bits of the minor one.
        nvenc::NV_ENC_SUCCESS => Ok((version >> 4, version & 0xf)),
        status => Err(NvencError::of("NvEncodeAPIGetMaxSupportedVersion", status, "")),
    }
}

fn check(call: &'static str, status: cuda::Status) -> Result<(), NvencError> {
    if status == 0 { Ok(()) } else { Err(NvencError::Cuda { call, status }) }
}

fn reason(error: LoadError) -> String {
    match error {
        LoadError::Open { library, .. } => format!("there is no {library}"),
        other => other.to_string(),
    }
}
