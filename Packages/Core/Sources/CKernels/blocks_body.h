// Products with packed blocks for every vector instruction set; see block_layout.h for what is read.
// Included by a file that has defined, inside a region compiled for its instruction set,
//   LANES         words of a vector
//   TILE_VECTORS  vectors of outputs in a tile, which divide those of a panel
//   TILE_ROWS     most rows of a tile
//   DOT(sum, codes, word)        sum + Σ code · activation over the four bytes of each lane; codes are 0 ... 63
//   DOT_WIDE(sum, codes, word)   the same for codes 0 ... 255 that stand for code − 128
//   WIDE_IS_SIGNED               whether DOT_WIDE takes these 128 away itself
#include <string.h>

#include "block_layout.h"

typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int8_t small_bytes __attribute__((vector_size(LANES)));
typedef _Float16 halves __attribute__((vector_size(2 * LANES)));

enum { TILES = CK_NR / LANES / TILE_VECTORS, FEW_ROWS = 4, AHEAD_BYTES = 1536 };

#define LOAD(type, p) ({ type loaded; memcpy(&loaded, p, sizeof(type)); loaded; })
#define ALL(value) ((ints){0} + (value))
#define EACH_ROW UNROLLED for (int r = 0; r < rows; r++)
#define EACH_VECTOR UNROLLED for (int v = 0; v < TILE_VECTORS; v++)

// The sums of a tile, in whole numbers and in float32.
typedef struct {
  ints part[TILE_ROWS][TILE_VECTORS];
  floats total[TILE_ROWS][TILE_VECTORS];
} tile_sums;

INLINE floats all_floats(float x) {
  floats y;
  UNROLLED for (int i = 0; i < LANES; i++) y[i] = x;
  return y;
}
INLINE floats half_floats(const uint8_t *p) { return __builtin_convertvector(LOAD(halves, p), floats); }
INLINE floats byte_floats(const uint8_t *p) { return __builtin_convertvector(LOAD(small_bytes, p), floats); }

INLINE ints dot(const block_shape f, ints sum, ints codes, const int8_t *a) {
  int32_t word;
  memcpy(&word, a, 4);
  return f.shift == 7 ? DOT_WIDE(sum, codes, word) : DOT(sum, codes, word);
}

// The codes of half `half` of word g: numbers 16 · half + 4g ..< 16 · half + 4g + 4 of each output.
INLINE ints codes_of_half(const block_shape f, const uint8_t *codes, const int g, const int half, const int at) {
  const ints both = LOAD(ints, codes + (g * CK_NR + at) * 4), low = (half ? both >> 4 : both) & ALL(0x0f0f0f0f);
  if (f.bits == 4) return low;
  // Bits 4 and 5 of a code are brought to their place; those of neighbours that come along are taken off.
  const ints above = LOAD(ints, codes + HALF_BYTES + ((f.bits == 6 ? half * CK_NR : 0) + at) * 4);
  const int shift = f.bits == 6 ? 4 - 2 * g : 4 - 4 * half - g;
  const ints moved = shift >= 0 ? above << shift : above >> -shift;
  return low | (moved & ALL(f.bits == 6 ? 0x30303030 : 0x10101010));
}

// Adds the whole products of one part of a step.
INLINE void add_codes(const int rows, const block_shape f, tile_sums *sums, const uint8_t *codes,
                      const ck_block_row *const a[TILE_ROWS], const int part) {
  ints w[TILE_VECTORS];
  if (f.bits == 8) {
    UNROLLED for (int g = 0; g < STEP / 4; g++) {
      EACH_VECTOR w[v] = LOAD(ints, codes + (g * CK_NR + v * LANES) * 4);
      EACH_ROW EACH_VECTOR sums->part[r][v] = dot(f, sums->part[r][v], w[v], a[r]->codes + 4 * g);
    }
    return;
  }
  UNROLLED for (int g = 0; g < STEP / 8; g++) {
    // A step of two parts has one in each half.
    UNROLLED for (int half = f.parts == 1 ? 0 : part; half <= (f.parts == 1 ? 1 : part); half++) {
      EACH_VECTOR w[v] = codes_of_half(f, codes, g, half, v * LANES);
      EACH_ROW EACH_VECTOR sums->part[r][v] = dot(f, sums->part[r][v], w[v], a[r]->codes + 16 * half + 4 * g);
    }
  }
}

