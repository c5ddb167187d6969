// Twelve-bit floats natively: the codes of `E5M6Matrix`, made and read by the pool's threads.
import CKernels
import LowPrecision
import Tensors

extension CPUBackend {
  /// `E5M6Matrix(x)`, made once for the contents of `x` and shared by all that keep them. It may outlive `x`.
  func sharedTwelveBits(_ x: Tensor) -> E5M6Matrix {
    let (rows, columns) = (x.shape[0], x.shape[1])
    let (rowBytes, grid) = ((columns * 12 + 7) / 8, TileShape.row.grid(rows: rows, columns: columns).columns)
    var made: Storage?
    func encode() -> (bytes: Storage, scales: Storage) {
      let (bytes, scales) = (allocate(byteCount: rows * rowBytes), allocate(byteCount: rows * grid * 4))
      pool.forEachRange(rows, grain: max(1, 8192 / max(1, columns))) {
        for row in $0 {
          kernels.float8.encode_twelve(
            bytes.codes + row * rowBytes, scales.floats + row * grid, x.pointer + row * columns, columns)
        }
      }
      return (bytes, scales)
    }
    let bytes = x.storage.derived(DerivedLayout("e5m6-codes", x.shape.extents)) {
      let matrix = encode()
      made = matrix.scales
      return matrix.bytes
    }
    let scales = x.storage.derived(DerivedLayout("e5m6-scales", x.shape.extents)) { made ?? encode().scales }
    return E5M6Matrix(
      bytes: Tensor(shape: [rows, rowBytes], dtype: .uint8, device: x.device, storage: bytes),
      scales: Tensor(shape: [rows, grid], device: x.device, storage: scales), columns: columns)
  }

  /// `E5M6Matrix.dequantized()`.
  func numbers(of matrix: E5M6Matrix) -> Tensor {
    let (columns, rowBytes, grid) = (matrix.columns, matrix.bytes.shape[1], matrix.scales.shape[1])
    let (codes, scales) = (matrix.bytes.storage.codes, matrix.scales.pointer)
    return make([matrix.rows, columns], on: matrix.bytes.device) { x in
      pool.forEachRange(matrix.rows, grain: max(1, 8192 / max(1, columns))) {
        for row in $0 {
          kernels.float8.decode_twelve(x + row * columns, codes + row * rowBytes, scales + row * grid, columns)
        }
      }
    }
  }
}
