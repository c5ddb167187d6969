// Element-by-element arithmetic. Shapes must be equal; `broadcast(to:)` says where something is repeated.

extension Tensor {
  func apply(_ primitive: Primitive, _ others: [Tensor] = [], to result: Shape, dtype: DType = .float32) -> Tensor {
    let operands = others.isEmpty ? [self] : [self] + others
    let isTracked = operands.contains { $0.isTracked }
    for operand in operands where operand.dtype.isQuantised {
      precondition(
        primitive.readsBlocks, "\(primitive): cannot read \(operand.dtype) \(operand.shape); cast it to float32 first")
      precondition(!isTracked, "\(primitive): gradients do not pass through \(operand.dtype) blocks")
    }
    let values = isTracked ? operands.map { $0.detached() } : operands
    let storage = device.backend.evaluate(Call(primitive: primitive, operands: values, result: result, dtype: dtype))
    let plain = Tensor(shape: result, dtype: dtype, device: device, storage: storage)
    return isTracked ? plain.from(primitive.origin(of: plain, from: operands)) : plain
  }
  private func paired(_ primitive: Primitive, _ other: Tensor) -> Tensor {
    precondition(shape == other.shape, "\(primitive): shapes \(shape) and \(other.shape) differ")
    return apply(primitive, [other], to: shape)
  }

  public static func + (a: Tensor, b: Tensor) -> Tensor { a.paired(.add, b) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { a.paired(.subtract, b) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { a.paired(.multiply, b) }
  public static func / (a: Tensor, b: Tensor) -> Tensor { a.paired(.divide, b) }
  public static func + (a: Tensor, b: Float) -> Tensor { a.apply(.addScalar(b), to: a.shape) }
  public static func * (a: Tensor, b: Float) -> Tensor { a.apply(.multiplyScalar(b), to: a.shape) }
  public static prefix func - (a: Tensor) -> Tensor { a.apply(.negate, to: a.shape) }
  public func maximum(_ other: Tensor) -> Tensor { paired(.maximum, other) }
  public func minimum(_ other: Tensor) -> Tensor { -((-self).maximum(-other)) }
  /// 1 where this is smaller than `other`, else 0. Has no gradient.
  public func isLess(than other: Tensor) -> Tensor { detached().paired(.lessThan, other.detached()) }
  /// This where `mask` is not 0, else `other`.
  public func selected(by mask: Tensor, else other: Tensor) -> Tensor {
    precondition(shape == mask.shape && shape == other.shape, "select: \(mask.shape), \(shape), \(other.shape) differ")
    return mask.detached().apply(.select, [self, other], to: shape)
  }
  public func exp() -> Tensor { apply(.exp, to: shape) }
  public func log() -> Tensor { apply(.log, to: shape) }
  public func sqrt() -> Tensor { apply(.sqrt, to: shape) }
  public func reciprocal() -> Tensor { apply(.reciprocal, to: shape) }
  public func sigmoid() -> Tensor { apply(.sigmoid, to: shape) }
  public func tanh() -> Tensor { apply(.tanh, to: shape) }
  public func sin() -> Tensor { apply(.sin, to: shape) }
  public func cos() -> Tensor { apply(.cos, to: shape) }
  /// The nearest values of another dtype; its gradient is cast back. Integers drop the fraction, are clamped to their
  /// range, and are 0 for NaN. Quantised blocks can be read here, as float32, and are written by `BlockFormat`.
  public func cast(to dtype: DType) -> Tensor {
    precondition(
      self.dtype == dtype || !dtype.isQuantised,
      "cast: \(self.dtype) to \(dtype): codes are made by BlockFormat and Quantization")
    return self.dtype == dtype ? self : apply(.cast(dtype), to: shape, dtype: dtype)
  }
}

extension Tensor {
  /// Adds `other`: in place where nobody else holds this value's storage. For values without a history.
  package mutating func add(_ other: Tensor) {
    guard isKnownUniquelyReferenced(&storage) else {
      self = self + other
      return
    }
    var target = [taken()]
    ScaledAddition(decay: 1, factor: 1)(&target, [other])
    self = target[0]
  }
}
