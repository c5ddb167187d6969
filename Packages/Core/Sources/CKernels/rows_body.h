// The row kernels over LANES at a time. What is folded over a row is folded in an order that depends on the row's
// width alone, so that a row's result never depends on the rows beside it.
#include <string.h>

#include "vector_math.h"

// ---- reductions of rows and columns -----------------------------------------------------------------------------
static void sum_rows(float *y, const float *x, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = x + r * width;
    lanes parts[4];
    FOLD_STEPS(parts, splat(0.0f), width, acc + load(row + i, n));
    y[r] = sum_of_parts(parts);
  }
}

static INLINE float largest(const float *x, ck_size width) {
  lanes parts[4];
  FOLD_STEPS(parts, splat(-INFINITY), width, larger(acc, load_filled(x + i, n, -INFINITY)));
  return largest_of_parts(parts);
}

static void max_rows(float *y, const float *x, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) y[r] = largest(x + r * width, width);
}

static INLINE void add_row(float *y, const float *x, ck_size count) {
  EACH_STEP(count, store(y + i, load(y + i, n) + load(x + i, n), n));
}

static void add_columns(float *y, const float *x, ck_size rows, ck_size width, ck_size first, ck_size last) {
  for (ck_size r = 0; r < rows; r++) add_row(y + first, x + r * width + first, last - first);
}

static void gather_rows(float *y, const float *table, const int32_t *index, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    if (index[r] < 0) memset(y + r * width, 0, (size_t)width * sizeof(float));
    else memcpy(y + r * width, table + index[r] * width, (size_t)width * sizeof(float));
  }
}

// ---- normalisation ----------------------------------------------------------------------------------------------
static INLINE float sum_of_squares(const float *x, ck_size width) {
  lanes parts[4];
  FOLD_STEPS(parts, splat(0.0f), width, fused(load(x + i, n), load(x + i, n), acc));
  return sum_of_parts(parts);
}

static void rms_norm(float *y, float *rstd, const float *x, ck_size x_stride, const float *w, float epsilon,
                     ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = x + r * x_stride;
    float *out = y + r * width;
    rstd[r] = 1 / __builtin_sqrtf(sum_of_squares(row, width) / (float)width + epsilon);
    const lanes scale = splat(rstd[r]);
    EACH_STEP(width, store(out + i, load(row + i, n) * scale * load(w + i, n), n));
  }
}

// With n = x · rstd:  dx = rstd · (w · dy − n · mean(w · dy · n)),  dw = Σ_rows dy · n.
static void rms_norm_backward(float *dx, ck_size dx_stride, float *dw, const float *dy, const float *x,
                              ck_size x_stride, const float *w, const float *rstd, ck_size rows, ck_size width,
                              int accumulate) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = x + r * x_stride, *d = dy + r * width;
    float *out = dx + r * dx_stride;
    lanes parts[4];
    FOLD_STEPS(parts, splat(0.0f), width, fused(load(d + i, n) * load(w + i, n), load(row + i, n), acc));
    const lanes scale = splat(rstd[r]);
    const lanes pull = splat(sum_of_parts(parts) / (float)width * rstd[r] * rstd[r] * rstd[r]);
    EACH_STEP(width, {
      const lanes x_i = load(row + i, n), d_i = load(d + i, n);
      const lanes change = fused(-pull, x_i, scale * (load(w + i, n) * d_i));
      store(out + i, accumulate ? load(out + i, n) + change : change, n);
      store(dw + i, fused(d_i, x_i * scale, load(dw + i, n)), n);
    });
  }
}

// ---- gates ------------------------------------------------------------------------------------------------------
static INLINE lanes silu_lanes(lanes x) { return x / (splat(1.0f) + exp_lanes(-x)); }

static void swiglu(float *y, const float *gate, const float *up, ck_size stride, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    const float *g = gate + r * stride, *u = up + r * stride;
    float *out = y + r * width;
    EACH_STEP(width, store(out + i, silu_lanes(load(g + i, n)) * load(u + i, n), n));
  }
}

// With s = sigmoid(g):  silu(g) = g · s,  silu'(g) = s · (1 + g · (1 − s)). Where y is not null, it becomes swiglu's.
static void swiglu_backward(float *dgate, float *dup, float *y, const float *dy, const float *gate, const float *up,
                            ck_size stride, ck_size rows, ck_size width) {
  const lanes one = splat(1.0f);
  for (ck_size r = 0; r < rows; r++) {
    const ck_size at = r * stride;
    const float *row = dy + r * width;
    float *out = y ? y + r * width : y;
    EACH_STEP(width, {
      const lanes g = load(gate + at + i, n), u = load(up + at + i, n), d = load(row + i, n);
      const lanes below = one + exp_lanes(-g), s = one / below;
      if (out) store(out + i, g / below * u, n);
      store(dup + at + i, d * (g * s), n);
      store(dgate + at + i, d * u * (s * fused(g, one - s, one)), n);
    });
  }
}

// ---- softmax and cross-entropy ----------------------------------------------------------------------------------
// Terms summed in float32 before their sum goes on in double: rows are up to 130000 wide, and longer chains of float32
// additions would cost a digit.
enum { TERMS_IN_FLOAT = 512 };

// exp(x − shift), stored in y unless it is null.
static INLINE lanes term(float *y, const float *x, lanes shift, ck_size n) {
  const lanes terms = exp_lanes(load_filled(x, n, -INFINITY) - shift);
  if (y) store(y, terms, n);
  return terms;
}

// Σ exp(x − shift), the terms also stored in y unless it is null.
static INLINE double sum_of_terms(float *y, const float *x, float shift, ck_size width) {
  double sum = 0;
  for (ck_size block = 0; block < width; block += TERMS_IN_FLOAT) {
    const ck_size count = width - block < TERMS_IN_FLOAT ? width - block : TERMS_IN_FLOAT;
    const float *from = x + block;
    float *to = y ? y + block : y;
    lanes parts[4];
    FOLD_STEPS(parts, splat(0.0f), count, acc + term(to ? to + i : to, from + i, splat(shift), n));
    sum += sum_of_parts(parts);
  }
  return sum;
}

static void softmax(float *y, const float *x, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = x + r * width;
    float *out = y + r * width;
    const lanes share = splat((float)(1 / sum_of_terms(out, row, largest(row, width), width)));
    EACH_STEP(width, store(out + i, load(out + i, n) * share, n));
  }
}

// Two passes, the second from the cache: a row of 130000 logits is half a megabyte.
static void cross_entropy(float *logp, float *lse, const float *logits, const int32_t *targets, ck_size rows,
                          ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = logits + r * width, max = largest(row, width);
    const float shift = isinf(max) ? 0 : max;  // a row of −∞ has lse −∞, not NaN
    lse[r] = (float)(shift + log(sum_of_terms(NULL, row, shift, width)));
    logp[r] = targets[r] < 0 ? 0 : row[targets[r]] - lse[r];
  }
}

static void cross_entropy_backward(float *dlogits, const float *g, const float *logits, const float *lse,
                                   const int32_t *targets, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = logits + r * width;
    float *d = dlogits + r * width;
    if (targets[r] < 0) {
      memset(d, 0, (size_t)width * sizeof(float));
      continue;
    }
    const lanes scale = splat(-g[r]), shift = splat(lse[r]);
    EACH_STEP(width, store(d + i, scale * exp_lanes(load(row + i, n) - shift), n));
    d[targets[r]] += g[r];
  }
}
