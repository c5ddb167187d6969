// Products of quantised matrices, split over the pool.
// Every output element is the same sequence of sums whatever the split.
import CKernels
import LowPrecision
import Tensors

/// One product of a job: c[rows, n] = a · b, with c inside larger rows.
struct ScaledProductTask {
  let c: UnsafeMutablePointer<Float>
  let cStride: Int
  /// Laid out by rows: not transposed, and with scales for every row.
  let a: QuantizedMatrix
  /// The rows of `a` that are multiplied; the first of them gives the first row of c.
  let rows: Range<Int>
  let b: QuantizedMatrix
  /// Whether the codes of `b` in panels are worth keeping beside them: they are multiplied again.
  var keepsPanels = true
  /// Whether the product, once it is whole, is added to c.
  var accumulates = false
  /// Whether c has the numbers of bfloat16, and not the sums.
  var roundsResult = false
}

extension CPUBackend {
  public func multiply(_ a: QuantizedMatrix, _ b: QuantizedMatrix) -> Tensor {
    if a.isTransposed, !b.isTransposed, a.tile.rows == 1, b.tile.columns == 1 {
      return make([a.rows, b.columns], on: a.device) { c in
        runScaledColumns([
          ScaledColumnsTask(
            c: c, cStride: b.columns, a: ColumnCodes(a.transposed).part, b: ColumnCodes(b).part, m: a.rows,
            n: b.columns, k: a.columns)
        ])
      }
    }
    let a = laidOutByRows(a)
    return make([a.rows, b.columns], on: a.device) { c in
      runScaled([ScaledProductTask(c: c, cStride: b.columns, a: a, rows: 0..<a.rows, b: b)])
    }
  }

  /// The same numbers as a left operand: stored by rows, each row with its own scales.
  func laidOutByRows(_ a: QuantizedMatrix) -> QuantizedMatrix {
    let codes = a.isTransposed ? a.codes.transposed : a.codes
    var scales = a.isTransposed ? a.scales.transposed : a.scales
    if a.tile.rows > 1 {
      let (grid, tile) = (scales.shape[1], a.tile.rows)
      let shared = scales
      scales = make([a.rows, grid], on: a.device) { out in
        for row in 0..<a.rows { (out + row * grid).update(from: shared.pointer + row / tile * grid, count: grid) }
      }
    }
    return QuantizedMatrix(codes: codes, scales: scales, tile: .row, format: a.format)
  }

  /// Runs independent products: each is cut into blocks of rows and of panels that the pool's threads claim.
  func runScaled(_ tasks: [ScaledProductTask]) {
    struct Piece {
      let task: Int
      let rows: Range<Int>
      let panels: Range<Int>
    }
    let operands = tasks.map(scaledOperands)
    let work = tasks.reduce(0) { $0 + $1.rows.count * $1.b.columns * max($1.a.columns, 16) }
    let target = max(work / (threads * 6), 1 << 18)
    var pieces: [Piece] = []
    for (index, task) in tasks.enumerated() where !task.rows.isEmpty {
      let panels = panelCount(task.b.columns)
      let rowBlock = min(task.rows.count, 168)
      // Panels share the decoding of the rows, so groups of eight are left whole.
      let wanted = max(1, target / (rowBlock * Int(CK_NR) * max(task.a.columns, 16)))
      let panelBlock = wanted > 8 ? wanted / 8 * 8 : wanted
      for first in stride(from: 0, to: task.rows.count, by: rowBlock) {
        for panel in stride(from: 0, to: panels, by: panelBlock) {
          let rows = first..<min(first + rowBlock, task.rows.count)
          pieces.append(Piece(task: index, rows: rows, panels: panel..<min(panel + panelBlock, panels)))
        }
      }
    }
    pool.forEach(pieces.count) { i in
      let piece = pieces[i]
      run(tasks[piece.task], operands[piece.task].call, rows: piece.rows, panels: piece.panels)
    }
  }

