// From stored matrices of narrow floats to panels, for every instruction set: words are moved, numbers never changed.
#include <math.h>
#include <string.h>

#include "narrow_layout.h"

ck_size ck_narrow_panel_bytes(ck_narrow form, ck_size k) { return narrow_place(form, k) * 4; }

int ck_narrow_codes_are_plain(const uint8_t *codes, ck_size count) {
  unsigned found = 0;
  for (ck_size i = 0; i < count; i++) found |= (unsigned)(codes[i] & 0x7f) + 1;
  // Each sum is at most 128, and only NaN's is.
  return (found & 0x80) == 0;
}

int ck_narrow_scales_are_plain(const float *scales, ck_size count) {
  for (ck_size i = 0; i < count; i++) {
    if (isfinite(scales[i]) && fabsf(scales[i]) >= 128) return 0;
  }
  return 1;
}

typedef uint32_t quad __attribute__((ext_vector_type(4)));
typedef uint32_t loose_quad __attribute__((ext_vector_type(4), aligned(1)));

LAYOUT uint32_t word_at(const uint8_t *p, ck_size bytes) {
  uint32_t x = 0;
  memcpy(&x, p, (size_t)bytes);
  return x;
}

// Four words of four outputs, turned.
LAYOUT void turn_quad(uint32_t *out, const uint8_t *r0, const uint8_t *r1, const uint8_t *r2, const uint8_t *r3) {
  const quad x0 = *(const loose_quad *)r0, x1 = *(const loose_quad *)r1;
  const quad x2 = *(const loose_quad *)r2, x3 = *(const loose_quad *)r3;
  const quad low01 = __builtin_shufflevector(x0, x1, 0, 4, 1, 5), high01 = __builtin_shufflevector(x0, x1, 2, 6, 3, 7);
  const quad low23 = __builtin_shufflevector(x2, x3, 0, 4, 1, 5), high23 = __builtin_shufflevector(x2, x3, 2, 6, 3, 7);
  *(quad *)out = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  *(quad *)(out + CK_NR) = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  *(quad *)(out + 2 * CK_NR) = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  *(quad *)(out + 3 * CK_NR) = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

// The words of `width` stored rows of `bytes` each: out[w][lane]. The last word may be partial.
static void turn_rows(uint32_t *out, const uint8_t *from, ck_size row_bytes, ck_size width, ck_size bytes) {
  const ck_size words = bytes / 4;
  for (ck_size start = 0; start < words; start += 16) {
    const ck_size end = ck_smaller(words, start + 16);
    for (ck_size lane = 0; lane < width; lane++) __builtin_prefetch(from + lane * row_bytes + start * 4 + 192);
    for (ck_size lane = 0; lane < width; lane += 4) {
      const uint8_t *row = from + lane * row_bytes;
      ck_size w = start;
      for (; lane + 4 <= width && w + 4 <= end; w += 4) {
        const uint8_t *at = row + w * 4;
        turn_quad(out + w * CK_NR + lane, at, at + row_bytes, at + 2 * row_bytes, at + 3 * row_bytes);
      }
      for (; w < end; w++) {
        for (ck_size i = lane; i < ck_smaller(lane + 4, width); i++)
          out[w * CK_NR + i] = word_at(from + i * row_bytes + w * 4, 4);
      }
    }
  }
  if (words * 4 == bytes) return;
  for (ck_size lane = 0; lane < width; lane++)
    out[words * CK_NR + lane] = word_at(from + lane * row_bytes + words * 4, bytes - words * 4);
}

// The words of `rows` stored rows, which follow each other along k, and of `width` columns.
static void join_rows(uint32_t *out, const uint8_t *from, ck_size row_bytes, ck_size width, ck_size rows, int parts) {
  const int size = 4 / parts;
  for (ck_size row = 0; row < rows; row += parts, out += CK_NR) {
    for (ck_size lane = 0; lane < width; lane++) {
      uint32_t word = 0;
      for (int p = 0; p < ck_smaller(parts, rows - row); p++)
        word |= word_at(from + (row + p) * row_bytes + lane * size, size) << (32 / parts * p);
      out[lane] = word;
    }
  }
}

// The scales of a panel's outputs for the numbers of one tile along k.
static void put_scales(float *out, const ck_narrow_weight *x, ck_size column, ck_size width, ck_size k) {
  for (ck_size lane = 0; lane < width; lane++) {
    const ck_size row = x->first_row + (x->transposed ? column + lane : k), other = x->transposed ? k : column + lane;
    out[lane] = x->scales[row / CK_NARROW_TILE * x->ld_scales + other / CK_NARROW_TILE] * 0x1p120f;
  }
}

// Numbers k ..< k + depth of a panel.
static void put_words(uint32_t *out, const ck_narrow_weight *x, ck_size column, ck_size width, ck_size k, ck_size depth) {
  const int parts = narrow_parts(x->form), size = 4 / parts;
  const ck_size row = x->transposed ? column : k, start = x->transposed ? k : column;
  const uint8_t *from = (const uint8_t *)x->numbers + (row * x->ld + start) * size;
  if (x->transposed) turn_rows(out, from, x->ld * size, width, depth * size);
  else join_rows(out, from, x->ld * size, width, depth, parts);
}

void ck_narrow_pack(uint32_t *packed, const ck_narrow_weight *x, ck_size first_panel, ck_size last_panel) {
  const ck_size words = narrow_place(x->form, x->k), step = x->form == CK_NARROW_E4M3 ? CK_NARROW_TILE : x->k;
  for (ck_size panel = first_panel; panel < last_panel; panel++, packed += words) {
    const ck_size column = panel * CK_NR, width = ck_smaller(CK_NR, x->n - column);
    if (width < CK_NR) memset(packed, 0, (size_t)words * 4);
    for (ck_size k = 0; k < x->k; k += step) {
      uint32_t *out = packed + narrow_place(x->form, k);
      if (x->form == CK_NARROW_E4M3) {
        put_scales((float *)out, x, column, width, k);
        out += CK_NR;
      }
      put_words(out, x, column, width, k, ck_smaller(step, x->k - k));
    }
  }
}
