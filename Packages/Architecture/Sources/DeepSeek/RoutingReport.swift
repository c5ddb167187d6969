// What goes in and out of the layers of one pass beside the numbers: experts to take, experts that were taken, loads,
// and the losses of routers and indexers.
import LanguageModels
import Tensors

/// What the layers of one pass are told and report.
struct RoutingReport {
  var observations: [RouterObservation] = []
  var balanceLoss: Tensor?
  /// Σ over layers of what the indexers' scores miss of attention; not weighted.
  var indexerLoss: Tensor?
  var rows: [TokenBatch.Row]
  let balanceWeight: Double
  var trainsIndexer = false
  /// Experts to take in the place of a router's own, for each row or for none; nil for a row that goes its own way.
  var given: [ExpertChoices?] = []
  /// Takes down what every layer goes on with, when somebody asks.
  var record: ExpertChoices?
  var replay = ReplayAgreement()

  mutating func add(_ observation: RouterObservation, _ loss: Tensor?) {
    observations.append(observation)
    if let loss { balanceLoss = balanceLoss.map { $0 + loss } ?? loss }
  }
  mutating func add(indexerLoss loss: Tensor?) {
    if let loss { indexerLoss = indexerLoss.map { $0 + loss } ?? loss }
  }

  /// Replaces a router's own picks [T · K] by those that are given, and counts the tokens for which they differ. `layer`
  /// counts routed layers from 0.
  mutating func exchange(_ picks: inout [Int32], layer: Int, chosen: Int) {
    var start = 0
    for (row, choices) in zip(rows, given) {
      let place = start * chosen..<(start + row.count) * chosen
      start += row.count
      guard let choices else { continue }
      let experts = choices.experts(layer: layer)
      for token in stride(from: 0, to: experts.count, by: chosen) {
        let theirs = experts[token..<token + chosen]
        let own = picks[place.lowerBound + token..<place.lowerBound + token + chosen]
        // Own picks are distinct and as many, so that all of them among the others is the same set.
        if !own.allSatisfy(theirs.contains) { replay.disagreements += 1 }
      }
      replay.choices += row.count
      picks.replaceSubrange(place, with: experts)
    }
    record?.write(picks, layer: layer)
  }
}
