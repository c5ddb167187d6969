// The two eight-bit formats as constants, and how the scaled product cuts its work: shared by every instruction set.
#pragma once
#include "gemm_blocks.h"

static inline __attribute__((always_inline)) int float8_fraction_bits(ck_float8 format) {
  return format == CK_E4M3 ? 3 : 2;
}
static inline __attribute__((always_inline)) uint32_t float8_bias(ck_float8 format) {
  return format == CK_E4M3 ? 7 : 15;
}
// The code of the largest number. The next one is what overflows to CK_TO_SPECIAL.
static inline __attribute__((always_inline)) uint32_t float8_largest(ck_float8 format) {
  return format == CK_E4M3 ? 0x7e : 0x7b;
}
static inline __attribute__((always_inline)) float float8_least_normal(ck_float8 format) {
  return format == CK_E4M3 ? 0x1p-6f : 0x1p-14f;
}
// The least number, which every subnormal one is a multiple of.
static inline __attribute__((always_inline)) float float8_step(ck_float8 format) {
  return format == CK_E4M3 ? 0x1p-9f : 0x1p-16f;
}
// Adding this to a subnormal rounds it to a multiple of the step, which is the carrier's unit in the last place.
static inline __attribute__((always_inline)) float float8_carrier(ck_float8 format) {
  return float8_step(format) * 0x1p23f;
}

static inline __attribute__((always_inline)) float float8_largest_number(ck_float8 format) {
  return format == CK_E4M3 ? 448 : 57344;
}
// The largest number of twelve bits, and the least magnitude that a scale of theirs is made for.
#define FLOAT12_LARGEST 65024.0f
#define FLOAT12_LEAST 1e-4f

// The scale of a tile from its largest magnitude, which is taken for at least `least`; as a power of two it is rounded
// up. What is not finite stays so.
static inline float tile_scale(float magnitude, float largest, float least, int powers_of_two) {
  const float scale = (magnitude < least ? least : magnitude) / largest;
  uint32_t bits;
  __builtin_memcpy(&bits, &scale, sizeof bits);
  if (!powers_of_two || bits >= 0x7f800000 || (bits & 0x7fffff) == 0) return scale;
  bits = (bits & 0x7f800000) + 0x800000;
  float power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return power;
}

// Codes of twelve bits, two in three bytes; the first fills a byte and the low half of the next. Both return the byte
// behind the last one.
static inline uint8_t *pack_twelve(uint8_t *y, const uint16_t *codes, ck_size count) {
  ck_size i = 0;
  for (; i + 2 <= count; i += 2, y += 3) {
    const uint32_t pair = codes[i] | (uint32_t)codes[i + 1] << 12;
    y[0] = (uint8_t)pair, y[1] = (uint8_t)(pair >> 8), y[2] = (uint8_t)(pair >> 16);
  }
  if (i < count) *y++ = (uint8_t)codes[i], *y++ = (uint8_t)(codes[i] >> 8);
  return y;
}
static inline const uint8_t *unpack_twelve(uint16_t *codes, const uint8_t *x, ck_size count) {
  ck_size i = 0;
  for (; i + 2 <= count; i += 2, x += 3) {
    const uint32_t pair = x[0] | (uint32_t)x[1] << 8 | (uint32_t)x[2] << 16;
    codes[i] = pair & 0xfff, codes[i + 1] = (uint16_t)(pair >> 12);
  }
  if (i < count) codes[i] = (uint16_t)((x[0] | x[1] << 8) & 0xfff), x += 2;
  return x;
}

// Runs a statement in which A and B are the formats of the operands x as constants.
#define EACH_FORMAT_PAIR(x, ...)                                                                                       \
  switch ((x)->a_format) {                                                                                             \
  case CK_E4M3: { enum { A = CK_E4M3 }; EACH_SECOND_FORMAT((x)->b_format, __VA_ARGS__) } break;                        \
  case CK_E5M2: { enum { A = CK_E5M2 }; EACH_SECOND_FORMAT((x)->b_format, __VA_ARGS__) } break;                        \
  }
#define EACH_SECOND_FORMAT(format, ...)                                                                                \
  switch (format) {                                                                                                    \
  case CK_E4M3: { enum { B = CK_E4M3 }; __VA_ARGS__; } break;                                                          \
  case CK_E5M2: { enum { B = CK_E5M2 }; __VA_ARGS__; } break;                                                          \
  }

enum {
  // Rows of A decoded at a time, and panels of B that are finished before the next ones.
  CK_SCALED_ROWS = CK_GEMM_ROWS,
  // Steps of k that are decoded at a time where codes become words of two.
  CK_SCALED_STEPS = 8 * CK_SCALED_DEPTH,
  CK_SCALED_GROUP = 8,
  // So few rows read panels of B side by side, this many, as the products of floats do.
  CK_SCALED_FEW_ROWS = 6,
  CK_SCALED_WIDE = 4,
};
