// Eight-bit floats over LANES at a time. A format is a constant in every loop. The including file defines LANES,
// load_part and store_part.
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

// Of numbers that are not negative, their bits are in order as integers; those of NaN come last.
static INLINE lanes larger_positive(lanes a, lanes b) {
  return (lanes)__builtin_elementwise_max((lanes_i32)a, (lanes_i32)b);
}

static float magnitude(const float *x, ck_size count) {
  lanes parts[4];
  FOLD_STEPS(parts, splat(0), count, larger_positive(acc, positive(load(x + i, n))));
  return largest_of_parts(parts);
}

static void magnitudes(float *y, const float *x, ck_size count) {
  EACH_STEP(count, store(y + i, larger_positive(load(y + i, n), positive(load(x + i, n))), n));
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

static void encode_row(ck_float8 format, uint8_t *y, float *scales, const float *x, float least, int powers_of_two,
                       ck_size count) {
  for (ck_size start = 0; start < count; start += CK_SCALED_DEPTH, x += CK_SCALED_DEPTH, y += CK_SCALED_DEPTH) {
    const ck_size columns = ck_smaller(CK_SCALED_DEPTH, count - start);
    const float scale = tile_scale(magnitude(x, columns), float8_largest_number(format), least, powers_of_two);
    *scales++ = scale;
    if (powers_of_two) {  // the quotient is the product with the reciprocal, exactly
      const lanes inverse = splat(1 / scale);
      EACH_FORMAT(format, EACH_STEP(columns, const lanes scaled = load(x + i, n) * inverse;
                                    store_u8(y + i, codes_of(FORMAT, CK_TO_LARGEST, scaled), n)));
    } else {
      encode(format, CK_TO_LARGEST, y, x, scale, columns);
    }
  }
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
