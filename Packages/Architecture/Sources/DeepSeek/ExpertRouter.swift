// Which experts a token goes to, and with what weight. V3 (section 2.1.2): sigmoid scores, a bias that balances the load
// without a loss, choice limited to the best groups. Before it: softmax scores (V2, section 2.2).
import LanguageModels
import Layers
import Tensors

/// The experts chosen for each token.
struct Routing: Sendable {
  /// Chosen experts of each token, [T · K].
  let experts: [Int32]
  /// Group e's rows are offsets[e] ..< offsets[e + 1] once rows are sorted by expert.
  let offsets: [Int]
  /// The token that each sorted row belongs to, and the sorted row of each (token, choice).
  let tokenOfRow: [Int32]
  let rowOfChoice: [Int32]
  var counts: [Int] { zip(offsets.dropFirst(), offsets).map { $0 - $1 } }
}

// T tokens · E experts · K chosen
struct ExpertRouter: Module {
  let settings: DeepSeekV3Settings
  var gate: Tensor
  /// b: added to scores for the choice only. State, not a trained parameter; nil before V3.
  var bias: Tensor?

  init(_ s: DeepSeekV3Settings, _ weights: Weights) throws {
    settings = s
    gate = try weights.tensor("weight", [s.routedExperts, s.hiddenSize], .wideMatrix)
    bias = s.hasChoiceBias ? try weights.tensor("e_score_correction_bias", [s.routedExperts], .bias) : nil
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("weight", &gate)
    visitor("e_score_correction_bias", &bias, isTrained: false)
  }

  /// s = sigmoid(W_g · x) or softmax(W_g · x), [T, E].
  func scores(_ x_TD: Tensor, in precision: Precision) -> Tensor {
    let products = LinearProduct(precision, roundsResult: false)(x_TD, gate)
    switch settings.scoring {
    case .sigmoid: return products.sigmoid()
    case .softmax: return Softmax()(products)
    }
  }

  /// The K experts of each token with the largest score, biased where there is a bias, among the best groups. Equal
  /// scores go to the lower index.
  func choose(_ scores_TE: Tensor) -> Routing { sorted(picks(scores_TE)) }

  /// The same, where `report` brings no experts to take instead and asks for none. `layer` counts all layers.
  func choose(_ scores_TE: Tensor, layer: Int, _ report: inout RoutingReport?) -> Routing {
    var picks = picks(scores_TE)
    report?.exchange(&picks, layer: layer - settings.leadingDenseLayers, chosen: settings.expertsPerToken)
    return sorted(picks)
  }

  /// Chosen experts of each token, [T · K], the best first.
  private func picks(_ scores_TE: Tensor) -> [Int32] {
    let (experts, chosen) = (settings.routedExperts, settings.expertsPerToken)
    let tokens = scores_TE.shape[0]
    let bias = bias?.floats() ?? [Float](repeating: 0, count: experts)
    let scores = scores_TE.floats()
    let ranges = (tokens + Self.tokensTogether - 1) / Self.tokensTogether
    return [Int32](unsafeUninitializedCapacity: tokens * chosen) { picks, count in
      nonisolated(unsafe) let picks = picks  // every range of tokens writes its own
      scores_TE.device.backend.forEach(ranges) { range in
        let own = range * Self.tokensTogether..<min(tokens, (range + 1) * Self.tokensTogether)
        var biased = bias
        for t in own {
          for e in 0..<experts { biased[e] = scores[t * experts + e] + bias[e] }
          pick(&biased) { picks[t * chosen + $0] = Int32($1) }
        }
      }
      count = tokens * chosen
    }
  }
  /// Tokens whose experts are chosen on one thread.
  private static let tokensTogether = 256

  /// Gives `take` the number of a choice and its expert, for the K choices of one token. Uses the scores up.
  private func pick(_ biased: inout [Float], _ take: (Int, Int) -> Void) {
    if settings.chosenGroups < settings.expertGroups { dropGroups(&biased) }
    for k in 0..<settings.expertsPerToken {
      var best = 0
      for e in 1..<biased.count where biased[e] > biased[best] { best = e }
      take(k, best)
      biased[best] = -.infinity
    }
  }

