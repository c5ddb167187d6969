// The types of number that a tensor can hold.

/// The type of a tensor's elements. Arithmetic is float32; the others are stored forms, indices and bytes.
public enum DType: String, Sendable, Hashable, CaseIterable {
  case float32, bfloat16, float16, int32, uint8

  /// Bytes of one element.
  public var byteWidth: Int {
    switch self {
    case .float32, .int32: 4
    case .bfloat16, .float16: 2
    case .uint8: 1
    }
  }
}
