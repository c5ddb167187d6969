// Attention whose products multiply bfloat16, for AVX-512 BF16: queries, keys, values, probabilities and the gradients
// between them are rounded, sums and the softmax are float32. Two numbers that follow each other along the axis of a
// sum share a word, as in the matrix products; all widths are even.
#if defined(__x86_64__)
#include "kernels.h"
#include <immintrin.h>
#include <math.h>
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma")))
#pragma clang attribute push(TARGET, apply_to = function)
#define LANES 16
#define TILE_VECTORS 4
#define STEP(a, b, sum) ((vec)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)(a), (__m512bh)(b)))
#include "attention_tile.h"
#include "attention_softmax.h"

enum { BLOCK_WORDS = KEY_BLOCK / 2 };

// ---- words ------------------------------------------------------------------------------------------------------
static INLINE __mmask16 first_lanes(ck_size n) { return n >= LANES ? 0xffff : n > 0 ? (__mmask16)((1u << n) - 1) : 0; }
static INLINE vec load_first(const float *x, ck_size n) { return (vec)_mm512_maskz_loadu_ps(first_lanes(n), x); }
static INLINE void store_first(float *y, vec x, ck_size n) { _mm512_mask_storeu_ps(y, first_lanes(n), (__m512)x); }
static INLINE vec round_row(vec first, vec second) {
  return (vec)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}
static INLINE vec round_pairs(vec even, vec odd) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return (vec)_mm512_permutexvar_epi16(order, (__m512i)round_row(even, odd));
}

// Rows of `width` numbers as width / 2 words.
static void round_rows(float *y, ck_size y_stride, const float *x, ck_size x_stride, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r++, y += y_stride, x += x_stride) {
    for (ck_size c = 0; c < width; c += 2 * LANES) {
      const vec words = round_row(load_first(x + c, width - c), load_first(x + c + LANES, width - c - LANES));
      store_first(y + c / 2, words, (width - c) / 2);
    }
  }
}

// Words of the pairs that rows 2i and 2i + 1 make in each column, padded with zeros to whole vectors; after an odd
// number of rows comes a row of zeros.
static void pair_rows(float *y, ck_size y_stride, const float *x, ck_size x_stride, ck_size rows, ck_size width) {
  for (ck_size r = 0; r < rows; r += 2, y += y_stride, x += 2 * x_stride) {
    for (ck_size c = 0; c < width; c += LANES) {
      const vec odd = r + 1 < rows ? load_first(x + x_stride + c, width - c) : (vec)(0.0f);
      store(y + c, round_pairs(load_first(x + c, width - c), odd));
    }
  }
}

// Both parts of `count` keys from `key` on: words in rows, and those turned into [words, KEY_BLOCK].
static void round_keys(float *turned, float *rows, const ck_attention *x, ck_size key, ck_size count) {
  const ck_size words = (x->d1 + x->d2) / 2;
  round_rows(rows, words, x->k1 + key * x->k1_stride, x->k1_stride, count, x->d1);
  if (x->d2) round_rows(rows + x->d1 / 2, words, x->k2 + key * x->k2_stride, x->k2_stride, count, x->d2);
  transpose(turned, rows, words, count, words);
}

// ---- forward ----------------------------------------------------------------------------------------------------
typedef struct {
  ck_size rows, position, words, width;  // words of a query; width: dv padded
  float *q;                              // [rows, words]
  float *scores;                         // [rows, KEY_BLOCK]: scores, then probabilities, then their words
  float *out;                            // [rows, width]: Σ p·v so far
  float *largest, *total;                // [rows]
  float *keys, *key_rows, *values;       // one block: [words, KEY_BLOCK], [KEY_BLOCK, words], [BLOCK_WORDS, width]
} query_tile;

static INLINE ck_size seen(const query_tile *t, ck_size r, ck_size key) {
  return smaller(t->position + r + 1 - key, KEY_BLOCK);
}

