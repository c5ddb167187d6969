// What a stage reports while it works. The run store implements it; tests use an in-memory one.

/// One step of a stage, as numbers. Names are those of the field ("loss", "grad_norm", "reward", "completions/mean_length").
public struct StepRecord: Sendable, Codable, Equatable {
  /// The stage's name, or the node's where an app keeps several of a kind apart.
  public var stage: String
  /// Counted from 1; 0 holds what was measured before the first step.
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
  /// The rubric's total.
  public var reward: Double
  /// How much better than its group, as the loss weighs it.
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
  /// Keeps the figures of one step.
  func record(_ step: StepRecord) async throws
  /// Keeps sampled answers with their judgements.
  func record(_ rollouts: [RolloutRecord]) async throws
  /// Forgets what a resumed stage is about to record again: steps after `step`.
  func rewind(stage: String, to step: Int) async throws
}

/// Shows how far long work has come. Implemented by the app: one updating line on a terminal, plain lines elsewhere.
public protocol ProgressReporter: Sendable {
  /// `detail` is a short text such as "loss 1.31". Rate and time left are worked out by the reporter.
  func report(stage: String, done: Int, of total: Int, unit: String, detail: String)
  /// Says in a few words what a finished stage has come to.
  func finish(stage: String, summary: String)
  /// Shows a sentence that belongs to no count.
  func note(_ sentence: String)
}
