// Quantised matrices natively: tiles are claimed by the pool's threads, products run over packed codes.
import CKernels
import LowPrecision
import Tensors

extension CPUBackend: LowPrecisionBackend {
  public func quantize(_ x: Tensor, _ quantization: Quantization) -> QuantizedMatrix {
    quantize(x, columns: 0..<x.shape[1], quantization)
  }

  /// The codes of some columns; tiles begin with the first of them.
  func quantize(_ x: Tensor, columns part: Range<Int>, _ quantization: Quantization) -> QuantizedMatrix {
    let (rows, columns, tile) = (x.shape[0], part.count, quantization.tile)
    let grid = tile.grid(rows: rows, columns: columns)
    let codes = allocate(byteCount: rows * columns)
    let scales = allocate(byteCount: grid.rows * grid.columns * 4)
    let places = Places(
      numbers: x.pointer + part.lowerBound, numberStride: x.shape[1], codes: codes.codes, scales: scales.floats,
      stride: columns, grid: grid.columns, tile: tile)
    forEachBand(rows: rows, columns: columns, tile) { band in
      if tile == .row {
        encodeRows(places, band, quantization)
      } else if tile.columns == 1 {
        encodeColumns(places, band, quantization)
      } else {
        encodeTiles(places, band, quantization)
      }
    }
    return QuantizedMatrix(
      codes: Tensor(shape: [rows, columns], dtype: .uint8, device: x.device, storage: codes),
      scales: Tensor(shape: [grid.rows, grid.columns], device: x.device, storage: scales), tile: tile,
      format: quantization.format)
  }

  public func dequantize(_ codes: Tensor, _ scales: Tensor, tile: TileShape, format: Float8) -> Tensor {
    let (rows, columns) = (codes.shape[0], codes.shape[1])
    return make(codes.shape, on: codes.device) { numbers in
      let places = Places(
        numbers: numbers, numberStride: columns, codes: codes.storage.codes, scales: scales.pointer, stride: columns,
        grid: scales.shape[1], tile: tile)
      forEachBand(rows: rows, columns: columns, tile) { band in
        for row in band.rows {
          let scale = places.scales + row / tile.rows * places.grid
          if tile.columns == 1 {
            let at = row * columns + band.columns.lowerBound
            kernels.float8.decode_each(
              format.code, numbers + at, places.codes + at, scale + band.columns.lowerBound, band.columns.count)
          } else {
            for run in places.runs(band.columns) {
              let at = row * columns + run.lowerBound
              kernels.float8.decode(
                format.code, numbers + at, places.codes + at, scale[run.lowerBound / tile.columns], run.count)
            }
          }
        }
      }
    }
  }

  // MARK: Tiles

  /// A matrix of numbers, its codes and its scales.
  private struct Places {
    let numbers: UnsafeMutablePointer<Float>
    /// Numbers from row to row.
    let numberStride: Int
    let codes: UnsafeMutablePointer<UInt8>
    let scales: UnsafeMutablePointer<Float>
    /// Codes from row to row.
    let stride: Int
    /// Scales from row to row of tiles.
    let grid: Int
    let tile: TileShape
    /// The parts of `columns`, which begin with a tile, that lie in one tile each.
    func runs(_ columns: Range<Int>) -> some Sequence<Range<Int>> {
      Swift.stride(from: columns.lowerBound, to: columns.upperBound, by: tile.columns).lazy.map {
        $0..<min(columns.upperBound, $0 + tile.columns)
      }
    }
  }
  /// Whole tiles, apart from the edges of the matrix; one row of tiles down.
  private struct Band {
    let rows: Range<Int>
    let columns: Range<Int>
  }
  /// Runs `body` for parts of a matrix that make up all of it. Tall tiles are read twice: their bands are so narrow
  /// that the second reading finds them in the cache.
  private func forEachBand(rows: Int, columns: Int, _ tile: TileShape, _ body: (Band) -> Void) {
    let width = tile.rows == 1 ? max(columns, 1) : max(512 / tile.columns, 1) * tile.columns
    let (down, across) = ((rows + tile.rows - 1) / tile.rows, (columns + width - 1) / width)
    pool.forEachRange(down * across, grain: max(1, 16_384 / (tile.rows * width))) { range in
      for i in range {
        let (row, column) = (i / across * tile.rows, i % across * width)
        body(Band(rows: row..<min(rows, row + tile.rows), columns: column..<min(columns, column + width)))
      }
    }
  }

  private func encodeRows(_ places: Places, _ band: Band, _ quantization: Quantization) {
    for row in band.rows {
      kernels.float8.encode_row(
        quantization.format.code, places.codes + row * places.stride, places.scales + row * places.grid,
        places.numbers + row * places.numberStride, quantization.magnitudeFloor,
        quantization.usesPowersOfTwo ? 1 : 0, places.stride)
    }
  }

  private func encodeTiles(_ places: Places, _ band: Band, _ quantization: Quantization) {
    let format = quantization.format.code
    let scales = places.scales + band.rows.lowerBound / places.tile.rows * places.grid
    for run in places.runs(band.columns) {
      var magnitude: Float = 0
      for row in band.rows {
        let found = kernels.float8.magnitude(places.numbers + row * places.numberStride + run.lowerBound, run.count)
        magnitude = magnitude > found || magnitude.isNaN ? magnitude : found
      }
      let scale = quantization.scale(ofMagnitude: magnitude)
      scales[run.lowerBound / places.tile.columns] = scale
      for row in band.rows {
        kernels.float8.encode(
          format, CK_TO_LARGEST, places.codes + row * places.stride + run.lowerBound,
          places.numbers + row * places.numberStride + run.lowerBound, scale, run.count)
      }
    }
  }

  private func encodeColumns(_ places: Places, _ band: Band, _ quantization: Quantization) {
    let (start, count) = (band.columns.lowerBound, band.columns.count)
    let scales = places.scales + band.rows.lowerBound / places.tile.rows * places.grid + start
    scales.update(repeating: 0, count: count)
    for row in band.rows {
      kernels.float8.magnitudes(scales, places.numbers + row * places.numberStride + start, count)
    }
    for i in 0..<count { scales[i] = quantization.scale(ofMagnitude: scales[i]) }
    for row in band.rows {
      kernels.float8.encode_each(
        quantization.format.code, CK_TO_LARGEST, places.codes + row * places.stride + start,
        places.numbers + row * places.numberStride + start, scales, count)
    }
  }
}

extension Storage {
  var codes: UnsafeMutablePointer<UInt8> { address.assumingMemoryBound(to: UInt8.self) }
}
extension Float8 {
  var code: ck_float8 {
    switch self {
    case .e4m3: CK_E4M3
    case .e5m2: CK_E5M2
    }
  }
}
