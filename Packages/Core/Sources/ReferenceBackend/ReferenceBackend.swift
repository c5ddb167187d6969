// The readable meaning of every primitive.
// Slow and obvious on purpose: it judges every other backend.
import BlockFormats
import Tensors

/// Host memory and plain loops. Accelerates nothing, so fused operations run their definitions here.
public struct ReferenceBackend: Backend {
  public let name = "reference"
  public init() {}
  public func allocate(byteCount: Int) -> Storage { .host(byteCount: byteCount) }
  public func write(_ bytes: UnsafeRawBufferPointer, to storage: Storage) {
    UnsafeMutableRawBufferPointer(start: storage.address, count: bytes.count).copyMemory(from: bytes)
  }
  public func read(_ storage: Storage, into bytes: UnsafeMutableRawBufferPointer) {
    bytes.copyMemory(from: UnsafeRawBufferPointer(start: storage.address, count: bytes.count))
  }
  public func evaluate(_ call: Call) -> Storage {
    if call.primitive == .reshape { return call.operands[0].storage }
    let values = call.operands.map(Elements.init)
    return Elements(call.define(values), call.result, call.dtype).stored(by: self)
  }
}

/// The elements of a tensor as numbers wide enough for every dtype.
struct Elements {
  let values: [Double]
  let shape: Shape
  let dtype: DType
  init(_ values: [Double], _ shape: Shape, _ dtype: DType) {
    (self.values, self.shape, self.dtype) = (values, shape, dtype)
  }

  init(_ tensor: Tensor) {
    let bytes = tensor.bytes()
    if let blocks = tensor.dtype.blocks {
      self.init(blocks.dequantise(bytes).map { Double($0) }, tensor.shape, tensor.dtype)
      return
    }
    if tensor.dtype == .float8 {
      self.init(Self.numbers(of: bytes, scaledAs: tensor), tensor.shape, tensor.dtype)
      return
    }
    let count = tensor.shape.count
    let values: [Double] = bytes.withUnsafeBytes { raw in
      (0..<count).map { i in
        switch tensor.dtype {
        case .float32: Double(raw.loadUnaligned(fromByteOffset: i * 4, as: Float.self))
        case .int32: Double(raw.loadUnaligned(fromByteOffset: i * 4, as: Int32.self))
        case .uint8: Double(raw[i])
        case .bfloat16:
          Double(Float(bitPattern: UInt32(raw.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)) << 16))
        case .float16: HalfPrecision.value(of: raw.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self))
        case .float8, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K: 0  // taken above
        }
      }
    }
    self.init(values, tensor.shape, tensor.dtype)
  }

  /// Each code's value times the scale of its tile, rounded to float32.
  private static func numbers(of codes: [UInt8], scaledAs matrix: Tensor) -> [Double] {
    guard let scales = matrix.storage.scales else { preconditionFailure("float8: \(matrix.shape) has no scales") }
    let (columns, tile) = (matrix.shape[1], DType.scaleTile)
    let scale = scales.address.assumingMemoryBound(to: Float.self)
    let across = (columns + tile - 1) / tile
    return codes.indices.map { i in
      Double(HalfPrecision.e4m3(codes[i]) * scale[i / columns / tile * across + i % columns / tile])
    }
  }

  /// The elements in the tensor's dtype: floating formats round to nearest, integers as `integer` says.
  func stored(by backend: some Backend) -> Storage {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(dtype.byteCount(of: values.count))
    func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }
    for value in values {
      switch dtype {
      case .float32: put(Float(value).bitPattern)
      case .int32: put(integer(value) as Int32)
      case .uint8: put(integer(value) as UInt8)
      case .bfloat16: put(HalfPrecision.bfloat16(Float(value)))
      case .float16: put(HalfPrecision.float16(Float(value)))
      case .float8, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K:
        preconditionFailure("\(dtype): no operation has codes with scales for a result")
      }
    }
    let storage = backend.allocate(byteCount: bytes.count)
    bytes.withUnsafeBytes { backend.write($0, to: storage) }
    return storage
  }

  /// The number without its fraction, or the nearest that `Integer` (of at most 32 bits) holds; 0 for NaN.
  private func integer<Integer: FixedWidthInteger>(_ value: Double) -> Integer {
    value.isNaN ? 0 : Integer(min(max(value, Double(Integer.min)), Double(Integer.max)))
  }
}