  /// Sets the scores of all but the best groups to −∞. A group's score is its largest, or the sum of its two largest
  /// where they are biased.
  private func dropGroups(_ biased: inout [Float]) {
    let size = settings.routedExperts / settings.expertGroups
    let totals = (0..<settings.expertGroups).map { g -> Float in
      var (first, second) = (-Float.infinity, -Float.infinity)
      for e in g * size..<(g + 1) * size {
        if biased[e] > first {
          (first, second) = (biased[e], first)
        } else if biased[e] > second {
          second = biased[e]
        }
      }
      return size == 1 || settings.choice != .biased ? first : first + second
    }
    let order = totals.indices.sorted { totals[$0] != totals[$1] ? totals[$0] > totals[$1] : $0 < $1 }
    for g in order.dropFirst(settings.chosenGroups) {
      for e in g * size..<(g + 1) * size { biased[e] = -.infinity }
    }
  }

  /// Rows sorted by expert, tokens in order within each.
  private func sorted(_ picks: [Int32]) -> Routing {
    let (experts, chosen) = (settings.routedExperts, settings.expertsPerToken)
    var offsets = [Int](repeating: 0, count: experts + 1)
    for e in picks { offsets[Int(e) + 1] += 1 }
    for e in 0..<experts { offsets[e + 1] += offsets[e] }
    var next = offsets
    var (tokenOfRow, rowOfChoice) = (
      [Int32](repeating: 0, count: picks.count), [Int32](repeating: 0, count: picks.count)
    )
    for (i, e) in picks.enumerated() {
      let row = next[Int(e)]
      next[Int(e)] += 1
      tokenOfRow[row] = Int32(i / chosen)
      rowOfChoice[i] = Int32(row)
    }
    return Routing(experts: picks, offsets: offsets, tokenOfRow: tokenOfRow, rowOfChoice: rowOfChoice)
  }

  /// Weights of the chosen experts: raw scores, normalised and scaled, [T, K]. The bias balances load and must not
  /// change the output.
  func weights(_ scores_TE: Tensor, _ routing: Routing) -> Tensor {
    let index = Tensor(routing.experts, shape: [scores_TE.shape[0], settings.expertsPerToken], on: scores_TE.device)
    var w_TK = scores_TE.takeAlongRows(index)
    // Before V3 weights are either made to sum to 1 or scaled, and a single one is never made to be 1.
    if settings.normalizesChosenWeights && (settings.scalesNormalizedWeights || settings.expertsPerToken > 1) {
      w_TK = w_TK / (w_TK.sum(axis: 1) + 1e-20).broadcast(to: w_TK.shape)
      if !settings.scalesNormalizedWeights { return w_TK }
    }
    return w_TK * Float(settings.routedScale)
  }

  /// α Σ_i f_i P_i per sequence, averaged over sequences (DeepSeek-V3, equations 17 to 20). f is a constant.
  func balanceLoss(_ scores_TE: Tensor, _ routing: Routing, rows: [TokenBatch.Row], weight: Double) -> Tensor {
    let (experts, chosen) = (settings.routedExperts, settings.expertsPerToken)
    var coefficients = [Float](repeating: 0, count: scores_TE.shape.count)
    var start = 0
    for row in rows {
      var counts = [Double](repeating: 0, count: experts)
      for i in start * chosen..<(start + row.count) * chosen { counts[Int(routing.experts[i])] += 1 }
      let scale = weight / Double(rows.count) / Double(row.count) * Double(experts) / Double(chosen * row.count)
      for t in start..<start + row.count {
        for e in 0..<experts { coefficients[t * experts + e] = Float(scale * counts[e]) }
      }
      start += row.count
    }
    let normalized = scores_TE / (scores_TE.sum(axis: 1) + 1e-20).broadcast(to: scores_TE.shape)
    return (normalized * Tensor(coefficients, shape: scores_TE.shape, on: scores_TE.device)).total()
  }

  /// b_i += γ · sign(mean load − load_i) (Wang et al. 2024).
  mutating func updateBias(_ counts: [Int], rate: Double) {
    guard let bias else { return }
    let mean = Double(counts.reduce(0, +)) / Double(counts.count)
    let moved = zip(bias.floats(), counts).map { b, c in b + Float(rate) * Float((mean - Double(c)).sign) }
    self.bias = Tensor(moved, shape: bias.shape, on: bias.device)
  }
}

extension Double {
  fileprivate var sign: Double { self > 0 ? 1 : self < 0 ? -1 : 0 }
}
