// The value everything is made of.

/// An immutable n-dimensional array, row-major and dense, and, when someone asked for gradients, a memory of how it
/// was made.
public struct Tensor: Sendable {
  public let shape: Shape
  public let dtype: DType
  public let device: Device
  public internal(set) var storage: Storage
  package let origin: Origin?

  public init(shape: Shape, dtype: DType = .float32, device: Device, storage: Storage) {
    self.init(shape: shape, dtype: dtype, device: device, storage: storage, origin: nil)
  }
  package init(shape: Shape, dtype: DType, device: Device, storage: Storage, origin: Origin?) {
    precondition(
      !dtype.isQuantised || (shape.rank >= 1 && shape[-1] % dtype.blockLength == 0),
      "Tensor: rows of \(shape) are not whole blocks of \(dtype), which hold \(dtype.blockLength)")
    precondition(
      dtype != .float8 || shape.rank == 2 && (storage.scales?.byteCount ?? 0) >= Self.scaleCount(shape) * 4,
      "Tensor: \(dtype) \(shape) is no matrix, or its storage has fewer scales than tiles")
    precondition(
      storage.byteCount >= dtype.byteCount(of: shape.count),
      "Tensor: \(storage.byteCount) bytes cannot hold \(dtype) \(shape)")
    (self.shape, self.dtype, self.device, self.storage, self.origin) = (shape, dtype, device, storage, origin)
  }

  public init(_ values: [Float], shape: Shape, on device: Device) {
    precondition(values.count == shape.count, "Tensor: \(values.count) values cannot fill \(shape)")
    self = values.withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: .float32, on: device) }
  }
  public init(_ values: [Int32], shape: Shape, on device: Device) {
    precondition(values.count == shape.count, "Tensor: \(values.count) values cannot fill \(shape)")
    self = values.withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: .int32, on: device) }
  }
  /// Copies `bytes`, which hold exactly the elements in row-major order and the machine's byte order.
  public init(bytes: UnsafeRawBufferPointer, shape: Shape, dtype: DType, on device: Device) {
    precondition(
      bytes.count == dtype.byteCount(of: shape.count), "Tensor: \(bytes.count) bytes cannot fill \(dtype) \(shape)")
    let storage = device.backend.allocate(byteCount: bytes.count)
    device.backend.write(bytes, to: storage)
    self.init(shape: shape, dtype: dtype, device: device, storage: storage)
  }
  /// Every element equal to `value`.
  public init(repeating value: Float, shape: Shape, on device: Device) {
    self.init([Float](repeating: value, count: shape.count), shape: shape, on: device)
  }

  /// The tiles of a `float8` matrix: its scales.
  private static func scaleCount(_ shape: Shape) -> Int {
    shape.extents.reduce(1) { $0 * (($1 + DType.scaleTile - 1) / DType.scaleTile) }
  }

  /// The elements of a float32 tensor, on the host.
  public func floats() -> [Float] { elements(of: .float32, initial: Float(0)) }
  /// The elements of an int32 tensor, on the host.
  public func integers() -> [Int32] { elements(of: .int32, initial: Int32(0)) }
  /// The only element of a float32 tensor of count 1.
  public func scalar() -> Float {
    precondition(shape.count == 1, "scalar: \(shape) has \(shape.count) elements")
    return floats()[0]
  }
  /// The elements' bytes, on the host.
  public func bytes() -> [UInt8] {
    var out = [UInt8](repeating: 0, count: byteCount)
    out.withUnsafeMutableBytes { device.backend.read(storage, into: $0) }
    return out
  }
  /// Bytes of the elements.
  public var byteCount: Int { dtype.byteCount(of: shape.count) }
  private func elements<Element>(of dtype: DType, initial: Element) -> [Element] {
    precondition(self.dtype == dtype, "Tensor: asked for \(dtype) elements of a \(self.dtype) tensor")
    var out = [Element](repeating: initial, count: shape.count)
    out.withUnsafeMutableBytes { device.backend.read(storage, into: $0) }
    return out
  }

  /// The same values without their history.
  public func detached() -> Tensor { from(nil) }
  /// Whether gradients can flow back through this tensor.
  public var isTracked: Bool { origin != nil }
  package func from(_ origin: Origin?) -> Tensor {
    Tensor(shape: shape, dtype: dtype, device: device, storage: storage, origin: origin)
  }

  /// Lets `change` write the elements in place when this value is their only owner, and on a fresh copy otherwise.
  /// Returns whether a copy was needed.
  @discardableResult
  public mutating func mutate(_ change: (UnsafeMutableRawPointer) -> Void) -> Bool {
    precondition(!dtype.isQuantised, "mutate: the blocks of a \(dtype) weight are not changed")
    let isUnique = isKnownUniquelyReferenced(&storage) && !storage.isMapped
    if isUnique {
      storage.forgetDerived()
    } else {
      let count = byteCount
      let copy = device.backend.allocate(byteCount: count)
      device.backend.write(UnsafeRawBufferPointer(start: storage.address, count: count), to: copy)
      storage = copy
    }
    change(storage.address)
    return !isUnique
  }

  /// Moves this value out and leaves an empty tensor in its place, so that the value stays the only owner of its
  /// storage while it is changed.
  public mutating func taken() -> Tensor {
    let value = self
    self = Tensor(shape: [0], device: device, storage: Self.nothing)
    return value
  }
  private static let nothing = Storage.host(byteCount: 0)

  /// Shape and dtype without the elements, which must not be asked for.
  var outline: Tensor { Tensor(outlineOf: self) }
  private init(outlineOf tensor: Tensor) {
    (shape, dtype, device) = (tensor.shape, tensor.dtype, tensor.device)
    (storage, origin) = (Self.noBytes, nil)
  }
  private static let noBytes = Storage.withoutBytes()
}