// A row of probabilities, zero beyond the n that are seen, becomes words in its own place.
static INLINE void round_probabilities(float *p, ck_size n) {
  for (ck_size j = 0; j < n; j += 2 * LANES) {
    const vec second = j + LANES < n ? load(p + j + LANES) : (vec)(0.0f);
    store(p + j / 2, round_row(load(p + j), second));
  }
}

// out = out · factor + p · v for `rows` rows from r. A row's chain ends with the pair that holds the last key it sees.
static void add_values(const query_tile *t, ck_size r, ck_size rows, ck_size key) {
  const float *p = t->scores + r * KEY_BLOCK;
  float *out = t->out + r * t->width;
  const ck_size common = seen(t, r, key) / 2, columns = t->width / LANES;
  product(out, t->width, p, KEY_BLOCK, 1, t->values, t->width, rows, columns, common, key > 0);
  for (ck_size i = 0; i < rows; i++) {
    const ck_size rest = (seen(t, r + i, key) + 1) / 2 - common;
    if (rest > 0)
      product(out + i * t->width, t->width, p + i * KEY_BLOCK + common, KEY_BLOCK, 1, t->values + common * t->width,
              t->width, 1, columns, rest, 1);
  }
}

static void forward_block(const ck_attention *x, const query_tile *t, ck_size key) {
  const ck_size count = seen(t, t->rows - 1, key), first = key > t->position ? key - t->position : 0;
  round_keys(t->keys, t->key_rows, x, key, count);
  pair_rows(t->values, t->width, x->v + key * x->v_stride, x->v_stride, count, x->dv);
  for (ck_size r = first; r < t->rows; r += TILE_ROWS) {
    const ck_size rows = smaller(TILE_ROWS, t->rows - r);
    product(t->scores + r * KEY_BLOCK, KEY_BLOCK, t->q + r * t->words, t->words, 1, t->keys, KEY_BLOCK, rows,
            vectors(seen(t, r + rows - 1, key)), t->words, 0);
    for (ck_size i = r; i < r + rows; i++) {
      const ck_size n = seen(t, i, key);
      const float factor = softmax_row(t->scores + i * KEY_BLOCK, n, x->scale, t->largest + i, t->total + i);
      round_probabilities(t->scores + i * KEY_BLOCK, n);
      if (key > 0 && factor != 1) scale_row(t->out + i * t->width, t->out + i * t->width, factor, t->width);
    }
    add_values(t, r, rows, key);
  }
}

static void forward(const ck_attention *x, float *out, ck_size out_stride, float *lse, ck_size lse_stride,
                    float *scratch) {
  const ck_size d = x->d1 + x->d2, most = smaller(x->queries, QUERY_TILE);
  query_tile t = {.words = d / 2, .width = padded(x->dv)};
  t.keys = scratch;
  t.key_rows = t.keys + KEY_BLOCK * padded(d / 2);
  t.values = t.key_rows + KEY_BLOCK * padded(d / 2);
  t.scores = t.values + BLOCK_WORDS * t.width;
  t.out = t.scores + most * KEY_BLOCK;
  t.largest = t.out + most * t.width;
  t.total = t.largest + padded(most);
  t.q = t.total + padded(most);
  for (ck_size begin = 0; begin < x->queries; begin += QUERY_TILE) {
    t.rows = smaller(QUERY_TILE, x->queries - begin);
    t.position = x->first + begin;
    round_rows(t.q, t.words, x->q + begin * x->q_stride, x->q_stride, t.rows, d);
    for (ck_size r = 0; r < t.rows; r++) t.largest[r] = -INFINITY, t.total[r] = 0;
    for (ck_size key = 0; key < t.position + t.rows; key += KEY_BLOCK) forward_block(x, &t, key);
    for (ck_size r = 0; r < t.rows; r++) {
      scale_row(out + (begin + r) * out_stride, t.out + r * t.width, 1 / t.total[r], x->dv);
      lse[(begin + r) * lse_stride] = t.largest[r] + logf(t.total[r]);
    }
  }
}

