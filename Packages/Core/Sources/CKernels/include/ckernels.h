// The contract of every kernel of Core. Kernels are plain single-threaded functions over a range of work; callers
// split the work with `ck_pool`. One table of function pointers per instruction set, chosen once by the caller.
//
// Row-exactness, which every forward kernel promises: the result of a row depends only on that row's inputs and on
// the shared operands, never on how many rows are passed, on where a range begins, or on the thread that runs it.
// For products this means that each output element is ONE chain of fused multiply-adds over k = 0, 1, 2 … starting
// from zero, whatever the tile shape (a tile may be stored as float32 and taken up again later: that is exact).
#ifndef CKERNELS_H
#define CKERNELS_H
#include <stddef.h>
#include <stdint.h>

typedef ptrdiff_t ck_size;

// ---- instruction sets -------------------------------------------------------------------------------------------
typedef enum { CK_SCALAR = 0, CK_AVX2 = 1, CK_AVX512 = 2, CK_NEON = 3 } ck_isa;
// The best instruction set that this processor and this build have.
ck_isa ck_best_isa(void);
// Whether kernels for `isa` can run here.
int ck_isa_available(ck_isa isa);
const char *ck_isa_name(ck_isa isa);

// ---- memory -----------------------------------------------------------------------------------------------------
// A block of `bytes` (above 0), aligned to 64 bytes and not cleared; NULL when the system has none. It is given back
// with the size it was taken with. Large blocks are mappings of their own.
void *ck_memory_take(ck_size bytes);
void ck_memory_give(void *block, ck_size bytes);

// ---- thread pool ------------------------------------------------------------------------------------------------
// `threads` counts the calling thread: a pool of 1 has no workers. Chunks 0..<count are claimed one by one by the
// workers and the caller, so a busy core delays one chunk, not the job. One job at a time: concurrent callers queue.
// A chunk must not submit to the same pool. Workers spin briefly, then sleep. A job of one chunk, and every job of a
// pool of 1, runs at once on its caller. What a caller wrote before is seen by the chunks, and what they wrote by the
// caller after. `ck_pool_create` gives NULL without memory, and fewer threads than asked for when the system refuses
// more; `ck_pool_destroy` joins the workers and must not overlap a run.
typedef struct ck_pool ck_pool;
typedef void (*ck_chunk_function)(void *context, ck_size chunk);
ck_pool *ck_pool_create(int threads);
void ck_pool_destroy(ck_pool *pool);
int ck_pool_threads(const ck_pool *pool);
void ck_pool_run(ck_pool *pool, ck_size count, ck_chunk_function body, void *context);
// The same without waiting: workers begin at once, and the caller does something else. `ck_pool_end` helps with what is
// left and returns when the job is done; body and context must stay until then. At most one job is under way: the next
// one, of any kind, ends it first. 0 stands for a job that was done at once. A pool must not be destroyed before.
uint32_t ck_pool_begin(ck_pool *pool, ck_size count, ck_chunk_function body, void *context);
void ck_pool_end(ck_pool *pool, uint32_t job);

// ---- matrix products --------------------------------------------------------------------------------------------
// B is packed once into panels of CK_NR columns: packed[panel][k][CK_NR], the last panel padded with zeros.
enum { CK_NR = 32 };
// Floats needed for a packed B of k rows and n columns.
static inline ck_size ck_packed_count(ck_size k, ck_size n) { return ((n + CK_NR - 1) / CK_NR) * CK_NR * k; }

