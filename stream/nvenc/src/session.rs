//! One open encoding session and its buffers, as a safe type: everything is given back in the right order, whatever
//! fails.

use crate::driver::Context;
use crate::settings::codec_guid;
use crate::shared_input::{Mapped, SharedInputs};
use crate::wait::Completion;
use crate::{Driver, NvencError};
use rr_encode::{Codec, Frame};
use rr_nvenc_sys::nvenc::{
    self, GUID, NV_ENC_CAPS, NV_ENC_CAPS_PARAM, NV_ENC_CONFIG, NV_ENC_CREATE_BITSTREAM_BUFFER,
    NV_ENC_CREATE_INPUT_BUFFER, NV_ENC_INITIALIZE_PARAMS, NV_ENC_LOCK_BITSTREAM, NV_ENC_LOCK_INPUT_BUFFER,
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS, NV_ENC_PIC_PARAMS, NV_ENC_PRESET_CONFIG, NV_ENC_RECONFIGURE_PARAMS,
    NVENCSTATUS,
};
use rr_nvenc_sys::versions;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::Arc;

/// Calls a function of the driver's list on a session, and makes an error of its status.
macro_rules! call {
    ($session:expr, $function:ident $(, $arg:expr)*) => {{
        let session = &*$session;
        match session.context.driver().functions().$function {
            // SAFETY: an open session whose context is current, and arguments as the header has them for this
            // function; structures carry their version.
            Some(function) => session.check(stringify!($function), unsafe { function(session.raw $(, $arg)*) }),
            None => Err(NvencError::VersionMismatch),
        }
    }};
}
pub(crate) use call;

/// An open session.
pub(crate) struct Session {
    pub(crate) raw: *mut c_void,
    /// Pictures that lie on the card.
    pub(crate) shared: SharedInputs,
    input: Option<Input>,
    output: nvenc::NV_ENC_OUTPUT_PTR,
    completion: Option<Completion>,
    initialised: bool,
    // After the session.
    pub(crate) context: Arc<Context>,
}

struct Input {
    buffer: nvenc::NV_ENC_INPUT_PTR,
    width: u32,
    height: u32,
}

// SAFETY: a session may be used from any thread, one at a time, with its context current there: every method takes
// `&mut self` or only reads, and enters the context.
unsafe impl Send for Session {}

/// What came of a picture, in the driver's memory.
pub(crate) struct Encoded<'a> {
    pub bytes: &'a [u8],
    pub keyframe: bool,
}

