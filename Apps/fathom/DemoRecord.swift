// Reads the demo's figures back from its finished run: scores from the artifacts, the curve and the times from the
// run store, so that they are the same however often the run was interrupted.
import ProcessGraph
import RunStore

/// A finished run of the demo in figures.
struct DemoRecord: Sendable {
  struct StageTime: Sendable {
    var name: String
    var kind: String
    var seconds: Double
  }
  let result: DemoResult
  /// In the order in which they ran.
  let stages: [StageTime]

  /// Throws when an evaluation lacks a figure.
  init(_ artifacts: [String: any Artifact], of graph: Graph, in session: RunSession) async throws {
    let (store, run) = (session.store, session.id)
    let steps = try await store.latestSteps(of: run)
    func work(_ node: DemoNode) -> Double { steps.first { $0.stage == node.rawValue }?.seconds ?? 0 }
    let records = try await store.stages(of: run)
    stages = graph.nodes.map { node in
      let record = records.first { $0.name == node.name }
      let wall = record.flatMap { record in record.ended.map { $0 - record.started } } ?? 0
      // A stage that was continued began again: its steps remember the work of before.
      let counted = steps.first { $0.stage == node.name }?.seconds ?? 0
      return StageTime(name: node.name, kind: node.stage.name, seconds: max(wall, counted))
    }
    result = DemoResult(
      base: try Self.score(.base3, artifacts), final: try Self.score(.final3, artifacts),
      base2: try Self.score(.base2, artifacts), final2: try Self.score(.final2, artifacts),
      curve: try await Self.curve(of: run, in: store),
      seconds: DemoResult.Seconds(
        pretrain: work(.base), grpo: work(.thinker), total: stages.reduce(0) { $0 + $1.seconds }))
  }

  private static func score(_ node: DemoNode, _ artifacts: [String: any Artifact]) throws -> DemoResult.Score {
    let figures = (artifacts[node.rawValue] as? EvaluationArtifact)?.figures ?? [:]
    guard let accuracy = figures["accuracy"], let length = figures["mean_length"], (accuracy + length).isFinite else {
      throw CommandError(
        "the evaluation '\(node.rawValue)' has the figures \(figures.keys.sorted().joined(separator: ", ")); "
          + "the demo compares its accuracy and mean_length")
    }
    return DemoResult.Score(accuracy: accuracy, meanLength: length)
  }

  /// The steps that were evaluated; none when the recipe evaluates only before and after.
  private static func curve(of run: String, in store: RunStore) async throws -> [DemoResult.Point] {
    func values(_ metric: String) async throws -> [Int: Double] {
      let series = try await store.series(run: run, stage: DemoNode.thinker.rawValue, metric: metric)
      return Dictionary(series.map { ($0.step, $0.value) }, uniquingKeysWith: { $1 })
    }
    let (accuracies, lengths) = (try await values("eval/accuracy"), try await values("eval/mean_length"))
    let (held, sampled) = (try await values("eval/reward"), try await values("reward"))
    return accuracies.keys.sorted().compactMap { step in
      guard let accuracy = accuracies[step], let length = lengths[step], let reward = held[step] ?? sampled[step],
        (accuracy + length + reward).isFinite
      else { return nil }
      return DemoResult.Point(step: step, reward: reward, accuracy: accuracy, meanLength: length)
    }
  }
}
