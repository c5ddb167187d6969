// Matrix products of floats and of bfloat16: every element is a chain, whatever the tile, so every bit is compared.
#include <math.h>

#include "comparison.h"

static ck_size larger(ck_size a, ck_size b) { return a > b ? a : b; }

static float *turned(trial *t, const float *b, ck_size k, ck_size n) {
  float *x = TAKE(t, float, n * k);
  for (ck_size p = 0; p < k; p++)
    for (ck_size j = 0; j < n; j++) x[j * k + p] = b[p * n + j];
  return x;
}

static float *result_of(trial *t, const char *name, ck_size count, const float *start) {
  float *c = result(t, name, count, 0);
  for (ck_size i = 0; start && i < count; i++) c[i] = start[i];
  return c;
}

// ---- float32 ----------------------------------------------------------------------------------------------------
static void float_products(trial *t, const ck_size *e) {
  const ck_gemm_kernels *g = t->table->gemm;
  const ck_size m = e[0], k = e[1], n = e[2], lda = k + 3, ldc = n + 5, panels = (n + CK_NR - 1) / CK_NR;
  const float *a = numbers(t, m * lda, 2), *b = numbers(t, k * n, 2), *b_turned = turned(t, b, k, n);
  float *packed = TAKE_ALIGNED(t, float, ck_packed_count(k, n));
  keep_last(t, "pack", FLOATS, 0);
  float *again = TAKE_ALIGNED(t, float, ck_packed_count(k, n));
  g->pack(packed, b, n, 0, k, n, 0, panels);
  for (ck_size p = 0; p < panels; p++) g->pack(again, b_turned, larger(k, 1), 1, k, n, p, p + 1);
  expect(t, same_floats(packed, again, ck_packed_count(k, n)), "a transposed matrix is packed otherwise");
  float *scratch = scratch_of(t, ck_gemm_scratch(k));
  const float *start = numbers(t, m * ldc, 2);
  float *whole = result_of(t, "product", m * ldc, NULL), *sum = result_of(t, "product, accumulated", m * ldc, start);
  g->product(whole, ldc, a, lda, packed, m, n, k, 0, panels, 0, scratch);
  g->product(sum, ldc, a, lda, packed, m, n, k, 0, panels, 1, scratch);
  float *part = result_of(t, "product, last panel", m * ldc, NULL);
  g->product(part, ldc, a, lda, packed, m, n, k, panels - 1, panels, 0, scratch);
  for (ck_size row = 0; row < m; row += larger(m / 3, 1)) {
    float *alone = TAKE(t, float, n);
    g->product(alone, n, a + row * lda, lda, packed, 1, n, k, 0, panels, 0, scratch);
    expect(t, same_floats(alone, whole + row * ldc, n), "a row is another alone");
  }
}

static void float_gradients(trial *t, const ck_size *e) {
  const ck_size m = e[0], k = e[1], n = e[2], lda = m + 2, ldb = n + 1, ldc = n + 5;
  const float *a = numbers(t, k * lda, 2), *b = numbers(t, k * ldb, 2), *start = numbers(t, m * ldc, 2);
  float *scratch = scratch_of(t, ck_gemm_scratch(k));
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    float *c = result_of(t, accumulate ? "product_at, accumulated" : "product_at", m * ldc, accumulate ? start : NULL);
    t->table->gemm->product_at(c, ldc, a, lda, b, ldb, m, n, k, accumulate, scratch);
  }
}

