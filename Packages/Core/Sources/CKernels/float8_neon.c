// Eight-bit floats for NEON: four lanes. Every AArch64 processor has what is used here.
#if defined(__aarch64__)
#include "kernels.h"

#define LANES 4
#include "float8_body.h"
#include "float12_body.h"

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

#define PLAIN ck_gemm_neon
#include "scaled_body.h"

const ck_float8_kernels ck_float8_neon = {
    magnitude, magnitudes, encode, encode_row, encode_each, decode, decode_each, encode_twelve, decode_twelve,
};
const ck_scaled_kernels ck_scaled_neon = {product, product_at};
#endif
