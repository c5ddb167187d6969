// Grouped-query attention (Ainslie et al. 2023): several heads of queries share one key and one value, which is what
// the memory keeps.
import LanguageModels
import Layers
import Tensors

// T tokens · D model · H heads · G key heads · W head width
package struct GroupedQueryAttention: Module {
  let settings: GroupedQuerySettings
  var query: Linear
  var key: Linear
  var value: Linear
  var output: Linear
  var queryNorm: RMSNorm?
  var keyNorm: RMSNorm?

  package init(_ s: GroupedQuerySettings, _ weights: Weights) throws {
    settings = s
    let (width, keys) = (s.heads * s.headWidth, s.keyHeads * s.headWidth)
    query = try Linear(s.hiddenSize, width, hasBias: s.hasInputBias, weights["q_proj"])
    key = try Linear(s.hiddenSize, keys, hasBias: s.hasInputBias, weights["k_proj"])
    value = try Linear(s.hiddenSize, keys, hasBias: s.hasInputBias, weights["v_proj"])
    output = try Linear(width, s.hiddenSize, hasBias: s.hasOutputBias, weights["o_proj"])
    if s.normalizesHeads {
      queryNorm = try RMSNorm(s.headWidth, epsilon: Float(s.normEpsilon), weights["q_norm"])
      keyNorm = try RMSNorm(s.headWidth, epsilon: Float(s.normEpsilon), weights["k_norm"])
    }
  }
  package mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("q_proj", &query)
    visitor("k_proj", &key)
    visitor("v_proj", &value)
    visitor("o_proj", &output)
    visitor("q_norm", &queryNorm)
    visitor("k_norm", &keyNorm)
  }

  /// x [T, D] → [T, D]. With a memory, keys of earlier tokens come from it and this batch's are added.
  package func callAsFunction(
    _ x_TD: Tensor, _ pass: AttentionPass, layer: Int, memory: inout AttentionMemory?
  ) -> Tensor {
    let projections = pass.precision.projections
    // Only normed heads are worth making again: without a norm nothing else waits for the way back.
    var recomputed = Recomputation(isOn: pass.recomputes && queryNorm != nil)
    defer { recomputed.giveBack() }
    // One product for all three: a step of decoding waits for its threads once, and not three times.
    let projected = Linear.joined([query, key, value], x_TD, in: projections)
    let (queries, keys) = (settings.heads * settings.headWidth, settings.keyHeads * settings.headWidth)
    let q_THW = recomputed(projected.slice(0..<queries, axis: 1)) {
      turned($0, queryNorm, heads: settings.heads, pass)
    }
    let k_TGW = turned(projected.slice(queries..<queries + keys, axis: 1), keyNorm, heads: settings.keyHeads, pass)
    let v_TGW = projected.slice(queries + keys..<queries + 2 * keys, axis: 1)
    let kv = Tensor.concatenated([k_TGW, v_TGW], axis: 1)
    guard let capacity = memory?.capacity, let at = pass.memoryRows else {
      return output(attention(pass.batch.ownRows, pass)(q_THW, kv), in: projections)
    }
    memory?.write(kv, at: at, layer: layer, table: 0)
    let kept = memory?.layers[layer][0] ?? kv
    return output(attention(pass.batch.rows(inMemoryOf: capacity), pass)(q_THW, kept), in: projections)
  }

  private func turned(_ x: Tensor, _ norm: RMSNorm?, heads: Int, _ pass: AttentionPass) -> Tensor {
    let width = settings.headWidth
    let normed = norm.map { $0(x.reshaped([x.shape[0] * heads, width])).reshaped(x.shape) } ?? x
    let rotary = RotaryEmbedding(
      heads: heads, offset: 0, width: width, isInterleaved: false, pass.precision.attention)
    return rotary(normed, pass.table.cosines, pass.table.sines, pass.positions)
  }

  private func attention(_ rows: [AttentionRow], _ pass: AttentionPass) -> CausalAttention {
    let (s, width) = (settings, settings.headWidth)
    return CausalAttention(
      heads: s.heads, d1: width, d2: 0, dv: width, keyStride: width, valueOffset: s.keyHeads * width,
      valueStride: width, scale: Float(1 / Double(width).squareRoot()), rows: rows, groupSize: s.heads / s.keyHeads,
      pass.precision.attention)
  }
}
