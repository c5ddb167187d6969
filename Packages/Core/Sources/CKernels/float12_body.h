// Twelve-bit floats over LANES at a time: sign, 5 exponent and 6 fraction bits, the upper bits of an IEEE half.
// Included after float8_body.h.

// The code nearest to each number, ties to even. |x| is at most the largest number, 65024.
static INLINE lanes_u16 twelve_bits_of(lanes x) {
  const lanes_u32 bits = (lanes_u32)x, size = bits & 0x7fffffff;
  // Subnormal numbers are multiples of 2^-20, the last bit of 8; others keep six bits of the fraction.
  const lanes_u32 small = (lanes_u32)((lanes)size + splat(8)) - (lanes_u32)splat(8);
  const lanes_u32 rounded = ((size + 0xffff + (size >> 17 & 1)) >> 17) - (112 << 6);
  const lanes_u32 normal = rounded > (lanes_u32)0x7bf ? (lanes_u32)0x7bf : rounded;
  const lanes_u32 finite = size < (lanes_u32)0x38800000 ? small : normal;
  const lanes_u32 number = x != x ? (lanes_u32)0x7ff : finite;
  return __builtin_convertvector(number | (bits >> 20 & 0x800), lanes_u16);
}

static INLINE lanes twelve_bit_values(lanes_u16 codes) {
  const lanes_u32 code = __builtin_convertvector(codes, lanes_u32), size = code & 0x7ff;
  const lanes_u32 normal = (size << 17) + (112 << 23);
  const lanes small = __builtin_convertvector((lanes_i32)size, lanes) * splat(0x1p-20f);
  const lanes_u32 finite = size < (lanes_u32)64 ? (lanes_u32)small : normal;
  const lanes_u32 special = size == (lanes_u32)0x7c0 ? (lanes_u32)0x7f800000 : (lanes_u32)0x7fc00000;
  const lanes_u32 number = size >= (lanes_u32)0x7c0 ? special : finite;
  return (lanes)(number | (code & 0x800) << 20);
}

static void encode_twelve(uint8_t *y, float *scales, const float *x, ck_size count) {
  for (ck_size start = 0; start < count; start += CK_SCALED_DEPTH, x += CK_SCALED_DEPTH) {
    const ck_size columns = ck_smaller(CK_SCALED_DEPTH, count - start);
    const float scale = tile_scale(magnitude(x, columns), FLOAT12_LARGEST, FLOAT12_LEAST, 1);
    const lanes inverse = splat(1 / scale);  // of a power of two, so the product is the quotient
    uint16_t codes[CK_SCALED_DEPTH];
    EACH_STEP(columns, store_u16(codes + i, twelve_bits_of(load(x + i, n) * inverse), n));
    *scales++ = scale;
    y = pack_twelve(y, codes, columns);
  }
}

static void decode_twelve(float *y, const uint8_t *x, const float *scales, ck_size count) {
  for (ck_size start = 0; start < count; start += CK_SCALED_DEPTH, y += CK_SCALED_DEPTH) {
    const ck_size columns = ck_smaller(CK_SCALED_DEPTH, count - start);
    const lanes scale = splat(*scales++);
    uint16_t codes[CK_SCALED_DEPTH];
    x = unpack_twelve(codes, x, columns);
    EACH_STEP(columns, store(y + i, twelve_bit_values(load_u16(codes + i, n)) * scale, n));
  }
}
