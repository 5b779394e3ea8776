//! openh264's encoder as a safe type: the few calls that the software encoder needs. The published wrapper has no call
//! for slices, entropy coding and changes of rate, so this module alone lifts the ban on `unsafe`.
#![allow(unsafe_code)]

use crate::Frame;
use openh264_sys2::{
    API, CAMERA_VIDEO_REAL_TIME, CONSTANT_ID, DEBLOCKING_IDC_0, DynamicAPI, ENCODER_OPTION, ENCODER_OPTION_BITRATE,
    ENCODER_OPTION_DATAFORMAT, ENCODER_OPTION_FRAME_RATE, ENCODER_OPTION_GET_STATISTICS, ENCODER_OPTION_MAX_BITRATE,
    ENCODER_OPTION_RC_MODE, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, ENCODER_OPTION_TRACE_LEVEL, ISVCEncoder,
    ISVCEncoderVtbl, LOW_COMPLEXITY, PRO_BASELINE, PRO_MAIN, RC_BITRATE_MODE, RC_OFF_MODE, SBitrateInfo, SEncParamExt,
    SEncoderStatistics, SFrameBSInfo, SLayerBSInfo, SM_FIXEDSLCNUM_SLICE, SM_SINGLE_SLICE, SPATIAL_LAYER_0,
    SPATIAL_LAYER_ALL, SSourcePicture, WELS_LOG_QUIET, videoFormatI420, videoFrameTypeIDR, videoFrameTypeSkip,
};
use std::os::raw::c_int;
use std::ptr;

/// How an encoder is set up.
pub(crate) struct Setup {
    pub width: u32,
    pub height: u32,
    pub level_idc: u8,
    /// Main profile with arithmetic coding instead of the baseline.
    pub main: bool,
    pub bitrate_bps: i32,
    pub frames_per_second: f32,
    /// Slices of a picture, each encoded on a thread.
    pub slices: u16,
}

/// What came of a picture.
pub(crate) enum Encoded<'a> {
    /// Nothing: left out to keep the rate.
    Skipped,
    /// NAL units.
    Picture {
        /// An IDR picture.
        keyframe: bool,
        nals: Nals<'a>,
        /// Of luma, dB, where it was asked for.
        psnr: Option<f32>,
    },
}

/// A running openh264 encoder.
pub(crate) struct Codec {
    encoder: *mut ISVCEncoder,
    api: DynamicAPI,
    info: Box<SFrameBSInfo>,
    params: Box<SEncParamExt>,
}

// SAFETY: openh264 keeps no thread-local state; an encoder may move between threads when calls do not overlap, which
// `&mut self` sees to.
unsafe impl Send for Codec {}

impl Codec {
    /// Starts an encoder. Errors with openh264's own number.
    pub fn start(setup: &Setup) -> Result<Self, c_int> {
        let api = DynamicAPI::from_source();
        let mut encoder = ptr::null_mut();
        // SAFETY: the pointer is written before it is read.
        check(unsafe { api.WelsCreateSVCEncoder(&raw mut encoder) })?;
        if encoder.is_null() {
            return Err(-1);
        }
        // From here on dropping it destroys the encoder.
        let mut codec = Self { encoder, api, info: Box::default(), params: Box::default() };
        codec.set(ENCODER_OPTION_TRACE_LEVEL, &mut { WELS_LOG_QUIET })?;
        let params = codec.params(setup)?;
        let initialize = codec.table().InitializeExt.ok_or(-1)?;
        // SAFETY: a created encoder and parameters that openh264 filled in itself; it copies them.
        check(unsafe { initialize(codec.encoder, &raw const params) })?;
        *codec.params = params;
        codec.set(ENCODER_OPTION_TRACE_LEVEL, &mut { WELS_LOG_QUIET })?;
        codec.set(ENCODER_OPTION_DATAFORMAT, &mut { videoFormatI420 })?;
        Ok(codec)
    }

