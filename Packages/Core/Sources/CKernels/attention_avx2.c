// Attention for AVX2 with FMA: eight lanes, register tiles of 6 rows × 2 vectors.
// Function-level targets, so that the library runs on any x86-64.
#if defined(__x86_64__)
#include "kernels.h"
#include <math.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#define TILE_VECTORS 2
#include "attention_body.h"
#pragma clang attribute pop

const ck_attention_kernels ck_attention_avx2 = {forward, forward_heads, backward};
#endif
