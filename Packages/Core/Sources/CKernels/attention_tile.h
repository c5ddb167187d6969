// The vector vocabulary of attention: loads and lanes, exp, packing of blocks, and the one product everything uses.
// For attention_body.h, with LANES floats in a vector and TILE_VECTORS vectors in a register tile.
#define INLINE inline __attribute__((always_inline))
enum { TILE_ROWS = 6 };

// A step of a chain; another number format names its own, whose operands are words that hold its numbers.
#ifndef STEP
#define STEP(a, b, sum) __builtin_elementwise_fma(a, b, sum)
#endif

typedef float vec __attribute__((ext_vector_type(LANES)));
typedef int32_t ints __attribute__((ext_vector_type(LANES)));
typedef float loose_vec __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef float quad __attribute__((ext_vector_type(4)));
typedef float oct __attribute__((ext_vector_type(8)));
typedef float loose_quad __attribute__((ext_vector_type(4), aligned(4), may_alias));
typedef float loose_oct __attribute__((ext_vector_type(8), aligned(4), may_alias));

static INLINE ck_size smaller(ck_size a, ck_size b) { return a < b ? a : b; }
static INLINE ck_size padded(ck_size count) { return (count + 15) & ~(ck_size)15; }
static INLINE ck_size vectors(ck_size count) { return (count + LANES - 1) / LANES; }

static INLINE vec load(const float *x) { return *(const loose_vec *)x; }
static INLINE void store(float *y, vec x) { *(loose_vec *)y = x; }
static INLINE float fused(float a, float b, float c) { return __builtin_elementwise_fma(a, b, c); }

// The first n lanes of x, the others `otherwise`.
static INLINE vec keep(vec x, ck_size n, float otherwise) {
#if LANES == 16
  const ints lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif LANES == 8
  const ints lane = {0, 1, 2, 3, 4, 5, 6, 7};
#else
  const ints lane = {0, 1, 2, 3};
#endif
  return lane < (ints)((int32_t)n) ? x : (vec)(otherwise);
}

// Folds a vector's lanes by halves into one number.
#define FOLD(name, type, combine)                                                                                      \
  static INLINE float name(vec x) {                                                                                    \
    quad a;                                                                                                            \
    FOLD_TO_QUAD(a, x, combine);                                                                                       \
    float even = combine(a[0], a[2]), odd = combine(a[1], a[3]);                                                       \
    return combine(even, odd);                                                                                         \
  }
#define ADD(a, b) ((a) + (b))
#define MAXIMUM(a, b) ((a) > (b) ? (a) : (b))
#if LANES == 16
#define FOLD_TO_QUAD(a, x, combine)                                                                                    \
  typeof((x).lo) half = combine((x).lo, (x).hi);                                                                       \
  a = combine(half.lo, half.hi)
#elif LANES == 8
#define FOLD_TO_QUAD(a, x, combine) a = combine((x).lo, (x).hi)
#else
#define FOLD_TO_QUAD(a, x, combine) a = x
#endif
FOLD(sum_of_lanes, vec, ADD)
FOLD(largest_lane, vec, MAXIMUM)

// exp(x) for x ≤ 0 or nearly so, within 2 units in the last place: exp(x) = 2ⁿ exp(r), |r| ≤ ln 2 / 2, exp(r) as in
// Cephes. Below -87.3 the result would soon be subnormal, which costs time and means nothing beside a sum ≥ 1: zero.
static INLINE vec exponential(vec x) {
  const vec magic = (vec)(12582912.0f);  // 1.5 · 2²³: adding it leaves the nearest integer in the low bits
  vec shifted = __builtin_elementwise_fma(x, (vec)(1.44269504088896341f), magic);
  vec n = shifted - magic;
  vec r = __builtin_elementwise_fma(n, (vec)(-0.693359375f), x);
  r = __builtin_elementwise_fma(n, (vec)(2.12194440e-4f), r);
  vec y = (vec)(1.9875691500e-4f);
  y = __builtin_elementwise_fma(y, r, (vec)(1.3981999507e-3f));
  y = __builtin_elementwise_fma(y, r, (vec)(8.3334519073e-3f));
  y = __builtin_elementwise_fma(y, r, (vec)(4.1665795894e-2f));
  y = __builtin_elementwise_fma(y, r, (vec)(1.6666665459e-1f));
  y = __builtin_elementwise_fma(y, r, (vec)(5.0000001201e-1f));
  y = __builtin_elementwise_fma(y, r * r, r) + 1;
  vec scaled = (vec)((ints)y + ((ints)shifted << 23));
  return x < -87.3f ? (vec)(0.0f) : scaled;
}

