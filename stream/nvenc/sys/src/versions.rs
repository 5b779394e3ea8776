//! Versions that structures carry: macros with arguments, which bindgen does not translate.

use crate::nvenc::NVENCAPI_VERSION;

/// `NVENCAPI_STRUCT_VERSION`.
const fn version(number: u32) -> u32 {
    NVENCAPI_VERSION | number << 16 | 0x7 << 28
}

const EXTENDED: u32 = 1 << 31;

/// `NV_ENC_CAPS_PARAM_VER`.
pub const CAPS_PARAM: u32 = version(1);
/// `NV_ENC_CREATE_INPUT_BUFFER_VER`.
pub const CREATE_INPUT_BUFFER: u32 = version(1);
/// `NV_ENC_CREATE_BITSTREAM_BUFFER_VER`.
pub const CREATE_BITSTREAM_BUFFER: u32 = version(1);
/// `NV_ENC_CONFIG_VER`.
pub const CONFIG: u32 = version(8) | EXTENDED;
/// `NV_ENC_INITIALIZE_PARAMS_VER`.
pub const INITIALIZE_PARAMS: u32 = version(6) | EXTENDED;
/// `NV_ENC_RECONFIGURE_PARAMS_VER`.
pub const RECONFIGURE_PARAMS: u32 = version(1) | EXTENDED;
/// `NV_ENC_PRESET_CONFIG_VER`.
pub const PRESET_CONFIG: u32 = version(4) | EXTENDED;
/// `NV_ENC_PIC_PARAMS_VER`.
pub const PIC_PARAMS: u32 = version(6) | EXTENDED;
/// `NV_ENC_LOCK_BITSTREAM_VER`.
pub const LOCK_BITSTREAM: u32 = version(1) | EXTENDED;
/// `NV_ENC_LOCK_INPUT_BUFFER_VER`.
pub const LOCK_INPUT_BUFFER: u32 = version(1);
/// `NV_ENC_MAP_INPUT_RESOURCE_VER`.
pub const MAP_INPUT_RESOURCE: u32 = version(4);
/// `NV_ENC_REGISTER_RESOURCE_VER`.
pub const REGISTER_RESOURCE: u32 = version(4);
/// `NV_ENC_EVENT_PARAMS_VER`.
pub const EVENT_PARAMS: u32 = version(1);
/// `NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER`.
pub const OPEN_ENCODE_SESSION_EX_PARAMS: u32 = version(1);
/// `NV_ENCODE_API_FUNCTION_LIST_VER`.
pub const FUNCTION_LIST: u32 = version(2);
