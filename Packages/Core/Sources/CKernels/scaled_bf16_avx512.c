// Products of eight-bit codes with AVX-512 BF16: every code is a bfloat16 number, so one instruction takes two steps of
// sixteen chains. A tile of C stays in registers for the 128 steps that share a scale, and is scaled as it leaves them.
#include "float8_format.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma"))), \
                             apply_to = function)

#define TILE_ROWS 12
#define TILE_VECTORS 2
#define WIDE_ROWS 6
#define WIDE_1 4
#define WIDE_2 4
#define WIDE_3 4
#define WIDE_4 2
#define WIDE_5 2
#define WIDE_6 2

#include "gemm_vectors_avx512.h"

// The instruction multiplies the upper halves first, so the first number of a pair stands there: an element is one
// chain in the order of k. Products of codes are far above the numbers that the instruction takes for zeros.
static inline __attribute__((always_inline)) vec multiply_add_pairs(vec a, vec b, vec sum) {
  return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
#define MULTIPLY_ADD multiply_add_pairs
#include "gemm_panels.h"

enum {
  // Steps of k whose codes are decoded at a time, and their words.
  STEPS = CK_SCALED_STEPS,
  WORDS = STEPS / 2,
  DEPTH_WORDS = CK_SCALED_DEPTH / 2,
};

INLINE ck_size words_of(ck_size numbers) { return (numbers + 1) / 2; }

// ---- codes as bfloat16 ------------------------------------------------------------------------------------------
// Thirty-two codes. The exponent gets another bias; subnormal numbers are looked up.
INLINE __m512i values_of(const ck_float8 format, __m256i codes) {
  const int drop = 7 - float8_fraction_bits(format);
  const int largest = (int)float8_largest(format);
  const __m512i small = _mm512_castsi128_si512(
      format == CK_E4M3 ? _mm_set_epi16(0x3c60, 0x3c40, 0x3c20, 0x3c00, 0x3bc0, 0x3b80, 0x3b00, 0)
                        : _mm_set_epi16(0, 0, 0, 0, 0x3840, 0x3800, 0x3780, 0));
  const __m512i code = _mm512_cvtepu8_epi16(codes), size = _mm512_and_si512(code, _mm512_set1_epi16(0x7f));
  const __m512i bias = _mm512_set1_epi16((short)((127 - (int)float8_bias(format)) << 7));
  __m512i x = _mm512_add_epi16(_mm512_slli_epi16(size, drop), bias);
  const short normal = (short)(1 << float8_fraction_bits(format));
  x = _mm512_mask_permutexvar_epi16(x, _mm512_cmplt_epu16_mask(size, _mm512_set1_epi16(normal)), size, small);
  x = _mm512_mask_mov_epi16(x, _mm512_cmpgt_epu16_mask(size, _mm512_set1_epi16((short)largest)),
                            _mm512_set1_epi16(0x7fc0));
  if (format == CK_E5M2)
    x = _mm512_mask_mov_epi16(x, _mm512_cmpeq_epi16_mask(size, _mm512_set1_epi16((short)(largest + 1))),
                              _mm512_set1_epi16(0x7f80));
  return _mm512_or_si512(x, _mm512_and_si512(_mm512_slli_epi16(code, 8), _mm512_set1_epi16((short)0x8000)));
}

INLINE __m256i load_codes(const uint8_t *p, ck_size count) {
  return count >= 32 ? _mm256_loadu_si256((const __m256i *)p)
                     : _mm256_maskz_loadu_epi8(count > 0 ? (__mmask32)((1u << count) - 1) : 0, p);
}

// A row of `count` codes as words; an odd row ends in a zero.
INLINE void decode_row(const ck_float8 format, float *out, const uint8_t *codes, ck_size count) {
  const __m256i exchanged = _mm256_broadcastsi128_si256(
      _mm_set_epi8(14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1));
  for (; count > 0; count -= 32, codes += 32, out += LANES) {
    const __m256i pairs = _mm256_shuffle_epi8(load_codes(codes, count), exchanged);
    const vec words = (vec)values_of(format, pairs);
    if (count >= 31) store(out, words);
    else store_some(out, words, words_of(count));
  }
}

// Thirty-two columns of two rows as words: the first row's numbers in the upper halves.
typedef struct {
  vec low, high;
} two_vectors;
INLINE two_vectors decode_pair(const ck_float8 format, const uint8_t *first, const uint8_t *second, ck_size count) {
  const __m512i columns = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6,
                                           37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  const __m512i upper = values_of(format, load_codes(first, count));
  const __m512i lower = second ? values_of(format, load_codes(second, count)) : _mm512_setzero_si512();
  const __m512i beyond = _mm512_add_epi16(columns, _mm512_set1_epi16(16));
  return (two_vectors){(vec)_mm512_permutex2var_epi16(lower, columns, upper),
                       (vec)_mm512_permutex2var_epi16(lower, beyond, upper)};
}

// `depth` rows of `width` codes as a panel of words.
INLINE void decode_panel(const ck_float8 format, float *out, const uint8_t *b, ck_size ldb, ck_size depth,
                         ck_size width) {
  for (ck_size p = 0; p < depth; p += 2, out += CK_NR, b += 2 * ldb) {
    const two_vectors words = decode_pair(format, b, p + 1 < depth ? b + ldb : 0, width);
    store(out, words.low);
    store(out + LANES, words.high);
  }
}

// Tiles of a matrix of `depth` rows whose columns are to be the rows of tiles: tile t holds, for each pair of rows in
// turn, its words side by side.
INLINE void decode_columns(const ck_float8 format, float *out, const uint8_t *a, ck_size lda, row_cut cut,
                           ck_size depth) {
  float line[CK_SCALED_ROWS + 2 * CK_NR] __attribute__((aligned(64)));
  const ck_size step = words_of(depth) * PACKED_ROWS;
  for (ck_size p = 0; p < depth; p += 2, out += PACKED_ROWS, a += 2 * lda) {
    for (ck_size j = 0; j < cut.m; j += CK_NR) {
      const two_vectors words = decode_pair(format, a + j, p + 1 < depth ? a + lda + j : 0, cut.m - j);
      store(line + j, words.low);
      store(line + j + LANES, words.high);
    }
    for (ck_size t = 0; t < cut.tiles; t++) {
      const ck_size row = first_row(cut, t);
      store_some(out + t * step, load(line + row), first_row(cut, t + 1) - row);
    }
  }
}

// ---- tiles ------------------------------------------------------------------------------------------------------
typedef struct {
  tile_operands x;
  const float *a_scales;
  ck_size a_scale_row;  // from the scale of one row of A to that of the next
  const float *b_scales;
  ck_size b_scale_panel;  // from the scales of one panel of B to those of the next
  int begins;             // whether these are the first steps of k, before which the sums are zero
} scaled_tile;

// C += part · (row scale · column scale), for the part that the tile's steps of k add up to.
INLINE void run_tile(const int rows, const int panels, const int vectors, const scaled_tile *s) {
  const tile_operands *x = &s->x;
  vec sum[TILE_ROWS][MOST_VECTORS];
  const int all = panels * vectors;
  const ck_size rest = x->width - (ck_size)(all - 1) * LANES;
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < all; v++) sum[r][v] = (vec)(0.0f);
  }
  ask_for_tile(rows, all, x);
  tile_place at = {.b = x->b};
  UNROLLED for (int r = 0; r < rows; r += 3) at.a[r / 3] = x->a + r * x->a_row;
  tile_steps(rows, vectors, all, x, &at, x->k, sum);
  UNROLLED for (int v = 0; v < all; v++) {
    const int is_whole = v < all - 1 || rest == LANES;
    const float *scales = s->b_scales + (v / vectors) * s->b_scale_panel + (v % vectors) * LANES;
    const vec column = is_whole ? load(scales) : load_some(scales, rest);
    UNROLLED for (int r = 0; r < rows; r++) {
      float *place = x->c + r * x->ldc + v * LANES;
      const vec scale = (vec)(s->a_scales[r * s->a_scale_row]) * column;
      vec c = (vec)(0.0f);
      if (!s->begins) c = is_whole ? load(place) : load_some(place, rest);
      c = __builtin_elementwise_fma(sum[r][v], scale, c);
      if (is_whole) store(place, c);
      else store_some(place, c, rest);
    }
  }
}

