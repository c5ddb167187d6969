// The meaning of the bfloat16 matrix products, written plainly: every other instruction set is compared with this file,
// bit by bit.
#include <math.h>

#include "gemm_blocks.h"

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline float float_of(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

// Numbers below the normal range count as zeros of their sign.
static inline float flushed(float x) {
  const uint32_t bits = bits_of(x);
  return bits & 0x7f800000 ? x : float_of(bits & 0x80000000);
}

// The bfloat16 nearest to x, the even one of two, as the upper half of a float; NaN stays NaN.
static uint16_t rounded(float x) {
  const uint32_t bits = bits_of(flushed(x));
  if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// One step of a chain. The product of two bfloat16 is exact, so only the addition rounds.
static inline float step(uint16_t a, uint16_t b, float sum) {
  return flushed(fmaf(flushed(float_of((uint32_t)a << 16)), flushed(float_of((uint32_t)b << 16)), flushed(sum)));
}

static inline float two_steps(uint32_t a, uint32_t b, float sum) {
  return step((uint16_t)a, (uint16_t)b, step((uint16_t)(a >> 16), (uint16_t)(b >> 16), sum));
}

static inline uint32_t word(uint16_t even, uint16_t odd) { return even | (uint32_t)odd << 16; }

// The word of numbers p and p + 1 of a column or row that goes on in steps of `stride`.
static inline uint32_t rounded_word(const float *x, ck_size stride, ck_size p, ck_size k) {
  return word(rounded(x[p * stride]), p + 1 < k ? rounded(x[(p + 1) * stride]) : 0);
}

static void pack(uint32_t *packed, const float *b, ck_size ldb, int transposed, ck_size k, ck_size n,
                 ck_size first_panel, ck_size last_panel) {
  const ck_size step_k = transposed ? 1 : ldb, step_n = transposed ? ldb : 1;
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    uint32_t *out = packed + panel * ((k + 1) / 2) * CK_NR;
    for (ck_size p = 0; p < k; p += 2, out += CK_NR) {
      for (ck_size lane = 0; lane < CK_NR; lane++) {
        const ck_size j = panel * CK_NR + lane;
        out[lane] = j < n ? rounded_word(b + j * step_n, step_k, p, k) : 0;
      }
    }
  }
}

static void pack_bf16(uint32_t *packed, const uint16_t *b, ck_size ldb, int transposed, ck_size k, ck_size n,
                      ck_size first_panel, ck_size last_panel) {
  const ck_size step_k = transposed ? 1 : ldb, step_n = transposed ? ldb : 1;
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    uint32_t *out = packed + panel * ((k + 1) / 2) * CK_NR;
    for (ck_size p = 0; p < k; p += 2, out += CK_NR) {
      for (ck_size lane = 0; lane < CK_NR; lane++) {
        const ck_size j = panel * CK_NR + lane;
        const uint16_t *x = b + j * step_n + p * step_k;
        out[lane] = j < n ? word(x[0], p + 1 < k ? x[step_k] : 0) : 0;
      }
    }
  }
}

static void product(float *c, ck_size ldc, const float *a, ck_size lda, const uint32_t *packed, ck_size m, ck_size n,
                    ck_size k, ck_size first_panel, ck_size last_panel, int accumulate, float *scratch) {
  (void)scratch;
  const ck_size last_column = ck_smaller(n, last_panel * CK_NR);
  for (ck_size i = 0; i < m; i++) {
    for (ck_size j = first_panel * CK_NR; j < last_column; j++) {
      const uint32_t *column = packed + (j / CK_NR) * ((k + 1) / 2) * CK_NR + j % CK_NR;
      float sum = accumulate ? c[i * ldc + j] : 0;
      for (ck_size p = 0; p < k; p += 2) {
        sum = two_steps(rounded_word(a + i * lda, 1, p, k), column[p / 2 * CK_NR], sum);
      }
      c[i * ldc + j] = sum;
    }
  }
}

static void product_words(float *c, ck_size ldc, const uint32_t *a, ck_size lda, const uint32_t *packed, ck_size m,
                          ck_size n, ck_size k, ck_size first_panel, ck_size last_panel, int accumulate,
                          float *scratch) {
  (void)scratch;
  const ck_size last_column = ck_smaller(n, last_panel * CK_NR);
  for (ck_size i = 0; i < m; i++) {
    for (ck_size j = first_panel * CK_NR; j < last_column; j++) {
      const uint32_t *column = packed + (j / CK_NR) * ((k + 1) / 2) * CK_NR + j % CK_NR;
      float sum = accumulate ? c[i * ldc + j] : 0;
      for (ck_size p = 0; p < (k + 1) / 2; p++) sum = two_steps(a[i * lda + p], column[p * CK_NR], sum);
      c[i * ldc + j] = sum;
    }
  }
}

static void product_at(float *c, ck_size ldc, const float *a, ck_size lda, const float *b, ck_size ldb, ck_size m,
                       ck_size n, ck_size k, int accumulate, float *scratch) {
  (void)scratch;
  for (ck_size i = 0; i < m; i++) {
    for (ck_size j = 0; j < n; j++) {
      float sum = accumulate ? c[i * ldc + j] : 0;
      for (ck_size p = 0; p < k; p += 2) {
        sum = two_steps(rounded_word(a + i, lda, p, k), rounded_word(b + j, ldb, p, k), sum);
      }
      c[i * ldc + j] = sum;
    }
  }
}

// The word of numbers p and p + 1 of a column of bfloat16.
static inline uint32_t stored_word(const uint16_t *x, ck_size stride, ck_size p, ck_size k) {
  return word(x[p * stride], p + 1 < k ? x[(p + 1) * stride] : 0);
}

static void product_at_bf16(float *c, ck_size ldc, const uint16_t *a, ck_size lda, const uint16_t *b, ck_size ldb,
                            ck_size m, ck_size n, ck_size k, int accumulate, float *scratch) {
  (void)scratch;
  for (ck_size i = 0; i < m; i++) {
    for (ck_size j = 0; j < n; j++) {
      float sum = accumulate ? c[i * ldc + j] : 0;
      for (ck_size p = 0; p < k; p += 2) {
        sum = two_steps(stored_word(a + i, lda, p, k), stored_word(b + j, ldb, p, k), sum);
      }
      c[i * ldc + j] = sum;
    }
  }
}

static void round_rows(uint32_t *words, ck_size ldw, const float *x, ck_size ldx, ck_size rows, ck_size count) {
  for (ck_size r = 0; r < rows; r++) {
    for (ck_size p = 0; p < count; p += 2) words[r * ldw + p / 2] = rounded_word(x + r * ldx, 1, p, count);
  }
}

static void round_values(float *x, ck_size ldx, ck_size rows, ck_size count) {
  for (ck_size r = 0; r < rows; r++) {
    for (ck_size j = 0; j < count; j++) x[r * ldx + j] = float_of((uint32_t)rounded(x[r * ldx + j]) << 16);
  }
}

const ck_bf16_kernels ck_bf16_scalar = {
    pack, pack_bf16, product, product_words, product_at, product_at_bf16, round_rows, round_values,
};
