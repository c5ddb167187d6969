// Multi-head latent attention (DeepSeek-V2, section 2.1), in the textbook form for training and in the absorbed form
// over the latent memory for decoding.
import LanguageModels
import Layers
import Tensors

// T tokens · D model · H heads · N nope · R rope · V value · C latent
struct LatentAttention: Module {
  let settings: DeepSeekV3Settings
  var queryDown: Linear?
  var queryNorm: RMSNorm?
  var query: Linear
  var latentDown: Linear
  var latentNorm: RMSNorm
  var latentUp: LatentUpProjection
  var output: Linear
  /// Chooses the keys that each query sees; nil where it sees all.
  var indexer: LightningIndexer?

  init(_ s: DeepSeekV3Settings, _ weights: Weights) throws {
    settings = s
    if let rank = s.queryRank {
      queryDown = try Linear(s.hiddenSize, rank, hasBias: s.hasAttentionBias, weights["q_a_proj"])
      queryNorm = try RMSNorm(rank, epsilon: 1e-6, weights["q_a_layernorm"])
    }
    query = try Linear(
      s.queryRank ?? s.hiddenSize, s.heads * s.keyWidth, weights[s.queryRank == nil ? "q_proj" : "q_b_proj"])
    latentDown = try Linear(
      s.hiddenSize, s.latentRank + s.rotaryWidth, hasBias: s.hasAttentionBias, weights["kv_a_proj_with_mqa"])
    latentNorm = try RMSNorm(s.latentRank, epsilon: 1e-6, weights["kv_a_layernorm"])
    latentUp = try LatentUpProjection(s, weights)
    output = try Linear(s.heads * s.valueWidth, s.hiddenSize, hasBias: s.hasAttentionBias, weights["o_proj"])
    if let indexer = s.indexer { self.indexer = try LightningIndexer(s, indexer, weights["indexer"]) }
  }

  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("q_a_proj", &queryDown)
    visitor("q_a_layernorm", &queryNorm)
    visitor(settings.queryRank == nil ? "q_proj" : "q_b_proj", &query)
    visitor("kv_a_proj_with_mqa", &latentDown)
    visitor("kv_a_layernorm", &latentNorm)
    latentUp.visit(&visitor)
    visitor("o_proj", &output)
    visitor("indexer", &indexer)
  }

  /// x [T, D] → [T, D]. With a memory, keys of earlier tokens come from it and this batch's are added.
  func callAsFunction(_ x_TD: Tensor, _ pass: AttentionPass, layer: Int, memory: inout AttentionMemory?) -> Tensor {
    var recomputed = Recomputation(isOn: pass.recomputes)
    defer { recomputed.giveBack() }
    let (projections, form) = (pass.precision.projections, pass.precision.plainForm)
    let lowered = lowered(x_TD, pass)
    let (latent_TC, key_TR) = latentAndKey(lowered.latent, pass, &recomputed)
    let ranked = rankedQueries(lowered.queries, pass, &recomputed)
    let q_THNR = turnedQueries(ranked, pass, &recomputed)
    let seen = indexer?.chooseKeys(x_TD, ranked, pass, layer: layer, memory: &memory)
    let mixed: Tensor
    if memory == nil {
      let expanded = recomputed(latent_TC) { [latentUp] in latentUp($0, in: projections, form) }
      var attention = textbook(pass.batch.ownRows, pass)
      attention.keepsTwelveBits = pass.precision.attentionOutputForm.keepsTwelveBits
      mixed = attend(attention, [q_THNR, expanded, key_TR], seen)
    } else {
      mixed = remembered(q_THNR, latent_TC, key_TR, seen, pass, layer, &memory!)
    }
    return output(mixed, in: projections, pass.precision.attentionOutputForm)
  }

  /// The down-projections: what is shared by the queries of all heads (x itself where they have no rank), and the latent
  /// beside its key. The latent's is first and is read first: a backend may be at the other one meanwhile.
  func lowered(_ x: Tensor, _ pass: AttentionPass) -> (queries: Tensor, latent: Tensor) {
    let latent = latentDown(x, in: pass.precision.projections, pass.precision.plainForm)
    return (queryDown?(x, in: pass.precision.projections, pass.precision.plainForm) ?? x, latent)
  }
  /// What queries are projected from: their normed rank, or x itself where there is none.
  func rankedQueries(_ lowered: Tensor, _ pass: AttentionPass, _ recomputed: inout Recomputation) -> Tensor {
    guard let queryNorm else { return lowered }
    return recomputed(lowered) { queryNorm($0) }
  }
  func turnedQueries(_ ranked: Tensor, _ pass: AttentionPass, _ recomputed: inout Recomputation) -> Tensor {
    let turned: @Sendable (Tensor) -> Tensor = {
      turn(
        query($0, in: pass.precision.projections, pass.precision.plainForm), pass, heads: settings.heads,
        offset: settings.noPositionWidth)
    }
    // A single projection from the full width is no up-projection: made again, it would cost more than it saves.
    return queryDown == nil ? turned(ranked) : recomputed(ranked, turned)
  }
  /// The normed latent, and the rotated key that all heads share.
  func latentAndKey(
    _ down: Tensor, _ pass: AttentionPass, _ recomputed: inout Recomputation
  ) -> (latent: Tensor, key: Tensor) {
    let rank = settings.latentRank
    let latent = recomputed(down.slice(0..<rank, axis: 1)) { [latentNorm] in latentNorm($0) }
    return (latent, turn(down.slice(rank..<rank + settings.rotaryWidth, axis: 1), pass, heads: 1, offset: 0))
  }
  /// Attention over the keys in `seen`, or over all of them without it.
  private func attend(_ attention: CausalAttention, _ inputs: [Tensor], _ seen: Tensor?) -> Tensor {
    guard let seen else { return attention(inputs) }
    var selective = attention
    selective.isSelective = true
    return selective(inputs + [seen])
  }
  private func turn(_ x: Tensor, _ pass: AttentionPass, heads: Int, offset: Int) -> Tensor {
    let rotary = RotaryEmbedding(
      heads: heads, offset: offset, width: settings.rotaryWidth, isInterleaved: settings.isRotaryInterleaved,
      pass.precision.attention)
    return rotary(x, pass.table.cosines, pass.table.sines, pass.positions)
  }

  /// Every head has its own key and value, expanded from the latent.
  private func textbook(_ rows: [AttentionRow], _ pass: AttentionPass) -> CausalAttention {
    let s = settings
    return CausalAttention(
      heads: s.heads, d1: s.noPositionWidth, d2: s.rotaryWidth, dv: s.valueWidth,
      keyStride: s.noPositionWidth + s.valueWidth, valueOffset: s.noPositionWidth,
      valueStride: s.noPositionWidth + s.valueWidth, scale: Float(s.rotary.softmaxScale(keyWidth: s.keyWidth)),
      rows: rows, pass.precision.attention)
  }
  /// All heads share the latent as key and as value.
  private func absorbed(_ rows: [AttentionRow], _ pass: AttentionPass) -> CausalAttention {
    let s = settings
    return CausalAttention(
      heads: s.heads, d1: s.latentRank, d2: s.rotaryWidth, dv: s.latentRank, keyStride: 0, valueOffset: 0,
      valueStride: 0, scale: Float(s.rotary.softmaxScale(keyWidth: s.keyWidth)), rows: rows,
      pass.precision.attention)
  }

  private func remembered(
    _ q: Tensor, _ latent: Tensor, _ key: Tensor, _ seen: Tensor?, _ pass: AttentionPass, _ layer: Int,
    _ memory: inout AttentionMemory
  ) -> Tensor {
    let rows = pass.batch.rows(inMemoryOf: memory.capacity)
    let at =
      pass.memoryRows ?? Tensor(pass.batch.memoryRows(memory.capacity), shape: [latent.shape[0]], on: latent.device)
    let (projections, form) = (pass.precision.projections, pass.precision.plainForm)
    func write(_ content: Tensor) -> [Tensor] {
      memory.write(content, at: at, layer: layer, table: 0)
      memory.write(key, at: at, layer: layer, table: 1)
      return memory.layers[layer]
    }
    switch memory.form {
    case .textbook:
      let tables = write(latentUp(latent, in: projections, form))
      return attend(textbook(rows, pass), [q, tables[0], tables[1]], seen)
    case .absorbed:
      let moved = movedQueries(q, projections)  // a backend may be at it while the memory is written
      let tables = write(latent)
      let mixed = attend(absorbed(rows, pass), [latentQueries(moved, q), tables[0], tables[1]], seen)
      return latentUp.values(mixed, in: projections)
    }
  }

  /// q̃ = W_UKᵀ · q: each head's position-free part moved into latent space.
  private func movedQueries(_ q: Tensor, _ projections: Precision) -> Tensor {
    let (s, tokens) = (settings, q.shape[0])
    let nope = q.reshaped([tokens, s.heads, s.keyWidth]).slice(0..<s.noPositionWidth, axis: 2)
    return latentUp.queries(nope.reshaped([tokens, s.heads * s.noPositionWidth]), in: projections)
  }
  /// Each head's moved part with its rotary part beside it.
  private func latentQueries(_ moved: Tensor, _ q: Tensor) -> Tensor {
    let (s, tokens) = (settings, q.shape[0])
    let rope = q.reshaped([tokens, s.heads, s.keyWidth]).slice(s.noPositionWidth..<s.keyWidth, axis: 2)
    return Tensor.concatenated([moved.reshaped([tokens, s.heads, s.latentRank]), rope], axis: 2)
      .reshaped([tokens, s.heads * (s.latentRank + s.rotaryWidth)])
  }
}
