// One model as clients see it: a name, and everything needed to turn a conversation into an answer.
// Weights, engine and template are made elsewhere and handed in, so that the server knows none of them.
import JSON
public import LanguageModels
public import Text

/// A model that the server offers.
public struct ServedModel: Sendable {
  /// The name that clients write in `model`.
  public var id: String
  public var tokenizer: any Tokenizer
  /// Turns a conversation into the prompt, and tells whether answers begin inside their thinking.
  public var template: any ChatTemplate
  /// May be shared with training: requests are answered by the weights that it adopted last.
  public var generator: any Generator
  /// The largest number of tokens that prompt and answer may have together.
  public var contextLength: Int
  /// What a request that leaves a setting out gets; by default an answer may fill the context. The seed is not used: without one, every request draws its own.
  public var options: GenerationOptions
  /// Names weights and build, so that clients know when an equal seed means an equal answer.
  public var systemFingerprint: String
  /// True when the model writes its answer between `<answer>` tags, which clients are not shown.
  public var unwrapsAnswer: Bool
  /// When the weights were made, in seconds since 1970.
  public var created: Int

  public init(
    id: String, tokenizer: any Tokenizer, template: any ChatTemplate, generator: any Generator, contextLength: Int,
    options: GenerationOptions? = nil, systemFingerprint: String, unwrapsAnswer: Bool = false,
    created: Int = 0
  ) {
    (self.id, self.tokenizer, self.template, self.generator) = (id, tokenizer, template, generator)
    (self.contextLength, self.systemFingerprint) = (contextLength, systemFingerprint)
    var whole = GenerationOptions()
    whole.maxTokens = contextLength
    self.options = options ?? whole
    (self.unwrapsAnswer, self.created) = (unwrapsAnswer, created)
  }

  /// The entry of `/v1/models`.
  var listing: JSONValue {
    [
      "id": .string(id), "object": "model", "created": .integer(created), "owned_by": "fathom",
      "max_model_len": .integer(contextLength), "root": .string(id), "parent": nil,
    ]
  }
}