typedef void (*scaled_function)(const scaled_tile *s);
#define SCALED(rows)                                                                     \
  static void scaled_##rows##_1(const scaled_tile *s) { run_tile(rows, 1, 1, s); }       \
  static void scaled_##rows##_2(const scaled_tile *s) { run_tile(rows, 1, 2, s); }
#define SCALED_WIDE(rows) \
  static void scaled_wide_##rows(const scaled_tile *s) { run_tile(rows, WIDE_##rows, PANEL_VECTORS, s); }
SCALED(1) SCALED(2) SCALED(3) SCALED(4) SCALED(5) SCALED(6)
SCALED(7) SCALED(8) SCALED(9) SCALED(10) SCALED(11) SCALED(12)
SCALED_WIDE(1) SCALED_WIDE(2) SCALED_WIDE(3) SCALED_WIDE(4) SCALED_WIDE(5) SCALED_WIDE(6)

// scaled_tiles[rows - 1][vectors - 1]
#define BOTH(rows) {scaled_##rows##_1, scaled_##rows##_2}
static const scaled_function scaled_tiles[TILE_ROWS][TILE_VECTORS] = {
    BOTH(1), BOTH(2), BOTH(3), BOTH(4), BOTH(5), BOTH(6), BOTH(7), BOTH(8), BOTH(9), BOTH(10), BOTH(11), BOTH(12),
};
// scaled_wide[rows - 1]; as many panels as in wide_tiles.
static const scaled_function scaled_wide[WIDE_ROWS] = {
    scaled_wide_1, scaled_wide_2, scaled_wide_3, scaled_wide_4, scaled_wide_5, scaled_wide_6,
};

