// What the chart page may ask about training runs. The app implements it over its run store.
// Snapshots only: the page polls, asking each time for what is new since the last step it has seen.

/// Gives snapshots of training runs. Called for every poll of every open page, so it should be cheap.
public protocol RunFeed: Sendable {
  /// All known runs, the newest first.
  func runs() async throws -> [RunSummary]
  /// The records of one stage after step `since` (all of them for nil), in the order of steps.
  /// `metrics` names the values wanted; empty means all. Throws `UnknownRun` when there is no such run.
  func series(run: String, stage: String, metrics: [String], since: Int?) async throws -> [RunPoint]
  /// The latest sampled answers, the newest first. Throws `UnknownRun` when there is no such run.
  func rollouts(run: String, limit: Int) async throws -> [RunRollout]
}

/// How far a stage or a run has come.
public enum RunStatus: String, Sendable, Codable { case waiting, running, finished, failed, stopped }

/// One training run.
public struct RunSummary: Sendable {
  /// Stable; part of addresses.
  public var id: String
  /// What people call it, for example the recipe's name.
  public var title: String
  public var status: RunStatus
  /// When it began, in seconds since 1970.
  public var startedAt: Double
  /// In the order in which they run.
  public var stages: [RunStage]
  public init(id: String, title: String, status: RunStatus, startedAt: Double, stages: [RunStage]) {
    (self.id, self.title, self.status) = (id, title, status)
    (self.startedAt, self.stages) = (startedAt, stages)
  }
}

/// One stage of a run.
public struct RunStage: Sendable {
  public var name: String
  public var status: RunStatus
  /// Steps done.
  public var step: Int
  /// Steps planned, where that is known.
  public var steps: Int?
  /// Seconds of work so far.
  public var seconds: Double
  /// The names of the values that its records carry, for example "loss".
  public var metrics: [String]
  /// One sentence, for example why it failed.
  public var note: String?
  public init(
    name: String, status: RunStatus, step: Int, steps: Int?, seconds: Double, metrics: [String], note: String? = nil
  ) {
    (self.name, self.status, self.step, self.steps) = (name, status, step, steps)
    (self.seconds, self.metrics, self.note) = (seconds, metrics, note)
  }
}

/// One record of a stage.
public struct RunPoint: Sendable {
  public var step: Int
  /// Seconds since the stage began.
  public var seconds: Double
  /// By the names of the stage's metrics.
  public var values: [String: Double]
  public init(step: Int, seconds: Double, values: [String: Double]) {
    (self.step, self.seconds, self.values) = (step, seconds, values)
  }
}

/// One sampled answer with its judgement.
public struct RunRollout: Sendable {
  public var stage: String
  public var step: Int
  public var problemID: String
  public var prompt: String
  public var response: String
  public var reward: Double
  public var advantage: Double
  /// Each reward's own score, by name.
  public var parts: [String: Double]
  public var tokenCount: Int
  public init(
    stage: String, step: Int, problemID: String, prompt: String, response: String, reward: Double, advantage: Double,
    parts: [String: Double], tokenCount: Int
  ) {
    (self.stage, self.step, self.problemID, self.prompt) = (stage, step, problemID, prompt)
    (self.response, self.reward, self.advantage) = (response, reward, advantage)
    (self.parts, self.tokenCount) = (parts, tokenCount)
  }
}

/// Thrown by a `RunFeed` that has no such run; clients get 404.
public struct UnknownRun: Error, CustomStringConvertible {
  public let id: String
  public init(_ id: String) { self.id = id }
  public var description: String { "there is no run '\(id)'" }
}
