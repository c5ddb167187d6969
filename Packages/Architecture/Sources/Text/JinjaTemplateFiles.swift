// Where a model's directory keeps its chat template: a file of its own, or tokenizer_config.json.
import Foundation
import Jinja

extension JinjaTemplate {
  /// The files that may hold a template, beside tokenizer_config.json.
  public static let fileNames = ["chat_template.jinja", "chat_template.json"]

  /// Reads the template of a model's directory: chat_template.jinja, then chat_template.json, then the
  /// `chat_template` of tokenizer_config.json, a text or a list of named ones. Nil where there is none.
  /// Throws `TokenizerError` when there is one that cannot be read.
  public init?(directory: String) throws {
    let configuration = try Self.json("\(directory)/tokenizer_config.json")
    guard let (file, sources) = try Self.sources(in: directory, configuration) else { return nil }
    let tokens = Self.tokens(try Self.json("\(directory)/special_tokens_map.json")).merging(
      Self.tokens(configuration), uniquingKeysWith: { $1 })
    do {
      try self.init(sources, specialTokens: tokens)
    } catch let error as TokenizerError {
      throw TokenizerError("\(file): \(error.description)")
    }
  }

  private static func sources(
    in directory: String, _ configuration: TemplateValue?
  ) throws -> (file: String, sources: [String: String])? {
    let (plain, object) = ("\(directory)/chat_template.jinja", "\(directory)/chat_template.json")
    if let data = FileManager.default.contents(atPath: plain) {
      guard let text = String(validating: data, as: UTF8.self) else {
        throw TokenizerError("\(plain): the file is not UTF-8 text")
      }
      return (plain, [defaultName: text])
    }
    if let written = try json(object)?["chat_template"], written != .null {
      return (object, try named(written, in: object))
    }
    let file = "\(directory)/tokenizer_config.json"
    guard let written = configuration?["chat_template"], written != .null else { return nil }
    return (file, try named(written, in: file))
  }

  /// A text, or a list of objects with `name` and `template`.
  private static func named(_ value: TemplateValue, in file: String) throws -> [String: String] {
    if case .string(let text) = value { return [defaultName: text] }
    let wrong = TokenizerError(
      "\(file): 'chat_template' has the wrong type; expected a string or a list of objects with name and template")
    guard case .array(let items) = value, !items.isEmpty else { throw wrong }
    var sources: [String: String] = [:]
    for item in items {
      guard case .string(let name) = item["name"], case .string(let text) = item["template"] else { throw wrong }
      sources[name] = text
    }
    return sources
  }

  /// The entries whose names end in `_token`: texts, or objects with their `content`.
  private static func tokens(_ value: TemplateValue?) -> [String: String] {
    guard case .object(let members) = value else { return [:] }
    var tokens: [String: String] = [:]
    for member in members where member.name.hasSuffix("_token") {
      if case .string(let text) = member.value["content"] ?? member.value { tokens[member.name] = text }
    }
    return tokens
  }

  /// A file as JSON; nil where there is none.
  private static func json(_ path: String) throws -> TemplateValue? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    do {
      return try TemplateValue(json: data)
    } catch let error as TemplateError {
      throw TokenizerError("\(path): \(error)")
    }
  }
}
