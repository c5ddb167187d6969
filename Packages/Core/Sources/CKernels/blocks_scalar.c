// Products with quantised blocks in plain C: the layout and the arithmetic, one output at a time.
#include <math.h>
#include <string.h>

#include "block_layout.h"
#include "kernels.h"

// The value of a float16.
static float half_float(const uint8_t *p) {
  const uint32_t bits = (uint32_t)p[0] | (uint32_t)p[1] << 8, sign = (bits & 0x8000) << 16;
  const uint32_t exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
  uint32_t pattern;
  if (exponent == 0) {
    const float small = (float)fraction * 0x1p-24f;
    memcpy(&pattern, &small, 4);
  } else {
    pattern = (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
  }
  pattern |= sign;
  float value;
  memcpy(&value, &pattern, 4);
  return value;
}

// The code of number i of a step, for one output.
static int32_t code_of(block_shape f, const uint8_t *codes, int i, ck_size lane) {
  const int half = f.bits < 8 && i >= 16, at = half ? i - 16 : i, g = at / 4;
  const int32_t byte = codes[(g * CK_NR + lane) * 4 + at % 4], bias = f.shift < 0 ? 0 : 1 << f.shift;
  if (f.bits == 8) return byte - bias;
  const int32_t low = half ? byte >> 4 : byte & 15;
  if (f.bits == 4) return low - bias;
  const int32_t above = codes[HALF_BYTES + ((f.bits == 6 ? half * CK_NR : 0) + lane) * 4 + at % 4];
  return (low | (f.bits == 6 ? above >> 2 * g & 3 : above >> (4 * half + g) & 1) << 4) - bias;
}

// A scale or a minimum: row `row` of a step's, times its number of the 8 steps.
static float scale_of(block_shape f, const uint8_t *head, const uint8_t *step, int row, int is_minimum, ck_size lane) {
  const uint8_t *at = step + scale_row(f) * row;
  if (!f.is_super) return half_float(at + 2 * lane);
  return half_float(head + 2 * CK_NR * is_minimum + 2 * lane) * (float)(int8_t)at[lane];
}

static float element(block_shape f, const uint8_t *b, const ck_block_row *a, ck_size steps, ck_size lane) {
  float sum = 0;
  const uint8_t *head = b;
  for (ck_size step = 0; step < steps; step++, a++) {
    if (f.is_super && step % SUPER_STEPS == 0) head = b, b += head_bytes(f);
    const int length = STEP / f.parts;
    for (int part = 0; part < f.parts; part++) {
      int32_t dot = 0, less = 0;
      for (int i = part * length; i < (part + 1) * length; i++) {
        dot += code_of(f, b + codes_at(f), i, lane) * a->codes[i];
        less -= a->codes[i];
      }
      sum = fmaf((float)dot, a->scale * scale_of(f, head, b, part, 0, lane), sum);
      if (f.has_minimum) sum = fmaf((float)less, a->scale * scale_of(f, head, b, f.parts + part, 1, lane), sum);
    }
    b += step_bytes(f);
  }
  return sum;
}

static void product(const ck_block_operands *x, ck_size first_panel, ck_size last_panel) {
  const block_shape f = block_shape_of(x->format);
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    const uint8_t *b = x->b + panel * panel_bytes(f, x->k);
    for (ck_size row = 0; row < x->m; row++) {
      for (ck_size lane = 0; lane < CK_NR && panel * CK_NR + lane < x->n; lane++) {
        x->c[row * x->ldc + panel * CK_NR + lane] = element(f, b, x->a + row * x->lda, x->k / STEP, lane);
      }
    }
  }
}

static void quantise_block(ck_block_row *a, const float *x) {
  float largest = 0;
  int is_finite = 1;
  for (int i = 0; i < STEP; i++) {
    largest = fmaxf(largest, fabsf(x[i]));
    is_finite &= isfinite(x[i]) != 0;
  }
  *a = (ck_block_row){.scale = !is_finite ? NAN : largest < 0x1p-100f ? 0 : largest / 127};
  if (!is_finite || a->scale == 0) return;
  const float inverse = 1 / a->scale;
  for (int i = 0; i < STEP; i++) {
    a->codes[i] = (int8_t)rintf(x[i] * inverse);  // in the default mode: to nearest, ties to even
    a->less_parts[i / 16] -= a->codes[i];
  }
  a->less = a->less_parts[0] + a->less_parts[1];
}

static void quantise(ck_block_row *a, const float *x, ck_size ldx, ck_size rows, ck_size k) {
  for (ck_size r = 0; r < rows; r++, x += ldx) {
    for (ck_size block = 0; block < k / STEP; block++) quantise_block(a++, x + block * STEP);
  }
}

const ck_block_kernels ck_blocks_scalar = {quantise, product};
