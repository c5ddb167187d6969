// Products with weights as they are stored: quantised blocks and narrow floats, every form, bit for bit.
#include <math.h>

#include "comparison.h"

// ---- quantised blocks -------------------------------------------------------------------------------------------
enum { BLOCK_FORMATS = 10 };
// Where the float16 numbers of a block are; the second may be missing.
static const int halves[BLOCK_FORMATS][2] = {
    [CK_Q8_0] = {0, -1}, [CK_Q4_0] = {0, -1}, [CK_Q4_1] = {0, 2},    [CK_Q5_0] = {0, -1}, [CK_Q5_1] = {0, 2},
    [CK_Q2_K] = {80, 82}, [CK_Q3_K] = {108, -1}, [CK_Q4_K] = {0, 2}, [CK_Q5_K] = {0, 2},  [CK_Q6_K] = {208, -1},
};

// Any bytes with scales of ordinary size. `special` is the float16 pattern of the first block's, if it is not 0.
static uint8_t *blocks_of(trial *t, ck_block_format format, ck_size count, uint16_t special) {
  const ck_size bytes = ck_block_bytes(format);
  uint8_t *x = codes(t, count * bytes);
  for (ck_size block = 0; block < count; block++) {
    for (int i = 0; i < 2; i++) {
      const int at = halves[format][i];
      const uint32_t half = 0x1c00 + bits(t) % 0x800 + (bits(t) & 1) * 0x8000;  // between 2^-8 and 2^-6
      const uint16_t pattern = block == 0 && special ? special : (uint16_t)half;
      if (at >= 0) memcpy(x + block * bytes + at, &pattern, 2);
    }
  }
  return x;
}

// Numbers of very different size from block to block, a zero block and one that is almost zero among them.
static float *activations(trial *t, ck_size rows, ck_size ld, ck_size k, int special) {
  float *x = numbers(t, rows * ld, 1);
  for (ck_size r = 0; r < rows; r++) {
    for (ck_size i = 0; i < k; i++) {
      const ck_size block = i / 32;
      x[r * ld + i] *= block == 1 ? 0 : block == 2 ? 0x1p-110f : ldexpf(1, (int)(block % 23) - 11);
    }
  }
  const float bad[] = {NAN, INFINITY, -INFINITY};
  for (ck_size r = 0; special && r < rows; r += 2) x[r * ld + k - 1 - r % k] = bad[r / 2 % 3];
  return x;
}

// format, m, k, n, pattern of a scale, whether activations are not finite.
static void block_products(trial *t, const ck_size *e) {
  const ck_block_format format = (ck_block_format)e[0];
  const ck_size m = e[1], k = e[2], n = e[3], ldx = k + 3, ldc = n + 5, lda = k / 32, panels = (n + CK_NR - 1) / CK_NR;
  const uint8_t *weight = blocks_of(t, format, n * k / ck_block_length(format), (uint16_t)e[4]);
  uint8_t *packed = TAKE_ALIGNED(t, uint8_t, ck_block_packed_bytes(format, k, n));
  ck_block_pack(format, packed, weight, k, n, 0, panels);
  ck_block_row *a = take(t, m * lda, sizeof *a, 4);
  keep_last(t, "quantise", BYTES, 0);
  t->table->blocks->quantise(a, activations(t, m, ldx, k, (int)e[5]), ldx, m, k);
  ck_block_operands x = {.a = a, .lda = lda, .b = packed, .format = format, .ldc = ldc, .m = m, .n = n, .k = k};
  float *whole = x.c = result(t, "product", m * ldc, 0);
  t->table->blocks->product(&x, 0, panels);
  x.c = result(t, "product, last panel", m * ldc, 0);
  t->table->blocks->product(&x, panels - 1, panels);
  x.a += (m - 1) * lda, x.m = 1;
  x.c = TAKE(t, float, ldc);
  t->table->blocks->product(&x, 0, panels);
  expect(t, same_floats(x.c, whole + (m - 1) * ldc, n), "a row is another alone");
}

void compare_blocks(verdict *v) {
  const ck_size extents[][3] = {{1, 256, 40}, {2, 512, 33}, {3, 1024, 3},  {5, 256, 129}, {7, 256, 32},
                                {8, 512, 1},  {16, 256, 31}, {17, 256, 65}, {33, 768, 36}};
  const ck_size small[] = {32, 96, 896, 4864}, patterns[] = {0x7c00, 0xfc00, 0x7e00, 0x7d01, 0x0001, 0x8000, 0x03ff};
  for (ck_size format = 0; format < BLOCK_FORMATS; format++) {
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
      COMPARE(v, "block products", block_products, format, extents[i][0], extents[i][1], extents[i][2], 0, 0);
    }
    for (int i = 0; i < 7; i++)
      COMPARE(v, "blocks of special scales", block_products, format, 2, 512, 35, patterns[i], 0);
    COMPARE(v, "activations that are not finite", block_products, format, 7, 512, 35, 0, 1);
    for (int i = 0; i < 4 && ck_block_length((ck_block_format)format) == 32; i++)
      COMPARE(v, "widths of small blocks", block_products, format, 2, small[i], 37, 0, 0);
  }
}

