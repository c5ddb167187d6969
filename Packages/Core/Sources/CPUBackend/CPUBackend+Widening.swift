// Narrow weights read back as float32: whole, or the rows of a table that tokens ask for.
import CKernels
import Tensors

extension CPUBackend {
  /// All numbers of a narrow tensor.
  func widen(_ x: Tensor, into out: UnsafeMutablePointer<Float>) {
    let width = max(x.shape.rank == 0 ? 1 : x.shape[-1], 1)
    pool.forEachRange(x.shape.count / width, grain: max(1, 16_384 / width)) { rows in
      for row in rows { widenRow(row, of: x, width: width, into: out + row * width) }
    }
  }

  /// Rows of a narrow table. The numbers are those of the whole table's.
  func gatherNarrow(_ call: Call, into out: Storage) -> Bool {
    let (table, index) = (call.operands[0], call.operands[1])
    guard index.dtype == .int32, call.dtype == .float32 else { return false }
    call.requireIndices(in: Int.min..<table.shape[0])
    let (width, rows) = (call.result[1], index.storage.integers)
    pool.forEachRange(call.result[0], grain: max(1, 8192 / max(width, 1))) { range in
      for r in range {
        if rows[r] < 0 {
          (out.floats + r * width).update(repeating: 0, count: width)
        } else {
          widenRow(Int(rows[r]), of: table, width: width, into: out.floats + r * width)
        }
      }
    }
    return true
  }

  private func widenRow(_ row: Int, of x: Tensor, width: Int, into out: UnsafeMutablePointer<Float>) {
    switch x.dtype {
    case .bfloat16: kernels.rows.f32_from_bf16(out, x.storage.shorts + row * width, width)
    case .float16: kernels.rows.f32_from_f16(out, x.storage.shorts + row * width, width)
    case .float8:
      guard let scales = x.storage.scales else { preconditionFailure("float8: \(x.shape) has no scales") }
      let tile = DType.scaleTile
      let scale = scales.floats + row / tile * ((width + tile - 1) / tile)
      for column in stride(from: 0, to: width, by: tile) {
        kernels.float8.decode(
          CK_E4M3, out + column, x.storage.codes + row * width + column, scale[column / tile],
          min(tile, width - column))
      }
    case .float32, .int32, .uint8, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K:
      preconditionFailure("widen: \(x.dtype) is not narrow")
    }
  }
}
