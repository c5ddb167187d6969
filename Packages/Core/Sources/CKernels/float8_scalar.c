// Eight-bit floats, plainly: what the vector versions are judged by, bit for bit, and the packing of codes.
#include <math.h>
#include <string.h>

#include "float8_format.h"

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// ---- magnitudes -------------------------------------------------------------------------------------------------
static inline float larger(float a, float b) { return a > b || a != a ? a : b; }

static float magnitude(const float *x, ck_size count) {
  float largest = 0;
  for (ck_size i = 0; i < count; i++) largest = larger(largest, fabsf(x[i]));
  return largest;
}

static void magnitudes(float *y, const float *x, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = larger(y[i], fabsf(x[i]));
}

// ---- codes ------------------------------------------------------------------------------------------------------
static uint8_t code_of(ck_float8 format, ck_overflow overflow, float x) {
  const int drop = 23 - float8_fraction_bits(format);
  const uint32_t bits = bits_of(x), sign = bits >> 24 & 0x80, size = bits & 0x7fffffff;
  if (x != x) return (uint8_t)(sign | 0x7f);
  const float carrier = float8_carrier(format);
  if (fabsf(x) < float8_least_normal(format)) return (uint8_t)(sign | (bits_of(fabsf(x) + carrier) - bits_of(carrier)));
  // Half an ulp, one more to reach an even one; then the exponent changes its bias.
  const uint32_t rounded = (size + ((1u << (drop - 1)) - 1) + (size >> drop & 1)) >> drop;
  const uint32_t code = rounded - ((127 - float8_bias(format)) << float8_fraction_bits(format));
  const uint32_t largest = float8_largest(format);
  return (uint8_t)(sign | (code <= largest ? code : overflow == CK_TO_LARGEST ? largest : largest + 1));
}

static float value_of(ck_float8 format, uint8_t code) {
  const int drop = 23 - float8_fraction_bits(format);
  const uint32_t sign = (uint32_t)(code & 0x80) << 24, size = code & 0x7f, largest = float8_largest(format);
  const uint32_t special = format == CK_E5M2 && size == largest + 1 ? 0x7f800000 : 0x7fc00000;
  if (size > largest) return float_of(sign | special);
  if (size >> (23 - drop) == 0) return float_of(sign | bits_of((float)size * float8_step(format)));
  return float_of(sign | ((size << drop) + ((127 - float8_bias(format)) << 23)));
}

static void encode(ck_float8 format, ck_overflow overflow, uint8_t *y, const float *x, float scale, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = code_of(format, overflow, x[i] / scale);
}

static void encode_row(ck_float8 format, uint8_t *y, float *scales, const float *x, float least, int powers_of_two,
                       ck_size count) {
  for (ck_size start = 0; start < count; start += CK_SCALED_DEPTH) {
    const ck_size columns = ck_smaller(CK_SCALED_DEPTH, count - start);
    const float scale = tile_scale(magnitude(x + start, columns), float8_largest_number(format), least, powers_of_two);
    scales[start / CK_SCALED_DEPTH] = scale;
    encode(format, CK_TO_LARGEST, y + start, x + start, scale, columns);
  }
}

static void encode_each(ck_float8 format, ck_overflow overflow, uint8_t *y, const float *x, const float *scales,
                        ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = code_of(format, overflow, x[i] / scales[i]);
}

static void decode(ck_float8 format, float *y, const uint8_t *x, float scale, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = value_of(format, x[i]) * scale;
}

static void decode_each(ck_float8 format, float *y, const uint8_t *x, const float *scales, ck_size count) {
  for (ck_size i = 0; i < count; i++) y[i] = value_of(format, x[i]) * scales[i];
}

// ---- twelve bits ------------------------------------------------------------------------------------------------
static uint16_t twelve_bits_of(float x) {
  const uint32_t bits = bits_of(x), sign = bits >> 20 & 0x800, size = bits & 0x7fffffff;
  if (x != x) return (uint16_t)(sign | 0x7ff);
  // Below the least normal number, 2^-14, they are multiples of 2^-20, the last bit of 8.
  if (size < 0x38800000) return (uint16_t)(sign | (bits_of(fabsf(x) + 8) - bits_of(8)));
  const uint32_t rounded = ((size + 0xffff + (size >> 17 & 1)) >> 17) - (112 << 6);
  return (uint16_t)(sign | (rounded > 0x7bf ? 0x7bf : rounded));
}

static float twelve_bit_value(uint16_t code) {
  const uint32_t sign = (uint32_t)(code & 0x800) << 20, size = code & 0x7ff;
  if (size >= 0x7c0) return float_of(sign | (size == 0x7c0 ? 0x7f800000 : 0x7fc00000));
  if (size < 64) return float_of(sign | bits_of((float)size * 0x1p-20f));
  return float_of(sign | ((size << 17) + (112 << 23)));
}

