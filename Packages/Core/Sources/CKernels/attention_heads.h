// One query of several heads at once, as in decoding, for the vector kernels. Heads take turns at every block of keys,
// so that a row of the memory is read once and from end to end, and what heads share is transposed once. The
// arithmetic of a head is that of `forward`, step for step. Included by attention_body.h.

enum { VALUE_HEADS = 4, VALUE_COLUMNS = 2 };

// The state of all heads.
typedef struct {
  ck_size width;            // dv padded
  float *scores;            // [heads, KEY_BLOCK]: scores, then probabilities
  float *out;               // [heads, width]: Σ p·v so far
  float *largest, *total;   // [heads]
  float *keys, *values;     // one block: [d, KEY_BLOCK] transposed, [KEY_BLOCK, width]
} head_states;

// Asks early for what is read after head h of the block at `key`: the next head, the next block, the next query's.
static void prefetch_after(const ck_attention *x, const ck_head_steps *s, const ck_attention *next, ck_size h,
                           ck_size key) {
  int is_last = h + 1 == s->heads;
  if (!is_last && s->k1 == 0 && s->v == 0) return;
  ck_size head = is_last ? 0 : h + 1;
  if (is_last) key += KEY_BLOCK;
  if (key > x->first) x = next, key = 0;
  if (!x) return;
  ck_size count = smaller(x->first + 1 - key, KEY_BLOCK);
  prefetch_rows(x->k1 + head * s->k1 + key * x->k1_stride, x->k1_stride, count, x->d1);
  prefetch_rows(x->v + head * s->v + key * x->v_stride, x->v_stride, count, x->dv);
  if (is_last && x->d2) prefetch_rows(x->k2 + key * x->k2_stride, x->k2_stride, count, x->d2);
}

// The scores of one head against keys that lie transposed, or of several heads that share their keys.
static void score_heads(const ck_attention *x, const ck_head_steps *s, const head_states *t, ck_size h, ck_size rows,
                        ck_size key, ck_size count) {
  transpose_rows(t->keys, x->k1 + h * s->k1 + key * x->k1_stride, x->k1_stride, count, x->d1, 1);
  for (ck_size r = h; r < h + rows; r += TILE_ROWS)
    product(t->scores + r * KEY_BLOCK, KEY_BLOCK, x->q + r * s->q, s->q, 1, t->keys, KEY_BLOCK,
            smaller(TILE_ROWS, h + rows - r), vectors(count), x->d1 + x->d2, 0);
}

// out += p · v for `heads` heads side by side: more chains hide the latency of the additions.
static INLINE void value_tile(int heads, int columns, const head_states *t, ck_size h, ck_size column, const float *v,
                              ck_size v_step, ck_size v_stride, ck_size count, int accumulate) {
  vec sum[VALUE_HEADS][VALUE_COLUMNS];
  float *out = t->out + h * t->width + column;
  const float *p = t->scores + h * KEY_BLOCK;
#pragma clang loop unroll(full)
  for (int r = 0; r < heads; r++)
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) sum[r][j] = accumulate ? load(out + r * t->width + j * LANES) : (vec)(0.0f);
  for (ck_size k = 0; k < count; k++, v += v_stride) {
#pragma clang loop unroll(full)
    for (int r = 0; r < heads; r++)
#pragma clang loop unroll(full)
      for (int j = 0; j < columns; j++)
        sum[r][j] =
            __builtin_elementwise_fma((vec)(p[r * KEY_BLOCK + k]), load(v + r * v_step + j * LANES), sum[r][j]);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < heads; r++)
#pragma clang loop unroll(full)
    for (int j = 0; j < columns; j++) store(out + r * t->width + j * LANES, sum[r][j]);
}

static void value_columns(int columns, const head_states *t, ck_size h, ck_size heads, ck_size column, const float *v,
                          ck_size v_step, ck_size v_stride, ck_size count, int accumulate) {
#define TILE(m, n) value_tile(m, n, t, h, column, v, v_step, v_stride, count, accumulate)
#define TILES(m) (columns == 2 ? TILE(m, 2) : TILE(m, 1))
  switch (heads) {
  case 1: TILES(1); break;
  case 2: TILES(2); break;
  case 3: TILES(3); break;
  default: TILES(4);
  }
#undef TILES
#undef TILE
}

// out += p · v for all heads. Columns that do not fill a vector go through a padded copy.
static void add_head_values(const ck_attention *x, const ck_head_steps *s, const head_states *t, ck_size key,
                            ck_size count) {
  const float *v = x->v + key * x->v_stride;
  ck_size whole = x->dv / LANES * LANES;
  int is_shared = s->v == 0;
  ck_size together = is_shared ? TILE_ROWS : VALUE_HEADS;
  for (ck_size h = 0; h < s->heads; h += together) {
    ck_size heads = smaller(together, s->heads - h);
    if (is_shared)
      product(t->out + h * t->width, t->width, t->scores + h * KEY_BLOCK, KEY_BLOCK, 1, v, x->v_stride, heads,
              whole / LANES, count, key > 0);
    for (ck_size c = 0; c < whole && !is_shared; c += VALUE_COLUMNS * LANES)
      value_columns(whole - c > LANES ? 2 : 1, t, h, heads, c, v + h * s->v + c, s->v, x->v_stride, count, key > 0);
  }
  for (ck_size h = 0; h < s->heads && whole < x->dv; h++) {
    if (h == 0 || !is_shared)
      copy_rows(t->values, t->width, v + h * s->v + whole, x->v_stride, count, x->dv - whole);
    product(t->out + h * t->width + whole, t->width, t->scores + h * KEY_BLOCK, KEY_BLOCK, 1, t->values, t->width, 1,
            vectors(x->dv - whole), count, key > 0);
  }
}

static void forward_heads(const ck_attention *x, const ck_head_steps *s, const ck_attention *next, float *out,
                          float *lse, float *scratch) {
  head_states t = {.width = padded(x->dv)};
  t.keys = scratch;
  t.values = t.keys + KEY_BLOCK * padded(x->d1 + x->d2);
  t.scores = t.values + KEY_BLOCK * t.width;
  t.out = t.scores + s->heads * KEY_BLOCK;
  t.largest = t.out + s->heads * t.width;
  t.total = t.largest + padded(s->heads);
  for (ck_size h = 0; h < s->heads; h++) t.largest[h] = -INFINITY, t.total[h] = 0;
  ck_size shared = s->k1 == 0 ? s->heads : 1;
  for (ck_size key = 0; key <= x->first; key += KEY_BLOCK) {
    ck_size count = smaller(x->first + 1 - key, KEY_BLOCK);
    if (x->d2) transpose(t.keys + x->d1 * KEY_BLOCK, x->k2 + key * x->k2_stride, x->k2_stride, count, x->d2);
    for (ck_size h = 0; h < s->heads; h++) {
      if (h % shared == 0) score_heads(x, s, &t, h, shared, key, count);
      prefetch_after(x, s, next, h, key);
      float factor = softmax_row(t.scores + h * KEY_BLOCK, count, x->scale, t.largest + h, t.total + h);
      if (key > 0 && factor != 1) scale_row(t.out + h * t.width, t.out + h * t.width, factor, t.width);
    }
    add_head_values(x, s, &t, key, count);
  }
  for (ck_size h = 0; h < s->heads; h++) {
    scale_row(out + h * s->out, t.out + h * t.width, 1 / t.total[h], x->dv);
    lse[h] = t.largest[h] + logf(t.total[h]);
  }
}
