// Reads YAML into a tree. Yams parses; what a node means, and what settings cannot use, is decided here.
import Foundation
import Yams

extension ConfigTree {
  /// Reads one YAML document. Empty text is `.null`. `source` begins every error: `demo.yaml:3:7: …`.
  public init(yaml text: String, source: String = "yaml") throws {
    do {
      let root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
      var reader = NodeReader(source: source)
      self = try root.map { try reader.tree($0) } ?? .null
    } catch let error as YamlError {
      throw RecipeError(error, source: source)
    }
  }

  /// Reads a YAML file; an empty one is an empty section.
  public init(yamlFile path: String) throws {
    let bytes: Data
    do {
      bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      throw RecipeError.unreadable(path: path, reason: exists ? error.localizedDescription : "there is no such file")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw RecipeError.unreadable(path: path, reason: "it is not UTF-8 text")
    }
    let tree = try ConfigTree(yaml: text, source: path)
    self = tree == .null ? .table([:]) : tree
  }
}

/// Turns Yams nodes into trees, counting them: aliases can make a short file describe an endless tree.
private struct NodeReader {
  let source: String
  private var remaining = 100_000

  init(source: String) { self.source = source }

  mutating func tree(_ node: Node) throws -> ConfigTree {
    remaining -= 1
    guard remaining > 0 else { throw error(node, "these settings unfold to more than 100000 values") }
    switch node {
    case .scalar(let scalar): return try value(scalar, node)
    case .sequence(let sequence): return .list(try sequence.map { try tree($0) })
    case .mapping(let mapping): return .table(try table(mapping))
    case .alias: throw error(node, "this alias stands for nothing")
    }
  }

  private func value(_ scalar: Node.Scalar, _ node: Node) throws -> ConfigTree {
    switch scalar.tag.rawValue {
    case "": return scalar.style == .plain ? ConfigTree(plainScalar: scalar.string) : .string(scalar.string)
    case "!", "tag:yaml.org,2002:str": return .string(scalar.string)
    case let tag: throw error(node, "the tag '\(tag)' has no meaning here; write the plain value")
    }
  }

  private mutating func table(_ mapping: Node.Mapping) throws -> [String: ConfigTree] {
    var own: [String: ConfigTree] = [:]
    var inherited: [String: ConfigTree] = [:]
    for (key, value) in mapping {
      guard case .scalar(let name) = key else { throw error(key, "a setting's name must be a word, not a list or map") }
      let tree = try tree(value)
      if name.string == "<<", name.style == .plain {
        inherited.merge(try merged(tree, value)) { first, _ in first }
      } else if own.updateValue(tree, forKey: name.string) != nil {
        throw error(key, "the setting '\(name.string)' is written twice in one section")
      }
    }
    return own.merging(inherited) { mine, _ in mine }
  }

  /// `<<: *defaults` or `<<: [*a, *b]`: settings taken over from other sections, the first to name one winning.
  private func merged(_ tree: ConfigTree, _ node: Node) throws -> [String: ConfigTree] {
    switch tree {
    case .table(let table): return table
    case .list(let list):
      return try list.reduce(into: [:]) { all, item in all.merge(try merged(item, node)) { first, _ in first } }
    case .null, .bool, .int, .double, .string: throw error(node, "'<<' takes over a section, found \(tree.summary)")
    }
  }

  private func error(_ node: Node, _ problem: String) -> RecipeError {
    .syntax(source: source, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, problem: problem)
  }
}

extension RecipeError {
  fileprivate init(_ error: YamlError, source: String) {
    func sentence(_ context: YamlError.Context?, _ problem: String) -> String {
      context.map { "\(problem) \($0.text) that began in line \($0.mark.line)" } ?? problem
    }
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      self = .syntax(source: source, line: mark.line, column: mark.column, problem: sentence(context, problem))
    case .duplicatedKeysInMapping(let names, let context):
      let keys = names.sorted().map { "'\($0)'" }.joined(separator: ", ")
      let problem = "\(keys) \(names.count == 1 ? "is" : "are") written twice in one section"
      self = .syntax(source: source, line: context.mark.line, column: context.mark.column, problem: problem)
    case .reader(let problem, let offset, _, let yaml):
      let before = yaml.prefix(offset ?? 0)
      let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
      let column = (lines.last?.count ?? 0) + 1
      self = .syntax(source: source, line: max(1, lines.count), column: column, problem: problem)
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      self = .unreadable(path: source, reason: "\(error)")
    }
  }
}
