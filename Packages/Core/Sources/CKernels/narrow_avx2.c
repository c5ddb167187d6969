// Products with narrow weights for AVX2 with FMA and F16C: tiles of 6 × 16 in 12 of the 16 registers.
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define TILE_ROWS 6
#define TILE_VECTORS 2
#define WIDE_ROWS 3
#define WIDE_1 2
#define WIDE_2 1
#define WIDE_3 1

#include "gemm_vectors_avx2.h"
typedef uint32_t words __attribute__((ext_vector_type(LANES)));
typedef int32_t ints __attribute__((ext_vector_type(LANES)));
typedef uint16_t shorts __attribute__((ext_vector_type(LANES)));
static inline __attribute__((always_inline)) vec half_numbers(words w) {
  return (vec)_mm256_cvtph_ps((__m128i)__builtin_convertvector(w, shorts));
}
#include "narrow_body.h"

const ck_narrow_kernels ck_narrow_avx2 = {product};
#pragma clang attribute pop
#endif
