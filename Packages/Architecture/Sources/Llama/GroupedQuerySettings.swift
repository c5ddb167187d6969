// What grouped-query attention needs to know, wherever it is used.
import LanguageModels

/// Heads of queries in groups that share a key and a value (Ainslie et al. 2023). As many keys as queries is ordinary
/// multi-head attention.
public struct GroupedQuerySettings: Sendable, Equatable {
  /// `hidden_size`.
  public var hiddenSize: Int
  /// `num_attention_heads`.
  public var heads: Int
  /// `num_key_value_heads`: a divisor of `heads`.
  public var keyHeads: Int
  /// `head_dim`: the width of each query, key and value. All of it is rotated, halves together.
  public var headWidth: Int
  /// Whether the projections to queries, keys and values have biases, and whether the one after attention has.
  public var hasInputBias: Bool
  public var hasOutputBias: Bool
  /// Whether each head's query and key are normalised before they are rotated (Qwen3).
  public var normalizesHeads: Bool
  /// `rms_norm_eps`, for the norms of heads.
  public var normEpsilon: Double

  /// Width of what is remembered of a token: all keys, then all values.
  public var memoryWidth: Int { 2 * keyHeads * headWidth }

  /// Parameters of one layer's attention.
  public var parameterCount: Int {
    let (queries, keys) = (heads * headWidth, keyHeads * headWidth)
    let matrices = hiddenSize * (2 * queries + 2 * keys)
    let biases = (hasInputBias ? queries + 2 * keys : 0) + (hasOutputBias ? hiddenSize : 0)
    return matrices + biases + (normalizesHeads ? 2 * headWidth : 0)
  }

  /// Throws `ModelError` for the first value that cannot be.
  package func validate(_ rules: ConfigurationRules) throws {
    try rules.sizes([
      ("hidden_size", hiddenSize), ("num_attention_heads", heads), ("num_key_value_heads", keyHeads),
      ("head_dim", headWidth),
    ])
    try rules.require(headWidth % 2 == 0, "head_dim", headWidth, "even")
    try rules.require(
      heads % keyHeads == 0, "num_key_value_heads", keyHeads, "a divisor of num_attention_heads \(heads)")
    try rules.jointWidth("num_attention_heads", heads, of: headWidth)
    try rules.matrix("q_proj", heads * headWidth, hiddenSize)
    try rules.epsilon(normEpsilon)
  }

  /// The width of a head from the keys of a configuration: `head_dim`, or `hidden_size` cut into heads.
  package static func headWidth(_ given: Int?, hiddenSize: Int, heads: Int, _ rules: ConfigurationRules) throws -> Int {
    if let given { return given }
    try rules.sizes([("hidden_size", hiddenSize), ("num_attention_heads", heads)])
    try rules.require(
      hiddenSize % heads == 0, "num_attention_heads", heads,
      "a divisor of hidden_size \(hiddenSize), because there is no head_dim")
    return hiddenSize / heads
  }

  package init(
    hiddenSize: Int, heads: Int, keyHeads: Int, headWidth: Int, hasInputBias: Bool, hasOutputBias: Bool,
    normalizesHeads: Bool, normEpsilon: Double
  ) {
    (self.hiddenSize, self.heads, self.keyHeads, self.headWidth) = (hiddenSize, heads, keyHeads, headWidth)
    (self.hasInputBias, self.hasOutputBias) = (hasInputBias, hasOutputBias)
    (self.normalizesHeads, self.normEpsilon) = (normalizesHeads, normEpsilon)
  }
}
