// What a recipe may say about group relative policy optimization.
import LanguageModels
import Optimizers
import Recipes
import Rewards
import Tensors

/// Settings of GRPO. Names follow TRL's where it has them.
public struct GRPOSettings: Configuration {
  /// How token losses become one number.
  public enum Normalization: String, Codable, Sendable {
    /// Σ over all tokens of the step / their number (DAPO).
    case token
    /// Mean over each answer's tokens, then over answers (DeepSeekMath).
    case sequence
  }
  /// What advantages are divided by.
  public enum RewardScale: String, Codable, Sendable {
    /// The group's standard deviation.
    case group
    /// Nothing (Dr. GRPO).
    case none
  }
  /// Where problems come from, by name, with that source's own settings.
  public var problems = PartChoice()
  /// The terms of the rubric that judges answers.
  public var rewards = RubricSettings().rewards
  public var steps = 100
  /// Problems of one step, each answered `groupSize` times.
  public var promptsPerStep = 16
  /// G: answers to each prompt.
  public var groupSize = 8
  /// Of the rollouts and of the evaluations between them.
  public var temperature = 1.0
  /// Tokens of an answer at most.
  public var maxTokens = 512
  /// ε: the ratio is clipped to 1 − ε ... 1 + ε.
  public var clipRange = 0.2
  /// β: weight of the k3 divergence from the frozen reference; 0 runs no reference.
  public var beta = 0.0
  public var normalization = Normalization.token
  public var rewardScale = RewardScale.group
  /// Optimizer steps on each batch of answers.
  public var updatesPerRollout = 1
  /// The run stops when a sampled token's log-probability differs by more than this from what training computes before
  /// the first update. In the textbook form the difference is 0. Nil lets everything pass.
  public var mismatchLimit: Double? = 0.01
  /// Whether training sends every token, prompts included, to the experts that it went to when it was sampled, in all
  /// of a rollout's updates. Off, the routers choose again.
  public var replayExperts = true
  /// Tokens that go forward and back at once; gradients of a step's parts are added.
  public var microBatchTokens = 8192
  /// What is computed once more on the way back and not kept: memory for time. No result depends on it. Nil for what
  /// is usual in `precision`: what is published in fp8, nothing otherwise.
  public var recompute: Recompute?
  /// All 0 by default: the policy learns from rewards alone.
  public var objective = ObjectiveSettings()
  public var optimizer = OptimizerSettings()
  /// What rollouts, training and reference compute in; master weights are float32 in any case.
  public var precision = Precision.float32
  /// What happens to a step whose loss or gradient is not finite.
  public var divergence = DivergenceSettings()
  /// Which generator samples, and in which form of attention. In the textbook form sampled and trained
  /// log-probabilities agree bit for bit.
  public var generator = "engine"
  public var attentionForm = AttentionForm.textbook
  /// Held-out problems are answered after every so many steps; 0 for never.
  public var evaluateEvery = 10
  /// Held-out problems of each evaluation.
  public var evaluationCount = 100
  /// Where held-out problems come from; by default the evaluation side of `problems`.
  public var evaluationProblems: PartChoice?
  /// The term of the rubric that gives 1 to a right answer.
  public var accuracyReward = "accuracy"
  /// Groups whose answers are kept in the run store at each step.
  public var recordedGroups = 1
  /// A checkpoint is written after every so many steps, and at the end.
  public var saveEvery = 20
  /// Of the answers that are sampled.
  public var seed = 0
  public init() {}

  public func validate() throws {
    try require([
      ("steps", steps, 1), ("promptsPerStep", promptsPerStep, 1), ("groupSize", groupSize, 2),
      ("maxTokens", maxTokens, 1),
      ("updatesPerRollout", updatesPerRollout, 1), ("microBatchTokens", microBatchTokens, 1),
      ("evaluateEvery", evaluateEvery, 0), ("evaluationCount", evaluationCount, 1),
      ("recordedGroups", recordedGroups, 0), ("saveEvery", saveEvery, 1),
    ])
    guard temperature > 0, temperature <= 2 else {
      throw ConfigError(
        path: "temperature",
        problem: "is \(temperature); it must be above 0 and at most 2, or groups have nothing to compare")
    }
    guard clipRange > 0 else { throw ConfigError(path: "clipRange", problem: "is \(clipRange); it must be above 0") }
    guard mismatchLimit.map({ $0 >= 0 }) ?? true else {
      throw ConfigError(path: "mismatchLimit", problem: "is \(mismatchLimit ?? 0); it must be 0 or more")
    }
    guard beta >= 0 else { throw ConfigError(path: "beta", problem: "is \(beta); it must be 0 or more") }
  }
}
