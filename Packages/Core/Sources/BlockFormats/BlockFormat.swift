// The stored forms of numbers that are read and written here, as values: floats and blocks of quantised numbers.
// A block holds neighbours of one row and depends on nothing else, so rows may be cut out and moved as bytes.

/// A form in which numbers are stored. Rows are whole numbers of blocks.
public enum BlockFormat: String, Sendable, Hashable, Codable, CaseIterable {
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  /// 32 numbers of 8 bits with one scale.
  case q8_0 = "Q8_0"
  /// 32 numbers of 4 bits with one scale.
  case q4_0 = "Q4_0"
  /// 32 numbers of 4 bits with a scale and a minimum.
  case q4_1 = "Q4_1"
  case q5_0 = "Q5_0"
  case q5_1 = "Q5_1"
  /// 256 numbers in parts with small scales of their own, and one or two scales of these scales.
  case q2_K = "Q2_K"
  case q3_K = "Q3_K"
  case q4_K = "Q4_K"
  case q5_K = "Q5_K"
  case q6_K = "Q6_K"

  /// Numbers of one block, which are stored together and lie in one row.
  public var blockLength: Int { layout.length }
  /// Bytes of one block.
  public var blockBytes: Int { layout.bytes }

  /// Numbers and bytes of a block, as the format publishes them (`GGML_QUANT_SIZES`).
  private var layout: (length: Int, bytes: Int) {
    switch self {
    case .f32: (1, 4)
    case .f16, .bf16: (1, 2)
    case .q8_0: (32, 34)
    case .q4_0: (32, 18)
    case .q4_1: (32, 20)
    case .q5_0: (32, 22)
    case .q5_1: (32, 24)
    case .q2_K: (256, 84)
    case .q3_K: (256, 110)
    case .q4_K: (256, 144)
    case .q5_K: (256, 176)
    case .q6_K: (256, 210)
    }
  }

  /// Whether numbers lose bits that float16 and bfloat16 would keep.
  public var isQuantised: Bool { blockLength > 1 }

  /// Bytes of `count` numbers, which must be whole blocks.
  public func byteCount(of count: Int) -> Int {
    precondition(count % blockLength == 0, "\(rawValue): \(count) numbers are not whole blocks of \(blockLength)")
    return count / blockLength * blockBytes
  }
}

/// A number that a form cannot hold, in one sentence.
public struct QuantisationError: Error, CustomStringConvertible, Equatable {
  /// Where the number is, counted from the first that was given.
  public let index: Int
  public let value: Float
  public let format: BlockFormat
  public var description: String {
    "number \(index) is \(value); \(format.rawValue) holds numbers between -65504 and 65504"
  }
  /// The same number in a sequence that begins `count` numbers earlier.
  public func moved(by count: Int) -> Self { Self(index: index + count, value: value, format: format) }
}

extension BlockFormat {
  /// The numbers of whole blocks. Each is one product, or a product and a difference, rounded to float32 in the order
  /// of the published definition, so that equal bytes give equal bits everywhere.
  public func dequantise(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>) {
    precondition(
      bytes.count == byteCount(of: numbers.count),
      "\(rawValue): \(bytes.count) bytes are not the \(byteCount(of: numbers.count)) of \(numbers.count) numbers")
    guard let source = bytes.baseAddress, let target = numbers.baseAddress else { return }
    for block in 0..<numbers.count / blockLength {
      let (from, to) = (source + block * blockBytes, target + block * blockLength)
      switch self {
      case .f32: to.pointee = Float(bitPattern: UInt32(littleEndian: from.loadUnaligned(as: UInt32.self)))
      case .f16: to.pointee = HalfBits.float(from.half(0))
      case .bf16: to.pointee = Float(bitPattern: UInt32(from.half(0)) << 16)
      case .q8_0: SimpleBlocks.dequantiseQ8(from, to)
      case .q4_0: SimpleBlocks.dequantiseQ4(from, to)
      case .q4_1: SimpleBlocks.dequantiseQ4WithMinimum(from, to)
      case .q5_0: SimpleBlocks.dequantiseQ5(from, to)
      case .q5_1: SimpleBlocks.dequantiseQ5WithMinimum(from, to)
      case .q2_K: SuperBlocks.dequantiseQ2(from, to)
      case .q3_K: SuperBlocks.dequantiseQ3(from, to)
      case .q4_K: SuperBlocks.dequantiseQ4(from, to)
      case .q5_K: SuperBlocks.dequantiseQ5(from, to)
      case .q6_K: SuperBlocks.dequantiseQ6(from, to)
      }
    }
  }

