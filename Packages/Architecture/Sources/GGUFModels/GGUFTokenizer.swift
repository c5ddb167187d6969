// The tokenizer and the chat template of a GGUF file: its tokenizer.json where it carries one, else the arrays of
// `tokenizer.ggml.*`. No tensor is touched, so that files of any architecture, or without tensors, can be asked.
import Checkpoints
import Foundation
import GGUF
import Text

/// What a GGUF file says about text.
public struct GGUFTokenizer: Sendable {
  public let file: GGUFFile

  public init(_ file: GGUFFile) { self.file = file }

  /// Opens a file. Throws `CheckpointError` when it is no GGUF file.
  public init(contentsOf path: String) throws { self.init(try GGUFFile(path)) }

  /// Whether the file has a vocabulary at all; some hold tensors alone.
  public var hasVocabulary: Bool { file.metadata[Key.json] != nil || file.metadata[Key.tokens] != nil }

  /// The tokenizer. Throws `CheckpointError` for keys of another type than the format gives them, and `TokenizerError`
  /// for a vocabulary that cannot be used.
  public func tokenizer() throws -> TokenizerPipeline {
    if file.metadata[Key.json] != nil {
      var configuration = TokenizerConfiguration()
      configuration.beginningOfSequence = try text(ofToken: "bos")
      configuration.endOfSequence = try text(ofToken: "eos")
      return try TokenizerPipeline(
        json: Data(try file.text(Key.json).utf8), named: "\(file.path) (\(Key.json))", configuration: configuration)
    }
    let stored = try vocabulary()
    do {
      return try TokenizerPipeline(stored)
    } catch let error as TokenizerError {
      throw TokenizerError("\(file.path): \(error.description)")
    }
  }

  /// The chat template: the format of one of our own models, or Jinja text. Nil where the file names none.
  public func template() throws -> (any ChatTemplate)? {
    if file.metadata[Key.ownTemplate] != nil {
      return try TemplateFile(json: Data(try file.text(Key.ownTemplate).utf8), named: place(Key.ownTemplate)).template
    }
    return try jinjaTemplate()
  }

  /// The chat template as Jinja text, with the ones for special occasions. Nil where the file has none.
  public func jinjaTemplate() throws -> JinjaTemplate? {
    var sources: [String: String] = [:]
    if file.metadata[Key.template] != nil { sources[JinjaTemplate.defaultName] = try file.text(Key.template) }
    for key in file.keys where key.hasPrefix(Key.template + ".") {
      sources[String(key.dropFirst(Key.template.count + 1))] = try file.text(key)
    }
    if sources.isEmpty { return nil }
    var tokens: [String: String] = [:]
    for (name, key) in Self.namedTokens { tokens[name] = try text(ofToken: key) }
    do {
      return try JinjaTemplate(sources, specialTokens: tokens)
    } catch let error as TokenizerError {
      throw TokenizerError("\(place(Key.template)): \(error.description)")
    }
  }

  private func place(_ key: String) -> String { "\(file.path) (\(key))" }

  /// What templates call the tokens that the file has by number.
  private static let namedTokens = [
    ("bos_token", "bos"), ("eos_token", "eos"), ("unk_token", "unknown"), ("sep_token", "seperator"),
    ("pad_token", "padding"), ("cls_token", "cls"), ("mask_token", "mask"),
  ]
}

// MARK: - Keys

extension GGUFTokenizer {
  private enum Key {
    static let (model, pre) = ("tokenizer.ggml.model", "tokenizer.ggml.pre")
    static let (tokens, types) = ("tokenizer.ggml.tokens", "tokenizer.ggml.token_type")
    static let (scores, merges) = ("tokenizer.ggml.scores", "tokenizer.ggml.merges")
    static let (json, template) = ("tokenizer.huggingface.json", "tokenizer.chat_template")
    static let ownTemplate = TokenizerKeys.ownTemplate
  }

  /// The arrays as they stand, with what readers take for granted where a key is missing.
  private func vocabulary() throws -> StoredVocabulary {
    let model = try file.text(Key.model)
    let pre = file.metadata[Key.pre] == nil ? nil : try file.text(Key.pre)
    var stored = StoredVocabulary(model: model, preTokenizer: pre, tokens: try texts(Key.tokens))
    if file.metadata[Key.types] != nil {
      stored.types = try integers(Key.types).map { Int32(truncatingIfNeeded: $0) }
    }
    if file.metadata[Key.scores] != nil { stored.scores = try numbers(Key.scores).map { Float($0) } }
    if file.metadata[Key.merges] != nil { stored.merges = try texts(Key.merges) }
    (stored.beginning, stored.end, stored.unknown) = (try id("bos"), try id("eos"), try id("unknown"))
    stored.addsBeginning = try flag("add_bos_token")
    stored.addsEnd = try flag("add_eos_token")
    stored.addsSpacePrefix = try flag("add_space_prefix")
    // The published tokenizers of this family are the only ones known to do so.
    let name = file.metadata["general.name"]?.text?.lowercased() ?? ""
    stored.markersTakeWhitespace = name.contains("phi-3") || name.contains("phi3")
    return stored
  }

  private func id(_ token: String) throws -> Int? {
    let key = "tokenizer.ggml.\(token)_token_id"
    return file.metadata[key] == nil ? nil : try file.count(key)
  }

  private func flag(_ name: String) throws -> Bool? {
    let key = "tokenizer.ggml.\(name)"
    return file.metadata[key] == nil ? nil : try file.flag(key)
  }

  /// The written form of a token that the file has by its number.
  private func text(ofToken token: String) throws -> String? {
    guard let id = try id(token), let texts = file.metadata[Key.tokens]?.list else { return nil }
    guard (0..<texts.count).contains(id) else {
      throw CheckpointError(
        file.path, "the key 'tokenizer.ggml.\(token)_token_id' is \(id); the vocabulary has \(texts.count) tokens")
    }
    return try texts.text(at: id)
  }

  private func texts(_ key: String) throws -> [String] { try list(key, "texts") { try $0.texts() } }
  private func integers(_ key: String) throws -> [Int] { try list(key, "whole numbers") { try $0.integers() } }
  private func numbers(_ key: String) throws -> [Double] { try list(key, "numbers") { try $0.numbers() } }

  private func list<Element>(
    _ key: String, _ wanted: String, _ read: (GGUFArray) throws -> [Element]?
  ) throws -> [Element] {
    guard let value = file.metadata[key] else {
      throw CheckpointError(file.path, "has no key '\(key)'; a list of \(wanted) was expected")
    }
    guard let list = value.list, let elements = try read(list) else {
      throw CheckpointError(file.path, "the key '\(key)' is \(value.summary); a list of \(wanted) was expected")
    }
    return elements
  }
}
