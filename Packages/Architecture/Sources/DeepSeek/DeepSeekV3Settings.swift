// The published config.json of DeepSeek-V3, R1 and their miniatures, read unmodified.
import Foundation
import LanguageModels

/// The settings of one model, validated: nothing in it can make the mathematics trap.
public struct DeepSeekV3Settings: Sendable {
  /// `vocab_size`: rows of the embedding and of the head.
  public var vocabularySize: Int
  /// `hidden_size`: the width D of the stream between layers.
  public var hiddenSize: Int
  /// `intermediate_size`: the inner width of dense feed-forward layers.
  public var intermediateSize: Int
  /// `moe_intermediate_size`: the inner width of one expert.
  public var expertIntermediateSize: Int
  /// `num_hidden_layers`, the prediction module not counted.
  public var layers: Int
  /// `num_attention_heads`.
  public var heads: Int
  /// `q_lora_rank`: the width between the two projections of queries; nil for a single one.
  public var queryRank: Int?
  /// `kv_lora_rank`: the width of the latent that keys and values are expanded from.
  public var latentRank: Int
  /// `qk_nope_head_dim`: the part of each head's query and key that knows no position.
  public var noPositionWidth: Int
  /// `qk_rope_head_dim`: the part that is rotated; all heads share its key.
  public var rotaryWidth: Int
  /// `v_head_dim`: the width of each head's value.
  public var valueWidth: Int
  /// `n_routed_experts`.
  public var routedExperts: Int
  /// `n_shared_experts`: experts that every token passes, built as one of their joint width.
  public var sharedExperts: Int
  /// `num_experts_per_tok`: routed experts that each token passes.
  public var expertsPerToken: Int
  /// `n_group`: groups of equal size that the routed experts are cut into.
  public var expertGroups: Int
  /// `topk_group`: groups that the experts of one token may come from.
  public var chosenGroups: Int
  /// `norm_topk_prob`: whether the weights of a token's experts are made to sum to 1, before they are scaled.
  public var normalizesChosenWeights: Bool
  /// `routed_scaling_factor`: multiplies the weights of the chosen experts.
  public var routedScale: Double
  /// `first_k_dense_replace`: layers with a dense feed-forward layer, before the routed ones.
  public var leadingDenseLayers: Int
  /// `num_nextn_predict_layers`: 1 with the module that predicts one token further, 0 without.
  public var predictionLayers: Int
  /// `rms_norm_eps`; the norms inside latent attention use 1e-6 as published.
  public var normEpsilon: Double
  /// `max_position_embeddings`, in tokens.
  public var contextLength: Int
  /// `tie_word_embeddings`: whether the head is the embedding's table.
  public var isHeadTied: Bool
  /// `rope_interleave`: whether neighbours (2i, 2i + 1) are turned together, and not halves.
  public var isRotaryInterleaved: Bool
  /// `rope_theta` with `rope_scaling` or `rope_parameters`.
  public var rotary: RotarySettings
  /// `initializer_range`: the standard deviation of fresh matrices.
  public var initializerRange: Double

  /// Width of a query or key: nope and rope part side by side.
  public var keyWidth: Int { noPositionWidth + rotaryWidth }
  /// Whether this layer, counted from 0, has a dense feed-forward layer and not a routed one.
  public func isDense(_ layer: Int) -> Bool { layer < leadingDenseLayers }

  /// Throws `ModelError` naming the first key that cannot be.
  public init(_ configuration: [UInt8]) throws {
    let file: PublishedConfiguration
    do {
      file = try JSONDecoder().decode(PublishedConfiguration.self, from: Data(configuration))
    } catch DecodingError.keyNotFound(let key, _) {
      throw ModelError("config.json: '\(key.stringValue)' is missing; a deepseek_v3 model needs it")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context)
    {
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw ModelError("config.json: '\(key.isEmpty ? "<file>" : key)' cannot be read: \(context.debugDescription)")
    }
    vocabularySize = file.vocab_size
    hiddenSize = file.hidden_size
    intermediateSize = file.intermediate_size
    expertIntermediateSize = file.moe_intermediate_size
    layers = file.num_hidden_layers
    heads = file.num_attention_heads
    queryRank = file.q_lora_rank
    latentRank = file.kv_lora_rank
    noPositionWidth = file.qk_nope_head_dim
    rotaryWidth = file.qk_rope_head_dim
    valueWidth = file.v_head_dim
    routedExperts = file.n_routed_experts
    sharedExperts = file.n_shared_experts ?? 0
    expertsPerToken = file.num_experts_per_tok
    expertGroups = file.n_group ?? 1
    chosenGroups = file.topk_group ?? 1
    normalizesChosenWeights = file.norm_topk_prob ?? true
    routedScale = file.routed_scaling_factor ?? 1
    leadingDenseLayers = file.first_k_dense_replace ?? 0
    predictionLayers = file.num_nextn_predict_layers ?? 0
    normEpsilon = file.rms_norm_eps ?? 1e-6
    contextLength = file.max_position_embeddings ?? 4096
    isHeadTied = file.tie_word_embeddings ?? false
    isRotaryInterleaved = file.rope_interleave ?? true
    initializerRange = file.initializer_range ?? 0.02
    rotary = try RotarySettings(file)
    try validate(file)
  }

