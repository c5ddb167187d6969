// The DeepSeekMoE feed-forward layer: a few of many small experts per token, beside experts that all tokens share.
import LanguageModels
import Layers
import Tensors

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

  /// x [T, D] → [T, D]. `recomputes` keeps neither the rows gathered for the experts nor what leaves SwiGLU. The former
  /// are never kept in float32, where they are K copies of x and a gather costs little; the latter never in fp8.
  func callAsFunction(
    _ x_TD: Tensor, in precision: PrecisionMap, layer: Int, report: inout RoutingReport?, recomputes: Bool = false
  ) -> Tensor {
    // What does not wait for the router comes first: a backend may still be at it while experts are chosen.
    let shared_TD = shared.map { $0(x_TD, in: precision.experts, precision.plainForm, recomputes: recomputes) }
    let scores_TE = router.scores(x_TD, in: precision.router)
    let routing = router.choose(scores_TE, layer: layer, &report)
    let (reached, offsets, areTrained) = self.reached(by: routing)
    let trained = areTrained && precision.experts == .float32 ? trainedWeights(of: reached) : nil
    var gathered = Recomputation(isOn: recomputes || trained != nil)
    var activated = Recomputation(isOn: recomputes || precision.experts == .float8)
    defer {
      activated.giveBack()
      gathered.giveBack()
    }
    let slots_TK = Tensor(
      routing.rowOfChoice, shape: [x_TD.shape[0], router.settings.expertsPerToken], on: x_TD.device)
    let token_R = Tensor(routing.tokenOfRow, shape: [routing.tokenOfRow.count], on: x_TD.device)
    let rows_RD = gathered(x_TD) { $0.gatherRows(token_R) }
    let outputs_RD: Tensor
    if let trained {
      outputs_RD = GatedFeedForward(offsets: offsets)([rows_RD] + trained)
    } else {
      let gateUp = GroupedLinearProduct(
        offsets: offsets, partsPerGroup: 2, precision.experts, form: precision.expertInputForm)
      var inputs = [rows_RD]
      inputs.reserveCapacity(1 + 2 * reached.count)
      for expert in reached { inputs += [experts[expert].gate.weight, experts[expert].up.weight] }
      let gateUp_RII = gateUp(inputs)
      let hidden_RI = activated(gateUp_RII, keeping: precision.experts) { SwiGLU(keeping: precision.experts)($0) }
      let down = GroupedLinearProduct(
        offsets: offsets, partsPerGroup: 1, precision.experts, form: precision.expertOutputForm)
      outputs_RD = down([hidden_RI] + reached.map { experts[$0].down.weight })
    }
    let combine = ExpertCombine(keeping: precision.combine)
    var y_TD = combine(outputs_RD, router.weights(scores_TE, routing), slots_TK)
    if let shared_TD { y_TD = y_TD + shared_TD }
    if report != nil {
      let weight = report!.balanceWeight
      let loss = weight > 0 ? router.balanceLoss(scores_TE, routing, rows: report!.rows, weight: weight) : nil
      report!.add(RouterObservation(layer: layer, counts: routing.counts), loss)
    }
    return y_TD
  }

  /// Gate, up and down of each of these experts; nil where one is not trained or has a bias.
  private func trainedWeights(of reached: [Int]) -> [Tensor]? {
    let weights = reached.compactMap { experts[$0].trainedWeights }
    return weights.isEmpty || weights.count < reached.count ? nil : weights.flatMap { $0 }
  }

  /// The experts that have rows, with the offsets of their rows. All of them where gradients are asked for: that of an
  /// expert without rows is zero, not none.
  private func reached(by routing: Routing) -> (experts: [Int], offsets: [Int], areTrained: Bool) {
    if experts.indices.contains(where: { experts[$0].gate.weight.isTracked }) {
      return (Array(experts.indices), routing.offsets, true)
    }
    let chosen = experts.indices.filter { routing.offsets[$0] < routing.offsets[$0 + 1] }
    return (chosen, [0] + chosen.map { routing.offsets[$0 + 1] }, false)
  }
}
