/*
 * HEVC of the test double: checks what a driver is told of it, and encodes with Debian's x265, which is found when the
 * test runs (x265 is under the GPL: nothing of the product is linked to it or comes with it).
 *
 * What x265 does otherwise than a card: one slice whatever was asked for, because it holds pictures back when there are
 * more. Its rate does not change while it runs, so that the quantizer of each picture is found here. The level in the parameter sets is written over, because
 * x265 says the lowest that fits and a driver the one that it was told.
 */
#include "nvenc_double_hevc.h"
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <x265.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

struct hevc {
  const x265_api *api;
  x265_encoder *encoder;
  x265_param *param;
  x265_picture *picture;
  double frame_bits; /* a picture's share of the rate */
  double debt;       /* bits taken beyond that */
  double quantizer;
  uint32_t level;
  int64_t number;
};

static const x265_api *api(void) {
  static const x265_api *found;
  if (!found) {
    void *library = dlopen("libx265.so." TEXT(X265_BUILD), RTLD_NOW | RTLD_LOCAL);
    if (!library) return NULL;
    typedef const x265_api *(*get)(int);
    get of = (get)dlsym(library, "x265_api_get_" TEXT(X265_BUILD));
    found = of ? of(8) : NULL;
  }
  return found;
}

const char *hevc_refuses(const NV_ENC_CONFIG *config) {
  const NV_ENC_CONFIG_HEVC *h = &config->encodeCodecConfig.hevcConfig;
  const GUID main_profile = NV_ENC_HEVC_PROFILE_MAIN_GUID;
  for (size_t i = 0; i < sizeof h->reserved1 / sizeof *h->reserved1; i++)
    if (h->reserved1[i]) return "reserved numbers are set in hevcConfig";
  for (size_t i = 0; i < sizeof h->reserved2 / sizeof *h->reserved2; i++)
    if (h->reserved2[i]) return "reserved pointers are set in hevcConfig";
  if (h->reserved) return "reserved bits are set in hevcConfig";
  if (memcmp(&config->profileGUID, &main_profile, sizeof main_profile)) return "profile";
  if (h->idrPeriod != NVENC_INFINITE_GOPLENGTH) return "keyframes that nobody asks for";
  if (!h->repeatSPSPPS || h->disableSPSPPS || h->outputAUD || h->enableFillerDataInsertion)
    return "parameter sets, delimiters or filler";
  if (h->outputBufferingPeriodSEI || h->outputPictureTimingSEI) return "messages that nobody reads";
  if (h->chromaFormatIDC != 1 || h->pixelBitDepthMinus8) return "samples";
  if (h->tier != NV_ENC_TIER_HEVC_MAIN || h->level < NV_ENC_LEVEL_HEVC_31 || h->level > NV_ENC_LEVEL_HEVC_62)
    return "tier or level";
  if (h->enableIntraRefresh && (!h->intraRefreshCnt || h->intraRefreshCnt >= h->intraRefreshPeriod))
    return "intra refresh";
  if (h->sliceMode != 3 || h->sliceModeData < 1 || h->sliceModeData > 32) return "slices";
  if (h->useBFramesAsRef || h->enableLTR || h->maxTemporalLayersMinus1) return "order of pictures";
  return NULL;
}

/* The quantizer of the next picture, after one took so many bits: six steps halve the bits, more or less. */
static void control(struct hevc *hevc, double bits) {
  hevc->debt += bits - hevc->frame_bits;
  /* What was taken half a second ago is forgotten. */
  if (hevc->debt > hevc->frame_bits * 8) hevc->debt = hevc->frame_bits * 8;
  if (hevc->debt < -hevc->frame_bits * 8) hevc->debt = -hevc->frame_bits * 8;
  double wanted = hevc->frame_bits - hevc->debt / 8;
  if (wanted < hevc->frame_bits / 4) wanted = hevc->frame_bits / 4;
  double step = 5 * log2((bits + 1) / wanted);
  hevc->quantizer += step > 8 ? 8 : step < -8 ? -8 : step;
  hevc->quantizer = hevc->quantizer > 51 ? 51 : hevc->quantizer < 10 ? 10 : hevc->quantizer;
}

