// Weights in quantised blocks read back as float32: whole, or the rows of a table that tokens ask for.
import BlockFormats
import Tensors

extension CPUBackend {
  /// All numbers of a quantised tensor.
  func dequantise(_ x: Tensor, _ format: BlockFormat, into out: Storage) {
    let (count, from) = (x.shape.count, x.storage.address)
    pool.forEachRange(count / format.blockLength, grain: max(1, 16_384 / format.blockLength)) { blocks in
      let numbers = blocks.count * format.blockLength
      format.dequantise(
        UnsafeRawBufferPointer(
          start: from + blocks.lowerBound * format.blockBytes, count: format.byteCount(of: numbers)),
        into: UnsafeMutableBufferPointer(start: out.floats + blocks.lowerBound * format.blockLength, count: numbers))
    }
  }

  /// Rows of a quantised table. The numbers are those of the whole table's.
  func gatherBlocks(_ call: Call, into out: Storage) -> Bool {
    let (table, index) = (call.operands[0], call.operands[1])
    guard let format = table.dtype.blocks, index.dtype == .int32 else { return false }
    call.requireIndices(in: Int.min..<table.shape[0])
    let (width, rows) = (call.result[1], index.storage.integers)
    let bytes = format.byteCount(of: width)
    pool.forEachRange(call.result[0], grain: max(1, 8192 / max(width, 1))) { range in
      for r in range {
        let target = UnsafeMutableBufferPointer(start: out.floats + r * width, count: width)
        if rows[r] < 0 {
          target.update(repeating: 0)
        } else {
          format.dequantise(
            UnsafeRawBufferPointer(start: table.storage.address + Int(rows[r]) * bytes, count: bytes), into: target)
        }
      }
    }
    return true
  }
}
