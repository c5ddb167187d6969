// The levels of one tile of LogFMT, and the nearest of them.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The levels that the codes of a tile stand for: 0 and ± exp(minimum + step · (K − 1)) for K = 1 ... 2ⁿ⁻¹ − 1.
struct LogarithmicLevels {
  let minimum: Float
  let step: Float
  let bits: Int
  private var signBit: Int { 1 << (bits - 1) }
  private var highest: Int { signBit - 1 }

  init(minimum: Float, step: Float, bits: Int) { (self.minimum, self.step, self.bits) = (minimum, step, bits) }

  /// The levels from the smallest to the largest magnitude of a tile, zeros apart.
  init(of tile: some Sequence<Float>, bits: Int) {
    var (smallest, largest) = (Float.infinity, Float(0))
    for x in tile where x != 0 {
      if !x.isFinite {
        self.init(minimum: .nan, step: .nan, bits: bits)
        return
      }
      (smallest, largest) = (min(smallest, x.magnitude), max(largest, x.magnitude))
    }
    if largest == 0 {
      self.init(minimum: 0, step: 0, bits: bits)
      return
    }
    let top = log(Double(largest))
    // A range of 2³² is about that of five exponent bits.
    let bottom = max(log(Double(smallest)), top - log(0x1p32))
    let step = (top - bottom) / Double((1 << (bits - 1)) - 2)
    self.init(minimum: Float(bottom), step: Float(step), bits: bits)
  }

  /// The magnitude of level K.
  private func level(_ k: Int) -> Double {
    k == 0 ? 0 : exp(Double(minimum) + Double(step) * Double(k - 1))
  }

  func value(of code: UInt16) -> Float {
    if minimum.isNaN { return .nan }
    let magnitude = Float(level(Int(code) & highest))
    return Int(code) & signBit == 0 ? magnitude : -magnitude
  }

  func code(of x: Float) -> UInt16 {
    if x == 0 || minimum.isNaN { return 0 }
    let magnitude = Double(x.magnitude)
    // The nearest logarithm is at most one level away from the nearest number.
    let place = step == 0 ? 0 : ((log(magnitude) - Double(minimum)) / Double(step)).rounded()
    let guess = min(max(Int(place) + 1, 1), highest)
    var nearest = guess
    for k in max(guess - 1, 0)...min(guess + 1, highest) {
      if abs(level(k) - magnitude) < abs(level(nearest) - magnitude) { nearest = k }
    }
    return UInt16(nearest == 0 ? 0 : nearest | (x.sign == .minus ? signBit : 0))
  }
}
