// From the keys of a GGUF file to the config.json that the model was published with.
// What a file leaves unsaid (the architecture's fixed choices) is filled in; what it says is never overruled.
import Checkpoints
import GGUF
import Recipes

extension GGUFArchitecture {
  /// The settings of a file as its config.json has them. Throws `CheckpointError`.
  func publishedSettings(of file: GGUFFile) throws -> PublishedSettings {
    var table: [String: ConfigTree] = [:]
    for rule in settingRules { table[rule.published] = try rule.setting(in: file, self) }
    table.merge(try RotaryScaling.settings(of: file, self)) { $1 }
    table["tie_word_embeddings"] = .bool(!file.contains("output.weight"))
    table["hidden_act"] = .string("silu")
    let embedding = try file.tensor(named: "token_embd.weight")
    guard embedding.shape.count == 2 else {
      throw CheckpointError(file.path, tensor: embedding.name, "has shape \(embedding.shape); a matrix was expected")
    }
    // The table may have rows behind the last token; config.json counts them.
    table["vocab_size"] = .int(embedding.shape[0])
    for (published, key) in [("bos_token_id", "bos"), ("eos_token_id", "eos")] {
      let key = "tokenizer.ggml.\(key)_token_id"
      if file.metadata[key] != nil { table[published] = .int(try file.count(key)) }
    }
    switch self {
    case .llama: table.merge(try plainAttention(of: file, "LlamaForCausalLM")) { $1 }
    case .qwen2: table.merge(try plainAttention(of: file, "Qwen2ForCausalLM")) { $1 }
    case .qwen3: table.merge(try plainAttention(of: file, "Qwen3ForCausalLM")) { $1 }
    case .deepseek2: try addDeepSeek(file, to: &table)
    }
    return PublishedSettings(.table(table), path: file.path)
  }

  private func plainAttention(of file: GGUFFile, _ name: String) throws -> [String: ConfigTree] {
    let hasBias = file.contains("blk.0.attn_q.bias")
    var table: [String: ConfigTree] = [
      "model_type": .string(rawValue), "architectures": .list([.string(name)]),
      "attention_bias": .bool(hasBias), "mlp_bias": .bool(false),
    ]
    let heads = try file.count("\(rawValue).attention.head_count")
    if file.metadata["\(rawValue).attention.head_count_kv"] == nil { table["num_key_value_heads"] = .int(heads) }
    if file.metadata["\(rawValue).attention.key_length"] != nil {
      table["head_dim"] = .int(try file.count("\(rawValue).attention.key_length"))
    } else if heads > 0 {
      table["head_dim"] = .int(try file.count("\(rawValue).embedding_length") / heads)
    }
    return table
  }

  private func addDeepSeek(_ file: GGUFFile, to table: inout [String: ConfigTree]) throws {
    func has(_ key: String) -> Bool { file.metadata["\(rawValue).\(key)"] != nil }
    func count(_ key: String) throws -> Int { try file.count("\(rawValue).\(key)") }
    // Newer files store the shared latent's widths as the key's and value's, and those of a head under names of their
    // own.
    let suffix = has("attention.key_length_mla") ? "_mla" : ""
    let (keyWidth, rotary) = (try count("attention.key_length\(suffix)"), try count("rope.dimension_count"))
    guard keyWidth > rotary else {
      throw CheckpointError(
        file.path,
        "the key '\(rawValue).attention.key_length\(suffix)' is \(keyWidth); more than the \(rotary) of "
          + "'\(rawValue).rope.dimension_count' was expected")
    }
    table["qk_nope_head_dim"] = .int(keyWidth - rotary)
    table["v_head_dim"] = .int(try count("attention.value_length\(suffix)"))
    table["num_key_value_heads"] = table["num_attention_heads"]
    if table["q_lora_rank"] == .int(0) { table["q_lora_rank"] = .null }
    let gating = has("expert_gating_func") ? try count("expert_gating_func") : 1
    let experts = try count("expert_count")
    if table["n_group"] == nil {
      // Files from before the key existed: of the published models, those with 256 experts have groups.
      table["n_group"] = .int(gating == 2 && experts == 256 ? 8 : 1)
      table["topk_group"] = .int(gating == 2 && experts == 256 ? 4 : 1)
    }
    switch gating {
    case 1:
      table["model_type"] = .string("deepseek_v2")
      table["architectures"] = .list([.string("DeepseekV2ForCausalLM")])
      table["scoring_func"] = .string("softmax")
      table["topk_method"] = .string(table["n_group"] == .int(1) ? "greedy" : "group_limited_greedy")
    case 2:
      table["model_type"] = .string("deepseek_v3")
      table["architectures"] = .list([.string("DeepseekV3ForCausalLM")])
      table["scoring_func"] = .string("sigmoid")
      table["topk_method"] = .string("noaux_tc")
    default:
      throw CheckpointError(
        file.path, "the key '\(rawValue).expert_gating_func' is \(gating); 1 (softmax) and 2 (sigmoid) are understood")
    }
    table["norm_topk_prob"] = table["norm_topk_prob"] ?? .bool(gating == 2)
    table["routed_scaling_factor"] = table["routed_scaling_factor"] ?? .double(1)
    table["n_shared_experts"] = table["n_shared_experts"] ?? .int(0)
    table["first_k_dense_replace"] = table["first_k_dense_replace"] ?? .int(0)
    (table["moe_layer_freq"], table["num_nextn_predict_layers"]) = (.int(1), .int(0))
    table["attention_bias"] = .bool(false)
  }
}
