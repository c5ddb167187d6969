// Kernels over rows: normalisation, rotation, gates, probabilities, sums, the optimiser. Sums and exponentials agree
// within rounding, everything else to the bit.
#include <math.h>

#include "comparison.h"

static const ck_binary operations[] = {CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE, CK_MAXIMUM};

static void arithmetic(trial *t, const ck_size *e) {
  const ck_row_kernels *k = t->table->rows;
  const ck_size n = e[0];
  const float *a = numbers(t, 3 * n, 2), *column = numbers(t, 3, 7);
  float *b = numbers(t, n, 2);
  if (n > 4) b[0] = NAN, b[1] = 0, b[2] = -0.0f, b[3] = INFINITY, b[4] = 0x1p-140f;
  for (int i = 0; i < 5; i++) {
    k->binary(operations[i], result(t, "binary", n, 0), a, b, n);
    k->binary(operations[i], result(t, "binary, turned", n, 0), b, a, n);
    k->binary_scalar(operations[i], result(t, "binary_scalar", n, 0), b, 0.7f, n);
    k->binary_row(operations[i], result(t, "binary_row", 3 * n, 0), a, b, 3, n);
    k->binary_column(operations[i], result(t, "binary_column", 3 * n, 0), a, column, 3, n);
  }
  float *y = result(t, "axpy", n, 0);
  k->axpy(y, a, -0.3f, n);
  const int32_t index[] = {2, -1, 0, 2};
  k->gather_rows(result(t, "gather_rows", 4 * n, 0), a, index, 4, n);
}

static void sums(trial *t, const ck_size *e) {
  const ck_row_kernels *k = t->table->rows;
  const ck_size n = e[0];
  float *x = numbers(t, 3 * n, 2);
  k->sum_rows(result(t, "sum_rows", 3, 1e-5), x, 3, n);
  double *squares = take(t, 1, sizeof(double), sizeof(double));
  keep_last(t, "sum_squares", DOUBLES, 1e-12);
  *squares = k->sum_squares(x, n);
  k->add_columns(result(t, "add_columns", n, 0), x, 3, n, n / 3, n);
  for (ck_size i = 0; i < 3 * n; i++) x[i] -= 5;
  k->max_rows(result(t, "max_rows", 3, 0), x, 3, n);
  if (n == 0) return;
  x[n - 1] = NAN, x[n] = INFINITY;
  k->max_rows(result(t, "max_rows of NaN and infinity", 3, 0), x, 3, n);
}

static void norms(trial *t, const ck_size *e) {
  const ck_row_kernels *k = t->table->rows;
  const ck_size n = e[0], stride = n + n / 2 + 1;
  const float *x = numbers(t, 3 * stride, 2), *w = numbers(t, n, 2), *g = numbers(t, 3 * n, 2);
  const float rstd[] = {0.5f, 1, 2};
  k->rms_norm(result(t, "rms_norm", 3 * n, 1e-5), result(t, "rstd", 3, 1e-5), x, stride, w, 1e-5f, 3, n);
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    float *dx = result(t, "dx of rms_norm", 3 * stride, 1e-5), *dw = result(t, "dw of rms_norm", n, 1e-5);
    k->rms_norm_backward(dx, stride, dw, g, x, stride, w, rstd, 3, n, accumulate);
  }
}

static void gates(trial *t, const ck_size *e) {
  const ck_row_kernels *k = t->table->rows;
  const ck_size n = e[0];
  const float *x = numbers(t, 4 * n, 8), *g = numbers(t, 2 * n, 2);
  float *y = result(t, "swiglu", 2 * n, 2e-6), *again = result(t, "swiglu once more", 2 * n, 2e-6);
  k->swiglu(y, x, x + n, 2 * n, 2, n);
  for (int i = 0; i < 2; i++) {
    float *dx = result(t, "gradients of swiglu", 4 * n, 4e-6);
    k->swiglu_backward(dx, dx + n, i ? again : NULL, g, x, x + n, 2 * n, 2, n);
  }
  expect(t, same_floats(y, again, 2 * n), "swiglu's result is another on the way back");
  for (ck_size i = 0; i < n; i++) {
    float one;
    k->swiglu(&one, x + i, x + n + i, 1, 1, 1);
    expect(t, same_floats(&one, y + i, 1), "a gate is another alone");
  }
}

