// Causal attention over rows of different length, in every form that the models need.
// No matrix of queries by keys is kept by a backend that accelerates it (Dao et al. 2022).

/// Where one sequence's queries and keys are.
public struct AttentionRow: Sendable, Hashable {
  /// Its queries are rows queryStart ..< queryStart + queryCount of q.
  public var queryStart: Int
  public var queryCount: Int
  /// The position of its first query; keys 0 ... first + i are visible to query i.
  public var first: Int
  /// Key 0 is this row of the key tensors.
  public var keyStart: Int
  public init(queryStart: Int, queryCount: Int, first: Int = 0, keyStart: Int) {
    (self.queryStart, self.queryCount, self.first, self.keyStart) = (queryStart, queryCount, first, keyStart)
  }
}

/// softmax(scale · q·kᵀ) · v per head, causal. Inputs: q [T, heads · (d1 + d2)], kv [S, W], and, when d2 > 0, shared
/// keys [S, d2]. With g = h / groupSize, head h's key is columns g·keyStride ..< + d1 of kv beside the shared key; its
/// value is columns valueOffset + g·valueStride ..< + dv of kv. A group size above 1 is grouped-query attention (Ainslie
/// et al. 2023), and strides of 0 share one key or value among all heads (absorbed latent attention); what several heads
/// share gathers all their gradients. The result is [T, heads · dv]. Rows do not overlap and cover q in order. Gradients
/// are for training, where `first` is 0 in every row.
///
/// When `isSelective`, one more input, int32 [T, K], names the keys that each query sees: positions in its sequence, not
/// behind its own, ascending, at least one, and then −1 up to K (sparse attention).
public struct CausalAttention: FusedOperation {
  public let name = "causal-attention"
  public var heads: Int
  public var d1: Int
  public var d2: Int
  public var dv: Int
  public var keyStride: Int
  public var valueOffset: Int
  public var valueStride: Int
  public var scale: Float
  public var rows: [AttentionRow]
  /// What inputs and result are rounded to, and wait for the way back in. A backend may round the probabilities and the
  /// gradients of the scores too before it multiplies them. Scores, their softmax and all sums are float32.
  public var precision: Precision
  /// Whether the result waits for the way back in E5M6, twelve bits with a scale for every 1 × 128 tile.
  public var keepsTwelveBits = false
  /// Neighbouring heads of queries that share one key and one value.
  public var groupSize: Int
  /// Whether the last input says which keys each query sees.
  public var isSelective: Bool
  public init(
    heads: Int, d1: Int, d2: Int, dv: Int, keyStride: Int, valueOffset: Int, valueStride: Int, scale: Float,
    rows: [AttentionRow], groupSize: Int = 1, isSelective: Bool = false, _ precision: Precision = .float32
  ) {
    precondition(
      groupSize >= 1 && heads % groupSize == 0, "causal-attention: \(heads) heads are no groups of \(groupSize)")
    (self.heads, self.d1, self.d2, self.dv) = (heads, d1, d2, dv)
    (self.keyStride, self.valueOffset, self.valueStride) = (keyStride, valueOffset, valueStride)
    (self.scale, self.rows, self.precision) = (scale, rows, precision.betweenLinearMaps)
    (self.groupSize, self.isSelective) = (groupSize, isSelective)
  }
  /// The first column of head h's key, and of its value.
  package func columns(ofHead h: Int) -> (key: Int, value: Int) {
    (h / groupSize * keyStride, valueOffset + h / groupSize * valueStride)
  }

  public func definition(_ inputs: [Tensor]) -> Tensor {
    if rows.isEmpty { return Tensor([Float](), shape: [0, heads * dv], on: inputs[0].device) }
    let width = d1 + d2
    let parts = rows.map { row in
      let q = inputs[0].slice(row.queryStart..<row.queryStart + row.queryCount, axis: 0).rounded(to: precision)
      let keys = row.keyStart..<row.keyStart + row.first + row.queryCount
      let kv = inputs[1].slice(keys, axis: 0).rounded(to: precision)
      let mask = isSelective ? selected(of: row, inputs[inputs.count - 1]) : visibility(of: row, on: q.device)
      let heads = (0..<heads).map { h in
        let qh = q.slice(h * width..<(h + 1) * width, axis: 1)
        let columns = columns(ofHead: h)
        let own = kv.slice(columns.key..<columns.key + d1, axis: 1).cast(to: .float32)
        let shared = d2 == 0 ? [] : [inputs[2].slice(keys, axis: 0).cast(to: .float32).rounded(to: precision)]
        let key = Tensor.concatenated([own] + shared, axis: 1)
        let value = kv.slice(columns.value..<columns.value + dv, axis: 1)
        return (qh.matmul(key.transposed) * scale + mask).softmax().matmul(value)
      }
      return Tensor.concatenated(heads, axis: 1)
    }
    return Tensor.concatenated(parts, axis: 0).rounded(to: precision)
  }

  /// 0 where a key is visible, a number that no score outweighs where it is not.
  private func visibility(of row: AttentionRow, on device: Device) -> Tensor {
    let keys = row.first + row.queryCount
    let values = (0..<row.queryCount).flatMap { i in (0..<keys).map { $0 <= row.first + i ? Float(0) : -1e30 } }
    return Tensor(values, shape: [row.queryCount, keys], on: device)
  }

  /// The same for the keys that a selection names.
  private func selected(of row: AttentionRow, _ selection: Tensor) -> Tensor {
    let (keys, width) = (row.first + row.queryCount, selection.shape[1])
    let chosen = selection.integers()
    var values = [Float](repeating: -1e30, count: row.queryCount * keys)
    for i in 0..<row.queryCount {
      for key in chosen[(row.queryStart + i) * width..<(row.queryStart + i + 1) * width] where key >= 0 {
        values[i * keys + Int(key)] = 0
      }
    }
    return Tensor(values, shape: [row.queryCount, keys], on: selection.device)
  }
}
