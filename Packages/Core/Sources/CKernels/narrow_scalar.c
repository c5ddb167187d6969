// Products with narrow weights in plain C: the layout and the numbers, one output at a time.
#include <math.h>
#include <string.h>

#include "narrow_layout.h"

static float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

static float half_float(uint32_t bits) {
  const uint32_t sign = (bits & 0x8000) << 16, size = bits & 0x7fff;
  if (size >= 0x7c00) return float_of(sign | 0x7f800000 | (size & 0x3ff) << 13);
  // In the place of a float's, exponent and fraction are the value times 2^-112.
  return float_of(sign | size << 13) * 0x1p112f;
}

// Number k of an output of a panel.
static float number_of(ck_narrow form, const uint32_t *panel, ck_size k, ck_size lane) {
  const ck_size tile = k - k % CK_NARROW_TILE;
  switch (form) {
  case CK_NARROW_BF16: return float_of(panel[k / 2 * CK_NR + lane] >> (k % 2 * 16) << 16);
  case CK_NARROW_F16: return half_float(panel[k / 2 * CK_NR + lane] >> (k % 2 * 16) & 0xffff);
  case CK_NARROW_E4M3: {
    const uint32_t *scales = panel + narrow_place(form, tile);
    const uint32_t code = scales[CK_NR + (k - tile) / 4 * CK_NR + lane] >> (k % 4 * 8) & 0xff;
    return float_of((code & 0x80) << 24 | (code & 0x7f) << 20) * float_of(scales[lane]);
  }
  }
  return 0;
}

static void product(const ck_narrow_operands *x, ck_size first_panel, ck_size last_panel, float *scratch) {
  (void)scratch;
  for (ck_size j = first_panel * CK_NR; j < ck_smaller(x->n, last_panel * CK_NR); j++) {
    const uint32_t *panel = x->b + j / CK_NR * narrow_place(x->form, x->k);
    for (ck_size i = 0; i < x->m; i++) {
      float sum = 0;
      for (ck_size k = 0; k < x->k; k++) sum = fmaf(x->a[i * x->lda + k], number_of(x->form, panel, k, j % CK_NR), sum);
      x->c[i * x->ldc + j] = sum;
    }
  }
}

const ck_narrow_kernels ck_narrow_scalar = {product};
