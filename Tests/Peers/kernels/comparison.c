// Memory that is watched, numbers from a seed, and the comparison of what two tables wrote.
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "comparison.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_ROOMS = 512, MOST_MESSAGES = 40, WATCHED = 0xa5 };

static void stop(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(2);
}

// ---- memory -----------------------------------------------------------------------------------------------------
void *take(trial *t, ck_size count, size_t size, size_t alignment) {
  if (t->count == MOST_ROOMS) stop("a body takes more arrays than there is room for");
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)count * size;
  const size_t behind = alignment > size ? 0 : t->slack * size;
  room *r = &t->rooms[t->count++];
  *r = (room){.bytes = bytes, .mapped = (bytes + behind + alignment + 64 + page - 1) / page * page + page};
  r->mapping = mmap(NULL, r->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (r->mapping == MAP_FAILED) stop("there is no memory for an array");
  memset(r->mapping, WATCHED, r->mapped);
  uint8_t *end = r->mapping + r->mapped - page;
  if (mprotect(end, page, PROT_NONE) != 0) stop("a page cannot be protected");
  r->start = (uint8_t *)((uintptr_t)(end - behind - bytes) / alignment * alignment);
  return r->start;
}

static int is_intact(const room *r) {
  const uint8_t *end = r->mapping + r->mapped - (size_t)sysconf(_SC_PAGESIZE);
  for (const uint8_t *p = r->mapping; p < end; p++) {
    if (p == r->start) p += r->bytes;
    if (p < end && *p != WATCHED) return 0;
  }
  return 1;
}

void keep_last(trial *t, const char *name, element kind, double tolerance) {
  room *r = &t->rooms[t->count - 1];
  r->name = name, r->kind = kind, r->tolerance = tolerance;
}

float *scratch_of(trial *t, ck_size floats) {
  float *x = TAKE_ALIGNED(t, float, floats);
  for (ck_size i = 0; i < floats; i++) x[i] = NAN;
  return x;
}

float *result(trial *t, const char *name, ck_size count, double tolerance) {
  float *y = TAKE(t, float, count);
  for (ck_size i = 0; i < count; i++) y[i] = 0.25f;
  keep_last(t, name, FLOATS, tolerance);
  return y;
}

uint16_t *short_result(trial *t, const char *name, element kind, ck_size count) {
  uint16_t *y = TAKE(t, uint16_t, count);
  memset(y, 0x17, (size_t)count * 2);
  keep_last(t, name, kind, 0);
  return y;
}

uint8_t *byte_result(trial *t, const char *name, ck_size count) {
  uint8_t *y = TAKE(t, uint8_t, count);
  memset(y, 0x17, (size_t)count);
  keep_last(t, name, BYTES, 0);
  return y;
}

// ---- numbers ----------------------------------------------------------------------------------------------------
// SplitMix64 (Steele, Lea & Flood 2014).
uint32_t bits(trial *t) {
  uint64_t z = t->random += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return (uint32_t)((z ^ z >> 31) >> 32);
}

float uniform(trial *t) { return (float)(bits(t) >> 8) * 0x1p-24f; }

float *numbers(trial *t, ck_size count, float scale) {
  float *x = TAKE(t, float, count);
  for (ck_size i = 0; i < count; i++) x[i] = (uniform(t) * 2 - 1) * scale;
  return x;
}

uint8_t *codes(trial *t, ck_size count) {
  uint8_t *x = TAKE(t, uint8_t, count);
  for (ck_size i = 0; i < count; i++) x[i] = (uint8_t)bits(t);
  return x;
}

float *copied(trial *t, const float *values, ck_size count) {
  float *x = TAKE(t, float, count);
  if (count > 0) memcpy(x, values, (size_t)count * sizeof *x);
  return x;
}

// ---- comparing --------------------------------------------------------------------------------------------------
static void report(trial *t, const char *what, const char *detail) {
  if (t->failures++ >= MOST_MESSAGES) return;
  printf("  %s: %s (", ck_isa_name(t->table->isa), t->title);
  for (int i = 0; i < MOST_EXTENTS; i++) printf(i == 0 ? "%td" : " %td", t->extents[i]);
  printf("; slack %zu): %s%s\n", t->slack, what, detail);
}

void expect(trial *t, int holds, const char *what) {
  t->facts++;
  if (!holds) report(t, what, "");
}

