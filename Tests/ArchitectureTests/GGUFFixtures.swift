// Small published checkpoints of every architecture that has a place in a GGUF file, with random weights.
import Checkpoints
import Foundation
import Recipes
import Tensors
import Testing

@testable import GGUFModels

/// A directory of its own for one test, removed with it.
final class ModelScratch {
  let path = FileManager.default.temporaryDirectory.path + "/gguf-models-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  var contents: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? ["?"] }
}

/// A model as config.json and the shapes of its tensors.
struct TinyCheckpoint: Sendable, CustomTestStringConvertible {
  let name: String
  let configuration: String
  let shapes: [String: [Int]]
  var testDescription: String { name }

  static let all = [llama, qwen2, qwen3, deepSeekV3, deepSeekV2]
  static func named(_ name: String) -> TinyCheckpoint? { all.first { $0.name == name } }

  /// The tensors in alphabetical order; each depends on its name only.
  func tensors(_ type: StoredType = .f32) -> [TensorToStore] {
    shapes.sorted { $0.key < $1.key }.map { name, shape in
      TensorToStore(name, type, shape, Self.bytes(Self.numbers(name, shape), type))
    }
  }
  static func numbers(_ name: String, _ shape: [Int]) -> [Float] {
    var random = RandomStream(seed: 9, path: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    // Sixteen bits hold these exactly.
    return (0..<shape.reduce(1, *)).map { _ in Float(Int(random.next() % 255) - 127) / 64 }
  }
  static func bytes(_ numbers: [Float], _ type: StoredType) -> [UInt8] {
    numbers.flatMap { x -> [UInt8] in
      type == .bf16
        ? [UInt8(x.bitPattern >> 16 & 255), UInt8(x.bitPattern >> 24)]
        : withUnsafeBytes(of: x.bitPattern.littleEndian) { Array($0) }
    }
  }

  /// Writes the model into a fresh directory.
  func write(to directory: String, _ type: StoredType = .f32, adding extra: [TensorToStore] = []) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try DurableFile.write(configuration, to: "\(directory)/config.json")
    try SafetensorsWriter().write(tensors(type) + extra, in: directory)
  }

  var settings: ConfigTree {
    get throws { try JSONDecoder().decode(ConfigTree.self, from: Data(configuration.utf8)) }
  }
}

/// Tensors of a decoder, by their published names.
private func decoder(
  vocabulary: Int, hidden: Int, inner: Int, layers: Int, isTied: Bool, _ attention: [String: [Int]],
  dense: Range<Int>, others: [String: [Int]] = [:]
) -> [String: [Int]] {
  var shapes = ["model.embed_tokens.weight": [vocabulary, hidden], "model.norm.weight": [hidden]]
  if !isTied { shapes["lm_head.weight"] = [vocabulary, hidden] }
  for layer in 0..<layers {
    let place = "model.layers.\(layer)"
    shapes["\(place).input_layernorm.weight"] = [hidden]
    shapes["\(place).post_attention_layernorm.weight"] = [hidden]
    for (name, shape) in attention { shapes["\(place).self_attn.\(name)"] = shape }
    if dense.contains(layer) {
      shapes["\(place).mlp.gate_proj.weight"] = [inner, hidden]
      shapes["\(place).mlp.up_proj.weight"] = [inner, hidden]
      shapes["\(place).mlp.down_proj.weight"] = [hidden, inner]
    } else {
      for (name, shape) in others { shapes["\(place).mlp.\(name)"] = shape }
    }
  }
  return shapes
}

private func experts(_ count: Int, hidden: Int, inner: Int, bias: Bool) -> [String: [Int]] {
  var shapes = ["gate.weight": [count, hidden]]
  if bias { shapes["gate.e_score_correction_bias"] = [count] }
  for place in (0..<count).map({ "experts.\($0)" }) + ["shared_experts"] {
    shapes["\(place).gate_proj.weight"] = [inner, hidden]
    shapes["\(place).up_proj.weight"] = [inner, hidden]
    shapes["\(place).down_proj.weight"] = [hidden, inner]
  }
  return shapes
}

