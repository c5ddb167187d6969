// Blocks of memory from the system. Large ones are mappings of their own, so that giving one back gives it back whole:
// a general allocator keeps the holes between blocks of changing sizes, and a process grows without using more.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#include <sys/mman.h>

#include "ckernels.h"

enum {
  MAPPED = 1 << 18,  // bytes from which on a block is a mapping
  HUGE = 1 << 21,    // bytes of a large page: fewer faults and fewer misses when matrices are walked
  ALIGNMENT = 64
};

void *ck_memory_take(ck_size bytes) {
  if (bytes >= MAPPED) {
    void *block = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return NULL;
#if defined(MADV_HUGEPAGE)
    if (bytes >= HUGE) (void)madvise(block, (size_t)bytes, MADV_HUGEPAGE);  // advice: nothing depends on it
#endif
    return block;
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
