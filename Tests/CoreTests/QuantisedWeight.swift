// Weights in quantised blocks for tests: random ones, and blocks of arbitrary bytes.
import BlockFormats
import Tensors

/// The bytes of a weight [n, k], on no device yet.
struct QuantisedWeight {
  let format: BlockFormat
  let shape: Shape
  let bytes: [UInt8]

  /// Blocks of random bytes with scales of ordinary size, which reach codes and small scales that no fit would choose.
  init(_ format: BlockFormat, _ n: Int, _ k: Int, seed: UInt64) {
    var random = RandomStream(seed: seed)
    var bytes = (0..<format.byteCount(of: n * k)).map { _ in UInt8.random(in: 0...255, using: &random) }
    for block in 0..<n * k / format.blockLength {
      for half in format.halves {
        // A float16 between 2^-8 and 2^-6, of either sign.
        let bits = UInt16.random(in: 0x1C00..<0x2400, using: &random) | (random.uniform() < 0.5 ? 0x8000 : 0)
        let at = block * format.blockBytes + half
        (bytes[at], bytes[at + 1]) = (UInt8(bits & 255), UInt8(bits >> 8))
      }
    }
    (self.format, shape, self.bytes) = (format, [n, k], bytes)
  }
  init(_ format: BlockFormat, _ shape: Shape, bytes: [UInt8]) {
    (self.format, self.shape, self.bytes) = (format, shape, bytes)
  }

  func tensor(on device: Device) -> Tensor {
    bytes.withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: format.dtype, on: device) }
  }
}

extension BlockFormat {
  static let quantised = allCases.filter(\.isQuantised)
  /// Where the float16 numbers of a block are.
  var halves: [Int] {
    switch self {
    case .f32, .f16, .bf16: []
    case .q8_0, .q4_0, .q5_0: [0]
    case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
    case .q2_K: [80, 82]
    case .q3_K: [108]
    case .q6_K: [208]
    }
  }
}