typedef struct {
  // Packs panels first..<last of B. When `transposed` is 0, B is k×n row-major with row stride ldb;
  // when 1, B is the transpose of an n×k row-major matrix with row stride ldb (a weight stored [out, in]).
  void (*pack)(float *packed, const float *b, ck_size ldb, int transposed, ck_size k, ck_size n,
               ck_size first_panel, ck_size last_panel);
  // C[m×n] = A[m×k] · B for packed panels first..<last (columns first*CK_NR ..< min(n, last*CK_NR)). A has row stride
  // lda, C has row stride ldc. Row-exact. `scratch` holds at least ck_gemm_scratch(k) floats, 64-byte aligned.
  // When `accumulate` is 1 the chains start from C instead of zero. C must not overlap A or the packed B.
  // Split a job into chunks of all rows by some panels when rows are few, and of some hundred rows by all panels when
  // they are many: rows of A longer than 512 are packed anew by every call.
  void (*product)(float *c, ck_size ldc, const float *a, ck_size lda, const float *packed, ck_size m, ck_size n,
                  ck_size k, ck_size first_panel, ck_size last_panel, int accumulate, float *scratch);
  // C[m×n] += or = Aᵀ·B for A [k×m] (row stride lda) and B [k×n] (row stride ldb), both row-major: a weight gradient.
  // Columns and rows of C are the caller's to split. An element is the same chain as in `product`; a caller that
  // splits k and adds the parts gets other roundings.
  void (*product_at)(float *c, ck_size ldc, const float *a, ck_size lda, const float *b, ck_size ldb, ck_size m,
                     ck_size n, ck_size k, int accumulate, float *scratch);
} ck_gemm_kernels;
// Floats of scratch that `product` and `product_at` need for inner extent k, whatever the instruction set. Threads
// must not share scratch.
ck_size ck_gemm_scratch(ck_size k);

// ---- matrix products of bfloat16 --------------------------------------------------------------------------------
// Both factors are rounded to bfloat16 (to nearest, ties to even) and sums are float32. Two numbers that follow each
// other in k are one word: the even one in its lower half, the odd one in its upper half; after an odd k comes a zero.
// An element is ONE chain over the words, and a word is two steps, THE ODD NUMBER FIRST:
//     sum = fma(a[2i], b[2i], fma(a[2i + 1], b[2i + 1], sum))
// with every input, factor and sum below the normal range taken for a zero of its sign. That is what the instruction
// VDPBF16PS does (Intel's manual; observed on Zen 4), and every instruction set gives its bits. Only a sum between
// 2^-126 - 2^-150 and 2^-126 may be flushed on one processor and rounded up on another. Row-exact.
// Words needed for a packed B of k rows and n columns: packed[panel][(k + 1) / 2][CK_NR], padded with zeros.
static inline ck_size ck_bf16_packed_count(ck_size k, ck_size n) { return ck_packed_count((k + 1) / 2, n); }

typedef struct {
  // As `pack`, `product` and `product_at` of ck_gemm_kernels, with the same scratch. A is rounded by every call, so a
  // job of few rows is better split into some panels each than into one.
  void (*pack)(uint32_t *packed, const float *b, ck_size ldb, int transposed, ck_size k, ck_size n,
               ck_size first_panel, ck_size last_panel);
  // Packs a B that is bfloat16 already; its bits are kept.
  void (*pack_bf16)(uint32_t *packed, const uint16_t *b, ck_size ldb, int transposed, ck_size k, ck_size n,
                    ck_size first_panel, ck_size last_panel);
  void (*product)(float *c, ck_size ldc, const float *a, ck_size lda, const uint32_t *packed, ck_size m, ck_size n,
                  ck_size k, ck_size first_panel, ck_size last_panel, int accumulate, float *scratch);
  // The same from rows of A that `round_rows` has rounded; lda counts words. The bits are those of `product`.
  void (*product_words)(float *c, ck_size ldc, const uint32_t *a, ck_size lda, const uint32_t *packed, ck_size m,
                        ck_size n, ck_size k, ck_size first_panel, ck_size last_panel, int accumulate, float *scratch);
  void (*product_at)(float *c, ck_size ldc, const float *a, ck_size lda, const float *b, ck_size ldb, ck_size m,
                     ck_size n, ck_size k, int accumulate, float *scratch);
  // The same from A and B that are bfloat16 already; lda and ldb count numbers.
  void (*product_at_bf16)(float *c, ck_size ldc, const uint16_t *a, ck_size lda, const uint16_t *b, ck_size ldb,
                          ck_size m, ck_size n, ck_size k, int accumulate, float *scratch);
  // Rows of `count` numbers as words, in which two that follow each other share one; an odd row ends in a zero.
  void (*round_rows)(uint32_t *words, ck_size ldw, const float *x, ck_size ldx, ck_size rows, ck_size count);
  // Every number becomes the bfloat16 that a product would round it to.
  void (*round_values)(float *x, ck_size ldx, ck_size rows, ck_size count);
} ck_bf16_kernels;
// Whether `isa` has an instruction for them here. Otherwise products of many rows are slower than in float32; of few
// rows, where reading the packed B takes the time, they are still faster.
int ck_bf16_is_native(ck_isa isa);

