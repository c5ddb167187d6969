// Eight-bit and twelve-bit floats, and products of eight-bit codes: everything bit for bit.
#include <math.h>

#include "comparison.h"

static const ck_float8 formats[] = {CK_E4M3, CK_E5M2};
static const ck_overflow overflows[] = {CK_TO_LARGEST, CK_TO_SPECIAL};

// ---- numbers ----------------------------------------------------------------------------------------------------
// Every upper half of a float with the tie behind it and its neighbours, and anything at all.
static void every_float(trial *t, const ck_size *e) {
  const ck_float8_kernels *f = t->table->float8;
  const ck_size count = e[0];
  float *x = TAKE(t, float, count);
  for (ck_size i = 0; i < count; i++) {
    const uint32_t half = (uint32_t)i / 4 << 16, near[] = {half, half + 0x8000, half + 0x8001, half + 0x7fff};
    x[i] = float_of(i < 4 * 0x10000 ? near[i % 4] : bits(t));
  }
  for (int format = 0; format < 2; format++) {
    for (int overflow = 0; overflow < 2; overflow++) {
      uint8_t *y = byte_result(t, "encode", count);
      f->encode(formats[format], overflows[overflow], y, x, 1, count);
    }
  }
}

static void every_code(trial *t, const ck_size *e) {
  (void)e;
  uint8_t *x = TAKE(t, uint8_t, 256);
  for (int i = 0; i < 256; i++) x[i] = (uint8_t)i;
  for (int format = 0; format < 2; format++) {
    float *y = result(t, "decode", 256, 0);
    t->table->float8->decode(formats[format], y, x, 1, 256);
  }
}

static float *positive(trial *t, ck_size count) {
  float *x = numbers(t, count, 2);
  for (ck_size i = 0; i < count; i++) x[i] = 0.1f + fabsf(x[i]);
  return x;
}

static void lengths(trial *t, const ck_size *e) {
  const ck_float8_kernels *f = t->table->float8;
  const ck_size n = e[0];
  const float *x = numbers(t, n, 300), *scales = positive(t, n);
  for (int format = 0; format < 2; format++) {
    uint8_t *y = byte_result(t, "encode", n), *each = byte_result(t, "encode_each", n);
    f->encode(formats[format], CK_TO_LARGEST, y, x, 0.3f, n);
    f->encode_each(formats[format], CK_TO_SPECIAL, each, x, scales, n);
    float *back = result(t, "decode", n, 0), *each_back = result(t, "decode_each", n, 0);
    f->decode(formats[format], back, y, 0.3f, n);
    f->decode_each(formats[format], each_back, each, scales, n);
  }
  float *y = result(t, "magnitudes", n, 0);
  f->magnitudes(y, x, n);
  float *most = result(t, "magnitude", n + 1, 0), *with_nan = copied(t, x, n);
  most[n] = f->magnitude(x, n);
  for (ck_size place = 0; place < n; place++) {
    with_nan[place] = place % 2 ? NAN : -999;
    most[place] = f->magnitude(with_nan, n);
    expect(t, place % 2 ? isnan(most[place]) : most[place] == 999, "magnitude passes over a number");
    with_nan[place] = x[place];
  }
}

// Rows in tiles: ordinary ones, a small first tile, and what is not finite in the last.
static void tiles(trial *t, const ck_size *e) {
  const ck_float8_kernels *f = t->table->float8;
  const ck_size n = e[0], count = (n + CK_SCALED_DEPTH - 1) / CK_SCALED_DEPTH;
  float *x = numbers(t, n, 300);
  for (ck_size i = 0; i < n && i < CK_SCALED_DEPTH; i++) x[i] *= 1e-9f;
  if (e[1] == 1 && n > 0) x[n - 1] = -INFINITY;
  if (e[1] == 2 && n > 0) x[n - 1] = NAN;
  for (int powers = 0; powers < 2; powers++) {
    for (int least = 0; least < 2; least++) {
      for (int format = 0; format < 2; format++) {
        uint8_t *y = byte_result(t, "encode_row", n);
        float *scales = result(t, "scales of encode_row", count, 0);
        f->encode_row(formats[format], y, scales, x, least ? 1e-4f : 1e-30f, powers, n);
      }
    }
  }
  uint8_t *y = byte_result(t, "encode_twelve", (n * 3 + 1) / 2);
  float *scales = result(t, "scales of encode_twelve", count, 0), *back = result(t, "decode_twelve", n, 0);
  f->encode_twelve(y, scales, x, n);
  f->decode_twelve(back, y, scales, n);
}

// Every twelve-bit code, and floats at and between their numbers, in tiles whose scale is 1.
static void twelve_bits(trial *t, const ck_size *e) {
  const ck_size n = e[0];
  float *x = TAKE(t, float, n);
  for (ck_size i = 0; i < n; i++) {
    const uint32_t half = 0x30000000 + ((uint32_t)i / 3 << 16), near[] = {half, half + 0x8000, half + 1};
    x[i] = i % CK_SCALED_DEPTH == 0 ? 65024.0f : fminf(float_of(near[i % 3]), 65024.0f) * (bits(t) & 1 ? 1 : -1);
  }
  const ck_size count = (n + CK_SCALED_DEPTH - 1) / CK_SCALED_DEPTH;
  uint8_t *y = byte_result(t, "encode_twelve", (n * 3 + 1) / 2);
  float *scales = result(t, "scales", count, 0), *back = result(t, "decode_twelve", n, 0);
  t->table->float8->encode_twelve(y, scales, x, n);
  t->table->float8->decode_twelve(back, y, scales, n);
  uint8_t *all = TAKE(t, uint8_t, 4096 * 3 / 2);
  for (int i = 0; i < 4096; i += 2) {
    const uint32_t pair = (uint32_t)i | (uint32_t)(i + 1) << 12;
    for (int b = 0; b < 3; b++) all[i / 2 * 3 + b] = (uint8_t)(pair >> 8 * b);
  }
  const float *all_scales = positive(t, 4096 / CK_SCALED_DEPTH);
  float *values = result(t, "decode_twelve of every code", 4096, 0);
  t->table->float8->decode_twelve(values, all, all_scales, 4096);
}

