// The published config.json of the dense grouped-query families, read unmodified. They are one decoder; how they differ
// is in values.
import LanguageModels

/// The settings of one dense model, validated: nothing in it can make the mathematics trap.
public struct LlamaSettings: Sendable {
  /// `model_type`: llama, mistral, qwen2 or qwen3.
  public var modelType: String
  /// `vocab_size`: rows of the embedding and of the head.
  public var vocabularySize: Int
  /// `intermediate_size`: the inner width of the feed-forward layers.
  public var intermediateSize: Int
  /// `num_hidden_layers`.
  public var layers: Int
  public var attention: GroupedQuerySettings
  /// `mlp_bias`: whether the projections of the feed-forward layers have biases.
  public var hasFeedForwardBias: Bool
  /// `rms_norm_eps`.
  public var normEpsilon: Double
  /// `max_position_embeddings`, in tokens.
  public var contextLength: Int
  /// `tie_word_embeddings`: whether the head is the embedding's table.
  public var isHeadTied: Bool
  public var rotary: RotarySettings

  /// `hidden_size`: the width D of the stream between layers.
  public var hiddenSize: Int { attention.hiddenSize }

  /// Throws `ModelError` naming the first key that cannot be.
  public init(_ configuration: [UInt8]) throws {
    modelType = try ModelType.read(configuration, from: "config.json")
    let rules = ConfigurationRules(modelType)
    let file = try rules.decode(PublishedLlama.self, configuration)
    try file.validate(rules)
    let family = try FamilyDifferences(file, rules)
    normEpsilon = file.rms_norm_eps ?? 1e-6
    let width = try GroupedQuerySettings.headWidth(
      file.head_dim ?? family.headWidth, hiddenSize: file.hidden_size, heads: file.num_attention_heads, rules)
    attention = GroupedQuerySettings(
      hiddenSize: file.hidden_size, heads: file.num_attention_heads,
      keyHeads: file.num_key_value_heads ?? file.num_attention_heads, headWidth: width,
      hasInputBias: family.hasInputBias, hasOutputBias: family.hasOutputBias, normalizesHeads: family.normalizesHeads,
      normEpsilon: normEpsilon)
    vocabularySize = file.vocab_size
    intermediateSize = file.intermediate_size
    layers = file.num_hidden_layers
    hasFeedForwardBias = file.mlp_bias ?? false
    contextLength = file.max_position_embeddings ?? 4096
    isHeadTied = file.tie_word_embeddings ?? false
    rotary = try RotarySettings(rules.decode(PublishedRotary.self, configuration), rules)
    try attention.validate(rules)
    try rules.sizes([
      ("vocab_size", vocabularySize), ("intermediate_size", intermediateSize),
      ("max_position_embeddings", contextLength),
    ])
    try rules.rotaryTable(positions: contextLength, width: attention.headWidth)
    try rules.sizes([("num_hidden_layers", layers)], upTo: ConfigurationRules.mostLayers)
    try rules.matrix("embed_tokens", vocabularySize, hiddenSize)
    try rules.matrix("gate_proj", intermediateSize, hiddenSize)
  }

  /// Counted from the shapes.
  public var description: ModelDescription {
    let bias = hasFeedForwardBias ? 2 * intermediateSize + hiddenSize : 0
    let layer = attention.parameterCount + 3 * hiddenSize * intermediateSize + bias + 2 * hiddenSize
    let table = vocabularySize * hiddenSize
    let parameters = layers * layer + hiddenSize + table * (isHeadTied ? 1 : 2)
    return ModelDescription(
      modelType: modelType, parameters: parameters, activeParameters: parameters,
      memoryBytesPerToken: layers * attention.memoryWidth * 2,
      flopsPerToken: 2 * (parameters - (isHeadTied ? 0 : table)), layers: layers, hiddenSize: hiddenSize,
      vocabularySize: vocabularySize, contextLength: contextLength)
  }
}

/// What a family says that is not in every configuration.
private struct FamilyDifferences {
  let hasInputBias: Bool
  let hasOutputBias: Bool
  let normalizesHeads: Bool
  /// The width of a head where `head_dim` is not given; nil for `hidden_size` cut into heads.
  let headWidth: Int?

  init(_ file: PublishedLlama, _ rules: ConfigurationRules) throws {
    let isBiased = file.attention_bias ?? false
    switch rules.modelType {
    case "llama":
      (hasInputBias, hasOutputBias, normalizesHeads, headWidth) = (isBiased, isBiased, false, nil)
    case "mistral":
      (hasInputBias, hasOutputBias, normalizesHeads, headWidth) = (false, false, false, nil)
    case "qwen2":
      (hasInputBias, hasOutputBias, normalizesHeads, headWidth) = (true, false, false, nil)
    case "qwen3":
      (hasInputBias, hasOutputBias, normalizesHeads, headWidth) = (isBiased, isBiased, true, 128)
    case let other:
      throw ModelError("config.json: 'model_type' is \(other); this family reads llama, mistral, qwen2 and qwen3")
    }
  }
}

/// The keys as they are published. Keys that are not named here do not change the model.
private struct PublishedLlama: Decodable {
  let vocab_size: Int
  let hidden_size: Int
  let intermediate_size: Int
  let num_hidden_layers: Int
  let num_attention_heads: Int
  let num_key_value_heads: Int?
  let head_dim: Int?
  let rms_norm_eps: Double?
  let max_position_embeddings: Int?
  let tie_word_embeddings: Bool?
  let attention_bias: Bool?
  let mlp_bias: Bool?
  let hidden_act: String?
  let sliding_window: Int?
  let use_sliding_window: Bool?
  let layer_types: [String]?
  let quantization_config: PublishedQuantization?

  func validate(_ rules: ConfigurationRules) throws {
    try rules.activation(hidden_act)
    try quantization_config?.validate(rules)
    // Qwen's configurations name a window and say elsewhere whether it is used; a window of the whole context is none.
    let usesWindow = use_sliding_window ?? (rules.modelType == "mistral")
    if usesWindow, let window = sliding_window {
      try rules.require(
        window >= max_position_embeddings ?? .max, "sliding_window", window,
        "null; attention through a window is not built")
    }
    let other = layer_types?.first { $0 != "full_attention" }
    try rules.require(other == nil, "layer_types", other ?? "", "full_attention in every layer")
  }
}
