// The models and batches that `fathom bench train` trains. Fixed, so that figures can be compared over years.
import ArgumentParser

/// A model and the batch it is trained on.
enum BenchShape: String, CaseIterable, ExpressibleByArgument {
  /// 10 million parameters, a few times what a demo trains.
  case mini
  /// 107 million parameters: larger products, and an update that is bound by memory.
  case small

  /// Rows of one step.
  var batch: Int {
    switch self {
    case .mini: 16
    case .small: 8
    }
  }

  /// Tokens of one row.
  var sequenceLength: Int {
    switch self {
    case .mini: 256
    case .small: 512
    }
  }

  var tokens: Int { batch * sequenceLength }

  /// The model's config.json. Ours and the peer build from the same text.
  var configuration: String {
    switch self {
    case .mini:
      """
      {"model_type": "deepseek_v3", "vocab_size": 2048, "hidden_size": 256, "num_hidden_layers": 6,
       "first_k_dense_replace": 1, "intermediate_size": 512, "moe_intermediate_size": 128,
       "num_attention_heads": 4, "num_key_value_heads": 4, "q_lora_rank": 96, "kv_lora_rank": 64,
       "qk_rope_head_dim": 16, "qk_nope_head_dim": 32, "v_head_dim": 32,
       "n_routed_experts": 16, "num_experts_per_tok": 2, "n_shared_experts": 1, \(Self.common)}
      """
    case .small:
      """
      {"model_type": "deepseek_v3", "vocab_size": 8192, "hidden_size": 512, "num_hidden_layers": 8,
       "first_k_dense_replace": 1, "intermediate_size": 1536, "moe_intermediate_size": 256,
       "num_attention_heads": 8, "num_key_value_heads": 8, "q_lora_rank": 192, "kv_lora_rank": 128,
       "qk_rope_head_dim": 32, "qk_nope_head_dim": 64, "v_head_dim": 64,
       "n_routed_experts": 32, "num_experts_per_tok": 4, "n_shared_experts": 1, \(Self.common)}
      """
    }
  }

  private static let common = """
    "n_group": 1, "topk_group": 1,
     "norm_topk_prob": true, "routed_scaling_factor": 1.0, "num_nextn_predict_layers": 0,
     "max_position_embeddings": 512, "rope_theta": 10000.0, "rms_norm_eps": 1e-06, "initializer_range": 0.02,
     "tie_word_embeddings": false, "torch_dtype": "float32"
    """
}
