// The part of a request that chat and text completions share: how to sample, how often, and in what form to answer.
import JSON
import LanguageModels

struct SamplingRequest {
  /// Everything but `maxTokens`, which depends on the length of the prompt.
  var options: GenerationOptions
  /// The largest number of tokens, where the client named one.
  var maxTokens: Int?
  var maxTokensField = "max_tokens"
  /// How many answers to each prompt.
  var count = 1
  var streams = false
  var includesUsage = false

  /// Throws `APIError` for the first field that is wrong or cannot be honoured. Unknown fields are ignored.
  init(_ body: JSONField, defaults: GenerationOptions) throws {
    options = defaults
    if let field = body["max_tokens"] { maxTokens = try field.integer(in: 1...Int.max) }
    if let field = body["max_completion_tokens"] {
      (maxTokens, maxTokensField) = (try field.integer(in: 1...Int.max), field.path)
    }
    if let field = body["temperature"] { options.temperature = try field.number(in: 0...2) }
    if let field = body["top_p"] {
      options.topP = try field.number(in: 0...1)
      guard options.topP > 0 else { throw field.mustBe("a number above 0 and at most 1") }
    }
    if let field = body["top_k"] { options.topK = max(0, try field.integer(in: -1...Int.max)) }
    options.seed =
      try body["seed"].map { UInt64(bitPattern: Int64(try $0.integer(in: Int.min...Int.max))) }
      ?? UInt64.random(in: .min ... .max)
    if let field = body["stop"] { options.stop = try Self.stop(field) }
    if let field = body["ignore_eos"] { options.ignoresEndOfSequence = try field.bool() }
    if let field = body["n"] { count = try field.integer(in: 1...8) }
    if let field = body["stream"] { streams = try field.bool() }
    if let field = body["stream_options"]?["include_usage"] { includesUsage = try field.bool() }
    try Self.refuseWhatCannotBeHonoured(body)
  }

  private static func stop(_ field: JSONField) throws -> [String] {
    let rule = "a text or a list of at most 16 texts"
    if case .string(let text) = field.value {
      guard !text.isEmpty else { throw field.mustBe("a text that is not empty") }
      return [text]
    }
    let items = try field.items(rule)
    guard items.count <= 16 else { throw field.mustBe(rule) }
    return try items.map { item in
      let text = try item.string()
      guard !text.isEmpty else { throw item.mustBe("a text that is not empty") }
      return text
    }
  }

  /// A setting that would change the answer is refused rather than dropped in silence; its neutral value is fine.
  private static func refuseWhatCannotBeHonoured(_ body: JSONField) throws {
    for name in ["presence_penalty", "frequency_penalty"] {
      if let field = body[name], try field.number(in: -2...2) != 0 {
        throw APIError.unsupported(name, "leave it out or set it to 0")
      }
    }
    if let field = body["repetition_penalty"], try field.number(in: 0...2) != 1 {
      throw APIError.unsupported(field.path, "leave it out or set it to 1")
    }
    if let field = body["min_p"], try field.number(in: 0...1) != 0 {
      throw APIError.unsupported(field.path, "leave it out or set it to 0")
    }
    if let field = body["logit_bias"], try field.object().value != .object([]) {
      throw APIError.unsupported(field.path, "leave it out")
    }
    for name in ["logprobs", "top_logprobs"] {
      if let field = body[name], field.value != .bool(false), field.value != .integer(0) {
        throw APIError.unsupported(name, "leave it out or set it to false")
      }
    }
  }
}
