// Primitives on float32, by kernels; other dtypes and rare cases run the reference definition.
import CKernels
import ReferenceBackend
import Tensors

extension CPUBackend {
  public func evaluate(_ call: Call) -> Storage {
    if call.primitive == .reshape { return call.operands[0].storage }
    let out = allocate(byteCount: call.dtype.byteCount(of: call.result.count))
    return evaluate(call, into: out) ? out : reference.evaluate(call)
  }

  /// Writes the result to `out`, or returns false when the reference must do it.
  private func evaluate(_ call: Call, into out: Storage) -> Bool {
    let x = call.operands[0]
    switch call.primitive {
    case .slice, .pad, .concatenate, .transpose, .broadcast: return move(call, into: out)
    case .cast(let dtype): return cast(x, to: dtype, into: out)
    case .gatherRows where x.dtype.blocks != nil: return gatherBlocks(call, into: out)
    case .gatherRows where x.dtype.narrow != nil: return gatherNarrow(call, into: out)
    default: break
    }
    guard call.dtype == .float32, call.hasKernelDTypes else { return false }
    switch call.primitive {
    case .add: binary(CK_ADD, call, out)
    case .subtract: binary(CK_SUBTRACT, call, out)
    case .multiply: binary(CK_MULTIPLY, call, out)
    case .divide: binary(CK_DIVIDE, call, out)
    case .maximum: binary(CK_MAXIMUM, call, out)
    case .negate: unary(CK_NEGATE, call, out)
    case .exp: unary(CK_EXP, call, out)
    case .log: unary(CK_LOG, call, out)
    case .sqrt: unary(CK_SQRT, call, out)
    case .reciprocal: unary(CK_RECIPROCAL, call, out)
    case .sigmoid: unary(CK_SIGMOID, call, out)
    case .tanh: unary(CK_TANH, call, out)
    case .sin: unary(CK_SIN, call, out)
    case .cos: unary(CK_COS, call, out)
    case .addScalar(let c): scalar(CK_ADD, c, call, out)
    case .multiplyScalar(let c): scalar(CK_MULTIPLY, c, call, out)
    case .lessThan, .select: return false
    case .sum(let axis): return reduce(call, axis: axis, into: out, isSum: true)
    case .max(let axis): return reduce(call, axis: axis, into: out, isSum: false)
    case .matmul: multiply(call, into: out)
    case .gatherRows: gather(call, into: out)
    case .scatterAddRows: scatterAdd(call, into: out)
    case .takeAlongRows, .putAlongRows: alongRows(call, into: out)
    case .reshape, .slice, .pad, .concatenate, .transpose, .broadcast, .cast: return false
    }
    return true
  }

  private static let elementGrain = 16_384

  private func binary(_ op: ck_binary, _ call: Call, _ out: Storage) {
    let (a, b) = (call.operands[0].pointer, call.operands[1].pointer)
    pool.forEachRange(call.result.count, grain: Self.elementGrain) {
      kernels.rows.binary(op, out.floats + $0.lowerBound, a + $0.lowerBound, b + $0.lowerBound, $0.count)
    }
  }
  private func unary(_ op: ck_unary, _ call: Call, _ out: Storage) {
    let x = call.operands[0].pointer
    pool.forEachRange(call.result.count, grain: Self.elementGrain / 4) {
      kernels.rows.unary(op, out.floats + $0.lowerBound, x + $0.lowerBound, $0.count)
    }
  }
  private func scalar(_ op: ck_binary, _ c: Float, _ call: Call, _ out: Storage) {
    let x = call.operands[0].pointer
    pool.forEachRange(call.result.count, grain: Self.elementGrain) {
      kernels.rows.binary_scalar(op, out.floats + $0.lowerBound, x + $0.lowerBound, c, $0.count)
    }
  }

