// Reading the body of a text completion: one or more texts (or lists of token ids) to continue as they are.
import JSON
import LanguageModels
import Text

struct TextRequest {
  var prompts: [[TokenID]]
  var sampling: SamplingRequest

  init(_ body: JSONField, for model: ServedModel) throws {
    guard let field = body["prompt"] else {
      throw APIError.badRequest("prompt is missing; it must be a text or a list of texts", param: "prompt")
    }
    prompts = try Self.prompts(field, for: model)
    sampling = try SamplingRequest(body, defaults: model.options)
    if let echo = body["echo"], try echo.bool() {
      throw APIError.unsupported(echo.path, "the answer holds the continuation only")
    }
    if let suffix = body["suffix"], try !suffix.string().isEmpty {
      throw APIError.unsupported(suffix.path, "this model continues texts but does not fill gaps")
    }
    if let best = body["best_of"], try best.integer(in: 1...8) != 1 {
      throw APIError.unsupported(best.path, "use n and choose among the answers")
    }
  }

  private static func prompts(_ field: JSONField, for model: ServedModel) throws -> [[TokenID]] {
    let rule = "a text, a list of at most 16 texts, or token ids"
    if case .string(let text) = field.value { return [try tokens(of: text, field, model)] }
    let items = try field.items(rule)
    guard let first = items.first else { throw field.mustBe(rule) }
    if case .integer = first.value { return [try items.map { try token($0, model) }] }
    guard items.count <= 16 else { throw field.mustBe(rule) }
    return try items.map { item in
      if case .string(let text) = item.value { return try tokens(of: text, item, model) }
      let ids = try item.items("a text or a list of token ids")
      guard !ids.isEmpty else { throw item.mustBe("a text or a list of token ids") }
      return try ids.map { try token($0, model) }
    }
  }

  /// The text as a document of its own: it begins where a document begins.
  private static func tokens(of text: String, _ field: JSONField, _ model: ServedModel) throws -> [TokenID] {
    let start = model.tokenizer.beginningOfSequence.map { [$0] } ?? []
    let tokens = start + model.tokenizer.encode(text, recognizingSpecialTokens: false)
    guard !tokens.isEmpty else { throw field.mustBe("a text that is not empty") }
    return tokens
  }

  private static func token(_ field: JSONField, _ model: ServedModel) throws -> TokenID {
    TokenID(try field.integer(in: 0...max(0, min(model.tokenizer.vocabularySize, Int(Int32.max)) - 1)))
  }
}
