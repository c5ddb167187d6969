// What is wrong with a setting, and where: one sentence a person can act on.

/// A setting that does not fit.
public struct ConfigError: Error, Equatable, CustomStringConvertible {
  /// Where, as in `grpo.optimizer.beta2`; empty for the recipe as a whole.
  public let path: String
  /// What was found and what would have worked.
  public let problem: String

  public init(path: String, problem: String) {
    (self.path, self.problem) = (path, problem)
  }

  public var description: String { "config: \(path.isEmpty ? "<root>" : path): \(problem)" }

  /// A value of the wrong kind.
  static func mismatch(at path: String, expected: String, found: ConfigTree) -> ConfigError {
    ConfigError(path: path, problem: "expected \(expected), found \(found.summary)")
  }

  /// A key that no component reads. `known` are the keys it does read, in any order.
  public static func unknownKey(_ key: String, in section: String, known: [String]) -> ConfigError {
    let names = known.isEmpty ? "has no settings" : "has: \(known.sorted().joined(separator: ", "))"
    return ConfigError(
      path: ConfigPath.join(section, key),
      problem: "no such setting; this section \(names)\(didYouMean(key, among: known))")
  }
}
