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
  var panels: Int { panelCount(n) }
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
    forEachPanels(packed.panels, k: k) { fill(packed.storage, $0) }
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
    let storage = weight.storage.derived(.packedTranspose(k, n, precision)) {
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
    let pieces = pieces(of: tasks)
    pool.forEach(pieces.count) { compute(pieces[$0]) }
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
    /// How many gradients of equal height c is made of, one above the other.
    var gradients = 1
  }
  /// Each element of a gradient is one chain over k, so that the order of every sum is fixed. OpenBLAS takes the large
  /// square ones in float32, where it is the faster; its blocks do not depend on the number of threads.
  func runTransposed(_ tasks: [TransposedTask<Float>], precision: Precision = .float32) {
    forEachBlock(of: tasks, cutsColumns: precision == .float32) { task, rows, columns, scratch in
      compute(task, rows, columns, precision, scratch)
    }
  }
  /// Weight gradients and products in float32 as one job: the blocks of the former are few and large, so they begin, and
  /// the pieces of the latter, many and small, let all threads end together. Sums over many rows are cut into parts,
  /// whose number depends on the shapes alone and which are added in order.
  func run(_ tasks: [TransposedTask<Float>], beside products: [ProductTask]) {
    let sums = tasks.map { PartialSums($0) { allocate(byteCount: $0) } }
    let (blocks, pieces) = (inTurns(blocks(of: sums.flatMap(\.tasks), cutsColumns: true)), pieces(of: products))
    pool.forEach(blocks.count + pieces.count) { i in
      guard i < blocks.count else { return compute(pieces[i - blocks.count]) }
      let block = blocks[i]
      let scratch = allocate(byteCount: ck_gemm_scratch(block.task.k) * 4)
      withExtendedLifetime(scratch) { compute(block.task, block.rows, block.columns, .float32, scratch.floats) }
    }
    for sum in sums { sum.addUp(pool, kernels.rows) }
  }
  private func compute(
    _ task: TransposedTask<Float>, _ rows: Range<Int>, _ columns: Range<Int>, _ precision: Precision,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
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
  /// The same for a and b that are bfloat16 already.
  func runTransposedBFloat16(_ tasks: [TransposedTask<UInt16>]) {
    forEachBlock(of: tasks, cutsColumns: false) { task, rows, columns, scratch in
      kernels.bf16.product_at_bf16(
        task.c + rows.lowerBound * task.n, task.n, task.a + rows.lowerBound, task.aStride, task.b, task.bStride,
        rows.count, columns.count, task.k, 0, scratch)
    }
  }
  /// A block of one task's c.
  private struct TransposedBlock<Number> {
    let task: TransposedTask<Number>
    let rows: Range<Int>
    let columns: Range<Int>
  }
  /// What is left to do when the c of empty sums is zero.
  private func blocks<Number>(of tasks: [TransposedTask<Number>], cutsColumns: Bool) -> [TransposedBlock<Number>] {
    for task in tasks where task.k == 0 { task.c.update(repeating: 0, count: task.m * task.n) }
    let tasks = tasks.filter { $0.k > 0 && $0.m > 0 && $0.n > 0 }
    return tasks.flatMap { task in
      (cutsColumns ? task.columnBlocks(pieces: 2 * threads, tasks: tasks.count) : task.rowBlocks)
        .map { TransposedBlock(task: task, rows: $0.rows, columns: $0.columns) }
    }
  }
  /// Runs `body` for every block, each with scratch of its own.
  private func forEachBlock<Number>(
    of tasks: [TransposedTask<Number>], cutsColumns: Bool,
    _ body: (TransposedTask<Number>, _ rows: Range<Int>, _ columns: Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) {
    let blocks = blocks(of: tasks, cutsColumns: cutsColumns)
    pool.forEach(blocks.count) { i in
      let block = blocks[i]
      let scratch = allocate(byteCount: ck_gemm_scratch(block.task.k) * 4)
      withExtendedLifetime(scratch) { body(block.task, block.rows, block.columns, scratch.floats) }
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
    let (bands, panels) = ((m + block - 1) / block, panelCount(n))
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
