// Products with narrow weights, for every vector instruction set. The including file describes its vectors (see
// gemm_tile.h) and defines, inside its target region:
//   half_numbers(w)  the float16 in the lower half of every word, as float32
#define MULTIPLY_ADD __builtin_elementwise_fma
#include "gemm_panels.h"
#include "narrow_layout.h"

enum {
  // The largest number of vectors of C that stay in registers, and words that are asked for ahead of their use.
  MOST_SUMS = TILE_ROWS * TILE_VECTORS,
  AHEAD_WORDS = 32 * CK_NR,
  // Rows of A longer than this are packed for many rows.
  LONG_ROW = 512,
  // Tiles below each other that rather widen a panel each in registers than read it widened.
  DIRECT_TILES = TILE_ROWS == 12 ? 4 : 2,
};

typedef uint32_t loose_words __attribute__((ext_vector_type(LANES), aligned(4)));

// Number `part` of every word; that of a code is multiplied by 2^-120.
INLINE vec number_of(const ck_narrow form, const int part, words w) {
  switch (form) {
  case CK_NARROW_BF16: return (vec)(part == 0 ? w << 16 : w & 0xffff0000u);
  case CK_NARROW_F16: return half_numbers(part == 0 ? w : w >> 16);
  case CK_NARROW_E4M3: return (vec)((words)((ints)(w << (24 - 8 * part)) >> 4) & 0x87f00000u);
  }
  return (vec)(0.0f);
}

// A tile of up to TILE_ROWS rows by some vectors of one panel.
typedef struct {
  const float *a;
  ck_size lda;
  const uint32_t *b;
  ck_size k;
  float *c;
  ck_size ldc;
  ck_size width;
} narrow_tile;

// Where a tile has come to: three rows share a pointer, as in tile_place.
typedef struct {
  const float *a[(TILE_ROWS + 2) / 3];
  const uint32_t *b;
} narrow_at;

// One step: the first `parts` numbers of a word of each output.
INLINE void narrow_step(const ck_narrow form, const int rows, const int vectors, const int parts, ck_size lda,
                        narrow_at *at, const vec scale[], vec sum[TILE_ROWS][PANEL_VECTORS]) {
  UNROLLED for (int v = 0; v < vectors; v++) {
    if (v * LANES % 16 == 0) __builtin_prefetch(at->b + v * LANES + AHEAD_WORDS);
    const words w = *(const loose_words *)(at->b + v * LANES);
    UNROLLED for (int p = 0; p < parts; p++) {
      vec y = number_of(form, p, w);
      if (form == CK_NARROW_E4M3) y *= scale[v];
      UNROLLED for (int r = 0; r < rows; r++)
        sum[r][v] = MULTIPLY_ADD((vec)(at->a[r / 3][(r % 3) * lda + p]), y, sum[r][v]);
    }
  }
  UNROLLED for (int r = 0; r < rows; r += 3) at->a[r / 3] += parts;
  at->b += CK_NR;
}

// Numbers along k that share a row of scales, or all of them.
INLINE void narrow_run(const ck_narrow form, const int rows, const int vectors, ck_size lda, ck_size count,
                       narrow_at *at, vec sum[TILE_ROWS][PANEL_VECTORS]) {
  const int parts = narrow_parts(form);
  vec scale[PANEL_VECTORS];
  if (form == CK_NARROW_E4M3) {
    UNROLLED for (int v = 0; v < vectors; v++) scale[v] = load((const float *)at->b + v * LANES);
    at->b += CK_NR;
  }
  _Pragma("clang loop unroll(disable)") for (ck_size w = count / parts; w > 0; w--)
    narrow_step(form, rows, vectors, parts, lda, at, scale, sum);
  switch (count % parts) {  // what lies behind the last number is neither read nor multiplied by a zero
  case 1: narrow_step(form, rows, vectors, 1, lda, at, scale, sum); break;
  case 2: narrow_step(form, rows, vectors, 2, lda, at, scale, sum); break;
  case 3: narrow_step(form, rows, vectors, 3, lda, at, scale, sum); break;
  default: break;
  }
}

