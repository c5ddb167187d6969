// The DeepSeekMoE feed-forward layer: a few of many small experts per token, beside experts that all tokens share.
import LanguageModels
import Layers
import Tensors

/// What the routed layers of one training pass report.
struct RoutingReport {
  var observations: [RouterObservation] = []
  var balanceLoss: Tensor?
  /// Σ over layers of what the indexers' scores miss of attention; not weighted.
  var indexerLoss: Tensor?
  var rows: [TokenBatch.Row]
  let balanceWeight: Double
  var trainsIndexer = false

  mutating func add(_ observation: RouterObservation, _ loss: Tensor?) {
    observations.append(observation)
    if let loss { balanceLoss = balanceLoss.map { $0 + loss } ?? loss }
  }
  mutating func add(indexerLoss loss: Tensor?) {
    if let loss { indexerLoss = indexerLoss.map { $0 + loss } ?? loss }
  }
}

// T tokens · D model · R = T·K rows sorted by expert · I expert width
struct MixtureOfExperts: Module {
  var router: ExpertRouter
  var experts: [FeedForward]
  var shared: FeedForward?

  init(_ s: DeepSeekV3Settings, _ weights: Weights) throws {
    router = try ExpertRouter(s, weights["gate"])
    experts = try (0..<s.routedExperts).map {
      try FeedForward(s.hiddenSize, inner: s.expertIntermediateSize, weights["experts"][$0])
    }
    if s.sharedExperts > 0 {
      shared = try FeedForward(
        s.hiddenSize, inner: s.sharedExperts * s.expertIntermediateSize, weights["shared_experts"])
    }
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("gate", &router)
    visitor("experts", &experts)
    visitor("shared_experts", &shared)
  }

  func callAsFunction(_ x_TD: Tensor, layer: Int, report: inout RoutingReport?) -> Tensor {
    let scores_TE = router.scores(x_TD)
    let routing = router.choose(scores_TE)
    let slots_TK = Tensor(
      routing.rowOfChoice, shape: [x_TD.shape[0], router.settings.expertsPerToken], on: x_TD.device)
    let rows_RD = x_TD.gatherRows(Tensor(routing.tokenOfRow, shape: [routing.tokenOfRow.count], on: x_TD.device))
    let gateUp = GroupedLinearProduct(offsets: routing.offsets, partsPerGroup: 2)
    let hidden_RI = SwiGLU()(gateUp([rows_RD] + experts.flatMap { [$0.gate.weight, $0.up.weight] }))
    let down = GroupedLinearProduct(offsets: routing.offsets, partsPerGroup: 1)
    let outputs_RD = down([hidden_RI] + experts.map(\.down.weight))
    var y_TD = ExpertCombine()(outputs_RD, router.weights(scores_TE, routing), slots_TK)
    if let shared { y_TD = y_TD + shared(x_TD) }
    if report != nil {
      let weight = report!.balanceWeight
      let loss = weight > 0 ? router.balanceLoss(scores_TE, routing, rows: report!.rows, weight: weight) : nil
      report!.add(RouterObservation(layer: layer, counts: routing.counts), loss)
    }
    return y_TD
  }
}
