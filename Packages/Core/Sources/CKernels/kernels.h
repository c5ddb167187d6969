// What the kernel files of this target share: the families' tables per instruction set.
#pragma once
#include "ckernels.h"

extern const ck_gemm_kernels ck_gemm_scalar;
extern const ck_bf16_kernels ck_bf16_scalar;
extern const ck_attention_kernels ck_attention_scalar;
extern const ck_row_kernels ck_rows_scalar;
extern const ck_float8_kernels ck_float8_scalar;
extern const ck_scaled_kernels ck_scaled_scalar;
extern const ck_block_kernels ck_blocks_scalar;
extern const ck_narrow_kernels ck_narrow_scalar;
#if defined(__x86_64__)
extern const ck_gemm_kernels ck_gemm_avx2, ck_gemm_avx512;
extern const ck_bf16_kernels ck_bf16_avx2, ck_bf16_avx512;
extern const ck_attention_kernels ck_attention_avx2, ck_attention_avx512, ck_attention_bf16_avx512;
extern const ck_row_kernels ck_rows_avx2, ck_rows_avx512;
extern const ck_float8_kernels ck_float8_avx2, ck_float8_avx512;
extern const ck_scaled_kernels ck_scaled_avx2, ck_scaled_avx512, ck_scaled_bf16_avx512;
extern const ck_block_kernels ck_blocks_avx2, ck_blocks_avx512;
extern const ck_narrow_kernels ck_narrow_avx2, ck_narrow_avx512;
#elif defined(__aarch64__)
extern const ck_gemm_kernels ck_gemm_neon;
extern const ck_bf16_kernels ck_bf16_neon;
extern const ck_attention_kernels ck_attention_neon;
extern const ck_row_kernels ck_rows_neon;
extern const ck_float8_kernels ck_float8_neon;
extern const ck_scaled_kernels ck_scaled_neon;
extern const ck_block_kernels ck_blocks_neon;
extern const ck_narrow_kernels ck_narrow_neon;
#endif
