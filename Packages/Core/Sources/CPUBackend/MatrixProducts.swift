// Matrix products over packed operands, split over the pool.
// Every output element is one chain over k, so no split changes a result.
import CKernels
import COpenBLAS
import Tensors

/// A right operand in the kernels' panel layout.
struct PackedMatrix {
  let storage: Storage
  let k: Int
  let n: Int
  var precision = Precision.float32
  var panels: Int { (n + Int(CK_NR) - 1) / Int(CK_NR) }
}

/// One product of a job: c[m, n] = a[m, k] · b, with c and a inside larger rows.
struct ProductTask {
  let c: UnsafeMutablePointer<Float>
  let cStride: Int
  let a: UnsafePointer<Float>
  let aStride: Int
  let rows: Int
  let b: PackedMatrix
  var accumulates = false
  /// Whether a is rows of bfloat16 words, and its stride counts those.
  var hasWords = false
  /// Whether c has the numbers of b's precision, and not the sums.
  var roundsResult = false
}

extension CPUBackend {
  /// Packs B (k × n), given as it is or as its transpose (n × k).
  func pack(
    _ b: UnsafePointer<Float>, stride: Int, isTransposed: Bool, k: Int, n: Int, precision: Precision = .float32
  ) -> PackedMatrix {
    let transposed: Int32 = isTransposed ? 1 : 0
    switch precision {
    case .float32:
      return packed(count: ck_packed_count(k, n), k: k, n: n, precision) { out, panels in
        kernels.gemm.pack(out.floats, b, stride, transposed, k, n, panels.lowerBound, panels.upperBound)
      }
    case .bfloat16:
      return packed(count: ck_bf16_packed_count(k, n), k: k, n: n, precision) { out, panels in
        kernels.bf16.pack(out.words, b, stride, transposed, k, n, panels.lowerBound, panels.upperBound)
      }
    case .float8: preconditionFailure("matrix product: eight-bit numbers have scales; they are packed as codes")
    }
  }
  /// Packs a B that is stored as bfloat16, for products of that precision.
  func packBFloat16(_ b: UnsafePointer<UInt16>, stride: Int, isTransposed: Bool, k: Int, n: Int) -> PackedMatrix {
    packed(count: ck_bf16_packed_count(k, n), k: k, n: n, .bfloat16) { out, panels in
      kernels.bf16.pack_bf16(out.words, b, stride, isTransposed ? 1 : 0, k, n, panels.lowerBound, panels.upperBound)
    }
  }
  /// A right operand whose panels `fill` writes; `count` is in words.
  func packed(
    count: Int, k: Int, n: Int, _ precision: Precision, _ fill: (Storage, Range<Int>) -> Void
  ) -> PackedMatrix {
    let packed = PackedMatrix(storage: allocate(byteCount: count * 4), k: k, n: n, precision: precision)
    pool.forEachRange(packed.panels, grain: max(1, 16_384 / max(1, k * Int(CK_NR)))) { fill(packed.storage, $0) }
    return packed
  }
  /// The packed transpose of a weight [N, K], made once per contents of the weight and precision. For products in
  /// float32 others than float32 are widened: eight-bit floats that cannot be multiplied as they are stored.
  func packedTranspose(_ weight: Tensor, precision: Precision = .float32) -> PackedMatrix {
    let (n, k) = (weight.shape[0], weight.shape[1])
    let isWidened = precision == .float32 && weight.dtype.narrow != nil
    precondition(
      weight.dtype == .float32 || isWidened || (weight.dtype == .bfloat16 && precision == .bfloat16),
      "matrix product: a weight of \(weight.dtype) cannot be multiplied in \(precision)")
    let name = precision == .float32 ? "packed-transpose" : "packed-transpose-bfloat16"
    let storage = weight.storage.derived(DerivedLayout(name, [k, n])) {
      defer { weight.storage.advise(.unneeded) }
      if isWidened {
        let wide = weight.cast(to: .float32)
        return pack(wide.pointer, stride: k, isTransposed: true, k: k, n: n).storage
      }
      return weight.dtype == .bfloat16
        ? packBFloat16(weight.storage.shorts, stride: k, isTransposed: true, k: k, n: n).storage
        : pack(weight.pointer, stride: k, isTransposed: true, k: k, n: n, precision: precision).storage
    }
    return PackedMatrix(storage: storage, k: k, n: n, precision: precision)
  }

