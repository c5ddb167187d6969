// Decodes a `ConfigTree`, naming the path of the first value that does not fit and every key that nobody reads.

enum TreeDecoder {
  /// Any value. A section that is a `Configuration` of its own is overlaid on its defaults and validated, wherever it
  /// stands: in a list, in a dictionary, or as an optional setting.
  static func decode<T: Decodable>(_ type: T.Type, from tree: ConfigTree, at path: String) throws -> T {
    if type == ConfigTree.self, let free = tree as? T { return free }
    guard let section = type as? any Configuration.Type else { return try decodeMembers(type, from: tree, at: path) }
    guard tree != .null else { throw ConfigError.mismatch(at: path, expected: "a section", found: tree) }
    guard let value = try section.init(overlaying: tree, at: path) as? T else {
      throw ConfigError(path: path, problem: "cannot be read as \(type)")
    }
    return value
  }

  /// The value's own `init(from:)`, with its errors translated, then the check that every key was asked for.
  static func decodeMembers<T: Decodable>(_ type: T.Type, from tree: ConfigTree, at path: String) throws -> T {
    let questions = Questions()
    let value: T
    do {
      value = try T(from: TreeReader(tree: tree, path: path, questions: questions))
    } catch let error as ConfigError {
      throw error
    } catch let error as DecodingError {
      throw ConfigError(path: path, problem: problem(error, decoding: type, from: tree))
    } catch {
      throw ConfigError(path: path, problem: "\(error)")
    }
    try questions.refuseUnread(of: tree, at: path)
    return value
  }

  private static func problem<T>(_ error: DecodingError, decoding type: T.Type, from tree: ConfigTree) -> String {
    if let choices = type as? any CaseIterable.Type, case let names = rawValues(of: choices), !names.isEmpty {
      var hint = ""
      if case .string(let found) = tree { hint = didYouMean(found, among: names) }
      return "expected one of \(names.joined(separator: ", ")), found \(tree.summary)\(hint)"
    }
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
      .dataCorrupted(let context):
      return "\(context.debugDescription) (found \(tree.summary))"
    @unknown default: return "\(error)"
    }
  }

  private static func rawValues<C: CaseIterable>(of type: C.Type) -> [String] {
    type.allCases.compactMap { ($0 as? any RawRepresentable).map { "\($0.rawValue)" } }
  }
}

/// Which sections a value opened while it was decoded, and which of their keys it asked for.
final class Questions {
  final class Section {
    let path: String
    let table: [String: ConfigTree]
    var asked: Set<String> = []
    init(path: String, table: [String: ConfigTree]) { (self.path, self.table) = (path, table) }
  }
  private var sections: [String: Section] = [:]
  /// Whether the value looked at the tree at all. Types without properties do not.
  var hasBegun = false

  /// The section at `path`; opening it twice continues the same record.
  func open(_ path: String, _ table: [String: ConfigTree]) -> Section {
    if let known = sections[path] { return known }
    let section = Section(path: path, table: table)
    sections[path] = section
    return section
  }

  /// Refuses keys that nobody asked for in what was decoded from `tree`.
  func refuseUnread(of tree: ConfigTree, at path: String) throws {
    if !hasBegun {
      guard case .table(let table) = tree else {
        throw ConfigError.mismatch(at: path, expected: "a section", found: tree)
      }
      _ = open(path, table)
    }
    for section in sections.values.sorted(by: { $0.path < $1.path }) {
      let unread = section.table.keys.filter { !section.asked.contains($0) }
      guard let key = unread.min() else { continue }
      throw ConfigError.unknownKey(key, in: section.path, known: Array(section.asked))
    }
  }
}

struct TreeReader: Decoder {
  let tree: ConfigTree
  let path: String
  let questions: Questions
  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    questions.hasBegun = true
    guard case .table(let table) = tree else {
      throw ConfigError.mismatch(at: path, expected: "a section", found: tree)
    }
    return KeyedDecodingContainer(SectionReader<Key>(section: questions.open(path, table), questions: questions))
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    questions.hasBegun = true
    guard case .list(let list) = tree else { throw ConfigError.mismatch(at: path, expected: "a list", found: tree) }
    return ListReader(list: list, path: path, questions: questions)
  }
  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    questions.hasBegun = true
    return ValueReader(tree: tree, path: path)
  }
}