extension TinyCheckpoint {
  static let llama = TinyCheckpoint(
    name: "llama",
    configuration: """
      {"model_type": "llama", "vocab_size": 48, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 131072, "rms_norm_eps": 1e-05,
       "rope_theta": 500000.0, "hidden_act": "silu", "tie_word_embeddings": false, "torch_dtype": "float32",
       "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192}}
      """,
    shapes: decoder(
      vocabulary: 48, hidden: 32, inner: 64, layers: 2, isTied: false,
      [
        "q_proj.weight": [32, 32], "k_proj.weight": [16, 32], "v_proj.weight": [16, 32], "o_proj.weight": [32, 32],
      ], dense: 0..<2))

  static let qwen2 = TinyCheckpoint(
    name: "qwen2",
    configuration: """
      {"model_type": "qwen2", "vocab_size": 40, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096, "rms_norm_eps": 1e-06,
       "rope_theta": 10000, "hidden_act": "silu", "tie_word_embeddings": false}
      """,
    shapes: decoder(
      vocabulary: 40, hidden: 32, inner: 48, layers: 2, isTied: false,
      [
        "q_proj.weight": [32, 32], "k_proj.weight": [16, 32], "v_proj.weight": [16, 32], "o_proj.weight": [32, 32],
        "q_proj.bias": [32], "k_proj.bias": [16], "v_proj.bias": [16],
      ], dense: 0..<2))

  static let qwen3 = TinyCheckpoint(
    name: "qwen3",
    configuration: """
      {"model_type": "qwen3", "vocab_size": 40, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096,
       "rms_norm_eps": 1e-06, "rope_theta": 1000000, "tie_word_embeddings": true,
       "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024}}
      """,
    shapes: decoder(
      vocabulary: 40, hidden: 32, inner: 48, layers: 2, isTied: true,
      [
        "q_proj.weight": [64, 32], "k_proj.weight": [32, 32], "v_proj.weight": [32, 32], "o_proj.weight": [32, 64],
        "q_norm.weight": [16], "k_norm.weight": [16],
      ], dense: 0..<2))

  static let deepSeekV3 = TinyCheckpoint(
    name: "deepseek_v3",
    configuration: """
      {"model_type": "deepseek_v3", "vocab_size": 48, "hidden_size": 32, "intermediate_size": 40,
       "moe_intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 2,
       "q_lora_rank": 16, "kv_lora_rank": 12, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 6,
       "n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2, "n_group": 2, "topk_group": 1,
       "norm_topk_prob": true, "routed_scaling_factor": 2.5, "first_k_dense_replace": 1, "scoring_func": "sigmoid",
       "topk_method": "noaux_tc", "rms_norm_eps": 1e-06, "max_position_embeddings": 163840, "rope_theta": 10000,
       "tie_word_embeddings": false,
       "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096, "beta_fast": 32,
        "beta_slow": 1, "mscale": 0.707, "mscale_all_dim": 0.707}}
      """,
    shapes: decoder(
      vocabulary: 48, hidden: 32, inner: 40, layers: 3, isTied: false,
      [
        "q_a_proj.weight": [16, 32], "q_a_layernorm.weight": [16], "q_b_proj.weight": [24, 16],
        "kv_a_proj_with_mqa.weight": [16, 32], "kv_a_layernorm.weight": [12], "kv_b_proj.weight": [28, 12],
        "o_proj.weight": [32, 12],
      ], dense: 0..<1, others: experts(4, hidden: 32, inner: 24, bias: true)))

  static let deepSeekV2 = TinyCheckpoint(
    name: "deepseek_v2",
    configuration: """
      {"model_type": "deepseek_v2", "vocab_size": 48, "hidden_size": 32, "intermediate_size": 40,
       "moe_intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
       "q_lora_rank": null, "kv_lora_rank": 12, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 6,
       "n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1,
       "norm_topk_prob": false, "routed_scaling_factor": 1.0, "first_k_dense_replace": 1, "scoring_func": "softmax",
       "topk_method": "greedy", "rms_norm_eps": 1e-06, "max_position_embeddings": 4096, "rope_theta": 10000,
       "tie_word_embeddings": false}
      """,
    shapes: decoder(
      vocabulary: 48, hidden: 32, inner: 40, layers: 2, isTied: false,
      [
        "q_proj.weight": [24, 32], "kv_a_proj_with_mqa.weight": [16, 32], "kv_a_layernorm.weight": [12],
        "kv_b_proj.weight": [28, 12], "o_proj.weight": [32, 12],
      ], dense: 0..<1, others: experts(4, hidden: 32, inner: 24, bias: false)))
}
