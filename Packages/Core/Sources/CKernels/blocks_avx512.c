// Products with quantised blocks for AVX-512 with VNNI: one instruction multiplies four bytes of 16 outputs and adds.
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c"))), apply_to = function)
#define LANES 16
#define TILE_VECTORS 2
#define TILE_ROWS 6
// Codes are unsigned, activations signed.
#define DOT(sum, codes, word) (ints)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(codes), _mm512_set1_epi32(word))
#define DOT_WIDE DOT
#define WIDE_IS_SIGNED 0
#include "blocks_body.h"
#pragma clang attribute pop

const ck_block_kernels ck_blocks_avx512 = {quantise, product};
#endif
