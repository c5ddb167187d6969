// A backend that spoils results it is told to spoil: a fault that is a function of the data, so that a repeated or
// resumed step meets it again.
import CPUBackend
import Tensors

/// Computes as the CPU backend does, but one fused operation's result has a wrong number in every place when its inputs
/// are hit.
struct FaultyBackend: Backend {
  enum Side: Sendable { case output, gradient }
  let base = CPUBackend(threads: 2)
  let operation: String
  let side: Side
  let value: Float
  let isHit: @Sendable ([Tensor]) -> Bool
  init(
    _ operation: String, _ side: Side = .output, value: Float, when isHit: @escaping @Sendable ([Tensor]) -> Bool
  ) {
    (self.operation, self.side, self.value, self.isHit) = (operation, side, value, isHit)
  }
  /// Spoils the log-probabilities of batches that have a row with exactly these targets.
  init(onRow row: [Int32], value: Float) {
    self.init("cross-entropy", value: value) { $0[1].integers().rows.contains(row) }
  }

  var name: String { base.name }
  func allocate(byteCount: Int) -> Storage { base.allocate(byteCount: byteCount) }
  func write(_ bytes: UnsafeRawBufferPointer, to storage: Storage) { base.write(bytes, to: storage) }
  func read(_ storage: Storage, into bytes: UnsafeMutableRawBufferPointer) { base.read(storage, into: bytes) }
  func evaluate(_ call: Call) -> Storage { base.evaluate(call) }
  func accelerate(_ update: any FusedUpdate, _ targets: inout [Tensor], _ inputs: [Tensor]) -> Bool {
    base.accelerate(update, &targets, inputs)
  }
  func accelerate(_ operation: any FusedOperation, _ inputs: [Tensor]) -> Outcome? {
    guard let outcome = base.accelerate(operation, inputs) else { return nil }
    guard operation.name == self.operation, isHit(inputs) else { return outcome }
    let pullback = outcome.pullback
    return Outcome(side == .output ? spoiled(outcome.output) : outcome.output) { g in
      side == .output ? pullback(g) : pullback(g).map { $0.map(spoiled) }
    }
  }
  private func spoiled(_ tensor: Tensor) -> Tensor { Tensor(repeating: value, shape: tensor.shape, on: tensor.device) }
}

extension [Int32] {
  /// Targets as rows: what stands between the places where nothing follows.
  var rows: [[Int32]] { split(separator: -1).map(Array.init) }
}
