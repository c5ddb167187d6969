// bfloat16 matrix products with AVX-512 BF16: one instruction takes two steps of sixteen chains.
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma"))), \
                             apply_to = function)

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
#define WORDS static inline __attribute__((always_inline))

typedef uint16_t lane_shorts __attribute__((ext_vector_type(16), aligned(2)));
WORDS lane_shorts load_some_shorts(const uint16_t *p, ck_size count) {
  return (lane_shorts)_mm256_maskz_loadu_epi16(count > 0 ? first_lanes(count) : 0, p);
}

WORDS vec multiply_add_pairs(vec a, vec b, vec sum) {
  return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
WORDS vec round_row(vec first, vec second) { return (vec)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first); }
WORDS vec round_pairs(vec even, vec odd) {
  // The conversion puts one vector's numbers after the other's; here they alternate.
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return (vec)_mm512_permutexvar_epi16(order, (__m512i)round_row(even, odd));
}
WORDS vec round_lanes(vec x) {
  return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)x)), 16);
}

// The instruction takes numbers below the normal range for zeros whatever the control register says.
WORDS unsigned long begin_flush(void) { return 0; }
WORDS void end_flush(unsigned long mode) { (void)mode; }

#include "gemm_bf16_body.h"

const ck_bf16_kernels ck_bf16_avx512 = {
    pack, pack_bf16, product, product_words, product_at, product_at_bf16, round_rows, round_values,
};
#pragma clang attribute pop
#endif
