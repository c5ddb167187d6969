// Products with quantised blocks for NEON: by its four-byte dot product where the compiler may use it, else by products
// in 16 bits.
#include "kernels.h"
#if defined(__aarch64__)
#include <arm_neon.h>

#define LANES 4
#define TILE_VECTORS 4
#define TILE_ROWS 3
typedef int32_t four_ints __attribute__((vector_size(16)));

static inline __attribute__((always_inline)) four_ints dot_bytes(four_ints sum, int8x16_t codes, int32_t word) {
  const int8x16_t a = vreinterpretq_s8_s32(vdupq_n_s32(word));
#if defined(__ARM_FEATURE_DOTPROD)
  return (four_ints)vdotq_s32((int32x4_t)sum, codes, a);
#else
  const int32x4_t first = vpaddlq_s16(vmull_s8(vget_low_s8(codes), vget_low_s8(a)));
  const int32x4_t second = vpaddlq_s16(vmull_s8(vget_high_s8(codes), vget_high_s8(a)));
  return sum + (four_ints)vpaddq_s32(first, second);
#endif
}
#define DOT(sum, codes, word) dot_bytes(sum, (int8x16_t)(codes), word)
#define DOT_WIDE(sum, codes, word) dot_bytes(sum, (int8x16_t)((codes) ^ ALL((int32_t)0x80808080u)), word)
#define WIDE_IS_SIGNED 1
#include "blocks_body.h"

const ck_block_kernels ck_blocks_neon = {quantise, product};
#endif
