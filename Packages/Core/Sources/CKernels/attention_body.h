// The one body of every vector attention kernel, for LANES floats in a vector and tiles of TILE_ROWS × TILE_VECTORS.
// Everything is a small product of packed blocks; the including file names the table and the instruction set.
#include "attention_tile.h"
#include "attention_softmax.h"

// ---- forward ----------------------------------------------------------------------------------------------------
// The state of a tile of queries. Row r of the tile is query begin + r, at `position` + r.
typedef struct {
  ck_size rows, position, width;  // width: dv padded
  float *scores;                  // [rows, KEY_BLOCK]: scores, then probabilities
  float *out;                     // [rows, width]: Σ p·v so far
  float *largest, *total;         // [rows]: the running maximum of the scores and Σ p
  float *keys, *values;           // one block: [d, KEY_BLOCK] transposed, [KEY_BLOCK, width]
} query_tile;

// How many keys of the block at `key` row r of the tile sees.
static inline ck_size seen(const query_tile *t, ck_size r, ck_size key) {
  return smaller(t->position + r + 1 - key, KEY_BLOCK);
}

// scores = q · kᵀ for rows first..<last. A few queries take the keys in slices that stay in the nearest cache.
static void score_block(const ck_attention *x, const query_tile *t, const float *q, ck_size key, ck_size count,
                        ck_size first) {
  ck_size d = x->d1 + x->d2, slice = t->rows > TILE_ROWS ? d : KEY_SLICE;
  for (ck_size from = 0; from < d; from += slice) {
    ck_size to = smaller(from + slice, d);
    transpose_keys(t->keys, x, key, count, from, to);
    for (ck_size r = first; r < t->rows; r += TILE_ROWS) {
      ck_size rows = smaller(TILE_ROWS, t->rows - r);
      product(t->scores + r * KEY_BLOCK, KEY_BLOCK, q + r * x->q_stride + from, x->q_stride, 1, t->keys, KEY_BLOCK,
              rows, vectors(seen(t, r + rows - 1, key)), to - from, from > 0);
    }
  }
}

// out = out · factor + p · v for `rows` rows from r. Each row's chain ends with the last key it sees: what it does not
// see is not even multiplied by zero.
static void add_values(const query_tile *t, ck_size r, ck_size rows, ck_size key,
                       const float *v, ck_size stride, ck_size columns, float *out) {
  const float *p = t->scores + r * KEY_BLOCK;
  ck_size common = seen(t, r, key);
  product(out + r * t->width, t->width, p, KEY_BLOCK, 1, v, stride, rows, columns, common, key > 0);
  for (ck_size i = 1; i < rows; i++) {
    ck_size rest = seen(t, r + i, key) - common;
    if (rest > 0)
      product(out + (r + i) * t->width, t->width, p + i * KEY_BLOCK + common, KEY_BLOCK, 1, v + common * stride,
              stride, 1, columns, rest, 1);
  }
}

// Asks early for the next block of keys and values.
static void prefetch_block(const ck_attention *x, ck_size key, ck_size count) {
  if (count <= 0) return;
  prefetch_rows(x->k1 + key * x->k1_stride, x->k1_stride, count, x->d1);
  prefetch_rows(x->v + key * x->v_stride, x->v_stride, count, x->dv);
}

// Many queries ask for what comes next while they work. `rows` of `all`, after `done` of them, ask for as large a part
// of the next block of keys that no query has seen; behind the last block, of the queries of the next tile.
static void prefetch_share(const ck_attention *x, const query_tile *t, const float *q, ck_size key, ck_size done,
                           ck_size rows, ck_size all) {
  ck_size next = key + KEY_BLOCK, end = t->position + t->rows;
  if (next < t->position) return;
  ck_size keys = next < end ? smaller(KEY_BLOCK, end - next) : 0;
  ck_size from = next + keys * done / all, count = next + keys * (done + rows) / all - from;
  if (keys > 0) {
    prefetch_rows(x->k1 + from * x->k1_stride, x->k1_stride, count, x->d1);
    prefetch_rows(x->v + from * x->v_stride, x->v_stride, count, x->dv);
  } else {
    ck_size coming = smaller(QUERY_TILE, x->first + x->queries - end), row = coming * done / all;
    prefetch_rows(q + (t->rows + row) * x->q_stride, x->q_stride, coming * (done + rows) / all - row, x->d1 + x->d2);
  }
}

