// The row and element kernels for NEON: four lanes. Every AArch64 processor has what is used here.
#if defined(__aarch64__)
#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "row_table.h"

#define LANES 4
#include "vector_math.h"

static INLINE lanes load_part(const float *p, ck_size n) {
  lanes x = 0;
  for (int j = 0; j < LANES - 1; j++)
    if (j < n) x[j] = p[j];
  return x;
}

static INLINE void store_part(float *p, lanes x, ck_size n) {
  for (int j = 0; j < LANES - 1; j++)
    if (j < n) p[j] = x[j];
}

static INLINE lanes scaled_by_power(lanes p, lanes n) { return scaled_in_two_steps(p, n); }

#include "elements_body.h"
#include "optimizer_body.h"
#include "rotary_body.h"
#include "rows_body.h"

static INLINE lanes_u16 halves_of(lanes x) { return (lanes_u16)vcvt_f16_f32((float32x4_t)x); }

static INLINE lanes lanes_of_halves(lanes_u16 x) { return (lanes)vcvt_f32_f16((float16x4_t)x); }

const ck_row_kernels ck_rows_neon = CK_ROW_TABLE;
#endif
