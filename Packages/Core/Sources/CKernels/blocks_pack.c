// From the blocks of a file to panels, for every instruction set: words of four codes are moved, and made whole bytes
// where the format's bits are spread. The layout of the blocks is GGUF's.
#include <string.h>

#include "block_layout.h"

ck_size ck_block_bytes(ck_block_format format) {
  switch (format) {
  case CK_Q8_0: return 34;
  case CK_Q4_0: return 18;
  case CK_Q4_1: return 20;
  case CK_Q5_0: return 22;
  case CK_Q5_1: return 24;
  case CK_Q2_K: return 84;
  case CK_Q3_K: return 110;
  case CK_Q4_K: return 144;
  case CK_Q5_K: return 176;
  case CK_Q6_K: return 210;
  }
  return 0;
}

ck_size ck_block_length(ck_block_format format) { return block_shape_of(format).is_super ? STEP * SUPER_STEPS : STEP; }

ck_size ck_block_panel_bytes(ck_block_format format, ck_size k) { return panel_bytes(block_shape_of(format), k); }

INLINE uint32_t word(const uint8_t *p) {
  uint32_t x;
  memcpy(&x, p, 4);
  return x;
}
INLINE void put_word(uint8_t *codes, int group, ck_size lane, uint32_t x) {
  memcpy(codes + ((ck_size)group * CK_NR + lane) * 4, &x, 4);
}
INLINE void copy_half(uint8_t *to, const uint8_t *from) { memcpy(to, from, 2); }

// 32 codes that are whole bytes, in the format's layout.
INLINE void put_codes(const block_shape f, uint8_t *codes, ck_size lane, const uint8_t bytes[STEP]) {
  uint32_t above[2] = {0, 0};
  UNROLLED for (int g = 0; g < STEP / 8; g++) {
    const uint32_t first = word(bytes + 4 * g), second = word(bytes + 16 + 4 * g), low = 0x0f0f0f0fu;
    put_word(codes, g, lane, (first & low) | (second & low) << 4);
    if (f.bits == 6) {
      above[0] |= (first >> 4 & 0x03030303u) << 2 * g;
      above[1] |= (second >> 4 & 0x03030303u) << 2 * g;
    } else {
      above[0] |= (first >> 4 & 0x01010101u) << g | (second >> 4 & 0x01010101u) << (4 + g);
    }
  }
  UNROLLED for (int i = 0; i < f.bits - 4; i++) put_word(codes + HALF_BYTES, i, lane, above[i]);
}

// Fifth bits: bit i of `high` belongs to number i, whose lower four are those of the nibbles.
INLINE void five_bits(uint8_t bytes[STEP], const uint8_t *high, const uint8_t *nibbles) {
  const uint32_t bits = word(high);
  UNROLLED for (int i = 0; i < 16; i++) {
    bytes[i] = (uint8_t)((nibbles[i] & 15) | (bits >> i & 1) << 4);
    bytes[i + 16] = (uint8_t)(nibbles[i] >> 4 | (bits >> (i + 16) & 1) << 4);
  }
}

// A block of 32 numbers becomes one output of a step.
INLINE void pack_simple(const ck_block_format format, uint8_t *step, ck_size lane, const uint8_t *block) {
  const block_shape f = block_shape_of(format);
  uint8_t *codes = step + codes_at(f), bytes[STEP];
  copy_half(step + 2 * lane, block);
  if (f.has_minimum) {  // w = d · q + m: the minimum that is taken away is −m
    uint8_t *minimum = step + scale_row(f) + 2 * lane;
    minimum[0] = block[2], minimum[1] = block[3] ^ 0x80;
  }
  switch (format) {
  case CK_Q8_0:
    UNROLLED for (int g = 0; g < 8; g++) put_word(codes, g, lane, word(block + 2 + 4 * g) ^ 0x80808080u);
    break;
  case CK_Q4_0:
  case CK_Q4_1:
    UNROLLED for (int g = 0; g < 4; g++) put_word(codes, g, lane, word(block + (format == CK_Q4_0 ? 2 : 4) + 4 * g));
    break;
  case CK_Q5_0:
    five_bits(bytes, block + 2, block + 6);
    put_codes(f, codes, lane, bytes);
    break;
  default:  // CK_Q5_1
    five_bits(bytes, block + 4, block + 8);
    put_codes(f, codes, lane, bytes);
  }
}

