// Codes with scales along their columns, and the products that weight gradients are: gᵀ · x, both by rows as they lie.
import CKernels
import LowPrecision
import Tensors

/// Codes of rows that belong to groups, in 128 × 1 tiles that begin with the group.
struct ColumnCodes {
  /// Codes and scales from a place on, as a product of one group reads them.
  struct Part {
    let codes: UnsafePointer<UInt8>
    let scales: UnsafePointer<Float>
    /// Codes, and scales, from row to row.
    let stride: Int
    let format: Float8
  }
  /// uint8 [rows, columns]
  let codes: Storage
  /// float32, a row of `columns` scales for each tile down, one group's tiles after another's.
  let scales: Storage
  let columns: Int
  let format: Float8
  /// The first row, and the first row of scales, of each group.
  let groups: [(row: Int, tile: Int)]

  func part(group: Int, column: Int) -> Part {
    let (row, tile) = groups[group]
    return Part(
      codes: codes.codes + row * columns + column, scales: scales.floats + tile * columns + column, stride: columns,
      format: format)
  }
}

/// One product of a job: c[m, n] = aᵀ · b for a [k, m] and b [k, n].
struct ScaledColumnsTask {
  let c: UnsafeMutablePointer<Float>
  let cStride: Int
  let a: ColumnCodes.Part
  let b: ColumnCodes.Part
  let m: Int
  let n: Int
  let k: Int
}

extension ColumnCodes {
  /// A matrix in column tiles, as one group.
  init(_ matrix: QuantizedMatrix) {
    precondition(!matrix.isTransposed && matrix.tile == .column, "column codes: tiles are \(matrix.tile)")
    (codes, scales) = (matrix.codes.storage, matrix.scales.storage)
    (columns, format, groups) = (matrix.columns, matrix.format, [(row: 0, tile: 0)])
  }
  var part: Part { part(group: 0, column: 0) }
}

/// What codes with scales along columns are made of: numbers as they are, or those that waited for the way back.
enum ColumnSource {
  case numbers(Tensor)
  case codes(QuantizedMatrix)
  case twelveBits(E5M6Matrix)

  var rows: Int {
    switch self {
    case .numbers(let x): x.shape[0]
    case .codes(let matrix): matrix.rows
    case .twelveBits(let matrix): matrix.rows
    }
  }
  var columns: Int {
    switch self {
    case .numbers(let x): x.shape[1]
    case .codes(let matrix): matrix.columns
    case .twelveBits(let matrix): matrix.columns
    }
  }
}

extension CPUBackend {
  /// Codes in column tiles that begin with each group; group g has rows offsets[g] ..< offsets[g + 1].
  func columnCodes(_ source: ColumnSource, offsets: [Int], _ quantization: Quantization) -> ColumnCodes {
    let (height, width, columns) = (TileShape.depth, 2 * TileShape.depth, source.columns)
    var groups: [(row: Int, tile: Int)] = []
    var bands: [Range<Int>] = []
    for (start, end) in zip(offsets, offsets.dropFirst()) {
      groups.append((start, bands.count))
      bands += stride(from: start, to: end, by: height).map { $0..<min($0 + height, end) }
    }
    let result = ColumnCodes(
      codes: allocate(byteCount: source.rows * columns), scales: allocate(byteCount: bands.count * columns * 4),
      columns: columns, format: quantization.format, groups: groups)
    let across = (columns + width - 1) / width
    pool.forEachRange(bands.count * across, grain: 1) { range in
      for i in range {
        let first = i % across * width
        encode(
          source, rows: bands[i / across], columns: first..<min(first + width, columns), into: result,
          tile: i / across, quantization)
      }
    }
    return result
  }

