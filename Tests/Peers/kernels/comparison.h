// How two tables of kernels are compared: the same calls are made with each, and what they wrote is held against each
// other. Every array ends where a page begins that may not be touched, and stands behind bytes that are watched.
#pragma once
#include <stdint.h>
#include <string.h>

#include "ckernels.h"

// What a result is made of, which says when two of them are equal: to the bit, but that NaN equals NaN.
typedef enum { FLOATS, DOUBLES, HALVES, BRAINS, BYTES } element;

// Extents of one case; what each is, the body knows.
enum { MOST_EXTENTS = 8 };

// An array that a body works with.
typedef struct {
  const char *name;  // NULL unless it is a result
  element kind;
  double tolerance;  // |a - b| / max(1, |b|), of floats and doubles
  uint8_t *mapping, *start;
  size_t mapped, bytes;
} room;

// One run of a body with one table.
typedef struct {
  const ck_kernels *table;
  const char *title;
  ck_size extents[MOST_EXTENTS];
  uint64_t random;
  size_t slack;  // elements between the end of an array and the page behind it: arrays are misaligned in every way
  room *rooms;
  int count;
  long facts, failures;
} trial;

// What has been found about one table.
typedef struct {
  const ck_kernels *table;
  long cases, results, numbers, facts, failures;
} verdict;

typedef void (*body)(trial *t, const ck_size *extents);
// Runs a body with the scalar table and with that of the verdict, at three misalignments, and compares.
void compare(verdict *v, const char *title, body run, const ck_size *extents, int count);
#define COMPARE(v, title, run, ...)                                                                                    \
  do {                                                                                                                 \
    const ck_size values[] = {__VA_ARGS__};                                                                            \
    compare(v, title, run, values, (int)(sizeof values / sizeof *values));                                             \
  } while (0)

// ---- inside a body ----------------------------------------------------------------------------------------------
// Memory with any contents; its end is where the page ends, as near as alignment and slack let it.
void *take(trial *t, ck_size count, size_t size, size_t alignment);
#define TAKE(t, type, count) ((type *)take(t, count, sizeof(type), sizeof(type)))
// The same for packed operands and for scratch, which stand at 64 bytes; scratch is full of NaN.
#define TAKE_ALIGNED(t, type, count) ((type *)take(t, count, sizeof(type), 64))
float *scratch_of(trial *t, ck_size floats);
// The array that was taken last will be compared under this name.
void keep_last(trial *t, const char *name, element kind, double tolerance);

// Floats that a kernel writes: 0.25 until then.
float *result(trial *t, const char *name, ck_size count, double tolerance);
uint16_t *short_result(trial *t, const char *name, element kind, ck_size count);
uint8_t *byte_result(trial *t, const char *name, ck_size count);

uint32_t bits(trial *t);
float uniform(trial *t);  // in 0 ..< 1
float *numbers(trial *t, ck_size count, float scale);  // between -scale and scale
uint8_t *codes(trial *t, ck_size count);               // any bytes
float *copied(trial *t, const float *values, ck_size count);

// Something that holds of one table, of the scalar one as well.
void expect(trial *t, int holds, const char *what);
int same_floats(const float *a, const float *b, ck_size count);  // bits, NaN equals NaN
static inline float float_of(uint32_t pattern) {
  float x;
  memcpy(&x, &pattern, sizeof x);
  return x;
}

// ---- the bodies, by the table's entries -------------------------------------------------------------------------
void compare_products(verdict *v);
void compare_bfloat16(verdict *v);
void compare_attention(verdict *v);
void compare_rows(verdict *v);
void compare_elements(verdict *v);
void compare_float8(verdict *v);
void compare_scaled(verdict *v);
void compare_blocks(verdict *v);
void compare_narrow(verdict *v);
