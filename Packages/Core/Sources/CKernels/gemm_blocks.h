// How the matrix products cut their work: shared by the bodies and by the promise of how much scratch they need.
// The cuts change speed only; every output element is the same chain of fused multiply-adds whatever they are.
#pragma once
#include "kernels.h"

enum {
  // Extent of k worked on at a time: a packed panel of B of this depth stays near the core.
  CK_GEMM_DEPTH = 512,
  // The same for so few rows that B is read once only: panels are then read from end to end.
  CK_GEMM_STREAM_DEPTH = 4096,
  // Rows of A packed at a time: depth × rows floats take a third of a 1 MiB second-level cache.
  CK_GEMM_ROWS = 168,
};

static inline ck_size ck_smaller(ck_size a, ck_size b) { return a < b ? a : b; }

// The k extent is cut into this many nearly equal blocks, so that none is left a sliver.
static inline ck_size ck_gemm_blocks(ck_size k, ck_size depth) { return k > 0 ? (k + depth - 1) / depth : 1; }