// Vectors first ..< first + vectors of a panel.
INLINE void narrow_vectors(const ck_narrow form, const int rows, const int first, const int vectors,
                           const narrow_tile *x) {
  vec sum[TILE_ROWS][PANEL_VECTORS];
  narrow_at at = {.b = x->b + first * LANES};
  UNROLLED for (int r = 0; r < rows; r += 3) at.a[r / 3] = x->a + r * x->lda;
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) sum[r][v] = (vec)(0.0f);
  }
  if (form == CK_NARROW_E4M3) {
    for (ck_size k = 0; k < x->k; k += CK_NARROW_TILE)
      narrow_run(form, rows, vectors, x->lda, ck_smaller(CK_NARROW_TILE, x->k - k), &at, sum);
  } else {
    narrow_run(form, rows, vectors, x->lda, x->k, &at, sum);
  }
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < vectors; v++) {
      const ck_size column = (first + v) * LANES, count = x->width - column;
      float *place = x->c + r * x->ldc + column;
      if (count >= LANES) store(place, sum[r][v]);
      else if (count > 0) store_some(place, sum[r][v], count);
    }
  }
}

// As many vectors of the panel at once as stay in registers.
INLINE void narrow_panel(const ck_narrow form, const int rows, const narrow_tile *x) {
  const int vectors = rows * PANEL_VECTORS <= MOST_SUMS ? PANEL_VECTORS : TILE_VECTORS;
  UNROLLED for (int first = 0; first < PANEL_VECTORS; first += vectors) {
    if (first * LANES < x->width) narrow_vectors(form, rows, first, vectors, x);
  }
}

#define NARROW_ROW(form, rows) \
  static void form##_##rows(const narrow_tile *x) { narrow_panel(form, rows, x); }
#if TILE_ROWS == 12
#define NARROW_ROWS(form)                                                                                              \
  NARROW_ROW(form, 1) NARROW_ROW(form, 2) NARROW_ROW(form, 3) NARROW_ROW(form, 4) NARROW_ROW(form, 5)                  \
  NARROW_ROW(form, 6) NARROW_ROW(form, 7) NARROW_ROW(form, 8) NARROW_ROW(form, 9) NARROW_ROW(form, 10)                 \
  NARROW_ROW(form, 11) NARROW_ROW(form, 12)
