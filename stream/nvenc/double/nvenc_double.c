/*
 * A TEST DOUBLE of NVIDIA's encoder library and of the few CUDA functions that an encoder needs. It is no part of the
 * product: tests load it in the place of the driver's libraries, because few machines have a card.
 *
 * It is compiled against NVIDIA's own header, checks what a driver checks and what a driver forgives (structure
 * versions, reserved bytes, the order of calls, states of buffers, the current context, leaks), and encodes with
 * openh264, HEVC with x265 (nvenc_double_hevc.c) and AV1 with libaom (nvenc_double_av1.c). Every misuse is counted and
 * described (nvenc_double_faults).
 *
 * It plays what goes wrong with real cards when it is told to (nvenc_double_set, or the environment):
 *   NVENC_DOUBLE_NO_DEVICE=1        there is no card
 *   NVENC_DOUBLE_DEVICES=n          there are n of them; the last byte of their numbers counts
 *   NVENC_DOUBLE_NO_ENCODER=1       the card has no encoder, as data-centre cards
 *   NVENC_DOUBLE_NO_HEVC=1          the card makes no HEVC
 *   NVENC_DOUBLE_NO_AV1=1           the card makes no AV1, as those before Ada
 *   NVENC_DOUBLE_MAX_SESSIONS=n     the driver's cap
 *   NVENC_DOUBLE_API_VERSION=10.0   the newest interface that the driver knows
 *   NVENC_DOUBLE_FAIL=call:n:status from the n-th use of a call on, it answers with this status
 *   NVENC_DOUBLE_LOSE_AFTER=n       the device is gone after n pictures
 *   NVENC_DOUBLE_NO_RESIZE=1        the card cannot change its size while it runs
 *   NVENC_DOUBLE_MIN=wxh, NVENC_DOUBLE_MAX=wxh   sizes that the card takes
 *   NVENC_DOUBLE_UUID=hex           the card's number, so that another interface draws on "the same card"
 *
 * Memory of other interfaces is imported as on a real card, where it is a file that can be mapped: Mesa's software
 * rasterizer exports files with a header (NVENC_DOUBLE_FAIL names the CUDA functions as well). Semaphores are files that
 * hold a number of 64 bits; whoever waits for one that was not reached has made a mistake, since waiting would never end.
 */
#include "nvenc_double_av1.h"
#include "nvenc_double_hevc.h"
#include <ffnvcodec/dynlink_cuda.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wels/codec_api.h>

#define EXPORT __attribute__((visibility("default")))

/* ---- settings and faults ------------------------------------------------------------------------------------- */

static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
static struct { char name[40]; char value[64]; } g_settings[16];
static int g_setting_count;
static int g_fault_count;
static char g_faults[4096];
static int g_contexts, g_sessions, g_buffers, g_pictures, g_reconfigured, g_imports, g_shared;
static struct { char call[40]; int uses; } g_uses[64];
static __thread void *g_current[8];
static __thread int g_depth;

static const char *setting(const char *name) {
  for (int i = 0; i < g_setting_count; i++)
    if (!strcmp(g_settings[i].name, name)) return g_settings[i].value[0] ? g_settings[i].value : NULL;
  return getenv(name);
}

EXPORT void nvenc_double_set(const char *name, const char *value) {
  pthread_mutex_lock(&g_lock);
  int i = 0;
  while (i < g_setting_count && strcmp(g_settings[i].name, name)) i++;
  if (i == g_setting_count && i < 16) g_setting_count++;
  if (i < 16) {
    snprintf(g_settings[i].name, sizeof g_settings[i].name, "%s", name);
    snprintf(g_settings[i].value, sizeof g_settings[i].value, "%s", value);
  }
  pthread_mutex_unlock(&g_lock);
}

/* Forgets settings, faults and counts; what is open stays open. */
EXPORT void nvenc_double_reset(void) {
  pthread_mutex_lock(&g_lock);
  g_setting_count = g_fault_count = g_pictures = g_reconfigured = g_shared = 0;
  g_faults[0] = 0;
  memset(g_uses, 0, sizeof g_uses);
  pthread_mutex_unlock(&g_lock);
}

EXPORT int nvenc_double_faults(char *text, size_t size) {
  pthread_mutex_lock(&g_lock);
  snprintf(text, size, "%s", g_faults);
  int count = g_fault_count;
  pthread_mutex_unlock(&g_lock);
  return count;
}

/* Contexts, sessions and buffers that are open, what was done since the last reset; memory and semaphores that are
 * imported, and pictures that were encoded where they lay. */
EXPORT void nvenc_double_counts(int counts[7]) {
  pthread_mutex_lock(&g_lock);
  counts[0] = g_contexts, counts[1] = g_sessions, counts[2] = g_buffers, counts[3] = g_pictures;
  counts[4] = g_reconfigured, counts[5] = g_imports, counts[6] = g_shared;
  pthread_mutex_unlock(&g_lock);
}

static void fault(const char *format, ...) {
  size_t used = strlen(g_faults);
  va_list args;
  va_start(args, format);
  g_fault_count++;
  if (used + 2 < sizeof g_faults) {
    vsnprintf(g_faults + used, sizeof g_faults - used - 1, format, args);
    strcat(g_faults, "\n");
  }
  va_end(args);
}

static int all_zero(const void *bytes, size_t size) {
  const unsigned char *b = bytes;
  for (size_t i = 0; i < size; i++)
    if (b[i]) return 0;
  return 1;
}

