// Which instruction set runs here, and its table of kernels.
#include "kernels.h"

int ck_isa_available(ck_isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (isa) {
  case CK_SCALAR: return 1;
  case CK_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  case CK_AVX512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
  case CK_NEON: return 0;
  }
#elif defined(__aarch64__)
  return isa == CK_SCALAR || isa == CK_NEON;
#endif
  return isa == CK_SCALAR;
}

ck_isa ck_best_isa(void) {
  if (ck_isa_available(CK_AVX512)) return CK_AVX512;
  if (ck_isa_available(CK_AVX2)) return CK_AVX2;
  if (ck_isa_available(CK_NEON)) return CK_NEON;
  return CK_SCALAR;
}

const char *ck_isa_name(ck_isa isa) {
  switch (isa) {
  case CK_SCALAR: return "scalar";
  case CK_AVX2: return "avx2";
  case CK_AVX512: return "avx512";
  case CK_NEON: return "neon";
  }
  return "scalar";
}

int ck_bf16_is_native(ck_isa isa) {
#if defined(__x86_64__)
  return isa == CK_AVX512 && ck_isa_available(isa) && __builtin_cpu_supports("avx512bf16");
#else
  return (void)isa, 0;
#endif
}

#if defined(__x86_64__)
static int has_vnni(void) {
  return ck_isa_available(CK_AVX512) && __builtin_cpu_supports("avx512vnni");
}
#endif

static const ck_kernels scalar = {
    CK_SCALAR, &ck_gemm_scalar, &ck_bf16_scalar, &ck_attention_scalar, &ck_attention_scalar,
    &ck_rows_scalar, &ck_float8_scalar, &ck_scaled_scalar, &ck_blocks_scalar, &ck_narrow_scalar,
};
#if defined(__x86_64__)
static const ck_kernels avx2 = {
    CK_AVX2, &ck_gemm_avx2, &ck_bf16_avx2, &ck_attention_avx2, &ck_attention_avx2,
    &ck_rows_avx2, &ck_float8_avx2, &ck_scaled_avx2, &ck_blocks_avx2, &ck_narrow_avx2,
};
// AVX-512 is older than its instructions for bfloat16 and for bytes; where one is missing, AVX2 gives the same numbers.
#define AVX512(bf16, attention_bf16, scaled, blocks)                                                                   \
  {                                                                                                                    \
    CK_AVX512, &ck_gemm_avx512, &bf16, &ck_attention_avx512, &attention_bf16, &ck_rows_avx512, &ck_float8_avx512,      \
        &scaled, &blocks, &ck_narrow_avx512                                                                            \
  }
// [has VNNI][has bfloat16]
static const ck_kernels avx512[2][2] = {
    {AVX512(ck_bf16_avx2, ck_attention_avx512, ck_scaled_avx512, ck_blocks_avx2),
     AVX512(ck_bf16_avx512, ck_attention_bf16_avx512, ck_scaled_bf16_avx512, ck_blocks_avx2)},
    {AVX512(ck_bf16_avx2, ck_attention_avx512, ck_scaled_avx512, ck_blocks_avx512),
     AVX512(ck_bf16_avx512, ck_attention_bf16_avx512, ck_scaled_bf16_avx512, ck_blocks_avx512)},
};
#elif defined(__aarch64__)
static const ck_kernels neon = {
    CK_NEON, &ck_gemm_neon, &ck_bf16_neon, &ck_attention_neon, &ck_attention_neon,
    &ck_rows_neon, &ck_float8_neon, &ck_scaled_neon, &ck_blocks_neon, &ck_narrow_neon,
};
#endif

const ck_kernels *ck_kernels_for(ck_isa isa) {
  switch (isa) {
#if defined(__x86_64__)
  case CK_AVX2: return &avx2;
  case CK_AVX512: return &avx512[has_vnni() != 0][ck_bf16_is_native(isa) != 0];
#elif defined(__aarch64__)
  case CK_NEON: return &neon;
#endif
  default: return &scalar;
  }
}