// ---- rows -------------------------------------------------------------------------------------------------------
static inline void scale_row(float *y, const float *x, float factor, ck_size count) {
  ck_size i = 0;
  for (; i + LANES <= count; i += LANES) store(y + i, load(x + i) * factor);
  for (; i < count; i++) y[i] = x[i] * factor;
}

static inline float dot(const float *a, const float *b, ck_size count) {
  vec sum = (vec)(0.0f);
  ck_size i = 0;
  for (; i + LANES <= count; i += LANES) sum = __builtin_elementwise_fma(load(a + i), load(b + i), sum);
  float rest = 0;
  for (; i < count; i++) rest = fused(a[i], b[i], rest);
  return sum_of_lanes(sum) + rest;
}

// y [rows, y_stride] = x [rows, width], padded with zeros up to a whole vector.
static void copy_rows(float *y, ck_size y_stride, const float *x, ck_size x_stride, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++, y += y_stride, x += x_stride) {
    scale_row(y, x, 1, width);
    for (ck_size c = width; c < vectors(width) * LANES; c++) y[c] = 0;
  }
}

// Both parts of keys key ..< key + count side by side, padded with zeros up to a whole vector.
static void copy_keys(float *y, ck_size stride, const ck_attention *x, ck_size key, ck_size count) {
  ck_size d = x->d1 + x->d2;
  for (ck_size r = key; r < key + count; r++, y += stride) {
    scale_row(y, x->k1 + r * x->k1_stride, 1, x->d1);
    if (x->d2) scale_row(y + x->d1, x->k2 + r * x->k2_stride, 1, x->d2);
    for (ck_size c = d; c < vectors(d) * LANES; c++) y[c] = 0;
  }
}

// Four columns of two rows, side by side.
static INLINE oct row_pair(const float *above, const float *below) {
  quad a = *(const loose_quad *)above, b = *(const loose_quad *)below;
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}

// Four columns of eight rows.
static INLINE void transpose_8x4(float *y, const float *x, ck_size stride) {
  const float *z = x + 4 * stride;
  oct a = row_pair(x, z), b = row_pair(x + stride, z + stride);
  oct c = row_pair(x + 2 * stride, z + 2 * stride), d = row_pair(x + 3 * stride, z + 3 * stride);
  oct ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
  oct cd = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13);
  oct ab2 = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  oct cd2 = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
  *(loose_oct *)y = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13);
  *(loose_oct *)(y + CK_KEY_BLOCK) = __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
  *(loose_oct *)(y + 2 * CK_KEY_BLOCK) = __builtin_shufflevector(ab2, cd2, 0, 1, 8, 9, 4, 5, 12, 13);
  *(loose_oct *)(y + 3 * CK_KEY_BLOCK) = __builtin_shufflevector(ab2, cd2, 2, 3, 10, 11, 6, 7, 14, 15);
}

