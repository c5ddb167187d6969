// The published config.json of DeepSeek's routed models, read unmodified: DeepSeekMoE, V2, V3 and R1, V3.2. They are one
// decoder; how they differ is in values.
import LanguageModels
import Llama

/// The settings of one model, validated: nothing in it can make the mathematics trap.
public struct DeepSeekV3Settings: Sendable {
  /// `model_type`: deepseek, deepseek_v2, deepseek_v3 or deepseek_v32.
  public var modelType: String
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
  /// Attention with keys and values of their own, as in DeepSeekMoE; nil for latent attention. The widths of latent
  /// attention mean nothing with it, apart from the rotary one, which is the head's.
  public var groupedQuery: GroupedQuerySettings?
  /// What chooses the keys that latent attention sees; nil for all of them.
  public var indexer: IndexerSettings?
  /// `attention_bias`: whether the projections down to the ranks, and the one after attention, have biases.
  public var hasAttentionBias: Bool
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
  /// `scoring_func`: what becomes of the products with the gate.
  public var scoring: ExpertScoring
  /// `topk_method`: which experts are chosen by their scores.
  public var choice: ExpertChoice
  /// `norm_topk_prob`: whether the weights of a token's experts are made to sum to 1, before they are scaled.
  public var normalizesChosenWeights: Bool
  /// `routed_scaling_factor`: multiplies the weights of the chosen experts.
  public var routedScale: Double
  /// Whether weights that sum to 1 are scaled too; before V3 they are not.
  public var scalesNormalizedWeights: Bool
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
  /// Whether a bias is added to scores for the choice of experts.
  public var hasChoiceBias: Bool { choice == .biased }
  /// Whether this layer, counted from 0, has a dense feed-forward layer and not a routed one.
  public func isDense(_ layer: Int) -> Bool { layer < leadingDenseLayers }

  /// Throws `ModelError` naming the first key that cannot be.
  public init(_ configuration: [UInt8]) throws {
    modelType = try ModelType.read(configuration, from: "config.json")
    let rules = ConfigurationRules(modelType)
    let file = try rules.decode(PublishedDeepSeek.self, configuration)
    let family = try FamilyDefaults(modelType)
    vocabularySize = file.vocab_size
    hiddenSize = file.hidden_size
    intermediateSize = file.intermediate_size
    expertIntermediateSize = file.moe_intermediate_size
    layers = file.num_hidden_layers
    heads = file.num_attention_heads
    queryRank = file.q_lora_rank
    routedExperts = file.n_routed_experts
    sharedExperts = file.n_shared_experts ?? 0
    expertsPerToken = file.num_experts_per_tok
    scoring = try rules.choice("scoring_func", file.scoring_func, family.scoring)
    choice = try rules.choice("topk_method", file.topk_method, family.choice)
    // Without groups in the choice, all experts are one.
    expertGroups = choice == .greedy ? 1 : file.n_group ?? 1
    chosenGroups = choice == .greedy ? 1 : file.topk_group ?? 1
    normalizesChosenWeights = file.norm_topk_prob ?? family.normalizesChosenWeights
    scalesNormalizedWeights = family.scalesNormalizedWeights
    routedScale = file.routed_scaling_factor ?? 1
    leadingDenseLayers = file.first_k_dense_replace ?? family.leadingDenseLayers
    predictionLayers = file.num_nextn_predict_layers ?? 0
    normEpsilon = file.rms_norm_eps ?? 1e-6
    contextLength = file.max_position_embeddings ?? 4096
    isHeadTied = file.tie_word_embeddings ?? false
    isRotaryInterleaved = file.rope_interleave ?? true
    initializerRange = file.initializer_range ?? 0.02
    hasAttentionBias = file.attention_bias ?? false
    rotary = try RotarySettings(rules.decode(PublishedRotary.self, configuration), rules)
    if family.hasLatentAttention {
      let latent = try rules.decode(PublishedLatentAttention.self, configuration)
      (latentRank, noPositionWidth) = (latent.kv_lora_rank, latent.qk_nope_head_dim)
      (rotaryWidth, valueWidth) = (latent.qk_rope_head_dim, latent.v_head_dim)
    } else {
      let grouped = try file.groupedQuery(rules)
      (groupedQuery, latentRank, noPositionWidth) = (grouped, 0, 0)
      (rotaryWidth, valueWidth) = (grouped.headWidth, grouped.headWidth)
    }
    if family.hasIndexer { indexer = try rules.decode(IndexerSettings.self, configuration) }
    try validate(file, rules)
  }
}
