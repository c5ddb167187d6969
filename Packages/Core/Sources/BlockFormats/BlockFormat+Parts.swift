// Blocks as whole numbers with scales, which is how products take them: number i is scale · code_i − minimum.
// A part is the 16 or 32 neighbours that share a scale and, where the form has one, a minimum.

extension BlockFormat {
  /// Numbers that share a scale.
  public var partLength: Int {
    switch self {
    case .f32, .f16, .bf16: 1
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q4_K, .q5_K: 32
    case .q2_K, .q3_K, .q6_K: 16
    }
  }

  /// Whether parts have a minimum.
  public var hasMinimum: Bool {
    switch self {
    case .f32, .f16, .bf16, .q8_0, .q4_0, .q5_0, .q3_K, .q6_K: false
    case .q4_1, .q5_1, .q2_K, .q4_K, .q5_K: true
    }
  }

  /// Takes one block of a quantised form apart: `blockLength` codes, and for each part its scale and its minimum, 0
  /// where the form has none. Scales and minima are float32 as `dequantise` computes them.
  public func split(
    _ block: UnsafeRawPointer, codes: UnsafeMutablePointer<Int8>, scales: UnsafeMutablePointer<Float>,
    minima: UnsafeMutablePointer<Float>
  ) {
    for part in 0..<blockLength / partLength { minima[part] = 0 }
    switch self {
    case .f32, .f16, .bf16: preconditionFailure("\(rawValue): has no parts with scales")
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1:
      scales[0] = block.halfFloat(0)
      if hasMinimum { minima[0] = -block.halfFloat(2) }
      for i in 0..<32 { codes[i] = Int8(simpleCode(block, i)) }
    case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K:
      for part in 0..<256 / partLength {
        let (scale, minimum) = superScales(block, part)
        (scales[part], minima[part]) = (scale, minimum)
      }
      for i in 0..<256 { codes[i] = Int8(superCode(block, i)) }
    }
  }

  private func simpleCode(_ block: UnsafeRawPointer, _ i: Int) -> Int {
    switch self {
    case .q4_0: SimpleBlocks.nibble(block + 2, i) - 8
    case .q4_1: SimpleBlocks.nibble(block + 4, i)
    case .q5_0: SimpleBlocks.nibble(block + 6, i) + SimpleBlocks.fifthBit(block + 2, i) - 16
    case .q5_1: SimpleBlocks.nibble(block + 8, i) + SimpleBlocks.fifthBit(block + 4, i)
    default: Int(Int8(bitPattern: block.byte(2 + i)))
    }
  }

  private func superCode(_ block: UnsafeRawPointer, _ i: Int) -> Int {
    switch self {
    case .q2_K: Int(SuperBlocks.pair(block + 16, i))
    case .q3_K: Int(SuperBlocks.pair(block + 32, i)) - (block.byte(i & 31) >> (i >> 5) & 1 == 1 ? 0 : 4)
    case .q4_K: Int(SuperBlocks.nibble(block + 16, i))
    case .q5_K: Int(SuperBlocks.nibble(block + 48, i) | (block.byte(16 + (i & 31)) >> (i >> 5) & 1) << 4)
    default:
      Int(
        block.byte(i / 128 * 64 + (i & 63)) >> (i & 64 == 0 ? 0 : 4) & 15 | SuperBlocks.pair(block + 128, i) << 4)
        - 32
    }
  }

  private func superScales(_ block: UnsafeRawPointer, _ part: Int) -> (scale: Float, minimum: Float) {
    switch self {
    case .q2_K:
      let packed = block.byte(part)
      return (block.halfFloat(80) * Float(packed & 15), block.halfFloat(82) * Float(packed >> 4))
    case .q3_K: return (block.halfFloat(108) * Float(SuperBlocks.sixBitScale(block + 96, part) - 32), 0)
    case .q6_K: return (block.halfFloat(208) * Float(Int8(bitPattern: block.byte(192 + part))), 0)
    default:
      let (scale, minimum) = SuperBlocks.scaleAndMinimum(block + 4, part)
      return (block.halfFloat(0) * Float(scale), block.halfFloat(2) * Float(minimum))
    }
  }
}