static void forward_block(const ck_attention *x, const query_tile *t, const float *q, ck_size key) {
  ck_size count = seen(t, t->rows - 1, key), first = key > t->position ? key - t->position : 0;
  // A few queries read the values in place, except for the columns that do not fill a vector.
  int few = t->rows <= TILE_ROWS;
  const float *v = x->v + key * x->v_stride;
  ck_size whole = few ? x->dv / LANES : 0;
  if (few) prefetch_block(x, key + KEY_BLOCK, seen(t, t->rows - 1, key + KEY_BLOCK));
  score_block(x, t, q, key, count, first);
  if (x->dv > whole * LANES)
    copy_rows(t->values, t->width, v + whole * LANES, x->v_stride, count, x->dv - whole * LANES);
  for (ck_size r = first; r < t->rows; r += TILE_ROWS) {
    ck_size rows = smaller(TILE_ROWS, t->rows - r);
    for (ck_size i = r; i < r + rows; i++) {
      float factor = softmax_row(t->scores + i * KEY_BLOCK, seen(t, i, key), x->scale, t->largest + i, t->total + i);
      if (key > 0 && factor != 1) scale_row(t->out + i * t->width, t->out + i * t->width, factor, t->width);
    }
    if (!few) prefetch_share(x, t, q, key, r - first, rows, t->rows - first);
    if (whole) add_values(t, r, rows, key, v, x->v_stride, whole, t->out);
    if (x->dv > whole * LANES)
      add_values(t, r, rows, key, t->values, t->width, vectors(x->dv) - whole, t->out + whole * LANES);
  }
}

static void forward(const ck_attention *x, float *out, ck_size out_stride, float *lse, ck_size lse_stride,
                    float *scratch) {
  query_tile t = {.width = padded(x->dv)};
  ck_size most = smaller(x->queries, QUERY_TILE);
  t.keys = scratch;
  t.values = t.keys + KEY_BLOCK * padded(x->d1 + x->d2);
  t.scores = t.values + KEY_BLOCK * t.width;
  t.out = t.scores + most * KEY_BLOCK;
  t.largest = t.out + most * t.width;
  t.total = t.largest + padded(most);
  for (ck_size begin = 0; begin < x->queries; begin += QUERY_TILE) {
    t.rows = smaller(QUERY_TILE, x->queries - begin);
    t.position = x->first + begin;
    for (ck_size r = 0; r < t.rows; r++) t.largest[r] = -INFINITY, t.total[r] = 0;
    for (ck_size key = 0; key < t.position + t.rows; key += KEY_BLOCK)
      forward_block(x, &t, x->q + begin * x->q_stride, key);
    for (ck_size r = 0; r < t.rows; r++) {
      scale_row(out + (begin + r) * out_stride, t.out + r * t.width, 1 / t.total[r], x->dv);
      lse[(begin + r) * lse_stride] = t.largest[r] + logf(t.total[r]);
    }
  }
}

#include "attention_heads.h"

// ---- backward ---------------------------------------------------------------------------------------------------
// The operands of a sequence and the gradients of one block of keys. Rows of queries and of their gradients stay where
// they are when they fill vectors; others are copied and padded.
typedef struct {
  ck_size d, d_width, v_width;               // d1 + d2; padded d; padded dv
  const float *q, *dout;                     // [queries, d] and [queries, dv]
  float *dq;                                 // [queries, d]
  ck_size q_stride, dout_stride, dq_stride;
  float *mean;                               // [queries]: D = Σ dout · out
  float *keys, *keys_t, *values_t;           // [KEY_BLOCK, d_width], [d, KEY_BLOCK], [dv, KEY_BLOCK]
  float *dk, *dv;                            // [KEY_BLOCK, d_width], [KEY_BLOCK, v_width]
  float *p, *ds;                             // [KEY_BLOCK queries, KEY_BLOCK]
} gradient_block;

// What a backward pass was called with beside the sequence.
typedef struct {
  const float *out, *lse, *dout;
  float *dq;
  ck_size out_stride, lse_stride, dout_stride, dq_stride;
} gradient_call;

static gradient_block lay_out(const ck_attention *x, const gradient_call *call, float *scratch) {
  ck_size n = x->queries, d = x->d1 + x->d2;
  gradient_block g = {.d = d, .d_width = padded(d), .v_width = padded(x->dv), .q = x->q, .q_stride = x->q_stride,
                      .dout = call->dout, .dout_stride = call->dout_stride, .dq = call->dq,
                      .dq_stride = call->dq_stride};
  g.mean = scratch;
  g.keys = g.mean + padded(n);
  g.keys_t = g.keys + KEY_BLOCK * g.d_width;
  g.values_t = g.keys_t + KEY_BLOCK * g.d_width;
  g.dk = g.values_t + KEY_BLOCK * g.v_width;
  g.dv = g.dk + KEY_BLOCK * g.d_width;
  g.p = g.dv + KEY_BLOCK * g.v_width;
  g.ds = g.p + KEY_BLOCK * KEY_BLOCK;
  float *rest = g.ds + KEY_BLOCK * KEY_BLOCK;
  if (d % LANES != 0) {
    copy_rows(rest, g.d_width, x->q, x->q_stride, n, d);
    g.q = rest, g.dq = rest + n * g.d_width, g.q_stride = g.dq_stride = g.d_width;
    rest += 2 * n * g.d_width;
  }
  if (x->dv % LANES != 0) {
    copy_rows(rest, g.v_width, call->dout, call->dout_stride, n, x->dv);
    g.dout = rest, g.dout_stride = g.v_width;
  }
  return g;
}

