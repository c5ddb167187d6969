// Writes a tree as YAML that people read and that reads back as the same tree. Keys are sorted, so equal trees are
// equal files.
import Yams

extension ConfigTree {
  /// The tree as YAML text with sorted keys; short lists of plain values stand on one line.
  public func yaml() throws -> String {
    do {
      return try serialize(node: node(), width: -1, allowUnicode: true)
    } catch let error as YamlError {
      throw RecipeError.unwritable(reason: "\(error)")
    }
  }

  private func node() throws -> Node {
    switch self {
    case .null: return Node("null", .implicit, .plain)
    case .bool(let value): return Node("\(value)", .implicit, .plain)
    case .int(let value): return Node("\(value)", .implicit, .plain)
    case .double(let value): return Node(Self.yamlText(value), .implicit, .plain)
    case .string(let value): return try Self.node(value)
    case .list(let list):
      return Node(try list.map { try $0.node() }, .implicit, list.allSatisfy(\.isLeaf) ? .flow : .block)
    case .table(let table):
      let pairs = try table.sorted { $0.key < $1.key }.map { (try Self.node($0.key), try $0.value.node()) }
      return Node(pairs, .implicit, table.isEmpty ? .flow : .block)
    }
  }

  private var isLeaf: Bool {
    switch self {
    case .null, .bool, .int, .double, .string: true
    case .list, .table: false
    }
  }

  /// Text is quoted when an unquoted word would mean something else, here or to readers of older YAML.
  private static func node(_ text: String) throws -> Node {
    guard !text.utf8.contains(0) else {
      throw RecipeError.unwritable(reason: "the text '\(text)' holds a NUL character")
    }
    guard text.unicodeScalars.first != "\u{FEFF}" else {
      // Reading takes it for the mark of an encoding, however it is written.
      throw RecipeError.unwritable(reason: "the text '\(text)' begins with a byte order mark")
    }
    let isPlain =
      ConfigTree(plainScalar: text) == .string(text) && Resolver.default.resolveTag(of: Node(text)) == .str
      && !text.unicodeScalars.contains("\u{FEFF}")
    return Node(text, Tag(.str), isPlain ? .any : .doubleQuoted)
  }
}