// y[c, r] = x[r, c], y having CK_KEY_BLOCK columns; what stands in columns beyond `rows` is of no account, because
// scores of keys that do not exist are masked. The last eight rows may overlap those before them. Where x comes from
// memory, lines of the next eight rows are asked for on the way.
static INLINE void transpose_rows(float *y, const float *x, ck_size stride, ck_size rows, ck_size width,
                                  const int from_memory) {
  ck_size whole = rows < 8 ? 0 : width / 4 * 4;
  for (ck_size from = 0; from < rows && whole; from += 8) {
    ck_size r = smaller(from, rows - 8);
    const float *row = x + r * stride;
    float *to = y + r;
#pragma clang loop unroll(disable)
    for (ck_size c = 0; c < whole; c += 4, row += 4, to += 4 * CK_KEY_BLOCK) {
      // Two lines every four columns: each line of the eight rows once.
      const float *ahead = row + (8 + c / 2 % 8) * stride;
      if (from_memory) __builtin_prefetch(ahead), __builtin_prefetch(ahead + stride);
      transpose_8x4(to, row, stride);
    }
  }
  for (ck_size r = 0; r < rows && whole < width; r++)
    for (ck_size c = whole; c < width; c++) y[c * CK_KEY_BLOCK + r] = x[r * stride + c];
}
static void transpose(float *y, const float *x, ck_size stride, ck_size rows, ck_size width) {
  transpose_rows(y, x, stride, rows, width, 0);
}

// Columns from ..< to of keys key ..< key + count, transposed.
static void transpose_keys(float *y, const ck_attention *x, ck_size key, ck_size count, ck_size from, ck_size to) {
  ck_size middle = from > x->d1 ? from : smaller(to, x->d1);
  if (from < middle) transpose(y, x->k1 + key * x->k1_stride + from, x->k1_stride, count, middle - from);
  if (middle < to)
    transpose(y + (middle - from) * CK_KEY_BLOCK, x->k2 + key * x->k2_stride + middle - x->d1, x->k2_stride, count,
              to - middle);
}

// Asks for the first cache lines of some rows early: rows lie far apart, where the processor does not look ahead.
static inline void prefetch_rows(const float *x, ck_size stride, ck_size rows, ck_size width) {
  ck_size near = smaller(width, 128);
  for (ck_size r = 0; r < rows; r++)
    for (ck_size c = 0; c < near; c += 16) __builtin_prefetch(x + r * stride + c, 0, 2);
}

// ---- products ---------------------------------------------------------------------------------------------------
// A register tile: c [rows, columns vectors] = a · b, each element one chain of fused multiply-adds over k in order.
static INLINE void tile(int rows, int columns, float *c, ck_size c_stride, const float *a, ck_size a_row,
                        ck_size a_step, const float *b, ck_size b_stride, ck_size k, int accumulate) {
  vec sum[TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) sum[r][j] = accumulate ? load(c + r * c_stride + j * LANES) : (vec)(0.0f);
  for (; k > 0; k--, a += a_step, b += b_stride) {
    vec line[TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) line[j] = load(b + j * LANES);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
      for (int j = 0; j < columns; j++) sum[r][j] = STEP((vec)(a[r * a_row]), line[j], sum[r][j]);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) store(c + r * c_stride + j * LANES, sum[r][j]);
}

// c [rows ≤ TILE_ROWS, columns vectors] = a · b, or c + a · b when accumulating. Element (r, i) of a is at
// a[r * a_row + i * a_step], so that a may be read transposed; b is [k, columns] with row stride b_stride.
static void product(float *c, ck_size c_stride, const float *a, ck_size a_row, ck_size a_step, const float *b,
                    ck_size b_stride, ck_size rows, ck_size columns, ck_size k, int accumulate) {
#define TILE(m, n) tile(m, n, c, c_stride, a, a_row, a_step, b, b_stride, k, accumulate)
#define TILES(n)                                                                                                       \
  switch (rows) {                                                                                                      \
  case 1: TILE(1, n); break;                                                                                           \
  case 2: TILE(2, n); break;                                                                                           \
  case 3: TILE(3, n); break;                                                                                           \
  case 4: TILE(4, n); break;                                                                                           \
  case 5: TILE(5, n); break;                                                                                           \
  default: TILE(6, n);                                                                                                 \
  }
  for (; columns >= TILE_VECTORS; columns -= TILE_VECTORS, c += TILE_VECTORS * LANES, b += TILE_VECTORS * LANES)
    TILES(TILE_VECTORS)
#if TILE_VECTORS == 4
  if (columns == 3) TILES(3)
  if (columns == 2) TILES(2)
#endif
  if (columns == 1) TILES(1)
#undef TILES
#undef TILE
}
