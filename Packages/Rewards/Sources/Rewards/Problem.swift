// A question with a checkable answer, and what was answered.
// Named `Problem` because `Task` belongs to Swift concurrency.

/// One question. `prompt` is exactly the text that the model continues.
public struct Problem: Sendable, Codable, Hashable {
  /// Stable within its dataset; evaluation and training sets are kept apart by it.
  public var id: String
  /// The text to continue (a raw prompt for a base model).
  public var prompt: String
  /// The question alone, as a person would ask it (shown in pages; sent as a chat message).
  public var question: String
  /// The reference answer, in the form that the problem's verifier reads.
  public var answer: String
  /// The name of the dataset's verifier, which knows how to compare an answer with `answer`.
  public var verifier: String
  /// Free facts for tables, for example `["people": "3"]`.
  public var facts: [String: String]
  public init(
    id: String, prompt: String, question: String, answer: String, verifier: String, facts: [String: String] = [:]
  ) {
    (self.id, self.prompt, self.question) = (id, prompt, question)
    (self.answer, self.verifier, self.facts) = (answer, verifier, facts)
  }
}

/// What a model wrote for a problem, as a reward sees it.
public struct Response: Sendable, Codable, Hashable {
  /// What was generated after the prompt, without special tokens.
  public var text: String
  /// The end-of-sequence token included.
  public var tokenCount: Int
  /// True when the answer ran into the token limit.
  public var isTruncated: Bool
  public init(text: String, tokenCount: Int, isTruncated: Bool) {
    (self.text, self.tokenCount, self.isTruncated) = (text, tokenCount, isTruncated)
  }
}
