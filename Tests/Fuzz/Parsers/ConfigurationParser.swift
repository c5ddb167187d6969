// config.json of every family: described, and built from fresh weights where it is small.
import Foundation
import LanguageModels
import Layers

struct ConfigurationParser: FuzzParser {
  let name = "configuration"
  let goldens: Goldens
  let parts: FuzzParts

  func seeds() throws -> [FuzzInput] {
    let configurations = try goldens.checkpoints().map { try goldens.bytes("parity/\($0)/config.json") }
    let attacked = try ["v3", "v32", "llama", "qwen3", "v2-yarn"].flatMap { name in
      let text = String(decoding: try goldens.bytes("parity/\(name)/config.json"), as: UTF8.self)
      return Self.attacks.compactMap { Self.replacing($0.0, by: $0.1, in: text) }
    }
    return configurations.map { FuzzInput("config.json", $0) } + attacked.map { FuzzInput("config.json", $0) }
      + [
        "", "[]", "null", "{}", #"{"model_type": 5}"#, #"{"model_type": "x\ny"}"#, #"{"model_type": "deepseek_v3"}"#,
        String(repeating: "[", count: 100_000), String(repeating: #"{"a":"#, count: 100_000),
      ].map { FuzzInput("config.json", $0) }
  }

  /// Sizes of nothing, of 10⁹ and beyond, and of what does not divide.
  private static let attacks: [(String, String)] = [
    "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "hidden_size", "intermediate_size", "vocab_size",
    "n_routed_experts", "num_experts_per_tok", "n_group", "topk_group", "kv_lora_rank", "q_lora_rank",
    "qk_rope_head_dim",
    "qk_nope_head_dim", "v_head_dim", "head_dim", "max_position_embeddings", "first_k_dense_replace",
    "n_shared_experts",
    "moe_intermediate_size", "num_nextn_predict_layers", "index_topk", "index_n_heads", "index_head_dim", "rope_theta",
    "rms_norm_eps", "routed_scaling_factor", "moe_layer_freq",
  ].flatMap { key in
    ["0", "-1", "1", "3", "1000000000", "16777216", "9223372036854775807", "1e308", "null"].map { (key, $0) }
  }

  private static func replacing(_ key: String, by value: String, in text: String) -> String? {
    guard let range = text.range(of: "\"\(key)\": ") else { return nil }
    let end = text[range.upperBound...].firstIndex { $0 == "," || $0 == "\n" } ?? text.endIndex
    return text.replacingCharacters(in: range.upperBound..<end, with: value)
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let model = ModelDirectory(directory)
    let (family, configuration) = (try model.family(parts.registry), try model.configuration())
    let description = try family.describe(configuration)
    guard description.parameters > 0, description.flopsPerToken > 0 else {
      throw Violation("a configuration was taken that has \(description.parameters) parameters")
    }
    try ModelUse.checkSize(model, parts)
    let weights = FreshWeights(seed: 1, standardDeviation: 0.02, on: parts.device)
    return try await ModelUse.writeTokens(
      try family.build(configuration, Weights(weights), parts.device), tokenizer: nil)
  }
}
