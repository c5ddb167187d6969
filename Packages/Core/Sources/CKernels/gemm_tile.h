// Tiles of C that stay in registers while k runs: the inner loop of every matrix product, for all vector widths.
// An element is one chain of steps whatever the tile, which is what makes the products row-exact.
//
// The body that includes this defines MULTIPLY_ADD(a, b, sum), one step of a chain; the file that includes the body
// defines, inside its target region:
//   LANES, vec, loose_vec    floats per vector; the vector; the same with the alignment of a float
//   TILE_ROWS, TILE_VECTORS  the largest tile of C that stays in registers
//   WIDE_ROWS, WIDE_1 ...    panels of B read side by side for 1, 2 ... WIDE_ROWS rows: more chains hide the latency
//                            of the additions, more streams that of the memory
//   load_some, store_some    the first `count` lanes of a vector at a place in memory, the others zero or untouched
#include "gemm_blocks.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

enum { PANEL_VECTORS = CK_NR / LANES, MOST_VECTORS = 4 * PANEL_VECTORS };
// Packed floats that are asked for ahead of their use: of one panel, and of panels read side by side.
// Steps of k at the end of a tile, in which its part of C comes near.
enum { LAST_STEPS = 24 };
enum { AHEAD = 32 * CK_NR, WIDE_AHEAD = 16 * CK_NR };

INLINE vec load(const float *p) { return *(const loose_vec *)p; }
INLINE void store(float *p, vec x) { *(loose_vec *)p = x; }

// Where a tile finds its operands: element (i, p) of A is a[i * a_row + p * a_step], so packed, plain and transposed
// matrices are read alike.
typedef struct {
  const float *a;
  ck_size a_row, a_step;
  const float *b;
  ck_size b_panel;  // from one panel of B to the next
  ck_size ahead;    // what is asked for ahead of its use: that much beyond what is read of B
  ck_size k;
  float *c;
  ck_size ldc;
  ck_size width;  // columns of C that exist; lanes beyond them are computed and dropped
  int accumulate;
} tile_operands;

// The sums of a tile before the first step: zero, or what C holds. `rest` lanes of the last vector exist.
INLINE void begin_tile(const int rows, const int all, const tile_operands *x, ck_size rest,
                       vec sum[TILE_ROWS][MOST_VECTORS]) {
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < all; v++) {
      float *place = x->c + r * x->ldc + v * LANES;
      if (x->accumulate) {
        sum[r][v] = v < all - 1 || rest == LANES ? load(place) : load_some(place, rest);
      } else {
        sum[r][v] = (vec)(0.0f);
        if (v * LANES % 16 == 0) __builtin_prefetch(place, 1);
      }
    }
  }
}

INLINE void end_tile(const int rows, const int all, const tile_operands *x, ck_size rest,
                     vec sum[TILE_ROWS][MOST_VECTORS]) {
  UNROLLED for (int r = 0; r < rows; r++) {
    float *row = x->c + r * x->ldc, *last = row + (all - 1) * LANES;
    UNROLLED for (int v = 0; v < all - 1; v++) store(row + v * LANES, sum[r][v]);
    if (rest == LANES) store(last, sum[r][all - 1]);
    else store_some(last, sum[r][all - 1], rest);
  }
}

// Asks for a tile of C to be written.
INLINE void ask_for_tile(const int rows, const int all, const tile_operands *x) {
  UNROLLED for (int r = 0; r < rows; r++) {
    UNROLLED for (int v = 0; v < all; v++) {
      if (v * LANES % 16 == 0) __builtin_prefetch(x->c + r * x->ldc + v * LANES, 1);
    }
  }
}

// Where the steps of a tile have come to: three rows share a pointer, because base, base + stride and base + 2 · stride
// are single addresses of the machine.
typedef struct {
  const float *a[(TILE_ROWS + 2) / 3], *b;
} tile_place;

