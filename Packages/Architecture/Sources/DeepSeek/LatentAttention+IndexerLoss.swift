// What trains the lightning indexer (DeepSeek-V3.2, section 2.1): its scores learn where attention itself looks, among
// the keys that it has chosen.
import LanguageModels
import Layers
import Tensors

extension LatentAttention {
  /// (1/T) Σ_t KL(p_t ‖ softmax(I_t)) over the keys that token t sees, where p_t is attention averaged over heads, a
  /// constant. nil without an indexer. In primitives, one matrix of queries by keys at a time; what it makes is kept for
  /// its gradient, whatever else a pass recomputes.
  func indexerLoss(_ x_TD: Tensor, _ pass: AttentionPass) -> Tensor? {
    guard let indexer else { return nil }
    var none: AttentionMemory?
    let x = x_TD.detached()
    var kept = Recomputation(isOn: false)
    let lowered = lowered(x, pass)
    let ranked = rankedQueries(lowered.queries, pass, &kept).detached()
    let seen = indexer.chooseKeys(x, ranked, pass, layer: 0, memory: &none)
    let (queries, weights, keys) = (indexer.queries(ranked, pass), indexer.weights(x, pass), indexer.keys(x, pass))
    let attention = Target(self, lowered.latent, ranked, pass)
    var total: Tensor?
    for row in pass.batch.ownRows {
      let range = row.queryStart..<row.queryStart + row.queryCount
      let mask = mask(row, seen, on: x.device)
      let scores = indexer.scores(
        queries.slice(range, axis: 0), weights.slice(range, axis: 0), keys.slice(range, axis: 0).transposed)
      let shares = (scores.reshaped(mask.shape) + mask).logSoftmax()
      let p = attention.probabilities(range, mask)
      let least = Tensor(repeating: 1e-30, shape: p.shape, on: p.device)  // where p is 0 the term is 0
      let divergence = (p * (p.maximum(least).log() - shares)).total()
      total = total.map { $0 + divergence } ?? divergence
    }
    return total.map { $0 * (1 / Float(x.shape[0])) }
  }

  /// [queries, keys] of one sequence: 0 where a query sees a key, a number that no score outweighs where it does not.
  private func mask(_ row: AttentionRow, _ seen: Tensor?, on device: Device) -> Tensor {
    let count = row.queryCount
    var values = [Float](repeating: -1e30, count: count * count)
    let chosen = seen?.integers() ?? []
    let width = seen?.shape[1] ?? 0
    for i in 0..<count {
      if seen == nil {
        for key in 0...i { values[i * count + key] = 0 }
      } else {
        let own = (row.queryStart + i) * width
        for key in chosen[own..<own + width] where key >= 0 { values[i * count + Int(key)] = 0 }
      }
    }
    return Tensor(values, shape: [count, count], on: device)
  }

  /// Attention as a target: queries, expanded keys and the shared key, without history.
  private struct Target {
    let settings: DeepSeekV3Settings
    let queries: Tensor
    let expanded: Tensor
    let shared: Tensor

    init(_ attention: LatentAttention, _ lowered: Tensor, _ ranked: Tensor, _ pass: AttentionPass) {
      settings = attention.settings
      var kept = Recomputation(isOn: false)
      queries = attention.turnedQueries(ranked, pass, &kept).detached()
      let (latent, key) = attention.latentAndKey(lowered, pass, &kept)
      expanded = attention.latentUp(latent, in: pass.precision.projections).detached()
      shared = key.detached()
    }

    /// The mean over heads of softmax(scale · q·kᵀ + mask) for one sequence.
    func probabilities(_ range: Range<Int>, _ mask: Tensor) -> Tensor {
      let s = settings
      let (q, kv) = (queries.slice(range, axis: 0), expanded.slice(range, axis: 0))
      let scale = Float(s.rotary.softmaxScale(keyWidth: s.keyWidth))
      let stride = s.noPositionWidth + s.valueWidth
      var sum: Tensor?
      for h in 0..<s.heads {
        let own = kv.slice(h * stride..<h * stride + s.noPositionWidth, axis: 1)
        let key = Tensor.concatenated([own, shared.slice(range, axis: 0)], axis: 1)
        let query = q.slice(h * s.keyWidth..<(h + 1) * s.keyWidth, axis: 1)
        let p = (query.matmul(key.transposed) * scale + mask).softmax()
        sum = sum.map { $0 + p } ?? p
      }
      guard let sum else { preconditionFailure("indexerLoss: attention without heads") }
      return sum * (1 / Float(s.heads))
    }
  }
}
