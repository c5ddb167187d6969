// Vectors of LANES floats, written once for every instruction set: types, loads, loops over lengths that need not
// divide, folds in a fixed order. The including file defines LANES, and load_part and store_part after this.
#pragma once
#include "kernels.h"

#define INLINE inline __attribute__((always_inline))

typedef float lanes __attribute__((ext_vector_type(LANES)));
typedef int32_t lanes_i32 __attribute__((ext_vector_type(LANES)));
typedef uint32_t lanes_u32 __attribute__((ext_vector_type(LANES)));
typedef uint16_t lanes_u16 __attribute__((ext_vector_type(LANES)));
typedef double lanes_f64 __attribute__((ext_vector_type(LANES / 2)));
typedef float lanes_4 __attribute__((ext_vector_type(4)));
typedef float lanes_8 __attribute__((ext_vector_type(8)));

static INLINE lanes splat(float x) { return (lanes)x; }

// a · b + c, rounded once.
static INLINE lanes fused(lanes a, lanes b, lanes c) { return __builtin_elementwise_fma(a, b, c); }

static INLINE lanes_i32 lane_numbers(void) {
  lanes_i32 numbers;
  for (int j = 0; j < LANES; j++) numbers[j] = j;
  return numbers;
}

// ---- loads and stores -------------------------------------------------------------------------------------------
// Of n ≤ LANES numbers at any address; nothing beyond them is touched. A partial load fills up with zeros.
static INLINE lanes load_part(const float *p, ck_size n);
static INLINE void store_part(float *p, lanes x, ck_size n);

static INLINE lanes load(const float *p, ck_size n) {
  if (n != LANES) return load_part(p, n);
  lanes x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

static INLINE lanes load_filled(const float *p, ck_size n, float fill) {
  const lanes x = load(p, n);
  return n == LANES ? x : lane_numbers() < (lanes_i32)(int32_t)n ? x : splat(fill);
}

static INLINE void store(float *p, lanes x, ck_size n) {
  if (n == LANES) __builtin_memcpy(p, &x, sizeof x);
  else store_part(p, x, n);
}

static INLINE lanes_u16 load_u16(const uint16_t *p, ck_size n) {
  lanes_u16 x = 0;
  if (n == LANES) __builtin_memcpy(&x, p, sizeof x);
  else __builtin_memcpy(&x, p, (size_t)n * sizeof *p);
  return x;
}

static INLINE void store_u16(uint16_t *p, lanes_u16 x, ck_size n) {
  if (n == LANES) __builtin_memcpy(p, &x, sizeof x);
  else __builtin_memcpy(p, &x, (size_t)n * sizeof *p);
}

// ---- loops ------------------------------------------------------------------------------------------------------
// Runs a statement for i = 0, LANES, 2·LANES … with n = LANES, and once more with the n < LANES that remain. The
// statement is the same and lanes do not mix, so an element has the same bits wherever in the array it stands.
#define EACH_STEP(count, ...)                                                                                          \
  do {                                                                                                                 \
    ck_size i = 0;                                                                                                     \
    for (; i + LANES <= (count); i += LANES) {                                                                         \
      enum { n = LANES };                                                                                              \
      __VA_ARGS__;                                                                                                     \
    }                                                                                                                  \
    if (i < (count)) {                                                                                                 \
      const ck_size n = (count) - i;                                                                                   \
      __VA_ARGS__;                                                                                                     \
    }                                                                                                                  \
  } while (0)

// Folds a row into four vectors that begin as `zero`: an expression in acc, i and n gives the new value of one. The
// order depends on `count` alone. Step s of the whole quadruples goes to vector s mod 4, the rest to the first.
#define FOLD_STEPS(parts, zero, count, ...)                                                                            \
  do {                                                                                                                 \
    ck_size start = 0;                                                                                                 \
    for (int j = 0; j < 4; j++) (parts)[j] = (zero);                                                                   \
    for (; start + 4 * LANES <= (count); start += 4 * LANES)                                                           \
      _Pragma("clang loop unroll(full)") for (int j = 0; j < 4; j++) {                                                 \
        enum { n = LANES };                                                                                            \
        const ck_size i = start + j * LANES;                                                                           \
        const lanes acc = (parts)[j];                                                                                  \
        (parts)[j] = (__VA_ARGS__);                                                                                    \
      }                                                                                                                \
    EACH_STEP((count) - start, const lanes acc = (parts)[0]; FOLD_REST(parts, start, __VA_ARGS__));                    \
  } while (0)
#define FOLD_REST(parts, start, ...)                                                                                   \
  do {                                                                                                                 \
    const ck_size offset = i;                                                                                          \
    {                                                                                                                  \
      const ck_size i = (start) + offset;                                                                              \
      (parts)[0] = (__VA_ARGS__);                                                                                      \
    }                                                                                                                  \
  } while (0)

// ---- across the lanes -------------------------------------------------------------------------------------------
static INLINE float sum_of_lanes(lanes x) {
#if LANES == 16
  const lanes_8 eight = x.lo + x.hi;
  const lanes_4 four = eight.lo + eight.hi;
#elif LANES == 8
  const lanes_4 four = x.lo + x.hi;
#else
  const lanes_4 four = x;
#endif
  return (four[0] + four[2]) + (four[1] + four[3]);
}

static INLINE float sum_of_parts(const lanes parts[4]) {
  return sum_of_lanes((parts[0] + parts[1]) + (parts[2] + parts[3]));
}

// The larger number in each lane; NaN if either is NaN.
#define LARGER(a, b) ((((a) > (b)) | ((a) != (a))) ? (a) : (b))
static INLINE lanes larger(lanes a, lanes b) { return LARGER(a, b); }

static INLINE float largest_of_parts(const lanes parts[4]) {
  const lanes x = larger(larger(parts[0], parts[1]), larger(parts[2], parts[3]));
#if LANES == 16
  const lanes_8 eight = LARGER(x.lo, x.hi);
  const lanes_4 four = LARGER(eight.lo, eight.hi);
#elif LANES == 8
  const lanes_4 four = LARGER(x.lo, x.hi);
#else
  const lanes_4 four = x;
#endif
  const float a = LARGER(four[0], four[2]), b = LARGER(four[1], four[3]);
  return LARGER(a, b);
}