// `count` steps of k.
INLINE void tile_steps(const int rows, const int vectors, const int all, const tile_operands *x, tile_place *at,
                       ck_size count, vec sum[TILE_ROWS][MOST_VECTORS]) {
  const ck_size a_row = x->a_row, a_step = x->a_step, b_panel = x->b_panel, ahead = x->ahead;
  const float *b = at->b;
  _Pragma("clang loop unroll(disable)") for (; count > 0; count--) {
    if (all > TILE_VECTORS) {  // few rows: keep their entries, pass over the vectors of B
      vec scale[TILE_ROWS];
      UNROLLED for (int r = 0; r < rows; r++) scale[r] = (vec)(at->a[r / 3][(r % 3) * a_row]);
      UNROLLED for (int v = 0; v < all; v++) {
        const float *place = b + (v / vectors) * b_panel + (v % vectors) * LANES;
        if (v * LANES % 16 == 0) __builtin_prefetch(place + ahead);
        vec y = load(place);
        UNROLLED for (int r = 0; r < rows; r++) sum[r][v] = MULTIPLY_ADD(scale[r], y, sum[r][v]);
      }
    } else {  // many rows: keep the vectors of B, pass over the rows
      vec y[TILE_VECTORS];
      UNROLLED for (int v = 0; v < all; v++) {
        y[v] = load(b + v * LANES);
        if (v * LANES % 16 == 0) __builtin_prefetch(b + v * LANES + ahead);
      }
      UNROLLED for (int r = 0; r < rows; r++) {
        vec scale = (vec)(at->a[r / 3][(r % 3) * a_row]);
        UNROLLED for (int v = 0; v < all; v++) sum[r][v] = MULTIPLY_ADD(scale, y[v], sum[r][v]);
      }
    }
    UNROLLED for (int r = 0; r < rows; r += 3) at->a[r / 3] += a_step;
    b += CK_NR;
  }
  at->b = b;
}

// A tile of `rows` rows by `vectors` vectors of each of `panels` panels. The three are constants where it is called. C is
// asked for again before the last steps: what was asked for at the beginning has left the first-level cache since.
INLINE void tile(const int rows, const int panels, const int vectors, const tile_operands *x) {
  vec sum[TILE_ROWS][MOST_VECTORS];
  const int all = panels * vectors;
  const ck_size rest = x->width - (ck_size)(all - 1) * LANES;
  const ck_size last_steps = x->k > LAST_STEPS ? LAST_STEPS : 0;
  begin_tile(rows, all, x, rest, sum);
  tile_place at = {.b = x->b};
  UNROLLED for (int r = 0; r < rows; r += 3) at.a[r / 3] = x->a + r * x->a_row;
  tile_steps(rows, vectors, all, x, &at, x->k - last_steps, sum);
  if (last_steps > 0) {
    ask_for_tile(rows, all, x);
    tile_steps(rows, vectors, all, x, &at, last_steps, sum);
  }
  end_tile(rows, all, x, rest, sum);
}

typedef void (*tile_function)(const tile_operands *x);

#define TILE(rows, vectors) \
  static void tile_##rows##_##vectors(const tile_operands *x) { tile(rows, 1, vectors, x); }
#if TILE_VECTORS == 2
#define TILES(rows) TILE(rows, 1) TILE(rows, 2)
#define NAMES(rows) {tile_##rows##_1, tile_##rows##_2}
#else
#define TILES(rows) TILE(rows, 1) TILE(rows, 2) TILE(rows, 3) TILE(rows, 4)
#define NAMES(rows) {tile_##rows##_1, tile_##rows##_2, tile_##rows##_3, tile_##rows##_4}
#endif
TILES(1) TILES(2) TILES(3) TILES(4) TILES(5) TILES(6)
#if TILE_ROWS == 12
TILES(7) TILES(8) TILES(9) TILES(10) TILES(11) TILES(12)
#endif

// tiles[rows - 1][vectors - 1]
static const tile_function tiles[TILE_ROWS][TILE_VECTORS] = {
    NAMES(1), NAMES(2), NAMES(3), NAMES(4), NAMES(5), NAMES(6),
#if TILE_ROWS == 12
    NAMES(7), NAMES(8), NAMES(9), NAMES(10), NAMES(11), NAMES(12),
#endif
};

#define WIDE_TILE(rows) \
  static void wide_##rows(const tile_operands *x) { tile(rows, WIDE_##rows, PANEL_VECTORS, x); }
WIDE_TILE(1) WIDE_TILE(2) WIDE_TILE(3)
#if WIDE_ROWS == 6
WIDE_TILE(4) WIDE_TILE(5) WIDE_TILE(6)
#endif
// wide_tiles[rows - 1], and how many panels it takes.
static const struct {
  tile_function run;
  ck_size panels;
} wide_tiles[WIDE_ROWS] = {
    {wide_1, WIDE_1}, {wide_2, WIDE_2}, {wide_3, WIDE_3},
#if WIDE_ROWS == 6
    {wide_4, WIDE_4}, {wide_5, WIDE_5}, {wide_6, WIDE_6},
#endif
};

