//! Changes of rate while openh264 runs. The safe wrapper has no call for them, so this module alone lifts the ban on
//! `unsafe`.
#![allow(unsafe_code)]

use openh264::encoder::Encoder;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_FRAME_RATE, ENCODER_OPTION_MAX_BITRATE,
    ENCODER_OPTION_TRACE_LEVEL, SBitrateInfo, SPATIAL_LAYER_0, SPATIAL_LAYER_ALL, WELS_LOG_QUIET,
};
use std::os::raw::c_int;

/// Moves the target and the ceiling of an initialised encoder from one rate to another. Errors with openh264's own
/// number.
pub(crate) fn set_bitrate(encoder: &mut Encoder, old_bps: i32, new_bps: i32) -> Result<(), c_int> {
    let ceiling = |bps| SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bps };
    // The ceiling may at no moment lie below the target.
    set(encoder, ENCODER_OPTION_MAX_BITRATE, &mut ceiling(old_bps.max(new_bps)))?;
    set(encoder, ENCODER_OPTION_BITRATE, &mut SBitrateInfo { iLayer: SPATIAL_LAYER_ALL, iBitrate: new_bps })?;
    set(encoder, ENCODER_OPTION_MAX_BITRATE, &mut ceiling(new_bps))
}

/// Keeps openh264 from writing to stderr; the wrapper does so only after the first words are out.
pub(crate) fn silence(encoder: &mut Encoder) -> Result<(), c_int> {
    let mut level: c_int = WELS_LOG_QUIET;
    set(encoder, ENCODER_OPTION_TRACE_LEVEL, &mut level)
}

/// Sets the frame rate that the rate control of an initialised encoder works with.
pub(crate) fn set_frame_rate(encoder: &mut Encoder, hz: f32) -> Result<(), c_int> {
    let mut hz = hz;
    set(encoder, ENCODER_OPTION_FRAME_RATE, &mut hz)
}

fn set<T>(encoder: &mut Encoder, option: ENCODER_OPTION, value: &mut T) -> Result<(), c_int> {
    // SAFETY: private to this module, which passes the type that codec_api.h names for each of these options; the
    // encoder copies it before it returns and keeps no pointer. The wrapper relies on none of these options.
    let status = unsafe { encoder.raw_api().set_option(option, std::ptr::from_mut(value).cast()) };
    if status == 0 { Ok(()) } else { Err(status) }
}
