// Which scale, and which minimum, bring equally spaced levels closest to the numbers of one part of a block.
// Numbers weigh their magnitude plus the part's root mean square, so that the large ones, which carry the products,
// are met best. For given levels the best scale is a least-squares solution; levels are proposed by a short search.

/// The numbers of one part and what each weighs.
struct WeighedPart {
  let numbers: UnsafePointer<Float>
  let count: Int
  private let meanMagnitude: Float

  init(_ numbers: UnsafePointer<Float>, count: Int) {
    var sum: Float = 0
    for i in 0..<count { sum += numbers[i] * numbers[i] }
    (self.numbers, self.count, meanMagnitude) = (numbers, count, (sum / Float(count)).squareRoot())
  }

  @inline(__always)
  func weight(_ i: Int) -> Float { meanMagnitude + numbers[i].magnitude }

  /// Σ w (s·q + o − x)² with the nearest levels 0 ... `top`.
  func error(scale: Float, offset: Float, top: Int) -> Float {
    let inverse = scale == 0 ? 0 : 1 / scale
    var sum: Float = 0
    for i in 0..<count {
      let q = Float(SimpleBlocks.level((numbers[i] - offset) * inverse + 0.5, from: 0, through: top))
      let distance = scale * q + offset - numbers[i]
      sum += weight(i) * distance * distance
    }
    return sum
  }
}

/// Levels 0 ... top with a scale and a minimum: x ≈ s · q − m, both at least 0.
struct LevelsWithMinimum {
  private(set) var scale: Float = 0
  private(set) var minimum: Float = 0

  init(fitting part: WeighedPart, top: Int) {
    var (smallest, largest): (Float, Float) = (0, part.numbers[0])
    for i in 0..<part.count {
      (smallest, largest) = (min(smallest, part.numbers[i]), max(largest, part.numbers[i]))
    }
    minimum = 0 - smallest
    guard largest > smallest else { return }
    scale = (largest - smallest) / Float(top)
    var least = part.error(scale: scale, offset: smallest, top: top)
    // Around the number of levels: fewer leave the extremes less room, more cut them off.
    for step in 0...20 {
      let inverse = (Float(top) + Float(step - 10) * 0.1) / (largest - smallest)
      consider(part, inverse: inverse, offset: smallest, top: top, &least)
    }
    for _ in 0..<2 where scale > 0 { consider(part, inverse: 1 / scale, offset: -minimum, top: top, &least) }
  }

  /// The least-squares scale and offset for the levels that a trial gives, if they are better.
  private mutating func consider(
    _ part: WeighedPart, inverse: Float, offset: Float, top: Int, _ least: inout Float
  ) {
    var (w, wq, wqq, wx, wqx): (Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0)
    for i in 0..<part.count {
      let (x, weight) = (part.numbers[i], part.weight(i))
      let q = Float(SimpleBlocks.level((x - offset) * inverse + 0.5, from: 0, through: top))
      w += weight
      wq += weight * q
      wqq += weight * q * q
      wx += weight * x
      wqx += weight * q * x
    }
    let determinant = w * wqq - wq * wq
    guard determinant > 0 else { return }
    var trial = (scale: (w * wqx - wx * wq) / determinant, offset: (wqq * wx - wq * wqx) / determinant)
    if trial.offset > 0 { trial = (wqx / wqq, 0) }
    guard trial.scale > 0, trial.scale.isFinite, trial.offset.isFinite else { return }
    let error = part.error(scale: trial.scale, offset: trial.offset, top: top)
    if error < least { (least, scale, minimum) = (error, trial.scale, -trial.offset) }
  }
}

/// Levels −half ..< half with a scale of either sign: x ≈ s · q.
struct SignedLevels {
  private(set) var scale: Float = 0

  init(fitting part: WeighedPart, half: Int) {
    var extreme: Float = 0
    for i in 0..<part.count where part.numbers[i].magnitude > extreme.magnitude { extreme = part.numbers[i] }
    guard extreme != 0 else { return }
    var least = Float.infinity
    // The lowest level has no partner above: it goes to the extreme, or to the other end where that is better.
    for sign in [-1, 1] as [Float] {
      for step in -9...9 {
        let inverse = sign * (Float(half) + Float(step) * 0.1) / extreme
        consider(part, inverse: inverse, half: half, &least)
      }
    }
    for _ in 0..<2 where scale != 0 { consider(part, inverse: 1 / scale, half: half, &least) }
  }

  private mutating func consider(_ part: WeighedPart, inverse: Float, half: Int, _ least: inout Float) {
    var (wqq, wqx): (Float, Float) = (0, 0)
    for i in 0..<part.count {
      let q = SignedLevels.level(part.numbers[i], inverse: inverse, half: half)
      wqq += part.weight(i) * q * q
      wqx += part.weight(i) * q * part.numbers[i]
    }
    let trial = wqx / wqq
    guard wqq > 0, trial.isFinite, trial != 0 else { return }
    let error = SignedLevels.error(part, scale: trial, half: half)
    if error < least { (least, scale) = (error, trial) }
  }

  /// Σ w (s·q − x)² with the nearest levels.
  static func error(_ part: WeighedPart, scale: Float, half: Int) -> Float {
    let inverse = scale == 0 ? 0 : 1 / scale
    var sum: Float = 0
    for i in 0..<part.count {
      let distance = scale * level(part.numbers[i], inverse: inverse, half: half) - part.numbers[i]
      sum += part.weight(i) * distance * distance
    }
    return sum
  }

  /// The nearest level to x / s.
  @inline(__always)
  static func level(_ x: Float, inverse: Float, half: Int) -> Float {
    Float(SimpleBlocks.level(x * inverse + (Float(half) + 0.5), from: 0, through: 2 * half - 1) - half)
  }
}
