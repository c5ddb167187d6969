// What the layers of one forward pass share, whatever their kind of attention.
import Tensors

/// Positions, tables, where keys are, and how it is computed.
package struct AttentionPass: Sendable {
  package let positions: Tensor
  package let table: RotaryTable.Rows
  package let batch: TokenBatch
  /// Rows of the memory's tables where this batch's tokens are kept; nil without a memory.
  package let memoryRows: Tensor?
  package let precision: PrecisionMap
  /// Whether norms, up-projections and outputs of SwiGLU are computed once more on the way back, and not kept.
  package let recomputes: Bool

  package init(
    _ batch: TokenBatch, _ table: RotaryTable, memory: AttentionMemory? = nil, in precision: PrecisionMap,
    _ recompute: Recompute = .none, on device: Device
  ) {
    (self.batch, self.precision) = (batch, precision)
    let places = batch.positions
    self.table = table.rows(reaching: Int(places.max() ?? 0) + 1)
    recomputes = recompute == .published
    positions = Tensor(places, shape: [places.count], on: device)
    memoryRows = memory.map { Tensor(batch.memoryRows($0.capacity), shape: [batch.tokens.count], on: device) }
  }
}
