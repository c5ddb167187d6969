// The chain of the bfloat16 products in float32 arithmetic, for processors without an instruction for it.
// Included inside the target region by a file that has described its vectors.
typedef uint32_t words __attribute__((ext_vector_type(LANES)));
#define WORDS static inline __attribute__((always_inline))

typedef uint16_t lane_shorts __attribute__((ext_vector_type(LANES), aligned(2)));
WORDS lane_shorts load_some_shorts(const uint16_t *p, ck_size count) {
  uint16_t some[LANES] = {0};
  for (ck_size i = 0; i < count; i++) some[i] = p[i];
  return *(const lane_shorts *)some;
}

// A bfloat16 is the upper half of a float: both products of a pair are exact, and each addition rounds once.
WORDS vec multiply_add_pairs(vec a, vec b, vec sum) {
  const words x = (words)a, y = (words)b, high = 0xffff0000;
  sum = __builtin_elementwise_fma((vec)(x & high), (vec)(y & high), sum);
  return __builtin_elementwise_fma((vec)(x << 16), (vec)(y << 16), sum);
}

// The rounded number in the upper half of each word; the lower half is undefined. NaN stays NaN, and what is below
// the normal range is zero.
WORDS words round_words(vec x) {
  const words bits = (words)x, magnitude = bits & 0x7fffffff;
  const words rounded = bits + 0x7fff + (bits >> 16 & 1), quiet = bits | 0x400000, zero = bits & 0x80000000;
  const words finite = magnitude < 0x800000 ? zero : rounded;
  return magnitude > 0x7f800000 ? quiet : finite;
}

WORDS vec round_lanes(vec x) { return (vec)(round_words(x) & 0xffff0000); }

WORDS vec round_pairs(vec even, vec odd) {
  return (vec)(round_words(even) >> 16 | (round_words(odd) & 0xffff0000));
}

WORDS vec round_row(vec first, vec second) {
#if LANES == 8
  const vec even = __builtin_shufflevector(first, second, 0, 2, 4, 6, 8, 10, 12, 14);
  const vec odd = __builtin_shufflevector(first, second, 1, 3, 5, 7, 9, 11, 13, 15);
#else
  const vec even = __builtin_shufflevector(first, second, 0, 2, 4, 6);
  const vec odd = __builtin_shufflevector(first, second, 1, 3, 5, 7);
#endif
  return round_pairs(even, odd);
}