// Odd extents, tails, several blocks of k, several groups of rows, rows long enough to be packed.
static const ck_size shapes[][3] = {
    {1, 1, 1},    {1, 7, 33},   {1, 40, 100}, {2, 64, 32},  {2, 33, 96},   {3, 5, 31},    {3, 70, 96},  {4, 0, 5},
    {5, 513, 70}, {6, 16, 96},  {7, 100, 65}, {8, 30, 64},  {12, 9, 128},  {13, 40, 45},  {14, 600, 33}, {16, 25, 40},
    {17, 26, 7},  {29, 21, 100}, {33, 17, 34}, {90, 12, 40}, {150, 9, 70}, {70, 700, 40}, {2, 4200, 40}, {180, 520, 33},
    {520, 20, 40}, {16, 3, 64}, {40, 2, 1},   {9, 1100, 37}, {2, 8300, 35}, {180, 35, 70}, {15, 2100, 35},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

void compare_products(verdict *v) {
  for (int i = 0; i < SHAPES; i++) {
    compare(v, "products", float_products, shapes[i], 3);
    if (shapes[i][1] > 0) compare(v, "weight gradients", float_gradients, shapes[i], 3);
  }
}

// ---- bfloat16 ---------------------------------------------------------------------------------------------------
static uint16_t *upper_halves(trial *t, ck_size count) {
  uint16_t *y = TAKE(t, uint16_t, count);
  for (ck_size i = 0; i < count; i++) {
    const float x = (uniform(t) * 2 - 1) * 2;
    uint32_t pattern;
    memcpy(&pattern, &x, sizeof pattern);
    y[i] = (uint16_t)(pattern >> 16);
  }
  return y;
}

static void word_packings(trial *t, const ck_size *e) {
  const ck_bf16_kernels *g = t->table->bf16;
  const ck_size k = e[1], n = e[2], panels = (n + CK_NR - 1) / CK_NR, count = ck_bf16_packed_count(k, n);
  const float *b = numbers(t, k * n, 2);
  const uint16_t *shorts = upper_halves(t, k * n);
  for (int transposed = 0; transposed < 2; transposed++) {
    const ck_size stride = transposed ? larger(k, 1) : n;
    uint32_t *words = TAKE_ALIGNED(t, uint32_t, count);
    keep_last(t, transposed ? "pack, transposed" : "pack", BYTES, 0);
    for (ck_size p = 0; p < panels; p++) g->pack(words, b, stride, transposed, k, n, p, p + 1);
    words = TAKE_ALIGNED(t, uint32_t, count);
    keep_last(t, transposed ? "pack_bf16, transposed" : "pack_bf16", BYTES, 0);
    g->pack_bf16(words, shorts, stride, transposed, k, n, 0, panels);
  }
}

static void word_products(trial *t, const ck_size *e) {
  const ck_bf16_kernels *g = t->table->bf16;
  const ck_size m = e[0], k = e[1], n = e[2], lda = k + 3, ldc = n + 5, ldw = (k + 1) / 2 + 2;
  const ck_size panels = (n + CK_NR - 1) / CK_NR;
  const float *a = numbers(t, m * lda, 2), *b = numbers(t, k * n, 2), *start = numbers(t, m * ldc, 2);
  uint32_t *packed = TAKE_ALIGNED(t, uint32_t, ck_bf16_packed_count(k, n)), *words = TAKE(t, uint32_t, m * ldw);
  keep_last(t, "round_rows", BYTES, 0);
  memset(words, 0, (size_t)(m * ldw) * 4);
  g->pack(packed, b, n, 0, k, n, 0, panels);
  g->round_rows(words, ldw, a, lda, m, k);
  float *scratch = scratch_of(t, ck_gemm_scratch(k));
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    float *c = result_of(t, accumulate ? "product, accumulated" : "product", m * ldc, accumulate ? start : NULL);
    g->product(c, ldc, a, lda, packed, m, n, k, 0, panels, accumulate, scratch);
    float *d = result_of(t, "product_words", m * ldc, accumulate ? start : NULL);
    g->product_words(d, ldc, words, ldw, packed, m, n, k, 0, panels, accumulate, scratch);
    expect(t, same_floats(c, d, m * ldc), "rows that are words give another product");
  }
  float *part = result_of(t, "product, last panel", m * ldc, NULL);
  g->product(part, ldc, a, lda, packed, m, n, k, panels - 1, panels, 0, scratch);
  float *rounded = result_of(t, "round_values", m * lda, a);
  g->round_values(rounded, lda, m, k);
}

