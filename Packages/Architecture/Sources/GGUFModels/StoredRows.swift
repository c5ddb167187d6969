// Rows of a matrix as a file has them: whole rows are cut out and moved as bytes, and nothing is unpacked.
import BlockFormats
import Checkpoints
import GGUF
import Tensors

/// A matrix's rows in their stored form: in the mapping as they stand, or moved when they are asked for.
struct StoredRows: Sendable {
  let format: BlockFormat
  private let bytes: MappedBytes
  /// Row i is row `source(i)` of the bytes; nil where all are in their place.
  private var source: (@Sendable (Int) -> Int)?
  private var rows = 1

  init(_ format: BlockFormat, _ bytes: MappedBytes) { (self.format, self.bytes) = (format, bytes) }

  /// Rows of each head from neighbours (2i, 2i + 1) to halves (i, i + d/2); the heads divide `rows` into even parts.
  func halvesFromNeighbours(_ rows: Int, heads: Int) -> StoredRows {
    let (perHead, half) = (rows / heads, rows / heads / 2)
    var turned = self
    turned.rows = rows
    turned.source = { row in
      let (head, place) = (row / perHead, row % perHead)
      return head * perHead + 2 * (place % half) + place / half
    }
    return turned
  }

  /// Tells the system what becomes of their pages.
  func advise(_ advice: PageAdvice) { bytes.advise(advice) }

  /// The rows as a tensor's bytes. Those that stay in their place are not copied.
  func storage(on device: Device) -> Storage {
    // Blocks hold sixteen-bit scales.
    guard let source else { return bytes.storage(alignedTo: 2, on: device) }
    let storage = device.backend.allocate(byteCount: bytes.count)
    let rowBytes = bytes.count / rows
    bytes.withBytes { from in
      for row in 0..<rows {
        let start = source(row) * rowBytes
        UnsafeMutableRawBufferPointer(start: storage.address + row * rowBytes, count: rowBytes)
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[start..<start + rowBytes]))
      }
    }
    bytes.advise(.unneeded)
    return storage
  }
}
