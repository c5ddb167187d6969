// Products with weights in quantised blocks, split over the pool.
// Sums of whole numbers are exact and parts of a row add up in a fixed order, so no split changes a result.
import BlockFormats
import CKernels
import Tensors

/// A weight of quantised blocks in the kernels' panel layout, or as it is stored where there is no memory for that.
struct PackedBlocks {
  let storage: Storage
  /// Rows as they are stored, which are packed a few panels at a time where they are multiplied.
  var isStored = false
  /// Where the first panel, or the first row, is, in bytes.
  var start = 0
  let format: ck_block_format
  let k: Int
  let n: Int
  var panels: Int { panelCount(n) }
  var panelBytes: Int { ck_block_panel_bytes(format, k) }
  func panel(_ index: Int) -> UnsafeRawPointer { UnsafeRawPointer(storage.address) + start + index * panelBytes }
}

/// A matrix of activations as eight-bit codes with scales, in blocks along its rows.
struct BlockRows {
  static let length = 32
  let storage: Storage
  /// Blocks of a row.
  let blocks: Int
  func row(_ row: Int, column: Int = 0) -> UnsafePointer<ck_block_row> {
    UnsafePointer(storage.address.assumingMemoryBound(to: ck_block_row.self)) + row * blocks + column / Self.length
  }
}

/// One product of a job: c[rows, n] = a · b, with c inside larger rows.
struct BlockTask: @unchecked Sendable {  // each writes numbers of its own; whoever runs it holds the memory
  let c: UnsafeMutablePointer<Float>
  let cStride: Int
  let a: UnsafePointer<ck_block_row>
  /// Blocks from row to row.
  let aStride: Int
  let rows: Int
  let b: PackedBlocks
}

/// A block of rows and of panels of one task of a job.
private struct BlockPiece: Sendable {
  let task: Int
  let rows: Range<Int>
  let panels: Range<Int>
}

extension BlockFormat {
  /// The kernels' name; nil for floats.
  fileprivate var kernelFormat: ck_block_format? {
    switch self {
    case .f32, .f16, .bf16: nil
    case .q8_0: CK_Q8_0
    case .q4_0: CK_Q4_0
    case .q4_1: CK_Q4_1
    case .q5_0: CK_Q5_0
    case .q5_1: CK_Q5_1
    case .q2_K: CK_Q2_K
    case .q3_K: CK_Q3_K
    case .q4_K: CK_Q4_K
    case .q5_K: CK_Q5_K
    case .q6_K: CK_Q6_K
    }
  }
}

extension CPUBackend {
  /// Rows of a quantised weight [N, K] as a right operand, packed once for its contents: with the whole weight, where
  /// they begin with one of its panels, or alone.
  func packedBlocks(
    _ weight: Tensor, rows: Range<Int>? = nil, isInWhole: Bool = true, isExpert: Bool = false
  ) -> PackedBlocks {
    let (n, k) = (weight.shape[0], weight.shape[1])
    guard let blocks = weight.dtype.blocks, let format = blocks.kernelFormat else {
      preconditionFailure("matrix product: \(weight.dtype) has no quantised blocks")
    }
    let rows = rows ?? 0..<n
    precondition(rows.lowerBound >= 0 && rows.upperBound <= n, "matrix product: rows \(rows) of \(weight.shape)")
    precondition(
      !isInWhole || rows.lowerBound % Int(CK_NR) == 0, "matrix product: row \(rows.lowerBound) begins no panel")
    let packedRows = isInWhole ? 0..<n : rows
    let key = DerivedLayout("packed-blocks", [packedRows.lowerBound, packedRows.count, k])
    let storage: Storage? = weight.storage.derivedIfMade(key) {
      let bytes = ck_block_packed_bytes(format, k, packedRows.count)
      guard let storage = allocatePacked(byteCount: bytes, isExpert: isExpert) else { return nil }
      let from = weight.storage.address + packedRows.lowerBound * blocks.byteCount(of: k)
      forEachPanels(panelCount(packedRows.count), k: k) {
        ck_block_pack(
          format, storage.address.assumingMemoryBound(to: UInt8.self), from.assumingMemoryBound(to: UInt8.self), k,
          packedRows.count, $0.lowerBound, $0.upperBound)
      }
      weight.storage.advise(.unneeded)
      return storage
    }
    guard let storage else {
      return PackedBlocks(
        storage: weight.storage, isStored: true, start: rows.lowerBound * blocks.byteCount(of: k), format: format, k: k,
        n: rows.count)
    }
    var packed = PackedBlocks(storage: storage, format: format, k: k, n: rows.count)
    if isInWhole { packed.start = rows.lowerBound / Int(CK_NR) * packed.panelBytes }
    return packed
  }

