// The published config.json of each model of the line, as far as its keys change the model, and what is published or
// follows from its shapes: parameters, parameters that one token uses, bytes that the memory keeps per token.
import Testing

/// One published model.
struct PublishedModel: Sendable, CustomTestStringConvertible {
  let name: String
  let configuration: String
  let parameters: Int
  let activeParameters: Int
  /// In bfloat16, over all layers.
  let memoryBytesPerToken: Int
  var testDescription: String { name }

  private init(
    _ name: String, _ parameters: Int, active: Int? = nil, memory: Int, _ configuration: String
  ) {
    (self.name, self.parameters, self.configuration) = (name, parameters, configuration)
    (activeParameters, memoryBytesPerToken) = (active ?? parameters, memory)
  }

  private static func yarn(_ scale: Double) -> String {
    """
    {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096, "beta_fast": 32, "beta_slow": 1,
    "mscale": \(scale), "mscale_all_dim": \(scale)}
    """
  }
  private static let float8 = """
    {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8", "weight_block_size": [128, 128]}
    """

  /// What DeepSeekMoE, V2-Lite, V2 and V2.5 have in common, with the keys of one.
  private static func routed(_ type: String, _ keys: String) -> String {
    """
    {"model_type": "\(type)", "hidden_act": "silu", "attention_bias": false, "rms_norm_eps": 1e-06,
    "rope_theta": 10000, "tie_word_embeddings": false, "vocab_size": 102400, "aux_loss_alpha": 0.001, "seq_aux": true,
    "initializer_range": 0.02, "first_k_dense_replace": 1, "moe_layer_freq": 1, "norm_topk_prob": false,
    "scoring_func": "softmax", "num_experts_per_tok": 6, "n_shared_experts": 2, \(keys)}
    """
  }
  private static let latent = """
    "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
    "max_position_embeddings": 163840
    """
  private static func v2(scale: Double) -> String {
    routed(
      "deepseek_v2",
      """
      \(latent), "hidden_size": 5120, "intermediate_size": 12288, "moe_intermediate_size": 1536,
      "num_hidden_layers": 60, "num_attention_heads": 128, "num_key_value_heads": 128, "q_lora_rank": 1536,
      "n_routed_experts": 160, "topk_method": "group_limited_greedy", "n_group": 8, "topk_group": 3,
      "routed_scaling_factor": 16.0, "rope_scaling": \(yarn(scale))
      """)
  }
  private static func v3(_ type: String, _ more: String) -> String {
    """
    {"model_type": "\(type)", \(latent), "hidden_size": 7168, "intermediate_size": 18432,
    "moe_intermediate_size": 2048, "num_hidden_layers": 61, "num_attention_heads": 128, "num_key_value_heads": 128,
    "q_lora_rank": 1536, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8, "n_group": 8,
    "topk_group": 4, "topk_method": "noaux_tc", "scoring_func": "sigmoid", "norm_topk_prob": true,
    "routed_scaling_factor": 2.5, "first_k_dense_replace": 3, "moe_layer_freq": 1, "num_nextn_predict_layers": 1,
    "vocab_size": 129280, "rope_theta": 10000, "rope_scaling": \(yarn(1)), "rms_norm_eps": 1e-06, "ep_size": 1,
    "tie_word_embeddings": false, "torch_dtype": "bfloat16", "quantization_config": \(float8)\(more)}
    """
  }
  private static func dense(_ type: String, _ sizes: [Int], context: Int, theta: Int, _ more: String = "") -> String {
    """
    {"model_type": "\(type)", "hidden_size": \(sizes[0]), "intermediate_size": \(sizes[1]),
    "num_hidden_layers": \(sizes[2]), "num_attention_heads": \(sizes[3]), "num_key_value_heads": \(sizes[4]),
    "vocab_size": \(sizes[5]), "max_position_embeddings": \(context), "rope_theta": \(theta), "hidden_act": "silu",
    "rms_norm_eps": 1e-06, "tie_word_embeddings": false\(more)}
    """
  }
  private static let window = ", \"sliding_window\": 4096, \"use_sliding_window\": false, \"max_window_layers\": 21"
  private static let llama3 = """
    , "attention_bias": false, "mlp_bias": false, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
    "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    """

