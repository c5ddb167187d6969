// The run store as the chart page asks it. Pages poll, so everything is read afresh and kept small.
import HTTPServing
import ProcessGraph
import Recipes
import RunStore

/// Runs of a store, for the server.
struct StoredRuns: RunFeed {
  private let store: RunStore
  /// Older runs are on disk; the page lists the newest.
  private static let listed = 50

  init(_ store: RunStore) { self.store = store }

  func runs() async throws -> [RunSummary] {
    var summaries: [RunSummary] = []
    for run in try await store.runs().prefix(Self.listed) {
      summaries.append(
        RunSummary(
          id: run.id, title: run.name, status: Self.status(run.status.rawValue), startedAt: run.started,
          stages: try await stages(of: run)))
    }
    return summaries
  }

  func series(run: String, stage: String, metrics: [String], since: Int?) async throws -> [RunPoint] {
    try await check(run)
    let names = metrics.isEmpty ? try await store.metricNames(of: run, stage: stage) : metrics
    var points: [Int: RunPoint] = [:]
    for name in names {
      let first = since.map { $0 == Int.max ? $0 : $0 + 1 } ?? 0
      for point in try await store.series(run: run, stage: stage, metric: name, since: first) {
        points[point.step, default: RunPoint(step: point.step, seconds: point.seconds, values: [:])]
          .values[name] = point.value
      }
    }
    return points.values.sorted { $0.step < $1.step }
  }

  func rollouts(run: String, limit: Int) async throws -> [RunRollout] {
    try await check(run)
    var all: [RunRollout] = []
    for stage in try await store.stages(of: run).reversed() where all.count < limit {
      all += try await store.rollouts(run: run, stage: stage.name, limit: limit - all.count).map { rollout in
        RunRollout(
          stage: rollout.stage, step: rollout.step, problemID: rollout.problemID, prompt: rollout.prompt,
          response: rollout.response, reward: rollout.reward, advantage: rollout.advantage, parts: rollout.parts,
          tokenCount: rollout.tokenCount)
      }
    }
    return all
  }

  private func check(_ run: String) async throws {
    guard try await store.runs().contains(where: { $0.id == run }) else { throw UnknownRun(run) }
  }

  private func stages(of run: RunRecord) async throws -> [RunStage] {
    let last = try await store.latestSteps(of: run.id)
    let planned = (try? ConfigTree(yaml: run.recipe))?["stages"]
    var stages: [RunStage] = []
    for stage in try await store.stages(of: run.id) {
      let step = last.first { $0.stage == stage.name }
      var steps: Int?
      if case .int(let count)? = planned?[stage.name]?["steps"] { steps = count }
      stages.append(
        RunStage(
          name: stage.name, status: Self.status(stage.status.rawValue), step: step?.step ?? 0, steps: steps,
          seconds: step?.seconds ?? stage.ended.map { $0 - stage.started } ?? 0,
          metrics: try await store.metricNames(of: run.id, stage: stage.name)))
    }
    return stages
  }

  /// The store's words and the page's are the same but for one: what was interrupted is shown as stopped.
  private static func status(_ word: String) -> HTTPServing.RunStatus {
    HTTPServing.RunStatus(rawValue: word) ?? .stopped
  }
}
