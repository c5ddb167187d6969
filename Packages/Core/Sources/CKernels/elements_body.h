// The element kernels over LANES at a time: arithmetic, functions, sums of squares, number formats. An element's value
// depends on the inputs at its index alone; y may be the same array as an input.
#include "vector_math.h"

// ---- arithmetic -------------------------------------------------------------------------------------------------
static INLINE lanes combined(ck_binary op, lanes a, lanes b) {
  switch (op) {
  case CK_ADD: return a + b;
  case CK_SUBTRACT: return a - b;
  case CK_MULTIPLY: return a * b;
  case CK_DIVIDE: return a / b;
  case CK_MAXIMUM: return larger(a, b);
  }
  return a;
}

// One loop per operation, OP being a constant in it.
#define EACH_BINARY(op, ...)                                                                                           \
  switch (op) {                                                                                                        \
  case CK_ADD: { enum { OP = CK_ADD }; __VA_ARGS__; } break;                                                           \
  case CK_SUBTRACT: { enum { OP = CK_SUBTRACT }; __VA_ARGS__; } break;                                                 \
  case CK_MULTIPLY: { enum { OP = CK_MULTIPLY }; __VA_ARGS__; } break;                                                 \
  case CK_DIVIDE: { enum { OP = CK_DIVIDE }; __VA_ARGS__; } break;                                                     \
  case CK_MAXIMUM: { enum { OP = CK_MAXIMUM }; __VA_ARGS__; } break;                                                   \
  }

static void binary(ck_binary op, float *y, const float *a, const float *b, ck_size count) {
  EACH_BINARY(op, EACH_STEP(count, store(y + i, combined(OP, load(a + i, n), load(b + i, n)), n)));
}

static void binary_scalar(ck_binary op, float *y, const float *a, float b, ck_size count) {
  EACH_BINARY(op, EACH_STEP(count, store(y + i, combined(OP, load(a + i, n), splat(b)), n)));
}

static void binary_row(ck_binary op, float *y, const float *a, const float *b, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) binary(op, y + r * width, a + r * width, b, width);
}

static void binary_column(ck_binary op, float *y, const float *a, const float *b, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) binary_scalar(op, y + r * width, a + r * width, b[r], width);
}

static void axpy(float *y, const float *x, float alpha, ck_size count) {
  EACH_STEP(count, store(y + i, load(y + i, n) + splat(alpha) * load(x + i, n), n));
}

// ---- functions --------------------------------------------------------------------------------------------------
static void unary(ck_unary op, float *y, const float *x, ck_size count) {
  switch (op) {
  case CK_NEGATE: EACH_STEP(count, store(y + i, -load(x + i, n), n)); break;
  case CK_EXP: EACH_STEP(count, store(y + i, exp_lanes(load(x + i, n)), n)); break;
  case CK_LOG: EACH_STEP(count, store(y + i, log_lanes(load(x + i, n)), n)); break;
  case CK_SQRT: EACH_STEP(count, store(y + i, __builtin_elementwise_sqrt(load(x + i, n)), n)); break;
  case CK_RECIPROCAL: EACH_STEP(count, store(y + i, splat(1.0f) / load(x + i, n), n)); break;
  case CK_SIGMOID: EACH_STEP(count, store(y + i, sigmoid_lanes(load(x + i, n)), n)); break;
  case CK_TANH: EACH_STEP(count, store(y + i, tanh_lanes(load(x + i, n)), n)); break;
  // Tables of angles are made once: the library's functions are exact for large angles and fast enough.
  case CK_SIN:
    for (ck_size i = 0; i < count; i++) y[i] = sinf(x[i]);
    break;
  case CK_COS:
    for (ck_size i = 0; i < count; i++) y[i] = cosf(x[i]);
    break;
  }
}

// Squares of floats are exact in double: only the additions round.
static double sum_squares(const float *x, ck_size count) {
  lanes_f64 low = 0, high = 0, low_next = 0, high_next = 0;
  ck_size start = 0;
  for (; start + 2 * LANES <= count; start += 2 * LANES) {
    const lanes a = load(x + start, LANES), b = load(x + start + LANES, LANES);
    const lanes_f64 a_low = __builtin_convertvector(a.lo, lanes_f64), a_high = __builtin_convertvector(a.hi, lanes_f64);
    const lanes_f64 b_low = __builtin_convertvector(b.lo, lanes_f64), b_high = __builtin_convertvector(b.hi, lanes_f64);
    low = __builtin_elementwise_fma(a_low, a_low, low);
    high = __builtin_elementwise_fma(a_high, a_high, high);
    low_next = __builtin_elementwise_fma(b_low, b_low, low_next);
    high_next = __builtin_elementwise_fma(b_high, b_high, high_next);
  }
  const lanes_f64 all = (low + high) + (low_next + high_next);
  double sum = 0;
  for (int j = 0; j < LANES / 2; j++) sum += all[j];
  for (; start < count; start++) sum += (double)x[start] * (double)x[start];
  return sum;
}

// ---- number formats ---------------------------------------------------------------------------------------------
// IEEE halves, rounded to nearest even. The including file defines these two.
static INLINE lanes_u16 halves_of(lanes x);
static INLINE lanes lanes_of_halves(lanes_u16 x);

static INLINE lanes_u16 bf16_of(lanes x) {
  const lanes_u32 bits = (lanes_u32)x;
  const lanes_u32 rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
  return __builtin_convertvector(x != x ? quiet : rounded, lanes_u16);
}

static INLINE lanes lanes_of_bf16(lanes_u16 x) { return (lanes)(__builtin_convertvector(x, lanes_u32) << 16); }

static void bf16_from_f32(uint16_t *y, const float *x, ck_size count) {
  EACH_STEP(count, store_u16(y + i, bf16_of(load(x + i, n)), n));
}

static void f32_from_bf16(float *y, const uint16_t *x, ck_size count) {
  EACH_STEP(count, store(y + i, lanes_of_bf16(load_u16(x + i, n)), n));
}

static void f16_from_f32(uint16_t *y, const float *x, ck_size count) {
  EACH_STEP(count, store_u16(y + i, halves_of(load(x + i, n)), n));
}

static void f32_from_f16(float *y, const uint16_t *x, ck_size count) {
  EACH_STEP(count, store(y + i, lanes_of_halves(load_u16(x + i, n)), n));
}
