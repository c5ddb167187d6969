// Blocks of memory from the system. Large ones are mappings of their own, so that giving one back gives it back whole:
// a general allocator keeps the holes between blocks of changing sizes, and a process grows without using more.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ckernels.h"

enum {
  MAPPED = 1 << 18,  // bytes from which on a block is a mapping
  HUGE = 1 << 21,    // bytes of a large page: fewer faults and fewer misses when matrices are walked
  ALIGNMENT = 64
};

static void *map(size_t bytes) {
  void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block == MAP_FAILED ? NULL : block;
}

// A mapping that begins where a large page can begin: what stands before and behind it is given back at once.
static void *map_at_large_pages(size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
  char *place = map(whole + HUGE);
  if (place == NULL) return NULL;
  char *block = (char *)(((uintptr_t)place + HUGE - 1) / HUGE * HUGE);
  if (block > place) (void)munmap(place, (size_t)(block - place));
  if (place + HUGE > block) (void)munmap(block + whole, (size_t)(place + HUGE - block));
#if defined(MADV_HUGEPAGE)
  (void)madvise(block, whole, MADV_HUGEPAGE);  // advice: nothing depends on it
#endif
  return block;
}

void *ck_memory_take(ck_size bytes) {
  if (bytes >= MAPPED) {
    return bytes < HUGE ? map((size_t)bytes) : map_at_large_pages((size_t)bytes);
  }
  void *block = NULL;
  return posix_memalign(&block, ALIGNMENT, (size_t)bytes) == 0 ? block : NULL;
}

void ck_memory_give(void *block, ck_size bytes) {
  if (bytes >= MAPPED) {
    (void)munmap(block, (size_t)bytes);
  } else {
    free(block);
  }
}
