// The architectures whose GGUF files are understood, and the checkpoints that they are converted from and to.
// Everything that differs between them is a table: tensors here, settings in SettingRules.

/// An architecture under the name that GGUF files give it in `general.architecture`.
public enum GGUFArchitecture: String, Sendable, CaseIterable {
  case llama, qwen2, qwen3
  /// DeepSeek-V2 and V3, R1 included: latent attention and a mixture of experts.
  case deepseek2

  /// The architecture of a published `model_type`.
  public init?(modelType: String) {
    switch modelType {
    case "llama": self = .llama
    case "qwen2": self = .qwen2
    case "qwen3": self = .qwen3
    case "deepseek_v2", "deepseek_v3": self = .deepseek2
    default: return nil
    }
  }

  /// Every `model_type` that has an architecture here.
  static let modelTypes = ["llama", "qwen2", "qwen3", "deepseek_v2", "deepseek_v3"]
}

/// How a tensor of the file is made of those of the checkpoint.
enum TensorArrangement: Sendable, Equatable {
  /// Number by number the same.
  case same
  /// Rows of each head interleaved: the file turns neighbours (2i, 2i + 1), the checkpoint halves (i, i + d/2).
  case queryRows, keyRows
  /// One matrix per expert, stacked.
  case experts
  /// The part of `kv_b_proj` that makes keys, transposed head by head: [heads, latent, nope].
  case latentKeys
  /// The part that makes values: [heads, value, latent].
  case latentValues
}

/// A tensor's two names. `{n}` stands for the layer and `{e}` for the expert.
struct TensorRule: Sendable {
  let checkpoint: String
  let file: String
  let arrangement: TensorArrangement
  init(_ checkpoint: String, _ file: String, _ arrangement: TensorArrangement = .same) {
    (self.checkpoint, self.file, self.arrangement) = (checkpoint, file, arrangement)
  }

  var isPerLayer: Bool { file.contains("{n}") }
  func checkpointName(layer: Int = 0, expert: Int = 0) -> String {
    checkpoint.replacing("{n}", with: "\(layer)").replacing("{e}", with: "\(expert)")
  }
  func fileName(layer: Int = 0) -> String { file.replacing("{n}", with: "\(layer)") }
}

extension GGUFArchitecture {
  /// Every tensor that a model of this architecture can have.
  var tensorRules: [TensorRule] {
    let attention: [TensorRule]
    switch self {
    case .llama: attention = Self.plainAttention(.queryRows, .keyRows)
    case .qwen2: attention = Self.plainAttention(.same, .same)
    case .qwen3:
      attention =
        Self.plainAttention(.same, .same) + [
          TensorRule("model.layers.{n}.self_attn.q_norm.weight", "blk.{n}.attn_q_norm.weight"),
          TensorRule("model.layers.{n}.self_attn.k_norm.weight", "blk.{n}.attn_k_norm.weight"),
        ]
    case .deepseek2: attention = Self.latentAttention + Self.mixtureOfExperts
    }
    return Self.everywhere + attention
  }

  private static let everywhere = [
    TensorRule("model.embed_tokens.weight", "token_embd.weight"),
    TensorRule("model.norm.weight", "output_norm.weight"),
    TensorRule("lm_head.weight", "output.weight"),
    TensorRule("model.layers.{n}.input_layernorm.weight", "blk.{n}.attn_norm.weight"),
    TensorRule("model.layers.{n}.post_attention_layernorm.weight", "blk.{n}.ffn_norm.weight"),
    TensorRule("model.layers.{n}.self_attn.o_proj.weight", "blk.{n}.attn_output.weight"),
    TensorRule("model.layers.{n}.mlp.gate_proj.weight", "blk.{n}.ffn_gate.weight"),
    TensorRule("model.layers.{n}.mlp.up_proj.weight", "blk.{n}.ffn_up.weight"),
    TensorRule("model.layers.{n}.mlp.down_proj.weight", "blk.{n}.ffn_down.weight"),
  ]

  private static func plainAttention(_ query: TensorArrangement, _ key: TensorArrangement) -> [TensorRule] {
    ["weight", "bias"].flatMap { part in
      [
        TensorRule("model.layers.{n}.self_attn.q_proj.\(part)", "blk.{n}.attn_q.\(part)", query),
        TensorRule("model.layers.{n}.self_attn.k_proj.\(part)", "blk.{n}.attn_k.\(part)", key),
        TensorRule("model.layers.{n}.self_attn.v_proj.\(part)", "blk.{n}.attn_v.\(part)"),
      ]
    } + [TensorRule("model.layers.{n}.self_attn.o_proj.bias", "blk.{n}.attn_output.bias")]
  }

  /// Files before 2025 hold `attn_kv_b` whole; newer ones hold its two halves instead.
  private static let latentAttention = [
    TensorRule("model.layers.{n}.self_attn.q_proj.weight", "blk.{n}.attn_q.weight"),
    TensorRule("model.layers.{n}.self_attn.q_a_proj.weight", "blk.{n}.attn_q_a.weight"),
    TensorRule("model.layers.{n}.self_attn.q_a_layernorm.weight", "blk.{n}.attn_q_a_norm.weight"),
    TensorRule("model.layers.{n}.self_attn.q_b_proj.weight", "blk.{n}.attn_q_b.weight"),
    TensorRule("model.layers.{n}.self_attn.kv_a_proj_with_mqa.weight", "blk.{n}.attn_kv_a_mqa.weight"),
    TensorRule("model.layers.{n}.self_attn.kv_a_layernorm.weight", "blk.{n}.attn_kv_a_norm.weight"),
    TensorRule("model.layers.{n}.self_attn.kv_b_proj.weight", "blk.{n}.attn_kv_b.weight"),
    TensorRule("model.layers.{n}.self_attn.kv_b_proj.weight", "blk.{n}.attn_k_b.weight", .latentKeys),
    TensorRule("model.layers.{n}.self_attn.kv_b_proj.weight", "blk.{n}.attn_v_b.weight", .latentValues),
  ]

  private static let mixtureOfExperts = [
    TensorRule("model.layers.{n}.mlp.gate.weight", "blk.{n}.ffn_gate_inp.weight"),
    TensorRule("model.layers.{n}.mlp.gate.e_score_correction_bias", "blk.{n}.exp_probs_b.bias"),
    TensorRule("model.layers.{n}.mlp.experts.{e}.gate_proj.weight", "blk.{n}.ffn_gate_exps.weight", .experts),
    TensorRule("model.layers.{n}.mlp.experts.{e}.up_proj.weight", "blk.{n}.ffn_up_exps.weight", .experts),
    TensorRule("model.layers.{n}.mlp.experts.{e}.down_proj.weight", "blk.{n}.ffn_down_exps.weight", .experts),
    TensorRule("model.layers.{n}.mlp.shared_experts.gate_proj.weight", "blk.{n}.ffn_gate_shexp.weight"),
    TensorRule("model.layers.{n}.mlp.shared_experts.up_proj.weight", "blk.{n}.ffn_up_shexp.weight"),
    TensorRule("model.layers.{n}.mlp.shared_experts.down_proj.weight", "blk.{n}.ffn_down_shexp.weight"),
  ]
}
