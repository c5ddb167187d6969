// From 256 numbers to a block: fit every part, make the fits whole multiples of the block's scales, then the levels.
// The whole multiples are chosen by error among the nearest, which gives back most of what rounding them costs.

extension SuperBlocks {
  typealias Source = UnsafePointer<Float>
  typealias Block = UnsafeMutableRawPointer

  static func quantiseQ2(_ numbers: Source, _ block: Block) {
    let fit = MinimumFit(numbers, parts: 16, top: 3, topScale: 15)
    clear(block, 84)
    for part in 0..<16 { block.setByte(part, UInt8(fit.scales[part] | fit.minima[part] << 4)) }
    fit.forEachLevel(numbers) { i, level in setPair(block + 16, i, level) }
    block.setHalf(80, fit.scale)
    block.setHalf(82, fit.minimum)
  }

  static func quantiseQ3(_ numbers: Source, _ block: Block) {
    let fit = SignedFit(numbers, half: 4, lowestScale: -32, highestScale: 31)
    clear(block, 110)
    fit.forEachLevel(numbers) { i, level in
      setPair(block + 32, i, level & 3)
      block.setByte(i & 31, block.byte(i & 31) | UInt8(level >> 2) << UInt8(i >> 5))
    }
    for part in 0..<16 {
      let code = UInt8(fit.scales[part] + 32)
      let (low, high) = (96 + (part & 7), 104 + part % 4)
      block.setByte(low, block.byte(low) | (code & 15) << (part < 8 ? 0 : 4))
      block.setByte(high, block.byte(high) | (code >> 4) << UInt8(part / 4 * 2))
    }
    block.setHalf(108, fit.scale)
  }

  static func quantiseQ4(_ numbers: Source, _ block: Block) {
    let fit = MinimumFit(numbers, parts: 8, top: 15, topScale: 63)
    clear(block, 144)
    store(fit, block)
    fit.forEachLevel(numbers) { i, level in setNibble(block + 16, i, level) }
  }

  static func quantiseQ5(_ numbers: Source, _ block: Block) {
    let fit = MinimumFit(numbers, parts: 8, top: 31, topScale: 63)
    clear(block, 176)
    store(fit, block)
    fit.forEachLevel(numbers) { i, level in
      setNibble(block + 48, i, level & 15)
      block.setByte(16 + (i & 31), block.byte(16 + (i & 31)) | UInt8(level >> 4) << UInt8(i / 32))
    }
  }

  static func quantiseQ6(_ numbers: Source, _ block: Block) {
    let fit = SignedFit(numbers, half: 32, lowestScale: -128, highestScale: 127)
    clear(block, 210)
    fit.forEachLevel(numbers) { i, level in
      let low = i / 128 * 64 + (i & 63)
      block.setByte(low, block.byte(low) | UInt8(level & 15) << (i & 64 == 0 ? 0 : 4))
      setPair(block + 128, i, level >> 4)
    }
    for part in 0..<16 { block.setByte(192 + part, UInt8(bitPattern: Int8(fit.scales[part]))) }
    block.setHalf(208, fit.scale)
  }

  private static func clear(_ block: Block, _ count: Int) {
    block.initializeMemory(as: UInt8.self, repeating: 0, count: count)
  }
  @inline(__always)
  private static func setPair(_ bytes: Block, _ i: Int, _ level: Int) {
    let at = i / 128 * 32 + (i & 31)
    bytes.setByte(at, bytes.byte(at) | UInt8(level) << UInt8(i / 32 % 4 * 2))
  }
  @inline(__always)
  private static func setNibble(_ bytes: Block, _ i: Int, _ level: Int) {
    let at = i / 64 * 32 + (i & 31)
    bytes.setByte(at, bytes.byte(at) | UInt8(level) << (i & 32 == 0 ? 0 : 4))
  }
  /// Both scales and the eight pairs of 6 bits, as Q4_K and Q5_K begin; see `scaleAndMinimum`.
  private static func store(_ fit: MinimumFit, _ block: Block) {
    block.setHalf(0, fit.scale)
    block.setHalf(2, fit.minimum)
    let bytes = block + 4
    for part in 0..<8 {
      let (s, m) = (UInt8(fit.scales[part]), UInt8(fit.minima[part]))
      if part < 4 {
        bytes.setByte(part, s)
        bytes.setByte(part + 4, m)
      } else {
        bytes.setByte(part + 4, s & 15 | m << 4)
        bytes.setByte(part - 4, bytes.byte(part - 4) | (s >> 4) << 6)
        bytes.setByte(part, bytes.byte(part) | (m >> 4) << 6)
      }
    }
  }
}

/// A block's parts with scale and minimum, as whole multiples of the block's two.
private struct MinimumFit {
  /// Float16 patterns.
  let scale: UInt16
  let minimum: UInt16
  private(set) var scales: [Int] = []
  private(set) var minima: [Int] = []
  private let top: Int