  /// One band of tiles. Numbers are read twice: a band is so small that the second reading finds them near the core.
  private func encode(
    _ source: ColumnSource, rows: Range<Int>, columns: Range<Int>, into result: ColumnCodes, tile: Int,
    _ quantization: Quantization
  ) {
    let count = columns.count
    var room: Storage?
    let (numbers, stride): (UnsafePointer<Float>, Int)
    if case .numbers(let x) = source {
      (numbers, stride) = (UnsafePointer(x.pointer + rows.lowerBound * x.shape[1] + columns.lowerBound), x.shape[1])
    } else {
      let storage = allocate(byteCount: rows.count * count * 4)
      decode(source, rows, columns, into: storage.floats)
      (room, numbers, stride) = (storage, UnsafePointer(storage.floats), count)
    }
    let scales = result.scales.floats + tile * result.columns + columns.lowerBound
    let (codes, codeStride) = (
      result.codes.codes + rows.lowerBound * result.columns + columns.lowerBound, result.columns
    )
    let (magnitudes, encode) = (kernels.float8.magnitudes!, kernels.float8.encode_each!)
    scales.update(repeating: 0, count: count)
    for row in 0..<rows.count { magnitudes(scales, numbers + row * stride, count) }
    for i in 0..<count { scales[i] = quantization.scale(ofMagnitude: scales[i]) }
    for row in 0..<rows.count {
      encode(
        quantization.format.code, CK_TO_LARGEST, codes + row * codeStride, numbers + row * stride, scales, count)
    }
    withExtendedLifetime(room) {}
  }

  /// Numbers of a band, one row after another; `columns` begin with a tile. What the loops read is found before them:
  /// threads that count the same references wait for each other.
  private func decode(
    _ source: ColumnSource, _ rows: Range<Int>, _ columns: Range<Int>, into numbers: UnsafeMutablePointer<Float>
  ) {
    let (first, tile) = (columns.lowerBound, columns.lowerBound / TileShape.depth)
    switch source {
    case .numbers: preconditionFailure("column codes: numbers need no decoding")
    case .codes(let matrix):
      let (format, width, grid) = (matrix.format.code, matrix.columns, matrix.scales.shape[1])
      let (codes, scales) = (matrix.codes.storage.codes + first, matrix.scales.pointer + tile)
      let decode = kernels.float8.decode!
      for row in rows {
        let out = numbers + (row - rows.lowerBound) * columns.count
        for start in stride(from: 0, to: columns.count, by: TileShape.depth) {
          decode(
            format, out + start, codes + row * width + start, scales[row * grid + start / TileShape.depth],
            min(TileShape.depth, columns.count - start))
        }
      }
    case .twelveBits(let matrix):
      let (rowBytes, grid) = (matrix.bytes.shape[1], matrix.scales.shape[1])
      let (codes, scales) = (matrix.bytes.storage.codes + first / 2 * 3, matrix.scales.pointer + tile)
      let decode = kernels.float8.decode_twelve!
      for row in rows {
        decode(
          numbers + (row - rows.lowerBound) * columns.count, codes + row * rowBytes, scales + row * grid,
          columns.count)
      }
    }
  }

  /// Runs independent products, cut into blocks of rows of c that the pool's threads claim.
  func runScaledColumns(_ tasks: [ScaledColumnsTask]) {
    var pieces: [(task: Int, rows: Range<Int>)] = []
    for (index, task) in tasks.enumerated() where task.m > 0 && task.n > 0 {
      let cuts = max((task.m + 167) / 168, task.m >= 96 ? 2 : 1)
      for cut in 0..<cuts { pieces.append((index, task.m * cut / cuts..<task.m * (cut + 1) / cuts)) }
    }
    pool.forEach(pieces.count) { i in
      let (task, rows) = (tasks[pieces[i].task], pieces[i].rows)
      let scratch = allocate(byteCount: ck_scaled_scratch() * 4)
      var call = ck_scaled_columns(
        a: task.a.codes + rows.lowerBound, lda: task.a.stride, a_scales: task.a.scales + rows.lowerBound,
        ld_a_scales: task.a.stride, b: task.b.codes, ldb: task.b.stride, b_scales: task.b.scales,
        ld_b_scales: task.b.stride, a_format: task.a.format.code, b_format: task.b.format.code,
        c: task.c + rows.lowerBound * task.cStride, ldc: task.cStride, m: rows.count, n: task.n, k: task.k)
      withExtendedLifetime(scratch) { kernels.scaled.product_at(&call, scratch.floats) }
    }
  }
}
