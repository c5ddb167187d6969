// The thread pool: workers and the calling thread claim chunks one by one from a shared ticket, so that a core taken
// by somebody else delays one chunk and not the job.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "ckernels.h"

enum {
  SPINS = 4000,        // pauses before a thread sleeps: some tens of microseconds
  MOST_CHUNKS = 65535  // of one ticket; longer jobs are handed out in parts
};

struct ck_pool {
  // generation (32 bits) | count (16) | next (16). A chunk is claimed by exchanging the whole word, so a thread that
  // was away while jobs came and went fails to claim: its generation has passed. Only after a claim are the fields of
  // the job read, and they cannot change before that chunk is reported as finished.
  _Alignas(128) _Atomic uint64_t ticket;
  _Alignas(128) _Atomic uint32_t unfinished;  // chunks of this job that have not returned
  _Atomic uint32_t caller_sleeps;
  _Alignas(128) _Atomic uint32_t bell;  // changes whenever sleeping workers should look again
  _Atomic uint32_t sleepers;
  _Atomic uint32_t closing;
  _Alignas(128) ck_chunk_function body;
  void *context;
  ck_size offset;  // chunk number of this ticket's first chunk
  _Atomic uint32_t open;  // the generation of a job that was begun and not ended; 0: none
  pthread_mutex_t submitting;
  int workers;
  pthread_t *threads;
#if !defined(__linux__)
  pthread_mutex_t sleeping;
  pthread_cond_t waking;
#endif
};

static inline void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

// Sleeps while *word is `expected`; may return early. Whoever changes the word calls `wake` afterwards.
static void sleep_while(ck_pool *pool, _Atomic uint32_t *word, uint32_t expected) {
#if defined(__linux__)
  (void)pool;
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
#else
  pthread_mutex_lock(&pool->sleeping);
  while (atomic_load(word) == expected) pthread_cond_wait(&pool->waking, &pool->sleeping);
  pthread_mutex_unlock(&pool->sleeping);
#endif
}

static void wake(ck_pool *pool, _Atomic uint32_t *word, int threads) {
#if defined(__linux__)
  (void)pool;
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
#else
  (void)word, (void)threads;
  pthread_mutex_lock(&pool->sleeping);
  pthread_cond_broadcast(&pool->waking);
  pthread_mutex_unlock(&pool->sleeping);
#endif
}

static inline int has_chunks(uint64_t ticket) { return (ticket & 0xffff) < (ticket >> 16 & 0xffff); }

// Claims and runs chunks until none is left to claim.
static void run_chunks(ck_pool *pool) {
  uint64_t ticket = atomic_load(&pool->ticket);
  while (has_chunks(ticket)) {
    if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1)) continue;
    pool->body(pool->context, pool->offset + (ck_size)(ticket & 0xffff));
    if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
      wake(pool, &pool->unfinished, 1);
    }
    ticket = atomic_load(&pool->ticket);
  }
}

// Returns when there may be chunks, or when the pool closes: first spinning, then asleep. A worker says that it sleeps
// before it looks a last time, and a caller looks for sleepers after it has published its job, so one sees the other.
static void await_chunks(ck_pool *pool) {
  for (int i = 0; i < SPINS; i++) {
    if (has_chunks(atomic_load_explicit(&pool->ticket, memory_order_relaxed))) return;
    if (atomic_load_explicit(&pool->closing, memory_order_relaxed)) return;
    pause_briefly();
  }
  uint32_t heard = atomic_load(&pool->bell);
  atomic_fetch_add(&pool->sleepers, 1);
  if (!has_chunks(atomic_load(&pool->ticket)) && !atomic_load(&pool->closing)) sleep_while(pool, &pool->bell, heard);
  atomic_fetch_sub(&pool->sleepers, 1);
}

static void *work(void *argument) {
  ck_pool *pool = argument;
  while (!atomic_load(&pool->closing)) {
    run_chunks(pool);
    await_chunks(pool);
  }
  return NULL;
}

static void ring(ck_pool *pool, int threads) {
  if (threads <= 0 || atomic_load(&pool->sleepers) == 0) return;
  atomic_fetch_add(&pool->bell, 1);
  wake(pool, &pool->bell, threads);
}

static void await_finish(ck_pool *pool) {
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load(&pool->unfinished) == 0) return;
    pause_briefly();
  }
  atomic_store(&pool->caller_sleeps, 1);
  for (uint32_t left; (left = atomic_load(&pool->unfinished)) != 0;) sleep_while(pool, &pool->unfinished, left);
  atomic_store(&pool->caller_sleeps, 0);
}

