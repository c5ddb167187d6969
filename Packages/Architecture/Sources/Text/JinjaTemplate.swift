// The chat template that a released model carries: Jinja text, rendered as transformers renders it.
// Its own special tokens become tokens; those that somebody writes into a message stay text.
import Foundation
import Jinja

/// One or more Jinja templates with the special tokens that they name.
public struct JinjaTemplate: ChatTemplate {
  private let templates: [String: Template]
  /// What templates see as `bos_token`, `eos_token` and so on.
  public let specialTokens: [String: String]
  public let opensThinking: Bool
  /// True when the template writes a call's arguments as JSON itself; false when it wants the text that a model wrote.
  private let wantsArgumentsAsObjects: Bool

  /// The name of the template that is taken when no other fits.
  public static let defaultName = "default"

  /// Reads templates by name: `default`, and where there is one `tool_use` for conversations with tools.
  /// Throws `TokenizerError` with the place of what cannot be read.
  public init(_ sources: [String: String], specialTokens: [String: String] = [:]) throws {
    var templates: [String: Template] = [:]
    for (name, source) in sources {
      do {
        templates[name] = try Template(source)
      } catch let error as TemplateError {
        throw TokenizerError("the chat template\(sources.count > 1 ? " '\(name)'" : "") cannot be read: \(error)")
      }
    }
    (self.templates, self.specialTokens) = (templates, specialTokens)
    let probe = Probe(templates: templates, specialTokens: specialTokens)
    (opensThinking, wantsArgumentsAsObjects) = (probe.opensThinking, probe.wantsArgumentsAsObjects)
  }

  /// Reads one template. Throws `TokenizerError`.
  public init(_ source: String, specialTokens: [String: String] = [:]) throws {
    try self.init([Self.defaultName: source], specialTokens: specialTokens)
  }

  /// The text of a conversation as `apply_chat_template` of transformers gives it.
  /// - Parameters:
  ///   - messages: A list of messages with `role` and `content`, and what else the template knows.
  ///   - tools: A list of the JSON schemas of functions.
  ///   - documents: A list of texts to draw from.
  ///   - variables: Everything else that the template knows, such as `enable_thinking`.
  /// - Throws: `ChatTemplateError`, also when the template itself refuses the conversation.
  public func text(
    _ messages: TemplateValue, tools: TemplateValue? = nil, documents: TemplateValue? = nil,
    addsGenerationPrompt: Bool = true, variables: [String: TemplateValue] = [:], now: Date = Date()
  ) throws -> RenderedText {
    try Conversation(
      messages: messages, tools: tools, documents: documents, addsGenerationPrompt: addsGenerationPrompt,
      variables: variables
    ).render(with: templates, specialTokens, now: now)
  }

  /// The tokens of a conversation, with a prompt for the next answer. A call's arguments are given as the template
  /// wants them, whatever the client has sent.
  public func render(_ messages: [ChatMessage], with tokenizer: any Tokenizer) throws -> [TokenID] {
    let values = messages.map { wantsArgumentsAsObjects ? $0.value.withArgumentsAsObjects : $0.value }
    return tokenizer.encode(try text(.array(values)))
  }
}

/// What one rendering is given.
struct Conversation {
  var messages: TemplateValue
  var tools: TemplateValue?
  var documents: TemplateValue?
  var addsGenerationPrompt = true
  var variables: [String: TemplateValue] = [:]

  func render(
    with templates: [String: Template], _ specialTokens: [String: String], now: Date,
    limits: TemplateLimits = TemplateLimits()
  ) throws -> RenderedText {
    let hasTools = tools.map { $0 != .null } ?? false
    guard let template = (hasTools ? templates["tool_use"] : nil) ?? templates[JinjaTemplate.defaultName] else {
      let names = templates.keys.sorted().joined(separator: ", ")
      throw ChatTemplateError("the model has chat templates named \(names); one must be named 'default'")
    }
    guard case .array(let items) = messages else { throw ChatTemplateError("the messages must be a list of objects") }
    var values = variables
    values["messages"] = .array(try items.map(Self.withReasoning))
    values["tools"] = tools ?? .null
    values["documents"] = documents ?? .null
    values["add_generation_prompt"] = .bool(addsGenerationPrompt)
    let tokens = specialTokens.filter { values[$0.key] == nil }.mapValues { TemplateValue.string($0) }
    do {
      return try template.render(values, trusted: tokens, now: TemplateDate(now), limits: limits)
    } catch let error as TemplateError where error.kind == .raised {
      throw ChatTemplateError("the chat template refuses the conversation: \(error.message)")
    } catch let error as TemplateError {
      throw ChatTemplateError("the chat template cannot render the conversation: \(error)")
    }
  }

  /// Gives a message's reasoning under the names that templates use, as transformers does.
  private static func withReasoning(_ message: TemplateValue) throws -> TemplateValue {
    guard case .object(let members) = message else {
      throw ChatTemplateError("the messages must be a list of objects with role and content")
    }
    let names = ["reasoning_content", "thinking", "reasoning"]
    guard let reasoning = names.lazy.compactMap({ message[$0] }).first(where: { $0 != .null }) else { return message }
    // Of equal names the last value counts, at the first one's place.
    return .object(
      [TemplateValue.Member("thinking", reasoning)] + members
        + [TemplateValue.Member("reasoning_content", reasoning)])
  }
}

/// What is found out about a template by rendering it.
private struct Probe {
  let templates: [String: Template]
  let specialTokens: [String: String]

  private func text(_ messages: TemplateValue) -> String? {
    // The date has no part in what is looked for.
    let now = Date(timeIntervalSince1970: 0)
    // Two turns need next to nothing; a template that wants more is hostile, and is not waited for twice.
    var limits = TemplateLimits()
    (limits.steps, limits.units, limits.output) = (limits.steps / 20, limits.units / 20, limits.output / 20)
    return try? Conversation(messages: messages).render(with: templates, specialTokens, now: now, limits: limits).text
  }

  /// Whether the prompt ends inside the thinking section.
  var opensThinking: Bool {
    guard let text = text([["role": "user", "content": "x"]]) else { return false }
    return text.hasSuffix("<think>") || text.hasSuffix("<think>\n")
  }

  /// Whether a call's arguments come out as JSON when they are given as an object.
  var wantsArgumentsAsObjects: Bool {
    let call: TemplateValue = [
      "id": "call00000", "type": "function", "function": ["name": "probe", "arguments": ["probe_key": "probe_value"]],
    ]
    let calling: TemplateValue = [
      ["role": "user", "content": "x"], ["role": "assistant", "content": "", "tool_calls": [call]],
      ["role": "tool", "tool_call_id": "call00000", "name": "probe", "content": "x"], ["role": "user", "content": "x"],
    ]
    return text(calling).map { $0.contains("probe_key") && !$0.contains("'probe_key'") } ?? false
  }
}

extension TemplateValue {
  /// A message whose calls have their arguments as objects, where they are the JSON text of one.
  fileprivate var withArgumentsAsObjects: TemplateValue {
    changing("tool_calls") { calls in
      guard case .array(let items) = calls else { return calls }
      return .array(
        items.map { call in
          call.changing("function") { function in
            function.changing("arguments") { arguments in
              guard case .string(let text) = arguments, let value = try? TemplateValue(json: text.utf8),
                case .object = value
              else { return arguments }
              return value
            }
          }
        })
    }
  }

  private func changing(_ name: String, _ change: (TemplateValue) -> TemplateValue) -> TemplateValue {
    guard case .object(let members) = self else { return self }
    return .object(members.map { $0.name == name ? Member(name, change($0.value)) : $0 })
  }
}
