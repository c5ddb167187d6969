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
      let rows = operation.rows
      // Rows of one query are short work, whose heads go together, and some rows with the same scratch. Few of them are
      // cut into ranges of heads instead, so that every thread has something to do. Heads in groups go together group by
      // group: they share a key. Kernels that multiply bfloat16 take one head at a time.
      let takesHeads = operation.precision == .float32
      let singles = rows.indices.filter { takesHeads && rows[$0].queryCount == 1 }
      let longer = rows.indices.filter { !takesHeads || rows[$0].queryCount != 1 }
      let together = max(1, min(8, singles.count / (threads * 4)))
      let isAlone = operation.groupSize == 1
      // Heads that share a key share its transposition too: cut no finer than there are threads.
      let wanted = singles.isEmpty ? 1 : max(1, min(heads, threads * (isAlone ? 2 : 1) / singles.count))
      let (group, groups) = (isAlone ? heads : operation.groupSize, operation.keyGroups)
      let inner = max(1, min(group, wanted / groups))
      let cuts = groups * inner
      let chunks = (singles.count + together - 1) / together * cuts
      // Heads of a row lie side by side in memory: where there are rows enough, one thread takes all of a row.
      let headsTogether = longer.count >= 4 * threads ? heads : 1
      let pieces = longer.count * heads / headsTogether
      pool.forEach(pieces + chunks) { i in
        if i < pieces {
          for place in i * headsTogether..<(i + 1) * headsTogether {
            forward(operation, rows[longer[place / heads]], place % heads, inputs, out, lse.pointer)
          }
        } else {
          let chunk = i - pieces
          let (first, cut) = (chunk / cuts * together, chunk % cuts)
          let (start, part) = (cut / inner * group, cut % inner)
          let range = start + group * part / inner..<start + group * (part + 1) / inner
          decode(operation, singles[first..<min(first + together, singles.count)], range, inputs, out, lse.pointer)
        }
      }
    }
    return Outcome(
      output,
      keeping: {
        let kept = inputs.map { keep($0, in: operation.precision) }
        let result = operation.keepsTwelveBits ? keepTwelveBits(output) : keep(output, in: operation.precision)
        return { g in attentionGradient(operation, g, kept.map { $0() }, result(), lse) }
      })
  }

  /// Those that multiply bfloat16 take two numbers at a time.
  func kernels(of operation: CausalAttention) -> ck_attention_kernels {
    let isEven = operation.d1 % 2 == 0 && operation.d2 % 2 == 0 && operation.dv % 2 == 0
    return operation.precision == .bfloat16 && isEven ? kernels.attentionBFloat16 : kernels.attention
  }

  /// One head of one sequence.
  func forward(
    _ operation: CausalAttention, _ row: AttentionRow, _ head: Int, _ inputs: [Tensor],
    _ out: UnsafeMutablePointer<Float>, _ lse: UnsafeMutablePointer<Float>
  ) {
    let (heads, keys) = (operation.heads, row.first + row.queryCount)
    var call = operation.call(row, head, inputs)
    let scratch = allocate(
      byteCount: ck_attention_scratch(row.queryCount, keys, operation.d1, operation.d2, operation.dv) * 4)
    let (place, width) = (out + (row.queryStart * heads + head) * operation.dv, heads * operation.dv)
    kernels(of: operation).forward(
      &call, place, width, lse + row.queryStart * heads + head, heads, scratch.floats)
    if operation.precision == .bfloat16 { kernels.bf16.round_values(place, width, row.queryCount, operation.dv) }
  }

  /// Some heads of some sequences with one query each, one sequence after another.
  private func decode(
    _ operation: CausalAttention, _ chosen: ArraySlice<Int>, _ heads: Range<Int>, _ inputs: [Tensor],
    _ out: UnsafeMutablePointer<Float>, _ lse: UnsafeMutablePointer<Float>
  ) {
    let isAlone = operation.groupSize == 1
    var steps = ck_head_steps(
      heads: heads.count, q: operation.d1 + operation.d2, k1: isAlone ? operation.keyStride : 0,
      v: isAlone ? operation.valueStride : 0, out: operation.dv)
    let keys = chosen.reduce(0) { max($0, operation.rows[$1].first + 1) }
    let scratch = allocate(
      byteCount: ck_attention_heads_scratch(heads.count, keys, operation.d1, operation.d2, operation.dv) * 4)
    var call = operation.call(operation.rows[chosen[chosen.startIndex]], heads.lowerBound, inputs)
    for i in chosen.indices {
      let start = operation.rows[chosen[i]].queryStart * operation.heads + heads.lowerBound
      let isLast = i + 1 == chosen.endIndex
      var next = isLast ? call : operation.call(operation.rows[chosen[i + 1]], heads.lowerBound, inputs)
      withUnsafePointer(to: &next) { next in
        kernels.attention.forward_heads(
          &call, &steps, isLast ? nil : next, out + start * operation.dv, lse + start, scratch.floats)
      }
      call = next
    }
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
        kernels(of: operation).backward(
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

extension CausalAttention {
  /// Groups of heads whose keys are not one step apart from the others': 1 where every head has a key of its own.
  fileprivate var keyGroups: Int { groupSize == 1 ? 1 : heads / groupSize }
}
