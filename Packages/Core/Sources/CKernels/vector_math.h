// exp, log, sigmoid and tanh of LANES numbers: range reduction, a polynomial, reassembly, all in float32 with fused
// multiply-adds. Within 2 ulp over the whole range, infinities, subnormals and NaN included.
#pragma once
#include <math.h>

#include "lanes.h"

// p · 2ⁿ rounded once, for integral n in −152 ... 152. The including file defines it.
static INLINE lanes scaled_by_power(lanes p, lanes n);

// For instruction sets without the operation: two factors, because 2ⁿ itself may not be a float.
static INLINE lanes scaled_in_two_steps(lanes p, lanes n) {
  const lanes magic = splat(0x1.8p23f);  // n + magic holds the integer n in its low bits, also when n is NaN
  const lanes_i32 whole = (lanes_i32)(n + magic) - (lanes_i32)magic, half = whole >> 1;
  return p * (lanes)((half + 127) << 23) * (lanes)((whole - half + 127) << 23);
}

// exp x = 2ⁿ exp r, n = x / ln 2 to the nearest integer, |r| ≤ ln 2 / 2.
static INLINE lanes exp_lanes(lanes x) {
  const lanes high = splat(89.0f), low = splat(-104.0f);  // beyond these the result is ∞ and 0; NaN passes
  x = x > high ? high : x;
  x = x < low ? low : x;
  const lanes magic = splat(0x1.8p23f);
  const lanes n = fused(x, splat(0x1.715476p0f), magic) - magic;
  lanes r = fused(n, splat(-0x1.62e400p-1f), x);  // ln 2 in two parts; n times the first is exact
  r = fused(n, splat(-0x1.7f7d1cp-20f), r);
  lanes p = splat(1.392626805e-03f);
  p = fused(p, r, splat(8.363246670e-03f));
  p = fused(p, r, splat(4.166655411e-02f));
  p = fused(p, r, splat(1.666657658e-01f));
  p = fused(p, r, splat(0.5f));
  const lanes below = fused(p, r * r, r);  // exp r − 1: r itself joins late, so that rounding keeps the order
  return scaled_by_power(splat(1.0f) + below, n);
}

// log x = n ln 2 + log(1 + f), √½ ≤ 1 + f < √2.
static INLINE lanes log_lanes(lanes x) {
  const lanes_i32 tiny = x < splat(0x1p-126f);
  const lanes normal = tiny ? x * splat(0x1p23f) : x;
  const lanes_i32 root = 0x3f3504f3;  // the bits of √½
  const lanes_i32 above = (lanes_i32)normal - root;
  const lanes n = __builtin_convertvector(above >> 23, lanes) - (tiny ? splat(23.0f) : splat(0.0f));
  const lanes f = (lanes)((above & 0x007fffff) + root) - splat(1.0f);
  lanes p = splat(6.973070410e-02f);
  p = fused(p, f, splat(-1.148147724e-01f));
  p = fused(p, f, splat(1.168571964e-01f));
  p = fused(p, f, splat(-1.242548656e-01f));
  p = fused(p, f, splat(1.424900932e-01f));
  p = fused(p, f, splat(-1.666780858e-01f));
  p = fused(p, f, splat(2.000071720e-01f));
  p = fused(p, f, splat(-2.499999691e-01f));
  p = fused(p, f, splat(3.333333117e-01f));
  const lanes square = f * f;
  lanes y = fused(square * f, p, n * splat(0x1.7f7d1cp-20f));
  y = fused(splat(-0.5f) * f, f, y);
  y = fused(n, splat(0x1.62e400p-1f), f + y);
  y = x < splat(INFINITY) ? y : x;  // ∞ and NaN are their own logarithms
  return x > splat(0.0f) ? y : x == splat(0.0f) ? splat(-INFINITY) : splat(NAN);
}

// With e = exp(−|x|): 1 / (1 + e) or e / (1 + e). What 1 + e and the division round away is put back, because three
// roundings would leave the promised 2 ulp.
static INLINE lanes sigmoid_lanes(lanes x) {
  const lanes one = splat(1.0f), e = exp_lanes(-__builtin_elementwise_abs(x));
  const lanes sum = one + e, lost = e - (sum - one), inverse = one / sum, numerator = x < splat(0.0f) ? e : one;
  const lanes quotient = numerator * inverse;
  const lanes rest = fused(-quotient, lost, fused(-quotient, sum, numerator));
  return fused(rest, inverse, quotient);
}

// An odd polynomial below 0.625, 1 − 2 / (exp 2|x| + 1) above.
static INLINE lanes tanh_lanes(lanes x) {
  const lanes s = x * x, a = __builtin_elementwise_abs(x);
  lanes p = splat(2.292744815e-03f);
  p = fused(p, s, splat(-8.343945515e-03f));
  p = fused(p, s, splat(2.176891865e-02f));
  p = fused(p, s, splat(-5.395925958e-02f));
  p = fused(p, s, splat(1.333330356e-01f));
  p = fused(p, s, splat(-3.333333317e-01f));
  const lanes near = fused(a * s, p, a);
  const lanes far = splat(1.0f) - splat(2.0f) / (exp_lanes(a + a) + splat(1.0f));
  return __builtin_elementwise_copysign(a < splat(0.625f) ? near : far, x);
}
