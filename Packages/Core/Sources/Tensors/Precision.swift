// Which numbers a product multiplies, and which activations wait for the way back in.

/// A precision of arithmetic. Sums are float32 in all of them, and so are the tensors between operations.
public enum Precision: String, Sendable, Hashable, Codable, CaseIterable {
  case float32
  /// Both factors of a product are rounded to bfloat16: 8 bits of precision, the range of float32.
  case bfloat16 = "bf16"
  /// Both factors of a product are E4M3 codes with a float32 scale for every tile: 1 × 128 of an activation or of a
  /// gradient, 128 × 128 of a weight (DeepSeek-V3, section 3.3). Results are rounded to bfloat16.
  case float8 = "fp8"
}

extension Tensor {
  /// The nearest numbers that `precision` has, as float32. The gradient passes as if nothing had been rounded.
  package func rounded(to precision: Precision) -> Tensor {
    switch precision {
    case .float32: return self
    case .bfloat16:
      let plain = detached()
      // The difference of a number and its rounding is exact, and so is their sum.
      return self + (plain.cast(to: .bfloat16).cast(to: .float32) - plain)
    case .float8: return rounded(to: .bfloat16)
    }
  }

  /// A matrix as it enters a product in `precision`, as float32; in `.float8` in tiles of the given extents. The
  /// gradient passes as if nothing had been rounded.
  func asFactor(in precision: Precision, tileRows: Int) -> Tensor {
    guard precision == .float8 else { return rounded(to: precision) }
    let plain = detached()
    return self + (plain.throughE4M3(tileRows: tileRows) - plain)
  }

  /// The same numbers; the gradient that comes back is rounded, as a factor of the products behind it.
  func roundingGradient(to precision: Precision) -> Tensor {
    switch precision {
    case .float32: return self
    case .bfloat16:
      let rounded = cast(to: .bfloat16).cast(to: .float32)
      return rounded + (detached() - rounded.detached())
    // The definition rounds the gradient as the results are; who computes in eight bits quantises it.
    case .float8: return roundingGradient(to: .bfloat16)
    }
  }
}
