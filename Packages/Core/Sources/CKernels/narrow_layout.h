// How packed narrow weights lie in memory, the same for every instruction set. A panel is 32 outputs: for each step
// along k a word of every output in turn. A word is two numbers of 16 bits or four of 8 that follow each other along k,
// the first in the lowest bits; behind an end of k come zeros. E4M3 has the scales of the 32 outputs before every 128
// numbers, multiplied by 2^120: shifted into the place of a float's, exponent and fraction of a code are its value
// times 2^-120, subnormal ones included.
#pragma once
#include "gemm_blocks.h"

#define LAYOUT static inline __attribute__((always_inline))

// Numbers in a word, and numbers that share a row of scales; 0 where there are none.
LAYOUT int narrow_parts(ck_narrow form) { return form == CK_NARROW_E4M3 ? 4 : 2; }
LAYOUT ck_size narrow_words(ck_narrow form, ck_size k) { return (k + narrow_parts(form) - 1) / narrow_parts(form); }
LAYOUT ck_size narrow_tiles(ck_size k) { return (k + CK_NARROW_TILE - 1) / CK_NARROW_TILE; }

// Words from the beginning of a panel to number k, the first of a tile.
LAYOUT ck_size narrow_place(ck_narrow form, ck_size k) {
  return CK_NR * (narrow_words(form, k) + (form == CK_NARROW_E4M3 ? narrow_tiles(k) : 0));
}
