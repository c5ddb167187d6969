// The bfloat16 matrix products of every vector instruction set. Pairs of numbers that follow each other in k travel as
// one 32-bit word, so the tiles of the float32 products serve unchanged: a word takes the place of a float.
//
// Words are moved about as if they were floats and never computed with. The file that includes this defines, besides
// what gemm_tile.h asks for:
//   multiply_add_pairs(a, b, sum)  two steps of each lane's chain (see ck_bf16_kernels)
//   round_pairs(even, odd)         words of pairs that lie in two vectors
//   round_row(first, second)       words of pairs that lie in a row
//   round_lanes(x)                 every lane rounded, as floats
//   lane_shorts, load_some_shorts  as many bfloat16 as there are lanes; the first `count` (0 and less: none) of them
//   begin_flush, end_flush         set the processor's arithmetic to that of the chain; put it back
#define MULTIPLY_ADD multiply_add_pairs
#include "gemm_panels.h"

enum {
  // Words of a row that are rounded before they are turned into a panel.
  STRIP = 64,
  // Rows of words longer than this are copied: read where they lie, they push each other out of the first-level cache.
  LONG_WORDS = 512,
};

INLINE ck_size words_of(ck_size numbers) { return (numbers + 1) / 2; }

// The first `count` lanes, zero beyond; any count.
INLINE vec load_up_to(const float *p, ck_size count) {
  return count >= LANES ? load(p) : count > 0 ? load_some(p, count) : (vec)(0.0f);
}
INLINE void store_up_to(float *p, vec x, ck_size count) {
  if (count >= LANES) store(p, x);
  else if (count > 0) store_some(p, x, count);
}

// A row of `count` numbers as words; an odd row ends in a zero.
INLINE void round_numbers(float *out, const float *x, ck_size count) {
  for (; count >= 2 * LANES; count -= 2 * LANES, x += 2 * LANES, out += LANES) {
    store(out, round_row(load(x), load(x + LANES)));
  }
  const vec rest = round_row(load_up_to(x, count), load_up_to(x + LANES, count - LANES));
  store_up_to(out, rest, words_of(count));
}

// The same from numbers that are bfloat16 already.
INLINE void copy_numbers(float *out, const uint16_t *x, ck_size count) {
  __builtin_memcpy(out, x, 2 * (size_t)count);
  if (count % 2) __builtin_memset((char *)out + 2 * count, 0, 2);
}

typedef uint32_t lane_words __attribute__((ext_vector_type(LANES)));

// The first `count` numbers of a row of bfloat16, each in the lower half of its word; zero beyond; any count.
INLINE lane_words load_shorts(const uint16_t *p, ck_size count) {
  if (count >= LANES) return __builtin_convertvector(*(const lane_shorts *)p, lane_words);
  return __builtin_convertvector(load_some_shorts(p, count), lane_words);
}

// A row-major matrix that is read: floats, or numbers that are bfloat16 already. One of the two is null.
typedef struct {
  const float *floats;
  const uint16_t *shorts;
  ck_size ld;
} source;
INLINE source at(source x, ck_size row, ck_size column) {
  const ck_size place = row * x.ld + column;
  if (x.floats) x.floats += place;
  else x.shorts += place;
  return x;
}

// Words of the pairs that row 0 and row 1 make in the columns from `column` on; without row 1 the odd numbers are zero.
INLINE vec load_pairs(source x, ck_size column, int has_odd, ck_size count) {
  if (x.floats) {
    const vec even = load_up_to(x.floats + column, count);
    const vec odd = has_odd ? load_up_to(x.floats + x.ld + column, count) : (vec)(0.0f);
    return round_pairs(even, odd);
  }
  const lane_words even = load_shorts(x.shorts + column, count);
  if (!has_odd) return (vec)even;
  return (vec)(even | load_shorts(x.shorts + x.ld + column, count) << 16);
}

// ---- packing ----------------------------------------------------------------------------------------------------
// `width` columns of a k×n row-major matrix from two rows at a time, padded with zeros to CK_NR.
INLINE void pack_rows(float *out, source b, ck_size k, ck_size width) {
  for (ck_size p = 0; p < k; p += 2, out += CK_NR, b = at(b, 2, 0)) {
    UNROLLED for (int line = 0; line < 2; line++) {
      if (b.floats) {
        __builtin_prefetch(b.floats + (AHEAD_ROWS + line) * b.ld);
        __builtin_prefetch(b.floats + (AHEAD_ROWS + line) * b.ld + 16);
      } else {
        __builtin_prefetch(b.shorts + (AHEAD_ROWS + line) * b.ld);
      }
    }
    UNROLLED for (int v = 0; v < PANEL_VECTORS; v++) {
      store(out + v * LANES, load_pairs(b, v * LANES, p + 1 < k, width - v * LANES));
    }
  }
}

