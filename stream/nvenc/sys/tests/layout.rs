//! The bindings agree with the C header that they came from: sizes, offsets, structure versions, GUIDs and constants of
//! everything that is used. The test needs a C compiler, and Debian's libffmpeg-nvenc-dev for the types of CUDA.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed expectation is what a test reports")]

use rr_nvenc_sys::nvenc::*;
use rr_nvenc_sys::{guids, versions};
use std::fmt::Write;
use std::mem::{offset_of, size_of};
use std::process::Command;

/// Lines of a C program that prints facts, and the same facts as Rust has them.
#[derive(Default)]
struct Facts {
    program: String,
    ours: String,
}

impl Facts {
    fn add(&mut self, name: &str, c: &str, ours: u64) {
        writeln!(self.program, "printf(\"{name} %llu\\n\", (unsigned long long)({c}));").unwrap();
        writeln!(self.ours, "{name} {ours}").unwrap();
    }
}

macro_rules! layouts {
    ($facts:expr; $($name:ident { $($field:ident),* $(,)? })*) => {$(
        $facts.add(concat!(stringify!($name)), concat!("sizeof(", stringify!($name), ")"), size_of::<$name>() as u64);
        $(
            let field = concat!(stringify!($name), ".", stringify!($field));
            let c = concat!("offsetof(", stringify!($name), ", ", stringify!($field), ")");
            $facts.add(field, c, offset_of!($name, $field) as u64);
        )*
    )*};
}

macro_rules! constants {
    ($facts:expr; $($name:ident),* $(,)?) => {$(
        $facts.add(stringify!($name), stringify!($name), u64::from($name));
    )*};
}

