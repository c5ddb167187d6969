// Names the settings in which two trees differ, so that errors can say what changed instead of that something did.

/// One setting that two trees do not agree on; nil where a tree does not have it.
public struct ConfigDifference: Sendable, Equatable, CustomStringConvertible {
  /// Where, as in `optimizer.beta1`; empty when the trees differ as a whole.
  public let path: String
  public let before: ConfigTree?
  public let after: ConfigTree?

  public init(path: String, before: ConfigTree?, after: ConfigTree?) {
    (self.path, self.before, self.after) = (path, before, after)
  }

  /// "steps: 120, now 200".
  public var description: String {
    func text(_ tree: ConfigTree?) -> String { tree.map(\.canonicalJSON) ?? "absent" }
    return "\(path.isEmpty ? "<root>" : path): \(text(before)), now \(text(after))"
  }
}

extension ConfigTree {
  /// The settings that changed from `before` to this tree, by path, in the order of the paths.
  public func differences(from before: ConfigTree, at path: String = "") -> [ConfigDifference] {
    switch (before, self) {
    case (.table(let old), .table(let new)):
      return Set(old.keys).union(new.keys).sorted().flatMap { key in
        Self.differences(old[key], new[key], at: ConfigPath.join(path, key))
      }
    case (.list(let old), .list(let new)) where old.count == new.count:
      return zip(old, new).enumerated().flatMap { index, pair in
        pair.1.differences(from: pair.0, at: ConfigPath.join(path, index))
      }
    default:
      // Text is compared so that .nan, which is unequal to itself, does not count as a change.
      guard before.canonicalJSON != canonicalJSON else { return [] }
      return [ConfigDifference(path: path, before: before, after: self)]
    }
  }

  private static func differences(_ old: ConfigTree?, _ new: ConfigTree?, at path: String) -> [ConfigDifference] {
    guard let old, let new else { return [ConfigDifference(path: path, before: old, after: new)] }
    return new.differences(from: old, at: path)
  }
}
