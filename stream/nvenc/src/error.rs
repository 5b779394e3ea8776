//! What keeps NVIDIA's encoder from working, in words that say what to do.

use rr_encode::{Codec, EncodeError, FrameError};
use rr_nvenc_sys::nvenc::{self, NVENCSTATUS};
use thiserror::Error;

/// The first driver whose NVENC is that of the bindings, as the release notes of NVIDIA's SDK 12.1 have it.
const OLDEST_DRIVER: &str = if cfg!(windows) { "531" } else { "530" };

/// Why NVENC is not to be had, or why it failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NvencError {
    /// There is no CUDA library.
    #[error("no NVIDIA driver is installed ({0})")]
    NoDriver(String),
    /// There is a CUDA library, but not the encoder's.
    #[error(
        "the NVIDIA driver is installed without its encoder ({0}): install libnvidia-encode of the same version; \
         in a container set NVIDIA_DRIVER_CAPABILITIES=video,graphics,utility"
    )]
    NoEncoderLibrary(String),
    /// The driver's encoder is older than the interface we use.
    #[error(
        "the NVIDIA driver is too old: it knows NVENC {}.{} and {}.{} is needed; install driver {} or newer",
        .0.0, .0.1, nvenc::NVENCAPI_MAJOR_VERSION, nvenc::NVENCAPI_MINOR_VERSION, OLDEST_DRIVER
    )]
    DriverTooOld((u32, u32)),
    /// Library and kernel module are of different versions.
    #[error(
        "the parts of the NVIDIA driver do not fit together (a structure's version was refused): restart after an \
         update of the driver, or install it anew"
    )]
    VersionMismatch,
    /// The driver sees no card.
    #[error("the NVIDIA driver finds no card: is it plugged in, and given to this container or virtual machine?")]
    NoDevice,
    /// A card that is not there was asked for.
    #[error("there is no NVIDIA card number {wanted}: there are {count}")]
    NoSuchDevice {
        /// The one that was asked for, from 0.
        wanted: usize,
        /// How many there are.
        count: usize,
    },
    /// The card cannot encode.
    #[error(
        "{gpu} has no video encoder (compute cards such as A100, H100 and H200 have none): use a card with NVENC, \
         such as L4, A10 or RTX"
    )]
    NoEncoder {
        /// Name of the card.
        gpu: String,
    },
    /// As many sessions as the driver allows are open.
    #[error(
        "{gpu} opens no further encoding session: the driver's limit of sessions is reached, or the card's memory is \
         full; end other programs that encode"
    )]
    SessionLimit {
        /// Name of the card.
        gpu: String,
    },
    /// The card or its driver does not make this codec.
    #[error("{gpu} does not encode {codec}")]
    Codec {
        /// Name of the card.
        gpu: String,
        /// The codec.
        codec: Codec,
    },
    /// The card does not take pictures of this size.
    #[error("{gpu} does not encode {width_px}x{height_px}: sizes from {}x{} to {}x{} are possible", .min.0, .min.1, .max.0, .max.1)]
    Size {
        /// Name of the card.
        gpu: String,
        /// Width of the frame.
        width_px: u32,
        /// Height of the frame.
        height_px: u32,
        /// The smallest size.
        min: (u32, u32),
        /// The largest size.
        max: (u32, u32),
    },
    /// Size and rate are beyond the level that was agreed.
    #[error("{width_px}x{height_px} does not fit into the level that was agreed with the viewers")]
    Level {
        /// Width of the frame.
        width_px: u32,
        /// Height of the frame.
        height_px: u32,
    },
    /// Pictures cannot be taken from the card's memory.
    #[error("{0}")]
    Sharing(String),
    /// The picture is not to be had from whoever drew it.
    #[error(transparent)]
    Picture(FrameError),
    /// The card was reset, unplugged or taken away.
    #[error("the NVIDIA card is gone: it was reset or removed")]
    DeviceLost,
    /// A CUDA function failed.
    #[error("CUDA: {call} failed with error {status}")]
    Cuda {
        /// Its name.
        call: &'static str,
        /// `CUresult`.
        status: i32,
    },
    /// A function of the encoder failed.
    #[error("{call} failed: {reason}")]
    Call {
        /// Its name.
        call: &'static str,
        /// Meaning of the status, and what the driver says of it.
        reason: String,
    },
}

impl NvencError {
    /// Of the status of a call on an open session.
    pub(crate) fn of(call: &'static str, status: NVENCSTATUS, detail: &str) -> Self {
        match status {
            nvenc::NV_ENC_ERR_DEVICE_NOT_EXIST => Self::DeviceLost,
            nvenc::NV_ENC_ERR_INVALID_VERSION => Self::VersionMismatch,
            _ => {
                let separator = if detail.is_empty() { "" } else { ": " };
                Self::Call { call, reason: format!("{}{separator}{detail}", meaning(status)) }
            }
        }
    }

    /// Of the status of opening a session.
    pub(crate) fn of_opening(gpu: &str, status: NVENCSTATUS) -> Self {
        let gpu = gpu.to_owned();
        match status {
            nvenc::NV_ENC_ERR_NO_ENCODE_DEVICE | nvenc::NV_ENC_ERR_UNSUPPORTED_DEVICE => Self::NoEncoder { gpu },
            // What drivers answer at their cap of sessions, as several versions have it.
            nvenc::NV_ENC_ERR_OUT_OF_MEMORY | nvenc::NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY => Self::SessionLimit { gpu },
            other => Self::of("nvEncOpenEncodeSessionEx", other, ""),
        }
    }
}

impl From<NvencError> for EncodeError {
    fn from(error: NvencError) -> Self {
        // No fault of the encoder.
        if let NvencError::Picture(error) = error {
            return Self::Frame(error);
        }
        Self::Codec { encoder: "NVENC", reason: error.to_string() }
    }
}

/// The statuses of the header in words.
fn meaning(status: NVENCSTATUS) -> String {
    let words = match status {
        nvenc::NV_ENC_ERR_INVALID_DEVICE => "the device is not valid",
        nvenc::NV_ENC_ERR_INVALID_PTR => "a buffer is not valid",
        nvenc::NV_ENC_ERR_INVALID_PARAM => "a setting is not valid",
        nvenc::NV_ENC_ERR_INVALID_CALL => "the call is not allowed now",
        nvenc::NV_ENC_ERR_OUT_OF_MEMORY => "out of memory",
        nvenc::NV_ENC_ERR_UNSUPPORTED_PARAM => "the card does not support a setting",
        nvenc::NV_ENC_ERR_NOT_ENOUGH_BUFFER => "a buffer is too small",
        nvenc::NV_ENC_ERR_ENCODER_BUSY => "the encoder is busy",
        nvenc::NV_ENC_ERR_GENERIC => "an internal error of the driver",
        _ => return format!("status {status}"),
    };
    words.to_owned()
}
