// Eight-bit floats for AVX2 with FMA: eight lanes.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LANES 8
#include "float8_body.h"
#include "float12_body.h"

static INLINE lanes load_part(const float *p, ck_size n) {
  return (lanes)_mm256_maskload_ps(p, (__m256i)(lane_numbers() < (lanes_i32)(int32_t)n));
}

static INLINE void store_part(float *p, lanes x, ck_size n) {
  _mm256_maskstore_ps(p, (__m256i)(lane_numbers() < (lanes_i32)(int32_t)n), (__m256)x);
}

#define PLAIN ck_gemm_avx2
#include "scaled_body.h"
#pragma clang attribute pop

const ck_float8_kernels ck_float8_avx2 = {
    magnitude, magnitudes, encode, encode_row, encode_each, decode, decode_each, encode_twelve, decode_twelve,
};
const ck_scaled_kernels ck_scaled_avx2 = {product, product_at};
#endif
