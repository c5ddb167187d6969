// Rotary position embedding (Su et al. 2021) over LANES pairs at a time. Written without fused multiply-adds, so that
// every instruction set rotates bit for bit alike.
#include "lanes.h"

// One vector of 2 · half numbers, pairs (i, i + half).
static INLINE void rotate_halves(float *y, const float *x, const float *c, const float *s, float sign, ck_size half) {
  EACH_STEP(half, {
    const lanes a = load(x + i, n), b = load(x + half + i, n);
    const lanes cosine = load(c + i, n), sine = splat(sign) * load(s + i, n);
    store(y + i, a * cosine - b * sine, n);
    store(y + half + i, a * sine + b * cosine, n);
  });
}

// One vector of 2 · half numbers, pairs (2i, 2i + 1).
static INLINE void rotate_interleaved(float *y, const float *x, const float *c, const float *s, float sign,
                                      ck_size half) {
  ck_size i = 0;
  for (; i + LANES <= half; i += LANES) {
    const lanes first = load(x + 2 * i, LANES), second = load(x + 2 * i + LANES, LANES);
    const lanes cosine = load(c + i, LANES), sine = splat(sign) * load(s + i, LANES);
    lanes a, b;
    a.lo = first.even, a.hi = second.even, b.lo = first.odd, b.hi = second.odd;
    const lanes even = a * cosine - b * sine, odd = a * sine + b * cosine;
    lanes low, high;
    low.even = even.lo, low.odd = odd.lo, high.even = even.hi, high.odd = odd.hi;
    store(y + 2 * i, low, LANES);
    store(y + 2 * i + LANES, high, LANES);
  }
  for (; i < half; i++) {
    const float a = x[2 * i], b = x[2 * i + 1], sine = sign * s[i];
    y[2 * i] = a * c[i] - b * sine;
    y[2 * i + 1] = a * sine + b * c[i];
  }
}

static void rotary(float *y, const float *x, ck_size x_stride, ck_size y_stride, ck_size head_stride,
                   const float *cosines, const float *sines, const int32_t *positions, int interleaved, int direction,
                   ck_size rows, ck_size heads, ck_size width) {
  const ck_size half = width / 2;
  const float sign = (float)direction;
  for (ck_size r = 0; r < rows; r++) {
    const float *c = cosines + positions[r] * half, *s = sines + positions[r] * half;
    for (ck_size h = 0; h < heads; h++) {
      const float *from = x + r * x_stride + h * head_stride;
      float *to = y + r * y_stride + h * head_stride;
      if (interleaved) rotate_interleaved(to, from, c, s, sign, half);
      else rotate_halves(to, from, c, s, sign, half);
    }
  }
}
