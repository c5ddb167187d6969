// Products with narrow weights, split over the pool.
// Every output element is the chain over k that float32 products have, so no split changes a result.
import CKernels
import Tensors

/// A right operand of narrow floats, in panels or as it is stored.
struct NarrowMatrix {
  /// The operand as it is stored.
  let weight: ck_narrow_weight
  /// Keeps the bytes of `weight`.
  let stored: Storage
  /// Holds its panels; nil where there is no memory for them.
  let packed: Storage?
  /// Where the first panel is, in bytes.
  var start = 0
  var n: Int { weight.n }
  var k: Int { weight.k }
  var panels: Int { panelCount(n) }
  var panelBytes: Int { ck_narrow_panel_bytes(weight.form, k) }
}

/// One product of a job: c[rows, n] = a · b, with c and a inside larger rows.
struct NarrowTask {
  let c: UnsafeMutablePointer<Float>
  let cStride: Int
  let a: UnsafePointer<Float>
  let aStride: Int
  let rows: Int
  let b: NarrowMatrix
}

extension CPUBackend {
  /// Runs independent products: each is cut into blocks of rows and of panels that the pool's threads claim.
  func run(_ tasks: [NarrowTask]) {
    struct Piece {
      let task: Int
      let rows: Range<Int>
      let panels: Range<Int>
    }
    askForPages(of: tasks.lazy.filter { $0.b.packed == nil }.map(\.b.stored))
    // With few rows a weight is a stream, and a stream is slow where it begins: pieces are long, two for each thread.
    let pieceCount = threads * (tasks.allSatisfy { $0.rows <= 4 } ? 2 : 6)
    let target = max(tasks.reduce(0) { $0 + $1.panelCost(rows: $1.rows) * $1.b.panels } / pieceCount, 12_000)
    var pieces: [Piece] = []
    for (index, task) in tasks.enumerated() where task.rows > 0 && task.b.n > 0 {
      let cuts = (task.rows + task.rowBlock(threads) - 1) / task.rowBlock(threads)
      for cut in 0..<cuts {
        let rows = task.rows * cut / cuts..<task.rows * (cut + 1) / cuts
        let block = max(1, min(task.b.panels, target / task.panelCost(rows: rows.count)))
        for panel in stride(from: 0, to: task.b.panels, by: block) {
          pieces.append(Piece(task: index, rows: rows, panels: panel..<min(panel + block, task.b.panels)))
        }
      }
    }
    pool.forEach(pieces.count) { i in multiply(tasks[pieces[i].task], pieces[i].rows, pieces[i].panels) }
  }

  private func multiply(_ task: NarrowTask, _ rows: Range<Int>, _ panels: Range<Int>) {
    let (b, scratch) = (task.b, allocate(byteCount: ck_gemm_scratch(task.b.k) * 4))
    var operands = ck_narrow_operands(
      a: task.a + rows.lowerBound * task.aStride, lda: task.aStride, b: nil, form: b.weight.form,
      c: task.c + rows.lowerBound * task.cStride, ldc: task.cStride, m: rows.count, n: b.n, k: b.k)
    if let packed = b.packed {
      operands.b = UnsafePointer((packed.address + b.start).assumingMemoryBound(to: UInt32.self))
      kernels.narrow.product(&operands, panels.lowerBound, panels.upperBound, scratch.floats)
    } else {
      multiplyStored(operands, b, panels, scratch)
    }
    withExtendedLifetime((scratch, b)) {}
  }

  /// A few panels at a time are packed and multiplied.
  private func multiplyStored(_ whole: ck_narrow_operands, _ b: NarrowMatrix, _ panels: Range<Int>, _ scratch: Storage)
  {
    let step = max(1, 262_144 / max(1, b.panelBytes))
    let packed = allocate(byteCount: max(64, min(step, panels.count) * b.panelBytes))
    var weight = b.weight
    for first in stride(from: panels.lowerBound, to: panels.upperBound, by: step) {
      let (count, column) = (min(step, panels.upperBound - first), first * Int(CK_NR))
      ck_narrow_pack(packed.words, &weight, first, first + count)
      var part = whole
      (part.b, part.c, part.n) = (UnsafePointer(packed.words), whole.c + column, b.n - column)
      kernels.narrow.product(&part, 0, count, scratch.floats)
    }
    withExtendedLifetime(packed) {}
  }
}

extension NarrowTask {
  /// Roughly how many cycles a panel takes: reading it, and multiplying each row.
  fileprivate func panelCost(rows: Int) -> Int { max(1, b.panelBytes / 5 + rows * b.k) }
  /// A panel is widened once for so many rows.
  fileprivate func rowBlock(_ threads: Int) -> Int {
    rows <= 48 ? max(rows, 1) : b.panels < 4 * threads ? 84 : 336
  }
}