struct hevc *hevc_start(const NV_ENC_INITIALIZE_PARAMS *init, const NV_ENC_CONFIG *config) {
  const x265_api *x = api();
  if (!x) return NULL;
  const NV_ENC_CONFIG_HEVC *h = &config->encodeCodecConfig.hevcConfig;
  const NV_ENC_CONFIG_HEVC_VUI_PARAMETERS *v = &h->hevcVUIParameters;
  struct hevc *hevc = calloc(1, sizeof *hevc);
  x265_param *p = x->param_alloc();
  hevc->api = x;
  hevc->param = p;
  x->param_default_preset(p, "ultrafast", "zerolatency");
  p->logLevel = X265_LOG_NONE;
  p->sourceWidth = (int)init->encodeWidth;
  p->sourceHeight = (int)init->encodeHeight;
  p->internalCsp = X265_CSP_I420;
  p->fpsNum = init->frameRateNum;
  p->fpsDenom = init->frameRateDen;
  p->frameNumThreads = 1;
  p->numaPools = "none";
  p->bEnableWavefront = 0;
  p->maxCUSize = 16;
  p->minCUSize = 8;
  p->keyframeMax = -1;
  p->bOpenGOP = 0;
  p->scenecutThreshold = 0;
  p->bframes = 0;
  p->lookaheadDepth = 0;
  p->maxNumReferences = 1;
  p->bRepeatHeaders = 1;
  p->bAnnexB = 1;
  p->bEmitInfoSEI = 0;
  p->bEnableAccessUnitDelimiters = 0;
  p->vui.bEnableVideoSignalTypePresentFlag = (int)v->videoSignalTypePresentFlag;
  p->vui.videoFormat = (int)v->videoFormat;
  p->vui.bEnableVideoFullRangeFlag = (int)v->videoFullRangeFlag;
  p->vui.bEnableColorDescriptionPresentFlag = (int)v->colourDescriptionPresentFlag;
  p->vui.colorPrimaries = (int)v->colourPrimaries;
  p->vui.transferCharacteristics = (int)v->transferCharacteristics;
  p->vui.matrixCoeffs = (int)v->colourMatrix;
  p->rc.rateControlMode = X265_RC_CQP;
  p->rc.qp = 30;
  p->rc.aqMode = X265_AQ_NONE;
  x->param_apply_profile(p, "main");
  hevc->level = h->level;
  hevc->quantizer = 28;
  hevc_set_rate(hevc, config->rcParams.averageBitRate, (float)init->frameRateNum / (float)init->frameRateDen);
  hevc->encoder = x->encoder_open(p);
  hevc->picture = x->picture_alloc();
  if (!hevc->encoder) {
    hevc_stop(hevc);
    return NULL;
  }
  return hevc;
}

void hevc_stop(struct hevc *hevc) {
  if (!hevc) return;
  if (hevc->encoder) hevc->api->encoder_close(hevc->encoder);
  if (hevc->picture) hevc->api->picture_free(hevc->picture);
  hevc->api->param_free(hevc->param);
  free(hevc);
}

void hevc_set_rate(struct hevc *hevc, uint32_t bits, float frames_per_second) {
  hevc->frame_bits = (double)bits / (double)frames_per_second;
  hevc->debt = 0;
}

/* Writes `general_level_idc` over: the byte `at` of the payload, not counting emulation prevention. */
static void write_level(unsigned char *payload, size_t length, size_t at, uint32_t level) {
  int zeros = 0;
  for (size_t i = 0; i < length; i++) {
    if (zeros >= 2 && payload[i] == 3) {
      zeros = 0;
      continue;
    }
    if (!at--) {
      payload[i] = (unsigned char)level;
      return;
    }
    zeros = payload[i] ? 0 : zeros + 1;
  }
}

int hevc_encode(struct hevc *hevc, unsigned char *const planes[3], int pitch, int force_idr, unsigned char *out,
                size_t capacity, size_t *size, int *idr) {
  x265_picture *in = hevc->picture, coded;
  x265_nal *nals = NULL;
  uint32_t count = 0;
  hevc->api->picture_init(hevc->param, in);
  for (int i = 0; i < 3; i++) in->planes[i] = planes[i], in->stride[i] = i ? pitch / 2 : pitch;
  in->bitDepth = 8;
  in->colorSpace = X265_CSP_I420;
  in->pts = hevc->number++;
  in->forceqp = (int)(hevc->quantizer + 0.5) + 1;
  in->sliceType = force_idr || in->pts == 0 ? X265_TYPE_IDR : X265_TYPE_P;
  hevc->api->picture_init(hevc->param, &coded);
  if (hevc->api->encoder_encode(hevc->encoder, &nals, &count, in, &coded) != 1) return 1;
  *size = 0;
  *idr = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (*size + nals[i].sizeBytes > capacity) return 1;
    unsigned char *nal = out + *size;
    memcpy(nal, nals[i].payload, nals[i].sizeBytes);
    *size += nals[i].sizeBytes;
    /* After the start code and two bytes of header. */
    size_t head = (nal[2] ? 3 : 4) + 2;
    if (nals[i].type == NAL_UNIT_VPS) write_level(nal + head, nals[i].sizeBytes - head, 15, hevc->level);
    if (nals[i].type == NAL_UNIT_SPS) write_level(nal + head, nals[i].sizeBytes - head, 12, hevc->level);
    if (nals[i].type == NAL_UNIT_CODED_SLICE_IDR_W_RADL || nals[i].type == NAL_UNIT_CODED_SLICE_IDR_N_LP) *idr = 1;
  }
  control(hevc, (double)*size * 8);
  return 0;
}