INLINE void run_scaled(const scaled_tile *s, ck_size rows) {
  if (s->x.width > CK_NR) scaled_wide[rows - 1](s);
  else scaled_tiles[rows - 1][(s->x.width + LANES - 1) / LANES - 1](s);
}

// ---- products ---------------------------------------------------------------------------------------------------
// What both products do once A and some panels of B are words: the tiles, each for its steps of scales in turn.
// `tile` describes the first tile of the first step; words of a row, and of a panel, follow each other from step to
// step.
typedef struct {
  ck_size k;        // numbers along k in these words
  ck_size a_step;   // floats from one step's words of A to the next step's
  ck_size a_tile;   // floats from one tile's first row of A to the next tile's; 0: a_row for each of its rows
  ck_size a_scale_step, b_scale_step;  // floats from one step's scales to the next
} step_strides;

INLINE void all_steps(scaled_tile tile, row_cut cut, step_strides by) {
  for (ck_size t = 0; t < cut.tiles; t++) {
    const ck_size row = first_row(cut, t), rows = first_row(cut, t + 1) - row;
    scaled_tile s = tile;
    s.x.a += by.a_tile ? t * by.a_tile : row * s.x.a_row;
    s.x.c += row * s.x.ldc;
    s.a_scales += row * s.a_scale_row;
    for (ck_size start = 0; start < by.k; start += CK_SCALED_DEPTH) {
      s.x.k = words_of(ck_smaller(CK_SCALED_DEPTH, by.k - start));
      run_scaled(&s, rows);
      s.begins = 0;
      s.x.a += by.a_step;
      s.x.b += DEPTH_WORDS * CK_NR;
      s.a_scales += by.a_scale_step;
      s.b_scales += by.b_scale_step;
    }
  }
}