// `width` rows of an n×k row-major matrix, turned into the columns of a panel. Numbers are float, or short: bfloat16.
INLINE void pack_turned(float *out, const float *floats, const uint16_t *shorts, ck_size ldb, ck_size k,
                        ck_size width) {
  float strip[CK_NR * STRIP] __attribute__((aligned(64)));
  __builtin_memset(strip, 0, sizeof strip);
  for (ck_size start = 0; start < k; start += 2 * STRIP) {
    const ck_size count = ck_smaller(2 * STRIP, k - start);
    for (ck_size j = 0; j < width; j++) {
      if (floats) round_numbers(strip + j * STRIP, floats + j * ldb + start, count);
      else copy_numbers(strip + j * STRIP, shorts + j * ldb + start, count);
    }
    turn(out + start / 2 * CK_NR, CK_NR, strip, STRIP, CK_NR, words_of(count));
  }
}

static void pack(uint32_t *packed, const float *b, ck_size ldb, int transposed, ck_size k, ck_size n,
                 ck_size first_panel, ck_size last_panel) {
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    float *out = (float *)packed + panel * words_of(k) * CK_NR;
    const ck_size column = panel * CK_NR, width = ck_smaller(CK_NR, n - column);
    if (transposed) pack_turned(out, b + column * ldb, 0, ldb, k, width);
    else pack_rows(out, (source){.floats = b + column, .ld = ldb}, k, width);
  }
}

static void pack_bf16(uint32_t *packed, const uint16_t *b, ck_size ldb, int transposed, ck_size k, ck_size n,
                      ck_size first_panel, ck_size last_panel) {
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    float *out = (float *)packed + panel * words_of(k) * CK_NR;
    const ck_size column = panel * CK_NR, width = ck_smaller(CK_NR, n - column);
    if (transposed) pack_turned(out, 0, b + column * ldb, ldb, k, width);
    else pack_rows(out, (source){.shorts = b + column, .ld = ldb}, k, width);
  }
}

// ---- products ---------------------------------------------------------------------------------------------------
// A as floats, or as rows of words; one of the two is null. `lda` counts floats or words.
INLINE void multiply(float *c, ck_size ldc, const float *a, const uint32_t *a_words, ck_size lda,
                     const uint32_t *packed, ck_size m, ck_size n, ck_size k, ck_size first_panel, ck_size last_panel,
                     int accumulate, float *scratch) {
  if (m <= 0) return;
  const row_cut cut = cut_rows(m);
  const ck_size words = words_of(k);
  const ck_size blocks = ck_gemm_blocks(words, cut.tiles == 1 ? CK_GEMM_STREAM_DEPTH : CK_GEMM_DEPTH);
  const int in_place = a_words && lda <= LONG_WORDS;
  const unsigned long mode = begin_flush();
  for (ck_size block = 0; block < blocks; block++) {
    const ck_size start = block * words / blocks, depth = (block + 1) * words / blocks - start;
    const float *b = (const float *)packed + start * CK_NR;
    tile_operands x = {.a = in_place ? (const float *)a_words + start : scratch, .a_row = in_place ? lda : depth,
                       .a_step = 1, .b = b, .b_panel = words * CK_NR, .k = depth, .c = c, .ldc = ldc,
                       .accumulate = accumulate || block > 0};
    for (ck_size group = 0; group < cut.tiles; group += GROUP) {
      const ck_size end = ck_smaller(cut.tiles, group + GROUP), top = first_row(cut, group);
      for (ck_size row = top; !in_place && row < first_row(cut, end); row++) {
        float *out = scratch + (row - top) * depth;
        if (a_words) __builtin_memcpy(out, a_words + row * lda + start, sizeof(uint32_t) * (size_t)depth);
        else round_numbers(out, a + row * lda + 2 * start, ck_smaller(2 * depth, k - 2 * start));
      }
      const ck_size resume = m <= WIDE_ROWS ? few_rows(x, m, n, first_panel, last_panel) : first_panel;
      for (ck_size panel = resume; panel < last_panel; panel++) {
        for (ck_size t = group; t < end; t++) {
          const ck_size row = first_row(cut, t);
          tile_operands y = x;
          y.a = x.a + (in_place ? row : row - top) * x.a_row;
          y.b = b + panel * x.b_panel;
          y.c = c + row * ldc + panel * CK_NR;
          // The last tile that reads a panel asks for the next one.
          y.ahead = end - group == 1 || t + 1 < end ? AHEAD : x.b_panel;
          panel_tiles(y, first_row(cut, t + 1) - row, ck_smaller(CK_NR, n - panel * CK_NR));
        }
      }
    }
  }
  end_flush(mode);
}

