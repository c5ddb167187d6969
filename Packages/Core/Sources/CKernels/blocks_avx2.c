// Products with quantised blocks for AVX2. Pairs of byte products are added in 16 bits, which must not saturate: codes
// below 64 cannot, and bytes are made signed, so that magnitudes are at most 128.
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define LANES 8
#define TILE_VECTORS 2
#define TILE_ROWS 3
#define DOT(sum, codes, word) ((sum) + pairs((__m256i)(codes), _mm256_set1_epi32(word)))
#define DOT_WIDE(sum, codes, word) ((sum) + signed_pairs((__m256i)(codes), _mm256_set1_epi32(word)))
#define WIDE_IS_SIGNED 1
typedef int32_t eight_ints __attribute__((vector_size(32)));

static inline __attribute__((always_inline)) eight_ints pairs(__m256i codes, __m256i a) {
  return (eight_ints)_mm256_madd_epi16(_mm256_maddubs_epi16(codes, a), _mm256_set1_epi16(1));
}
static inline __attribute__((always_inline)) eight_ints signed_pairs(__m256i bytes, __m256i a) {
  const __m256i codes = _mm256_xor_si256(bytes, _mm256_set1_epi8((char)0x80));
  return pairs(_mm256_abs_epi8(codes), _mm256_sign_epi8(a, codes));
}
#include "blocks_body.h"
#pragma clang attribute pop

const ck_block_kernels ck_blocks_avx2 = {quantise, product};
#endif
