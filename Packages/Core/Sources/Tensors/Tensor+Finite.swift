// Whether a tensor still holds numbers.

extension Tensor {
  /// Whether no element is infinite or NaN. Integers never are.
  public var isFinite: Bool {
    switch dtype {
    case .int32, .uint8: true
    case .float32, .bfloat16, .float16, .float8, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K:
      detached().cast(to: .float32).floats().allSatisfy { $0.isFinite }
    }
  }
}
