// A backend around a backend that measures: how often each operation ran, and for how long.
// It changes no result, so what runs on a device is measured by handing in another device.
import Tensors

/// Passes everything on to another backend and keeps count. A fused operation that the other does not accelerate
/// appears as the primitives of its definition. One caller at a time is measured; two at once share one account.
public struct ProfilingBackend: Backend {
  public let name: String
  private let base: any Backend
  private let book = ProfileBook()

  public init(_ base: some Backend) { (self.base, name) = (base, "\(base.name), profiled") }

  /// What runs from now on belongs to `phase`. Pullbacks and what runs inside them belong to `.backward` in any case.
  public func begin(_ phase: ProfilePhase) { book.begin(phase) }
  /// Forgets what was measured.
  public func reset() { book.reset() }
  /// What was measured since the last reset, the longest first.
  public var measurements: [OperationMeasurement] { book.measurements }

  public func allocate(byteCount: Int) -> Storage { base.allocate(byteCount: byteCount) }
  public func write(_ bytes: UnsafeRawBufferPointer, to storage: Storage) {
    book.measured("write") { base.write(bytes, to: storage) }
  }
  public func read(_ storage: Storage, into bytes: UnsafeMutableRawBufferPointer) {
    book.measured("read") { base.read(storage, into: bytes) }
  }

  public func keep(_ x: Tensor, in precision: Precision) -> @Sendable () -> Tensor { base.keep(x, in: precision) }
  public func prepare(_ weight: Tensor) { base.prepare(weight) }
  public func sumOfSquares(_ x: Tensor) -> Double { book.measured("sum-of-squares") { base.sumOfSquares(x) } }
  public func evaluate(_ call: Call) -> Storage {
    book.measured(call.primitive.name, operations: call.productOperations) { base.evaluate(call) }
  }

  public func accelerate(_ operation: any FusedOperation, _ inputs: [Tensor]) -> Outcome? {
    let (name, operations) = (operation.name, operation.productOperations(inputs))
    let outcome = book.measured(name, operations: operations, isDone: { $0 != nil }) {
      let outcome = base.accelerate(operation, inputs)
      _ = outcome?.output.storage.address  // what is still under way belongs to this operation
      return outcome
    }
    guard let outcome else { return nil }
    // Only the pullback is captured: the output must not live longer than it would without this.
    let keep = outcome.keep
    return Outcome(
      outcome.output,
      makingPullback: { [book] in
        let pullback = keep()
        return Pullback(adding: { g, sum in
          book.measured(name, operations: operations.map { 2 * $0 }, in: .backward) { pullback(g, addingTo: &sum) }
        })
      })
  }

  public func accelerate(_ update: any FusedUpdate, _ targets: inout [Tensor], _ inputs: [Tensor]) -> Bool {
    book.measured(update.name, isDone: { $0 }) { base.accelerate(update, &targets, inputs) }
  }

  public func forEach(_ count: Int, _ body: (Int) -> Void) {
    book.measured("host") { base.forEach(count, body) }
  }
}
