// A user's own texts: plain files, or JSON lines with a "text" field.
import Foundation
import Recipes

/// Which files to read.
public struct TextFileSettings: Configuration, Equatable {
  /// Files or directories. `.jsonl` files hold one object a line with a `text`; any other file is one document.
  public var paths: [String] = []
  /// The field of a JSON line that is the document.
  public var field = "text"
  public init() {}
  public func validate() throws {
    if paths.isEmpty { throw ConfigError(path: "paths", problem: "is empty; name at least one file or directory") }
  }
}

/// Documents from text files, read when the source is made.
public struct TextFileDocuments: DocumentSource {
  public let name = "text-files"
  public let specialTokens = ["<|endoftext|>"]
  public let endOfDocument = "<|endoftext|>"
  public let promptTemplate: String? = nil
  private let documents: [String]
  public var count: Int? { documents.count }

  /// Throws `DatasetError` for the first file that cannot be read as UTF-8 text.
  public init(_ settings: TextFileSettings) throws {
    documents = try settings.paths.flatMap { try Self.files(at: $0) }.flatMap { try Self.read($0, settings.field) }
    if documents.isEmpty {
      throw DatasetError(
        "\(settings.paths.joined(separator: ", ")): no documents found; expected text files or .jsonl files")
    }
  }
  public func document(_ index: Int) throws -> String {
    guard documents.indices.contains(index) else {
      throw DatasetError("text-files: there is no document \(index); there are \(documents.count)")
    }
    return documents[index]
  }

  private static func files(at path: String) throws -> [String] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw DatasetError("\(path): no such file or directory")
    }
    guard isDirectory.boolValue else { return [path] }
    let names = try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
    return names.filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }.map { "\(path)/\($0)" }.filter {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue
    }
  }
  private static func read(_ path: String, _ field: String) throws -> [String] {
    guard let data = FileManager.default.contents(atPath: path), let text = String(bytes: data, encoding: .utf8) else {
      throw DatasetError("\(path): cannot be read as UTF-8 text")
    }
    guard path.hasSuffix(".jsonl") else { return text.isEmpty ? [] : [text] }
    // Lines end with a line feed and nothing else: other breaks may stand inside a JSON text.
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return try lines.enumerated().compactMap { line, json in
      guard json.contains(where: { $0 > 0x20 }) else { return nil }
      guard let object = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any],
        let document = object[field] as? String
      else { throw DatasetError("\(path):\(line + 1): expected a JSON object with a text field '\(field)'") }
      return document
    }
  }
}