static void word_gradients(trial *t, const ck_size *e) {
  const ck_size m = e[0], k = e[1], n = e[2], lda = m + 2, ldb = n + 1, ldc = n + 5;
  const float *a = numbers(t, k * lda, 2), *b = numbers(t, k * ldb, 2), *start = numbers(t, m * ldc, 2);
  const uint16_t *a_shorts = upper_halves(t, k * lda), *b_shorts = upper_halves(t, k * ldb);
  float *scratch = scratch_of(t, ck_gemm_scratch(k));
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    float *c = result_of(t, "product_at", m * ldc, accumulate ? start : NULL);
    t->table->bf16->product_at(c, ldc, a, lda, b, ldb, m, n, k, accumulate, scratch);
    c = result_of(t, "product_at_bf16", m * ldc, accumulate ? start : NULL);
    t->table->bf16->product_at_bf16(c, ldc, a_shorts, lda, b_shorts, ldb, m, n, k, accumulate, scratch);
  }
}

// m × k by k × n from a's and b's numbers, which the caller has made.
static void multiply_words(trial *t, const char *name, const float *a, const float *b, ck_size m, ck_size k,
                           ck_size n) {
  const ck_size panels = (n + CK_NR - 1) / CK_NR;
  uint32_t *packed = TAKE_ALIGNED(t, uint32_t, ck_bf16_packed_count(k, n));
  float *scratch = scratch_of(t, ck_gemm_scratch(k)), *c = result_of(t, name, m * n, NULL);
  t->table->bf16->pack(packed, b, n, 0, k, n, 0, panels);
  t->table->bf16->product(c, n, a, k, packed, m, n, k, 0, panels, 0, scratch);
}

// Their products lie between 2^-134 and 2^-116: some are subnormal, some sums climb out again.
static float *small_numbers(trial *t, ck_size count) {
  float *x = TAKE(t, float, count);
  for (ck_size i = 0; i < count; i++) {
    const float size = bits(t) & 1 ? 1 + uniform(t) : -1 - uniform(t);
    x[i] = ldexpf(size, -67 + (int)(bits(t) % 9));
  }
  return x;
}

// Any pattern, and sums below the normal range, which are zeros; afterwards the processor knows small numbers again.
static void word_ends(trial *t, const ck_size *e) {
  const ck_size count = e[0], m = 24, k = 6, n = 70;
  const float one = 1, ends[] = {INFINITY, -INFINITY, NAN, 0, -0.0f, 0x1.fffffep127f, 0x1p-126f, 0x1p-149f,
                                 0x1.fffffcp-127f, -0x1.fffffcp-127f, 0x1.fefffep127f, 0x1.ffp127f};
  float *any = TAKE(t, float, count);
  for (ck_size i = 0; i < count; i++) {
    any[i] = float_of(i < 512 ? 0x3f808000 + ((uint32_t)i << 16) : bits(t));
    if (i >= count - 12) any[i] = ends[i - count + 12];
  }
  multiply_words(t, "rounded on the left", any, &one, count, 1, 1);
  multiply_words(t, "rounded on the right", &one, any, 1, 1, count);
  float *rounded = result_of(t, "round_values of anything", count, any);
  t->table->bf16->round_values(rounded, count, 1, count);
  uint32_t *words = TAKE(t, uint32_t, (count + 1) / 2);
  t->table->bf16->round_rows(words, (count + 1) / 2, any, count, 1, count);
  uint16_t *shorts = short_result(t, "round_rows of anything", BRAINS, count);
  memcpy(shorts, words, (size_t)count * 2);
  const float *a = small_numbers(t, m * k), *b = small_numbers(t, k * n);
  multiply_words(t, "sums below the normal range", a, b, m, k, n);
  volatile float small = 0x1p-100f;
  const float product = small * 0x1p-40f, expected = float_of(0x200);
  expect(t, memcmp(&product, &expected, sizeof product) == 0, "the processor still takes small numbers for zeros");
}

void compare_bfloat16(verdict *v) {
  for (int i = 0; i < SHAPES; i++) {
    compare(v, "packings of bfloat16", word_packings, shapes[i], 3);
    compare(v, "products of bfloat16", word_products, shapes[i], 3);
    if (shapes[i][1] > 0) compare(v, "weight gradients of bfloat16", word_gradients, shapes[i], 3);
  }
  COMPARE(v, "numbers of bfloat16", word_ends, 4001);
}
