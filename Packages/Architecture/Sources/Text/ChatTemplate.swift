// How a conversation becomes the text that a model continues.
// The template travels with the weights; this protocol is what serving and training ask of it.
import Jinja
import Sentences

/// One turn of a conversation.
public struct ChatMessage: Sendable, Hashable {
  /// Who speaks; `tool` carries what a tool answered.
  public enum Role: String, Sendable { case system, user, assistant, tool }
  public var role: Role
  public var content: String
  /// What else the message has: `reasoning_content`, `tool_calls`, `tool_call_id`, `name`. A `content` in here takes
  /// the place of the text, for messages whose content is null.
  public var details: [TemplateValue.Member]

  public init(_ role: Role, _ content: String, details: [TemplateValue.Member] = []) {
    (self.role, self.content, self.details) = (role, content, details)
  }

  /// The message as templates see it.
  public var value: TemplateValue {
    var members = [TemplateValue.Member("role", .string(role.rawValue))]
    if !details.contains(where: { $0.name == "content" }) { members.append(.init("content", .string(content))) }
    return .object(members + details)
  }
}

/// Renders a conversation. Special tokens of the template are added by id, so that a message cannot forge them.
public protocol ChatTemplate: Sendable {
  /// The tokens of the conversation, ending where the assistant's next turn begins.
  /// Throws `ChatTemplateError` when the conversation cannot be rendered.
  func render(_ messages: [ChatMessage], with tokenizer: any Tokenizer) throws -> [TokenID]
  /// True when the rendered prompt already opens the thinking section, so that output starts inside it.
  var opensThinking: Bool { get }
}

/// A conversation that a template cannot express, in one sentence.
public struct ChatTemplateError: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = sentenceLine(description) }
}
