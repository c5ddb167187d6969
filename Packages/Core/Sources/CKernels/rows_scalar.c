// Every row and element kernel, plainly: what the vector versions are judged by, and what runs where there is none.
// What takes no exp, log or sum over a row (arithmetic, rotary, AdamW, conversions) agrees with them bit for bit.
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "row_table.h"

// ---- elements ---------------------------------------------------------------------------------------------------
// The larger number; NaN if either is NaN.
static inline float larger(float a, float b) { return a > b || a != a ? a : b; }

static inline float combined(ck_binary op, float a, float b) {
  switch (op) {
  case CK_ADD: return a + b;
  case CK_SUBTRACT: return a - b;
  case CK_MULTIPLY: return a * b;
  case CK_DIVIDE: return a / b;
  case CK_MAXIMUM: return larger(a, b);
  }
  return a;
}

static void binary(ck_binary op, float *y, const float *a, const float *b, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = combined(op, a[i], b[i]);
}

static void binary_scalar(ck_binary op, float *y, const float *a, float b, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = combined(op, a[i], b);
}

static void binary_row(ck_binary op, float *y, const float *a, const float *b, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) binary(op, y + r * width, a + r * width, b, width);
}

static void binary_column(ck_binary op, float *y, const float *a, const float *b, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) binary_scalar(op, y + r * width, a + r * width, b[r], width);
}

// In double, because 1 / (1 + expf(-x)) and tanhf err by more than 2 units in the last place.
static inline float sigmoid(float x) { return (float)(1 / (1 + exp(-(double)x))); }

static inline float applied(ck_unary op, float x) {
  switch (op) {
  case CK_NEGATE: return -x;
  case CK_EXP: return expf(x);
  case CK_LOG: return logf(x);
  case CK_SQRT: return sqrtf(x);
  case CK_RECIPROCAL: return 1 / x;
  case CK_SIGMOID: return sigmoid(x);
  case CK_TANH: return (float)tanh((double)x);
  case CK_SIN: return sinf(x);
  case CK_COS: return cosf(x);
  }
  return x;
}

static void unary(ck_unary op, float *y, const float *x, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = applied(op, x[i]);
}

static void axpy(float *y, const float *x, float alpha, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] += alpha * x[i];
}

static double sum_squares(const float *x, ck_size count) {
  double sum = 0;
  for (ck_size i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
  return sum;
}

// ---- reductions of rows and columns -----------------------------------------------------------------------------
static void sum_rows(float *y, const float *x, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    double sum = 0;
    for (ck_size i = 0; i < width; i++) sum += x[r * width + i];
    y[r] = (float)sum;
  }
}

static float largest(const float *x, ck_size width) {
  float max = -INFINITY;
  for (ck_size i = 0; i < width; i++) max = larger(max, x[i]);
  return max;
}

static void max_rows(float *y, const float *x, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) y[r] = largest(x + r * width, width);
}

static void add_columns(float *y, const float *x, ck_size rows, ck_size width, ck_size first, ck_size last) {
  for (ck_size r = 0; r < rows; r++)
    for (ck_size i = first; i < last; i++) y[i] += x[r * width + i];
}

static void gather_rows(float *y, const float *table, const int32_t *index, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    if (index[r] < 0) memset(y + r * width, 0, (size_t)width * sizeof(float));
    else memcpy(y + r * width, table + index[r] * width, (size_t)width * sizeof(float));
  }
}

// ---- normalisation, rotation, gates -----------------------------------------------------------------------------
static void rms_norm(float *y, float *rstd, const float *x, ck_size x_stride, const float *w, float epsilon,
                     ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = x + r * x_stride;
    rstd[r] = (float)(1 / sqrt(sum_squares(row, width) / (double)width + epsilon));
    for (ck_size i = 0; i < width; i++) y[r * width + i] = row[i] * rstd[r] * w[i];
  }
}

// With n = x · rstd:  dx = rstd · (w · dy − n · mean(w · dy · n)),  dw = Σ_rows dy · n.
static void rms_norm_backward(float *dx, ck_size dx_stride, float *dw, const float *dy, const float *x,
                              ck_size x_stride, const float *w, const float *rstd, ck_size rows, ck_size width,
                              int accumulate) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = x + r * x_stride, *d = dy + r * width;
    double dot = 0;
    for (ck_size i = 0; i < width; i++) dot += (double)d[i] * w[i] * row[i];
    const float pull = (float)(dot / (double)width * rstd[r] * rstd[r] * rstd[r]);
    for (ck_size i = 0; i < width; i++) {
      const float change = rstd[r] * (w[i] * d[i]) - pull * row[i];
      dx[r * dx_stride + i] = accumulate ? dx[r * dx_stride + i] + change : change;
      dw[i] += d[i] * (row[i] * rstd[r]);
    }
  }
}

static void rotary(float *y, const float *x, ck_size x_stride, ck_size y_stride, ck_size head_stride,
                   const float *cosines, const float *sines, const int32_t *positions, int interleaved, int direction,
                   ck_size rows, ck_size heads, ck_size width) {
  const ck_size half = width / 2, step = interleaved ? 2 : 1, distance = interleaved ? 1 : half;
  for (ck_size r = 0; r < rows; r++) {
    const float *c = cosines + positions[r] * half, *s = sines + positions[r] * half;
    for (ck_size h = 0; h < heads; h++) {
      const float *from = x + r * x_stride + h * head_stride;
      float *to = y + r * y_stride + h * head_stride;
      for (ck_size i = 0; i < half; i++) {
        const float a = from[i * step], b = from[i * step + distance], sine = (float)direction * s[i];
        to[i * step] = a * c[i] - b * sine;
        to[i * step + distance] = a * sine + b * c[i];
      }
    }
  }
}

