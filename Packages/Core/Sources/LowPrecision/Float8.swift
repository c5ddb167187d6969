// The eight-bit floats of training, and the eight-bit powers of two that may scale them.

/// A floating-point format of one byte (Micikevicius et al. 2022).
public enum Float8: String, Sendable, Hashable, CaseIterable {
  /// Sign, 4 exponent and 3 fraction bits, no infinity, NaN is 0x7F and 0xFF, the largest number is 448. The only
  /// format of DeepSeek-V3, forward and backward; `float8_e4m3fn` elsewhere.
  case e4m3
  /// Sign, 5 exponent and 2 fraction bits, infinity and NaN, the largest number is 57344. What others use for
  /// gradients.
  case e5m2

  /// The format by its definition.
  public var layout: SmallFloat {
    switch self {
    case .e4m3: SmallFloat(exponentBits: 4, fractionBits: 3, hasInfinity: false)
    case .e5m2: SmallFloat(exponentBits: 5, fractionBits: 2, hasInfinity: true)
    }
  }
  /// The largest number.
  public var largest: Float {
    switch self {
    case .e4m3: 448
    case .e5m2: 57344
    }
  }
  /// The value of every code.
  public var values: [Float] { (0...UInt16(255)).map { layout.value(of: $0) } }
  /// The code of the nearest value, ties to even. torch 2.15 casts E4M3 with `.toLargest` and E5M2 with `.toSpecial`;
  /// earlier releases, and ml_dtypes, cast both with `.toSpecial`.
  public func code(of x: Float, overflow: Overflow = .toLargest) -> UInt8 {
    UInt8(layout.code(of: x, overflow: overflow))
  }
}

/// Scales of one byte: 2^(code − 127), 255 is NaN (E8M0 of the OCP microscaling formats).
public enum E8M0 {
  /// The power of two that a code stands for.
  public static func value(of code: UInt8) -> Float {
    code == 255 ? .nan : Float(sign: .plus, exponent: Int(code) - 127, significand: 1)
  }
  /// The code of the nearest power of two, ties upward; the sign is not looked at.
  public static func code(of x: Float) -> UInt8 {
    let exponent = UInt8(truncatingIfNeeded: x.bitPattern >> 23)
    if exponent == 255 { return 255 }
    let fraction = x.bitPattern & 0x7F_FFFF
    // Half way between subnormal powers of two lies a bit further: there the lower code is 2^-127 itself.
    let isUp = exponent == 0 ? fraction > 0x40_0000 : fraction >= 0x40_0000
    return isUp ? exponent + 1 : exponent
  }
  /// The smallest power of two that is not below a positive number; NaN and infinity are themselves.
  public static func ceiling(_ x: Float) -> Float {
    if !x.isFinite { return x }
    precondition(x > 0, "E8M0: no power of two is nearest above \(x), which is not positive")
    let power = Float(sign: .plus, exponent: Int(x.exponent), significand: 1)
    return power < x ? 2 * power : power
  }
}
