// Held-out accuracy and length of a checkpoint, as a stage of its own.
import Checkpoints
import Datasets
import Evaluation
import Foundation
import LanguageModels
import Plugins
import ProcessGraph
import Recipes
import Rewards

/// What a recipe may say about an evaluation.
public struct EvaluateSettings: Configuration {
  /// Where problems come from; those of the evaluation side are asked.
  public var problems = PartChoice()
  /// The reward that gives 1 to a right answer.
  public var reward = "accuracy"
  /// Problems, each answered once.
  public var count = 400
  /// 0 takes the likeliest token.
  public var temperature = 1.0
  /// Tokens of an answer at most.
  public var maxTokens = 512
  /// The name of a registered generator.
  public var generator = "engine"
  public var attentionForm = AttentionForm.textbook
  /// Sequences that the generator may run at once.
  public var concurrency = 128
  public var seed = 0
  public init() {}

  public func validate() throws {
    try require([("count", count, 1), ("maxTokens", maxTokens, 1), ("concurrency", concurrency, 1)])
  }
}

/// Answers held-out problems once each and writes `evaluation.json`.
public struct Evaluate: Stage {
  public let name = "evaluate"
  public let settings: ConfigTree
  let plan: EvaluateSettings

  public init(_ plan: EvaluateSettings) throws { (self.plan, settings) = (plan, try ConfigTree(encoding: plan)) }

  public func check(in registry: Registry, at path: String) throws {
    _ = try plan.problems.make(from: registry.problems, at: "\(path).problems")
    try registry.rewards.require(plan.reward, at: "\(path).reward")
    try registry.generators.require(plan.generator, at: "\(path).generator")
  }

  public func run(_ input: CheckpointArtifact, in context: RunContext) async throws -> EvaluationArtifact {
    let directory = ModelDirectory(input.directory)
    let tokenizer = try directory.tokenizer()
    let model = try directory.model(context.registry, on: context.device)
    let generator = try context.registry.generators.make(plan.generator)
      .make(model, tokenizer, plan.concurrency, plan.attentionForm)
    let problems = try plan.problems.make(from: context.registry.problems, at: "problems")
    var options = GenerationOptions()
    (options.temperature, options.maxTokens) = (plan.temperature, plan.maxTokens)
    options.seed = UInt64(bitPattern: Int64(plan.seed))
    let rate = try await measurePassRate(
      of: generator, on: problems, count: plan.count, tokenizer: tokenizer,
      rubric: try Rubric([.init(try context.registry.reward(plan.reward))]), accuracy: plan.reward, options: options
    ) { done in
      context.progress.report(stage: name, done: done, of: plan.count, unit: "problem", detail: "")
    }
    context.progress.finish(
      stage: name,
      summary: String(format: "%.1f %% right, %.0f tokens an answer", 100 * rate.accuracy, rate.meanLength))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    let bytes = [UInt8](try encoder.encode(rate))
    try DurableFile.write(bytes, to: "\(context.directory)/evaluation.json")
    return EvaluationArtifact(
      directory: context.directory, fingerprint: Fingerprint.sha256(bytes),
      figures: [
        "accuracy": rate.accuracy, "mean_length": rate.meanLength, "truncated": rate.truncated,
        "answers": Double(rate.answers),
      ])
  }
}