// ---- attention --------------------------------------------------------------------------------------------------
// One sequence and one head of causal attention. Query i (0 ≤ i < queries) stands at position first + i and sees keys
// 0 ... first + i. A key is two parts side by side: k1 (width d1) and k2 (width d2, may be 0), each with its own row
// stride, so that a per-head part and a part shared by all heads need not be copied together. A query is d1 + d2
// numbers in a row. Values have width dv. Keys are visited in blocks of CK_KEY_BLOCK counted from key 0, so that the
// result of a query never depends on `queries` or `first` beyond its own position (row-exact).
enum { CK_KEY_BLOCK = 64 };
typedef struct {
  const float *q; ck_size q_stride;    // [queries, d1 + d2]
  const float *k1; ck_size k1_stride;  // [keys, d1]
  const float *k2; ck_size k2_stride;  // [keys, d2]
  const float *v; ck_size v_stride;    // [keys, dv]
  ck_size queries, first, d1, d2, dv;
  float scale;                         // multiplies q·k before the softmax
} ck_attention;
// Floats from one head to the next; 0 where all heads read the same.
typedef struct {
  ck_size heads, q, k1, v, out;
} ck_head_steps;
typedef struct {
  // out [queries, dv] with row stride out_stride; lse[i * lse_stride] = log Σ exp(scale·q·k), natural logarithm.
  // scratch: ck_attention_scratch floats, 64-byte aligned.
  void (*forward)(const ck_attention *x, float *out, ck_size out_stride, float *lse, ck_size lse_stride, float *scratch);
  // One query (`queries` is 1) of several heads at once: x is head 0, out is [heads, dv] with the step given, lse[h] is
  // head h's. Bit-equal to `forward` of each head. `next` is what will be asked for after this, or NULL; its first keys
  // are fetched early. scratch: ck_attention_heads_scratch floats, 64-byte aligned.
  void (*forward_heads)(const ck_attention *x, const ck_head_steps *steps, const ck_attention *next, float *out,
                        float *lse, float *scratch);
  // Gradients from dout (row stride dout_stride), out and lse of the forward pass, with first = 0 and keys = queries.
  // dq, dk1, dv have the strides of q, k1 and v given here and are OVERWRITTEN; dk2 (row stride dk2_stride) is
  // ADDED to, because several heads share it: the caller runs heads of one sequence in order.
  void (*backward)(const ck_attention *x, const float *out, ck_size out_stride, const float *lse, ck_size lse_stride,
                   const float *dout, ck_size dout_stride, float *dq, ck_size dq_stride, float *dk1,
                   ck_size dk1_stride, float *dk2, ck_size dk2_stride, float *dv, ck_size dv_stride, float *scratch);
} ck_attention_kernels;
// Floats of scratch for one call of forward or backward with these extents.
ck_size ck_attention_scratch(ck_size queries, ck_size keys, ck_size d1, ck_size d2, ck_size dv);
ck_size ck_attention_heads_scratch(ck_size heads, ck_size keys, ck_size d1, ck_size d2, ck_size dv);