// ---- backward ---------------------------------------------------------------------------------------------------
// The packed operands of a sequence and the gradients of one block of keys. `words` of a row, `pairs` of two rows.
typedef struct {
  ck_size d, words, v_words, d_width, v_width;
  float *q_words, *q_pairs;        // [queries, words], [queries / 2, d_width]
  float *dout_words, *dout_pairs;  // [queries, v_words], [queries / 2, v_width]
  float *dq;                       // [queries, d_width]
  float *mean;                     // [queries]: D = Σ dout · out
  float *rows;                     // [KEY_BLOCK, words or v_words]: before they are turned
  float *keys, *values;            // [words, KEY_BLOCK], [v_words, KEY_BLOCK]
  float *key_pairs;                // [BLOCK_WORDS, d_width]
  float *dk, *dv;                  // [KEY_BLOCK, d_width], [KEY_BLOCK, v_width]
  float *p, *ds;                   // [KEY_BLOCK queries, KEY_BLOCK]
  float *ds_words;                 // [TILE_ROWS, BLOCK_WORDS]
  float *p_pairs, *ds_pairs;       // [BLOCK_WORDS of queries, KEY_BLOCK]
} gradient_block;

static gradient_block lay_out(const ck_attention *x, float *scratch) {
  const ck_size n = x->queries, d = x->d1 + x->d2, half = (n + 1) / 2;
  gradient_block g = {
      .d = d, .words = d / 2, .v_words = x->dv / 2, .d_width = padded(d), .v_width = padded(x->dv)};
  const ck_size widest = padded(g.words > g.v_words ? g.words : g.v_words);
  float *next = scratch;
#define TAKE(name, count) g.name = next, next += padded(count)
  TAKE(q_words, n * g.words);
  TAKE(q_pairs, half * g.d_width);
  TAKE(dout_words, n * g.v_words);
  TAKE(dout_pairs, half * g.v_width);
  TAKE(dq, n * g.d_width);
  TAKE(mean, n);
  TAKE(rows, KEY_BLOCK * widest);
  TAKE(keys, KEY_BLOCK * padded(g.words));
  TAKE(values, KEY_BLOCK * padded(g.v_words));
  TAKE(key_pairs, BLOCK_WORDS * g.d_width);
  TAKE(dk, KEY_BLOCK * g.d_width);
  TAKE(dv, KEY_BLOCK * g.v_width);
  TAKE(p, KEY_BLOCK * KEY_BLOCK);
  TAKE(ds, KEY_BLOCK * KEY_BLOCK);
  TAKE(ds_words, TILE_ROWS * BLOCK_WORDS);
  TAKE(p_pairs, BLOCK_WORDS * KEY_BLOCK);
  TAKE(ds_pairs, BLOCK_WORDS * KEY_BLOCK);
#undef TAKE
  return g;
}