static void probabilities(trial *t, const ck_size *e) {
  const ck_row_kernels *k = t->table->rows;
  const ck_size n = e[0];
  float *x = numbers(t, 3 * n, 20);
  if (n > 1) x[1] = -INFINITY;
  if (n > 3) x[2 * n + 3] = 200;
  const int32_t targets[] = {(int32_t)n - 1, -1, 0};
  const float g[] = {1, 2, -0.5f};
  k->softmax(result(t, "softmax", 3 * n, 1e-6), x, 3, n);
  float *logp = result(t, "logp", 3, 2e-6), *lse = result(t, "lse", 3, 2e-6);
  k->cross_entropy(logp, lse, x, targets, 3, n);
  float *dx = result(t, "gradients of logp", 3 * n, 4e-6), *over = result(t, "the same in place", 3 * n, 4e-6);
  k->cross_entropy_backward(dx, g, x, lse, targets, 3, n);
  memcpy(over, x, (size_t)(3 * n) * sizeof *over);
  k->cross_entropy_backward(over, g, over, lse, targets, 3, n);
  expect(t, same_floats(dx, over, 3 * n), "gradients in place are others");
  for (ck_size i = 0; i < n; i++) x[i] = -INFINITY;
  k->cross_entropy(result(t, "logp of nothing", 1, 0), result(t, "lse of nothing", 1, 0), x, targets + 1, 1, n);
}

// Half a width, whether pairs are neighbours, the direction.
static void rotation(trial *t, const ck_size *e) {
  const ck_size half = e[0], width = 2 * half, head = width + 3, stride = 2 * head + 1;
  const float *x = numbers(t, 2 * stride, 2), *c = numbers(t, 3 * half, 1), *s = numbers(t, 3 * half, 1);
  const int32_t positions[] = {2, 0};
  float *y = result(t, "rotary", 2 * stride, 0), *over = result(t, "rotary in place", 2 * stride, 0);
  t->table->rows->rotary(y, x, stride, stride, head, c, s, positions, (int)e[1], (int)e[2], 2, 2, width);
  memcpy(over, x, (size_t)(2 * stride) * sizeof *over);
  t->table->rows->rotary(over, over, stride, stride, head, c, s, positions, (int)e[1], (int)e[2], 2, 2, width);
}

static void updates(trial *t, const ck_size *e) {
  const ck_row_kernels *k = t->table->rows;
  const ck_size n = e[0];
  const float *g = numbers(t, n, 2), *start = numbers(t, 3 * n, 1);
  float *w = result(t, "w of adamw", n, 0), *m = result(t, "m of adamw", n, 0), *v = result(t, "v of adamw", n, 0);
  float *w2 = result(t, "w of adamw_bf16", n, 0);
  uint16_t *m2 = short_result(t, "m of adamw_bf16", BRAINS, n), *v2 = short_result(t, "v of adamw_bf16", BRAINS, n);
  for (ck_size i = 0; i < n; i++) {
    w[i] = w2[i] = start[i], m[i] = start[n + i], v[i] = start[2 * n + i] * start[2 * n + i];
    m2[i] = (uint16_t)(0x3c00 + bits(t) % 0x200 + (bits(t) & 0x8000)), v2[i] = (uint16_t)(0x3c00 + bits(t) % 0x200);
  }
  for (int step = 0; step < 2; step++) {
    k->adamw(w, m, v, g, 0.5f, 0.1f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.2f, 0.3f, n);
    k->adamw_bf16(w2, m2, v2, g, 0.5f, 0.1f, 0.9f, 0.95f, 1e-8f, 0.1f, 0.2f, 0.3f, n);
  }
}

void compare_rows(verdict *v) {
  const ck_size wide[] = {63, 64, 65, 258, 511, 512, 513, 1100, 2053};
  for (ck_size i = 0; i < 35 + 9; i++) {
    const ck_size n = i < 35 ? i : wide[i - 35];
    COMPARE(v, "arithmetic", arithmetic, n);
    COMPARE(v, "sums", sums, n);
    COMPARE(v, "gates", gates, n);
    COMPARE(v, "updates", updates, n);
    for (ck_size j = 0; j < 4; j++) COMPARE(v, "rotation", rotation, n, j & 1, j & 2 ? 1 : -1);
    if (n == 0) continue;
    COMPARE(v, "norms", norms, n);
    COMPARE(v, "probabilities", probabilities, n);
  }
}
