// How packed weights of quantised blocks lie in memory, the same for every instruction set.
// A panel is 32 outputs. It is a sequence of steps of 32 numbers along k. A step is the scales of the outputs, their
// minima, then the codes: four neighbours along k of each output in turn make a word, so that a word of 16 or 8 or 4
// outputs is a vector. Codes are unsigned: the format's code plus its bias. Only codes of 8 bits are whole bytes. Of
// others the lower 4 bits are half bytes: the low halves of word g are numbers 4g ..< 4g + 4, the high halves numbers 16
// more. What is above them follows in further words, whose bytes are those of the same neighbours: of 5 bits one word
// of bits 4h + g for half h of word g, of 6 bits word h for half h, with bits 2g and 2g + 1.
// Formats of blocks of 256 begin each 8 steps with the float16 numbers that multiply scales and minima, which are then
// single bytes; the others have float16 scales and minima. All are CK_NR to a row.
#pragma once
#include "ckernels.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef struct {
  int bits;         // of a packed code: 4, 5, 6 or 8
  int parts;        // parts of a step, each with a scale: 1 or 2
  int has_minimum;
  int is_super;     // blocks of 256
  int shift;        // the bias is 1 << shift; -1: there is none
} block_shape;

static const block_shape
    SHAPE_Q8_0 = {8, 1, 0, 0, 7}, SHAPE_Q4_0 = {4, 1, 0, 0, 3}, SHAPE_Q4_1 = {4, 1, 1, 0, -1},
    SHAPE_Q5_0 = {5, 1, 0, 0, 4}, SHAPE_Q5_1 = {5, 1, 1, 0, -1}, SHAPE_Q2_K = {4, 2, 1, 1, -1},
    SHAPE_Q3_K = {4, 2, 0, 1, 2}, SHAPE_Q4_K = {4, 1, 1, 1, -1}, SHAPE_Q5_K = {5, 1, 1, 1, -1},
    SHAPE_Q6_K = {6, 2, 0, 1, 5};

INLINE block_shape block_shape_of(ck_block_format format) {
  switch (format) {
  case CK_Q8_0: return SHAPE_Q8_0;
  case CK_Q4_0: return SHAPE_Q4_0;
  case CK_Q4_1: return SHAPE_Q4_1;
  case CK_Q5_0: return SHAPE_Q5_0;
  case CK_Q5_1: return SHAPE_Q5_1;
  case CK_Q2_K: return SHAPE_Q2_K;
  case CK_Q3_K: return SHAPE_Q3_K;
  case CK_Q4_K: return SHAPE_Q4_K;
  case CK_Q5_K: return SHAPE_Q5_K;
  case CK_Q6_K: return SHAPE_Q6_K;
  }
  return SHAPE_Q8_0;
}

enum { STEP = 32, SUPER_STEPS = 8, HALF_BYTES = 16 * CK_NR };  // HALF_BYTES: all half bytes of a step

// Bytes of one row of scales or minima, of what stands before the codes of a step, of a step, and before 8 steps.
INLINE ck_size scale_row(block_shape f) { return f.is_super ? CK_NR : 2 * CK_NR; }
INLINE ck_size codes_at(block_shape f) { return scale_row(f) * f.parts * (1 + f.has_minimum); }
INLINE ck_size step_bytes(block_shape f) { return codes_at(f) + STEP * CK_NR * f.bits / 8; }
INLINE ck_size head_bytes(block_shape f) { return f.is_super ? 2 * CK_NR * (1 + f.has_minimum) : 0; }
INLINE ck_size panel_bytes(block_shape f, ck_size k) {
  return k / STEP * step_bytes(f) + (f.is_super ? k / (STEP * SUPER_STEPS) * head_bytes(f) : 0);
}
