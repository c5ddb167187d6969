// Operations that primitives can express, only too slowly.
// Each carries that slow definition, which runs where no backend accelerates it and judges every fast version.

/// A differentiable operation with a fast version on some backends.
public protocol FusedOperation: Sendable {
  var name: String { get }
  /// The operation in primitives: the meaning of it, and its gradient through the gradient table.
  func definition(_ inputs: [Tensor]) -> Tensor
}

/// From the gradient of an operation's output to the gradient of each input; nil where there is none. What it needs
/// again is captured.
public struct Pullback: Sendable {
  private let gradients: @Sendable (_ outputGradient: Tensor, _ sum: inout Tensor?) -> [Tensor?]

  public init(_ gradients: @escaping @Sendable (_ outputGradient: Tensor) -> [Tensor?]) {
    self.gradients = { g, _ in gradients(g) }
  }
  /// One that can go on adding: where `sum` is there, it may add the gradient of the first input to it, and then returns
  /// nil for that.
  public init(adding gradients: @escaping @Sendable (_ outputGradient: Tensor, _ sum: inout Tensor?) -> [Tensor?]) {
    self.gradients = gradients
  }

  public func callAsFunction(_ outputGradient: Tensor) -> [Tensor?] {
    var none: Tensor?
    return gradients(outputGradient, &none)
  }
  /// The same, where the first input already has a gradient from elsewhere. nil in the first place then says that it is
  /// in the sum.
  public func callAsFunction(_ outputGradient: Tensor, addingTo sum: inout Tensor?) -> [Tensor?] {
    gradients(outputGradient, &sum)
  }
}

/// A result and, when it was computed natively, its hand-written gradient.
public struct Outcome: Sendable {
  public let output: Tensor
  /// Makes the pullback. It is called right after the operation and only where somebody wants gradients, so what
  /// is kept for the way back may be made here, in a smaller form say.
  public let keep: @Sendable () -> Pullback
  public var pullback: Pullback { keep() }

  public init(_ output: Tensor, pullback: @escaping @Sendable (_ outputGradient: Tensor) -> [Tensor?]) {
    self.init(output, makingPullback: { Pullback(pullback) })
  }
  public init(
    _ output: Tensor, keeping keep: @escaping @Sendable () -> @Sendable (_ outputGradient: Tensor) -> [Tensor?]
  ) {
    self.init(output, makingPullback: { Pullback(keep()) })
  }
  public init(_ output: Tensor, makingPullback keep: @escaping @Sendable () -> Pullback) {
    (self.output, self.keep) = (output, keep)
  }
}

extension FusedOperation {
  /// Runs natively where the device can, and by the definition elsewhere.
  public func callAsFunction(_ inputs: [Tensor]) -> Tensor {
    let device = inputs[0].device
    if let blocks = inputs.first(where: { $0.dtype.isQuantised }) {
      precondition(
        !inputs.contains { $0.isTracked }, "\(name): gradients do not pass through \(blocks.dtype) \(blocks.shape)")
    }
    let isTracked = inputs.contains { $0.isTracked }
    let values = isTracked ? inputs.map { $0.detached() } : inputs
    guard let outcome = device.backend.accelerate(self, values) else { return definition(inputs) }
    guard isTracked else { return outcome.output }
    return outcome.output.from(Origin(.native(name, outcome.pullback), inputs: inputs))
  }
  public func callAsFunction(_ inputs: Tensor...) -> Tensor { self(inputs) }
}

/// An update in place: an optimizer's step, or a write into a memory. Not differentiable.
public protocol FusedUpdate: Sendable {
  var name: String { get }
  /// The new values of the targets, in primitives.
  func definition(_ targets: [Tensor], _ inputs: [Tensor]) -> [Tensor]
}

extension FusedUpdate {
  /// Changes `targets` in place where the device can and nobody else holds their storage; otherwise replaces them.
  public func callAsFunction(_ targets: inout [Tensor], _ inputs: [Tensor]) {
    if targets[0].device.backend.accelerate(self, &targets, inputs) { return }
    targets = definition(targets, inputs)
  }
}
