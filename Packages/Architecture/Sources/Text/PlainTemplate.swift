// A prompt for a model that has only been pretrained: a text with a place for the question.
// This is what reinforcement learning from a base model starts from.

/// A template text into which the last user message is inserted. Other messages are ignored.
public struct PlainTemplate: ChatTemplate, Hashable {
  /// What `text` must contain.
  public static let placeholder = "{question}"

  /// The prompt, with `{question}` where the message goes. Its own special tokens are recognised, the message's never.
  public let text: String
  public let opensThinking: Bool

  /// Throws `TokenizerError` when `text` does not contain `{question}` exactly once.
  public init(text: String, opensThinking: Bool) throws {
    let count = text.split(separator: Self.placeholder, omittingEmptySubsequences: false).count - 1
    guard count == 1 else {
      throw TokenizerError("the template text has \(count) places for \(Self.placeholder); it must have exactly one")
    }
    (self.text, self.opensThinking) = (text, opensThinking)
  }

  public func render(_ messages: [ChatMessage], with tokenizer: any Tokenizer) throws -> [TokenID] {
    guard let question = messages.last(where: { $0.role == .user }) else {
      throw ChatTemplateError("the conversation has no user message; this template inserts the last one")
    }
    let parts = text.split(separator: Self.placeholder, omittingEmptySubsequences: false)
    var (before, message) = (String(parts[0]), question.content)
    // Words are tokens together with the space before them, so that space is encoded with the question.
    if before.last == " " { message = "\(before.removeLast())\(message)" }
    return tokenizer.encode(before, recognizingSpecialTokens: true)
      + tokenizer.encode(message, recognizingSpecialTokens: false)
      + tokenizer.encode(String(parts[1]), recognizingSpecialTokens: true)
  }
}
