// Blocks of 32 numbers with one float16 scale: q · d, or q · d + m with a float16 minimum.
// Layouts: scale (2 bytes), minimum (2), fifth bits (4, bit i for number i), then nibbles: byte j holds numbers j and
// j + 16, low half first. Eight-bit blocks hold 32 signed bytes. Minimum and fifth bits only where the form has them.

enum SimpleBlocks {
  static let length = 32
  typealias Numbers = UnsafeMutablePointer<Float>

  static func dequantiseQ8(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let scale = block.halfFloat(0)
    for i in 0..<length { numbers[i] = Float(Int8(bitPattern: block.byte(2 + i))) * scale }
  }
  static func dequantiseQ4(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let scale = block.halfFloat(0)
    for i in 0..<length { numbers[i] = scale * Float(nibble(block + 2, i) - 8) }
  }
  static func dequantiseQ5(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let scale = block.halfFloat(0)
    for i in 0..<length { numbers[i] = scale * Float(nibble(block + 6, i) + fifthBit(block + 2, i) - 16) }
  }
  static func dequantiseQ4WithMinimum(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let (scale, minimum) = (block.halfFloat(0), block.halfFloat(2))
    for i in 0..<length { numbers[i] = scale * Float(nibble(block + 4, i)) + minimum }
  }
  static func dequantiseQ5WithMinimum(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let (scale, minimum) = (block.halfFloat(0), block.halfFloat(2))
    for i in 0..<length { numbers[i] = scale * Float(nibble(block + 8, i) + fifthBit(block + 4, i)) + minimum }
  }

  @inline(__always)
  static func nibble(_ bytes: UnsafeRawPointer, _ i: Int) -> Int {
    Int(bytes.byte(i & 15) >> (i < 16 ? 0 : 4) & 15)
  }
  @inline(__always)
  static func fifthBit(_ bytes: UnsafeRawPointer, _ i: Int) -> Int {
    Int(bytes.byte(i >> 3) >> (i & 7) & 1) << 4
  }
}

extension SimpleBlocks {
  typealias Source = UnsafePointer<Float>

  /// The number of largest magnitude becomes 127; halves are rounded away from zero.
  static func quantiseQ8(_ numbers: Source, _ block: UnsafeMutableRawPointer) {
    var largest: Float = 0
    for i in 0..<length { largest = max(largest, numbers[i].magnitude) }
    let scale = largest / 127
    let inverse = scale == 0 ? 0 : 1 / scale
    block.setHalf(0, HalfBits.float16(scale))
    for i in 0..<length {
      let code = level((numbers[i] * inverse).rounded(.toNearestOrAwayFromZero), from: -127, through: 127)
      block.setByte(2 + i, UInt8(bitPattern: Int8(code)))
    }
  }

  /// Four or five bits around zero: the number of largest magnitude becomes the lowest level, whatever its sign.
  static func quantiseSigned(_ numbers: Source, _ block: UnsafeMutableRawPointer, bits: Int) {
    var extreme: Float = 0
    for i in 0..<length where numbers[i].magnitude > extreme.magnitude { extreme = numbers[i] }
    let half = 1 << (bits - 1)
    let scale = extreme / Float(-half)
    let inverse = scale == 0 ? 0 : 1 / scale
    block.setHalf(0, HalfBits.float16(scale))
    store(block + 2, bits: bits) { i in
      level(numbers[i] * inverse + (Float(half) + 0.5), from: 0, through: 2 * half - 1)
    }
  }

  /// Four or five bits between the smallest and the largest number.
  static func quantiseWithMinimum(_ numbers: Source, _ block: UnsafeMutableRawPointer, bits: Int) {
    var (smallest, largest) = (numbers[0], numbers[0])
    for i in 1..<length { (smallest, largest) = (min(smallest, numbers[i]), max(largest, numbers[i])) }
    let top = (1 << bits) - 1
    let scale = (largest - smallest) / Float(top)
    let inverse = scale == 0 ? 0 : 1 / scale
    block.setHalf(0, HalfBits.float16(scale))
    block.setHalf(2, HalfBits.float16(smallest))
    store(block + 4, bits: bits) { i in level((numbers[i] - smallest) * inverse + 0.5, from: 0, through: top) }
  }

  /// Levels of four or five bits, in the layout above.
  private static func store(_ bytes: UnsafeMutableRawPointer, bits: Int, _ level: (Int) -> Int) {
    var high: UInt32 = 0
    let nibbles = bytes + (bits == 5 ? 4 : 0)
    for i in 0..<16 {
      let (low, upper) = (level(i), level(i + 16))
      nibbles.setByte(i, UInt8(low & 15 | (upper & 15) << 4))
      high |= UInt32(low >> 4) << UInt32(i) | UInt32(upper >> 4) << UInt32(i + 16)
    }
    if bits == 5 { bytes.storeBytes(of: high.littleEndian, as: UInt32.self) }
  }

  /// The whole part, within bounds. Scales so small that their inverse is infinite give NaN, which is the lower bound.
  @inline(__always)
  static func level(_ x: Float, from low: Int, through high: Int) -> Int {
    guard x >= Float(low) else { return low }
    return x < Float(high) ? Int(x) : high
  }
}