#[test]
fn bindings_agree_with_the_header() {
    let mut facts = Facts::default();
    layouts!(facts;
        GUID { Data1, Data2, Data3, Data4 }
        NV_ENC_CAPS_PARAM { version, capsToQuery, reserved }
        NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS { version, deviceType, device, reserved, apiVersion, reserved1, reserved2 }
        NV_ENC_CREATE_INPUT_BUFFER { version, width, height, memoryHeap, bufferFmt, inputBuffer, pSysMemBuffer }
        NV_ENC_CREATE_BITSTREAM_BUFFER { version, size, memoryHeap, bitstreamBuffer, bitstreamBufferPtr }
        NV_ENC_LOCK_INPUT_BUFFER { version, inputBuffer, bufferDataPtr, pitch }
        NV_ENC_LOCK_BITSTREAM {
            version, outputBitstream, sliceOffsets, frameIdx, hwEncodeStatus, numSlices, bitstreamSizeInBytes,
            outputTimeStamp, bitstreamBufferPtr, pictureType, pictureStruct, frameAvgQP,
        }
        NV_ENC_QP { qpInterP, qpInterB, qpIntra }
        NV_ENC_RC_PARAMS {
            version, rateControlMode, constQP, averageBitRate, maxBitRate, vbvBufferSize, vbvInitialDelay, minQP, maxQP,
            initialRCQP, targetQuality, lookaheadDepth, lowDelayKeyFrameScale, qpMapMode, multiPass,
        }
        NV_ENC_CONFIG_H264_VUI_PARAMETERS {
            videoSignalTypePresentFlag, videoFormat, videoFullRangeFlag, colourDescriptionPresentFlag, colourPrimaries,
            transferCharacteristics, colourMatrix, bitstreamRestrictionFlag,
        }
        NV_ENC_CONFIG_H264 {
            level, idrPeriod, entropyCodingMode, intraRefreshPeriod, intraRefreshCnt, maxNumRefFrames, sliceMode,
            sliceModeData, h264VUIParameters, chromaFormatIDC, numRefL0, numRefL1, reserved1, reserved2,
        }
        NV_ENC_CONFIG_HEVC {
            level, tier, idrPeriod, intraRefreshPeriod, intraRefreshCnt, sliceMode, sliceModeData,
            maxTemporalLayersMinus1, hevcVUIParameters, reserved1, reserved2,
        }
        NV_ENC_CONFIG_AV1 {
            level, tier, minPartSize, maxPartSize, idrPeriod, intraRefreshPeriod, intraRefreshCnt, maxNumRefFramesInDPB,
            numTileColumns, numTileRows, tileWidths, tileHeights, maxTemporalLayersMinus1, colorPrimaries,
            transferCharacteristics, matrixCoefficients, colorRange, chromaSamplePosition, useBFramesAsRef,
            filmGrainParams, numFwdRefs, numBwdRefs, reserved1, reserved2,
        }
        NV_ENC_CONFIG { version, profileGUID, gopLength, frameIntervalP, frameFieldMode, rcParams, encodeCodecConfig }
        NV_ENC_PRESET_CONFIG { version, presetCfg }
        NV_ENC_INITIALIZE_PARAMS {
            version, encodeGUID, presetGUID, encodeWidth, encodeHeight, darWidth, darHeight, frameRateNum, frameRateDen,
            enableEncodeAsync, enablePTD, privData, encodeConfig, maxEncodeWidth, maxEncodeHeight, tuningInfo,
            bufferFormat,
        }
        NV_ENC_RECONFIGURE_PARAMS { version, reInitEncodeParams }
        NV_ENC_PIC_PARAMS {
            version, inputWidth, inputHeight, inputPitch, encodePicFlags, frameIdx, inputTimeStamp, inputDuration,
            inputBuffer, outputBitstream, completionEvent, bufferFmt, pictureStruct, pictureType, codecPicParams,
        }
        NV_ENC_EVENT_PARAMS { version, completionEvent }
        NV_ENC_REGISTER_RESOURCE { version, resourceType, width, height, pitch, resourceToRegister, registeredResource }
        NV_ENC_MAP_INPUT_RESOURCE { version, registeredResource, mappedResource, mappedBufferFmt }
        NV_ENCODE_API_FUNCTION_LIST {
            version, nvEncGetEncodeGUIDCount, nvEncGetEncodeGUIDs, nvEncGetEncodeCaps, nvEncInitializeEncoder,
            nvEncCreateInputBuffer, nvEncDestroyInputBuffer, nvEncCreateBitstreamBuffer, nvEncDestroyBitstreamBuffer,
            nvEncEncodePicture, nvEncLockBitstream, nvEncUnlockBitstream, nvEncLockInputBuffer, nvEncUnlockInputBuffer,
            nvEncRegisterAsyncEvent, nvEncUnregisterAsyncEvent, nvEncMapInputResource, nvEncUnmapInputResource,
            nvEncDestroyEncoder, nvEncOpenEncodeSessionEx, nvEncRegisterResource, nvEncUnregisterResource,
            nvEncReconfigureEncoder, nvEncGetLastErrorString, nvEncGetEncodePresetConfigEx,
        }
    );
    constants!(facts;
        NVENCAPI_VERSION, NVENC_INFINITE_GOPLENGTH, NV_ENC_SUCCESS, NV_ENC_ERR_NO_ENCODE_DEVICE,
        NV_ENC_ERR_UNSUPPORTED_DEVICE, NV_ENC_ERR_OUT_OF_MEMORY, NV_ENC_ERR_INVALID_VERSION,
        NV_ENC_ERR_DEVICE_NOT_EXIST, NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY, NV_ENC_ERR_NEED_MORE_INPUT,
        NV_ENC_PARAMS_RC_CBR, NV_ENC_TWO_PASS_QUARTER_RESOLUTION, NV_ENC_BUFFER_FORMAT_IYUV, NV_ENC_PIC_STRUCT_FRAME,
        NV_ENC_PIC_TYPE_IDR, NV_ENC_PIC_FLAG_FORCEIDR, NV_ENC_PIC_FLAG_OUTPUT_SPSPPS, NV_ENC_PIC_FLAG_EOS,
        NV_ENC_DEVICE_TYPE_CUDA, NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY, NV_ENC_TIER_HEVC_MAIN, NV_ENC_LEVEL_HEVC_31,
        NV_ENC_TIER_AV1_0, NV_ENC_LEVEL_AV1_31, NV_ENC_LEVEL_AV1_63, NV_ENC_VUI_COLOR_PRIMARIES_BT709,
        NV_ENC_VUI_TRANSFER_CHARACTERISTIC_BT709, NV_ENC_VUI_MATRIX_COEFFS_BT709,
        NV_ENC_H264_ENTROPY_CODING_MODE_CABAC,
        NV_ENC_H264_ENTROPY_CODING_MODE_CAVLC, NV_ENC_CAPS_WIDTH_MAX, NV_ENC_CAPS_HEIGHT_MAX, NV_ENC_CAPS_WIDTH_MIN,
        NV_ENC_CAPS_HEIGHT_MIN, NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE, NV_ENC_CAPS_SUPPORT_INTRA_REFRESH,
        NV_ENC_CAPS_ASYNC_ENCODE_SUPPORT, NV_ENC_CAPS_SUPPORT_CABAC, NV_ENC_CAPS_NUM_ENCODER_ENGINES,
    );
    for (name, ours) in [
        ("NV_ENC_CAPS_PARAM_VER", versions::CAPS_PARAM),
        ("NV_ENC_CREATE_INPUT_BUFFER_VER", versions::CREATE_INPUT_BUFFER),
        ("NV_ENC_CREATE_BITSTREAM_BUFFER_VER", versions::CREATE_BITSTREAM_BUFFER),
        ("NV_ENC_CONFIG_VER", versions::CONFIG),
        ("NV_ENC_INITIALIZE_PARAMS_VER", versions::INITIALIZE_PARAMS),
        ("NV_ENC_RECONFIGURE_PARAMS_VER", versions::RECONFIGURE_PARAMS),
        ("NV_ENC_PRESET_CONFIG_VER", versions::PRESET_CONFIG),
        ("NV_ENC_PIC_PARAMS_VER", versions::PIC_PARAMS),
        ("NV_ENC_LOCK_BITSTREAM_VER", versions::LOCK_BITSTREAM),
        ("NV_ENC_LOCK_INPUT_BUFFER_VER", versions::LOCK_INPUT_BUFFER),
        ("NV_ENC_MAP_INPUT_RESOURCE_VER", versions::MAP_INPUT_RESOURCE),
        ("NV_ENC_REGISTER_RESOURCE_VER", versions::REGISTER_RESOURCE),
        ("NV_ENC_EVENT_PARAMS_VER", versions::EVENT_PARAMS),
        ("NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER", versions::OPEN_ENCODE_SESSION_EX_PARAMS),
        ("NV_ENCODE_API_FUNCTION_LIST_VER", versions::FUNCTION_LIST),
    ] {
        facts.add(name, &format!("(uint32_t){name}"), ours.into());
    }
    for (name, ours) in [
        ("NV_ENC_CODEC_H264_GUID", guids::CODEC_H264),
        ("NV_ENC_CODEC_HEVC_GUID", guids::CODEC_HEVC),
        ("NV_ENC_CODEC_AV1_GUID", guids::CODEC_AV1),
        ("NV_ENC_H264_PROFILE_BASELINE_GUID", guids::H264_BASELINE),
        ("NV_ENC_H264_PROFILE_MAIN_GUID", guids::H264_MAIN),
        ("NV_ENC_HEVC_PROFILE_MAIN_GUID", guids::HEVC_MAIN),
        ("NV_ENC_AV1_PROFILE_MAIN_GUID", guids::AV1_MAIN),
        ("NV_ENC_PRESET_P3_GUID", guids::PRESET_P3),
        ("NV_ENC_PRESET_P4_GUID", guids::PRESET_P4),
    ] {
        facts.add(name, &format!("{name}.Data1"), ours.Data1.into());
        facts.add(name, &format!("{name}.Data2"), ours.Data2.into());
        facts.add(name, &format!("{name}.Data3"), ours.Data3.into());
        for (i, byte) in ours.Data4.into_iter().enumerate() {
            facts.add(name, &format!("{name}.Data4[{i}]"), byte.into());
        }
    }
    assert_eq!(run("encoder", &facts.program), facts.ours);
}

