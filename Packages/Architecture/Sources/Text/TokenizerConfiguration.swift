// tokenizer_config.json: which tokens begin and end a sequence, and the chat template as text.
// Everything else in that file restates tokenizer.json or belongs to other programs.
import Foundation

/// The part of tokenizer_config.json that changes what a tokenizer does.
public struct TokenizerConfiguration: Sendable, Hashable, Codable {
  /// The written form of the token that begins a document.
  public var beginningOfSequence: String?
  /// The written form of the token that ends a document or an answer.
  public var endOfSequence: String?
  /// The chat template where it is one text, not interpreted here; `JinjaTemplate` reads every form.
  public var chatTemplate: String?

  public init(beginningOfSequence: String? = nil, endOfSequence: String? = nil, chatTemplate: String? = nil) {
    (self.beginningOfSequence, self.endOfSequence) = (beginningOfSequence, endOfSequence)
    self.chatTemplate = chatTemplate
  }

  enum CodingKeys: String, CodingKey {
    case beginningOfSequence = "bos_token"
    case endOfSequence = "eos_token"
    case chatTemplate = "chat_template"
  }

  /// A token is written as a string or as an object with its `content`.
  private struct WrittenToken: Decodable {
    let content: String
    enum CodingKeys: CodingKey { case content }
    init(from decoder: any Decoder) throws {
      if let text = try? decoder.singleValueContainer().decode(String.self) {
        content = text
      } else {
        content = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .content)
      }
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    beginningOfSequence = try container.decodeIfPresent(WrittenToken.self, forKey: .beginningOfSequence)?.content
    endOfSequence = try container.decodeIfPresent(WrittenToken.self, forKey: .endOfSequence)?.content
    chatTemplate = try? container.decodeIfPresent(String.self, forKey: .chatTemplate)
  }

  /// Reads a tokenizer_config.json. Throws `TokenizerError`.
  public init(contentsOf path: String) throws { self = try readJSON(Self.self, from: path) }

  /// The tokenizer.json that `path` is, or that is in this directory, and the tokenizer_config.json beside it; nothing is
  /// configured where there is none. Throws `TokenizerError`.
  static func located(at path: String) throws -> (file: String, configuration: TokenizerConfiguration) {
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    let file = exists && isDirectory.boolValue ? "\(path)/tokenizer.json" : path
    let beside = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("tokenizer_config.json")
    let isThere = FileManager.default.fileExists(atPath: beside.path)
    return (file, isThere ? try TokenizerConfiguration(contentsOf: beside.path) : TokenizerConfiguration())
  }

  /// The file's text.
  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}