// The 6-bit scale and minimum of one of eight parts, as Q4_K and Q5_K store them.
INLINE void scale_and_minimum(const uint8_t *bytes, int part, uint8_t *scale, uint8_t *minimum) {
  if (part < 4) {
    *scale = bytes[part] & 63, *minimum = bytes[part + 4] & 63;
  } else {
    *scale = (uint8_t)((bytes[part + 4] & 15) | (bytes[part - 4] >> 6) << 4);
    *minimum = (uint8_t)(bytes[part + 4] >> 4 | (bytes[part] >> 6) << 4);
  }
}

// The bytes that multiply a block's float16 scale and minimum, in each part of step `s`.
INLINE void super_scales(const ck_block_format format, uint8_t *step, ck_size lane, const uint8_t *block, int s) {
  for (int half = 0; half < 2; half++) {
    const int part = 2 * s + half;
    uint8_t *scale = step + half * CK_NR + lane;
    switch (format) {
    case CK_Q2_K:
      scale[0] = block[part] & 15, scale[2 * CK_NR] = block[part] >> 4;
      break;
    case CK_Q3_K: {
      const int low = block[96 + (part & 7)] >> (part < 8 ? 0 : 4) & 15, high = block[104 + part % 4] >> part / 4 * 2 & 3;
      scale[0] = (uint8_t)((low | high << 4) - 32);
      break;
    }
    case CK_Q6_K: scale[0] = block[192 + part]; break;
    default:
      if (half == 0) scale_and_minimum(block + 4, s, step + lane, step + CK_NR + lane);
    }
  }
}

INLINE int pair(const uint8_t *bytes, int i) { return bytes[i / 128 * 32 + (i & 31)] >> i / 32 % 4 * 2 & 3; }

// The codes of step `s` of a block of 256 but Q6_K's, as whole bytes.
INLINE void super_bytes(const ck_block_format format, uint8_t bytes[STEP], const uint8_t *block, int s) {
  UNROLLED for (int j = 0; j < STEP; j++) {
    const int i = s * STEP + j;
    switch (format) {
    case CK_Q2_K: bytes[j] = (uint8_t)pair(block + 16, i); break;
    case CK_Q3_K: bytes[j] = (uint8_t)(pair(block + 32, i) | (block[j] >> s & 1) << 2); break;
    case CK_Q5_K:
      bytes[j] = (uint8_t)((block[48 + i / 64 * 32 + j] >> (s % 2) * 4 & 15) | (block[16 + j] >> s & 1) << 4);
      break;
    default: bytes[j] = 0;
    }
  }
}

// The same of Q6_K, four codes at a time.
INLINE void six_bits(uint8_t bytes[STEP], const uint8_t *block, int s) {
  const uint8_t *low = block + s / 4 * 64 + s % 2 * 32, *high = block + 128 + s / 4 * 32;
  UNROLLED for (int g = 0; g < STEP / 4; g++) {
    const uint32_t codes = (word(low + 4 * g) >> (s & 2 ? 4 : 0) & 0x0f0f0f0fu) |
                           (word(high + 4 * g) >> s % 4 * 2 & 0x03030303u) << 4;
    memcpy(bytes + 4 * g, &codes, 4);
  }
}

typedef uint32_t words __attribute__((vector_size(16)));

// Four words of four outputs that lie beside each other: word g of all four follow each other in group g.
INLINE void put_four(uint8_t *codes, ck_size lane, const uint8_t *const from[4], ck_size at, uint32_t flip) {
  words x[4];
  UNROLLED for (int i = 0; i < 4; i++) {
    memcpy(&x[i], from[i] + at, 16);
    x[i] ^= flip;
  }
  const words low[2] = {__builtin_shufflevector(x[0], x[1], 0, 4, 1, 5), __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5)};
  const words high[2] = {__builtin_shufflevector(x[0], x[1], 2, 6, 3, 7), __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7)};
  x[0] = __builtin_shufflevector(low[0], low[1], 0, 1, 4, 5);
  x[1] = __builtin_shufflevector(low[0], low[1], 2, 3, 6, 7);
  x[2] = __builtin_shufflevector(high[0], high[1], 0, 1, 4, 5);
  x[3] = __builtin_shufflevector(high[0], high[1], 2, 3, 6, 7);
  UNROLLED for (int g = 0; g < 4; g++) memcpy(codes + ((ck_size)g * CK_NR + lane) * 4, &x[g], 16);
}

