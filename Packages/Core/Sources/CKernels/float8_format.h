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

enum {
  // Rows of A decoded at a time, and panels of B that are finished before the next ones.
  CK_SCALED_ROWS = CK_GEMM_ROWS,
  CK_SCALED_GROUP = 8,
  // So few rows read panels of B side by side, this many, as the products of floats do.
  CK_SCALED_FEW_ROWS = 6,
  CK_SCALED_WIDE = 4,
};
