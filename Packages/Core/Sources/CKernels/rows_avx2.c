// The row and element kernels for AVX2 with FMA and F16C: eight lanes.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "row_table.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define LANES 8
#include "vector_math.h"

static INLINE lanes load_part(const float *p, ck_size n) {
  return (lanes)_mm256_maskload_ps(p, (__m256i)(lane_numbers() < (lanes_i32)(int32_t)n));
}

static INLINE void store_part(float *p, lanes x, ck_size n) {
  _mm256_maskstore_ps(p, (__m256i)(lane_numbers() < (lanes_i32)(int32_t)n), (__m256)x);
}

static INLINE lanes scaled_by_power(lanes p, lanes n) { return scaled_in_two_steps(p, n); }


#include "elements_body.h"
#include "optimizer_body.h"
#include "rotary_body.h"
#include "rows_body.h"

static INLINE lanes_u16 halves_of(lanes x) {
  return (lanes_u16)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static INLINE lanes lanes_of_halves(lanes_u16 x) { return (lanes)_mm256_cvtph_ps((__m128i)x); }
#pragma clang attribute pop

const ck_row_kernels ck_rows_avx2 = CK_ROW_TABLE;
#endif
