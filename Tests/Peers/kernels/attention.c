// Attention forward and back against the definition, within rounding; and the bits of a query, which are the same
// alone, beside others, and with several heads at once.
#include <math.h>

#include "comparison.h"

static const double NEAR_OUTPUT = 1e-5, NEAR_GRADIENT = 1e-4;

// Keys and values of one sequence, side by side in rows as wide as the heads need.
static ck_attention sequence(trial *t, ck_size queries, ck_size first, const ck_size widths[3]) {
  const ck_size keys = first + queries, d1 = widths[0], d2 = widths[1], dv = widths[2], width = d1 + dv + 3;
  const float *kv = numbers(t, keys * width, 2);
  return (ck_attention){.q = numbers(t, queries * (d1 + d2 + 1), 2), .q_stride = d1 + d2 + 1, .k1 = kv,
                        .k1_stride = width, .k2 = d2 ? numbers(t, keys * (d2 + 1), 2) : NULL, .k2_stride = d2 + 1,
                        .v = kv + d1 + 1, .v_stride = width, .queries = queries, .first = first, .d1 = d1, .d2 = d2,
                        .dv = dv, .scale = 0.3f};
}

static float *scratch_for(trial *t, ck_size queries, ck_size keys, const ck_attention *x) {
  return scratch_of(t, ck_attention_scratch(queries, keys, x->d1, x->d2, x->dv));
}

// queries, first, d1, d2, dv.
static void forward(trial *t, const ck_size *e) {
  const ck_size queries = e[0], first = e[1], dv = e[4], stride = dv + 2;
  const ck_attention x = sequence(t, queries, first, e + 2);
  float *out = result(t, "forward", queries * stride, NEAR_OUTPUT);
  float *lse = result(t, "lse of forward", queries * 3, NEAR_OUTPUT);
  t->table->attention->forward(&x, out, stride, lse, 3, scratch_for(t, queries, first + queries, &x));
  for (ck_size i = 0; i < queries; i += 1 + queries / 5) {
    ck_attention alone = x;
    alone.q += i * x.q_stride, alone.queries = 1, alone.first += i;
    float *own = TAKE(t, float, dv), own_lse;
    t->table->attention->forward(&alone, own, dv, &own_lse, 1, scratch_for(t, 1, first + i + 1, &x));
    expect(t, same_floats(own, out + i * stride, dv), "a query is another alone");
    expect(t, same_floats(&own_lse, lse + i * 3, 1), "the lse of a query is another alone");
  }
}

// n, d1, d2, dv.
static void backward(trial *t, const ck_size *e) {
  const ck_size n = e[0], d1 = e[1], d2 = e[2], dv = e[3], stride = dv + 2;
  const ck_attention x = sequence(t, n, 0, e + 1);
  float *out = TAKE(t, float, n * stride), *lse = TAKE(t, float, n), *scratch = scratch_for(t, n, n, &x);
  // The way back begins from the same numbers on both sides.
  ck_kernels_for(CK_SCALAR)->attention->forward(&x, out, stride, lse, 1, scratch_for(t, n, n, &x));
  const float *dout = numbers(t, n * stride, 1);
  float *dq = result(t, "dq", n * x.q_stride, NEAR_GRADIENT), *dk1 = result(t, "dk1", n * x.k1_stride, NEAR_GRADIENT);
  float *dk2 = result(t, "dk2", n * (d2 + 1), NEAR_GRADIENT), *dvalues = result(t, "dv", n * x.v_stride, NEAR_GRADIENT);
  t->table->attention->backward(&x, out, stride, lse, 1, dout, stride, dq, x.q_stride, dk1, x.k1_stride, dk2, d2 + 1,
                                dvalues, x.v_stride, scratch);
  for (ck_size i = 0; i < n; i++) {
    expect(t, dk1[i * x.k1_stride + d1] == 0.25f && dq[i * x.q_stride + d1 + d2] == 0.25f, "a row is too long");
    expect(t, dvalues[i * x.v_stride + dv] == 0.25f && dk2[i * (d2 + 1) + d2] == 0.25f, "a row is too long");
  }
}