// ---- rows and elements ------------------------------------------------------------------------------------------
// `rows` × `width`, contiguous unless a stride is named. Outputs do not alias inputs unless said.
typedef enum { CK_ADD, CK_SUBTRACT, CK_MULTIPLY, CK_DIVIDE, CK_MAXIMUM } ck_binary;
typedef enum { CK_NEGATE, CK_EXP, CK_LOG, CK_SQRT, CK_RECIPROCAL, CK_SIGMOID, CK_TANH, CK_SIN, CK_COS } ck_unary;
typedef struct {
  void (*binary)(ck_binary op, float *y, const float *a, const float *b, ck_size count);
  // y = a op b where b is one number.
  void (*binary_scalar)(ck_binary op, float *y, const float *a, float b, ck_size count);
  // y[r, :] = a[r, :] op b[:]   (b has `width` entries)
  void (*binary_row)(ck_binary op, float *y, const float *a, const float *b, ck_size rows, ck_size width);
  // y[r, :] = a[r, :] op b[r]
  void (*binary_column)(ck_binary op, float *y, const float *a, const float *b, ck_size rows, ck_size width);
  // exp, sigmoid and tanh are within 2 units in the last place of the exact value, and exact in order (monotone) near 0.
  void (*unary)(ck_unary op, float *y, const float *x, ck_size count);
  // y[r] = Σ x[r, :] in a fixed order; largest entry of x[r, :].
  void (*sum_rows)(float *y, const float *x, ck_size rows, ck_size width);
  void (*max_rows)(float *y, const float *x, ck_size rows, ck_size width);
  // y[:] += Σ_r x[r, :] for columns first..<last, rows added in order.
  void (*add_columns)(float *y, const float *x, ck_size rows, ck_size width, ck_size first, ck_size last);
  // y += alpha · x
  void (*axpy)(float *y, const float *x, float alpha, ck_size count);
  // Σ x² of `count` numbers as a double, in a fixed order.
  double (*sum_squares)(const float *x, ck_size count);
  // RMSNorm: y = x · rstd · w, rstd[r] = 1/√(mean x² + epsilon). x has row stride x_stride.
  void (*rms_norm)(float *y, float *rstd, const float *x, ck_size x_stride, const float *w, float epsilon,
                   ck_size rows, ck_size width);
  // dx (row stride dx_stride) overwritten, or added to when `accumulate` is 1; dw[:] ADDED to, rows in order.
  void (*rms_norm_backward)(float *dx, ck_size dx_stride, float *dw, const float *dy, const float *x, ck_size x_stride,
                            const float *w, const float *rstd, ck_size rows, ck_size width, int accumulate);
  // Rotates `heads` vectors of `width` (even) numbers per row by the angles whose cosines and sines are the row
  // positions[r] of tables [positions, width/2]. Vector h of row r begins at x + r*x_stride + h*head_stride; y likewise.
  // interleaved: pairs are (2i, 2i+1); otherwise (i, i + width/2). direction +1 rotates forward, -1 back (the
  // gradient). y may equal x.
  void (*rotary)(float *y, const float *x, ck_size x_stride, ck_size y_stride, ck_size head_stride, const float *cosines, const float *sines,
                 const int32_t *positions, int interleaved, int direction, ck_size rows, ck_size heads, ck_size width);
  // SwiGLU: y = silu(gate) · up. gate and up have row stride `stride` (they may be halves of one product); y is dense.
  void (*swiglu)(float *y, const float *gate, const float *up, ck_size stride, ck_size rows, ck_size width);
  // dgate and dup have row stride `stride` too. Where y is not null, swiglu's result is written to it once more.
  void (*swiglu_backward)(float *dgate, float *dup, float *y, const float *dy, const float *gate, const float *up,
                          ck_size stride, ck_size rows, ck_size width);
  // Cross-entropy of each row: lse[r] = log Σ exp logits[r, :]; logp[r] = logits[r, target[r]] − lse[r].
  // A target of −1 gives logp 0.
  void (*cross_entropy)(float *logp, float *lse, const float *logits, const int32_t *targets, ck_size rows, ck_size width);
  // dlogits[r, :] = g[r] · (onehot(target[r]) − softmax(logits[r, :])): the gradient of logp. May overwrite logits.
  void (*cross_entropy_backward)(float *dlogits, const float *g, const float *logits, const float *lse,
                                 const int32_t *targets, ck_size rows, ck_size width);
  // Softmax of each row.
  void (*softmax)(float *y, const float *x, ck_size rows, ck_size width);
  // y[r, :] = table[index[r], :]; a negative index gives zeros.
  void (*gather_rows)(float *y, const float *table, const int32_t *index, ck_size rows, ck_size width);
  // AdamW, in place: m, v, w; `scale` multiplies g first (clipping); corrections are 1 − βᵗ.
  void (*adamw)(float *w, float *m, float *v, const float *g, float scale, float learning_rate, float beta1, float beta2,
                float epsilon, float weight_decay, float correction1, float correction2, ck_size count);
  // The same with moments in bfloat16, rounded to nearest even after the step has read them.
  void (*adamw_bf16)(float *w, uint16_t *m, uint16_t *v, const float *g, float scale, float learning_rate, float beta1,
                     float beta2, float epsilon, float weight_decay, float correction1, float correction2,
                     ck_size count);
  // dtype conversions: round to nearest even.
  void (*bf16_from_f32)(uint16_t *y, const float *x, ck_size count);
  void (*f32_from_bf16)(float *y, const uint16_t *x, ck_size count);
  void (*f16_from_f32)(uint16_t *y, const float *x, ck_size count);
  void (*f32_from_f16)(float *y, const uint16_t *x, ck_size count);
} ck_row_kernels;

