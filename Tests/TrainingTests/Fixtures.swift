// What the tests of training share: a tiny model, a workshop with every part installed, and comparisons.
import CPUBackend
import DeepSeek
import Foundation
import Inference
import LanguageModels
import Layers
import Logging
import LogicPuzzles
import Optimizers
import Plugins
import ProcessGraph
import Recipes
import Rewards
import Tensors
import Text
import TrainingStages
import Verifiers

/// A DeepSeek-V3 in every part of it: a dense layer, a layer of experts, and the module that predicts further.
enum TinyModel {
  static let section = """
    {model_type: deepseek_v3, hidden_size: 32, num_hidden_layers: 2, first_k_dense_replace: 1, intermediate_size: 64,
    moe_intermediate_size: 16, n_routed_experts: 4, n_shared_experts: 1, num_experts_per_tok: 2, num_attention_heads: 2,
    kv_lora_rank: 16, qk_nope_head_dim: 8, qk_rope_head_dim: 8, v_head_dim: 16, num_nextn_predict_layers: 1,
    rope_theta: 1000.0, max_position_embeddings: 64}
    """

  /// Fresh weights. With `spread` 0.3 the next token is far from uniform.
  static func fresh(vocabulary: Int, seed: UInt64, spread: Float = 0.3, on device: Device) throws -> DeepSeekV3Model {
    guard case .table(var keys) = try ConfigTree(yaml: section) else { throw Surprise("the section is no table") }
    keys["vocab_size"] = .int(vocabulary)
    let configuration = Array(ConfigTree.table(keys).canonicalJSON.utf8)
    let weights = FreshWeights(seed: seed, standardDeviation: spread, on: device)
    return try DeepSeekV3Model(configuration, from: Weights(weights), on: device)
  }
}

/// Something that a test relies on is not so.
struct Surprise: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Every part that recipes can name, a device, and a directory of its own, to be removed afterwards.
struct Workshop: Sendable {
  let directory: String
  let registry: Registry
  var device = Device(CPUBackend(threads: 2))

  init() throws {
    registry = try Registry([
      LanguageModelParts(), DeepSeekFamilies(), InferencePlugin(), StandardRewards(), LogicPuzzles(),
      TrainingStagesPlugin(), LetterParts(),
    ])
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("training-\(UUID())").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }
  func remove() { try? FileManager.default.removeItem(atPath: directory) }

  func run(
    _ name: String, recorder: any RunRecorder = MemoryRecorder(), progress: any ProgressReporter = SilentProgress()
  ) -> Run {
    Run(
      directory: "\(directory)/\(name)", device: device, registry: registry, recorder: recorder, progress: progress,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  /// A corpus of short lines of letters, with a tokenizer of bytes and hardly more.
  func letters(_ count: Int = 48) async throws -> CorpusArtifact {
    var settings = CorpusSettings()
    settings.documents = PartChoice(LetterParts.partName)
    (settings.count, settings.vocabularySize, settings.preTokenizer) = (count, 260, .whitespace)
    return try await run("shared").perform(PrepareCorpus(settings), as: "corpus-\(count)")
  }

  /// How the tiny model is pretrained on letters; tests change what concerns them.
  static func pretraining(steps: Int, _ change: (inout PretrainSettings) -> Void = { _ in }) throws -> Pretrain {
    var settings = PretrainSettings()
    settings.model = try ConfigTree(yaml: TinyModel.section)
    (settings.steps, settings.batchTokens, settings.sequenceLength) = (steps, 96, 24)
    settings.optimizer.learningRate = 0.01
    settings.optimizer.weightDecay = 0
    (settings.saveEvery, settings.seed) = (1000, 3)
    change(&settings)
    return try Pretrain(settings)
  }

  /// A base that writes letters: what GRPO starts from.
  func base(steps: Int = 40) async throws -> CheckpointArtifact {
    try await run("shared").perform(Self.pretraining(steps: steps), on: letters(), as: "base-\(steps)")
  }

  /// How GRPO is run on letters; tests change what concerns them.
  static func reasoning(
    steps: Int, _ change: (inout GRPOSettings) throws -> Void = { _ in }
  ) rethrows -> GRPOSettings {
    var settings = GRPOSettings()
    settings.problems = PartChoice(LetterParts.partName)
    settings.rewards = [.init(LetterParts.partName)]
    settings.accuracyReward = LetterParts.partName
    (settings.steps, settings.promptsPerStep, settings.groupSize, settings.maxTokens) = (steps, 2, 4, 8)
    settings.optimizer.learningRate = 0.003
    settings.optimizer.weightDecay = 0
    (settings.evaluateEvery, settings.evaluationCount, settings.saveEvery, settings.seed) = (0, 4, 1000, 5)
    try change(&settings)
    return settings
  }
}

/// The error of some work as people read it.
func message(_ work: () async throws -> Void) async -> String {
  do {
    try await work()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}

/// The bytes of one file of a directory.
func bytes(_ directory: String, _ file: String = "model.safetensors") throws -> Data {
  try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(file)"))
}

/// Numbers drawn from a range, for arguments and for data.
extension RandomStream {
  mutating func number(in range: Range<Int>) -> Int { range.lowerBound + Int(next() % UInt64(range.count)) }
}
