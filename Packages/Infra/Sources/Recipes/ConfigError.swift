// What is wrong with a setting, and where: one sentence a person can act on.
import Sentences

/// A setting that does not fit.
public struct ConfigError: Error, Equatable, CustomStringConvertible {
  /// Where, as in `grpo.optimizer.beta2`; empty for the recipe as a whole.
  public let path: String
  /// What was found and what would have worked.
  public let problem: String

  public init(path: String, problem: String) {
    (self.path, self.problem) = (path, problem)
  }

  public var description: String { sentenceLine("config: \(path.isEmpty ? "<root>" : path): \(problem)") }

  /// A value of the wrong kind.
  static func mismatch(at path: String, expected: String, found: ConfigTree) -> ConfigError {
    ConfigError(path: path, problem: "expected \(expected), found \(found.summary)")
  }

  /// A key that no component reads. `known` are the keys it does read, in any order.
  public static func unknownKey(_ key: String, in section: String, known: [String]) -> ConfigError {
    let list = known.sorted().joined(separator: ", ")
    let names = known.isEmpty ? "has no settings" : "has: \(list)"
    let hint = didYouMean(key, among: known)
    // A list that may be cut at its end must not hide the hint.
    return ConfigError(
      path: ConfigPath.join(section, key),
      problem: list.count > 200
        ? "no such setting\(hint); this section \(names)" : "no such setting; this section \(names)\(hint)")
  }
}
