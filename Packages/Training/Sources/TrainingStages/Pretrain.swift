// Next-token training from nothing (DeepSeek-V3, sections 2 and 4, in miniature).
import Checkpoints
import Datasets
import Foundation
import LanguageModels
import Layers
import Optimizers
import Plugins
import ProcessGraph
import Recipes
import Tensors
import Text

/// What a recipe may say about pretraining.
public struct PretrainSettings: Configuration {
  /// The model's config.json as a section; `vocab_size` and the marker ids are those of the corpus's tokenizer.
  public var model: ConfigTree = .table([:])
  public var steps = 1000
  /// Tokens of one step.
  public var batchTokens = 8192
  /// The longest row.
  public var sequenceLength = 512
  public var packing = Packing.documents
  /// Tokens that go forward and back at once; gradients of a step's parts are added. 0 for the whole step.
  public var microBatchTokens = 0
  /// What is computed once more on the way back and not kept: memory for time. No result depends on it. Nil for what
  /// is usual in `precision`: what is published in fp8, nothing otherwise.
  public var recompute: Recompute?
  public var objective = ObjectiveSettings(
    mtpLossWeight: 0.3, balanceLossWeight: 1e-4, biasUpdateRate: 1e-3, indexerLossWeight: 1)
  public var optimizer = OptimizerSettings()
  /// What happens to a step whose loss or gradient is not finite.
  public var divergence = DivergenceSettings()
  /// What products are computed in; master weights are float32 in any case.
  public var precision = Precision.float32
  /// So many of the first steps are computed in bfloat16, whatever `precision` says: what another precision costs can be
  /// told only from weights that have learnt the same.
  public var bfloat16Steps = 0
  /// Standard deviation of fresh matrices; 0 for the configuration's `initializer_range`.
  public var initializerRange = 0.0
  /// A checkpoint is written after every so many steps, and at the end.
  public var saveEvery = 200
  /// Of the fresh weights and of the order of documents.
  public var seed = 0
  public init() {}

  public func validate() throws {
    try require([
      ("steps", steps, 1), ("sequenceLength", sequenceLength, 2), ("batchTokens", batchTokens, sequenceLength),
      ("microBatchTokens", microBatchTokens, 0), ("bfloat16Steps", bfloat16Steps, 0), ("saveEvery", saveEvery, 1),
    ])
  }
}

/// Trains a fresh model on a corpus.
public struct Pretrain: Stage {
  public let name = "pretrain"
  public let settings: ConfigTree
  let plan: PretrainSettings

  public init(_ plan: PretrainSettings) throws {
    (self.plan, settings) = (plan, try ConfigTree(encoding: plan))
  }

  /// The vocabulary is the corpus's and not known yet; any number stands in for it.
  public func check(in registry: Registry, at path: String) throws {
    guard case .table(var keys) = plan.model, case .string(let type)? = keys["model_type"] else {
      throw ConfigError(
        path: "\(path).model",
        problem: "has no 'model_type'; write the model's config.json as this section, for example "
          + "{model_type: deepseek_v3, …}")
    }
    try registry.families.require(type, at: "\(path).model.model_type")
    keys["vocab_size"] = keys["vocab_size"] ?? .int(1024)
    do {
      let model = try registry.families.make(type).describe(Array(ConfigTree.table(keys).canonicalJSON.utf8))
      try checkLength(against: model.contextLength, at: "\(path).")
    } catch let error as ModelError {
      throw ConfigError(path: "\(path).model", problem: error.description)
    }
  }

  public func run(_ corpus: CorpusArtifact, in context: RunContext) async throws -> CheckpointArtifact {
    let textFiles = TextFiles(from: corpus.directory)
    var batches = try PackedBatches(
      TokenFile(corpus.directory), packing: plan.packing, sequenceLength: plan.sequenceLength,
      batchTokens: plan.batchTokens)
    var state = try freshState(corpus, context)
    if try state.resume(from: context.directory, context.registry, on: context.device) {
      context.progress.note("\(name): continuing after step \(state.step)")
    }
    try await context.recorder.rewind(stage: name, to: state.step)
    let (began, before) = (ContinuousClock.now, state.seconds)
    while state.step < plan.steps {
      try state.stopIfCancelled(in: context.directory, textFiles: textFiles)
      state.compute(in: plan.precision(ofStep: state.step))
      let start = state.cursor
      let batch = batches.next(&state.cursor)
      try batch.requireTokens(below: state.model.vocabularySize, of: corpus.directory)
      var outcome = step(&state, batch)
      let documents = state.cursor.taken(since: start, of: batches.corpus.documentCount, "document")
      let verdict = StepVerdict(&outcome, of: name, on: documents, &state, plan.divergence)
      state.step += 1
      state.seconds = before + (ContinuousClock.now - began).seconds
      try await report(outcome, verdict, state, context)
      if state.step % plan.saveEvery == 0 || state.step == plan.steps {
        try verdict.requireFinite(state)
        try state.save(in: context.directory, textFiles: textFiles)
      }
    }
    let result = "\(context.directory)/final"
    try state.publish(as: result, textFiles: textFiles)
    return CheckpointArtifact(
      directory: result, fingerprint: try Fingerprint.sha256(file: "\(result)/model.safetensors"))
  }

