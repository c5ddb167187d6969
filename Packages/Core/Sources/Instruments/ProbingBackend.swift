// A backend around a backend that looks at every result: which operation first gave a number that is not finite.
// Slow, so it is put in once something has gone wrong.
import Synchronization
import Tensors

/// The first result with a number that is infinite or NaN.
public struct NonFiniteResult: Sendable, Equatable {
  /// A fused operation's or a primitive's name.
  public let operation: String
  /// Whether it was found on the way back.
  public let isGradient: Bool
  /// The watched tensors that the operation read; where it read none, those of the last one before it that did.
  public let names: [String]
  /// Whether the operation itself read them.
  public let readsNamed: Bool
}

/// Passes everything on to another backend and looks at what comes back. Only operations on tensors of this backend's
/// device are seen. One caller at a time.
public struct ProbingBackend: Backend {
  public let name: String
  private let base: any Backend
  /// Held so that a storage's identity stays its own.
  private let watched: [Tensor]
  private let names: [ObjectIdentifier: String]
  private let findings = Findings()

  /// `tensors` are known by their storage: give those that a model is made of, by name.
  public init(_ base: some Backend, watching tensors: [(name: String, tensor: Tensor)]) {
    (self.base, name) = (base, "\(base.name), probed")
    watched = tensors.map(\.tensor)
    names = Dictionary(
      tensors.map { (ObjectIdentifier($0.tensor.storage), $0.name) }, uniquingKeysWith: { first, _ in first })
  }

  /// What has been found; nil as long as every number was finite.
  public var first: NonFiniteResult? { findings.first }
  /// What runs from now on are gradients. Pullbacks are in any case.
  public func beginGradients() { findings.beginGradients() }

  public func allocate(byteCount: Int) -> Storage { base.allocate(byteCount: byteCount) }
  public func write(_ bytes: UnsafeRawBufferPointer, to storage: Storage) { base.write(bytes, to: storage) }
  public func read(_ storage: Storage, into bytes: UnsafeMutableRawBufferPointer) { base.read(storage, into: bytes) }

  public func keep(_ x: Tensor, in precision: Precision) -> @Sendable () -> Tensor { base.keep(x, in: precision) }
  public func prepare(_ weight: Tensor) { base.prepare(weight) }
  public func sumOfSquares(_ x: Tensor) -> Double { base.sumOfSquares(x) }
  public func evaluate(_ call: Call) -> Storage {
    let storage = base.evaluate(call)
    let place = findings.place(names(of: call.operands))
    look(at: storage, call.result, call.dtype, from: call.primitive.name, place)
    return storage
  }

  public func accelerate(_ operation: any FusedOperation, _ inputs: [Tensor]) -> Outcome? {
    // Of what stands for several operations those are looked at, which say more.
    if operation is GatedFeedForward { return nil }
    guard let outcome = base.accelerate(operation, inputs) else { return nil }
    let place = findings.place(names(of: inputs))
    look(at: outcome.output.storage, outcome.output.shape, outcome.output.dtype, from: operation.name, place)
    let (name, keep) = (operation.name, outcome.keep)
    return Outcome(outcome.output, makingPullback: { gradients(of: name, place, keep()) })
  }

  /// `pullback`, with a look at what it gives.
  private func gradients(of operation: String, _ place: NamedPlace, _ pullback: Pullback) -> Pullback {
    Pullback(adding: { g, sum in
      findings.beginGradients()
      findings.enter(place)
      let gradients = pullback(g, addingTo: &sum)
      // What was added to a sum is seen in the sum.
      for case let gradient? in gradients + [sum] {
        look(at: gradient.storage, gradient.shape, gradient.dtype, from: operation, place)
      }
      return gradients
    })
  }

  public func accelerate(_ update: any FusedUpdate, _ targets: inout [Tensor], _ inputs: [Tensor]) -> Bool {
    base.accelerate(update, &targets, inputs)
  }
  public func forEach(_ count: Int, _ body: (Int) -> Void) { base.forEach(count, body) }

  private func names(of operands: [Tensor]) -> [String] {
    operands.compactMap { names[ObjectIdentifier($0.storage)] }
  }

  /// Reads by way of the other backend, so that looking is not looked at.
  private func look(at storage: Storage, _ shape: Shape, _ dtype: DType, from operation: String, _ place: NamedPlace) {
    guard findings.first == nil else { return }
    if Tensor(shape: shape, dtype: dtype, device: Device(base), storage: storage).isFinite { return }
    findings.found(operation, at: place)
  }
}

/// Where an operation is among the watched tensors.
private struct NamedPlace: Sendable {
  var names: [String] = []
  var readsNamed = false
}

/// What a probe remembers from one operation to the next.
private final class Findings: Sendable {
  private struct State {
    var first: NonFiniteResult?
    var last = NamedPlace()
    var isGoingBack = false
  }
  private let state = Mutex(State())

  var first: NonFiniteResult? { state.withLock { $0.first } }
  func beginGradients() { state.withLock { $0.isGoingBack = true } }
  /// Operations without a name of their own are near `place` from now on.
  func enter(_ place: NamedPlace) { state.withLock { $0.last = place } }

  /// The place of an operation that reads the tensors called `names`.
  func place(_ names: [String]) -> NamedPlace {
    state.withLock { state in
      if names.isEmpty { return NamedPlace(names: state.last.names, readsNamed: false) }
      state.last = NamedPlace(names: names, readsNamed: true)
      return state.last
    }
  }
  func found(_ operation: String, at place: NamedPlace) {
    state.withLock { state in
      guard state.first == nil else { return }
      state.first = NonFiniteResult(
        operation: operation, isGradient: state.isGoingBack, names: place.names, readsNamed: place.readsNamed)
    }
  }
}
