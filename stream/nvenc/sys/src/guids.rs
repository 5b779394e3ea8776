//! GUIDs of codecs, profiles and presets: constants in C, which bindgen takes for symbols of a library.

use crate::nvenc::GUID;

/// `NV_ENC_CODEC_H264_GUID`.
pub const CODEC_H264: GUID = guid(0x6bc82762_4e63_4ca4_aa85_1e50f321f6bf);
/// `NV_ENC_CODEC_HEVC_GUID`.
pub const CODEC_HEVC: GUID = guid(0x790cdc88_4522_4d7b_9425_bda9975f7603);
/// `NV_ENC_CODEC_AV1_GUID`.
pub const CODEC_AV1: GUID = guid(0x0a352289_0aa7_4759_862d_5d15cd16d254);
/// `NV_ENC_H264_PROFILE_BASELINE_GUID`.
pub const H264_BASELINE: GUID = guid(0x0727bcaa_78c4_4c83_8c2f_ef3dff267c6a);
/// `NV_ENC_H264_PROFILE_MAIN_GUID`.
pub const H264_MAIN: GUID = guid(0x60b5c1d4_67fe_4790_94d5_c4726d7b6e6d);
/// `NV_ENC_HEVC_PROFILE_MAIN_GUID`.
pub const HEVC_MAIN: GUID = guid(0xb514c39a_b55b_40fa_878f_f1253b4dfdec);
/// `NV_ENC_AV1_PROFILE_MAIN_GUID`.
pub const AV1_MAIN: GUID = guid(0x5f2a39f5_f14e_4f95_9a9e_b76d568fcf97);
/// `NV_ENC_PRESET_P3_GUID`.
pub const PRESET_P3: GUID = guid(0x36850110_3a07_441f_94d5_3670631f91f6);
/// `NV_ENC_PRESET_P4_GUID`.
pub const PRESET_P4: GUID = guid(0x90a7b826_df06_4862_b9d2_cd6d73a08681);

/// From the digits as they are written.
const fn guid(digits: u128) -> GUID {
    let b = digits.to_be_bytes();
    GUID {
        Data1: u32::from_be_bytes([b[0], b[1], b[2], b[3]]),
        Data2: u16::from_be_bytes([b[4], b[5]]),
        Data3: u16::from_be_bytes([b[6], b[7]]),
        Data4: [b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]],
    }
}