// ---- eight-bit floats -------------------------------------------------------------------------------------------
// A code is one byte. E4M3: sign, 4 exponent bits with bias 7, 3 fraction bits; no infinity, 0x7f and 0xff are NaN, 448
// is the largest number. E5M2: sign, 5 exponent bits with bias 15, 2 fraction bits, infinities and NaN as in IEEE 754.
typedef enum { CK_E4M3, CK_E5M2 } ck_float8;
// What becomes of numbers that round beyond the largest one, infinities included: the largest number, or the special
// value of the format (E4M3: NaN, E5M2: infinity).
typedef enum { CK_TO_LARGEST, CK_TO_SPECIAL } ck_overflow;
// The extent of a tile that shares a scale: so many steps of k are added up before they are scaled.
enum { CK_SCALED_DEPTH = 128 };
typedef struct {
  // The largest |x| of `count` numbers: 0 of none, NaN if one is. And y[i] = the larger of y[i] and |x[i]|, NaN if
  // either is.
  float (*magnitude)(const float *x, ck_size count);
  void (*magnitudes)(float *y, const float *x, ck_size count);
  // y[i] = the code nearest to x[i] / scale, or to x[i] / scales[i], ties to even. NaN has the code 0x7f, or 0xff.
  void (*encode)(ck_float8 format, ck_overflow overflow, uint8_t *y, const float *x, float scale, ck_size count);
  // The same in tiles of CK_SCALED_DEPTH numbers, and the scale of each: max(largest |x|, least) / largest number of the
  // format, rounded up to a power of two where that is asked for. `least` is at least 1e-30.
  void (*encode_row)(ck_float8 format, uint8_t *y, float *scales, const float *x, float least, int powers_of_two,
                     ck_size count);
  void (*encode_each)(ck_float8 format, ck_overflow overflow, uint8_t *y, const float *x, const float *scales,
                      ck_size count);
  // y[i] = the value of code x[i], times scale or scales[i].
  void (*decode)(ck_float8 format, float *y, const uint8_t *x, float scale, ck_size count);
  void (*decode_each)(ck_float8 format, float *y, const uint8_t *x, const float *scales, ck_size count);
  // Codes of twelve bits, sign, 5 exponent and 6 fraction bits, two in three bytes, in tiles of CK_SCALED_DEPTH numbers
  // with scales that are powers of two: the scale of magnitudes from 1e-4 on. And their numbers.
  void (*encode_twelve)(uint8_t *y, float *scales, const float *x, ck_size count);
  void (*decode_twelve)(float *y, const uint8_t *x, const float *scales, ck_size count);
} ck_float8_kernels;

