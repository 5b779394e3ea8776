//! What the driver is told of a stream: the lowest latency it has, a constant rate with a buffer of one frame, keyframes
//! only when they are asked for.

use crate::{NvencConfig, Preset, av1, hevc};
use rr_encode::{Bitrate, Codec, H264Format, H264Profile, VideoFormat};
use rr_nvenc_sys::nvenc::{
    self, GUID, NV_ENC_CONFIG, NV_ENC_CONFIG_H264, NV_ENC_CONFIG_H264_VUI_PARAMETERS, NV_ENC_INITIALIZE_PARAMS,
};
use rr_nvenc_sys::{guids, versions};

/// What changes while a session runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Target {
    pub width: u32,
    pub height: u32,
    pub bitrate: Bitrate,
    pub frames_per_second: f32,
}

/// The driver's settings for a preset.
pub(crate) struct PresetSettings(pub NV_ENC_CONFIG);

// SAFETY: plain numbers; the pointers among them are null: reserved, or of what no preset sets.
unsafe impl Send for PresetSettings {}

pub(crate) fn preset_guid(preset: Preset) -> GUID {
    match preset {
        Preset::P3 => guids::PRESET_P3,
        Preset::P4 => guids::PRESET_P4,
    }
}

/// What the driver calls a codec.
pub(crate) fn codec_guid(codec: Codec) -> GUID {
    match codec {
        Codec::H264 => guids::CODEC_H264,
        Codec::Hevc => guids::CODEC_HEVC,
        Codec::Av1 => guids::CODEC_AV1,
    }
}

/// Frame rates as the driver wants them: a fraction.
const RATE_DENOMINATOR: u32 = 1_000;

/// The session's parameters but for the codec's. `max`: sizes up to this one need no new session.
pub(crate) fn session(
    config: &NvencConfig,
    target: Target,
    max: (u32, u32),
    asynchronous: bool,
) -> NV_ENC_INITIALIZE_PARAMS {
    NV_ENC_INITIALIZE_PARAMS {
        version: versions::INITIALIZE_PARAMS,
        encodeGUID: codec_guid(config.format.codec()),
        presetGUID: preset_guid(config.preset),
        tuningInfo: nvenc::NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY,
        encodeWidth: target.width,
        encodeHeight: target.height,
        darWidth: target.width,
        darHeight: target.height,
        frameRateNum: (target.frames_per_second * RATE_DENOMINATOR as f32).round() as u32,
        frameRateDen: RATE_DENOMINATOR,
        enableEncodeAsync: asynchronous.into(),
        enablePTD: 1,
        maxEncodeWidth: max.0,
        maxEncodeHeight: max.1,
        ..Default::default()
    }
}

/// The codec's settings on top of the driver's preset.
pub(crate) fn codec(preset: &PresetSettings, config: &NvencConfig, target: Target, level: u8) -> NV_ENC_CONFIG {
    let mut all = preset.0;
    all.gopLength = nvenc::NVENC_INFINITE_GOPLENGTH;
    all.frameIntervalP = 1;
    rate(&mut all, target);
    match config.format {
        VideoFormat::H264(format) => {
            all.profileGUID = match format.profile {
                H264Profile::ConstrainedBaseline => guids::H264_BASELINE,
                H264Profile::Main => guids::H264_MAIN,
            };
            // SAFETY: a union of plain numbers, all of whose patterns are values; the codec is H.264.
            h264(unsafe { &mut all.encodeCodecConfig.h264Config }, format, config, level);
        }
        VideoFormat::Hevc(_) => {
            all.profileGUID = guids::HEVC_MAIN;
            // SAFETY: as above; the codec is HEVC.
            hevc::stream(unsafe { &mut all.encodeCodecConfig.hevcConfig }, config, level);
        }
        VideoFormat::Av1(_) => {
            all.profileGUID = guids::AV1_MAIN;
            // SAFETY: as above; the codec is AV1.
            av1::stream(unsafe { &mut all.encodeCodecConfig.av1Config }, config, level);
        }
    }
    all
}

/// Constant bitrate, and no frame larger than its share: what does not fit waits in the network, and that is latency.
fn rate(all: &mut NV_ENC_CONFIG, target: Target) {
    let bits = u32::try_from(target.bitrate.as_bps()).unwrap_or(u32::MAX);
    let rate = &mut all.rcParams;
    rate.rateControlMode = nvenc::NV_ENC_PARAMS_RC_CBR;
    rate.averageBitRate = bits;
    rate.maxBitRate = bits;
    rate.vbvBufferSize = (f64::from(bits) / f64::from(target.frames_per_second)) as u32;
    rate.vbvInitialDelay = rate.vbvBufferSize;
    // A first pass over a quarter of the picture finds the bits of a frame that has no buffer to borrow from.
    rate.multiPass = nvenc::NV_ENC_TWO_PASS_QUARTER_RESOLUTION;
    rate.set_zeroReorderDelay(1);
    rate.set_enableLookahead(0);
}

fn h264(codec: &mut NV_ENC_CONFIG_H264, format: H264Format, config: &NvencConfig, level_idc: u8) {
    codec.level = level_idc.into();
    codec.idrPeriod = nvenc::NVENC_INFINITE_GOPLENGTH;
    codec.entropyCodingMode = match format.profile {
        H264Profile::ConstrainedBaseline => nvenc::NV_ENC_H264_ENTROPY_CODING_MODE_CAVLC,
        H264Profile::Main => nvenc::NV_ENC_H264_ENTROPY_CODING_MODE_CABAC,
    };
    codec.chromaFormatIDC = 1;
    codec.sliceMode = 3;
    codec.sliceModeData = config.slices.clamp(1, 32);
    codec.set_repeatSPSPPS(1);
    codec.set_disableSPSPPS(0);
    codec.set_outputAUD(0);
    codec.set_outputPictureTimingSEI(0);
    codec.set_outputBufferingPeriodSEI(0);
    // Filler breaks Chromium's decoder when some of it is lost.
    codec.set_enableFillerDataInsertion(0);
    if let Some((period, count)) = refresh(config) {
        codec.set_enableIntraRefresh(1);
        (codec.intraRefreshPeriod, codec.intraRefreshCnt) = (period, count);
    }
    colours(&mut codec.h264VUIParameters);
}

/// From one renewal by intra blocks to the next, and how long one takes, frames.
pub(crate) fn refresh(config: &NvencConfig) -> Option<(u32, u32)> {
    let period = config.intra_refresh_frames?.max(2);
    Some((period, (period - 1).min(30)))
}

/// BT.709, limited range, and that nothing is reordered, so that decoders do not wait. HEVC has the same structure.
pub(crate) fn colours(usability: &mut NV_ENC_CONFIG_H264_VUI_PARAMETERS) {
    usability.videoSignalTypePresentFlag = 1;
    // Unspecified.
    usability.videoFormat = 5;
    usability.videoFullRangeFlag = 0;
    usability.colourDescriptionPresentFlag = 1;
    usability.colourPrimaries = 1;
    usability.transferCharacteristics = 1;
    usability.colourMatrix = 1;
    usability.bitstreamRestrictionFlag = 1;
}
