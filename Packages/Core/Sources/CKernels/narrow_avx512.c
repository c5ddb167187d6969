// Products with narrow weights for AVX-512: tiles of 12 × 32 in 24 of the 32 registers.
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), apply_to = function)

#define TILE_ROWS 12
#define TILE_VECTORS 2
#define WIDE_ROWS 6
#define WIDE_1 4
#define WIDE_2 4
#define WIDE_3 4
#define WIDE_4 3
#define WIDE_5 2
#define WIDE_6 2

#include "gemm_vectors_avx512.h"
typedef uint32_t words __attribute__((ext_vector_type(LANES)));
typedef int32_t ints __attribute__((ext_vector_type(LANES)));
static inline __attribute__((always_inline)) vec half_numbers(words w) {
  return (vec)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)w));
}
#include "narrow_body.h"

const ck_narrow_kernels ck_narrow_avx512 = {product};
#pragma clang attribute pop
#endif
