// The meaning of the matrix products, written plainly: every other instruction set is compared with this file, bit by
// bit. An element of C is fma(a_k, b_k, … fma(a_1, b_1, fma(a_0, b_0, start))).
#include <math.h>

#include "gemm_blocks.h"

ck_size ck_gemm_scratch(ck_size k) {
  // A block of packed rows and, for `product_at`, one packed panel.
  return ck_smaller(k > 0 ? k : 1, CK_GEMM_DEPTH) * (CK_GEMM_ROWS + CK_NR);
}

static void pack(float *packed, const float *b, ck_size ldb, int transposed, ck_size k, ck_size n, ck_size first_panel,
                 ck_size last_panel) {
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    float *out = packed + panel * k * CK_NR;
    for (ck_size p = 0; p < k; p++) {
      for (ck_size lane = 0; lane < CK_NR; lane++) {
        ck_size j = panel * CK_NR + lane;
        out[p * CK_NR + lane] = j >= n ? 0 : transposed ? b[j * ldb + p] : b[p * ldb + j];
      }
    }
  }
}

static void product(float *c, ck_size ldc, const float *a, ck_size lda, const float *packed, ck_size m, ck_size n,
                    ck_size k, ck_size first_panel, ck_size last_panel, int accumulate, float *scratch) {
  (void)scratch;
  ck_size last_column = ck_smaller(n, last_panel * CK_NR);
  for (ck_size i = 0; i < m; i++) {
    for (ck_size j = first_panel * CK_NR; j < last_column; j++) {
      const float *column = packed + (j / CK_NR) * k * CK_NR + j % CK_NR;
      float sum = accumulate ? c[i * ldc + j] : 0;
      for (ck_size p = 0; p < k; p++) sum = fmaf(a[i * lda + p], column[p * CK_NR], sum);
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
      for (ck_size p = 0; p < k; p++) sum = fmaf(a[p * lda + i], b[p * ldb + j], sum);
      c[i * ldc + j] = sum;
    }
  }
}

const ck_gemm_kernels ck_gemm_scalar = {pack, product, product_at};