  /// Runs independent products: each is cut into blocks of rows and of panels that the pool's threads claim.
  func run(_ tasks: [ProductTask]) {
    struct Piece {
      let task: Int
      let rows: Range<Int>
      let panels: Range<Int>
    }
    let work = tasks.reduce(0) { $0 + $1.rows * $1.b.n * max($1.b.k, 16) }
    let target = max(work / (threads * 6), 1 << 18)
    var pieces: [Piece] = []
    for (index, task) in tasks.enumerated() where task.rows > 0 && task.b.n > 0 {
      let panelWork = Int(CK_NR) * max(task.b.k, 16)
      let rowBlock =
        task.rows <= 32 ? task.rows : min(task.rows, max(84, min(336, target / max(1, task.b.panels * panelWork))))
      let panelBlock = max(1, min(task.b.panels, target / max(1, rowBlock * panelWork)))
      for first in stride(from: 0, to: task.rows, by: rowBlock) {
        for panel in stride(from: 0, to: task.b.panels, by: panelBlock) {
          pieces.append(
            Piece(
              task: index, rows: first..<min(first + rowBlock, task.rows),
              panels: panel..<min(panel + panelBlock, task.b.panels)))
        }
      }
    }
    pool.forEach(pieces.count) { i in
      let piece = pieces[i]
      let task = tasks[piece.task]
      let scratch = allocate(byteCount: ck_gemm_scratch(task.b.k) * 4)
      let (c, a) = (task.c + piece.rows.lowerBound * task.cStride, task.a + piece.rows.lowerBound * task.aStride)
      let (b, rows, panels, accumulates) = (task.b, piece.rows.count, piece.panels, Int32(task.accumulates ? 1 : 0))
      let width = Int(CK_NR)
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
      let columns = panels.lowerBound * width..<min(b.n, panels.upperBound * width)
      kernels.bf16.round_values(c + columns.lowerBound, task.cStride, rows, columns.count)
    }
  }

  /// The primitive: [..., m, k] · [..., k, n].
  func multiply(_ call: Call, into out: Storage) {
    let (a, b) = (call.operands[0], call.operands[1])
    let (m, k, n) = (a.shape[-2], a.shape[-1], b.shape[-1])
    if k == 0 { return out.floats.update(repeating: 0, count: call.result.count) }
    let batches = call.result.count / max(1, m * n)
    let tasks = (0..<batches).map { i in
      ProductTask(
        c: out.floats + i * m * n, cStride: n, a: a.pointer + i * m * k, aStride: k, rows: m,
        b: pack(b.pointer + i * k * n, stride: n, isTransposed: false, k: k, n: n))
    }
    run(tasks)
  }

