// Reading the body of a chat completion: the conversation, and what may be asked about it.
import JSON
import Jinja
import LanguageModels
import Text

struct ChatRequest {
  var messages: [ChatMessage]
  var sampling: SamplingRequest

  init(_ body: JSONField, defaults: GenerationOptions) throws {
    guard let field = body["messages"] else {
      throw APIError.badRequest(
        "messages is missing; it must be a list such as [{\"role\": \"user\", \"content\": \"Hello\"}]",
        param: "messages")
    }
    let items = try field.items("a list of messages")
    guard !items.isEmpty else { throw field.mustBe("a list of at least one message") }
    messages = try items.map(Self.message)
    sampling = try SamplingRequest(body, defaults: defaults)
    try Self.refuseWhatCannotBeHonoured(body)
  }

  private static func message(_ field: JSONField) throws -> ChatMessage {
    let message = try field.object("an object with role and content")
    let roles = "one of system, developer, user, assistant and tool"
    guard let roleField = message["role"] else {
      throw APIError.badRequest("\(field.path).role is missing; it must be \(roles)", param: "\(field.path).role")
    }
    let role: ChatMessage.Role
    switch try roleField.string(roles) {
    case "system", "developer": role = .system
    case "user": role = .user
    case "assistant": role = .assistant
    case "tool": role = .tool
    default: throw roleField.mustBe(roles)
    }
    if let prefix = message["prefix"], try prefix.bool() {
      throw APIError.unsupported(prefix.path, "an answer always begins a new turn")
    }
    return ChatMessage(role, try message["content"].map(text) ?? "", details: try details(of: message))
  }

  /// What chat templates know of a message besides its text.
  private static func details(of message: JSONField) throws -> [TemplateValue.Member] {
    var details: [TemplateValue.Member] = []
    for name in ["name", "reasoning_content", "tool_call_id"] {
      if let field = message[name] { details.append(.init(name, .string(try field.string()))) }
    }
    if let field = message["tool_calls"], try !field.items("a list of calls").isEmpty {
      for call in try field.items("a list of calls") { _ = try call.object("an object with id, type and function") }
      details.append(.init("tool_calls", TemplateValue(field.value)))
      if message["content"] == nil { details.append(.init("content", .null)) }
    }
    return details
  }

  /// A text, or the text parts of a list put together.
  private static func text(_ field: JSONField) throws -> String {
    if case .string(let text) = field.value { return text }
    return try field.items("a text, null or a list of text parts").map { item in
      let part = try item.object("an object with type and text")
      guard let type = part["type"], try type.string() == "text" else {
        throw APIError.badRequest(
          "\(item.path).type is \(part["type"]?.value.summary ?? "missing"); only text parts are supported",
          param: "\(item.path).type", code: "unsupported_parameter")
      }
      guard let text = part["text"] else {
        throw APIError.badRequest("\(item.path).text is missing; it must be a text", param: "\(item.path).text")
      }
      return try text.string()
    }.joined()
  }

  private static func refuseWhatCannotBeHonoured(_ body: JSONField) throws {
    for name in ["tools", "functions"] {
      if let field = body[name], try !field.items("a list").isEmpty {
        throw APIError.unsupported(name, "this server answers in text only")
      }
    }
    if let field = body["tool_choice"], field.value != "none", field.value != "auto" {
      throw APIError.unsupported(field.path, "this server answers in text only")
    }
    if let field = body["response_format"] {
      let kinds = "an object whose type is text"
      guard let type = try field.object(kinds)["type"] else { throw field.mustBe(kinds) }
      switch try type.string(kinds) {
      case "text": break
      case "json_object", "json_schema":
        throw APIError.badRequest(
          "response_format.type is \(type.value.summary), which is not supported here; use \"text\"",
          param: type.path, code: "unsupported_parameter")
      default: throw type.mustBe("\"text\"")
      }
    }
    if let type = body["thinking"]?["type"], try type.string() == "disabled" {
      throw APIError.unsupported(type.path, "whether this model thinks is decided by its chat template")
    }
  }
}
