// Where training and serving meet: something that turns prompts into completions.
// The naive generator and the inference engine implement it; GRPO, evaluation and the HTTP server consume it.
import Recipes
import Sentences
import Text

/// How tokens are drawn. Values outside their range are rejected by `validate`, never clamped.
public struct GenerationOptions: Sendable, Codable, Hashable {
  /// The largest number of tokens to generate.
  public var maxTokens = 256
  /// 0 picks the likeliest token; 1 samples the model's own distribution.
  public var temperature = 1.0
  /// Keep the smallest set of likeliest tokens whose probabilities sum to at least this.
  public var topP = 1.0
  /// Keep only this many of the likeliest tokens; 0 keeps all.
  public var topK = 0
  /// Sampling is keyed by (seed, request, position): the same key gives the same token on any batch.
  public var seed: UInt64 = 0
  /// Generation ends at any of these texts, which are not part of the answer.
  public var stop: [String] = []
  /// Go on past the end-of-sequence token (for benchmarks).
  public var ignoresEndOfSequence = false
  /// Whether completions say which experts their tokens went to; it costs `ExpertLayout.tokenBytes` a token.
  public var reportsExperts = false
  public init() {}
}

/// One thing to continue.
public struct Prompt: Sendable, Hashable {
  /// At least one, and fewer than the model's context holds.
  public var tokens: [TokenID]
  /// Distinguishes requests that share a seed; the sample index of a GRPO group, for example.
  public var request: UInt64
  /// Ends this answer earlier than the options do; at least 1.
  public var maxTokens: Int?
  public init(_ tokens: [TokenID], request: UInt64 = 0, maxTokens: Int? = nil) {
    (self.tokens, self.request, self.maxTokens) = (tokens, request, maxTokens)
  }
}

/// Why generation ended.
public enum FinishReason: String, Sendable, Codable { case stop, length, cancelled }

/// What a model wrote after one prompt.
public struct Completion: Sendable {
  /// The generated tokens, the end-of-sequence token included when it was generated.
  public var tokens: [TokenID]
  /// Natural logarithm of the probability with which each token was drawn, at temperature 1 and untruncated.
  public var logProbabilities: [Float]
  /// The tokens as text, special tokens skipped and cut at a stop text.
  public var text: String
  public var finishReason: FinishReason
  /// The experts of every token that was read, which are the prompt's and all but the last of the answer's. Nil when
  /// they were not asked for, when the model has none, or when the generator does not know them.
  public var experts: ExpertChoices?
  public init(
    tokens: [TokenID], logProbabilities: [Float], text: String, finishReason: FinishReason,
    experts: ExpertChoices? = nil
  ) {
    (self.tokens, self.logProbabilities) = (tokens, logProbabilities)
    (self.text, self.finishReason, self.experts) = (text, finishReason, experts)
  }
}

/// What happens to one streamed request, in order. The last event is always `.finished`.
public enum GenerationEvent: Sendable {
  /// Whole characters only: bytes are held back until they form characters. May be empty text.
  case token(TokenID, text: String)
  case finished(Completion)
}

/// Turns prompts into completions. Implementations may run many prompts at once; results keep the prompts' order.
public protocol Generator: Sendable {
  /// Throws `GenerationError` when a prompt is empty, longer than the context, or the options are out of range.
  func complete(_ prompts: [Prompt], _ options: GenerationOptions) async throws -> [Completion]
  /// One prompt, token by token. Dropping the stream cancels the request at its next token.
  func stream(_ prompt: Prompt, _ options: GenerationOptions) async throws -> AsyncThrowingStream<
    GenerationEvent, any Error
  >
  /// Uses these weights from the next request on. A model is a value, so this is a send, not a copy.
  func adopt(_ model: any LanguageModel) async throws
}

/// A request that cannot be served, in one sentence fit for a client.
public struct GenerationError: Error, CustomStringConvertible, Equatable {
  public let description: String
  public init(_ description: String) { self.description = sentenceLine(description) }
}

extension GenerationOptions {
  /// Throws `GenerationError` for the first setting that is out of range.
  public func validate() throws {
    func require(_ holds: Bool, _ sentence: String) throws {
      if !holds { throw GenerationError(sentence) }
    }
    try require(maxTokens >= 1, "max_tokens is \(maxTokens); it must be at least 1")
    try require(temperature >= 0 && temperature <= 2, "temperature is \(temperature); it must be between 0 and 2")
    try require(topP > 0 && topP <= 1, "top_p is \(topP); it must be above 0 and at most 1")
    try require(topK >= 0, "top_k is \(topK); it must be 0 (off) or more")
  }
}
