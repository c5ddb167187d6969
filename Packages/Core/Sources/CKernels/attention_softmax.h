// The rows of scores between attention's products, forward and back: the same in every number format.
// Included behind attention_tile.h.
enum { QUERY_TILE = 128, KEY_SLICE = 64, KEY_BLOCK = CK_KEY_BLOCK };

// Turns n scores into probabilities relative to the running maximum; returns the factor that brings what was summed
// before to the new maximum. Depends on nothing but this row's scores in this and earlier blocks.
static INLINE float softmax_part(float *s, ck_size n, float scale, float *largest, float *total) {
  ck_size count = vectors(n);
  vec most = (vec)(-INFINITY), sum = (vec)(0.0f);
  for (ck_size j = 0; j < count; j++) {
    vec y = load(s + j * LANES) * scale;
    if (n < KEY_BLOCK) y = keep(y, n - j * LANES, -INFINITY);
    store(s + j * LANES, y);
    most = y > most ? y : most;
  }
  float before = *largest, now = largest_lane(most);
  now = now > before ? now : before;
  for (ck_size j = 0; j < count; j++) {
    vec p = exponential(load(s + j * LANES) - now);
    store(s + j * LANES, p);
    sum += p;
  }
  float factor = now > before ? exponential((vec)(before - now))[0] : 1;
  *largest = now;
  *total = fused(*total, factor, sum_of_lanes(sum));
  return factor;
}

static float softmax_row(float *s, ck_size n, float scale, float *largest, float *total) {
  return n == KEY_BLOCK ? softmax_part(s, KEY_BLOCK, scale, largest, total)
                        : softmax_part(s, n, scale, largest, total);
}

// One row: p = exp(scale · s - lse) and ds = p (dp - mean) scale for the n keys it sees, zero for the others.
static void gradient_row(float *p, float *ds, ck_size n, float scale, float lse, float mean) {
  ck_size count = vectors(n);
  for (ck_size j = 0; j < count * LANES; j += LANES) {
    vec y = exponential(load(p + j) * scale - lse), dy = y * (load(ds + j) - mean) * scale;
    store(p + j, keep(y, n - j, 0));
    store(ds + j, keep(dy, n - j, 0));
  }
  for (ck_size j = count * LANES; j < KEY_BLOCK; j += LANES) store(p + j, (vec)(0.0f)), store(ds + j, (vec)(0.0f));
}