// Asks early for what the first keys need of some queries.
static void prefetch_queries(const ck_attention *x, const gradient_call *call, ck_size query, ck_size rows) {
  prefetch_rows(x->q + query * x->q_stride, x->q_stride, rows, x->d1 + x->d2);
  prefetch_rows(call->dout + query * call->dout_stride, call->dout_stride, rows, x->dv);
  prefetch_rows(call->out + query * call->out_stride, call->out_stride, rows, x->dv);
  prefetch_rows(call->dq + query * call->dq_stride, call->dq_stride, rows, x->d1 + x->d2);
}

// What `rows` queries from `query` and the `count` keys from `key` give each other. No query lies before the keys.
static void backward_block(const ck_attention *x, const gradient_block *g, const gradient_call *call, ck_size key,
                           ck_size count, ck_size query, ck_size rows) {
  const float *q = g->q + query * g->q_stride, *dout = g->dout + query * g->dout_stride;
  for (ck_size r = 0; r < rows; r += TILE_ROWS) {
    ck_size m = smaller(TILE_ROWS, rows - r), n = smaller(query + r + m - key, count);
    float *p = g->p + r * KEY_BLOCK, *ds = g->ds + r * KEY_BLOCK;
    product(p, KEY_BLOCK, q + r * g->q_stride, g->q_stride, 1, g->keys_t, KEY_BLOCK, m, vectors(n), g->d, 0);
    product(ds, KEY_BLOCK, dout + r * g->dout_stride, g->dout_stride, 1, g->values_t, KEY_BLOCK, m, vectors(n), x->dv,
            0);
    if (key == 0 && query + r + KEY_BLOCK < x->queries)
      prefetch_queries(x, call, query + r + KEY_BLOCK, smaller(m, x->queries - query - r - KEY_BLOCK));
    for (ck_size i = 0; i < m; i++)
      gradient_row(p + i * KEY_BLOCK, ds + i * KEY_BLOCK, smaller(query + r + i + 1 - key, count), x->scale,
                   call->lse[(query + r + i) * call->lse_stride], g->mean[query + r + i]);
    product(g->dq + (query + r) * g->dq_stride, g->dq_stride, ds, KEY_BLOCK, 1, g->keys, g->d_width, m, vectors(g->d),
            n, key > 0);
  }
  for (ck_size k = 0; k < count; k += TILE_ROWS) {
    ck_size m = smaller(TILE_ROWS, count - k), from = query == key ? k : 0;
    const float *p = g->p + from * KEY_BLOCK + k, *ds = g->ds + from * KEY_BLOCK + k;
    product(g->dv + k * g->v_width, g->v_width, p, 1, KEY_BLOCK, dout + from * g->dout_stride, g->dout_stride, m,
            vectors(x->dv), rows - from, query > key);
    product(g->dk + k * g->d_width, g->d_width, ds, 1, KEY_BLOCK, q + from * g->q_stride, g->q_stride, m,
            vectors(g->d), rows - from, query > key);
  }
}

static void backward(const ck_attention *x, const float *out, ck_size out_stride, const float *lse, ck_size lse_stride,
                     const float *dout, ck_size dout_stride, float *dq, ck_size dq_stride, float *dk1,
                     ck_size dk1_stride, float *dk2, ck_size dk2_stride, float *dv, ck_size dv_stride,
                     float *scratch) {
  const gradient_call call = {out, lse, dout, dq, out_stride, lse_stride, dout_stride, dq_stride};
  const gradient_block g = lay_out(x, &call, scratch);
  const ck_size n = x->queries;
  prefetch_queries(x, &call, 0, smaller(KEY_BLOCK, n));
  for (ck_size key = 0; key < n; key += KEY_BLOCK) {
    ck_size count = smaller(KEY_BLOCK, n - key);
    copy_keys(g.keys, g.d_width, x, key, count);
    transpose_keys(g.keys_t, x, key, count, 0, g.d);
    transpose(g.values_t, x->v + key * x->v_stride, x->v_stride, count, x->dv);
    for (ck_size query = key; query < n; query += KEY_BLOCK) {
      ck_size rows = smaller(KEY_BLOCK, n - query), next = query + rows;
      if (key == 0) {
        for (ck_size i = query; i < next; i++) g.mean[i] = dot(dout + i * dout_stride, out + i * out_stride, x->dv);
      }
      backward_block(x, &g, &call, key, count, query, rows);
    }
    for (ck_size k = 0; k < count; k++) {
      const float *dk = g.dk + k * g.d_width;
      scale_row(dk1 + (key + k) * dk1_stride, dk, 1, x->d1);
      for (ck_size c = 0; c < x->d2; c++) dk2[(key + k) * dk2_stride + c] += dk[x->d1 + c];
      scale_row(dv + (key + k) * dv_stride, g.dv + k * g.v_width, 1, x->dv);
    }
  }
  for (ck_size i = 0; i < n && g.dq != dq; i++) scale_row(dq + i * dq_stride, g.dq + i * g.d_width, 1, g.d);
}
