// The conversation format of DeepSeek-V3 and R1: no line breaks between turns, markers instead.
// System text follows the first token directly; earlier answers lose their thinking.

/// Renders `<bos>{system}<｜User｜>{question}<｜Assistant｜>{answer}<eos>…<｜Assistant｜>`; R1 adds `<think>\n`.
public struct DeepSeekTemplate: ChatTemplate, Hashable {
  /// True for R1, whose answers begin inside their thinking; false for V3.
  public let opensThinking: Bool

  public init(opensThinking: Bool) { self.opensThinking = opensThinking }

  /// Several system messages are joined by a blank line and stand first. Throws `ChatTemplateError` when there is no
  /// message, a tool speaks, or the tokenizer lacks a marker.
  public func render(_ messages: [ChatMessage], with tokenizer: any Tokenizer) throws -> [TokenID] {
    guard !messages.isEmpty else { throw ChatTemplateError("the conversation is empty; it needs at least one message") }
    let beginning = "<｜begin▁of▁sentence｜>"
    let markers = Markers(
      user: try marker("<｜User｜>", tokenizer), assistant: try marker("<｜Assistant｜>", tokenizer),
      end: try tokenizer.endOfSequence ?? marker("<｜end▁of▁sentence｜>", tokenizer))
    var tokens = [try tokenizer.beginningOfSequence ?? marker(beginning, tokenizer)]
    func append(_ text: String) { tokens += tokenizer.encode(text, recognizingSpecialTokens: false) }
    append(messages.filter { $0.role == .system }.map(\.content).joined(separator: "\n\n"))
    for (index, message) in messages.enumerated() {
      switch message.role {
      case .system: break
      case .user:
        tokens.append(markers.user)
        append(message.content)
      case .assistant:
        tokens.append(markers.assistant)
        append(Self.withoutThinking(message.content))
        tokens.append(markers.end)
      case .tool:
        throw ChatTemplateError("message \(index) comes from a tool; this template knows system, user and assistant")
      }
    }
    tokens.append(markers.assistant)
    return opensThinking ? tokens + tokenizer.encode("<think>\n", recognizingSpecialTokens: true) : tokens
  }

  private struct Markers {
    var user: TokenID
    var assistant: TokenID
    var end: TokenID
  }

  private func marker(_ name: String, _ tokenizer: any Tokenizer) throws -> TokenID {
    guard let token = tokenizer.token(named: name) else {
      throw ChatTemplateError("the tokenizer has no token '\(name)'; this template needs a DeepSeek vocabulary")
    }
    return token
  }

  /// What follows the last `</think>`, or everything where there is none.
  private static func withoutThinking(_ answer: String) -> String {
    answer.split(separator: "</think>", omittingEmptySubsequences: false).last.map(String.init) ?? answer
  }
}
