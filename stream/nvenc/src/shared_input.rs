//! Pictures that lie in the card's memory already: imported into the session's context, registered with the encoder, and
//! encoded where they are.
//!
//! ```text
//! CardPicture ─ handle ─► CUDA: address ─ register ─► input ─ wait for the fence, map ─► encode ─► unmap
//!                         └──── kept for the next picture in the same memory ────┘
//! ```

use crate::NvencError;
use crate::external::{self, ImportedFence, ImportedMemory};
use crate::session::{Session, call};
use rr_encode::{CardId, CardPicture};
use rr_nvenc_sys::cuda;
use rr_nvenc_sys::nvenc::{self, NV_ENC_MAP_INPUT_RESOURCE, NV_ENC_REGISTER_RESOURCE};
use rr_nvenc_sys::versions;
use std::sync::Arc;

/// What a session has imported.
#[derive(Default)]
pub(crate) struct SharedInputs {
    inputs: Vec<Input>,
    fences: Vec<ImportedFence>,
}

struct Input {
    memory: ImportedMemory,
    registered: nvenc::NV_ENC_REGISTERED_PTR,
    size: (u32, u32),
    pitch: u32,
}

/// A picture that is ready to be encoded where it lies.
#[derive(Clone, Copy)]
pub(crate) struct Mapped {
    pub buffer: nvenc::NV_ENC_INPUT_PTR,
    pub pitch: u32,
}

impl Session {
    /// The session's card, by the number that all its interfaces have for it.
    pub fn card(&self) -> Result<CardId, NvencError> {
        card_of(self.context.driver().cuda(), self.context.device())
    }

    /// Makes a picture that is there an input of the encoder, until [`Session::unmap`].
    pub(crate) fn map(&mut self, picture: &dyn CardPicture, size: (u32, u32)) -> Result<Mapped, NvencError> {
        let context = Arc::clone(&self.context);
        let _entered = context.enter()?;
        self.fence(picture)?;
        let memory = picture.memory();
        let wanted = (size, picture.pitch());
        if self.shared.inputs.iter().all(|i| !i.memory.is(&memory) || (i.size, i.pitch) != wanted) {
            self.import(picture, size)?;
        }
        let input = self.shared.inputs.iter().find(|i| i.memory.is(&memory));
        let Some(Input { registered, pitch, .. }) = input else { return Err(NvencError::VersionMismatch) };
        let mut params = NV_ENC_MAP_INPUT_RESOURCE {
            version: versions::MAP_INPUT_RESOURCE,
            registeredResource: *registered,
            ..Default::default()
        };
        call!(self, nvEncMapInputResource, &raw mut params)?;
        Ok(Mapped { buffer: params.mappedResource, pitch: *pitch })
    }

    /// The picture is encoded.
    pub(crate) fn unmap(&self, mapped: Mapped) -> Result<(), NvencError> {
        let _entered = self.context.enter()?;
        call!(self, nvEncUnmapInputResource, mapped.buffer)
    }

    /// What the encoder does from now on comes after the picture is there, for the card as well.
    fn fence(&mut self, picture: &dyn CardPicture) -> Result<(), NvencError> {
        let Some(fence) = picture.fence() else { return Ok(()) };
        let cuda = self.context.driver().cuda();
        let fences = &mut self.shared.fences;
        let at = match fences.iter().position(|f| f.is(&fence)) {
            Some(at) => at,
            None => {
                fences.extract_if(.., |f| f.is_over()).for_each(|over| over.release(cuda));
                fences.push(ImportedFence::new(cuda, fence)?);
                fences.len() - 1
            }
        };
        fences[at].wait(cuda, fence.value)
    }

    fn import(&mut self, picture: &dyn CardPicture, size: (u32, u32)) -> Result<(), NvencError> {
        let memory = picture.memory();
        let needed = u64::from(picture.pitch()) * u64::from(size.1) * 3 / 2;
        if picture.pitch() < size.0 || memory.bytes < needed {
            return Err(NvencError::Sharing(format!("{} bytes are no picture of {}x{}", memory.bytes, size.0, size.1)));
        }
        // Memory that is gone, and this one as something else.
        let old: Vec<Input> =
            self.shared.inputs.extract_if(.., |i| i.memory.is_over() || i.memory.is(&memory)).collect();
        old.into_iter().for_each(|input| self.release(input));
        let cuda = self.context.driver().cuda();
        let imported = ImportedMemory::new(cuda, memory)?;
        let mut params = NV_ENC_REGISTER_RESOURCE {
            version: versions::REGISTER_RESOURCE,
            resourceType: nvenc::NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR,
            width: size.0,
            height: size.1,
            pitch: picture.pitch(),
            resourceToRegister: std::ptr::with_exposed_provenance_mut(imported.address as usize),
            bufferFormat: nvenc::NV_ENC_BUFFER_FORMAT_IYUV,
            bufferUsage: nvenc::NV_ENC_INPUT_IMAGE,
            ..Default::default()
        };
        if let Err(error) = call!(self, nvEncRegisterResource, &raw mut params) {
            imported.release(cuda);
            return Err(error);
        }
        let registered = params.registeredResource;
        self.shared.inputs.push(Input { memory: imported, registered, size, pitch: picture.pitch() });
        Ok(())
    }

    /// Gives one input back; the context is current.
    fn release(&self, input: Input) {
        let _ = call!(self, nvEncUnregisterResource, input.registered);
        input.memory.release(self.context.driver().cuda());
    }

    /// No more pictures are taken from the card.
    pub(crate) fn end_sharing(&mut self) {
        let context = Arc::clone(&self.context);
        if let Ok(_entered) = context.enter() {
            self.release_shared();
        }
    }

    /// Gives all back; the context is current.
    pub(crate) fn release_shared(&mut self) {
        let SharedInputs { inputs, fences } = std::mem::take(&mut self.shared);
        inputs.into_iter().for_each(|input| self.release(input));
        let cuda = self.context.driver().cuda();
        fences.into_iter().for_each(|fence| fence.release(cuda));
    }
}

/// A card's number.
pub(crate) fn card_of(cuda: &cuda::Cuda, device: cuda::Device) -> Result<CardId, NvencError> {
    let mut uuid = [0; 16];
    // SAFETY: writes sixteen bytes.
    match unsafe { (external::functions(cuda)?.device_get_uuid)(&raw mut uuid, device) } {
        0 => Ok(CardId(uuid)),
        status => Err(NvencError::Cuda { call: "cuDeviceGetUuid", status }),
    }
}