impl Session {
    /// Opens a session on a card.
    pub fn open(driver: &Driver, gpu: usize) -> Result<Self, NvencError> {
        let context = Arc::new(Context::new(driver, gpu)?);
        let open = driver.functions().nvEncOpenEncodeSessionEx.ok_or(NvencError::VersionMismatch)?;
        let mut params = NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
            version: versions::OPEN_ENCODE_SESSION_EX_PARAMS,
            deviceType: nvenc::NV_ENC_DEVICE_TYPE_CUDA,
            device: context.raw(),
            apiVersion: nvenc::NVENCAPI_VERSION,
            ..Default::default()
        };
        let mut raw = ptr::null_mut();
        let status = {
            let _entered = context.enter()?;
            // SAFETY: a live context of CUDA, and parameters of the version that they say.
            unsafe { open(&raw mut params, &raw mut raw) }
        };
        // From here on dropping it closes the session. A refused one may have to be closed as well, says the header.
        let (input, shared) = Default::default();
        let mut session =
            Self { raw, shared, input, output: ptr::null_mut(), completion: None, initialised: false, context };
        if status != nvenc::NV_ENC_SUCCESS {
            let error = NvencError::of_opening(&session.context.gpu, status);
            session.close();
            return Err(error);
        }
        Ok(session)
    }

    /// Name of the card.
    pub fn gpu(&self) -> &str {
        &self.context.gpu
    }

    /// Codecs that the card makes.
    pub fn codecs(&self) -> Result<Vec<Codec>, NvencError> {
        let _entered = self.context.enter()?;
        let mut count = 0;
        call!(self, nvEncGetEncodeGUIDCount, &raw mut count)?;
        let mut found = vec![GUID::default(); count.min(64) as usize];
        let mut written = 0;
        call!(self, nvEncGetEncodeGUIDs, found.as_mut_ptr(), found.len() as u32, &raw mut written)?;
        found.truncate(written as usize);
        let has = |guid: GUID| found.iter().any(|g| same(g, &guid));
        Ok(Codec::ALL.into_iter().filter(|codec| has(codec_guid(*codec))).collect())
    }

    /// One of the card's abilities.
    pub fn capability(&self, codec: GUID, which: NV_ENC_CAPS) -> Result<i32, NvencError> {
        let _entered = self.context.enter()?;
        let mut param = NV_ENC_CAPS_PARAM { version: versions::CAPS_PARAM, capsToQuery: which, ..Default::default() };
        let mut value = 0;
        call!(self, nvEncGetEncodeCaps, codec, &raw mut param, &raw mut value)?;
        Ok(value)
    }

    /// The driver's settings for a preset, tuned for the lowest latency.
    pub fn preset(&self, codec: GUID, preset: GUID) -> Result<NV_ENC_CONFIG, NvencError> {
        let _entered = self.context.enter()?;
        let mut config = NV_ENC_PRESET_CONFIG { version: versions::PRESET_CONFIG, ..Default::default() };
        config.presetCfg.version = versions::CONFIG;
        let tuning = nvenc::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY;
        call!(self, nvEncGetEncodePresetConfigEx, codec, preset, tuning, &raw mut config)?;
        Ok(config.presetCfg)
    }

    /// Sets it up. `config` is the one that `params` will point to.
    pub fn initialise(
        &mut self,
        mut params: NV_ENC_INITIALIZE_PARAMS,
        config: &NV_ENC_CONFIG,
    ) -> Result<(), NvencError> {
        let mut config = *config;
        params.encodeConfig = &raw mut config;
        let entered = self.context.enter()?;
        call!(self, nvEncInitializeEncoder, &raw mut params)?;
        let mut output =
            NV_ENC_CREATE_BITSTREAM_BUFFER { version: versions::CREATE_BITSTREAM_BUFFER, ..Default::default() };
        call!(self, nvEncCreateBitstreamBuffer, &raw mut output)?;
        drop(entered);
        self.output = output.bitstreamBuffer;
        self.initialised = true;
        if params.enableEncodeAsync != 0 {
            self.completion = Some(self.register_completion()?);
        }
        Ok(())
    }

    fn register_completion(&self) -> Result<Completion, NvencError> {
        let _entered = self.context.enter()?;
        let completion = Completion::new()?;
        let mut params = completion.params();
        call!(self, nvEncRegisterAsyncEvent, &raw mut params)?;
        Ok(completion)
    }

    /// Changes a running encoder in place. `anew`: with a keyframe, as another size needs.
    pub fn reconfigure(
        &mut self,
        mut params: NV_ENC_INITIALIZE_PARAMS,
        config: &NV_ENC_CONFIG,
        anew: bool,
    ) -> Result<(), NvencError> {
        let mut config = *config;
        params.encodeConfig = &raw mut config;
        let mut change = NV_ENC_RECONFIGURE_PARAMS {
            version: versions::RECONFIGURE_PARAMS,
            reInitEncodeParams: params,
            ..Default::default()
        };
        change.set_resetEncoder(anew.into());
        change.set_forceIDR(anew.into());
        let _entered = self.context.enter()?;
        call!(self, nvEncReconfigureEncoder, &raw mut change)
    }

    /// Encodes a frame and shows the result to `take` while it lies in the driver's memory. `mapped`: where the frame
    /// lies already.
    pub fn encode<T>(
        &mut self,
        frame: &Frame,
        mapped: Option<Mapped>,
        keyframe: bool,
        time_us: u64,
        take: impl FnOnce(Encoded) -> Result<T, NvencError>,
    ) -> Result<T, NvencError> {
        let input = match mapped {
            Some(mapped) => mapped,
            None => self.upload(frame)?,
        };
        let _entered = self.context.enter()?;
        let flags = if keyframe { nvenc::NV_ENC_PIC_FLAG_FORCEIDR | nvenc::NV_ENC_PIC_FLAG_OUTPUT_SPSPPS } else { 0 };
        let mut params = NV_ENC_PIC_PARAMS {
            version: versions::PIC_PARAMS,
            inputWidth: frame.width(),
            inputHeight: frame.height(),
            inputPitch: input.pitch,
            encodePicFlags: flags,
            inputTimeStamp: time_us,
            inputBuffer: input.buffer,
            outputBitstream: self.output,
            bufferFmt: nvenc::NV_ENC_BUFFER_FORMAT_IYUV,
            pictureStruct: nvenc::NV_ENC_PIC_STRUCT_FRAME,
            completionEvent: self.completion.as_ref().map_or(ptr::null_mut(), Completion::raw),
            ..Default::default()
        };
        // "Need more input" cannot be: there are no B frames and no lookahead.
        call!(self, nvEncEncodePicture, &raw mut params)?;
        if let Some(completion) = &self.completion {
            completion.wait()?;
        }
        let mut lock = NV_ENC_LOCK_BITSTREAM {
            version: versions::LOCK_BITSTREAM,
            outputBitstream: self.output,
            ..Default::default()
        };
        // Without events this waits for the picture, on the encoder's thread.
        call!(self, nvEncLockBitstream, &raw mut lock)?;
        let bytes = match lock.bitstreamBufferPtr {
            p if p.is_null() => &[][..],
            // SAFETY: the driver's buffer holds so many bytes until it is unlocked, which is after `take`.
            p => unsafe { std::slice::from_raw_parts(p.cast::<u8>(), lock.bitstreamSizeInBytes as usize) },
        };
        let taken = take(Encoded { bytes, keyframe: lock.pictureType == nvenc::NV_ENC_PIC_TYPE_IDR });
        call!(self, nvEncUnlockBitstream, self.output)?;
        taken
    }

    /// An input buffer of the frame's size: its planes follow each other by the size of the buffer.
    fn fit_input(&mut self, frame: &Frame) -> Result<(), NvencError> {
        let (width, height) = (frame.width(), frame.height());
        if self.input.as_ref().is_some_and(|i| (i.width, i.height) == (width, height)) {
            return Ok(());
        }
        let _entered = self.context.enter()?;
        if let Some(old) = self.input.take() {
            call!(self, nvEncDestroyInputBuffer, old.buffer)?;
        }
        let mut params = NV_ENC_CREATE_INPUT_BUFFER {
            version: versions::CREATE_INPUT_BUFFER,
            width,
            height,
            bufferFmt: nvenc::NV_ENC_BUFFER_FORMAT_IYUV,
            ..Default::default()
        };
        call!(self, nvEncCreateInputBuffer, &raw mut params)?;
        self.input = Some(Input { buffer: params.inputBuffer, width, height });
        Ok(())
    }

    /// Copies the planes into the driver's memory.
    fn upload(&mut self, frame: &Frame) -> Result<Mapped, NvencError> {
        frame.fetch().map_err(NvencError::Picture)?;
        self.fit_input(frame)?;
        let _entered = self.context.enter()?;
        let Some(input) = &self.input else { return Err(NvencError::VersionMismatch) };
        let mut lock = NV_ENC_LOCK_INPUT_BUFFER {
            version: versions::LOCK_INPUT_BUFFER,
            inputBuffer: input.buffer,
            ..Default::default()
        };
        call!(self, nvEncLockInputBuffer, &raw mut lock)?;
        let (pitch, width, height) = (lock.pitch as usize, input.width as usize, input.height as usize);
        let fits = !lock.bufferDataPtr.is_null() && pitch >= width && pitch % 2 == 0;
        if fits {
            // SAFETY: the locked buffer holds `height` rows of `pitch` bytes and two planes of a quarter of that, as
            // NV_ENC_BUFFER_FORMAT_IYUV is laid out; nobody else writes it while it is locked.
            let memory =
                unsafe { std::slice::from_raw_parts_mut(lock.bufferDataPtr.cast::<u8>(), pitch * height * 3 / 2) };
            let (luma, chroma) = memory.split_at_mut(pitch * height);
            let (u, v) = chroma.split_at_mut(pitch / 2 * (height / 2));
            copy_rows(frame.y(), frame.luma_stride(), luma, pitch, width);
            copy_rows(frame.u(), frame.chroma_stride(), u, pitch / 2, width / 2);
            copy_rows(frame.v(), frame.chroma_stride(), v, pitch / 2, width / 2);
        }
        call!(self, nvEncUnlockInputBuffer, input.buffer)?;
        if fits { Ok(Mapped { buffer: input.buffer, pitch: lock.pitch }) } else { Err(NvencError::VersionMismatch) }
    }

    pub(crate) fn check(&self, call: &'static str, status: NVENCSTATUS) -> Result<(), NvencError> {
        if status == nvenc::NV_ENC_SUCCESS {
            return Ok(());
        }
        let words = self.context.driver().functions().nvEncGetLastErrorString;
        let detail = words.map_or(ptr::null(), |words| {
            // SAFETY: an open session; the string stays until its next call.
            unsafe { words(self.raw) }
        });
        let detail = if detail.is_null() {
            String::new()
        } else {
            // SAFETY: a C string of the driver.
            unsafe { CStr::from_ptr(detail) }.to_string_lossy().into_owned()
        };
        Err(NvencError::of(call, status, &detail))
    }

    /// Gives everything back. What fails here has no consequence that anybody could do something about.
    fn close(&mut self) {
        if self.raw.is_null() {
            return;
        }
        let context = Arc::clone(&self.context);
        let Ok(_entered) = context.enter() else { return };
        self.release_shared();
        if let Some(input) = self.input.take() {
            let _ = call!(self, nvEncDestroyInputBuffer, input.buffer);
        }
        if let Some(completion) = &self.completion {
            let mut params = completion.params();
            let _ = call!(self, nvEncUnregisterAsyncEvent, &raw mut params);
        }
        if self.initialised {
            let _ = call!(self, nvEncDestroyBitstreamBuffer, self.output);
        }
        let _ = call!(self, nvEncDestroyEncoder);
        self.raw = ptr::null_mut();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

fn copy_rows(from: &[u8], from_stride: usize, to: &mut [u8], to_stride: usize, width: usize) {
    for (from, to) in from.chunks_exact(from_stride).zip(to.chunks_exact_mut(to_stride)) {
        to[..width].copy_from_slice(&from[..width]);
    }
}

fn same(a: &GUID, b: &GUID) -> bool {
    (a.Data1, a.Data2, a.Data3, a.Data4) == (b.Data1, b.Data2, b.Data3, b.Data4)
}
