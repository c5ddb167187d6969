// The search for scales, one part and one number at a time: what the search over eight parts at once is judged by.

/// The numbers of one part and what each weighs.
private struct PlainPart {
  let numbers: ArraySlice<Float>
  private let meanMagnitude: Float

  init(_ numbers: ArraySlice<Float>) {
    let sum = numbers.reduce(Float(0)) { $0 + $1 * $1 }
    (self.numbers, meanMagnitude) = (numbers, (sum / Float(numbers.count)).squareRoot())
  }

  func weight(_ x: Float) -> Float { meanMagnitude + x.magnitude }

  /// Σ w (s·q + o − x)² with the nearest levels lowest ... top.
  func error(scale: Float, offset: Float, lowest: Int, top: Int) -> Float {
    let inverse = scale == 0 ? 0 : 1 / scale
    return numbers.reduce(0) { sum, x in
      let q = Float(nearest((x - offset) * inverse, lowest, top))
      let distance = scale * q + offset - x
      return sum + weight(x) * distance * distance
    }
  }
}

/// The nearest whole number within bounds, halves upwards; the lower bound for NaN.
private func nearest(_ x: Float, _ lowest: Int, _ top: Int) -> Int {
  let shifted = x + (0.5 - Float(lowest))
  guard shifted >= 0 else { return lowest }
  return shifted < Float(top - lowest) ? Int(shifted) + lowest : top
}

/// Levels 0 ... top with a scale and a minimum.
private struct PlainMinimum {
  var (scale, minimum): (Float, Float) = (0, 0)

  init(fitting part: PlainPart, top: Int) {
    let smallest = part.numbers.reduce(Float(0)) { $1 < $0 ? $1 : $0 }
    let largest = part.numbers.max() ?? 0
    minimum = 0 - smallest
    guard largest > smallest else { return }
    scale = (largest - smallest) / Float(top)
    var least = part.error(scale: scale, offset: smallest, lowest: 0, top: top)
    for step in 0...20 {
      consider(part, (Float(top) + Float(step - 10) * 0.1) / (largest - smallest), smallest, top, &least)
    }
    for _ in 0..<2 where scale > 0 { consider(part, 1 / scale, -minimum, top, &least) }
  }

  private mutating func consider(
    _ part: PlainPart, _ inverse: Float, _ offset: Float, _ top: Int, _ least: inout Float
  ) {
    var (w, wq, wqq, wx, wqx): (Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0)
    for x in part.numbers {
      let (weight, q) = (part.weight(x), Float(nearest((x - offset) * inverse, 0, top)))
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
    let error = part.error(scale: trial.scale, offset: trial.offset, lowest: 0, top: top)
    if error < least { (least, scale, minimum) = (error, trial.scale, -trial.offset) }
  }
}

/// Levels −half ..< half with a scale of either sign.
private func plainScale(_ part: PlainPart, half: Int) -> Float {
  let extreme = part.numbers.reduce(Float(0)) { $1.magnitude > $0.magnitude ? $1 : $0 }
  var (scale, least): (Float, Float) = (0, .infinity)
  func consider(_ inverse: Float) {
    var (wqq, wqx): (Float, Float) = (0, 0)
    for x in part.numbers {
      let q = Float(nearest(x * inverse, -half, half - 1))
      wqq += part.weight(x) * q * q
      wqx += part.weight(x) * q * x
    }
    let trial = wqx / wqq
    guard wqq > 0, trial.isFinite, trial != 0 else { return }
    let error = part.error(scale: trial, offset: 0, lowest: -half, top: half - 1)
    if error < least { (least, scale) = (error, trial) }
  }
  guard extreme != 0 else { return 0 }
  for sign in [-1, 1] as [Float] {
    for step in -9...9 { consider(sign * (Float(half) + Float(step) * 0.1) / extreme) }
  }
  for _ in 0..<2 where scale != 0 { consider(1 / scale) }
  return scale
}

/// A block as numbers: code_i · scale − minimum, the way that `BlockFormat.split` takes blocks apart.
struct PlainBlock: Equatable {
  var (codes, scales, minima): ([Int8], [Float], [Float]) = ([], [], [])

  /// Both scales of a block are float16; parts take whole multiples of them, the best of the nearest three.
  static func withMinimum(_ numbers: [Float], parts: Int, top: Int, topScale: Int) -> PlainBlock {
    let parts = plainParts(numbers, parts)
    let fits = parts.map { PlainMinimum(fitting: $0, top: top) }
    let d = Float(Float16((fits.map(\.scale).max() ?? 0) / Float(topScale)))
    let dmin = Float(Float16((fits.map(\.minimum).max() ?? 0) / Float(topScale)))
    var block = PlainBlock()
    for (part, fit) in zip(parts, fits) {
      let (s, m) = (nearest(fit.scale / d, 0, topScale), nearest(fit.minimum / dmin, 0, topScale))
      var (least, best) = (Float.infinity, (scale: 0, minimum: 0))
      for scale in max(0, s - 1)...min(topScale, s + 1) {
        for minimum in max(0, m - 1)...min(topScale, m + 1) {
          let error = part.error(scale: d * Float(scale), offset: -dmin * Float(minimum), lowest: 0, top: top)
          if error < least { (least, best) = (error, (scale, minimum)) }
        }
      }
      let (step, shift) = (d * Float(best.scale), dmin * Float(best.minimum))
      block.scales.append(step)
      block.minima.append(shift)
      block.codes += part.numbers.map { step == 0 ? 0 : Int8(nearest(($0 + shift) / step, 0, top)) }
    }
    return block
  }

  /// As `withMinimum`, around zero.
  static func signed(_ numbers: [Float], half: Int, scales: ClosedRange<Int>) -> PlainBlock {
    let parts = plainParts(numbers, 16)
    let fits = parts.map { plainScale($0, half: half) }
    let extreme = fits.reduce(Float(0)) { $1.magnitude > $0.magnitude ? $1 : $0 }
    let d = Float(Float16(extreme / Float(scales.lowerBound)))
    var block = PlainBlock()
    for (part, fit) in zip(parts, fits) {
      var (least, best) = (Float.infinity, 0)
      if d != 0 {
        let s = nearest(fit / d, scales.lowerBound, scales.upperBound)
        for scale in max(scales.lowerBound, s - 1)...min(scales.upperBound, s + 1) {
          let error = part.error(scale: d * Float(scale), offset: 0, lowest: -half, top: half - 1)
          if error < least { (least, best) = (error, scale) }
        }
      }
      let step = d * Float(best)
      block.scales.append(step)
      block.minima.append(0)
      block.codes += part.numbers.map { step == 0 ? 0 : Int8(nearest($0 / step, -half, half - 1)) }
    }
    return block
  }

  private static func plainParts(_ numbers: [Float], _ parts: Int) -> [PlainPart] {
    let size = numbers.count / parts
    return (0..<parts).map { PlainPart(numbers[($0 * size)..<(($0 + 1) * size)]) }
  }
}
