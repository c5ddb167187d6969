// Matrix products with AVX-512: tiles of 12 × 32 in 24 of the 32 registers.
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), apply_to = function)

#define LANES 16
#define TILE_ROWS 12
#define TILE_VECTORS 2
#define WIDE_ROWS 6
#define WIDE_1 4
#define WIDE_2 4
#define WIDE_3 4
#define WIDE_4 3
#define WIDE_5 2
#define WIDE_6 2
typedef float vec __attribute__((ext_vector_type(16)));
typedef float loose_vec __attribute__((ext_vector_type(16), aligned(4)));

static inline __mmask16 first_lanes(ck_size count) { return (__mmask16)((1u << count) - 1); }
static inline vec load_some(const float *p, ck_size count) {
  return (vec)_mm512_maskz_loadu_ps(first_lanes(count), p);
}
static inline void store_some(float *p, vec x, ck_size count) {
  _mm512_mask_storeu_ps(p, first_lanes(count), (__m512)x);
}

#include "gemm_body.h"

const ck_gemm_kernels ck_gemm_avx512 = {pack, product, product_at};
#pragma clang attribute pop
#endif