// heads, keys, d1, d2, dv, key step, value step. Steps of 0 share a key or a value among the heads.
static void heads(trial *t, const ck_size *e) {
  const ck_size count = e[0], keys = e[1], d1 = e[2], d2 = e[3], dv = e[4], first_value = e[5] ? d1 : 0;
  const ck_size width = (e[5] ? count * e[5] : d1) + (e[6] ? count * e[6] : dv) + first_value;
  const float *q = numbers(t, count * (d1 + d2), 2), *kv = numbers(t, keys * width, 2);
  const ck_attention x = {.q = q, .q_stride = count * (d1 + d2), .k1 = kv, .k1_stride = width,
                          .k2 = numbers(t, keys * d2, 2), .k2_stride = d2, .v = kv + first_value, .v_stride = width,
                          .queries = 1, .first = keys - 1, .d1 = d1, .d2 = d2, .dv = dv, .scale = 0.3f};
  const ck_head_steps steps = {.heads = count, .q = d1 + d2, .k1 = e[5], .v = e[6], .out = dv + 1};
  float *out = result(t, "forward_heads", count * (dv + 1), NEAR_OUTPUT), *lse = result(t, "lse", count, NEAR_OUTPUT);
  float *scratch = scratch_of(t, ck_attention_heads_scratch(count, keys, d1, d2, dv));
  t->table->attention->forward_heads(&x, &steps, keys % 2 ? NULL : &x, out, lse, scratch);
  for (ck_size h = 0; h < count; h++) {
    ck_attention one = x;
    one.q += h * steps.q, one.k1 += h * steps.k1, one.v += h * steps.v;
    float *own = TAKE(t, float, dv), own_lse;
    t->table->attention->forward(&one, own, dv, &own_lse, 1, scratch_for(t, 1, keys, &x));
    expect(t, same_floats(own, out + h * (dv + 1), dv) && same_floats(&own_lse, lse + h, 1), "a head is another alone");
  }
}

void compare_attention(verdict *v) {
  const ck_size widths[][3] = {{8, 4, 6}, {5, 3, 7}, {1, 0, 1}, {16, 0, 16}, {12, 8, 10}, {24, 8, 24}, {6, 3, 33}};
  const ck_size lengths[] = {1, 2, 3, 7, 8, 9, 16, 17, 33, 63, 64, 65, 70, 130};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    for (size_t j = 0; j < sizeof widths / sizeof *widths; j++) {
      const ck_size n = lengths[i], *w = widths[j];
      COMPARE(v, "attention", forward, n, 0, w[0], w[1], w[2]);
      COMPARE(v, "attention behind a memory", forward, n, 40 + n, w[0], w[1], w[2]);
      COMPARE(v, "attention's gradients", backward, n, w[0], w[1], w[2]);
    }
  }
  COMPARE(v, "attention", forward, 90, 0, 128, 64, 128);
  COMPARE(v, "attention's gradients", backward, 70, 128, 64, 128);
  COMPARE(v, "attention behind a memory", forward, 2, 67, 512, 64, 512);
  const ck_size cases[][6] = {{4, 16, 16, 32, 48, 48}, {9, 24, 8, 24, 0, 0}, {3, 5, 4, 7, 12, 12},
                              {7, 9, 0, 33, 42, 42},   {1, 64, 16, 64, 0, 0}, {2, 32, 8, 48, 0, 48},
                              {6, 20, 4, 21, 0, 0}};
  const ck_size keys[] = {1, 2, 7, 8, 16, 63, 64, 65, 127, 128, 129, 150};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const ck_size *c = cases[i];
    for (size_t j = 0; j < sizeof keys / sizeof *keys; j++)
      COMPARE(v, "heads of one query", heads, c[0], keys[j], c[1], c[2], c[3], c[4], c[5]);
  }
}
