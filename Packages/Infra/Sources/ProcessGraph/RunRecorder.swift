// What a stage reports while it works. The run store implements it; tests use an in-memory one.

/// One step of a stage, as numbers. Names are those of the field ("loss", "grad_norm", "reward", "completions/mean_length").
public struct StepRecord: Sendable, Codable, Equatable {
  public var stage: String
  public var step: Int
  /// Seconds since the stage began.
  public var seconds: Double
  public var values: [String: Double]
  public init(stage: String, step: Int, seconds: Double, values: [String: Double]) {
    (self.stage, self.step, self.seconds, self.values) = (stage, step, seconds, values)
  }
}

/// One sampled answer with its judgement, kept so that people can read what was rewarded.
public struct RolloutRecord: Sendable, Codable, Equatable {
  public var stage: String
  public var step: Int
  public var problemID: String
  public var prompt: String
  public var response: String
  public var reward: Double
  public var advantage: Double
  /// Each reward's own score, by name; a reward that abstained is absent.
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

/// Receives what stages report. Called between steps; a failure to record stops the run rather than losing figures.
public protocol RunRecorder: Sendable {
  func record(_ step: StepRecord) async throws
  func record(_ rollouts: [RolloutRecord]) async throws
  /// Forgets what a resumed stage is about to record again: steps after `step`.
  func rewind(stage: String, to step: Int) async throws
}

/// Shows how far long work has come. Implemented by the app: one updating line on a terminal, plain lines elsewhere.
public protocol ProgressReporter: Sendable {
  /// `detail` is a short text such as "loss 1.31". Rate and time left are worked out by the reporter.
  func report(stage: String, done: Int, of total: Int, unit: String, detail: String)
  func finish(stage: String, summary: String)
  func note(_ sentence: String)
}