// ---- products of eight-bit codes --------------------------------------------------------------------------------
// C[m×n] = A·B for codes with scales. Scale t of a row of A, and of a column of B, belongs to its entries
// 128·t ..< min(k, 128·(t + 1)).
typedef struct {
  const uint8_t *a; ck_size lda;              // [m, k]
  const float *a_scales; ck_size ld_a_scales; // [m, ceil(k / 128)]
  const uint8_t *b;                           // packed by ck_pack_codes: [panel][k][CK_NR]
  const float *b_scales;                      // [panel][ceil(k / 128)][CK_NR]
  ck_float8 a_format, b_format;
  float *c; ck_size ldc;
  ck_size m, n, k;
} ck_scaled_operands;
// C[m×n] = Aᵀ·B, a weight gradient, for codes whose scales lie along their columns: row t of the scales belongs to rows
// 128·t ..< min(k, 128·(t + 1)) of the codes.
typedef struct {
  const uint8_t *a; ck_size lda;              // [k, m]
  const float *a_scales; ck_size ld_a_scales; // [ceil(k / 128), m]
  const uint8_t *b; ck_size ldb;              // [k, n]
  const float *b_scales; ck_size ld_b_scales; // [ceil(k / 128), n]
  ck_float8 a_format, b_format;
  float *c; ck_size ldc;
  ck_size m, n, k;
} ck_scaled_columns;
// An element is sum = fma(part_t, a_scale_t · b_scale_t, sum) for t = 0, 1 … from zero, and part_t the chain of fused
// multiply-adds of its 128 steps of k in order, from zero. `scratch` holds at least ck_scaled_scratch() floats, 64-byte
// aligned.
typedef struct {
  // Columns of packed panels first ..< last. Row-exact. Split a job as that of `product` in ck_gemm_kernels: B is
  // decoded anew for every 168 rows, and A for every call.
  void (*product)(const ck_scaled_operands *x, ck_size first_panel, ck_size last_panel, float *scratch);
  // Rows and columns of C are the caller's to split. B is decoded anew for every 168 rows of C, and A for every call.
  void (*product_at)(const ck_scaled_columns *x, float *scratch);
} ck_scaled_kernels;
ck_size ck_scaled_scratch(void);
// Packs panels first ..< last of a k×n matrix of codes, given as in `pack` of ck_gemm_kernels; padded with zeros to
// ck_packed_count(k, n) codes.
void ck_pack_codes(uint8_t *packed, const uint8_t *b, ck_size ldb, int transposed, ck_size k, ck_size n,
                   ck_size first_panel, ck_size last_panel);

// ---- products with quantised blocks -----------------------------------------------------------------------------
// Weights of GGUF's block formats times activations in eight-bit codes. Number i of a weight is scale · code − minimum,
// with a scale (and in some formats a minimum) for every part of 16 or 32 neighbours along k; the scales are float32 as
// the format's definition computes them. An element of the result is ONE chain from zero over the parts in order of k:
//     sum = fma((float)Σ code·a, a_scale · scale, sum), and where the format has minima
//     sum = fma((float)−Σ a, a_scale · minimum, sum)
// with both products of scales rounded to float32. Whole sums are exact, so every instruction set gives the same bits
// and a row's result depends on that row alone.
typedef enum {
  CK_Q8_0, CK_Q4_0, CK_Q4_1, CK_Q5_0, CK_Q5_1, CK_Q2_K, CK_Q3_K, CK_Q4_K, CK_Q5_K, CK_Q6_K
} ck_block_format;
// 32 neighbours of a row of activations: code = x / scale to nearest even, scale = max |x| / 127. All are zero where
// max |x| < 2^-100; where a number is not finite the scale is NaN and the codes are zero.
typedef struct {
  int8_t codes[32];
  float scale;
  int32_t less, less_parts[2];  // −Σ codes: of all, of the first 16 and of the last 16
} ck_block_row;
// Bytes and numbers of one block, and bytes of a packed weight: 32 outputs side by side, in panels that follow
// each other. k is whole blocks. A packed Q4 or Q8 weight is as large as in the file (Q4_K: 4.625 bits a number for
// 4.5); the other formats have a byte for every code.
ck_size ck_block_bytes(ck_block_format format);
ck_size ck_block_length(ck_block_format format);
ck_size ck_block_panel_bytes(ck_block_format format, ck_size k);
static inline ck_size ck_block_packed_bytes(ck_block_format format, ck_size k, ck_size n) {
  return (n + CK_NR - 1) / CK_NR * ck_block_panel_bytes(format, k);
}
// Packs panels first ..< last of a weight of n rows of k numbers, as the file has them, at any address.
void ck_block_pack(ck_block_format format, uint8_t *packed, const uint8_t *weight, ck_size k, ck_size n,
                   ck_size first_panel, ck_size last_panel);