static void swiglu(float *y, const float *gate, const float *up, ck_size stride, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++)
    for (ck_size i = 0; i < width; i++) {
      const float g = gate[r * stride + i];
      y[r * width + i] = g / (1 + expf(-g)) * up[r * stride + i];
    }
}

// With s = sigmoid(g):  silu(g) = g · s,  silu'(g) = s · (1 + g · (1 − s)).
static void swiglu_backward(float *dgate, float *dup, float *y, const float *dy, const float *gate, const float *up,
                            ck_size stride, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++)
    for (ck_size i = 0; i < width; i++) {
      const ck_size at = r * stride + i;
      const float g = gate[at], d = dy[r * width + i], below = 1 + expf(-g), s = 1 / below;
      if (y) y[r * width + i] = g / below * up[at];
      dup[at] = d * (g * s);
      dgate[at] = d * up[at] * (s * (1 + g * (1 - s)));
    }
}

// ---- softmax and cross-entropy ----------------------------------------------------------------------------------
static void softmax(float *y, const float *x, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = x + r * width, max = largest(row, width);
    double sum = 0;
    for (ck_size i = 0; i < width; i++) sum += y[r * width + i] = expf(row[i] - max);
    const float share = (float)(1 / sum);
    for (ck_size i = 0; i < width; i++) y[r * width + i] *= share;
  }
}

static void cross_entropy(float *logp, float *lse, const float *logits, const int32_t *targets, ck_size rows,
                          ck_size width) {
  for (ck_size r = 0; r < rows; r++) {
    const float *row = logits + r * width, max = largest(row, width);
    const float shift = isinf(max) ? 0 : max;  // a row of −∞ has lse −∞, not NaN
    double sum = 0;
    for (ck_size i = 0; i < width; i++) sum += expf(row[i] - shift);
    lse[r] = (float)(shift + log(sum));
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
    for (ck_size i = 0; i < width; i++) d[i] = -g[r] * expf(row[i] - lse[r]);
    d[targets[r]] += g[r];
  }
}

// ---- optimiser --------------------------------------------------------------------------------------------------
// Decoupled weight decay (Loshchilov & Hutter 2019), in the order of torch.optim.AdamW: decay, then the step.
static void adamw(float *w, float *m, float *v, const float *g, float scale, float learning_rate, float beta1,
                  float beta2, float epsilon, float weight_decay, float correction1, float correction2,
                  ck_size count) {
  const float decay = learning_rate * weight_decay, step = learning_rate / correction1;
  for (ck_size i = 0; i < count; i++) {
    const float gradient = scale * g[i];
    m[i] = beta1 * m[i] + (1 - beta1) * gradient;
    v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    const float decayed = w[i] - decay * w[i];
    w[i] = decayed - step * m[i] / (sqrtf(v[i] / correction2) + epsilon);
  }
}

// ---- conversions ------------------------------------------------------------------------------------------------
static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static void bf16_from_f32(uint16_t *y, const float *x, ck_size count) {
  for (ck_size i = 0; i < count; i++) {
    const uint32_t bits = bits_of(x[i]);
    const uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);  // half an ulp, one more to reach an even one
    y[i] = (uint16_t)(x[i] != x[i] ? bits >> 16 | 0x40 : rounded >> 16);
  }
}

static void f32_from_bf16(float *y, const uint16_t *x, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = float_of((uint32_t)x[i] << 16);
}

// The same with moments that are stored in bfloat16: they take part in the step before they are rounded.
static void adamw_bf16(float *w, uint16_t *m, uint16_t *v, const float *g, float scale, float learning_rate,
                       float beta1, float beta2, float epsilon, float weight_decay, float correction1,
                       float correction2, ck_size count) {
  const float decay = learning_rate * weight_decay, step = learning_rate / correction1;
  for (ck_size i = 0; i < count; i++) {
    const float gradient = scale * g[i];
    float mean, square;
    f32_from_bf16(&mean, m + i, 1);
    f32_from_bf16(&square, v + i, 1);
    mean = beta1 * mean + (1 - beta1) * gradient;
    square = beta2 * square + (1 - beta2) * gradient * gradient;
    bf16_from_f32(m + i, &mean, 1);
    bf16_from_f32(v + i, &square, 1);
    const float decayed = w[i] - decay * w[i];
    w[i] = decayed - step * mean / (sqrtf(square / correction2) + epsilon);
  }
}

static uint16_t half_of(float x) {
  const uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));  // NaN, made quiet
  if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);                             // 65520 rounds to ∞
  // Below 2⁻¹⁴ halves are multiples of 2⁻²⁴: adding ½, whose ulp that is, rounds to them.
  if (magnitude < 0x38800000) return (uint16_t)(sign | (bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f)));
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return (uint16_t)(sign | ((rounded >> 13) - (112 << 10)));  // exponent bias 127 becomes 15
}

static float float_of_half(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
  if (magnitude > 0x7c00) return float_of(sign | 0x7fc00000 | magnitude << 13);  // NaN, made quiet
  if (magnitude == 0x7c00) return float_of(sign | 0x7f800000);
  if (magnitude < 0x400) return float_of(sign | bits_of((float)magnitude * 0x1p-24f));
  return float_of(sign | ((magnitude << 13) + (112u << 23)));
}

static void f16_from_f32(uint16_t *y, const float *x, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = half_of(x[i]);
}

static void f32_from_f16(float *y, const uint16_t *x, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = float_of_half(x[i]);
}

const ck_row_kernels ck_rows_scalar = CK_ROW_TABLE;
