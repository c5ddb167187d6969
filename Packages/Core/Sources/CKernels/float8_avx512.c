// Eight-bit floats for AVX-512: sixteen lanes, masked loads and stores at the ends.
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), apply_to = function)
#define LANES 16
#include "float8_body.h"
#include "float12_body.h"

static INLINE lanes load_part(const float *p, ck_size n) {
  return (lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

static INLINE void store_part(float *p, lanes x, ck_size n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
}

#define PLAIN ck_gemm_avx512
#include "scaled_body.h"
#pragma clang attribute pop

const ck_float8_kernels ck_float8_avx512 = {
    magnitude, magnitudes, encode, encode_row, encode_each, decode, decode_each, encode_twelve, decode_twelve,
};
const ck_scaled_kernels ck_scaled_avx512 = {product, product_at};
#endif
