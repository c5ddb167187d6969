// Blocks of 256 numbers in parts of 16 or 32 with small whole scales, which one or two float16 numbers multiply.
// With minimum: q · (d · s) − (dmin · m) in Q2_K, Q4_K and Q5_K; without: q · (d · s) in Q3_K and Q6_K, q signed.

enum SuperBlocks {
  static let length = 256
  typealias Numbers = UnsafeMutablePointer<Float>

  // Q2_K: scales 16 (scale low, minimum high half), 2-bit levels 64, d 2, dmin 2. Parts of 16.
  static func dequantiseQ2(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let (d, dmin) = (block.halfFloat(80), block.halfFloat(82))
    for part in 0..<16 {
      let packed = block.byte(part)
      let (scale, minimum) = (d * Float(packed & 15), dmin * Float(packed >> 4))
      for i in part * 16..<part * 16 + 16 { numbers[i] = scale * Float(pair(block + 16, i)) - minimum }
    }
  }

  // Q3_K: third bits 32, 2-bit levels 64, 16 scales of 6 bits 12, d 2. Parts of 16.
  static func dequantiseQ3(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let d = block.halfFloat(108)
    for part in 0..<16 {
      let scale = d * Float(sixBitScale(block + 96, part) - 32)
      for i in part * 16..<part * 16 + 16 {
        // A set bit means that nothing is taken away.
        let third = Int(block.byte(i & 31) >> (i >> 5) & 1)
        numbers[i] = scale * Float(Int(pair(block + 32, i)) - (third == 1 ? 0 : 4))
      }
    }
  }

  // Q4_K: d 2, dmin 2, 8 scales and minima of 6 bits 12, nibbles 128. Parts of 32.
  static func dequantiseQ4(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let (d, dmin) = (block.halfFloat(0), block.halfFloat(2))
    for part in 0..<8 {
      let (s, m) = scaleAndMinimum(block + 4, part)
      let (scale, minimum) = (d * Float(s), dmin * Float(m))
      for i in part * 32..<part * 32 + 32 { numbers[i] = scale * Float(nibble(block + 16, i)) - minimum }
    }
  }

  // Q5_K: as Q4_K, with 32 bytes of fifth bits before the nibbles.
  static func dequantiseQ5(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let (d, dmin) = (block.halfFloat(0), block.halfFloat(2))
    for part in 0..<8 {
      let (s, m) = scaleAndMinimum(block + 4, part)
      let (scale, minimum) = (d * Float(s), dmin * Float(m))
      for i in part * 32..<part * 32 + 32 {
        let fifth = block.byte(16 + (i & 31)) >> part & 1
        numbers[i] = scale * Float(nibble(block + 48, i) | fifth << 4) - minimum
      }
    }
  }

  // Q6_K: low halves 128, upper two bits 64, 16 signed scales 16, d 2. Parts of 16.
  static func dequantiseQ6(_ block: UnsafeRawPointer, _ numbers: Numbers) {
    let d = block.halfFloat(208)
    for part in 0..<16 {
      let scale = d * Float(Int8(bitPattern: block.byte(192 + part)))
      for i in part * 16..<part * 16 + 16 {
        let low = block.byte(i / 128 * 64 + (i & 63)) >> (i & 64 == 0 ? 0 : 4) & 15
        let high = pair(block + 128, i)
        numbers[i] = scale * Float(Int(low | high << 4) - 32)
      }
    }
  }
}

// Where the bits of number i are. Runs of 32 numbers share 32 bytes, the first run in the lowest bits.
extension SuperBlocks {
  /// Two bits: four runs of 32 in each 32 bytes.
  @inline(__always)
  static func pair(_ bytes: UnsafeRawPointer, _ i: Int) -> UInt8 {
    bytes.byte(i / 128 * 32 + (i & 31)) >> UInt8(i / 32 % 4 * 2) & 3
  }
  /// Four bits: two runs of 32 in each 32 bytes.
  @inline(__always)
  static func nibble(_ bytes: UnsafeRawPointer, _ i: Int) -> UInt8 {
    bytes.byte(i / 64 * 32 + (i & 31)) >> (i & 32 == 0 ? 0 : 4) & 15
  }
  /// The scale and the minimum of a part, 6 bits each: the first four of both fill bytes 0 ..< 8 below their upper two
  /// bits, which hold the upper two bits of the last four; bytes 8 ..< 12 hold the halves of those.
  @inline(__always)
  static func scaleAndMinimum(_ bytes: UnsafeRawPointer, _ part: Int) -> (scale: UInt8, minimum: UInt8) {
    if part < 4 { return (bytes.byte(part) & 63, bytes.byte(part + 4) & 63) }
    let low = bytes.byte(part + 4)
    return (low & 15 | (bytes.byte(part - 4) >> 6) << 4, low >> 4 | (bytes.byte(part) >> 6) << 4)
  }
  /// A scale of Q3_K: halves in bytes 0 ..< 8 (parts 0 ..< 8 low, 8 ..< 16 high), upper two bits in bytes 8 ..< 12.
  @inline(__always)
  static func sixBitScale(_ bytes: UnsafeRawPointer, _ part: Int) -> Int {
    let low = bytes.byte(part & 7) >> (part < 8 ? 0 : 4) & 15
    let high = bytes.byte(8 + part % 4) >> UInt8(part / 4 * 2) & 3
    return Int(low | high << 4)
  }
}
