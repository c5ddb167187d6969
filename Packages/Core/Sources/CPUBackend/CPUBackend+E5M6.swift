// Twelve-bit floats natively: the codes of `E5M6Matrix`, made and read by the pool's threads.
import CKernels
import LowPrecision
import Tensors

extension CPUBackend {
  /// `E5M6Matrix(x)`, made once for the contents of `x` and shared by all that keep them. It may outlive `x`.
  func sharedTwelveBits(_ x: Tensor) -> E5M6Matrix {
    let (rows, columns) = (x.shape[0], x.shape[1])
    let (rowBytes, grid) = ((columns * 12 + 7) / 8, TileShape.row.grid(rows: rows, columns: columns).columns)
    let scales = x.storage.derived(DerivedLayout("e5m6-scales", x.shape.extents)) { twelveBitScales(x, grid) }
    let bytes = x.storage.derived(DerivedLayout("e5m6-codes", x.shape.extents)) {
      let bytes = allocate(byteCount: rows * rowBytes)
      pool.forEachRange(rows, grain: max(1, 8192 / max(1, columns))) {
        for row in $0 {
          TwelveBits.encode(
            bytes.codes + row * rowBytes, x.pointer + row * columns, scales.floats + row * grid, columns)
        }
      }
      return bytes
    }
    return E5M6Matrix(
      bytes: Tensor(shape: [rows, rowBytes], dtype: .uint8, device: x.device, storage: bytes),
      scales: Tensor(shape: [rows, grid], device: x.device, storage: scales), columns: columns)
  }

  /// `E5M6Matrix.dequantized()`.
  func numbers(of matrix: E5M6Matrix) -> Tensor {
    let (rowBytes, grid, columns) = (matrix.bytes.shape[1], matrix.scales.shape[1], matrix.columns)
    return make([matrix.rows, columns], on: matrix.bytes.device) { x in
      pool.forEachRange(matrix.rows, grain: max(1, 8192 / max(1, columns))) {
        for row in $0 {
          TwelveBits.decode(
            x + row * columns, matrix.bytes.storage.codes + row * rowBytes, matrix.scales.pointer + row * grid, columns)
        }
      }
    }
  }

  private func twelveBitScales(_ x: Tensor, _ grid: Int) -> Storage {
    let (rows, columns) = (x.shape[0], x.shape[1])
    let scales = allocate(byteCount: rows * grid * 4)
    pool.forEachRange(rows, grain: max(1, 8192 / max(1, columns))) {
      for row in $0 {
        for tile in 0..<grid {
          let start = tile * TileShape.depth
          let found = kernels.float8.magnitude(
            x.pointer + row * columns + start, min(TileShape.depth, columns - start))
          scales.floats[row * grid + tile] = E5M6Matrix.scale(ofMagnitude: found)
        }
      }
    }
    return scales
  }
}

/// Codes of one row, two in three bytes.
private enum TwelveBits {
  static func encode(
    _ bytes: UnsafeMutablePointer<UInt8>, _ x: UnsafePointer<Float>, _ scales: UnsafePointer<Float>, _ count: Int
  ) {
    for i in stride(from: 0, to: count, by: 2) {
      let first = code(x[i] / scales[i >> 7])
      let second = i + 1 < count ? code(x[i + 1] / scales[(i + 1) >> 7]) : 0
      let (pair, place) = (first | second << 12, bytes + i / 2 * 3)
      (place[0], place[1]) = (UInt8(truncatingIfNeeded: pair), UInt8(truncatingIfNeeded: pair >> 8))
      if i + 1 < count { place[2] = UInt8(truncatingIfNeeded: pair >> 16) }
    }
  }
  static func decode(
    _ x: UnsafeMutablePointer<Float>, _ bytes: UnsafePointer<UInt8>, _ scales: UnsafePointer<Float>, _ count: Int
  ) {
    for i in stride(from: 0, to: count, by: 2) {
      let place = bytes + i / 2 * 3
      let low = UInt32(place[0]) | UInt32(place[1]) << 8
      x[i] = value(low & 0xFFF) * scales[i >> 7]
      if i + 1 < count { x[i + 1] = value(low >> 12 | UInt32(place[2]) << 4) * scales[(i + 1) >> 7] }
    }
  }

  /// The nearest code, ties to even. |x| is at most the largest number, 65024, as a tile's scale has it.
  @inline(__always) private static func code(_ x: Float) -> UInt32 {
    let sign = x.bitPattern >> 20 & 0x800
    let magnitude = x.bitPattern & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7FF }
    if magnitude >= 0x3880_0000 {  // 2^-14, the least normal number: six bits of the fraction stay
      let rounded = (magnitude + 0xFFFF + (magnitude >> 17 & 1)) >> 17
      return sign | min(rounded - 112 << 6, 0x7BF)
    }
    // Subnormal numbers are multiples of 2^-20: adding 2^3, whose last bit that is, rounds to them.
    let sum = Float(bitPattern: magnitude) + 8
    return sign | (sum.bitPattern - Float(8).bitPattern)
  }
  @inline(__always) private static func value(_ code: UInt32) -> Float {
    let (sign, magnitude) = ((code & 0x800) << 20, code & 0x7FF)
    if magnitude >= 0x7C0 { return magnitude == 0x7C0 ? Float(bitPattern: sign | 0x7F80_0000) : .nan }
    if magnitude >= 64 { return Float(bitPattern: sign | (magnitude << 17 + 112 << 23)) }
    let number = Float(magnitude) * 0x1p-20
    return sign == 0 ? number : -number
  }
}
