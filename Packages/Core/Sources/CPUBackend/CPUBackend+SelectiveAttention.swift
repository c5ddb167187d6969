// Attention over chosen keys natively: each query's keys are gathered, and the dense kernel runs over them.
// A query that sees every key before it runs as in dense attention, so that both agree to the last bit.
import CKernels
import Tensors

extension CPUBackend {
  func selectiveAttention(_ operation: CausalAttention, _ inputs: [Tensor]) -> Outcome {
    let (q, heads) = (inputs[0], operation.heads)
    let plan = SelectionPlan(operation, inputs[inputs.count - 1])
    let lse = make([q.shape[0], heads], on: q.device) { _ in }
    let outWidth = heads * operation.dv
    let output = make([q.shape[0], outWidth], on: q.device) { out in
      pool.forEach(plan.dense.count * heads) { i in
        forward(operation, plan.dense[i / heads], i % heads, inputs, out, lse.pointer)
      }
      pool.forEach(plan.sparse.count) { i in
        attend(operation, plan.sparse[i], inputs, out + plan.sparse[i].query * outWidth, lse)
      }
    }
    return Outcome(
      output,
      keeping: {
        // The last input is the choice, which the plan has read.
        let kept = inputs.dropLast().map { keep($0, in: operation.precision) }
        let result = keep(output, in: operation.precision)
        return { g in selectiveGradient(operation, plan, g, kept.map { $0() }, result(), lse) }
      })
  }

  /// All heads of one query over its gathered keys.
  private func attend(
    _ operation: CausalAttention, _ query: SelectionPlan.Query, _ inputs: [Tensor], _ out: UnsafeMutablePointer<Float>,
    _ lse: Tensor
  ) {
    let (d1, d2, dv, count) = (operation.d1, operation.d2, operation.dv, query.keys.count)
    let gathered = allocate(byteCount: count * (d1 + d2 + dv) * 4)
    let (k1, v) = (gathered.floats, gathered.floats + count * (d1 + d2))
    let k2 = k1 + count * d1
    if d2 > 0 { gather(query, inputs[2], column: 0, width: d2, into: k2) }
    let scratch = allocate(byteCount: ck_attention_scratch(1, count, d1, d2, dv) * 4)
    let width = operation.heads * dv
    var held: (key: Int, value: Int)?
    for head in 0..<operation.heads {
      let columns = operation.columns(ofHead: head)
      if held?.key != columns.key { gather(query, inputs[1], column: columns.key, width: d1, into: k1) }
      if held?.value != columns.value { gather(query, inputs[1], column: columns.value, width: dv, into: v) }
      held = columns
      var call = ck_attention(
        q: inputs[0].pointer + query.query * inputs[0].shape[1] + head * (d1 + d2), q_stride: inputs[0].shape[1],
        k1: k1, k1_stride: d1, k2: d2 > 0 ? UnsafePointer(k2) : nil, k2_stride: d2, v: v, v_stride: dv, queries: 1,
        first: count - 1, d1: d1, d2: d2, dv: dv, scale: operation.scale)
      kernels(of: operation).forward(
        &call, out + head * dv, width, lse.pointer + query.query * operation.heads + head, operation.heads,
        scratch.floats)
    }
    if operation.precision == .bfloat16 { kernels.bf16.round_values(out, width, 1, width) }
  }

  private func gather(
    _ query: SelectionPlan.Query, _ table: Tensor, column: Int, width: Int, into target: UnsafeMutablePointer<Float>
  ) {
    let (from, stride) = (table.pointer + query.keyStart * table.shape[1] + column, table.shape[1])
    for (i, key) in query.keys.enumerated() {
      (target + i * width).update(from: from + Int(key) * stride, count: width)
    }
  }

  /// One task per sequence; its heads, queries and keys in order, because they add to the same gradients. Sums and
  /// factors are float32 in every precision; `inputs` are those that have gradients.
  private func selectiveGradient(
    _ operation: CausalAttention, _ plan: SelectionPlan, _ g: Tensor, _ inputs: [Tensor], _ output: Tensor,
    _ lse: Tensor
  ) -> [Tensor?] {
    precondition(
      operation.rows.allSatisfy { $0.first == 0 }, "causal-attention: gradients through a memory are not defined")
    let gradients = inputs.map { x in
      make(x.shape, on: g.device) { $0.update(repeating: 0, count: x.shape.count) }
    }
    pool.forEach(operation.rows.count) { i in
      for head in 0..<operation.heads {
        for query in plan.queries(of: i) {
          addGradient(operation, query, head, g, inputs, output, lse, to: gradients)
        }
      }
    }
    return gradients + [nil]
  }

