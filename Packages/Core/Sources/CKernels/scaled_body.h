// Products of eight-bit codes for processors without products of bfloat16: codes become floats, which the products of
// floats multiply. Included after float8_body.h; the including file defines PLAIN, the products of its instruction set.

// c += part · (row scale · column scale), for one panel of `columns` columns. Rows of part are `stride` floats apart.
static INLINE void promote(float *c, ck_size ldc, const float *part, ck_size stride, const float *row_scales,
                           ck_size ld_row_scales, const float *column_scales, ck_size rows, ck_size columns) {
  for (ck_size r = 0; r < rows; r++, c += ldc, part += stride, row_scales += ld_row_scales) {
    for (ck_size j = 0; j < columns; j += LANES) {
      const ck_size n = ck_smaller(LANES, columns - j);
      const lanes scale = splat(*row_scales) * load(column_scales + j, n);
      store(c + j, fused(load(part + j, n), scale, load(c + j, n)), n);
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

static void product_at(const ck_scaled_columns *x, float *scratch) {
  float *a = scratch, *b = a + CK_SCALED_ROWS * CK_SCALED_DEPTH, *part = b + CK_SCALED_DEPTH * CK_NR;
  float *rest = part + CK_SCALED_ROWS * CK_NR;
  for (ck_size r = 0; r < x->m; r++) __builtin_memset(x->c + r * x->ldc, 0, (size_t)x->n * sizeof(float));
  for (ck_size row = 0; row < x->m; row += CK_SCALED_ROWS) {
    const ck_size rows = ck_smaller(CK_SCALED_ROWS, x->m - row);
    for (ck_size start = 0, t = 0; start < x->k; start += CK_SCALED_DEPTH, t++) {
      const ck_size depth = ck_smaller(CK_SCALED_DEPTH, x->k - start);
      for (ck_size p = 0; p < depth; p++) decode(x->a_format, a + p * rows, x->a + (start + p) * x->lda + row, 1, rows);
      for (ck_size column = 0; column < x->n; column += CK_NR) {
        const ck_size width = ck_smaller(CK_NR, x->n - column);
        for (ck_size p = 0; p < depth; p++)
          decode(x->b_format, b + p * width, x->b + (start + p) * x->ldb + column, 1, width);
        PLAIN.product_at(part, CK_NR, a, rows, b, width, rows, width, depth, 0, rest);
        promote(x->c + row * x->ldc + column, x->ldc, part, CK_NR, x->a_scales + t * x->ld_a_scales + row, 1,
                x->b_scales + t * x->ld_b_scales + column, rows, width);
      }
    }
  }
}
