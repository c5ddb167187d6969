// Stages report under the name of their kind; a run may have several of a kind, so nodes report under their own names.

/// Records everything under the name of one node.
struct NodeRecorder: RunRecorder {
  let node: String
  let base: any RunRecorder

  func record(_ step: StepRecord) async throws {
    var step = step
    step.stage = node
    try await base.record(step)
  }

  func record(_ rollouts: [RolloutRecord]) async throws {
    try await base.record(
      rollouts.map { rollout in
        var rollout = rollout
        rollout.stage = node
        return rollout
      })
  }

  func rewind(stage: String, to step: Int) async throws { try await base.rewind(stage: node, to: step) }
}

/// Shows progress under the name of one node.
struct NodeProgress: ProgressReporter {
  let node: String
  let base: any ProgressReporter

  func report(stage: String, done: Int, of total: Int, unit: String, detail: String) {
    base.report(stage: node, done: done, of: total, unit: unit, detail: detail)
  }
  func finish(stage: String, summary: String) { base.finish(stage: node, summary: summary) }
  func note(_ sentence: String) { base.note(sentence) }
}