  init(_ numbers: UnsafePointer<Float>, parts: Int, top: Int, topScale: Int) {
    let size = SuperBlocks.length / parts
    var (fits, smallest): ([Lanes], [Lanes]) = ([], [])
    for group in 0..<parts / WeighedParts.count {
      WeighedParts.with(numbers + group * WeighedParts.count * size, size: size) { weighed in
        let fit = LevelsWithMinimum(fitting: weighed, top: Float(top))
        fits.append(fit.scale)
        smallest.append(fit.minimum)
      }
    }
    scale = HalfBits.float16(Self.largest(fits) / Float(topScale))
    minimum = HalfBits.float16(Self.largest(smallest) / Float(topScale))
    self.top = top
    let (d, dmin) = (HalfBits.float(scale), HalfBits.float(minimum))
    for group in fits.indices {
      let best = WeighedParts.with(numbers + group * WeighedParts.count * size, size: size) { weighed in
        Self.multiples(
          weighed, (fits[group] / d + 0.5).level(through: Float(topScale)), d,
          (smallest[group] / dmin + 0.5).level(through: Float(topScale)), dmin, topScale: Float(topScale),
          top: Float(top))
      }
      scales += (0..<WeighedParts.count).map { Int(best.scales[$0]) }
      minima += (0..<WeighedParts.count).map { Int(best.minima[$0]) }
    }
  }

  private static func largest(_ lanes: [Lanes]) -> Float {
    lanes.flatMap { lanes in (0..<WeighedParts.count).map { lanes[$0] } }.max() ?? 0
  }

  /// The multiples of `d` and `dmin` around `s` and `m` that err least.
  private static func multiples(
    _ parts: WeighedParts, _ s: Lanes, _ d: Float, _ m: Lanes, _ dmin: Float, topScale: Float, top: Float
  ) -> (scales: Lanes, minima: Lanes) {
    var least = Lanes(repeating: .infinity)
    var best = (scales: Lanes(repeating: 0), minima: Lanes(repeating: 0))
    for scaleStep in [-1, 0, 1] as [Float] {
      for minimumStep in [-1, 0, 1] as [Float] {
        let (trial, minimum) = (s + scaleStep, m + minimumStep)
        let exists = (trial .>= 0) .& (trial .<= topScale) .& (minimum .>= 0) .& (minimum .<= topScale)
        let error = parts.error(scale: d * trial, offset: -dmin * minimum, top: top)
        let isBetter = exists .& (error .< least)
        least.replace(with: error, where: isBetter)
        best.scales.replace(with: trial, where: isBetter)
        best.minima.replace(with: minimum, where: isBetter)
      }
    }
    return best
  }

  /// Level i of a part for each of its numbers.
  func forEachLevel(_ numbers: UnsafePointer<Float>, _ body: (_ i: Int, _ level: Int) -> Void) {
    let size = SuperBlocks.length / scales.count
    for part in scales.indices {
      let step = HalfBits.float(scale) * Float(scales[part])
      let shift = HalfBits.float(minimum) * Float(minima[part])
      for i in part * size..<(part + 1) * size {
        body(i, step == 0 ? 0 : SimpleBlocks.level((numbers[i] + shift) / step + 0.5, from: 0, through: top))
      }
    }
  }
}

/// A block's 16 parts with scales of either sign, as whole multiples of the block's one.
private struct SignedFit {
  /// A float16 pattern.
  let scale: UInt16
  private(set) var scales: [Int] = []
  private let half: Int

  init(_ numbers: UnsafePointer<Float>, half: Int, lowestScale: Int, highestScale: Int) {
    let groups = [numbers, numbers + SuperBlocks.length / 2]
    let fits = groups.map { WeighedParts.with($0, size: 16) { SignedLevels(fitting: $0, half: Float(half)).scale } }
    let single = fits.flatMap { lanes in (0..<WeighedParts.count).map { lanes[$0] } }
    let extreme = single.reduce(Float(0)) { $1.magnitude > $0.magnitude ? $1 : $0 }
    scale = HalfBits.float16(extreme / Float(lowestScale))
    self.half = half
    let d = HalfBits.float(scale)
    let (lowest, highest) = (Float(lowestScale), Float(highestScale))
    for (group, fit) in zip(groups, fits) {
      let best = WeighedParts.with(group, size: 16) { parts in
        let s = (fit / d + (0.5 - lowest)).level(through: highest - lowest) + lowest
        var (least, best) = (Lanes(repeating: .infinity), Lanes(repeating: 0))
        for step in [-1, 0, 1] as [Float] where d != 0 {
          let trial = s + step
          let error = parts.error(scale: d * trial, half: Float(half))
          let isBetter = (trial .>= lowest) .& (trial .<= highest) .& (error .< least)
          least.replace(with: error, where: isBetter)
          best.replace(with: trial, where: isBetter)
        }
        return best
      }
      scales += (0..<WeighedParts.count).map { Int(best[$0]) }
    }
  }

  /// The level above the lowest, 0 ..< 2 · half, of each number.
  func forEachLevel(_ numbers: UnsafePointer<Float>, _ body: (_ i: Int, _ level: Int) -> Void) {
    for part in scales.indices {
      let step = HalfBits.float(scale) * Float(scales[part])
      for i in part * 16..<(part + 1) * 16 {
        body(
          i,
          step == 0
            ? half : SimpleBlocks.level(numbers[i] / step + (Float(half) + 0.5), from: 0, through: 2 * half - 1))
      }
    }
  }
}
