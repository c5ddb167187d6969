// What `fathom bench rollout` measures: the demo's GRPO on a fresh model, with answers of the demo's lengths.
import ArgumentParser
import DeepSeek
import Foundation
import Inference
import LanguageModels
import Layers
import Plugins
import ProcessGraph
import Recipes
import Tensors
import Text
import TrainingStages

/// The model that samples and is trained. Everything else is the demo's.
enum RolloutShape: String, CaseIterable, ExpressibleByArgument {
  /// The demo's own, without the module that predicts further: GRPO does not run it.
  case demo
  /// That of `fathom bench train --shape mini`.
  case mini

  /// The model as a section, complete enough for every reader of config.json.
  func model(_ recipe: ConfigTree, vocabulary: Int) throws -> ConfigTree {
    let section =
      switch self {
      case .demo: recipe["stages"]?["base"]?["model"] ?? .table([:])
      case .mini: try ConfigTree(yaml: BenchShape.mini.configuration)
      }
    guard case .table(var keys) = section else { throw CommandError("the demo's recipe has no section for its model") }
    keys["vocab_size"] = .int(vocabulary)
    keys["num_nextn_predict_layers"] = .int(0)
    keys["num_key_value_heads"] = keys["num_attention_heads"]
    for (key, value) in [("n_group", 1), ("topk_group", 1)] { keys[key] = .int(value) }
    return .table(keys)
  }
}

/// A checkpoint of a fresh model, and the demo's plan for it.
struct RolloutSubject: Sendable {
  let shape: RolloutShape
  let plan: GRPOSettings
  /// The text of the model's config.json.
  let configuration: String
  let parameters: Int
  let base: CheckpointArtifact
  let context: RunContext

  /// The tokenizer learns from so many of the demo's documents.
  private static let documents = 4000

  /// Makes a tokenizer and a model under `directory`, which somebody else removes.
  init(_ shape: RolloutShape, in directory: String, on device: Device, _ registry: Registry) async throws {
    let recipe = try ConfigTree(yaml: DemoRecipe.text, source: "the demo's recipe")
      .setting(["stages.corpus.count=\(Self.documents)"])
    let graph = try Graph(recipe: recipe, stages: registry.stages)
    guard let corpus = graph.nodes.first(where: { $0.name == DemoNode.corpus.rawValue }),
      let thinker = graph.nodes.first(where: { $0.name == DemoNode.thinker.rawValue })
    else { throw CommandError("the demo's recipe has no stages 'corpus' and 'thinker'") }
    let run = Run(
      directory: directory, device: device, registry: registry, recorder: MemoryRecorder(), progress: SilentProgress(),
      logger: ProgressLog.logger("fathom.bench", SilentProgress()))
    let texts = try await run.perform(corpus.stage, on: Nothing(), as: corpus.name).directory
    let vocabulary = try ModelDirectory(texts).tokenizer().vocabularySize
    configuration = try shape.model(graph.recipe, vocabulary: vocabulary).canonicalJSON
    let model = try DeepSeekV3Model(
      Array(configuration.utf8), from: Weights(FreshWeights(seed: 0, standardDeviation: 0.02, on: device)), on: device)
    let place = "\(directory)/base"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try ModelDirectory.write(model, textFiles: TextFiles(from: texts), into: place)
    parameters = model.parameters.reduce(0) { $0 + ($1.isTrained ? $1.tensor.shape.count : 0) }
    base = CheckpointArtifact(directory: place, fingerprint: "fresh")
    context = run.context(for: thinker.name)
    var plan = try GRPOSettings(overlaying: thinker.stage.settings, at: thinker.path)
    (plan.steps, plan.evaluateEvery) = (Int(Int32.max), 0)
    (self.shape, self.plan) = (shape, plan)
  }

  var answers: Int { plan.promptsPerStep * plan.groupSize }
  /// Tokens of each answer of a step.
  var lengths: [Int] { (0..<answers).map { RolloutLengths.length(UInt64($0)) } }

  /// The demo's steps, on answers of given lengths.
  func trainer() throws -> TimedGRPO {
    let model = try ModelDirectory(base.directory).model(context.registry, on: context.device)
    var settings = EngineSettings(form: plan.attentionForm)
    settings.slots = answers
    let engine = InferenceEngine(model, tokenizer: try ModelDirectory(base.directory).tokenizer(), settings: settings)
    return try TimedGRPO(plan, rollouts: RolloutLengths(engine: engine), from: base, in: context)
  }
}

/// A generator whose answers have the same lengths at every step, whatever the model thinks of ending: a fresh one would
/// never stop where a trained one does.
struct RolloutLengths: Generator {
  let engine: InferenceEngine

  /// 12 to 268 tokens, all equally often: 140 in the mean, which is what the demo's answers have once they reason.
  static func length(_ request: UInt64) -> Int {
    var random = RandomStream(seed: 0, path: request)
    return 12 + Int(random.next() % 257)
  }

  func complete(_ prompts: [Prompt], _ options: GenerationOptions) async throws -> [Completion] {
    let (limited, options) = (prompts.map(limited), unending(options))
    return try await engine.complete(limited, options)
  }
  func stream(_ prompt: Prompt, _ options: GenerationOptions) async throws -> AsyncThrowingStream<
    GenerationEvent, any Error
  > {
    try await engine.stream(limited(prompt), unending(options))
  }
  func adopt(_ model: any LanguageModel) async throws { await engine.adopt(model) }

  private func limited(_ prompt: Prompt) -> Prompt {
    Prompt(prompt.tokens, request: prompt.request, maxTokens: Self.length(prompt.request))
  }
  private func unending(_ options: GenerationOptions) -> GenerationOptions {
    var options = options
    options.ignoresEndOfSequence = true
    return options
  }
}
