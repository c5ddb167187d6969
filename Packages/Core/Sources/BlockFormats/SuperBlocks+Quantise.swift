// From 256 numbers to a block: fit every part, make the fits whole multiples of the block's scales, then the levels.
// The whole multiples are chosen by error among the nearest, which gives back most of what rounding them costs.

extension SuperBlocks {
  typealias Source = UnsafePointer<Float>
  typealias Block = UnsafeMutableRawPointer

  static func quantiseQ2(_ numbers: Source, _ block: Block) {
    let fit = MinimumFit(numbers, parts: 16, top: 3, topScale: 15)
    clear(block, 84)
    for part in 0..<16 { block.setByte(part, UInt8(fit.scales[part] | fit.minima[part] << 4)) }
    for i in 0..<length { setPair(block + 16, i, fit.level(numbers[i], part: i / 16)) }
    block.setHalf(80, fit.scale)
    block.setHalf(82, fit.minimum)
  }

  static func quantiseQ3(_ numbers: Source, _ block: Block) {
    let fit = SignedFit(numbers, half: 4, lowestScale: -32, highestScale: 31)
    clear(block, 110)
    for i in 0..<length {
      let level = fit.level(numbers[i], part: i / 16)
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
    for i in 0..<length { setNibble(block + 16, i, fit.level(numbers[i], part: i / 32)) }
  }

  static func quantiseQ5(_ numbers: Source, _ block: Block) {
    let fit = MinimumFit(numbers, parts: 8, top: 31, topScale: 63)
    clear(block, 176)
    store(fit, block)
    for i in 0..<length {
      let level = fit.level(numbers[i], part: i / 32)
      setNibble(block + 48, i, level & 15)
      block.setByte(16 + (i & 31), block.byte(16 + (i & 31)) | UInt8(level >> 4) << UInt8(i / 32))
    }
  }

  static func quantiseQ6(_ numbers: Source, _ block: Block) {
    let fit = SignedFit(numbers, half: 32, lowestScale: -128, highestScale: 127)
    clear(block, 210)
    for i in 0..<length {
      let level = fit.level(numbers[i], part: i / 16)
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
  private(set) var scales: [Int]
  private(set) var minima: [Int]
  private let top: Int

  init(_ numbers: UnsafePointer<Float>, parts: Int, top: Int, topScale: Int) {
    let size = SuperBlocks.length / parts
    let weighed = (0..<parts).map { WeighedPart(numbers + $0 * size, count: size) }
    let fits = weighed.map { LevelsWithMinimum(fitting: $0, top: top) }
    scale = HalfBits.float16((fits.map(\.scale).max() ?? 0) / Float(topScale))
    minimum = HalfBits.float16((fits.map(\.minimum).max() ?? 0) / Float(topScale))
    (scales, minima, self.top) = (Array(repeating: 0, count: parts), Array(repeating: 0, count: parts), top)
    let (d, dmin) = (HalfBits.float(scale), HalfBits.float(minimum))
    for part in 0..<parts {
      let s = SimpleBlocks.level(fits[part].scale / d + 0.5, from: 0, through: topScale)
      let m = SimpleBlocks.level(fits[part].minimum / dmin + 0.5, from: 0, through: topScale)
      var least = Float.infinity
      for trial in max(0, s - 1)...min(topScale, s + 1) {
        for minimum in max(0, m - 1)...min(topScale, m + 1) {
          let error = weighed[part].error(scale: d * Float(trial), offset: -dmin * Float(minimum), top: top)
          if error < least { (least, scales[part], minima[part]) = (error, trial, minimum) }
        }
      }
    }
  }

  @inline(__always)
  func level(_ x: Float, part: Int) -> Int {
    let step = HalfBits.float(scale) * Float(scales[part])
    let shifted = x + HalfBits.float(minimum) * Float(minima[part])
    return step == 0 ? 0 : SimpleBlocks.level(shifted / step + 0.5, from: 0, through: top)
  }
}

/// A block's 16 parts with scales of either sign, as whole multiples of the block's one.
private struct SignedFit {
  /// A float16 pattern.
  let scale: UInt16
  private(set) var scales = [Int](repeating: 0, count: 16)
  private let half: Int

  init(_ numbers: UnsafePointer<Float>, half: Int, lowestScale: Int, highestScale: Int) {
    let weighed = (0..<16).map { WeighedPart(numbers + $0 * 16, count: 16) }
    let fits = weighed.map { SignedLevels(fitting: $0, half: half).scale }
    let extreme = fits.reduce(Float(0)) { $1.magnitude > $0.magnitude ? $1 : $0 }
    scale = HalfBits.float16(extreme / Float(lowestScale))
    self.half = half
    let d = HalfBits.float(scale)
    for part in 0..<16 where d != 0 {
      let shifted = fits[part] / d + (0.5 - Float(lowestScale))
      let s = SimpleBlocks.level(shifted, from: 0, through: highestScale - lowestScale) + lowestScale
      var least = Float.infinity
      for trial in max(lowestScale, s - 1)...min(highestScale, s + 1) {
        let error = SignedLevels.error(weighed[part], scale: d * Float(trial), half: half)
        if error < least { (least, scales[part]) = (error, trial) }
      }
    }
  }

  /// The level above the lowest: 0 ..< 2 · half.
  @inline(__always)
  func level(_ x: Float, part: Int) -> Int {
    let step = HalfBits.float(scale) * Float(scales[part])
    return step == 0 ? half : SimpleBlocks.level(x / step + (Float(half) + 0.5), from: 0, through: 2 * half - 1)
  }
}
