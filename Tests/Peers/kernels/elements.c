// Functions of single numbers, against the exact value too, and the conversions of sixteen-bit floats.
#include <math.h>

#include "comparison.h"

// ---- functions --------------------------------------------------------------------------------------------------
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double negative(double x) { return -x; }
static double inverse(double x) { return 1 / x; }

typedef struct {
  ck_unary op;
  const char *name;
  double (*exact)(double);
  float reach;  // beyond it numbers may be rounded otherwise than within two units
} function;
static const function functions[] = {
    {CK_NEGATE, "negate", negative, 1e30f}, {CK_EXP, "exp", exp, 88},          {CK_LOG, "log", log, 1e6f},
    {CK_SQRT, "sqrt", sqrt, 1e6f},          {CK_RECIPROCAL, "reciprocal", inverse, 1e6f},
    {CK_SIGMOID, "sigmoid", sigmoid, 80},   {CK_TANH, "tanh", tanh, 10},       {CK_SIN, "sin", sin, 5000},
    {CK_COS, "cos", cos, 5000},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

// Distance in units in the last place of the float nearest to `exact`.
static double units(float y, double exact) {
  const float nearest = (float)exact;
  if (isnan(exact) || isinf(nearest)) return isnan(exact) ? (isnan(y) ? 0 : INFINITY) : y == nearest ? 0 : INFINITY;
  const float size = fabsf(nearest);
  return fabs((double)y - exact) / ((double)nextafterf(size, INFINITY) - size);
}

static void accuracy(trial *t, const ck_size *e) {
  const function f = functions[e[0]];
  const int is_positive = f.op == CK_LOG || f.op == CK_SQRT;
  enum { GRID = 4000, COUNT = 4 * GRID };
  float *x = TAKE(t, float, COUNT), *y = TAKE(t, float, COUNT);
  for (int i = 0; i < COUNT; i++) {
    const float place = (float)(i % (2 * GRID) - GRID + 0.5f) / GRID * (i < 2 * GRID ? f.reach : f.reach * 1e-4f);
    x[i] = is_positive ? fabsf(place) : place;
  }
  t->table->rows->unary(f.op, y, x, COUNT);
  double worst = 0;
  for (int i = 0; i < COUNT; i++) worst = fmax(worst, units(y[i], f.exact(x[i])));
  expect(t, worst <= 2, f.name);
}

static const float extremes[] = {INFINITY, -INFINITY, NAN, 0, -0.0f, 1000, -1000, 150, -150, 89, -104, 1, -1, 0.625f,
                                 0x1p-126f, 0x1p-149f, -0x1p-149f, 0x1.8p-130f, 0x1.fffffep127f, -0x1.fffffep127f};
enum { EXTREMES = sizeof extremes / sizeof *extremes };

// What is exact in scalar C agrees to the bit, the others within two units.
static void functions_of(trial *t, const ck_size *e) {
  const ck_size n = e[0];
  float *x = numbers(t, n, 5);
  for (ck_size i = 0; i < n && n >= EXTREMES; i++) x[i] = extremes[i % EXTREMES];
  for (int i = 0; i < FUNCTIONS; i++) {
    const ck_unary op = functions[i].op;
    const int is_near = op == CK_EXP || op == CK_LOG || op == CK_SIGMOID || op == CK_TANH;
    float *y = result(t, functions[i].name, n, is_near ? 1e-6 : 0);
    t->table->rows->unary(op, y, x, n);
    for (ck_size j = 0; j < n; j++) {
      float one;
      t->table->rows->unary(op, &one, x + j, 1);
      expect(t, same_floats(&one, y + j, 1), "a function is another alone");
    }
  }
}

// ---- conversions ------------------------------------------------------------------------------------------------
static void every_short(trial *t, const ck_size *e) {
  (void)e;
  uint16_t *x = TAKE(t, uint16_t, 65536);
  for (int i = 0; i < 65536; i++) x[i] = (uint16_t)i;
  t->table->rows->f32_from_f16(result(t, "f32_from_f16", 65536, 0), x, 65536);
  t->table->rows->f32_from_bf16(result(t, "f32_from_bf16", 65536, 0), x, 65536);
}

// Halves, the points between them, their neighbours, and anything at all.
static void every_float(trial *t, const ck_size *e) {
  const ck_size count = e[0];
  uint16_t *patterns = TAKE(t, uint16_t, 0x7c01);
  float *halves = TAKE(t, float, 0x7c01), *x = TAKE(t, float, count);
  for (int i = 0; i <= 0x7c00; i++) patterns[i] = (uint16_t)i;
  ck_kernels_for(CK_SCALAR)->rows->f32_from_f16(halves, patterns, 0x7c01);
  for (ck_size i = 0; i < count; i++) {
    if (i < 4 * 0x7c00) {
      const float low = halves[i / 4], middle = (low + fminf(halves[i / 4 + 1], 65536)) / 2;
      const float near[] = {low, middle, nextafterf(middle, INFINITY), -nextafterf(middle, 0)};
      x[i] = near[i % 4];
    } else {
      x[i] = i < count - EXTREMES ? float_of(bits(t)) : extremes[i - count + EXTREMES];
    }
  }
  t->table->rows->f16_from_f32(short_result(t, "f16_from_f32", HALVES, count), x, count);
  t->table->rows->bf16_from_f32(short_result(t, "bf16_from_f32", BRAINS, count), x, count);
}

static void every_length(trial *t, const ck_size *e) {
  const ck_size n = e[0];
  const float *x = numbers(t, n, 3);
  uint16_t *half = short_result(t, "f16_from_f32", HALVES, n), *brain = short_result(t, "bf16_from_f32", BRAINS, n);
  t->table->rows->f16_from_f32(half, x, n);
  t->table->rows->bf16_from_f32(brain, x, n);
  t->table->rows->f32_from_f16(result(t, "f32_from_f16", n, 0), half, n);
  t->table->rows->f32_from_bf16(result(t, "f32_from_bf16", n, 0), brain, n);
}

void compare_elements(verdict *v) {
  for (ck_size i = 0; i < FUNCTIONS; i++) COMPARE(v, "accuracy in units in the last place", accuracy, i);
  for (ck_size n = 0; n < 36; n++) {
    COMPARE(v, "functions", functions_of, n);
    COMPARE(v, "conversions", every_length, n);
  }
  COMPARE(v, "conversions of every short", every_short, 0);
  COMPARE(v, "conversions of floats", every_float, 4 * 0x7c00 + 20000);
}
