// Floating-point formats of a few bits, by their definition.
// What kernels encode and decode is judged by this, and rare formats use it as it is.

/// What becomes of a number that rounds beyond the largest one, infinities included.
public enum Overflow: Sendable, Hashable, CaseIterable {
  /// The largest number.
  case toLargest
  /// Infinity, or NaN in a format that has no infinity.
  case toSpecial
}

/// A format of one sign, a few exponent bits and a few fraction bits, with subnormal numbers.
public struct SmallFloat: Sendable, Hashable {
  public let exponentBits: Int
  public let fractionBits: Int
  /// Whether the highest exponent holds infinity and NaN, as in IEEE 754. Otherwise it holds numbers, and the highest
  /// pattern of all is the only NaN.
  public let hasInfinity: Bool

  public init(exponentBits: Int, fractionBits: Int, hasInfinity: Bool) {
    precondition(
      (2...7).contains(exponentBits) && (1...10).contains(fractionBits) && exponentBits + fractionBits <= 15,
      "SmallFloat: \(exponentBits) exponent and \(fractionBits) fraction bits; 2...7 and 1...10 are needed, 15 in all")
    (self.exponentBits, self.fractionBits, self.hasInfinity) = (exponentBits, fractionBits, hasInfinity)
  }

  /// Sign included.
  public var bitCount: Int { 1 + exponentBits + fractionBits }
  public var bias: Int { (1 << (exponentBits - 1)) - 1 }
  /// The largest number.
  public var largest: Float { value(of: UInt16(largestCode)) }
  /// The smallest positive number, of which every subnormal number is a multiple.
  public var least: Float { value(of: 1) }
  private var signBit: Int { 1 << (bitCount - 1) }
  private var largestCode: Int { hasInfinity ? (((1 << exponentBits) - 1) << fractionBits) - 1 : signBit - 2 }

  /// The value of a code; bits above the sign are not looked at.
  public func value(of code: UInt16) -> Float {
    let magnitude = Int(code) & (signBit - 1)
    let sign: Float = Int(code) & signBit == 0 ? 1 : -1
    if magnitude > largestCode { return hasInfinity && magnitude == largestCode + 1 ? sign * .infinity : .nan }
    let (exponent, fraction) = (magnitude >> fractionBits, magnitude & ((1 << fractionBits) - 1))
    let steps = exponent == 0 ? fraction : fraction + (1 << fractionBits)
    return sign * Float(sign: .plus, exponent: max(exponent, 1) - bias - fractionBits, significand: Float(steps))
  }

  /// The code of the nearest value, ties to the even code.
  public func code(of x: Float, overflow: Overflow = .toLargest) -> UInt16 {
    let sign = x.sign == .minus ? signBit : 0
    if x.isNaN { return UInt16(sign | (signBit - 1)) }
    let beyond = overflow == .toLargest ? largestCode : largestCode + 1
    if x.isInfinite { return UInt16(sign | beyond) }
    let magnitude = Double(x.magnitude)
    // The exponent of the steps that hold x: that of x, or the one that all subnormal numbers have.
    let exponent = magnitude == 0 ? 1 - bias : max(Int(magnitude.exponent), 1 - bias)
    let steps = magnitude * Double(sign: .plus, exponent: fractionBits - exponent, significand: 1)
    let code = ((exponent + bias - 1) << fractionBits) + Int(steps.rounded(.toNearestOrEven))
    return UInt16(sign | (code > largestCode ? beyond : code))
  }
}
