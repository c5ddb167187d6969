// The two 16-bit floating formats and the 8-bit one of weights, by their definition.

/// Conversions between float32 and the bit patterns of bfloat16 and IEEE half precision, to nearest, ties to even.
public enum HalfPrecision {
  /// The upper half of the float32 pattern, rounded; NaN stays NaN.
  public static func bfloat16(_ x: Float) -> UInt16 {
    if x.isNaN { return UInt16(truncatingIfNeeded: x.bitPattern >> 16) | 0x40 }
    let bits = x.bitPattern
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
  }
  /// 1 sign, 5 exponent (bias 15), 10 fraction bits.
  public static func value(of bits: UInt16) -> Double {
    let exponent = Int(bits >> 10) & 0x1F
    let fraction = Double(bits & 0x3FF)
    let sign: Double = bits >> 15 == 0 ? 1 : -1
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
    }
  }
  /// The value of an E4M3 code: 1 sign, 4 exponent (bias 7), 3 fraction bits; 0x7F and 0xFF are NaN, none is infinite.
  public static func e4m3(_ code: UInt8) -> Float {
    let (exponent, fraction) = (Int(code >> 3) & 15, Float(code & 7))
    let sign: Float = code >> 7 == 0 ? 1 : -1
    if code & 0x7F == 0x7F { return .nan }
    if exponent == 0 { return sign * fraction * 0x1p-9 }
    return sign * Float(sign: .plus, exponent: exponent - 7, significand: 1 + fraction / 8)
  }
  public static func float16(_ x: Float) -> UInt16 {
    let sign: UInt16 = x.sign == .minus ? 0x8000 : 0
    if x.isNaN { return sign | 0x7E00 }
    let magnitude = Double(x.magnitude)
    if magnitude >= 65520 { return sign | 0x7C00 }
    if magnitude < 0x1p-14 { return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven)) }
    let exponent = Int(magnitude.exponent)
    let steps = (magnitude.significand * 1024).rounded(.toNearestOrEven)  // 1024 ... 2048; 2048 carries over
    return sign | UInt16((exponent + 15 - 1) * 1024 + Int(steps))
  }
}
