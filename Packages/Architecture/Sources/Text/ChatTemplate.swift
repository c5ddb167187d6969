// How a conversation becomes the text that a model continues.
// The template travels with the weights; this protocol is what serving and training ask of it.

/// One turn of a conversation.
public struct ChatMessage: Sendable, Codable, Hashable {
  /// Who speaks; `tool` carries what a tool answered.
  public enum Role: String, Sendable, Codable { case system, user, assistant, tool }
  public var role: Role
  public var content: String
  public init(_ role: Role, _ content: String) { (self.role, self.content) = (role, content) }
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
  public init(_ description: String) { self.description = description }
}