  /// The codes of a float32 matrix whose rows are whole blocks, made once for its contents and shared by all that read
  /// them.
  func sharedBlocks(_ x: Tensor) -> BlockRows {
    let (rows, k) = (x.shape[0], x.shape[1])
    precondition(k % BlockRows.length == 0, "linear: rows of \(x.shape) are not whole blocks of \(BlockRows.length)")
    let blocks = k / BlockRows.length
    let storage = x.storage.derived(DerivedLayout("block-rows", x.shape.extents)) {
      let storage = allocate(byteCount: max(64, rows * blocks * MemoryLayout<ck_block_row>.stride))
      let out = storage.address.assumingMemoryBound(to: ck_block_row.self)
      pool.forEachRange(rows, grain: max(1, 16_384 / max(1, k))) {
        kernels.blocks.quantise(out + $0.lowerBound * blocks, x.pointer + $0.lowerBound * k, k, $0.count, k)
      }
      return storage
    }
    return BlockRows(storage: storage, blocks: blocks)
  }

  /// Runs independent products in pieces that the pool's threads claim.
  func run(_ tasks: [BlockTask]) {
    askForStored(tasks)
    let pieces = pieces(of: tasks)
    pool.forEach(pieces.count) { compute(pieces[$0], of: tasks) }
  }

  /// Begins with products of `codes` into `output`, whose address waits for them. What stands between the products of few
  /// rows keeps one thread busy for a quarter of the time: the others go on meanwhile.
  func begin(_ tasks: [BlockTask], of codes: BlockRows, into output: Storage) {
    askForStored(tasks)
    let pieces = pieces(of: tasks)
    let job = pool.begin(pieces.count) { [codes] index in
      withExtendedLifetime(codes) { compute(pieces[index], of: tasks) }
    }
    output.await { job.end() }
  }

  /// Has the system fetch the weights that are multiplied as they are stored.
  private func askForStored(_ tasks: [BlockTask]) {
    askForPages(of: tasks.lazy.filter { $0.b.isStored }.map(\.b.storage))
  }

  private func compute(_ piece: BlockPiece, of tasks: [BlockTask]) {
    let task = tasks[piece.task]
    var operands = ck_block_operands(
      a: task.a + piece.rows.lowerBound * task.aStride, lda: task.aStride,
      b: task.b.panel(0).assumingMemoryBound(to: UInt8.self),
      format: task.b.format, c: task.c + piece.rows.lowerBound * task.cStride, ldc: task.cStride,
      m: piece.rows.count, n: task.b.n, k: task.b.k)
    if task.b.isStored {
      multiplyStored(operands, task.b, piece.panels)
    } else {
      kernels.blocks.product(&operands, piece.panels.lowerBound, piece.panels.upperBound)
    }
  }

  /// Each product is cut into blocks of rows and of panels. With few rows a weight is a stream, and a stream is slow where
  /// it begins: rows are not cut and pieces are long, shorter in the last quarter, so that threads end together.
  private func pieces(of tasks: [BlockTask]) -> [BlockPiece] {
    let all = tasks.reduce(0) { $0 + $1.panelCost(rows: $1.rows) * $1.b.panels }
    let areFew = tasks.allSatisfy { $0.rows <= 4 }
    var (pieces, done) = ([BlockPiece](), 0)
    pieces.reserveCapacity(max(tasks.count, 4 * threads))
    for (index, task) in tasks.enumerated() where task.rows > 0 && task.b.n > 0 {
      let cuts = (task.rows + task.rowBlock - 1) / task.rowBlock
      for cut in 0..<cuts {
        let rows = task.rows * cut / cuts..<task.rows * (cut + 1) / cuts
        let cost = task.panelCost(rows: rows.count)
        var panel = 0
        while panel < task.b.panels {
          let share = !areFew ? all / (threads * 6) : done < all / 4 * 3 ? all / 8 * 3 / threads : all / (threads * 8)
          let end = min(task.b.panels, panel + max(1, max(share, 12_000) / cost))
          pieces.append(BlockPiece(task: index, rows: rows, panels: panel..<end))
          done += (end - panel) * cost
          panel = end
        }
      }
    }
    return pieces
  }

  /// A piece of a weight as it is stored: a few panels at a time are packed and multiplied.
  private func multiplyStored(_ whole: ck_block_operands, _ b: PackedBlocks, _ panels: Range<Int>) {
    let step = max(1, 262_144 / max(1, b.panelBytes))
    let scratch = allocate(byteCount: max(64, min(step, panels.count) * b.panelBytes))
    let rowBytes = b.k / Int(ck_block_length(b.format)) * ck_block_bytes(b.format)
    for first in stride(from: panels.lowerBound, to: panels.upperBound, by: step) {
      let (count, row) = (min(step, panels.upperBound - first), first * Int(CK_NR))
      ck_block_pack(
        b.format, scratch.codes, whole.b + row * rowBytes, b.k, b.n - row, 0, count)
      var part = whole
      (part.b, part.c, part.n) = (UnsafePointer(scratch.codes), whole.c + row, b.n - row)
      kernels.blocks.product(&part, 0, count)
    }
    withExtendedLifetime(scratch) {}
  }
}

extension BlockTask {
  /// Roughly how many cycles a panel takes: reading it, and multiplying each row.
  fileprivate func panelCost(rows: Int) -> Int { max(1, b.k / 32) * (160 + 20 * rows) }
  /// Rows whose codes stay in the second-level cache while panels pass by.
  fileprivate var rowBlock: Int { rows <= 48 ? max(rows, 1) : max(48, min(252, 524_288 / max(1, b.k))) }
}
