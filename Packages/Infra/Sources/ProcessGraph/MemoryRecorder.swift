// A recorder that keeps everything in memory, for tests and for small programs without a run store.

/// Holds what stages report, in order.
public actor MemoryRecorder: RunRecorder {
  public private(set) var steps: [StepRecord] = []
  public private(set) var rollouts: [RolloutRecord] = []

  public init() {}

  public func record(_ step: StepRecord) { steps.append(step) }
  public func record(_ rollouts: [RolloutRecord]) { self.rollouts += rollouts }

  public func rewind(stage: String, to step: Int) {
    steps.removeAll { $0.stage == stage && $0.step > step }
    rollouts.removeAll { $0.stage == stage && $0.step > step }
  }
}