    fn params(&self, setup: &Setup) -> Result<SEncParamExt, c_int> {
        let mut params = SEncParamExt::default();
        let defaults = self.table().GetDefaultParams.ok_or(-1)?;
        // SAFETY: a created encoder fills in a structure of its own version.
        check(unsafe { defaults(self.encoder, &raw mut params) })?;
        let (width, height) = (setup.width.cast_signed(), setup.height.cast_signed());
        params.iUsageType = CAMERA_VIDEO_REAL_TIME;
        params.iPicWidth = width;
        params.iPicHeight = height;
        params.iRCMode = RC_BITRATE_MODE;
        params.iTargetBitrate = setup.bitrate_bps;
        params.fMaxFrameRate = setup.frames_per_second;
        params.bEnableFrameSkip = false;
        params.eSpsPpsIdStrategy = CONSTANT_ID;
        params.iMultipleThreadIdc = setup.slices;
        params.iComplexityMode = LOW_COMPLEXITY;
        params.bEnableSceneChangeDetect = false;
        params.bEnableBackgroundDetection = false;
        params.bEnableAdaptiveQuant = true;
        params.bEnableLongTermReference = false;
        params.bEnableDenoise = false;
        params.uiIntraPeriod = 0;
        params.iLoopFilterDisableIdc = DEBLOCKING_IDC_0;
        params.iMinQp = 12;
        params.iMaxQp = 50;
        params.iEntropyCodingModeFlag = c_int::from(setup.main);
        params.iSpatialLayerNum = 1;
        params.iTemporalLayerNum = 1;
        let layer = &mut params.sSpatialLayers[0];
        layer.uiProfileIdc = if setup.main { PRO_MAIN } else { PRO_BASELINE };
        layer.uiLevelIdc = i32::from(setup.level_idc);
        layer.iVideoWidth = width;
        layer.iVideoHeight = height;
        layer.fFrameRate = setup.frames_per_second;
        layer.iSpatialBitrate = setup.bitrate_bps;
        layer.iMaxSpatialBitrate = setup.bitrate_bps;
        layer.sSliceArgument.uiSliceMode = if setup.slices > 1 { SM_FIXEDSLCNUM_SLICE } else { SM_SINGLE_SLICE };
        layer.sSliceArgument.uiSliceNum = u32::from(setup.slices);
        // BT.709, limited range.
        layer.bVideoSignalTypePresent = true;
        layer.bColorDescriptionPresent = true;
        layer.bFullRange = false;
        (layer.uiColorPrimaries, layer.uiTransferCharacteristics, layer.uiColorMatrix) = (1, 1, 1);
        Ok(params)
    }

    /// Makes the next picture an IDR picture.
    pub fn force_keyframe(&mut self) -> Result<(), c_int> {
        let force = self.table().ForceIntraFrame.ok_or(-1)?;
        // SAFETY: an initialised encoder.
        check(unsafe { force(self.encoder, true) })
    }

