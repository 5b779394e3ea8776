//! What the driver is told of an HEVC stream: what H.264 is told, as far as it has a word for it.

use crate::NvencConfig;
use crate::settings::{colours, refresh};
use rr_nvenc_sys::nvenc::{self, NV_ENC_CONFIG_HEVC};

/// The codec's own settings on top of the driver's preset: main profile, main tier, 8 bits.
pub(crate) fn stream(codec: &mut NV_ENC_CONFIG_HEVC, config: &NvencConfig, level_idc: u8) {
    codec.level = level_idc.into();
    codec.tier = nvenc::NV_ENC_TIER_HEVC_MAIN;
    codec.idrPeriod = nvenc::NVENC_INFINITE_GOPLENGTH;
    codec.sliceMode = 3;
    codec.sliceModeData = config.slices.clamp(1, 32);
    codec.maxTemporalLayersMinus1 = 0;
    codec.set_chromaFormatIDC(1);
    codec.set_pixelBitDepthMinus8(0);
    codec.set_repeatSPSPPS(1);
    codec.set_disableSPSPPS(0);
    codec.set_outputAUD(0);
    codec.set_outputPictureTimingSEI(0);
    codec.set_outputBufferingPeriodSEI(0);
    codec.set_enableFillerDataInsertion(0);
    if let Some((period, count)) = refresh(config) {
        codec.set_enableIntraRefresh(1);
        (codec.intraRefreshPeriod, codec.intraRefreshCnt) = (period, count);
    }
    colours(&mut codec.hevcVUIParameters);
}
