// Which numbers a product multiplies, and which activations wait for the way back in.

/// A precision of arithmetic. Sums are float32 in all of them, and so are the tensors between operations.
public enum Precision: String, Sendable, Hashable, Codable, CaseIterable {
  case float32
  /// Both factors of a product are rounded to bfloat16: 8 bits of precision, the range of float32.
  case bfloat16 = "bf16"
  /// Both factors of a linear map are rounded to E4M3 with a scale for every tile (DeepSeek-V3, section 3.3): 4 bits of
  /// precision. What lies between linear maps has the numbers of bfloat16.
  case float8 = "fp8"

  /// What results are rounded to, and what operations other than linear maps compute in.
  public var betweenLinearMaps: Precision {
    switch self {
    case .float32: .float32
    case .bfloat16, .float8: .bfloat16
    }
  }
}

extension Tensor {
  /// The nearest numbers that results in `precision` have, as float32. The gradient passes as if nothing had been rounded.
  package func rounded(to precision: Precision) -> Tensor {
    switch precision {
    case .float32: return self
    case .bfloat16, .float8:
      let plain = detached()
      // The difference of a number and its rounding is exact, and so is their sum.
      return self + (plain.cast(to: .bfloat16).cast(to: .float32) - plain)
    }
  }

  /// The same numbers; the gradient that comes back is rounded, as a factor of the products behind it.
  func roundingGradient(to precision: Precision) -> Tensor {
    switch precision {
    case .float32: return self
    case .bfloat16, .float8:
      let rounded = cast(to: .bfloat16).cast(to: .float32)
      return rounded + (detached() - rounded.detached())
    }
  }
}
