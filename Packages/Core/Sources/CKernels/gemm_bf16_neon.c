// bfloat16 matrix products with NEON, from two fused multiply-adds: its own bfloat16 instructions round otherwise.
#include "kernels.h"
#if defined(__aarch64__)

#define TILE_ROWS 6
#define TILE_VECTORS 4
#define WIDE_ROWS 3
#define WIDE_1 2
#define WIDE_2 1
#define WIDE_3 1

#include "gemm_vectors_neon.h"
#include "gemm_bf16_fused.h"

// Inputs and results below the normal range are zeros: bit 24 of the control register.
static unsigned long begin_flush(void) {
  unsigned long mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode)::"memory");
  __asm__ volatile("msr fpcr, %0" ::"r"(mode | 1ul << 24) : "memory");
  return mode;
}
static void end_flush(unsigned long mode) { __asm__ volatile("msr fpcr, %0" ::"r"(mode) : "memory"); }

#include "gemm_bf16_body.h"

const ck_bf16_kernels ck_bf16_neon = {
    pack, pack_bf16, product, product_words, product_at, product_at_bf16, round_rows, round_values,
};
#endif
