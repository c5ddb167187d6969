// How independent products are cut for the pool's threads, and one piece of them.
// Every output element is one chain over k, so no cut changes a result.
import CKernels
import Tensors

/// A block of rows and of panels of one product.
struct ProductPiece {
  let task: ProductTask
  let rows: Range<Int>
  let panels: Range<Int>
}

extension CPUBackend {
  /// The pieces of independent products, so small that no thread waits long for another at the end.
  func pieces(of tasks: [ProductTask]) -> [ProductPiece] {
    let work = tasks.reduce(0) { $0 + $1.rows * $1.b.n * max($1.b.k, 16) }
    // Many rows are asked for ahead, whatever is done at once. Few are bound by reading B, and kernels of other precisions
    // prepare rows in every call: both do better with more at once.
    let asksAhead = tasks.allSatisfy { $0.b.precision == .float32 } && tasks.contains { $0.rows >= 336 }
    let (target, mostRows) = (max(work / (threads * (asksAhead ? 16 : 6)), 1 << 18), asksAhead ? 180 : 336)
    return tasks.filter { $0.rows > 0 && $0.b.n > 0 }.flatMap { task in
      let panelWork = Int(CK_NR) * max(task.b.k, 16)
      let rowBlock =
        task.rows <= 32 ? task.rows : min(task.rows, max(84, min(mostRows, target / max(1, task.b.panels * panelWork))))
      let panelBlock = max(1, min(task.b.panels, target / max(1, rowBlock * panelWork)))
      return inTurns(Array(stride(from: 0, to: task.rows, by: rowBlock))).flatMap { first in
        stride(from: 0, to: task.b.panels, by: panelBlock).map { panel in
          ProductPiece(
            task: task, rows: first..<min(first + rowBlock, task.rows),
            panels: panel..<min(panel + panelBlock, task.b.panels))
        }
      }
    }
  }

  /// Blocks of rows in an order in which each of several threads, claiming one after another, finds neighbours: what it
  /// asks for behind a block is what it needs next.
  func inTurns<Block>(_ blocks: [Block]) -> [Block] {
    let each = (blocks.count + threads - 1) / threads
    return (0..<each).flatMap { step in
      (0..<threads).compactMap { $0 * each + step < blocks.count ? blocks[$0 * each + step] : nil }
    }
  }

  /// Computes one piece on the calling thread.
  func compute(_ piece: ProductPiece) {
    let task = piece.task
    let scratch = allocate(byteCount: ck_gemm_scratch(task.b.k) * 4)
    let (c, a) = (task.c + piece.rows.lowerBound * task.cStride, task.a + piece.rows.lowerBound * task.aStride)
    let (b, rows, panels, accumulates) = (task.b, piece.rows.count, piece.panels, Int32(task.accumulates ? 1 : 0))
    switch b.precision {
    case .float32:
      kernels.gemm.product(
        c, task.cStride, a, task.aStride, b.storage.floats, rows, b.n, b.k, panels.lowerBound, panels.upperBound,
        accumulates, scratch.floats)
    case .bfloat16 where task.hasWords:
      kernels.bf16.product_words(
        c, task.cStride, UnsafeRawPointer(a).assumingMemoryBound(to: UInt32.self), task.aStride, b.storage.words,
        rows, b.n, b.k, panels.lowerBound, panels.upperBound, accumulates, scratch.floats)
    case .bfloat16:
      kernels.bf16.product(
        c, task.cStride, a, task.aStride, b.storage.words, rows, b.n, b.k, panels.lowerBound, panels.upperBound,
        accumulates, scratch.floats)
    case .float8: preconditionFailure("matrix product: eight-bit numbers have scales; see runScaled")
    }
    guard task.roundsResult, b.precision != .float32 else { return }
    let columns = panels.lowerBound * Int(CK_NR)..<min(b.n, panels.upperBound * Int(CK_NR))
    kernels.bf16.round_values(c + columns.lowerBound, task.cStride, rows, columns.count)
  }
}

extension CPUBackend {
  /// Makes `packedTranspose` of many float32 weights, each on one thread: unlike panels of one weight, they are claimed
  /// whole, as each is made under its own storage's lock.
  func packTransposes(_ weights: [Tensor]) {
    let weights = weights.filter { $0.dtype == .float32 }
    pool.forEach(weights.count) { i in
      let (weight, n, k) = (weights[i], weights[i].shape[0], weights[i].shape[1])
      _ = weight.storage.derived(.packedTranspose(k, n, .float32)) {
        let storage = allocate(byteCount: ck_packed_count(k, n) * 4)
        kernels.gemm.pack(storage.floats, weight.pointer, k, 1, k, n, 0, panelCount(n))
        return storage
      }
    }
  }
}

extension DerivedLayout {
  static func packedTranspose(_ k: Int, _ n: Int, _ precision: Precision) -> DerivedLayout {
    DerivedLayout(precision == .float32 ? "packed-transpose" : "packed-transpose-bfloat16", [k, n])
  }
}
