// The keys of DeepSeek's config.json as they are published. Keys that are not named here do not change the model.
import LanguageModels
import Llama

/// What all members of the family have.
struct PublishedDeepSeek: Decodable {
  let vocab_size: Int
  let hidden_size: Int
  let intermediate_size: Int
  let moe_intermediate_size: Int
  let num_hidden_layers: Int
  let num_attention_heads: Int
  let num_key_value_heads: Int?
  let head_dim: Int?
  let q_lora_rank: Int?
  let n_routed_experts: Int
  let n_shared_experts: Int?
  let num_experts_per_tok: Int
  let n_group: Int?
  let topk_group: Int?
  let norm_topk_prob: Bool?
  let routed_scaling_factor: Double?
  let first_k_dense_replace: Int?
  let moe_layer_freq: Int?
  let mlp_layer_types: [String]?
  let num_nextn_predict_layers: Int?
  let rms_norm_eps: Double?
  let max_position_embeddings: Int?
  let tie_word_embeddings: Bool?
  let rope_interleave: Bool?
  let initializer_range: Double?
  let attention_bias: Bool?
  let mlp_bias: Bool?
  let scoring_func: String?
  let topk_method: String?
  let hidden_act: String?
  let quantization_config: PublishedQuantization?

  /// DeepSeekMoE's attention.
  func groupedQuery(_ rules: ConfigurationRules) throws -> GroupedQuerySettings {
    let width = try GroupedQuerySettings.headWidth(
      head_dim, hiddenSize: hidden_size, heads: num_attention_heads, rules)
    let isBiased = attention_bias ?? false
    return GroupedQuerySettings(
      hiddenSize: hidden_size, heads: num_attention_heads, keyHeads: num_key_value_heads ?? num_attention_heads,
      headWidth: width, hasInputBias: isBiased, hasOutputBias: isBiased, normalizesHeads: false,
      normEpsilon: rms_norm_eps ?? 1e-6)
  }
}

/// What those with latent attention have besides.
struct PublishedLatentAttention: Decodable {
  let kv_lora_rank: Int
  let qk_nope_head_dim: Int
  let qk_rope_head_dim: Int
  let v_head_dim: Int
}

extension DeepSeekV3Settings {
  /// Throws `ModelError` for the first value that cannot be.
  func validate(_ file: PublishedDeepSeek, _ rules: ConfigurationRules) throws {
    try rules.sizes([
      ("vocab_size", vocabularySize), ("hidden_size", hiddenSize), ("intermediate_size", intermediateSize),
      ("moe_intermediate_size", expertIntermediateSize), ("num_attention_heads", heads),
      ("max_position_embeddings", contextLength),
    ])
    try rules.sizes([("num_hidden_layers", layers)], upTo: ConfigurationRules.mostLayers)
    try rules.matrix("embed_tokens", vocabularySize, hiddenSize)
    try rules.matrix("gate_proj", intermediateSize, hiddenSize)
    if let groupedQuery { try groupedQuery.validate(rules) } else { try validateLatentAttention(rules) }
    try rules.rotaryTable(positions: contextLength, width: rotaryWidth)
    try validateIndexer(rules)
    try validateRouting(rules)
    try rules.require(leadingDenseLayers >= 0, "first_k_dense_replace", leadingDenseLayers, "0 or more")
    try rules.require((0...1).contains(predictionLayers), "num_nextn_predict_layers", predictionLayers, "0 or 1")
    try rules.epsilon(normEpsilon)
    try rules.activation(file.hidden_act)
    try rules.require(file.mlp_bias != true, "mlp_bias", true, "false; biased feed-forward layers are not built here")
    try rules.require((file.moe_layer_freq ?? 1) == 1, "moe_layer_freq", file.moe_layer_freq ?? 1, "1")
    if let kinds = file.mlp_layer_types {
      let expected = (0..<layers).map { isDense($0) ? "dense" : "sparse" }
      try rules.require(
        kinds == expected, "mlp_layer_types", "not that of first_k_dense_replace \(leadingDenseLayers)",
        "dense for those layers and sparse for the others")
    }
    try file.quantization_config?.validate(rules)
  }

  private func validateLatentAttention(_ rules: ConfigurationRules) throws {
    try rules.sizes([
      ("kv_lora_rank", latentRank), ("qk_nope_head_dim", noPositionWidth), ("qk_rope_head_dim", rotaryWidth),
      ("v_head_dim", valueWidth), ("q_lora_rank", queryRank ?? 1),
    ])
    try rules.require(rotaryWidth % 2 == 0, "qk_rope_head_dim", rotaryWidth, "even")
    try rules.jointWidth("num_attention_heads", heads, of: max(keyWidth, noPositionWidth + valueWidth))
    try rules.matrix("q_proj", heads * keyWidth, queryRank ?? hiddenSize)
    try rules.matrix("q_a_proj", queryRank ?? 1, hiddenSize)
    try rules.matrix("kv_a_proj_with_mqa", latentRank + rotaryWidth, hiddenSize)
    try rules.matrix("kv_b_proj", heads * (noPositionWidth + valueWidth), latentRank)
    try rules.matrix("o_proj", heads * valueWidth, hiddenSize)
  }

  private func validateIndexer(_ rules: ConfigurationRules) throws {
    guard let indexer else { return }
    try rules.sizes([
      ("index_n_heads", indexer.heads), ("index_head_dim", indexer.width), ("index_topk", indexer.mostKeys),
    ])
    guard let queryRank else {
      throw ModelError(
        "config.json: 'q_lora_rank' is missing; the indexer of a \(rules.modelType) model reads that width")
    }
    try rules.require(
      indexer.width >= rotaryWidth, "index_head_dim", indexer.width, "at least qk_rope_head_dim \(rotaryWidth)")
    try rules.jointWidth("index_n_heads", indexer.heads, of: indexer.width)
    try rules.matrix("indexer.wq_b", indexer.heads * indexer.width, queryRank)
    try rules.matrix("indexer.wk", max(indexer.heads, indexer.width), hiddenSize)
  }

  private func validateRouting(_ rules: ConfigurationRules) throws {
    try rules.sizes(
      [
        ("n_routed_experts", routedExperts), ("num_experts_per_tok", expertsPerToken), ("n_group", expertGroups),
        ("topk_group", chosenGroups),
      ], upTo: ConfigurationRules.mostExperts)
    try rules.require((0..<1024).contains(sharedExperts), "n_shared_experts", sharedExperts, "between 0 and 1023")
    try rules.matrix("experts.gate_proj", max(sharedExperts, 1) * expertIntermediateSize, hiddenSize)
    try rules.matrix("gate", routedExperts, hiddenSize)
    try rules.require(
      routedExperts % expertGroups == 0, "n_group", expertGroups, "a divisor of n_routed_experts \(routedExperts)")
    try rules.require(chosenGroups <= expertGroups, "topk_group", chosenGroups, "at most n_group \(expertGroups)")
    let reachable = routedExperts / expertGroups * chosenGroups
    try rules.require(
      expertsPerToken <= reachable, "num_experts_per_tok", expertsPerToken,
      "at most the \(reachable) experts of the chosen groups")
    try rules.require(routedScale.isFinite, "routed_scaling_factor", routedScale, "a number")
  }
}
