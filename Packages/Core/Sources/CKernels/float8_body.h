// Eight-bit floats over LANES at a time. A format is a constant in every loop. The including file defines LANES,
// load_part and store_part, and PLAIN, the matrix products of its instruction set.
#include "float8_format.h"
#include "lanes.h"

typedef uint8_t lanes_u8 __attribute__((ext_vector_type(LANES)));

static INLINE lanes_u8 load_u8(const uint8_t *p, ck_size n) {
  lanes_u8 x = 0;
  if (n == LANES) __builtin_memcpy(&x, p, sizeof x);
  else __builtin_memcpy(&x, p, (size_t)n);
  return x;
}

static INLINE void store_u8(uint8_t *p, lanes_u8 x, ck_size n) {
  if (n == LANES) __builtin_memcpy(p, &x, sizeof x);
  else __builtin_memcpy(p, &x, (size_t)n);
}

#define EACH_FORMAT(format, ...)                                                                                       \
  switch (format) {                                                                                                    \
  case CK_E4M3: { enum { FORMAT = CK_E4M3 }; __VA_ARGS__; } break;                                                     \
  case CK_E5M2: { enum { FORMAT = CK_E5M2 }; __VA_ARGS__; } break;                                                     \
  }

// ---- magnitudes -------------------------------------------------------------------------------------------------
static INLINE lanes positive(lanes x) { return (lanes)((lanes_u32)x & 0x7fffffff); }

static float magnitude(const float *x, ck_size count) {
  lanes parts[4];
  FOLD_STEPS(parts, splat(0), count, larger(acc, positive(load(x + i, n))));
  return largest_of_parts(parts);
}

static void magnitudes(float *y, const float *x, ck_size count) {
  EACH_STEP(count, store(y + i, larger(load(y + i, n), positive(load(x + i, n))), n));
}

// ---- codes ------------------------------------------------------------------------------------------------------
static INLINE lanes_u8 codes_of(const ck_float8 format, ck_overflow overflow, lanes x) {
  const int drop = 23 - float8_fraction_bits(format);
  const uint32_t largest = float8_largest(format), beyond = overflow == CK_TO_LARGEST ? largest : largest + 1;
  const lanes_u32 bits = (lanes_u32)x, size = bits & 0x7fffffff;
  const lanes carrier = splat(float8_carrier(format));
  const lanes_u32 small = (lanes_u32)((lanes)size + carrier) - (lanes_u32)carrier;
  const lanes_u32 rounded = (size + ((1u << (drop - 1)) - 1) + (size >> drop & 1)) >> drop;
  const lanes_u32 normal = rounded - ((127 - float8_bias(format)) << float8_fraction_bits(format));
  const lanes_u32 code = (lanes)size < splat(float8_least_normal(format)) ? small : normal;
  const lanes_u32 finite = code > (lanes_u32)largest ? (lanes_u32)beyond : code;
  const lanes_u32 number = x != x ? (lanes_u32)0x7f : finite;
  return __builtin_convertvector(number | (bits >> 24 & 0x80), lanes_u8);
}

static INLINE lanes values_of(const ck_float8 format, lanes_u8 codes) {
  const int drop = 23 - float8_fraction_bits(format);
  const uint32_t largest = float8_largest(format);
  const lanes_u32 code = __builtin_convertvector(codes, lanes_u32), size = code & 0x7f;
  const lanes_u32 normal = (size << drop) + ((127 - float8_bias(format)) << 23);
  const lanes small = __builtin_convertvector((lanes_i32)size, lanes) * splat(float8_step(format));
  const lanes_u32 finite = size < (lanes_u32)(1u << float8_fraction_bits(format)) ? (lanes_u32)small : normal;
  const lanes_u32 nan = (lanes_u32)0x7fc00000, infinity = (lanes_u32)0x7f800000;
  const lanes_u32 special = format == CK_E5M2 ? (size == (lanes_u32)(largest + 1) ? infinity : nan) : nan;
  const lanes_u32 number = size > (lanes_u32)largest ? special : finite;
  return (lanes)(number | (code & 0x80) << 24);
}

static void encode(ck_float8 format, ck_overflow overflow, uint8_t *y, const float *x, float scale, ck_size count) {
  EACH_FORMAT(format, EACH_STEP(count, store_u8(y + i, codes_of(FORMAT, overflow, load(x + i, n) / splat(scale)), n)));
}