  /// One step in parts of at most `microBatchTokens`.
  private func step(_ state: inout TrainerState, _ whole: TrainingBatch) -> StepOutcome {
    let multiplier = plan.optimizer.schedule.multiplier(step: state.step, of: plan.steps)
    let options = plan.objective.options(recomputing: plan.recompute ?? .usual(in: plan.precision(ofStep: state.step)))
    let parts = whole.parts(of: plan.microBatchTokens)
    var outcome = takeStep(&state, parts: parts, options: options, multiplier: multiplier) { model, part in
      Self.loss(model, of: part, in: whole, options)
    }
    outcome.figures["grad_norm"] = outcome.gradientNorm
    outcome.figures["learning_rate"] = plan.optimizer.learningRate * multiplier
    outcome.figures["tokens"] = Double(whole.batch.tokens.count)
    return outcome
  }

  /// A part's share of the step's loss: −log p of its targets over the number of all targets, and what the family adds,
  /// weighted by the part's share of tokens.
  static func loss(
    _ model: any LanguageModel, of part: TrainingBatch, in whole: TrainingBatch, _ options: TrainingOptions
  ) -> PartLoss {
    let pass = model.trainingPass(part.batch, targets: part.targets, options)
    let nextToken = pass.logProbabilities.total() * (-1 / Float(whole.targetCount))
    let share = Float(part.batch.tokens.count) / Float(whole.batch.tokens.count)
    let loss = pass.auxiliaryLoss.map { nextToken + $0 * share } ?? nextToken
    var figures = pass.figures.mapValues { Double($0.scalar() * share) }
    figures["loss"] = Double(nextToken.scalar())
    return PartLoss(pass: pass, loss: loss, figures: figures)
  }

  private func report(
    _ outcome: StepOutcome, _ verdict: StepVerdict, _ state: TrainerState, _ context: RunContext
  ) async throws {
    try await context.recorder.record(
      StepRecord(stage: name, step: state.step, seconds: state.seconds, values: outcome.figures))
    try verdict.stopUnlessSkipped(noting: context.progress)
    let loss = outcome.figures["loss"] ?? outcome.loss
    context.progress.report(
      stage: name, done: state.step, of: plan.steps, unit: "step",
      detail:
        "loss \(String(format: "%.3f", loss)) · \(Int(Double(plan.batchTokens * state.step) / max(state.seconds, 1e-9))) tokens/s"
    )
  }

  private func checkLength(against contextLength: Int, at path: String = "") throws {
    guard contextLength >= plan.sequenceLength else {
      throw ConfigError(
        path: "\(path)sequenceLength",
        problem: "is \(plan.sequenceLength), but the model's max_position_embeddings is \(contextLength); "
          + "it must be at most that")
    }
  }

  private func freshState(_ corpus: CorpusArtifact, _ context: RunContext) throws -> TrainerState {
    let tokenizer = try BytePairEncoding(contentsOf: corpus.directory)
    let configuration = try plan.configuration(for: tokenizer)
    let text = Array(configuration.canonicalJSON.utf8)
    let family = try context.registry.families.make(ModelType.read(text, from: "stage 'pretrain', 'model'"))
    let range: Double
    switch (plan.initializerRange, configuration["initializer_range"]) {
    case (let own, _) where own > 0: range = own
    case (_, .double(let published)): range = published
    default: range = 0.02
    }
    let weights = FreshWeights(
      seed: UInt64(bitPattern: Int64(plan.seed)), standardDeviation: Float(range), on: context.device)
    let model = try family.build(text, Weights(weights), context.device).computing(in: plan.precision(ofStep: 0))
    try checkLength(against: model.contextLength)
    return TrainerState(
      model: model,
      optimizer: Optimizer(
        plan.optimizer, for: model, isHiddenMatrix: model.isHiddenMatrix, moments: model.precision.moments),
      cursor: Cursor(seed: UInt64(bitPattern: Int64(plan.seed))))
  }
}

extension PretrainSettings {
  /// What the step after `step` others is computed in.
  func precision(ofStep step: Int) -> Precision { step < bfloat16Steps ? .bfloat16 : precision }

  /// The config.json to write: the recipe's section with the tokenizer's sizes.
  func configuration(for tokenizer: some Tokenizer) throws -> ConfigTree {
    guard case .table(var keys) = model, keys["model_type"] != nil else {
      throw ConfigError(
        path: "model",
        problem:
          "has no 'model_type'; write the model's config.json as this section, for example {model_type: deepseek_v3, …}"
      )
    }
    keys["vocab_size"] = keys["vocab_size"] ?? .int(tokenizer.vocabularySize)
    keys["eos_token_id"] = keys["eos_token_id"] ?? tokenizer.endOfSequence.map { .int(Int($0.rawValue)) } ?? .null
    keys["bos_token_id"] = keys["bos_token_id"] ?? tokenizer.beginningOfSequence.map { .int(Int($0.rawValue)) } ?? .null
    if case .int(let size)? = keys["vocab_size"], size < tokenizer.vocabularySize {
      throw ConfigError(
        path: "model.vocab_size",
        problem: "is \(size), but the tokenizer has \(tokenizer.vocabularySize) tokens; it must be at least that")
    }
    return .table(keys)
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
