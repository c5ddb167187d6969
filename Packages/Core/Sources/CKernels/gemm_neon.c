// Matrix products with NEON: tiles of 6 × 16 in 24 of the 32 registers.
#include "kernels.h"
#if defined(__aarch64__)

#define TILE_ROWS 6
#define TILE_VECTORS 4
#define WIDE_ROWS 3
#define WIDE_1 2
#define WIDE_2 1
#define WIDE_3 1

#include "gemm_vectors_neon.h"
#include "gemm_body.h"

const ck_gemm_kernels ck_gemm_neon = {pack, product, product_at};
#endif