  private func run(_ task: ScaledProductTask, _ whole: ck_scaled_operands, rows: Range<Int>, panels: Range<Int>) {
    let scratch = allocate(byteCount: ck_scaled_scratch() * 4)
    let columns = panels.lowerBound * Int(CK_NR)..<min(whole.n, panels.upperBound * Int(CK_NR))
    var call = whole
    call.a += rows.lowerBound * call.lda
    call.a_scales += rows.lowerBound * call.ld_a_scales
    call.m = rows.count
    let c = whole.c + rows.lowerBound * whole.ldc + columns.lowerBound
    if task.accumulates {
      // Apart from c, because a product begins at zero.
      let product = allocate(byteCount: rows.count * columns.count * 4)
      (call.c, call.ldc) = (product.floats - columns.lowerBound, columns.count)
      kernels.scaled.product(&call, panels.lowerBound, panels.upperBound, scratch.floats)
      for row in 0..<rows.count {
        let place = c + row * whole.ldc
        kernels.rows.binary(CK_ADD, place, place, product.floats + row * columns.count, columns.count)
      }
    } else {
      call.c += rows.lowerBound * call.ldc
      kernels.scaled.product(&call, panels.lowerBound, panels.upperBound, scratch.floats)
    }
    if task.roundsResult { kernels.bf16.round_values(c, whole.ldc, rows.count, columns.count) }
  }

  /// The kernel's view of a product, and what must outlive it.
  private struct ScaledOperands {
    let call: ck_scaled_operands
    let owners: [Storage]
  }
  private func scaledOperands(_ task: ScaledProductTask) -> ScaledOperands {
    let (a, b) = (task.a, task.b)
    precondition(!a.isTransposed && a.tile.rows == 1, "scaled product: the left operand is not laid out by rows")
    let (codes, scales) = (packedCodes(b, isKept: task.keepsPanels), packedScales(b))
    let (k, grid) = (a.columns, a.scales.shape[1])
    let call = ck_scaled_operands(
      a: a.codes.storage.codes + task.rows.lowerBound * k, lda: k,
      a_scales: a.scales.pointer + task.rows.lowerBound * grid, ld_a_scales: grid, b: codes.codes,
      b_scales: scales.floats, a_format: a.format.code, b_format: b.format.code, c: task.c, ldc: task.cStride,
      m: task.rows.count, n: b.columns, k: k)
    return ScaledOperands(call: call, owners: [codes, scales, a.codes.storage, a.scales.storage])
  }

  /// The codes of a right operand in panels. Kept, they are made once for its contents and each way of reading them.
  private func packedCodes(_ b: QuantizedMatrix, isKept: Bool) -> Storage {
    let (k, n, stride) = (b.rows, b.columns, b.codes.shape[1])
    func pack() -> Storage {
      let packed = allocate(byteCount: ck_packed_count(k, n))
      forEachPanels(panelCount(n), k: k) {
        ck_pack_codes(
          packed.codes, b.codes.storage.codes, stride, b.isTransposed ? 1 : 0, k, n, $0.lowerBound, $0.upperBound)
      }
      return packed
    }
    if !isKept { return pack() }
    return b.codes.storage.derived(DerivedLayout("packed-codes", [k, n, b.isTransposed ? 1 : 0]), make: pack)
  }
  /// One scale for each step of scales and each column of a panel.
  private func packedScales(_ b: QuantizedMatrix) -> Storage {
    let (n, tile, grid, lanes) = (b.columns, b.tile, b.scales.shape[1], Int(CK_NR))
    let (panels, blocks) = (panelCount(n), (b.rows + tile.rows - 1) / tile.rows)
    let key = DerivedLayout("packed-scales", [b.rows, n, tile.rows, tile.columns, b.isTransposed ? 1 : 0])
    return b.scales.storage.derived(key) {
      let packed = allocate(byteCount: panels * blocks * lanes * 4)
      let scales = b.scales.pointer
      for i in 0..<panels * blocks * lanes {
        let (column, block) = (i / (blocks * lanes) * lanes + i % lanes, i / lanes % blocks)
        let (down, across) = b.isTransposed ? (column / tile.columns, block) : (block, column / tile.columns)
        packed.floats[i] = column < n ? scales[down * grid + across] : 0
      }
      return packed
    }
  }
}
