// What quantised matrices mean: slow and obvious on purpose, it judges every kernel and runs where there is none.
import Tensors

extension QuantizedMatrix {
  /// Tile by tile: largest magnitude, scale, nearest codes.
  init(defining x: Tensor, _ quantization: Quantization) {
    let (rows, columns, tile) = (x.shape[0], x.shape[1], quantization.tile)
    let grid = tile.grid(rows: rows, columns: columns)
    let numbers = x.floats()
    var codes = [UInt8](repeating: 0, count: numbers.count)
    var scales: [Float] = []
    for down in 0..<grid.rows {
      for across in 0..<grid.columns {
        let elements = (down * tile.rows..<min(rows, (down + 1) * tile.rows)).flatMap { row in
          (across * tile.columns..<min(columns, (across + 1) * tile.columns)).map { row * columns + $0 }
        }
        // The largest magnitude, NaN if there is one.
        let magnitude = elements.reduce(Float(0)) { largest, i in
          largest.isNaN || largest > numbers[i].magnitude ? largest : numbers[i].magnitude
        }
        let scale = quantization.scale(ofMagnitude: magnitude)
        for i in elements { codes[i] = quantization.format.code(of: numbers[i] / scale) }
        scales.append(scale)
      }
    }
    self.init(
      codes: codes.withUnsafeBytes { Tensor(bytes: $0, shape: x.shape, dtype: .uint8, on: x.device) },
      scales: Tensor(scales, shape: [grid.rows, grid.columns], on: x.device), tile: tile, format: quantization.format)
  }

  /// In stored order.
  func definedNumbers() -> Tensor {
    let (values, grid) = (format.values, scales.shape[1])
    let (bytes, scales, columns) = (codes.bytes(), scales.floats(), codes.shape[1])
    let numbers = bytes.indices.map { i in
      let tile = i / max(columns, 1) / storedTile.rows * grid + i % max(columns, 1) / storedTile.columns
      return values[Int(bytes[i])] * scales[tile]
    }
    return Tensor(numbers, shape: codes.shape, on: device)
  }

  func definedProduct(_ other: QuantizedMatrix) -> Tensor {
    let (a, b, inner) = (Entries(self), Entries(other), columns)
    var result: [Float] = []
    result.reserveCapacity(rows * other.columns)
    for i in 0..<rows {
      for j in 0..<other.columns {
        var sum: Float = 0
        for start in stride(from: 0, to: inner, by: TileShape.depth) {
          var part: Float = 0
          for k in start..<min(inner, start + TileShape.depth) {
            part = part.addingProduct(a.value(i, k), b.value(k, j))  // the product itself is exact
          }
          sum = sum.addingProduct(part, a.scale(i, start) * b.scale(start, j))
        }
        result.append(sum)
      }
    }
    return Tensor(result, shape: [rows, other.columns], on: device)
  }

  /// Codes and scales on the host, found by row and column.
  private struct Entries {
    let values: [Float]
    let scales: [Float]
    let width: Int
    let grid: Int
    let tile: TileShape
    let isTransposed: Bool
    init(_ matrix: QuantizedMatrix) {
      let table = matrix.format.values
      (values, scales) = (matrix.codes.bytes().map { table[Int($0)] }, matrix.scales.floats())
      (width, grid) = (matrix.codes.shape[1], matrix.scales.shape[1])
      (tile, isTransposed) = (matrix.storedTile, matrix.isTransposed)
    }
    func value(_ row: Int, _ column: Int) -> Float {
      isTransposed ? values[column * width + row] : values[row * width + column]
    }
    func scale(_ row: Int, _ column: Int) -> Float {
      let (down, across) = isTransposed ? (column, row) : (row, column)
      return scales[down / tile.rows * grid + across / tile.columns]
    }
  }
}
