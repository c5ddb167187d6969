// `--set grpo.groupSize=16`: one setting changed from the command line, applied to the recipe's tree.

/// One `path=value` of the command line.
public struct ConfigOverride: Sendable, Equatable {
  enum Step: Sendable, Equatable {
    /// A name; inside a list, a name of digits counts.
    case key(String)
    case index(Int)
  }
  let steps: [Step]
  public let value: ConfigTree

  /// Reads `a.b=1`, `a[0].b=text`, `a.0.b=[1, 2]`. The value is one YAML word, quoted text, list or map in brackets;
  /// nothing after the `=` is null.
  public init(parsing argument: String) throws {
    guard let equals = argument.firstIndex(of: "=") else {
      throw ConfigError(path: argument, problem: "expected path=value, as in grpo.groupSize=16")
    }
    let path = String(argument[..<equals])
    steps = try Self.steps(of: path)
    value = try Self.value(of: String(argument[argument.index(after: equals)...]), at: path)
  }

  private static func steps(of path: String) throws -> [Step] {
    func malformed() -> ConfigError {
      ConfigError(path: path, problem: "expected names joined by dots, as in a.b or a[0].b, before the '='")
    }
    return try path.split(separator: ".", omittingEmptySubsequences: false).flatMap { part -> [Step] in
      let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
      guard let name = pieces.first, !name.isEmpty, !name.contains("]") else { throw malformed() }
      return try [.key(String(name))]
        + pieces.dropFirst().map { piece in
          guard piece.last == "]", let index = Int(piece.dropLast()), index >= 0 else { throw malformed() }
          return .index(index)
        }
    }
  }

  private static func value(of text: String, at path: String) throws -> ConfigTree {
    let trimmed = text.drop { $0 == " " }
    guard let first = trimmed.first, "[{\"'".contains(first) else { return ConfigTree(plainScalar: text) }
    do {
      return try ConfigTree(yaml: String(trimmed), source: "value")
    } catch {
      throw ConfigError(path: path, problem: "the value \(text) is not YAML: \(error)")
    }
  }
}

extension ConfigTree {
  /// This tree with one setting changed. Sections that are missing on the way are made; list entries must exist.
  public func setting(_ override: ConfigOverride) throws -> ConfigTree {
    try setting(override.steps[...], to: override.value, at: "")
  }

  /// This tree with `path=value` arguments applied in order, the last one winning.
  public func setting(_ arguments: [String]) throws -> ConfigTree {
    try arguments.reduce(self) { try $0.setting(ConfigOverride(parsing: $1)) }
  }

  private func setting(_ steps: ArraySlice<ConfigOverride.Step>, to value: ConfigTree, at path: String) throws
    -> ConfigTree
  {
    guard let step = steps.first else { return value }
    switch (step, self) {
    case (.key(let key), .table), (.key(let key), .null):
      var table: [String: ConfigTree] = [:]
      if case .table(let known) = self { table = known }
      let child = table[key] ?? .null
      table[key] = try child.setting(steps.dropFirst(), to: value, at: ConfigPath.join(path, key))
      return .table(table)
    case (.key(let key), .list(let list)):
      guard let index = Int(key) else {
        throw ConfigError(path: path, problem: "expected the number of an entry, as in [0], found the name '\(key)'")
      }
      return try Self.setting(list, index, steps.dropFirst(), to: value, at: path)
    case (.index(let index), .list(let list)):
      return try Self.setting(list, index, steps.dropFirst(), to: value, at: path)
    case (.index(let index), .null):
      throw ConfigError(
        path: path, problem: "the recipe writes no list here, so it has no entry [\(index)]; set it whole")
    case (.index, _): throw ConfigError.mismatch(at: path, expected: "a list", found: self)
    case (.key, _): throw ConfigError.mismatch(at: path, expected: "a section", found: self)
    }
  }

  private static func setting(
    _ list: [ConfigTree], _ index: Int, _ steps: ArraySlice<ConfigOverride.Step>, to value: ConfigTree, at path: String
  ) throws -> ConfigTree {
    guard list.indices.contains(index) else {
      throw ConfigError(
        path: path, problem: "has no entry [\(index)]; this list has \(list.count) entries, counted from 0")
    }
    var list = list
    list[index] = try list[index].setting(steps, to: value, at: ConfigPath.join(path, index))
    return .list(list)
  }
}
