/* HEVC for the test double of NVIDIA's encoder; see nvenc_double.c. */
#include <nvEncodeAPI.h>
#include <stddef.h>
#include <stdint.h>

struct hevc;

/* What is wrong with the codec's own settings, in words; NULL when nothing is. */
const char *hevc_refuses(const NV_ENC_CONFIG *config);
/* An encoder for these settings; NULL when there is none. */
struct hevc *hevc_start(const NV_ENC_INITIALIZE_PARAMS *init, const NV_ENC_CONFIG *config);
void hevc_stop(struct hevc *hevc);
/* Another rate from the next picture on. */
void hevc_set_rate(struct hevc *hevc, uint32_t bits_per_second, float frames_per_second);
/* Encodes a picture of three planes; `pitch` bytes a row of luma. 0 when it did. */
int hevc_encode(struct hevc *hevc, unsigned char *const planes[3], int pitch, int force_idr, unsigned char *out,
                size_t capacity, size_t *size, int *idr);
