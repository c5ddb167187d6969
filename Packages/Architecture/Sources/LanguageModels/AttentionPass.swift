// What the layers of one forward pass share, whatever their kind of attention.
import Tensors

/// Positions, tables and where keys are.
package struct AttentionPass {
  package let positions: Tensor
  package let table: RotaryTable
  package let batch: TokenBatch
  /// Rows of the memory's tables where this batch's tokens are kept; nil without a memory.
  package let memoryRows: Tensor?

  package init(_ batch: TokenBatch, _ table: RotaryTable, memory: AttentionMemory? = nil, on device: Device) {
    (self.batch, self.table) = (batch, table)
    positions = Tensor(batch.positions, shape: [batch.tokens.count], on: device)
    memoryRows = memory.map { Tensor(batch.memoryRows($0.capacity), shape: [batch.tokens.count], on: device) }
  }
}