static void product(float *c, ck_size ldc, const float *a, ck_size lda, const uint32_t *packed, ck_size m, ck_size n,
                    ck_size k, ck_size first_panel, ck_size last_panel, int accumulate, float *scratch) {
  multiply(c, ldc, a, 0, lda, packed, m, n, k, first_panel, last_panel, accumulate, scratch);
}

static void product_words(float *c, ck_size ldc, const uint32_t *a, ck_size lda, const uint32_t *packed, ck_size m,
                          ck_size n, ck_size k, ck_size first_panel, ck_size last_panel, int accumulate,
                          float *scratch) {
  multiply(c, ldc, 0, a, lda, packed, m, n, k, first_panel, last_panel, accumulate, scratch);
}

// Tiles first ..< last of a k×m matrix whose rows are to be the columns of tiles: tile t holds, for each pair of rows
// in turn, its words side by side.
INLINE void pack_columns(float *out, source a, row_cut cut, ck_size first, ck_size last, ck_size k) {
  for (ck_size p = 0; p < k; p += 2, out += PACKED_ROWS, a = at(a, 2, 0)) {
    for (ck_size t = first; t < last; t++) {
      const ck_size row = first_row(cut, t), rows = first_row(cut, t + 1) - row;
      float *place = out + (t - first) * PACKED_ROWS * words_of(k);
      UNROLLED for (int v = 0; v * LANES < TILE_ROWS; v++) {
        const ck_size count = rows - v * LANES;
        store_up_to(place + v * LANES, load_pairs(a, row + v * LANES, p + 1 < k, count), count);
      }
    }
  }
}

INLINE void multiply_at(float *c, ck_size ldc, source a, source b, ck_size m, ck_size n, ck_size k, int accumulate,
                        float *scratch) {
  if (m <= 0 || n <= 0) return;
  const row_cut cut = cut_rows(m);
  const ck_size words = words_of(k), blocks = ck_gemm_blocks(words, CK_GEMM_DEPTH), panels = (n + CK_NR - 1) / CK_NR;
  const unsigned long mode = begin_flush();
  for (ck_size block = 0; block < blocks; block++) {
    const ck_size start = block * words / blocks, depth = (block + 1) * words / blocks - start;
    const ck_size numbers = ck_smaller(2 * depth, k - 2 * start);
    float *panel_scratch = scratch, *rows_scratch = scratch + depth * CK_NR;
    tile_operands x = {.a_row = 1, .a_step = PACKED_ROWS, .b = panel_scratch, .ahead = AHEAD, .k = depth, .ldc = ldc,
                       .accumulate = accumulate || block > 0};
    for (ck_size group = 0; group < cut.tiles; group += GROUP) {
      const ck_size end = ck_smaller(cut.tiles, group + GROUP);
      pack_columns(rows_scratch, at(a, 2 * start, 0), cut, group, end, numbers);
      for (ck_size panel = 0; panel < panels; panel++) {
        const ck_size width = ck_smaller(CK_NR, n - panel * CK_NR);
        pack_rows(panel_scratch, at(b, 2 * start, panel * CK_NR), numbers, width);
        for (ck_size t = group; t < end; t++) {
          const ck_size row = first_row(cut, t);
          x.a = rows_scratch + (t - group) * PACKED_ROWS * depth;
          x.c = c + row * ldc + panel * CK_NR;
          panel_tiles(x, first_row(cut, t + 1) - row, width);
        }
      }
    }
  }
  end_flush(mode);
}

static void product_at(float *c, ck_size ldc, const float *a, ck_size lda, const float *b, ck_size ldb, ck_size m,
                       ck_size n, ck_size k, int accumulate, float *scratch) {
  multiply_at(c, ldc, (source){.floats = a, .ld = lda}, (source){.floats = b, .ld = ldb}, m, n, k, accumulate, scratch);
}

static void product_at_bf16(float *c, ck_size ldc, const uint16_t *a, ck_size lda, const uint16_t *b, ck_size ldb,
                            ck_size m, ck_size n, ck_size k, int accumulate, float *scratch) {
  multiply_at(c, ldc, (source){.shorts = a, .ld = lda}, (source){.shorts = b, .ld = ldb}, m, n, k, accumulate, scratch);
}

// ---- rounding ---------------------------------------------------------------------------------------------------
static void round_rows(uint32_t *words, ck_size ldw, const float *x, ck_size ldx, ck_size rows, ck_size count) {
  for (ck_size r = 0; r < rows; r++) round_numbers((float *)words + r * ldw, x + r * ldx, count);
}

static void round_values(float *x, ck_size ldx, ck_size rows, ck_size count) {
  for (ck_size r = 0; r < rows; r++) {
    for (ck_size j = 0; j < count; j += LANES) {
      float *place = x + r * ldx + j;
      store_up_to(place, round_lanes(load_up_to(place, count - j)), count - j);
    }
  }
}
