/* AV1 for the test double of NVIDIA's encoder; see nvenc_double.c. */
#include <nvEncodeAPI.h>
#include <stddef.h>
#include <stdint.h>

struct av1;

/* What is wrong with the codec's own settings, in words; NULL when nothing is. */
const char *av1_refuses(const NV_ENC_CONFIG *config);
/* An encoder for these settings; NULL when there is none. */
struct av1 *av1_start(const NV_ENC_INITIALIZE_PARAMS *init, const NV_ENC_CONFIG *config);
void av1_stop(struct av1 *av1);
/* Another rate from the next picture on. */
void av1_set_rate(struct av1 *av1, uint32_t bits_per_second, float frames_per_second);
/* Encodes a picture of three planes; `pitch` bytes a row of luma. 0 when it did. */
int av1_encode(struct av1 *av1, unsigned char *const planes[3], int pitch, int force_key, unsigned char *out,
               size_t capacity, size_t *size, int *key);
