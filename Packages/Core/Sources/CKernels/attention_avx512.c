// Attention for AVX-512: sixteen lanes, register tiles of 6 rows × 4 vectors.
// Function-level targets, so that the library runs on any x86-64.
#if defined(__x86_64__)
#include "kernels.h"
#include <math.h>
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")))
#pragma clang attribute push(TARGET, apply_to = function)
#define LANES 16
#define TILE_VECTORS 4
#include "attention_body.h"
#pragma clang attribute pop

const ck_attention_kernels ck_attention_avx512 = {forward, forward_heads, backward};
#endif
