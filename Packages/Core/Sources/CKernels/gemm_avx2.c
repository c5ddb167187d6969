// Matrix products with AVX2 and FMA: tiles of 6 × 16 in 12 of the 16 registers.
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define LANES 8
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define WIDE_ROWS 3
#define WIDE_1 2
#define WIDE_2 1
#define WIDE_3 1
typedef float vec __attribute__((ext_vector_type(8)));
typedef float loose_vec __attribute__((ext_vector_type(8), aligned(4)));

static inline __m256i first_lanes(ck_size count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec load_some(const float *p, ck_size count) { return (vec)_mm256_maskload_ps(p, first_lanes(count)); }
static inline void store_some(float *p, vec x, ck_size count) {
  _mm256_maskstore_ps(p, first_lanes(count), (__m256)x);
}

#include "gemm_body.h"

const ck_gemm_kernels ck_gemm_avx2 = {pack, product, product_at};
#pragma clang attribute pop
#endif
