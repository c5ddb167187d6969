// The matrix products of every vector instruction set: packing, and the order in which tiles of C are visited.
// Included by a file that describes its vectors (see gemm_tile.h) inside a region compiled for its instruction set.
#include "gemm_tile.h"

enum {
  // From one p to the next in packed rows: a tile's rows, rounded up to the fours in which they are packed.
  PACKED_ROWS = (TILE_ROWS + 3) / 4 * 4,
  // Tiles of packed rows that are worked on together.
  GROUP = CK_GEMM_ROWS / PACKED_ROWS,
  // Rows of A longer than this are packed: read where they lie, they push each other out of the first-level cache.
  LONG_ROW = 512,
  // Rows of B that are asked for ahead of being packed.
  AHEAD_ROWS = 16,
};

// `rows` rows of one panel, of which `width` columns exist: as many tiles side by side as those columns need.
INLINE void panel_tiles(tile_operands x, ck_size rows, ck_size width) {
  for (ck_size j = 0; j < width; j += TILE_VECTORS * LANES) {
    x.width = ck_smaller(width - j, TILE_VECTORS * LANES);
    tiles[rows - 1][(x.width + LANES - 1) / LANES - 1](&x);
    x.b += TILE_VECTORS * LANES;
    x.c += TILE_VECTORS * LANES;
  }
}

