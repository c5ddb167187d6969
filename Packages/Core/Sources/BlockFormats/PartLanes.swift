// Eight parts of a block side by side, one in each lane: what is computed for one part is computed for eight at once, in
// the order in which one alone would be, so that a lane has the bits of the plain definition.

/// One number of each of eight parts.
typealias Lanes = SIMD8<Float>
typealias LaneMask = SIMDMask<SIMD8<Int32>>

extension Lanes {
  /// 2²³, above which float32 has no fractions.
  private static let whole: Float = 8_388_608

  /// The whole part, within 0 ... `top`, which is below 2²². NaN, as of scales so small that their inverse is infinite,
  /// gives 0.
  @inline(__always)
  func level(through top: Float) -> Lanes {
    var x = Lanes(repeating: 0).replacing(with: self, where: self .> 0)
    x = Lanes(repeating: top).replacing(with: x, where: x .< top)
    let nearest = (x + Self.whole) - Self.whole
    return nearest - Lanes(repeating: 0).replacing(with: 1, where: nearest .> x)
  }

  /// Without their signs.
  @inline(__always)
  var magnitudes: Lanes { replacing(with: 0 - self, where: self .< 0) }

  /// Whether each is finite.
  @inline(__always)
  var areFinite: LaneMask { (self .< .infinity) .& (self .> -.infinity) }
}

/// The numbers of eight parts and what each weighs: its magnitude plus the root mean square of its part.
struct WeighedParts {
  static let count = 8
  /// Numbers of a part.
  let size: Int
  /// Element i holds number i of each part.
  let numbers: UnsafeMutablePointer<Lanes>
  let weights: UnsafeMutablePointer<Lanes>

  /// Calls `body` with the `8 · size` numbers, part after part.
  static func with<Result>(
    _ source: UnsafePointer<Float>, size: Int, _ body: (WeighedParts) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 2 * size) { memory in
      guard let start = memory.baseAddress else { preconditionFailure("parts of \(size) numbers; they have some") }
      let parts = WeighedParts(size: size, numbers: start, weights: start + size)
      parts.fill(source)
      return body(parts)
    }
  }

  private func fill(_ source: UnsafePointer<Float>) {
    var sum = Lanes(repeating: 0)
    for i in 0..<size {
      var x = Lanes(repeating: 0)
      for part in 0..<Self.count { x[part] = source[part * size + i] }
      numbers[i] = x
      sum += x * x
    }
    var mean = sum / Float(size)
    for part in 0..<Self.count { mean[part] = mean[part].squareRoot() }
    for i in 0..<size { weights[i] = mean + numbers[i].magnitudes }
  }

  /// Σ w (s·q + o − x)² with the nearest levels 0 ... `top`.
  @inline(__always)
  func error(scale: Lanes, offset: Lanes, top: Float) -> Lanes {
    let inverse = (1 / scale).replacing(with: 0, where: scale .== 0)
    var sum = Lanes(repeating: 0)
    for i in 0..<size {
      let q = ((numbers[i] - offset) * inverse + 0.5).level(through: top)
      let distance = scale * q + offset - numbers[i]
      sum += weights[i] * distance * distance
    }
    return sum
  }

  /// Σ w (s·q − x)² with the nearest levels −half ..< half.
  @inline(__always)
  func error(scale: Lanes, half: Float) -> Lanes {
    let inverse = (1 / scale).replacing(with: 0, where: scale .== 0)
    var sum = Lanes(repeating: 0)
    for i in 0..<size {
      let distance = scale * signedLevel(i, inverse: inverse, half: half) - numbers[i]
      sum += weights[i] * distance * distance
    }
    return sum
  }

  /// The nearest level to x / s.
  @inline(__always)
  func signedLevel(_ i: Int, inverse: Lanes, half: Float) -> Lanes {
    (numbers[i] * inverse + (half + 0.5)).level(through: 2 * half - 1) - half
  }
}