// Scales, or minima, of one vector of outputs: row `row` of the step's, times their float16 numbers where there are some.
INLINE floats scales_of(const block_shape f, const uint8_t *head, const uint8_t *step, int row, int is_minimum, int at) {
  const uint8_t *place = step + scale_row(f) * row;
  if (!f.is_super) return half_floats(place + 2 * at);
  return half_floats(head + 2 * CK_NR * is_minimum + 2 * at) * byte_floats(place + at);
}

// One part of a step: whole sums from the bias on, then one or two links of the chains.
INLINE void add_part(const int rows, const block_shape f, tile_sums *sums, const uint8_t *head, const uint8_t *step,
                     const int first_vector, const ck_block_row *const a[TILE_ROWS], const int part) {
  const int begins = !(f.shift == 7 && WIDE_IS_SIGNED) && f.shift >= 0;
  EACH_ROW {
    const int32_t less = f.parts == 1 ? a[r]->less : a[r]->less_parts[part];
    const ints start = begins ? ALL(less) << (f.shift < 0 ? 0 : f.shift) : ALL(0);
    EACH_VECTOR sums->part[r][v] = start;
  }
  add_codes(rows, f, sums, step + codes_at(f) + first_vector * LANES * 4, a, part);
  EACH_VECTOR {
    const int at = (first_vector + v) * LANES;
    const floats scale = scales_of(f, head, step, part, 0, at);
    EACH_ROW {
      const floats sum = __builtin_convertvector(sums->part[r][v], floats);
      sums->total[r][v] = __builtin_elementwise_fma(sum, all_floats(a[r]->scale) * scale, sums->total[r][v]);
    }
    if (!f.has_minimum) continue;
    const floats minimum = scales_of(f, head, step, f.parts + part, 1, at);
    EACH_ROW {
      const floats less = all_floats((float)(f.parts == 1 ? a[r]->less : a[r]->less_parts[part]));
      sums->total[r][v] = __builtin_elementwise_fma(less, all_floats(a[r]->scale) * minimum, sums->total[r][v]);
    }
  }
}

INLINE void store_tile(const int rows, const tile_sums *sums, float *c, ck_size ldc, ck_size width) {
  EACH_ROW EACH_VECTOR {
    const ck_size count = width - v * LANES;
    float *place = c + r * ldc + v * LANES;
    if (count >= LANES) memcpy(place, &sums->total[r][v], sizeof(floats));
    else if (count > 0) memcpy(place, &sums->total[r][v], (size_t)count * 4);
  }
}

// `rows` rows by TILE_VECTORS vectors of the panel at `b`, from `first_vector` on. `rows` and the shape are constants
// where it is called. With few rows the panel comes from memory, so what follows it is asked for early.
INLINE void block_tile(const int rows, const block_shape f, const ck_block_operands *x, const uint8_t *b,
                       const int first_vector, ck_size row, ck_size column) {
  tile_sums sums;
  EACH_ROW EACH_VECTOR sums.total[r][v] = (floats){0};
  const ck_block_row *a[TILE_ROWS];
  EACH_ROW a[r] = x->a + (row + r) * x->lda;
  const uint8_t *head = b;
  const ck_size steps = x->k / STEP;
  _Pragma("clang loop unroll(disable)") for (ck_size step = 0; step < steps; step++) {
    if (f.is_super && step % SUPER_STEPS == 0) {
      head = b;
      b += head_bytes(f);
    }
    if (rows <= FEW_ROWS && first_vector == 0) {
      UNROLLED for (int line = 0; line < step_bytes(f); line += 64) __builtin_prefetch(b + AHEAD_BYTES + line, 0, 1);
    }
    UNROLLED for (int part = 0; part < f.parts; part++) add_part(rows, f, &sums, head, b, first_vector, a, part);
    EACH_ROW a[r]++;
    b += step_bytes(f);
  }
  store_tile(rows, &sums, x->c + row * x->ldc + column + first_vector * LANES, x->ldc,
             x->n - column - first_vector * LANES);
}

typedef void (*tile_function)(const ck_block_operands *x, const uint8_t *b, ck_size row, ck_size column);

