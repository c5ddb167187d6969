// The rotary keys of a published config.json: `rope_theta` with `rope_scaling`, or `rope_parameters`.

/// The keys as they are published, under either name of the table.
package struct PublishedRotary: Decodable {
  struct Table: Decodable {
    let rope_type: String?
    let type: String?
    let rope_theta: Double?
    let factor: Double?
    let low_freq_factor: Double?
    let high_freq_factor: Double?
    let beta_fast: Double?
    let beta_slow: Double?
    let mscale: Double?
    let mscale_all_dim: Double?
    let attention_factor: Double?
    let truncate: Bool?
    let partial_rotary_factor: Double?
    let original_max_position_embeddings: Int?
  }
  let rope_theta: Double?
  let rope_scaling: Table?
  let rope_parameters: Table?
  let partial_rotary_factor: Double?
  let max_position_embeddings: Int?
}

extension RotarySettings {
  /// Throws `ModelError` for a scaling that is not known or cannot be.
  package init(_ file: PublishedRotary, _ rules: ConfigurationRules) throws {
    let table = file.rope_parameters ?? file.rope_scaling
    theta = table?.rope_theta ?? file.rope_theta ?? 10000
    try rules.require(theta > 1 && theta.isFinite, "rope_theta", theta, "a number above 1")
    let part = table?.partial_rotary_factor ?? file.partial_rotary_factor ?? 1
    try rules.require(part == 1, "partial_rotary_factor", part, "1; turning a part of each head is not built")
    let kind = table?.rope_type ?? table?.type ?? "default"
    let original = table?.original_max_position_embeddings ?? file.max_position_embeddings ?? 4096
    try rules.require(original >= 1, "original_max_position_embeddings", original, "at least 1")
    func positive(_ key: String, _ value: Double?) throws -> Double {
      guard let value else { throw ModelError("config.json: '\(key)' is missing; rope type '\(kind)' needs it") }
      try rules.require(value > 0 && value.isFinite, key, value, "a number above 0")
      return value
    }
    func scale(_ key: String, _ value: Double?) throws -> Double {
      try rules.require((value ?? 0) >= 0 && (value ?? 0).isFinite, key, value ?? 0, "a number of at least 0")
      return value ?? 0
    }
    switch kind {
    case "default": scaling = .none
    case "linear": scaling = .linear(factor: try positive("factor", table?.factor))
    case "llama3":
      let llama = Llama3(
        factor: try positive("factor", table?.factor),
        lowFrequencyFactor: try positive("low_freq_factor", table?.low_freq_factor),
        highFrequencyFactor: try positive("high_freq_factor", table?.high_freq_factor), originalContext: original)
      try rules.require(
        llama.highFrequencyFactor > llama.lowFrequencyFactor, "high_freq_factor", llama.highFrequencyFactor,
        "above low_freq_factor \(llama.lowFrequencyFactor)")
      scaling = .llama3(llama)
    case "yarn":
      try rules.require(table?.truncate != false, "truncate", false, "true; yarn without rounding is not built")
      // Without mscale_all_dim the published code leaves the softmax scale alone; without either, the tables carry m.
      scaling = .yarn(
        YaRN(
          factor: try positive("factor", table?.factor), betaFast: try positive("beta_fast", table?.beta_fast ?? 32),
          betaSlow: try positive("beta_slow", table?.beta_slow ?? 1), mscale: try scale("mscale", table?.mscale),
          mscaleAllDim: try scale("mscale_all_dim", table?.mscale_all_dim), originalContext: original,
          attentionFactor: try table?.attention_factor.map { try positive("attention_factor", $0) }))
    case let other:
      throw ModelError("config.json: rope type '\(other)' is not known; default, linear, llama3 and yarn are")
    }
  }
}