  /// One weight gradient: c[m, n] = aᵀ · b for a [k, m] and b [k, n] with row strides.
  struct TransposedTask<Number> {
    let c: UnsafeMutablePointer<Float>
    let a: UnsafePointer<Number>
    let aStride: Int
    let b: UnsafePointer<Number>
    let bStride: Int
    let m: Int
    let n: Int
    let k: Int
  }
  /// Each element of a gradient is one chain over k, so that the order of every sum is fixed. OpenBLAS takes the large
  /// square ones in float32, where it is the faster; its blocks do not depend on the number of threads.
  func runTransposed(_ tasks: [TransposedTask<Float>], precision: Precision = .float32) {
    forEachBlock(of: tasks, cutsColumns: precision == .float32) { task, rows, columns, scratch in
      let (c, a) = (task.c + rows.lowerBound * task.n + columns.lowerBound, task.a + rows.lowerBound)
      let b = task.b + columns.lowerBound
      if precision == .float32 && task.goesToOpenBLAS {
        cblas_sgemm(
          CblasRowMajor, CblasTrans, CblasNoTrans, blasint(rows.count), blasint(columns.count), blasint(task.k), 1,
          a, blasint(task.aStride), b, blasint(task.bStride), 0, c, blasint(task.n))
      } else {
        let kernel = precision == .float32 ? kernels.gemm.product_at : kernels.bf16.product_at
        kernel!(c, task.n, a, task.aStride, b, task.bStride, rows.count, columns.count, task.k, 0, scratch)
      }
    }
  }
  /// The same for a and b that are bfloat16 already.
  func runTransposedBFloat16(_ tasks: [TransposedTask<UInt16>]) {
    forEachBlock(of: tasks, cutsColumns: false) { task, rows, columns, scratch in
      kernels.bf16.product_at_bf16(
        task.c + rows.lowerBound * task.n, task.n, task.a + rows.lowerBound, task.aStride, task.b, task.bStride,
        rows.count, columns.count, task.k, 0, scratch)
    }
  }
  /// Runs `body` for blocks of c, given as rows and columns, each with scratch of its own; c of an empty sum is zero.
  private func forEachBlock<Number>(
    of tasks: [TransposedTask<Number>], cutsColumns: Bool,
    _ body: (TransposedTask<Number>, _ rows: Range<Int>, _ columns: Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    for task in tasks where task.k == 0 { task.c.update(repeating: 0, count: task.m * task.n) }
    let tasks = tasks.filter { $0.k > 0 && $0.m > 0 && $0.n > 0 }
    let blocks = tasks.indices.flatMap { index in
      (cutsColumns ? tasks[index].columnBlocks(pieces: 2 * threads, tasks: tasks.count) : tasks[index].rowBlocks)
        .map { (task: index, rows: $0.rows, columns: $0.columns) }
    }
    pool.forEach(blocks.count) { i in
      let block = blocks[i]
      let scratch = allocate(byteCount: ck_gemm_scratch(tasks[block.task].k) * 4)
      withExtendedLifetime(scratch) { body(tasks[block.task], block.rows, block.columns, scratch.floats) }
    }
  }
}

extension CPUBackend.TransposedTask {
  /// Large enough for OpenBLAS to be the faster in float32.
  fileprivate var goesToOpenBLAS: Bool { m >= 1024 && n >= 1024 }

  /// For kernels that pack a: blocks of c's rows.
  fileprivate var rowBlocks: [(rows: Range<Int>, columns: Range<Int>)] {
    let block = m >= 512 ? 168 : m >= 96 ? (m + 1) / 2 : m
    return stride(from: 0, to: m, by: block).map { ($0..<min($0 + block, m), 0..<n) }
  }

  /// For kernels that read a where it lies and pack b: blocks of rows as tall as the second-level cache lets a's
  /// columns be, cut along panels of b where there are too few of them for `pieces` among `tasks`.
  fileprivate func columnBlocks(pieces: Int, tasks: Int) -> [(rows: Range<Int>, columns: Range<Int>)] {
    let block = m >= 512 ? 168 : m > 336 ? (m + 1) / 2 : m
    let (bands, panels) = ((m + block - 1) / block, (n + Int(CK_NR) - 1) / Int(CK_NR))
    let wanted = goesToOpenBLAS ? 1 : (pieces + tasks * bands - 1) / (tasks * bands)
    let cuts = max(1, min(panels, wanted))
    return (0..<bands).flatMap { band in
      (0..<cuts).map { cut in
        (
          band * block..<min((band + 1) * block, m),
          panels * cut / cuts * Int(CK_NR)..<min(panels * (cut + 1) / cuts * Int(CK_NR), n)
        )
      }
    }
  }
}