#define NARROW_NAMES(form)                                                                                             \
  {form##_1, form##_2, form##_3, form##_4, form##_5, form##_6, form##_7, form##_8, form##_9, form##_10, form##_11,     \
   form##_12}
#else
#define NARROW_ROWS(form)                                                                                              \
  NARROW_ROW(form, 1) NARROW_ROW(form, 2) NARROW_ROW(form, 3) NARROW_ROW(form, 4) NARROW_ROW(form, 5) NARROW_ROW(form, 6)
#define NARROW_NAMES(form) {form##_1, form##_2, form##_3, form##_4, form##_5, form##_6}
#endif
NARROW_ROWS(CK_NARROW_BF16)
NARROW_ROWS(CK_NARROW_F16)
NARROW_ROWS(CK_NARROW_E4M3)

// narrow_rows[form][rows - 1]
static void (*const narrow_rows[3][TILE_ROWS])(const narrow_tile *x) = {
    NARROW_NAMES(CK_NARROW_BF16), NARROW_NAMES(CK_NARROW_F16), NARROW_NAMES(CK_NARROW_E4M3)};

// `depth` numbers of a panel as float32: out[k][CK_NR].
INLINE void widen(const ck_narrow form, float *out, const uint32_t *b, ck_size depth) {
  const int parts = narrow_parts(form);
  vec scale[PANEL_VECTORS];
  for (ck_size k = 0; k < depth; k += parts, b += CK_NR) {
    if (form == CK_NARROW_E4M3 && k % CK_NARROW_TILE == 0) {
      UNROLLED for (int v = 0; v < PANEL_VECTORS; v++) scale[v] = load((const float *)b + v * LANES);
      b += CK_NR;
    }
    UNROLLED for (int p = 0; p < parts; p++) {
      if (p > 0 && k + p >= depth) break;
      UNROLLED for (int v = 0; v < PANEL_VECTORS; v++) {
        vec y = number_of(form, p, *(const loose_words *)(b + v * LANES));
        if (form == CK_NARROW_E4M3) y *= scale[v];
        store(out + (k + p) * CK_NR + v * LANES, y);
      }
    }
  }
}

static void widen_panel(ck_narrow form, float *out, const uint32_t *b, ck_size depth) {
  switch (form) {  // the form is a constant inside
  case CK_NARROW_BF16: widen(CK_NARROW_BF16, out, b, depth); break;
  case CK_NARROW_F16: widen(CK_NARROW_F16, out, b, depth); break;
  case CK_NARROW_E4M3: widen(CK_NARROW_E4M3, out, b, depth); break;
  }
}

// Many rows: a panel is widened once for some hundred of them.
static void many_rows(const ck_narrow_operands *o, ck_size first_panel, ck_size last_panel, float *scratch) {
  const row_cut cut = cut_rows(o->m);
  const int packs = last_panel - first_panel > 1 && o->lda > LONG_ROW;
  const ck_size panel_words = narrow_place(o->form, o->k);
  for (ck_size start = 0; start < o->k; start += CK_GEMM_DEPTH) {
    const ck_size depth = ck_smaller(CK_GEMM_DEPTH, o->k - start);
    float *rows_scratch = scratch + depth * CK_NR;
    tile_operands x = {.a_row = packs ? 1 : o->lda, .a_step = packs ? PACKED_ROWS : 1, .ahead = AHEAD, .k = depth,
                       .ldc = o->ldc, .accumulate = start > 0};
    for (ck_size group = 0; group < cut.tiles; group += GROUP) {
      const ck_size end = ck_smaller(cut.tiles, group + GROUP);
      for (ck_size t = group; packs && t < end; t++) {
        const ck_size row = first_row(cut, t);
        turn(rows_scratch + (t - group) * PACKED_ROWS * depth, PACKED_ROWS, o->a + row * o->lda + start, o->lda,
             first_row(cut, t + 1) - row, depth);
      }
      for (ck_size panel = first_panel; panel < last_panel; panel++) {
        widen_panel(o->form, scratch, o->b + panel * panel_words + narrow_place(o->form, start), depth);
        for (ck_size t = group; t < end; t++) {
          const ck_size row = first_row(cut, t);
          x.a = packs ? rows_scratch + (t - group) * PACKED_ROWS * depth : o->a + row * o->lda + start;
          x.b = scratch;
          x.c = o->c + row * o->ldc + panel * CK_NR;
          panel_tiles(x, first_row(cut, t + 1) - row, ck_smaller(CK_NR, o->n - panel * CK_NR));
        }
      }
    }
  }
}

static void product(const ck_narrow_operands *o, ck_size first_panel, ck_size last_panel, float *scratch) {
  if (o->m <= 0) return;
  if (o->m > DIRECT_TILES * TILE_ROWS && o->k > 0) return many_rows(o, first_panel, last_panel, scratch);
  const row_cut cut = cut_rows(o->m);
  const ck_size panel_words = narrow_place(o->form, o->k);
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    for (ck_size t = 0; t < cut.tiles; t++) {
      const ck_size row = first_row(cut, t), rows = first_row(cut, t + 1) - row;
      const narrow_tile x = {.a = o->a + row * o->lda, .lda = o->lda, .b = o->b + panel * panel_words, .k = o->k,
                             .c = o->c + row * o->ldc + panel * CK_NR, .ldc = o->ldc,
                             .width = ck_smaller(CK_NR, o->n - panel * CK_NR)};
      narrow_rows[o->form][rows - 1](&x);
    }
  }
}