// `rows` rows of A from `row` on, and CK_SCALED_STEPS steps of k from `start` on.
INLINE void product_block(const ck_float8 a_format, const ck_float8 b_format, const ck_scaled_operands *x, ck_size row,
                          ck_size rows, ck_size start, ck_size first, ck_size last, float *scratch) {
  const ck_size blocks = (x->k + CK_SCALED_DEPTH - 1) / CK_SCALED_DEPTH, step = start / CK_SCALED_DEPTH;
  const ck_size k = ck_smaller(STEPS, x->k - start), words = words_of(k);
  const row_cut cut = cut_rows(rows);
  float *a = scratch, *b = a + (rows * words + LANES - 1) / LANES * LANES;
  for (ck_size r = 0; r < rows; r++) decode_row(a_format, a + r * words, x->a + (row + r) * x->lda + start, k);
  const ck_size wide = rows <= WIDE_ROWS ? wide_tiles[rows - 1].panels : 1, whole = x->n / CK_NR;
  for (ck_size panel = first; panel < last;) {
    const ck_size count = panel + wide <= ck_smaller(last, whole) ? wide : 1;
    for (ck_size i = 0; i < count; i++)
      decode_panel(b_format, b + i * words * CK_NR, x->b + ((panel + i) * x->k + start) * CK_NR, CK_NR, k, CK_NR);
    const scaled_tile tile = {
        .x = {.a = a, .a_row = words, .a_step = 1, .b = b, .b_panel = words * CK_NR, .ahead = AHEAD,
              .c = x->c + row * x->ldc + panel * CK_NR, .ldc = x->ldc,
              .width = count > 1 ? count * CK_NR : ck_smaller(CK_NR, x->n - panel * CK_NR)},
        .a_scales = x->a_scales + row * x->ld_a_scales + step, .a_scale_row = x->ld_a_scales,
        .b_scales = x->b_scales + (panel * blocks + step) * CK_NR, .b_scale_panel = blocks * CK_NR,
        .begins = start == 0};
    all_steps(tile, cut, (step_strides){.k = k, .a_step = DEPTH_WORDS, .a_scale_step = 1, .b_scale_step = CK_NR});
    panel += count;
  }
}

static void product(const ck_scaled_operands *x, ck_size first_panel, ck_size last_panel, float *scratch) {
  const ck_size end = ck_smaller(last_panel, (x->n + CK_NR - 1) / CK_NR);
  for (ck_size row = 0; row < x->m; row += CK_SCALED_ROWS) {
    const ck_size rows = ck_smaller(CK_SCALED_ROWS, x->m - row);
    for (ck_size r = row; x->k == 0 && r < row + rows; r++)
      for (ck_size j = first_panel * CK_NR; j < ck_smaller(x->n, end * CK_NR); j++) x->c[r * x->ldc + j] = 0;
    for (ck_size start = 0; start < x->k; start += STEPS)
      EACH_FORMAT_PAIR(x, product_block(A, B, x, row, rows, start, first_panel, end, scratch));
  }
}

INLINE void product_at_block(const ck_float8 a_format, const ck_float8 b_format, const ck_scaled_columns *x,
                             ck_size row, ck_size rows, ck_size start, float *scratch) {
  const ck_size step = start / CK_SCALED_DEPTH, k = ck_smaller(STEPS, x->k - start), words = words_of(k);
  const row_cut cut = cut_rows(rows);
  float *a = scratch, *b = a + CK_SCALED_ROWS * WORDS;
  decode_columns(a_format, a, x->a + start * x->lda + row, x->lda, cut, k);
  for (ck_size column = 0; column < x->n; column += CK_NR) {
    const ck_size width = ck_smaller(CK_NR, x->n - column);
    decode_panel(b_format, b, x->b + start * x->ldb + column, x->ldb, k, width);
    const scaled_tile tile = {
        .x = {.a = a, .a_row = 1, .a_step = PACKED_ROWS, .b = b, .ahead = AHEAD, .c = x->c + row * x->ldc + column,
              .ldc = x->ldc, .width = width},
        .a_scales = x->a_scales + step * x->ld_a_scales + row, .a_scale_row = 1,
        .b_scales = x->b_scales + step * x->ld_b_scales + column, .begins = start == 0};
    all_steps(tile, cut,
              (step_strides){.k = k, .a_step = DEPTH_WORDS * PACKED_ROWS, .a_tile = words * PACKED_ROWS,
                             .a_scale_step = x->ld_a_scales, .b_scale_step = x->ld_b_scales});
  }
}

static void product_at(const ck_scaled_columns *x, float *scratch) {
  for (ck_size row = 0; row < x->m; row += CK_SCALED_ROWS) {
    const ck_size rows = ck_smaller(CK_SCALED_ROWS, x->m - row);
    for (ck_size r = row; x->k == 0 && r < row + rows; r++)
      __builtin_memset(x->c + r * x->ldc, 0, (size_t)x->n * sizeof(float));
    for (ck_size start = 0; start < x->k; start += STEPS)
      EACH_FORMAT_PAIR(x, product_at_block(A, B, x, row, rows, start, scratch));
  }
}

const ck_scaled_kernels ck_scaled_bf16_avx512 = {product, product_at};
#pragma clang attribute pop
#endif