/// What the C program prints.
fn run(name: &str, body: &str) -> String {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let (source, program) = (format!("{folder}/{name}_layout.c"), format!("{folder}/{name}_layout"));
    let head = "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <nvEncodeAPI.h>\n\
                #include <ffnvcodec/dynlink_cuda.h>\n";
    std::fs::write(&source, format!("{head}int main(void) {{\n{body}return 0;\n}}\n")).unwrap();
    let cc = Command::new("cc")
        .args(["-w", "-o", &program, &source, "-I"])
        .arg(rr_nvenc_double::headers())
        .output()
        .expect("a C compiler");
    let complaint = String::from_utf8_lossy(&cc.stderr);
    assert!(cc.status.success(), "is libffmpeg-nvenc-dev installed? (tools/install.sh test)\n{complaint}");
    let out = Command::new(&program).output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout).unwrap()
}

/// Structures of cuda.h, whose names here are others.
#[test]
fn external_memory_agrees_with_the_header() {
    use rr_nvenc_sys::cuda::{MemoryBufferDesc, MemoryHandleDesc, SemaphoreHandleDesc, SemaphoreWaitParams, external};
    let mut facts = Facts::default();
    macro_rules! named {
        ($($c:literal = $name:ident { $($field:ident = $c_field:literal),* })*) => {$(
            facts.add($c, concat!("sizeof(", $c, ")"), size_of::<$name>() as u64);
            $(
                let c = concat!("offsetof(", $c, ", ", $c_field, ")");
                facts.add(concat!($c, ".", $c_field), c, offset_of!($name, $field) as u64);
            )*
        )*};
    }
    named! {
        "CUDA_EXTERNAL_MEMORY_HANDLE_DESC" = MemoryHandleDesc {
            kind = "type", handle = "handle.fd", size = "size", flags = "flags", reserved = "reserved"
        }
        "CUDA_EXTERNAL_MEMORY_BUFFER_DESC" = MemoryBufferDesc {
            offset = "offset", size = "size", flags = "flags", reserved = "reserved"
        }
        "CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC" = SemaphoreHandleDesc {
            kind = "type", handle = "handle.win32.handle", flags = "flags", reserved = "reserved"
        }
        "CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS" = SemaphoreWaitParams {
            value = "params.fence.value", flags = "flags", reserved = "reserved"
        }
    }
    facts.add("memory", "CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD", external::MEMORY.into());
    facts.add("fence", "CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD", external::TIMELINE_SEMAPHORE.into());
    facts.add("uuid", "sizeof(CUuuid)", 16);
    facts.add("pointer", "sizeof(CUdeviceptr)", 8);
    assert_eq!(run("memory", &facts.program), facts.ours);
}

#[test]
fn a_library_that_is_not_there_is_told() {
    let missing = rr_nvenc_sys::Nvenc::load("/nowhere/libnvidia-encode.so.1").unwrap_err().to_string();
    assert!(missing.contains("/nowhere/libnvidia-encode.so.1 cannot be opened"), "{missing}");
    // The C library is a library, but no encoder.
    let other = rr_nvenc_sys::cuda::Cuda::load("libc.so.6").unwrap_err().to_string();
    assert_eq!(other, "the driver's library has no function cuInit");
}
