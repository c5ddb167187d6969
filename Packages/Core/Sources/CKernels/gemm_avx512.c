// Matrix products with AVX-512: tiles of 12 × 32 in 24 of the 32 registers.
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), apply_to = function)

#define TILE_ROWS 12
#define TILE_VECTORS 2
#define WIDE_ROWS 6
#define WIDE_1 4
#define WIDE_2 4
#define WIDE_3 4
#define WIDE_4 3
#define WIDE_5 2
#define WIDE_6 2

#include "gemm_vectors_avx512.h"
#include "gemm_body.h"

const ck_gemm_kernels ck_gemm_avx512 = {pack, product, product_at};
#pragma clang attribute pop
#endif
