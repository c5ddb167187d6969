// The lightning indexer of sparse attention (DeepSeek-V3.2): small heads score every earlier token, and a query sees the
// best of them only. A context that is not longer than that is dense.
import LanguageModels
import Layers
import Tensors

// T tokens · D model · Q query rank · H index heads · I index width · S keys · K keys chosen
struct LightningIndexer: Module {
  let settings: IndexerSettings
  let rotaryWidth: Int
  var query: Linear
  var key: Linear
  var keyNorm: LayerNorm
  var headWeights: Linear

  init(_ s: DeepSeekV3Settings, _ indexer: IndexerSettings, _ weights: Weights) throws {
    (settings, rotaryWidth) = (indexer, s.rotaryWidth)
    query = try Linear(s.queryRank ?? s.hiddenSize, indexer.heads * indexer.width, weights["wq_b"])
    key = try Linear(s.hiddenSize, indexer.width, weights["wk"])
    keyNorm = try LayerNorm(indexer.width, epsilon: 1e-6, weights["k_norm"])
    headWeights = try Linear(s.hiddenSize, indexer.heads, weights["weights_proj"])
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("wq_b", &query)
    visitor("wk", &key)
    visitor("k_norm", &keyNorm)
    visitor("weights_proj", &headWeights)
  }

  /// The keys that each token sees, int32 [T, K] as `CausalAttention` reads them; nil when all see everything. Keys of
  /// this batch are added to a memory that keeps them. A choice has no gradient: `LatentAttention.indexerLoss` trains the
  /// indexer.
  func chooseKeys(
    _ x_TD: Tensor, _ ranked_TQ: Tensor, _ pass: AttentionPass, layer: Int, memory: inout AttentionMemory?
  ) -> Tensor? {
    var rows = pass.batch.ownRows
    let keys_SI: Tensor
    if let capacity = memory?.capacity, let at = pass.memoryRows {
      guard capacity > settings.mostKeys else { return nil }
      memory?.write(keys(x_TD, pass).detached(), at: at, layer: layer, table: 2)
      rows = pass.batch.rows(inMemoryOf: capacity)
      guard let kept = memory?.layers[layer][2], rows.contains(where: choosesFrom) else { return nil }
      keys_SI = kept
    } else {
      guard rows.contains(where: choosesFrom) else { return nil }
      keys_SI = keys(x_TD, pass).detached()
    }
    return chosen(queries(ranked_TQ, pass).detached(), weights(x_TD, pass).detached(), keys_SI, rows)
  }
  private func choosesFrom(_ row: AttentionRow) -> Bool { row.first + row.queryCount > settings.mostKeys }

  /// What scores are made of, in the precision of what chooses. The indexer learns from its own loss alone: its inputs
  /// have no history.
  func queries(_ ranked: Tensor, _ pass: AttentionPass) -> Tensor {
    turned(query(ranked.detached(), in: pass.precision.router), heads: settings.heads, pass)
  }
  func keys(_ x: Tensor, _ pass: AttentionPass) -> Tensor {
    turned(keyNorm(key(x.detached(), in: pass.precision.router)), heads: 1, pass)
  }
  /// One factor for the mean over heads and the scale of the products: the score is linear in both.
  func weights(_ x: Tensor, _ pass: AttentionPass) -> Tensor {
    headWeights(x.detached(), in: pass.precision.router)
      * Float(1 / (Double(settings.heads) * Double(settings.width)).squareRoot())
  }
  /// The rotary part comes first here, and its halves are turned together, unlike in the attention that it serves.
  private func turned(_ x: Tensor, heads: Int, _ pass: AttentionPass) -> Tensor {
    let rotary = RotaryEmbedding(heads: heads, offset: 0, width: rotaryWidth, isInterleaved: false)
    return rotary(x, pass.table.cosines, pass.table.sines, pass.positions)
  }

  private func chosen(_ queries: Tensor, _ weights: Tensor, _ keys: Tensor, _ rows: [AttentionRow]) -> Tensor {
    let most = rows.reduce(1) { max($0, $1.first + $1.queryCount) }
    let width = min(settings.mostKeys, most)
    var choice = [Int32](repeating: -1, count: queries.shape[0] * width)
    for row in rows {
      let dense = min(row.queryCount, max(0, settings.mostKeys - row.first))
      for i in 0..<dense {
        let start = (row.queryStart + i) * width
        for position in 0...(row.first + i) { choice[start + position] = Int32(position) }
      }
      if dense == row.queryCount { continue }
      let own = keys.slice(row.keyStart..<row.keyStart + row.first + row.queryCount, axis: 0).transposed
      // Blocks of queries bound the memory that scores of every head need.
      let block = max(1, (1 << 22) / (settings.heads * own.shape[1]))
      for start in stride(from: dense, to: row.queryCount, by: block) {
        let part = row.queryStart + start..<row.queryStart + min(start + block, row.queryCount)
        let scores = scores(queries.slice(part, axis: 0), weights.slice(part, axis: 0), own).floats()
        for (i, token) in part.enumerated() {
          let (from, seen) = (i * own.shape[1], row.first + start + i + 1)
          let best = Self.largest(width, of: scores[from..<from + seen])
          for (k, position) in best.enumerated() { choice[token * width + k] = position }
        }
      }
    }
    return Tensor(choice, shape: [queries.shape[0], width], on: queries.device)
  }

  /// I = Σ_h w_h · ReLU(q_h · k): queries [n, H · I], weights [n, H], keys [I, S] → [n, S].
  func scores(_ queries: Tensor, _ weights: Tensor, _ keys: Tensor) -> Tensor {
    let (count, heads, positions) = (queries.shape[0], settings.heads, keys.shape[1])
    let products = queries.reshaped([count * heads, settings.width]).matmul(keys)
    let positive = products.maximum(Tensor(repeating: 0, shape: products.shape, on: products.device))
    return weights.reshaped([count, 1, heads]).matmul(positive.reshaped([count, heads, positions]))
  }

  /// The places of the `count` largest scores, in ascending order; of equal ones the first. What is not a number comes
  /// last.
  static func largest(_ count: Int, of scores: ArraySlice<Float>) -> [Int32] {
    // Bit patterns that order as the numbers do.
    let keys = scores.map { score -> UInt32 in
      if score.isNaN { return 0 }
      let bits = (score == 0 ? 0 : score).bitPattern  // −0 is 0
      return bits < 0x8000_0000 ? bits + 0x8000_0000 : ~bits
    }
    if keys.count <= count { return keys.indices.map { Int32($0) } }
    // The largest threshold that at least `count` keys reach, bit by bit from the highest.
    var threshold: UInt32 = 0
    for bit in (0..<32).reversed() {
      let candidate: UInt32 = threshold + (1 << UInt32(bit))
      if keys.count(where: { $0 >= candidate }) >= count { threshold = candidate }
    }
    var equal = count - keys.count { $0 > threshold }
    return keys.indices.compactMap { i in
      if keys[i] > threshold { return Int32(i) }
      guard keys[i] == threshold, equal > 0 else { return nil }
      equal -= 1
      return Int32(i)
    }
  }
}