    /// Encodes a frame of the size that was set up. `judge`: how good it is is wanted, too.
    pub fn encode(&mut self, frame: &Frame, time_ms: i64, judge: bool) -> Result<Encoded<'_>, c_int> {
        let encode = self.table().EncodeFrame.ok_or(-1)?;
        let (luma, chroma) = (frame.luma_stride(), frame.chroma_stride());
        // Sizes were checked against openh264's own limits, 3840x2160, before it was set up.
        let stride = |stride: usize| c_int::try_from(stride).unwrap_or(0);
        let source = SSourcePicture {
            iColorFormat: videoFormatI420,
            iStride: [stride(luma), stride(chroma), stride(chroma), 0],
            pData: [
                frame.y().as_ptr().cast_mut(),
                frame.u().as_ptr().cast_mut(),
                frame.v().as_ptr().cast_mut(),
                ptr::null_mut(),
            ],
            iPicWidth: frame.width().cast_signed(),
            iPicHeight: frame.height().cast_signed(),
            uiTimeStamp: time_ms,
            bPsnrY: judge,
            ..SSourcePicture::default()
        };
        // SAFETY: the planes hold width x height and two quarters of it (`Frame::resize`) and live until the call is
        // over; openh264 only reads them (WelsCopy in its preprocessor).
        check(unsafe { encode(self.encoder, &raw const source, self.info.as_mut()) })?;
        Ok(match self.info.eFrameType {
            kind if kind == videoFrameTypeSkip => Encoded::Skipped,
            kind => {
                // Of the slices, which come behind the parameter sets.
                let last =
                    usize::try_from(self.info.iLayerNum - 1).ok().and_then(|last| self.info.sLayerInfo.get(last));
                let psnr = last.map(|layer| layer.rPsnr[0]).filter(|psnr| judge && psnr.is_normal());
                Encoded::Picture { keyframe: kind == videoFrameTypeIDR, nals: Nals(&self.info), psnr }
            }
        })
    }

    /// Moves target and ceiling from one rate to another.
    pub fn set_bitrate(&mut self, old_bps: i32, new_bps: i32) -> Result<(), c_int> {
        self.params.iTargetBitrate = new_bps;
        let layer = &mut self.params.sSpatialLayers[0];
        (layer.iSpatialBitrate, layer.iMaxSpatialBitrate) = (new_bps, new_bps);
        let ceiling = |bps| SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bps };
        // The ceiling may at no moment lie below the target.
        self.set(ENCODER_OPTION_MAX_BITRATE, &mut ceiling(old_bps.max(new_bps)))?;
        self.set(ENCODER_OPTION_BITRATE, &mut SBitrateInfo { iLayer: SPATIAL_LAYER_ALL, iBitrate: new_bps })?;
        self.set(ENCODER_OPTION_MAX_BITRATE, &mut ceiling(new_bps))
    }

    /// The next pictures take this quantizer, whatever they cost; `None`: what the rate allows, which goes on where it
    /// was. Neither costs a keyframe: openh264 takes both over from its parameters as they are (`WelsEncoderParamAdjust`).
    pub fn set_quantizer(&mut self, quantizer: Option<u8>) -> Result<(), c_int> {
        if let Some(quantizer) = quantizer {
            let mut params = *self.params;
            params.iRCMode = RC_OFF_MODE;
            params.sSpatialLayers[0].iDLayerQp = c_int::from(quantizer);
            self.set(ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, &mut params)?;
        }
        self.set(ENCODER_OPTION_RC_MODE, &mut { if quantizer.is_some() { RC_OFF_MODE } else { RC_BITRATE_MODE } })
    }

    /// The quantizer that the rate control gave the last picture, on average.
    pub fn quantizer(&mut self) -> Option<u8> {
        let get = self.table().GetOption?;
        let mut statistics = SEncoderStatistics::default();
        // SAFETY: the type that codec_api.h names for this option; the encoder fills it in and keeps no pointer.
        let status = unsafe { get(self.encoder, ENCODER_OPTION_GET_STATISTICS, (&raw mut statistics).cast()) };
        check(status).ok()?;
        u8::try_from(statistics.uiAverageFrameQP).ok().filter(|quantizer| (1..=51).contains(quantizer))
    }

    /// The frame rate that the rate control works with.
    pub fn set_frame_rate(&mut self, hz: f32) -> Result<(), c_int> {
        (self.params.fMaxFrameRate, self.params.sSpatialLayers[0].fFrameRate) = (hz, hz);
        let mut hz = hz;
        self.set(ENCODER_OPTION_FRAME_RATE, &mut hz)
    }

    fn set<T>(&mut self, option: ENCODER_OPTION, value: &mut T) -> Result<(), c_int> {
        let set = self.table().SetOption.ok_or(-1)?;
        // SAFETY: private to this module, which passes the type that codec_api.h names for each of these options; the
        // encoder copies it before it returns and keeps no pointer.
        check(unsafe { set(self.encoder, option, ptr::from_mut(value).cast()) })
    }

    fn table(&self) -> &ISVCEncoderVtbl {
        // SAFETY: a created encoder begins with a pointer to its table, and both live until `drop`.
        unsafe { &**self.encoder }
    }
}

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: created by `start`, destroyed once; uninitialising one that was never initialised does nothing.
        unsafe {
            if let Some(uninitialize) = self.table().Uninitialize {
                uninitialize(self.encoder);
            }
            self.api.WelsDestroySVCEncoder(self.encoder);
        }
    }
}

/// NAL units of a picture in openh264's own buffers.
pub(crate) struct Nals<'a>(&'a SFrameBSInfo);

impl<'a> Nals<'a> {
    /// The units with their start codes, layer by layer.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        let info = self.0;
        let count = usize::try_from(info.iLayerNum).unwrap_or(0).min(info.sLayerInfo.len());
        info.sLayerInfo[..count].iter().flat_map(units)
    }
}

fn units(layer: &SLayerBSInfo) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    (0..usize::try_from(layer.iNalCount).unwrap_or(0)).map(move |i| {
        // SAFETY: `pNalLengthInByte` has `iNalCount` entries, and `pBsBuf` their sum of bytes; both belong to the
        // encoder and stay until its next call, which the borrow of it rules out.
        unsafe {
            let len = usize::try_from(*layer.pNalLengthInByte.add(i)).unwrap_or(0);
            let unit = std::slice::from_raw_parts(layer.pBsBuf.add(at), len);
            at += len;
            unit
        }
    })
}

fn check(status: c_int) -> Result<(), c_int> {
    if status == 0 { Ok(()) } else { Err(status) }
}