  /// The blocks of numbers. Throws `QuantisationError` for numbers beyond float16's, and in quantised
  /// forms for those that are not finite; float32 and bfloat16 hold everything.
  public func quantise(_ numbers: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer)
    throws(QuantisationError)
  {
    precondition(
      bytes.count == byteCount(of: numbers.count),
      "\(rawValue): \(bytes.count) bytes are not the \(byteCount(of: numbers.count)) of \(numbers.count) numbers")
    guard let source = numbers.baseAddress, let target = bytes.baseAddress else { return }
    try refuseWhatDoesNotFit(numbers)
    for block in 0..<numbers.count / blockLength {
      let (from, to) = (source + block * blockLength, target + block * blockBytes)
      switch self {
      case .f32: to.storeBytes(of: from.pointee.bitPattern.littleEndian, as: UInt32.self)
      case .f16: to.setHalf(0, HalfBits.float16(from.pointee))
      case .bf16: to.setHalf(0, HalfBits.bfloat16(from.pointee))
      case .q8_0: SimpleBlocks.quantiseQ8(from, to)
      case .q4_0: SimpleBlocks.quantiseSigned(from, to, bits: 4)
      case .q5_0: SimpleBlocks.quantiseSigned(from, to, bits: 5)
      case .q4_1: SimpleBlocks.quantiseWithMinimum(from, to, bits: 4)
      case .q5_1: SimpleBlocks.quantiseWithMinimum(from, to, bits: 5)
      case .q2_K: SuperBlocks.quantiseQ2(from, to)
      case .q3_K: SuperBlocks.quantiseQ3(from, to)
      case .q4_K: SuperBlocks.quantiseQ4(from, to)
      case .q5_K: SuperBlocks.quantiseQ5(from, to)
      case .q6_K: SuperBlocks.quantiseQ6(from, to)
      }
    }
  }

  private func refuseWhatDoesNotFit(_ numbers: UnsafeBufferPointer<Float>) throws(QuantisationError) {
    // Scales are float16: with a number above its largest, a block would come back as infinities. A float16 of its own
    // may be infinite or no number at all.
    let misfit: Int?
    switch self {
    case .f32, .bf16: return
    case .f16: misfit = numbers.firstIndex { $0.isFinite && $0.magnitude > HalfBits.largest }
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K:
      misfit = numbers.firstIndex { !($0.magnitude <= HalfBits.largest) }
    }
    guard let misfit else { return }
    throw QuantisationError(index: misfit, value: numbers[misfit], format: self)
  }

  /// The numbers of whole blocks.
  public func dequantise(_ bytes: [UInt8]) -> [Float] {
    precondition(
      bytes.count % blockBytes == 0, "\(rawValue): \(bytes.count) bytes are not whole blocks of \(blockBytes)")
    return [Float](unsafeUninitializedCapacity: bytes.count / blockBytes * blockLength) { numbers, count in
      count = bytes.count / blockBytes * blockLength
      let target = UnsafeMutableBufferPointer(rebasing: numbers[..<count])
      bytes.withUnsafeBytes { dequantise($0, into: target) }
    }
  }

  /// The blocks of numbers, which must be whole blocks. Throws as the version into memory does.
  public func quantise(_ numbers: [Float]) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount(of: numbers.count))
    try bytes.withUnsafeMutableBytes { target in
      try numbers.withUnsafeBufferPointer { try quantise($0, into: target) }
    }
    return bytes
  }
}
