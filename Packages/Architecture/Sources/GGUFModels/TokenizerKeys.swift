// The tokenizer's files as keys of a GGUF file: the vocabulary, merges and markers that other readers need, and the
// tokenizer.json itself, so that the way back loses nothing.
import Checkpoints
import Foundation
import GGUF
import Recipes
import Text

/// What a GGUF file says about a byte-level BPE tokenizer.
struct TokenizerKeys {
  private(set) var metadata: [(key: String, value: GGUFValue)] = []

  /// Holds fathom_template.json, the chat template of a model that was trained here.
  static let ownTemplate = "tokenizer.fathom_template.json"

  /// The published kinds of a token (`TokenType`).
  private enum Kind: Int32 { case normal = 1, control = 3, userDefined = 4, unused = 5 }

  /// Reads the tokenizer's files of `directory`; nil when it has no tokenizer.json. The vocabulary is as long as the
  /// embedding's table. Throws `CheckpointError`.
  init?(_ directory: String, vocabularySize: Int?) throws {
    let path = "\(directory)/tokenizer.json"
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw CheckpointError(path, "is not UTF-8; a tokenizer.json is")
    }
    let file: TokenizerJSON
    do {
      file = try JSONDecoder().decode(TokenizerJSON.self, from: data)
    } catch {
      throw CheckpointError(path, "is not a tokenizer.json with 'model.vocab' and 'model.merges'")
    }
    guard file.model.type ?? "BPE" == "BPE", file.isByteLevel else {
      throw CheckpointError(path, "is no byte-level BPE tokenizer; only those have a place in the file")
    }
    let (tokens, types) = try Self.vocabulary(of: file, size: vocabularySize, path)
    metadata = [
      ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.pre", .string(file.preTokenizerName)),
      ("tokenizer.ggml.tokens", .array(GGUFArray(tokens))), ("tokenizer.ggml.token_type", .array(GGUFArray(types))),
      ("tokenizer.ggml.merges", .array(GGUFArray(file.model.merges.lines))),
    ]
    try addMarkers(directory, tokens)
    if let data = FileManager.default.contents(atPath: "\(directory)/\(TemplateFile.name)") {
      guard let text = String(validating: data, as: UTF8.self) else {
        throw CheckpointError("\(directory)/\(TemplateFile.name)", "is not UTF-8; a template is")
      }
      metadata.append((Self.ownTemplate, .string(text)))
    }
    metadata.append(("tokenizer.huggingface.json", .string(text)))
  }

  private static func vocabulary(
    of file: TokenizerJSON, size: Int?, _ path: String
  ) throws -> (tokens: [String], types: [Int32]) {
    let added = file.added ?? []
    let limit = size ?? file.model.vocabulary.count + added.count
    var tokens = (0..<limit).map { "[PAD\($0)]" }
    var types = [Int32](repeating: Kind.unused.rawValue, count: limit)
    func put(_ token: String, _ id: Int, _ kind: Kind) throws {
      guard tokens.indices.contains(id) else {
        throw CheckpointError(
          path, "token '\(CheckpointError.shortened(token))' has the id \(id); the model has \(limit) tokens")
      }
      (tokens[id], types[id]) = (token, kind.rawValue)
    }
    for (token, id) in file.model.vocabulary { try put(token, id, .normal) }
    for token in added { try put(token.content, token.id, token.special == true ? .control : .userDefined) }
    return (tokens, types)
  }

  /// The tokens that begin and end a sequence, and the chat template, from the files beside tokenizer.json.
  private mutating func addMarkers(_ directory: String, _ tokens: [String]) throws {
    let path = "\(directory)/tokenizer_config.json"
    guard FileManager.default.fileExists(atPath: path) else { return }
    let settings = try PublishedSettings(contentsOf: path)
    for (name, key) in [("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding")] {
      guard let value = settings[name] else { continue }
      let text: String?
      if case .string(let written) = value {
        text = written
      } else {
        text = try settings.section(name)?.text("content")
      }
      guard let text, let id = tokens.firstIndex(where: { $0.utf8.elementsEqual(text.utf8) }) else { continue }
      metadata.append(("tokenizer.ggml.\(key)_token_id", .uint32(UInt32(id))))
    }
    for name in ["add_bos_token", "add_eos_token"] {
      if let flag = try settings.flag(name) { metadata.append(("tokenizer.ggml.\(name)", .bool(flag))) }
    }
    if case .string(let template)? = settings["chat_template"] {
      metadata.append(("tokenizer.chat_template", .string(template)))
    } else if let data = FileManager.default.contents(atPath: "\(directory)/chat_template.jinja") {
      metadata.append(("tokenizer.chat_template", .string(String(decoding: data, as: UTF8.self))))
    }
  }

  /// Writes the tokenizer's files that a GGUF file carries. Whether there was a tokenizer.json among them.
  static func writeFiles(of model: GGUFModel, into directory: String) throws -> Bool {
    let keys = model.tokenizerMetadata
    var settings: [String: ConfigTree] = [:]
    if let tokens = keys["tokenizer.ggml.tokens"]?.list, let texts = try tokens.byteStrings() {
      for (name, key) in [("bos_token", "bos"), ("eos_token", "eos"), ("pad_token", "padding")] {
        guard let id = keys["tokenizer.ggml.\(key)_token_id"]?.integer else { continue }
        guard texts.indices.contains(id) else {
          throw CheckpointError(
            model.file.path,
            "the key 'tokenizer.ggml.\(key)_token_id' is \(id); the vocabulary has \(texts.count) tokens")
        }
        settings[name] = .string(String(decoding: texts[id], as: UTF8.self))
      }
    }
    for name in ["add_bos_token", "add_eos_token"] {
      if let flag = keys["tokenizer.ggml.\(name)"]?.flag { settings[name] = .bool(flag) }
    }
    if let template = keys["tokenizer.chat_template"]?.text { settings["chat_template"] = .string(template) }
    if !settings.isEmpty {
      try DurableFile.write(ConfigTree.table(settings).canonicalJSON, to: "\(directory)/tokenizer_config.json")
    }
    if let template = keys[ownTemplate]?.text {
      try DurableFile.write(template, to: "\(directory)/\(TemplateFile.name)")
    }
    guard let text = keys["tokenizer.huggingface.json"]?.text else { return false }
    try DurableFile.write(text, to: "\(directory)/tokenizer.json")
    return true
  }
}
