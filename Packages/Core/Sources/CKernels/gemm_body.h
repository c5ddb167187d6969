// The matrix products of every vector instruction set: packing, and the order in which tiles of C are visited.
// Included by a file that describes its vectors (see gemm_tile.h) inside a region compiled for its instruction set.
#define MULTIPLY_ADD __builtin_elementwise_fma
#include "gemm_panels.h"

enum {
  // Rows of A longer than this are packed: read where they lie, they push each other out of the first-level cache.
  LONG_ROW = 512,
  // Rows of A that are worked on together where they lie. Meanwhile the next ones are asked for.
  NEAR_ROWS = 60,
  // Rows of A and B that `product_at` works on at a time: a block of both, and the next one, stay near the core.
  COLUMN_DEPTH = 256,
};

// One panel of a k×width row-major matrix, padded with zeros to CK_NR columns.
INLINE void pack_panel(float *out, const float *b, ck_size ldb, ck_size k, ck_size width) {
  for (ck_size p = 0; p < k; p++, out += CK_NR, b += ldb) {
    __builtin_prefetch(b + AHEAD_ROWS * ldb);
    __builtin_prefetch(b + AHEAD_ROWS * ldb + 16);
    UNROLLED for (int v = 0; v < PANEL_VECTORS; v++) {
      ck_size count = width - v * LANES;
      vec x = count >= LANES ? load(b + v * LANES) : count > 0 ? load_some(b + v * LANES, count) : (vec)(0.0f);
      store(out + v * LANES, x);
    }
  }
}

static void pack(float *packed, const float *b, ck_size ldb, int transposed, ck_size k, ck_size n, ck_size first_panel,
                 ck_size last_panel) {
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    float *out = packed + panel * k * CK_NR;
    ck_size column = panel * CK_NR, width = ck_smaller(CK_NR, n - column);
    if (!transposed) {
      pack_panel(out, b + column, ldb, k, width);
    } else {
      if (width < CK_NR) __builtin_memset(out, 0, sizeof(float) * CK_NR * (size_t)k);
      ck_size fours = width / 4 * 4;
      if (fours > 0) turn(out, CK_NR, b + column * ldb, ldb, fours, k);
      for (ck_size j = fours; j < width; j++) {
        for (ck_size p = 0; p < k; p++) out[p * CK_NR + j] = b[(column + j) * ldb + p];
      }
    }
  }
}

// Reading A where it lies is the faster while a tile of it fits in the first-level cache without rows that collide.
INLINE int packs_rows(ck_size m, ck_size lda, ck_size panels) {
  return m > WIDE_ROWS && panels > 1 && lda > LONG_ROW;
}

// Rows that will be read soon, how far they have been asked for, and how many of their lines at a time.
typedef struct {
  const float *place, *row_end, *end;
  ck_size width, stride, lines;
} coming_rows;
// The rows are asked for in `visits` equal parts.
INLINE coming_rows rows_to_come(const float *x, ck_size stride, ck_size width, ck_size rows, ck_size visits) {
  const ck_size lines = rows * ((width + 15) / 16) / (visits > 0 ? visits : 1) + 1;
  return (coming_rows){x, x + width, x + rows * stride, width, stride, lines};
}
INLINE void ask_for_rows(coming_rows *x) {
  for (ck_size line = 0; line < x->lines && x->row_end <= x->end; line++) {
    __builtin_prefetch(x->place, 0, 2);
    x->place += 16;
    if (x->place >= x->row_end) x->place = x->row_end - x->width + x->stride, x->row_end += x->stride;
  }
}

