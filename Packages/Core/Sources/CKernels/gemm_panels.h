// What the matrix products of all number formats share: tiles over a panel, rows cut into tiles, and rows turned into
// columns. Included by the bodies, which name the step of a chain first (see gemm_tile.h).
#include "gemm_tile.h"

enum {
  // From one p to the next in packed rows: a tile's rows, rounded up to the fours in which they are packed.
  PACKED_ROWS = (TILE_ROWS + 3) / 4 * 4,
  // Tiles of packed rows that are worked on together.
  GROUP = CK_GEMM_ROWS / PACKED_ROWS,
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