#define ZERO(call, field) \
  do { if (!all_zero(&(field), sizeof(field))) fault("%s: reserved bytes are set in " #field, call); } while (0)

/* The status that a test asked for, after it was used often enough. */
static NVENCSTATUS told_to_fail(const char *call) {
  int uses = 0;
  for (int i = 0; i < 64; i++) {
    if (!g_uses[i].call[0]) snprintf(g_uses[i].call, sizeof g_uses[i].call, "%s", call);
    if (!strcmp(g_uses[i].call, call)) { uses = ++g_uses[i].uses; break; }
  }
  const char *fail = setting("NVENC_DOUBLE_FAIL"), *lose = setting("NVENC_DOUBLE_LOSE_AFTER");
  char which[40];
  int from, status;
  if (fail && sscanf(fail, "%39[^:]:%d:%d", which, &from, &status) == 3 && !strcmp(which, call) && uses >= from)
    return status;
  if (lose && g_pictures >= atoi(lose)) return NV_ENC_ERR_DEVICE_NOT_EXIST;
  return NV_ENC_SUCCESS;
}

/* ---- CUDA ---------------------------------------------------------------------------------------------------- */

struct context { int magic; int sessions; int imports; };
#define CONTEXT 0xc0da

EXPORT CUresult cuInit(unsigned int flags) {
  if (flags) fault("cuInit: flags");
  return setting("NVENC_DOUBLE_NO_DEVICE") ? 100 : CUDA_SUCCESS;
}
EXPORT CUresult cuDriverGetVersion(int *version) { *version = 11040; return CUDA_SUCCESS; }
static int devices(void) {
  const char *count = setting("NVENC_DOUBLE_DEVICES");
  return setting("NVENC_DOUBLE_NO_DEVICE") ? 0 : count ? atoi(count) : 1;
}
EXPORT CUresult cuDeviceGetCount(int *count) { *count = devices(); return CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  *device = ordinal;
  return ordinal < 0 || ordinal >= devices() ? 101 : CUDA_SUCCESS;
}
EXPORT CUresult cuDeviceGetName(char *name, int len, CUdevice device) {
  if (device >= devices()) fault("cuDeviceGetName: no such device");
  snprintf(name, (size_t)len, "Test double of a card");
  return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxCreate_v2(CUcontext *context, unsigned int flags, CUdevice device) {
  (void)flags;
  if (device >= devices()) return 101;
  struct context *c = calloc(1, sizeof *c);
  c->magic = CONTEXT;
  pthread_mutex_lock(&g_lock);
  g_contexts++;
  pthread_mutex_unlock(&g_lock);
  *context = (CUcontext)c;
  g_current[g_depth++] = c;
  return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxDestroy_v2(CUcontext context) {
  struct context *c = (struct context *)context;
  pthread_mutex_lock(&g_lock);
  if (c->magic != CONTEXT) fault("cuCtxDestroy: no context");
  if (c->sessions) fault("cuCtxDestroy: %d sessions still use the context", c->sessions);
  if (c->imports) fault("cuCtxDestroy: %d imports were not given back", c->imports);
  g_contexts--;
  pthread_mutex_unlock(&g_lock);
  c->magic = 0;
  free(c);
  return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) {
  if (g_depth == 8) { fault("cuCtxPushCurrent: never popped"); return 999; }
  g_current[g_depth++] = context;
  return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  if (!g_depth) { fault("cuCtxPopCurrent: nothing was pushed"); return 201; }
  g_depth--;
  if (context) *context = g_current[g_depth];
  return CUDA_SUCCESS;
}

/* ---- memory and semaphores of others --------------------------------------------------------------------------- */

struct import { int magic; struct context *of; unsigned char *file, *bytes; size_t file_size, size; int mapped, used; };
#define MEMORY 0x3e3017
#define SEMAPHORE 0x5e3a
static struct import *g_mapped[64];

/* Begins each of the calls below: the lock is held from here to DONE. */
#define BEGIN(call) \
  pthread_mutex_lock(&g_lock); \
  CUresult status = CUDA_SUCCESS; \
  const char *name = call; \
  struct context *context = g_depth ? g_current[g_depth - 1] : NULL; \
  if (!context) { fault("%s: no context is current", name); status = 201; goto out; } \
  if ((status = (CUresult)told_to_fail(call))) goto out
#define NO(...) do { fault(__VA_ARGS__); status = 1; goto out; } while (0)
#define DONE out: pthread_mutex_unlock(&g_lock); return status

EXPORT CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
  const char *text = setting("NVENC_DOUBLE_UUID");
  if (device >= devices()) return 101;
  memset(uuid, 0xd0, sizeof *uuid);
  for (unsigned i = 0, byte; text && i < sizeof uuid->bytes && sscanf(text + 2 * i, "%2x", &byte) == 1; i++)
    uuid->bytes[i] = (char)byte;
  /* The one that draws is the last, so that whoever takes the first is wrong. */
  uuid->bytes[15] = (char)(uuid->bytes[15] + devices() - 1 - device);
  return CUDA_SUCCESS;
}

static struct import *import_file(struct context *context, int magic, int fd) {
  struct stat about;
  if (fstat(fd, &about)) return NULL;
  unsigned char *file = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (file == MAP_FAILED) return NULL;
  struct import *i = calloc(1, sizeof *i);
  i->magic = magic, i->of = context, i->file = i->bytes = file, i->file_size = i->size = (size_t)about.st_size;
  context->imports++;
  g_imports++;
  /* As the driver does: the descriptor is its own now. */
  close(fd);
  return i;
}

static CUresult drop_import(struct context *context, struct import *i, int magic) {
  if (i->magic != magic || i->of != context || i->mapped || i->used) {
    fault("an import is destroyed that is none, of another context, or in use");
    return 1;
  }
  munmap(i->file, i->file_size);
  i->magic = 0;
  free(i);
  context->imports--;
  g_imports--;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuImportExternalMemory(CUexternalMemory *memory, const CUDA_EXTERNAL_MEMORY_HANDLE_DESC *desc) {
  BEGIN("cuImportExternalMemory");
  ZERO(name, desc->reserved);
  if (desc->type != CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD || desc->flags > 1) NO("%s: type or flags", name);
  struct import *i = import_file(context, MEMORY, desc->handle.fd);
  if (!i) { status = 999; goto out; }
  /* Mesa's header: length of the file, and where the memory begins in it. */
  uint64_t head[2];
  memcpy(head, i->file, sizeof head);
  uint64_t start = head[0] == i->file_size && head[1] < i->file_size ? head[1] : 0;
  if (start + desc->size > i->file_size) {
    drop_import(context, i, MEMORY);
    NO("%s: the memory is shorter", name);
  }
  i->bytes = i->file + start, i->size = desc->size;
  *memory = (CUexternalMemory)i;
  DONE;
}

EXPORT CUresult cuDestroyExternalMemory(CUexternalMemory memory) {
  pthread_mutex_lock(&g_lock);
  CUresult status = drop_import(g_depth ? g_current[g_depth - 1] : NULL, (struct import *)memory, MEMORY);
  pthread_mutex_unlock(&g_lock);
  return status;
}

EXPORT CUresult cuExternalMemoryGetMappedBuffer(
    CUdeviceptr *pointer, CUexternalMemory memory, const CUDA_EXTERNAL_MEMORY_BUFFER_DESC *desc) {
  BEGIN("cuExternalMemoryGetMappedBuffer");
  struct import *i = (struct import *)memory;
  ZERO(name, desc->reserved);
  if (i->magic != MEMORY || i->of != context || i->mapped) NO("%s: no such memory", name);
  if (desc->flags || desc->offset || desc->size != i->size) NO("%s: not all of it", name);
  unsigned slot = 0;
  while (slot < 64 && g_mapped[slot]) slot++;
  if (slot == 64) { status = 2; goto out; }
  g_mapped[slot] = i;
  i->mapped = 1;
  *pointer = (CUdeviceptr)(uintptr_t)i->bytes;
  DONE;
}

static struct import *mapped_at(CUdeviceptr pointer) {
  for (unsigned slot = 0; slot < 64; slot++)
    if (g_mapped[slot] && (CUdeviceptr)(uintptr_t)g_mapped[slot]->bytes == pointer) return g_mapped[slot];
  return NULL;
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr pointer) {
  pthread_mutex_lock(&g_lock);
  struct import *i = mapped_at(pointer);
  CUresult status = i ? CUDA_SUCCESS : 1;
  if (!i) fault("cuMemFree: not mapped");
  if (i && i->used) fault("cuMemFree: the encoder still has it");
  for (unsigned slot = 0; slot < 64; slot++)
    if (i && g_mapped[slot] == i) g_mapped[slot] = NULL;
  if (i) i->mapped = 0;
  pthread_mutex_unlock(&g_lock);
  return status;
}

EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  BEGIN("cuMemcpyDtoH");
  struct import *i = mapped_at(from);
  if (!i || i->of != context || bytes > i->size) NO("%s: not that much memory there", name);
  memcpy(to, i->bytes, bytes);
  DONE;
}

EXPORT CUresult cuImportExternalSemaphore(
    CUexternalSemaphore *semaphore, const CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC *desc) {
  BEGIN("cuImportExternalSemaphore");
  ZERO(name, desc->reserved);
  if (desc->type != CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD || desc->flags) NO("%s: type", name);
  struct import *i = import_file(context, SEMAPHORE, desc->handle.fd);
  if (!i) { status = 999; goto out; }
  *semaphore = (CUexternalSemaphore)i;
  DONE;
}

EXPORT CUresult cuDestroyExternalSemaphore(CUexternalSemaphore semaphore) {
  pthread_mutex_lock(&g_lock);
  CUresult status = drop_import(g_depth ? g_current[g_depth - 1] : NULL, (struct import *)semaphore, SEMAPHORE);
  pthread_mutex_unlock(&g_lock);
  return status;
}

EXPORT CUresult cuWaitExternalSemaphoresAsync(const CUexternalSemaphore *semaphores,
    const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS *params, unsigned int count, CUstream stream) {
  BEGIN("cuWaitExternalSemaphoresAsync");
  struct import *i = (struct import *)semaphores[0];
  ZERO(name, params->reserved);
  if (count != 1 || stream || params->flags || i->magic != SEMAPHORE || i->of != context) NO("%s: arguments", name);
  uint64_t reached;
  memcpy(&reached, i->bytes, sizeof reached);
  if (reached < params->params.fence.value)
    NO("%s: %llu was not reached", name, (unsigned long long)params->params.fence.value);
  DONE;
}

/* ---- sessions ------------------------------------------------------------------------------------------------ */

enum kind { INPUT = 0x1491, OUTPUT = 0x0471, REGISTERED = 0x5eed };

struct session;
struct buffer {
  enum kind kind;
  struct session *of;
  struct buffer *next;
  uint32_t width, height, pitch;
  int locked, full;
  struct import *import; /* of registered memory, which is locked while it is mapped */
  size_t size, capacity;
  unsigned char *bytes;
  int idr;
  uint64_t time;
};

struct session {
  int magic;
  struct context *context;
  struct buffer *buffers;
  int initialised;
  NV_ENC_INITIALIZE_PARAMS init;
  NV_ENC_CONFIG config;
  ISVCEncoder *codec;
  struct hevc *hevc;
  struct av1 *av1;
  char error[160];
};
#define SESSION 0x5e5510

static NVENCSTATUS bad(struct session *s, NVENCSTATUS status, const char *format, ...) {
  char text[160];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  snprintf(s->error, sizeof s->error, "%s", text);
  fault("%s", text);
  return status;
}

/* Every call but opening begins so; the lock is held from here to LEAVE. */
#define ENTER(call) \
  struct session *s = encoder; \
  pthread_mutex_lock(&g_lock); \
  NVENCSTATUS status = NV_ENC_SUCCESS; \
  const char *name __attribute__((unused)) = call; \
  if (!s || s->magic != SESSION) { fault(call ": no session"); status = NV_ENC_ERR_INVALID_ENCODERDEVICE; goto out; } \
  if (!g_depth || g_current[g_depth - 1] != (void *)s->context) fault(call ": the context is not current"); \
  if ((status = told_to_fail(call))) goto out
#define FAIL(...) do { status = bad(s, __VA_ARGS__); goto out; } while (0)
#define VERSION(p, wanted) \
  do { if ((p)->version != (wanted)) FAIL(NV_ENC_ERR_INVALID_VERSION, "%s: version %x", name, (p)->version); } while (0)
#define LEAVE out: pthread_mutex_unlock(&g_lock); return status

static void size_setting(const char *name, int *width, int *height) {
  const char *text = setting(name);
  if (text) sscanf(text, "%dx%d", width, height);
}

static int same(GUID a, GUID b) { return !memcmp(&a, &b, sizeof a); }

static uint32_t known_version(void) {
  unsigned major = NVENCAPI_MAJOR_VERSION, minor = NVENCAPI_MINOR_VERSION;
  const char *text = setting("NVENC_DOUBLE_API_VERSION");
  if (text) sscanf(text, "%u.%u", &major, &minor);
  return major << 4 | minor;
}

static NVENCSTATUS open_session(NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS *params, void **encoder) {
  pthread_mutex_lock(&g_lock);
  NVENCSTATUS status = told_to_fail("nvEncOpenEncodeSessionEx");
  const char *cap = setting("NVENC_DOUBLE_MAX_SESSIONS");
  struct context *c = params->device;
  if (status) {
  } else if (params->version != NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER || params->apiVersion != NVENCAPI_VERSION) {
    fault("open: version");
    status = NV_ENC_ERR_INVALID_VERSION;
  } else if (params->deviceType != NV_ENC_DEVICE_TYPE_CUDA || !c || c->magic != CONTEXT) {
    fault("open: no CUDA context");
    status = NV_ENC_ERR_INVALID_DEVICE;
  } else if (setting("NVENC_DOUBLE_NO_ENCODER")) {
    status = NV_ENC_ERR_UNSUPPORTED_DEVICE;
  } else if (cap && g_sessions >= atoi(cap)) {
    status = NV_ENC_ERR_OUT_OF_MEMORY;
  } else {
    ZERO("open", params->reserved1);
    ZERO("open", params->reserved2);
    struct session *s = calloc(1, sizeof *s);
    s->magic = SESSION;
    s->context = c;
    c->sessions++;
    g_sessions++;
    *encoder = s;
  }
  pthread_mutex_unlock(&g_lock);
  return status;
}

/* What the card makes. */
static uint32_t made(GUID list[3]) {
  uint32_t count = 0;
  list[count++] = NV_ENC_CODEC_H264_GUID;
  if (!setting("NVENC_DOUBLE_NO_HEVC")) list[count++] = NV_ENC_CODEC_HEVC_GUID;
  if (!setting("NVENC_DOUBLE_NO_AV1")) list[count++] = NV_ENC_CODEC_AV1_GUID;
  return count;
}

static NVENCSTATUS guid_count(void *encoder, uint32_t *count) {
  ENTER("nvEncGetEncodeGUIDCount");
  GUID all[3];
  *count = made(all);
  LEAVE;
}

static NVENCSTATUS guids(void *encoder, GUID *list, uint32_t size, uint32_t *count) {
  ENTER("nvEncGetEncodeGUIDs");
  GUID all[3];
  uint32_t most = made(all);
  *count = size < most ? size : most;
  memcpy(list, all, *count * sizeof(GUID));
  LEAVE;
}

static NVENCSTATUS caps(void *encoder, GUID codec, NV_ENC_CAPS_PARAM *param, int *value) {
  ENTER("nvEncGetEncodeCaps");
  (void)codec;
  VERSION(param, NV_ENC_CAPS_PARAM_VER);
  ZERO(name, param->reserved);
  int least_width = 16, least_height = 16, most_width = 3840, most_height = 2160;
  size_setting("NVENC_DOUBLE_MIN", &least_width, &least_height);
  size_setting("NVENC_DOUBLE_MAX", &most_width, &most_height);
  switch (param->capsToQuery) {
    case NV_ENC_CAPS_WIDTH_MIN: *value = least_width; break;
    case NV_ENC_CAPS_HEIGHT_MIN: *value = least_height; break;
    case NV_ENC_CAPS_WIDTH_MAX: *value = most_width; break;
    case NV_ENC_CAPS_HEIGHT_MAX: *value = most_height; break;
    case NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE: *value = !setting("NVENC_DOUBLE_NO_RESIZE"); break;
    case NV_ENC_CAPS_SUPPORT_INTRA_REFRESH: *value = 1; break;
    case NV_ENC_CAPS_SUPPORT_CABAC: *value = 1; break;
    case NV_ENC_CAPS_NUM_ENCODER_ENGINES: *value = 1; break;
    default: *value = 0;
  }
  LEAVE;
}

static NVENCSTATUS preset(void *encoder, GUID codec, GUID preset, NV_ENC_TUNING_INFO tuning, NV_ENC_PRESET_CONFIG *out) {
  ENTER("nvEncGetEncodePresetConfigEx");
  VERSION(out, NV_ENC_PRESET_CONFIG_VER);
  if (out->presetCfg.version != NV_ENC_CONFIG_VER) FAIL(NV_ENC_ERR_INVALID_VERSION, "preset: inner version");
  int hevc = same(codec, NV_ENC_CODEC_HEVC_GUID), av1 = same(codec, NV_ENC_CODEC_AV1_GUID);
  if (!hevc && !av1 && !same(codec, NV_ENC_CODEC_H264_GUID)) FAIL(NV_ENC_ERR_UNSUPPORTED_PARAM, "preset: codec");
  if (!same(preset, NV_ENC_PRESET_P3_GUID) && !same(preset, NV_ENC_PRESET_P4_GUID))
    FAIL(NV_ENC_ERR_UNSUPPORTED_PARAM, "preset: none of the low-latency ones");
  if (tuning != NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY) FAIL(NV_ENC_ERR_INVALID_PARAM, "preset: tuning");
  memset(&out->presetCfg, 0, sizeof out->presetCfg);
  out->presetCfg.version = NV_ENC_CONFIG_VER;
  out->presetCfg.profileGUID = NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID;
  out->presetCfg.gopLength = 30; /* so that whoever forgets to set it gets keyframes */
  out->presetCfg.frameIntervalP = 1;
  out->presetCfg.frameFieldMode = NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;
  out->presetCfg.rcParams.version = NV_ENC_RC_PARAMS_VER;
  if (hevc) {
    out->presetCfg.encodeCodecConfig.hevcConfig.idrPeriod = 30;
    out->presetCfg.encodeCodecConfig.hevcConfig.pixelBitDepthMinus8 = 2;
  } else if (av1) {
    out->presetCfg.encodeCodecConfig.av1Config.idrPeriod = 30;
    out->presetCfg.encodeCodecConfig.av1Config.pixelBitDepthMinus8 = 2;
    out->presetCfg.encodeCodecConfig.av1Config.level = NV_ENC_LEVEL_AV1_AUTOSELECT;
  } else {
    out->presetCfg.encodeCodecConfig.h264Config.idrPeriod = 30;
    out->presetCfg.encodeCodecConfig.h264Config.chromaFormatIDC = 1;
  }
  LEAVE;
}

static void stop_codec(struct session *s) {
  hevc_stop(s->hevc);
  av1_stop(s->av1);
  s->hevc = NULL;
  s->av1 = NULL;
  if (!s->codec) return;
  (*s->codec)->Uninitialize(s->codec);
  WelsDestroySVCEncoder(s->codec);
  s->codec = NULL;
}

static float rate(const NV_ENC_INITIALIZE_PARAMS *init) { return (float)init->frameRateNum / (float)init->frameRateDen; }

/* What a stream of ours must be, and what a driver would refuse. */
static NVENCSTATUS check_params(struct session *s, const char *call, const NV_ENC_INITIALIZE_PARAMS *p) {
#define REFUSE(...) return bad(s, NV_ENC_ERR_INVALID_PARAM, __VA_ARGS__)
  if (p->version != NV_ENC_INITIALIZE_PARAMS_VER) return bad(s, NV_ENC_ERR_INVALID_VERSION, "%s: version", call);
  const NV_ENC_CONFIG *c = p->encodeConfig;
  if (!c) REFUSE("%s: no config", call);
  if (c->version != NV_ENC_CONFIG_VER || c->rcParams.version != NV_ENC_RC_PARAMS_VER)
    return bad(s, NV_ENC_ERR_INVALID_VERSION, "%s: version of the config", call);
  int least_width = 16, least_height = 16, most_width = 3840, most_height = 2160;
  size_setting("NVENC_DOUBLE_MIN", &least_width, &least_height);
  size_setting("NVENC_DOUBLE_MAX", &most_width, &most_height);
  if ((int)p->encodeWidth < least_width || (int)p->encodeHeight < least_height || (int)p->encodeWidth > most_width ||
      (int)p->encodeHeight > most_height)
    REFUSE("%s: %ux%u", call, p->encodeWidth, p->encodeHeight);
  if (p->maxEncodeWidth && (p->encodeWidth > p->maxEncodeWidth || p->encodeHeight > p->maxEncodeHeight))
    REFUSE("%s: larger than the maximum that was named", call);
  if (!p->frameRateNum || !p->frameRateDen || p->darWidth != p->encodeWidth || p->darHeight != p->encodeHeight)
    REFUSE("%s: frame rate or aspect", call);
  if (p->enableEncodeAsync) REFUSE("%s: asynchronous mode is for Windows", call);
  if (!p->enablePTD || p->privData || p->privDataSize) REFUSE("%s: picture types or private data", call);
  if (p->tuningInfo != NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY) REFUSE("%s: tuning", call);
  ZERO(call, p->reserved);
  ZERO(call, p->reserved2);
  ZERO(call, c->reserved);
  ZERO(call, c->reserved2);
  ZERO(call, c->rcParams.reserved);
  if (c->rcParams.reserved2 || c->rcParams.reservedBitField1 || c->rcParams.reservedBitFields)
    REFUSE("%s: reserved bits of the rate control", call);
  if (p->reservedBitFields) REFUSE("%s: reserved bits", call);
  if (c->gopLength != NVENC_INFINITE_GOPLENGTH) REFUSE("%s: keyframes that nobody asks for", call);
  if (c->frameIntervalP != 1) REFUSE("%s: B frames", call);
  const NV_ENC_RC_PARAMS *r = &c->rcParams;
  if (r->rateControlMode != NV_ENC_PARAMS_RC_CBR || !r->averageBitRate || r->maxBitRate != r->averageBitRate)
    REFUSE("%s: rate control", call);
  double frame_bits = r->averageBitRate / rate(p);
  if (r->vbvBufferSize < frame_bits * 0.95 || r->vbvBufferSize > frame_bits * 1.05)
    REFUSE("%s: the buffer of %u bits is not that of one frame", call, r->vbvBufferSize);
  if (!r->zeroReorderDelay || r->enableLookahead) REFUSE("%s: delay", call);
  if (same(p->encodeGUID, NV_ENC_CODEC_HEVC_GUID)) {
    const char *wrong = hevc_refuses(c);
    if (wrong) REFUSE("%s: %s", call, wrong);
    return NV_ENC_SUCCESS;
  }
  if (same(p->encodeGUID, NV_ENC_CODEC_AV1_GUID)) {
    const char *wrong = av1_refuses(c);
    if (wrong) REFUSE("%s: %s", call, wrong);
    return NV_ENC_SUCCESS;
  }
  ZERO(call, c->encodeCodecConfig.h264Config.reserved1);
  ZERO(call, c->encodeCodecConfig.h264Config.reserved2);
  if (!same(p->encodeGUID, NV_ENC_CODEC_H264_GUID)) REFUSE("%s: codec", call);
  const NV_ENC_CONFIG_H264 *h = &c->encodeCodecConfig.h264Config;
  int main_profile = same(c->profileGUID, NV_ENC_H264_PROFILE_MAIN_GUID);
  if (!main_profile && !same(c->profileGUID, NV_ENC_H264_PROFILE_BASELINE_GUID)) REFUSE("%s: profile", call);
  if (!main_profile && h->entropyCodingMode == NV_ENC_H264_ENTROPY_CODING_MODE_CABAC)
    REFUSE("%s: baseline has no CABAC", call);
  if (h->idrPeriod != NVENC_INFINITE_GOPLENGTH) REFUSE("%s: keyframes that nobody asks for", call);
  if (!h->repeatSPSPPS || h->disableSPSPPS || h->outputAUD || h->enableFillerDataInsertion)
    REFUSE("%s: parameter sets, delimiters or filler", call);
  if (h->enableIntraRefresh && (!h->intraRefreshCnt || h->intraRefreshCnt >= h->intraRefreshPeriod))
    REFUSE("%s: intra refresh", call);
  if (h->sliceMode != 3 || h->sliceModeData < 1 || h->sliceModeData > 32) REFUSE("%s: slices", call);
  return NV_ENC_SUCCESS;
#undef REFUSE
}

static NVENCSTATUS start_codec(struct session *s) {
  stop_codec(s);
  if (same(s->init.encodeGUID, NV_ENC_CODEC_HEVC_GUID)) {
    s->hevc = hevc_start(&s->init, &s->config);
    return s->hevc ? NV_ENC_SUCCESS : bad(s, NV_ENC_ERR_GENERIC, "x265 does not start: is libx265-199 installed?");
  }
  if (same(s->init.encodeGUID, NV_ENC_CODEC_AV1_GUID)) {
    s->av1 = av1_start(&s->init, &s->config);
    return s->av1 ? NV_ENC_SUCCESS : bad(s, NV_ENC_ERR_GENERIC, "libaom does not start: is libaom3 installed?");
  }
  if (WelsCreateSVCEncoder(&s->codec) || !s->codec) return NV_ENC_ERR_GENERIC;
  int quiet = WELS_LOG_QUIET, format = videoFormatI420;
  (*s->codec)->SetOption(s->codec, ENCODER_OPTION_TRACE_LEVEL, &quiet);
  SEncParamExt p;
  (*s->codec)->GetDefaultParams(s->codec, &p);
  const NV_ENC_CONFIG_H264 *h = &s->config.encodeCodecConfig.h264Config;
  const NV_ENC_CONFIG_H264_VUI_PARAMETERS *v = &h->h264VUIParameters;
  int main_profile = same(s->config.profileGUID, NV_ENC_H264_PROFILE_MAIN_GUID);
  p.iUsageType = CAMERA_VIDEO_REAL_TIME;
  p.iPicWidth = (int)s->init.encodeWidth;
  p.iPicHeight = (int)s->init.encodeHeight;
  p.iRCMode = RC_BITRATE_MODE;
  p.iTargetBitrate = (int)s->config.rcParams.averageBitRate;
  p.fMaxFrameRate = rate(&s->init);
  p.bEnableFrameSkip = false;
  p.bEnableSceneChangeDetect = false;
  p.bEnableBackgroundDetection = false;
  p.eSpsPpsIdStrategy = CONSTANT_ID;
  p.iMultipleThreadIdc = 1;
  p.iComplexityMode = LOW_COMPLEXITY;
  p.uiIntraPeriod = 0;
  p.iMinQp = 12;
  p.iMaxQp = 50;
  p.iEntropyCodingModeFlag = main_profile && h->entropyCodingMode == NV_ENC_H264_ENTROPY_CODING_MODE_CABAC;
  p.iSpatialLayerNum = p.iTemporalLayerNum = 1;
  SSpatialLayerConfig *l = &p.sSpatialLayers[0];
  l->uiProfileIdc = main_profile ? PRO_MAIN : PRO_BASELINE;
  l->uiLevelIdc = (ELevelIdc)h->level;
  l->iVideoWidth = p.iPicWidth;
  l->iVideoHeight = p.iPicHeight;
  l->fFrameRate = p.fMaxFrameRate;
  l->iSpatialBitrate = l->iMaxSpatialBitrate = p.iTargetBitrate;
  l->sSliceArgument.uiSliceMode = h->sliceModeData > 1 ? SM_FIXEDSLCNUM_SLICE : SM_SINGLE_SLICE;
  l->sSliceArgument.uiSliceNum = h->sliceModeData;
  l->bVideoSignalTypePresent = v->videoSignalTypePresentFlag;
  l->bColorDescriptionPresent = v->colourDescriptionPresentFlag;
  l->bFullRange = v->videoFullRangeFlag;
  l->uiVideoFormat = (unsigned char)v->videoFormat;
  l->uiColorPrimaries = (unsigned char)v->colourPrimaries;
  l->uiTransferCharacteristics = (unsigned char)v->transferCharacteristics;
  l->uiColorMatrix = (unsigned char)v->colourMatrix;
  if ((*s->codec)->InitializeExt(s->codec, &p)) return NV_ENC_ERR_GENERIC;
  (*s->codec)->SetOption(s->codec, ENCODER_OPTION_TRACE_LEVEL, &quiet);
  (*s->codec)->SetOption(s->codec, ENCODER_OPTION_DATAFORMAT, &format);
  return NV_ENC_SUCCESS;
}

static void take_over(struct session *s, const NV_ENC_INITIALIZE_PARAMS *params) {
  s->init = *params;
  s->config = *params->encodeConfig;
  s->init.encodeConfig = NULL;
}

static NVENCSTATUS initialise(void *encoder, NV_ENC_INITIALIZE_PARAMS *params) {
  ENTER("nvEncInitializeEncoder");
  if (s->initialised) FAIL(NV_ENC_ERR_INVALID_CALL, "initialised twice");
  if ((status = check_params(s, "initialise", params))) goto out;
  take_over(s, params);
  s->initialised = 1;
  status = start_codec(s);
  LEAVE;
}

static NVENCSTATUS reconfigure(void *encoder, NV_ENC_RECONFIGURE_PARAMS *params) {
  ENTER("nvEncReconfigureEncoder");
  VERSION(params, NV_ENC_RECONFIGURE_PARAMS_VER);
  const NV_ENC_INITIALIZE_PARAMS *p = &params->reInitEncodeParams;
  if (!s->initialised) FAIL(NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "reconfigured before it was initialised");
  if ((status = check_params(s, "reconfigure", p))) goto out;
  if (p->maxEncodeWidth != s->init.maxEncodeWidth || p->maxEncodeHeight != s->init.maxEncodeHeight ||
      !same(p->encodeGUID, s->init.encodeGUID) || !same(p->presetGUID, s->init.presetGUID) || !same(p->encodeConfig->profileGUID, s->config.profileGUID))
    FAIL(NV_ENC_ERR_INVALID_PARAM, "reconfigure: what cannot change while it runs");
  int resized = p->encodeWidth != s->init.encodeWidth || p->encodeHeight != s->init.encodeHeight;
  if (resized && setting("NVENC_DOUBLE_NO_RESIZE")) FAIL(NV_ENC_ERR_UNSUPPORTED_PARAM, "reconfigure: size");
  if (resized && (!params->resetEncoder || !params->forceIDR)) FAIL(NV_ENC_ERR_INVALID_PARAM, "a new size needs an IDR");
  if (!resized && (params->resetEncoder || params->forceIDR)) FAIL(NV_ENC_ERR_INVALID_PARAM, "a new rate needs no IDR");
  float old_rate = rate(&s->init);
  uint32_t old_bits = s->config.rcParams.averageBitRate;
  take_over(s, p);
  g_reconfigured++;
  if (resized) { status = start_codec(s); goto out; }
  float new_rate = rate(&s->init);
  int bits = (int)s->config.rcParams.averageBitRate;
  if (s->hevc) {
    hevc_set_rate(s->hevc, (uint32_t)bits, new_rate);
    goto out;
  }
  if (s->av1) {
    av1_set_rate(s->av1, (uint32_t)bits, new_rate);
    goto out;
  }
  SBitrateInfo ceiling = {SPATIAL_LAYER_0, bits > (int)old_bits ? bits : (int)old_bits}, target = {SPATIAL_LAYER_ALL, bits};
  (*s->codec)->SetOption(s->codec, ENCODER_OPTION_MAX_BITRATE, &ceiling);
  (*s->codec)->SetOption(s->codec, ENCODER_OPTION_BITRATE, &target);
  ceiling.iBitrate = bits;
  (*s->codec)->SetOption(s->codec, ENCODER_OPTION_MAX_BITRATE, &ceiling);
  if (new_rate != old_rate) (*s->codec)->SetOption(s->codec, ENCODER_OPTION_FRAME_RATE, &new_rate);
  LEAVE;
}

/* ---- buffers ------------------------------------------------------------------------------------------------- */

static struct buffer *add_buffer(struct session *s, enum kind kind, size_t capacity) {
  struct buffer *b = calloc(1, sizeof *b);
  b->kind = kind;
  b->of = s;
  b->capacity = capacity;
  b->bytes = malloc(capacity);
  b->next = s->buffers;
  s->buffers = b;
  g_buffers++;
  return b;
}

static struct buffer *find(struct session *s, void *pointer, enum kind kind) {
  for (struct buffer *b = s->buffers; b; b = b->next)
    if (b == pointer && b->kind == kind) return b;
  return NULL;
}

static NVENCSTATUS create_input(void *encoder, NV_ENC_CREATE_INPUT_BUFFER *params) {
  ENTER("nvEncCreateInputBuffer");
  VERSION(params, NV_ENC_CREATE_INPUT_BUFFER_VER);
  ZERO(name, params->reserved1);
  if (!s->initialised) FAIL(NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "input buffer before initialising");
  if (params->bufferFmt != NV_ENC_BUFFER_FORMAT_IYUV) FAIL(NV_ENC_ERR_UNSUPPORTED_PARAM, "input buffer: format");
  /* As drivers do: rows are longer than the picture. */
  uint32_t pitch = (params->width + 63) / 64 * 64 + 64;
  struct buffer *b = add_buffer(s, INPUT, (size_t)pitch * params->height * 3 / 2);
  b->width = params->width, b->height = params->height, b->pitch = pitch;
  params->inputBuffer = b;
  LEAVE;
}

static NVENCSTATUS create_output(void *encoder, NV_ENC_CREATE_BITSTREAM_BUFFER *params) {
  ENTER("nvEncCreateBitstreamBuffer");
  VERSION(params, NV_ENC_CREATE_BITSTREAM_BUFFER_VER);
  ZERO(name, params->reserved1);
  if (!s->initialised) FAIL(NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "output buffer before initialising");
  params->bitstreamBuffer = add_buffer(s, OUTPUT, 8 << 20);
  LEAVE;
}

static NVENCSTATUS destroy_buffer(struct session *s, void *pointer, enum kind kind) {
  for (struct buffer **at = &s->buffers; *at; at = &(*at)->next) {
    struct buffer *b = *at;
    if (b != pointer || b->kind != kind) continue;
    if (b->locked) fault("a locked buffer is destroyed");
    *at = b->next;
    if (b->import) b->import->used--;
    else free(b->bytes);
    free(b);
    g_buffers--;
    return NV_ENC_SUCCESS;
  }
  return bad(s, NV_ENC_ERR_INVALID_PTR, "a buffer is destroyed that is not there");
}

/* Tearing down works on a lost device, too. */
#define ENTER_END(call) \
  struct session *s = encoder; \
  pthread_mutex_lock(&g_lock); \
  NVENCSTATUS status = NV_ENC_SUCCESS; \
  if (!s || s->magic != SESSION) { fault(call ": no session"); status = NV_ENC_ERR_INVALID_ENCODERDEVICE; goto out; } \
  if (!g_depth || g_current[g_depth - 1] != (void *)s->context) fault(call ": the context is not current")

static NVENCSTATUS destroy_input(void *encoder, NV_ENC_INPUT_PTR pointer) {
  ENTER_END("nvEncDestroyInputBuffer");
  status = destroy_buffer(s, pointer, INPUT);
  LEAVE;
}

static NVENCSTATUS destroy_output(void *encoder, NV_ENC_OUTPUT_PTR pointer) {
  ENTER_END("nvEncDestroyBitstreamBuffer");
  status = destroy_buffer(s, pointer, OUTPUT);
  LEAVE;
}

static NVENCSTATUS lock_input(void *encoder, NV_ENC_LOCK_INPUT_BUFFER *params) {
  ENTER("nvEncLockInputBuffer");
  VERSION(params, NV_ENC_LOCK_INPUT_BUFFER_VER);
  struct buffer *b = find(s, params->inputBuffer, INPUT);
  if (!b) FAIL(NV_ENC_ERR_INVALID_PTR, "lock: no such input buffer");
  if (b->locked) FAIL(NV_ENC_ERR_LOCK_BUSY, "an input buffer is locked twice");
  b->locked = 1;
  b->full = 1;
  params->bufferDataPtr = b->bytes;
  params->pitch = b->pitch;
  LEAVE;
}

static NVENCSTATUS unlock_input(void *encoder, NV_ENC_INPUT_PTR pointer) {
  ENTER("nvEncUnlockInputBuffer");
  struct buffer *b = find(s, pointer, INPUT);
  if (!b || !b->locked) FAIL(NV_ENC_ERR_INVALID_CALL, "an input buffer is unlocked that is not locked");
  b->locked = 0;
  LEAVE;
}

/* ---- memory that is registered -------------------------------------------------------------------------------- */

static NVENCSTATUS register_resource(void *encoder, NV_ENC_REGISTER_RESOURCE *params) {
  ENTER("nvEncRegisterResource");
  VERSION(params, NV_ENC_REGISTER_RESOURCE_VER);
  ZERO(name, params->reserved1);
  ZERO(name, params->reserved2);
  if (!s->initialised) FAIL(NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "register before initialising");
  struct import *i = mapped_at((CUdeviceptr)(uintptr_t)params->resourceToRegister);
  if (params->resourceType != NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR || params->subResourceIndex || params->bufferUsage ||
      params->bufferFormat != NV_ENC_BUFFER_FORMAT_IYUV || params->pitch % 4 || params->pitch < params->width)
    FAIL(NV_ENC_ERR_INVALID_PARAM, "register: what or how");
  if (!i || i->of != s->context || (size_t)params->pitch * params->height * 3 / 2 > i->size)
    FAIL(NV_ENC_ERR_INVALID_PTR, "register: no such memory in this context");
  struct buffer *b = calloc(1, sizeof *b);
  b->kind = REGISTERED, b->of = s, b->import = i, b->bytes = i->bytes, b->full = 1;
  b->width = params->width, b->height = params->height, b->pitch = params->pitch;
  b->next = s->buffers;
  s->buffers = b;
  g_buffers++;
  i->used++;
  params->registeredResource = b;
  LEAVE;
}

static NVENCSTATUS unregister_resource(void *encoder, NV_ENC_REGISTERED_PTR pointer) {
  ENTER_END("nvEncUnregisterResource");
  status = destroy_buffer(s, pointer, REGISTERED);
  LEAVE;
}

static NVENCSTATUS map_resource(void *encoder, NV_ENC_MAP_INPUT_RESOURCE *params) {
  ENTER("nvEncMapInputResource");
  VERSION(params, NV_ENC_MAP_INPUT_RESOURCE_VER);
  ZERO(name, params->reserved1);
  ZERO(name, params->reserved2);
  struct buffer *b = find(s, params->registeredResource, REGISTERED);
  if (!b) FAIL(NV_ENC_ERR_RESOURCE_NOT_REGISTERED, "map: not registered");
  if (b->locked) FAIL(NV_ENC_ERR_INVALID_CALL, "map: mapped twice");
  b->locked = 1;
  params->mappedResource = b;
  params->mappedBufferFmt = NV_ENC_BUFFER_FORMAT_IYUV;
  LEAVE;
}

static NVENCSTATUS unmap_resource(void *encoder, NV_ENC_INPUT_PTR pointer) {
  ENTER_END("nvEncUnmapInputResource");
  struct buffer *b = find(s, pointer, REGISTERED);
  if (!b || !b->locked) FAIL(NV_ENC_ERR_RESOURCE_NOT_MAPPED, "unmap: not mapped");
  b->locked = 0;
  LEAVE;
}

/* ---- pictures ------------------------------------------------------------------------------------------------ */

static NVENCSTATUS encode(void *encoder, NV_ENC_PIC_PARAMS *params) {
  ENTER("nvEncEncodePicture");
  VERSION(params, NV_ENC_PIC_PARAMS_VER);
  if (!s->initialised) FAIL(NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "encode before initialising");
  if (params->encodePicFlags & NV_ENC_PIC_FLAG_EOS) goto out;
  ZERO(name, params->reserved1);
  ZERO(name, params->reserved2);
  ZERO(name, params->reserved3);
  ZERO(name, params->reserved4);
  if (params->reservedBitFields) fault("%s: reserved bits are set", name);
  struct buffer *in = find(s, params->inputBuffer, INPUT), *out_buffer = find(s, params->outputBitstream, OUTPUT);
  struct buffer *shared = find(s, params->inputBuffer, REGISTERED);
  if (shared) in = shared;
  if (!in || !out_buffer) FAIL(NV_ENC_ERR_INVALID_PTR, "encode: no such buffer");
  if (shared && (!in->locked || in->width != params->inputWidth || in->height != params->inputHeight))
    FAIL(NV_ENC_ERR_INVALID_CALL, "encode: a registered input is not mapped, or of another size");
  if ((in->locked && !shared) || !in->full) FAIL(NV_ENC_ERR_INVALID_CALL, "encode: the input is locked or was never written");
  if (out_buffer->locked || out_buffer->full) FAIL(NV_ENC_ERR_INVALID_CALL, "encode: the output was not fetched");
  if (params->completionEvent) FAIL(NV_ENC_ERR_INVALID_PARAM, "encode: events are for asynchronous mode");
  if (params->inputWidth != s->init.encodeWidth || params->inputHeight != s->init.encodeHeight ||
      params->inputPitch != in->pitch || in->width < params->inputWidth || in->height < params->inputHeight)
    FAIL(NV_ENC_ERR_INVALID_PARAM, "encode: size or pitch of the input");
  if (params->bufferFmt != NV_ENC_BUFFER_FORMAT_IYUV || params->pictureStruct != NV_ENC_PIC_STRUCT_FRAME)
    FAIL(NV_ENC_ERR_INVALID_PARAM, "encode: format");
  SSourcePicture picture = {0};
  SFrameBSInfo info = {0};
  int pitch = (int)in->pitch, force_idr = (params->encodePicFlags & NV_ENC_PIC_FLAG_FORCEIDR) != 0;
  out_buffer->time = params->inputTimeStamp;
  out_buffer->full = 1;
  if (shared) g_shared++;
  size_t luma = (size_t)pitch * in->height, chroma = (size_t)pitch / 2 * (in->height / 2);
  unsigned char *planes[3] = {in->bytes, in->bytes + luma, in->bytes + luma + chroma};
  if (s->av1) {
    if (av1_encode(s->av1, planes, pitch, force_idr, out_buffer->bytes, out_buffer->capacity, &out_buffer->size,
                   &out_buffer->idr))
      FAIL(NV_ENC_ERR_GENERIC, "encode: libaom failed");
    goto out;
  }
  if (s->hevc) {
    if (hevc_encode(s->hevc, planes, pitch, force_idr, out_buffer->bytes, out_buffer->capacity, &out_buffer->size,
                    &out_buffer->idr))
      FAIL(NV_ENC_ERR_GENERIC, "encode: x265 failed");
    goto out;
  }
  if (force_idr) (*s->codec)->ForceIntraFrame(s->codec, true);
  picture.iColorFormat = videoFormatI420;
  picture.iPicWidth = (int)params->inputWidth;
  picture.iPicHeight = (int)params->inputHeight;
  picture.iStride[0] = pitch, picture.iStride[1] = picture.iStride[2] = pitch / 2;
  for (int i = 0; i < 3; i++) picture.pData[i] = planes[i];
  picture.uiTimeStamp = (long long)params->inputTimeStamp;
  if ((*s->codec)->EncodeFrame(s->codec, &picture, &info)) FAIL(NV_ENC_ERR_GENERIC, "encode: openh264 failed");
  out_buffer->size = 0;
  for (int i = 0; i < info.iLayerNum; i++) {
    size_t length = 0;
    for (int n = 0; n < info.sLayerInfo[i].iNalCount; n++) length += (size_t)info.sLayerInfo[i].pNalLengthInByte[n];
    if (out_buffer->size + length > out_buffer->capacity) FAIL(NV_ENC_ERR_NOT_ENOUGH_BUFFER, "encode: too long");
    memcpy(out_buffer->bytes + out_buffer->size, info.sLayerInfo[i].pBsBuf, length);
    out_buffer->size += length;
  }
  out_buffer->idr = info.eFrameType == videoFrameTypeIDR;
  LEAVE;
}

static NVENCSTATUS lock_output(void *encoder, NV_ENC_LOCK_BITSTREAM *params) {
  ENTER("nvEncLockBitstream");
  VERSION(params, NV_ENC_LOCK_BITSTREAM_VER);
  if (params->reservedBitFields) fault("%s: reserved bits are set", name);
  ZERO(name, params->reserved1);
  ZERO(name, params->reserved2);
  ZERO(name, params->reservedInternal);
  struct buffer *b = find(s, params->outputBitstream, OUTPUT);
  if (!b || b->locked || !b->full) FAIL(NV_ENC_ERR_INVALID_CALL, "lock: an output that holds nothing");
  b->locked = 1;
  params->bitstreamBufferPtr = b->bytes;
  params->bitstreamSizeInBytes = (uint32_t)b->size;
  params->outputTimeStamp = b->time;
  params->pictureType = b->idr ? NV_ENC_PIC_TYPE_IDR : NV_ENC_PIC_TYPE_P;
  LEAVE;
}

static NVENCSTATUS unlock_output(void *encoder, NV_ENC_OUTPUT_PTR pointer) {
  ENTER("nvEncUnlockBitstream");
  struct buffer *b = find(s, pointer, OUTPUT);
  if (!b || !b->locked) FAIL(NV_ENC_ERR_INVALID_CALL, "an output is unlocked that is not locked");
  b->locked = b->full = 0;
  g_pictures++;
  /* Whoever reads on after this reads nonsense. */
  memset(b->bytes, 0xdd, b->size);
  LEAVE;
}

static NVENCSTATUS destroy(void *encoder) {
  ENTER_END("nvEncDestroyEncoder");
  if (s->buffers) fault("a session ends and its buffers do not");
  while (s->buffers) destroy_buffer(s, s->buffers, s->buffers->kind);
  stop_codec(s);
  s->context->sessions--;
  g_sessions--;
  s->magic = 0;
  free(s);
  LEAVE;
}

static const char *last_error(void *encoder) { return ((struct session *)encoder)->error; }
/* ---- entry points -------------------------------------------------------------------------------------------- */
EXPORT NVENCSTATUS NvEncodeAPIGetMaxSupportedVersion(uint32_t *version) {
  return *version = known_version(), NV_ENC_SUCCESS;
}

EXPORT NVENCSTATUS NvEncodeAPICreateInstance(NV_ENCODE_API_FUNCTION_LIST *list) {
  if (list->version != NV_ENCODE_API_FUNCTION_LIST_VER) {
    fault("create: version");
    return NV_ENC_ERR_INVALID_VERSION;
  }
  if (known_version() < (NVENCAPI_MAJOR_VERSION << 4 | NVENCAPI_MINOR_VERSION)) return NV_ENC_ERR_INVALID_VERSION;
  if (!all_zero(list->reserved2, sizeof list->reserved2)) fault("create: reserved bytes are set");
  list->nvEncOpenEncodeSessionEx = open_session;
  list->nvEncGetEncodeGUIDCount = guid_count;
  list->nvEncGetEncodeGUIDs = guids;
  list->nvEncGetEncodeCaps = caps;
  list->nvEncGetEncodePresetConfigEx = preset;
  list->nvEncInitializeEncoder = initialise;
  list->nvEncReconfigureEncoder = reconfigure;
  list->nvEncCreateInputBuffer = create_input;
  list->nvEncDestroyInputBuffer = destroy_input;
  list->nvEncCreateBitstreamBuffer = create_output;
  list->nvEncDestroyBitstreamBuffer = destroy_output;
  list->nvEncLockInputBuffer = lock_input;
  list->nvEncUnlockInputBuffer = unlock_input;
  list->nvEncEncodePicture = encode;
  list->nvEncLockBitstream = lock_output;
  list->nvEncUnlockBitstream = unlock_output;
  list->nvEncRegisterResource = register_resource;
  list->nvEncUnregisterResource = unregister_resource;
  list->nvEncMapInputResource = map_resource;
  list->nvEncUnmapInputResource = unmap_resource;
  list->nvEncDestroyEncoder = destroy;
  list->nvEncGetLastErrorString = last_error;
  return NV_ENC_SUCCESS;
}