static void product(float *c, ck_size ldc, const float *a, ck_size lda, const float *packed, ck_size m, ck_size n,
                    ck_size k, ck_size first_panel, ck_size last_panel, int accumulate, float *scratch) {
  if (m <= 0) return;
  const row_cut cut = cut_rows(m);
  const ck_size blocks = ck_gemm_blocks(k, cut.tiles == 1 ? CK_GEMM_STREAM_DEPTH : CK_GEMM_DEPTH);
  const int packs = packs_rows(m, lda, last_panel - first_panel);
  const ck_size together = packs ? GROUP : NEAR_ROWS / TILE_ROWS;
  for (ck_size block = 0; block < blocks; block++) {
    const ck_size start = block * k / blocks, depth = (block + 1) * k / blocks - start;
    tile_operands x = {.a = a + start, .a_row = lda, .a_step = 1, .b = packed + start * CK_NR, .b_panel = k * CK_NR,
                       .k = depth, .c = c, .ldc = ldc, .accumulate = accumulate || block > 0};
    const ck_size resume = m <= WIDE_ROWS ? few_rows(x, m, n, first_panel, last_panel) : first_panel;
    if (packs) x.a_row = 1, x.a_step = PACKED_ROWS;
    for (ck_size group = 0; group < cut.tiles; group += together) {
      const ck_size end = ck_smaller(cut.tiles, group + together);
      // Behind the last row come, as often as not, those of the caller's next call; to ask in vain costs little.
      const ck_size next = first_row(cut, end), behind = m < NEAR_ROWS || packs ? 0 : NEAR_ROWS;
      const ck_size coming = end < cut.tiles ? first_row(cut, ck_smaller(cut.tiles, end + together)) - next : behind;
      const ck_size visits = (last_panel - resume) * (end - group);
      coming_rows next_a = rows_to_come(a + next * lda + start, lda, depth, coming, visits);
      coming_rows next_c = rows_to_come(c + next * ldc, ldc, n, accumulate && block == 0 ? coming : 0, visits);
      for (ck_size t = group; packs && t < end; t++) {
        const ck_size row = first_row(cut, t);
        turn(scratch + (t - group) * PACKED_ROWS * depth, PACKED_ROWS, a + row * lda + start, lda,
             first_row(cut, t + 1) - row, depth);
      }
      for (ck_size panel = resume; panel < last_panel; panel++) {
        for (ck_size t = group; t < end; t++) {
          const ck_size row = first_row(cut, t);
          x.a = packs ? scratch + (t - group) * PACKED_ROWS * depth : a + row * lda + start;
          x.b = packed + panel * k * CK_NR + start * CK_NR;
          x.c = c + row * ldc + panel * CK_NR;
          // The last tile that reads a panel asks for the next one.
          x.ahead = end - group == 1 || t + 1 < end ? AHEAD : x.b_panel;
          panel_tiles(x, first_row(cut, t + 1) - row, ck_smaller(CK_NR, n - panel * CK_NR));
          ask_for_rows(&next_a);
          ask_for_rows(&next_c);
        }
      }
    }
  }
}

// Tiles first ..< last of a k×m matrix whose rows are to be the columns of tiles: tile t holds, for each p in turn,
// its rows' entries side by side. A row of the matrix is read from end to end.
INLINE void pack_columns(float *out, const float *a, ck_size lda, row_cut cut, ck_size first, ck_size last, ck_size k) {
  for (ck_size p = 0; p < k; p++, out += PACKED_ROWS, a += lda) {
    for (ck_size t = first; t < last; t++) {
      const ck_size row = first_row(cut, t), rows = first_row(cut, t + 1) - row;
      float *place = out + (t - first) * PACKED_ROWS * k;
      UNROLLED for (int v = 0; v * LANES < TILE_ROWS; v++) {
        const ck_size count = rows - v * LANES;
        if (count >= LANES) store(place + v * LANES, load(a + row + v * LANES));
        else if (count > 0) store_some(place + v * LANES, load_some(a + row + v * LANES, count), count);
      }
    }
  }
}

static void product_at(float *c, ck_size ldc, const float *a, ck_size lda, const float *b, ck_size ldb, ck_size m,
                       ck_size n, ck_size k, int accumulate, float *scratch) {
  if (m <= 0 || n <= 0) return;
  const row_cut cut = cut_rows(m);
  const ck_size blocks = ck_gemm_blocks(k, COLUMN_DEPTH), panels = (n + CK_NR - 1) / CK_NR;
  const int packs = panels > 1 && lda > LONG_ROW;
  // Columns that are read where they lie need no room, so all of them share one packed panel.
  const ck_size together = packs ? GROUP : cut.tiles;
  for (ck_size block = 0; block < blocks; block++) {
    const ck_size start = block * k / blocks, depth = (block + 1) * k / blocks - start;
    const ck_size next = start + depth, coming = block + 1 < blocks ? (block + 2) * k / blocks - next : depth;
    coming_rows next_a = rows_to_come(a + next * lda, lda, m, coming, panels * cut.tiles);
    coming_rows next_b = rows_to_come(b + next * ldb, ldb, n, coming, panels * cut.tiles);
    float *panel_scratch = scratch, *rows_scratch = scratch + depth * CK_NR;
    tile_operands x = {.a_row = 1, .a_step = packs ? PACKED_ROWS : lda, .b = panel_scratch, .ahead = AHEAD, .k = depth,
                       .ldc = ldc, .accumulate = accumulate || block > 0};
    for (ck_size group = 0; group < cut.tiles; group += together) {
      const ck_size end = ck_smaller(cut.tiles, group + together);
      if (packs) pack_columns(rows_scratch, a + start * lda, lda, cut, group, end, depth);
      for (ck_size panel = 0; panel < panels; panel++) {
        const ck_size width = ck_smaller(CK_NR, n - panel * CK_NR);
        pack_panel(panel_scratch, b + start * ldb + panel * CK_NR, ldb, depth, width);
        for (ck_size t = group; t < end; t++) {
          const ck_size row = first_row(cut, t);
          x.a = packs ? rows_scratch + (t - group) * PACKED_ROWS * depth : a + start * lda + row;
          x.c = c + row * ldc + panel * CK_NR;
          panel_tiles(x, first_row(cut, t + 1) - row, width);
          ask_for_rows(&next_a);
          ask_for_rows(&next_b);
        }
      }
    }
  }
}
