// What the way back reads again, in the precision that it waits in.
import CKernels
import LowPrecision
import Tensors

/// A matrix rounded to bfloat16, as the products read it: two numbers that follow each other in a row share a word, and
/// an odd row ends in a zero.
struct BFloat16Rows: Sendable {
  /// [rows, columns]
  let shape: Shape
  let device: Device
  let storage: Storage

  /// Words from row to row.
  var stride: Int { (shape[1] + 1) / 2 }
  /// The words from a row and an even column on, as products take them.
  func words(row: Int, column: Int = 0) -> UnsafePointer<Float> {
    UnsafePointer(storage.floats + row * stride + column / 2)
  }
  /// The numbers from a row and a column on; rows are 2 · stride apart.
  func numbers(row: Int, column: Int = 0) -> UnsafePointer<UInt16> {
    UnsafePointer(storage.shorts + row * stride * 2 + column)
  }
}

extension CPUBackend {
  /// A fresh rounding of a float32 matrix.
  func rounded(_ x: Tensor) -> BFloat16Rows {
    let (rows, columns) = (x.shape[0], x.shape[1])
    let words = (columns + 1) / 2
    let result = BFloat16Rows(shape: x.shape, device: x.device, storage: allocate(byteCount: rows * words * 4))
    pool.forEachRange(rows, grain: max(1, 16_384 / max(1, columns))) {
      kernels.bf16.round_rows(
        result.storage.words + $0.lowerBound * words, words, x.pointer + $0.lowerBound * columns, columns, $0.count,
        columns)
    }
    return result
  }

  /// The same, made once for the contents of `x` and shared by all that read them. It may outlive `x`.
  func sharedRounding(_ x: Tensor) -> BFloat16Rows {
    let storage = x.storage.derived(DerivedLayout("bfloat16-rows", x.shape.extents)) { rounded(x).storage }
    return BFloat16Rows(shape: x.shape, device: x.device, storage: storage)
  }

  /// The same, held for the way back. Of what is recomputed it is made again, when it is asked for first.
  func keepRounding(_ x: Tensor) -> @Sendable () -> BFloat16Rows {
    if x.storage.isRecomputed {
      return {
        x.storage.makeAgain()
        return sharedRounding(x)
      }
    }
    let rows = sharedRounding(x)
    return { rows }
  }

  public func keep(_ x: Tensor, in precision: Precision) -> @Sendable () -> Tensor {
    switch precision {
    case .float32: return reference.keep(x, in: precision)
    case .bfloat16:
      let rows = keepRounding(x)
      return { numbers(of: rows()) }
    case .float8: return keepCodes(x, .rows)
    }
  }
  /// The numbers of what was rounded.
  private func numbers(of rows: BFloat16Rows) -> Tensor {
    let columns = rows.shape[1]
    return make(rows.shape, on: rows.device) { x in
      pool.forEachRange(rows.shape[0], grain: max(1, 16_384 / max(1, columns))) { range in
        if columns % 2 == 0 {
          kernels.rows.f32_from_bf16(
            x + range.lowerBound * columns, rows.numbers(row: range.lowerBound), range.count * columns)
        } else {
          for row in range { kernels.rows.f32_from_bf16(x + row * columns, rows.numbers(row: row), columns) }
        }
      }
    }
  }
}
