// Multi-head latent attention (DeepSeek-V2, section 2.1), in the textbook form for training and in the absorbed form
// over the latent memory for decoding.
import LanguageModels
import Layers
import Tensors

/// What the layers of one forward pass share: positions, tables, where keys are, and what is kept.
struct AttentionPass {
  let positions: Tensor
  let table: RotaryTable
  let batch: TokenBatch
  let precision: PrecisionMap
  /// Rows of the memory's tables where this batch's tokens are kept.
  var memoryRows: Tensor?
  /// Whether norms, up-projections and outputs of SwiGLU are computed once more on the way back, and not kept.
  var recomputes = false
}

// T tokens · D model · H heads · N nope · R rope · V value · C latent
struct LatentAttention: Module {
  let settings: DeepSeekV3Settings
  var queryDown: Linear?
  var queryNorm: RMSNorm?
  var query: Linear
  var latentDown: Linear
  var latentNorm: RMSNorm
  var latentUp: Linear
  var output: Linear

  init(_ s: DeepSeekV3Settings, _ weights: Weights) throws {
    settings = s
    if let rank = s.queryRank {
      queryDown = try Linear(s.hiddenSize, rank, weights["q_a_proj"])
      queryNorm = try RMSNorm(rank, epsilon: 1e-6, weights["q_a_layernorm"])
    }
    query = try Linear(
      s.queryRank ?? s.hiddenSize, s.heads * s.keyWidth, weights[s.queryRank == nil ? "q_proj" : "q_b_proj"])
    latentDown = try Linear(s.hiddenSize, s.latentRank + s.rotaryWidth, weights["kv_a_proj_with_mqa"])
    latentNorm = try RMSNorm(s.latentRank, epsilon: 1e-6, weights["kv_a_layernorm"])
    latentUp = try Linear(s.latentRank, s.heads * (s.noPositionWidth + s.valueWidth), weights["kv_b_proj"])
    output = try Linear(s.heads * s.valueWidth, s.hiddenSize, weights["o_proj"])
  }

  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("q_a_proj", &queryDown)
    visitor("q_a_layernorm", &queryNorm)
    visitor(settings.queryRank == nil ? "q_proj" : "q_b_proj", &query)
    visitor("kv_a_proj_with_mqa", &latentDown)
    visitor("kv_a_layernorm", &latentNorm)
    visitor("kv_b_proj", &latentUp)
    visitor("o_proj", &output)
  }

  /// x [T, D] → [T, D]. With a memory, keys of earlier tokens come from it and this batch's are added.
  func callAsFunction(_ x_TD: Tensor, _ pass: AttentionPass, layer: Int, memory: inout AttentionMemory?) -> Tensor {
    var recomputed = Recomputation(isOn: pass.recomputes)
    defer { recomputed.giveBack() }
    let (projections, form) = (pass.precision.projections, pass.precision.plainForm)
    let q_THNR = turnedQueries(x_TD, pass, &recomputed)
    let down = latentDown(x_TD, in: projections, form)
    let latent_TC = recomputed(down.slice(0..<settings.latentRank, axis: 1)) { [latentNorm] in latentNorm($0) }
    let key_TR = turn(
      down.slice(settings.latentRank..<settings.latentRank + settings.rotaryWidth, axis: 1), pass, heads: 1, offset: 0)
    let mixed: Tensor
    if memory == nil {
      let expanded = recomputed(latent_TC) { [latentUp] in latentUp($0, in: projections, form) }
      var attention = textbook(pass.batch.ownRows, pass)
      attention.keepsTwelveBits = pass.precision.attentionOutputForm.keepsTwelveBits
      mixed = attention(q_THNR, expanded, key_TR)
    } else {
      mixed = remembered(q_THNR, latent_TC, key_TR, pass, layer, &memory!)
    }
    return output(mixed, in: projections, pass.precision.attentionOutputForm)
  }

  private func turnedQueries(_ x: Tensor, _ pass: AttentionPass, _ recomputed: inout Recomputation) -> Tensor {
    let (projections, form) = (pass.precision.projections, pass.precision.plainForm)
    let turned: @Sendable (Tensor) -> Tensor = {
      turn(query($0, in: projections, form), pass, heads: settings.heads, offset: settings.noPositionWidth)
    }
    // A single projection from the full width is no up-projection: made again, it would cost more than it saves.
    guard let queryDown, let queryNorm else { return turned(x) }
    return recomputed(recomputed(queryDown(x, in: projections, form)) { queryNorm($0) }, turned)
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
    _ q: Tensor, _ latent: Tensor, _ key: Tensor, _ pass: AttentionPass, _ layer: Int, _ memory: inout AttentionMemory
  ) -> Tensor {
    let rows = pass.batch.rows(inMemoryOf: memory.capacity)
    let at =
      pass.memoryRows ?? Tensor(pass.batch.memoryRows(memory.capacity), shape: [latent.shape[0]], on: latent.device)
    let (projections, form) = (pass.precision.projections, pass.precision.plainForm)
    memory.write(
      memory.form == .textbook ? latentUp(latent, in: projections, form) : latent, at: at, layer: layer, table: 0)
    memory.write(key, at: at, layer: layer, table: 1)
    let tables = memory.layers[layer]
    switch memory.form {
    case .textbook: return textbook(rows, pass)(q, tables[0], tables[1])
    case .absorbed:
      let mixed = absorbed(rows, pass)(latentQueries(q, projections), tables[0], tables[1])
      return perHead(offset: settings.noPositionWidth, width: settings.valueWidth, isTransposed: true, projections)(
        mixed, latentUp.weight)
    }
  }

  /// q̃ = W_UKᵀ · q: each head's position-free part moved into latent space, its rotary part kept beside it.
  private func latentQueries(_ q: Tensor, _ projections: Precision) -> Tensor {
    let (s, tokens) = (settings, q.shape[0])
    let parts = q.reshaped([tokens, s.heads, s.keyWidth])
    let nope = parts.slice(0..<s.noPositionWidth, axis: 2).reshaped([tokens, s.heads * s.noPositionWidth])
    let moved = perHead(offset: 0, width: s.noPositionWidth, isTransposed: false, projections)(nope, latentUp.weight)
    let rope = parts.slice(s.noPositionWidth..<s.keyWidth, axis: 2)
    return Tensor.concatenated([moved.reshaped([tokens, s.heads, s.latentRank]), rope], axis: 2)
      .reshaped([tokens, s.heads * (s.latentRank + s.rotaryWidth)])
  }
  private func perHead(offset: Int, width: Int, isTransposed: Bool, _ precision: Precision) -> HeadwiseProduct {
    HeadwiseProduct(heads: settings.heads, offset: offset, width: width, isTransposed: isTransposed, precision)
  }
}