static int same_shorts(uint16_t a, uint16_t b, uint16_t infinity) {
  return a == b || ((a & 0x7fff) > infinity && (b & 0x7fff) > infinity);
}

int same_floats(const float *a, const float *b, ck_size count) {
  for (ck_size i = 0; i < count; i++)
    if (memcmp(a + i, b + i, sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return 0;
  return 1;
}

static int is_near(double a, double b, double tolerance) {
  return a == b || (isnan(a) && isnan(b)) || fabs(a - b) / fmax(1, fabs(b)) <= tolerance;
}

static size_t size_of(element kind) {
  switch (kind) {
  case FLOATS: return 4;
  case DOUBLES: return 8;
  case HALVES:
  case BRAINS: return 2;
  case BYTES: return 1;
  }
  return 1;
}

// Whether element i is equal in both.
static int agrees(const room *r, const uint8_t *a, const uint8_t *b, size_t i) {
  switch (r->kind) {
  case FLOATS: {
    const float x = ((const float *)a)[i], y = ((const float *)b)[i];
    return r->tolerance > 0 ? is_near(x, y, r->tolerance) : same_floats(&x, &y, 1);
  }
  case DOUBLES: return is_near(((const double *)a)[i], ((const double *)b)[i], r->tolerance);
  case HALVES: return same_shorts(((const uint16_t *)a)[i], ((const uint16_t *)b)[i], 0x7c00);
  case BRAINS: return same_shorts(((const uint16_t *)a)[i], ((const uint16_t *)b)[i], 0x7f80);
  case BYTES: return a[i] == b[i];
  }
  return 0;
}

static void describe(char *text, size_t size, const room *r, const room *wanted, size_t i) {
  if (r->kind == FLOATS) {
    const double a = ((const float *)r->start)[i], b = ((const float *)wanted->start)[i];
    snprintf(text, size, " differs, first at %zu: %a for %a", i, a, b);
  } else {
    const size_t bytes = size_of(r->kind);
    unsigned long long a = 0, b = 0;
    memcpy(&a, r->start + i * bytes, bytes), memcpy(&b, wanted->start + i * bytes, bytes);
    snprintf(text, size, " differs, first at %zu: %llx for %llx", i, a, b);
  }
}

static void compare_rooms(verdict *v, const trial *scalar, trial *fast) {
  if (scalar->count != fast->count) return report(fast, "takes other arrays than the scalar run", "");
  for (int i = 0; i < fast->count; i++) {
    const room *wanted = &scalar->rooms[i], *r = &fast->rooms[i];
    if (!is_intact(r)) report(fast, r->name ? r->name : "an operand", " is written outside");
    if (!r->name) continue;
    const size_t count = r->bytes / size_of(r->kind);
    v->results++, v->numbers += (long)count;
    for (size_t j = 0; j < count; j++) {
      if (agrees(r, r->start, wanted->start, j)) continue;
      char text[160];
      describe(text, sizeof text, r, wanted, j);
      report(fast, r->name, text);
      break;
    }
  }
}

static void finish(trial *t) {
  for (int i = 0; i < t->count; i++) munmap(t->rooms[i].mapping, t->rooms[i].mapped);
  free(t->rooms);
}

static trial begin(const ck_kernels *table, const char *title, const ck_size *extents, int count, size_t slack) {
  trial t = {.table = table, .title = title, .random = 20, .slack = slack, .rooms = calloc(MOST_ROOMS, sizeof(room))};
  if (t.rooms == NULL) stop("there is no memory for a list of arrays");
  for (int i = 0; i < count; i++) t.extents[i] = extents[i], t.random += (uint64_t)extents[i] * 1000003u << i;
  return t;
}

void compare(verdict *v, const char *title, body run, const ck_size *extents, int count) {
  static const size_t slacks[] = {0, 1, 6};
  for (int i = 0; i < 3; i++) {
    trial scalar = begin(ck_kernels_for(CK_SCALAR), title, extents, count, slacks[i]);
    trial fast = begin(v->table, title, extents, count, slacks[i]);
    run(&scalar, scalar.extents);
    run(&fast, fast.extents);
    compare_rooms(v, &scalar, &fast);
    v->cases++, v->facts += fast.facts, v->failures += scalar.failures + fast.failures;
    finish(&scalar), finish(&fast);
  }
}
