// Attention, plainly: the definition that judges every fast version and serves processors without a better one.
// One query at a time; its row of probabilities is the only intermediate result.
#include "kernels.h"
#include <math.h>

static ck_size padded(ck_size count) { return (count + 15) & ~(ck_size)15; }

// Enough for either pass of any instruction set. The vector kernels keep, for forward, a tile of at most 128 queries
// and one packed block of keys and values; for backward, padded copies of the queries' rows and one block of gradients.
ck_size ck_attention_scratch(ck_size queries, ck_size keys, ck_size d1, ck_size d2, ck_size dv) {
  ck_size d = padded(d1 + d2), v = padded(dv), tile = queries < 128 ? queries : 128;
  ck_size forward = tile * (CK_KEY_BLOCK + v) + CK_KEY_BLOCK * (d + v) + 2 * padded(tile);
  // The layout of bfloat16 has queries and their gradients twice, as words along either axis, and more blocks.
  forward += tile * d + 2 * CK_KEY_BLOCK * d;
  ck_size blocks = CK_KEY_BLOCK * (4 * d + 4 * v + 4 * CK_KEY_BLOCK) + 512;
  ck_size backward = queries * (3 * d + 2 * v) + padded(queries) + blocks;
  ck_size plain = padded(keys);
  ck_size most = forward > backward ? forward : backward;
  return most > plain ? most : plain;
}

ck_size ck_attention_heads_scratch(ck_size heads, ck_size keys, ck_size d1, ck_size d2, ck_size dv) {
  ck_size d = padded(d1 + d2), v = padded(dv), plain = padded(keys);
  ck_size vectors = CK_KEY_BLOCK * (d + v) + heads * (CK_KEY_BLOCK + v) + 2 * padded(heads);
  return vectors > plain ? vectors : plain;
}

static float dot(const float *a, const float *b, ck_size count, float sum) {
  for (ck_size i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

static void add_scaled(float *y, const float *x, float alpha, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] += alpha * x[i];
}

static void zero_rows(float *y, ck_size stride, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++)
    for (ck_size i = 0; i < width; i++) y[r * stride + i] = 0;
}

static float score(const ck_attention *x, ck_size query, ck_size key) {
  const float *q = x->q + query * x->q_stride;
  float first_part = dot(q, x->k1 + key * x->k1_stride, x->d1, 0);
  return x->scale * (x->d2 ? dot(q + x->d1, x->k2 + key * x->k2_stride, x->d2, first_part) : first_part);
}

static void forward(const ck_attention *x, float *out, ck_size out_stride, float *lse, ck_size lse_stride,
                    float *scratch) {
  float *p = scratch;
  for (ck_size i = 0; i < x->queries; i++) {
    ck_size seen = x->first + i + 1;
    float largest = -INFINITY, sum = 0;
    for (ck_size j = 0; j < seen; j++) {
      p[j] = score(x, i, j);
      if (p[j] > largest) largest = p[j];
    }
    float *row = out + i * out_stride;
    zero_rows(row, 0, 1, x->dv);
    for (ck_size j = 0; j < seen; j++) {
      p[j] = expf(p[j] - largest);
      sum += p[j];
      add_scaled(row, x->v + j * x->v_stride, p[j], x->dv);
    }
    for (ck_size c = 0; c < x->dv; c++) row[c] /= sum;
    lse[i * lse_stride] = largest + logf(sum);
  }
}

// With p = exp(s - lse) and D = Σ dout · out: dv = pᵀ dout, ds = p (dout vᵀ - D) scale, dq = ds k, dk = dsᵀ q.
static void backward(const ck_attention *x, const float *out, ck_size out_stride, const float *lse, ck_size lse_stride,
                     const float *dout, ck_size dout_stride, float *dq, ck_size dq_stride, float *dk1,
                     ck_size dk1_stride, float *dk2, ck_size dk2_stride, float *dv, ck_size dv_stride,
                     float *scratch) {
  (void)scratch;
  zero_rows(dq, dq_stride, x->queries, x->d1 + x->d2);
  zero_rows(dk1, dk1_stride, x->queries, x->d1);
  zero_rows(dv, dv_stride, x->queries, x->dv);
  for (ck_size i = 0; i < x->queries; i++) {
    const float *q = x->q + i * x->q_stride, *g = dout + i * dout_stride;
    float *dq_row = dq + i * dq_stride;
    float mean = dot(g, out + i * out_stride, x->dv, 0);
    for (ck_size j = 0; j <= i; j++) {
      float p = expf(score(x, i, j) - lse[i * lse_stride]);
      float ds = p * (dot(g, x->v + j * x->v_stride, x->dv, 0) - mean) * x->scale;
      add_scaled(dv + j * dv_stride, g, p, x->dv);
      add_scaled(dq_row, x->k1 + j * x->k1_stride, ds, x->d1);
      add_scaled(dk1 + j * dk1_stride, q, ds, x->d1);
      if (x->d2 == 0) continue;
      add_scaled(dq_row + x->d1, x->k2 + j * x->k2_stride, ds, x->d2);
      add_scaled(dk2 + j * dk2_stride, q + x->d1, ds, x->d2);
    }
  }
}

static void forward_heads(const ck_attention *x, const ck_head_steps *s, const ck_attention *next, float *out,
                          float *lse, float *scratch) {
  (void)next;
  for (ck_size h = 0; h < s->heads; h++) {
    ck_attention head = *x;
    head.q += h * s->q, head.k1 += h * s->k1, head.v += h * s->v;
    forward(&head, out + h * s->out, s->out, lse + h, 1, scratch);
  }
}

const ck_attention_kernels ck_attention_scalar = {forward, forward_heads, backward};