static void encode_twelve(uint8_t *y, float *scales, const float *x, ck_size count) {
  for (ck_size start = 0; start < count; start += CK_SCALED_DEPTH) {
    const ck_size columns = ck_smaller(CK_SCALED_DEPTH, count - start);
    const float scale = tile_scale(magnitude(x + start, columns), FLOAT12_LARGEST, FLOAT12_LEAST, 1);
    uint16_t codes[CK_SCALED_DEPTH];
    for (ck_size i = 0; i < columns; i++) codes[i] = twelve_bits_of(x[start + i] / scale);
    scales[start / CK_SCALED_DEPTH] = scale;
    y = pack_twelve(y, codes, columns);
  }
}

static void decode_twelve(float *y, const uint8_t *x, const float *scales, ck_size count) {
  for (ck_size start = 0; start < count; start += CK_SCALED_DEPTH) {
    const ck_size columns = ck_smaller(CK_SCALED_DEPTH, count - start);
    uint16_t codes[CK_SCALED_DEPTH];
    x = unpack_twelve(codes, x, columns);
    for (ck_size i = 0; i < columns; i++) y[start + i] = twelve_bit_value(codes[i]) * scales[start / CK_SCALED_DEPTH];
  }
}

// ---- the product ------------------------------------------------------------------------------------------------
// Rows of A and a panel's steps of B decoded, the products of one step of scales, and the scratch of a plain product.
// With words in place of floats: rows of A, or few of them and several panels.
ck_size ck_scaled_scratch(void) {
  const ck_size panel = CK_SCALED_DEPTH * CK_NR, words = CK_SCALED_STEPS / 2 * (CK_SCALED_ROWS + CK_NR);
  const ck_size floats = CK_SCALED_ROWS * CK_SCALED_DEPTH + CK_SCALED_WIDE * panel + CK_SCALED_ROWS * CK_NR +
                         ck_gemm_scratch(CK_SCALED_DEPTH);
  return floats > words ? floats : words;
}

void ck_pack_codes(uint8_t *packed, const uint8_t *b, ck_size ldb, int transposed, ck_size k, ck_size n,
                   ck_size first_panel, ck_size last_panel) {
  for (ck_size panel = first_panel; panel < last_panel; panel++) {
    uint8_t *out = packed + panel * k * CK_NR;
    const ck_size first = panel * CK_NR, width = ck_smaller(CK_NR, n - first);
    if (width < CK_NR) memset(out, 0, (size_t)(k * CK_NR));
    if (!transposed)
      for (ck_size p = 0; p < k; p++) memcpy(out + p * CK_NR, b + p * ldb + first, (size_t)width);
    // So many steps of each row in turn that a cache line is read once, and what is written stays near the core.
    for (ck_size start = 0; transposed && start < k; start += 64) {
      const ck_size end = ck_smaller(k, start + 64);
      for (ck_size lane = 0; lane < width; lane++)
        for (ck_size p = start; p < end; p++) out[p * CK_NR + lane] = b[(first + lane) * ldb + p];
    }
  }
}

static void product(const ck_scaled_operands *x, ck_size first_panel, ck_size last_panel, float *scratch) {
  (void)scratch;
  const ck_size blocks = (x->k + CK_SCALED_DEPTH - 1) / CK_SCALED_DEPTH;
  const ck_size last_column = ck_smaller(x->n, last_panel * CK_NR);
  for (ck_size i = 0; i < x->m; i++) {
    for (ck_size j = first_panel * CK_NR; j < last_column; j++) {
      const ck_size panel = j / CK_NR, lane = j % CK_NR;
      float sum = 0;
      for (ck_size t = 0; t < blocks; t++) {
        const ck_size end = ck_smaller(x->k, (t + 1) * CK_SCALED_DEPTH);
        float part = 0;
        for (ck_size p = t * CK_SCALED_DEPTH; p < end; p++) {
          const uint8_t b = x->b[(panel * x->k + p) * CK_NR + lane];
          part = fmaf(value_of(x->a_format, x->a[i * x->lda + p]), value_of(x->b_format, b), part);
        }
        const float b_scale = x->b_scales[(panel * blocks + t) * CK_NR + lane];
        sum = fmaf(part, x->a_scales[i * x->ld_a_scales + t] * b_scale, sum);
      }
      x->c[i * x->ldc + j] = sum;
    }
  }
}

static void product_at(const ck_scaled_columns *x, float *scratch) {
  (void)scratch;
  for (ck_size i = 0; i < x->m; i++) {
    for (ck_size j = 0; j < x->n; j++) {
      float sum = 0;
      for (ck_size start = 0, t = 0; start < x->k; start += CK_SCALED_DEPTH, t++) {
        const ck_size end = ck_smaller(x->k, start + CK_SCALED_DEPTH);
        float part = 0;
        for (ck_size p = start; p < end; p++)
          part = fmaf(value_of(x->a_format, x->a[p * x->lda + i]), value_of(x->b_format, x->b[p * x->ldb + j]), part);
        sum = fmaf(part, x->a_scales[t * x->ld_a_scales + i] * x->b_scales[t * x->ld_b_scales + j], sum);
      }
      x->c[i * x->ldc + j] = sum;
    }
  }
}

const ck_float8_kernels ck_float8_scalar = {
    magnitude, magnitudes, encode, encode_row, encode_each, decode, decode_each, encode_twelve, decode_twelve,
};
const ck_scaled_kernels ck_scaled_scalar = {product, product_at};
