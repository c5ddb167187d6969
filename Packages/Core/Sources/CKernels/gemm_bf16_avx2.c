// bfloat16 matrix products with AVX2 and FMA: the numbers of AVX-512's instruction, from two fused multiply-adds.
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
#include "gemm_bf16_fused.h"

// Inputs and results below the normal range are zeros: bits 6 and 15 of the control register.
static unsigned long begin_flush(void) {
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | 0x8040);
  return mode;
}
static void end_flush(unsigned long mode) { _mm_setcsr((unsigned)mode); }

#include "gemm_bf16_body.h"

const ck_bf16_kernels ck_bf16_avx2 = {
    pack, pack_bf16, product, product_words, product_at, product_at_bf16, round_rows, round_values,
};
#pragma clang attribute pop
#endif
