/*
 * AV1 of the test double: checks what a driver is told of it, and encodes with libaom, which is found when the test runs,
 * so that only tests of AV1 load it.
 *
 * What libaom does otherwise than a card: its rate control has a memory of its own, so that the quantizer of each picture is
 * found here. The level in the sequence header is written over, because libaom says the lowest that fits and a driver the one
 * that it was told.
 */
#include "nvenc_double_av1.h"
#include <aom/aom_encoder.h>
#include <aom/aomcx.h>
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct av1 {
  aom_codec_ctx_t codec;
  aom_codec_enc_cfg_t config;
  int open, width, height;
  double frame_bits; /* a picture's share of the rate */
  double debt;       /* bits taken beyond that */
  double quantizer;  /* 0 to 63 */
  uint32_t level;
  int64_t number;
};

/* The functions that are used, by their own names. */
static struct {
  __typeof__(&aom_codec_av1_cx) cx;
  __typeof__(&aom_codec_enc_config_default) defaults;
  __typeof__(&aom_codec_enc_init_ver) init;
  __typeof__(&aom_codec_enc_config_set) configure;
  __typeof__(&aom_codec_control) control;
  __typeof__(&aom_codec_encode) encode;
  __typeof__(&aom_codec_get_cx_data) data;
  __typeof__(&aom_codec_destroy) destroy;
} aom;