  private func validate(_ file: PublishedConfiguration) throws {
    func require(_ holds: Bool, _ key: String, _ found: some Any, _ wanted: String) throws {
      if !holds { throw ModelError("config.json: '\(key)' is \(found); it must be \(wanted)") }
    }
    let sizes: [(String, Int)] = [
      ("vocab_size", vocabularySize), ("hidden_size", hiddenSize), ("intermediate_size", intermediateSize),
      ("moe_intermediate_size", expertIntermediateSize), ("num_hidden_layers", layers), ("num_attention_heads", heads),
      ("kv_lora_rank", latentRank), ("qk_nope_head_dim", noPositionWidth), ("qk_rope_head_dim", rotaryWidth),
      ("v_head_dim", valueWidth), ("n_routed_experts", routedExperts), ("num_experts_per_tok", expertsPerToken),
      ("n_group", expertGroups), ("topk_group", chosenGroups), ("max_position_embeddings", contextLength),
      ("q_lora_rank", queryRank ?? 1),
    ]
    for (key, value) in sizes { try require(value >= 1 && value <= 1 << 24, key, value, "between 1 and 16777216") }
    try require(rotaryWidth % 2 == 0, "qk_rope_head_dim", rotaryWidth, "even")
    try require(sharedExperts >= 0 && sharedExperts < 1024, "n_shared_experts", sharedExperts, "0 or more")
    try require(leadingDenseLayers >= 0, "first_k_dense_replace", leadingDenseLayers, "0 or more")
    try require((0...1).contains(predictionLayers), "num_nextn_predict_layers", predictionLayers, "0 or 1")
    try require(
      routedExperts % expertGroups == 0, "n_group", expertGroups, "a divisor of n_routed_experts \(routedExperts)")
    try require(chosenGroups <= expertGroups, "topk_group", chosenGroups, "at most n_group \(expertGroups)")
    let reachable = routedExperts / expertGroups * chosenGroups
    try require(
      expertsPerToken <= reachable, "num_experts_per_tok", expertsPerToken,
      "at most the \(reachable) experts of the chosen groups")
    try require(normEpsilon >= 0 && normEpsilon.isFinite, "rms_norm_eps", normEpsilon, "a number of at least 0")
    try require(file.attention_bias != true, "attention_bias", true, "false; biased attention is not built")
    try require(file.scoring_func.map { $0 == "sigmoid" } ?? true, "scoring_func", file.scoring_func ?? "", "sigmoid")
    try require(file.topk_method.map { $0 == "noaux_tc" } ?? true, "topk_method", file.topk_method ?? "", "noaux_tc")
    try require(file.hidden_act.map { $0 == "silu" } ?? true, "hidden_act", file.hidden_act ?? "", "silu")
    try require((file.moe_layer_freq ?? 1) == 1, "moe_layer_freq", file.moe_layer_freq ?? 1, "1")
    try require(
      file.quantization_config == nil, "quantization_config", "present", "absent: quantised weights are not read yet")
  }
}

/// The keys as they are published. Keys that are not named here do not change the model.
struct PublishedConfiguration: Decodable {
  struct Rope: Decodable {
    let rope_type: String?
    let type: String?
    let rope_theta: Double?
    let factor: Double?
    let beta_fast: Double?
    let beta_slow: Double?
    let mscale: Double?
    let mscale_all_dim: Double?
    let original_max_position_embeddings: Int?
  }
  struct Anything: Decodable {}
  let vocab_size: Int
  let hidden_size: Int
  let intermediate_size: Int
  let moe_intermediate_size: Int
  let num_hidden_layers: Int
  let num_attention_heads: Int
  let q_lora_rank: Int?
  let kv_lora_rank: Int
  let qk_nope_head_dim: Int
  let qk_rope_head_dim: Int
  let v_head_dim: Int
  let n_routed_experts: Int
  let n_shared_experts: Int?
  let num_experts_per_tok: Int
  let n_group: Int?
  let topk_group: Int?
  let norm_topk_prob: Bool?
  let routed_scaling_factor: Double?
  let first_k_dense_replace: Int?
  let num_nextn_predict_layers: Int?
  let rms_norm_eps: Double?
  let max_position_embeddings: Int?
  let tie_word_embeddings: Bool?
  let rope_interleave: Bool?
  let initializer_range: Double?
  let attention_bias: Bool?
  let scoring_func: String?
  let topk_method: String?
  let hidden_act: String?
  let moe_layer_freq: Int?
  let rope_theta: Double?
  let rope_scaling: Rope?
  let rope_parameters: Rope?
  let quantization_config: Anything?
}
