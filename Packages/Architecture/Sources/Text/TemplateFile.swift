// fathom_template.json: which of the built-in chat templates a model was trained with, beside its weights.
import Foundation

/// A built-in chat template as it is written to a file.
public enum TemplateFile: Sendable, Hashable {
  case plain(PlainTemplate)
  case deepSeek(DeepSeekTemplate)

  /// The name of the file in a model's directory.
  public static let name = "fathom_template.json"

  /// The template itself.
  public var template: any ChatTemplate {
    switch self {
    case .plain(let template): template
    case .deepSeek(let template): template
    }
  }

  /// Reads the file, or the one in a directory. Throws `TokenizerError`.
  public init(contentsOf path: String) throws {
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    let file = exists && isDirectory.boolValue ? "\(path)/\(Self.name)" : path
    try self.init(try readJSON(Form.self, from: file), named: file)
  }

  /// Reads the bytes of the file, called `name` in errors. Throws `TokenizerError`.
  public init(json: Data, named name: String) throws {
    try self.init(try decodeJSON(Form.self, from: json, named: name), named: name)
  }

  private init(_ form: Form, named file: String) throws {
    switch form.kind {
    case .plain:
      guard let text = form.text else {
        throw TokenizerError("\(file): the file has no 'text', which 'plain' requires")
      }
      do {
        self = .plain(try PlainTemplate(text: text, opensThinking: form.opensThinking ?? false))
      } catch let error as TokenizerError {
        throw TokenizerError("\(file): \(error.description)")
      }
    case .deepSeek: self = .deepSeek(DeepSeekTemplate(opensThinking: form.opensThinking ?? false))
    case .unknown(let kind):
      throw TokenizerError("\(file): 'kind' is '\(kind)'; expected 'plain' or 'deepseek'")
    }
  }

  /// Writes the file into an existing directory. Throws `TokenizerError`.
  public func write(to directory: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let form =
      switch self {
      case .plain(let template): Form(kind: .plain, text: template.text, opensThinking: template.opensThinking)
      case .deepSeek(let template): Form(kind: .deepSeek, text: nil, opensThinking: template.opensThinking)
      }
    try Text.write(try encoder.encode(form), to: "\(directory)/\(Self.name)")
  }

  /// The keys of the file.
  private struct Form: Codable {
    var kind: Kind
    var text: String?
    var opensThinking: Bool?
    enum CodingKeys: String, CodingKey {
      case kind, text
      case opensThinking = "opens_thinking"
    }
  }

  private enum Kind: RawRepresentable, Codable {
    case plain, deepSeek
    case unknown(String)
    init(rawValue: String) {
      switch rawValue {
      case "plain": self = .plain
      case "deepseek": self = .deepSeek
      default: self = .unknown(rawValue)
      }
    }
    var rawValue: String {
      switch self {
      case .plain: "plain"
      case .deepSeek: "deepseek"
      case .unknown(let kind): kind
      }
    }
  }
}
