// Which scale, and which minimum, bring equally spaced levels closest to the numbers of one part of a block.
// Numbers weigh their magnitude plus the part's root mean square, so that the large ones, which carry the products,
// are met best. For given levels the best scale is a least-squares solution; levels are proposed by a short search.
// Eight parts are searched at once; each has the result that it would have alone.

/// Levels 0 ... top with a scale and a minimum: x ≈ s · q − m, both at least 0.
struct LevelsWithMinimum {
  private(set) var scale = Lanes(repeating: 0)
  private(set) var minimum: Lanes
  private var least: Lanes
  private let parts: WeighedParts
  private let top: Float
  /// Σ w and Σ w x, which do not depend on levels.
  private let (w, wx): (Lanes, Lanes)

  init(fitting parts: WeighedParts, top: Float) {
    var (smallest, largest) = (Lanes(repeating: 0), parts.numbers[0])
    var (w, wx) = (Lanes(repeating: 0), Lanes(repeating: 0))
    for i in 0..<parts.size {
      let x = parts.numbers[i]
      smallest = smallest.replacing(with: x, where: x .< smallest)
      largest = largest.replacing(with: x, where: x .>= largest)
      w += parts.weights[i]
      wx += parts.weights[i] * x
    }
    let range = largest - smallest
    (self.parts, self.top, self.w, self.wx, minimum) = (parts, top, w, wx, 0 - smallest)
    // Where all numbers are one, the scale stays 0.
    let varies = largest .> smallest
    scale.replace(with: range / top, where: varies)
    least = parts.error(scale: scale, offset: smallest, top: top)
    // Around the number of levels: fewer leave the extremes less room, more cut them off.
    for step in 0...20 {
      consider(inverse: (top + Float(step - 10) * 0.1) / range, offset: smallest, where: varies)
    }
    for _ in 0..<2 { consider(inverse: 1 / scale, offset: -minimum, where: scale .> 0) }
  }

  /// The least-squares scale and offset for the levels that a trial gives, where they are better.
  @inline(__always)
  private mutating func consider(inverse: Lanes, offset: Lanes, where varies: LaneMask) {
    var (wq, wqq, wqx) = (Lanes(repeating: 0), Lanes(repeating: 0), Lanes(repeating: 0))
    for i in 0..<parts.size {
      let x = parts.numbers[i]
      let q = ((x - offset) * inverse + 0.5).level(through: top)
      let weighed = parts.weights[i] * q
      wq += weighed
      wqq += weighed * q
      wqx += weighed * x
    }
    let determinant = w * wqq - wq * wq
    var trial = (scale: (w * wqx - wx * wq) / determinant, offset: (wqq * wx - wq * wqx) / determinant)
    let isPositive = trial.offset .> 0
    trial.scale.replace(with: wqx / wqq, where: isPositive)
    trial.offset.replace(with: 0, where: isPositive)
    let isUsable =
      varies .& (determinant .> 0) .& (trial.scale .> 0) .& trial.scale.areFinite .& trial.offset.areFinite
    let error = parts.error(scale: trial.scale, offset: trial.offset, top: top)
    let isBetter = isUsable .& (error .< least)
    least.replace(with: error, where: isBetter)
    scale.replace(with: trial.scale, where: isBetter)
    minimum.replace(with: -trial.offset, where: isBetter)
  }
}

/// Levels −half ..< half with a scale of either sign: x ≈ s · q.
struct SignedLevels {
  private(set) var scale = Lanes(repeating: 0)
  private var least = Lanes(repeating: .infinity)
  private let parts: WeighedParts
  private let half: Float

  init(fitting parts: WeighedParts, half: Float) {
    (self.parts, self.half) = (parts, half)
    var extreme = Lanes(repeating: 0)
    for i in 0..<parts.size {
      let x = parts.numbers[i]
      extreme.replace(with: x, where: x.magnitudes .> extreme.magnitudes)
    }
    // The lowest level has no partner above: it goes to the extreme, or to the other end where that is better.
    for sign in [-1, 1] as [Float] {
      for step in -9...9 { consider(inverse: sign * (half + Float(step) * 0.1) / extreme, where: extreme .!= 0) }
    }
    for _ in 0..<2 { consider(inverse: 1 / scale, where: scale .!= 0) }
  }

  @inline(__always)
  private mutating func consider(inverse: Lanes, where mayBe: LaneMask) {
    var (wqq, wqx) = (Lanes(repeating: 0), Lanes(repeating: 0))
    for i in 0..<parts.size {
      let q = parts.signedLevel(i, inverse: inverse, half: half)
      let weighed = parts.weights[i] * q
      wqq += weighed * q
      wqx += weighed * parts.numbers[i]
    }
    let trial = wqx / wqq
    let error = parts.error(scale: trial, half: half)
    let isBetter = mayBe .& (wqq .> 0) .& trial.areFinite .& (trial .!= 0) .& (error .< least)
    least.replace(with: error, where: isBetter)
    scale.replace(with: trial, where: isBetter)
  }
}