void compare_float8(verdict *v) {
  COMPARE(v, "codes of floats", every_float, 4 * 0x10000 + 20000);
  COMPARE(v, "values of codes", every_code, 0);
  for (ck_size n = 0; n < 36; n++) COMPARE(v, "lengths of codes", lengths, n);
  for (ck_size n = 63; n < 140; n += 13) COMPARE(v, "lengths of codes", lengths, n);
  const ck_size widths[] = {0, 1, 31, 127, 128, 129, 130, 255, 300};
  for (int i = 0; i < 9; i++)
    for (ck_size special = 0; special < 3; special++) COMPARE(v, "tiles of codes", tiles, widths[i], special);
  COMPARE(v, "twelve bits", twelve_bits, 3 * 0x1800 + 5);
}

// ---- products ---------------------------------------------------------------------------------------------------
static uint8_t *finite_codes(trial *t, ck_float8 format, ck_size count, int special) {
  uint8_t *x = codes(t, count);
  for (ck_size i = 0; i < count && !special; i++) {
    if (format == CK_E4M3 && (x[i] & 0x7f) == 0x7f) x[i] ^= 1;
    if (format == CK_E5M2 && (x[i] & 0x7c) == 0x7c) x[i] ^= 4;
  }
  return x;
}

// m, k, n, formats of A and B, whether there are NaN and infinities.
static void scaled_products(trial *t, const ck_size *e) {
  const ck_size m = e[0], k = e[1], n = e[2], panels = (n + CK_NR - 1) / CK_NR;
  const ck_size blocks = (k + CK_SCALED_DEPTH - 1) / CK_SCALED_DEPTH, lda = k + 3, ldc = n + 5;
  const ck_float8 a_format = formats[e[3]], b_format = formats[e[4]];
  const uint8_t *b = finite_codes(t, b_format, k * n, (int)e[5]);
  uint8_t *packed = TAKE_ALIGNED(t, uint8_t, ck_packed_count(k, n));
  keep_last(t, "ck_pack_codes", BYTES, 0);
  ck_pack_codes(packed, b, k, 1, k, n, 0, panels);
  ck_scaled_operands x = {
      .a = finite_codes(t, a_format, m * lda, (int)e[5]), .lda = lda, .a_scales = positive(t, m * (blocks + 1)),
      .ld_a_scales = blocks + 1, .b = packed, .b_scales = positive(t, panels * blocks * CK_NR),
      .a_format = a_format, .b_format = b_format, .ldc = ldc, .m = m, .n = n, .k = k};
  float *scratch = scratch_of(t, ck_scaled_scratch());
  x.c = result(t, "product", m * ldc, 0);
  t->table->scaled->product(&x, 0, panels, scratch);
  x.c = result(t, "product, last panel", m * ldc, 0);
  if (panels > 0) t->table->scaled->product(&x, panels - 1, panels, scratch);
}

static void scaled_gradients(trial *t, const ck_size *e) {
  const ck_size m = e[0], k = e[1], n = e[2], lda = m + 2, ldb = n + 1, ldc = n + 5;
  const ck_size blocks = (k + CK_SCALED_DEPTH - 1) / CK_SCALED_DEPTH;
  const ck_float8 a_format = formats[e[3]], b_format = formats[e[4]];
  const ck_scaled_columns x = {
      .a = finite_codes(t, a_format, k * lda, (int)e[5]), .lda = lda, .a_scales = positive(t, blocks * (m + 1)),
      .ld_a_scales = m + 1, .b = finite_codes(t, b_format, k * ldb, (int)e[5]), .ldb = ldb,
      .b_scales = positive(t, blocks * (n + 1)), .ld_b_scales = n + 1, .a_format = a_format, .b_format = b_format,
      .c = result(t, "product_at", m * ldc, 0), .ldc = ldc, .m = m, .n = n, .k = k};
  t->table->scaled->product_at(&x, scratch_of(t, ck_scaled_scratch()));
}

void compare_scaled(verdict *v) {
  const ck_size extents[][3] = {{1, 128, 32}, {1, 1, 1},    {2, 300, 70}, {3, 500, 300}, {5, 129, 300},
                                {7, 257, 33}, {8, 128, 64}, {14, 40, 140}, {16, 20, 33}, {17, 130, 7},
                                {33, 64, 65}, {171, 130, 40}, {4, 1157, 100}, {13, 1300, 47}, {2, 0, 3}};
  for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
    const ck_size *e = extents[i];
    for (ck_size pair = 0; pair < 8; pair++) {
      if (pair >= 4 && e[0] > 8) continue;  // special numbers in small products only
      COMPARE(v, "scaled products", scaled_products, e[0], e[1], e[2], pair & 1, pair >> 1 & 1, pair >> 2);
      COMPARE(v, "scaled weight gradients", scaled_gradients, e[0], e[1], e[2], pair & 1, pair >> 1 & 1, pair >> 2);
    }
  }
}