  /// p = exp(scale · q·k − lse) and ds = scale · p (dout·v − dout·out): what one query and head give each chosen key.
  private func addGradient(
    _ operation: CausalAttention, _ query: SelectionPlan.Query, _ head: Int, _ g: Tensor, _ inputs: [Tensor],
    _ output: Tensor, _ lse: Tensor, to gradients: [Tensor]
  ) {
    let (d1, d2, dv, count) = (operation.d1, operation.d2, operation.dv, query.keys.count)
    let columns = operation.columns(ofHead: head)
    let atQuery = query.query * inputs[0].shape[1] + head * (d1 + d2)
    let atOutput = query.query * g.shape[1] + head * dv
    let (q, dq, dout) = (inputs[0].pointer + atQuery, gradients[0].pointer + atQuery, g.pointer + atOutput)
    let mean = dot(dout, output.pointer + atOutput, dv)
    let probabilities = allocate(byteCount: count * 4)
    let p = probabilities.floats
    func place(_ key: Int32) -> Int { query.keyStart + Int(key) }
    for (j, key) in query.keys.enumerated() {
      var score = dot(q, inputs[1].pointer + place(key) * inputs[1].shape[1] + columns.key, d1)
      if d2 > 0 { score += dot(q + d1, inputs[2].pointer + place(key) * d2, d2) }
      p[j] = operation.scale * score - lse.pointer[query.query * operation.heads + head]
    }
    kernels.rows.unary(CK_EXP, p, p, count)
    for (j, key) in query.keys.enumerated() {
      let at = place(key) * inputs[1].shape[1]
      let ds = operation.scale * p[j] * (dot(dout, inputs[1].pointer + at + columns.value, dv) - mean)
      kernels.rows.axpy(dq, inputs[1].pointer + at + columns.key, ds, d1)
      kernels.rows.axpy(gradients[1].pointer + at + columns.key, q, ds, d1)
      kernels.rows.axpy(gradients[1].pointer + at + columns.value, dout, p[j], dv)
      guard d2 > 0 else { continue }
      kernels.rows.axpy(dq + d1, inputs[2].pointer + place(key) * d2, ds, d2)
      kernels.rows.axpy(gradients[2].pointer + place(key) * d2, q + d1, ds, d2)
    }
  }
}

/// Which queries of a selective operation see all keys before them, and the keys of each.
private struct SelectionPlan: Sendable {
  struct Query: Sendable {
    /// Row of q.
    let query: Int
    /// Row of the key tensors where its sequence begins.
    let keyStart: Int
    /// Positions in its sequence.
    let keys: ArraySlice<Int32>
  }
  /// The leading queries of each sequence that see everything, as sequences of dense attention.
  private(set) var dense: [AttentionRow] = []
  private(set) var sparse: [Query] = []
  private var all: [[Query]] = []

  /// Traps unless every query's keys ascend, lie before it and are at least one.
  init(_ operation: CausalAttention, _ selection: Tensor) {
    let (chosen, width) = (selection.integers(), selection.shape[1])
    for row in operation.rows {
      var (leading, queries): (Int, [Query]) = (0, [])
      for i in 0..<row.queryCount {
        let start = (row.queryStart + i) * width
        let keys = chosen[start..<start + width].prefix { $0 >= 0 }
        precondition(
          !keys.isEmpty && Int(keys.last ?? 0) <= row.first + i && zip(keys, keys.dropFirst()).allSatisfy { $0 < $1 },
          "causal-attention: query \(i) of a sequence at \(row.first) cannot see keys \(Array(keys.prefix(8)))")
        let query = Query(query: row.queryStart + i, keyStart: row.keyStart, keys: keys)
        if keys.count == row.first + i + 1 && leading == i { leading += 1 } else { sparse.append(query) }
        queries.append(query)
      }
      if leading > 0 {
        dense.append(
          AttentionRow(
            queryStart: row.queryStart, queryCount: leading, first: row.first, keyStart: row.keyStart))
      }
      all.append(queries)
    }
  }
  /// Every query of sequence `i`, in order.
  func queries(of i: Int) -> [Query] { all[i] }
}
