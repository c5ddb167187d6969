// Holds every kernel of every instruction set that runs here against the scalar ones, and tries the pool and the
// memory. Prints a line per table, and ends with 1 when anything differs, with 2 when there was nothing to compare.
// Arguments are the names of tables; without any all are compared.
#include <stdio.h>
#include <stdlib.h>

#include "comparison.h"

typedef struct {
  const char *name;
  void (*run)(verdict *v);
} family;
static const family families[] = {
    {"gemm", compare_products}, {"bf16", compare_bfloat16}, {"attention", compare_attention}, {"rows", compare_rows},
    {"elements", compare_elements}, {"float8", compare_float8}, {"scaled", compare_scaled}, {"blocks", compare_blocks},
    {"narrow", compare_narrow},
};

static int is_wanted(const char *name, int count, char **wanted) {
  int found = count == 0;
  for (int i = 0; i < count; i++) found |= strcmp(wanted[i], name) == 0;
  return found;
}

static long compare_all(const ck_kernels *table, int count, char **wanted) {
  const char *set = ck_isa_name(table->isa);
  long failures = 0;
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    if (!is_wanted(families[i].name, count, wanted)) continue;
    verdict v = {.table = table};
    families[i].run(&v);
    printf("%-7s %-10s %6ld cases %7ld results %10ld numbers %7ld facts: %s\n", set, families[i].name, v.cases,
           v.results, v.numbers, v.facts, v.failures ? "DIFFERS" : "equal");
    if (v.failures) printf("%-7s %-10s %ld failures\n", set, families[i].name, v.failures);
    fflush(stdout);
    failures += v.failures;
  }
  return failures;
}

// ---- the pool and the memory ------------------------------------------------------------------------------------
typedef struct {
  int *visits;
} visits;

static void visit(void *context, ck_size chunk) { ((visits *)context)->visits[chunk]++; }

static int all_visited(const int *found, ck_size count, int times) {
  for (ck_size i = 0; i < count; i++)
    if (found[i] != times) return 0;
  return 1;
}

// Every chunk of every job runs once, of jobs that are waited for and of jobs that are begun and ended.
static long pool_failures(void) {
  enum { MOST = 140000, ROUNDS = 300 };
  static const ck_size counts[] = {0, 1, 2, 3, 17, 1000, 65535, 65536, MOST};
  int *found = calloc(MOST, sizeof *found);
  ck_pool *pool = ck_pool_create(2);
  if (found == NULL || pool == NULL) return 1;
  visits context = {found};
  long failures = ck_pool_threads(pool) != 2;
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    memset(found, 0, MOST * sizeof *found);
    const int rounds = counts[i] > 1000 ? 2 : ROUNDS;
    for (int round = 0; round < rounds; round++) {
      ck_pool_run(pool, counts[i], visit, &context);
      const uint32_t job = ck_pool_begin(pool, counts[i], visit, &context);
      ck_pool_end(pool, job);
    }
    failures += !all_visited(found, counts[i], 2 * rounds);
  }
  ck_pool_destroy(pool);
  free(found);
  return failures;
}

static long memory_failures(void) {
  static const ck_size sizes[] = {1, 63, 4096, (1 << 18) - 1, 1 << 18, (1 << 21) - 1, 1 << 21, (5 << 20) + 3};
  long failures = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    uint8_t *block = ck_memory_take(sizes[i]);
    if (block == NULL || (uintptr_t)block % 64 != 0) {
      failures++;
      continue;
    }
    memset(block, 1, (size_t)sizes[i]);
    ck_memory_give(block, sizes[i]);
  }
  return failures;
}

int main(int count, char **arguments) {
  static const ck_isa sets[] = {CK_AVX2, CK_AVX512, CK_NEON};
  const long pool = pool_failures(), memory = memory_failures();
  printf("pool of 2 threads: %s; memory: %s; best here: %s\n", pool ? "FAILS" : "every chunk once",
         memory ? "FAILS" : "aligned and writable", ck_isa_name(ck_best_isa()));
  long compared = 0, failures = pool + memory;
  for (int i = 0; i < 3; i++) {
    if (!ck_isa_available(sets[i])) continue;
    failures += compare_all(ck_kernels_for(sets[i]), count - 1, arguments + 1);
    compared++;
  }
  if (compared == 0) fprintf(stderr, "this processor has no instruction set to compare with the scalar kernels\n");
  return compared == 0 ? 2 : failures ? 1 : 0;
}