// Where a loop of long instructions begins in a line of the cache decides a third of its speed, so it is not left to
// the linker.
#define TILE(format, rows)                                                                                             \
  static __attribute__((aligned(64))) void tile_##format##_##rows(const ck_block_operands *x, const uint8_t *b,        \
                                                                  ck_size row, ck_size column) {                       \
    UNROLLED for (int tile = 0; tile < TILES; tile++) {                                                                \
      block_tile(rows, SHAPE_##format, x, b, tile * TILE_VECTORS, row, column);                                        \
    }                                                                                                                  \
  }
#if TILE_ROWS == 6
#define FORMAT(format) TILE(format, 1) TILE(format, 2) TILE(format, 3) TILE(format, 4) TILE(format, 5) TILE(format, 6)
#define NAMES(format)                                                                                                  \
  {tile_##format##_1, tile_##format##_2, tile_##format##_3, tile_##format##_4, tile_##format##_5, tile_##format##_6}
#else
#define FORMAT(format) TILE(format, 1) TILE(format, 2) TILE(format, 3)
#define NAMES(format) {tile_##format##_1, tile_##format##_2, tile_##format##_3}
#endif
FORMAT(Q8_0) FORMAT(Q4_0) FORMAT(Q4_1) FORMAT(Q5_0) FORMAT(Q5_1)
FORMAT(Q2_K) FORMAT(Q3_K) FORMAT(Q4_K) FORMAT(Q5_K) FORMAT(Q6_K)

// tiles[format][rows - 1]
static const tile_function tiles[][TILE_ROWS] = {
    [CK_Q8_0] = NAMES(Q8_0), [CK_Q4_0] = NAMES(Q4_0), [CK_Q4_1] = NAMES(Q4_1), [CK_Q5_0] = NAMES(Q5_0),
    [CK_Q5_1] = NAMES(Q5_1), [CK_Q2_K] = NAMES(Q2_K), [CK_Q3_K] = NAMES(Q3_K), [CK_Q4_K] = NAMES(Q4_K),
    [CK_Q5_K] = NAMES(Q5_K), [CK_Q6_K] = NAMES(Q6_K),
};

static void product(const ck_block_operands *x, ck_size first_panel, ck_size last_panel) {
  const ck_size bytes = ck_block_panel_bytes(x->format, x->k);
  // Tiles of as equal heights as there can be.
  const ck_size count = (x->m + TILE_ROWS - 1) / TILE_ROWS;
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    for (ck_size t = 0; t < count; t++) {
      const ck_size row = t * x->m / count, rows = (t + 1) * x->m / count - row;
      tiles[x->format][rows - 1](x, x->b + panel * bytes, row, panel * CK_NR);
    }
  }
}

typedef float block_floats __attribute__((vector_size(4 * STEP)));
typedef int32_t block_ints __attribute__((vector_size(4 * STEP)));
typedef int32_t half_ints __attribute__((vector_size(2 * STEP)));
typedef int8_t block_bytes __attribute__((vector_size(STEP)));

static void quantise(ck_block_row *a, const float *x, ck_size ldx, ck_size rows, ck_size k) {
  for (ck_size r = 0; r < rows; r++, x += ldx) {
    for (ck_size block = 0; block < k / STEP; block++, a++) {
      const block_floats numbers = LOAD(block_floats, x + block * STEP);
      // Patterns of magnitudes are ordered as the magnitudes are, with infinity and NaN above all others.
      const int32_t most = __builtin_reduce_max((block_ints)numbers & 0x7fffffff);
      float largest;
      memcpy(&largest, &most, 4);
      const int is_finite = most < 0x7f800000;
      const float scale = !is_finite ? __builtin_nanf("") : largest < 0x1p-100f ? 0 : largest / 127;
      const float inverse = is_finite && scale != 0 ? 1 / scale : 0;
      block_ints codes = {0};
      if (inverse != 0) codes = __builtin_convertvector(__builtin_elementwise_roundeven(numbers * inverse), block_ints);
      const block_bytes bytes = __builtin_convertvector(codes, block_bytes);
      memcpy(a->codes, &bytes, STEP);
      a->scale = scale;
      half_ints parts[2];
      memcpy(parts, &codes, sizeof(codes));
      a->less_parts[0] = -__builtin_reduce_add(parts[0]);
      a->less_parts[1] = -__builtin_reduce_add(parts[1]);
      a->less = a->less_parts[0] + a->less_parts[1];
    }
  }
}
