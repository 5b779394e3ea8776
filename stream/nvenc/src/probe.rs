//! What NVIDIA's encoder could do on this machine, for whoever asks before there is a stream.

use crate::external::{self, ImportedFence, ImportedMemory};
use crate::session::Session;
use crate::shared_input::card_of;
use crate::{Driver, NvencError, settings};
use rr_encode::{CardId, CardPicture, Codec};
use rr_nvenc_sys::cuda::{self, Cuda};
use rr_nvenc_sys::{guids, nvenc};
use std::ffi::OsStr;
use std::ptr;

/// A card and what came of opening a session on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// What its encoder can do, or why there is none to be had now.
    pub encoder: Result<Abilities, NvencError>,
}

/// What an encoder can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abilities {
    /// Codecs that it makes and we can ask for.
    pub codecs: Vec<CodecAbility>,
    /// Encoding units on the card.
    pub engines: u32,
}

/// A codec and the sizes that it is made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodecAbility {
    /// Which.
    pub codec: Codec,
    /// The smallest picture.
    pub min_size: (u32, u32),
    /// The largest picture.
    pub max_size: (u32, u32),
}

/// Opens a session on each card and closes it.
pub fn cards(driver: &Driver) -> Vec<Card> {
    let look = |index| {
        let name = driver.device_name(index).unwrap_or_else(|_| format!("card {index}"));
        Card { name, encoder: abilities(driver, index) }
    };
    (0..driver.device_count()).map(look).collect()
}

fn abilities(driver: &Driver, index: usize) -> Result<Abilities, NvencError> {
    let session = Session::open(driver, index)?;
    let ask = |codec, which| Ok(u32::try_from(session.capability(codec, which)?).unwrap_or(0));
    let mut codecs = Vec::new();
    for codec in session.codecs()? {
        let guid = settings::codec_guid(codec);
        codecs.push(CodecAbility {
            codec,
            min_size: (
                ask(guid, nvenc::NV_ENC_CAPS_WIDTH_MIN)?.max(16),
                ask(guid, nvenc::NV_ENC_CAPS_HEIGHT_MIN)?.max(16),
            ),
            max_size: (ask(guid, nvenc::NV_ENC_CAPS_WIDTH_MAX)?, ask(guid, nvenc::NV_ENC_CAPS_HEIGHT_MAX)?),
        });
    }
    Ok(Abilities { codecs, engines: ask(guids::CODEC_H264, nvenc::NV_ENC_CAPS_NUM_ENCODER_ENGINES)? })
}

/// What CUDA sees of a picture on a card: all planes, with the gaps between their rows. Needs no encoder, so that it tells
/// on every NVIDIA card whether encoders could take pictures from there. `library`: [`cuda_library`], or that of a test.
///
/// # Errors
/// There is no driver, the card is none of its cards, or it cannot be shared.
pub fn seen_by_cuda(library: &OsStr, picture: &dyn CardPicture, rows: u32) -> Result<Vec<u8>, NvencError> {
    picture.wait().map_err(NvencError::Picture)?;
    let cuda = Cuda::load(library).map_err(|e| NvencError::NoDriver(e.to_string()))?;
    let context = BareContext::on(&cuda, picture.card())?;
    let functions = external::functions(&cuda)?;
    let fence = match picture.fence() {
        Some(fence) => Some((ImportedFence::new(&cuda, fence)?, fence.value)),
        None => None,
    };
    let read = || {
        if let Some((fence, value)) = &fence {
            fence.wait(&cuda, *value)?;
        }
        let memory = ImportedMemory::new(&cuda, picture.memory())?;
        let length = u64::from(picture.pitch()) * u64::from(rows) * 3 / 2;
        let mut bytes = vec![0; usize::try_from(length.min(picture.memory().bytes)).unwrap_or(0)];
        // SAFETY: as many bytes as the memory has at least. It comes after the fence, on the default stream as well, and
        // waits for itself.
        let status = unsafe { (functions.memcpy_to_host)(bytes.as_mut_ptr().cast(), memory.address, bytes.len()) };
        memory.release(&cuda);
        if status == 0 { Ok(bytes) } else { Err(NvencError::Cuda { call: "cuMemcpyDtoH", status }) }
    };
    let bytes = read();
    if let Some((fence, _)) = fence {
        fence.release(&cuda);
    }
    drop(context);
    bytes
}

/// The name of CUDA's library on this platform.
pub fn cuda_library() -> &'static OsStr {
    Cuda::NAME.as_ref()
}

/// Cards that CUDA knows, by the number that all their interfaces have for them. Needs no encoder.
///
/// # Errors
/// There is no driver, or it finds no card.
pub fn cuda_cards(library: &OsStr) -> Result<Vec<CardId>, NvencError> {
    let cuda = Cuda::load(library).map_err(|e| NvencError::NoDriver(e.to_string()))?;
    Ok(devices(&cuda)?.into_iter().map(|(_, card)| card).collect())
}

fn devices(cuda: &Cuda) -> Result<Vec<(cuda::Device, CardId)>, NvencError> {
    let check = |call, status| if status == 0 { Ok(()) } else { Err(NvencError::Cuda { call, status }) };
    // SAFETY: takes no flags.
    match unsafe { (cuda.init)(0) } {
        cuda::NO_DEVICE => return Err(NvencError::NoDevice),
        status => check("cuInit", status)?,
    }
    let (mut count, mut all) = (0, Vec::new());
    // SAFETY: writes one number.
    check("cuDeviceGetCount", unsafe { (cuda.device_get_count)(&raw mut count) })?;
    for ordinal in 0..count {
        let mut device = 0;
        // SAFETY: writes one number.
        check("cuDeviceGet", unsafe { (cuda.device_get)(&raw mut device, ordinal) })?;
        all.push((device, card_of(cuda, device)?));
    }
    Ok(all)
}

/// A context without an encoder, current on this thread as long as it lives.
struct BareContext<'a> {
    cuda: &'a Cuda,
    context: cuda::Context,
}

impl<'a> BareContext<'a> {
    fn on(cuda: &'a Cuda, card: CardId) -> Result<Self, NvencError> {
        let device = devices(cuda)?.into_iter().find(|(_, of)| *of == card);
        let (device, _) = device.ok_or_else(|| NvencError::Sharing(format!("CUDA has no card {card}")))?;
        let mut context = ptr::null_mut();
        // SAFETY: writes the new context and makes it current on this thread.
        match unsafe { (cuda.ctx_create)(&raw mut context, cuda::SCHED_BLOCKING_SYNC, device) } {
            0 => Ok(Self { cuda, context }),
            status => Err(NvencError::Cuda { call: "cuCtxCreate", status }),
        }
    }
}

impl Drop for BareContext<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `on`, current on this thread since then.
        unsafe {
            (self.cuda.ctx_pop_current)(ptr::null_mut());
            (self.cuda.ctx_destroy)(self.context);
        }
    }
}