typedef struct {
  const ck_block_row *a; ck_size lda;  // [m, k / 32]; lda counts blocks
  const uint8_t *b;                    // packed, 64-byte aligned
  ck_block_format format;
  float *c; ck_size ldc;
  ck_size m, n, k;
} ck_block_operands;
typedef struct {
  // Rows of x (row stride ldx) as blocks; k is whole blocks of 32. `a` has row stride k / 32.
  void (*quantise)(ck_block_row *a, const float *x, ck_size ldx, ck_size rows, ck_size k);
  // Columns of packed panels first ..< last. With few rows a thread had best take panels that follow each other: they
  // are read as one stream.
  void (*product)(const ck_block_operands *x, ck_size first_panel, ck_size last_panel);
} ck_block_kernels;

// ---- products with narrow weights -------------------------------------------------------------------------------
// Weights of bfloat16, of float16, or of E4M3 codes with a float32 scale for every 128 × 128 of the matrix, times
// float32: read as they are stored and made float32 in registers. The number of a code is its value times its scale,
// rounded once. An element is the chain of `product` of ck_gemm_kernels over those numbers, so that the bits are those
// of the product with the widened weight. Row-exact.
typedef enum { CK_NARROW_BF16, CK_NARROW_F16, CK_NARROW_E4M3 } ck_narrow;
enum { CK_NARROW_TILE = 128 };
// A right operand of k rows and n columns as it is stored: row-major with row stride `ld`, its transpose (n × k) where
// `transposed` is 1. Row `first_row` of the stored matrix, whose scales these are, is where `numbers` begins: a multiple
// of 128 unless `transposed`, or all k rows lie in one tile.
typedef struct {
  ck_narrow form;
  const void *numbers; ck_size ld;
  const float *scales; ck_size ld_scales;  // [ceil(rows / 128), ceil(columns / 128)]; E4M3 only
  ck_size first_row;
  int transposed;
  ck_size k, n;
} ck_narrow_weight;
// Bytes of a packed panel of CK_NR columns. 3 % more than the codes for E4M3, whose scales stand among them.
ck_size ck_narrow_panel_bytes(ck_narrow form, ck_size k);
// Packs panels first ..< last, the first of them at `packed`, which is 64-byte aligned.
void ck_narrow_pack(uint32_t *packed, const ck_narrow_weight *x, ck_size first_panel, ck_size last_panel);
// Whether E4M3 weights can be multiplied this way: none of the codes is NaN, and none of the scales is finite and 128 or
// more. Others must be widened.
int ck_narrow_codes_are_plain(const uint8_t *codes, ck_size count);
int ck_narrow_scales_are_plain(const float *scales, ck_size count);
typedef struct {
  const float *a; ck_size lda;
  const uint32_t *b;  // panel 0, packed
  ck_narrow form;
  float *c; ck_size ldc;
  ck_size m, n, k;
} ck_narrow_operands;
typedef struct {
  // Columns of packed panels first ..< last. `scratch` holds at least ck_gemm_scratch(k) floats, 64-byte aligned. Split
  // a job of few rows into long runs of panels, which are read as one stream.
  void (*product)(const ck_narrow_operands *x, ck_size first_panel, ck_size last_panel, float *scratch);
} ck_narrow_kernels;

// ---- the table --------------------------------------------------------------------------------------------------
typedef struct {
  ck_isa isa;
  const ck_gemm_kernels *gemm;
  const ck_bf16_kernels *bf16;
  const ck_attention_kernels *attention;
  // The same whose products round their factors to bfloat16, for even d1, d2 and dv; `attention` itself where there is
  // no instruction for it.
  const ck_attention_kernels *attention_bf16;
  const ck_row_kernels *rows;
  const ck_float8_kernels *float8;
  const ck_scaled_kernels *scaled;
  const ck_block_kernels *blocks;
  const ck_narrow_kernels *narrow;
} ck_kernels;
// The kernels of `isa`. `isa` must be available.
const ck_kernels *ck_kernels_for(ck_isa isa);
#endif
