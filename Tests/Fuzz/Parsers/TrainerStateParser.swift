// What a stopped training left: checkpoints, the trainer's place, the records of a stage; continued by one step.
import Datasets
import Foundation
import Logging
import Plugins
import ProcessGraph
import Recipes
import Tensors
import Text
import TrainingStages

struct TrainerStateParser: FuzzParser {
  let name = "trainer-state"
  let parts: FuzzParts

  private static let model = """
    {model_type: deepseek_v3, hidden_size: 16, num_hidden_layers: 2, first_k_dense_replace: 1, intermediate_size: 32,
    moe_intermediate_size: 8, n_routed_experts: 4, n_shared_experts: 1, num_experts_per_tok: 2, num_attention_heads: 2,
    kv_lora_rank: 8, qk_nope_head_dim: 4, qk_rope_head_dim: 4, v_head_dim: 8, num_nextn_predict_layers: 1,
    rope_theta: 1000.0, max_position_embeddings: 64}
    """

  private func stage() throws -> Pretrain {
    var settings = PretrainSettings()
    settings.model = try ConfigTree(yaml: Self.model)
    (settings.steps, settings.batchTokens, settings.sequenceLength, settings.saveEvery) = (3, 48, 12, 1)
    return try Pretrain(settings)
  }

  /// The corpus of every attempt, outside of the input.
  private func corpus(in directory: String) throws -> CorpusArtifact {
    let path = "\(directory)/corpus"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try BPETrainer(vocabularySize: 256).train(on: [String]()).write(to: path)
    let documents = (0..<12).map { document in (0..<(3 + document)).map { TokenID(($0 * 7 + document) % 60) } }
    try TokenFile.write(documents, into: path)
    return CorpusArtifact(directory: path, fingerprint: "corpus")
  }

  private func run(in directory: String) -> Run {
    Run(
      directory: "\(directory)/run", device: parts.device, registry: parts.registry, recorder: MemoryRecorder(),
      progress: SilentProgress(), logger: Logger(label: "fuzz", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  func seeds() throws -> [FuzzInput] {
    let directory = try TemporaryDirectory("trainer-seed")
    let (corpus, stage, run) = (try corpus(in: directory.path), try stage(), run(in: directory.path))
    try Waiting.wait { _ = try await run.perform(stage, on: corpus) }
    var input = try FuzzInput(directory: directory.path) { name in
      name.hasPrefix("run/pretrain/checkpoints/step-000002/") || name == "run/pretrain/settings.yaml" ? name : nil
    }
    // What depends on the clock and on the place is made the same in every run.
    for index in input.files.indices {
      let text = input.files[index].text
      if input.files[index].name.hasSuffix("trainer.json") {
        input.files[index].bytes = Array(text.replacing(/"seconds" : [0-9.e-]+/, with: "\"seconds\" : 1.5").utf8)
      } else if input.files[index].name.hasSuffix("settings.yaml") {
        input.files[index].bytes = Array(text.replacing(directory.path, with: "/somewhere").utf8)
      }
    }
    return [input] + Self.attacks.compactMap { Self.changed(input, $0.0, $0.1) }
  }

  private static let attacks: [(String, String)] = [
    "step", "optimizerStep", "position", "epoch", "skipped", "seed", "seconds",
  ].flatMap { key in
    ["-1", "0", "1000000000000", "9223372036854775807", "-9223372036854775808", "1e308", "null", "\"x\""].map {
      (key, $0)
    }
  }

  private static func changed(_ input: FuzzInput, _ key: String, _ value: String) -> FuzzInput? {
    var input = input
    for index in input.files.indices where input.files[index].name.hasSuffix("trainer.json") {
      let text = input.files[index].text
      guard let range = text.range(of: "\"\(key)\" : ") else { return nil }
      let end = text[range.upperBound...].firstIndex { $0 == "," || $0 == "\n" } ?? text.endIndex
      input.files[index].bytes = Array(text.replacingCharacters(in: range.upperBound..<end, with: value).utf8)
    }
    return input
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    _ = try await run(in: directory).perform(stage(), on: corpus(in: directory))
    let left = try FileManager.default.subpathsOfDirectory(atPath: "\(directory)/run").filter {
      $0.hasSuffix(".partial")
    }
    guard left.isEmpty else { throw Violation("a finished run left \(left.count) partial files") }
    return "continued"
  }
}
