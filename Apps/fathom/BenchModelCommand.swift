// `fathom bench model --shape S --type T --out FILE.gguf`: a model of random weights to measure with.
import ArgumentParser
import Foundation
import GGUFModels
import Recipes

struct BenchModelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Writes a GGUF file of random weights in a real model's shape.",
    discussion: "The vocabulary is made up, but of full size and valid, so that other programs read the file too.")

  @Option(help: "The shape: \(InferenceShape.allCases.map(\.rawValue).joined(separator: " or ")).")
  var shape = InferenceShape.qwen
  @Option(
    help: "The form of matrices, as `fathom convert` has them: q8_0, q4_0, q4_k_m and others.", transform: Self.type)
  var type = ConversionType.q8_0
  @Option(help: ArgumentHelp("The file to write, which must not exist.", valueName: "file"))
  var out: String

  func run() async throws {
    guard !FileManager.default.fileExists(atPath: out) else {
      throw CommandError("\(out): already exists; a model is never written over something")
    }
    let tree = try JSONDecoder().decode(ConfigTree.self, from: Data(shape.configuration.utf8))
    let model = try SyntheticModel(tree, name: shape.rawValue)
    let bytes = try await interruptible("bench", TerminalProgress()) { [out, type] in
      try model.write(out, as: type, seed: 1)
    }
    try Output.line("\(out): \(Figures.bytes(bytes)) of tensors")
  }

  private static func type(_ text: String) throws -> ConversionType {
    guard let type = ConversionType(rawValue: text.lowercased()) else {
      let known = ConversionType.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--type is '\(text)'; known are \(known).")
    }
    return type
  }
}

/// Shapes of models that inference is measured with. Fixed, so that figures can be compared over years.
enum InferenceShape: String, CaseIterable, ExpressibleByArgument {
  /// Qwen2.5-0.5B: 494 million parameters, a tied head of 151,936 tokens.
  case qwen = "qwen2.5-0.5b"
  /// 625 million parameters with latent attention and 32 experts, of which 4 and two shared ones are active.
  case deepSeek = "deepseek2-moe"

  /// The model's config.json.
  var configuration: String {
    switch self {
    case .qwen:
      """
      {"model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896, "intermediate_size": 4864,
       "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "rms_norm_eps": 1e-06,
       "rope_theta": 1000000.0, "max_position_embeddings": 32768, "hidden_act": "silu", "tie_word_embeddings": true}
      """
    case .deepSeek:
      """
      {"model_type": "deepseek_v2", "vocab_size": 32000, "hidden_size": 1024, "intermediate_size": 4096,
       "moe_intermediate_size": 704, "num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 8,
       "q_lora_rank": 512, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
       "n_routed_experts": 32, "n_shared_experts": 2, "num_experts_per_tok": 4, "n_group": 1, "topk_group": 1,
       "norm_topk_prob": false, "routed_scaling_factor": 1.0, "first_k_dense_replace": 1, "scoring_func": "softmax",
       "topk_method": "greedy", "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "max_position_embeddings": 4096,
       "hidden_act": "silu", "tie_word_embeddings": false}
      """
    }
  }
}