// What `rows` queries from `query` and the `count` keys from `key` give each other. No query lies before the keys.
static void backward_block(const ck_attention *x, const gradient_block *g, const float *lse, ck_size lse_stride,
                           ck_size key, ck_size count, ck_size query, ck_size rows) {
  for (ck_size r = 0; r < rows; r += TILE_ROWS) {
    const ck_size m = smaller(TILE_ROWS, rows - r), at = query + r, n = smaller(at + m - key, count);
    float *p = g->p + r * KEY_BLOCK, *ds = g->ds + r * KEY_BLOCK;
    product(p, KEY_BLOCK, g->q_words + at * g->words, g->words, 1, g->keys, KEY_BLOCK, m, vectors(n), g->words, 0);
    product(ds, KEY_BLOCK, g->dout_words + at * g->v_words, g->v_words, 1, g->values, KEY_BLOCK, m, vectors(n),
            g->v_words, 0);
    for (ck_size i = 0; i < m; i++)
      gradient_row(p + i * KEY_BLOCK, ds + i * KEY_BLOCK, smaller(at + i + 1 - key, count), x->scale,
                   lse[(at + i) * lse_stride], g->mean[at + i]);
    round_rows(g->ds_words, BLOCK_WORDS, ds, KEY_BLOCK, m, KEY_BLOCK);
    product(g->dq + at * g->d_width, g->d_width, g->ds_words, BLOCK_WORDS, 1, g->key_pairs, g->d_width, m,
            g->d_width / LANES, (n + 1) / 2, key > 0);
  }
  pair_rows(g->p_pairs, KEY_BLOCK, g->p, KEY_BLOCK, rows, KEY_BLOCK);
  pair_rows(g->ds_pairs, KEY_BLOCK, g->ds, KEY_BLOCK, rows, KEY_BLOCK);
  const float *dout = g->dout_pairs + query / 2 * g->v_width, *q = g->q_pairs + query / 2 * g->d_width;
  for (ck_size k = 0; k < count; k += TILE_ROWS) {
    // Queries before the first of these keys do not see them; tiles begin at even keys.
    const ck_size m = smaller(TILE_ROWS, count - k), from = query == key ? k / 2 : 0, pairs = (rows + 1) / 2 - from;
    const float *p = g->p_pairs + from * KEY_BLOCK + k, *ds = g->ds_pairs + from * KEY_BLOCK + k;
    product(g->dv + k * g->v_width, g->v_width, p, 1, KEY_BLOCK, dout + from * g->v_width, g->v_width, m,
            g->v_width / LANES, pairs, query > key);
    product(g->dk + k * g->d_width, g->d_width, ds, 1, KEY_BLOCK, q + from * g->d_width, g->d_width, m,
            g->d_width / LANES, pairs, query > key);
  }
}

static void backward(const ck_attention *x, const float *out, ck_size out_stride, const float *lse, ck_size lse_stride,
                     const float *dout, ck_size dout_stride, float *dq, ck_size dq_stride, float *dk1,
                     ck_size dk1_stride, float *dk2, ck_size dk2_stride, float *dv, ck_size dv_stride,
                     float *scratch) {
  const gradient_block g = lay_out(x, scratch);
  const ck_size n = x->queries;
  round_rows(g.q_words, g.words, x->q, x->q_stride, n, g.d);
  pair_rows(g.q_pairs, g.d_width, x->q, x->q_stride, n, g.d);
  round_rows(g.dout_words, g.v_words, dout, dout_stride, n, x->dv);
  pair_rows(g.dout_pairs, g.v_width, dout, dout_stride, n, x->dv);
  for (ck_size i = 0; i < n; i++) g.mean[i] = dot(dout + i * dout_stride, out + i * out_stride, x->dv);
  for (ck_size key = 0; key < n; key += KEY_BLOCK) {
    const ck_size count = smaller(KEY_BLOCK, n - key);
    round_keys(g.keys, g.rows, x, key, count);
    // Both parts of the keys side by side, in the place of their gradients, which are not there yet.
    copy_keys(g.dk, g.d_width, x, key, count);
    pair_rows(g.key_pairs, g.d_width, g.dk, g.d_width, count, g.d);
    round_rows(g.rows, g.v_words, x->v + key * x->v_stride, x->v_stride, count, x->dv);
    transpose(g.values, g.rows, g.v_words, count, g.v_words);
    for (ck_size query = key; query < n; query += KEY_BLOCK)
      backward_block(x, &g, lse, lse_stride, key, count, query, smaller(KEY_BLOCK, n - query));
    for (ck_size k = 0; k < count; k++) {
      const float *dk = g.dk + k * g.d_width;
      scale_row(dk1 + (key + k) * dk1_stride, dk, 1, x->d1);
      for (ck_size c = 0; c < x->d2; c++) dk2[(key + k) * dk2_stride + c] += dk[x->d1 + c];
      scale_row(dv + (key + k) * dv_stride, g.dv + k * g.v_width, 1, x->dv);
    }
  }
  for (ck_size i = 0; i < n; i++) scale_row(dq + i * dq_stride, g.dq + i * g.d_width, 1, g.d);
}
#pragma clang attribute pop

const ck_attention_kernels ck_attention_bf16_avx512 = {.forward = forward, .backward = backward};
#endif
