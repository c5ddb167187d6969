// Matrix products with AVX2 and FMA: tiles of 6 × 16 in 12 of the 16 registers.
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define TILE_ROWS 6
#define TILE_VECTORS 2
#define WIDE_ROWS 3
#define WIDE_1 2
#define WIDE_2 1
#define WIDE_3 1

#include "gemm_vectors_avx2.h"
#include "gemm_body.h"

const ck_gemm_kernels ck_gemm_avx2 = {pack, product, product_at};
#pragma clang attribute pop
#endif
