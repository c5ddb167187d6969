// The table of the row and element kernels, filled from the static functions of the file that includes this:
// the scalar file and every instruction set give their functions the names of the table's entries.
#pragma once

#define CK_ROW_TABLE                                                                                                   \
  {                                                                                                                    \
    .binary = binary, .binary_scalar = binary_scalar, .binary_row = binary_row, .binary_column = binary_column,        \
    .unary = unary, .sum_rows = sum_rows, .max_rows = max_rows, .add_columns = add_columns, .axpy = axpy,              \
    .sum_squares = sum_squares, .rms_norm = rms_norm, .rms_norm_backward = rms_norm_backward, .rotary = rotary,        \
    .swiglu = swiglu, .swiglu_backward = swiglu_backward, .cross_entropy = cross_entropy,                              \
    .cross_entropy_backward = cross_entropy_backward, .softmax = softmax, .gather_rows = gather_rows,                  \
    .adamw = adamw, .adamw_bf16 = adamw_bf16, .bf16_from_f32 = bf16_from_f32,                                          \
    .f32_from_bf16 = f32_from_bf16, .f16_from_f32 = f16_from_f32, .f32_from_f16 = f32_from_f16                         \
  }
