//! What the driver is told of an AV1 stream: what H.264 is told, as far as it has a word for it.

use crate::NvencConfig;
use crate::settings::refresh;
use rr_nvenc_sys::nvenc::{self, NV_ENC_CONFIG_AV1};

/// The codec's own settings on top of the driver's preset: main profile, main tier, 8 bits. Tiles are as few as the size
/// allows, whatever [`NvencConfig::slices`] says: browsers decode no part of a picture.
pub(crate) fn stream(codec: &mut NV_ENC_CONFIG_AV1, config: &NvencConfig, level_idx: u8) {
    codec.level = level_idx.into();
    codec.tier = nvenc::NV_ENC_TIER_AV1_0;
    codec.idrPeriod = nvenc::NVENC_INFINITE_GOPLENGTH;
    codec.maxTemporalLayersMinus1 = 0;
    codec.set_chromaFormatIDC(1);
    codec.set_inputPixelBitDepthMinus8(0);
    codec.set_pixelBitDepthMinus8(0);
    // The form that RTP wants.
    codec.set_outputAnnexBFormat(0);
    codec.set_repeatSeqHdr(1);
    codec.set_disableSeqHdr(0);
    codec.set_enableTimingInfo(0);
    codec.set_enableDecoderModelInfo(0);
    codec.set_enableFrameIdNumbers(0);
    codec.set_enableBitstreamPadding(0);
    codec.set_enableFilmGrainParams(0);
    codec.set_enableCustomTileConfig(0);
    (codec.numTileColumns, codec.numTileRows) = (0, 0);
    if let Some((period, count)) = refresh(config) {
        codec.set_enableIntraRefresh(1);
        (codec.intraRefreshPeriod, codec.intraRefreshCnt) = (period, count);
    }
    // BT.709, limited range.
    codec.colorPrimaries = nvenc::NV_ENC_VUI_COLOR_PRIMARIES_BT709;
    codec.transferCharacteristics = nvenc::NV_ENC_VUI_TRANSFER_CHARACTERISTIC_BT709;
    codec.matrixCoefficients = nvenc::NV_ENC_VUI_MATRIX_COEFFS_BT709;
    codec.colorRange = 0;
}
