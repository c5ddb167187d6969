// Products with narrow weights for NEON: tiles of 6 × 16 in 24 of the 32 registers.
#include "kernels.h"
#if defined(__aarch64__)
#include <arm_neon.h>

#define TILE_ROWS 6
#define TILE_VECTORS 4
#define WIDE_ROWS 3
#define WIDE_1 2
#define WIDE_2 1
#define WIDE_3 1

#include "gemm_vectors_neon.h"
typedef uint32_t words __attribute__((ext_vector_type(LANES)));
typedef int32_t ints __attribute__((ext_vector_type(LANES)));
typedef uint16_t shorts __attribute__((ext_vector_type(LANES)));
static inline __attribute__((always_inline)) vec half_numbers(words w) {
  return (vec)vcvt_f32_f16((float16x4_t)__builtin_convertvector(w, shorts));
}
#include "narrow_body.h"

const ck_narrow_kernels ck_narrow_neon = {product};
#endif
