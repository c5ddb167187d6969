// Whether a tensor still holds numbers.

extension Tensor {
  /// Whether no element is infinite or NaN. Integers never are.
  public var isFinite: Bool {
    switch dtype {
    case .int32, .uint8: true
    case .float32, .bfloat16, .float16: detached().cast(to: .float32).floats().allSatisfy { $0.isFinite }
    }
  }
}
