// The row and element kernels for AVX-512 (F, BW, VL, DQ): sixteen lanes, masked loads and stores at the ends.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "row_table.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), apply_to = function)
#define LANES 16
#include "vector_math.h"

static INLINE lanes load_part(const float *p, ck_size n) {
  return (lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

static INLINE void store_part(float *p, lanes x, ck_size n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
}

static INLINE lanes scaled_by_power(lanes p, lanes n) { return (lanes)_mm512_scalef_ps((__m512)p, (__m512)n); }

#include "elements_body.h"
#include "optimizer_body.h"
#include "rotary_body.h"
#include "rows_body.h"

static INLINE lanes_u16 halves_of(lanes x) {
  return (lanes_u16)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static INLINE lanes lanes_of_halves(lanes_u16 x) { return (lanes)_mm512_cvtph_ps((__m256i)x); }
#pragma clang attribute pop

const ck_row_kernels ck_rows_avx512 = CK_ROW_TABLE;
#endif