  static let all: [PublishedModel] = [
    PublishedModel(
      "DeepSeek LLM 7B", 6_910_365_696, memory: 491_520,
      dense("llama", [4096, 11008, 30, 32, 32, 102_400], context: 4096, theta: 10000, ", \"rope_scaling\": null")),
    PublishedModel(
      "DeepSeek LLM 67B", 67_425_001_472, memory: 389_120,
      dense("llama", [8192, 22016, 95, 64, 8, 102_400], context: 4096, theta: 10000)),
    PublishedModel(
      "DeepSeekMoE 16B", 16_375_728_128, active: 2_828_650_496, memory: 229_376,
      routed(
        "deepseek",
        """
        "hidden_size": 2048, "intermediate_size": 10944, "moe_intermediate_size": 1408, "num_hidden_layers": 28,
        "num_attention_heads": 16, "num_key_value_heads": 16, "n_routed_experts": 64,
        "max_position_embeddings": 4096, "rope_scaling": null
        """)),
    PublishedModel(
      "V2-Lite", 15_706_484_224, active: 2_661_150_208, memory: 31_104,
      routed(
        "deepseek_v2",
        """
        \(latent), "hidden_size": 2048, "intermediate_size": 10944, "moe_intermediate_size": 1408,
        "num_hidden_layers": 27, "num_attention_heads": 16, "num_key_value_heads": 16, "q_lora_rank": null,
        "n_routed_experts": 64, "topk_method": "greedy", "n_group": 1, "topk_group": 1, "routed_scaling_factor": 1.0,
        "rope_scaling": \(yarn(0.707))
        """)),
    PublishedModel("V2", 235_741_434_880, active: 21_375_800_320, memory: 69_120, v2(scale: 0.707)),
    PublishedModel("V2.5", 235_741_434_880, active: 21_375_800_320, memory: 69_120, v2(scale: 1)),
    PublishedModel("V3", 671_026_419_200, active: 37_552_297_472, memory: 70_272, v3("deepseek_v3", "")),
    // The indexer adds 13,959,424 parameters and 128 numbers of memory to each of the 61 layers.
    PublishedModel(
      "V3.2-Exp", 671_026_419_200 + 61 * 13_959_424, active: 37_552_297_472 + 61 * 13_959_424,
      memory: 70_272 + 61 * 128 * 2,
      v3("deepseek_v32", ", \"index_n_heads\": 64, \"index_head_dim\": 128, \"index_topk\": 2048")),
    PublishedModel(
      "R1-Distill-Qwen-1.5B", 1_777_088_000, memory: 28_672,
      dense("qwen2", [1536, 8960, 28, 12, 2, 151_936], context: 131_072, theta: 10000, window)),
    PublishedModel(
      "R1-Distill-Qwen-7B", 7_615_616_512, memory: 57_344,
      dense("qwen2", [3584, 18944, 28, 28, 4, 152_064], context: 131_072, theta: 10000, window)),
    PublishedModel(
      "R1-Distill-Qwen-14B", 14_770_033_664, memory: 196_608,
      dense("qwen2", [5120, 13824, 48, 40, 8, 152_064], context: 131_072, theta: 1_000_000, window)),
    PublishedModel(
      "R1-Distill-Qwen-32B", 32_763_876_352, memory: 262_144,
      dense("qwen2", [5120, 27648, 64, 40, 8, 152_064], context: 131_072, theta: 1_000_000, window)),
    PublishedModel(
      "R1-Distill-Llama-8B", 8_030_261_248, memory: 131_072,
      dense("llama", [4096, 14336, 32, 32, 8, 128_256], context: 131_072, theta: 500_000, llama3)),
    PublishedModel(
      "R1-Distill-Llama-70B", 70_553_706_496, memory: 327_680,
      dense("llama", [8192, 28672, 80, 64, 8, 128_256], context: 131_072, theta: 500_000, llama3)),
    PublishedModel(
      "R1-0528-Qwen3-8B", 8_190_735_360, memory: 147_456,
      dense(
        "qwen3", [4096, 12288, 36, 32, 8, 151_936], context: 131_072, theta: 1_000_000,
        ", \"head_dim\": 128, \"attention_bias\": false, \"sliding_window\": null, \"use_sliding_window\": false")),
  ]
}