// Blocks of whole bytes or half bytes whose words are only moved: four outputs at a time.
INLINE void pack_moved(const ck_block_format format, uint8_t *step, ck_size lane, const uint8_t *const from[4]) {
  uint8_t *codes = step + codes_at(block_shape_of(format));
  UNROLLED for (int i = 0; i < 4; i++) copy_half(step + 2 * (lane + i), from[i]);
  if (format == CK_Q4_0) {
    put_four(codes, lane, from, 2, 0);
  } else {
    put_four(codes, lane, from, 2, 0x80808080u);
    put_four(codes + 4 * CK_NR * 4, lane, from, 18, 0x80808080u);
  }
}

// A block of 256 numbers becomes one output of 8 steps and of what stands before them.
INLINE void pack_super(const ck_block_format format, uint8_t *head, ck_size lane, const uint8_t *block) {
  const block_shape f = block_shape_of(format);
  const int d = format == CK_Q2_K ? 80 : format == CK_Q3_K ? 108 : format == CK_Q6_K ? 208 : 0;
  copy_half(head + 2 * lane, block + d);
  if (f.has_minimum) copy_half(head + 2 * CK_NR + 2 * lane, block + d + 2);
  for (int s = 0; s < SUPER_STEPS; s++) {
    uint8_t *step = head + head_bytes(f) + s * step_bytes(f), *codes = step + codes_at(f), bytes[STEP];
    super_scales(format, step, lane, block, s);
    if (format == CK_Q4_K) {
      // 32 bytes hold two steps, in their low and high halves; here a byte holds numbers 16 apart.
      const uint8_t *pairs = block + 16 + s / 2 * 32;
      UNROLLED for (int g = 0; g < 4; g++) {
        const uint32_t first = word(pairs + 4 * g), second = word(pairs + 16 + 4 * g), low = 0x0f0f0f0fu;
        put_word(codes, g, lane,
                 s % 2 == 0 ? (first & low) | (second & low) << 4 : (first >> 4 & low) | (second & ~low));
      }
    } else {
      if (format == CK_Q6_K) six_bits(bytes, block, s);
      else super_bytes(format, bytes, block, s);
      put_codes(f, codes, lane, bytes);
    }
  }
}

INLINE void pack_panels(const ck_block_format format, uint8_t *packed, const uint8_t *weight, ck_size k, ck_size n,
                        ck_size first, ck_size last) {
  const block_shape f = block_shape_of(format);
  const ck_size length = f.is_super ? STEP * SUPER_STEPS : STEP, bytes = ck_block_bytes(format), row = k / length * bytes;
  const ck_size stride = f.is_super ? head_bytes(f) + SUPER_STEPS * step_bytes(f) : step_bytes(f);
  for (ck_size panel = first; panel < last; panel++) {
    uint8_t *out = packed + panel * panel_bytes(f, k);
    const ck_size width = n - panel * CK_NR < CK_NR ? n - panel * CK_NR : CK_NR;
    if (width < CK_NR) memset(out, 0, (size_t)panel_bytes(f, k));
    for (ck_size block = 0; block < k / length; block++, out += stride) {
      const uint8_t *from = weight + panel * CK_NR * row + block * bytes;
      ck_size lane = 0;
      if (format == CK_Q4_0 || format == CK_Q8_0) {
        for (; lane + 4 <= width; lane += 4, from += 4 * row) {
          const uint8_t *four[4];
          UNROLLED for (int i = 0; i < 4; i++) {
            four[i] = from + i * row;
            __builtin_prefetch(four[i] + 256);
          }
          pack_moved(format, out, lane, four);
        }
      }
      for (; lane < width; lane++, from += row) {
        __builtin_prefetch(from + 256);
        if (f.is_super) pack_super(format, out, lane, from);
        else pack_simple(format, out, lane, from);
      }
    }
  }
}

void ck_block_pack(ck_block_format format, uint8_t *packed, const uint8_t *weight, ck_size k, ck_size n, ck_size first,
                   ck_size last) {
  switch (format) {  // the format is a constant inside
#define CASE(name) case name: pack_panels(name, packed, weight, k, n, first, last); break;
    CASE(CK_Q8_0) CASE(CK_Q4_0) CASE(CK_Q4_1) CASE(CK_Q5_0) CASE(CK_Q5_1)
    CASE(CK_Q2_K) CASE(CK_Q3_K) CASE(CK_Q4_K) CASE(CK_Q5_K) CASE(CK_Q6_K)
#undef CASE
  }
}
