// Attention natively: one kernel call per sequence and head.
import CKernels
import Tensors

extension CPUBackend {
  func attention(_ operation: CausalAttention, _ inputs: [Tensor]) -> Outcome {
    let (q, heads) = (inputs[0], operation.heads)
    let lse = Tensor(shape: [q.shape[0], heads], device: q.device, storage: allocate(byteCount: q.shape[0] * heads * 4))
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
    precondition(operation.rows.allSatisfy { $0.first == 0 }, "causal-attention: gradients through a memory are not defined")
    let (q, kv, heads) = (inputs[0], inputs[1], operation.heads)
    let dq = Tensor(shape: q.shape, device: q.device, storage: allocate(byteCount: q.shape.count * 4))
    let dkv = make(kv.shape, on: q.device) { $0.update(repeating: 0, count: kv.shape.count) }
    let shared = operation.d2 > 0 ? inputs[2] : nil
    let dshared = shared.map { x in make(x.shape, on: q.device) { $0.update(repeating: 0, count: x.shape.count) } }
    let outWidth = heads * operation.dv
    pool.forEach(operation.rows.count) { i in
      let row = operation.rows[i]
      let scratch = allocate(
        byteCount: ck_attention_scratch(row.queryCount, row.queryCount, operation.d1, operation.d2, operation.dv) * 4)
      for head in 0..<heads {
        var call = operation.call(row, head, inputs)
        let (from, width) = (row.queryStart * outWidth + head * operation.dv, operation.d1 + operation.d2)
        kernels.attention.backward(
          &call, output.pointer + from, outWidth, lse.pointer + row.queryStart * heads + head, heads, g.pointer + from,
          outWidth, dq.pointer + row.queryStart * q.shape[1] + head * width, q.shape[1],
          dkv.pointer + row.keyStart * kv.shape[1] + head * operation.keyStride, kv.shape[1],
          dshared.map { $0.pointer + row.keyStart * operation.d2 } ?? scratch.floats, operation.d2,
          dkv.pointer + row.keyStart * kv.shape[1] + operation.valueOffset + head * operation.valueStride, kv.shape[1],
          scratch.floats)
      }
    }
    return [dq, dkv] + (dshared.map { [$0] } ?? [])
  }
}

extension CausalAttention {
  /// The kernel's view of one sequence and head.
  fileprivate func call(_ row: AttentionRow, _ head: Int, _ inputs: [Tensor]) -> ck_attention {
    let (q, kv) = (inputs[0], inputs[1])
    let keys = kv.pointer + row.keyStart * kv.shape[1]
    return ck_attention(
      q: q.pointer + row.queryStart * q.shape[1] + head * (d1 + d2), q_stride: q.shape[1],
      k1: keys + head * keyStride, k1_stride: kv.shape[1],
      k2: d2 > 0 ? inputs[2].pointer + row.keyStart * d2 : nil, k2_stride: d2,
      v: keys + valueOffset + head * valueStride, v_stride: kv.shape[1],
      queries: row.queryCount, first: row.first, d1: d1, d2: d2, dv: dv, scale: scale)
  }
}
