// Attention natively: one kernel call per sequence and head.
import CKernels
import Tensors

extension CPUBackend {
  func attention(_ operation: CausalAttention, _ inputs: [Tensor]) -> Outcome {
    if operation.isSelective { return selectiveAttention(operation, inputs) }
    let (q, heads) = (inputs[0], operation.heads)
    let lse = make([q.shape[0], heads], on: q.device) { _ in }
    let outWidth = heads * operation.dv
    let output = make([q.shape[0], outWidth], on: q.device) { out in
      pool.forEach(operation.rows.count * heads) { i in
        let (row, head) = (operation.rows[i / heads], i % heads)
        var call = operation.call(row, head, inputs)
        let keys = row.first + row.queryCount
        let scratch = allocate(
          byteCount: ck_attention_scratch(row.queryCount, keys, operation.d1, operation.d2, operation.dv) * 4)
        kernels.attention.forward(
          &call, out + row.queryStart * outWidth + head * operation.dv, outWidth,
          lse.pointer + row.queryStart * heads + head, heads, scratch.floats)
      }
    }
    return Outcome(output) { g in attentionGradient(operation, g, inputs, output, lse) }
  }

  /// One task per sequence, its heads in order: they add to the gradient of the shared keys one after another.
  private func attentionGradient(
    _ operation: CausalAttention, _ g: Tensor, _ inputs: [Tensor], _ output: Tensor, _ lse: Tensor
  ) -> [Tensor?] {
    precondition(
      operation.rows.allSatisfy { $0.first == 0 }, "causal-attention: gradients through a memory are not defined")
    let (q, kv, heads) = (inputs[0], inputs[1], operation.heads)
    let (d1, d2, dv) = (operation.d1, operation.d2, operation.dv)
    let dq = make(q.shape, on: q.device) { _ in }
    let dkv = make(kv.shape, on: q.device) { $0.update(repeating: 0, count: kv.shape.count) }
    let shared = d2 > 0 ? inputs[2] : nil
    let dshared = shared.map { x in make(x.shape, on: q.device) { $0.update(repeating: 0, count: x.shape.count) } }
    let (outWidth, kvWidth) = (heads * dv, kv.shape[1])
    let sharesColumns = operation.sharesColumns
    pool.forEach(operation.rows.count) { i in
      let (row, count) = (operation.rows[i], operation.rows[i].queryCount)
      let scratch = allocate(byteCount: ck_attention_scratch(count, count, d1, d2, dv) * 4)
      // The kernel overwrites a head's gradients: where columns are shared they are made apart and added in order.
      let own = sharesColumns ? allocate(byteCount: count * (d1 + dv) * 4) : nil
      for head in 0..<heads {
        var call = operation.call(row, head, inputs)
        let from = row.queryStart * outWidth + head * dv
        let columns = operation.columns(ofHead: head)
        let dkeys = dkv.pointer + row.keyStart * kvWidth + columns.key
        let dvalues = dkv.pointer + row.keyStart * kvWidth + columns.value
        kernels.attention.backward(
          &call, output.pointer + from, outWidth, lse.pointer + row.queryStart * heads + head, heads, g.pointer + from,
          outWidth, dq.pointer + row.queryStart * q.shape[1] + head * (d1 + d2), q.shape[1], own?.floats ?? dkeys,
          own == nil ? kvWidth : d1, dshared.map { $0.pointer + row.keyStart * d2 } ?? scratch.floats, d2,
          own.map { $0.floats + count * d1 } ?? dvalues, own == nil ? kvWidth : dv, scratch.floats)
        guard let own else { continue }
        for key in 0..<count {
          kernels.rows.axpy(dkeys + key * kvWidth, own.floats + key * d1, 1, d1)
          kernels.rows.axpy(dvalues + key * kvWidth, own.floats + count * d1 + key * dv, 1, dv)
        }
      }
    }
    return [dq, dkv] + (dshared.map { [$0] } ?? [])
  }
}

extension CausalAttention {
  /// Whether two heads, or a head's key and its value, have columns of kv in common.
  fileprivate var sharesColumns: Bool {
    let ranges = (0..<heads).flatMap { head in
      let (key, value) = columns(ofHead: head)
      return [key..<key + d1, value..<value + dv]
    }.sorted { $0.lowerBound < $1.lowerBound }
    return zip(ranges, ranges.dropFirst()).contains { $0.upperBound > $1.lowerBound }
  }

  /// The kernel's view of one sequence and head.
  func call(_ row: AttentionRow, _ head: Int, _ inputs: [Tensor]) -> ck_attention {
    let (q, kv) = (inputs[0], inputs[1])
    let columns = columns(ofHead: head)
    let keys = kv.pointer + row.keyStart * kv.shape[1]
    return ck_attention(
      q: q.pointer + row.queryStart * q.shape[1] + head * (d1 + d2), q_stride: q.shape[1],
      k1: keys + columns.key, k1_stride: kv.shape[1],
      k2: d2 > 0 ? inputs[2].pointer + row.keyStart * d2 : nil, k2_stride: d2,
      v: keys + columns.value, v_stride: kv.shape[1],
      queries: row.queryCount, first: row.first, d1: d1, d2: d2, dv: dv, scale: scale)
  }
}
