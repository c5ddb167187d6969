// Attention for NEON: four lanes, register tiles of 6 rows × 4 vectors.
#if defined(__aarch64__)
#include "kernels.h"
#include <math.h>
#define LANES 4
#define TILE_VECTORS 4
#include "attention_body.h"

const ck_attention_kernels ck_attention_neon = {forward, forward_heads, backward};
#endif
