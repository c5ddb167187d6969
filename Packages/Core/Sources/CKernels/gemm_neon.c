// Matrix products with NEON: tiles of 6 × 16 in 24 of the 32 registers.
#include "kernels.h"
#if defined(__aarch64__)

#define LANES 4
#define TILE_ROWS 6
#define TILE_VECTORS 4
#define WIDE_ROWS 3
#define WIDE_1 2
#define WIDE_2 1
#define WIDE_3 1
typedef float vec __attribute__((ext_vector_type(4)));
typedef float loose_vec __attribute__((ext_vector_type(4), aligned(4)));

static inline vec load_some(const float *p, ck_size count) {
  vec x = (vec)(0.0f);
  x[0] = p[0];
  if (count > 1) x[1] = p[1];
  if (count > 2) x[2] = p[2];
  if (count > 3) x[3] = p[3];
  return x;
}
static inline void store_some(float *p, vec x, ck_size count) {
  p[0] = x[0];
  if (count > 1) p[1] = x[1];
  if (count > 2) p[2] = x[2];
  if (count > 3) p[3] = x[3];
}

#include "gemm_body.h"

const ck_gemm_kernels ck_gemm_neon = {pack, product, product_at};
#endif