static int found(void) {
  if (aom.cx) return 1;
  void *library = dlopen("libaom.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!library) return 0;
#define FIND(field, symbol) if (!(aom.field = (__typeof__(aom.field))dlsym(library, #symbol))) return 0
  FIND(defaults, aom_codec_enc_config_default);
  FIND(init, aom_codec_enc_init_ver);
  FIND(configure, aom_codec_enc_config_set);
  FIND(control, aom_codec_control);
  FIND(encode, aom_codec_encode);
  FIND(data, aom_codec_get_cx_data);
  FIND(destroy, aom_codec_destroy);
  FIND(cx, aom_codec_av1_cx);
  return 1;
}

const char *av1_refuses(const NV_ENC_CONFIG *config) {
  const NV_ENC_CONFIG_AV1 *a = &config->encodeCodecConfig.av1Config;
  const GUID main_profile = NV_ENC_AV1_PROFILE_MAIN_GUID;
  for (size_t i = 0; i < sizeof a->reserved1 / sizeof *a->reserved1; i++)
    if (a->reserved1[i]) return "reserved numbers are set in av1Config";
  for (size_t i = 0; i < sizeof a->reserved2 / sizeof *a->reserved2; i++)
    if (a->reserved2[i]) return "reserved pointers are set in av1Config";
  if (a->reserved) return "reserved bits are set in av1Config";
  if (memcmp(&config->profileGUID, &main_profile, sizeof main_profile)) return "profile";
  if (a->idrPeriod != NVENC_INFINITE_GOPLENGTH) return "keyframes that nobody asks for";
  if (!a->repeatSeqHdr || a->disableSeqHdr || a->outputAnnexBFormat || a->enableBitstreamPadding)
    return "sequence headers, form or padding";
  if (a->enableTimingInfo || a->enableDecoderModelInfo || a->enableFrameIdNumbers) return "what nobody reads";
  if (a->chromaFormatIDC != 1 || a->pixelBitDepthMinus8 || a->inputPixelBitDepthMinus8) return "samples";
  if (a->tier != NV_ENC_TIER_AV1_0 || a->level < NV_ENC_LEVEL_AV1_31 || a->level > NV_ENC_LEVEL_AV1_63)
    return "tier or level";
  if (a->enableIntraRefresh && (!a->intraRefreshCnt || a->intraRefreshCnt >= a->intraRefreshPeriod))
    return "intra refresh";
  if (a->enableCustomTileConfig || a->tileWidths || a->tileHeights || a->numTileColumns > 64 || a->numTileRows > 64)
    return "tiles";
  if (a->enableFilmGrainParams || a->filmGrainParams) return "film grain";
  if (a->useBFramesAsRef || a->maxTemporalLayersMinus1) return "order of pictures";
  return NULL;
}

/* The quantizer of the next picture, after one took so many bits. */
static void control_rate(struct av1 *av1, double bits) {
  av1->debt += bits - av1->frame_bits;
  /* What was taken half a second ago is forgotten. */
  if (av1->debt > av1->frame_bits * 8) av1->debt = av1->frame_bits * 8;
  if (av1->debt < -av1->frame_bits * 8) av1->debt = -av1->frame_bits * 8;
  double wanted = av1->frame_bits - av1->debt / 8;
  if (wanted < av1->frame_bits / 4) wanted = av1->frame_bits / 4;
  /* Back in small steps: grain takes all of its bits or none, with few quantizers between. */
  double step = 2 * log2((bits + 1) / wanted);
  av1->quantizer += step > 5 ? 5 : step < -1.5 ? -1.5 : step;
  av1->quantizer = av1->quantizer > 63 ? 63 : av1->quantizer < 6 ? 6 : av1->quantizer;
}

struct av1 *av1_start(const NV_ENC_INITIALIZE_PARAMS *init, const NV_ENC_CONFIG *config) {
  if (!found()) return NULL;
  const NV_ENC_CONFIG_AV1 *a = &config->encodeCodecConfig.av1Config;
  struct av1 *av1 = calloc(1, sizeof *av1);
  aom_codec_enc_cfg_t *c = &av1->config;
  aom.defaults(aom.cx(), c, AOM_USAGE_REALTIME);
  av1->width = (int)init->encodeWidth;
  av1->height = (int)init->encodeHeight;
  c->g_w = init->encodeWidth;
  c->g_h = init->encodeHeight;
  c->g_threads = 1;
  c->g_timebase.num = 1;
  c->g_timebase.den = 30;
  c->g_lag_in_frames = 0;
  c->kf_mode = AOM_KF_DISABLED;
  c->rc_end_usage = AOM_Q;
  c->rc_min_quantizer = c->rc_max_quantizer = 30;
  av1->level = a->level;
  av1->quantizer = 30;
  av1_set_rate(av1, config->rcParams.averageBitRate, (float)init->frameRateNum / (float)init->frameRateDen);
  av1->open = !aom.init(&av1->codec, aom.cx(), c, 0, AOM_ENCODER_ABI_VERSION);
  const struct { int id, value; } settings[] = {
    {AOME_SET_CPUUSED, 9},
    {AV1E_SET_AQ_MODE, 0},
    {AV1E_SET_COLOR_PRIMARIES, (int)a->colorPrimaries},
    {AV1E_SET_TRANSFER_CHARACTERISTICS, (int)a->transferCharacteristics},
    {AV1E_SET_MATRIX_COEFFICIENTS, (int)a->matrixCoefficients},
    {AV1E_SET_COLOR_RANGE, (int)a->colorRange},
    {AV1E_SET_CHROMA_SAMPLE_POSITION, (int)a->chromaSamplePosition},
    {AV1E_SET_ENABLE_PALETTE, 0},
    {AV1E_SET_ENABLE_GLOBAL_MOTION, 0},
  };
  for (size_t i = 0; av1->open && i < sizeof settings / sizeof *settings; i++)
    if (aom.control(&av1->codec, settings[i].id, settings[i].value)) {
      av1_stop(av1);
      return NULL;
    }
  if (!av1->open) {
    av1_stop(av1);
    return NULL;
  }
  return av1;
}

void av1_stop(struct av1 *av1) {
  if (!av1) return;
  if (av1->open) aom.destroy(&av1->codec);
  free(av1);
}

void av1_set_rate(struct av1 *av1, uint32_t bits, float frames_per_second) {
  av1->frame_bits = (double)bits / (double)frames_per_second;
  av1->debt = 0;
}

static unsigned bit(const unsigned char *bytes, size_t at) { return bytes[at / 8] >> (7 - at % 8) & 1; }

static void put_bit(unsigned char *bytes, size_t at, unsigned value) {
  bytes[at / 8] = (unsigned char)((bytes[at / 8] & ~(0x80 >> at % 8)) | value << (7 - at % 8));
}

/* Where `seq_level_idx` begins: after profile, still and reduced flags, timing, display delay, the number of operating
 * points, which is 1, and its layers. */
#define LEVEL_AT 24

/*
 * Copies a sequence header with another level. Levels above 7 have a bit for the tier behind them and others none, so that
 * everything that follows may lie one bit further. Returns the new length; its last byte may be all padding.
 */
static size_t with_level(const unsigned char *from, size_t length, uint32_t level, unsigned char *to) {
  unsigned old = 0;
  for (size_t i = 0; i < 5; i++) old = old << 1 | bit(from, LEVEL_AT + i);
  memcpy(to, from, LEVEL_AT / 8);
  memset(to + LEVEL_AT / 8, 0, length + 1 - LEVEL_AT / 8);
  size_t read = LEVEL_AT + 5 + (old > 7), write = LEVEL_AT;
  for (int i = 4; i >= 0; i--) put_bit(to, write++, level >> i & 1);
  if (level > 7) put_bit(to, write++, 0);
  while (read < length * 8) put_bit(to, write++, bit(from, read++));
  return (write + 7) / 8;
}

/* Copies a temporal unit, its sequence header with the level that was told. Returns its length, or 0. */
static size_t copy_unit(struct av1 *av1, const unsigned char *from, size_t length, unsigned char *out, size_t capacity) {
  size_t at = 0, size = 0;
  while (at < length) {
    size_t head = at, body = 0, shift = 0;
    int kind = from[at] >> 3 & 15, extension = from[at] >> 2 & 1;
    if (!(from[at] & 2)) return 0;
    at += 1 + (size_t)extension;
    do {
      body |= (size_t)(from[at] & 0x7f) << shift;
      shift += 7;
    } while (from[at++] & 0x80);
    if (at + body > length || size + (at - head) + body + 1 > capacity) return 0;
    if (kind == 1) {
      /* Short enough for one byte of length. */
      size_t written = with_level(from + at, body, av1->level, out + size + 2);
      out[size] = from[head];
      out[size + 1] = (unsigned char)written;
      size += 2 + written;
    } else {
      memcpy(out + size, from + head, at - head + body);
      size += at - head + body;
    }
    at += body;
  }
  return size;
}

int av1_encode(struct av1 *av1, unsigned char *const planes[3], int pitch, int force_key, unsigned char *out,
               size_t capacity, size_t *size, int *key) {
  aom_image_t image = {0};
  image.fmt = AOM_IMG_FMT_I420;
  image.bit_depth = 8;
  image.w = image.d_w = (unsigned)av1->width;
  image.h = image.d_h = (unsigned)av1->height;
  image.x_chroma_shift = image.y_chroma_shift = 1;
  image.bps = 12;
  for (int i = 0; i < 3; i++) image.planes[i] = planes[i], image.stride[i] = i ? pitch / 2 : pitch;
  unsigned quantizer = (unsigned)(av1->quantizer + 0.5);
  av1->config.rc_min_quantizer = av1->config.rc_max_quantizer = quantizer;
  if (aom.configure(&av1->codec, &av1->config)) return 1;
  if (aom.control(&av1->codec, AOME_SET_CQ_LEVEL, quantizer)) return 1;
  if (aom.encode(&av1->codec, &image, av1->number++, 1, force_key ? AOM_EFLAG_FORCE_KF : 0)) return 1;
  *size = 0;
  *key = 0;
  aom_codec_iter_t next = NULL;
  const aom_codec_cx_pkt_t *packet;
  while ((packet = aom.data(&av1->codec, &next))) {
    if (packet->kind != AOM_CODEC_CX_FRAME_PKT) continue;
    /* One picture in, one out. */
    if (*size) return 1;
    *size = copy_unit(av1, packet->data.frame.buf, packet->data.frame.sz, out, capacity);
    *key = (packet->data.frame.flags & AOM_FRAME_IS_KEY) != 0;
  }
  if (!*size) return 1;
  control_rate(av1, (double)*size * 8);
  return 0;
}
