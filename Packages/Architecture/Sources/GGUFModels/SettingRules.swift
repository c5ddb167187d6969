// The settings that have one key in config.json and one in a GGUF file: a table that is read in both directions.
// What needs more than a rename (rotary scaling, routing, the widths of latent attention) is in the files beside.
import GGUF
import Recipes

/// A setting's two keys.
struct SettingRule: Sendable {
  enum Kind: Sendable { case count, number, flag }
  /// In config.json.
  let published: String
  /// In the file, behind the architecture's name and a dot.
  let key: String
  let kind: Kind
  let isRequired: Bool
  init(_ published: String, _ key: String, _ kind: Kind = .count, isRequired: Bool = true) {
    (self.published, self.key, self.kind, self.isRequired) = (published, key, kind, isRequired)
  }

  /// The setting as a value of the file; nil when config.json does not have it.
  func value(in settings: PublishedSettings) throws -> GGUFValue? {
    let value: GGUFValue? =
      switch kind {
      case .count: try settings.count(published).map { .uint32(UInt32($0)) }
      case .number: try settings.number(published).map { .float32(Float($0)) }
      case .flag: try settings.flag(published).map { .bool($0) }
      }
    if value == nil && isRequired { throw settings.reject(published, kind.wanted) }
    return value
  }

  /// The setting as config.json has it; nil when the file does not have its key.
  func setting(in file: GGUFFile, _ architecture: GGUFArchitecture) throws -> ConfigTree? {
    let key = "\(architecture.rawValue).\(key)"
    guard isRequired || file.metadata[key] != nil else { return nil }
    switch kind {
    case .count: return .int(try file.count(key))
    case .number: return .double(try file.number(key))
    case .flag: return .bool(try file.flag(key))
    }
  }
}

extension SettingRule.Kind {
  fileprivate var wanted: String {
    switch self {
    case .count: "a whole number from 0 to 2147483647"
    case .number: "a finite number"
    case .flag: "true or false"
    }
  }
}

extension GGUFArchitecture {
  var settingRules: [SettingRule] {
    switch self {
    case .llama, .qwen2, .qwen3: Self.everywhere + Self.plainAttention
    case .deepseek2: Self.everywhere + Self.deepSeek
    }
  }

  /// What a config.json means by leaving a setting out. A GGUF file says it: its readers have defaults of their own.
  func defaults(modelType: String) -> [String: ConfigTree] {
    var defaults: [String: ConfigTree] = ["rms_norm_eps": .double(1e-6)]
    if self == .deepseek2 {
      let isV3 = modelType == "deepseek_v3"
      defaults["scoring_func"] = .string(isV3 ? "sigmoid" : "softmax")
      defaults["norm_topk_prob"] = .bool(isV3)
      defaults["routed_scaling_factor"] = .double(1)
      defaults["max_position_embeddings"] = .int(4096)
      for key in ["n_group", "topk_group"] { defaults[key] = .int(1) }
      for key in ["n_shared_experts", "first_k_dense_replace"] { defaults[key] = .int(0) }
    }
    return defaults
  }

  private static let everywhere = [
    SettingRule("num_hidden_layers", "block_count"),
    SettingRule("max_position_embeddings", "context_length"),
    SettingRule("hidden_size", "embedding_length"),
    SettingRule("intermediate_size", "feed_forward_length"),
    SettingRule("num_attention_heads", "attention.head_count"),
    SettingRule("rms_norm_eps", "attention.layer_norm_rms_epsilon", .number),
    SettingRule("vocab_size", "vocab_size", isRequired: false),
  ]
  private static let plainAttention = [
    SettingRule("num_key_value_heads", "attention.head_count_kv", isRequired: false)
  ]
  private static let deepSeek = [
    SettingRule("q_lora_rank", "attention.q_lora_rank", isRequired: false),
    SettingRule("kv_lora_rank", "attention.kv_lora_rank"),
    SettingRule("qk_rope_head_dim", "rope.dimension_count"),
    SettingRule("moe_intermediate_size", "expert_feed_forward_length"),
    SettingRule("n_routed_experts", "expert_count"),
    SettingRule("n_shared_experts", "expert_shared_count", isRequired: false),
    SettingRule("num_experts_per_tok", "expert_used_count"),
    SettingRule("n_group", "expert_group_count", isRequired: false),
    SettingRule("topk_group", "expert_group_used_count", isRequired: false),
    SettingRule("first_k_dense_replace", "leading_dense_block_count", isRequired: false),
    SettingRule("routed_scaling_factor", "expert_weights_scale", .number, isRequired: false),
    SettingRule("norm_topk_prob", "expert_weights_norm", .flag, isRequired: false),
  ]
}