// Hands out chunks offset ..< offset + count of the body. Returns the job's generation, which is never 0.
static uint32_t publish(ck_pool *pool, ck_size offset, uint64_t count) {
  uint32_t generation = (uint32_t)(atomic_load(&pool->ticket) >> 32) + 1;
  if (generation == 0) generation = 1;
  pool->offset = offset;
  atomic_store(&pool->unfinished, (uint32_t)count);
  atomic_store(&pool->ticket, (uint64_t)generation << 32 | count << 16);
  ring(pool, (int)count - 1 < pool->workers ? (int)count - 1 : pool->workers);
  return generation;
}

// Helps with what was begun, and waits for it. The caller has the mutex.
static void end_open(ck_pool *pool) {
  if (atomic_load(&pool->open) == 0) return;
  run_chunks(pool);
  await_finish(pool);
  atomic_store(&pool->open, 0);
}

void ck_pool_run(ck_pool *pool, ck_size count, ck_chunk_function body, void *context) {
  if (pool->workers == 0 || count <= 1) {
    for (ck_size chunk = 0; chunk < count; chunk++) body(context, chunk);
    return;
  }
  pthread_mutex_lock(&pool->submitting);
  end_open(pool);
  pool->body = body;
  pool->context = context;
  for (ck_size done = 0; done < count; done += MOST_CHUNKS) {
    publish(pool, done, (uint64_t)(count - done < MOST_CHUNKS ? count - done : MOST_CHUNKS));
    run_chunks(pool);
    await_finish(pool);
  }
  pthread_mutex_unlock(&pool->submitting);
}

uint32_t ck_pool_begin(ck_pool *pool, ck_size count, ck_chunk_function body, void *context) {
  if (pool->workers == 0 || count > MOST_CHUNKS) {
    ck_pool_run(pool, count, body, context);
    return 0;
  }
  if (count <= 0) return 0;
  pthread_mutex_lock(&pool->submitting);
  end_open(pool);
  pool->body = body;
  pool->context = context;
  // A single chunk has nobody to ring for: a worker that is awake takes it, or whoever ends the job.
  const uint32_t job = publish(pool, 0, (uint64_t)count);
  atomic_store(&pool->open, job);
  pthread_mutex_unlock(&pool->submitting);
  return job;
}

// Whoever runs a chunk of a later job finds this one ended, and does not wait for the mutex that its caller has.
void ck_pool_end(ck_pool *pool, uint32_t job) {
  if (job == 0 || atomic_load(&pool->open) != job) return;
  pthread_mutex_lock(&pool->submitting);
  if (atomic_load(&pool->open) == job) end_open(pool);
  pthread_mutex_unlock(&pool->submitting);
}

int ck_pool_threads(const ck_pool *pool) { return pool->workers + 1; }

ck_pool *ck_pool_create(int threads) {
  ck_pool *pool = NULL;
  if (posix_memalign((void **)&pool, _Alignof(ck_pool), sizeof(ck_pool)) != 0) return NULL;
  *pool = (ck_pool){.workers = 0};
  pthread_mutex_init(&pool->submitting, NULL);
#if !defined(__linux__)
  pthread_mutex_init(&pool->sleeping, NULL);
  pthread_cond_init(&pool->waking, NULL);
#endif
  int wanted = threads > 1 ? threads - 1 : 0;
  pool->threads = wanted > 0 ? calloc((size_t)wanted, sizeof(pthread_t)) : NULL;
  // Signals are for the program's own threads: workers are born with all of them blocked.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool->threads != NULL && pool->workers < wanted &&
         pthread_create(&pool->threads[pool->workers], NULL, work, pool) == 0) {
    pool->workers++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return pool;
}

void ck_pool_destroy(ck_pool *pool) {
  if (pool == NULL) return;
  atomic_store(&pool->closing, 1);
  atomic_fetch_add(&pool->bell, 1);
  wake(pool, &pool->bell, pool->workers);
  for (int i = 0; i < pool->workers; i++) pthread_join(pool->threads[i], NULL);
  pthread_mutex_destroy(&pool->submitting);
#if !defined(__linux__)
  pthread_mutex_destroy(&pool->sleeping);
  pthread_cond_destroy(&pool->waking);
#endif
  free(pool->threads);
  free(pool);
}