static void encode_each(ck_float8 format, ck_overflow overflow, uint8_t *y, const float *x, const float *scales,
                        ck_size count) {
  EACH_FORMAT(format, EACH_STEP(count, const lanes scaled = load(x + i, n) / load(scales + i, n);
                                store_u8(y + i, codes_of(FORMAT, overflow, scaled), n)));
}

static void decode(ck_float8 format, float *y, const uint8_t *x, float scale, ck_size count) {
  EACH_FORMAT(format, EACH_STEP(count, store(y + i, values_of(FORMAT, load_u8(x + i, n)) * splat(scale), n)));
}

static void decode_each(ck_float8 format, float *y, const uint8_t *x, const float *scales, ck_size count) {
  EACH_FORMAT(format, EACH_STEP(count, const lanes values = values_of(FORMAT, load_u8(x + i, n));
                                store(y + i, values * load(scales + i, n), n)));
}

// ---- the product ------------------------------------------------------------------------------------------------
// c += part · (row scale · column scale), for one panel of `columns` columns. Rows of part are `stride` floats apart.
static INLINE void promote(float *c, ck_size ldc, const float *part, ck_size stride, const float *row_scales,
                           ck_size ld_row_scales, const float *column_scales, ck_size rows, ck_size columns) {
  for (ck_size r = 0; r < rows; r++, c += ldc, part += stride, row_scales += ld_row_scales) {
    for (ck_size j = 0; j < columns; j += LANES) {
      const ck_size n = ck_smaller(LANES, columns - j);
      const lanes scale = splat(*row_scales) * load(column_scales + j, LANES);
      store(c + j, fused(load(part + j, LANES), scale, load(c + j, n)), n);
    }
  }
}

// Rows of A and a group of panels that stay near the core while k runs: decode, multiply plainly, promote.
static void block(const ck_scaled_operands *x, ck_size row, ck_size rows, ck_size first, ck_size last, float *scratch) {
  const ck_size blocks = (x->k + CK_SCALED_DEPTH - 1) / CK_SCALED_DEPTH;
  const ck_size wide = rows <= CK_SCALED_FEW_ROWS ? CK_SCALED_WIDE : 1;
  float *a = scratch, *b = a + CK_SCALED_ROWS * CK_SCALED_DEPTH;
  float *part = b + CK_SCALED_WIDE * CK_SCALED_DEPTH * CK_NR, *rest = part + CK_SCALED_ROWS * CK_NR;
  const ck_size columns = ck_smaller(x->n, last * CK_NR) - first * CK_NR;
  for (ck_size r = row; r < row + rows; r++)
    __builtin_memset(x->c + r * x->ldc + first * CK_NR, 0, (size_t)columns * sizeof(float));
  for (ck_size t = 0; t < blocks; t++) {
    const ck_size start = t * CK_SCALED_DEPTH, depth = ck_smaller(CK_SCALED_DEPTH, x->k - start);
    for (ck_size r = 0; r < rows; r++)
      decode(x->a_format, a + r * CK_SCALED_DEPTH, x->a + (row + r) * x->lda + start, 1, depth);
    for (ck_size panel = first; panel < last; panel += wide) {
      const ck_size count = ck_smaller(wide, last - panel);
      for (ck_size i = 0; i < count; i++)
        decode(x->b_format, b + i * depth * CK_NR, x->b + ((panel + i) * x->k + start) * CK_NR, 1, depth * CK_NR);
      PLAIN.product(part, count * CK_NR, a, CK_SCALED_DEPTH, b, rows, count * CK_NR, depth, 0, count, 0, rest);
      for (ck_size i = 0; i < count; i++) {
        const ck_size column = (panel + i) * CK_NR;
        promote(x->c + row * x->ldc + column, x->ldc, part + i * CK_NR, count * CK_NR,
                x->a_scales + row * x->ld_a_scales + t, x->ld_a_scales,
                x->b_scales + ((panel + i) * blocks + t) * CK_NR, rows, ck_smaller(CK_NR, x->n - column));
      }
    }
  }
}

static void product(const ck_scaled_operands *x, ck_size first_panel, ck_size last_panel, float *scratch) {
  const ck_size end = ck_smaller(last_panel, (x->n + CK_NR - 1) / CK_NR);
  for (ck_size row = 0; row < x->m; row += CK_SCALED_ROWS)
    for (ck_size first = first_panel; first < end; first += CK_SCALED_GROUP)
      block(x, row, ck_smaller(CK_SCALED_ROWS, x->m - row), first, ck_smaller(end, first + CK_SCALED_GROUP), scratch);
}