// ---- narrow floats ----------------------------------------------------------------------------------------------
// Numbers of the form: any sizes that it has, and what is not finite where that is asked for.
static void *narrow_numbers(trial *t, ck_narrow form, ck_size count, int special) {
  if (form == CK_NARROW_E4M3) {
    uint8_t *x = codes(t, count);
    for (ck_size i = 0; i < count; i++) x[i] ^= (x[i] & 0x7f) == 0x7f;
    return x;
  }
  uint16_t *x = TAKE(t, uint16_t, count);
  for (ck_size i = 0; i < count; i++) {
    // Any half; a bfloat16 between 2^-31 and 2^33, or below the normal range.
    const uint32_t any = bits(t), sign = any & 0x8000;
    const uint32_t brain = any >> 20 & 15 ? 0x3000 + (any & 0x1fff) : any & 0x7f;
    x[i] = (uint16_t)(form == CK_NARROW_F16 ? any & 0xffff : sign | brain);
    if (form == CK_NARROW_F16 && (any & 0x7c00) == 0x7c00) x[i] ^= 0x4000;
  }
  const uint16_t infinity = form == CK_NARROW_F16 ? 0x7c00 : 0x7f80;
  if (special && count > 3) x[0] = infinity, x[1] = infinity | 0x8000, x[count - 1] = infinity + 1;
  return x;
}

// Scales from the subnormal range of products up to the largest that is multiplied as it is, and what is not finite.
static float *narrow_scales(trial *t, ck_size count, int special) {
  const float sizes[] = {1e-3f, 0x1p-132f, 1, 127.9f, 0x1p-40f}, bad[] = {INFINITY, NAN, 0};
  float *x = TAKE(t, float, count);
  for (ck_size i = 0; i < count; i++) x[i] = sizes[i % 5] * (0.5f + uniform(t) / 2);
  for (ck_size i = 0; special && i < count; i++) x[i] = bad[i % 3];
  return x;
}

// form, transposed, m, k, n, first row, what stands behind a row of A, whether there is what is not finite.
static void narrow_products(trial *t, const ck_size *e) {
  const ck_narrow form = (ck_narrow)e[0];
  const ck_size m = e[2], k = e[3], n = e[4], lda = k + e[6], ldc = n + 5, panels = (n + CK_NR - 1) / CK_NR;
  const ck_size rows = e[1] ? n : k, columns = e[1] ? k : n, ld = columns + 3;
  const ck_size ld_scales = (columns + CK_NARROW_TILE - 1) / CK_NARROW_TILE;
  const ck_size scale_rows = (e[5] + rows + CK_NARROW_TILE - 1) / CK_NARROW_TILE;
  const ck_narrow_weight w = {
      .form = form, .numbers = narrow_numbers(t, form, rows * ld, (int)e[7]), .ld = ld,
      .scales = narrow_scales(t, scale_rows * ld_scales, (int)e[7]), .ld_scales = ld_scales, .first_row = e[5],
      .transposed = (int)e[1], .k = k, .n = n};
  const ck_size words = ck_narrow_panel_bytes(form, k) / 4;
  uint32_t *packed = TAKE_ALIGNED(t, uint32_t, panels * words);
  ck_narrow_pack(packed, &w, 0, panels);
  const float *a = numbers(t, m * lda, 2);
  float *scratch = scratch_of(t, ck_gemm_scratch(k)), *whole = result(t, "product", m * ldc, 0);
  ck_narrow_operands x = {.a = a, .lda = lda, .b = packed, .form = form, .c = whole, .ldc = ldc, .m = m, .n = n,
                          .k = k};
  t->table->narrow->product(&x, 0, panels, scratch);
  x.c = result(t, "product, last panel", m * ldc, 0);
  t->table->narrow->product(&x, panels - 1, panels, scratch);
  x.a = a + (m - 1) * lda, x.m = 1, x.c = TAKE(t, float, ldc);
  t->table->narrow->product(&x, 0, panels, scratch);
  expect(t, same_floats(x.c, whole + (m - 1) * ldc, n), "a row is another alone");
}

void compare_narrow(verdict *v) {
  const ck_size extents[][2] = {{1, 1}, {7, 40}, {130, 33}, {515, 70}, {256, 130}, {1030, 64}, {3, 35}, {126, 97}};
  const ck_size rows[] = {1, 2, 3, 6, 7, 8, 12, 13, 16, 17, 33, 50};
  for (ck_size form = 0; form < 3; form++) {
    for (ck_size transposed = 0; transposed < 2; transposed++) {
      for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
        for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
          const ck_size k = extents[i][0], n = extents[i][1], first = j % 2 ? 0 : transposed ? 40 : 128;
          if (k * rows[j] > 10000 && j % 3) continue;
          COMPARE(v, "narrow products", narrow_products, form, transposed, rows[j], k, n, first, j % 2 ? 3 : 520, 0);
        }
      }
      COMPARE(v, "narrow weights that are not finite", narrow_products, form, transposed, 2, 65, 40, 0, 3, 1);
      COMPARE(v, "narrow weights that are not finite", narrow_products, form, transposed, 20, 65, 40, 0, 3, 1);
      COMPARE(v, "many rows of narrow products", narrow_products, form, transposed, 180, 70, 40, 0, 3, 0);
    }
  }
}