  private func cast(_ x: Tensor, to dtype: DType, into out: Storage) -> Bool {
    let count = x.shape.count
    if let blocks = x.dtype.blocks, dtype == .float32 {
      dequantise(x, blocks, into: out)
      return true
    }
    if x.dtype.narrow != nil, dtype == .float32 {
      widen(x, into: out.floats)
      return true
    }
    let short = { (storage: Storage) in storage.address.assumingMemoryBound(to: UInt16.self) }
    switch (x.dtype, dtype) {
    case (.float32, .bfloat16): kernels.rows.bf16_from_f32(short(out), x.pointer, count)
    case (.float32, .float16): kernels.rows.f16_from_f32(short(out), x.pointer, count)
    default: return false
    }
    return true
  }

  private func reduce(_ call: Call, axis: Int, into out: Storage, isSum: Bool) -> Bool {
    let x = call.operands[0]
    let inner = x.shape.extents[(axis + 1)...].reduce(1, *)
    let extent = x.shape[axis]
    let outer = call.result.count / max(inner, 1)
    if extent == 0 { return false }
    if inner == 1 {
      pool.forEachRange(outer, grain: max(1, Self.elementGrain / extent)) {
        let kernel = isSum ? kernels.rows.sum_rows : kernels.rows.max_rows
        kernel!(out.floats + $0.lowerBound, x.pointer + $0.lowerBound * extent, $0.count, extent)
      }
      return true
    }
    for o in 0..<outer {
      let target = out.floats + o * inner
      let source = x.pointer + o * extent * inner
      target.update(from: source, count: inner)
      for r in 1..<extent {
        kernels.rows.binary(isSum ? CK_ADD : CK_MAXIMUM, target, target, source + r * inner, inner)
      }
    }
    return true
  }

  private func gather(_ call: Call, into out: Storage) {
    let (table, index) = (call.operands[0], call.operands[1].storage.integers)
    let width = call.result[1]
    call.requireIndices(in: Int.min..<table.shape[0])  // kernels know negative ones
    pool.forEachRange(call.result[0], grain: max(1, Self.elementGrain / max(width, 1))) {
      kernels.rows.gather_rows(
        out.floats + $0.lowerBound * width, table.pointer, index + $0.lowerBound, $0.count, width)
    }
  }
  private func scatterAdd(_ call: Call, into out: Storage) {
    let (values, index) = (call.operands[0], call.operands[1].storage.integers)
    let (rows, width) = (values.shape[0], call.result[1])
    call.requireIndices(in: Int.min..<call.result[0])
    let (chains, value, table) = (RowChains(index, count: rows, rows: call.result[0]), values.pointer, out.floats)
    pool.forEachRange(call.result[0], grain: max(1, Self.elementGrain / max(width, 1))) {
      for row in $0 {
        let sum = table + row * width
        sum.update(repeating: 0, count: width)
        chains.forEach(in: row) { kernels.rows.binary(CK_ADD, sum, sum, value + $0 * width, width) }
      }
    }
  }
  private func alongRows(_ call: Call, into out: Storage) {
    let (x, index) = (call.operands[0], call.operands[1])
    let chosen = index.shape[1]
    let (from, at) = (x.pointer, index.storage.integers)
    if call.primitive == .takeAlongRows {
      call.requireIndices(in: 0..<x.shape[1])
      for i in 0..<index.shape.count { out.floats[i] = from[i / chosen * x.shape[1] + Int(at[i])] }
    } else {
      call.requireIndices(in: 0..<call.result[1])
      out.floats.update(repeating: 0, count: call.result.count)
      for i in 0..<index.shape.count { out.floats[i / chosen * call.result[1] + Int(at[i])] += from[i] }
    }
  }
}

extension Call {
  /// Whether kernels can read every operand: float32 numbers, and int32 where a primitive has an index.
  fileprivate var hasKernelDTypes: Bool {
    let isIndexed =
      switch primitive {
      case .gatherRows, .scatterAddRows, .takeAlongRows, .putAlongRows: true
      default: false
      }
    return operands.indices.allSatisfy { operands[$0].dtype == (isIndexed && $0 == 1 ? .int32 : .float32) }
  }
  /// Traps on an index that a kernel would follow out of its table.
  func requireIndices(in range: Range<Int>) {
    if let wrong = operands[1].integers().first(where: { !range.contains(Int($0)) }) {
      preconditionFailure("\(primitive): index \(wrong) is not in \(range)")
    }
  }
}
