// Weights of bfloat16, float16 and float8 with scales, as host bytes that can be put on any device.
import LowPrecision
import Tensors

/// A matrix of narrow floats with every kind of number, special ones only where they are asked for.
struct NarrowWeight: Sendable {
  static let dtypes: [DType] = [.bfloat16, .float16, .float8]
  let dtype: DType
  let shape: Shape
  var codes: [UInt8]
  /// Of float8 only: one for each tile of 128 × 128.
  var scales: [Float] = []

  init(_ dtype: DType, _ n: Int, _ k: Int, seed: UInt64) {
    (self.dtype, shape, codes) = (dtype, [n, k], [])
    var random = RandomStream(seed: seed)
    let sizes: [Float] = [1, 0.02, 0x1p-16, 0x1p-24, 30]
    func number() -> Float { (random.uniform() * 2 - 1) * sizes[Int(random.next() % 5)] }
    for _ in 0..<n * k {
      switch dtype {
      case .bfloat16: put(UInt16(truncatingIfNeeded: number().bitPattern >> 16))
      case .float16: put(SmallFloat(exponentBits: 5, fractionBits: 10, hasInfinity: true).code(of: number()))
      default:
        let code = UInt8(truncatingIfNeeded: random.next())
        codes.append(code & 0x7F == 0x7F ? code ^ 1 : code)
      }
    }
    if dtype == .float8 {
      // Scales from the subnormal range of products up to the largest that is multiplied as it is.
      let sizes: [Float] = [1e-3, 0x1p-132, 1, 127.9, 0x1p-40]
      scales = (0..<(n + 127) / 128 * ((k + 127) / 128)).map { sizes[$0 % 5] * (0.5 + random.uniform() / 2) }
    }
  }
  private mutating func put(_ bits: some FixedWidthInteger) {
    let bits = UInt16(truncatingIfNeeded: bits)
    codes += [UInt8(bits & 255), UInt8(bits >> 8)]
  }

  func tensor(on device: Device) -> Tensor {
    let own = scales.isEmpty ? nil : scales.withUnsafeBytes { Self.storage($0, on: device) }
    let bytes = codes.withUnsafeBytes { Self.storage($0, on: device) }
    let storage = Storage(bytes.address, byteCount: codes.count, scales: own) { [bytes] _ in
      withExtendedLifetime(bytes) {}
    }
    return Tensor(shape: shape, dtype: dtype, device: device, storage: storage)
  }
  private static func storage(_ bytes: UnsafeRawBufferPointer, on device: Device) -> Storage {
    let storage = device.backend.allocate(byteCount: bytes.count)
    device.backend.write(bytes, to: storage)
    return storage
  }
}
