// Sixteen-bit floats as bit patterns, without the processor's help: the same bits on every machine.

enum HalfBits {
  /// The largest finite float16.
  static let largest: Float = 65504

  /// The value of a float16: 1 sign, 5 exponent (bias 15) and 10 fraction bits. Exact.
  @inline(__always)
  static func float(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
      // A multiple of 2^-24; the product is exact.
      let magnitude = Float(fraction) * 0x1p-24
      return Float(bitPattern: magnitude.bitPattern | sign)
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The nearest float16, ties to even; what is too large becomes infinite, and NaN stays NaN.
  @inline(__always)
  static func float16(_ x: Float) -> UInt16 {
    let sign = UInt16(truncatingIfNeeded: x.bitPattern >> 16) & 0x8000
    let magnitude = x.bitPattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
    if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
    if magnitude < 0x3880_0000 {
      // Below 2^-14. Adding 0.5 leaves the multiple of 2^-24, rounded to even, in the low bits of the sum.
      let sum = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(truncatingIfNeeded: sum.bitPattern &- 0x3F00_0000)
    }
    let rounded = magnitude &+ 0xFFF &+ (magnitude >> 13 & 1)
    return sign | UInt16(truncatingIfNeeded: (rounded &- 0x3800_0000) >> 13)
  }

  /// The nearest bfloat16, ties to even; NaN stays NaN.
  @inline(__always)
  static func bfloat16(_ x: Float) -> UInt16 {
    let bits = x.bitPattern
    if x.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }
}

extension UnsafeRawPointer {
  /// The sixteen bits at an offset, whose address may be odd.
  @inline(__always)
  func half(_ offset: Int) -> UInt16 { UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
  /// The float16 at an offset.
  @inline(__always)
  func halfFloat(_ offset: Int) -> Float { HalfBits.float(half(offset)) }
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }
}

extension UnsafeMutableRawPointer {
  @inline(__always)
  func setHalf(_ offset: Int, _ bits: UInt16) {
    (self + offset).storeBytes(of: bits.littleEndian, as: UInt16.self)
  }
  @inline(__always)
  func setByte(_ offset: Int, _ value: UInt8) { storeBytes(of: value, toByteOffset: offset, as: UInt8.self) }
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }
}