// Four rows by four columns, turned: the unit of packing. Built from four-lane vectors on every instruction set.
typedef float quad __attribute__((ext_vector_type(4)));
typedef float loose_quad __attribute__((ext_vector_type(4), aligned(4)));
INLINE void turn_quad(float *out, ck_size out_step, const float *r0, const float *r1, const float *r2,
                      const float *r3) {
  quad x0 = *(const loose_quad *)r0, x1 = *(const loose_quad *)r1;
  quad x2 = *(const loose_quad *)r2, x3 = *(const loose_quad *)r3;
  quad low01 = __builtin_shufflevector(x0, x1, 0, 4, 1, 5), high01 = __builtin_shufflevector(x0, x1, 2, 6, 3, 7);
  quad low23 = __builtin_shufflevector(x2, x3, 0, 4, 1, 5), high23 = __builtin_shufflevector(x2, x3, 2, 6, 3, 7);
  *(loose_quad *)out = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  *(loose_quad *)(out + out_step) = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  *(loose_quad *)(out + 2 * out_step) = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  *(loose_quad *)(out + 3 * out_step) = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

// out[p * step + i] = x[i * ldx + p] for i < rows (rounded up to fours with copies of the last row) and p < k.
INLINE void turn(float *out, ck_size step, const float *x, ck_size ldx, ck_size rows, ck_size k) {
  for (ck_size start = 0; start < k; start += 16) {
    ck_size end = ck_smaller(k, start + 16);
    for (ck_size i = 0; i < rows; i++) __builtin_prefetch(x + i * ldx + start + 48, 0, 2);
    for (ck_size i = 0; i < rows; i += 4) {
      const float *r0 = x + i * ldx, *r1 = x + ck_smaller(i + 1, rows - 1) * ldx;
      const float *r2 = x + ck_smaller(i + 2, rows - 1) * ldx, *r3 = x + ck_smaller(i + 3, rows - 1) * ldx;
      ck_size p = start;
      for (; p + 4 <= end; p += 4) turn_quad(out + p * step + i, step, r0 + p, r1 + p, r2 + p, r3 + p);
      for (; p < end; p++) {
        float *four = out + p * step + i;
        four[0] = r0[p], four[1] = r1[p], four[2] = r2[p], four[3] = r3[p];
      }
    }
  }
}

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

// Rows are cut into tiles that differ by one row at most: thirteen rows are seven and six, not twelve and one.
typedef struct {
  ck_size m, tiles;
} row_cut;
INLINE row_cut cut_rows(ck_size m) { return (row_cut){m, (m + TILE_ROWS - 1) / TILE_ROWS}; }
INLINE ck_size first_row(row_cut cut, ck_size tile) { return tile * cut.m / cut.tiles; }

// Up to WIDE_ROWS rows: several panels at once. Returns the first panel that is left to do.
INLINE ck_size few_rows(tile_operands x, ck_size m, ck_size n, ck_size first_panel, ck_size last_panel) {
  ck_size step = wide_tiles[m - 1].panels, whole = ck_smaller(last_panel, n / CK_NR), panel = first_panel;
  x.width = step * CK_NR;
  x.ahead = WIDE_AHEAD;
  const float *b = x.b;
  float *c = x.c;
  for (; panel + step <= whole; panel += step) {
    x.b = b + panel * x.b_panel;
    x.c = c + panel * CK_NR;
    wide_tiles[m - 1].run(&x);
  }
  return panel;
}

// Reading A where it lies is the faster while a tile of it fits in the first-level cache without rows that collide.
INLINE int packs_rows(ck_size m, ck_size lda, ck_size panels) {
  return m > WIDE_ROWS && panels > 1 && lda > LONG_ROW;
}

static void product(float *c, ck_size ldc, const float *a, ck_size lda, const float *packed, ck_size m, ck_size n,
                    ck_size k, ck_size first_panel, ck_size last_panel, int accumulate, float *scratch) {
  if (m <= 0) return;
  const row_cut cut = cut_rows(m);
  const ck_size blocks = ck_gemm_blocks(k, cut.tiles == 1 ? CK_GEMM_STREAM_DEPTH : CK_GEMM_DEPTH);
  const int packs = packs_rows(m, lda, last_panel - first_panel);
  for (ck_size block = 0; block < blocks; block++) {
    const ck_size start = block * k / blocks, depth = (block + 1) * k / blocks - start;
    tile_operands x = {.a = a + start, .a_row = lda, .a_step = 1, .b = packed + start * CK_NR, .b_panel = k * CK_NR,
                       .k = depth, .c = c, .ldc = ldc, .accumulate = accumulate || block > 0};
    const ck_size resume = m <= WIDE_ROWS ? few_rows(x, m, n, first_panel, last_panel) : first_panel;
    if (packs) x.a_row = 1, x.a_step = PACKED_ROWS;
    for (ck_size group = 0; group < cut.tiles; group += GROUP) {
      const ck_size end = ck_smaller(cut.tiles, group + GROUP);
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
  const ck_size blocks = ck_gemm_blocks(k, CK_GEMM_DEPTH), panels = (n + CK_NR - 1) / CK_NR;
  const int packs = panels > 1 && lda > LONG_ROW;
  for (ck_size block = 0; block < blocks; block++) {
    const ck_size start = block * k / blocks, depth = (block + 1) * k / blocks - start;
    float *panel_scratch = scratch, *rows_scratch = scratch + depth * CK_NR;
    tile_operands x = {.a_row = 1, .a_step = packs ? PACKED_ROWS : lda, .b = panel_scratch, .ahead = AHEAD, .k = depth,
                       .ldc = ldc, .accumulate = accumulate || block > 0};
    for (ck_size group = 0; group < cut.tiles; group += GROUP) {
      const ck_size end = ck_smaller(cut.tiles, group + GROUP);
      if (packs) pack_columns(rows_scratch, a + start * lda, lda, cut, group, end, depth);
      for (ck_size panel = 0; panel < panels; panel++) {
        const ck_size width = ck_smaller(CK_NR, n - panel * CK_NR);
        pack_panel(panel_scratch, b + start * ldb + panel * CK_NR, ldb, depth, width);
        for (ck_size t = group; t < end; t++) {
          const ck_size row = first_row(cut, t);
          x.a = packs ? rows_scratch + (t - group) * PACKED_ROWS * depth : a + start * lda + row;
          x.c = c + row * ldc + panel * CK_NR;
          panel_tiles(x, first_row(cut, t + 1) - row, width);
        }
      }
    }
  }
}
